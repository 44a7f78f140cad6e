// Objects of a store, their limits, and the roots of its garbage collector.
#include "runtime/store_impl.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "runtime/op_helper.h"
#include "runtime/store_mark.h"
#include "vm/native.h"

namespace sedge {
namespace {

uint64_t next_store_id() {
  static std::atomic<uint64_t> counter = 0;
  return ++counter;
}

uint32_t cells_of(const std::vector<ValType>& types) {
  uint32_t cells = 0;
  for (ValType type : types) cells += type.cells();
  return cells;
}

}  // namespace

StoreImpl::StoreImpl(std::shared_ptr<StoreResources> shared, const StoreLimits& store_limits)
    : id(next_store_id()), limits(store_limits), resources(std::move(shared)) {
  const size_t bytes = stack_bytes();
  {
    std::lock_guard lock(resources->stack_mutex);
    std::vector<StackSlot>& free = resources->free_stacks;
    if (!free.empty() && free.back().memory.size() == 2 * bytes) {
      stack_ = std::move(free.back());
      free.pop_back();
    }
  }
  if (!stack_.memory) stack_ = {Mapping::zeroed(2 * bytes)};
  context.store = this;
  context.builtins = &runtime::kBuiltins;
  context.op_helpers = runtime::kOpHelpers;
  if (stack_.memory) {
    context.stack_base = context.sp = stack_.cells();
    context.stack_end = context.stack_base + bytes / sizeof(vm::Cell);
    context.frames_base = context.frame = stack_.frames();
    context.frames_end = context.frames_base + bytes / sizeof(vm::FrameRecord);
  }  // else both stacks are empty and every call ends with call_stack_exhausted
  interrupt = std::make_shared<InterruptState>();
  interrupt->context = &context;
}

size_t StoreImpl::stack_bytes() const {
  size_t bytes = std::clamp<uint64_t>(limits.stack_bytes, 64 * 1024, 1ull << 30);
  return (bytes + page_size() - 1) & ~(page_size() - 1);
}

StoreImpl::~StoreImpl() {
  if (before_end) before_end();
  {
    std::lock_guard lock(interrupt->mutex);
    interrupt->context = nullptr;
  }
  data.clear();
  for (auto& instance : instances) {
    if (instance->home == nullptr) continue;
    std::shared_ptr<InstancePool> home = std::move(instance->home);
    home->give(std::move(instance));
  }
  constexpr size_t kMaxFreeStacks = 64;
  if (!stack_.memory || !stack_.trim()) return;
  std::lock_guard lock(resources->stack_mutex);
  std::vector<StackSlot>& free = resources->free_stacks;
  if (!free.empty() && free.back().memory.size() != stack_.memory.size()) free.clear();
  if (free.size() < kMaxFreeStacks) free.push_back(std::move(stack_));
}

bool StackSlot::trim() {
  // What shallow calls use stays: their pages would only be missed.
  constexpr size_t kKeptCells = 16 * 1024;
  constexpr size_t kKeptFrames = 4 * 1024;
  constexpr uint32_t kUses = 16;
  static_assert(kKeptFrames % sizeof(vm::FrameRecord) == 0);
  // Records lie side by side, so calls that went beyond this one have written it.
  const bool deep = frames()[kKeptFrames / sizeof(vm::FrameRecord)].return_pc != nullptr;
  if (++uses % kUses != 0 && !deep) return true;
  const size_t half = memory.size() / 2;
  return memory.discard(kKeptCells, half) && memory.discard(half + kKeptFrames, memory.size());
}

Result<runtime::GcHeap*> StoreImpl::heap() {
  if (!heap_) {
    runtime::GcHeap::Options options;
    options.max_bytes = std::min<uint64_t>(limits.gc_heap_bytes, options.max_bytes);
    SEDGE_TRY_ASSIGN(heap_, runtime::GcHeap::create(registry(), *this, context.gc_hole, options));
    context.gc_base = heap_->base();
  }
  return heap_.get();
}

void StoreImpl::drop_heap() {
  heap_.reset();
  context.gc_base = nullptr;
  context.gc_hole = {};
}

void StoreImpl::renew_interrupt() {
  std::function<void()> on_raise;
  {
    std::lock_guard lock(interrupt->mutex);
    interrupt->context = nullptr;
    on_raise = std::move(interrupt->on_raise);
  }
  interrupt = std::make_shared<InterruptState>();
  interrupt->context = &context;
  interrupt->on_raise = std::move(on_raise);
  context.interrupt.store(0, std::memory_order_relaxed);
}

void StoreImpl::visit_roots(runtime::RootVisitor& visitor) {
  visitor.cells(context.stack_base, context.sp);
  for (const runtime::Activation* stack = parked; stack; stack = stack->next)
    visitor.cells(stack->stack_base, stack->sp);
  visitor.ref(context.exception);
  visitor.ref(pending_exception);
  for (GlobalImpl* global : globals)
    if (global->type.value.is_ref()) visitor.cells(global->value, global->value + 1);
  auto visit_table = [&visitor](const TableImpl& table) {
    if (!table.holds_funcs) visitor.cells(table.elements, table.elements + table.size);
  };
  for (const auto& table : tables) visit_table(*table);
  for (const auto& instance : instances) {
    for (size_t i = 0; i < instance->syntax->globals.size() && instance->own_globals; ++i) {
      GlobalImpl& global = instance->own_globals[i];
      if (global.type.value.is_ref()) visitor.cells(global.value, global.value + 1);
    }
    if (!instance->tables_filled) continue;
    for (const auto& table : instance->own_tables) visit_table(*table);
    for (size_t i = 0; i < instance->syntax->elems.size(); ++i) {
      auto [items, count] = instance->elem_storage[i];
      visitor.cells(items, items + count);
    }
  }
  std::erase_if(roots, [&visitor](const std::weak_ptr<RootedRef>& weak) {
    auto root = weak.lock();
    if (root) visitor.ref(root->ref);
    return !root;
  });
}

std::shared_ptr<RootedRef> StoreImpl::root(vm::GcRef ref) {
  if (ref == 0 || (ref & 1) != 0) return nullptr;
  // Forget dead handles now and then, so that the list stays proportional to the live ones.
  if (roots.size() >= 64 && (roots.size() & (roots.size() - 1)) == 0)
    std::erase_if(roots, [](const std::weak_ptr<RootedRef>& weak) { return weak.expired(); });
  auto root = std::make_shared<RootedRef>(RootedRef{ref});
  roots.push_back(root);
  return root;
}

Result<void> StoreImpl::admit_memory(const MemoryType& type) {
  if (memories_in_use + shared_memories.size() >= limits.memories)
    return fail(ErrorCode::instance_limit,
                fmt::format(": the store may hold {} memories", limits.memories));
  unsigned __int128 wanted = static_cast<unsigned __int128>(type.limits.min) << type.page_size_log2;
  if (wanted > limits.memory_bytes - std::min(limits.memory_bytes, memory_bytes)) {
    return fail(ErrorCode::out_of_memory,
                fmt::format(": the module asks for {} pages ({} bytes) of memory at the start, the "
                            "limit is {} bytes",
                            type.limits.min,
                            wanted > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(wanted),
                            limits.memory_bytes));
  }
  ++memories_in_use;
  memory_bytes += static_cast<uint64_t>(wanted);
  return {};
}

Result<std::unique_ptr<runtime::LinearMemory>> StoreImpl::make_memory(
    const MemoryType& type, std::shared_ptr<const PageImage> image) {
  SEDGE_TRY(admit_memory(type));
  auto memory = runtime::LinearMemory::create(type, resources->memories, std::move(image));
  if (!memory) {
    --memories_in_use;
    memory_bytes -= type.limits.min << type.page_size_log2;
  }
  return memory;
}

std::shared_ptr<const PageImage> StoreImpl::next_image() const {
  size_t made = 0;
  for (const auto& instance : instances) made += instance->own_memories.size();
  return starts_from && made < starts_from->size() ? (*starts_from)[made] : nullptr;
}

Result<runtime::LinearMemory*> StoreImpl::new_memory(const MemoryType& type) {
  SEDGE_TRY_ASSIGN(auto memory, make_memory(type));
  memories.push_back(std::move(memory));
  return memories.back().get();
}

runtime::LinearMemory* StoreImpl::add_shared(const std::shared_ptr<SharedMemoryImpl>& memory) {
  if (find_shared(memory->memory.get()) == nullptr) shared_memories.push_back(memory);
  return memory->memory.get();
}

SharedMemoryImpl* StoreImpl::find_shared(const vm::Memory* memory) const {
  for (const auto& shared : shared_memories)
    if (shared->memory.get() == memory) return shared.get();
  return nullptr;
}

Result<void> StoreImpl::admit_table(const TableType& type) {
  if (tables_in_use >= limits.tables)
    return fail(ErrorCode::table_limit,
                fmt::format(": the store may hold {} tables", limits.tables));
  if (type.limits.min > limits.table_elements)
    return fail(ErrorCode::table_limit,
                fmt::format(": the module asks for a table of {} elements, the limit is {}",
                            type.limits.min, limits.table_elements));
  ++tables_in_use;
  return {};
}

Result<std::unique_ptr<TableImpl>> StoreImpl::make_table(const TableType& type, vm::Cell init) {
  SEDGE_TRY(admit_table(type));
  auto table = std::make_unique<TableImpl>();
  table->type = type;
  table->is64 = type.is64;
  table->holds_funcs = vm::is_func_ref(type.element, registry());
  uint64_t address_limit = type.is64 ? UINT64_MAX : UINT32_MAX;
  table->max = std::min(type.limits.max.value_or(address_limit), address_limit);
  table->initial = init;
  table->size = type.limits.min;
  return table;
}

Result<TableImpl*> StoreImpl::new_table(const TableType& type, vm::Cell init) {
  SEDGE_TRY_ASSIGN(auto table, make_table(type, init));
  table->fill();
  tables.push_back(std::move(table));
  return tables.back().get();
}

GlobalImpl* StoreImpl::new_global(const GlobalType& type) {
  auto* global = arena.make<GlobalImpl>();
  global->type = type;
  if (type.value.is_ref()) globals.push_back(global);
  return global;
}

vm::Tag* StoreImpl::new_tag(runtime::Arena& in, wasm::TypeId type) const {
  auto* tag = in.make<vm::Tag>();
  tag->type = type;
  tag->canon = &registry().get(type);
  tag->param_cells = cells_of(tag->canon->type.func.params);
  return tag;
}

vm::Func* StoreImpl::new_func(runtime::Arena& in, wasm::TypeId type) const {
  auto* func = in.make<vm::Func>();
  func->type = type;
  func->canon = &registry().get(type);
  func->param_cells = cells_of(func->canon->type.func.params);
  func->result_cells = cells_of(func->canon->type.func.results);
  return func;
}

std::optional<uint64_t> StoreImpl::grow_memory(vm::Memory& memory, uint64_t delta_pages) {
  auto& linear = static_cast<runtime::LinearMemory&>(memory);
  int shift = memory.page_size_log2;
  uint64_t old_bytes = memory.size.load(std::memory_order_acquire);
  bool overflow = delta_pages > (UINT64_MAX >> shift);
  uint64_t delta = overflow ? UINT64_MAX : delta_pages << shift;
  uint64_t asked = old_bytes + delta < old_bytes ? UINT64_MAX : old_bytes + delta;
  if (!memory.shared && delta > limits.memory_bytes - std::min(limits.memory_bytes, memory_bytes)) {
    refused = RefusedGrowth{asked, limits.memory_bytes, true};
    return std::nullopt;
  }
  if (memory.shared && asked > limits.memory_bytes) {
    refused = RefusedGrowth{asked, limits.memory_bytes, true};
    return std::nullopt;
  }
  auto old_pages = linear.grow(delta_pages);
  if (!old_pages) {
    refused = RefusedGrowth{asked, linear.max_pages() << shift, false};
    return std::nullopt;
  }
  if (!memory.shared) memory_bytes += delta;
  return old_pages;
}

std::optional<uint64_t> StoreImpl::grow_table(TableImpl& table, uint64_t delta, vm::Cell init) {
  uint64_t old_size = table.size;
  uint64_t limit = std::min(table.max, std::max(limits.table_elements, old_size));
  if (delta > limit - old_size) return std::nullopt;
  table.storage.resize(old_size + delta, init);
  table.elements = table.storage.data();
  table.size = old_size + delta;
  return old_size;
}

vm::Func* StoreImpl::func_ref(InstanceImpl& instance, uint32_t index) {
  if (index < instance.imported_func_count) return instance.imported_funcs[index];
  uint32_t defined = index - instance.imported_func_count;
  runtime::Arena& arena = instance.arena;
  if (instance.func_chunks == nullptr)
    instance.func_chunks =
        arena.array<vm::Func*>((instance.syntax->funcs.size() + kFuncChunk - 1) / kFuncChunk);
  vm::Func*& chunk = instance.func_chunks[defined / kFuncChunk];
  if (chunk == nullptr) chunk = arena.array<vm::Func>(kFuncChunk);
  vm::Func& func = chunk[defined % kFuncChunk];
  if (func.canon == nullptr) {
    wasm::TypeIdx type_index = instance.syntax->funcs[defined].type_index;
    func.instance = &instance;
    func.index = index;
    if (instance.slots != nullptr) func.slot = &instance.slots[defined];
    func.type = instance.type_set->id(type_index);
    func.canon = &instance.type_set->type(type_index);
    func.param_cells = cells_of(func.canon->type.func.params);
    func.result_cells = cells_of(func.canon->type.func.results);
  }
  return &func;
}

bool StoreImpl::reserves(const void* address) const {
  for (const auto& instance : instances)
    for (const auto& memory : instance->own_memories)
      if (memory->reserves(address)) return true;
  for (const auto& memory : memories)
    if (memory->reserves(address)) return true;
  for (const auto& shared : shared_memories)
    if (shared->memory->reserves(address)) return true;
  return false;
}

bool StoreImpl::should_stop() const {
  if ((context.interrupt.load(std::memory_order_relaxed) & vm::kInterruptKill) != 0) return true;
  return deadline && std::chrono::steady_clock::now() >= *deadline;
}

}  // namespace sedge
