// Resolved packages as WIT text, in one canonical form.
#ifndef SEDGE_WIT_PRINT_H_
#define SEDGE_WIT_PRINT_H_

#include <string>

#include "wit/model.h"

namespace sedge::wit {

/// The text of one package: interfaces, then worlds with everything that they import by
/// implication.
std::string print_package(const Resolve& resolve, PackageId package);
/// The text of `root` and, as nested packages behind it, of all others: one file that stands alone.
std::string print_all(const Resolve& resolve, PackageId root);
/// "list<tuple<u32, error>>", as it would be written beside its definition.
std::string print_type(const Resolve& resolve, const Type& type);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_PRINT_H_
