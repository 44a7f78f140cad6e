// A WASI 0.1 command on node: wasi.mjs FOLDERS MODULE ARGUMENT..., FOLDERS in JSON as {GUEST: HOST}.
// A module without a memory has nothing to do with WASI: node would not start it.
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [folders, module, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [module, ...args],
  preopens: JSON.parse(folders),
  returnOnExit: true,
});
const { instance } = await WebAssembly.instantiate(await readFile(module), wasi.getImportObject());
process.exitCode = instance.exports.memory ? wasi.start(instance) : instance.exports._start();
