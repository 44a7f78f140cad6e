// Which code runs a module's functions: the interpreter at first, native code of the baseline
// compiler once a function is hot, or from its first call on, optimised code as soon as there is
// some.
#ifndef SEDGE_ENGINE_TIERS_H_
#define SEDGE_ENGINE_TIERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sedge/engine.h>

#include "engine/code_tools.h"
#include "engine/native_image.h"
#include "engine/tier_up.h"
#include "interp/interp.h"
#include "runtime/code_memory.h"
#include "runtime/linear_memory.h"
#include "vm/code_cache.h"
#include "vm/native.h"

namespace sedge {

/// What Config::tier comes to in this build.
struct TierPlan {
  bool native = false;      ///< functions have slots, memories guard pages
  bool first_call = false;  ///< everything is compiled at its first call
  int32_t heat = 0;  ///< calls and loops until the interpreter asks for native code; 0: never

  /// Error: unsupported_file for a tier that this build does not have.
  static Result<TierPlan> make(const Config& config);
  /// What code is compiled with.
  interp::CodeOptions code_options(const Config& config) const;
};

struct EngineImpl;

/// Native code of one module. Thread-safe.
class ModuleTiers final : public interp::FirstCallCompiler {
 public:
  /// `code` is set by `attach` before the first call.
  explicit ModuleTiers(EngineImpl& engine) : engine_(engine) {}
  ~ModuleTiers();
  ModuleTiers(const ModuleTiers&) = delete;
  ModuleTiers& operator=(const ModuleTiers&) = delete;
  void attach(interp::ModuleCode& code);

  void compile_first(uint32_t func_index) override { compile(func_index); }
  /// Builtins::hot.
  const void* hot(uint32_t func_index, uint32_t loop);

  /// Puts optimised code in place: calls go there from now on, loops that run in other code at
  /// their next round where it has an entry.
  void add(std::unique_ptr<NativeImage> image);
  /// The same out of an artifact that was not checked: why not, or empty.
  std::string add_artifact(Bytes file, const vm::ArtifactMode& mode);
  /// The same out of the cache; false if it has not all of `entries`: functions and ordinals of
  /// loops, UINT32_MAX for their starts.
  using Entries = std::vector<std::pair<uint32_t, uint32_t>>;
  bool add_cached(vm::CachedCode code, const vm::ArtifactMode& mode, const Entries& entries = {});
  bool has_optimized() const { return optimized_.load(std::memory_order_acquire) != nullptr; }

  /// What to optimise next. `funcs`, ascending: what was optimised before, and of `wanted` what has
  /// counted the most for each byte of its body, up to `most_bytes` of bodies, or as many as there
  /// were before, but at least one; with all of it everything that was compiled, if that comes to
  /// at most `warm_bytes`. `all`: nothing of `wanted` is left for later.
  struct Portion {
    std::vector<uint32_t> funcs;
    bool all = true;
  };
  Portion worth_optimizing(const std::set<uint32_t>& wanted, size_t warm_bytes, size_t most_bytes);
  size_t body_bytes(const std::vector<uint32_t>& funcs) const;
  /// Of the functions that the newest optimised code has.
  size_t optimized_bytes() const;

 private:
  struct Compiled {
    const uint8_t* code = nullptr;                     ///< null: it stays with the interpreter
    std::vector<std::pair<uint32_t, uint32_t>> loops;  ///< as baseline::FunctionCode says
  };
  /// The function's code, made if need be, and whether it was.
  std::pair<const Compiled*, bool> compile(uint32_t func_index);
  Compiled make(uint32_t func_index);
  void expect_optimized();
  void tell_tools(Tier tier, std::span<const std::pair<uint32_t, std::span<const uint8_t>>> pieces);
  vm::NativeSlot& slot(uint32_t func_index) const;

  EngineImpl& engine_;
  interp::ModuleCode* code_ = nullptr;
  std::mutex mutex_;  ///< held while compiling and publishing: a function is compiled once
  std::unique_ptr<runtime::CodeMemory> code_memory_;
  std::unordered_map<uint32_t, Compiled> compiled_;
  std::vector<std::unique_ptr<GdbObject>> gdb_objects_;
  std::vector<std::unique_ptr<NativeImage>> images_;    ///< frames may run in all of them
  std::atomic<const NativeImage*> optimized_{nullptr};  ///< the last of them
  /// Since the first compilation, where code is optimised later: baseline code counts.
  std::shared_ptr<Wanted> wanted_;
};

/// StoreResources::hot.
const void* hot(vm::Instance* instance, uint32_t func, uint32_t loop);

}  // namespace sedge

#endif  // SEDGE_ENGINE_TIERS_H_
