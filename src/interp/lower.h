// Lowering of one validated function body to register code, in one pass over its instructions.
//
// A virtual operand stack tracks where each operand is: a constant, a local that was not copied
// yet, or its own cell (the cell that its position on the stack gives it). A result first stays in
// the accumulator of its class; when something else needs that accumulator, or the cell, the
// handler of the instruction that made it is exchanged for the variant that also writes the cell. A
// local.set right behind an instruction redirects its result to the local. Comparisons are taken
// back and fused with the branch that follows, additions with the access that follows. At labels
// everything is in its own cell.
#ifndef SEDGE_INTERP_LOWER_H_
#define SEDGE_INTERP_LOWER_H_

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "interp/code.h"
#include "interp/handlers.h"
#include "wasm/op.h"
#include "wasm/visit.h"

namespace sedge::interp {

using wasm::Instr;
using wasm::Op;

inline constexpr uint32_t kNone = UINT32_MAX;

/// Class of a value: which accumulator it goes through. Vectors have none.
enum class Cls : uint8_t { i, f, d, v };

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
inline Cls class_of_letter(char letter) {
  switch (letter) {
    case 'f':
      return Cls::f;
    case 'F':
      return Cls::d;
    case 'v':
      return Cls::v;
    default:
      return Cls::i;
  }
}
inline uint32_t cells_of(Cls cls) { return cls == Cls::v ? 2 : 1; }

// Packing of operands into words.
inline Word pack(uint32_t a, uint32_t b = 0, uint32_t c = 0, uint32_t d = 0) {
  return uint64_t{a & 0xffff} | uint64_t{b & 0xffff} << 16 | uint64_t{c & 0xffff} << 32 |
         uint64_t{d & 0xffff} << 48;
}
inline Word pack_wide(uint32_t a, uint32_t b, uint32_t high) {
  return uint64_t{a & 0xffff} | uint64_t{b & 0xffff} << 16 | uint64_t{high} << 32;
}
inline Word pack2(uint32_t low, uint32_t high) { return uint64_t{low} | uint64_t{high} << 32; }

class Lowering : wasm::InstrVisitor<Lowering> {
  friend class wasm::InstrVisitor<Lowering>;

 public:
  Lowering(ModuleCode::Impl& code, uint32_t func_index);
  Result<std::unique_ptr<FuncCode>> run();

 private:
  struct Entry {
    enum class Kind : uint8_t { slot, local, constant };
    Kind kind = Kind::slot;
    Cls cls = Cls::i;
    bool linked = false;        ///< in the list of its local
    uint32_t cell = 0;          ///< its own
    uint32_t local = 0;         ///< kind local
    uint32_t previous = kNone;  ///< next older entry in that list
    uint64_t bits = 0;          ///< kind constant
  };
  struct Local {
    uint32_t cell = 0;
    Cls cls = Cls::i;
    uint32_t newest = kNone;  ///< head of the list of entries that stand for it
  };
  /// What an accumulator is known to hold.
  struct Acc {
    bool valid = false;
    bool pending = false;  ///< the cell was not written: `pos` has to become `to_slot` for that
    uint32_t cell = 0;
    uint32_t pos = 0;
    Handler to_slot = nullptr;
  };
  /// An operand as an instruction takes it.
  struct Operand {
    enum class Kind : uint8_t { acc, slot, constant };
    Kind kind = Kind::slot;
    uint32_t cell = 0;
    uint64_t bits = 0;
  };
  /// The last scalar instruction with one or two operands, for fusing.
  struct Scalar {
    uint32_t pos = kNone, end = 0;
    Op op{};
    bool binary = false;
    Form form{};
    bool from_acc = false;  ///< unary
    uint32_t a = 0, b = 0;
    uint64_t constant = 0;
    Acc before;  ///< accumulator of the result before it
  };
  /// A condition as a branch takes it: value of `op`, or i32.eqz/i64.eqz of an operand.
  struct Condition {
    Op op{};
    bool compare = false;
    Form form{};
    uint32_t a = 0, b = 0;
    uint64_t constant = 0;
    bool from_acc = false;
    bool sense = true;  ///< the branch is taken when op gives non-zero
  };
  struct Ctrl {
    Op op = Op::block;
    wasm::BlockType type;
    uint32_t height = 0;      ///< entries below the parameters
    uint32_t base = 0;        ///< first cell above them
    uint32_t fixups = kNone;  ///< places that want the label's position
    uint32_t else_fixups = kNone;
    uint32_t start = 0;       ///< loop: the label
    uint32_t region = kNone;  ///< active region of a try block
    uint32_t outer_region = kNone;
    uint32_t legacy_region = kNone;  ///< of a legacy try whose clauses have begun
    uint32_t stub = kNone;           ///< br_table: where values are moved for this label
    uint32_t stub_of = kNone;        ///< … for the br_table at this word
  };
  struct Fixup {
    uint32_t field;   ///< 32-bit unit of code, or clause number of region `origin`
    uint32_t origin;  ///< word that the distance counts from
    uint32_t next;
    bool clause;
  };

  // lower.cc: instructions
  void unreachable();
  void skipped_block(Op op) { loop_count_ += op == Op::loop; }
  void constant(ValType type, uint64_t bits);
  void constant128();
  void other();
  void scalar(const wasm::OpInfo& info);
  void unary();
  void binary();
  void general(const wasm::OpInfo& info);
  void get_local(uint32_t index);
  void set_local(uint32_t index, bool tee);
  void select();
  void get_global();
  void set_global();
  void emit_heat(uint32_t loop);
  std::unique_ptr<FuncCode> finish();

  // lower_stack.cc: code, operand stack, accumulators
  uint32_t emit(Handler handler, std::initializer_list<Word> operands = {});
  void barrier() { last_ = kNone; }
  void rewind(const Scalar& scalar);
  bool can_rewind(const Scalar& scalar, const Entry& result) const;
  void reserve(uint32_t cells);
  Entry& top(size_t depth = 0) { return stack_[stack_.size() - 1 - depth]; }
  uint32_t next_cell() const;
  void push(Entry entry);
  uint32_t push_slot(Cls cls);
  void push_constant(Cls cls, uint64_t bits);
  Entry pop();
  void truncate(uint32_t height);
  Operand locate(const Entry& entry) const;
  uint32_t slot_of(Entry& entry);
  uint32_t pop_slot();
  void materialize(size_t index);
  void materialize_top(size_t count);
  void flush();
  void flush_local(uint32_t index);
  void overwrite(uint32_t cell, Cls cls);
  void settle(Cls cls);
  void settle_all();
  void forget_accumulators();
  Acc& acc(Cls cls) { return acc_[static_cast<size_t>(cls)]; }
  const Acc& acc(Cls cls) const { return acc_[static_cast<size_t>(cls)]; }
  void result_in_acc(Cls cls, uint32_t pos, uint32_t cell, Handler to_slot);
  void result_in_both(Cls cls, uint32_t cell);
  void result_in_slot(uint32_t pos, Cls cls);
  void move_entry(const Entry& entry, uint32_t cell);
  void note_offset(uint32_t pos);

  // lower_control.cc
  void block(Op op);
  void loop();
  void if_();
  void else_();
  void end();
  void finish_block(bool reachable);
  void try_();
  void catch_(bool all);
  void delegate();
  void br(uint32_t depth);
  void br_if();
  void br_table();
  void br_on_null(bool non_null);
  void br_on_cast(bool fail);
  void return_();
  void call();
  void call_indirect(bool tail);
  void call_ref(bool tail);
  void return_call();
  void call_results(const FuncType& type, uint32_t base);
  uint32_t call_arguments(const FuncType& type);
  void throw_();
  template <typename Emit>
  void conditional_branch(uint32_t depth, Emit emit_branch);
  Condition take_condition();
  uint32_t emit_condition(const Condition& condition, bool sense);
  void branch_values(const Ctrl& target, bool keep);
  void place_values(const Ctrl& target, std::span<const ValType> types, bool keep);
  bool values_in_place(const Ctrl& target, size_t count);
  void emit_return();
  void jump_to(Ctrl& target);
  void target(Ctrl& ctrl, uint32_t origin, uint32_t field);
  void set_distance(uint32_t origin, uint32_t field, uint32_t to);
  void bind(uint32_t& fixups);
  uint32_t open_region();
  Ctrl& ctrl(uint32_t depth) { return ctrls_[ctrls_.size() - 1 - depth]; }
  std::span<const ValType> params(const Ctrl& ctrl) const;
  std::span<const ValType> results(const Ctrl& ctrl) const;
  std::span<const ValType> label_types(const Ctrl& ctrl) const;
  void push_types(std::span<const ValType> types);
  void end_run();

  // lower_memory.cc
  void load(const wasm::OpInfo& info);
  void store(const wasm::OpInfo& info);
  void any_access(const wasm::OpInfo& info, Handler handler);
  void wait_or_notify();
  void memory_op();
  void table_op();
  bool address_sum(const Entry& entry, Addr& address, uint32_t& a, Word& second);
  bool memory64(uint32_t index) const { return module_.memory_type(index).is64; }
  bool table64(uint32_t index) const { return module_.table_type(index).is64; }

  // lower_gc.cc
  void gc_op();
  void cast(Handler handler, bool test);
  void object_get(bool array);
  void object_set(bool array);
  uint32_t concrete_id(ValType type) const;
  Cls field_class(ValType storage) const;
  uint32_t storage_size(ValType storage) const;

  ModuleCode::Impl& code_of_module_;
  const wasm::Module& module_;
  const uint32_t func_index_;
  const FuncType& type_;
  const wasm::Func& func_;

  std::unique_ptr<FuncCode> out_;
  std::vector<Word> code_;
  std::vector<Entry> stack_;
  std::vector<Local> locals_;
  std::vector<Ctrl> ctrls_;
  std::vector<Fixup> fixups_;
  std::vector<std::pair<uint32_t, uint64_t>> offsets_;
  Acc acc_[3];
  Scalar scalar_, scalar_before_;
  uint32_t last_ = kNone;       ///< start of the last instruction, unless something starts after it
  uint32_t value_pos_ = kNone;  ///< last instruction that wrote only a cell…
  uint32_t value_cell_ = 0;     ///< … this one, named in its first operand
  uint32_t canonical_ = 0;      ///< entries below are in their own cells
  uint32_t first_cell_ = 0;     ///< first cell of the operand stack
  uint32_t max_cells_ = 0;
  uint32_t region_ = kNone;  ///< innermost active region
  uint32_t fuel_pos_ = kNone;
  uint32_t fuel_count_ = 0;
  uint32_t loop_count_ = 0;  ///< `loop` operators so far
  bool notes_ = false;       ///< the current instruction can trap or call
  Instr in_;
};

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_LOWER_H_
