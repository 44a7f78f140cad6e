// WIT from files and folders (WIT.md, "Filesystem structure").
#ifndef SEDGE_WIT_LOAD_H_
#define SEDGE_WIT_LOAD_H_

#include <functional>
#include <string>
#include <vector>

#include "wit/resolver.h"

namespace sedge::wit {

/// Adds the package that a component file (binary or text) carries to a Resolve.
using ComponentDecoder =
    std::function<Result<PackageId>(Resolve& resolve, const std::string& path)>;

struct LoadOptions {
  Gates gates;
  /// For .wasm and .wat files in `deps`; without it they are refused.
  ComponentDecoder decoder;
  /// More folders of packages, each like the folder `deps` beside a package's own files.
  std::vector<std::string> deps;
};

struct Loaded {
  Resolve resolve;
  PackageId root = kNone;
};

/// Resolves a .wit file, or a folder of them with dependencies in its folder `deps`. Errors:
/// file_not_found and others of reading, limit_exceeded, wit_syntax, wit_invalid.
Result<Loaded> load(const std::string& path, const LoadOptions& options);
/// Resolves one text that stands alone; `path` is its name in messages.
Result<Loaded> load_text(std::string path, std::string text, const Gates& gates);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_LOAD_H_
