// The custom section "package-docs": documentation and gates of a package in binary form, as JSON.
#ifndef SEDGE_COMPONENTIZE_PACKAGE_DOCS_H_
#define SEDGE_COMPONENTIZE_PACKAGE_DOCS_H_

#include <string>
#include <string_view>

#include "wit/model.h"

namespace sedge::componentize {

inline constexpr std::string_view kPackageDocs = "package-docs";

/// The section's content: a version byte, then an object.
std::string write_package_docs(const wit::Resolve& resolve, wit::PackageId package);
/// Adds what the section says. Anything in it that fits nothing, or is malformed, is left out: it
/// is no part of what the package means.
void read_package_docs(wit::Resolve& resolve, wit::PackageId package, std::string_view content);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_PACKAGE_DOCS_H_
