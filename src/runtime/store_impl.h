// The inside of a Store: its context, the objects that live in it, limits and roots.
#ifndef SEDGE_RUNTIME_STORE_IMPL_H_
#define SEDGE_RUNTIME_STORE_IMPL_H_

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/store.h>

#include "base/mapping.h"
#include "runtime/arena.h"
#include "runtime/fiber.h"
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
  vm::Cell initial = 0;  ///< what its first elements hold before segments are written
  /// Makes it what it was at first.
  void fill() {
    storage.assign(type.limits.min, initial);
    elements = storage.data();
    size = storage.size();
  }
  /// Makes it hold these.
  void restore(const std::vector<vm::Cell>& cells) {
    storage.assign(cells.begin(), cells.end());
    elements = storage.data();
    size = storage.size();
  }
};
struct GlobalImpl : vm::Global {
  GlobalType type;  ///< canonical
};

/// How a store is stopped from outside; outlives it.
struct InterruptState {
  std::mutex mutex;
  vm::Context* context = nullptr;  ///< null once the store is gone
  std::function<void()> on_raise;  ///< wakes whoever sleeps
  void raise(vm::Interrupt bit) {
    std::lock_guard lock(mutex);
    if (context == nullptr) return;
    context->interrupt.fetch_or(bit, std::memory_order_relaxed);
    if (on_raise) on_raise();
  }
};

/// A store's stacks, recycled through the engine.
struct StackSlot {
  Mapping memory;  ///< first the cells, then as many bytes of frame records
  uint32_t uses = 0;
  vm::Cell* cells() const { return reinterpret_cast<vm::Cell*>(memory.data()); }
  vm::FrameRecord* frames() const {
    return reinterpret_cast<vm::FrameRecord*>(memory.data() + memory.size() / 2);
  }
  /// Gives most of the pages back if calls went deep, and now and then in any case. False if the
  /// system refuses.
  bool trim();
};

/// What stores need from their engine; owned by it and shared.
struct StoreResources {
  std::shared_ptr<wasm::TypeRegistry> registry;
  std::shared_ptr<runtime::MemoryPool> memories;
  std::mutex stack_mutex;
  std::vector<StackSlot> free_stacks;  ///< all of one size
  runtime::FiberPool fibers;
  /// Builtins::hot, where the engine has tiers.
  const void* (*hot)(vm::Instance* instance, uint32_t func, uint32_t loop) = nullptr;
};

struct StoreImpl;
struct InstanceImpl;
namespace runtime {
class StoreMark;
}

/// Instances of one module that can be used again, one store after the other. Thread-safe.
class InstancePool {
 public:
  virtual ~InstancePool() = default;
  /// Takes an instance whose store is gone.
  virtual void give(std::unique_ptr<InstanceImpl> instance) = 0;
};

/// One instance and all that it defines: the part that compiled code sees, and what only the
/// runtime needs.
struct InstanceImpl : vm::Instance {
  StoreImpl* store = nullptr;
  const wasm::Module* syntax = nullptr;
  const wasm::TypeSet* type_set = nullptr;
  std::shared_ptr<const void> module;  ///< engine's ModuleImpl: keeps syntax, types and code alive
  vm::Func** func_chunks = nullptr;    ///< made on demand; kFuncChunk functions each
  std::pair<vm::Cell*, uint64_t>* elem_storage = nullptr;  ///< items of element segments, for roots
  GlobalImpl* own_globals = nullptr;                       ///< those that it defines
  vm::Cell* initial_globals = nullptr;  ///< two cells for each of them, where it can be used again
  std::vector<std::unique_ptr<runtime::LinearMemory>> own_memories;  ///< but for shared ones
  std::vector<std::unique_ptr<TableImpl>> own_tables;
  runtime::Arena arena;  ///< of arrays, functions, globals and tags

  std::shared_ptr<InstancePool> home;  ///< where it goes when its store ends; null: nowhere
  /// False: elements of its tables and segments are to be written before any code of the store
  /// runs.
  bool tables_filled = true;
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

  runtime::Fiber* fiber = nullptr;        ///< what runs; null: on the stack of who uses the store
  runtime::Activation* parked = nullptr;  ///< stacks of the store that do not run
  uint32_t fibers_in_use = 0;
  uint32_t fiber_limit = 10'000;
  /// Called before anything of the store goes: ends what waits on fibers.
  std::function<void()> before_end;

  runtime::Arena arena;  ///< of what the host makes; an instance has its own
  std::vector<std::unique_ptr<InstanceImpl>> instances;
  /// Not null: what the memories of instances hold from the start, data segments written.
  std::shared_ptr<const PageImages> starts_from;
  bool tables_to_fill = false;   ///< some instance has InstanceImpl::tables_filled unset
  uint32_t memories_in_use = 0;  ///< those of instances and of the host
  uint32_t tables_in_use = 0;
  // Made by the host.
  std::vector<std::unique_ptr<runtime::LinearMemory>> memories;
  std::vector<std::shared_ptr<SharedMemoryImpl>> shared_memories;
  std::vector<std::unique_ptr<TableImpl>> tables;
  std::vector<GlobalImpl*> globals;               ///< in the arena
  std::vector<std::shared_ptr<const void>> kept;  ///< host functions and types in use
  std::vector<wasm::TypeSet> type_sets;           ///< types of host-made functions and tags
  std::vector<std::weak_ptr<RootedRef>> roots;
  std::vector<std::pair<const void*, std::shared_ptr<void>>> data;
  std::unique_ptr<runtime::StoreMark> mark;  ///< what it can be brought back to; null: nothing

  const wasm::TypeRegistry& registry() const { return *resources->registry; }
  /// Bytes of cells of its stacks, and of frame records.
  size_t stack_bytes() const;
  /// The heap, made on first use. Error: gc_heap_exhausted.
  Result<runtime::GcHeap*> heap();
  runtime::GcHeap* heap_if_any() const { return heap_.get(); }
  /// Ends the heap, of which nothing is referred to any more.
  void drop_heap();
  /// Whoever could stop the store until now cannot any more.
  void renew_interrupt();
  void visit_roots(runtime::RootVisitor& visitor) override;
  /// Keeps `ref` alive while the result lives.
  std::shared_ptr<RootedRef> root(vm::GcRef ref);

  // Making objects; types are canonical. Errors: out_of_memory, table_limit, instance_limit.
  /// Counts a memory or table of this type as one of the store's, if the limits allow it.
  Result<void> admit_memory(const MemoryType& type);
  Result<void> admit_table(const TableType& type);
  /// `image`: as LinearMemory::create. The caller owns what these two make.
  Result<std::unique_ptr<runtime::LinearMemory>> make_memory(
      const MemoryType& type, std::shared_ptr<const PageImage> image = nullptr);
  Result<std::unique_ptr<TableImpl>> make_table(const TableType& type, vm::Cell init);
  /// Of `starts_from`, for the memory of an instance that is made next.
  std::shared_ptr<const PageImage> next_image() const;
  Result<runtime::LinearMemory*> new_memory(const MemoryType& type);
  runtime::LinearMemory* add_shared(const std::shared_ptr<SharedMemoryImpl>& memory);
  SharedMemoryImpl* find_shared(const vm::Memory* memory) const;
  Result<TableImpl*> new_table(const TableType& type, vm::Cell init);
  GlobalImpl* new_global(const GlobalType& type);
  vm::Tag* new_tag(runtime::Arena& in, wasm::TypeId type) const;
  vm::Func* new_func(runtime::Arena& in, wasm::TypeId type) const;

  /// memory.grow under the store's limit; the old size in pages or nothing.
  std::optional<uint64_t> grow_memory(vm::Memory& memory, uint64_t delta_pages);
  std::optional<uint64_t> grow_table(TableImpl& table, uint64_t delta, vm::Cell init);
  /// The function object of an instance's function, made on first use.
  static vm::Func* func_ref(InstanceImpl& instance, uint32_t index);
  /// Trap with this code: sets the context and gives Exit::trap.
  vm::Exit trap(wasm::TrapCode code) {
    context.trap = code;
    return vm::Exit::trap;
  }
  /// Whether waiting host functions must stop now.
  bool should_stop() const;
  /// Whether an address lies in what is reserved for one of the memories; for signal handlers.
  bool reserves(const void* address) const;

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
