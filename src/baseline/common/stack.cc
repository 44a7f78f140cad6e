// Operand stack, allocation of registers, locals.
#include <algorithm>
#include <bit>

#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {
constexpr size_t kMaxLoose = 128;  // entries that are not known to be in their cells
}  // namespace

uint32_t Compiler::next_cell() const {
  return stack_.empty() ? first_cell_ : stack_.back().cell + cells_of(stack_.back().cls);
}

void Compiler::push_entry(Entry entry) {
  // What searches the stack stops at entries that are in their cells: keep that short.
  if (stack_.size() - canonical_ >= kMaxLoose) flush();
  entry.cell = next_cell();
  reserve(entry.cell + cells_of(entry.cls));
  if (entry.kind == Entry::Kind::local) locals_[entry.local].references++;
  if (entry.kind == Entry::Kind::reg && owned(entry.reg)) {
    stack_regs_ |= reg_bit(entry.reg);
    held_ &= ~reg_bit(entry.reg);
  }
  stack_.push_back(entry);
}

void Compiler::push(Cls cls, Reg reg) {
  push_entry({.kind = Entry::Kind::reg, .cls = cls, .reg = reg});
}
void Compiler::push_cell(Cls cls) { push_entry({.kind = Entry::Kind::cell, .cls = cls}); }
void Compiler::push_flags(Cond cond) { push_entry({.kind = Entry::Kind::flags, .cond = cond}); }
void Compiler::push_constant(Cls cls, uint64_t bits) {
  push_entry({.kind = Entry::Kind::constant, .cls = cls, .bits = bits});
}

Compiler::Entry Compiler::pop() {
  Entry entry = stack_.back();
  stack_.pop_back();
  if (entry.kind == Entry::Kind::local) locals_[entry.local].references--;
  if (entry.kind == Entry::Kind::reg && owned(entry.reg)) {
    stack_regs_ &= ~reg_bit(entry.reg);
    held_ |= reg_bit(entry.reg);
  }
  canonical_ = std::min(canonical_, static_cast<uint32_t>(stack_.size()));
  return entry;
}

void Compiler::truncate(uint32_t height) {
  while (stack_.size() > height) pop();
}

/// A comparison that nothing fuses with becomes a number.
void Compiler::settle_flags() {
  Entry& entry = top();
  const Reg reg = alloc(false);
  code_.set(entry.cond, reg);
  entry.kind = Entry::Kind::reg;
  entry.reg = reg;
  stack_regs_ |= reg_bit(reg);
  held_ &= ~reg_bit(reg);
}

/// The register of a local that has one, with its value.
Reg Compiler::use_local(Local& local) {
  if ((valid_ & reg_bit(local.reg)) == 0) {
    code_.load(local.cls, local.reg, MacroAssembler::cell(local.cell));
    valid_ |= reg_bit(local.reg);
  }
  return local.reg;
}

Operand Compiler::operand_of(const Entry& entry) {
  Operand operand{.cls = entry.cls};
  switch (entry.kind) {
    case Entry::Kind::reg:
    case Entry::Kind::flags:
      operand.reg = entry.reg;
      break;
    case Entry::Kind::constant:
      operand.kind = Operand::Kind::constant;
      operand.bits = entry.bits;
      break;
    case Entry::Kind::local: {
      Local& local = locals_[entry.local];
      if (local.reg != kNoReg) {
        operand.reg = use_local(local);
        break;
      }
      operand.kind = Operand::Kind::cell;
      operand.cell = local.cell;
      break;
    }
    case Entry::Kind::cell:
      operand.kind = Operand::Kind::cell;
      operand.cell = entry.cell;
      break;
  }
  return operand;
}

Operand Compiler::take() { return operand_of(pop()); }

Reg Compiler::take_reg() {
  const Operand operand = take();
  if (operand.is(Operand::Kind::reg)) return operand.reg;
  const Reg reg = alloc(in_vec(operand.cls));
  move_to_reg(operand, reg);
  return reg;
}

Reg Compiler::take_owned() {
  const Operand operand = take();
  if (operand.is(Operand::Kind::reg) && owned(operand.reg)) return operand.reg;
  const Reg reg = alloc(in_vec(operand.cls));
  move_to_reg(operand, reg);
  return reg;
}

bool Compiler::top_is_immediate(bool wide) const {
  const Entry& entry = stack_.back();
  return entry.kind == Entry::Kind::constant && entry.cls == Cls::i &&
         (!wide || static_cast<int64_t>(entry.bits) == static_cast<int32_t>(entry.bits));
}

Reg Compiler::alloc(bool vec) {
  const RegSet bank = temporaries_ & (vec ? kVectorRegs : kGeneralRegs);
  RegSet free = bank & ~stack_regs_ & ~held_;
  if (free == 0) {
    // The deepest operand is needed last.
    for (size_t i = canonical_; i < stack_.size(); i++) {
      Entry& entry = stack_[i];
      if (entry.kind != Entry::Kind::reg || (reg_bit(entry.reg) & bank) == 0) continue;
      free = reg_bit(entry.reg);
      store_entry(entry);
      break;
    }
  }
  if (free == 0) {
    // No instruction needs that many; should one, its function stays with the interpreter.
    failed_ = true;
    free = bank;
  }
  const auto reg = static_cast<Reg>(std::countr_zero(free));
  held_ |= reg_bit(reg);
  return reg;
}

void Compiler::claim(Reg reg) {
  held_ |= reg_bit(reg);
  if ((stack_regs_ & reg_bit(reg)) == 0) return;
  for (size_t i = canonical_; i < stack_.size(); i++) {
    Entry& entry = stack_[i];
    if (entry.kind != Entry::Kind::reg || entry.reg != reg) continue;
    const RegSet bank = temporaries_ & (is_vec(reg) ? kVectorRegs : kGeneralRegs);
    const RegSet free = bank & ~stack_regs_ & ~held_;
    if (free == 0) {
      store_entry(entry);
      held_ |= reg_bit(reg);
      return;
    }
    const auto other = static_cast<Reg>(std::countr_zero(free));
    code_.move(entry.cls, other, reg);
    entry.reg = other;
    stack_regs_ = (stack_regs_ & ~reg_bit(reg)) | reg_bit(other);
    return;
  }
}

uint32_t Compiler::next_set_local() const {
  const uint8_t* at = reader_.reader().data();
  const size_t size = reader_.reader().remaining();
  if (size < 3 || (at[0] != 0x21 && at[0] != 0x22)) return kNone;  // local.set, local.tee
  if (at[1] < 0x80) return at[1];
  return at[2] < 0x80 ? (at[1] & 0x7fu) | uint32_t{at[2]} << 7 : kNone;
}

bool Compiler::result_is_tested(bool wide) const {
  const Reader& reader = reader_.reader();
  if (reader.at_end()) return false;
  const wasm::OneByteOp row = wasm::kOneByteOps[*reader.data()];
  const auto next = static_cast<Op>(row.op);
  if (row.op == wasm::kNoOp) return false;
  if (wide) return next == Op::i64_eqz;
  return next == Op::br_if || next == Op::if_ || next == Op::i32_eqz || next == Op::select;
}

Reg Compiler::target() const {
  const uint32_t index = next_set_local();
  return index == kNone ? kNoReg : locals_[index].reg;
}

Reg Compiler::dest(Cls cls, RegSet avoid, Reg prefer) {
  const uint32_t index = next_set_local();
  if (index != kNone) {
    Local& local = locals_[index];
    if (local.reg != kNoReg && in_vec(local.cls) == in_vec(cls) &&
        (avoid & reg_bit(local.reg)) == 0) {
      if (local.references != 0) save_references(index);
      return local.reg;
    }
  }
  if (prefer != kNoReg && owned(prefer) && is_vec(prefer) == in_vec(cls) &&
      (avoid & reg_bit(prefer)) == 0) {
    return prefer;
  }
  return alloc(in_vec(cls));
}

void Compiler::move_to_reg(const Operand& operand, Reg reg) {
  switch (operand.kind) {
    case Operand::Kind::reg:
      return code_.move(operand.cls, reg, operand.reg);
    case Operand::Kind::cell:
      return code_.load(operand.cls, reg, MacroAssembler::cell(operand.cell));
    case Operand::Kind::constant:
      return code_.constant(operand.cls, reg, operand.bits);
  }
}

void Compiler::store_operand(const Operand& operand, uint32_t cell) {
  const Mem place = MacroAssembler::cell(cell);
  switch (operand.kind) {
    case Operand::Kind::reg:
      return code_.store(operand.cls, place, operand.reg);
    case Operand::Kind::cell:
      if (operand.cell != cell) {
        code_.copy(operand.cls, place, MacroAssembler::cell(operand.cell));
      }
      return;
    case Operand::Kind::constant:
      return code_.store_constant(place, operand.bits);
  }
}

/// Brings an entry to its own cell.
void Compiler::store_entry(Entry& entry) {
  if (entry.kind == Entry::Kind::cell) return;
  store_operand(operand_of(entry), entry.cell);
  if (entry.kind == Entry::Kind::local) locals_[entry.local].references--;
  if (entry.kind == Entry::Kind::reg && owned(entry.reg)) stack_regs_ &= ~reg_bit(entry.reg);
  entry.kind = Entry::Kind::cell;
}

void Compiler::store_top(size_t count) {
  for (size_t i = stack_.size() - count; i < stack_.size(); i++) store_entry(stack_[i]);
}

/// Brings every entry to its own cell.
void Compiler::flush() {
  for (size_t i = canonical_; i < stack_.size(); i++) store_entry(stack_[i]);
  canonical_ = static_cast<uint32_t>(stack_.size());
}

/// Before local `index` is written: entries that stand for it get copies. Uses no scratch register
/// where the local has one of its own.
void Compiler::save_references(uint32_t index) {
  Local& local = locals_[index];
  for (size_t i = stack_.size(); i-- > canonical_ && local.references > 0;) {
    Entry& entry = stack_[i];
    if (entry.kind != Entry::Kind::local || entry.local != index) continue;
    const RegSet bank = temporaries_ & (in_vec(local.cls) ? kVectorRegs : kGeneralRegs);
    const RegSet free = bank & ~stack_regs_ & ~held_;
    if (local.reg != kNoReg) use_local(local);
    if (local.reg == kNoReg || std::popcount(free) < 3) {
      store_entry(entry);
      continue;
    }
    const auto copy = static_cast<Reg>(std::countr_zero(free));
    code_.move(local.cls, copy, local.reg);
    local.references--;
    entry.kind = Entry::Kind::reg;
    entry.reg = copy;
    stack_regs_ |= reg_bit(copy);
  }
}

void Compiler::get_local(uint32_t index) {
  push_entry({.kind = Entry::Kind::local, .cls = locals_[index].cls, .local = index});
}

void Compiler::set_local(uint32_t index, bool tee) {
  Local& local = locals_[index];
  if (top().kind == Entry::Kind::local && top().local == index) {
    if (!tee) pop();
    return;
  }
  const Operand value = take();
  if (local.reg != kNoReg) {
    if (!value.is(Operand::Kind::reg) || value.reg != local.reg) {
      if (local.references != 0) save_references(index);
      move_to_reg(value, local.reg);
    }
    valid_ |= reg_bit(local.reg);
    dirty_ |= reg_bit(local.reg);
    if (tee) get_local(index);
    return;
  }
  if (local.references != 0) save_references(index);
  store_operand(value, local.cell);
  if (!tee) return;
  if (value.is(Operand::Kind::reg) && owned(value.reg)) {
    push(value.cls, value.reg);
  } else if (value.is(Operand::Kind::constant)) {
    push_constant(value.cls, value.bits);
  } else {
    get_local(index);
  }
}

/// Brings an entry to a certain temporary register. Leaves flags alone.
void Compiler::bring(Entry& entry, Reg reg) {
  if (entry.kind == Entry::Kind::reg && entry.reg == reg) return;
  claim(reg);
  const Operand operand = operand_of(entry);
  move_to_reg(operand, reg);
  if (entry.kind == Entry::Kind::local) locals_[entry.local].references--;
  if (entry.kind == Entry::Kind::reg && owned(entry.reg)) stack_regs_ &= ~reg_bit(entry.reg);
  entry.kind = Entry::Kind::reg;
  entry.reg = reg;
  stack_regs_ |= reg_bit(reg);
  canonical_ = std::min(canonical_, static_cast<uint32_t>(&entry - stack_.data()));
}

/// Cells of these locals become as their registers are.
void Compiler::write_back(RegSet regs) {
  for (RegSet left = regs; left != 0; left &= left - 1) {
    const auto reg = static_cast<Reg>(std::countr_zero(left));
    const Local& local = local_of(reg);
    code_.store(local.cls, MacroAssembler::cell(local.cell), reg);
  }
  dirty_ &= ~regs;
}

uint32_t Compiler::spill_for_call(size_t count) {
  flush();
  write_back(dirty_);
  truncate(static_cast<uint32_t>(stack_.size() - count));
  forget_locals();
  return next_cell();
}

}  // namespace sedge::baseline

#endif
