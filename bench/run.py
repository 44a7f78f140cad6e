#!/usr/bin/env python3
"""Measures build/release/sedge against peers in the same run and writes docs/performance.md.

  run.py [SECTION...] [--runs N] [--seconds N] [--programs a,b] [--no-write]

Sections: start, interp, tiers, peers, gc, validate, baseline, instantiate, serve, latency (default: all).
Peers are found on PATH (wasmtime, wasmer, wasmedge, wasm3, iwasm, node, wasm-tools, wrk, wrk2); one that is
not there is left out and named. What each section measures is in bench/README.md.
"""

import argparse
import contextlib
import datetime
import json
import math
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
OUT = ROOT / "build" / "bench"
SEDGE = ROOT / "build" / "release" / "sedge"
SHARED = pathlib.Path(os.environ.get("SEDGE_SHARED", ROOT.parent / "shared"))
REPORT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
LINK = ["-static-libstdc++", "-static-libgcc", "-fuse-ld=lld-22", "-Wl,--gc-sections"]


def tool(name):
    path = shutil.which(name)
    if not path:
        print(f"bench: {name} is not installed: left out", file=sys.stderr)
    return path


def compile_cc(name):
    target = OUT / name
    source = BENCH / f"{name}.cc"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["clang++-22", "-std=c++23", "-O2", *LINK, str(source), "-o", str(target)],
                       check=True)
    return target


def spawn(runs, commands, cwd=None, pin=False):
    """[{min, median, cpu, rss}] per command, in ns and KiB; None if a run fails."""
    line = [str(compile_cc("spawn")), str(runs)]
    for i, command in enumerate(commands):
        line += (["--"] if i else []) + [str(word) for word in command]
    if pin:
        line = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] + line
    done = subprocess.run(line, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        print(f"bench: {done.stderr.strip()}", file=sys.stderr)
        return None
    rows = [[int(word) for word in row.split()] for row in done.stdout.splitlines()]
    return [dict(zip(("min", "median", "cpu", "rss"), row)) for row in rows]


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def ms(ns):
    return f"{ns / 1e6:.2f}" if ns < 1e8 else f"{ns / 1e6:.0f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def hello_wasm():
    wasm = OUT / "hello.wasm"
    subprocess.run([SEDGE, "parse", BENCH / "hello.wat", "-o", wasm], check=True)
    return wasm


def start(args):
    """Process start: a module that writes one line."""
    wasm = hello_wasm()
    commands = {"C++ floor": [compile_cc("floor")], "sedge": [SEDGE, "run", wasm]}
    for name, words in (("wasm3", []), ("iwasm", []), ("wasmtime", ["run"])):
        if tool(name):
            commands[name] = [name, *words, wasm]
    got = spawn(max(200, args.runs * 20), list(commands.values()))
    if not got:
        return None
    floor = got[0]
    rows = [(name, ms(r["min"]), ms(r["median"]), f"{r['median'] / floor['median']:.2f}",
             f"{r['rss'] / 1024:.1f}", f"{(r['rss'] - floor['rss']) / 1024:+.1f}")
            for name, r in zip(commands, got)]
    stripped = OUT / "sedge.stripped"
    subprocess.run(["strip", "-o", str(stripped), str(SEDGE)], check=True)
    return ("Aim: `sedge` at most 1.5 times the floor and 3 MB more.\n\n" +
            table(("", "min ms", "median ms", "x floor", "peak MB", "over floor MB"), rows) +
            f"\n\n`sedge` without symbols: {stripped.stat().st_size / 1e6:.2f} MB. Aim: at most 8.")


def expected(wasm):
    for name in (f"{wasm.stem}.stdout.expected", "stdout.expected"):
        if (wasm.parent / name).exists():
            return (wasm.parent / name).read_bytes().strip()
    return None


def interp(args):
    """Interpreters: whole runs of bench/programs of the shared folder."""
    found = sorted((SHARED / "bench" / "programs").glob("*/*.wasm"))
    if args.programs:
        found = [wasm for wasm in found if wasm.stem in args.programs.split(",")]
    if not found:
        print(f"bench: no programs below {SHARED}/bench: interp left out", file=sys.stderr)
        return None
    engines = {"sedge": lambda w: [SEDGE, "run", "--tier", "interp", "--dir", ".", w.name]}
    if tool("wasm3"):
        engines["wasm3"] = lambda w: ["wasm3", "--stack-size", "1000000", w.name]
    if tool("iwasm"):
        engines["WAMR fast"] = lambda w: ["iwasm", "--interp", "--stack-size=1000000", "--dir=.",
                                          w.name]
    rows, ratios = [], {name: [] for name in engines}
    for wasm in found:
        # The first run checks the output; where it took seconds it also is the measurement.
        good, result = {}, {}
        for name, command in engines.items():
            begin = time.perf_counter_ns()
            try:
                done = subprocess.run(command(wasm), cwd=wasm.parent, stdin=subprocess.DEVNULL,
                                      capture_output=True, timeout=args.timeout)
            except subprocess.TimeoutExpired:
                print(f"bench: {name} takes too long over {wasm.stem}", file=sys.stderr)
                continue
            took = time.perf_counter_ns() - begin
            want = expected(wasm)
            if done.returncode == 0 and (want is None or done.stdout.strip() == want):
                good[name] = command(wasm)
                result[name] = {"min": took}
            else:
                print(f"bench: {name} does not run {wasm.stem}", file=sys.stderr)
        if good and max(r["min"] for r in result.values()) < 3e9:
            got = spawn(args.runs, list(good.values()), cwd=wasm.parent)
            result = dict(zip(good, got)) if got else {}
        cells = []
        for name in engines:
            cells.append(ms(result[name]["min"]) if name in result else "-")
            if name in result and "sedge" in result:
                ratios[name].append(result["sedge"]["min"] / result[name]["min"])
        rows.append((wasm.stem, *cells))
        print(f"  {wasm.stem}: {', '.join(map(str, cells))}", file=sys.stderr)
    text = table(("program, ms (min)", *engines), rows)
    for name in engines:
        if name != "sedge" and ratios[name]:
            text += (f"\n\nsedge takes **{geomean(ratios[name]):.2f}** times the time of {name} "
                     f"(geometric mean of {len(ratios[name])} programs; aim: at most 1.0).")
    return text


def wait_for_sedgec(seconds=120):
    """Until sedgec, which outlives a short program, has left its code in the cache."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        if subprocess.run(["pgrep", "-x", "sedgec"], capture_output=True).returncode:
            return
        time.sleep(0.1)
    print("bench: sedgec still runs", file=sys.stderr)


def tiers(args):
    """Tiers: processor time of whole runs of bench/programs, without sedgec's own."""
    found = sorted((SHARED / "bench" / "programs").glob("*/*.wasm"))
    if args.programs:
        found = [wasm for wasm in found if wasm.stem in args.programs.split(",")]
    head = ("program, ms", "baseline", "auto, first run", "auto, second run", "compiled before")
    rows, ratios = [], {"first": [], "second": [], "compiled": []}
    for wasm in found:
        with tempfile.TemporaryDirectory() as folder:
            cache = pathlib.Path(folder) / "cache"
            native = pathlib.Path(folder) / "native.wasm"

            def run(*options, module=wasm.name):
                return [SEDGE, "run", "--dir", ".", *options, module]

            def measure(command, runs=args.runs):
                got = spawn(runs, [command], cwd=wasm.parent)
                return got[0]["cpu"] if got else None

            baseline = measure(run("--tier", "baseline", "--no-cache"))
            first, kept = None, False
            for _ in range(args.runs):
                shutil.rmtree(cache, ignore_errors=True)
                took = measure(run("--cache-dir", cache), 1)
                first = took if first is None else min(first, took or first)
                wait_for_sedgec()
                kept = cache.exists() and any(cache.glob("*.code"))
            second = measure(run("--cache-dir", cache)) if kept else None
            made = subprocess.run([SEDGE, "compile", wasm, "-o", native], capture_output=True)
            compiled = None
            if made.returncode == 0:
                compiled = measure(run("--allow-precompiled", "--no-cache", module=native))
        row = (baseline, first, second, compiled)
        for name, value in zip(ratios, row[1:]):
            if baseline and value:
                ratios[name].append(value / baseline)
        rows.append((wasm.stem, *(ms(value) if value else "-" for value in row)))
        print(f"  {rows[-1]}", file=sys.stderr)
    text = table(head, rows)
    text += "\n\nGeometric means against the baseline tier: " + ", ".join(
        f"{name} **{geomean(values):.2f}** ({len(values)} programs)"
        for name, values in ratios.items() if values) + "."
    return text + "\n`-`: the program ends before anything is optimised."


class Engine:
    """A way to run a program: `run(wasm, folders, arguments)`; `compile(wasm, out)` comes before it."""

    def __init__(self, name, program, run, compile=None):
        self.name, self.program, self.run, self.compile = name, program, run, compile


def mapped(option, form):
    """Words that give a guest its folders: (HOST, GUEST) pairs."""
    return lambda folders: [word for host, guest in folders
                            for word in (option, form.format(host=host, guest=guest))]


def peer_engines(scratch):
    """First runs, then runs of what was compiled (or left in the cache) before."""
    cache = scratch / "cache"
    sedge = lambda *options: lambda wasm, folders, arguments: [
        SEDGE, "run", *options, *mapped("--dir", "{host}::{guest}")(folders), wasm, *arguments]
    wasmtime = lambda *options: lambda wasm, folders, arguments: [
        "wasmtime", "run", "-C", "cache=n", *options,
        *mapped("--dir", "{host}::{guest}")(folders), wasm, *arguments]
    # Its guests begin in /, which "." cannot name.
    wasmer = lambda *options: lambda wasm, folders, arguments: [
        "wasmer", "run", *options, *mapped("--volume", "{host}:{guest}")(
            [(host, "/" if guest == "." else guest) for host, guest in folders]), wasm, "--",
        *arguments]
    wasmedge = lambda *options: lambda wasm, folders, arguments: [
        "wasmedge", *options, *mapped("--dir", "{guest}:{host}")(folders), wasm, *arguments]
    iwasm = lambda wasm, folders, arguments: [
        "iwasm", "--stack-size=1000000",
        *(f"--map-dir={guest}::{host}" for host, guest in folders), wasm, *arguments]
    first = [
        Engine("sedge", SEDGE, sedge("--cache-dir", cache)),
        Engine("sedge baseline", SEDGE, sedge("--no-cache", "--tier", "baseline")),
        Engine("wasmtime", "wasmtime", wasmtime()),
        Engine("Winch", "wasmtime", wasmtime("-C", "compiler=winch")),
        Engine("Wasmer Cranelift", "wasmer", wasmer("--disable-cache", "--cranelift")),
        Engine("Wasmer Singlepass", "wasmer", wasmer("--disable-cache", "--singlepass")),
        Engine("Wasmer LLVM", "wasmer", wasmer("--disable-cache", "--llvm")),
        Engine("WasmEdge", "wasmedge", wasmedge()),
        Engine("WAMR", "iwasm", iwasm),
        Engine("wasm3", "wasm3", lambda wasm, folders, arguments: [
            "wasm3", "--stack-size", "1000000", wasm, *arguments] if not folders else None),
        Engine("node", "node", lambda wasm, folders, arguments: [
            "node", "--no-warnings", BENCH / "wasi.mjs", json.dumps(dict(
                (guest, str(host)) for host, guest in folders)), wasm, *arguments]),
    ]
    second = [
        Engine("sedge", SEDGE, sedge("--cache-dir", cache)),
        Engine("sedge compile", SEDGE, sedge("--allow-precompiled", "--no-cache"),
               lambda wasm, out: [SEDGE, "compile", "--no-cache", wasm, "-o", out]),
        Engine("wasmtime", "wasmtime", wasmtime("--allow-precompiled"),
               lambda wasm, out: ["wasmtime", "compile", wasm, "-o", out]),
        Engine("Wasmer LLVM", "wasmer", wasmer(),
               lambda wasm, out: ["wasmer", "compile", "--llvm", wasm, "-o", out]),
        Engine("WasmEdge AOT", "wasmedge", wasmedge("--run-mode", "aot"),
               lambda wasm, out: ["wasmedge", "compile", wasm, out]),
    ]
    there = {program: tool(program) if isinstance(program, str) else program
             for program in {engine.program for engine in first + second}}
    return cache, *([e for e in engines if there[e.program]] for engines in (first, second))


def peer_programs(scratch):
    """(name, wasm, folders, arguments, what the last line must be or None, native command or None)."""
    guests, data = SHARED / "guests", scratch / "data"
    data.mkdir()
    programs = [(wasm.stem, wasm, [(wasm.parent, ".")], [], expected(wasm), None)
                for wasm in sorted((SHARED / "bench" / "programs").glob("*/*.wasm"))
                if wasm.stem != "noop"]

    def want(name, line=0):
        return (guests / "expected" / f"{name}.txt").read_bytes().splitlines()[line].strip()

    def native(name, source, *options):
        source = guests / "src" / source
        compiler = "clang++-22" if source.suffix == ".cpp" else "clang-22"
        out = scratch / name
        done = subprocess.run([compiler, "-O2", "-march=x86-64-v3", "-ffp-contract=off", *options, source, "-o", out,
                               "-lm"], capture_output=True)
        return out if done.returncode == 0 else None

    wasm, source = guests / "wasm", guests / "src"
    if wasm.exists():
        kernels = native("kernels", "kernels/kernels.c")
        cpp = native("cpp", "cpp/cpp_bench.cpp", "-std=c++20")
        lua, js = [(source / "lua", "/")], [(source / "quickjs", "/")]
        programs += [
            ("c_kernels", wasm / "c_kernels.wasm", [], ["all", "1"], b"i64      fffffffcc76468a1",
             kernels and [kernels, "all", "1"]),
            ("c_kernels_simd", wasm / "c_kernels_simd.wasm", [], ["all", "1"],
             b"i64      fffffffcc76468a1", kernels and [kernels, "all", "1"]),
            ("cpp_bench", wasm / "cpp_bench.wasm", [], ["12"], want("cpp12"), cpp and [cpp, "12"]),
            ("sqlite", wasm / "sqlite_cli.wasm", [(data, "/data")], ["/data"],
             b"checksum e60be88562a53993", None),
            ("lua", wasm / "lua_cli.wasm", lua, ["/bench.lua"], want("lua"), None),
            ("zstd", wasm / "zstd_bench.wasm", [(data, "/d")], ["/d"], want("zstd"), None),
            ("quickjs", wasm / "qjs.wasm", js, ["/bench.js"], want("qjs"), None),
            ("gojson", wasm / "gojson.wasm", [], ["-gen", "30000"], b"checksum 3f05d24eb4396422",
             None),
            ("rust_bench", wasm / "rust_bench.wasm", [], [], want("rb"), None),
            ("php", guests / "big" / "php-cgi-8.2.0.wasm", [(guests / "big", "/w")],
             ["-q", "/w/bench.php"], b"php 8.2.0 checksum dea1a8", None),
        ]
    return programs


def peers(args):
    """Whole processes, wall clock, minimum of the runs, engines in turns: first runs, and second ones."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        cache, first, second = peer_engines(scratch)
        programs = peer_programs(scratch)
        if args.programs:
            programs = [p for p in programs if p[0] in args.programs.split(",")]
        columns = ["native", *(e.name for e in first), *(f"{e.name}, 2nd" for e in second)]
        results = []
        for name, wasm, folders, arguments, want, native in programs:
            good = {}

            def once(key, command):
                for host, _ in folders:  # a run that was cut off leaves its database locked
                    if scratch in host.parents:
                        shutil.rmtree(host)
                        host.mkdir()
                begin = time.perf_counter_ns()
                try:
                    done = subprocess.run([str(word) for word in command], cwd=wasm.parent,
                                          stdin=subprocess.DEVNULL, capture_output=True,
                                          timeout=args.timeout)
                except subprocess.TimeoutExpired:
                    print(f"bench: {key} takes too long over {name}", file=sys.stderr)
                    good[key] = None
                    return
                took = time.perf_counter_ns() - begin
                said = done.stdout.strip()
                if done.returncode == 0 and (want is None or said == want or
                                             said.splitlines()[-1:] == [want]):
                    good[key] = min(good.get(key) or took, took)
                elif key not in good:
                    print(f"bench: {key} does not run {name}: {done.stderr[:200]}", file=sys.stderr)
                    good[key] = None

            compiled = {}
            for engine in second:
                if engine.compile:
                    out = scratch / f"{engine.name.replace(' ', '-')}.wasm"
                    line = [str(word) for word in engine.compile(wasm, out)]
                    try:
                        done = subprocess.run(line, capture_output=True, timeout=10 * args.timeout)
                    except subprocess.TimeoutExpired:
                        continue
                    if done.returncode == 0:
                        compiled[engine.name] = out
            for turn in range(args.runs):
                if native:
                    once("native", native)
                for engine in first:
                    if turn and not good.get(engine.name):
                        continue
                    command = engine.run(wasm, folders, arguments)
                    if not command:
                        continue
                    if engine.name == "sedge":
                        shutil.rmtree(cache, ignore_errors=True)
                    once(engine.name, command)
                    if engine.name == "sedge":
                        wait_for_sedgec()
                for engine in second:
                    key = f"{engine.name}, 2nd"
                    if turn and not good.get(key):
                        continue
                    module = compiled.get(engine.name) if engine.compile else wasm
                    if module:
                        once(key, engine.run(module, folders, arguments))
                        wait_for_sedgec()
            results.append((name, good))
            print(f"  {name}: " + ", ".join(f"{key} {ms(value) if value else '-'}"
                                            for key, value in good.items()), file=sys.stderr)
    return peers_text(columns, results)


def peers_text(columns, results):
    """The table of `peers`, and the means that the targets are about."""
    def rows(keys):
        return [(name, *(ms(good[key]) if good.get(key) else "-" for key in keys))
                for name, good in results]

    def mean(ours, theirs):
        ratios = [good[ours] / good[theirs] for _, good in results
                  if good.get(ours) and good.get(theirs)]
        return f"{geomean(ratios):.2f} ({len(ratios)})" if ratios else "-"

    first = [key for key in columns if not key.endswith(", 2nd")]
    second = [key for key in columns if key.endswith(", 2nd")]
    others = [key for key in first if not key.startswith("sedge") and key != "native"]
    worst = sorted(((good["sedge"] / min(good[key] for key in others if good.get(key)), name)
                    for name, good in results
                    if good.get("sedge") and any(good.get(key) for key in others)), reverse=True)
    text = ["First runs, nothing in any cache; milliseconds.", "",
            table(("program", *first), rows(first)), "",
            "sedge's time by that of each, geometric mean (programs): " + ", ".join(
                f"{key} {mean('sedge', key)}" for key in others) + ".", "",
            "By the fastest of the others on each program, the five largest: " + ", ".join(
                f"{name} {ratio:.2f}" for ratio, name in worst[:5]) + ".", "",
            "Second runs: sedge with what the first one left in its cache, and with `sedge compile`; "
            "the others compiled ahead of time.", "",
            table(("program", *(key.removesuffix(", 2nd") for key in second)), rows(second)), ""]
    for ours in ("sedge, 2nd", "sedge compile, 2nd", "sedge baseline"):
        text.append(f"{ours.removesuffix(', 2nd')} by " + ", ".join(
            f"{key.removesuffix(', 2nd')} {mean(ours, key)}" for key in second
            if not key.startswith("sedge")) + f"; by native code {mean(ours, 'native')}.")
        text.append("")
    return "\n".join(text).strip()


def gc(args):
    """Allocation and collection: whole runs of binary_trees.wat."""
    wasm = OUT / "binary_trees.wasm"
    subprocess.run([SEDGE, "parse", BENCH / "binary_trees.wat", "-o", wasm], check=True)
    commands = {f"sedge {tier}": [SEDGE, "run", "--no-cache", "--tier", tier, wasm]
                for tier in ("interp", "baseline", "llvm")}
    if tool("wasmtime"):
        commands["wasmtime"] = ["wasmtime", "run", "-C", "cache=n", "-W", "gc,function-references",
                                wasm]
    node = ["node", "--no-warnings", BENCH / "wasi.mjs", "{}", wasm]
    if tool("node"):  # its garbage collection is older than the standard's before version 22
        if subprocess.run(node, capture_output=True).returncode == 0:
            commands["node"] = node
        else:
            print("bench: this node does not run binary_trees.wat", file=sys.stderr)
    got = spawn(args.runs, list(commands.values()))
    if not got:
        return None
    first = got[1]["cpu"]
    rows = [(name, ms(r["cpu"]), f"{r['cpu'] / first:.2f}", f"{r['rss'] / 1024:.1f}")
            for name, r in zip(commands, got)]
    return ("Processor time with compilation; ratios to the baseline tier. Aim: a tenth of "
            "wasmtime's time, 1.5 times that of node.\n\n" + table(("", "ms", "ratio", "peak MB"), rows))


def validate(args):
    """Decoding and validation of large modules, on one core, process start taken off."""
    wanted = [SHARED / "guests" / "big" / "php-cgi-8.2.0.wasm", SHARED / "guests/wasm/gojson.wasm",
              SHARED / "bench/programs/tinygo-json/tinygo-json.wasm",
              SHARED / "bench/programs/hashset/hashset.wasm"]
    found = [path for path in wanted if path.exists()]
    if not found or not tool("wasm-tools"):
        print("bench: validate left out (it needs the shared modules and wasm-tools)",
              file=sys.stderr)
        return None
    small = hello_wasm()
    base = spawn(args.runs * 5, [[SEDGE, "validate", small], ["wasm-tools", "validate", small]],
                 pin=True)
    rows, ratios = [], []
    for path in found:
        got = spawn(args.runs * 3, [[SEDGE, "validate", path], ["wasm-tools", "validate", path]],
                    pin=True)
        if not got or not base:
            return None
        ours, theirs = (max(g["min"] - b["min"], 1) for g, b in zip(got, base))
        ratios.append(theirs / ours)
        mb = path.stat().st_size / 1e6
        rows.append((path.stem, f"{mb:.1f}", ms(ours), ms(theirs), f"{theirs / ours:.2f}",
                     f"{mb / (ours / 1e9):.0f}"))
    return (table(("module", "MB", "sedge ms", "wasm-tools ms", "times as fast", "sedge MB/s"),
                  rows) +
            f"\n\nGeometric mean: **{geomean(ratios):.2f}** times as fast (aim: at least 2).")


def micro_benchmark(name):
    """A Google Benchmark program of this folder, built; or None."""
    done = subprocess.run(["cmake", "--preset", "release", "-DSEDGE_BENCH=ON"], cwd=ROOT,
                          capture_output=True, text=True)
    if done.returncode == 0:
        done = subprocess.run(["cmake", "--build", "build/release", "--target", name],
                              cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(f"bench: {name} does not build:\n{done.stdout[-2000:]}", file=sys.stderr)
        return None
    return ROOT / "build" / "release" / name


def baseline(args):
    """Decoding, validation and the baseline compiler over every function, on one core; processor time."""
    found = [path for path in (SHARED / "guests/wasm/gojson.wasm",
                               SHARED / "bench/programs/tinygo-json/tinygo-json.wasm",
                               SHARED / "bench/programs/hashset/hashset.wasm",
                               SHARED / "guests/wasm/sqlite_cli.wasm") if path.exists()]
    program = micro_benchmark("compile_bench") if found else None
    if not program:
        return None
    small = hello_wasm()
    winch = lambda wasm: ["wasmtime", "compile", "-C", "compiler=winch", wasm, "-o", "/dev/null"]
    base = spawn(args.runs * 3, [winch(small)], pin=True) if tool("wasmtime") else None
    rows, ratios = [], []
    for path in found:
        out = subprocess.run(["taskset", "-c", str(min(os.sched_getaffinity(0))), program, path,
                              "--benchmark_format=json"], capture_output=True, text=True,
                             check=True).stdout
        ours = sum(b["cpu_time"] for b in json.loads(out)["benchmarks"])
        theirs = spawn(args.runs, [winch(path)], pin=True) if base else None
        mb = path.stat().st_size / 1e6
        row = [path.stem, f"{mb:.1f}", ms(ours), f"{mb / (ours / 1e9):.0f}"]
        if theirs:
            theirs = theirs[0]["cpu"] - base[0]["cpu"]
            ratios.append(theirs / ours)
            row += [ms(theirs), f"{theirs / ours:.1f}"]
        rows.append(row + ["-"] * (6 - len(row)))
    text = table(("module", "MB", "sedge ms", "sedge MB/s", "Winch ms", "times as fast"), rows)
    if ratios:
        text += f"\n\nGeometric mean: **{geomean(ratios):.1f}** times as fast (aim: at least 2)."
    return text


def instantiate(args):
    """Instantiation and calls inside one process (Google Benchmark); wasmtime's own beside it."""
    program = micro_benchmark("engine_bench")
    if not program:
        return None
    out = subprocess.run([program, "--benchmark_format=json", "--benchmark_repetitions=5",
                          "--benchmark_report_aggregates_only=true"], capture_output=True,
                         text=True, check=True).stdout
    medians = [b for b in json.loads(out)["benchmarks"] if b["aggregate_name"] == "median"]
    rows = [(b["run_name"], f"{b['per_call'] * 1e9 if 'per_call' in b else b['cpu_time']:.1f}")
            for b in medians if "idle" not in b]
    text = table(("sedge", "median ns"), rows)
    text += ("\n\nMemory of an instance, KiB (its share of the process's pages; the kernel's tables for "
             "them). Aim: idle, at most 64 beyond what the guest wrote.\n\n" +
             table(("", "pages of 4 KiB written", "in use", "idle", "tables"),
                   [("instance", re.search(r"pages:(\d+)", b["run_name"]).group(1),
                     *(f"{b[key]:.1f}" for key in ("in_use", "idle", "idle_tables")))
                    for b in medians if "idle" in b]))
    micro = tool("wasmtime-micro")
    if micro:
        text += "\n\nwasmtime, same run:\n\n```\n" + subprocess.run(
            [micro], capture_output=True, text=True).stdout.strip() + "\n```"
    return text


def rss_kib(pid):
    match = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(match.group(1))


ROUTES = (("health endpoint", "/healthz"), ("JSON function, Rust", "/api/none"),
          ("JSON function, Rust, /api/cache", "/api/cache?max_age=60"),
          ("JSON function, C++", "/api/auth"))


@contextlib.contextmanager
def edge_server(prefix=()):
    """The demo's server, ready: its process and address."""
    edge = ROOT / "examples/edge/build/edge.wasm"
    edge.parent.mkdir(exist_ok=True)
    subprocess.run(["clang++-22", "--target=wasm32-wasi", "-Wno-deprecated", "-std=c++20", "-O2",
                    "-fno-exceptions", "-fno-rtti", "-nostdlib++", "-Wl,--strip-all",
                    str(ROOT / "examples/edge/edge.cc"), "-o", str(edge)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([*prefix, SEDGE, "serve", ROOT / "examples/edge/router.yaml",
                                   "--listen", f"127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(base + "/readyz", timeout=1)
                    break
                except OSError:
                    time.sleep(0.1)
            yield server, base
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


def serve(args):
    """`sedge serve` under wrk: JSON functions and a pointer function."""
    if not tool("wrk"):
        return None
    rows = []
    with edge_server() as (server, base):
        for what, path in ROUTES:
            wrk = subprocess.Popen(["wrk", "-t2", "-c64", f"-d{args.seconds}s", "--latency",
                                    base + path], stdout=subprocess.PIPE, text=True)
            third = args.seconds / 3
            time.sleep(third)
            early = rss_kib(server.pid)
            out = wrk.communicate()[0]
            late = rss_kib(server.pid)
            rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
            p50, p99 = (re.search(rf"^\s+{p}%\s+(\S+)", out, re.M) for p in (50, 99))
            errors = re.search(r"Socket errors: (.*)", out)
            rows.append((what, rate.group(1) if rate else "-", p50.group(1) if p50 else "-",
                         p99.group(1) if p99 else "-", errors.group(1) if errors else "none",
                         f"{early / 1024:.1f}", f"{late / 1024:.1f}"))
    return (f"`wrk -t2 -c64 -d{args.seconds}s` on the same machine; every request has a fresh "
            "instance.\n\n" +
            table(("", "requests/s", "p50", "p99", "socket errors", "MB after a third",
                   "MB at the end"), rows))


def latency(args):
    """An open loop at 70% of the peak, server and generator on processors of their own."""
    if not tool("wrk") or not tool("wrk2"):
        return None
    units = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    rows = []
    with edge_server(("taskset", "-c", "0")) as (_, base):
        def generate(name, *options):
            return subprocess.run(["taskset", "-c", "1", name, "-t1", "-c64", *options],
                                  capture_output=True, text=True, check=True).stdout
        for what, path in ROUTES:
            out = generate("wrk", f"-d{args.seconds}s", base + path)
            peak = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
            rate = int(0.7 * peak)
            # wrk2 calibrates for ten seconds first. Of three runs the one in the middle.
            runs = []
            for _ in range(3):
                out = generate("wrk2", f"-d{10 + args.seconds}s", f"-R{rate}", "--latency",
                               base + path)
                p50, p99, p999 = (
                    float(found.group(1)) * units[found.group(2)]
                    for found in (re.search(rf"^\s*{p}%\s+([\d.]+)(us|ms|s)$", out, re.M)
                                  for p in ("50.000", "99.000", "99.900")))
                reached = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
                runs.append((p99 / p50, reached, p50, p99, p999))
            ratio, reached, p50, p99, p999 = sorted(runs)[1]
            rows.append((what, f"{peak:.0f}", f"{rate}", f"{reached:.0f}", ms(p50 * 1e6),
                         ms(p99 * 1e6), ms(p999 * 1e6), f"{ratio:.1f}"))
    return (f"The server on one processor, `wrk -t1 -c64 -d{args.seconds}s` on the other for the "
            "peak, then `wrk2 -R` (the middle one of three runs), which counts from when a request was due. Aim: the 99th "
            "percentile at most 5 times the median.\n\n" +
            table(("", "peak, requests/s", "70 %", "reached", "p50 ms", "p99 ms", "p99.9 ms",
                   "p99 / p50"), rows))


SECTIONS = {
    "start": ("Process start", start),
    "interp": ("Interpreter", interp),
    "tiers": ("Tiers and cache", tiers),
    "peers": ("Against the other runtimes", peers),
    "gc": ("Garbage collection", gc),
    "validate": ("Decode and validate", validate),
    "baseline": ("Baseline compiler", baseline),
    "instantiate": ("Instances and calls", instantiate),
    "serve": ("Server", serve),
    "latency": ("Tail latency", latency),
}


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} processors"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--programs", help="interp: only these, with commas between them")
    parser.add_argument("--timeout", type=float, default=120, help="interp: seconds for one run")
    parser.add_argument("--no-write", action="store_true")
    args = parser.parse_args()
    for name in args.sections:
        if name not in SECTIONS:
            parser.error(f"no section {name}; there are: {', '.join(SECTIONS)}")
    if not SEDGE.exists():
        sys.exit("bench: build/release/sedge is not there: run 'make build'")
    OUT.mkdir(parents=True, exist_ok=True)

    # Each section keeps its last result, so that one can be measured again by itself.
    memory = OUT / "sections.json"
    texts = json.loads(memory.read_text()) if memory.exists() else {}
    for name in args.sections or SECTIONS:
        title, measure = SECTIONS[name]
        print(f"bench: {name}", file=sys.stderr)
        text = measure(args)
        if text:
            today = datetime.date.today().isoformat()
            texts[name] = f"## {title}\n\n{measure.__doc__} {today}, {machine()}.\n\n{text}\n"
            print(texts[name])
    memory.write_text(json.dumps(texts))
    if not args.no_write and texts:
        old = REPORT.read_text()
        body = "\n".join(texts[name] for name in SECTIONS if name in texts)
        head, tail = old.split(BEGIN)[0], old.split(END)[1]
        REPORT.write_text(f"{head}{BEGIN}\n{body}{END}{tail}")


if __name__ == "__main__":
    main()
