// C++ host interfaces from WIT: abstract classes that the host implements, the types that they use,
// and the glue that puts an implementation into a ComponentLinker (include/sedge/host.h).
#ifndef SEDGE_WIT_BINDGEN_H_
#define SEDGE_WIT_BINDGEN_H_

#include <optional>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "wit/model.h"

namespace sedge::wit {

struct BindgenOptions {
  std::string name_space = "bindings";
  /// Whose imports are wanted; without it the root's only world, or else all interfaces.
  std::optional<std::string> world;
};

struct GeneratedFile {
  std::string path;  ///< "wasi/io/streams.h", below the folder of the output
  std::string text;
};

/// A header for each interface that the world imports (SPACE/PACKAGE/INTERFACE.h), one for
/// functions and types of the world itself (SPACE/PACKAGE/WORLD.h), and a source file for each
/// package (SPACE/PACKAGE.cc). Errors: bad_argument for an unknown world, wit_invalid for what has
/// no C++ form, limit_exceeded.
Result<std::vector<GeneratedFile>> generate_bindings(const Resolve& resolve, PackageId root,
                                                     const BindgenOptions& options);

/// Writes them below `folder`, which is made; a file that has this text already is left alone.
Result<void> write_bindings(const std::vector<GeneratedFile>& files, const std::string& folder);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_BINDGEN_H_
