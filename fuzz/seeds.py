#!/usr/bin/env python3
"""seeds.py TARGET FOLDER SHARED: writes the seeds of a fuzz target into FOLDER.

Text seeds are the modules of the specification's scripts in SHARED, binary ones the same through
`sedge parse` (build/release/sedge, where it has been built) and the small guests. Without SHARED only
the seeds that are written here are used. A folder that has seeds is left as it is.
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEDGE = ROOT / "build" / "release" / "sedge"
MAX_BYTES = 16384

HTTP = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /x?y=%20 HTTP/1.0\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nz",
    b"GET http://h:1/abs HTTP/1.1\r\nHost: h:1\r\nX: a\tb \r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
]

ROUTER = [
    b"routes:\n  - path: /api/ai/*\n    runtime: wasmedge\n    module: /wasm/ai.wasm\n"
    b"    pool_size: 5\n    memory_limit_mb: 128\n  - path: /x\n    runtime: wasmer\n"
    b"    module: y.wasm\n    backend: cranelift\n",
    b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  router.yaml: |\n"
    b"    routes:\n      - path: /api/*\n        runtime: wasmtime\n        module: m.wasm\n"
    b"        wasi: preview2\n        pool_size: 3\n",
    b"routes: [{path: /a, module: &m m.wasm}, {path: /b, module: *m, kind: json}]\n",
]


def modules(text):
    """The `(module ...)` forms at the top of a script, or inside its assertions."""
    at = 0
    while (at := text.find("(module", at)) >= 0:
        depth, i, quoted = 0, at, False
        while i < len(text):
            c = text[i]
            if quoted:
                i += c == "\\"
                quoted = c != '"'
            elif c == '"':
                quoted = True
            elif text.startswith(";;", i):
                i = text.find("\n", i)
                if i < 0:
                    return
            elif c == "(":
                depth += 1
            elif c == ")":
                depth -= 1
                if depth == 0:
                    break
            i += 1
        form = text[at:i + 1]
        if len(form) <= MAX_BYTES and "(module binary" not in form and "(module quote" not in form:
            yield form
        at = i + 1


def text_seeds(shared, per_file):
    for script in sorted((shared / "suites" / "spec").rglob("*.wast")):
        for index, form in enumerate(modules(script.read_text(errors="replace"))):
            if index == per_file:
                break
            yield form.encode()


def binary_seeds(shared):
    for path in sorted((shared / "guests" / "wasm").glob("*.wasm")):
        if path.stat().st_size <= MAX_BYTES * 2:
            yield path.read_bytes()
    if not SEDGE.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "m.wat"), pathlib.Path(folder, "m.wasm")
        for form in text_seeds(shared, 4):
            source.write_bytes(form)
            done = subprocess.run([SEDGE, "parse", source, "-o", target], capture_output=True)
            if done.returncode == 0:
                yield target.read_bytes()


def main():
    target, folder, shared = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    sources = {
        "http": lambda: HTTP,
        "router": lambda: ROUTER,
        "text": lambda: text_seeds(shared, 12),
        "decode": lambda: binary_seeds(shared),
        "validate": lambda: binary_seeds(shared),
    }
    for seed in sources.get(target, lambda: [])():
        (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    main()
