// Instances, aliases, canonical functions, starts, imports, exports, values and names.
// Specification: Binary.md, the sections of these names.
#include <fmt/format.h>

#include "component/decoder.h"
#include "wasm/decode/types.h"
#include "wasm/op.h"

namespace sedge::component::decode_detail {

using wasm::decode_detail::read_count;
using wasm::decode_detail::room_for;

namespace {

enum : uint8_t {
  kCoreSort = 0x00,
  kCoreTypeSort = 0x10,
  kCoreModuleSort = 0x11,
  kCoreInstanceSort = 0x12
};

Result<SortIdx> read_sort_idx(Reader& reader) {
  SortIdx out;
  SEDGE_TRY_ASSIGN(out.sort, read_sort(reader));
  SEDGE_TRY_ASSIGN(out.index, reader.u32());
  return out;
}

Result<std::vector<CanonOption>> read_options(Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxCanonOptions, "canonical options"));
  std::vector<CanonOption> out;
  out.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t code, reader.u8());
    if (code > static_cast<uint8_t>(CanonOption::Kind::gc))
      return bad_byte(code, "canonical option", at);
    CanonOption option{static_cast<CanonOption::Kind>(code), 0};
    if (option_sort(option.kind)) {
      SEDGE_TRY_ASSIGN(option.index, reader.u32());
    }
    out.push_back(option);
  }
  return out;
}

Result<void> expect_func_sort(Reader& reader, std::string_view what) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t code, reader.u8());
  if (code != 0) return bad_byte(code, what, at);
  return {};
}

template <typename T, typename U>
Result<void> read_into(T& out, Result<U> value) {
  if (!value) return std::unexpected(std::move(value).error());
  out = *std::move(value);
  return {};
}

Result<void> read_immediates(Reader& reader, CanonShape shape, Canon& out) {
  switch (shape) {
    case CanonShape::lift:
      SEDGE_TRY(expect_func_sort(reader, "canonical function lift"));
      SEDGE_TRY(read_into(out.index, reader.u32()));
      SEDGE_TRY(read_into(out.options, read_options(reader)));
      SEDGE_TRY(read_into(out.type, reader.u32()));
      return {};
    case CanonShape::lower:
      SEDGE_TRY(expect_func_sort(reader, "canonical function lower"));
      SEDGE_TRY(read_into(out.index, reader.u32()));
      SEDGE_TRY(read_into(out.options, read_options(reader)));
      return {};
    case CanonShape::type:
      SEDGE_TRY(read_into(out.type, reader.u32()));
      return {};
    case CanonShape::type_opts:
      SEDGE_TRY(read_into(out.type, reader.u32()));
      SEDGE_TRY(read_into(out.options, read_options(reader)));
      return {};
    case CanonShape::type_async:
      SEDGE_TRY(read_into(out.type, reader.u32()));
      SEDGE_TRY(read_into(out.async_, read_bool(reader)));
      return {};
    case CanonShape::opts:
      SEDGE_TRY(read_into(out.options, read_options(reader)));
      return {};
    case CanonShape::none:
      return {};
    case CanonShape::async:
      SEDGE_TRY(read_into(out.async_, read_bool(reader)));
      return {};
    case CanonShape::cancel:
      SEDGE_TRY(read_into(out.cancellable, read_bool(reader)));
      return {};
    case CanonShape::cancel_memory:
      SEDGE_TRY(read_into(out.cancellable, read_bool(reader)));
      SEDGE_TRY(read_into(out.index, reader.u32()));
      return {};
    case CanonShape::result_opts:
      SEDGE_TRY(read_into(out.result, read_result_list(reader)));
      SEDGE_TRY(read_into(out.options, read_options(reader)));
      return {};
    case CanonShape::context:
      SEDGE_TRY(read_into(out.core_type, wasm::read_value_type(reader)));
      SEDGE_TRY(read_into(out.slot, reader.u32()));
      return {};
    case CanonShape::core_type_table:
      SEDGE_TRY(read_into(out.type, reader.u32()));
      SEDGE_TRY(read_into(out.index, reader.u32()));
      return {};
    case CanonShape::shared:
      SEDGE_TRY(read_into(out.shared, read_bool(reader)));
      return {};
    case CanonShape::shared_core_type:
      SEDGE_TRY(read_into(out.shared, read_bool(reader)));
      SEDGE_TRY(read_into(out.type, reader.u32()));
      return {};
    case CanonShape::shared_core_type_table:
      SEDGE_TRY(read_into(out.shared, read_bool(reader)));
      SEDGE_TRY(read_into(out.type, reader.u32()));
      SEDGE_TRY(read_into(out.index, reader.u32()));
      return {};
  }
  return {};
}

}  // namespace

std::unexpected<Error> bad_byte(uint8_t byte, std::string_view what, Location at) {
  return fail(ErrorCode::invalid_leading_byte, fmt::format(" ({:#x}) for {}", byte, what), at);
}

Result<bool> read_bool(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.u8());
  if (byte > 1)
    return fail(ErrorCode::malformed_component, fmt::format(": invalid boolean value {:#x}", byte),
                at);
  return byte == 1;
}

Result<Sort> core_sort(uint8_t code, std::string_view what, Location at) {
  switch (code) {
    case kCoreTypeSort:
      return Sort::core_type;
    case kCoreModuleSort:
      return Sort::core_module;
    case kCoreInstanceSort:
      return Sort::core_instance;
    default:
      break;
  }
  if (code > static_cast<uint8_t>(ExternKind::tag)) return bad_byte(code, what, at);
  return static_cast<Sort>(static_cast<uint8_t>(Sort::core_func) + code);
}

Result<Sort> read_core_sort(Reader& reader, std::string_view what) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t code, reader.u8());
  return core_sort(code, what, at);
}

Result<Sort> read_sort(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t code, reader.u8());
  if (code == kCoreSort) return read_core_sort(reader, "component external kind");
  if (code > 0x05) return bad_byte(code, "component external kind", at);
  static constexpr Sort kSorts[] = {Sort::func, Sort::value, Sort::type, Sort::component,
                                    Sort::instance};
  return kSorts[code - 1];
}

Result<ExternName> read_extern_name(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
  if (form > 2) return bad_byte(form, "component name", at);
  ExternName out;
  SEDGE_TRY_ASSIGN(out.name, reader.name());
  if (form != 2) return out;
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxItems, "name options"));
  for (uint32_t i = 0; i < count; ++i) {
    at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t kind, reader.u8());
    struct Row {
      std::optional<std::string_view> ExternName::* member;
      std::string_view word;
    };
    static constexpr Row kRows[] = {{&ExternName::implements, "implements"},
                                    {&ExternName::version_suffix, "versionsuffix"},
                                    {&ExternName::external_id, "external-id"}};
    if (kind >= std::size(kRows)) return bad_byte(kind, "name option", at);
    const Row& row = kRows[kind];
    if (out.*row.member)
      return fail(ErrorCode::duplicate_name,
                  fmt::format(": duplicate '{}' option in name", row.word), at);
    SEDGE_TRY_ASSIGN(out.*row.member, reader.name());
  }
  return out;
}

Result<ExternType> read_extern_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t code, reader.u8());
  constexpr std::string_view kWhat = "component external kind";
  ExternType out;
  switch (code) {
    case 0x00: {
      at = reader.location();
      SEDGE_TRY_ASSIGN(uint8_t sort, reader.u8());
      if (sort != kCoreModuleSort) return bad_byte(sort, kWhat, at);
      out.kind = ExternType::Kind::module;
      break;
    }
    case 0x01:
      out.kind = ExternType::Kind::func;
      break;
    case 0x02: {
      out.kind = ExternType::Kind::value;
      at = reader.location();
      SEDGE_TRY_ASSIGN(uint8_t bound, reader.u8());
      if (bound > 1) return bad_byte(bound, "value bound", at);
      if (bound == 0) {
        SEDGE_TRY_ASSIGN(out.value.bound, reader.u32());
      } else {
        SEDGE_TRY_ASSIGN(out.value.bound, read_val_type(reader));
      }
      return out;
    }
    case 0x03: {
      out.kind = ExternType::Kind::type;
      at = reader.location();
      SEDGE_TRY_ASSIGN(uint8_t bound, reader.u8());
      if (bound > 1) return bad_byte(bound, "type bound", at);
      if (bound == 0) {
        SEDGE_TRY_ASSIGN(out.type.index, reader.u32());
      } else {
        out.type.kind = TypeBound::Kind::sub_resource;
      }
      return out;
    }
    case 0x04:
      out.kind = ExternType::Kind::component;
      break;
    case 0x05:
      out.kind = ExternType::Kind::instance;
      break;
    default:
      return bad_byte(code, kWhat, at);
  }
  SEDGE_TRY_ASSIGN(out.index, reader.u32());
  return out;
}

Result<CoreInstance> read_core_instance(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
  if (form > 1) return bad_byte(form, "core instance", at);
  CoreInstance out;
  if (form == 0) {
    SEDGE_TRY_ASSIGN(out.module, reader.u32());
  }
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxItems, "instance items"));
  for (uint32_t i = 0; i < count; ++i) {
    CoreItem item;
    SEDGE_TRY_ASSIGN(item.name, reader.name());
    at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t sort, reader.u8());
    if (form == 0 && sort != kCoreInstanceSort) return bad_byte(sort, "instantiation arg kind", at);
    SEDGE_TRY_ASSIGN(item.item.sort, core_sort(sort, "core external kind", at));
    SEDGE_TRY_ASSIGN(item.item.index, reader.u32());
    out.items.push_back(item);
  }
  return out;
}

Result<Instance> read_instance(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
  if (form > 1) return bad_byte(form, "instance", at);
  Instance out;
  if (form == 0) {
    SEDGE_TRY_ASSIGN(out.component, reader.u32());
  }
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxItems, "instance items"));
  for (uint32_t i = 0; i < count; ++i) {
    InstanceItem item;
    if (form == 0) {
      SEDGE_TRY_ASSIGN(item.name.name, reader.name());
    } else {
      SEDGE_TRY_ASSIGN(item.name, read_extern_name(reader));
    }
    SEDGE_TRY_ASSIGN(item.item, read_sort_idx(reader));
    out.items.push_back(item);
  }
  return out;
}

Result<Alias> read_alias(Reader& reader) {
  constexpr std::string_view kOuterWhat = "component outer alias kind";
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t code, reader.u8());
  Alias out;
  if (code == kCoreSort) {
    at = reader.location();
    SEDGE_TRY_ASSIGN(code, reader.u8());
    SEDGE_TRY_ASSIGN(out.sort, core_sort(code, kOuterWhat, at));
  } else if (code > 0x05) {
    return bad_byte(code, kOuterWhat, at);
  } else {
    static constexpr Sort kSorts[] = {Sort::func, Sort::value, Sort::type, Sort::component,
                                      Sort::instance};
    out.sort = kSorts[code - 1];
  }
  Location target_at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t target, reader.u8());
  if (target > 2) return bad_byte(target, "alias", target_at);
  out.target = static_cast<Alias::Target>(target);
  if (out.target != Alias::Target::outer) {
    SEDGE_TRY_ASSIGN(out.instance, reader.u32());
    SEDGE_TRY_ASSIGN(out.name, reader.name());
    return out;
  }
  if (out.sort != Sort::type && out.sort != Sort::component && out.sort != Sort::core_type &&
      out.sort != Sort::core_module)
    return bad_byte(code, kOuterWhat, at);
  SEDGE_TRY_ASSIGN(out.outer_count, reader.u32());
  SEDGE_TRY_ASSIGN(out.outer_index, reader.u32());
  return out;
}

Result<Canon> read_canon(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t opcode, reader.u8());
  const CanonInfo* info = find_canon(opcode);
  if (!info) return bad_byte(opcode, "canonical function", at);
  Canon out;
  out.op = info->op;
  SEDGE_TRY(read_immediates(reader, info->shape, out));
  return out;
}

Result<Start> read_start(Reader& reader) {
  Start out;
  SEDGE_TRY_ASSIGN(out.func, reader.u32());
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxFuncParams, "start arguments"));
  out.arguments.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(uint32_t argument, reader.u32());
    out.arguments.push_back(argument);
  }
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(out.results, reader.u32());
  if (out.results > wasm::kMaxResults)
    return fail(ErrorCode::malformed_component, ": start function results size is out of bounds",
                at);
  return out;
}

Result<Import> read_import(Reader& reader) {
  Import out;
  SEDGE_TRY_ASSIGN(out.name, read_extern_name(reader));
  SEDGE_TRY_ASSIGN(out.type, read_extern_type(reader));
  return out;
}

Result<Export> read_export_declarator(Reader& reader) {
  Export out;
  SEDGE_TRY_ASSIGN(out.name, read_extern_name(reader));
  SEDGE_TRY_ASSIGN(out.type, read_extern_type(reader));
  return out;
}

Result<Export> read_export(Reader& reader) {
  Export out;
  SEDGE_TRY_ASSIGN(out.name, read_extern_name(reader));
  SEDGE_TRY_ASSIGN(out.item, read_sort_idx(reader));
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t ascribed, reader.u8());
  if (ascribed > 1) return bad_byte(ascribed, "optional component export type", at);
  if (ascribed == 1) {
    SEDGE_TRY_ASSIGN(out.type, read_extern_type(reader));
  }
  return out;
}

Result<Value> read_value(Reader& reader) {
  Value out;
  SEDGE_TRY_ASSIGN(out.type, read_val_type(reader));
  SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
  SEDGE_TRY_ASSIGN(out.encoding, reader.bytes(size));
  return out;
}

namespace {

Result<Names> parse_names(Bytes content) {
  Names out;
  Reader reader(content);
  while (!reader.at_end()) {
    SEDGE_TRY_ASSIGN(uint8_t id, reader.u8());
    SEDGE_TRY_ASSIGN(uint32_t size, reader.u32());
    SEDGE_TRY_ASSIGN(Bytes bytes, reader.bytes(size));
    Reader inside(bytes);
    if (id == 0) {
      SEDGE_TRY_ASSIGN(out.component, inside.name());
    } else if (id == 1) {
      SEDGE_TRY_ASSIGN(Sort sort, read_sort(inside));
      SEDGE_TRY_ASSIGN(uint32_t count, inside.u32());
      for (uint32_t i = 0; i < count; ++i) {
        SEDGE_TRY_ASSIGN(uint32_t index, inside.u32());
        SEDGE_TRY_ASSIGN(std::string_view name, inside.name());
        // Ascending, as the format wants it; anything else would be slow to insert, too.
        if (!out.of(sort).empty() && out.of(sort).back().first >= index)
          return fail(ErrorCode::malformed_component);
        out.of(sort).emplace(index, name);
      }
    } else {
      continue;
    }
    if (!inside.at_end()) return fail(ErrorCode::section_size_mismatch);
  }
  return out;
}

}  // namespace

void read_names(Component& component, Bytes content) {
  if (auto names = parse_names(content)) component.names = *std::move(names);
}

}  // namespace sedge::component::decode_detail
