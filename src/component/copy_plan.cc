// Compiling plans; see copy_plan.h. copying.cc runs them.
#include "component/copy_plan.h"

#include <algorithm>

#include "component/canon_abi.h"
#include "component/shapes.h"

namespace sedge::component {
namespace {

using Kind = CopyStep::Kind;
using CaseTypes = std::vector<std::optional<ValType>>;
constexpr uint32_t kCell = 8;
/// A plan is made for each use of a function, so it must not be much larger than what wrote the
/// type down; larger types go the way over values.
constexpr size_t kMaxSteps = 10'000;

/// Compiles blocks one after the other; a block's steps are contiguous, so inner ones come first.
class Compiler {
 public:
  Compiler(const Types& types, const CopyPlan::Sides& sides, CopyPlan& plan)
      : types_(types), sides_(sides), plan_(plan) {}

  /// Where the next value begins: in both memories, or in cells.
  struct Place {
    uint32_t from = 0, to = 0;
    bool flat = false;
    bool joined = false;  ///< the payload of a variant, in cells that other payloads use, too
  };

  /// The steps of a block that is being made.
  struct Draft {
    std::vector<CopyStep> steps;
    CopyPlan::Block block;
    bool add(CopyStep step) {
      block.checks |= step.kind == Kind::character || step.kind == Kind::cases;
      steps.push_back(step);
      return true;
    }
  };

  CopyPlan::Block finish(Draft& draft) {
    draft.block.first = static_cast<uint32_t>(plan_.steps.size());
    plan_.steps.insert(plan_.steps.end(), draft.steps.begin(), draft.steps.end());
    draft.block.end = static_cast<uint32_t>(plan_.steps.size());
    return draft.block;
  }

  /// A value at `place`, which moves behind it. False: no plan.
  bool value(ValType type, Place& place, Draft& out);
  bool values(std::span<const ValType> list, Place& place, Draft& out) {
    return std::ranges::all_of(list, [&](ValType type) { return value(type, place, out); });
  }

 private:
  bool prim(PrimType prim, Place& place, Draft& out);
  bool cases(const CaseTypes& cases, Place& place, Draft& out);
  bool list(ValType element, Place& place, Draft& out);
  bool array(const FixedList& list, Place& place, Draft& out);
  bool element(ValType type, CopyPlan::ListRow& row);
  void bytes(uint32_t size, const Place& place, Draft& out);
  bool range(Kind kind, uint32_t row, Place& place, Draft& out);

  Layout from_layout(ValType type) const { return types_.layout(type, sides_.from64); }
  Layout to_layout(ValType type) const { return types_.layout(type, sides_.to64); }

  const Types& types_;
  const CopyPlan::Sides& sides_;
  CopyPlan& plan_;
  size_t values_ = 0;
};

void Compiler::bytes(uint32_t size, const Place& place, Draft& out) {
  if (!out.steps.empty()) {
    CopyStep& last = out.steps.back();
    if (last.kind == Kind::bytes && last.from + last.extent == place.from &&
        last.to + last.extent == place.to) {
      last.extent += size;
      return;
    }
  }
  out.add({.kind = Kind::bytes, .from = place.from, .to = place.to, .extent = size});
}

bool Compiler::prim(PrimType prim, Place& place, Draft& out) {
  const auto size = static_cast<uint8_t>(types_.layout(prim, false).size);
  CopyStep step{.kind = Kind::number, .from = place.from, .to = place.to};
  step.from_size = place.flat ? std::max<uint8_t>(size, 4) : size;
  step.to_size = place.flat ? kCell : size;
  switch (prim) {
    case PrimType::string:
      if (!sides_.encoding || *sides_.encoding == CopyPlan::Encoding::latin1_utf16) return false;
      return range(Kind::string, 0, place, out);
    case PrimType::error_context:
      return false;
    case PrimType::bool_:
      step.kind = Kind::boolean;
      return out.add(step);
    case PrimType::char_:
      step.kind = Kind::character;
      return out.add(step);
    case PrimType::f32:
      step.kind = Kind::f32;
      return out.add(step);
    case PrimType::f64:
      step.kind = Kind::f64;
      return out.add(step);
    default:
      break;
  }
  if (!place.flat) {
    bytes(size, place, out);
    return true;
  }
  // A cell of its own holds such a number already.
  if (size == 8 || (size == 4 && !place.joined)) return true;
  step.from_size = size;
  step.extent = prim == PrimType::s8 || prim == PrimType::s16;
  return out.add(step);
}

/// A pointer and a length.
bool Compiler::range(Kind kind, uint32_t row, Place& place, Draft& out) {
  CopyStep step{.kind = kind, .from = place.from, .to = place.to, .extent = row};
  step.from_size = sides_.from64 ? 8 : 4;
  step.to_size = place.flat || sides_.to64 ? 8 : 4;
  step.from_step = place.flat ? static_cast<uint8_t>(kCell) : step.from_size;
  plan_.in_memory = true;
  out.block.checks = true;
  out.block.leaf = false;
  return out.add(step);
}

bool Compiler::element(ValType type, CopyPlan::ListRow& row) {
  row.from = from_layout(type);
  row.to = to_layout(type);
  Place place;
  Draft draft;
  if (!value(type, place, draft)) return false;
  const bool one = draft.steps.size() == 1 && draft.steps[0].kind == Kind::bytes;
  draft.block.bytes =
      one && draft.steps[0].extent == row.from.size && draft.steps[0].extent == row.to.size;
  row.element = finish(draft);
  return true;
}

bool Compiler::list(ValType type, Place& place, Draft& out) {
  CopyPlan::ListRow row;
  if (!element(type, row)) return false;
  plan_.lists.push_back(row);
  return range(Kind::list, static_cast<uint32_t>(plan_.lists.size() - 1), place, out);
}

bool Compiler::array(const FixedList& list, Place& place, Draft& out) {
  if (place.flat) {
    for (uint32_t i = 0; i < list.length; ++i)
      if (!value(list.element, place, out)) return false;
    return true;
  }
  CopyPlan::ListRow row;
  row.count = list.length;
  if (!element(list.element, row)) return false;
  if (row.element.bytes) {
    bytes(row.from.size * row.count, place, out);
    return true;
  }
  out.block.checks |= row.element.checks;
  out.block.leaf = false;
  plan_.lists.push_back(row);
  return out.add({.kind = Kind::array,
                  .from = place.from,
                  .to = place.to,
                  .extent = static_cast<uint32_t>(plan_.lists.size() - 1)});
}

bool Compiler::cases(const CaseTypes& types, Place& place, Draft& out) {
  const auto count = static_cast<uint32_t>(types.size());
  const auto size = static_cast<uint8_t>(discriminant_size(count));
  CopyStep step{.kind = Kind::cases, .from = place.from, .to = place.to, .extent = count};
  step.from_size = place.flat ? 4 : size;
  step.to_size = place.flat ? kCell : size;
  if (std::ranges::none_of(types, [](const auto& payload) { return payload.has_value(); }))
    return out.add(step);

  Place inner = place;
  inner.joined = true;
  if (place.flat) {
    inner.from = inner.to = place.from + kCell;
  } else {
    uint64_t from_align = 1, to_align = 1;
    for (const auto& payload : types) {
      if (!payload) continue;
      from_align = std::max<uint64_t>(from_align, from_layout(*payload).align);
      to_align = std::max<uint64_t>(to_align, to_layout(*payload).align);
    }
    inner.from = static_cast<uint32_t>(align_to(place.from + size, from_align));
    inner.to = static_cast<uint32_t>(align_to(place.to + size, to_align));
  }
  uint32_t flat_end = inner.from;
  if (place.flat)
    for (const auto& payload : types)
      if (payload) flat_end = std::max(flat_end, inner.from + types_.flat_count(*payload) * kCell);
  CopyPlan::VariantRow row;
  for (const auto& payload : types) {
    CopyPlan::CaseRow next;
    Place at = inner;
    Draft draft;
    if (payload && !value(*payload, at, draft)) return false;
    if (place.flat) {
      next.zero_from = inner.from + (payload ? types_.flat_count(*payload) * kCell : 0);
      next.zero_to = flat_end;
    }
    next.payload = finish(draft);
    row.cases.push_back(next);
  }
  plan_.variants.push_back(std::move(row));
  step.kind = Kind::variant;
  step.extent = static_cast<uint32_t>(plan_.variants.size() - 1);
  out.block.checks = true;
  out.block.leaf = false;
  return out.add(step);
}

bool Compiler::value(ValType type, Place& place, Draft& out) {
  if (++values_ > kMaxSteps) return false;
  if (!type.is_prim()) {
    if (const auto* inner = std::get_if<PrimType>(&types_.defined(type.index()).type))
      type = *inner;
  }
  const Layout from = from_layout(type), to = to_layout(type);
  Place end = place;
  if (place.flat) {
    end.from = end.to = place.from + types_.flat_count(type) * kCell;
  } else {
    end.from = place.from = static_cast<uint32_t>(align_to(place.from, from.align));
    end.to = place.to = static_cast<uint32_t>(align_to(place.to, to.align));
    end.from += from.size;
    end.to += to.size;
  }
  Place at = place;
  place = end;
  if (type.is_prim()) return prim(type.prim(), at, out);
  const Defined& t = types_.defined(type.index());
  if (auto fields = fields_of(t)) return values(*fields, at, out);
  if (auto found = cases_of(t)) return cases(found->payloads, at, out);
  if (auto inner = element_of(t)) return list(*inner, at, out);
  if (const auto* fixed = std::get_if<FixedList>(&t.type)) return array(*fixed, at, out);
  if (const auto* flags = std::get_if<Flags>(&t.type)) {
    const auto size = static_cast<uint8_t>(t.layout32.size);
    CopyStep step{.kind = Kind::flags, .from = at.from, .to = at.to};
    step.from_size = at.flat ? 4 : size;
    step.to_size = at.flat ? kCell : size;
    step.extent = static_cast<uint32_t>((uint64_t{1} << flags->names.size()) - 1);
    return out.add(step);
  }
  return false;
}

}  // namespace

std::unique_ptr<const CopyPlan> CopyPlan::make(const Types& types, std::span<const ValType> list,
                                               uint32_t most, const Sides& sides) {
  auto plan = std::make_unique<CopyPlan>();
  plan->encoding = sides.encoding.value_or(Encoding::utf8);
  plan->flat = total_flat(types, list) <= most;
  if (plan->flat) {
    plan->cells = static_cast<uint32_t>(total_flat(types, list));
  } else {
    plan->in_memory = true;
    plan->from = tuple_layout(types, list, sides.from64);
    plan->to = tuple_layout(types, list, sides.to64);
    if (std::max(plan->from.size, plan->to.size) > kMaxBytes) return nullptr;
  }
  Compiler compiler(types, sides, *plan);
  Compiler::Place place{.flat = plan->flat};
  Compiler::Draft draft;
  if (!compiler.values(list, place, draft)) return nullptr;
  plan->all = compiler.finish(draft);
  return plan;
}

}  // namespace sedge::component
