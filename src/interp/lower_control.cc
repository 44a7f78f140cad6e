// Lowering: blocks, branches, calls, exceptions.
#include <algorithm>

#include "interp/lower.h"

namespace sedge::interp {

namespace {

uint32_t total_cells(std::span<const ValType> types) {
  uint32_t cells = 0;
  for (ValType type : types) cells += type.cells();
  return cells;
}

}  // namespace

std::span<const ValType> Lowering::params(const Ctrl& ctrl) const {
  if (ctrl.type.kind != wasm::BlockType::Kind::index) return {};
  return module_.types[ctrl.type.index].func.params;
}

std::span<const ValType> Lowering::results(const Ctrl& ctrl) const {
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

std::span<const ValType> Lowering::label_types(const Ctrl& ctrl) const {
  return ctrl.op == Op::loop ? params(ctrl) : results(ctrl);
}

void Lowering::push_types(std::span<const ValType> types) {
  for (ValType type : types) push_slot(class_of(type));
}

// Labels: forward references form lists that `bind` resolves.

void Lowering::set_distance(uint32_t origin, uint32_t field, uint32_t to) {
  auto distance = static_cast<int32_t>((static_cast<int64_t>(to) - origin) * int64_t{sizeof(Word)});
  Word& word = code_[field / 2];
  const unsigned shift = field % 2 * 32;
  word = (word & ~(Word{UINT32_MAX} << shift)) | Word{static_cast<uint32_t>(distance)} << shift;
}

/// The 32 bits at `field` of the instruction at `origin` are to lead to the label of `ctrl`.
void Lowering::target(Ctrl& ctrl, uint32_t origin, uint32_t field) {
  reserve(ctrl.base + total_cells(label_types(ctrl)));
  if (ctrl.op == Op::loop) return set_distance(origin, field, ctrl.start);
  fixups_.push_back({field, origin, ctrl.fixups, false});
  ctrl.fixups = static_cast<uint32_t>(fixups_.size() - 1);
}

/// Field of the distance in branches: @4.
static uint32_t distance_field(uint32_t pos) { return (pos + 1) * 2 + 1; }

/// The label of a list is here.
void Lowering::bind(uint32_t& fixups) {
  forget_accumulators();
  const auto here = static_cast<uint32_t>(code_.size());
  for (uint32_t at = std::exchange(fixups, kNone); at != kNone; at = fixups_[at].next) {
    const Fixup& fixup = fixups_[at];
    if (fixup.clause) {
      out_->regions[fixup.origin].clauses[fixup.field].target = here;
    } else {
      set_distance(fixup.origin, fixup.field, here);
    }
  }
  barrier();
}

void Lowering::jump_to(Ctrl& to) {
  uint32_t pos = emit(handler::jump, {0});
  target(to, pos, distance_field(pos));
}

// Blocks

void Lowering::block(Op op) {
  flush();
  Ctrl next;
  next.op = op;
  next.type = in_.block_type;
  auto parameters = params(next);
  next.height = static_cast<uint32_t>(stack_.size() - parameters.size());
  next.base = parameters.empty() ? next_cell() : stack_[next.height].cell;
  next.outer_region = region_;
  ctrls_.push_back(next);
}

void Lowering::loop() {
  block(Op::loop);
  forget_accumulators();
  end_run();
  barrier();
  ctrls_.back().start = static_cast<uint32_t>(code_.size());
  emit_heat(loop_count_++);
  if (code_of_module_.options.interruptible) {
    notes_ = true;
    emit(handler::poll);
    barrier();
  }
}

void Lowering::if_() {
  Condition condition = take_condition();
  block(Op::if_);
  uint32_t pos = emit_condition(condition, false);
  fixups_.push_back({distance_field(pos), pos, kNone, false});
  ctrls_.back().else_fixups = static_cast<uint32_t>(fixups_.size() - 1);
  end_run();
}

void Lowering::else_() {
  Ctrl& block = ctrls_.back();
  if (unreachable_ == 0) {
    branch_values(block, false);
    jump_to(block);
  }
  end_run();
  truncate(block.height);
  bind(block.else_fixups);
  push_types(params(block));
  canonical_ = static_cast<uint32_t>(stack_.size());
  block.op = Op::else_;
  unreachable_ = 0;
}

void Lowering::end() {
  Ctrl& block = ctrls_.back();
  bool reachable = unreachable_ == 0;
  if (block.region != kNone) {  // a try block without clauses, or try_table
    out_->regions[block.region].end = static_cast<uint32_t>(code_.size());
    block.region = kNone;
    region_ = block.outer_region;
    barrier();
  }
  if (ctrls_.size() == 1) {
    if (reachable && block.fixups == kNone) {
      emit_return();
    } else {
      if (reachable) branch_values(block, false);
      if (reachable || block.fixups != kNone) {
        truncate(0);
        bind(block.fixups);
        push_types(results(block));
        emit_return();
      }
    }
    end_run();
    unreachable_ = 1;
    return;
  }
  if (reachable) place_values(block, results(block), false);
  finish_block(reachable);
}

/// Closes the innermost block, whose results are in place if `reachable`.
void Lowering::finish_block(bool reachable) {
  Ctrl block = ctrls_.back();
  // Without else the parameters are the results.
  const bool falls = block.op == Op::if_;
  // A legacy clause leaves its results below what it kept.
  const bool labelled = block.fixups != kNone || falls || block.op == Op::catch_;
  auto types = results(ctrls_.back());
  if (!reachable && block.fixups == kNone && !falls) {
    truncate(block.height);
    ctrls_.pop_back();
    end_run();
    unreachable_ = 1;
    return;
  }
  if (labelled) {
    // What waits in an accumulator is in its cell: branch_values saw to that.
    truncate(block.height);
    bind(block.fixups);
    if (falls) bind(block.else_fixups);
    push_types(types);
    canonical_ = static_cast<uint32_t>(stack_.size());
  }
  ctrls_.pop_back();
  end_run();
  unreachable_ = 0;
}

// Branches

/// Whether the top `count` entries lie from the base of `to` on.
bool Lowering::values_in_place(const Ctrl& to, size_t count) {
  return count == 0 || stack_[stack_.size() - count].cell == to.base;
}

/// Puts the top entries into the cells of the label of `to`. With `keep` the code may not be
/// reached although what follows is: the state of the entries stays as it is, and those that are
/// not in place were materialised before.
void Lowering::branch_values(const Ctrl& to, bool keep) { place_values(to, label_types(to), keep); }

/// The same for any values of the block: at its end they are its results, which for a loop are not
/// what its label takes.
void Lowering::place_values(const Ctrl& to, std::span<const ValType> types, bool keep) {
  if (types.empty()) return;
  reserve(to.base + total_cells(types));
  if (values_in_place(to, types.size())) {
    if (!keep) materialize_top(types.size());
    return;
  }
  if (types.size() == 1) {
    const Acc saved[3] = {acc_[0], acc_[1], acc_[2]};
    move_entry(top(), to.base);
    if (keep) std::copy(saved, saved + 3, acc_);
    return;
  }
  if (!keep) materialize_top(types.size());
  const uint32_t from = stack_[stack_.size() - types.size()].cell;
  emit(handler::move_cells, {pack_wide(to.base, from, total_cells(types))});
  if (!keep) forget_accumulators();
}

void Lowering::br(uint32_t depth) {
  if (depth == ctrls_.size() - 1) return return_();
  branch_values(ctrl(depth), false);
  jump_to(ctrl(depth));
  end_run();
  set_unreachable();
}

/// Takes the i32 on top as a condition, together with the comparison that made it if that was the
/// last instruction.
Lowering::Condition Lowering::take_condition() {
  Condition condition;
  if (can_rewind(scalar_, top())) {
    Scalar last = scalar_;
    const bool eqz = !last.binary && (last.op == Op::i32_eqz || last.op == Op::i64_eqz);
    if (last.binary && compare_branch_handler(last.op, last.form, true) != nullptr) {
      pop();
      rewind(last);
      acc(Cls::i) = last.before;
      condition.compare = true;
      condition.op = last.op;
      condition.form = last.form;
      condition.a = last.a;
      condition.b = last.b;
      condition.constant = last.constant;
      return condition;
    }
    if (eqz) {
      pop();
      rewind(last);
      acc(Cls::i) = last.before;
      const Scalar& inner = scalar_before_;
      if (last.op == Op::i32_eqz && last.from_acc && inner.pos != kNone && inner.binary &&
          inner.end == last.pos && compare_branch_handler(inner.op, inner.form, true) != nullptr &&
          code_[inner.pos] == reinterpret_cast<Word>(binary_handler(inner.op, inner.form, false))) {
        condition.compare = true;
        condition.sense = false;
        condition.op = inner.op;
        condition.form = inner.form;
        condition.a = inner.a;
        condition.b = inner.b;
        condition.constant = inner.constant;
        Acc before = inner.before;
        rewind(inner);
        scalar_before_.pos = kNone;
        acc(Cls::i) = before;
        return condition;
      }
      condition.op = last.op;
      condition.from_acc = last.from_acc;
      condition.a = last.a;
      return condition;
    }
  }
  condition.op = Op::i32_eqz;
  condition.sense = false;
  Operand operand = locate(top());
  if (operand.kind == Operand::Kind::acc) {
    condition.from_acc = true;
  } else {
    condition.a = slot_of(top());
  }
  pop();
  return condition;
}

/// Branch taken when the condition is non-zero, or zero for !sense; gives its position. The
/// distance is still open.
uint32_t Lowering::emit_condition(const Condition& condition, bool sense) {
  const bool taken_if = condition.sense == sense;
  if (!condition.compare) {
    return emit(test_branch_handler(condition.op, condition.from_acc, taken_if),
                {pack(condition.a)});
  }
  Handler handler = compare_branch_handler(condition.op, condition.form, taken_if);
  switch (condition.form) {
    case Form::as:
    case Form::sa:
    case Form::ss:
      return emit(handler, {pack(condition.a, condition.b)});
    default:
      return emit(handler, {pack(condition.a), condition.constant});
  }
}

/// A branch to the label at `depth` under a condition. `emit_branch(taken)` emits the branch that
/// is taken when the condition holds, or when it does not, and gives its position.
template <typename Emit>
void Lowering::conditional_branch(uint32_t depth, Emit emit_branch) {
  Ctrl& to = ctrl(depth);
  const auto types = label_types(to);
  const bool leaves = depth == ctrls_.size() - 1;
  if (!leaves && values_in_place(to, label_types(to).size())) {
    branch_values(to, false);
    uint32_t pos = emit_branch(true);
    target(to, pos, distance_field(pos));
  } else {
    if (total_cells(types) > 1) materialize_top(types.size());
    uint32_t pos = emit_branch(false);
    barrier();
    if (leaves) {
      const Acc saved[3] = {acc_[0], acc_[1], acc_[2]};
      emit_return();
      std::copy(saved, saved + 3, acc_);
    } else {
      branch_values(to, true);
      jump_to(to);
    }
    set_distance(pos, distance_field(pos), static_cast<uint32_t>(code_.size()));
    barrier();
  }
  end_run();
}

void Lowering::br_if() {
  Condition condition = take_condition();
  conditional_branch(in_.index, [&](bool taken) { return emit_condition(condition, taken); });
}

void Lowering::br_table() {
  const bool from_acc = locate(top()).kind == Operand::Kind::acc;
  const uint32_t index = from_acc ? 0 : slot_of(top());
  pop();
  // All labels take the same number of values.
  const size_t arity = label_types(ctrl(in_.labels.back())).size();
  materialize_top(arity);
  const uint32_t pos = emit(from_acc ? handler::br_table_acc : handler::br_table,
                            {pack_wide(index, 0, static_cast<uint32_t>(in_.labels.size() - 1))});
  code_.resize(code_.size() + (in_.labels.size() + 1) / 2);
  const uint32_t first = (pos + 2) * 2;
  for (size_t i = 0; i < in_.labels.size(); i++) {
    Ctrl& to = ctrl(in_.labels[i]);
    const auto field = static_cast<uint32_t>(first + i);
    const bool leaves = &to == ctrls_.data();
    if (!leaves && values_in_place(to, label_types(to).size())) {
      target(to, pos, field);
      continue;
    }
    if (to.stub_of != pos) {
      to.stub_of = pos;
      to.stub = static_cast<uint32_t>(code_.size());
      barrier();
      if (leaves) {
        forget_accumulators();
        emit_return();
      } else {
        forget_accumulators();
        branch_values(to, true);
        jump_to(to);
      }
    }
    set_distance(pos, field, to.stub);
  }
  barrier();
  end_run();
  set_unreachable();
}

void Lowering::br_on_null(bool non_null) {
  Entry& reference = top();
  const uint32_t cell = slot_of(reference);
  if (non_null) {
    // The label takes the reference with the values below it.
    conditional_branch(in_.index, [&](bool taken) {
      return emit(taken ? handler::br_non_null : handler::br_null, {pack(cell)});
    });
    pop();
  } else {
    Entry kept = pop();
    conditional_branch(in_.index, [&](bool taken) {
      return emit(taken ? handler::br_null : handler::br_non_null, {pack(cell)});
    });
    kept.linked = false;
    push(kept);
  }
}

void Lowering::br_on_cast(bool fail) {
  const uint32_t cell = slot_of(top());
  Handler match = handler::br_on_cast, mismatch = handler::br_on_cast_fail;
  if (fail) std::swap(match, mismatch);
  const uint32_t bits = in_.type2.bits(), id = concrete_id(in_.type2);
  conditional_branch(in_.index, [&](bool taken) {
    return emit(taken ? match : mismatch, {pack(cell), pack2(bits, id)});
  });
}

/// Returns with the top entries as results.
void Lowering::emit_return() {
  const auto& types = type_.results;
  if (types.empty()) {
    emit(handler::return_void);
    return;
  }
  if (types.size() > 1 || types[0].is_vector()) {
    materialize_top(types.size());
    const uint32_t from = stack_[stack_.size() - types.size()].cell;
    emit(handler::return_cells, {pack_wide(from, 0, total_cells(types))});
    return;
  }
  const auto cls = static_cast<size_t>(top().cls);
  Operand operand = locate(top());
  static const Handler kAcc[] = {handler::return_acc_i, handler::return_acc_f,
                                 handler::return_acc_d};
  static const Handler kSlot[] = {handler::return_slot_i, handler::return_slot_f,
                                  handler::return_slot_d};
  if (operand.kind == Operand::Kind::acc) {
    emit(kAcc[cls]);
  } else if (operand.kind == Operand::Kind::constant && top().cls == Cls::i) {
    emit(handler::return_const_i, {0, operand.bits});
  } else if (operand.kind == Operand::Kind::constant) {
    // Not through the entry, which may stay in use where this return is not reached.
    Entry constant = top();
    move_entry(constant, constant.cell);
    emit(kSlot[cls], {pack(constant.cell)});
  } else {
    emit(kSlot[cls], {pack(operand.cell)});
  }
}

void Lowering::return_() {
  emit_return();
  end_run();
  set_unreachable();
}

// Calls

/// Brings the arguments to their cells; gives the first of them.
uint32_t Lowering::call_arguments(const FuncType& type) {
  materialize_top(type.params.size());
  forget_accumulators();
  truncate(static_cast<uint32_t>(stack_.size() - type.params.size()));
  const uint32_t base = next_cell();
  reserve(base + std::max(total_cells(type.params), total_cells(type.results)));
  return base;
}

void Lowering::call_results(const FuncType& type, uint32_t base) {
  push_types(type.results);
  barrier();
  if (type.results.size() == 1 && !type.results[0].is_vector()) {
    result_in_both(class_of(type.results[0]), base);
  }
}

void Lowering::call() {
  const FuncType& type = module_.func_type(in_.index);
  const uint32_t base = call_arguments(type);
  if (in_.index < code_of_module_.imported_funcs) {
    emit(handler::call_import, {pack2(base, in_.index)});
  } else {
    CodeSlot& callee = code_of_module_.slots[in_.index - code_of_module_.imported_funcs];
    emit(handler::call, {pack(base), reinterpret_cast<Word>(&callee)});
  }
  call_results(type, base);
}

void Lowering::return_call() {
  const FuncType& type = module_.func_type(in_.index);
  const uint32_t base = call_arguments(type);
  if (in_.index < code_of_module_.imported_funcs) {
    emit(handler::return_call_import, {pack2(base, in_.index)});
  } else {
    CodeSlot& callee = code_of_module_.slots[in_.index - code_of_module_.imported_funcs];
    emit(handler::return_call, {pack(base), reinterpret_cast<Word>(&callee)});
  }
  end_run();
  set_unreachable();
}

void Lowering::call_indirect(bool tail) {
  const FuncType& type = module_.types[in_.index].func;
  const uint32_t callee = pop_slot();
  const uint32_t base = call_arguments(type);
  const bool wide = table64(in_.index2);
  Handler handler = tail ? (wide ? handler::return_call_indirect64 : handler::return_call_indirect)
                    : wide ? handler::call_indirect64
                           : handler::call_indirect;
  emit(handler, {pack_wide(base, callee, in_.index2),
                 pack2(code_of_module_.types.id(in_.index), in_.index)});
  if (!tail) return call_results(type, base);
  end_run();
  set_unreachable();
}

void Lowering::call_ref(bool tail) {
  const FuncType& type = module_.types[in_.index].func;
  const uint32_t callee = pop_slot();
  const uint32_t base = call_arguments(type);
  emit(tail ? handler::return_call_ref : handler::call_ref, {pack(base, callee)});
  if (!tail) return call_results(type, base);
  end_run();
  set_unreachable();
}

// Exceptions

uint32_t Lowering::open_region() {
  auto index = static_cast<uint32_t>(out_->regions.size());
  barrier();
  HandlerRegion region;
  region.start = region.end = static_cast<uint32_t>(code_.size());
  region.parent = region_;
  out_->regions.push_back(std::move(region));
  // Open regions hold everything up to the end.
  out_->regions.back().end = UINT32_MAX;
  return index;
}

/// try_table, and try of the legacy proposal.
void Lowering::try_() {
  const bool legacy = in_.op == Op::try_;
  // The clauses' labels are those outside of this block.
  block(in_.op);
  const uint32_t index = open_region();
  ctrls_.back().region = index;
  region_ = index;
  if (legacy) return;
  for (const wasm::Catch& c : in_.catches) {
    using Kind = wasm::Catch::Kind;
    Ctrl& to = ctrl(c.label + 1);
    CatchClause clause;
    if (c.kind == Kind::catch_ || c.kind == Kind::catch_ref) clause.tag = c.tag;
    clause.with_ref = c.kind == Kind::catch_ref || c.kind == Kind::catch_all_ref;
    clause.cell = static_cast<uint16_t>(to.base);
    reserve(to.base + total_cells(label_types(to)));
    auto& clauses = out_->regions[index].clauses;
    if (to.op == Op::loop) {
      clause.target = to.start;
    } else {
      fixups_.push_back({static_cast<uint32_t>(clauses.size()), index, to.fixups, true});
      to.fixups = static_cast<uint32_t>(fixups_.size() - 1);
    }
    clauses.push_back(clause);
  }
}

/// catch and catch_all of the legacy proposal. While a clause runs, the exnref lies in the first
/// cell of its block, for rethrow.
void Lowering::catch_(bool all) {
  Ctrl& block = ctrls_.back();
  if (unreachable_ == 0) {
    branch_values(block, false);
    jump_to(block);
  }
  end_run();
  const auto here = static_cast<uint32_t>(code_.size());
  if (block.region != kNone) {
    out_->regions[block.region].end = here;
    block.legacy_region = block.region;
    block.region = kNone;
    region_ = block.outer_region;
  }
  block.op = Op::catch_;
  truncate(block.height);
  forget_accumulators();
  barrier();
  CatchClause clause;
  clause.target = here;
  clause.hidden = static_cast<uint16_t>(push_slot(Cls::i));
  clause.keeps_ref = true;
  clause.cell = static_cast<uint16_t>(next_cell());
  if (!all) {
    clause.tag = in_.index;
    push_types(module_.types[module_.tag_type_index(in_.index)].func.params);
  }
  canonical_ = static_cast<uint32_t>(stack_.size());
  out_->regions[block.legacy_region].clauses.push_back(clause);
  unreachable_ = 0;
}

/// Ends a legacy try block: its exceptions go to the label's block, or what is around it.
void Lowering::delegate() {
  Ctrl& block = ctrls_.back();
  HandlerRegion& region = out_->regions[block.region];
  region.end = static_cast<uint32_t>(code_.size());
  region.parent = HandlerRegion::kNone;
  for (size_t at = ctrls_.size() - 1 - in_.index; at-- > 0;) {
    if (ctrls_[at].region != kNone) {
      region.parent = ctrls_[at].region;
      break;
    }
  }
  block.region = kNone;
  region_ = block.outer_region;
  barrier();
  const bool reachable = unreachable_ == 0;
  if (reachable) branch_values(block, false);
  finish_block(reachable);
}

void Lowering::throw_() {
  if (in_.op == Op::throw_) {
    const FuncType& type = module_.types[module_.tag_type_index(in_.index)].func;
    const uint32_t base = call_arguments(type);
    emit(handler::throw_, {pack2(base, in_.index)});
  } else if (in_.op == Op::rethrow) {
    emit(handler::throw_ref, {pack(ctrl(in_.index).base)});
  } else {
    emit(handler::throw_ref, {pack(pop_slot())});
  }
  end_run();
  set_unreachable();
}

}  // namespace sedge::interp
