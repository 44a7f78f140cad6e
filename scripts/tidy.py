#!/usr/bin/env python3
"""Runs clang-tidy over the project's own .cc files, in parallel, and remembers clean ones.

A file that was clean is not checked again until it, a project header that it reaches, its compile
command or .clang-tidy changes; the memory is build/lint/. Usage:
    tidy.py [--analyzer] [--all] BUILD_DIR [FILE...]
--analyzer adds clang's path-sensitive analyzer (slow). Test files are checked only with --all.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([\w./-]+)[">]', re.M)
_contents = {}


def content(path):
    if path not in _contents:
        _contents[path] = path.read_bytes()
    return _contents[path]


def reached(path, seen):
    """All project files that `path` includes, directly or not, itself too."""
    if path in seen:
        return
    seen.add(path)
    for name in INCLUDE.findall(content(path).decode(errors="replace")):
        for base in (path.parent, ROOT / "src", ROOT / "include"):
            candidate = base / name
            if candidate.is_file():
                reached(candidate.resolve(), seen)
                break


def digest(path, command, extra):
    seen = set()
    reached(path, seen)
    key = hashlib.sha256(command.encode() + extra)
    for each in sorted(seen):
        key.update(str(each).encode() + b"\0" + content(each))
    return key.hexdigest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--analyzer", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("build")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()

    database = json.loads((pathlib.Path(args.build) / "compile_commands.json").read_text())
    wanted = {pathlib.Path(f).resolve() for f in args.files}
    stamps = ROOT / "build" / "lint"
    stamps.mkdir(parents=True, exist_ok=True)
    extra = (ROOT / ".clang-tidy").read_bytes() + (b"analyzer" if args.analyzer else b"")

    work = []
    for entry in database:
        path = pathlib.Path(entry["file"]).resolve()
        if not path.is_file() or ROOT not in path.parents:
            continue
        if wanted and path not in wanted:
            continue
        if not wanted and not args.all and path.name.endswith("_test.cc"):
            continue
        stamp = stamps / digest(path, entry.get("command", ""), extra)
        if not stamp.exists():
            work.append((path, stamp))

    def check(item):
        path, stamp = item
        command = ["clang-tidy-22", "--quiet", "-p", args.build]
        if args.analyzer:
            command.append("--checks=clang-analyzer-*")
        run = subprocess.run(command + [str(path)], capture_output=True, text=True)
        if run.returncode == 0:
            stamp.touch()
            return None
        return run.stdout + run.stderr

    failed = 0
    jobs = int(os.environ.get("JOBS", os.cpu_count() or 1))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for output in pool.map(check, work):
            if output:
                failed += 1
                print(output)
    print(f"tidy: {len(work)} files checked, {failed} with findings")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
