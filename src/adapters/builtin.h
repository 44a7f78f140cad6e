// The project's own adapters: WASI 0.1 over WASI 0.2, built from adapter/ and kept in the program.
#ifndef SEDGE_ADAPTERS_BUILTIN_H_
#define SEDGE_ADAPTERS_BUILTIN_H_

#include <optional>

#include "componentize/component_new.h"

namespace sedge::adapters {

enum class Kind : uint8_t {
  command,  ///< also exports wasi:cli/run, which calls `_start`
  reactor,  ///< only provides what the module imports
  proxy,    ///< like a reactor, with no more than hosts of wasi:http/proxy offer
};

/// The module name that adapters stand for.
inline constexpr std::string_view kPreview1 = "wasi_snapshot_preview1";

/// The adapter's binary; empty where the build had no compiler for wasm32. Lives as long as the
/// program.
Bytes binary(Kind kind);

/// The adapter that a module needs: none if it imports nothing of kPreview1, or is neither a
/// command nor carries a world. Errors: those of decoding; no_component where this program has no
/// adapters.
Result<std::optional<componentize::Adapter>> adapter_for(Bytes module);

}  // namespace sedge::adapters

#endif  // SEDGE_ADAPTERS_BUILTIN_H_
