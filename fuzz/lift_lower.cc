// Values of components into a guest's memory and out again: types and values are made of the input,
// in each encoding of strings, flat and behind a pointer. What was lowered must lift to the same
// value. Then the guest lies: any cells and any memory are lifted, which must end in a value or a
// trap, and what they are a value of must survive the same round trip. Calls between two guests, of
// values and of lies, must do the same by way of values and fused.
#include <sedge/component.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/choices.h"
#include "component/canon_abi.h"
#include "component/twin_call.h"
#include "fuzz/require.h"

namespace {

using namespace sedge;
using component::Crossing;
using component::Types;
using component::ValType;
using component::twin::Guest;
using fuzz::Choices;
using fuzz::require;
namespace twin = component::twin;
using Encoding = component::AbiOptions::Encoding;

/// Whether the value comes back as it was. False: the guest's memory was too small.
bool survives(const Guest& guest, component::ValType type, const ComponentVal& value,
              uint32_t most) {
  Crossing crossing(*guest.inst, guest.options);
  component::FlatCells cells;
  const std::vector<component::ValType> list = {type};
  if (!crossing.lower(list, most, std::span(&value, 1), std::nullopt, cells)) return false;
  const uint64_t* at = cells.data();
  auto back = crossing.lift(list, most, at);
  require(back.has_value(), "what was lowered can be lifted");
  require(to_string((*back)[0]) == to_string(value), "a value survives lowering and lifting");
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Engine engine = [] {
    Config config;
    config.features = Features::parse("all,+cm-fixed-length-lists").value();
    config.tier = Tier::interp;
    return Engine::create(config).value();
  }();
  Choices choices(data, size);
  const auto caller = static_cast<Encoding>(choices.below(3));
  const auto callee = choices.below(2) == 0 ? caller : static_cast<Encoding>(choices.below(3));
  const std::string param = twin::type_text(choices, 0), result = twin::type_text(choices, 0);
  auto component = sedge::Component::from_text(engine, twin::guest_text(param, result));
  if (!component) return 0;  // too large

  // The same call in both ways.
  twin::Given given;
  twin::Seen seen[2];
  for (int way = 0; way < 2; ++way) {
    auto world = twin::World::make(engine, *component, caller, callee);
    if (!world) return 0;
    if (way == 0) given = twin::make_given(choices, (*world)->types(), (*world)->sig());
    seen[way] = (*world)->run(given, way == 1);
  }
  require(seen[0] == seen[1], "a call does the same fused and by way of values");

  // There and back.
  Store store(engine);
  auto guest = twin::instantiate(store, *component, caller);
  if (!guest) return 0;
  const Types& types = guest->inst->type_arena();
  const component::ValType type =
      types.func(guest->inst->info->spaces.types.back().id).type.params[0].type;
  if (given.valid_value)
    for (uint32_t most : {0u, 16u}) survives(*guest, type, given.value, most);

  // Lies.
  if (types.flat_count(type) >= component::kManyFlat) return 0;
  given.cells.resize(types.flat_count(type) + 1);
  std::ranges::copy(given.caller, guest->memory(store).begin());
  Crossing crossing(*guest->inst, guest->options);
  for (uint32_t most : {0u, component::kManyFlat}) {
    const uint64_t* at = given.cells.data();
    auto lifted = crossing.lift(std::vector<component::ValType>{type}, most, at);
    if (lifted) survives(*guest, type, (*lifted)[0], 16);
  }
  return 0;
}
