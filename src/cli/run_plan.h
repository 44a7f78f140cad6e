// What `sedge run` does with its options, for modules and for components.
#ifndef SEDGE_CLI_RUN_PLAN_H_
#define SEDGE_CLI_RUN_PLAN_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <sedge/sedge.h>
#include <sedge/wasi.h>

#include "cli/load.h"
#include "cli/options.h"

namespace sedge::cli {

struct Plan {
  Config engine;
  StoreLimits limits;
  std::optional<uint64_t> fuel;
  std::optional<std::chrono::nanoseconds> timeout;
  wasi::Config wasi;
};
/// Errors: bad_argument and those of the options' values.
Result<Plan> make_plan(const Arguments& arguments);
/// Gives the store fuel and a deadline that begins now.
void start_limits(const Plan& plan, Store& store);

/// What the guest sees as its own name: not where it lies on the host.
std::string first_argument(const Arguments& arguments);

/// What the guest was refused before it failed; empty if nothing was.
std::string refusal(const Store& store, const wasi::Context* context, const Arguments& arguments);

/// `sedge run` of a component.
Result<int> run_component(const Arguments& arguments, Plan plan, const LoadedFile& file);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_RUN_PLAN_H_
