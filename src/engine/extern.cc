// Handles to memories, tables, globals and tags.
#include <sedge/extern.h>

#include <fmt/format.h>

#include "engine/engine_impl.h"

namespace sedge {
namespace {

template <typename Handle, typename T>
Handle handle(const Store& store, T* ptr) {
  Handle out;
  out.ptr = ptr;
  out.store_id = store.id();
  return out;
}

const runtime::LinearMemory& linear(const vm::Memory* memory) {
  return static_cast<const runtime::LinearMemory&>(*memory);
}
TableImpl& table_of(vm::Table* table) { return static_cast<TableImpl&>(*table); }

Result<void> check_value(const Store& store, const Val& value, ValType type) {
  if (store.matches(value, type)) return {};
  return fail(ErrorCode::bad_signature, fmt::format(": {} given where {} is needed",
                                                    to_string(value.type()), to_string(type)));
}

}  // namespace

Result<Memory> Memory::create(Store& store, const MemoryType& type) {
  SEDGE_TRY_ASSIGN(auto* memory, store.impl().new_memory(type));
  return handle<Memory>(store, memory);
}

MemoryType Memory::type(const Store&) const { return linear(ptr).type(); }

std::span<uint8_t> Memory::bytes(const Store&) const {
  return {ptr->base, ptr->size.load(std::memory_order_acquire)};
}

uint64_t Memory::size_pages(const Store&) const { return linear(ptr).pages(); }

std::optional<uint64_t> Memory::grow(Store& store, uint64_t delta_pages) const {
  return store.impl().grow_memory(*ptr, delta_pages);
}

Result<SharedMemory> SharedMemory::create(const Engine& engine, const MemoryType& type) {
  if (!type.shared || !type.limits.max)
    return fail(ErrorCode::bad_argument, ": a shared memory needs `shared` and a maximum");
  SharedMemory memory;
  memory.impl = std::make_shared<SharedMemoryImpl>();
  SEDGE_TRY_ASSIGN(memory.impl->memory,
                   runtime::LinearMemory::create(type, engine.impl()->resources->memories));
  return memory;
}

std::optional<SharedMemory> SharedMemory::from(const Store& store, const Memory& memory) {
  for (const auto& shared : store.impl().shared_memories) {
    if (shared->memory.get() == memory.ptr) {
      SharedMemory out;
      out.impl = shared;
      return out;
    }
  }
  return std::nullopt;
}

MemoryType SharedMemory::type() const { return impl->memory->type(); }

std::span<uint8_t> SharedMemory::bytes() const {
  return {impl->memory->base, impl->memory->size.load(std::memory_order_acquire)};
}

Memory SharedMemory::in(Store& store) const {
  return handle<Memory>(store, store.impl().add_shared(impl));
}

Result<Table> Table::create(Store& store, const TableType& type, const Val& init) {
  SEDGE_TRY(check_value(store, init, type.element));
  SEDGE_TRY_ASSIGN(auto* table, store.impl().new_table(type, init.low()));
  return handle<Table>(store, table);
}

TableType Table::type(const Store&) const {
  TableType type = table_of(ptr).type;
  type.limits.min = ptr->size;
  return type;
}

uint64_t Table::size(const Store&) const { return ptr->size; }

std::optional<Val> Table::get(Store& store, uint64_t index) const {
  if (index >= ptr->size) return std::nullopt;
  return store.make_val(table_of(ptr).type.element, ptr->elements[index]);
}

Result<void> Table::set(Store& store, uint64_t index, const Val& value) const {
  SEDGE_TRY(check_value(store, value, table_of(ptr).type.element));
  if (index >= ptr->size) return fail(ErrorCode::out_of_bounds_table_access);
  ptr->elements[index] = value.low();
  return {};
}

std::optional<uint64_t> Table::grow(Store& store, uint64_t delta, const Val& init) const {
  if (!store.matches(init, table_of(ptr).type.element)) return std::nullopt;
  return store.impl().grow_table(table_of(ptr), delta, init.low());
}

Result<Global> Global::create(Store& store, const GlobalType& type, const Val& value) {
  SEDGE_TRY(check_value(store, value, type.value));
  GlobalImpl* global = store.impl().new_global(type);
  global->value[0] = value.low();
  global->value[1] = value.high();
  return handle<Global>(store, global);
}

GlobalType Global::type(const Store&) const { return static_cast<GlobalImpl*>(ptr)->type; }

Val Global::get(Store& store) const {
  ValType type = static_cast<GlobalImpl*>(ptr)->type.value;
  return store.make_val(type, ptr->value[0], type.is_vector() ? ptr->value[1] : 0);
}

Result<void> Global::set(Store& store, const Val& value) const {
  const GlobalType& type = static_cast<GlobalImpl*>(ptr)->type;
  if (!type.mutable_) return fail(ErrorCode::immutable_global);
  SEDGE_TRY(check_value(store, value, type.value));
  ptr->value[0] = value.low();
  ptr->value[1] = value.high();
  return {};
}

Tag Tag::create(Store& store, const FuncType& type) {
  StoreImpl& impl = store.impl();
  impl.type_sets.push_back(impl.resources->registry->add(type));
  return handle<Tag>(store, impl.new_tag(impl.arena, impl.type_sets.back().id(0)));
}

FuncType Tag::type(const Store&) const { return ptr->canon->type.func; }

}  // namespace sedge
