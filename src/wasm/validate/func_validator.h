// Types one expression: a function body or a constant expression. The algorithm of the
// specification's appendix: a stack of operand types and a stack of control frames. The quick path
// (quick_path.cc) handles the commonest instructions; whatever it does not recognise at a glance,
// errors included, goes through InstrReader to `step`, which has every rule.
#ifndef SEDGE_WASM_VALIDATE_FUNC_VALIDATOR_H_
#define SEDGE_WASM_VALIDATE_FUNC_VALIDATOR_H_

#include <optional>
#include <span>
#include <vector>

#include "wasm/op.h"
#include "wasm/validate/context.h"
#include "wasm/validate/rules.h"

namespace sedge::wasm::validation {

using Types = std::span<const ValType>;

class FuncValidator {
 public:
  /// `quick`: use the quick path; without it the result is the same.
  explicit FuncValidator(const Context& context, bool quick = true);

  /// `last`: no body follows in the code section, so that a missing `end` is a missing byte.
  Result<void> body(const Func& func, const FuncType& type, bool last);
  /// A constant expression of type `expected` that may read globals below `visible_globals`.
  /// Functions that it names are added to `declared`.
  Result<void> constant(const Expr& expr, ValType expected, uint32_t visible_globals,
                        std::vector<bool>& declared);

 private:
  /// Parameters and results of a block; as BlockType, with the function type looked up.
  struct BlockSig {
    const FuncType* func = nullptr;
    ValType value;  ///< the one result, unless bottom
    Types params() const { return func ? Types(func->params) : Types(); }
    Types results() const {
      if (func) return func->results;
      return value == ValType() ? Types() : Types(&value, 1);
    }
  };
  struct Frame {
    BlockSig sig;
    Op op = Op::block;  ///< block, loop, if_, else_, try_, catch_, catch_all, try_table
    bool unreachable = false;
    uint32_t height = 0;   ///< operands below the block's parameters
    uint32_t inits = 0;    ///< length of inits_ at entry
    uint32_t visited = 0;  ///< the br_table that last checked this label
    Types label() const { return op == Op::loop ? sig.params() : sig.results(); }
  };

  void start(const Expr& expr, BlockSig sig);
  bool setup_locals(const Func& func, const FuncType& type);
  bool run(Bytes bytes);
  /// Validates from `p` on until something that the quick path leaves alone; returns its position.
  const uint8_t* run_quickly(const uint8_t* p, const uint8_t* end);
  void fill_handlers();
  /// Whether an expression is one i32.const or i64.const of the type it should have.
  static bool plain_constant(Bytes bytes, ValType expected);
  bool run_slowly();
  bool finish(bool last);
  Error take_error();

  // Errors; all return false.
  bool error(ErrorCode code, std::string suffix = {});
  bool error(Error error);
  bool unknown(ErrorCode code, uint64_t index);
  [[gnu::cold]] bool mismatch(Types required);
  [[gnu::cold]] bool mismatch_text(std::string_view text);

  // Operands.
  Frame& top() { return frames_.back(); }
  size_t height() const { return static_cast<size_t>(sp_ - stack_.data()); }
  size_t available() { return height() - top().height; }
  void grow(size_t count);
  void push(ValType type) {
    if (sp_ == limit_) [[unlikely]]
      grow(1);
    *sp_++ = type;
  }
  void push_all(Types types);
  bool pop(ValType expected) { return pop_all({&expected, 1}); }
  bool pop_all(Types expected);
  bool pop_any(ValType& out);
  /// Pops a reference, or bottom.
  bool pop_ref(ValType& out);
  bool matches(ValType sub, ValType super) const {
    return sub == super || sub == ValType() || context_.matches(sub, super);
  }
  bool all_match(Types sub, Types super) const;
  void unreachable();

  // Frames.
  void enter(Op op, BlockSig sig) {
    frames_.push_back(
        {sig, op, false, static_cast<uint32_t>(height()), static_cast<uint32_t>(inits_.size()), 0});
  }
  /// Enters a block and pushes its parameters.
  void push_frame(Op op, BlockSig sig);
  bool label_is_empty(uint32_t depth) const {
    const Frame& frame = frames_[frames_.size() - 1 - depth];
    if (!frame.sig.func) return frame.sig.value == ValType() || frame.op == Op::loop;
    return frame.label().empty();
  }
  /// Checks the results of the innermost block and leaves it; its signature in `sig`.
  bool pop_frame(BlockSig& sig);
  void reset_inits(uint32_t count);
  bool block_sig(const BlockType& type, BlockSig& out);
  bool label(uint32_t depth, Types& out);

  // Locals.
  ValType local_type(uint32_t index) const;
  bool local_get(uint32_t index);
  bool local_written(uint32_t index);

  // Rules by hand (func_ops.cc, gc_ops.cc).
  bool step(const Instr& instr);
  bool by_signature(const Instr& instr, const OpRule& rule);
  bool control(const Instr& instr);
  bool branch_table(const Instr& instr);
  bool call(const Instr& instr);
  bool exceptions(const Instr& instr);
  bool variable(const Instr& instr);
  bool bulk(const Instr& instr);
  bool reference(const Instr& instr);
  bool branch_on(const Instr& instr);
  bool structure(const Instr& instr);
  bool array(const Instr& instr);
  bool select(const Instr& instr);

  // Lookups that report what is missing.
  bool memory_address(uint32_t index, ValType& out);
  bool table(uint32_t index, const TableType*& out);
  bool function_type(uint32_t type_index, const FuncType*& out);
  bool data_segment(uint32_t index);
  bool struct_type(uint32_t index, const SubType*& out);
  bool array_type(uint32_t index, const FieldType*& out);
  bool value_type(ValType type);
  bool returns(const FuncType& callee);
  ValType heap_top(HeapType heap) const;

  friend struct QuickPath;
  /// A handler of the quick path, as QuickPath defines it.
  using QuickHandler = void (*)();

  const Context& context_;
  Features features_;
  bool quick_;  ///< use the quick path

  std::array<QuickHandler, 256> handlers_{};  ///< by one-byte opcode
  const uint8_t* stopped_ = nullptr;          ///< where the quick path left off
  uint32_t quick_locals_ = 0;                 ///< locals with a flat entry and a one-byte index

  std::vector<ValType> stack_;
  ValType* sp_ = nullptr;
  ValType* limit_ = nullptr;
  std::vector<Frame> frames_;
  const FuncType* type_ = nullptr;  ///< of the function; null in constant expressions

  /// Types of the first locals; bottom while a non-defaultable local has no value.
  std::vector<ValType> locals_;
  std::vector<std::pair<uint32_t, ValType>> runs_;  ///< end index and type of each run of locals
  uint32_t local_count_ = 0;
  std::vector<bool> initialised_;  ///< by index; only when some local is not defaultable
  std::vector<uint32_t> inits_;    ///< locals given values, in order

  bool constant_ = false;
  uint32_t visible_globals_ = 0;
  std::vector<bool>* declared_ = nullptr;
  uint32_t br_tables_ = 0;  ///< number of br_table instructions so far

  InstrReader reader_;
  Instr instr_;
  ValType address0_;  ///< address type of memory 0; bottom without one
  std::optional<Error> error_;
};

}  // namespace sedge::wasm::validation

#endif  // SEDGE_WASM_VALIDATE_FUNC_VALIDATOR_H_
