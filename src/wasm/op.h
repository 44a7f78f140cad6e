// Operators as data (op.def) and the one reader of instructions. Decoder, validator, lowering,
// printer and tools all go through `InstrReader`, so an immediate is laid out in one place.
#ifndef SEDGE_WASM_OP_H_
#define SEDGE_WASM_OP_H_

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <sedge/feature.h>
#include <sedge/types.h>

#include "base/reader.h"

namespace sedge::wasm {

/// Dense number of an operator: its row in op.def.
enum class Op : uint16_t {
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) name,
#include "wasm/op.def"
#undef SEDGE_OP
};
inline constexpr size_t kOpCount = 0
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) +1
#include "wasm/op.def"
#undef SEDGE_OP
    ;

/// Kinds of immediates; the comment says which members of Instr they fill.
enum class Imm : uint8_t {
  none,
  block,          ///< block_type
  label,          ///< index
  label_table,    ///< labels (the last is the default)
  func,           ///< index
  call_indirect,  ///< index (type), index2 (table)
  type,           ///< index
  local,          ///< index
  global,         ///< index
  table,          ///< index
  table_table,    ///< index (destination), index2 (source)
  elem,           ///< index
  elem_table,     ///< index (element segment), index2 (table)
  data,           ///< index
  data_memory,    ///< index (data segment), index2 (memory)
  memory,         ///< index
  memory_memory,  ///< index (destination), index2 (source)
  mem_arg,        ///< mem
  mem_arg_lane,   ///< mem, lane
  lane,           ///< lane
  shuffle,        ///< v128: 16 lane numbers
  i32,            ///< i64 (sign-extended)
  i64,            ///< i64
  f32,            ///< u64: bit pattern in the low half
  f64,            ///< u64: bit pattern
  v128,           ///< v128
  heap_type,      ///< type: reference type made of the heap type (nullable for *_null operators and
                  ///< ref.null)
  value_types,    ///< types
  tag,            ///< index
  try_table,      ///< block_type, catches
  type_field,     ///< index (type), index2 (field)
  type_count,     ///< index (type), index2 (count)
  type_data,      ///< index (type), index2 (data segment)
  type_elem,      ///< index (type), index2 (element segment)
  type_type,      ///< index (destination), index2 (source)
  br_on_cast,     ///< index (label), type (source), type2 (target)
  fence,          ///< none; one zero byte
};

enum OpFlags : uint8_t { kConst = 1, kTraps = 2, kAtomic = 4 };

struct OpInfo {
  std::string_view name;       ///< C++ identifier
  std::string_view mnemonic;   ///< text format
  std::string_view signature;  ///< see op.def
  uint32_t code;
  uint8_t prefix;
  Imm imm;
  Feature feature;
  uint8_t aux;
  uint8_t flags;
};
/// The row of `op`, put together on each call (see op.cc): keep it rather than ask twice.
OpInfo op_info(Op op);

/// Op of a prefix (0 for one-byte opcodes) and code, or nothing.
std::optional<Op> find_op(uint8_t prefix, uint32_t code);

struct MemArg {
  uint32_t align_log2 = 0;
  uint32_t memory = 0;
  uint64_t offset = 0;
};

/// Type of a block: none, one value type, or a function type of the module.
struct BlockType {
  enum class Kind : uint8_t { empty, value, index };
  Kind kind = Kind::empty;
  ValType value;
  uint32_t index = 0;
};

struct Catch {
  enum class Kind : uint8_t { catch_ = 0, catch_ref = 1, catch_all = 2, catch_all_ref = 3 };
  Kind kind = Kind::catch_;
  uint32_t tag = 0;
  uint32_t label = 0;
};

/// One decoded instruction. Members beyond `op` and `offset` are meaningful as Imm says. Reused
/// from instruction to instruction so that the vectors keep their memory.
struct Instr {
  Op op = Op::unreachable;
  uint64_t offset = 0;  ///< of the opcode in the module binary
  uint32_t index = 0;
  uint32_t index2 = 0;
  uint8_t lane = 0;
  MemArg mem;
  BlockType block_type;
  ValType type, type2;
  union {
    int64_t i64;
    uint64_t u64 = 0;
  };
  std::array<uint8_t, 16> v128{};
  std::vector<uint32_t> labels;
  std::vector<Catch> catches;
  std::vector<ValType> types;
};

/// How the common one-byte opcodes lay out their immediates.
enum class Shape : uint8_t { none, leb, mem_arg, other };
struct OneByteOp {
  uint16_t op;  ///< Op, or kNoOp
  Imm imm;
  Shape shape;
};
inline constexpr uint16_t kNoOp = 0xffff;
/// By opcode; prefixes and unused opcodes are kNoOp with Shape::other.
extern const std::array<OneByteOp, 256> kOneByteOps;

/// Reads the instructions of one expression. Checks encoding only (malformed), no typing.
class InstrReader {
 public:
  explicit InstrReader(Reader reader) : reader_(reader) {}
  InstrReader(Bytes bytes, uint64_t offset) : reader_(bytes, offset) {
    reader_.set_end_error(ErrorCode::unexpected_end_of_section);
  }
  /// The same; reading is faster when bytes up to `readable_end` may be loaded (the module's end).
  InstrReader(Bytes bytes, uint64_t offset, const uint8_t* readable_end)
      : InstrReader(bytes, offset) {
    reader_.set_lookahead(readable_end);
  }
  bool at_end() const { return reader_.at_end(); }
  uint64_t offset() const { return reader_.offset(); }
  /// Reads the next instruction into `out`. Errors: illegal_opcode and the malformed encodings of
  /// immediates.
  [[gnu::always_inline]] Result<void> next(Instr& out) {
    // No immediate, one LEB128 of at most 4 bytes, or a memory argument of those: decoded without a
    // branch that depends on the opcode. Validation speed hangs on this.
    if (reader_.loadable() >= 8) [[likely]] {
      const uint8_t* at = reader_.data();
      OneByteOp row = kOneByteOps[*at];
      uint32_t has_align = row.shape == Shape::mem_arg;
      uint32_t has_leb = row.shape != Shape::none;
      uint32_t word;
      std::memcpy(&word, at + 1 + has_align, sizeof(word));
      uint32_t stop = ~word & 0x80808080u;
      uint32_t bits = static_cast<uint32_t>(std::countr_zero(stop | 0x80000000u)) + 1;
      uint32_t size = 1 + has_align + (has_leb ? bits / 8 : 0);
      bool fits = row.shape != Shape::other && size <= reader_.remaining() &&
                  (!has_leb || stop != 0) && (!has_align || at[1] < 0x40);
      if (fits) [[likely]] {
        uint32_t value = word & 0x7f7f7f7fu;
        value = (value & 0x007f007fu) | (value & 0x7f007f00u) >> 1;
        value = (value & 0x00003fffu) | (value & 0x3fff0000u) >> 2;
        uint32_t unused = 64 - bits / 8 * 7;
        uint64_t high = static_cast<uint64_t>(value) << unused;
        out.op = static_cast<Op>(row.op);
        out.offset = reader_.offset();
        out.index = static_cast<uint32_t>(high >> unused);
        out.i64 = static_cast<int64_t>(high) >> unused;
        out.mem = {at[1], 0, out.index};
        reader_.skip(size);
        return {};
      }
    }
    return next_any(out);
  }
  Reader& reader() { return reader_; }
  const Reader& reader() const { return reader_; }

 private:
  Result<void> next_any(Instr& out);
  Result<void> immediates(Instr& out);
  Reader reader_;
};

// Types in binary encoding, shared by the decoder's sections and the instruction reader.
Result<ValType> read_value_type(Reader& reader);
Result<HeapType> read_heap_type(Reader& reader);
Result<ValType> read_storage_type(Reader& reader);
Result<ValType> read_ref_type(Reader& reader);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_OP_H_
