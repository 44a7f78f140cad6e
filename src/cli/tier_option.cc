// From the words of --tier to Config.
#include "cli/tier_option.h"

#include <algorithm>
#include <cstdlib>

#include "cli/console.h"
#include "cli/units.h"
#include "engine/tier_names.h"

namespace sedge::cli {

Result<void> parse_tier(const Arguments& arguments, Config& config) {
  // The parser of options has refused any other name.
  config.tier = tier_named(arguments.get("--tier").value_or("auto")).value_or(Tier::automatic);
  if (auto threshold = arguments.get("--tier-threshold")) {
    SEDGE_TRY_ASSIGN(uint64_t count, parse_count("--tier-threshold", *threshold));
    config.tier_threshold = static_cast<uint32_t>(std::clamp<uint64_t>(count, 1, UINT32_MAX));
  }
  if (auto profile = arguments.get("--profile"))
    config.profile = *profile == "perfmap" ? Profile::perf_map : Profile::jitdump;
  config.gdb = arguments.has("--gdb");
  config.allow_precompiled = arguments.has("--allow-precompiled");
  return {};
}

std::string cache_folder(const Arguments& arguments) {
  if (arguments.has("--no-cache")) return {};
  if (auto folder = arguments.get("--cache-dir")) return std::string(*folder);
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  if (std::getenv("SEDGE_CACHE") != nullptr) {
    std::string folder = variable("SEDGE_CACHE");
    return folder == "off" ? std::string() : folder;
  }
  // Both have to be absolute; others are to be ignored, says the XDG specification.
  if (const std::string folder = variable("XDG_CACHE_HOME"); folder.starts_with('/'))
    return folder + "/sedge";
  if (const std::string home = variable("HOME"); home.starts_with('/'))
    return home + "/.cache/sedge";
  return {};
}

void optimize_in_background(const Arguments& arguments, Config& config) {
  config.optimize = Optimize::background;
  config.cache_folder = cache_folder(arguments);
  config.notice = [verbose = arguments.has("--verbose")](bool important, const std::string& text) {
    if (important || verbose) print_note(text);
  };
}

}  // namespace sedge::cli
