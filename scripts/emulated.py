#!/usr/bin/env python3
"""emulated.py ARCH SEDGE [--only SUITE,...] [--tiers TIER,...]: the suites of ../shared on another
processor, by qemu-user.

Runs the specification's scripts, the WASI suite, the benchmark programs and the core guests with
SEDGE, a program that starts the emulated one, on each of its tiers, and prints how many passed and
what failed. `auto` is every tier in turn, with thresholds of 1. `llvm` is code that this machine's
sedgec makes: the emulated sedge asks it for scripts and guests, and for programs `sedge compile
--target ARCH-linux` comes before the run. scripts/cross.sh ARCH --suites calls this.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("SEDGE_SHARED", ROOT.parent / "shared")).resolve()
HOST = ROOT / "build" / "release"
TIERS = {
    "interp": ["--tier", "interp"],
    "baseline": ["--tier", "baseline"],
    "auto": ["--tier", "auto", "--tier-threshold", "1"],
    "llvm": ["--tier", "llvm"],
}
# Minutes and more in an emulated interpreter; the other tiers run them.
LONG = {"shootout-ed25519", "shootout-seqhash"}
TIMEOUT = 900


class Machine:
    """The emulated sedge."""

    def __init__(self, arch, sedge):
        self.arch = arch
        self.words = [str(pathlib.Path(sedge).resolve())]
        self.environment = {**os.environ, "SEDGEC": str(HOST / "sedgec"), "SEDGE_CACHE": "off"}

    def run(self, arguments, cwd=None, text=b""):
        """Exit status, standard output and error; 'too long' instead of a status."""
        try:
            done = subprocess.run(self.words + [str(a) for a in arguments], cwd=cwd, input=text,
                                  capture_output=True, env=self.environment, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as late:
            return "too long", late.stdout or b"", late.stderr or b""
        return done.returncode, done.stdout, done.stderr

    def compile(self, module, output):
        subprocess.run([HOST / "sedge", "compile", "--target", f"{self.arch}-linux", "-o", output,
                        module], check=True)


class Count:
    def __init__(self):
        self.passed, self.failures, self.skipped = 0, [], 0

    def add(self, name, why):
        if why is None:
            self.passed += 1
        else:
            self.failures.append(name)
            print(f"  FAILED {name}: {why}", flush=True)


def spec(machine, tier, count):
    """Counts assertions and other commands."""
    folder = SHARED / "suites" / "spec"
    for script in sorted(folder.rglob("*.wast")):
        name = str(script.relative_to(folder))
        status, out, err = machine.run(["wast", "--json", "--deviations",
                                        ROOT / "test" / "wast_deviations.txt"] + TIERS[tier] + [name],
                                       cwd=folder)
        try:
            report = json.loads(out)
        except ValueError:
            count.add(name, f"{status} {err.decode(errors='replace')[-500:]}")
            continue
        count.passed += report["passed"]
        if report["failed"] or status != 0:
            count.add(name, json.dumps([s for s in report["scripts"] if s.get("failures")])[:1000])


def expected_of(program):
    """What a WASI program is to be given and to do, in both forms of the suite's JSON."""
    about = {"args": [], "env": {}, "root": "", "exit_code": 0, "in": "", "out": None, "err": None}
    path = program.with_suffix(".json")
    if not path.exists():
        return about
    given = json.loads(path.read_text())
    if "operations" not in given:
        given = {"operations": [{"type": "run", **given}, {"type": "wait", **given}] + [
            {"type": "read", "id": stream, "payload": given[stream]}
            for stream in ("stdout", "stderr") if stream in given]}
    for step in given["operations"]:
        kind = step["type"]
        if kind == "run":
            about.update({key: step[key] for key in ("args", "env", "root") if key in step})
        elif kind == "wait":
            about["exit_code"] = step.get("exit_code", 0)
        elif kind == "read":
            about["err" if step.get("id") == "stderr" else "out"] = step.get("payload", "")
        elif kind == "write":
            about["in"] += step.get("payload", "")
    return about


def run_wasi(machine, tier, program, module):
    about = expected_of(program)
    with tempfile.TemporaryDirectory() as scratch:
        words = ["run"] + TIERS[tier]
        if tier == "llvm":
            words = ["run", "--allow-precompiled"]
        if about["root"]:
            root = pathlib.Path(scratch, "root")
            shutil.copytree(program.parent / about["root"], root)
            for path in [root, *root.rglob("*")]:
                path.chmod(path.stat().st_mode | 0o700)
            words += ["--dir", f"{root}::/"]
        for key, value in about["env"].items():
            words += ["--env", f"{key}={value}"]
        status, out, err = machine.run(words + [module] + about["args"], text=about["in"].encode())
    if status != about["exit_code"]:
        return f"exit status {status}: {err.decode(errors='replace')[-300:]}"
    for name, got in (("out", out), ("err", err)):
        if about[name] is not None and got.decode(errors="replace") != about[name]:
            return f"std{name} is {got[:200]!r}"
    return None


def wasi(machine, tier, count):
    programs = sorted((SHARED / "suites" / "wasi").glob("*/wasm32-wasip1/*.wasm"))
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            module = program
            if tier == "llvm":
                # Under its own name: programs look at it.
                module = pathlib.Path(folder, program.name)
                machine.compile(program, module)
            name = f"{program.parent.parent.name}/{program.stem}"
            count.add(name, run_wasi(machine, tier, program, module))


def bench(machine, tier, count):
    with tempfile.TemporaryDirectory() as folder:
        for place in sorted((SHARED / "bench" / "programs").iterdir()):
            program = place / f"{place.name}.wasm"
            if tier == "interp" and place.name in LONG:
                count.skipped += 1
                continue
            words = ["run", "--dir", ".::."] + TIERS[tier]
            if tier == "llvm":
                native = pathlib.Path(folder, program.name)
                machine.compile(program, native)
                program = native
                words = ["run", "--dir", ".::.", "--allow-precompiled"]
            began = time.monotonic()
            status, out, err = machine.run(words + [program], cwd=place)
            wanted = next(place.glob("*stdout.expected"), None)
            why = None
            if status != 0:
                why = f"exit status {status}: {err.decode(errors='replace')[-300:]}"
            elif wanted is not None and out != wanted.read_bytes():
                why = f"its output is {out[:200]!r}"
            elif b"native code in the module is not used" in err:
                why = err.decode()
            count.add(place.name, why)
            print(f"  {place.name}: {time.monotonic() - began:.1f} s", flush=True)


def guests(machine, tier, count):
    """The programs of guests/check.sh, which says how each went."""
    done = subprocess.Popen([SHARED / "guests" / "check.sh", *machine.words, "run", *TIERS[tier]],
                            stdout=subprocess.PIPE, env=machine.environment, text=True)
    for line in done.stdout:
        print(f"  {line}", end="", flush=True)
        name, _, _, how = line.split(None, 3)
        count.add(name, None if how.strip() == "ok" else how.strip())
    done.wait()


SUITES = {"spec": spec, "wasi": wasi, "bench": bench, "guests": guests}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", choices=["aarch64", "riscv64"])
    parser.add_argument("sedge", metavar="SEDGE")
    parser.add_argument("--only", default=",".join(SUITES), metavar="SUITE,...")
    parser.add_argument("--tiers", metavar="TIER,...")
    options = parser.parse_args()
    tiers = list(TIERS) if options.arch == "aarch64" else ["interp", "llvm"]
    if options.tiers:
        tiers = options.tiers.split(",")
    if not SHARED.is_dir():
        print(f"emulated: {SHARED} is missing: there is nothing to run")
        return 0
    machine = Machine(options.arch, options.sedge)
    failed = False
    for suite in options.only.split(","):
        for tier in tiers:
            print(f"emulated: {options.arch}: {suite} on {tier}", flush=True)
            count = Count()
            SUITES[suite](machine, tier, count)
            skipped = f", {count.skipped} too long to be run" if count.skipped else ""
            print(f"emulated: {options.arch}: {suite} on {tier}: {count.passed} passed, "
                  f"{len(count.failures)} failed{skipped}", flush=True)
            failed |= bool(count.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
