// Lowering: code buffer, virtual operand stack and accumulators.
#include <algorithm>

#include "interp/lower.h"

namespace sedge::interp {

uint32_t Lowering::emit(Handler handler, std::initializer_list<Word> operands) {
  auto pos = static_cast<uint32_t>(code_.size());
  code_.push_back(reinterpret_cast<Word>(handler));
  code_.insert(code_.end(), operands);
  if (notes_) note_offset(pos);
  last_ = pos;
  return pos;
}

void Lowering::note_offset(uint32_t pos) {
  if (!offsets_.empty() && offsets_.back().second == in_.offset) return;
  offsets_.emplace_back(pos, in_.offset);
}

/// Takes back the instruction of `scalar`, the last one.
void Lowering::rewind(const Scalar& scalar) {
  code_.resize(scalar.pos);
  while (!offsets_.empty() && offsets_.back().first >= scalar.pos) offsets_.pop_back();
  last_ = kNone;
  scalar_.pos = kNone;
}

/// Whether `scalar` is the last instruction and nothing but `result` depends on it.
bool Lowering::can_rewind(const Scalar& scalar, const Entry& result) const {
  if (scalar.pos == kNone || scalar.pos != last_ || result.kind != Entry::Kind::slot ||
      result.cls != Cls::i) {
    return false;
  }
  const Acc& holder = acc(Cls::i);
  return holder.valid && holder.pending && holder.pos == scalar.pos && holder.cell == result.cell;
}

void Lowering::reserve(uint32_t cells) { max_cells_ = std::max(max_cells_, cells); }

uint32_t Lowering::next_cell() const {
  return stack_.empty() ? first_cell_ : stack_.back().cell + cells_of(stack_.back().cls);
}

void Lowering::push(Entry entry) {
  entry.cell = next_cell();
  reserve(entry.cell + cells_of(entry.cls));
  if (entry.kind == Entry::Kind::local) {
    Local& local = locals_[entry.local];
    entry.linked = true;
    entry.previous = std::exchange(local.newest, static_cast<uint32_t>(stack_.size()));
  }
  stack_.push_back(entry);
}

uint32_t Lowering::push_slot(Cls cls) {
  Entry entry;
  entry.cls = cls;
  push(entry);
  return stack_.back().cell;
}

void Lowering::push_constant(Cls cls, uint64_t bits) {
  Entry entry;
  entry.kind = Entry::Kind::constant;
  entry.cls = cls;
  entry.bits = bits;
  push(entry);
}

/// Removes the top. What its accumulator holds stays readable until the next result.
Lowering::Entry Lowering::pop() {
  Entry entry = stack_.back();
  stack_.pop_back();
  if (entry.linked) locals_[entry.local].newest = entry.previous;
  if (entry.kind == Entry::Kind::slot && entry.cls != Cls::v) {
    Acc& holder = acc(entry.cls);
    if (holder.valid && holder.pending && holder.cell == entry.cell) holder.valid = false;
  }
  canonical_ = std::min(canonical_, static_cast<uint32_t>(stack_.size()));
  return entry;
}

void Lowering::truncate(uint32_t height) {
  while (stack_.size() > height) pop();
}

Lowering::Operand Lowering::locate(const Entry& entry) const {
  if (entry.kind == Entry::Kind::constant) return {Operand::Kind::constant, 0, entry.bits};
  uint32_t cell = entry.kind == Entry::Kind::local ? locals_[entry.local].cell : entry.cell;
  if (entry.cls != Cls::v && acc(entry.cls).valid && acc(entry.cls).cell == cell) {
    return {Operand::Kind::acc, cell, 0};
  }
  return {Operand::Kind::slot, cell, 0};
}

/// A cell that holds the value of `entry`.
uint32_t Lowering::slot_of(Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::local:
      return locals_[entry.local].cell;
    case Entry::Kind::constant:
      move_entry(entry, entry.cell);
      entry.kind = Entry::Kind::slot;
      return entry.cell;
    case Entry::Kind::slot:
      break;
  }
  if (entry.cls != Cls::v && acc(entry.cls).valid && acc(entry.cls).cell == entry.cell) {
    settle(entry.cls);
  }
  return entry.cell;
}

uint32_t Lowering::pop_slot() {
  uint32_t cell = slot_of(top());
  pop();
  return cell;
}

/// Copies the value of `entry` to `cell`.
void Lowering::move_entry(const Entry& entry, uint32_t cell) {
  if (entry.kind == Entry::Kind::constant) {
    overwrite(cell, entry.cls);
    if (entry.bits >> 32 == 0) {
      emit(handler::const32, {pack_wide(cell, 0, static_cast<uint32_t>(entry.bits))});
    } else {
      emit(handler::const64, {pack(cell), entry.bits});
    }
    return;
  }
  Operand from = locate(entry);
  if (from.kind == Operand::Kind::acc) {
    static const Handler kStores[] = {handler::store_acc_i, handler::store_acc_f,
                                      handler::store_acc_d};
    emit(kStores[static_cast<size_t>(entry.cls)], {pack(cell)});
  } else {
    emit(entry.cls == Cls::v ? handler::move_v128 : handler::move, {pack(cell, from.cell)});
  }
  overwrite(cell, entry.cls);
}

/// Brings an entry to its own cell.
void Lowering::materialize(size_t index) {
  Entry& entry = stack_[index];
  if (entry.kind == Entry::Kind::slot) {
    slot_of(entry);
  } else {
    move_entry(entry, entry.cell);
    entry.kind = Entry::Kind::slot;
  }
}

void Lowering::materialize_top(size_t count) {
  size_t index = stack_.size() - count;
  while (index < stack_.size()) {
    // Runs of locals go together.
    size_t run = 0;
    while (run < 4 && index + run < stack_.size() &&
           stack_[index + run].kind == Entry::Kind::local && stack_[index + run].cls != Cls::v) {
      run++;
    }
    if (run < 2) {
      materialize(index++);
      continue;
    }
    uint32_t from[4] = {};
    for (size_t i = 0; i < run; i++) from[i] = locals_[stack_[index + i].local].cell;
    const uint32_t dst = stack_[index].cell;
    if (run == 2) {
      emit(handler::move2, {pack(dst, from[0], from[1])});
    } else if (run == 3) {
      emit(handler::move3, {pack(dst, from[0], from[1], from[2])});
    } else {
      emit(handler::move4, {pack(dst, from[0], from[1], from[2]), pack(from[3])});
    }
    for (size_t i = 0; i < run; i++) {
      Entry& entry = stack_[index + i];
      overwrite(entry.cell, entry.cls);
      entry.kind = Entry::Kind::slot;
    }
    index += run;
  }
}

/// Brings every entry to its own cell.
void Lowering::flush() {
  if (canonical_ < stack_.size()) materialize_top(stack_.size() - canonical_);
  canonical_ = static_cast<uint32_t>(stack_.size());
}

/// Before local `index` is written: entries that stand for it get their copies.
void Lowering::flush_local(uint32_t index) {
  uint32_t at = std::exchange(locals_[index].newest, kNone);
  while (at != kNone) {
    Entry& entry = stack_[at];
    if (entry.kind == Entry::Kind::local && entry.local == index) {
      move_entry(entry, entry.cell);
      entry.kind = Entry::Kind::slot;
    }
    entry.linked = false;
    at = entry.previous;
  }
}

/// `cell` gets a new value other than through an accumulator.
void Lowering::overwrite(uint32_t cell, Cls cls) {
  for (Acc& holder : acc_) {
    if (holder.cell == cell || (cls == Cls::v && holder.cell == cell + 1)) holder.valid = false;
  }
}

/// Makes the instruction whose result waits in this accumulator write its cell too.
void Lowering::settle(Cls cls) {
  Acc& holder = acc(cls);
  if (holder.valid && holder.pending) {
    code_[holder.pos] = reinterpret_cast<Word>(holder.to_slot);
    holder.pending = false;
  }
}
void Lowering::settle_all() {
  for (Cls cls : {Cls::i, Cls::f, Cls::d}) settle(cls);
}
void Lowering::forget_accumulators() {
  settle_all();
  for (Acc& holder : acc_) holder.valid = false;
}

/// The instruction at `pos` left its result in the accumulator; `to_slot` would write `cell` as
/// well. Its accumulator must have been settled before it was emitted.
void Lowering::result_in_acc(Cls cls, uint32_t pos, uint32_t cell, Handler to_slot) {
  overwrite(cell, cls);
  acc(cls) = {true, true, cell, pos, to_slot};
}
void Lowering::result_in_both(Cls cls, uint32_t cell) {
  overwrite(cell, cls);
  acc(cls) = {true, false, cell, 0, nullptr};
}
/// Pushes the result of the instruction at `pos`, whose first operand names the cell it wrote: the
/// next free one.
void Lowering::result_in_slot(uint32_t pos, Cls cls) {
  uint32_t cell = push_slot(cls);
  overwrite(cell, cls);
  value_pos_ = pos;
  value_cell_ = cell;
}

}  // namespace sedge::interp
