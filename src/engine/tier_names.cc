// Names of tiers. A compiler of another tool stands for the tier that keeps its promise: one that
// compiles in a single pass for the baseline; one that starts fast and optimises for `auto`.
#include "engine/tier_names.h"

#include <algorithm>

namespace sedge {
namespace {

constexpr TierName kNames[] = {
    {"auto", Tier::automatic, true},       {"interp", Tier::interp, true},
    {"baseline", Tier::baseline, true},    {"llvm", Tier::llvm, true},
    {"interpreter", Tier::interp, false},  {"cranelift", Tier::automatic, false},
    {"singlepass", Tier::baseline, false}, {"winch", Tier::baseline, false},
};

}  // namespace

std::span<const TierName> tier_names() { return kNames; }

std::optional<Tier> tier_named(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &TierName::name);
  return found == std::end(kNames) ? std::nullopt : std::optional(found->tier);
}

std::string_view to_string(Tier tier) {
  const auto* found = std::ranges::find_if(
      kNames, [&](const TierName& row) { return row.ours && row.tier == tier; });
  return found->name;
}

}  // namespace sedge
