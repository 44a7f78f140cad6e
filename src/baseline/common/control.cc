// Blocks, labels, branches, return.
#include <algorithm>
#include <bit>

#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {

uint32_t total_cells(std::span<const ValType> types) {
  uint32_t cells = 0;
  for (ValType type : types) cells += type.cells();
  return cells;
}
Reg result_register(ValType type) {
  return in_vec(class_of(type)) ? MacroAssembler::kResultVec : MacroAssembler::kResult;
}

}  // namespace

std::span<const ValType> Compiler::params(const Ctrl& ctrl) const {
  if (ctrl.type.kind != wasm::BlockType::Kind::index) return {};
  return module_.types[ctrl.type.index].func.params;
}

std::span<const ValType> Compiler::results(const Ctrl& ctrl) const {
  if (&ctrl == ctrls_.data()) return type_.results;
  switch (ctrl.type.kind) {
    case wasm::BlockType::Kind::empty:
      return {};
    case wasm::BlockType::Kind::value:
      return {&ctrl.type.value, 1};
    case wasm::BlockType::Kind::index:
      return module_.types[ctrl.type.index].func.results;
  }
  return {};
}

std::span<const ValType> Compiler::label_types(const Ctrl& ctrl) const {
  return ctrl.op == Op::loop ? params(ctrl) : results(ctrl);
}

// Labels

uint32_t Compiler::new_label() {
  labels_.emplace_back();
  return static_cast<uint32_t>(labels_.size() - 1);
}

void Compiler::patch(const Fixup& fixup, uint32_t to) {
  if (fixup.table == kNone) return code_.patch_distance(fixup.at, to);
  code_.patch32(fixup.at, to - fixup.table);
}

void Compiler::add_fixup(uint32_t label, uint32_t at, uint32_t table) {
  Label& to = labels_[label];
  if (to.pos != kNone) return patch({at, table, kNone}, to.pos);
  fixups_.push_back({at, table, to.fixups});
  to.fixups = static_cast<uint32_t>(fixups_.size() - 1);
}

void Compiler::bind(uint32_t label) {
  Label& here = labels_[label];
  here.pos = code_.pos();
  for (uint32_t at = std::exchange(here.fixups, kNone); at != kNone; at = fixups_[at].next) {
    patch(fixups_[at], here.pos);
  }
  here.has_state = true;  // only caught: nothing is valid
  set_state(here.state);
}

void Compiler::jump_to(uint32_t label) { add_fixup(label, code_.jump_near()); }

void Compiler::branch_to(Cond cond, uint32_t label) {
  uint32_t jumps[2] = {kNone, kNone};
  code_.jump_over_if(cond, jumps);
  for (uint32_t at : jumps) {
    if (at != kNone) add_fixup(label, at);
  }
}

/// Whether `adapt` would emit code.
bool Compiler::adapts(const Label& label) const {
  if (!label.has_state) return false;
  const RegSet loads = label.state.valid & ~valid_;
  const RegSet kept = label.pos == kNone ? label.state.valid : label.state.dirty;
  return (loads | (dirty_ & ~kept)) != 0;
}

/// Makes the state of locals that of a label that code here branches to. Only adds to what holds
/// here, by moves: it may stand between a comparison and its branch. A label that is not bound yet
/// may as well find more cells stale.
void Compiler::adapt(Label& label) {
  if (!label.has_state) {
    label.has_state = true;
    label.state = state();
    return;
  }
  if (label.pos == kNone) label.state.dirty |= dirty_ & label.state.valid;
  write_back(dirty_ & ~label.state.dirty);
  for (RegSet left = label.state.valid & ~valid_; left != 0; left &= left - 1) {
    use_local(local_of(static_cast<Reg>(std::countr_zero(left))));
  }
}

// Blocks

void Compiler::block(Op op) {
  flush();
  Ctrl next;
  next.op = op;
  next.type = in_.block_type;
  const auto parameters = params(next);
  next.height = static_cast<uint32_t>(stack_.size() - parameters.size());
  next.base = parameters.empty() ? next_cell() : stack_[next.height].cell;
  next.outer_region = region_;
  next.label = new_label();
  ctrls_.push_back(next);
}

void Compiler::loop() {
  block(Op::loop);
  end_run();
  const uint32_t ordinal = loop_ordinal_++;
  const LoopInfo& info = loops_[ordinal];
  // Locals of the loop stay in their registers from one round to the next.
  RegSet used = 0, written = 0;
  for (RegSet left = pinned_; left != 0; left &= left - 1) {
    const auto reg = static_cast<Reg>(std::countr_zero(left));
    const LocalSet set = local_bit(reg_local_[reg]);
    if ((info.used & set) != 0) used |= reg_bit(reg);
    if ((info.written & set) != 0) written |= reg_bit(reg);
  }
  for (RegSet left = used & ~valid_; left != 0; left &= left - 1) {
    use_local(local_of(static_cast<Reg>(std::countr_zero(left))));
  }
  if (info.calls) {
    write_back(dirty_ & ~written);
    valid_ &= used;
  }
  dirty_ |= written;
  Label& label = label_of(ctrls_.back());
  label.state = state();
  bind(ctrls_.back().label);
  add_stub(Stub::Kind::loop_entry, kNone, ordinal, ctrls_.back().label);
  if (options_.interruptible) {
    note_place(in_.offset);
    poll(ordinal);
  }
  if (options_.count_heat) count_heat(ordinal);
}

void Compiler::if_() {
  const Cond cond = take_condition();
  block(Op::if_);
  const uint32_t label = new_label();
  ctrls_.back().else_label = label;
  adapt(labels_[label]);
  branch_to(negate(cond), label);
  end_run();
}

void Compiler::else_() {
  Ctrl& block = ctrls_.back();
  if (unreachable_ == 0) {
    place_values(block, results(block));
    adapt(label_of(block));
    jump_to(block.label);
  }
  end_run();
  truncate(block.height);
  bind(block.else_label);
  for (ValType type : params(block)) push_cell(class_of(type));
  canonical_ = static_cast<uint32_t>(stack_.size());
  block.op = Op::else_;
  unreachable_ = 0;
}

void Compiler::end() {
  Ctrl& block = ctrls_.back();
  const bool reachable = unreachable_ == 0;
  if (block.region != kNone) {  // try_table, or a legacy try without clauses
    block.region = kNone;
    region_ = block.outer_region;
  }
  if (ctrls_.size() == 1) {
    if (label_of(block).caught) {
      if (reachable) {
        place_values(block, results(block));
        adapt(label_of(block));
      }
      truncate(0);
      bind(block.label);
      push_label_values(block, results(block));
      emit_return();
    } else if (reachable) {
      emit_return();
    }
    end_run();
    unreachable_ = 1;
    return;
  }
  finish_block(reachable);
}

/// Closes the innermost block.
void Compiler::finish_block(bool reachable) {
  const Ctrl block = ctrls_.back();
  const auto types = results(ctrls_.back());
  Label& label = label_of(block);
  // Without else the parameters are the results.
  const bool falls = block.op == Op::if_;
  const bool targeted = block.op != Op::loop && (label.fixups != kNone || label.caught);
  // A legacy clause leaves its results above what it kept.
  const bool labelled = targeted || falls || block.op == Op::catch_;
  if (!reachable && !targeted && !falls) {
    truncate(block.height);
    ctrls_.pop_back();
    end_run();
    unreachable_ = 1;
    return;
  }
  if (labelled) {
    if (reachable) {
      place_values(block, types);
      if (falls && !label.has_state) {
        label.has_state = true;
        label.state = labels_[block.else_label].state;
      }
      adapt(label);
    }
    truncate(block.height);
    if (falls) {
      const State then = state();
      set_state(labels_[block.else_label].state);
      const bool moves = !types.empty() || adapts(label);
      set_state(then);
      uint32_t over = kNone;
      if (moves && reachable) over = code_.jump_near();
      bind(block.else_label);
      for (ValType type : params(block)) push_cell(class_of(type));
      canonical_ = static_cast<uint32_t>(stack_.size());
      place_values(block, types);
      adapt(labels_[block.label]);
      truncate(block.height);
      if (over != kNone) bind_here(over);
    }
    bind(block.label);
    push_label_values(block, types);
  }
  ctrls_.pop_back();
  end_run();
  unreachable_ = 0;
}

// Values of labels

bool Compiler::in_register(const Ctrl& target, std::span<const ValType> types) const {
  return types.size() == 1 && target.op != Op::loop;
}

/// Whether the top `count` entries lie from the base of `target` on.
bool Compiler::values_in_place(const Ctrl& target, size_t count) const {
  return count == 0 || stack_[stack_.size() - count].cell == target.base;
}

void Compiler::copy_values(uint32_t from, uint32_t to, uint32_t cells) {
  if (from == to) return;
  for (uint32_t i = 0; i < cells; i++) {
    code_.copy(Cls::i, MacroAssembler::cell(to + i), MacroAssembler::cell(from + i));
  }
}

/// Brings the top entries where the label of `target` wants them.
void Compiler::place_values(const Ctrl& target, std::span<const ValType> types) {
  if (types.empty()) return;
  if (in_register(target, types)) return bring(top(), result_register(types[0]));
  const uint32_t cells = total_cells(types);
  reserve(target.base + cells);
  store_top(types.size());
  copy_values(stack_[stack_.size() - types.size()].cell, target.base, cells);
}

/// After a label: its values as the branches left them.
void Compiler::push_label_values(const Ctrl& ctrl, std::span<const ValType> types) {
  canonical_ = static_cast<uint32_t>(stack_.size());
  if (in_register(ctrl, types)) return push(class_of(types[0]), result_register(types[0]));
  for (ValType type : types) push_cell(class_of(type));
  canonical_ = static_cast<uint32_t>(stack_.size());
}

// Branches

void Compiler::br(uint32_t depth) {
  if (depth == ctrls_.size() - 1) return return_();
  Ctrl& to = ctrl(depth);
  place_values(to, label_types(to));
  adapt(label_of(to));
  jump_to(to.label);
  end_run();
  set_unreachable();
}

Cond Compiler::take_condition() {
  if (top().kind == Entry::Kind::flags) return pop().cond;
  const Operand operand = take();
  if (operand.is(Operand::Kind::cell)) {
    code_.alu_memory(Alu::cmp, false, MacroAssembler::cell(operand.cell), 0);
  } else {
    Reg reg = operand.reg;
    if (operand.is(Operand::Kind::constant)) {
      reg = MacroAssembler::kScratch;
      move_to_reg(operand, reg);
    }
    code_.test(false, reg, reg);
  }
  return Cond::ne;
}

void Compiler::br_if() { conditional_branch(in_.index, take_condition()); }

void Compiler::conditional_branch(uint32_t depth, Cond cond) {
  Ctrl& to = ctrl(depth);
  const auto types = label_types(to);
  uint32_t skips[2] = {kNone, kNone};
  if (depth == ctrls_.size() - 1) {
    if (types.size() == 1) {
      operand_of(top());  // what that loads, it loads before the branch
    } else {
      store_top(types.size());
    }
    code_.jump_over_if(negate(cond), skips);
    emit_return();
  } else if (in_register(to, types)) {
    bring(top(), result_register(types[0]));
    adapt(label_of(to));
    branch_to(cond, to.label);
  } else {
    reserve(to.base + total_cells(types));
    store_top(types.size());
    adapt(label_of(to));
    if (values_in_place(to, types.size())) {
      branch_to(cond, to.label);
    } else {
      code_.jump_over_if(negate(cond), skips);
      copy_values(stack_[stack_.size() - types.size()].cell, to.base, total_cells(types));
      jump_to(to.label);
    }
  }
  for (uint32_t skip : skips) {
    if (skip != kNone) bind_here(skip);
  }
  end_run();
}

void Compiler::br_table() {
  Reg index = take_owned();
  // All labels take the same number of values.
  const auto arity = label_types(ctrl(in_.labels.back()));
  const bool single = arity.size() == 1;
  if (single) {
    const Reg result = result_register(arity[0]);
    if (index == result) {
      index = alloc(false);
      code_.move64(index, result);
    }
    bring(top(), result);
  } else {
    store_top(arity.size());
  }
  const Reg table = alloc(false);
  const auto last = static_cast<uint32_t>(in_.labels.size() - 1);
  code_.imm(table, last);
  code_.alu(Alu::cmp, false, index, table);
  code_.move_if(Cond::a, false, index, table);
  const uint32_t table_address = code_.address_of_code(table);
  code_.table_entry(index, table);
  code_.jump_register(index);
  bind_here(table_address);
  const uint32_t start = code_.pos();
  code_.reserve(size_t{last} * 4 + 64);
  for (uint32_t i = 0; i <= last; i++) code_.word32(0);
  const State here = state();
  for (uint32_t i = 0; i <= last; i++) {
    Ctrl& to = ctrl(in_.labels[i]);
    const bool leaves = &to == ctrls_.data();
    const auto types = label_types(to);
    const bool placed = in_register(to, types) || (!single && values_in_place(to, types.size()));
    if (!leaves && placed && !adapts(label_of(to))) {
      adapt(label_of(to));
      add_fixup(to.label, start + i * 4, start);
      continue;
    }
    if (to.stub_of != start) {
      to.stub_of = start;
      to.stub = code_.pos();
      if (leaves) {
        emit_return();
      } else {
        if (!placed) {
          reserve(to.base + total_cells(types));
          if (single) {
            store_operand(operand_of(top()), to.base);
          } else {
            copy_values(stack_[stack_.size() - types.size()].cell, to.base, total_cells(types));
          }
        }
        adapt(label_of(to));
        jump_to(to.label);
        set_state(here);
      }
    }
    code_.patch32(start + i * 4, to.stub - start);
  }
  end_run();
  set_unreachable();
}

void Compiler::br_on_null(bool non_null) {
  store_entry(top());
  code_.alu_memory(Alu::cmp, true, MacroAssembler::cell(top().cell), 0);
  if (non_null) {
    // The label takes the reference with the values below it.
    conditional_branch(in_.index, Cond::ne);
    pop();
  } else {
    pop();
    conditional_branch(in_.index, Cond::e);
    push_cell(Cls::i);
  }
}

/// Returns with the top entries as results.
void Compiler::emit_return() {
  const auto& types = type_.results;
  if (types.size() == 1) {
    const Operand value = operand_of(top());
    if (value.is(Operand::Kind::cell)) reserve(value.cell + types[0].cells());
    store_operand(value, 0);
  } else if (!types.empty()) {
    store_top(types.size());
    copy_values(stack_[stack_.size() - types.size()].cell, 0, total_cells(types));
  }
  code_.return_from(saves_);
}

void Compiler::return_() {
  emit_return();
  end_run();
  set_unreachable();
}

}  // namespace sedge::baseline

#endif
