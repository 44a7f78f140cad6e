// One validated function body as LLVM IR, in SSA form from the start: a walk over its instructions
// with a stack of values and one of control structures. Values meet in phis where a block ends or a
// loop begins, and only for locals that the block assigns.
//
// Frames in cells (vm/native.h) are the interpreter's: arguments of calls by slot and live
// references are stored at the cells that their place on the operand stack gives them.
#ifndef SEDGE_LLVM_FUNC_IR_H_
#define SEDGE_LLVM_FUNC_IR_H_

#include <initializer_list>
#include <optional>
#include <unordered_map>
#include <vector>

#include <llvm/IR/IRBuilder.h>

#include "llvm/module_ir.h"
#include "wasm/op.h"
#include "wasm/visit.h"

namespace sedge::llvmc {

class FuncIr : wasm::InstrVisitor<FuncIr> {
 public:
  /// The body of `func_index`, or the variant that starts at its loop number `loop`, with the whole
  /// frame in cells.
  FuncIr(ModuleIr& ir, uint32_t func_index, std::optional<uint32_t> loop = {});
  /// Builds it into the partition's module. Errors: limit_exceeded.
  Result<void> build();
  /// Cells of the frame, once built.
  uint32_t frame_cells() const { return frame_cells_; }

 private:
  friend class wasm::InstrVisitor<FuncIr>;

  using V = llvm::Value*;
  using Op = wasm::Op;

  struct Operand {
    V value = nullptr;
    Kind kind = Kind::i32;
    uint32_t cell = 0;  ///< its own in the frame
  };
  /// A way into a block: what differs there. `locals` of the block's assigned ones, or all;
  /// `values`: the label's, with everything below them for whole states.
  struct Edge {
    llvm::BasicBlock* from = nullptr;
    std::vector<V> locals;
    std::vector<V> values;
  };
  struct Ctrl {
    Op op = Op::block;
    std::vector<ValType> params, results;
    uint32_t height = 0;  ///< operands below its parameters
    bool whole = false;   ///< edges carry the whole state (before the loop that is entered)
    const std::vector<uint32_t>* assigned = nullptr;
    llvm::BasicBlock* label = nullptr;
    std::vector<Edge> edges;           ///< to its end; of a loop: not used
    std::vector<llvm::PHINode*> phis;  ///< loop: of locals, then of values
    // if
    llvm::BasicBlock* else_block = nullptr;
    std::vector<V> start_locals;
    std::vector<Operand> start_stack;
    // try_table, try: exceptions that arrive
    bool catches = false;  ///< exceptions inside still arrive here
    std::vector<wasm::Catch> clauses;
    std::vector<Edge> thrown;
    llvm::BasicBlock* landing = nullptr;
    // legacy: where the next clause is tested, with what state
    llvm::BasicBlock* next_clause = nullptr;
    std::vector<V> clause_locals;
    std::vector<Operand> clause_stack;
    V exception = nullptr;  ///< the exnref that its clause handles
  };

  // func.cc: frame, locals, walk
  void prologue();
  void load_frame();
  void unreachable();
  void skipped_block(Op op);
  void get_local(uint32_t index);
  void set_local(uint32_t index, bool tee);
  void constant(ValType type, uint64_t bits);
  void constant128();
  void other();
  void numeric_instruction(const wasm::OpInfo& info);
  Result<void> finish();

  // operand stack
  uint32_t next_cell() const;
  void push(V value, Kind kind);
  V pop();
  Operand pop_operand();
  Operand& top(size_t depth = 0) { return stack_[stack_.size() - 1 - depth]; }
  void reserve(uint32_t cells) { frame_cells_ = std::max(frame_cells_, cells); }
  Kind kind(ValType type) const { return kind_of(ir_.source.module, type); }

  // cells
  V cell(uint32_t index);
  V cell_at(V base, uint32_t index);
  void store_cell(V place, V value, Kind kind);
  V load_cell(V place, Kind kind);
  void spill(uint32_t index, V value, Kind kind);
  void spill_refs(size_t operands);
  void publish(uint32_t end);

  // fields of contexts, instances and what hangs off them
  V field(V base, uint64_t offset, llvm::Type* type, bool constant);
  V context_field(uint64_t offset, llvm::Type* type);
  V instance_field(uint64_t offset, llvm::Type* type);
  V instance_item(uint64_t offset, uint32_t index);
  template <typename I>
  I* aliased(I* access, Alias kind) {
    access->setMetadata(llvm::LLVMContext::MD_tbaa, ir_.alias(kind));
    return access;
  }
  /// Marks a store of state that is seen after a trap.
  void observable(llvm::StoreInst* store);

  // traps and statuses
  llvm::BasicBlock* new_block(const char* name);
  llvm::DebugLoc place();
  template <typename I>
  I* placed(I* instruction) {
    instruction->setDebugLoc(place());
    return instruction;
  }
  void enter(llvm::BasicBlock* block);
  void trap(TrapCode code);
  void trap_with(V code);
  void trap_if(V condition, TrapCode code);
  void leave(V status);
  void check_status(V status, bool may_throw);
  void check_exit(V exit);
  V builtin(Builtin index, llvm::Type* result, std::initializer_list<V> args);
  V out_slot();

  // control.cc
  Ctrl& ctrl(uint32_t depth) { return ctrls_[ctrls_.size() - 1 - depth]; }
  const std::vector<ValType>& label_types(const Ctrl& to) const;
  void block(Op op);
  void loop();
  bool shares_loops() const;
  void continue_in_variant(uint32_t loop);
  void enter_here(Ctrl& loop);
  size_t state_size(const Ctrl& block) const;
  void if_();
  void else_();
  void end();
  void close_block();
  Edge edge(const Ctrl& to, size_t values);
  Edge state_edge(const Ctrl& to);
  void branch_to(Ctrl& to);
  llvm::BasicBlock* way_to(uint32_t depth);
  void join(const Ctrl& block, const std::vector<Edge>& edges, const std::vector<ValType>& types);
  void br(uint32_t depth);
  void br_if();
  void conditional_branch(uint32_t depth, V condition);
  void br_table();
  void br_on_null(bool non_null);
  void br_on_cast(bool fail);
  void return_();
  void return_values();
  void select();
  void poll();
  void charge();
  void end_run();
  std::optional<bool> hint() const;

  // exceptions.cc
  void try_();
  bool landing(Ctrl& block);
  void end_try_table();
  void end_legacy();
  void start_clauses();
  void catch_(bool all);
  void delegate();
  void throw_();
  void throw_exception();
  Ctrl* handler(size_t below);
  void send(size_t below);
  void send_or_leave(size_t below);
  V tag_matches(V exception, uint32_t tag);
  void push_payload(V exception, uint32_t tag);

  // calls.cc
  struct Callee {
    V entry, instance, memory, index, func;
  };
  void call();
  void call_indirect(bool tail);
  void call_ref(bool tail);
  void return_call();
  void direct_call(uint32_t index);
  V table_field(uint32_t table, uint64_t offset, llvm::Type* type);
  V indirect_callee();
  void call_any(V func, const FuncType& type, bool tail);
  void near_call(V func, const FuncType& type);
  Callee callee_of(V func);
  Callee callee_of_slot(uint32_t index);
  void cells_call(const Callee& callee, const FuncType& type);
  void tail_call(const Callee& callee, const FuncType& type);
  V body_call(llvm::FunctionType* prototype, V body, const FuncType& type, V& status);
  uint32_t argument_base(const FuncType& type);
  uint32_t store_arguments(const FuncType& type);
  void load_results(const FuncType& type, uint32_t base);
  void forget_cells(uint32_t from);

  // memory.cc
  bool memory64(uint32_t memory) const;
  bool table64(uint32_t table) const;
  V memory_of(uint32_t memory);
  V memory_base(uint32_t memory);
  V memory_size(uint32_t memory);
  V widened(V value, bool is64);
  V address(uint32_t bytes, bool atomic = false);
  V load_memory(llvm::Type* type, V address);
  void store_memory(V value, V address);
  void load(const wasm::OpInfo& info);
  void store(const wasm::OpInfo& info);
  void vector_access();
  void atomic(const wasm::OpInfo& info);
  void wait_or_notify();
  void memory_op();
  void table_op();
  void get_global();
  void set_global();
  bool guarded(uint32_t memory) const;

  // numeric.cc
  bool integer_op();
  bool float_op();
  bool conversion();
  V float_min_max(V a, V b, bool max);
  V checked_trunc(V a, llvm::Type* to, bool is_signed);
  V float_arithmetic(llvm::Instruction::BinaryOps op, V a, V b);
  V quieted(V a);

  // simd.cc
  void simd_op(const wasm::OpInfo& info);
  V lanes(V value, llvm::Type* element);
  V v128_of(V value);
  V swizzle(V a, V indices);
  V halves(V a, llvm::Type* narrow, bool high, bool is_signed);
  V pairwise(V a, llvm::Type* narrow, bool is_signed, bool odd);

  // gc.cc
  void gc_op();
  V is_instance(V value, Kind kind, ValType type);
  V object(V ref);
  V new_object(V bytes, V length);
  V new_array(V length);
  uint32_t storage_size(ValType storage) const;
  V load_field(V place, ValType storage, bool is_signed);
  void store_field(V place, ValType storage, V value);
  V element_address(V array, V index, uint32_t size);
  void array_bounds(V array, V index);
  V null_check(V value, TrapCode code);

  ModuleIr& ir_;
  uint32_t func_index_;
  std::optional<uint32_t> entered_loop_;
  const wasm::Module& module_;
  const wasm::Func& func_;
  const FuncType& type_;
  const FuncAnalysis& analysis_;
  const CompileOptions& options_;
  bool cells_form_;    ///< the function has the prototype of entries
  bool shares_loops_;  ///< it goes on in the variants for its loops
  llvm::Function* function_ = nullptr;
  llvm::IRBuilder<> b_;
  wasm::Instr in_;

  V context_ = nullptr, instance_ = nullptr, fp_ = nullptr, memory_ = nullptr;
  V out_slot_ = nullptr;
  llvm::BasicBlock* allocas_ = nullptr;     ///< the function's first block
  llvm::Instruction* frame_end_ = nullptr;  ///< fp + frame cells, filled in at the end
  llvm::BasicBlock* leave_ = nullptr;
  llvm::PHINode* leave_status_ = nullptr;

  std::vector<Kind> local_kinds_;
  std::vector<uint32_t> local_cells_;
  std::vector<V> locals_;
  uint32_t first_cell_ = 0;  ///< of the operand stack
  uint32_t frame_cells_ = 0;
  std::vector<Operand> stack_;
  std::vector<Ctrl> ctrls_;
  std::vector<std::vector<uint32_t>> assigned_;
  size_t next_block_ = 0;  ///< ordinal of the next block in assigned_
  uint32_t next_loop_ = 0;
  bool before_entered_loop_ = false;
  std::unordered_map<uint32_t, V> known_cells_;  ///< what a reference's cell holds already
  llvm::Instruction* fuel_ = nullptr;  ///< the subtraction of the running straight-line run
  uint32_t fuel_count_ = 0;
  llvm::DILocation* place_ = nullptr;
  uint64_t place_offset_ = UINT64_MAX;
};

/// Builds the function that other tiers enter for `func_index`: loads arguments from cells, calls
/// the body, stores results.
void build_entry(ModuleIr& ir, uint32_t func_index);

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_FUNC_IR_H_
