#!/usr/bin/env python3
"""Refuses an #include that goes against the dependency graph in CMakeLists.txt.

The graph is read from the sedge_add_library() calls, so there is one definition of it. A file of
src/<a>/ may include "<b>/..." only where b is a or one of a's dependencies, direct or not.
Tests and the programs of test/, fuzz/ and bench/ may include anything.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z0-9_]+)/', re.M)


def graph():
    text = (ROOT / "CMakeLists.txt").read_text()
    text = re.sub(r"#.*", "", text)
    cli_deps = re.findall(r"(?:set\(cli_deps|list\(PREPEND cli_deps)\s+([a-z\s]+)\)", text)
    direct = {}
    for name, rest in re.findall(r"sedge_add_library\((\w+)([^)]*)\)", text):
        match = re.search(r"DEPS\s+(.*?)(?:SMALL|SYSTEM_INCLUDES|LIBRARIES|DEFINITIONS|$)", rest, re.S)
        words = match.group(1).split() if match else []
        if "${cli_deps}" in words:
            words = " ".join(cli_deps).split()
        direct[name] = words
    return direct


def closure(direct):
    result = {}

    def reach(name, path):
        if name in path:
            sys.exit(f"check_layers: dependency cycle: {' -> '.join(path + [name])}")
        if name not in result:
            seen = {name}
            for dep in direct[name]:
                seen |= reach(dep, path + [name])
            result[name] = seen
        return result[name]

    for name in direct:
        reach(name, [])
    return result


def main():
    allowed = closure(graph())
    bad = 0
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".cc", ".h", ".def", ".inc") or path.name.endswith("_test.cc"):
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        if folder not in allowed:
            print(f"{path.relative_to(ROOT)}: src/{folder} is no library of CMakeLists.txt")
            bad += 1
            continue
        for used in INCLUDE.findall(path.read_text()):
            if used in allowed and used not in allowed[folder]:
                print(f"{path.relative_to(ROOT)}: {folder} must not include {used}/ "
                      f"(it may use: {', '.join(sorted(allowed[folder] - {folder}))})")
                bad += 1
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
