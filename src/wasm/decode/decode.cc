// The module as a sequence of sections: header, order, sizes, and the checks that span sections.
// Spec: binary format, section "Modules".
#include "wasm/decode/decode.h"

#include <array>

#include <fmt/format.h>

#include "wasm/decode/decoder.h"

namespace sedge::wasm {
namespace {

using namespace decode_detail;

constexpr std::array<uint8_t, 4> kMagic = {0x00, 0x61, 0x73, 0x6d};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kComponentVersion = 0x1000d;  // layer 1

/// Place of each section id in the order that the format demands.
constexpr std::array<uint8_t, 14> kOrder = [] {
  std::array<uint8_t, 14> order{};
  constexpr SectionId kSequence[] = {SectionId::type,    SectionId::import,     SectionId::function,
                                     SectionId::table,   SectionId::memory,     SectionId::tag,
                                     SectionId::global,  SectionId::export_,    SectionId::start,
                                     SectionId::element, SectionId::data_count, SectionId::code,
                                     SectionId::data};
  uint8_t place = 0;
  for (SectionId id : kSequence) order[static_cast<size_t>(id)] = ++place;
  return order;
}();

constexpr std::array<std::string_view, 14> kSectionNames = {
    "custom", "type",  "import",  "function", "table", "memory",     "global",
    "export", "start", "element", "code",     "data",  "data count", "tag"};

Result<void> read_header(Reader& reader) {
  Location start = reader.location();
  if (reader.remaining() < kMagic.size()) return fail(ErrorCode::unexpected_end, {}, start);
  SEDGE_TRY_ASSIGN(Bytes magic, reader.bytes(kMagic.size()));
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin()))
    return fail(ErrorCode::magic_not_detected, {}, start);
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint32_t version, reader.fixed<uint32_t>());
  if (version == kVersion) return {};
  if (version == kComponentVersion)
    return fail(Error(ErrorCode::unsupported_file, ": this is a component, not a core module", at)
                    .with_remedy("a core module is needed here: build for wasm32-wasip1"));
  return fail(ErrorCode::unknown_binary_version, fmt::format(" {}", version), at);
}

Result<void> read_custom_section(Module& module, Reader& reader, SectionId after) {
  SEDGE_TRY_ASSIGN(std::string_view name, reader.name());
  CustomSection section;
  section.name = name;
  section.after = after;
  section.offset = reader.offset();
  SEDGE_TRY_ASSIGN(section.content, reader.bytes(reader.remaining()));
  module.customs.push_back(section);
  return {};
}

Result<void> read_section(State& state, SectionId id, Reader& reader) {
  switch (id) {
    case SectionId::custom:
      break;
    case SectionId::type:
      return read_type_section(state, reader);
    case SectionId::import:
      return read_import_section(state, reader);
    case SectionId::function:
      return read_function_section(state, reader);
    case SectionId::table:
      return read_table_section(state, reader);
    case SectionId::memory:
      return read_memory_section(state, reader);
    case SectionId::global:
      return read_global_section(state, reader);
    case SectionId::export_:
      return read_export_section(state, reader);
    case SectionId::start: {
      state.module.start_offset = reader.offset();
      SEDGE_TRY_ASSIGN(state.module.start, reader.u32());
      break;
    }
    case SectionId::element:
      return read_element_section(state, reader);
    case SectionId::code:
      return read_code_section(state, reader);
    case SectionId::data:
      return read_data_section(state, reader);
    case SectionId::data_count: {
      SEDGE_TRY_ASSIGN(state.module.data_count, reader.u32());
      break;
    }
    case SectionId::tag:
      return read_tag_section(state, reader);
  }
  return {};
}

/// What only shows once every section is read.
Result<void> check_across_sections(const State& state) {
  const Module& module = state.module;
  if (state.declared_funcs != state.code_entries)
    return fail(ErrorCode::inconsistent_lengths,
                fmt::format(": {} declared, {} given", state.declared_funcs, state.code_entries),
                Location::at(state.binary.size()));
  if (module.data_count && *module.data_count != module.datas.size())
    return fail(ErrorCode::inconsistent_data_lengths,
                fmt::format(": {} declared, {} given", *module.data_count, module.datas.size()),
                Location::at(state.binary.size()));
  return {};
}

Result<void> read_sections(State& state, Reader& reader) {
  SectionId last = SectionId::custom;
  while (!reader.at_end()) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t id, reader.u8());
    if (id >= kOrder.size())
      return fail(ErrorCode::malformed_section_id, fmt::format(" {}", id), at);
    SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
    Location content_at = reader.location();
    if (size > reader.remaining())
      return fail(ErrorCode::length_out_of_bounds,
                  fmt::format(": the {} section declares {} bytes, {} are left", kSectionNames[id],
                              size, reader.remaining()),
                  content_at);
    SEDGE_TRY_ASSIGN(Bytes content, reader.bytes(size));
    Reader section(content, content_at.offset);
    section.set_end_error(ErrorCode::unexpected_end_of_section);
    section.set_lookahead(state.binary.data() + state.binary.size());
    auto section_id = static_cast<SectionId>(id);
    if (section_id == SectionId::custom) {
      SEDGE_TRY(read_custom_section(state.module, section, last));
      continue;
    }
    if (kOrder[id] <= kOrder[static_cast<size_t>(last)])
      return fail(ErrorCode::unexpected_content,
                  fmt::format(": {} section after {} section", kSectionNames[id],
                              kSectionNames[static_cast<size_t>(last)]),
                  at);
    last = section_id;
    if (Result<void> read = read_section(state, section_id, section); !read) {
      read.error().add_context(fmt::format("{} section", kSectionNames[id]));
      return read;
    }
    if (!section.at_end())
      return fail(ErrorCode::section_size_mismatch,
                  fmt::format(": {} bytes left over in the {} section", section.remaining(),
                              kSectionNames[id]),
                  section.location());
  }
  return {};
}

/// The first wrongly encoded instruction of the bodies read so far: what a reader that goes through
/// the file in one pass would have met before an error behind the code section.
std::optional<Error> first_body_error(State& state) {
  for (const Func& func : state.module.funcs) {
    Reader body(func.body.bytes, func.body.offset);
    body.set_end_error(ErrorCode::unexpected_end_of_section);
    body.set_lookahead(state.binary.data() + state.binary.size());
    InstrReader instrs(body);
    while (!instrs.at_end()) {
      if (Result<void> read = instrs.next(state.scratch); !read) return std::move(read).error();
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Module> decode(SharedBytes binary) {
  Bytes bytes(*binary);
  return decode(bytes, std::move(binary));
}

Result<Module> decode(Bytes binary, std::shared_ptr<const void> owner) {
  Module module;
  module.binary = binary;
  if (owner) module.storage.push_back(std::move(owner));
  if (binary.size() > kMaxModuleSize)
    return fail(ErrorCode::limit_exceeded,
                fmt::format(": a module of {} bytes, at most {}", binary.size(), kMaxModuleSize));
  Reader reader(binary);
  SEDGE_TRY(read_header(reader));
  State state{.module = module, .binary = binary, .scratch = {}};
  if (Result<void> read = read_sections(state, reader); !read) {
    if (state.code_entries != 0 && read.error().phase() == Phase::malformed) {
      if (std::optional<Error> earlier = first_body_error(state)) return fail(*std::move(earlier));
    }
    return fail(std::move(read).error());
  }
  SEDGE_TRY(check_across_sections(state));
  module.index_imports();
  for (const CustomSection& section : module.customs) {
    if (section.name == kNameSection) read_name_section(module, section);
    if (section.name == kBranchHintSection) read_branch_hints(module, section);
  }
  return module;
}

Error missing_end_error(const Module& module, const Func& func) {
  uint64_t end = func.body.offset + func.body.bytes.size();
  bool is_last = !module.funcs.empty() && &func == &module.funcs.back();
  if (end >= module.binary.size())
    return Error(ErrorCode::unexpected_end_of_section, {}, Location::at(end));
  // The specification's reader would run on and take the id of the data section for an `end`.
  if (is_last && module.binary[end] == 0x0b)
    return Error(ErrorCode::section_size_mismatch, ": the last function has no `end`",
                 Location::at(end));
  return Error(ErrorCode::end_opcode_expected, {}, Location::at(end));
}

}  // namespace sedge::wasm
