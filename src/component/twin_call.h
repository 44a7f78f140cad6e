// One call between two components made twice, in two stores that are alike: by way of values, which
// is the reference, and fused. Whatever guests give, both must do the same. For tests and fuzzing.
#ifndef SEDGE_COMPONENT_TWIN_CALL_H_
#define SEDGE_COMPONENT_TWIN_CALL_H_

#include <sedge/component.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/choices.h"
#include "base/utf8.h"
#include "component/call.h"
#include "component/canon_abi.h"
#include "component/instance.h"

namespace sedge::component::twin {

inline constexpr int kMaxDepth = 4;

/// A value type as text.
inline std::string type_text(fuzz::Choices& choices, int depth) {
  static constexpr const char* kPrims[] = {"bool", "u8",  "s8",  "u16", "s16",  "u32",   "s32",
                                           "u64",  "s64", "f32", "f64", "char", "string"};
  if (depth >= kMaxDepth || choices.below(3) == 0) return kPrims[choices.below(std::size(kPrims))];
  auto inner = [&] { return type_text(choices, depth + 1); };
  const uint32_t count = 1 + choices.below(4);
  std::string out;
  switch (choices.below(9)) {
    case 0:
      return "(list " + inner() + ")";
    case 1:
      out = "(record";
      for (uint32_t i = 0; i < count; ++i) out += fmt::format(" (field \"f{}\" {})", i, inner());
      return out + ")";
    case 2:
      out = "(variant";
      for (uint32_t i = 0; i < count; ++i)
        out += choices.below(3) == 0 ? fmt::format(" (case \"c{}\")", i)
                                     : fmt::format(" (case \"c{}\" {})", i, inner());
      return out + ")";
    case 3:
      out = "(tuple";
      for (uint32_t i = 0; i < count; ++i) out += " " + inner();
      return out + ")";
    case 4:
      out = "(flags";
      for (uint32_t i = 0; i < count * 8; ++i) out += fmt::format(" \"l{}\"", i);
      return out + ")";
    case 5:
      out = "(enum";
      for (uint32_t i = 0; i < count * count; ++i) out += fmt::format(" \"e{}\"", i);
      return out + ")";
    case 6:
      return "(option " + inner() + ")";
    case 7:
      return "(result " + inner() + " (error " + inner() + "))";
    default:
      return fmt::format("(list {} {})", inner(), count);
  }
}

inline ComponentVal prim_value(fuzz::Choices& choices, PrimType prim) {
  uint64_t bits = choices.number();
  if (prim == PrimType::char_) {
    bits %= 0x110000;
    if (bits >= 0xd800 && bits <= 0xdfff) bits = 'x';
  }
  if (prim == PrimType::string) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::string;
    for (uint32_t left = choices.below(12); left > 0; --left) {
      static constexpr uint32_t kPoints[] = {'a', 0xe9, 0x20ac, 0x1f600, 0, 0xff, 0x100};
      append_utf8(out.text, kPoints[choices.below(std::size(kPoints))]);
    }
    return out;
  }
  return lift_prim(prim, bits).value();
}

/// A value of a type.
inline ComponentVal value_of(fuzz::Choices& choices, const Types& types, ValType type) {
  if (type.is_prim()) return prim_value(choices, type.prim());
  const Defined& t = types.defined(type.index());
  if (const auto* prim = std::get_if<PrimType>(&t.type)) return prim_value(choices, *prim);
  ComponentVal out;
  auto add = [&](ValType inner) { out.items.push_back(value_of(choices, types, inner)); };
  if (const auto* list = std::get_if<List>(&t.type)) {
    out.kind = ComponentVal::Kind::list;
    for (uint32_t left = choices.below(4); left > 0; --left) add(list->element);
  } else if (const auto* fixed = std::get_if<FixedList>(&t.type)) {
    out.kind = ComponentVal::Kind::list;
    for (uint32_t i = 0; i < fixed->length; ++i) add(fixed->element);
  } else if (const auto* record = std::get_if<Record>(&t.type)) {
    out.kind = ComponentVal::Kind::record;
    for (const Field& field : record->fields) {
      out.labels.emplace_back(field.name);
      add(field.type);
    }
  } else if (const auto* tuple = std::get_if<Tuple>(&t.type)) {
    out.kind = ComponentVal::Kind::tuple;
    for (ValType inner : tuple->types) add(inner);
  } else if (const auto* variant = std::get_if<Variant>(&t.type)) {
    out.kind = ComponentVal::Kind::variant;
    const auto& chosen =
        variant->cases[choices.below(static_cast<uint32_t>(variant->cases.size()))];
    out.text = chosen.name;
    if (chosen.type) add(*chosen.type);
  } else if (const auto* cases = std::get_if<Enum>(&t.type)) {
    out.kind = ComponentVal::Kind::enum_;
    out.text = cases->names[choices.below(static_cast<uint32_t>(cases->names.size()))];
  } else if (const auto* flags = std::get_if<Flags>(&t.type)) {
    out.kind = ComponentVal::Kind::flags;
    for (std::string_view name : flags->names)
      if (choices.below(2) == 1) out.labels.emplace_back(name);
  } else if (const auto* option = std::get_if<Option>(&t.type)) {
    out.kind = ComponentVal::Kind::option;
    if (choices.below(2) == 1) add(option->type);
  } else if (const auto* result = std::get_if<ResultType>(&t.type)) {
    out.kind = ComponentVal::Kind::result;
    out.bits = choices.below(2);
    if (const auto& inner = out.bits == 0 ? result->ok : result->error) add(*inner);
  }
  return out;
}

/// A component that uses nothing of another: a memory, an allocator that never frees, and a
/// function type with one parameter and a result.
inline std::string guest_text(const std::string& param, const std::string& result) {
  return fmt::format(R"((component
    (type $p {})
    (type $r {})
    (type $f (func (param "x" $p) (result $r)))
    (core module $m
      (memory (export "m") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (memory.copy (local.get $at) (local.get 0)
          (select (local.get 1) (local.get 3) (i32.lt_u (local.get 1) (local.get 3))))
        (local.get $at)))
    (core instance (instantiate $m))))",
                     param, result);
}

/// One instance of it.
struct Guest {
  ComponentInst* inst = nullptr;
  AbiOptions options;
  std::span<uint8_t> memory(const Store& store) const { return options.memory->bytes(store); }
};

inline Result<Guest> instantiate(Store& store, const sedge::Component& component,
                                 AbiOptions::Encoding encoding) {
  SEDGE_TRY(ComponentLinker().instantiate(store, component));
  Guest out;
  out.inst = ComponentStore::of(store).instances.back().get();
  const CoreInstanceValue& core = out.inst->core_instances[0];
  if (auto memory = core.find(store, "m")) out.options.memory = std::get<Memory>(*memory);
  if (auto realloc = core.find(store, "realloc")) out.options.realloc = std::get<Func>(*realloc);
  out.options.encoding = encoding;
  return out;
}

/// What both calls are given.
struct Given {
  std::vector<uint64_t> cells;          ///< of the caller, a pointer for the result included
  std::vector<uint8_t> caller, callee;  ///< what their memories begin with
  ComponentVal value, result;           ///< instead, where `valid`
  bool valid_value = false, valid_result = false;
  uint64_t core_result = 0;
  bool post_return = false;
};

/// Values of the types, or lies.
inline Given make_given(fuzz::Choices& choices, const Types& types, const FuncSig& sig) {
  Given out;
  constexpr size_t kScratch = 600;
  for (auto* memory : {&out.caller, &out.callee})
    for (size_t i = 0; i < kScratch; ++i) memory->push_back(choices.byte());
  auto cell = [&]() -> uint64_t {
    const uint32_t kind = choices.below(8);
    return kind == 0  ? choices.number()
           : kind < 3 ? choices.below(kScratch)
                      : 8 * choices.below(64);
  };
  // A cell of 32 bits has nothing above them.
  auto cells = [&](ValType type, uint32_t most) {
    std::vector<sedge::ValType> core;
    if (types.flat_count(type) <= most) types.flatten(type, false, core);
    std::vector<uint64_t> made;
    for (size_t i = 0; i <= kMaxFlatParams; ++i) {
      const bool wide =
          i < core.size() && core[i] != sedge::ValType::i32 && core[i] != sedge::ValType::f32;
      made.push_back(wide ? cell() : static_cast<uint32_t>(cell()));
    }
    return made;
  };
  out.cells = cells(sig.params[0], kMaxFlatParams);
  out.core_result = cells(sig.results[0], kMaxFlatResults)[0];
  out.post_return = choices.below(2) == 1;
  out.valid_value = choices.below(4) != 0;
  out.valid_result = choices.below(4) != 0;
  out.value = value_of(choices, types, sig.params[0]);
  out.result = value_of(choices, types, sig.results[0]);
  out.valid_value &= check_value(types, sig.params[0], out.value).has_value();
  out.valid_result &= check_value(types, sig.results[0], out.result).has_value();
  return out;
}

/// All that can be seen of a call afterwards.
struct Seen {
  std::string error;  ///< empty: it returned
  std::vector<uint64_t> arguments, results;
  std::vector<uint8_t> caller, callee;
  std::string state;
  bool operator==(const Seen&) const = default;
};

/// One of the two stores.
class World {
 public:
  static Result<std::unique_ptr<World>> make(const Engine& engine,
                                             const sedge::Component& component,
                                             AbiOptions::Encoding caller,
                                             AbiOptions::Encoding callee) {
    auto out = std::make_unique<World>(engine);
    SEDGE_TRY_ASSIGN(out->caller_, instantiate(out->store_, component, caller));
    SEDGE_TRY_ASSIGN(out->callee_, instantiate(out->store_, component, callee));
    return out;
  }
  explicit World(const Engine& engine) : store_(engine) {}

  const Types& types() const { return caller_.inst->type_arena(); }
  const FuncSig& sig() const { return types().func(sig_id()); }
  /// Core arguments, without a pointer for the result.
  uint32_t param_cells() const {
    const uint32_t flat = types().flat_count(sig().params[0]);
    return flat > kMaxFlatParams ? 1 : flat;
  }

  Seen run(const Given& given, bool fuse) {
    Seen seen;
    std::ranges::copy(given.caller, caller_.memory(store_).begin());
    std::ranges::copy(given.callee, callee_.memory(store_).begin());
    std::vector<uint64_t> cells = given.cells;
    if (given.valid_value) put(caller_, sig().params, kMaxFlatParams, given.value, cells.data());

    auto func = std::make_shared<FuncValue>();
    func->component = callee_.inst->component;
    func->sig = sig_id();
    func->inst = callee_.inst;
    func->options = callee_.options;
    func->callee = core_function(flat_type(param_cells(), 1), [&](uint64_t* args) {
      seen.arguments.assign(args, args + param_cells());
      args[0] = given.core_result;
      if (given.valid_result) put(callee_, sig().results, kMaxFlatResults, given.result, args);
      return Result<void>();
    });
    if (given.post_return)
      func->options.post_return = core_function(flat_type(1, 0), [&](uint64_t* args) {
        seen.arguments.push_back(args[0]);
        std::ranges::fill(callee_.memory(store_), uint8_t{0xdd});
        return Result<void>();
      });

    Result<void> done;
    if (fuse) {
      const Func lower = lowered(store_, *caller_.inst, func, sig_id(), caller_.options,
                                 flat_type(static_cast<uint32_t>(cells.size()), 1));
      done = lower.call_raw(store_, cells.data());
    } else {
      done = call_lowered(store_, *caller_.inst, *func, sig(), caller_.options, cells.data());
    }
    if (!done) {
      seen.error = done.error().message();
    } else if (types().flat_count(sig().results[0]) <= kMaxFlatResults) {
      seen.results.push_back(cells[0]);
    }
    auto bytes = [&](const Guest& guest) {
      const auto memory = guest.memory(store_);
      return std::vector<uint8_t>(memory.begin(), memory.end());
    };
    seen.caller = bytes(caller_);
    seen.callee = bytes(callee_);
    for (const Guest* guest : {&caller_, &callee_})
      seen.state += fmt::format("{}{}{} ", guest->inst->may_leave, guest->inst->entered,
                                guest->inst->poisoned);
    caller_.inst->poisoned = callee_.inst->poisoned = false;
    return seen;
  }

 private:
  uint32_t sig_id() const { return caller_.inst->info->spaces.types.back().id; }

  static sedge::FuncType flat_type(uint64_t params, uint64_t results) {
    return {std::vector<sedge::ValType>(params, sedge::ValType::i64),
            std::vector<sedge::ValType>(results, sedge::ValType::i64)};
  }

  template <typename Body>
  Func core_function(const sedge::FuncType& type, Body body) {
    return Func::wrap_raw(store_, type,
                          [body](Caller&, uint64_t* args) -> Result<void> { return body(args); });
  }

  /// Puts a value where a guest would have it.
  void put(const Guest& guest, std::span<const ValType> types_of, uint32_t most,
           const ComponentVal& value, uint64_t* cells) {
    FlatCells out;
    Crossing crossing(*guest.inst, guest.options);
    if (!crossing.lower(types_of, most, std::span(&value, 1), std::nullopt, out)) return;
    std::copy_n(out.data(), out.size(), cells);
  }

  Store store_;
  Guest caller_, callee_;
};

}  // namespace sedge::component::twin

#endif  // SEDGE_COMPONENT_TWIN_CALL_H_
