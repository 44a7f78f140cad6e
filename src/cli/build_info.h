// What this build of sedge has, said once: for `sedge version --json` and for advice.
#ifndef SEDGE_CLI_BUILD_INFO_H_
#define SEDGE_CLI_BUILD_INFO_H_

#include <string_view>

namespace sedge::cli {

/// Versions of WASI whose guests run.
inline constexpr std::string_view kWasiVersions[] = {"0.1", "0.2", "0.3"};
/// Whether components run.
inline constexpr bool kHasComponents = true;
/// Whether guests are offered wasi-nn.
inline constexpr bool kHasNn = false;

}  // namespace sedge::cli

#endif  // SEDGE_CLI_BUILD_INFO_H_
