// wasm::Module: the abstract syntax of one core module as decoder and text parser produce it and as
// validator, encoder, printer and runtime read it. Function bodies and constant expressions stay in
// their binary encoding. Spec: "Structure", section "Modules".
#ifndef SEDGE_WASM_MODULE_H_
#define SEDGE_WASM_MODULE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include <sedge/types.h>

#include "base/flat_map.h"
#include "base/reader.h"

namespace sedge::wasm {

using TypeIdx = uint32_t;
using FuncIdx = uint32_t;

/// A composite type with its place in the subtype hierarchy.
struct SubType {
  enum class Kind : uint8_t { func, struct_, array };
  Kind kind = Kind::func;
  bool final_ = true;
  std::optional<TypeIdx> super;   ///< at most one, as 3.0 has it
  FuncType func;                  ///< kind func
  std::vector<FieldType> fields;  ///< kind struct_; kind array: exactly one
};

/// Types [first, first + count) were defined in one recursion group.
struct RecGroup {
  TypeIdx first = 0;
  uint32_t count = 1;
  bool explicit_ = false;  ///< written as (rec …) / 0x4e, kept for printing and encoding
};

/// An expression in binary encoding, its final `end` included. `bytes` borrows `Module::storage`.
struct Expr {
  Bytes bytes;
  uint64_t offset = 0;  ///< of bytes[0] in the module binary
};

/// Kind and type of an import; which member counts is the kind's to say.
struct ExternDesc {
  ExternKind kind = ExternKind::func;
  TypeIdx type_index = 0;  ///< func, tag
  TableType table;
  MemoryType memory;
  GlobalType global;
};

struct Import : ExternDesc {
  std::string_view module;
  std::string_view name;
  uint64_t offset = 0;
};

struct Export {
  std::string_view name;
  ExternKind kind = ExternKind::func;
  uint32_t index = 0;
  uint64_t offset = 0;
};

/// A run of locals of one type, as the binary format declares them.
struct LocalRun {
  uint32_t count = 0;
  ValType type;
};

struct Func {
  TypeIdx type_index = 0;
  std::vector<LocalRun> locals;  ///< without the parameters
  Expr body;
  uint64_t offset = 0;  ///< of the function's size field in the code section: start of its entry
};

struct Table {
  TableType type;
  std::optional<Expr> init;  ///< absent: null
};
struct Memory {
  MemoryType type;
};
struct Global {
  GlobalType type;
  Expr init;
};
struct Tag {
  TypeIdx type_index = 0;
};

struct ElemSegment {
  enum class Mode : uint8_t { active, passive, declarative };
  Mode mode = Mode::active;
  ValType type = ValType::funcref();
  uint32_t table = 0;
  Expr offset_expr;             ///< active
  std::vector<Expr> exprs;      ///< items, when written as expressions
  std::vector<FuncIdx> funcs;   ///< items, when written as function indices
  bool uses_exprs = false;      ///< which of the two
  bool explicit_table = false;  ///< encoded with a table index or element kind, for round trips
  uint64_t offset = 0;
  size_t size() const { return uses_exprs ? exprs.size() : funcs.size(); }
};

struct DataSegment {
  enum class Mode : uint8_t { active, passive };
  Expr offset_expr;  ///< active
  Bytes init;
  uint64_t offset = 0;
  uint32_t memory = 0;
  Mode mode = Mode::active;
  bool explicit_memory = false;  ///< encoded with flag 2 although the index may be 0
};

/// Ids of non-custom sections, in the order that the binary format demands.
enum class SectionId : uint8_t {
  custom = 0,
  type = 1,
  import = 2,
  function = 3,
  table = 4,
  memory = 5,
  global = 6,
  export_ = 7,
  start = 8,
  element = 9,
  code = 10,
  data = 11,
  data_count = 12,
  tag = 13,
};

struct CustomSection {
  std::string_view name;
  Bytes content;
  /// The section that it follows; `custom` stands for the beginning of the module.
  SectionId after = SectionId::custom;
  uint64_t offset = 0;  ///< of the content
};

/// Names of the `name` section, by index space.
struct Names {
  using Map = FlatMap<uint32_t, std::string_view>;
  using IndirectMap = FlatMap<uint32_t, Map>;
  std::optional<std::string_view> module;
  Map funcs, types, tables, memories, globals, elems, datas, tags;
  IndirectMap locals, labels, fields;
};

/// Likely and unlikely branches (metadata.code.branch_hint): offset of the instruction within
/// `Func::body.bytes` → whether the branch is likely taken.
using BranchHints = std::map<uint32_t, std::map<uint32_t, bool>>;  // by FuncIdx

/// One core module. Immutable after the decoder or the parser has built it; views inside borrow
/// `storage`.
struct Module {
  std::vector<SubType> types;
  std::vector<RecGroup> rec_groups;
  std::vector<Import> imports;
  std::vector<Func> funcs;  ///< defined ones; their indices follow the imported ones
  std::vector<Table> tables;
  std::vector<Memory> memories;
  std::vector<Tag> tags;
  std::vector<Global> globals;
  std::vector<Export> exports;
  std::optional<FuncIdx> start;
  uint64_t start_offset = 0;
  std::vector<ElemSegment> elems;
  std::optional<uint32_t> data_count;
  std::vector<DataSegment> datas;
  std::vector<CustomSection> customs;  ///< in file order, the name section among them
  Names names;
  BranchHints branch_hints;
  uint64_t code_offset = 0;  ///< of the code section's content, which DWARF addresses count from
  bool compact_imports = false;  ///< used the compact import encoding

  // Index spaces: imports first. Filled by `index_imports`.
  std::vector<uint32_t> imported_funcs, imported_tables, imported_memories, imported_globals,
      imported_tags;  ///< positions in `imports`

  uint32_t func_count() const {
    return static_cast<uint32_t>(imported_funcs.size() + funcs.size());
  }
  uint32_t table_count() const {
    return static_cast<uint32_t>(imported_tables.size() + tables.size());
  }
  /// Of all functions together.
  size_t body_bytes() const {
    size_t size = 0;
    for (const Func& func : funcs) size += func.body.bytes.size();
    return size;
  }
  uint32_t memory_count() const {
    return static_cast<uint32_t>(imported_memories.size() + memories.size());
  }
  uint32_t global_count() const {
    return static_cast<uint32_t>(imported_globals.size() + globals.size());
  }
  uint32_t tag_count() const { return static_cast<uint32_t>(imported_tags.size() + tags.size()); }

  // Types by index; the index must be in range.
  TypeIdx func_type_index(FuncIdx index) const;
  const TableType& table_type(uint32_t index) const;
  const MemoryType& memory_type(uint32_t index) const;
  const GlobalType& global_type(uint32_t index) const;
  TypeIdx tag_type_index(uint32_t index) const;
  /// The function type of a function, whose type index must be valid and a function type.
  const FuncType& func_type(FuncIdx index) const { return types[func_type_index(index)].func; }

  /// Fills imported_* from `imports`.
  void index_imports();

  /// The bytes that views borrow: the binary, or what the text parser made. Shared so that moves
  /// and copies of the Module keep the views valid.
  std::vector<std::shared_ptr<const void>> storage;
  /// The whole binary when decoded from one, else empty.
  Bytes binary;
};

/// Limits that sedge sets on one module, after the JavaScript API's; beyond them: limit_exceeded.
inline constexpr uint32_t kMaxTypes = 1'000'000, kMaxFuncs = 1'000'000, kMaxImports = 1'000'000,
                          kMaxExports = 1'000'000, kMaxGlobals = 1'000'000, kMaxTags = 1'000'000,
                          kMaxDataSegments = 100'000, kMaxElemSegments = 10'000'000,
                          kMaxTables = 100'000, kMaxMemories = 100'000, kMaxLocals = 50'000,
                          kMaxParams = 1'000, kMaxResults = 1'000, kMaxStructFields = 10'000,
                          kMaxSubtypeDepth = 63, kMaxBodySize = 7'654'321,
                          kMaxModuleSize = 1u << 30, kMaxBrTable = 7'654'321;

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_MODULE_H_
