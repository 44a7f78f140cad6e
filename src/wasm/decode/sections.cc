// Imports, declarations, definitions and exports. Spec: binary format, section "Modules"; the
// compact forms of imports: proposal "compact import section".
#include <algorithm>

#include <fmt/format.h>

#include "wasm/decode/decoder.h"

namespace sedge::wasm::decode_detail {
namespace {

/// Marks in place of an import's kind, after an empty name: many imports of one module, and many of
/// one module and one type.
enum : uint8_t { kCompactModule = 0x7f, kCompactType = 0x7e };

Result<void> add_import(Module& module, const Import& import) {
  if (module.imports.size() >= kMaxImports)
    return fail(ErrorCode::limit_exceeded, fmt::format(": more than {} imports", kMaxImports),
                Location::at(import.offset));
  module.imports.push_back(import);
  return {};
}

Result<void> read_compact_imports(State& state, Reader& reader, Import import, bool one_type) {
  state.module.compact_imports = true;
  if (one_type) SEDGE_TRY(read_extern_type(reader, import));
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxImports, "imports"));
  for (uint32_t i = 0; i < count; ++i) {
    import.offset = reader.offset();
    SEDGE_TRY_ASSIGN(import.name, reader.name());
    if (!one_type) SEDGE_TRY(read_extern_type(reader, import));
    SEDGE_TRY(add_import(state.module, import));
  }
  return {};
}

}  // namespace

Result<void> read_extern_type(Reader& reader, ExternDesc& import) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t kind, reader.u8());
  if (kind > static_cast<uint8_t>(ExternKind::tag))
    return fail(ErrorCode::malformed_import_kind, fmt::format(" {:02x}", kind), at);
  import.kind = static_cast<ExternKind>(kind);
  switch (import.kind) {
    case ExternKind::func: {
      SEDGE_TRY_ASSIGN(import.type_index, reader.u32());
      break;
    }
    case ExternKind::table: {
      SEDGE_TRY_ASSIGN(import.table, read_table_type(reader));
      break;
    }
    case ExternKind::memory: {
      SEDGE_TRY_ASSIGN(import.memory, read_memory_type(reader));
      break;
    }
    case ExternKind::global: {
      SEDGE_TRY_ASSIGN(import.global, read_global_type(reader));
      break;
    }
    case ExternKind::tag: {
      SEDGE_TRY_ASSIGN(import.type_index, read_tag_type(reader));
      break;
    }
  }
  return {};
}

namespace {

/// Bytes of an expression that is `i32.const` or `i64.const` of at most four bytes, which are never
/// out of range; 0 for any other. Modules have tens of thousands of these in their segments.
size_t plain_constant_size(const Reader& reader) {
  constexpr uint8_t kI32Const = 0x41, kI64Const = 0x42, kEnd = 0x0b;
  constexpr size_t kLongest = 6;
  const uint8_t* p = reader.data();
  if (reader.remaining() < kLongest || (*p != kI32Const && *p != kI64Const)) return 0;
  size_t size = 1;
  while (size < kLongest - 2 && p[size] >= 0x80) ++size;
  return p[size] < 0x80 && p[size + 1] == kEnd ? size + 2 : 0;
}

}  // namespace

Result<Expr> read_expr(State& state, Reader& reader) {
  Expr expr;
  expr.offset = reader.offset();
  const uint8_t* start = reader.data();
  if (size_t size = plain_constant_size(reader)) {
    reader.skip(size);
    expr.bytes = Bytes(start, size);
    return expr;
  }
  InstrReader instrs(reader);  // with the module's lookahead: short expressions read fast
  // Blocks are not constant, but whether they are is the validator's to say: here they only nest.
  for (uint32_t depth = 1; depth != 0;) {
    SEDGE_TRY(instrs.next(state.scratch));
    switch (state.scratch.op) {
      case Op::block:
      case Op::loop:
      case Op::if_:
      case Op::try_:
      case Op::try_table:
        ++depth;
        break;
      case Op::end:
      case Op::delegate:
        --depth;
        break;
      default:
        break;
    }
  }
  reader = instrs.reader();
  expr.bytes = Bytes(start, reader.data());
  return expr;
}

Result<void> read_import_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxImports, "imports"));
  for (uint32_t i = 0; i < count; ++i) {
    Import import;
    import.offset = reader.offset();
    SEDGE_TRY_ASSIGN(import.module, reader.name());
    SEDGE_TRY_ASSIGN(import.name, reader.name());
    SEDGE_TRY_ASSIGN(uint8_t kind, reader.peek());
    if (import.name.empty() && (kind == kCompactModule || kind == kCompactType)) {
      reader.skip(1);
      SEDGE_TRY(read_compact_imports(state, reader, import, kind == kCompactType));
      continue;
    }
    SEDGE_TRY(read_extern_type(reader, import));
    SEDGE_TRY(add_import(state.module, import));
  }
  return {};
}

Result<void> read_function_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxFuncs, "functions"));
  state.module.funcs.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(TypeIdx type, reader.u32());
    state.module.funcs.emplace_back().type_index = type;
  }
  state.declared_funcs = count;
  return {};
}

Result<void> read_table_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxTables, "tables"));
  for (uint32_t i = 0; i < count; ++i) {
    Table table;
    SEDGE_TRY_ASSIGN(uint8_t form, reader.peek());
    bool has_init = form == 0x40;
    if (has_init) {
      reader.skip(1);
      Location at = reader.location();
      SEDGE_TRY_ASSIGN(uint8_t zero, reader.u8());
      if (zero != 0) return fail(ErrorCode::zero_byte_expected, {}, at);
    }
    SEDGE_TRY_ASSIGN(table.type, read_table_type(reader));
    if (has_init) {
      SEDGE_TRY_ASSIGN(table.init, read_expr(state, reader));
    }
    state.module.tables.push_back(table);
  }
  return {};
}

Result<void> read_memory_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxMemories, "memories"));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(MemoryType type, read_memory_type(reader));
    state.module.memories.push_back({type});
  }
  return {};
}

Result<void> read_global_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxGlobals, "globals"));
  for (uint32_t i = 0; i < count; ++i) {
    Global global;
    SEDGE_TRY_ASSIGN(global.type, read_global_type(reader));
    SEDGE_TRY_ASSIGN(global.init, read_expr(state, reader));
    state.module.globals.push_back(global);
  }
  return {};
}

Result<void> read_tag_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxTags, "tags"));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(TypeIdx type, read_tag_type(reader));
    state.module.tags.push_back({type});
  }
  return {};
}

Result<void> read_export_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxExports, "exports"));
  state.module.exports.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    if (reader.at_end() && reader.offset() < state.binary.size())
      return fail(ErrorCode::length_out_of_bounds,
                  fmt::format(": {} exports declared, {} given", count, i), reader.location());
    Export item;
    item.offset = reader.offset();
    SEDGE_TRY_ASSIGN(item.name, reader.name());
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t kind, reader.u8());
    if (kind > static_cast<uint8_t>(ExternKind::tag))
      return fail(ErrorCode::malformed_export_kind, fmt::format(" {:02x}", kind), at);
    item.kind = static_cast<ExternKind>(kind);
    SEDGE_TRY_ASSIGN(item.index, reader.u32());
    state.module.exports.push_back(item);
  }
  return {};
}

}  // namespace sedge::wasm::decode_detail
