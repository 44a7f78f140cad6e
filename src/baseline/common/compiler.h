// The compiler of one function: walk over the body, operand stack, registers, control.
//
// A virtual operand stack says where each operand is: a constant, a local that was not copied yet,
// a register, the flags of a comparison, or its own cell (that of its position on the stack). The
// most used locals have a register of their own for the whole function; `valid_` says which of
// these registers hold their local at this point, `dirty_` which of the cells behind are stale.
// Calls write stale cells back and leave no register valid; locals are loaded again when used. A
// label records that state when it is first branched to; later branches adapt to it. At labels all
// operands are in their cells, but for a forward label's only value, which is in a fixed register.
#ifndef SEDGE_BASELINE_COMMON_COMPILER_H_
#define SEDGE_BASELINE_COMMON_COMPILER_H_

#include <initializer_list>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "baseline/baseline.h"
#include "baseline/common/prescan.h"
#include "baseline/common/target.h"
#include "vm/builtin.h"
#include "vm/gc_layout.h"
#include "wasm/op.h"
#include "wasm/visit.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

using vm::TrapCode;
using wasm::Instr;
using wasm::Op;

inline constexpr uint32_t kNone = UINT32_MAX;

inline Cls class_of(ValType type) {
  switch (type.kind()) {
    case ValType::f32:
      return Cls::f;
    case ValType::f64:
      return Cls::d;
    case ValType::v128:
      return Cls::v;
    default:
      return Cls::i;
  }
}
inline uint32_t cells_of(Cls cls) { return cls == Cls::v ? 2 : 1; }

/// An operand taken from the stack.
struct Operand {
  enum class Kind : uint8_t { reg, cell, constant };
  Kind kind = Kind::reg;
  Cls cls = Cls::i;
  Reg reg = kNoReg;
  uint32_t cell = 0;
  uint64_t bits = 0;
  bool is(Kind other) const { return kind == other; }
};

/// What a builtin gets.
struct Argument {
  enum class Kind : uint8_t {
    instance,
    context,
    number,
    cell32,
    cell64,
    cell_address,
    context_address,  ///< of the member at this offset
    context32,        ///< the member
    tag,              ///< Tag* by index
  };
  Kind kind;
  uint64_t value = 0;  ///< number, cell, offset or index
};

class Compiler : wasm::InstrVisitor<Compiler> {
  friend class wasm::InstrVisitor<Compiler>;

 public:
  Compiler(const wasm::Module& module, const wasm::TypeSet& types, uint32_t func_index,
           const Options& options);
  Result<FunctionCode> run();

  // For emitters (x64/emit_*.cc, a64/emit_*.cc).

  MacroAssembler& code() { return code_; }
  const Instr& in() const { return in_; }
  const wasm::Module& module() const { return module_; }
  const Options& options() const { return options_; }
  bool memory64(uint32_t index) const { return module_.memory_type(index).is64; }

  /// The top operand, which leaves the stack. Its register may be a local's: it must not be
  /// changed unless `owned`.
  Operand take();
  /// The same in a register.
  Reg take_reg();
  /// The same in a register that may be changed.
  Reg take_owned();
  /// Whether the top is an integer constant that an instruction of this width can hold: 32 bits,
  /// sign-extended where wide.
  bool top_is_immediate(bool wide) const;
  bool owned(Reg reg) const { return (temporaries_ & reg_bit(reg)) != 0; }
  /// A free register, kept for the current instruction.
  Reg alloc(bool vec);
  /// This temporary register, kept for the current instruction; an operand in it is moved away.
  void claim(Reg reg);
  /// The current instruction is done with a register.
  void release(const Operand& operand) {
    if (operand.is(Operand::Kind::reg)) held_ &= ~reg_bit(operand.reg);
  }
  /// Where a result goes: the register of the local that the next instruction sets, else `prefer`
  /// if it may be changed, else a free one. Never one of the registers in `avoid`.
  Reg dest(Cls cls, RegSet avoid = 0, Reg prefer = kNoReg);
  void push(Cls cls, Reg reg);
  void push_flags(Cond cond);
  bool top_is_flags() const { return stack_.back().kind == Entry::Kind::flags; }
  /// Flags of the condition on top, which leaves the stack.
  Cond take_condition();
  /// Jump to a cold trap.
  void trap_if(Cond cond, TrapCode trap);
  void trap_always(TrapCode trap);
  /// Operands [from the top, count) are in their cells; every register is free. Gives the first
  /// of these cells; the operands leave the stack.
  uint32_t spill_for_call(size_t count);
  /// A jump or address leads here, or to a place.
  void bind_here(uint32_t fixup) { code_.patch_distance(fixup, code_.pos()); }
  void bind_to(uint32_t fixup, uint32_t to) { code_.patch_distance(fixup, to); }
  /// Loads 16 bytes from the constant pool.
  void vector_constant(Reg to, uint64_t low, uint64_t high);
  /// The operator computed by its helper (runtime/op_helper.h).
  void help(const wasm::OpInfo& info);
  void push_constant(Cls cls, uint64_t bits);
  /// The vm::Memory goes to the scratch register.
  void load_memory(uint32_t index);
  void move_to_reg(const Operand& operand, Reg reg);
  /// The top operands go to their own cells.
  void store_top(size_t count);
  /// Register of the local that the next instruction sets, or kNoReg.
  Reg target() const;
  /// Whether the next instruction only asks whether the result is 0.
  bool result_is_tested(bool wide) const;

 private:
  struct Entry {
    enum class Kind : uint8_t { cell, reg, local, constant, flags };
    Kind kind = Kind::cell;
    Cls cls = Cls::i;
    Reg reg = kNoReg;    ///< kind reg
    Cond cond{};         ///< kind flags
    uint32_t cell = 0;   ///< its own
    uint32_t local = 0;  ///< kind local
    uint64_t bits = 0;   ///< kind constant
  };
  struct Local {
    uint32_t cell = 0;
    Cls cls = Cls::i;
    Reg reg = kNoReg;
    uint32_t references = 0;  ///< entries of kind local
  };
  /// Of locals in registers, by register.
  struct State {
    RegSet valid = 0, dirty = 0;
    bool operator==(const State&) const = default;
  };
  struct Label {
    uint32_t pos = kNone;
    uint32_t fixups = kNone;
    State state;
    bool has_state = false;
    bool caught = false;  ///< clauses of a try block lead here
  };
  struct Fixup {
    uint32_t at;
    uint32_t table;  ///< of an entry of a table: its start, from which distances count; or kNone
    uint32_t next;
  };
  struct Ctrl {
    Op op = Op::block;
    wasm::BlockType type;
    uint32_t height = 0;  ///< entries below the parameters
    uint32_t base = 0;    ///< first cell above them
    uint32_t label = 0;
    uint32_t else_label = kNone;
    uint32_t region = kNone;  ///< of an active try block
    uint32_t outer_region = kNone;
    uint32_t legacy_region = kNone;          ///< of a legacy try whose clauses have begun
    uint32_t stub = kNone, stub_of = kNone;  ///< br_table: code for this label, of that table
  };
  struct Clause {
    uint32_t tag = kNone;  ///< index, kNone: all
    uint32_t label = 0;
    uint32_t cell = 0;
    uint32_t hidden = kNone;   ///< legacy: cell that keeps the exnref
    Cls only = Cls::i;         ///< of the value that the label wants in a register
    bool in_register = false;  ///< the label wants its only value there
    bool with_ref = false;
  };
  struct Region {
    uint32_t parent = kNone;
    uint32_t label = 0;  ///< of its landing pad
    std::vector<Clause> clauses;
  };
  /// Code out of line.
  struct Stub {
    enum class Kind : uint8_t {
      trap,          ///< a: TrapCode
      context_trap,  ///< the code is in Context::trap
      index_trap,    ///< a: TrapCode, b: register with the table index
      poll,          ///< back: where to go on
      hot,           ///< a: ordinal of the loop or UINT32_MAX
      subtype,       ///< a: type index; func in rsi
      call_failed,   ///< a: region
      loop_entry,    ///< a: ordinal
      new_struct,    ///< a: type index, b: cell for the reference
      new_array,     ///< the same; c: length, or kNone where it is in the cell below
      call_import,   ///< a: region, b: cell of the arguments; the function is one of wasm
      host_failed,   ///< a: region; the status that a host function left is in the result register
    };
    Kind kind;
    uint32_t fixup;  ///< jump that leads here, or kNone
    uint32_t back = 0;
    uint32_t a = 0, b = 0, c = 0;
    State state;
    uint64_t offset = 0;
  };

  // compiler.cc
  void unreachable();
  void skipped_block(Op op) { loop_ordinal_ += op == Op::loop; }
  void constant(ValType type, uint64_t bits);
  void constant128();
  void assign_registers(const Prescan& scan);
  void prologue();
  void enter_frame();
  void clear_locals();
  void fuel();
  void end_run();
  Result<FunctionCode> finish();
  void note_place(uint64_t offset);
  void select();
  void get_global();
  void set_global();

  // stubs.cc
  void emit_stub(const Stub& stub);
  void emit_landing(const Region& region);
  void emit_pool();
  void emit_exits();
  void poll(uint32_t loop);
  void count_heat(uint32_t loop);
  void add_stub(Stub::Kind kind, uint32_t fixup, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0);
  void write_back_cold(const State& state);
  void reload_cold(const State& state);

  // stack.cc
  uint32_t next_cell() const;
  Entry& top(size_t depth = 0) { return stack_[stack_.size() - 1 - depth]; }
  void reserve(uint32_t cells) { max_cells_ = std::max(max_cells_, cells); }
  void push_entry(Entry entry);
  void push_cell(Cls cls);
  Entry pop();
  void truncate(uint32_t height);
  void settle_flags();
  Reg use_local(Local& local);
  Operand operand_of(const Entry& entry);
  void store_operand(const Operand& operand, uint32_t cell);
  void store_entry(Entry& entry);
  void flush();
  void save_references(uint32_t local);
  void get_local(uint32_t index);
  void set_local(uint32_t index, bool tee);
  uint32_t next_set_local() const;
  void bring(Entry& entry, Reg reg);
  void write_back(RegSet regs);
  void forget_locals() { valid_ = dirty_ = 0; }
  State state() const { return {valid_, dirty_}; }
  void set_state(const State& state) {
    valid_ = state.valid;
    dirty_ = state.dirty;
  }
  Local& local_of(Reg reg) { return locals_[reg_local_[reg]]; }

  // control.cc
  void block(Op op);
  void loop();
  void if_();
  void else_();
  void end();
  void finish_block(bool reachable);
  void br(uint32_t depth);
  void br_if();
  void conditional_branch(uint32_t depth, Cond cond);
  void br_table();
  void br_on_null(bool non_null);
  void return_();
  void emit_return();
  void place_values(const Ctrl& target, std::span<const ValType> types);
  bool values_in_place(const Ctrl& target, size_t count) const;
  bool in_register(const Ctrl& target, std::span<const ValType> types) const;
  void copy_values(uint32_t from, uint32_t to, uint32_t cells);
  void push_label_values(const Ctrl& ctrl, std::span<const ValType> types);
  bool adapts(const Label& label) const;
  void adapt(Label& label);
  uint32_t new_label();
  void bind(uint32_t label);
  void add_fixup(uint32_t label, uint32_t at, uint32_t table = kNone);
  void patch(const Fixup& fixup, uint32_t to);
  void jump_to(uint32_t label);
  void branch_to(Cond cond, uint32_t label);
  Ctrl& ctrl(uint32_t depth) { return ctrls_[ctrls_.size() - 1 - depth]; }
  Label& label_of(const Ctrl& ctrl) { return labels_[ctrl.label]; }
  std::span<const ValType> params(const Ctrl& ctrl) const;
  std::span<const ValType> results(const Ctrl& ctrl) const;
  std::span<const ValType> label_types(const Ctrl& ctrl) const;

  // calls.cc
  void publish();
  uint32_t call_arguments(const FuncType& type);
  void call_results(const FuncType& type, uint32_t base);
  void call();
  void call_indirect(bool tail);
  void call_ref(bool tail);
  void return_call();
  void call_slot(uint32_t index, uint32_t base, bool tail, uint32_t cells);
  void call_func(uint32_t base, bool tail, uint32_t cells);
  void call_import(uint32_t base);
  void call_wasm_import(uint32_t region, uint32_t base);
  void host_failed(uint32_t region);
  void end_tail_call(uint32_t base, uint32_t cells, const Mem& entry);
  void after_call();
  void load_indirect(const FuncType& type, uint32_t& base);
  void call_builtin(size_t member, std::initializer_list<Argument> arguments);
  void trap_unless_returned();

  // exceptions.cc
  void try_();
  void catch_(bool all);
  void delegate();
  void throw_();
  void raise();

  // bulk.cc
  void memory_op();
  void table_op();
  void wait_or_notify();
  Argument address_argument(uint32_t cell, bool is64) const {
    return {is64 ? Argument::Kind::cell64 : Argument::Kind::cell32, cell};
  }
  bool table64(uint32_t index) const { return module_.table_type(index).is64; }
  void load_table(Reg to, uint32_t index);

  // objects.cc
  void other();
  void allocate();
  uint32_t spill_operands(size_t count);
  void object_address();
  void place_object(Stub::Kind kind, uint32_t out, uint32_t length = kNone);
  void place_object_slowly(const Stub& stub);
  void br_on_cast(bool fail);
  void is_instance(uint32_t cell, ValType type);
  void object_get(bool array);
  void object_set(bool array);
  Mem element(Reg object, Reg index, uint32_t size);
  void write_fields(std::span<const uint32_t> offsets, std::span<const ValType> storages,
                    uint32_t cell);
  uint32_t concrete_id(ValType type) const;
  uint32_t storage_size(ValType storage) const;
  const vm::StructLayout& layout(uint32_t type);

  const wasm::Module& module_;
  const wasm::TypeSet& types_;
  const uint32_t func_index_;
  const FuncType& type_;
  const wasm::Func& func_;
  const Options& options_;
  const uint32_t imported_funcs_;

  MacroAssembler code_;
  std::vector<Entry> stack_;
  std::vector<Local> locals_;
  std::vector<Ctrl> ctrls_;
  std::vector<Label> labels_;
  std::vector<Fixup> fixups_;
  std::vector<Region> regions_;
  std::vector<Stub> stubs_;
  std::vector<uint32_t> frame_fixups_;   ///< sizes of the frame
  std::vector<uint32_t> return_fixups_;  ///< jumps to the exit with the status in the result
  std::vector<uint32_t> trap_fixups_;    ///< jumps to the call of native_trap
  struct PoolUse {
    uint32_t at;
    uint64_t low, high;
  };
  std::vector<PoolUse> pool_;
  std::vector<std::pair<uint32_t, uint64_t>> places_;
  std::vector<std::pair<uint32_t, uint32_t>> loop_entries_;
  std::vector<LoopInfo> loops_;
  std::unordered_map<uint32_t, vm::StructLayout> layouts_;  ///< by type index
  uint32_t reg_local_[kRegCount] = {};
  RegSet temporaries_ = MacroAssembler::kTemporaries;
  RegSet pinned_ = 0;      ///< registers that are locals'
  RegSet stack_regs_ = 0;  ///< temporaries of entries
  RegSet held_ = 0;        ///< temporaries of the current instruction
  RegSet valid_ = 0, dirty_ = 0;
  uint32_t canonical_ = 0;  ///< entries below are in their cells
  uint32_t first_cell_ = 0, param_cells_ = 0;
  uint32_t max_cells_ = 0;
  uint32_t region_ = kNone;
  uint32_t loop_ordinal_ = 0;
  uint32_t fuel_at_ = kNone, fuel_count_ = 0;
  bool failed_ = false;  ///< an instruction ran out of registers
  bool saves_ = false;   ///< the frame keeps instance and fp for after calls
  wasm::InstrReader reader_;
  Instr in_;
};

/// Emits one operator with a typed row; its row in the table of emitters.
struct Emitter {
  void (*emit)(Compiler& compiler, const Emitter& row) = nullptr;
  uint32_t a = 0, b = 0, c = 0;  ///< what the function of the row makes of them
};
/// By wasm::Op; no function: the helper computes it.
Emitter emitter(Op op);

}  // namespace sedge::baseline

#endif

#endif  // SEDGE_BASELINE_COMMON_COMPILER_H_
