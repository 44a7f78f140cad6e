// The options that say what runs the code, alike in every verb that runs some.
#ifndef SEDGE_CLI_TIER_OPTION_H_
#define SEDGE_CLI_TIER_OPTION_H_

#include <string>

#include <sedge/engine.h>

#include "cli/options.h"

namespace sedge::cli {

inline constexpr Option kTierOption = {
    "--tier", 0, "auto|interp|baseline|llvm",
    "what runs the code: the interpreter, native code made at the first call, optimised native "
    "code made before the start, or all of them, each when it pays (auto)"};
inline constexpr Option kTierThresholdOption = {
    "--tier-threshold", 0, "N", "auto: calls and rounds of loops that make a function hot"};

inline constexpr Option kAllowPrecompiledOption = {
    "--allow-precompiled", 0, "",
    "run native code inside module files (sedge compile), which can do whatever this program can"};

inline constexpr Option kProfileOption = {
    "--profile", 0, "perfmap|jitdump",
    "name native code for perf: in /tmp/perf-PID.map, or with the code in jit-PID.dump here"};
inline constexpr Option kGdbOption = {"--gdb", 0, "",
                                      "tell GDB the names and frames of native code"};

inline constexpr Option kCacheDirOption = {
    "--cache-dir", 0, "FOLDER",
    "where optimised code is kept (default: $SEDGE_CACHE, else sedge in $XDG_CACHE_HOME or "
    "~/.cache)"};
inline constexpr Option kNoCacheOption = {"--no-cache", 0, "", "keep no optimised code"};
inline constexpr Option kTierVerboseOption = {"--verbose", 'v', "",
                                              "say what became of optimised code and its cache"};

/// Puts the options into `config`. Error: bad_argument.
Result<void> parse_tier(const Arguments& arguments, Config& config);

/// The cache's folder by --cache-dir and --no-cache or the environment; empty: there is none.
std::string cache_folder(const Arguments& arguments);

/// Hot functions are optimised in the background and kept; notes go to standard error, with
/// --verbose all of them.
void optimize_in_background(const Arguments& arguments, Config& config);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_TIER_OPTION_H_
