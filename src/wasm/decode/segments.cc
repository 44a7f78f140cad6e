// Element, code and data sections. Spec: binary format, sections "Element Section", "Code Section",
// "Data Section".
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "wasm/decode/decoder.h"

namespace sedge::wasm::decode_detail {
namespace {

/// Bits of an element segment's leading number.
enum ElemFlags : uint32_t { kNotActive = 1, kExplicit = 2, kExprs = 4 };

constexpr ValType kFuncRef = ValType::reference(HeapType::func, false);

/// Element kind or type, which all but the abbreviated forms spell out.
Result<void> read_elem_type(Reader& reader, ElemSegment& segment) {
  if (segment.uses_exprs) {
    SEDGE_TRY_ASSIGN(segment.type, read_ref_type(reader));
    return {};
  }
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t kind, reader.u8());
  if (kind != 0) return fail(ErrorCode::malformed_elem_kind, {}, at);
  return {};
}

Result<ElemSegment> read_elem(State& state, Reader& reader) {
  ElemSegment segment;
  segment.offset = reader.offset();
  SEDGE_TRY_ASSIGN(uint32_t flags, reader.u32());
  if (flags > (kNotActive | kExplicit | kExprs))
    return fail(ErrorCode::malformed_elem_kind, fmt::format(" {}", flags),
                Location::at(segment.offset));
  segment.uses_exprs = flags & kExprs;
  segment.type = segment.uses_exprs ? ValType::funcref() : kFuncRef;
  if (flags & kNotActive) {
    segment.mode = flags & kExplicit ? ElemSegment::Mode::declarative : ElemSegment::Mode::passive;
  } else {
    segment.mode = ElemSegment::Mode::active;
    segment.explicit_table = flags & kExplicit;
    if (segment.explicit_table) {
      SEDGE_TRY_ASSIGN(segment.table, reader.u32());
    }
    SEDGE_TRY_ASSIGN(segment.offset_expr, read_expr(state, reader));
  }
  if (flags & (kNotActive | kExplicit)) SEDGE_TRY(read_elem_type(reader, segment));
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxElemSegments, "elements"));
  if (segment.uses_exprs) {
    segment.exprs.reserve(room_for(reader, count));
    for (uint32_t i = 0; i < count; ++i) {
      SEDGE_TRY_ASSIGN(Expr item, read_expr(state, reader));
      segment.exprs.push_back(item);
    }
  } else {
    segment.funcs.reserve(room_for(reader, count));
    for (uint32_t i = 0; i < count; ++i) {
      SEDGE_TRY_ASSIGN(FuncIdx item, reader.u32());
      segment.funcs.push_back(item);
    }
  }
  return segment;
}

Result<void> read_locals(Reader& reader, Func& func) {
  SEDGE_TRY_ASSIGN(uint32_t runs, reader.u32());
  func.locals.reserve(room_for(reader, runs) < kMaxLocals ? room_for(reader, runs) : 0);
  uint64_t total = 0;
  for (uint32_t i = 0; i < runs; ++i) {
    LocalRun run;
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(run.count, reader.u32());
    SEDGE_TRY_ASSIGN(run.type, read_value_type(reader));
    total += run.count;  // no overflow: at most 2^32 runs of less than 2^32
    if (total > std::numeric_limits<uint32_t>::max())
      return fail(ErrorCode::too_many_locals, fmt::format(": {}", total), at);
    if (func.locals.size() < kMaxLocals) func.locals.push_back(run);
  }
  if (total > kMaxLocals || runs > kMaxLocals)
    return fail(ErrorCode::limit_exceeded,
                fmt::format(": {} locals in one function, at most {}",
                            std::max<uint64_t>(total, runs), kMaxLocals),
                Location::at(func.offset));
  return {};
}

Result<void> read_func(Reader& reader, Func& func) {
  func.offset = reader.offset();
  SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(Bytes entry, reader.bytes(size, ErrorCode::unexpected_end_of_section));
  if (size > kMaxBodySize)
    return fail(ErrorCode::limit_exceeded,
                fmt::format(": a function of {} bytes, at most {}", size, kMaxBodySize), at);
  Reader body(entry, at.offset);
  body.set_end_error(ErrorCode::unexpected_end_of_section);
  SEDGE_TRY(read_locals(body, func));
  func.body.offset = body.offset();
  func.body.bytes = Bytes(body.data(), body.remaining());
  return {};
}

}  // namespace

Result<void> read_element_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxElemSegments, "element segments"));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(ElemSegment segment, read_elem(state, reader));
    state.module.elems.push_back(std::move(segment));
  }
  return {};
}

Result<void> read_code_section(State& state, Reader& reader) {
  state.module.code_offset = reader.offset();
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxFuncs, "function bodies"));
  for (uint32_t i = 0; i < count; ++i) {
    // A count that differs from the function section's is an error once the file is read.
    Func extra;
    SEDGE_TRY(read_func(reader, i < state.declared_funcs ? state.module.funcs[i] : extra));
    ++state.code_entries;
  }
  return {};
}

Result<void> read_data_section(State& state, Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxDataSegments, "data segments"));
  state.module.datas.reserve(std::min<size_t>(room_for(reader, count), kMaxDataSegments));
  for (uint32_t i = 0; i < count; ++i) {
    DataSegment segment;
    segment.offset = reader.offset();
    SEDGE_TRY_ASSIGN(uint32_t kind, reader.u32());
    if (kind > 2)
      return fail(ErrorCode::malformed_data_kind, fmt::format(" {}", kind),
                  Location::at(segment.offset));
    segment.mode = kind == 1 ? DataSegment::Mode::passive : DataSegment::Mode::active;
    segment.explicit_memory = kind == 2;
    if (segment.explicit_memory) {
      SEDGE_TRY_ASSIGN(segment.memory, reader.u32());
    }
    if (segment.mode == DataSegment::Mode::active) {
      SEDGE_TRY_ASSIGN(segment.offset_expr, read_expr(state, reader));
    }
    SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
    SEDGE_TRY_ASSIGN(segment.init, reader.bytes(size, ErrorCode::unexpected_end_of_section));
    state.module.datas.push_back(segment);
  }
  return {};
}

}  // namespace sedge::wasm::decode_detail
