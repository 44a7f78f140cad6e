#!/usr/bin/env python3
"""emulated.py ARCH SEDGE [--only SUITE,...] [--tiers TIER,...] [-j N] [--results FILE]: the suites of
../shared on another processor, by qemu-user.

Runs the specification's scripts, the WASI suite, the benchmark programs and the core guests with
SEDGE, a program that starts the emulated one, on each of its tiers, and prints how many passed and
what failed. `auto` is every tier in turn, with thresholds of 1. `llvm` is code that this machine's
sedgec makes: the emulated sedge asks it for scripts and guests, and for programs `sedge compile
--target ARCH-linux` comes before the run. scripts/cross.sh ARCH --suites calls this.

-j runs N scripts or programs at a time. --results keeps how each went in FILE, a line of JSON each:
a run that was interrupted goes on from there, and what failed is tried again. --match takes what has
that text in its name.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

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
# Seconds for a process of scripts or a program, and for a guest.
TIMEOUT = 1800
GUEST_TIMEOUT = 3600
# Scripts in one process.
BATCH = 24


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


class Results:
    """What passed and failed in one suite on one tier, kept in a file if there is one."""

    def __init__(self, path, suite, tier):
        self.path, self.key = path, {"suite": suite, "tier": tier}
        self.lock = threading.Lock()
        self.of = {}  # name -> (assertions or programs that passed, why it failed or None)
        if path and path.exists():
            for line in path.read_text().splitlines():
                was = json.loads(line)
                if {key: was[key] for key in self.key} == self.key:
                    self.of[was["name"]] = (was["passed"], was["why"])

    def has_passed(self, name):
        return name in self.of and self.of[name][1] is None

    def add(self, name, passed, why):
        with self.lock:
            self.of[name] = (passed, why)
            if why is not None:
                print(f"  FAILED {name}: {why}", flush=True)
            if self.path:
                with self.path.open("a") as file:
                    file.write(json.dumps({**self.key, "name": name, "passed": passed, "why": why})
                               + "\n")

    def passed(self):
        return sum(passed for passed, _ in self.of.values())

    def failed(self):
        return sum(why is not None for _, why in self.of.values())


def spec(machine, tier, _, wanted):
    """Scripts, many in one process: starting one is most of the work. Counts assertions and other
    commands."""
    folder = SHARED / "suites" / "spec"

    def some(names):
        status, out, err = machine.run(["wast", "--json", "--deviations",
                                        ROOT / "test" / "wast_deviations.txt"] + TIERS[tier] + names,
                                       cwd=folder)
        try:
            report = json.loads(out)
        except ValueError:
            if len(names) > 1:  # one of them ended the process: which?
                for name in names:
                    yield from some([name])
            else:
                yield names[0], 0, f"{status} {err.decode(errors='replace')[-500:]}"
            return
        for script in report["scripts"]:
            why = json.dumps(script["failures"])[:1000] if script.get("failures") else None
            yield script["name"], script.get("passed", 0), why

    names = [str(script.relative_to(folder)) for script in sorted(folder.rglob("*.wast"))]
    names = [name for name in names if wanted(name)]
    for first in range(0, len(names), BATCH):
        yield functools.partial(some, names[first:first + BATCH])


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


def native(machine, tier, program, folder):
    """What to run in the place of `program`, by the same name, because programs look at it."""
    if tier != "llvm":
        return program
    place = pathlib.Path(tempfile.mkdtemp(dir=folder))
    machine.compile(program, place / program.name)
    return place / program.name


def wasi(machine, tier, folder, wanted):
    def one(name, program):
        why = run_wasi(machine, tier, program, native(machine, tier, program, folder))
        yield name, int(why is None), why

    for program in sorted((SHARED / "suites" / "wasi").glob("*/wasm32-wasip1/*.wasm")):
        name = f"{program.parent.parent.name}/{program.stem}"
        if wanted(name):
            yield functools.partial(one, name, program)


def bench(machine, tier, folder, wanted):
    def one(place):
        program = native(machine, tier, place / f"{place.name}.wasm", folder)
        words = ["run", "--dir", ".::."]
        words += ["--allow-precompiled"] if tier == "llvm" else TIERS[tier]
        status, out, err = machine.run(words + [program], cwd=place)
        expected = next(place.glob("*stdout.expected"), None)
        why = None
        if status != 0:
            why = f"exit status {status}: {err.decode(errors='replace')[-300:]}"
        elif expected is not None and out != expected.read_bytes():
            why = f"its output is {out[:200]!r}"
        elif b"native code in the module is not used" in err:
            why = err.decode()
        yield place.name, int(why is None), why

    for place in sorted((SHARED / "bench" / "programs").iterdir()):
        if tier == "interp" and place.name in LONG:
            print(f"  {place.name} is not run: it takes too long", flush=True)
        elif wanted(place.name):
            yield functools.partial(one, place)


def guests(machine, tier, folder, wanted):
    """The programs of guests/check.sh, which says how each went."""
    # The script gives each five minutes, which is little for an emulator.
    patient = pathlib.Path(folder, "timeout")
    patient.write_text(f'#!/bin/sh\nshift\nexec {shutil.which("timeout")} {GUEST_TIMEOUT} "$@"\n')
    patient.chmod(0o755)
    environment = {**machine.environment, "PATH": f"{folder}:{os.environ['PATH']}"}

    def all_of_them():
        done = subprocess.Popen([SHARED / "guests" / "check.sh", *machine.words, "run",
                                 *TIERS[tier]], stdout=subprocess.PIPE, env=environment, text=True)
        for line in done.stdout:
            print(f"  {line}", end="", flush=True)
            name, _, _, how = line.strip().split(None, 3)
            yield name, int(how == "ok"), None if how == "ok" else how
        done.wait()
        yield "check.sh", 0, None  # all were tried

    if wanted("check.sh"):
        yield all_of_them


SUITES = {"spec": spec, "wasi": wasi, "bench": bench, "guests": guests}


def run_suite(machine, suite, tier, options):
    """Whether all of it passed."""
    print(f"emulated: {options.arch}: {suite} on {tier}", flush=True)
    results = Results(options.results, suite, tier)

    def wanted(name):
        return options.match in name and not results.has_passed(name)

    def keep(work):
        for name, passed, why in work():
            results.add(name, passed, why)

    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        started = [pool.submit(keep, work) for work in SUITES[suite](machine, tier, folder, wanted)]
        for one in started:
            one.result()  # an error of this script ends it
    print(f"emulated: {options.arch}: {suite} on {tier}: {results.passed()} passed, "
          f"{results.failed()} failed", flush=True)
    return results.failed() == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", choices=["aarch64", "riscv64"])
    parser.add_argument("sedge", metavar="SEDGE")
    parser.add_argument("--only", default=",".join(SUITES), metavar="SUITE,...")
    parser.add_argument("--tiers", metavar="TIER,...")
    parser.add_argument("--match", default="", metavar="TEXT")
    parser.add_argument("-j", dest="jobs", type=int, default=1, metavar="N")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE")
    options = parser.parse_args()
    tiers = list(TIERS) if options.arch == "aarch64" else ["interp", "llvm"]
    if options.tiers:
        tiers = options.tiers.split(",")
    if not SHARED.is_dir():
        print(f"emulated: {SHARED} is missing: there is nothing to run")
        return 0
    machine = Machine(options.arch, options.sedge)
    passed = [run_suite(machine, suite, tier, options)
              for suite in options.only.split(",") for tier in tiers]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
