// Objects of a store, their limits, and the roots of its garbage collector.
#include "runtime/store_impl.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

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
  size_t bytes = std::clamp<uint64_t>(limits.stack_bytes, 64 * 1024, 1ull << 30);
  StackSlot stack;
  {
    std::lock_guard lock(resources->stack_mutex);
    if (resources->free_stack_bytes == bytes && !resources->free_stacks.empty()) {
      stack = std::move(resources->free_stacks.back());
      resources->free_stacks.pop_back();
    }
  }
  if (!stack.cells) stack.cells = Mapping::zeroed(bytes);
  if (!stack.frames) stack.frames = Mapping::zeroed(bytes);
  context.store = this;
  context.builtins = &runtime::kBuiltins;
  if (stack.cells && stack.frames) {
    context.stack_base = context.sp = reinterpret_cast<vm::Cell*>(stack.cells.data());
    context.stack_end = context.stack_base + bytes / sizeof(vm::Cell);
    context.frames_base = context.frame = reinterpret_cast<vm::FrameRecord*>(stack.frames.data());
    context.frames_end = context.frames_base + bytes / sizeof(vm::FrameRecord);
  }  // else both stacks are empty and every call ends with call_stack_exhausted
  stack_ = std::move(stack);
  interrupt = std::make_shared<InterruptState>();
  interrupt->context = &context;
}

StoreImpl::~StoreImpl() {
  {
    std::lock_guard lock(interrupt->mutex);
    interrupt->context = nullptr;
  }
  data.clear();
  constexpr size_t kMaxFreeStacks = 64;
  size_t bytes = stack_.cells.size();
  if (!stack_.cells || !stack_.frames) return;
  std::lock_guard lock(resources->stack_mutex);
  if (resources->free_stacks.size() >= kMaxFreeStacks) return;
  if (resources->free_stack_bytes != bytes) {
    resources->free_stacks.clear();
    resources->free_stack_bytes = bytes;
  }
  resources->free_stacks.push_back(std::move(stack_));
}

Result<runtime::GcHeap*> StoreImpl::heap() {
  if (!heap_) {
    runtime::GcHeap::Options options;
    options.max_bytes = std::min<uint64_t>(limits.gc_heap_bytes, options.max_bytes);
    SEDGE_TRY_ASSIGN(heap_, runtime::GcHeap::create(registry(), *this, options));
    context.gc_base = heap_->base();
  }
  return heap_.get();
}

void StoreImpl::visit_roots(runtime::RootVisitor& visitor) {
  visitor.cells(context.stack_base, context.sp);
  visitor.ref(context.exception);
  visitor.ref(pending_exception);
  for (GlobalImpl* global : globals)
    if (global->type.value.is_ref()) visitor.cells(global->value, global->value + 1);
  for (const auto& table : tables)
    if (!table->holds_funcs) visitor.cells(table->elements, table->elements + table->size);
  for (const auto& instance : instances) {
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

Result<runtime::LinearMemory*> StoreImpl::new_memory(const MemoryType& type) {
  if (memories.size() + shared_memories.size() >= limits.memories)
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
  SEDGE_TRY_ASSIGN(auto memory, runtime::LinearMemory::create(type, resources->memories));
  memory_bytes += memory->size.load(std::memory_order_relaxed);
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

Result<TableImpl*> StoreImpl::new_table(const TableType& type, vm::Cell init) {
  if (tables.size() >= limits.tables)
    return fail(ErrorCode::table_limit,
                fmt::format(": the store may hold {} tables", limits.tables));
  if (type.limits.min > limits.table_elements)
    return fail(ErrorCode::table_limit,
                fmt::format(": the module asks for a table of {} elements, the limit is {}",
                            type.limits.min, limits.table_elements));
  auto table = std::make_unique<TableImpl>();
  table->type = type;
  table->is64 = type.is64;
  table->holds_funcs = vm::is_func_ref(type.element, registry());
  uint64_t address_limit = type.is64 ? UINT64_MAX : UINT32_MAX;
  table->max = std::min(type.limits.max.value_or(address_limit), address_limit);
  table->storage.assign(type.limits.min, init);
  table->elements = table->storage.data();
  table->size = type.limits.min;
  tables.push_back(std::move(table));
  return tables.back().get();
}

GlobalImpl* StoreImpl::new_global(const GlobalType& type) {
  auto* global = arena.make<GlobalImpl>();
  global->type = type;
  if (type.value.is_ref()) globals.push_back(global);
  return global;
}

vm::Tag* StoreImpl::new_tag(wasm::TypeId type) {
  auto* tag = arena.make<vm::Tag>();
  tag->type = type;
  tag->canon = &registry().get(type);
  tag->param_cells = cells_of(tag->canon->type.func.params);
  return tag;
}

vm::Func* StoreImpl::new_func(wasm::TypeId type) {
  auto* func = arena.make<vm::Func>();
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
    func.type = instance.type_set->id(type_index);
    func.canon = &instance.type_set->type(type_index);
    func.param_cells = cells_of(func.canon->type.func.params);
    func.result_cells = cells_of(func.canon->type.func.results);
  }
  return &func;
}

bool StoreImpl::should_stop() const {
  if ((context.interrupt.load(std::memory_order_relaxed) & vm::kInterruptKill) != 0) return true;
  return deadline && std::chrono::steady_clock::now() >= *deadline;
}

}  // namespace sedge
