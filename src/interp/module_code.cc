// Code of a module: a slot per defined function, filled when the function is first called.
#include <algorithm>

#include "interp/code.h"
#include "interp/unwind.h"
#include "vm/gc_layout.h"

namespace sedge::interp {

ModuleCode::ModuleCode(const wasm::Module& module, const wasm::TypeSet& types, CodeOptions options)
    : impl_(std::make_unique<Impl>(module, types, options)) {}
ModuleCode::~ModuleCode() = default;

ModuleCode::Impl::~Impl() {
  for (size_t i = 0; i < slot_count; i++) delete slots[i].load();
  for (size_t i = 0; i < type_count; i++) delete structs[i].load();
}

const wasm::Module& ModuleCode::module() const { return impl_->module; }
const wasm::TypeSet& ModuleCode::types() const { return impl_->types; }
const CodeOptions& ModuleCode::options() const { return impl_->options; }
vm::NativeSlot* ModuleCode::native_slots() const { return impl_->native_slots.get(); }

void ModuleCode::Impl::make_native_slots() {
  native_slots = std::make_unique<vm::NativeSlot[]>(slot_count);
  for (size_t i = 0; i < slot_count; i++) {
    native_slots[i].entry.store(&enter, std::memory_order_relaxed);
    native_slots[i].heat.store(options.heat, std::memory_order_relaxed);
  }
}

namespace {

/// Publishes `made` in `slot`. Where another thread was faster, its work counts.
template <typename T>
const T* publish_once(std::atomic<const T*>& slot, std::unique_ptr<T> made) {
  const T* expected = nullptr;
  if (slot.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel)) {
    return made.release();
  }
  return expected;
}

}  // namespace

Result<const FuncCode*> ModuleCode::get(uint32_t index) {
  CodeSlot& slot = code_slot(*this, index);
  if (const FuncCode* code = slot.load(std::memory_order_acquire)) return code;
  if (impl_->options.first_call != nullptr) {
    impl_->options.first_call->compile_first(index);
    if (const FuncCode* code = slot.load(std::memory_order_acquire)) return code;
  }
  SEDGE_TRY_ASSIGN(auto made, lower(*impl_, index));
  return publish_once(slot, std::move(made));
}

void ModuleCode::publish(uint32_t index, vm::NativeEntry entry, uint32_t frame_cells) {
  impl_->native_slots[index - impl_->imported_funcs].entry.store(entry, std::memory_order_release);
  CodeSlot& slot = code_slot(*this, index);
  const FuncCode* code = slot.load(std::memory_order_acquire);
  if (code == nullptr) {  // what the interpreter needs to know in order to call it
    auto made = std::make_unique<FuncCode>();
    const FuncType& type = impl_->module.func_type(index);
    for (ValType param : type.params) made->param_cells += param.cells();
    for (ValType result : type.results) made->result_cells += result.cells();
    made->frame_cells =
        std::max({frame_cells, made->param_cells + kMinimumLocals, made->result_cells});
    made->has_memory = impl_->module.memory_count() > 0;
    made->func_index = index;
    code = publish_once(slot, std::move(made));
  }
  code->entry.store(&kNativeWord, std::memory_order_relaxed);
}

const StructDesc* ModuleCode::Impl::struct_desc(uint32_t type_index) {
  std::atomic<const StructDesc*>& slot = structs[type_index];
  if (const StructDesc* desc = slot.load(std::memory_order_acquire)) return desc;
  const wasm::CanonType& type = types.type(type_index);
  vm::StructLayout layout = vm::struct_layout(type, *types.registry());
  auto made = std::make_unique<StructDesc>();
  for (size_t i = 0; i < type.type.fields.size(); i++) {
    uint32_t size = vm::field_size(type.type.fields[i].storage, *types.registry());
    made->fields.push_back({layout.offsets[i], field_kind(size)});
  }
  return publish_once(slot, std::move(made));
}

}  // namespace sedge::interp
