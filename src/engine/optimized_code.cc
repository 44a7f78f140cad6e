// Every way ends at ModuleTiers::add. An artifact out of a file may be damaged, one from the cache
// was checked as a whole.
#include "engine/optimized_code.h"

#include <algorithm>

#include "engine/engine_impl.h"

namespace sedge {
namespace {

/// Uses native code that is in the module's own file.
void use_own(ModuleImpl& impl, const vm::ArtifactMode& mode) {
  const Bytes file = impl.syntax.binary;
  auto refuse = [&impl](const std::string& why) {
    impl.notes.push_back("native code in the module is not used: " + why);
  };
  auto artifact = vm::read_artifact(file);
  if (!artifact) return refuse(artifact.error().message());
  if (vm::content_hash(file.first(artifact->original_size)) != artifact->original_hash)
    return refuse("its checksum is wrong");
  std::string why = impl.tiers->add_artifact(file, mode);
  if (!why.empty()) refuse(why);
}

/// Takes what the cache has; with `whole`, only all of the module.
bool take_cached(ModuleImpl& impl, const vm::CodeCache& cache, const vm::ArtifactMode& mode,
                 bool whole) {
  const Config& config = impl.engine->config;
  auto found = cache.find(vm::CodeCache::code_part(impl.syntax), mode);
  if (!found) {
    if (config.notice) config.notice(true, found.error().message());
    return false;
  }
  if (!*found || (whole && !(*found)->whole)) return false;
  return impl.tiers->add_cached(std::move(**found), mode);
}

void compile_now(ModuleImpl& impl, const vm::ArtifactMode& mode, bool cached) {
  const Config& config = impl.engine->config;
  std::vector<std::string> arguments = sedgec_arguments(vm::host_target(), mode, 3);
  arguments.emplace_back("--code-only");
  if (cached) {
    arguments.insert(arguments.end(), {"--cache", config.cache_folder, "--cache-size",
                                       std::to_string(config.cache_bytes)});
  }
  auto compiled = impl.engine->sedgec.compile(arguments, vm::without_artifact(impl.syntax.binary));
  std::string why;
  if (!compiled) {
    why = compiled.error().message();
  } else {
    if (!compiled->report.empty() && config.notice) config.notice(false, compiled->report);
    why = impl.tiers->add_artifact(compiled->artifact, mode);
  }
  if (!why.empty()) impl.notes.push_back(why + "; going on without optimised code");
}

}  // namespace

std::optional<vm::CodeCache> open_cache(const Config& config, vm::CodeCache::Access access) {
  if (config.cache_folder.empty()) return {};
  auto cache = vm::CodeCache::open(config.cache_folder, access);
  if (!cache) {
    // A folder that cannot be made is no news for a guest that merely started.
    const bool important = cache.error().code() == ErrorCode::bad_artifact;
    if (config.notice) config.notice(important, cache.error().render());
    return {};
  }
  if (!*cache) return {};
  return *std::move(cache);
}

void optimize(ModuleImpl& impl) {
  const Config& config = impl.engine->config;
  const Bytes file = impl.syntax.binary;
  const vm::ArtifactMode mode =
      artifact_mode(impl.syntax, config, *impl.engine->resources->memories);
  const bool has_own = vm::has_artifact(file);
  if (has_own && config.allow_precompiled) {
    use_own(impl, mode);
    if (impl.tiers->has_optimized()) return;
  }
  const bool whole = config.tier == Tier::llvm;
  const bool wanted = !impl.syntax.funcs.empty() && (whole || config.tier == Tier::automatic);
  const bool caches = !config.cache_folder.empty();
  if (wanted) {
    auto cache = open_cache(config, vm::CodeCache::Access::existing);
    if (cache && take_cached(impl, *cache, mode, whole)) return;
  }
  if (has_own && !config.allow_precompiled)
    impl.notes.push_back("native code in the module is not used without --allow-precompiled");
  if (!wanted) return;
  // A folder that is refused now is refused by sedgec as well.
  if (whole) compile_now(impl, mode, caches);
}

bool use_cached(Wanted& wanted, const vm::CodeCache& cache, const ModuleTiers::Entries& entries) {
  auto found = cache.find(wanted.code_part, wanted.mode);
  if (!found || !*found) return false;
  std::lock_guard lock(wanted.mutex);
  return wanted.tiers != nullptr &&
         wanted.tiers->add_cached(std::move(**found), wanted.mode, entries);
}

}  // namespace sedge
