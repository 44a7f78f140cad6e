#!/usr/bin/env python3
"""canonical_table.py CHECKOUT [--seed N]: what the specification's definitions.py does with values.

CHECKOUT is the WebAssembly/component-model repository at the commit that docs/decisions/007 pins. Its
canonical ABI is run on types and values that are made here: listed where a limit is near, otherwise
from the seed. What it lifts and lowers goes to src/component/testdata/canonical_abi.tsv, a row for each
crossing from one memory to another, which canonical_table_test.cc holds sedge against. The same
checkout and seed give the same file.

A row's columns, separated by tabs:
  call    param (of a call), result (of it), start and return (the same of an asynchronous one)
  from    encoding of strings where the values come from; /64: that memory has 64-bit addresses
  to      the same where they go
  types   the values' types, as component text, separated by ;
  skew    added to the address that the allocator over there gives
  out     where the receiver wants the values if they are too many to be flat; -: it allocates
  cells   core values, as bits in hexadecimal
  memory  what their memory has: address:bytes, in hexadecimal; 0xcc everywhere else
  value   what they lift to: a tuple of all in WAVE; or what traps
  calls   of the allocator: old address, old size, alignment, size; what traps then
  stored  core values that it is lowered to
  written what that memory has then; 0xdd everywhere else
A row of handles has `handles` instead of the call; its memories are empty, and instead come the handle
tables (see Handles).
"""

import argparse
import importlib.util
import linecache
import math
import pathlib
import random
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "component" / "testdata" / "canonical_abi.tsv"
DECISION = ROOT / "docs" / "decisions" / "007-component-model.md"
PAGE = 65536
HEAP = 1024  # where the allocator begins
FROM_FILL, TO_FILL = 0xCC, 0xDD
ENCODINGS = ["utf8", "utf16", "latin1+utf16"]
MOST_RANDOM = 900  # characters of a row that the seed made
LIMITS = {"param": (16, 16), "result": (1, 1), "start": (4, 16), "return": (16, 0)}  # flat, from and to

d = None  # definitions.py, once it is loaded


def load_definitions(checkout):
    pinned = re.search(r"`([0-9a-f]{40})`", DECISION.read_text())[1]
    head = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    if head.stdout.strip() != pinned:
        sys.exit(f"{checkout} is at {head.stdout.strip()}, {DECISION.name} says {pinned}")
    path = checkout / "design" / "mvp" / "canonical-abi" / "definitions.py"
    spec = importlib.util.spec_from_file_location("definitions", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["definitions"] = module
    spec.loader.exec_module(module)
    module.DETERMINISTIC_PROFILE = True  # else NaNs are random
    # Its own is in floats, which are exact up to 2^53 only: not for addresses of 64 bits.
    module.align_to = lambda address, alignment: -(-address // alignment) * alignment
    return module, pinned


# Types and values as text


def type_text(t):
    def labels(names):
        return " ".join(f'"{name}"' for name in names)

    match t:
        case d.ListType(inner, None):
            return f"(list {type_text(inner)})"
        case d.ListType(inner, length):
            return f"(list {type_text(inner)} {length})"
        case d.MapType(key, value):
            return f"(map {type_text(key)} {type_text(value)})"
        case d.RecordType(fields):
            return "(record " + " ".join(f'(field "{f.label}" {type_text(f.t)})' for f in fields) + ")"
        case d.TupleType(types):
            return "(tuple " + " ".join(map(type_text, types)) + ")"
        case d.VariantType(cases):
            return "(variant " + " ".join(
                f'(case "{c.label}"' + (f" {type_text(c.t)})" if c.t else ")") for c in cases) + ")"
        case d.EnumType(names):
            return f"(enum {labels(names)})"
        case d.FlagsType(names):
            return f"(flags {labels(names)})"
        case d.OptionType(inner):
            return f"(option {type_text(inner)})"
        case d.ResultType(ok, error):
            return "(result" + (f" {type_text(ok)}" if ok else "") + (
                f" (error {type_text(error)})" if error else "") + ")"
        case d.OwnType():
            return "(own $r)"
        case d.BorrowType():
            return "(borrow $r)"
        case _:
            return type(t).__name__.removesuffix("Type").lower()


def quoted(text, quote):
    out = ""
    for c in text:
        out += c if " " <= c < "\x7f" and c not in "\\\"'" else f"\\u{{{ord(c):x}}}"
    return quote + out + quote


def float_text(value):
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def wave(t, v):
    def payload(inner):
        return f"({wave(inner, next(iter(v.values())))})" if inner else ""

    match t:
        case d.BoolType():
            return "true" if v else "false"
        case d.F32Type() | d.F64Type():
            return float_text(v)
        case d.CharType():
            return quoted(v, "'")
        case d.StringType():
            return quoted(v[0], '"')
        case d.ListType(inner, _):
            return "[" + ", ".join(wave(inner, item) for item in v) + "]"
        case d.MapType(key, value):
            return "[" + ", ".join(wave(d.TupleType([key, value]), item) for item in v) + "]"
        case d.RecordType(fields):
            return "{" + ", ".join(f"{f.label}: {wave(f.t, v[f.label])}" for f in fields) + "}"
        case d.TupleType(types):
            return "(" + ", ".join(wave(inner, v[str(i)]) for i, inner in enumerate(types)) + ")"
        case d.VariantType(cases):
            [label] = v
            return label + payload(next(c.t for c in cases if c.label == label))
        case d.EnumType():
            return next(iter(v))
        case d.FlagsType(names):
            return "{" + ", ".join(name for name in names if v[name]) + "}"
        case d.OptionType(inner):
            return "none" if "none" in v else "some" + payload(inner)
        case d.ResultType(ok, error):
            return "ok" + payload(ok) if "ok" in v else "err" + payload(error)
        case d.OwnType():
            return f"own({v})"
        case d.BorrowType():
            return f"borrow({v})"
        case _:
            return str(v)


# Sides of a crossing


class Allocator:
    """The allocator of the test's guests: never frees, copies, notes its calls."""

    def __init__(self, memory, skew):
        self.memory, self.skew = memory, skew
        self.next = HEAP
        self.calls = []

    def __call__(self, old, old_size, alignment, size):
        self.calls.append(f"{old:x},{old_size:x},{alignment:x},{size:x}")
        at = (self.next + 15 & ~15) + self.skew
        self.next = at + size
        count = min(old_size, size)
        if at + size <= PAGE:
            self.memory[at : at + count] = self.memory[old : old + count]
        return at


def make_context(side, fill, skew=0):
    encoding, _, width = side.partition("/")
    memory = bytearray([fill]) * PAGE
    allocator = Allocator(memory, skew)

    class Context(d.LiftLowerContext):
        def reallocate(self, *args):
            return allocator(*args)

    options = d.CanonicalOptions()
    options.memory = d.MemInst(memory, "i64" if width else "i32")
    options.string_encoding = encoding
    options.realloc = allocator
    cx = Context(options, d.ComponentInstance(d.Store()))
    cx.allocator = allocator
    return cx


def to_bits(core, value):
    match core:
        case "f32":
            return d.core_i32_reinterpret_f32(value)
        case "f64":
            return d.core_i64_reinterpret_f64(value)
    return value


def from_bits(core, bits):
    match core:
        case "f32":
            return d.core_f32_reinterpret_i32(bits)
        case "f64":
            return d.core_f64_reinterpret_i64(bits)
    return bits


def core_types(cx, most, types):
    flat = d.flatten_types(types, cx.opts)
    return flat if len(flat) <= most else [cx.opts.memory.ptr_type()]


def runs(memory, fill):
    """What differs from `fill`; small gaps are told with it."""
    out, at = [], 0
    while at < len(memory):
        rest = memory[at:].lstrip(bytes([fill])) if memory[at] == fill else memory[at:]
        at = len(memory) - len(rest)
        if not rest:
            break
        end = rest.find(bytes([fill]) * 4)
        part = rest[: end if end >= 0 else len(rest)].rstrip(bytes([fill]))
        out.append(f"{at:x}:{part.hex()}")
        at += len(part)
    return " ".join(out) or "-"


def why(trap):
    """What a trap is about, by the line of definitions.py that found it."""
    frames, at = [], trap.__traceback__
    while at:
        frames.append((at.tb_frame.f_code.co_name, linecache.getline(at.tb_frame.f_code.co_filename, at.tb_lineno)))
        at = at.tb_next
    name, line = next(f for f in reversed(frames) if f[0] not in ("trap", "trap_if"))
    for word, reason in [("align_to", "unaligned"), ("BYTE_LENGTH", "limit"), ("len(cx.opts.memory)", "bounds"),
                         ("case_index", "case")]:
        if word in line:
            return "trap " + reason
    return "trap " + {"convert_i32_to_char": "char", "load_string_from_range": "text"}.get(name, "handle")


def hex_cells(cells):
    return " ".join(f"{cell:x}" for cell in cells) or "-"


def crossing(call, source, target, types, cells, memory, skew=0, out="-"):
    """A row: lifts `cells` and `memory` (a bytearray), lowers what that gives."""
    most_from, most_to = LIMITS[call]
    giver, taker = make_context(source, FROM_FILL), make_context(target, TO_FILL, skew)
    giver.opts.memory.bytes[:] = memory
    given = core_types(giver, most_from, types)
    assert len(given) == len(cells), (call, types, cells)
    row = [call, source, target, ";".join(map(type_text, types)), str(skew), out if out == "-" else f"{out:x}",
           hex_cells(cells), runs(memory, FROM_FILL)]
    try:
        iterator = d.CoreValueIter([from_bits(core, cell) for core, cell in zip(given, cells)])
        values = d.lift_flat_values(giver, most_from, iterator, types)
    except d.Trap as trap:
        return row + [why(trap), "-", "-", "-"]
    row.append(wave(d.TupleType(types), {str(i): v for i, v in enumerate(values)}))
    pointer = None if out == "-" else d.CoreValueIter([out])
    try:
        stored = d.lower_flat_values(taker, most_to, values, types, pointer)
    except d.Trap as trap:
        return row + [why(trap), "-", "-"]
    wanted = core_types(taker, most_to, types) if pointer is None or stored else []
    return row + [" ".join(taker.allocator.calls) or "-",
                  hex_cells(to_bits(core, value) for core, value in zip(wanted, stored)),
                  runs(taker.opts.memory.bytes, TO_FILL)]


def place(call, source, types, values):
    """Cells and memory that are these values."""
    cx = make_context(source, FROM_FILL)
    cx.allocator.next = 0
    most = LIMITS[call][0]
    stored = d.lower_flat_values(cx, most, values, types)
    return [to_bits(core, v) for core, v in zip(core_types(cx, most, types), stored)], cx.opts.memory.bytes


# Generated types and values


def names(letter, count):
    return [f"{letter}{i}" for i in range(count)]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def prims(self):
        return [d.BoolType(), d.S8Type(), d.U8Type(), d.S16Type(), d.U16Type(), d.S32Type(), d.U32Type(), d.S64Type(),
                d.U64Type(), d.F32Type(), d.F64Type(), d.CharType(), d.StringType()]

    def type(self, depth=0):
        pick = self.random
        if depth == 3 or pick.random() < 0.3:
            return pick.choice(self.prims())
        some = lambda: self.type(depth + 1)
        maybe = lambda: None if pick.random() < 0.3 else some()
        count = pick.randint(1, 4)
        match pick.randrange(10):
            case 0:
                return d.ListType(some())
            case 1:
                return d.ListType(some(), count)
            case 2:
                return d.RecordType([d.FieldType(name, some()) for name in names("f", count)])
            case 3:
                return d.TupleType([some() for _ in range(count)])
            case 4:
                return d.VariantType([d.CaseType(name, maybe()) for name in names("c", count)])
            case 5:
                return d.EnumType(names("e", pick.randint(1, 9)))
            case 6:
                return d.OptionType(some())
            case 7:
                return d.ResultType(maybe(), maybe())
            case 8:
                return d.FlagsType(names("l", pick.choice([pick.randint(1, 12), pick.randint(13, 32)])))
            case _:
                keys = [t for t in self.prims() if not isinstance(t, d.F32Type | d.F64Type)]
                return d.MapType(pick.choice(keys), some())

    def integer(self, bits, signed):
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return self.random.choice([low, high, 0, 1, self.random.randint(low, high), self.random.randint(low, high)])

    def text(self):
        alphabet = ["ab z", "a\xe9\xff", "a\u0100\u20ac", "\U0001f600x\0", "\ud7ff\ue000\uffff\U0010ffff"]
        picked = "".join(self.random.sample(alphabet, self.random.randint(1, 3)))
        return "".join(self.random.choice(picked) for _ in range(self.random.randint(0, 7)))

    def value(self, t):
        pick = self.random
        case_of = lambda cases: (lambda c: {c.label: self.value(c.t) if c.t else None})(pick.choice(cases))
        match t:
            case d.BoolType():
                return pick.random() < 0.5
            case d.F32Type():
                bits = pick.choice([0, 1 << 31, 0x7F800000, 0x7FC00000, 0x3F800000, pick.getrandbits(32)])
                return d.decode_i32_as_float(bits)
            case d.F64Type():
                bits = pick.choice([0, 1 << 63, 0x7FF << 52, 0x7FF8 << 48, 0x3FF << 52, pick.getrandbits(64)])
                return d.decode_i64_as_float(bits)
            case d.CharType():
                return self.random.choice("a\0\xe9\ud7ff\ue000\U0010ffff")
            case d.StringType():
                text = self.text()
                return (text, "utf8", len(text.encode()))
            case d.ListType(inner, length):
                return [self.value(inner) for _ in range(pick.randint(0, 3) if length is None else length)]
            case d.MapType(key, inner):
                return [{"0": self.value(key), "1": self.value(inner)} for _ in range(pick.randint(0, 3))]
            case d.RecordType(fields):
                return {f.label: self.value(f.t) for f in fields}
            case d.TupleType(types):
                return {str(i): self.value(inner) for i, inner in enumerate(types)}
            case d.FlagsType(labels):
                return {label: pick.random() < 0.5 for label in labels}
            case d.PrimValType():
                name = type(t).__name__
                return self.integer(int(re.search(r"\d+", name)[0]), name.startswith("S"))
            case _:
                return case_of(d.despecialize(t).cases)

    def side(self):
        return self.random.choice(ENCODINGS) + ("/64" if self.random.random() < 0.15 else "")

    def lie(self, core, cells, memory):
        """Changes one thing: a cell, or some bytes."""
        pick = self.random
        written = [i for i in range(2 * HEAP) if memory[i] != FROM_FILL]
        if written and pick.random() < 0.6:
            at, size = pick.choice(written), pick.choice([1, 1, 2, 4])
            memory[at : at + size] = pick.choice([bytes(size), b"\xff" * size, pick.randbytes(size)])
            return
        i = pick.randrange(len(cells))
        width = 32 if core[i] in ("i32", "f32") else 64
        near = [cells[i] + 1, cells[i] + 2, PAGE - 1, PAGE, 1 << width - 1, (1 << width) - 1, pick.getrandbits(width),
                pick.getrandbits(8), 0]
        cells[i] = pick.choice(near) % (1 << width)

    def row(self):
        """A random crossing: of a value, or of something close to one."""
        pick = self.random
        call = pick.choice(["param"] * 5 + ["result"] * 4 + ["start", "return"])
        if call in ("result", "return"):
            types = [self.type()]
        elif pick.random() < 0.2:
            types = [pick.choice(self.prims()) for _ in range(pick.randint(4, 20))]
        else:
            types = [self.type() for _ in range(pick.choice([1, 1, 1, 2, 3]))]
        source = self.side()
        target = source if pick.random() < 0.6 else self.side()
        if source.startswith("latin1"):
            # definitions.py reads the tag of these as the other memory would have it.
            target = target.removesuffix("/64") + source[len("latin1+utf16") :]
        cells, memory = place(call, source, types, [self.value(t) for t in types])
        giver = make_context(source, FROM_FILL)
        if cells and pick.random() < 0.4:
            self.lie(core_types(giver, LIMITS[call][0], types), cells, memory)
        out = "-"
        taker = make_context(target, TO_FILL)
        if call in ("result", "return") and len(d.flatten_types(types, taker.opts)) > LIMITS[call][1]:
            out = pick.choice([64] * 8 + [65, PAGE - 4, PAGE, 0xFFFFFFFF])
        skew = pick.choice([0] * 12 + [1, 2, PAGE])
        return crossing(call, source, target, types, cells, memory, skew, out)


# Listed rows


def filled(at=0, data=b""):
    memory = bytearray([FROM_FILL]) * PAGE
    memory[at : at + len(data)] = data
    return memory


def number_rows():
    """Each primitive from a cell and from memory, with what is above its bits."""
    edges = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
             1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
    chars = [0, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0x10FFFF, 0x110000, 0xFFFFFFFF]
    floats = [0x3F800000, 0x7F800000, 0xFF800000, 0x7F800001, 0x7FC00000, 0xFFC00001, 0x80000000, 1,
              0x3FF0 << 48, 0x7FF0 << 48, 0xFFF0 << 48, (0x7FF0 << 48) + 1, 0x7FF8 << 48, (1 << 64) - 1]
    for t in Maker(0).prims()[:-1]:
        size = d.elem_size(t, "i32")
        width = 64 if size == 8 else 32
        wanted = chars if isinstance(t, d.CharType) else floats if isinstance(t, d.F32Type | d.F64Type) else edges
        for bits in wanted:
            if bits >> width == 0:
                yield crossing("param", "utf8", "utf8", [t], [bits], filled())
                yield crossing("result", "utf8", "utf8", [t], [bits], filled())
            if bits >> 8 * size == 0:
                yield crossing("param", "utf8", "utf8", [d.ListType(t)], [16, 1], filled(16, bits.to_bytes(size, "little")))
        joined = d.VariantType([d.CaseType("c0", d.U64Type()), d.CaseType("c1", t), d.CaseType("c2", None)])
        for bits in wanted:
            for case in range(3):
                yield crossing("param", "utf8", "utf8", [joined], [case, bits | 0xABCD << 48], filled())


def label_rows():
    """Flags of every number, and enums whose discriminants have one byte and two."""
    for count in range(1, 33):
        t = d.FlagsType(names("l", count))
        for bits in [0x55555555, 0xFFFFFFFF, 1 << count - 1]:
            yield crossing("param", "utf8", "utf8", [t], [bits], filled())
            yield crossing("result", "utf8", "utf8", [d.ListType(t)], [16],
                           filled(16, struct.pack("<III", 24, 2, bits) + struct.pack("<I", bits)), out=64)
    for count in [1, 2, 255, 256, 257]:
        t = d.EnumType(names("e", count))
        for case in [0, count - 1, count, 255, 256, 0xFFFFFFFF]:
            yield crossing("param", "utf8", "utf8", [t], [case], filled())
            yield crossing("param", "utf8", "utf8", [d.ListType(d.TupleType([t, d.U8Type()]))], [16, 1],
                           filled(16, struct.pack("<II", case, 7)))
    big = d.VariantType([d.CaseType(name, d.U8Type()) for name in names("c", 257)])
    for case in [0, 256, 257]:
        yield crossing("param", "utf8", "utf8", [d.ListType(big)], [16, 1], filled(16, struct.pack("<HB", case, 9)))


def string_rows():
    """Strings from every encoding to every encoding, in both widths; well-formed and not."""
    texts = ["", "a", "a\0b", "\x80", "\x7f\x80", "ab\xefc", "\xff\xff", "\u0100", "y\u01ff", "\u01ffy", "\xe9\u20ac\xe9",
             "\ud7ff\ue000\uffff", "\U0001f600", "a\U00010000\U0010ffffb", "\xe9" * 20, "\u20ac" * 9]
    for wide in ["", "/64"]:
        tag = 1 << (63 if wide else 31)
        for source in ENCODINGS:
            for target in ENCODINGS:
                for text in texts:
                    forms = {"utf8": [(text.encode(), 1, 0)], "utf16": [(text.encode("utf-16-le"), 2, 0)],
                             "latin1+utf16": [(text.encode("utf-16-le"), 2, tag)]}[source]
                    if source == "latin1+utf16" and all(ord(c) < 256 for c in text):
                        forms.append((text.encode("latin-1"), 1, 0))
                    for data, unit, bit in forms:
                        cells = [32, len(data) // unit | bit]
                        yield crossing("param", source + wide, target + wide, [d.StringType()], cells, filled(32, data))
    bad = [b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc2a", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe2\x82", b"\xed\xa0\x80",
           b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff",
           b"ok\xf0\x9f\x98", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xef\xbf\xbf"]
    for data in bad:
        yield crossing("param", "utf8", "utf8", [d.StringType()], [32, len(data)], filled(32, data))
        yield crossing("param", "utf8", "utf16", [d.StringType()], [32, len(data)], filled(32, data))
    for units in [[0xD800], [0xDC00], [0xD800, 0x61], [0x61, 0xDBFF], [0xDC00, 0xD800], [0xD800, 0xD800, 0xDC00],
                  [0xDBFF, 0xDFFF], [0xFFFF, 0xD7FF, 0xE000]]:
        data = struct.pack(f"<{len(units)}H", *units)
        yield crossing("param", "utf16", "utf16", [d.StringType()], [32, len(units)], filled(32, data))
        yield crossing("param", "utf16", "utf8", [d.StringType()], [32, len(units)], filled(32, data))
        yield crossing("param", "latin1+utf16", "utf8", [d.StringType()], [32, len(units) | 1 << 31], filled(32, data))


def range_rows():
    """Pointers and lengths: at the end of memory, unaligned, too long, or what wraps around."""
    t = d.StringType()
    for source in ENCODINGS + ["utf8/64", "latin1+utf16/64"]:
        width = 64 if source.endswith("/64") else 32
        target = "utf8/64" if width == 64 else "utf8"
        near = [0, 1, PAGE - 2, PAGE - 1, PAGE, PAGE + 1, (1 << width) - 2, (1 << width) - 1]
        far = [(1 << 27) - 1, 1 << 27, (1 << 28) - 1, 1 << 28, (1 << width - 1) - 1, 1 << width - 1, (1 << width - 1) + 1,
               (1 << width - 1) + (1 << 27), (1 << width) - 1]
        for at, length in [(at, length) for at in near for length in [0, 1, 2]] + [(0, length) for length in far]:
            yield crossing("param", source, target, [t], [at, length], filled())
    for inner in [d.U8Type(), d.U16Type(), d.U64Type(), d.TupleType([d.U8Type(), d.U32Type()]), d.ListType(d.U16Type(), 3),
                  d.StringType()]:
        for source in ["utf8", "utf8/64"]:
            width = 64 if source.endswith("/64") else 32
            near = [0, 1, 2, 4, PAGE - 8, PAGE - 6, PAGE - 1, PAGE, PAGE + 8, (1 << width) - 8]
            far = [1 << 25, 1 << 28, 1 << width - 3, (1 << width - 3) + 1, 1 << width - 1, (1 << width) - 1]
            for at, length in [(at, length) for at in near for length in [0, 1]] + [(0, length) for length in far]:
                if at + length < PAGE or not isinstance(inner, d.StringType):
                    yield crossing("param", source, source, [d.ListType(inner)], [at, length], filled())
    wide = d.TupleType([d.U64Type()] * 16 + [d.U8Type()])
    for source in ["utf8", "utf8/64"]:
        width = 64 if source.endswith("/64") else 32
        for at in [0, 1, 4, 8, PAGE - 136, PAGE - 135, PAGE - 128, PAGE, PAGE + 8, (1 << width) - 8, (1 << width) - 1]:
            for call, out in [("param", "-"), ("result", 64), ("start", "-"), ("return", 64)]:
                yield crossing(call, source, source, [wide], [at], filled(), out=out)
            yield crossing("result", source, source, [wide], [0], filled(), out=at)
            yield crossing("return", source, source, [wide], [0], filled(), out=at)
    for skew in [1, 2, 4, 8, 16, PAGE - HEAP - 136, PAGE - HEAP - 128, PAGE]:
        for inner in [d.U8Type(), d.U16Type(), d.U64Type()]:
            yield crossing("param", "utf8", "utf8", [d.ListType(inner)], [0, 9], filled(), skew)
        yield crossing("param", "utf8", "utf8", [wide], [0], filled(), skew)
        for target in ENCODINGS:
            for text in ["", "ab", "\xe9b", "b\u20ac"]:
                yield crossing("param", "utf8", target, [t], [0, len(text.encode())], filled(0, text.encode()), skew)


def nested_rows():
    """Strings that are not in their shortest form, inside of other values."""
    t = d.ListType(d.OptionType(d.StringType()))
    data = struct.pack("<IIIIII", 1, 64, 2 | 1 << 31, 1, 68, 2) + b"\xcc" * 24 + "\xe9a".encode("utf-16-le") + b"\xe9a"
    for target in ENCODINGS:
        yield crossing("param", "latin1+utf16", target, [t], [16, 2], filled(16, data))
    pair = d.TupleType([d.CharType(), d.StringType()])
    for call, out in [("result", 64), ("return", 64)]:
        yield crossing(call, "utf8", "utf8", [pair], [16] if call == "result" else [0xD800, 0, 1],
                       filled(16, struct.pack("<III", 0x41, 32, 1)), out=out)
        yield crossing(call, "utf8", "utf8", [d.TupleType([d.U8Type(), d.U8Type()])], [16] if call == "result" else [1, 2],
                       filled(), out=out)


# Handles


class Handles:
    """Rows about handles. `from` and `to` are the handle tables of both sides, `memory` and `written`
    what is in them afterwards: index:kind:representation:lends for each handle, kinds being own, borrow,
    other (an own handle of another resource type) and free (in the order in which they became it).
    `skew` is 1 if the taker defines the resource type; `out` has the number of borrows that the call
    counts."""

    def __init__(self):
        self.made = d.ResourceType(None)
        self.other = d.ResourceType(None)

    def context(self, entries):
        cx = make_context("utf8", FROM_FILL)
        cx.inst.handles = table = d.Table()
        holes = []
        for kind, rep, lends in entries:
            handle = d.ResourceHandle(self.other if kind == "other" else self.made, rep, kind != "borrow")
            handle.num_lends = lends
            index = table.add(handle)
            if kind == "free":
                holes.append(index)
        for index in holes:
            table.remove(index)
        return cx

    def table(self, cx):
        out = []
        for index, handle in enumerate(cx.inst.handles.array):
            if handle is None:
                continue
            kind = "other" if handle.rt is self.other else "own" if handle.own else "borrow"
            out.append(f"{index}:{kind}:{handle.rep}:{handle.num_lends}")
        return " ".join(out) or "-"

    def row(self, types, cells, entries, taken=(), defines=False):
        giver, taker = self.context(entries), self.context(taken)
        giver.borrow_scope = d.Subtask()
        taker.borrow_scope = scope = d.Task.__new__(d.Task)
        scope.num_borrows = 0
        self.made.impl = taker.inst if defines else None
        before = [" ".join(f"{i}:{':'.join(map(str, entry))}" for i, entry in enumerate(side, 1)) or "-"
                  for side in (entries, taken)]
        row = ["handles", *before, ";".join(map(type_text, types)), str(int(defines))]
        try:
            values = d.lift_flat_values(giver, 16, d.CoreValueIter(cells), types)
        except d.Trap:
            return row + ["-", hex_cells(cells), "-", "trap handle", "-", "-", "-"]
        stored = d.lower_flat_values(taker, 16, values, types)
        value = wave(d.TupleType(types), {str(i): v for i, v in enumerate(values)})
        return row + [str(scope.num_borrows), hex_cells(cells), self.table(giver), value, "-", hex_cells(stored),
                      self.table(taker)]

    def rows(self):
        own, borrow = d.OwnType(self.made), d.BorrowType(self.made)
        for t in [own, borrow]:
            for entry in [("own", 7, 0), ("own", 7, 1), ("borrow", 8, 0), ("borrow", 8, 2), ("other", 9, 0), ("free", 0, 0)]:
                for index in [0, 1, 2, 0xFFFFFFFF]:
                    for defines in [False, True]:
                        yield self.row([t], [index], [entry], [], defines)
        table = [("own", 5, 0), ("borrow", 6, 0), ("own", 7, 0), ("free", 0, 0), ("own", 8, 0)]
        holes = [("free", 0, 0), ("own", 1, 0), ("free", 0, 0)]
        for defines in [False, True]:
            for types, cells in [([own, own], [1, 3]), ([own, own], [1, 1]), ([own, borrow], [1, 1]), ([borrow, own], [1, 1]),
                                 ([borrow, borrow, borrow], [1, 1, 2]), ([own, own, own], [5, 3, 1]),
                                 ([d.OptionType(own)], [0, 1]), ([d.OptionType(own)], [1, 5]),
                                 ([d.TupleType([own, borrow])], [3, 2]), ([d.ResultType(own, borrow)], [1, 2]),
                                 ([d.ResultType(own, borrow)], [0, 2])]:
                yield self.row(types, cells, table, holes, defines)


def rows(seed, count):
    yield from number_rows()
    yield from label_rows()
    yield from string_rows()
    yield from range_rows()
    yield from nested_rows()
    yield from Handles().rows()
    maker, made = Maker(seed), 0
    while made < count:
        row = maker.row()
        if sum(map(len, row)) <= MOST_RANDOM:
            made += 1
            yield row


def main():
    global d
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("checkout", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=20260821)
    arguments.add_argument("--count", type=int, default=1200, help="rows from the seed")
    given = arguments.parse_args()
    d, commit = load_definitions(given.checkout)
    made = list(dict.fromkeys("\t".join(row) for row in rows(given.seed, given.count)))
    TABLE.parent.mkdir(exist_ok=True)
    head = f"# scripts/canonical_table.py; definitions.py of {commit}, seed {given.seed}\n"
    TABLE.write_text(head + "\n".join(made) + "\n")
    print(f"{TABLE.relative_to(ROOT)}: {len(made)} rows, {TABLE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
