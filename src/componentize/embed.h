// A world into a core module (`sedge component embed`).
#ifndef SEDGE_COMPONENTIZE_EMBED_H_
#define SEDGE_COMPONENTIZE_EMBED_H_

#include "base/reader.h"
#include "componentize/wit_encode.h"

namespace sedge::componentize {

/// The module with a custom section for `world` behind everything else. Errors: those of decoding.
Result<std::vector<uint8_t>> embed(const wit::Resolve& resolve, wit::WorldId world, Bytes module,
                                   StringEncoding encoding);

/// The world called `name` ("command", or "wasi:cli/command@0.2.0"); without a name, the only one
/// of the package. Error: bad_argument, naming the worlds that there are.
Result<wit::WorldId> select_world(const wit::Resolve& resolve, wit::PackageId package,
                                  std::string_view name);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_EMBED_H_
