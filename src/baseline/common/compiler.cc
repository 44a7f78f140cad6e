// The walk over a body: entry, instructions that need no emitter of the architecture, end.
#include "baseline/common/compiler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {

/// Operators that cost no fuel (interp/lower.cc counts the same ones).
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

/// Operators that take flags as they are.
bool takes_flags(Op op) {
  switch (op) {
    case Op::br_if:
    case Op::if_:
    case Op::select:
    case Op::select_t:
    case Op::i32_eqz:
    case Op::i64_eqz:
    case Op::drop:
    case Op::nop:
      return true;
    default:
      return false;
  }
}

/// Whether a helper computes the operator (wasm::eval::OpRow::pure).
bool is_pure(const wasm::OpInfo& info) {
  using wasm::Imm;
  return info.signature != "*" &&
         (info.imm == Imm::none || info.imm == Imm::lane || info.imm == Imm::shuffle);
}

const std::array<wasm::OpInfo, wasm::kOpCount>& op_infos() {
  static const auto infos = [] {
    std::array<wasm::OpInfo, wasm::kOpCount> all;
    for (size_t i = 0; i < all.size(); i++) all[i] = wasm::op_info(static_cast<Op>(i));
    return all;
  }();
  return infos;
}

}  // namespace

Compiler::Compiler(const wasm::Module& module, const wasm::TypeSet& types, uint32_t func_index,
                   const Options& options)
    : module_(module),
      types_(types),
      func_index_(func_index),
      type_(module.func_type(func_index)),
      func_(module.funcs[func_index - module.imported_funcs.size()]),
      options_(options),
      imported_funcs_(static_cast<uint32_t>(module.imported_funcs.size())),
      reader_(func_.body.bytes, func_.body.offset) {}

Result<FunctionCode> Compiler::run() {
  auto add_local = [this](ValType type) {
    locals_.push_back({.cell = first_cell_, .cls = class_of(type)});
    first_cell_ += type.cells();
  };
  for (ValType type : type_.params) add_local(type);
  param_cells_ = first_cell_;
  for (const wasm::LocalRun& run : func_.locals) {
    for (uint32_t i = 0; i < run.count; i++) add_local(run.type);
    if (first_cell_ > UINT16_MAX) return fail(ErrorCode::limit_exceeded, ": frame of a function");
  }
  reserve(first_cell_);
  SEDGE_TRY_ASSIGN(Prescan scan, prescan(func_, static_cast<uint32_t>(locals_.size())));
  assign_registers(scan);
  loops_ = std::move(scan.loops);
  saves_ = scan.calls;

  // Usual code has 4 to 10 bytes for one of the body.
  constexpr size_t kGrowth = 256, kFree = size_t{1} << 20, kMaxCode = size_t{1} << 30;
  code_.set_limit(std::min(kMaxCode, kFree + kGrowth * func_.body.bytes.size()));

  Ctrl body;
  body.base = first_cell_;
  body.label = new_label();
  ctrls_.push_back(body);
  const auto& infos = op_infos();
  prologue();
  while (!reader_.at_end()) {
    SEDGE_TRY(reader_.next(in_));
    held_ = 0;
    if (unreachable_ != 0) {
      skip(in_);
    } else {
      const wasm::OpInfo& info = infos[static_cast<size_t>(in_.op)];
      if (!stack_.empty() && top().kind == Entry::Kind::flags && !takes_flags(in_.op)) {
        settle_flags();
        held_ = 0;
      }
      if ((info.flags & wasm::kTraps) != 0 || info.prefix == 0xfb) note_place(in_.offset);
      if (options_.fuel && !is_free(in_.op)) fuel();
      if (const Emitter row = emitter(in_.op); row.emit != nullptr) {
        row.emit(*this, row);
      } else if (is_pure(info)) {
        help(info);
      } else {
        visit(in_);
      }
    }
    if (max_cells_ > UINT16_MAX) return fail(ErrorCode::limit_exceeded, ": frame of a function");
    if (code_.overflowed() || failed_)
      return fail(ErrorCode::limit_exceeded, ": code of a function");
  }
  auto out = finish();
  if (code_.overflowed()) return fail(ErrorCode::limit_exceeded, ": code of a function");
  return out;
}

/// Gives registers to the locals that are used most.
void Compiler::assign_registers(const Prescan& scan) {
  std::vector<uint32_t> order(locals_.size());
  for (uint32_t i = 0; i < order.size(); i++) order[i] = i;
  constexpr size_t kGeneral = std::size(MacroAssembler::kForLocals);
  constexpr size_t kVector = std::size(MacroAssembler::kForVecLocals);
  if (order.size() > kGeneral) {
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return scan.weights[a] != scan.weights[b] ? scan.weights[a] > scan.weights[b] : a < b;
    });
  }
  size_t general = 0, vector = 0;
  for (uint32_t index : order) {
    if (scan.weights[index] == 0) continue;
    Local& local = locals_[index];
    if (in_vec(local.cls)) {
      if (vector == kVector) continue;
      local.reg = MacroAssembler::kForVecLocals[vector++];
    } else {
      if (general == kGeneral) continue;
      local.reg = MacroAssembler::kForLocals[general++];
    }
    pinned_ |= reg_bit(local.reg);
    reg_local_[local.reg] = index;
  }
  // What is left over serves operands.
  while (general < kGeneral) temporaries_ |= reg_bit(MacroAssembler::kForLocals[general++]);
  while (vector < kVector) temporaries_ |= reg_bit(MacroAssembler::kForVecLocals[vector++]);
}

void Compiler::note_place(uint64_t offset) {
  if (!places_.empty() && places_.back().second == offset) return;
  places_.emplace_back(code_.pos(), offset);
}

void Compiler::prologue() {
  in_.offset = func_.body.offset;
  places_.emplace_back(0, in_.offset);
  enter_frame();
  if (options_.interruptible) poll(kNone);
  if (options_.count_heat) count_heat(kNone);
  clear_locals();
}

/// What every entry does first: the frame, and whether there is room for it.
void Compiler::enter_frame() {
  code_.enter();
  if (saves_) code_.save_pinned();
  frame_fixups_.push_back(code_.frame_end(MacroAssembler::kScratch));
  code_.alu(Alu::cmp, true, MacroAssembler::kScratch,
            MacroAssembler::context(offsetof(vm::Context, stack_end)));
  trap_if(Cond::a, TrapCode::call_stack_exhausted);
  code_.compare_stack(MacroAssembler::context(offsetof(vm::Context, native_limit)));
  trap_if(Cond::b, TrapCode::call_stack_exhausted);
}

void Compiler::clear_locals() {
  std::vector<uint32_t> cells;
  for (size_t i = type_.params.size(); i < locals_.size(); i++) {
    const Local& local = locals_[i];
    if (local.reg == kNoReg) {
      cells.push_back(local.cell);
      if (local.cls == Cls::v) cells.push_back(local.cell + 1);
      continue;
    }
    code_.constant(local.cls, local.reg, 0);
    valid_ |= reg_bit(local.reg);
    dirty_ |= reg_bit(local.reg);
  }
  constexpr size_t kFew = 32;
  if (cells.size() <= kFew) {
    if (cells.size() > 1) code_.constant(Cls::v, MacroAssembler::kScratchVec, 0);
    for (size_t i = 0; i < cells.size(); i++) {
      if (i + 1 < cells.size() && cells[i + 1] == cells[i] + 1) {
        code_.store(Cls::v, MacroAssembler::cell(cells[i]), MacroAssembler::kScratchVec);
        i++;
      } else {
        code_.store_constant(MacroAssembler::cell(cells[i]), 0);
      }
    }
    return;
  }
  code_.clear_cells(cells.front(), cells.back() + 1 - cells.front());
}

void Compiler::fuel() {
  if (fuel_at_ == kNone) {
    note_place(in_.offset);
    fuel_at_ = code_.charge(MacroAssembler::context(offsetof(vm::Context, fuel)));
    trap_if(Cond::s, TrapCode::out_of_fuel);
  }
  fuel_count_++;
}

/// Ends a straight-line run: its units are known.
void Compiler::end_run() {
  if (fuel_at_ != kNone) code_.patch_charge(fuel_at_, fuel_count_);
  fuel_at_ = kNone;
  fuel_count_ = 0;
}

void Compiler::unreachable() {
  trap_always(TrapCode::unreachable);
  end_run();
  set_unreachable();
}

void Compiler::constant(ValType type, uint64_t bits) { push_constant(class_of(type), bits); }

void Compiler::constant128() {
  uint64_t halves[2];
  std::memcpy(halves, in_.v128.data(), sizeof(halves));
  const Reg to = dest(Cls::v);
  vector_constant(to, halves[0], halves[1]);
  push(Cls::v, to);
}

void Compiler::select() {
  const Cls cls = top(1).cls;
  Cond cond = take_condition();
  if (MacroAssembler::is_paired(cond) && cls == Cls::i) {
    const Reg flag = alloc(false);
    code_.set(cond, flag);
    code_.test(false, flag, flag);
    cond = Cond::ne;
  }
  // Only moves from here on: the flags are live.
  const Operand second = take();
  const Operand first = take();
  const RegSet avoid = second.is(Operand::Kind::reg) ? reg_bit(second.reg) : 0;
  const Reg prefer = first.is(Operand::Kind::reg) ? first.reg : kNoReg;
  const Reg to = dest(cls, avoid, prefer);
  move_to_reg(first, to);
  if (cls == Cls::i) {
    Reg other = second.reg;
    if (!second.is(Operand::Kind::reg)) {
      other = MacroAssembler::kScratch;
      move_to_reg(second, other);
    }
    code_.move_if(negate(cond), true, to, other);
  } else {
    uint32_t skips[2] = {kNone, kNone};
    code_.jump_over_if(cond, skips);
    move_to_reg(second, to);
    for (uint32_t skip : skips) {
      if (skip != kNone) bind_here(skip);
    }
  }
  push(cls, to);
}

void Compiler::get_global() {
  const Cls cls = class_of(module_.global_type(in_.index).value);
  const Reg to = dest(cls);
  code_.load64(MacroAssembler::kScratch, MacroAssembler::instance(offsetof(vm::Instance, globals)));
  code_.load64(MacroAssembler::kScratch, mem(MacroAssembler::kScratch, int64_t{in_.index} * 8));
  code_.load(cls, to, mem(MacroAssembler::kScratch, offsetof(vm::Global, value)));
  push(cls, to);
}

void Compiler::set_global() {
  const Reg value = take_reg();
  const Cls cls = class_of(module_.global_type(in_.index).value);
  code_.load64(MacroAssembler::kScratch, MacroAssembler::instance(offsetof(vm::Instance, globals)));
  code_.load64(MacroAssembler::kScratch, mem(MacroAssembler::kScratch, int64_t{in_.index} * 8));
  code_.store(cls, mem(MacroAssembler::kScratch, offsetof(vm::Global, value)), value);
}

void Compiler::help(const wasm::OpInfo& info) {
  const size_t operands = info.signature.find(':');
  note_place(in_.offset);
  const uint32_t base = spill_for_call(operands);
  code_.address(MacroAssembler::kArguments[1], MacroAssembler::cell(base));
  if (info.imm == wasm::Imm::shuffle) {
    uint64_t halves[2];
    std::memcpy(halves, in_.v128.data(), sizeof(halves));
    pool_.push_back({code_.address_of_code(MacroAssembler::kArguments[2]), halves[0], halves[1]});
  } else {
    code_.imm(MacroAssembler::kArguments[2], info.imm == wasm::Imm::lane ? in_.lane : 0);
  }
  code_.move64(MacroAssembler::kArguments[0], MacroAssembler::kContext);
  code_.load64(MacroAssembler::kScratch,
               MacroAssembler::context(offsetof(vm::Context, op_helpers)));
  code_.call(mem(MacroAssembler::kScratch, static_cast<int64_t>(in_.op) * 8));
  if ((info.flags & wasm::kTraps) != 0) trap_unless_returned();
  for (char letter : info.signature.substr(operands + 1)) {
    push_cell(letter == 'v' ? Cls::v : letter == 'f' ? Cls::f : letter == 'F' ? Cls::d : Cls::i);
  }
}

void Compiler::vector_constant(Reg to, uint64_t low, uint64_t high) {
  if (low == 0 && high == 0) return code_.constant(Cls::v, to, 0);
  pool_.push_back({code_.load_from_code(to), low, high});
}

Result<FunctionCode> Compiler::finish() {
  // Stubs may add stubs.
  for (size_t i = 0; i < stubs_.size(); i++) emit_stub(Stub(stubs_[i]));
  // Inner regions lead to those around them.
  for (size_t i = regions_.size(); i-- > 0;) emit_landing(regions_[i]);
  emit_exits();
  emit_pool();
  uint32_t result_cells = 0;
  for (ValType type : type_.results) result_cells += type.cells();
  reserve(result_cells);
  for (uint32_t at : frame_fixups_) code_.patch_frame(at, max_cells_ * 8);
  for (const Label& label : labels_) {
    for (uint32_t at = label.fixups; at != kNone; at = fixups_[at].next) {
      patch(fixups_[at], label.pos);
    }
  }
  FunctionCode out;
  out.bytes = code_.take();
  out.loops = std::move(loop_entries_);
  out.places = std::move(places_);
  out.frame_cells = max_cells_;
  return out;
}

}  // namespace sedge::baseline

#endif
