// Mnemonics by a hash table that is built at compile time; the other words by short lists.
#include "wasm/text/keyword.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace sedge::wasm {
namespace {

constexpr Text kMnemonics[] = {
#define SEDGE_OP(name, prefix, code, mnemonic, imm, signature, feature, aux, flags) mnemonic,
#include "wasm/op.def"
#undef SEDGE_OP
};

constexpr uint32_t hash(std::string_view text) {
  uint32_t value = 2166136261u;  // FNV-1a
  for (char c : text) value = (value ^ static_cast<uint8_t>(c)) * 16777619u;
  return value;
}

constexpr size_t kSlots = 2048;
static_assert(kOpCount * 2 < kSlots);
constexpr uint16_t kEmpty = 0xffff;

constexpr std::array<uint16_t, kSlots> kTable = [] {
  std::array<uint16_t, kSlots> table{};
  table.fill(kEmpty);
  for (size_t i = 0; i < kOpCount; ++i) {
    size_t slot = hash(kMnemonics[i]) % kSlots;
    while (table[slot] != kEmpty && kMnemonics[table[slot]] != kMnemonics[i])
      slot = (slot + 1) % kSlots;
    if (table[slot] == kEmpty) table[slot] = static_cast<uint16_t>(i);
  }
  return table;
}();

struct HeapName {
  std::string_view name;
  HeapType::Abstract type;
  std::string_view shorthand;  ///< nullable reference to it
};
constexpr HeapName kHeapNames[] = {
    {"func", HeapType::func, "funcref"},
    {"extern", HeapType::extern_, "externref"},
    {"any", HeapType::any, "anyref"},
    {"eq", HeapType::eq, "eqref"},
    {"i31", HeapType::i31, "i31ref"},
    {"struct", HeapType::struct_, "structref"},
    {"array", HeapType::array, "arrayref"},
    {"exn", HeapType::exn, "exnref"},
    {"none", HeapType::none, "nullref"},
    {"nofunc", HeapType::nofunc, "nullfuncref"},
    {"noextern", HeapType::noextern, "nullexternref"},
    {"noexn", HeapType::noexn, "nullexnref"},
};

struct ValueName {
  std::string_view name;
  ValType::Kind kind;
};
constexpr ValueName kValueNames[] = {
    {"i32", ValType::i32},   {"i64", ValType::i64}, {"f32", ValType::f32}, {"f64", ValType::f64},
    {"v128", ValType::v128}, {"i8", ValType::i8},   {"i16", ValType::i16},
};

// Sorted.
constexpr std::string_view kWords[] = {"after",
                                       "assert_exception",
                                       "assert_exhaustion",
                                       "assert_invalid",
                                       "assert_invalid_custom",
                                       "assert_malformed",
                                       "assert_malformed_custom",
                                       "assert_return",
                                       "assert_trap",
                                       "assert_unlinkable",
                                       "before",
                                       "binary",
                                       "catch_all_ref",
                                       "catch_ref",
                                       "code",
                                       "data",
                                       "datacount",
                                       "declare",
                                       "definition",
                                       "do",
                                       "either",
                                       "elem",
                                       "export",
                                       "f32x4",
                                       "f64x2",
                                       "field",
                                       "final",
                                       "first",
                                       "get",
                                       "global",
                                       "i16x8",
                                       "i32x4",
                                       "i64x2",
                                       "i8x16",
                                       "import",
                                       "input",
                                       "instance",
                                       "invoke",
                                       "item",
                                       "last",
                                       "local",
                                       "memory",
                                       "module",
                                       "mut",
                                       "nan:arithmetic",
                                       "nan:canonical",
                                       "null",
                                       "offset",
                                       "output",
                                       "pagesize",
                                       "param",
                                       "quote",
                                       "rec",
                                       "ref",
                                       "ref.any",
                                       "ref.array",
                                       "ref.exn",
                                       "ref.extern",
                                       "ref.host",
                                       "ref.struct",
                                       "register",
                                       "result",
                                       "script",
                                       "shared",
                                       "start",
                                       "sub",
                                       "table",
                                       "tag",
                                       "then",
                                       "thread",
                                       "type",
                                       "unshared",
                                       "wait"};
static_assert(std::is_sorted(std::begin(kWords), std::end(kWords)));

}  // namespace

std::optional<Op> find_mnemonic(std::string_view text) {
  for (size_t slot = hash(text) % kSlots; kTable[slot] != kEmpty; slot = (slot + 1) % kSlots)
    if (kMnemonics[kTable[slot]] == text) return static_cast<Op>(kTable[slot]);
  return std::nullopt;
}

bool is_known_keyword(std::string_view text) {
  if (find_mnemonic(text) || find_heap_type(text) || find_value_type(text, true)) return true;
  if (text.starts_with("offset=") || text.starts_with("align=")) {
    std::string_view digits = text.substr(text.find('=') + 1);
    return !digits.empty() && digits[0] >= '0' && digits[0] <= '9';
  }
  return std::binary_search(std::begin(kWords), std::end(kWords), text);
}

std::optional<HeapType> find_heap_type(std::string_view text) {
  for (const HeapName& row : kHeapNames)
    if (row.name == text) return row.type;
  return std::nullopt;
}

std::optional<ValType> find_value_type(std::string_view text, bool packed) {
  for (const ValueName& row : kValueNames)
    if (row.name == text && (packed || !ValType(row.kind).is_packed())) return ValType(row.kind);
  for (const HeapName& row : kHeapNames)
    if (row.shorthand == text) return ValType::reference(row.type, true);
  return std::nullopt;
}

}  // namespace sedge::wasm
