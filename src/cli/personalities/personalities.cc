// The tools that sedge answers for.
#include <algorithm>

#include "cli/personalities/personality.h"

namespace sedge::cli {
namespace {

constexpr const Personality* kAll[] = {&kWasmedge, &kWasmedgec, &kWasmtime,
                                       &kWasmer,   &kWasmTools, &kWasmOpt};

}  // namespace

std::span<const Personality* const> personalities() { return kAll; }

const Personality* find_personality(std::string_view name) {
  name = name.substr(name.find_last_of('/') + 1);
  const auto* found =
      std::ranges::find_if(kAll, [&](const Personality* tool) { return tool->name == name; });
  return found == std::end(kAll) ? nullptr : *found;
}

}  // namespace sedge::cli
