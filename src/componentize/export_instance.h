// An exported interface as an instance whose types have names: a nested component takes the lifted
// functions and the types that they use, and exports both as the interface has them.
#ifndef SEDGE_COMPONENTIZE_EXPORT_INSTANCE_H_
#define SEDGE_COMPONENTIZE_EXPORT_INSTANCE_H_

#include <map>

#include "componentize/wit_types.h"

namespace sedge::componentize {

/// Defines the instance in `builder`. `types` says where the interface's types are in its scope,
/// `functions` where the lifted functions are. Returns the instance's index.
uint32_t export_instance(const wit::Resolve& resolve, Storage& storage, Builder& builder,
                         WitTypes& types, wit::InterfaceId interface,
                         const std::map<std::string, uint32_t>& functions);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_EXPORT_INSTANCE_H_
