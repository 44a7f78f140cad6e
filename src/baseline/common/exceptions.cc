// Try blocks of both proposals. A call that fails inside of one jumps to the landing pad of its
// region, which compares tags and goes on at a label or at the next region's pad.
#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {

using Asm = MacroAssembler;

uint32_t total_cells(std::span<const ValType> types) {
  uint32_t cells = 0;
  for (ValType type : types) cells += type.cells();
  return cells;
}

}  // namespace

/// try_table, and try of the legacy proposal.
void Compiler::try_() {
  const bool legacy = in_.op == Op::try_;
  block(in_.op);
  const auto index = static_cast<uint32_t>(regions_.size());
  Region region;
  region.parent = region_;
  region.label = new_label();
  ctrls_.back().region = index;
  region_ = index;
  if (!legacy) {
    for (const wasm::Catch& c : in_.catches) {
      using Kind = wasm::Catch::Kind;
      // The clauses' labels are those outside of this block.
      const Ctrl& to = ctrl(c.label + 1);
      const auto types = label_types(to);
      Clause clause;
      if (c.kind == Kind::catch_ || c.kind == Kind::catch_ref) clause.tag = c.tag;
      clause.with_ref = c.kind == Kind::catch_ref || c.kind == Kind::catch_all_ref;
      clause.label = to.label;
      clause.cell = to.base;
      clause.in_register = in_register(to, types);
      if (clause.in_register) clause.only = class_of(types[0]);
      reserve(to.base + total_cells(types));
      labels_[to.label].caught = true;
      region.clauses.push_back(clause);
    }
  }
  regions_.push_back(std::move(region));
}

/// catch and catch_all of the legacy proposal. While a clause runs, the exnref lies in the first
/// cell of its block, for rethrow.
void Compiler::catch_(bool all) {
  Ctrl& block = ctrls_.back();
  if (unreachable_ == 0) {
    place_values(block, results(block));
    adapt(label_of(block));
    jump_to(block.label);
  }
  end_run();
  if (block.region != kNone) {
    block.legacy_region = block.region;
    block.region = kNone;
    region_ = block.outer_region;
  }
  block.op = Op::catch_;
  truncate(block.height);
  Clause clause;
  clause.label = new_label();
  push_cell(Cls::i);
  clause.hidden = top().cell;
  clause.cell = next_cell();
  if (!all) {
    clause.tag = in_.index;
    for (ValType type : module_.types[module_.tag_type_index(in_.index)].func.params) {
      push_cell(class_of(type));
    }
  }
  canonical_ = static_cast<uint32_t>(stack_.size());
  bind(clause.label);
  regions_[block.legacy_region].clauses.push_back(clause);
  unreachable_ = 0;
}

/// Ends a legacy try block: its exceptions go to the label's block, or what is around it.
void Compiler::delegate() {
  Ctrl& block = ctrls_.back();
  uint32_t parent = kNone;
  for (size_t at = ctrls_.size() - 1 - in_.index; at-- > 0;) {
    if (ctrls_[at].region != kNone) {
      parent = ctrls_[at].region;
      break;
    }
  }
  regions_[block.region].parent = parent;
  block.region = kNone;
  region_ = block.outer_region;
  finish_block(unreachable_ == 0);
}

void Compiler::throw_() {
  const Mem exception = Asm::context(offsetof(vm::Context, exception));
  if (in_.op == Op::throw_) {
    const FuncType& type = module_.types[module_.tag_type_index(in_.index)].func;
    const uint32_t base = call_arguments(type);
    publish();
    call_builtin(offsetof(vm::Builtins, exception_new),
                 {{Argument::Kind::instance},
                  {Argument::Kind::tag, in_.index},
                  {Argument::Kind::cell_address, base},
                  {Argument::Kind::context_address, offsetof(vm::Context, exception)}});
    trap_unless_returned();
  } else {
    note_place(in_.offset);
    const uint32_t cell =
        in_.op == Op::rethrow ? (spill_for_call(0), ctrl(in_.index).base) : spill_for_call(1);
    code_.load32(Asm::kResult, Asm::cell(cell));
    code_.test(false, Asm::kResult, Asm::kResult);
    trap_if(Cond::e, TrapCode::null_exception_reference);
    code_.store32(exception, Asm::kResult);
  }
  code_.move64(Asm::kArguments[0], Asm::kContext);
  bind_here(code_.address_of_code(Asm::kArguments[1]));
  code_.move64(Asm::kArguments[2], Asm::kFramePointer);
  code_.load64(Asm::kScratch, Asm::context(offsetof(vm::Context, builtins)));
  code_.call(mem(Asm::kScratch, offsetof(vm::Builtins, native_throw)));
  if (region_ == kNone) {
    return_fixups_.push_back(code_.jump_near());
  } else {
    jump_to(regions_[region_].label);
  }
  end_run();
  set_unreachable();
}

/// Where exceptions of a region arrive, in Context::exception.
void Compiler::emit_landing(const Region& region) {
  if (labels_[region.label].fixups == kNone) return;
  bind(region.label);
  const Argument exception{Argument::Kind::context32, offsetof(vm::Context, exception)};
  bool has_tag = false, all = false;
  for (const Clause& clause : region.clauses) {
    if (clause.tag != kNone && !has_tag) {
      call_builtin(offsetof(vm::Builtins, exception_tag), {{Argument::Kind::context}, exception});
      has_tag = true;
    }
    uint32_t next = kNone;
    if (clause.tag != kNone) {
      code_.load64(Asm::kScratch, Asm::instance(offsetof(vm::Instance, tags)));
      code_.alu(Alu::cmp, true, Asm::kResult, mem(Asm::kScratch, int64_t{clause.tag} * 8));
      next = code_.jump_if_near(Cond::ne);
    }
    auto store_exception = [&](uint32_t cell) {
      code_.load32(Asm::kScratch, Asm::context(offsetof(vm::Context, exception)));
      code_.store64(Asm::cell(cell), Asm::kScratch);
    };
    if (clause.hidden != kNone) store_exception(clause.hidden);
    uint32_t cell = clause.cell;
    if (clause.tag != kNone) {
      const auto& params = module_.types[module_.tag_type_index(clause.tag)].func.params;
      const uint32_t cells = total_cells(params);
      if (cells != 0) {
        call_builtin(offsetof(vm::Builtins, exception_payload),
                     {{Argument::Kind::context}, exception});
      }
      for (uint32_t i = 0; i < cells; i++) {
        code_.copy(Cls::i, Asm::cell(cell++), mem(Asm::kResult, int64_t{i} * 8));
      }
    }
    if (clause.with_ref) store_exception(cell);
    if (clause.in_register) {
      code_.load(clause.only, in_vec(clause.only) ? Asm::kResultVec : Asm::kResult,
                 Asm::cell(clause.cell));
    }
    set_state({});
    adapt(labels_[clause.label]);
    jump_to(clause.label);
    if (next == kNone) {
      all = true;
      break;
    }
    bind_here(next);
  }
  if (all) return;
  if (region.parent != kNone) return jump_to(regions_[region.parent].label);
  code_.imm(Asm::kResult, static_cast<uint64_t>(vm::Exit::exception));
  return_fixups_.push_back(code_.jump_near());
}

}  // namespace sedge::baseline

#endif
