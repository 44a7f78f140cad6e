// Core types and component types with their declarators. Specification: Binary.md, "Type
// Definitions".
#include <fmt/format.h>

#include "component/decoder.h"
#include "wasm/decode/types.h"
#include "wasm/op.h"

namespace sedge::component::decode_detail {

using wasm::decode_detail::read_count;
using wasm::decode_detail::room_for;

namespace {

constexpr uint8_t kModuleType = 0x50, kSubType = 0x50, kSubPrefix = 0x00;

enum : uint8_t {
  kRecord = 0x72,
  kVariant = 0x71,
  kList = 0x70,
  kTuple = 0x6f,
  kFlags = 0x6e,
  kEnum = 0x6d,
  kOption = 0x6b,
  kResult = 0x6a,
  kOwn = 0x69,
  kBorrow = 0x68,
  kFixedList = 0x67,
  kStream = 0x66,
  kFuture = 0x65,
  kMap = 0x63,
  kAsyncFunc = 0x43,
  kInstance = 0x42,
  kComponent = 0x41,
  kFunc = 0x40,
  kResource = 0x3f,
};

Result<CoreRecGroup> read_rec_group(Reader& reader) {
  CoreRecGroup out;
  SEDGE_TRY_ASSIGN(out.explicit_, wasm::decode_detail::read_rec_group(reader, out.types));
  return out;
}

Result<CoreModuleType> read_module_type(Reader& reader) {
  CoreModuleType out;
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxItems, "module type declarators"));
  for (uint32_t i = 0; i < count; ++i) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
    switch (form) {
      case 0x00: {
        CoreImport import;
        import.offset = at.offset;
        SEDGE_TRY_ASSIGN(import.module, reader.name());
        SEDGE_TRY_ASSIGN(import.name, reader.name());
        SEDGE_TRY(wasm::decode_detail::read_extern_type(reader, import));
        out.declarators.emplace_back(import);
        break;
      }
      case 0x01: {
        SEDGE_TRY_ASSIGN(CoreRecGroup group, read_rec_group(reader));
        out.declarators.emplace_back(std::move(group));
        break;
      }
      case 0x02: {
        CoreOuterAlias alias;
        at = reader.location();
        SEDGE_TRY_ASSIGN(uint8_t sort, reader.u8());
        if (sort != 0x10) return bad_byte(sort, "outer alias kind", at);
        at = reader.location();
        SEDGE_TRY_ASSIGN(uint8_t target, reader.u8());
        if (target != 0x01) return bad_byte(target, "outer alias target", at);
        SEDGE_TRY_ASSIGN(alias.count, reader.u32());
        SEDGE_TRY_ASSIGN(alias.index, reader.u32());
        out.declarators.emplace_back(alias);
        break;
      }
      case 0x03: {
        CoreExport export_;
        SEDGE_TRY_ASSIGN(export_.name, reader.name());
        SEDGE_TRY(wasm::decode_detail::read_extern_type(reader, export_.type));
        out.declarators.emplace_back(export_);
        break;
      }
      default:
        return bad_byte(form, "type definition", at);
    }
  }
  return out;
}

Result<std::vector<std::string_view>> read_labels(Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxFields, "labels"));
  std::vector<std::string_view> out;
  out.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(std::string_view name, reader.name());
    out.push_back(name);
  }
  return out;
}

Result<std::vector<Field>> read_fields(Reader& reader, uint32_t limit, std::string_view what) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, limit, what));
  std::vector<Field> out;
  out.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(std::string_view name, reader.name());
    SEDGE_TRY_ASSIGN(ValType type, read_val_type(reader));
    out.push_back({name, type});
  }
  return out;
}

Result<Variant> read_variant(Reader& reader) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxFields, "cases"));
  Variant out;
  out.cases.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    Case next;
    SEDGE_TRY_ASSIGN(next.name, reader.name());
    SEDGE_TRY_ASSIGN(next.type, read_optional_val_type(reader));
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t zero, reader.u8());
    if (zero != 0) return bad_byte(zero, "zero byte required", at);
    out.cases.push_back(next);
  }
  return out;
}

Result<FuncType> read_func_type(Reader& reader, bool is_async) {
  FuncType out;
  out.async_ = is_async;
  SEDGE_TRY_ASSIGN(out.params, read_fields(reader, kMaxFuncParams, "parameters"));
  SEDGE_TRY_ASSIGN(out.result, read_result_list(reader));
  return out;
}

Result<std::vector<Definition>> read_declarators(Reader& reader, uint32_t depth,
                                                 bool with_imports) {
  if (depth > kMaxNesting)
    return fail(ErrorCode::nesting_too_deep,
                fmt::format(": more than {} components and types", kMaxNesting), reader.location());
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxItems, "declarators"));
  std::vector<Definition> out;
  auto add = [&]<typename T>(Result<T> read, uint64_t offset) -> Result<void> {
    if (!read) return std::unexpected(std::move(read).error());
    out.push_back({*std::move(read), offset});
    return {};
  };
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t offset = reader.offset();
    SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
    switch (form) {
      case 0x00:
        SEDGE_TRY(add(read_core_type(reader), offset));
        break;
      case 0x01:
        SEDGE_TRY(add(read_type(reader, depth), offset));
        break;
      case 0x02:
        SEDGE_TRY(add(read_alias(reader), offset));
        break;
      case 0x03:
        if (!with_imports)
          return bad_byte(form, "component or instance type declaration", Location::at(offset));
        SEDGE_TRY(add(read_import(reader), offset));
        break;
      case 0x04:
        SEDGE_TRY(add(read_export_declarator(reader), offset));
        break;
      default:
        return bad_byte(form, "component or instance type declaration", Location::at(offset));
    }
  }
  return out;
}

Result<ResourceType> read_resource(Reader& reader) {
  ResourceType out;
  SEDGE_TRY_ASSIGN(out.rep, wasm::read_value_type(reader));
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t has_destructor, reader.u8());
  if (has_destructor > 1) return bad_byte(has_destructor, "optional", at);
  if (has_destructor == 1) {
    SEDGE_TRY_ASSIGN(out.destructor, reader.u32());
  }
  return out;
}

template <typename T>
Result<Type> as_type(Result<T> read) {
  if (!read) return std::unexpected(std::move(read).error());
  return Type{*std::move(read)};
}

}  // namespace

Result<ValType> read_val_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.peek());
  if (std::optional<PrimType> prim = prim_type(byte)) {
    reader.skip(1);
    return ValType(*prim);
  }
  SEDGE_TRY_ASSIGN(int64_t index, reader.s33());
  if (index < 0) return bad_byte(byte, "component value type", at);
  if (index > ValType::kMaxIndex)
    return fail(ErrorCode::unknown_type, fmt::format(" {}: type index out of bounds", index), at);
  return ValType::index(static_cast<uint32_t>(index));
}

Result<std::optional<ValType>> read_optional_val_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t present, reader.u8());
  if (present > 1) return bad_byte(present, "optional component value type", at);
  if (present == 0) return std::optional<ValType>();
  SEDGE_TRY_ASSIGN(ValType type, read_val_type(reader));
  return std::optional(type);
}

Result<std::optional<ValType>> read_result_list(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
  if (form > 1) return bad_byte(form, "component function results", at);
  if (form == 1) {
    at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t count, reader.u8());
    if (count != 0) return bad_byte(count, "number of results", at);
    return std::optional<ValType>();
  }
  SEDGE_TRY_ASSIGN(ValType type, read_val_type(reader));
  return std::optional(type);
}

Result<CoreType> read_core_type(Reader& reader) {
  CoreType out;
  SEDGE_TRY_ASSIGN(uint8_t form, reader.peek());
  if (form == kModuleType) {
    reader.skip(1);
    SEDGE_TRY_ASSIGN(out.type, read_module_type(reader));
    return out;
  }
  if (form == kSubPrefix) {
    reader.skip(1);
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(form, reader.peek());
    if (form != kSubType) return bad_byte(form, "non-final sub type", at);
    CoreRecGroup group;
    SEDGE_TRY_ASSIGN(wasm::SubType type, wasm::decode_detail::read_sub_type(reader));
    group.types.push_back(std::move(type));
    out.type = std::move(group);
    return out;
  }
  SEDGE_TRY_ASSIGN(out.type, read_rec_group(reader));
  return out;
}

Result<Type> read_type(Reader& reader, uint32_t depth) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
  if (std::optional<PrimType> prim = prim_type(form)) return Type{*prim};
  switch (form) {
    case kRecord: {
      SEDGE_TRY_ASSIGN(std::vector<Field> fields, read_fields(reader, kMaxFields, "fields"));
      return Type{Record{std::move(fields)}};
    }
    case kVariant:
      return as_type(read_variant(reader));
    case kList: {
      SEDGE_TRY_ASSIGN(ValType element, read_val_type(reader));
      return Type{List{element}};
    }
    case kFixedList: {
      SEDGE_TRY_ASSIGN(ValType element, read_val_type(reader));
      SEDGE_TRY_ASSIGN(uint32_t length, reader.u32());
      return Type{FixedList{element, length}};
    }
    case kTuple: {
      SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxFields, "types"));
      Tuple tuple;
      tuple.types.reserve(room_for(reader, count));
      for (uint32_t i = 0; i < count; ++i) {
        SEDGE_TRY_ASSIGN(ValType type, read_val_type(reader));
        tuple.types.push_back(type);
      }
      return Type{std::move(tuple)};
    }
    case kFlags: {
      SEDGE_TRY_ASSIGN(std::vector<std::string_view> names, read_labels(reader));
      return Type{Flags{std::move(names)}};
    }
    case kEnum: {
      SEDGE_TRY_ASSIGN(std::vector<std::string_view> names, read_labels(reader));
      return Type{Enum{std::move(names)}};
    }
    case kOption: {
      SEDGE_TRY_ASSIGN(ValType type, read_val_type(reader));
      return Type{Option{type}};
    }
    case kResult: {
      ResultType result;
      SEDGE_TRY_ASSIGN(result.ok, read_optional_val_type(reader));
      SEDGE_TRY_ASSIGN(result.error, read_optional_val_type(reader));
      return Type{result};
    }
    case kOwn: {
      SEDGE_TRY_ASSIGN(uint32_t resource, reader.u32());
      return Type{Own{resource}};
    }
    case kBorrow: {
      SEDGE_TRY_ASSIGN(uint32_t resource, reader.u32());
      return Type{Borrow{resource}};
    }
    case kStream: {
      SEDGE_TRY_ASSIGN(std::optional<ValType> element, read_optional_val_type(reader));
      return Type{Stream{element}};
    }
    case kFuture: {
      SEDGE_TRY_ASSIGN(std::optional<ValType> element, read_optional_val_type(reader));
      return Type{Future{element}};
    }
    case kMap: {
      SEDGE_TRY_ASSIGN(ValType key, read_val_type(reader));
      SEDGE_TRY_ASSIGN(ValType value, read_val_type(reader));
      return Type{Map{key, value}};
    }
    case kFunc:
    case kAsyncFunc:
      return as_type(read_func_type(reader, form == kAsyncFunc));
    case kComponent: {
      SEDGE_TRY_ASSIGN(std::vector<Definition> declarators,
                       read_declarators(reader, depth + 1, true));
      return Type{ComponentType{std::move(declarators)}};
    }
    case kInstance: {
      SEDGE_TRY_ASSIGN(std::vector<Definition> declarators,
                       read_declarators(reader, depth + 1, false));
      return Type{InstanceType{std::move(declarators)}};
    }
    case kResource:
      return as_type(read_resource(reader));
    default:
      return bad_byte(form, "component defined type", at);
  }
}

}  // namespace sedge::component::decode_detail
