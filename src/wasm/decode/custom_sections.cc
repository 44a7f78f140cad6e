// The name section and branch hints. Both are advice: malformed content is ignored as a whole.
// Spec: appendix "Custom Sections"; proposal "branch hinting".
#include <algorithm>

#include "wasm/decode/decoder.h"

namespace sedge::wasm::decode_detail {
namespace {

/// Indices of a name map ascend strictly.
template <typename Map>
bool in_order(const Map& map, uint32_t index) {
  return map.empty() || map.back().first < index;
}

Result<void> read_name_map(Reader& reader, Names::Map& map) {
  SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
  map.reserve(std::min<size_t>(count, reader.remaining() / 2));
  for (uint32_t i = 0; i < count; ++i) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint32_t index, reader.u32());
    if (!in_order(map, index)) return fail(ErrorCode::unexpected_content, {}, at);
    SEDGE_TRY_ASSIGN(std::string_view name, reader.name());
    map.emplace(index, name);
  }
  return {};
}

Result<void> read_indirect_map(Reader& reader, Names::IndirectMap& map) {
  SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
  map.reserve(std::min<size_t>(count, reader.remaining() / 2));
  for (uint32_t i = 0; i < count; ++i) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint32_t index, reader.u32());
    if (!in_order(map, index)) return fail(ErrorCode::unexpected_content, {}, at);
    SEDGE_TRY(read_name_map(reader, map[index]));
  }
  return {};
}

Result<void> read_subsection(uint8_t id, Reader& reader, Names& names) {
  switch (id) {
    case 0: {
      SEDGE_TRY_ASSIGN(names.module, reader.name());
      return {};
    }
    case 1:
      return read_name_map(reader, names.funcs);
    case 2:
      return read_indirect_map(reader, names.locals);
    case 3:
      return read_indirect_map(reader, names.labels);
    case 4:
      return read_name_map(reader, names.types);
    case 5:
      return read_name_map(reader, names.tables);
    case 6:
      return read_name_map(reader, names.memories);
    case 7:
      return read_name_map(reader, names.globals);
    case 8:
      return read_name_map(reader, names.elems);
    case 9:
      return read_name_map(reader, names.datas);
    case 10:
      return read_indirect_map(reader, names.fields);
    case 11:
      return read_name_map(reader, names.tags);
    default:
      reader.skip(reader.remaining());
      return {};  // a later version's
  }
}

Result<Names> read_names(Reader reader) {
  Names names;
  while (!reader.at_end()) {
    SEDGE_TRY_ASSIGN(uint8_t id, reader.u8());
    SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
    uint64_t offset = reader.offset();
    SEDGE_TRY_ASSIGN(Bytes content, reader.bytes(size));
    Reader subsection(content, offset);
    SEDGE_TRY(read_subsection(id, subsection, names));
    if (!subsection.at_end())
      return fail(ErrorCode::section_size_mismatch, {}, subsection.location());
  }
  return names;
}

/// Bytes between a function's size field and its first instruction: the declarations of locals. The
/// section counts from there, Module from the first instruction.
uint64_t locals_size(const Module& module, const Func& func) {
  Reader entry(module.binary);
  entry.seek(func.offset);
  if (!entry.u32()) return 0;  // never: it was decoded before
  return func.body.offset - entry.offset();
}

Result<BranchHints> read_hints(const Module& module, Reader reader) {
  BranchHints hints;
  SEDGE_TRY_ASSIGN(uint32_t funcs, reader.u32());
  for (uint32_t i = 0; i < funcs; ++i) {
    SEDGE_TRY_ASSIGN(uint32_t func_index, reader.u32());
    size_t imported = module.imported_funcs.size();
    if (func_index < imported || func_index - imported >= module.funcs.size())
      return fail(ErrorCode::unknown_function, {}, reader.location());
    uint64_t base = locals_size(module, module.funcs[func_index - imported]);
    auto& of_func = hints[func_index];
    SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
    for (uint32_t j = 0; j < count; ++j) {
      SEDGE_TRY_ASSIGN(uint32_t offset, reader.u32());
      SEDGE_TRY_ASSIGN(uint8_t size, reader.u8());
      SEDGE_TRY_ASSIGN(uint8_t taken, reader.u8());
      if (size != 1 || taken > 1 || offset < base)
        return fail(ErrorCode::malformed_annotation, {}, reader.location());
      of_func.emplace(static_cast<uint32_t>(offset - base), taken == 1);
    }
  }
  if (!reader.at_end()) return fail(ErrorCode::section_size_mismatch, {}, reader.location());
  return hints;
}

}  // namespace

void read_name_section(Module& module, const CustomSection& section) {
  if (Result<Names> names = read_names(Reader(section.content, section.offset)))
    module.names = *std::move(names);
}

void read_branch_hints(Module& module, const CustomSection& section) {
  if (Result<BranchHints> hints = read_hints(module, Reader(section.content, section.offset)))
    module.branch_hints = *std::move(hints);
}

}  // namespace sedge::wasm::decode_detail
