// The insides of Engine, Module, host functions and prelinked instances.
#ifndef SEDGE_ENGINE_ENGINE_IMPL_H_
#define SEDGE_ENGINE_ENGINE_IMPL_H_

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <sedge/extern.h>
#include <sedge/linker.h>

#include "engine/deadline_clock.h"
#include "interp/interp.h"
#include "runtime/store_impl.h"
#include "wasm/module.h"
#include "wasm/text/text.h"
#include "wasm/type_registry.h"
#include "wasm/validate/validate.h"

namespace sedge {

struct EngineImpl {
  Config config;
  std::shared_ptr<StoreResources> resources;
  DeadlineClock deadlines;
};

/// Lines of a module that was assembled from text.
struct TextPositions {
  wasm::SourceMap map;
  std::vector<uint64_t> bodies;  ///< offset of each body in the binary
  /// The line of the instruction at a binary offset, or nothing.
  std::optional<Location> find(uint64_t offset) const;
};

struct ModuleImpl {
  std::shared_ptr<EngineImpl> engine;
  std::shared_ptr<const void> bytes_owner;
  wasm::Module syntax;
  wasm::TypeSet types;
  std::unique_ptr<interp::ModuleCode> code;
  std::vector<ImportType> imports;
  std::vector<ExportType> exports;
  std::unordered_map<std::string_view, uint32_t> export_index;  ///< into exports
  std::optional<uint32_t> default_memory;  ///< index of the one exported as "memory"
  std::unique_ptr<TextPositions> text;
  std::string name;

  static Module make_handle(std::shared_ptr<ModuleImpl> impl) { return Module(std::move(impl)); }
  /// The name of a function for backtraces: name section, export, or empty.
  std::string func_name(uint32_t index) const;
};

/// A host function: shared by every store that uses it.
struct HostFunc {
  FuncType type;
  wasm::TypeSet types;  ///< its canonical type, index 0
  RawHostCallback callback;
  static std::shared_ptr<HostFunc> make(const EngineImpl& engine, const FuncType& type,
                                        RawHostCallback callback);
};

/// Adapts a callback on values to cells.
RawHostCallback adapt_values(const FuncType& type, HostCallback callback);

/// A vm::Func of `store` that calls `host`.
vm::Func* host_func(StoreImpl& store, const std::shared_ptr<HostFunc>& host);

/// Turns how a call ended into a Result: traps get their backtrace.
Result<void> finish_call(StoreImpl& store, vm::Exit exit);
/// The error of a trap code with the backtrace of the last call.
Error trap_error(StoreImpl& store);

/// Compares an import's declared type with what is given; the type of the given as text on
/// mismatch.
Result<void> check_import(StoreImpl& store, const ModuleImpl& module, size_t import,
                          const Extern& given);
/// Matching of function and memory types when no store object exists yet (InstancePre).
bool limits_match(const Limits& actual, const Limits& wanted);
Error incompatible_import(const ImportType& import, const std::string& given);

/// Instantiates with already checked imports given as vm pointers, in import order.
Result<Instance> instantiate(Store& store, const std::shared_ptr<ModuleImpl>& module,
                             const std::vector<void*>& imports);

}  // namespace sedge

#endif  // SEDGE_ENGINE_ENGINE_IMPL_H_
