// Where a module's optimised code comes from when it is loaded: its own file, the cache, sedgec.
#ifndef SEDGE_ENGINE_OPTIMIZED_CODE_H_
#define SEDGE_ENGINE_OPTIMIZED_CODE_H_

#include <optional>

#include <sedge/engine.h>

#include "engine/tiers.h"
#include "vm/code_cache.h"

namespace sedge {

struct ModuleImpl;
struct Wanted;

/// Gives the module optimised code where the configuration asks for that; says in its notes why
/// not.
void optimize(ModuleImpl& module);

/// The cache of this configuration, if it has one that can be used; what is wrong with it is said
/// once.
std::optional<vm::CodeCache> open_cache(const Config& config, vm::CodeCache::Access access);

/// Puts code from the cache in place if it has all of `entries` (ModuleTiers::add_cached).
bool use_cached(Wanted& wanted, const vm::CodeCache& cache, const ModuleTiers::Entries& entries);

}  // namespace sedge

#endif  // SEDGE_ENGINE_OPTIMIZED_CODE_H_
