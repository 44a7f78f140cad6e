// Lowering: the walk over the instructions; locals, constants, scalar and vector operators.
#include "interp/lower.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/varint.h"

namespace sedge::interp {

namespace {

/// Operators that cost no fuel.
bool is_free(Op op) {
  switch (op) {
    case Op::nop:
    case Op::block:
    case Op::loop:
    case Op::end:
    case Op::else_:
    case Op::drop:
      return true;
    default:
      return false;
  }
}

}  // namespace

Lowering::Lowering(ModuleCode::Impl& code, uint32_t func_index)
    : code_of_module_(code),
      module_(code.module),
      func_index_(func_index),
      type_(module_.func_type(func_index)),
      func_(module_.funcs[func_index - code.imported_funcs]),
      out_(std::make_unique<FuncCode>()) {}

Result<std::unique_ptr<FuncCode>> Lowering::run() {
  auto add_local = [this](ValType type) {
    locals_.push_back({first_cell_, class_of(type), kNone});
    first_cell_ += type.cells();
  };
  for (ValType type : type_.params) add_local(type);
  out_->param_cells = first_cell_;
  for (const wasm::LocalRun& run : func_.locals) {
    for (uint32_t i = 0; i < run.count; i++) add_local(run.type);
    if (first_cell_ > UINT16_MAX) return fail(ErrorCode::limit_exceeded, ": frame of a function");
  }
  out_->zero_cells = first_cell_ - out_->param_cells;
  reserve(first_cell_);
  reserve(out_->param_cells + kMinimumLocals);

  Ctrl body;
  body.base = first_cell_;
  ctrls_.push_back(body);
  emit_heat(UINT32_MAX);
  if (code_of_module_.options.interruptible) {
    in_.offset = func_.body.offset;
    notes_ = true;
    emit(handler::poll);
  }
  code_.reserve(func_.body.bytes.size());
  wasm::InstrReader reader(func_.body.bytes, func_.body.offset);
  while (!reader.at_end()) {
    SEDGE_TRY(reader.next(in_));
    if (unreachable_ != 0) {
      skip(in_);
    } else {
      const wasm::OpInfo& info = wasm::op_info(in_.op);
      notes_ = (info.flags & wasm::kTraps) != 0 || info.prefix == 0xfb;
      if (code_of_module_.options.fuel && !is_free(in_.op)) {
        if (fuel_pos_ == kNone) {
          fuel_pos_ = emit(handler::fuel, {0});
          note_offset(fuel_pos_);
          barrier();
        }
        fuel_count_++;
      }
      visit(in_);
    }
    if (max_cells_ > UINT16_MAX) return fail(ErrorCode::limit_exceeded, ": frame of a function");
  }
  return finish();
}

/// Counts down at the function's entry or at the header of a loop.
void Lowering::emit_heat(uint32_t loop) {
  if (code_of_module_.options.heat == 0) return;
  vm::NativeSlot& slot = code_of_module_.native_slots[func_index_ - code_of_module_.imported_funcs];
  emit(handler::heat, {pack2(0, loop), reinterpret_cast<Word>(&slot)});
  barrier();
}

/// Ends a straight-line run: its units are known.
void Lowering::end_run() {
  if (fuel_pos_ != kNone) code_[fuel_pos_ + 1] = fuel_count_;
  fuel_pos_ = kNone;
  fuel_count_ = 0;
}

std::unique_ptr<FuncCode> Lowering::finish() {
  uint32_t result_cells = 0;
  for (ValType type : type_.results) result_cells += type.cells();
  reserve(result_cells);
  out_->result_cells = result_cells;
  out_->frame_cells = max_cells_;
  out_->has_memory = module_.memory_count() > 0;
  out_->func_index = func_index_;
  out_->word_count = static_cast<uint32_t>(code_.size());
  out_->words = std::make_unique_for_overwrite<Word[]>(code_.size());
  std::copy(code_.begin(), code_.end(), out_->words.get());
  out_->entry.store(out_->words.get(), std::memory_order_relaxed);
  uint64_t word = 0, offset = 0;
  for (auto [pos, at] : offsets_) {
    write_varint(out_->offsets, pos - word);
    write_varint(out_->offsets, at - offset);
    word = pos;
    offset = at;
  }
  out_->offsets.shrink_to_fit();
  return std::move(out_);
}

void Lowering::unreachable() {
  emit(handler::unreachable);
  end_run();
  set_unreachable();
}

void Lowering::constant(ValType type, uint64_t bits) { push_constant(class_of(type), bits); }

void Lowering::constant128() {
  Word halves[2];
  std::memcpy(halves, in_.v128.data(), sizeof(halves));
  uint32_t pos = emit(handler::const128, {pack(next_cell()), halves[0], halves[1]});
  result_in_slot(pos, Cls::v);
}

void Lowering::other() {
  if (in_.op == Op::atomic_fence) {
    emit(handler::atomic_fence);
    return;
  }
  const wasm::OpInfo& info = wasm::op_info(in_.op);
  if (info.imm == wasm::Imm::mem_arg || info.imm == wasm::Imm::mem_arg_lane) {
    if (info.flags & wasm::kAtomic) return any_access(info, atomic_handler(in_.op));
    return info.signature.ends_with(':') ? store(info) : load(info);
  }
  if (info.signature == "*") return gc_op();
  scalar(info);
}

void Lowering::scalar(const wasm::OpInfo& info) {
  if (unary_handler(in_.op, false, false) != nullptr) return unary();
  if (binary_handler(in_.op, Form::ss, false) != nullptr) return binary();
  general(info);
}

void Lowering::unary() {
  const wasm::OpInfo& info = wasm::op_info(in_.op);
  const Cls result = class_of_letter(info.signature.back());
  Operand a = locate(top());
  if (a.kind == Operand::Kind::constant) a = {Operand::Kind::slot, slot_of(top()), 0};
  const uint32_t dst = top().cell;
  pop();
  settle(result);
  const bool from_acc = a.kind == Operand::Kind::acc;
  Scalar next;
  next.op = in_.op;
  next.from_acc = from_acc;
  next.a = a.cell;
  next.before = acc(result);
  next.pos = emit(unary_handler(in_.op, from_acc, false), {pack(dst, a.cell)});
  next.end = static_cast<uint32_t>(code_.size());
  scalar_before_ = scalar_;
  scalar_ = next;
  push_slot(result);
  result_in_acc(result, next.pos, dst, unary_handler(in_.op, from_acc, true));
}

void Lowering::binary() {
  const wasm::OpInfo& info = wasm::op_info(in_.op);
  const Cls result = class_of_letter(info.signature.back());
  Operand b = locate(top()), a = locate(top(1));
  if (a.kind == Operand::Kind::constant && b.kind == Operand::Kind::constant) {
    a = {Operand::Kind::slot, slot_of(top(1)), 0};
  }
  // Both in the accumulator: the same local twice.
  if (a.kind == Operand::Kind::acc && b.kind == Operand::Kind::acc) b.kind = Operand::Kind::slot;
  const uint32_t dst = top(1).cell;
  pop();
  pop();
  settle(result);
  Form form = Form::ss;
  uint64_t constant = 0;
  using Kind = Operand::Kind;
  if (a.kind == Kind::constant) {
    form = b.kind == Kind::acc ? Form::ka : Form::ks;
    constant = a.bits;
  } else if (b.kind == Kind::constant) {
    form = a.kind == Kind::acc ? Form::ak : Form::sk;
    constant = b.bits;
  } else if (a.kind == Kind::acc) {
    form = Form::as;
  } else if (b.kind == Kind::acc) {
    form = Form::sa;
  }
  Scalar next;
  next.op = in_.op;
  next.binary = true;
  next.form = form;
  next.a = a.kind == Kind::constant ? b.cell : a.cell;
  next.b = b.cell;
  next.constant = constant;
  next.before = acc(result);
  Handler in_acc = binary_handler(in_.op, form, false);
  Handler in_slot = binary_handler(in_.op, form, true);
  if (form == Form::as || form == Form::sa || form == Form::ss) {
    next.pos = emit(in_acc, {pack(dst, next.a, next.b)});
  } else if ((info.signature[0] | 0x20) == info.signature[0]) {  // i32 or f32
    next.pos = emit(in_acc, {pack_wide(dst, next.a, static_cast<uint32_t>(constant))});
  } else {
    next.pos = emit(in_acc, {pack(dst, next.a), constant});
  }
  next.end = static_cast<uint32_t>(code_.size());
  scalar_before_ = scalar_;
  scalar_ = next;
  push_slot(result);
  result_in_acc(result, next.pos, dst, in_slot);
}

/// Vectors, lanes, two results.
void Lowering::general(const wasm::OpInfo& info) {
  const size_t operands = info.signature.find(':');
  uint32_t cells[4] = {};
  for (size_t i = 0; i < operands; i++) cells[i] = slot_of(top(operands - 1 - i));
  for (size_t i = 0; i < operands; i++) pop();
  Handler handler = general_handler(in_.op);
  Word first = pack(next_cell(), cells[0], cells[1], cells[2]);
  uint32_t pos;
  if (info.imm == wasm::Imm::shuffle) {
    Word halves[2];
    std::memcpy(halves, in_.v128.data(), sizeof(halves));
    pos = emit(handler, {first, halves[0], halves[1]});
  } else {
    pos = emit(handler, {first, info.imm == wasm::Imm::lane ? in_.lane : Word{cells[3]}});
  }
  std::string_view results = info.signature.substr(operands + 1);
  if (results.size() == 1) return result_in_slot(pos, class_of_letter(results[0]));
  for (char letter : results) {
    Cls cls = class_of_letter(letter);
    overwrite(push_slot(cls), cls);
  }
}

void Lowering::get_local(uint32_t index) {
  Entry entry;
  entry.kind = Entry::Kind::local;
  entry.cls = locals_[index].cls;
  entry.local = index;
  push(entry);
}

void Lowering::set_local(uint32_t index, bool tee) {
  Local& local = locals_[index];
  const uint32_t cell = local.cell;
  const Cls cls = local.cls;
  if (top().kind == Entry::Kind::local && top().local == index) {
    if (!tee) pop();
    return;
  }
  // The accumulator's state outlives the entry: pop would drop it.
  const Acc held = cls == Cls::v ? Acc{} : acc(cls);
  const Entry entry = pop();
  const bool in_acc = entry.kind == Entry::Kind::slot && held.valid && held.cell == entry.cell;
  if (local.newest != kNone) flush_local(index);
  if (in_acc && held.pending && held.pos == last_) {
    code_[held.pos] = reinterpret_cast<Word>(held.to_slot);
    code_[held.pos + 1] = (code_[held.pos + 1] & ~Word{0xffff}) | cell;
    result_in_both(cls, cell);
  } else if (entry.kind == Entry::Kind::slot && value_pos_ == last_ && last_ != kNone &&
             value_cell_ == entry.cell) {
    code_[value_pos_ + 1] = (code_[value_pos_ + 1] & ~Word{0xffff}) | cell;
    overwrite(cell, cls);
    if (in_acc) result_in_both(cls, cell);
    value_pos_ = kNone;
  } else {
    if (in_acc) acc(cls) = held;
    move_entry(entry, cell);
    if (in_acc) result_in_both(cls, cell);
  }
  if (tee) get_local(index);
}

void Lowering::select() {
  const Cls cls = top(1).cls;
  // With i32.eqz as its condition the other operand is selected.
  bool swapped = false, from_acc = false;
  uint32_t condition = 0;
  if (cls != Cls::v && !scalar_.binary && scalar_.op == Op::i32_eqz && can_rewind(scalar_, top())) {
    Scalar last = scalar_;
    pop();
    rewind(last);
    acc(Cls::i) = last.before;
    swapped = true;
    from_acc = last.from_acc;
    condition = last.a;
  } else {
    from_acc = cls != Cls::v && locate(top()).kind == Operand::Kind::acc;
    if (!from_acc) condition = slot_of(top());
    pop();
  }
  if (cls == Cls::v) {
    const uint32_t b = pop_slot(), a = pop_slot();
    return result_in_slot(emit(handler::select_v128, {pack(next_cell(), a, b, condition)}), cls);
  }
  // Operands that wait in an accumulator have to be in their cells; constants are in the code.
  auto take = [this](Operand& operand) {
    operand = locate(top());
    if (operand.kind == Operand::Kind::acc) operand.cell = slot_of(top());
    pop();
  };
  Operand a, b;
  take(b);
  take(a);
  if (swapped) std::swap(a, b);
  settle(Cls::i);
  const bool constant_a = a.kind == Operand::Kind::constant,
             constant_b = b.kind == Operand::Kind::constant;
  Handler handler = select_handler(from_acc, constant_a, constant_b);
  const Word first = pack(next_cell(), a.cell, b.cell, condition);
  uint32_t pos;
  if (constant_a && constant_b) {
    pos = emit(handler, {first, a.bits, b.bits});
  } else if (constant_a || constant_b) {
    pos = emit(handler, {first, constant_a ? a.bits : b.bits});
  } else {
    pos = emit(handler, {first});
  }
  result_in_slot(pos, cls);
  if (cls == Cls::i) {
    result_in_both(cls, value_cell_);
  } else {
    acc(Cls::i).valid = false;  // the handler leaves bits of the result there
  }
}

void Lowering::get_global() {
  const Cls cls = class_of(module_.global_type(in_.index).value);
  const Word operands = pack2(next_cell(), in_.index);
  if (cls == Cls::i) {
    settle(cls);
    uint32_t pos = emit(handler::global_get_acc_i, {operands});
    uint32_t cell = push_slot(cls);
    result_in_acc(cls, pos, cell, handler::global_get_i);
  } else {
    uint32_t pos = emit(cls == Cls::v ? handler::global_get_v128 : handler::global_get, {operands});
    result_in_slot(pos, cls);
  }
}

void Lowering::set_global() {
  const Cls cls = top().cls;
  if (cls == Cls::i && locate(top()).kind == Operand::Kind::acc) {
    pop();
    emit(handler::global_set_acc_i, {pack2(0, in_.index)});
    return;
  }
  uint32_t cell = pop_slot();
  emit(cls == Cls::v ? handler::global_set_v128 : handler::global_set, {pack2(cell, in_.index)});
}

Result<std::unique_ptr<FuncCode>> lower(ModuleCode::Impl& module, uint32_t func_index) {
  return Lowering(module, func_index).run();
}

}  // namespace sedge::interp
