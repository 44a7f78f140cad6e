// Options of `sedge run` into an engine's configuration, limits and what the guest is given.
#include "cli/run_plan.h"

#include <algorithm>
#include <filesystem>
#include <span>

#include <fmt/format.h>

#include "cli/environment.h"
#include "cli/network_options.h"
#include "cli/service_options.h"
#include "cli/tier_option.h"
#include "cli/units.h"

namespace sedge::cli {

Result<Plan> make_plan(const Arguments& arguments) {
  Plan plan;
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(plan.engine.features, Features::parse(*list));
  }
  SEDGE_TRY(parse_tier(arguments, plan.engine));
  optimize_in_background(arguments, plan.engine);
  plan.engine.exact = false;  // nothing is looked at after a trap
  if (auto fuel = arguments.get("--fuel")) {
    SEDGE_TRY_ASSIGN(plan.fuel, parse_count("--fuel", *fuel));
    plan.engine.fuel = true;
  }
  if (auto timeout = arguments.get("--timeout")) {
    SEDGE_TRY_ASSIGN(plan.timeout, parse_duration("--timeout", *timeout));
    plan.engine.interruptible = true;
  }
  if (auto memory = arguments.get("--max-memory")) {
    SEDGE_TRY_ASSIGN(plan.limits.memory_bytes, parse_size("--max-memory", *memory));
    plan.limits.gc_heap_bytes = std::min(plan.limits.gc_heap_bytes, plan.limits.memory_bytes);
  }
  if (auto stack = arguments.get("--max-stack")) {
    SEDGE_TRY_ASSIGN(plan.limits.stack_bytes, parse_size("--max-stack", *stack));
    if (plan.limits.stack_bytes < (64u << 10) || plan.limits.stack_bytes > (1u << 30))
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `--max-stack {}`: from 64KiB to 1GiB", *stack));
  }
  for (std::string_view dir : arguments.all("--dir")) {
    SEDGE_TRY_ASSIGN(wasi::Preopen preopen, wasi::parse_preopen(dir));
    plan.wasi.preopens.push_back(std::move(preopen));
  }
  SEDGE_TRY_ASSIGN(plan.wasi.env, parse_env(arguments.all("--env")));
  plan.wasi.network = arguments.has("--network");
  SEDGE_TRY_ASSIGN(wasi::NetworkRules rules, network_rules(arguments));
  SEDGE_TRY_ASSIGN(plan.wasi.reach, wasi::make_network(rules));
  SEDGE_TRY_ASSIGN(Services given, services(arguments));
  SEDGE_TRY(given.give_to(plan.wasi));
  plan.wasi.input = wasi::Inherit{};
  plan.wasi.output = wasi::Inherit{};
  plan.wasi.error = wasi::Inherit{};
  plan.wasi.thread_limits = plan.limits;
  return plan;
}

void start_limits(const Plan& plan, Store& store) {
  if (plan.fuel) store.set_fuel(*plan.fuel);
  if (plan.timeout) store.set_deadline(std::chrono::steady_clock::now() + *plan.timeout);
}

namespace {

/// About an absolute path among the guest's arguments that is in none of its directories; such a
/// path fails inside the guest, which asks nobody.
std::string outside_of_directories(const Arguments& arguments) {
  std::span<const std::string_view> words(arguments.positionals());
  for (std::string_view word : words.subspan(std::min<size_t>(words.size(), 1))) {
    if (word.size() < 2 || word[0] != '/') continue;
    bool held = std::ranges::any_of(arguments.all("--dir"), [&](std::string_view dir) {
      auto preopen = wasi::parse_preopen(dir);
      if (!preopen) return false;
      std::string_view guest = preopen->guest;
      while (guest.ends_with('/')) guest.remove_suffix(1);
      return word.starts_with(guest) && (word.size() == guest.size() || word[guest.size()] == '/');
    });
    if (held) continue;
    std::string_view folder = word.substr(0, std::max<size_t>(word.rfind('/'), 1));
    return fmt::format("no directory that the guest was given holds {}: --dir HOST::{} would", word,
                       folder);
  }
  return {};
}

}  // namespace

std::string first_argument(const Arguments& arguments) {
  if (auto given = arguments.get("--argv0")) return std::string(*given);
  return std::filesystem::path(arguments.positional(0)).filename();
}

std::string refusal(const Store& store, const wasi::Context* context, const Arguments& arguments) {
  if (auto growth = store.refused_growth()) {
    std::string asked = format_size(growth->asked_bytes), limit = format_size(growth->limit_bytes);
    if (growth->by_store_limit)
      return fmt::format(
          "the guest asked for {} of memory and was refused: the limit is {}; raise "
          "--max-memory",
          asked, limit);
    return fmt::format(
        "the guest asked for {} of memory and was refused: the module's own maximum "
        "is {}",
        asked, limit);
  }
  if (!context) return {};
  if (auto denial = context->last_denial()) return wasi::to_string(*denial);
  if (context->wanted_directories())
    return "the guest was given no directory; if it looked for files, give it one: --dir "
           "HOST::GUEST";
  if (arguments.has("--dir")) return outside_of_directories(arguments);
  return {};
}

}  // namespace sedge::cli
