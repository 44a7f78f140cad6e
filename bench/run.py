#!/usr/bin/env python3
"""Measures build/release/sedge against peers in the same run and writes docs/performance.md.

  run.py [SECTION...] [--runs N] [--seconds N] [--programs a,b] [--no-write]

Sections: start, interp, tiers, gc, validate, instantiate, serve (default: all). Peers are found on PATH
(wasm3, iwasm, wasmtime, wasm-tools, wrk); one that is not there is left out and named. What each
section measures is in bench/README.md.
"""

import argparse
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
    return ("Aim: `sedge` at most 1.5 times the floor and 3 MB more.\n\n" +
            table(("", "min ms", "median ms", "x floor", "peak MB", "over floor MB"), rows))


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


def wait_for_entry(cache, seconds=40):
    """Until sedgec, which may outlive the program, has left all of the module in the cache."""
    begin, known = time.monotonic(), False
    while time.monotonic() < begin + seconds:
        if not list(cache.iterdir()) and time.monotonic() > begin + 1:
            break
        listed = subprocess.run([SEDGE, "cache", "list", "--json", "--cache-dir", cache],
                                capture_output=True)
        entries = json.loads(listed.stdout)["entries"]
        known = bool(entries)
        if known and entries[0].get("whole"):
            break
        time.sleep(0.2)
    return known


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
                kept = cache.exists() and wait_for_entry(cache)
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


def gc(args):
    """Allocation and collection: whole runs of binary_trees.wat."""
    wasm = OUT / "binary_trees.wasm"
    subprocess.run([SEDGE, "parse", BENCH / "binary_trees.wat", "-o", wasm], check=True)
    commands = {f"sedge {tier}": [SEDGE, "run", "--no-cache", "--tier", tier, wasm]
                for tier in ("interp", "baseline", "llvm")}
    if tool("wasmtime"):
        commands["wasmtime"] = ["wasmtime", "run", "-C", "cache=n", "-W", "gc,function-references",
                                wasm]
    got = spawn(args.runs, list(commands.values()))
    if not got:
        return None
    first = got[1]["cpu"]
    rows = [(name, ms(r["cpu"]), f"{r['cpu'] / first:.2f}", f"{r['rss'] / 1024:.1f}")
            for name, r in zip(commands, got)]
    return ("Processor time with compilation; ratios to the baseline tier. Aim: a tenth of "
            "wasmtime's time.\n\n" + table(("", "ms", "ratio", "peak MB"), rows))


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


def instantiate(args):
    """Instantiation and calls inside one process (Google Benchmark); wasmtime's own beside it."""
    done = subprocess.run(["cmake", "--preset", "release", "-DSEDGE_BENCH=ON"], cwd=ROOT,
                          capture_output=True, text=True)
    program = ROOT / "build" / "release" / "engine_bench"
    if done.returncode == 0:
        done = subprocess.run(["cmake", "--build", "build/release", "--target", "engine_bench"],
                              cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(f"bench: engine_bench does not build:\n{done.stdout[-2000:]}", file=sys.stderr)
        return None
    out = subprocess.run([program, "--benchmark_format=json", "--benchmark_repetitions=5",
                          "--benchmark_report_aggregates_only=true"], capture_output=True,
                         text=True, check=True).stdout
    rows = [(b["run_name"], f"{b['per_call'] * 1e9 if 'per_call' in b else b['cpu_time']:.1f}")
            for b in json.loads(out)["benchmarks"] if b["aggregate_name"] == "median"]
    text = table(("sedge", "median ns"), rows)
    micro = tool("wasmtime-micro")
    if micro:
        text += "\n\nwasmtime, same run:\n\n```\n" + subprocess.run(
            [micro], capture_output=True, text=True).stdout.strip() + "\n```"
    return text


def rss_kib(pid):
    match = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(match.group(1))


def serve(args):
    """`sedge serve` under wrk: JSON functions and a pointer function."""
    if not tool("wrk"):
        return None
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
        server = subprocess.Popen([SEDGE, "serve", ROOT / "examples/edge/router.yaml", "--listen",
                                   f"127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(base + "/readyz", timeout=1)
                    break
                except OSError:
                    time.sleep(0.1)
            rows = []
            for what, path in (("health endpoint", "/healthz"),
                               ("JSON function, Rust", "/api/none"),
                               ("JSON function, Rust, /api/cache", "/api/cache?max_age=60"),
                               ("JSON function, C++", "/api/auth")):
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
                             p99.group(1) if p99 else "-",
                             errors.group(1) if errors else "none",
                             f"{early / 1024:.1f}", f"{late / 1024:.1f}"))
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()
    return (f"`wrk -t2 -c64 -d{args.seconds}s` on the same machine; every request has a fresh "
            "instance.\n\n" +
            table(("", "requests/s", "p50", "p99", "socket errors", "MB after a third",
                   "MB at the end"), rows))


SECTIONS = {
    "start": ("Process start", start),
    "interp": ("Interpreter", interp),
    "tiers": ("Tiers and cache", tiers),
    "gc": ("Garbage collection", gc),
    "validate": ("Decode and validate", validate),
    "instantiate": ("Instances and calls", instantiate),
    "serve": ("Server", serve),
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
