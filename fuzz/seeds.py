#!/usr/bin/env python3
"""seeds.py TARGET FOLDER SHARED: writes the seeds of a fuzz target into FOLDER.

Text seeds are the modules and components of the specification's scripts in SHARED and the components of
the project's own, binary ones the same through `sedge parse` (build/release/sedge, where it has been
built) and the small guests. Without SHARED only the project's own are used.
"""

import hashlib
import itertools
import pathlib
import random
import re
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
    b"routes:\n- {module: a.wasm, schedule: '*/5 9-17 1,15 jan-jun mon', task: t}\n"
    b"- {path: /e, module: b.wasm, events: inbox, kind: serverless}\n",
    b"routes:\n- {path: /k, module: c.wasm, config: {a: b}, keyvalue: kept.db, net: ['tcp:*:80']}\n"
    b"- {path: /l, module: c.wasm, config: [x=y], keyvalue: memory}\n",
    b"routes: [{path: /a, module: &m m.wasm}, {path: /b, module: *m, kind: json}]\n",
]

COMMAND_LINE = [
    b"\0--dir\n.:.\n--memory-page-limit\n512\n--preload\na:b.wasm\nx.wasm\nhandle",
    b"\1in.wasm\nout.wasm",
    b"\2run\n--wasi\npreview2\n-W\nfuel=1,simd=n\n-Ccompiler=winch\nx.wasm",
    b"\3run\n--net\nhost\n--backend\ncranelift\nx.wasm",
    b"\4component\nnew\nx.wasm\n-o\ny.wasm",
    b"\0- scenario: A\n  needs_ai_inference: true\n  target_architectures: [a, b]\n",
]

CGI = [
    b"Content-Type: text/plain\r\n\r\nhi",
    b"Status: 404 Not Found\nX-A: b\n\n",
    b"Location: /x\n\n",
    b"br;q=0.5, gzip, *;q=0",
]

# Behind a byte that picks the type (fuzz/wave.cc).
WAVE = [
    bytes([index]) + text
    for index, text in [
        (0, b"true"), (2, b"-128"), (7, b"18446744073709551615"), (9, b"-3.5e-7"), (10, b"nan"), (10, b"-inf"),
        (11, b"'\\u{1f600}'"), (12, b'"a\\"\\n\xc3\xa9"'), (13, b'["a", "b",]'), (14, b"[1, 255] // two"),
        (16, b'[("a", 1)]'), (17, b'{b-c: true, %none: some(1)}'), (18, b"(0.1, 'x', some(none), ok(err))"),
        (19, b'err("x")'), (19, b"%nan"), (20, b"some(%none)"), (21, b"err((1))"), (22, b"none"), (23, b"ok(1)"),
        (26, b"{x: 1}"), (27, b"{a, %true}"), (28, b'[some([ok("a"), err]), none]'), (30, bytes(range(40, 140))),
    ]
]

AUTHORITY = [
    b"example.com:8080\n/a/b?c=%20\nhttps\nexample.com\n*.example.com:8000-8999\ndeny:example.com",
    b"[::1]:443\n/\nhttp\ntcp:[::1]:443\ntcp:fe80::/10:*\nudp:*:53\ndeny:tcp:10.0.0.0/8:*",
    b"user:word@127.0.0.1:1\n*\nwss\ntcp:127.0.0.1:1-65535\ntcp-listen:0.0.0.0:0\ndns:*.internal",
    b"localhost.\nx\nh+t.p\nLOCALHOST\n*:80\n127.0.0.1:80\n:8080\n[::]:0",
]


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field(name, value):
    """A field without compression."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def http2_seeds():
    """Frames as they go over the wire (behind a byte whose lowest bit is 0), and in the target's
    own notation: type, flags, stream, length, payload (behind one whose lowest bit is 1)."""

    def head(method, path, *fields):
        block = field(b":method", method) + field(b":scheme", b"http")
        return block + field(b":authority", b"a") + field(b":path", path) + b"".join(fields)

    get = head(b"GET", b"/")
    conversations = [
        [(4, 0, 0, b""), (1, 5, 1, get), (1, 5, 3, head(b"GET", b"/late"))],
        [(4, 0, 0, b"\0\4\0\0\0\0"), (1, 5, 1, head(b"GET", b"/pipe")), (8, 0, 1, b"\0\0\0\5")],
        [(4, 0, 0, b""), (1, 4, 1, head(b"POST", b"/stream")), (0, 0, 1, b"ab"), (0, 1, 1, b"c")],
        [(4, 0, 0, b""), (1, 4, 1, head(b"POST", b"/x", field(b"content-length", b"3"))), (0, 1, 1, b"abc")],
        [(4, 0, 0, b""), (1, 4, 1, head(b"POST", b"/")), (0, 8, 1, b"\2ab\0\0"), (1, 5, 1, field(b"t", b"v"))],
        [(4, 0, 0, b""), (1, 1, 1, get), (9, 0, 1, field(b"cookie", b"a=b")), (9, 4, 1, field(b"x", b"y"))],
        [(4, 0, 0, b""), (1, 5, 1, head(b"GET", b"/late")), (3, 0, 1, b"\0\0\0\x08"), (6, 0, 0, b"12345678")],
        [(4, 0, 0, b""), (1, 0x25, 1, b"\0\0\0\0\x10" + get), (2, 0, 3, b"\0\0\0\1\x10"), (7, 0, 0, b"\0" * 8)],
        [(4, 0, 0, b""), (1, 4, 1, head(b"POST", b"/stream", field(b"expect", b"100-continue"))), (0, 1, 1, b"z")],
        [(4, 0, 0, b""), (7, 0, 0, b"\0" * 8), (1, 5, 1, get)],
        # Indexed and Huffman-coded fields of RFC 7541, appendix C.4.1.
        [(4, 1, 0, b""), (1, 5, 1, bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff"))],
    ]
    for frames in conversations:
        yield b"\0" + b"".join(frame(*each) for each in frames)
        yield b"\1" + b"".join(bytes([kind, flags, stream, len(load)]) + load for kind, flags, stream, load in frames)


CHAR = re.compile(r"(?<=[\s(])'(\\u\{\w+\}|\\.|[^\\\"])'(?=[\s)])")


def forms(text, keyword="module"):
    """The `(module ...)` forms at the top of a script, or inside its assertions."""
    at = 0
    while (at := text.find("(" + keyword, at)) >= 0:
        depth, i, quoted = 0, at, False
        while i < len(text):
            c = text[i]
            if quoted:
                i += c == "\\"
                quoted = c != '"'
            elif c == '"':
                quoted = True
            elif c == "'" and (char := CHAR.match(text, i)):
                i = char.end() - 1
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
        if len(form) <= MAX_BYTES and form.split(None, 2)[1:2] not in (["binary"], ["quote"]):
            yield form
        at = i + 1


WAC = [
    b"package t:app@1.0.0;\nlet a = new a:b { ... };\nlet c = new a:c { x: a.x, ...a, ... };\n"
    b"export c.y as \"z\";\nexport a...;\n",
    b"package t:app;\ninterface i { record r { n: u32 } f: func(r: r); }\nimport e: i;\n"
    b"import f as g: func(a: list<u8>) -> string;\n"
    b"export (new a:c { \"t:a/x@0.2.0\": (new a:b {})[\"t:a/x@0.2.1\"], ... }).y;\n",
    b"package t:app;\ntype a = u8;\nrecord r { x: list<a> }\nvariant v { p(r), q }\n"
    b"flags %flags { p }\nenum e { p }\ntype f = func(x: r) -> v;\ntype g = func(x: a);\n"
    b"import k: g;\ninterface i { use j.{t}; type h = func(x: t); go: h; }\n"
    b"interface j { type t = u32; resource s { constructor(); } }\ntype n = func();\n"
    b"world %world { import i; export d: interface { f: func(); }; import n: n; include w; }\n"
    b"world w { type h = func(); export x: h; }\nexport r as \"s\";\nexport k;\n",
    b"package t:app targets t:a/w;\nworld w { include t:a/b@1.0.0 with { x as y }; }\n"
    b"import s: t:a/streams;\nimport u as \"x\": t:a/error@0.2.0;\n",
]


def script_seeds(folder, per_file, keyword):
    for script in sorted(folder.rglob("*.wast")):
        for form in itertools.islice(forms(script.read_text(errors="replace"), keyword), per_file):
            yield form.encode()


def text_seeds(shared, per_file):
    yield from script_seeds(shared / "suites" / "spec", per_file, "module")


def component_seeds(shared):
    for folder, per_file in [(ROOT / "test" / "component", 60), (shared / "suites" / "component-model", 20)]:
        yield from script_seeds(folder, per_file, "component")


def wit_seeds(shared):
    for path in sorted((shared / "suites" / "wit").rglob("*.wit")):
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            yield path.read_bytes()


def binaries(texts, *options):
    """What `sedge parse` makes of them, where it has been built."""
    if not SEDGE.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "m.wat"), pathlib.Path(folder, "m.wasm")
        for text in texts:
            source.write_bytes(text)
            done = subprocess.run([SEDGE, "parse", *options, source, "-o", target], capture_output=True)
            if done.returncode == 0:
                yield target.read_bytes()


def binary_seeds(shared):
    for path in sorted((shared / "guests" / "wasm").glob("*.wasm")):
        if path.stat().st_size <= MAX_BYTES * 2:
            yield path.read_bytes()
    yield from binaries(text_seeds(shared, 4))


def tier_seeds(shared):
    """Real modules, and choices for the generator."""
    choices = random.Random(1)
    for size in range(40, 1640, 40):
        yield choices.randbytes(size)
    yield from binary_seeds(shared)


def main():
    target, folder, shared = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        "http": lambda: HTTP,
        "http2": http2_seeds,
        "router": lambda: ROUTER,
        "command_line": lambda: COMMAND_LINE,
        "cgi": lambda: CGI,
        "text": lambda: text_seeds(shared, 12),
        "component": lambda: binaries(component_seeds(shared), "--no-validate"),
        "component_text": lambda: component_seeds(shared),
        "wave": lambda: WAVE,
        "authority": lambda: AUTHORITY,
        "decode": lambda: binary_seeds(shared),
        "wit": lambda: wit_seeds(shared),
        "wac": lambda: WAC,
        "validate": lambda: binary_seeds(shared),
        "tiers": lambda: tier_seeds(shared),
    }
    for seed in sources.get(target, lambda: [])():
        (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    main()
