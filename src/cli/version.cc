// `sedge version`.
#include <fmt/format.h>

#include <sedge/engine.h>
#include <sedge/feature.h>

#include "base/json.h"
#include "cli/build_info.h"
#include "cli/console.h"
#include "cli/verbs.h"
#include "engine/tier_names.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {{"--json", 0, "", "print one JSON object with what this build has"}};

constexpr std::string_view architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#elif defined(__riscv) && __riscv_xlen == 64
  return "riscv64";
#else
  return "unknown";
#endif
}

Result<int> run(const Arguments& arguments) {
  if (!arguments.has("--json")) {
    SEDGE_TRY(print(fmt::format("sedge {}\n", SEDGE_VERSION)));
    return 0;
  }
  Json json;
  json.begin_object().field("name", "sedge").field("version", SEDGE_VERSION);
  json.field("architecture", architecture());
  json.key("tiers").begin_array();
  for (const TierName& tier : tier_names())
    if (tier.ours && tier.tier != Tier::automatic && Engine::has(tier.tier)) json.value(tier.name);
  json.end();
  json.key("wasi").begin_array();
  for (std::string_view version : kWasiVersions) json.value(version);
  json.end();
  json.field("components", kHasComponents).field("wasi_nn", kHasNn);
  json.field("server", SEDGE_HAVE_SERVER != 0);
  json.key("features").begin_array();
  Features all = Features::all();
  for (uint8_t i = 0; i < 64 && all.bits() >> i; ++i)
    if (auto feature = static_cast<Feature>(i); all.has(feature)) json.value(feature_name(feature));
  SEDGE_TRY(print(json.end().end().take()));
  return 0;
}

}  // namespace

const Verb kVersionVerb = {"version",
                           "show the version",
                           "",
                           kOptions,
                           {},
                           "sedge version\nsedge version --json   # also tiers, WASI versions and "
                           "features",
                           run};

}  // namespace sedge::cli
