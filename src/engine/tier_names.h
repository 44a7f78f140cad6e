// What users and other tools call the ways of running code, and which of ours each means. The one
// list for `--tier`, for `backend:` of a route and for the flags of the tools that sedge answers
// for.
#ifndef SEDGE_ENGINE_TIER_NAMES_H_
#define SEDGE_ENGINE_TIER_NAMES_H_

#include <optional>
#include <span>
#include <string_view>

#include <sedge/engine.h>

namespace sedge {

struct TierName {
  std::string_view name;
  Tier tier;
  bool ours;  ///< the name that sedge itself uses
};

/// Every name, ours first.
std::span<const TierName> tier_names();
/// The tier that `name` means; nothing for unknown names.
std::optional<Tier> tier_named(std::string_view name);
/// Our own name of a tier.
std::string_view to_string(Tier tier);

}  // namespace sedge

#endif  // SEDGE_ENGINE_TIER_NAMES_H_
