// Operator tables expanded from op.def, and InstrReader: opcode → Op through one dense table per
// prefix, then the immediates by kind. The short forms of common instructions are decoded inline in
// op.h. Spec: binary format, section "Instructions".
#include "wasm/op.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::wasm {
namespace {

/// Names, mnemonics and signatures of all rows, one behind the other. The table holds offsets into
/// this text: with pointers, the loader would have to relocate 40 KiB at each start of the program.
constexpr char kText[] =
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  #name mnemonic signature
#include "wasm/op.def"
#undef SEDGE_OP
    ;

struct Row {
  uint16_t text;  ///< where its three texts begin in kText
  uint8_t name_size, mnemonic_size, signature_size;
  uint8_t prefix;
  uint16_t code;
  Imm imm;
  Feature feature;
  uint8_t aux, flags;
};

constexpr auto kOps = [] {
  std::array<Row, kOpCount> rows = {{
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) \
  {0,                                                                               \
   sizeof(#name) - 1,                                                               \
   sizeof(mnemonic) - 1,                                                            \
   sizeof(signature) - 1,                                                           \
   prefix,                                                                          \
   code,                                                                            \
   Imm::imm,                                                                        \
   Feature::feature,                                                                \
   aux,                                                                             \
   (flags)},
#include "wasm/op.def"
#undef SEDGE_OP
  }};
  size_t text = 0;
  for (Row& row : rows) {
    row.text = static_cast<uint16_t>(text);
    text += row.name_size + row.mnemonic_size + row.signature_size;
  }
  return rows;
}();
static_assert(sizeof(kText) <= 0xffff);

constexpr Shape shape_of(Imm imm) {
  switch (imm) {
    case Imm::none:
      return Shape::none;
    case Imm::label:
    case Imm::func:
    case Imm::type:
    case Imm::local:
    case Imm::global:
    case Imm::table:
    case Imm::memory:
    case Imm::tag:
    case Imm::i32:
    case Imm::i64:
      return Shape::leb;
    case Imm::mem_arg:
      return Shape::mem_arg;
    default:
      return Shape::other;
  }
}

template <size_t kSize>
constexpr std::array<OneByteOp, kSize> make_table(uint8_t prefix) {
  std::array<OneByteOp, kSize> table{};
  for (OneByteOp& row : table) row = {kNoOp, Imm::none, Shape::other};
  for (size_t i = 0; i < kOpCount; ++i)
    if (kOps[i].prefix == prefix)
      table[kOps[i].code] = {static_cast<uint16_t>(i), kOps[i].imm, shape_of(kOps[i].imm)};
  return table;
}

constexpr size_t table_size(uint8_t prefix) {
  size_t size = 0;
  for (const Row& op : kOps)
    if (op.prefix == prefix) size = std::max<size_t>(size, op.code + 1);
  return size;
}

constexpr auto kPrefixFb = make_table<table_size(0xfb)>(0xfb);
constexpr auto kPrefixFc = make_table<table_size(0xfc)>(0xfc);
constexpr auto kPrefixFd = make_table<table_size(0xfd)>(0xfd);
constexpr auto kPrefixFe = make_table<table_size(0xfe)>(0xfe);

}  // namespace

constexpr std::array<OneByteOp, 256> kOneByteOps = make_table<256>(0);

namespace {

template <size_t kSize>
constexpr OneByteOp lookup(const std::array<OneByteOp, kSize>& table, uint32_t code) {
  return code < kSize ? table[code] : OneByteOp{kNoOp, Imm::none, Shape::other};
}

OneByteOp find_entry(uint8_t prefix, uint32_t code) {
  switch (prefix) {
    case 0x00:
      return lookup(kOneByteOps, code);
    case 0xfb:
      return lookup(kPrefixFb, code);
    case 0xfc:
      return lookup(kPrefixFc, code);
    case 0xfd:
      return lookup(kPrefixFd, code);
    case 0xfe:
      return lookup(kPrefixFe, code);
    default:
      return {kNoOp, Imm::none, Shape::other};
  }
}

constexpr bool is_prefix(uint8_t byte) { return byte >= 0xfb && byte <= 0xfe; }

[[gnu::cold, gnu::noinline]] std::unexpected<Error> illegal_opcode(std::string code,
                                                                   uint64_t offset) {
  return fail(ErrorCode::illegal_opcode, " " + std::move(code), Location::at(offset));
}

Result<BlockType> read_block_type(Reader& reader) {
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.peek());
  BlockType type;
  if (byte == 0x40) {
    reader.skip(1);
    return type;
  }
  if ((byte & 0xc0) == 0x40) {  // a negative number of one byte: a value type
    type.kind = BlockType::Kind::value;
    SEDGE_TRY_ASSIGN(type.value, read_value_type(reader));
    return type;
  }
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(int64_t index, reader.s33());
  if (index < 0) return fail(ErrorCode::malformed_value_type, " in a block type", at);
  type.kind = BlockType::Kind::index;
  type.index = static_cast<uint32_t>(index);
  return type;
}

Result<void> read_mem_arg(Reader& reader, MemArg& mem) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint32_t flags, reader.u32());
  if (flags >= 0x80) return fail(ErrorCode::malformed_memop_flags, {}, at);
  mem.align_log2 = flags & 0x3f;
  mem.memory = 0;
  if (flags & 0x40) {
    SEDGE_TRY_ASSIGN(mem.memory, reader.u32());
  }
  SEDGE_TRY_ASSIGN(mem.offset, reader.u64());
  return {};
}

Result<void> read_labels(Reader& reader, std::vector<uint32_t>& labels) {
  SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
  labels.clear();
  labels.reserve(std::min<size_t>(count, reader.remaining()) + 1);
  for (uint64_t i = 0; i <= count; ++i) {
    SEDGE_TRY_ASSIGN(uint32_t label, reader.u32());
    labels.push_back(label);
  }
  return {};
}

Result<void> read_value_types(Reader& reader, std::vector<ValType>& types) {
  SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
  types.clear();
  types.reserve(std::min<size_t>(count, reader.remaining()));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY_ASSIGN(ValType type, read_value_type(reader));
    types.push_back(type);
  }
  return {};
}

Result<void> read_catches(Reader& reader, std::vector<Catch>& catches) {
  SEDGE_TRY_ASSIGN(uint32_t count, reader.u32());
  catches.clear();
  catches.reserve(std::min<size_t>(count, reader.remaining()));
  for (uint32_t i = 0; i < count; ++i) {
    Location at = reader.location();
    SEDGE_TRY_ASSIGN(uint8_t kind, reader.u8());
    if (kind > 3) return fail(ErrorCode::malformed_catch_kind, {}, at);
    Catch clause;
    clause.kind = static_cast<Catch::Kind>(kind);
    if (clause.kind == Catch::Kind::catch_ || clause.kind == Catch::Kind::catch_ref) {
      SEDGE_TRY_ASSIGN(clause.tag, reader.u32());
    }
    SEDGE_TRY_ASSIGN(clause.label, reader.u32());
    catches.push_back(clause);
  }
  return {};
}

Result<void> read_cast(Reader& reader, Instr& out) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t flags, reader.u8());
  if (flags > 3) return fail(ErrorCode::malformed_cast_flags, {}, at);
  SEDGE_TRY_ASSIGN(out.index, reader.u32());
  SEDGE_TRY_ASSIGN(HeapType source, read_heap_type(reader));
  SEDGE_TRY_ASSIGN(HeapType target, read_heap_type(reader));
  out.type = ValType::reference(source, flags & 1);
  out.type2 = ValType::reference(target, flags & 2);
  return {};
}

constexpr bool is_abstract_heap(uint8_t byte) { return byte >= 0x69 && byte <= 0x74; }

}  // namespace

OpInfo op_info(Op op) {
  const Row& row = kOps[static_cast<size_t>(op)];
  const char* text = kText + row.text;
  OpInfo info;
  info.name = {text, row.name_size};
  info.mnemonic = {text + row.name_size, row.mnemonic_size};
  info.signature = {text + row.name_size + row.mnemonic_size, row.signature_size};
  info.code = row.code;
  info.prefix = row.prefix;
  info.imm = row.imm;
  info.feature = row.feature;
  info.aux = row.aux;
  info.flags = row.flags;
  return info;
}

std::optional<Op> find_op(uint8_t prefix, uint32_t code) {
  OneByteOp entry = find_entry(prefix, code);
  if (entry.op == kNoOp) return std::nullopt;
  return static_cast<Op>(entry.op);
}

Result<void> InstrReader::next_any(Instr& out) {
  if (reader_.at_end()) [[unlikely]]
    return reader_.end_of_input();
  out.offset = reader_.offset();
  const uint8_t* at = reader_.data();
  OneByteOp row = kOneByteOps[*at];
  reader_.skip(1);
  if (row.op == kNoOp) [[unlikely]] {
    if (!is_prefix(*at)) return illegal_opcode(fmt::format("{:02x}", *at), out.offset);
    SEDGE_TRY_ASSIGN(uint32_t code, reader_.u32());
    row = find_entry(*at, code);
    if (row.op == kNoOp) return illegal_opcode(fmt::format("{:02x} {:02x}", *at, code), out.offset);
  }
  out.op = static_cast<Op>(row.op);
  return immediates(out);
}

Result<void> InstrReader::immediates(Instr& out) {
  switch (kOps[static_cast<size_t>(out.op)].imm) {
    case Imm::none:
      break;
    case Imm::block: {
      SEDGE_TRY_ASSIGN(out.block_type, read_block_type(reader_));
      break;
    }
    case Imm::label:
    case Imm::func:
    case Imm::type:
    case Imm::local:
    case Imm::global:
    case Imm::table:
    case Imm::elem:
    case Imm::data:
    case Imm::memory:
    case Imm::tag: {
      SEDGE_TRY_ASSIGN(out.index, reader_.u32());
      break;
    }
    case Imm::call_indirect:
    case Imm::table_table:
    case Imm::elem_table:
    case Imm::data_memory:
    case Imm::memory_memory:
    case Imm::type_field:
    case Imm::type_count:
    case Imm::type_data:
    case Imm::type_elem:
    case Imm::type_type: {
      SEDGE_TRY_ASSIGN(out.index, reader_.u32());
      SEDGE_TRY_ASSIGN(out.index2, reader_.u32());
      break;
    }
    case Imm::label_table:
      return read_labels(reader_, out.labels);
    case Imm::mem_arg:
      return read_mem_arg(reader_, out.mem);
    case Imm::mem_arg_lane: {
      SEDGE_TRY(read_mem_arg(reader_, out.mem));
      SEDGE_TRY_ASSIGN(out.lane, reader_.u8());
      break;
    }
    case Imm::lane: {
      SEDGE_TRY_ASSIGN(out.lane, reader_.u8());
      break;
    }
    case Imm::shuffle:
    case Imm::v128: {
      SEDGE_TRY_ASSIGN(out.v128, (reader_.fixed<std::array<uint8_t, 16>>()));
      break;
    }
    case Imm::i32: {
      SEDGE_TRY_ASSIGN(out.i64, reader_.s32());
      break;
    }
    case Imm::i64: {
      SEDGE_TRY_ASSIGN(out.i64, reader_.s64());
      break;
    }
    case Imm::f32: {
      SEDGE_TRY_ASSIGN(out.u64, reader_.fixed<uint32_t>());
      break;
    }
    case Imm::f64: {
      SEDGE_TRY_ASSIGN(out.u64, reader_.fixed<uint64_t>());
      break;
    }
    case Imm::heap_type: {
      SEDGE_TRY_ASSIGN(HeapType heap, read_heap_type(reader_));
      bool nullable =
          out.op == Op::ref_null || out.op == Op::ref_test_null || out.op == Op::ref_cast_null;
      out.type = ValType::reference(heap, nullable);
      break;
    }
    case Imm::value_types:
      return read_value_types(reader_, out.types);
    case Imm::try_table: {
      SEDGE_TRY_ASSIGN(out.block_type, read_block_type(reader_));
      return read_catches(reader_, out.catches);
    }
    case Imm::br_on_cast:
      return read_cast(reader_, out);
    case Imm::fence: {
      Location at = reader_.location();
      SEDGE_TRY_ASSIGN(uint8_t zero, reader_.u8());
      if (zero != 0) return fail(ErrorCode::zero_byte_expected, {}, at);
      break;
    }
  }
  return {};
}

Result<HeapType> read_heap_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.peek());
  if (is_abstract_heap(byte)) {
    reader.skip(1);
    return HeapType(static_cast<HeapType::Abstract>(byte));
  }
  SEDGE_TRY_ASSIGN(int64_t index, reader.s33());
  if (index < 0) return fail(ErrorCode::malformed_type, ": no heap type", at);
  if (index >= HeapType::kAbstractBit)
    return fail(ErrorCode::unknown_type, fmt::format(" {}", index), at);
  return HeapType::index(static_cast<uint32_t>(index));
}

Result<ValType> read_value_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.u8());
  if (byte >= ValType::v128 && byte <= ValType::i32)
    return ValType(static_cast<ValType::Kind>(byte));
  if (is_abstract_heap(byte))
    return ValType::reference(static_cast<HeapType::Abstract>(byte), true);
  if (byte == ValType::ref || byte == ValType::ref_null) {
    SEDGE_TRY_ASSIGN(HeapType heap, read_heap_type(reader));
    return ValType::reference(heap, byte == ValType::ref_null);
  }
  return fail(ErrorCode::malformed_value_type, {}, at);
}

Result<ValType> read_storage_type(Reader& reader) {
  Location at = reader.location();
  SEDGE_TRY_ASSIGN(uint8_t byte, reader.peek());
  if (byte == ValType::i8 || byte == ValType::i16) {
    reader.skip(1);
    return ValType(static_cast<ValType::Kind>(byte));
  }
  Result<ValType> type = read_value_type(reader);
  if (!type && (type.error().code() == ErrorCode::malformed_value_type ||
                type.error().code() == ErrorCode::malformed_type))
    return fail(ErrorCode::malformed_storage_type, {}, at);
  return type;
}

Result<ValType> read_ref_type(Reader& reader) {
  Location at = reader.location();
  Result<ValType> type = read_value_type(reader);
  if (type ? !type->is_ref() : type.error().code() == ErrorCode::malformed_value_type)
    return fail(ErrorCode::malformed_reference_type, {}, at);
  return type;
}

}  // namespace sedge::wasm
