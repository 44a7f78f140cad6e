// Parser of one module. It goes over the fields twice: first for the ids and the type definitions,
// then, in the order of the text, for everything else; so references may point forward. Bodies are
// written in binary encoding at once. Spec: text format, section "Modules".
#ifndef SEDGE_WASM_TEXT_MODULE_PARSER_H_
#define SEDGE_WASM_TEXT_MODULE_PARSER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wasm/encode/encode.h"
#include "wasm/module.h"
#include "wasm/op.h"
#include "wasm/text/arena.h"
#include "wasm/text/cursor.h"
#include "wasm/text/text.h"

namespace sedge::wasm {

class ModuleParser : protected Cursor {
 public:
  explicit ModuleParser(const Tokens& tokens) : Cursor(tokens), arena_(std::make_shared<Arena>()) {}
  Result<ParsedModule> run();

 protected:
  using Ids = std::unordered_map<std::string_view, uint32_t>;
  /// An index space: what its members are called in the grammar and in messages, their ids, and how
  /// many there are.
  struct Space {
    const char* keyword;
    const char* noun;
    Ids ids;
    uint32_t count = 0;
  };
  struct Param {
    std::string_view id;                   ///< empty: none
    std::optional<std::string_view> name;  ///< id, or what (@name …) says
  };
  /// `(type x)? (param …)* (result …)*`
  struct TypeUse {
    std::optional<TypeIdx> index;
    FuncType type;
    std::vector<Param> params;  ///< as many as type.params, if ids are allowed
    Location where;
  };

  // parse_module.cc: the two passes
  Result<void> collect_ids();
  Result<void> collect_field();
  Result<void> collect_items();
  Result<void> add_member(Space& space);
  bool has_inline(std::string_view word) const;
  Space* definition_space(std::string_view word);
  Result<void> field();
  /// Id of the definition that begins here, or empty.
  std::string_view id_text(const Token& token);
  /// Takes id and name annotation of a definition and records its name.
  Result<void> bind(Names::Map& names, uint32_t index);
  /// Takes a name annotation if there is one; else returns `id`.
  Result<std::string_view> bound_name(std::string_view id);
  Result<std::string_view> name_annotation(const Token& token);
  Result<void> custom_annotation();
  /// An index or id; `unknown` ids are errors.
  Result<uint32_t> index(const Space& space);
  Result<uint32_t> nat32();
  Result<uint64_t> nat64();

  // parse_types.cc
  Result<void> single_type();
  void allow_type_use(TypeIdx type_index);
  Result<void> type_definition();
  Result<void> rec_group();
  Result<SubType> sub_type(TypeIdx type_index);
  Result<void> composite_type(SubType& out, TypeIdx type_index);
  Result<void> struct_fields(SubType& out, TypeIdx type_index);
  Result<FieldType> field_type();
  Result<ValType> value_type(bool packed = false);
  /// Reference types only.
  Result<ValType> ref_type();
  Result<HeapType> heap_type();
  bool at_value_type() const;
  Result<void> params_and_results(FuncType& type, std::vector<Param>* params);
  Result<TypeUse> type_use(bool allow_ids);
  /// The index of a type use; an inline type is looked up, or added behind the others.
  Result<TypeIdx> resolve(TypeUse& use);
  TypeIdx find_or_add(const FuncType& type);
  Result<Limits> limits();
  bool take_index_type();
  Result<TableType> table_type();
  Result<MemoryType> memory_type();
  Result<std::optional<uint8_t>> page_size();
  Result<GlobalType> global_type();

  // parse_fields.cc
  Result<void> import_field();
  Result<void> import_items(Import import);
  Result<void> import_type(Import& import);
  Result<void> export_field();
  Result<void> func_field();
  Result<void> table_field();
  Result<void> memory_field();
  Result<void> global_field();
  Result<void> tag_field();
  Result<void> start_field();
  Result<void> elem_field();
  Result<void> data_field();
  Result<void> inline_exports(ExternKind kind, uint32_t index);
  /// `(import "m" "n")` inside a definition.
  Result<std::optional<Import>> inline_import(ExternKind kind);
  void add_import(Import import);
  uint32_t imported(ExternKind kind) const { return imported_[static_cast<size_t>(kind)]; }
  void forget_locals();
  Expr ref_func(uint32_t func);
  Result<void> local_names(uint32_t func, const TypeUse& use);
  Result<void> locals(uint32_t func, Func& out, uint32_t next_local);
  Result<Expr> offset();
  Result<void> elem_list(ElemSegment& segment);
  Result<void> elem_items(ElemSegment& segment);
  Result<Bytes> data_strings();
  Expr constant_offset(bool is64);

  // parse_instr.cc: expressions, control structure with an explicit stack
  enum class Extent : uint8_t { until_close, one_folded };
  struct Label {
    std::string_view id;
    std::optional<uint32_t> outer;  ///< position of the label that has the same id further out
  };
  struct Hint {
    bool taken;
    Token token;
  };
  /// A folded or flat structure that is still open.
  struct Frame {
    enum class Kind : uint8_t {
      plain,  ///< ( operator operands…
      block,  ///< ( block … : closing it writes `end`
      if_,    ///< ( if … : operands, then the parts
      try_,   ///< ( try … : parts
      part,   ///< ( then …, ( else …, ( do …, ( catch …
      flat    ///< block … end
    };
    /// Of `if` and `try`: which parts have been seen.
    enum class State : uint8_t { begin, first, other, last, closed };
    Kind kind = Kind::plain;
    State state = State::begin;
    Op op = Op::nop;
    Token token;
    uint32_t pending = 0;  ///< where the operator begins in pending_
    std::string_view id;   ///< of the label
    std::optional<std::string_view> name;
    std::optional<Hint> hint;
  };
  Result<Expr> expression(Extent extent);
  Result<void> instructions(Extent extent);
  Result<void> flat_instruction();
  Result<void> open_folded();
  Result<void> close_folded();
  Result<bool> folded_if_part();
  Result<void> folded_try_part();
  Result<void> flat_block(Op op, const Token& token);
  Result<void> flat_else(const Token& token);
  Result<void> flat_catch(Op op, const Token& token);
  Result<void> flat_delegate(const Token& token);
  Result<void> flat_end(const Token& token);
  Result<void> delegate(const Token& token);
  Result<void> closing_label(const Frame& frame);
  Result<void> block_head(Frame& frame);
  Result<void> open_block(Frame& frame, Bytes bytes);
  Result<void> block_type();
  Result<void> catch_clauses();
  void push_label(std::string_view id);
  void pop_label();
  Result<void> branch_hint();
  std::optional<Hint> take_hint() { return std::exchange(hint_, std::nullopt); }
  /// Appends an instruction that begins at `token` in the text to the body.
  Result<void> emit(const Token& token, Op op, Bytes bytes, const std::optional<Hint>& hint);
  Result<void> emit_op(const Token& token, Op op);

  // parse_operands.cc: an instruction is written to scratch_
  /// Writes opcode and immediates; the operator may become another that has the same mnemonic.
  Result<Op> operator_(Op op);
  Result<void> immediates(Op op);
  Result<void> label();
  Result<void> labels();
  Result<void> index_operand(const Space& space);
  Result<void> optional_index(const Space& space);
  Result<void> two_indices_or_none(const Space& space);
  /// `container? segment`
  Result<void> segment_operands(const Space& segments, const Space& containers);
  Result<void> call_indirect();
  Result<void> mem_arg(uint8_t natural, bool lane_follows);
  Result<uint64_t> assigned_nat(std::string_view prefix);
  Result<void> lane();
  Result<void> shuffle();
  Result<void> vector_constant();
  Result<void> type_and_field();
  Result<void> cast_branch();
  Result<void> select_types();
  /// "unknown function $f", with a location.
  std::unexpected<Error> unknown(const char* noun, const Token& token) const;

  ParsedModule out_;
  Module& module_ = out_.module;
  std::shared_ptr<Arena> arena_;
  std::vector<std::unique_ptr<std::string>> decoded_ids_;  ///< of quoted ids with escapes

  Space types_{"type", "type", {}, 0}, funcs_{"func", "function", {}, 0},
      tables_{"table", "table", {}, 0}, memories_{"memory", "memory", {}, 0},
      globals_{"global", "global", {}, 0}, tags_{"tag", "tag", {}, 0},
      elems_{"elem", "elem segment", {}, 0}, datas_{"data", "data segment", {}, 0};
  std::unordered_map<TypeIdx, Ids> fields_;           ///< ids of struct fields
  std::unordered_map<std::string, TypeIdx> by_type_;  ///< function types that a type use may mean
  std::vector<size_t> type_positions_;
  uint32_t imported_[5] = {};         ///< imports so far, by kind
  const char* definition_ = nullptr;  ///< the first definition, after which no import may come

  // The body being parsed.
  std::optional<uint32_t> func_;  ///< nothing in constant expressions
  Space locals_{"local", "local", {}, 0};
  Writer body_;
  Writer scratch_;                ///< the instruction being read
  std::vector<uint8_t> pending_;  ///< folded operators that wait for their operands
  std::vector<Frame> frames_;
  std::vector<Label> labels_;
  std::unordered_map<std::string_view, uint32_t> label_ids_;  ///< innermost position in labels_
  uint32_t label_count_ = 0;  ///< structured instructions so far: the index for label names
  std::optional<Hint> hint_;
  bool uses_data_ = false;  ///< an instruction names a data segment
  std::vector<SourceMap::Entry>* source_ = nullptr;
  size_t line_ = 0;  ///< of the latest instruction, for finding the next one's
};

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_MODULE_PARSER_H_
