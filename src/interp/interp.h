// The interpreter: register code lowered lazily per function from validated bodies, run by handlers
// that tail-call each other. The reference for every other tier.
#ifndef SEDGE_INTERP_INTERP_H_
#define SEDGE_INTERP_INTERP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <sedge/error.h>

#include "vm/builtin.h"
#include "vm/layout.h"
#include "vm/native.h"
#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge::interp {

struct FuncCode;  // register code of one function; immutable once published

/// Makes native code of functions before they run for the first time.
class FirstCallCompiler {
 public:
  /// Compiles a defined function and calls ModuleCode::publish; or does nothing, and the
  /// interpreter runs it. Thread-safe.
  virtual void compile_first(uint32_t func_index) = 0;

 protected:
  ~FirstCallCompiler() = default;
};

/// Modes that are compiled into code.
struct CodeOptions {
  bool fuel = false;           ///< count fuel: one unit for each operator executed but nop, block,
                               ///< loop, end, else, drop; charged per straight-line run
  bool interruptible = false;  ///< poll Context::interrupt at loop headers and function entries
  bool native = false;         ///< functions have slots: native code may be published
  int32_t heat = 0;            ///< with `native`: a function that is entered or loops this often
                               ///< calls Builtins::hot; 0: never
  FirstCallCompiler* first_call = nullptr;  ///< with `native`; borrowed; null: the interpreter
};

/// Code of one module, shared by its instances and by threads. Borrows module and types.
class ModuleCode {
 public:
  ModuleCode(const wasm::Module& module, const wasm::TypeSet& types, CodeOptions options);
  ~ModuleCode();
  ModuleCode(const ModuleCode&) = delete;
  ModuleCode& operator=(const ModuleCode&) = delete;

  const wasm::Module& module() const;
  const wasm::TypeSet& types() const;
  const CodeOptions& options() const;
  /// Code of defined function `index` (function index space), lowered on first use; thread-safe.
  /// Never fails on a validated module but for frames beyond 65,535 cells: limit_exceeded.
  Result<const FuncCode*> get(uint32_t index);
  /// Slots of the defined functions; null without CodeOptions::native.
  vm::NativeSlot* native_slots() const;
  /// From now on calls of defined function `index` go to native code, from the interpreter too.
  /// `frame_cells`: of that code. Thread-safe; the code outlives this object's instances.
  void publish(uint32_t index, vm::NativeEntry entry, uint32_t frame_cells);

  const void* owner = nullptr;  ///< the engine's record of the module
  struct Impl;                  ///< the interpreter's own
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Calls a function (wasm or host) with its arguments in args[0..]; results overwrite them (room
/// for the larger of both). Re-entrant through host functions. On Exit other than returned the
/// context says why; its stacks are as before the call, and the trap place is kept for `backtrace`.
vm::Exit invoke(vm::Context& context, vm::Func& func, vm::Cell* args);

/// Initial entry of every slot: native code calls a function that the interpreter runs.
vm::Exit SEDGE_NATIVE_CONVENTION enter(vm::Context* context, vm::Instance* instance, vm::Cell* fp,
                                       uint8_t* memory, uint32_t index, vm::Func* func);
/// The slot of all host functions.
vm::NativeSlot* host_slot();

/// One frame of the last trap or uncaught exception, innermost first.
struct TraceEntry {
  const ModuleCode* module;
  uint32_t func_index;
  uint64_t offset;  ///< of the instruction in the module binary
};
/// The backtrace captured when the last call ended with Exit::trap, exception or host_error: the
/// innermost vm::kMaxTrace frames, of all tiers.
std::vector<TraceEntry> take_backtrace(vm::Context& context);

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_INTERP_H_
