// The selection framework: criteria of an edge scenario, six rules in their order, and what sedge
// recommends for it: a profile, a tier, limits and a route.
#ifndef SEDGE_CLI_SELECTION_H_
#define SEDGE_CLI_SELECTION_H_

#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

inline constexpr uint64_t kNoRequirement = std::numeric_limits<uint64_t>::max();

/// What is known of a scenario; the defaults are those of "no requirement".
struct Criteria {
  std::string scenario = "scenario";
  uint64_t cold_start_requirement_ms = kNoRequirement;
  uint64_t module_size_limit_mb = 0;  ///< MiB; 0: no limit
  std::vector<std::string> target_architectures;
  std::string wasi_version = "auto";
  bool needs_component_model = false;
  bool needs_networking = false;
  bool needs_ai_inference = false;
  bool team_rust_expertise = false;
  bool kubernetes_integration = false;
};

/// One field of Criteria, by name: exactly one member pointer is set.
struct CriteriaField {
  std::string_view name;
  bool Criteria::* flag = nullptr;
  uint64_t Criteria::* number = nullptr;
  std::string Criteria::* text = nullptr;
  std::vector<std::string> Criteria::* list = nullptr;
};
std::span<const CriteriaField> criteria_fields();

/// Sets a field from text (a flag from "true" or "false", a list with commas). Error: bad_argument
/// for another form, naming `shown`.
Result<void> set_field(Criteria& criteria, const CriteriaField& field, std::string_view text,
                       std::string_view shown);

struct Rule {
  std::string_view condition;
  bool (*holds)(const Criteria&);
  std::string_view profile;  ///< `runtime:` of a route
  std::string_view answer;
};
/// In their order; the last always holds.
std::span<const Rule> selection_rules();
/// The index of the first rule that holds.
size_t select_rule(const Criteria& criteria);

struct Recommendation {
  std::string_view profile;
  std::string_view tier;
  uint32_t pool_size = 0;
  uint32_t memory_limit_mb = 0;
  uint32_t timeout_ms = 0;
  std::string wasi;  ///< `wasi:` of the route
  std::string path;
  std::string module;
  std::vector<std::string> reasons;
  std::vector<std::string> missing;  ///< what the scenario needs and this build lacks
};
Recommendation recommend(const Criteria& criteria);
/// One item of `routes:`, indented by two spaces.
std::string route_yaml(const Recommendation& recommendation);

/// Scenarios of a YAML or JSON text: one map, a list of maps, or a list under `scenarios`. On
/// failure every mistake, with its place and the nearest field.
std::expected<std::vector<Criteria>, std::vector<Error>> parse_criteria(std::string_view text,
                                                                        std::string_view file);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_SELECTION_H_
