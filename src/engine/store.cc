// Store: the public face of StoreImpl.
#include <sedge/store.h>

#include <cstring>
#include <utility>

#include "engine/engine_impl.h"

namespace sedge {

Store::Store(const Engine& engine, StoreLimits limits)
    : impl_(std::make_unique<StoreImpl>(engine.impl()->resources, limits)) {
  impl_->facade = this;
  impl_->engine = engine.impl();
}

Store::Store(Store&& other) noexcept : impl_(std::move(other.impl_)) {
  if (impl_) impl_->facade = this;
}

namespace {

/// Ends what waits, while the store is still what its parts take it for.
void end_waiting(StoreImpl& store) {
  if (auto end = std::exchange(store.before_end, nullptr)) end();
}

}  // namespace

Store& Store::operator=(Store&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) {
    end_waiting(*impl_);
    set_deadline(std::nullopt);
  }
  impl_ = std::move(other.impl_);
  if (impl_) impl_->facade = this;
  return *this;
}

Store::~Store() {
  if (!impl_) return;
  end_waiting(*impl_);
  set_deadline(std::nullopt);
}

uint64_t Store::id() const { return impl_->id; }

void Store::set_fuel(uint64_t units) {
  impl_->context.fuel = static_cast<int64_t>(std::min<uint64_t>(units, INT64_MAX));
}

uint64_t Store::fuel() const {
  return impl_->context.fuel < 0 ? 0 : static_cast<uint64_t>(impl_->context.fuel);
}

void Store::set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline) {
  if (!deadline && !impl_->deadline) return;
  const auto* engine = static_cast<const EngineImpl*>(impl_->engine.get());
  const_cast<EngineImpl*>(engine)->deadlines.move(impl_->deadline, deadline, impl_->interrupt);
  impl_->deadline = deadline;
}

std::optional<std::chrono::steady_clock::time_point> Store::deadline() const {
  return impl_->deadline;
}

Interrupter Store::interrupter() const { return Interrupter{impl_->interrupt}; }

void Interrupter::interrupt() const {
  static_cast<InterruptState*>(state.get())->raise(vm::kInterruptKill);
}

bool Store::should_stop() const { return impl_->should_stop(); }
uint64_t Store::memory_bytes() const { return impl_->memory_bytes; }
std::optional<RefusedGrowth> Store::refused_growth() const { return impl_->refused; }

void Store::collect_garbage() {
  if (runtime::GcHeap* heap = impl_->heap_if_any()) heap->collect();
}

void Store::set_data_at(const void* key, std::shared_ptr<void> data) {
  for (auto& entry : impl_->data) {
    if (entry.first == key) {
      entry.second = std::move(data);
      return;
    }
  }
  impl_->data.emplace_back(key, std::move(data));
}

void* Store::data_at(const void* key) const {
  for (const auto& entry : impl_->data)
    if (entry.first == key) return entry.second.get();
  return nullptr;
}

Result<Val> Store::make_externref(void* value, void (*destroy)(void*)) {
  SEDGE_TRY_ASSIGN(runtime::GcHeap * heap, impl_->heap());
  vm::GcRef ref = heap->new_extern(value, destroy);
  if (ref == 0) return fail(ErrorCode::gc_heap_exhausted);
  return make_val(ValType::externref(), ref);
}

void* Store::externref_value(const Val& value) const {
  auto ref = static_cast<vm::GcRef>(value.low());
  if (!value.type().is_ref() || ref == 0 || (ref & 1) != 0) return nullptr;
  if (vm::is_func_ref(value.type(), impl_->registry())) return nullptr;
  vm::ObjectHeader header;
  const uint8_t* object = impl_->context.gc_base + ref;
  std::memcpy(&header, object, sizeof(header));
  if (header.kind() != vm::ObjectKind::extern_box) return nullptr;
  void* held;
  std::memcpy(&held, object + vm::kExternValue, sizeof(held));
  return held;
}

Val Store::make_val(ValType type, uint64_t low, uint64_t high) {
  Val value = Val::from_bits(type, low, high);
  if (type.is_ref() && !vm::is_func_ref(type, impl_->registry()))
    value.set_root(impl_->root(static_cast<vm::GcRef>(low)));
  return value;
}

bool Store::matches(const Val& value, ValType type) const {
  if (!type.is_ref() || !value.type().is_ref()) return value.type() == type;
  const wasm::TypeRegistry& registry = impl_->registry();
  if (registry.matches(value.type(), type)) return true;
  // A value may be more than its static type says, but only within one hierarchy.
  bool same_kind = vm::is_func_ref(value.type(), registry) == vm::is_func_ref(type, registry);
  if (!same_kind) return false;
  auto is = [](ValType t, HeapType::Abstract top, HeapType::Abstract bottom) {
    return t.heap() == top || t.heap() == bottom;
  };
  auto top = [&](ValType t) {
    if (is(t, HeapType::extern_, HeapType::noextern)) return HeapType::extern_;
    if (is(t, HeapType::exn, HeapType::noexn)) return HeapType::exn;
    return HeapType::any;
  };
  if (!vm::is_func_ref(type, registry) && top(type) != top(value.type())) return false;
  return runtime::ref_matches(*impl_, value.low(), type);
}

vm::Context& Store::context() const { return impl_->context; }

}  // namespace sedge
