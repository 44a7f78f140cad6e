// Resolved packages as JSON, in the form that WIT tools share.
#ifndef SEDGE_WIT_JSON_H_
#define SEDGE_WIT_JSON_H_

#include <string>

#include "wit/model.h"

namespace sedge::wit {

/// One object with `worlds`, `interfaces`, `types` and `packages`, which refer to each other by
/// index; indented, with a newline at the end.
std::string to_json(const Resolve& resolve);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_JSON_H_
