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

#include "engine/code_tools.h"
#include "engine/deadline_clock.h"
#include "engine/native_image.h"
#include "engine/sedgec.h"
#include "engine/tier_up.h"
#include "engine/tiers.h"
#include "engine/warm_instances.h"
#include "interp/interp.h"
#include "runtime/store_impl.h"
#include "wasm/module.h"
#include "wasm/text/text.h"
#include "wasm/type_registry.h"
#include "wasm/validate/validate.h"

namespace sedge {

struct EngineImpl {
  Config config;
  TierPlan tiers;
  std::shared_ptr<StoreResources> resources;
  DeadlineClock deadlines;
  Sedgec sedgec;
  std::unique_ptr<CodeTools> tools;  ///< null: nobody asks
  TierUp tier_up{config};            ///< ends first
};

/// Lines of a module that was assembled from text.
struct TextPositions {
  wasm::SourceMap map;
  std::vector<uint64_t> bodies;  ///< offset of each body in the binary
  /// The line of the instruction at a binary offset, or nothing.
  std::optional<Location> find(uint64_t offset) const;
};

struct ModuleImpl {
  /// Makes a module of what has been decoded from bytes that `owner` keeps and been validated, with
  /// the engine's features and registry.
  static Module from_validated(const Engine& engine, wasm::Module syntax, wasm::TypeSet types,
                               std::shared_ptr<const void> owner);

  std::shared_ptr<EngineImpl> engine;
  std::shared_ptr<const void> bytes_owner;
  wasm::Module syntax;
  wasm::TypeSet types;
  std::unique_ptr<interp::ModuleCode> code;
  std::unique_ptr<ModuleTiers> tiers;  ///< null: the interpreter only
  std::vector<std::string> notes;
  std::vector<ImportType> imports;
  std::vector<ExportType> exports;
  std::unordered_map<std::string_view, uint32_t> export_index;  ///< into exports
  std::optional<uint32_t> default_memory;  ///< index of the one exported as "memory"
  std::unique_ptr<TextPositions> text;
  std::string name;

  static Module make_handle(std::shared_ptr<ModuleImpl> impl) { return Module(std::move(impl)); }
  /// The name of a function for backtraces: name section, export, or empty.
  std::string func_name(uint32_t index) const;
  /// A function's code for profilers and debuggers: its name and what made it.
  CodeSymbol symbol(uint32_t func_index, std::string_view tier,
                    std::span<const uint8_t> bytes) const;
};

/// A host function: shared by every store that uses it.
struct HostFunc {
  FuncType type;
  wasm::TypeSet types;  ///< its canonical type, index 0
  HostEntry entry = nullptr;
  std::shared_ptr<void> env;
  static std::shared_ptr<HostFunc> make(const EngineImpl& engine, const FuncType& type,
                                        HostEntry entry, std::shared_ptr<void> env);
  static std::shared_ptr<HostFunc> make(const EngineImpl& engine, const FuncType& type,
                                        RawHostCallback callback);
};

/// Adapts a callback on values to cells.
RawHostCallback adapt_values(const FuncType& type, HostCallback callback);

/// A vm::Func of `store`, in `arena`, that calls `host`.
vm::Func* host_func(StoreImpl& store, runtime::Arena& arena, const std::shared_ptr<HostFunc>& host);

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

/// Instantiates with already checked imports given as vm pointers, in import order. `warm` (may be
/// null) learns from it.
Result<Instance> instantiate(Store& store, const std::shared_ptr<ModuleImpl>& module,
                             std::span<void* const> imports, WarmInstances* warm);
/// Gives the store a warm instance, or makes one that will be. `warm` has learnt.
Result<Instance> instantiate_warm(Store& store, const std::shared_ptr<ModuleImpl>& module,
                                  const std::shared_ptr<WarmInstances>& warm);

/// Whether anything of the module has to be filled in before its code runs.
bool has_tables(const wasm::Module& syntax);
/// Sets an instance's data segments to what they are once the active ones were written.
void set_datas(InstanceImpl& instance);
/// Fills what StoreImpl::tables_to_fill announces.
Result<void> fill_all_tables(StoreImpl& store);

}  // namespace sedge

#endif  // SEDGE_ENGINE_ENGINE_IMPL_H_
