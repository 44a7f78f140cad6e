// The component as a sequence of sections, in any order, each of which may come again; nested
// components are read in place. Specification: Binary.md, "Component Definitions".
#include "component/decode.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "component/decoder.h"
#include "wasm/decode/types.h"

namespace sedge::component {
namespace {

using namespace decode_detail;
using wasm::decode_detail::read_count;

constexpr std::array<uint8_t, 4> kMagic = {0x00, 0x61, 0x73, 0x6d};
constexpr uint32_t kVersion = 0x1000d;  // version 0x0d, layer 1
constexpr uint32_t kModuleVersion = 1;

enum class Section : uint8_t {
  custom,
  core_module,
  core_instance,
  core_type,
  component,
  instance,
  alias,
  type,
  canon,
  start,
  import,
  export_,
  value,
};
constexpr std::array<std::string_view, 13> kSectionNames = {
    "custom", "core module", "core instance", "core type", "component", "instance", "alias",
    "type",   "canon",       "start",         "import",    "export",    "value"};

Result<void> read_header(Reader& reader) {
  Location start = reader.location();
  SEDGE_TRY_ASSIGN(Bytes magic, reader.bytes(kMagic.size(), ErrorCode::component_end_of_file));
  if (!std::ranges::equal(magic, kMagic)) return fail(ErrorCode::magic_not_detected, {}, start);
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint32_t version, reader.fixed<uint32_t>());
  if (version == kVersion) return {};
  if (version == kModuleVersion)
    return fail(ErrorCode::malformed_component,
                ": expected a version header for a component, found "
                "that of a core module",
                at);
  return fail(ErrorCode::unknown_binary_version,
              fmt::format(" {:#x}, layer {}", version & 0xffff, version >> 16), at);
}

class Decoder {
 public:
  Decoder(std::shared_ptr<const void> owner, Bytes binary)
      : owner_(std::move(owner)), end_(binary.data() + binary.size()) {}

  Result<Component> component(Bytes binary, uint64_t offset, uint32_t depth) {
    if (depth > kMaxNesting)
      return fail(ErrorCode::nesting_too_deep,
                  fmt::format(": more than {} components and types", kMaxNesting),
                  Location::at(offset));
    Component out;
    out.binary = binary;
    out.offset = offset;
    if (owner_) out.storage.push_back(owner_);
    Reader reader(binary, offset);
    reader.set_end_error(ErrorCode::component_end_of_file);
    SEDGE_TRY(read_header(reader));
    bool named = false;
    while (!reader.at_end()) SEDGE_TRY(section(out, reader, depth, named));
    return out;
  }

 private:
  Result<void> section(Component& out, Reader& reader, uint32_t depth, bool& named) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t id, reader.u8());
    if (id >= kSectionNames.size())
      return fail(ErrorCode::malformed_section_id, fmt::format(" {}", id), at);
    SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
    uint64_t content_at = reader.offset();
    if (size > reader.remaining())
      return fail(ErrorCode::component_end_of_file,
                  fmt::format(": the {} section declares {} bytes, {} are left", kSectionNames[id],
                              size, reader.remaining()),
                  reader.location());
    SEDGE_TRY_ASSIGN(Bytes content, reader.bytes(size));
    Reader inside(content, content_at);
    inside.set_end_error(ErrorCode::component_end_of_file);
    auto add = [&]<typename T>(Result<T> read, uint64_t offset) -> Result<void> {
      if (!read) return std::unexpected(std::move(read).error());
      if (++definitions_ > kMaxDefinitions)
        return fail(ErrorCode::limit_exceeded,
                    fmt::format(": more than {} definitions", kMaxDefinitions),
                    Location::at(offset));
      out.definitions.push_back({*std::move(read), offset});
      return {};
    };
    auto add_each = [&]<typename T>(Result<T> (*read)(Reader&)) -> Result<void> {
      SEDGE_TRY_ASSIGN(uint32_t count, read_count(inside, kMaxDefinitions, "definitions"));
      for (uint32_t i = 0; i < count; ++i) {
        uint64_t offset = inside.offset();
        SEDGE_TRY(add(read(inside), offset));
      }
      return {};
    };
    auto read = [&]() -> Result<void> {
      switch (static_cast<Section>(id)) {
        case Section::custom:
          return custom(out, inside, named);
        case Section::core_module:
          inside.skip(inside.remaining());
          return add(Result<CoreModule>(CoreModule{content}), content_at);
        case Section::core_instance:
          return add_each(read_core_instance);
        case Section::core_type:
          return add_each(read_core_type);
        case Section::component: {
          inside.skip(inside.remaining());
          SEDGE_TRY_ASSIGN(Component nested, component(content, content_at, depth + 1));
          return add(
              Result<std::unique_ptr<Component>>(std::make_unique<Component>(std::move(nested))),
              content_at);
        }
        case Section::instance:
          return add_each(read_instance);
        case Section::alias:
          return add_each(read_alias);
        case Section::type: {
          SEDGE_TRY_ASSIGN(uint32_t count, read_count(inside, kMaxDefinitions, "types"));
          for (uint32_t i = 0; i < count; ++i) {
            uint64_t offset = inside.offset();
            SEDGE_TRY(add(read_type(inside, depth), offset));
          }
          return {};
        }
        case Section::canon:
          return add_each(read_canon);
        case Section::start:
          SEDGE_TRY(add(read_start(inside), content_at));
          if (!inside.at_end())
            return fail(ErrorCode::malformed_component,
                        ": unexpected content in the component start section", inside.location());
          return {};
        case Section::import:
          return add_each(read_import);
        case Section::export_:
          return add_each(read_export);
        case Section::value:
          return add_each(read_value);
      }
      return {};
    }();
    if (!read) {
      read.error().add_context(fmt::format("{} section", kSectionNames[id]));
      return read;
    }
    if (!inside.at_end())
      return fail(ErrorCode::section_size_mismatch,
                  fmt::format(": unexpected data at the end of the section: {} bytes left over in "
                              "the {} section",
                              inside.remaining(), kSectionNames[id]),
                  inside.location());
    return {};
  }

  Result<void> custom(Component& out, Reader& reader, bool& named) {
    uint64_t offset = reader.offset();
    SEDGE_TRY_ASSIGN(std::string_view name, reader.name());
    SEDGE_TRY_ASSIGN(Bytes content, reader.bytes(reader.remaining()));
    if (name == kNameSection && !std::exchange(named, true)) {
      read_names(out, content);
      return {};
    }
    if (name == kNameSection) return {};
    out.definitions.push_back({Custom{name, content}, offset});
    return {};
  }

  std::shared_ptr<const void> owner_;
  const uint8_t* end_;
  uint32_t definitions_ = 0;
};

}  // namespace

bool is_component(Bytes binary) {
  constexpr std::array<uint8_t, 4> kLayer = {0x0d, 0x00, 0x01, 0x00};
  return binary.size() >= 8 && std::ranges::equal(binary.first(4), kMagic) &&
         std::ranges::equal(binary.subspan(6, 2), Bytes(kLayer).subspan(2));
}

Result<Component> decode(Bytes binary, std::shared_ptr<const void> owner) {
  if (binary.size() > kMaxComponentSize)
    return fail(ErrorCode::limit_exceeded, fmt::format(": a component of {} bytes, at most {}",
                                                       binary.size(), kMaxComponentSize));
  auto out = Decoder(std::move(owner), binary).component(binary, 0, 0);
  // Lengths beyond the end are the end of the file to a reader of the whole.
  if (!out && (out.error().code() == ErrorCode::length_out_of_bounds ||
               out.error().code() == ErrorCode::unexpected_end))
    return fail(ErrorCode::component_end_of_file, {}, out.error().location());
  return out;
}

}  // namespace sedge::component
