// The helpers of builtin.def: bulk operations on memories and tables, GC objects, exceptions,
// waiting. Bounds are checked before anything is written. Spec: "Execution", section
// "Instructions".
#include <algorithm>
#include <atomic>
#include <cstring>

#include "runtime/store_impl.h"
#include "runtime/trace.h"

namespace sedge::runtime {
namespace {

using vm::Context;
using vm::Exit;
using vm::Func;
using vm::Instance;
using vm::Tag;
using wasm::TrapCode;

// Bulk operations work in pieces of this many bytes between looks at the interrupt flag.
constexpr uint64_t kBulkPiece = 16 << 20;

Exit trap(Instance* instance, TrapCode code) {
  instance->context->trap = code;
  return Exit::trap;
}

bool in_bounds(uint64_t at, uint64_t size, uint64_t limit) {
  return size <= limit && at <= limit - size;
}

Exit interrupted(Context* context) {
  StoreImpl& store = StoreImpl::of(*context);
  uint32_t bits = context->interrupt.load(std::memory_order_relaxed);
  if ((bits & vm::kInterruptKill) != 0) return store.trap(TrapCode::interrupted);
  if ((bits & vm::kInterruptDeadline) != 0) {
    if (store.deadline && std::chrono::steady_clock::now() >= *store.deadline)
      return store.trap(TrapCode::deadline_exceeded);
    context->interrupt.fetch_and(~static_cast<uint32_t>(vm::kInterruptDeadline),
                                 std::memory_order_relaxed);
  }
  return Exit::returned;
}

// Runs piece(offset, size) over [0, size) in bounded pieces; backwards if asked.
template <typename Piece>
Exit in_pieces(Context* context, uint64_t size, bool backwards, Piece piece) {
  for (uint64_t done = 0; done < size;) {
    uint64_t step = std::min(kBulkPiece, size - done);
    piece(backwards ? size - done - step : done, step);
    done += step;
    if (done < size && context->interrupt.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      if (Exit exit = interrupted(context); exit != Exit::returned) return exit;
    }
  }
  return Exit::returned;
}

// ---- memories ----

uint64_t memory_grow(Instance* instance, uint32_t index, uint64_t delta) {
  vm::Memory* memory = instance->memories[index];
  auto old_pages = StoreImpl::of(*instance).grow_memory(*memory, delta);
  if (old_pages) return *old_pages;
  return memory->is64 ? UINT64_MAX : UINT32_MAX;
}

Exit memory_init(Instance* instance, uint32_t index, uint32_t segment, uint64_t to, uint64_t from,
                 uint64_t size) {
  vm::Memory* memory = instance->memories[index];
  vm::Data& data = instance->datas[segment];
  if (!in_bounds(from, size, data.size) ||
      !in_bounds(to, size, memory->size.load(std::memory_order_acquire)))
    return trap(instance, TrapCode::out_of_bounds_memory_access);
  return in_pieces(instance->context, size, false, [&](uint64_t at, uint64_t step) {
    std::memcpy(memory->base + to + at, data.bytes + from + at, step);
  });
}

Exit memory_copy(Instance* instance, uint32_t to_memory, uint32_t from_memory, uint64_t to,
                 uint64_t from, uint64_t size) {
  vm::Memory* target = instance->memories[to_memory];
  vm::Memory* source = instance->memories[from_memory];
  if (!in_bounds(from, size, source->size.load(std::memory_order_acquire)) ||
      !in_bounds(to, size, target->size.load(std::memory_order_acquire)))
    return trap(instance, TrapCode::out_of_bounds_memory_access);
  bool backwards = target == source && to > from;
  return in_pieces(instance->context, size, backwards, [&](uint64_t at, uint64_t step) {
    std::memmove(target->base + to + at, source->base + from + at, step);
  });
}

Exit memory_fill(Instance* instance, uint32_t index, uint64_t to, uint32_t byte, uint64_t size) {
  vm::Memory* memory = instance->memories[index];
  if (!in_bounds(to, size, memory->size.load(std::memory_order_acquire)))
    return trap(instance, TrapCode::out_of_bounds_memory_access);
  return in_pieces(instance->context, size, false, [&](uint64_t at, uint64_t step) {
    std::memset(memory->base + to + at, static_cast<int>(byte & 0xff), step);
  });
}

void data_drop(Instance* instance, uint32_t segment) { instance->datas[segment].size = 0; }

// ---- tables ----

uint64_t table_grow(Instance* instance, uint32_t index, Cell value, uint64_t delta) {
  auto* table = static_cast<TableImpl*>(instance->tables[index]);
  auto old_size = StoreImpl::of(*instance).grow_table(*table, delta, value);
  if (old_size) return *old_size;
  return table->is64 ? UINT64_MAX : UINT32_MAX;
}

Exit table_init(Instance* instance, uint32_t index, uint32_t segment, uint64_t to, uint64_t from,
                uint64_t size) {
  vm::Table* table = instance->tables[index];
  vm::Elem& elem = instance->elems[segment];
  if (!in_bounds(from, size, elem.size) || !in_bounds(to, size, table->size))
    return trap(instance, TrapCode::out_of_bounds_table_access);
  std::copy_n(elem.items + from, size, table->elements + to);
  return Exit::returned;
}

Exit table_copy(Instance* instance, uint32_t to_table, uint32_t from_table, uint64_t to,
                uint64_t from, uint64_t size) {
  vm::Table* target = instance->tables[to_table];
  vm::Table* source = instance->tables[from_table];
  if (!in_bounds(from, size, source->size) || !in_bounds(to, size, target->size))
    return trap(instance, TrapCode::out_of_bounds_table_access);
  if (size != 0) std::memmove(target->elements + to, source->elements + from, size * sizeof(Cell));
  return Exit::returned;
}

Exit table_fill(Instance* instance, uint32_t index, uint64_t to, Cell value, uint64_t size) {
  vm::Table* table = instance->tables[index];
  if (!in_bounds(to, size, table->size))
    return trap(instance, TrapCode::out_of_bounds_table_access);
  std::fill_n(table->elements + to, size, value);
  return Exit::returned;
}

void elem_drop(Instance* instance, uint32_t segment) {
  instance->elems[segment].size = 0;
  StoreImpl::impl(*instance).elem_storage[segment].second = 0;
}

Func* func_ref(Instance* instance, uint32_t index) {
  return StoreImpl::of(*instance).func_ref(StoreImpl::impl(*instance), index);
}

// ---- garbage-collected objects ----

Exit allocated(Instance* instance, GcRef ref, GcRef* out) {
  if (ref == 0) return trap(instance, TrapCode::gc_heap_exhausted);
  *out = ref;
  return Exit::returned;
}

GcHeap* heap_of(Instance* instance) {
  StoreImpl& store = StoreImpl::of(*instance);
  if (GcHeap* heap = store.heap_if_any()) [[likely]]
    return heap;
  auto made = store.heap();
  return made ? *made : nullptr;
}

Exit struct_new(Instance* instance, uint32_t type, GcRef* out) {
  GcHeap* heap = heap_of(instance);
  return allocated(instance, heap ? heap->new_struct(*instance->canon_types[type]) : 0, out);
}

Exit array_new(Instance* instance, uint32_t type, uint32_t length, GcRef* out) {
  GcHeap* heap = heap_of(instance);
  return allocated(instance, heap ? heap->new_array(*instance->canon_types[type], length) : 0, out);
}

uint8_t* elements(Instance* instance, GcRef array) {
  return instance->context->gc_base + array + vm::kArrayElements;
}

uint32_t array_length(Instance* instance, GcRef array) {
  uint32_t length;
  std::memcpy(&length, instance->context->gc_base + array + vm::kArrayLength, sizeof(length));
  return length;
}

ValType element_type(Instance* instance, uint32_t type) {
  return instance->canon_types[type]->type.fields[0].storage;
}

uint32_t element_size(Instance* instance, uint32_t type) {
  return vm::field_size(element_type(instance, type), StoreImpl::of(*instance).registry());
}

Exit array_new_data(Instance* instance, uint32_t type, uint32_t segment, uint32_t from,
                    uint32_t length, GcRef* out) {
  uint32_t size = element_size(instance, type);
  if (!in_bounds(from, uint64_t{length} * size, instance->datas[segment].size))
    return trap(instance, TrapCode::out_of_bounds_memory_access);
  if (Exit exit = array_new(instance, type, length, out); exit != Exit::returned) return exit;
  if (length != 0)
    std::memcpy(elements(instance, *out), instance->datas[segment].bytes + from,
                uint64_t{length} * size);
  return Exit::returned;
}

void copy_items(Instance* instance, uint32_t type, GcRef array, uint32_t to, const Cell* items,
                uint32_t length) {
  const wasm::TypeRegistry& registry = StoreImpl::of(*instance).registry();
  ValType storage = element_type(instance, type);
  uint32_t size = vm::field_size(storage, registry);
  uint8_t* at = elements(instance, array) + uint64_t{to} * size;
  for (uint32_t i = 0; i < length; ++i)
    write_field(at + uint64_t{i} * size, storage, items + i, registry);
}

Exit array_new_elem(Instance* instance, uint32_t type, uint32_t segment, uint32_t from,
                    uint32_t length, GcRef* out) {
  if (!in_bounds(from, length, instance->elems[segment].size))
    return trap(instance, TrapCode::out_of_bounds_table_access);
  if (Exit exit = array_new(instance, type, length, out); exit != Exit::returned) return exit;
  copy_items(instance, type, *out, 0, instance->elems[segment].items + from, length);
  return Exit::returned;
}

Exit array_init_data(Instance* instance, uint32_t type, GcRef array, uint32_t to, uint32_t segment,
                     uint32_t from, uint32_t length) {
  if (array == 0) return trap(instance, TrapCode::null_array_reference);
  uint32_t size = element_size(instance, type);
  if (!in_bounds(to, length, array_length(instance, array)))
    return trap(instance, TrapCode::out_of_bounds_array_access);
  if (!in_bounds(from, uint64_t{length} * size, instance->datas[segment].size))
    return trap(instance, TrapCode::out_of_bounds_memory_access);
  if (length != 0)
    std::memcpy(elements(instance, array) + uint64_t{to} * size,
                instance->datas[segment].bytes + from, uint64_t{length} * size);
  return Exit::returned;
}

Exit array_init_elem(Instance* instance, uint32_t type, GcRef array, uint32_t to, uint32_t segment,
                     uint32_t from, uint32_t length) {
  if (array == 0) return trap(instance, TrapCode::null_array_reference);
  if (!in_bounds(to, length, array_length(instance, array)))
    return trap(instance, TrapCode::out_of_bounds_array_access);
  if (!in_bounds(from, length, instance->elems[segment].size))
    return trap(instance, TrapCode::out_of_bounds_table_access);
  copy_items(instance, type, array, to, instance->elems[segment].items + from, length);
  return Exit::returned;
}

Exit array_fill(Instance* instance, uint32_t type, GcRef array, uint32_t at, const Cell* value,
                uint32_t length) {
  if (array == 0) return trap(instance, TrapCode::null_array_reference);
  if (!in_bounds(at, length, array_length(instance, array)))
    return trap(instance, TrapCode::out_of_bounds_array_access);
  const wasm::TypeRegistry& registry = StoreImpl::of(*instance).registry();
  ValType storage = element_type(instance, type);
  uint32_t size = vm::field_size(storage, registry);
  uint8_t* to = elements(instance, array) + uint64_t{at} * size;
  return in_pieces(instance->context, length, false, [&](uint64_t from, uint64_t step) {
    for (uint64_t i = from; i < from + step; ++i)
      write_field(to + i * size, storage, value, registry);
  });
}

Exit array_copy(Instance* instance, uint32_t type, GcRef to, uint32_t to_at, GcRef from,
                uint32_t from_at, uint32_t length) {
  if (to == 0 || from == 0) return trap(instance, TrapCode::null_array_reference);
  if (!in_bounds(to_at, length, array_length(instance, to)) ||
      !in_bounds(from_at, length, array_length(instance, from)))
    return trap(instance, TrapCode::out_of_bounds_array_access);
  uint64_t size = element_size(instance, type);
  uint8_t* target = elements(instance, to) + to_at * size;
  const uint8_t* source = elements(instance, from) + from_at * size;
  bool backwards = to == from && to_at > from_at;
  return in_pieces(instance->context, length * size, backwards, [&](uint64_t at, uint64_t step) {
    std::memmove(target + at, source + at, step);
  });
}

bool ref_test(Instance* instance, Cell value, uint32_t type_bits) {
  ValType type;
  static_assert(sizeof(type) == sizeof(type_bits));
  std::memcpy(&type, &type_bits, sizeof(type));
  return ref_matches(StoreImpl::of(*instance), value,
                     wasm::canonical(type, *StoreImpl::impl(*instance).type_set));
}

// ---- exceptions ----

Exit exception_new(Instance* instance, Tag* tag, const Cell* payload, GcRef* out) {
  GcHeap* heap = heap_of(instance);
  return allocated(instance, heap ? heap->new_exception(tag, payload) : 0, out);
}

Tag* exception_tag(Context* context, GcRef exception) {
  Tag* tag;
  std::memcpy(&tag, context->gc_base + exception + vm::kExceptionTag, sizeof(tag));
  return tag;
}

const Cell* exception_payload(Context* context, GcRef exception) {
  return reinterpret_cast<const Cell*>(context->gc_base + exception + vm::kExceptionPayload);
}

// ---- threads ----

template <typename T>
Exit atomic_wait(Instance* instance, uint32_t index, uint64_t address, T expected,
                 int64_t timeout_ns, uint32_t* out) {
  vm::Memory* memory = instance->memories[index];
  if (!memory->shared) return trap(instance, TrapCode::expected_shared_memory);
  StoreImpl& store = StoreImpl::of(*instance);
  SharedMemoryImpl* shared = store.find_shared(memory);
  auto* cell = reinterpret_cast<T*>(memory->base + address);
  auto outcome = shared->waiters.wait(
      address, [cell, expected] { return __atomic_load_n(cell, __ATOMIC_SEQ_CST) != expected; },
      timeout_ns, [&store] { return store.should_stop(); });
  if (outcome == WaitQueue::Outcome::stopped) {
    bool killed =
        (store.context.interrupt.load(std::memory_order_relaxed) & vm::kInterruptKill) != 0;
    return store.trap(killed ? TrapCode::interrupted : TrapCode::deadline_exceeded);
  }
  *out = static_cast<uint32_t>(outcome);
  return Exit::returned;
}

Exit atomic_wait32(Instance* instance, uint32_t memory, uint64_t address, uint32_t expected,
                   int64_t timeout_ns, uint32_t* out) {
  return atomic_wait<uint32_t>(instance, memory, address, expected, timeout_ns, out);
}

Exit atomic_wait64(Instance* instance, uint32_t memory, uint64_t address, uint64_t expected,
                   int64_t timeout_ns, uint32_t* out) {
  return atomic_wait<uint64_t>(instance, memory, address, expected, timeout_ns, out);
}

uint32_t atomic_notify(Instance* instance, uint32_t index, uint64_t address, uint32_t count) {
  vm::Memory* memory = instance->memories[index];
  if (!memory->shared) return 0;
  return StoreImpl::of(*instance).find_shared(memory)->waiters.notify(address, count);
}

// ---- native tiers ----

Exit native_trap(Context* context, TrapCode code, const void* place, const void* frame) {
  context->trap = code;
  capture_native_trace(*context, place, frame);
  return Exit::trap;
}

Exit native_throw(Context* context, const void* place, const void* frame) {
  capture_native_trace(*context, place, frame);
  return Exit::exception;
}

const void* hot(Instance* instance, uint32_t func, uint32_t loop) {
  auto* answer = StoreImpl::of(*instance).resources->hot;
  return answer != nullptr ? answer(instance, func, loop) : nullptr;
}

}  // namespace

const vm::Builtins kBuiltins = {
#define SEDGE_BUILTIN(result, name, parameters, gc) &name,
#include "vm/builtin.def"
#undef SEDGE_BUILTIN
};

}  // namespace sedge::runtime
