// Type section with recursion groups, and the types of tables, memories, globals and tags.
// Spec: binary format, section "Types".
#include <fmt/format.h>

#include "wasm/decode/decoder.h"

namespace sedge::wasm::decode_detail {
namespace {

enum : uint8_t {
  kArray = 0x5e,
  kStruct = 0x5f,
  kFunc = 0x60,
  kRec = 0x4e,
  kSubFinal = 0x4f,
  kSub = 0x50
};

enum LimitsFlags : uint8_t { kHasMax = 1, kShared = 2, kIs64 = 4, kPageSize = 8 };

Result<void> read_result_type(Reader& reader, std::vector<ValType>& types, uint32_t limit,
                              std::string_view what) {
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, limit, what));
  types.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(ValType type, read_value_type(reader));
    types.push_back(type);
  }
  return {};
}

Result<bool> read_mutability(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.u8());
  if (byte > 1) return fail(ErrorCode::malformed_mutability, {}, at);
  return byte == 1;
}

Result<FieldType> read_field(Reader& reader) {
  FieldType field;
  SEDGE_TRY_ASSIGN(field.storage, read_storage_type(reader));
  SEDGE_TRY_ASSIGN(field.mutable_, read_mutability(reader));
  return field;
}

Result<void> read_composite(Reader& reader, uint8_t form, Location at, SubType& type) {
  switch (form) {
    case kFunc:
      type.kind = SubType::Kind::func;
      SEDGE_TRY(read_result_type(reader, type.func.params, kMaxParams, "parameters"));
      return read_result_type(reader, type.func.results, kMaxResults, "results");
    case kStruct: {
      type.kind = SubType::Kind::struct_;
      SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxStructFields, "fields"));
      type.fields.reserve(room_for(reader, count));
      for (uint32_t i = 0; i < count; ++i) {
        SEDGE_TRY_ASSIGN(FieldType field, read_field(reader));
        type.fields.push_back(field);
      }
      return {};
    }
    case kArray: {
      type.kind = SubType::Kind::array;
      SEDGE_TRY_ASSIGN(FieldType field, read_field(reader));
      type.fields.push_back(field);
      return {};
    }
    default:
      // The form is a signed number of 7 bits.
      if (form & 0x80) return fail(ErrorCode::integer_representation_too_long, {}, at);
      return fail(ErrorCode::malformed_definition_type, fmt::format(" {:02x}", form), at);
  }
}

Result<Limits> read_limits(Reader& reader, uint8_t flags) {
  Limits limits;
  SEDGE_TRY_ASSIGN(limits.min, reader.u64());
  if (flags & kHasMax) {
    SEDGE_TRY_ASSIGN(limits.max, reader.u64());
  }
  return limits;
}

}  // namespace

Result<uint32_t> read_count(Reader& reader, uint32_t limit, std::string_view what) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
  if (count > limit && count <= reader.remaining())
    return fail(ErrorCode::limit_exceeded, fmt::format(": {} {}, at most {}", count, what, limit),
                at);
  return count;
}

Result<SubType> read_sub_type(Reader& reader) {
  SubType type;
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t form, reader.u8());
  if (form == kSub || form == kSubFinal) {
    type.final_ = form == kSubFinal;
    Location supers_at = reader.location();
    SEDGE_TRY_ASSIGN(uint32_t supers, reader.u32());
    if (supers > 1)
      return fail(ErrorCode::sub_type_mismatch, ": more than one supertype", supers_at);
    if (supers == 1) {
      SEDGE_TRY_ASSIGN(type.super, reader.u32());
    }
    at = reader.location();
    SEDGE_TRY_ASSIGN(form, reader.u8());
  }
  SEDGE_TRY(read_composite(reader, form, at, type));
  return type;
}

Result<bool> read_rec_group(Reader& reader, std::vector<SubType>& types) {
  SEDGE_TRY_ASSIGN(uint8_t form, reader.peek());
  bool is_explicit = form == kRec;
  uint32_t count = 1;
  if (is_explicit) {
    reader.skip(1);
    SEDGE_TRY_ASSIGN(count, read_count(reader, kMaxTypes, "types"));
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (types.size() >= kMaxTypes)
      return fail(ErrorCode::limit_exceeded, fmt::format(": more than {} types", kMaxTypes),
                  reader.location());
    SEDGE_TRY_ASSIGN(SubType type, read_sub_type(reader));
    types.push_back(std::move(type));
  }
  return is_explicit;
}

Result<void> read_type_section(State& state, Reader& reader) {
  Module& module = state.module;
  SEDGE_TRY_ASSIGN(uint32_t count, read_count(reader, kMaxTypes, "types"));
  module.types.reserve(room_for(reader, count));
  module.rec_groups.reserve(room_for(reader, count));
  for (uint32_t i = 0; i < count; ++i) {
    RecGroup group;
    group.first = static_cast<TypeIdx>(module.types.size());
    SEDGE_TRY_ASSIGN(group.explicit_, read_rec_group(reader, module.types));
    group.count = static_cast<uint32_t>(module.types.size()) - group.first;
    module.rec_groups.push_back(group);
  }
  return {};
}

Result<TableType> read_table_type(Reader& reader) {
  TableType table;
  SEDGE_TRY_ASSIGN(table.element, read_ref_type(reader));
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t flags, reader.u8());
  if (flags & ~(kHasMax | kIs64))
    return fail(ErrorCode::malformed_limits_flags, fmt::format(" {:02x}", flags), at);
  table.is64 = flags & kIs64;
  SEDGE_TRY_ASSIGN(table.limits, read_limits(reader, flags));
  return table;
}

Result<MemoryType> read_memory_type(Reader& reader) {
  MemoryType memory;
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t flags, reader.u8());
  // A page size needs two more bytes at the least; without them the flag cannot have been meant.
  bool bad_page_flag = (flags & kPageSize) && reader.remaining() < 2;
  if ((flags & ~(kHasMax | kShared | kIs64 | kPageSize)) || bad_page_flag)
    return fail(ErrorCode::malformed_limits_flags, fmt::format(" {:02x}", flags), at);
  memory.is64 = flags & kIs64;
  memory.shared = flags & kShared;
  SEDGE_TRY_ASSIGN(memory.limits, read_limits(reader, flags));
  if (flags & kPageSize) {
    Location size_at = reader.location();
    SEDGE_TRY_ASSIGN(uint32_t log2, reader.u32());
    if (log2 >= 64)
      return fail(ErrorCode::invalid_custom_page_size, fmt::format(": 2^{}", log2), size_at);
    memory.page_size_log2 = static_cast<uint8_t>(log2);
  }
  return memory;
}

Result<GlobalType> read_global_type(Reader& reader) {
  GlobalType global;
  SEDGE_TRY_ASSIGN(global.value, read_value_type(reader));
  SEDGE_TRY_ASSIGN(global.mutable_, read_mutability(reader));
  return global;
}

Result<TypeIdx> read_tag_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t attribute, reader.u8());
  if (attribute != 0) return fail(ErrorCode::malformed_tag_attribute, {}, at);
  return reader.u32();
}

}  // namespace sedge::wasm::decode_detail
