// The inside of a Store: its context, the objects that live in it, limits and roots.
#ifndef SEDGE_RUNTIME_STORE_IMPL_H_
#define SEDGE_RUNTIME_STORE_IMPL_H_

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/store.h>

#include "base/mapping.h"
#include "runtime/arena.h"
#include "runtime/gc_heap.h"
#include "runtime/linear_memory.h"
#include "runtime/wait_queue.h"
#include "vm/builtin.h"
#include "vm/gc_layout.h"
#include "vm/layout.h"
#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge {

/// A GC reference held by the host; in its store's root list while it lives.
struct RootedRef {
  vm::GcRef ref = 0;
};

/// A shared memory and the threads that wait in it.
struct SharedMemoryImpl {
  std::unique_ptr<runtime::LinearMemory> memory;
  runtime::WaitQueue waiters;
};

struct TableImpl : vm::Table {
  TableType type;  ///< canonical
  std::vector<vm::Cell> storage;
  uint64_t max = 0;
};
struct GlobalImpl : vm::Global {
  GlobalType type;  ///< canonical
};

/// How a store is stopped from outside; outlives it.
struct InterruptState {
  std::mutex mutex;
  vm::Context* context = nullptr;  ///< null once the store is gone
  void raise(vm::Interrupt bit) {
    std::lock_guard lock(mutex);
    if (context != nullptr) context->interrupt.fetch_or(bit, std::memory_order_relaxed);
  }
};

/// A store's stacks, recycled through the engine.
struct StackSlot {
  Mapping cells;
  Mapping frames;
};

/// What stores need from their engine; owned by it and shared.
struct StoreResources {
  std::shared_ptr<wasm::TypeRegistry> registry;
  std::shared_ptr<runtime::MemoryPool> memories;
  std::mutex stack_mutex;
  std::vector<StackSlot> free_stacks;  ///< all of `free_stack_bytes`
  size_t free_stack_bytes = 0;
};

struct StoreImpl;

/// One instance: the part that compiled code sees, and what only the runtime needs.
struct InstanceImpl : vm::Instance {
  StoreImpl* store = nullptr;
  const wasm::Module* syntax = nullptr;
  const wasm::TypeSet* type_set = nullptr;
  std::shared_ptr<const void> module;  ///< engine's ModuleImpl: keeps syntax, types and code alive
  vm::Func** func_chunks = nullptr;    ///< made on demand; kFuncChunk functions each
  std::pair<vm::Cell*, uint64_t>* elem_storage = nullptr;  ///< items of element segments, for roots
};
inline constexpr uint32_t kFuncChunk = 16;

struct StoreImpl final : runtime::RootSource {
  StoreImpl(std::shared_ptr<StoreResources> resources, const StoreLimits& limits);
  ~StoreImpl() override;
  StoreImpl(const StoreImpl&) = delete;
  StoreImpl& operator=(const StoreImpl&) = delete;

  static StoreImpl& of(vm::Context& context) { return *static_cast<StoreImpl*>(context.store); }
  static StoreImpl& of(vm::Instance& instance) { return of(*instance.context); }
  static InstanceImpl& impl(vm::Instance& instance) { return static_cast<InstanceImpl&>(instance); }

  vm::Context context;
  Store* facade = nullptr;  ///< the Store that owns this
  uint64_t id = 0;
  StoreLimits limits;
  std::shared_ptr<StoreResources> resources;
  std::shared_ptr<const void> engine;  ///< EngineImpl
  std::shared_ptr<InterruptState> interrupt;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::optional<RefusedGrowth> refused;
  std::optional<Error> pending;     ///< the Error behind Exit::host_error
  vm::GcRef pending_exception = 0;  ///< the exnref behind an uncaught_exception given to a host
  uint64_t memory_bytes = 0;

  runtime::Arena arena;
  std::vector<std::unique_ptr<InstanceImpl>> instances;
  std::vector<std::unique_ptr<runtime::LinearMemory>> memories;
  std::vector<std::shared_ptr<SharedMemoryImpl>> shared_memories;
  std::vector<std::unique_ptr<TableImpl>> tables;
  std::vector<GlobalImpl*> globals;               ///< in the arena
  std::vector<std::shared_ptr<const void>> kept;  ///< host functions and types in use
  std::vector<wasm::TypeSet> type_sets;           ///< types of host-made functions and tags
  std::vector<std::weak_ptr<RootedRef>> roots;
  std::vector<std::pair<const void*, std::shared_ptr<void>>> data;

  const wasm::TypeRegistry& registry() const { return *resources->registry; }
  /// The heap, made on first use. Error: gc_heap_exhausted.
  Result<runtime::GcHeap*> heap();
  runtime::GcHeap* heap_if_any() const { return heap_.get(); }
  void visit_roots(runtime::RootVisitor& visitor) override;
  /// Keeps `ref` alive while the result lives.
  std::shared_ptr<RootedRef> root(vm::GcRef ref);

  // Making objects; types are canonical. Errors: out_of_memory, table_limit, instance_limit.
  Result<runtime::LinearMemory*> new_memory(const MemoryType& type);
  runtime::LinearMemory* add_shared(const std::shared_ptr<SharedMemoryImpl>& memory);
  SharedMemoryImpl* find_shared(const vm::Memory* memory) const;
  Result<TableImpl*> new_table(const TableType& type, vm::Cell init);
  GlobalImpl* new_global(const GlobalType& type);
  vm::Tag* new_tag(wasm::TypeId type);
  vm::Func* new_func(wasm::TypeId type);

  /// memory.grow under the store's limit; the old size in pages or nothing.
  std::optional<uint64_t> grow_memory(vm::Memory& memory, uint64_t delta_pages);
  std::optional<uint64_t> grow_table(TableImpl& table, uint64_t delta, vm::Cell init);
  /// The function object of an instance's function, made on first use.
  vm::Func* func_ref(InstanceImpl& instance, uint32_t index);
  /// Trap with this code: sets the context and gives Exit::trap.
  vm::Exit trap(wasm::TrapCode code) {
    context.trap = code;
    return vm::Exit::trap;
  }
  /// Whether waiting host functions must stop now.
  bool should_stop() const;

 private:
  StackSlot stack_;
  std::unique_ptr<runtime::GcHeap> heap_;
};

namespace runtime {

/// The helpers of builtin.def over StoreImpl.
extern const vm::Builtins kBuiltins;

// Fields of GC objects, by canonical storage type; `cells` holds 1 or 2 cells.
void write_field(uint8_t* at, ValType storage, const Cell* cells,
                 const wasm::TypeRegistry& registry);
void read_field(const uint8_t* at, ValType storage, bool sign_extend, Cell* cells,
                const wasm::TypeRegistry& registry);

/// Evaluates a validated constant expression; the result's cells go to out[0..1]. Errors: traps of
/// GC allocation only.
Result<void> evaluate(InstanceImpl& instance, const wasm::Expr& expr, Cell* out);

/// Whether a reference value matches a canonical reference type.
bool ref_matches(const StoreImpl& store, Cell value, ValType type);

}  // namespace runtime
}  // namespace sedge

#endif  // SEDGE_RUNTIME_STORE_IMPL_H_
