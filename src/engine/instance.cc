// Instantiation: checking imports, building the instance, running segments and the start function.
// Spec: "Execution", section "Modules".
#include <algorithm>

#include <fmt/format.h>

#include "engine/engine_impl.h"

namespace sedge {
namespace {

std::string given_text(StoreImpl& store, const Extern& given) {
  ExternType type;
  if (const auto* func = std::get_if<Func>(&given)) {
    type.kind = ExternKind::func;
    type.func = func->ptr->canon->type.func;
  } else if (const auto* table = std::get_if<Table>(&given)) {
    type.kind = ExternKind::table;
    type.table = table->type(*store.facade);
  } else if (const auto* memory = std::get_if<Memory>(&given)) {
    type.kind = ExternKind::memory;
    type.memory = memory->type(*store.facade);
    type.memory.limits.min = memory->size_pages(*store.facade);
  } else if (const auto* global = std::get_if<Global>(&given)) {
    type.kind = ExternKind::global;
    type.global = global->type(*store.facade);
  } else if (const auto* tag = std::get_if<Tag>(&given)) {
    type.kind = ExternKind::tag;
    type.func = tag->ptr->canon->type.func;
  }
  return to_string(type);
}

bool import_matches(StoreImpl& store, const ExternType& wanted, const Extern& given) {
  const wasm::TypeRegistry& registry = store.registry();
  switch (wanted.kind) {
    case ExternKind::func: {
      const auto* func = std::get_if<Func>(&given);
      return func != nullptr && func->ptr->canon->is_subtype_of(registry.get(wanted.type_id));
    }
    case ExternKind::table: {
      const auto* table = std::get_if<Table>(&given);
      if (table == nullptr) return false;
      TableType type = table->type(*store.facade);
      return type.is64 == wanted.table.is64 && limits_match(type.limits, wanted.table.limits) &&
             registry.matches(type.element, wanted.table.element) &&
             registry.matches(wanted.table.element, type.element);
    }
    case ExternKind::memory: {
      const auto* memory = std::get_if<Memory>(&given);
      if (memory == nullptr) return false;
      MemoryType type = memory->type(*store.facade);
      type.limits.min = memory->size_pages(*store.facade);
      return type.is64 == wanted.memory.is64 && type.shared == wanted.memory.shared &&
             type.page_size_log2 == wanted.memory.page_size_log2 &&
             limits_match(type.limits, wanted.memory.limits);
    }
    case ExternKind::global: {
      const auto* global = std::get_if<Global>(&given);
      if (global == nullptr) return false;
      GlobalType type = global->type(*store.facade);
      return type.mutable_ == wanted.global.mutable_ &&
             registry.matches(type.value, wanted.global.value) &&
             (!type.mutable_ || registry.matches(wanted.global.value, type.value));
    }
    case ExternKind::tag: {
      const auto* tag = std::get_if<Tag>(&given);
      return tag != nullptr && tag->ptr->type == wanted.type_id;
    }
  }
  return false;
}

void* pointer_of(const Extern& given) {
  return std::visit([](const auto& handle) -> void* { return handle.ptr; }, given);
}

uint64_t store_of(const Extern& given) {
  return std::visit([](const auto& handle) { return handle.store_id; }, given);
}

/// Builds one instance step by step.
class Builder {
 public:
  Builder(StoreImpl& store, const std::shared_ptr<ModuleImpl>& module)
      : store_(store), module_(*module), syntax_(module->syntax) {
    auto owned = std::make_unique<InstanceImpl>();
    instance_ = owned.get();
    instance_->store = &store;
    instance_->context = &store.context;
    instance_->code = module_.code.get();
    instance_->syntax = &syntax_;
    instance_->type_set = &module_.types;
    instance_->module = module;
    instance_->owner = instance_;
    instance_->types = module_.types.ids().data();
    owned_ = std::move(owned);
  }

  Result<InstanceImpl*> build(const std::vector<void*>& imports) {
    allocate();
    place_imports(imports);
    SEDGE_TRY(make_memories());
    // From here on the store owns the instance: tables may come to refer to its functions even if
    // instantiation fails later.
    store_.instances.push_back(std::move(owned_));
    make_tags();
    SEDGE_TRY(make_globals());
    SEDGE_TRY(make_tables());
    SEDGE_TRY(evaluate_elems());
    SEDGE_TRY(run_elems());
    SEDGE_TRY(run_datas());
    return instance_;
  }

 private:
  void allocate() {
    runtime::Arena& arena = store_.arena;
    instance_->imported_func_count = static_cast<uint32_t>(syntax_.imported_funcs.size());
    instance_->imported_funcs = arena.array<vm::Func*>(syntax_.imported_funcs.size());
    instance_->memories = arena.array<vm::Memory*>(syntax_.memory_count());
    instance_->tables = arena.array<vm::Table*>(syntax_.table_count());
    instance_->globals = arena.array<vm::Global*>(syntax_.global_count());
    instance_->tags = arena.array<vm::Tag*>(syntax_.tag_count());
    instance_->datas = arena.array<vm::Data>(syntax_.datas.size());
    instance_->elems = arena.array<vm::Elem>(syntax_.elems.size());
    instance_->elem_storage = arena.array<std::pair<vm::Cell*, uint64_t>>(syntax_.elems.size());
    auto** canon = arena.array<const wasm::CanonType*>(module_.types.size());
    for (uint32_t i = 0; i < module_.types.size(); ++i) canon[i] = &module_.types.type(i);
    instance_->canon_types = canon;
  }

  void place_imports(const std::vector<void*>& imports) {
    uint32_t next[5] = {};
    for (size_t i = 0; i < imports.size(); ++i) {
      ExternKind kind = syntax_.imports[i].kind;
      uint32_t index = next[static_cast<int>(kind)]++;
      switch (kind) {
        case ExternKind::func:
          instance_->imported_funcs[index] = static_cast<vm::Func*>(imports[i]);
          break;
        case ExternKind::table:
          instance_->tables[index] = static_cast<vm::Table*>(imports[i]);
          break;
        case ExternKind::memory:
          instance_->memories[index] = static_cast<vm::Memory*>(imports[i]);
          break;
        case ExternKind::global:
          instance_->globals[index] = static_cast<vm::Global*>(imports[i]);
          break;
        case ExternKind::tag:
          instance_->tags[index] = static_cast<vm::Tag*>(imports[i]);
          break;
      }
    }
  }

  Result<void> make_memories() {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_memories.size());
    for (const wasm::Memory& memory : syntax_.memories) {
      if (memory.type.shared) {
        auto shared = std::make_shared<SharedMemoryImpl>();
        uint64_t bytes = memory.type.limits.min << memory.type.page_size_log2;
        if (bytes > store_.limits.memory_bytes)
          return fail(ErrorCode::out_of_memory,
                      fmt::format(": the module asks for {} bytes of shared memory at the start, "
                                  "the limit is {} bytes",
                                  bytes, store_.limits.memory_bytes));
        SEDGE_TRY_ASSIGN(shared->memory,
                         runtime::LinearMemory::create(memory.type, store_.resources->memories));
        instance_->memories[index++] = store_.add_shared(shared);
      } else {
        SEDGE_TRY_ASSIGN(instance_->memories[index++], store_.new_memory(memory.type));
      }
    }
    if (module_.default_memory)
      instance_->default_memory = instance_->memories[*module_.default_memory];
    return {};
  }

  void make_tags() {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_tags.size());
    for (const wasm::Tag& tag : syntax_.tags)
      instance_->tags[index++] = store_.new_tag(module_.types.id(tag.type_index));
  }

  Result<void> make_globals() {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_globals.size());
    for (const wasm::Global& global : syntax_.globals) {
      GlobalImpl* made = store_.new_global(
          {wasm::canonical(global.type.value, module_.types), global.type.mutable_});
      SEDGE_TRY(runtime::evaluate(*instance_, global.init, made->value));
      instance_->globals[index++] = made;
    }
    return {};
  }

  Result<void> make_tables() {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_tables.size());
    for (const wasm::Table& table : syntax_.tables) {
      vm::Cell init[2] = {0, 0};
      if (table.init) SEDGE_TRY(runtime::evaluate(*instance_, *table.init, init));
      TableType type = table.type;
      type.element = wasm::canonical(type.element, module_.types);
      SEDGE_TRY_ASSIGN(instance_->tables[index++], store_.new_table(type, init[0]));
    }
    return {};
  }

  Result<void> evaluate_elems() {
    for (size_t i = 0; i < syntax_.elems.size(); ++i) {
      const wasm::ElemSegment& segment = syntax_.elems[i];
      if (segment.mode == wasm::ElemSegment::Mode::declarative) continue;
      auto* items = store_.arena.array<vm::Cell>(segment.size());
      instance_->elem_storage[i].first = items;
      for (size_t item = 0; item < segment.size(); ++item) {
        if (segment.uses_exprs) {
          vm::Cell value[2];
          SEDGE_TRY(runtime::evaluate(*instance_, segment.exprs[item], value));
          items[item] = value[0];
        } else {
          items[item] =
              reinterpret_cast<vm::Cell>(store_.func_ref(*instance_, segment.funcs[item]));
        }
        // Functions are no garbage-collected objects; anything else is a root from now on.
        instance_->elem_storage[i].second = item + 1;
      }
      instance_->elems[i] = {items, segment.size()};
    }
    return {};
  }

  // An offset expression's value; 32-bit ones are zero-extended already.
  Result<uint64_t> offset(const wasm::Expr& expr) {
    vm::Cell value[2];
    SEDGE_TRY(runtime::evaluate(*instance_, expr, value));
    return value[0];
  }

  Result<void> run_elems() {
    for (uint32_t i = 0; i < syntax_.elems.size(); ++i) {
      const wasm::ElemSegment& segment = syntax_.elems[i];
      if (segment.mode == wasm::ElemSegment::Mode::passive) continue;
      if (segment.mode == wasm::ElemSegment::Mode::active) {
        SEDGE_TRY_ASSIGN(uint64_t to, offset(segment.offset_expr));
        vm::Exit exit =
            runtime::kBuiltins.table_init(instance_, segment.table, i, to, 0, segment.size());
        if (exit != vm::Exit::returned) return segment_trap("element", i);
      }
      runtime::kBuiltins.elem_drop(instance_, i);
    }
    return {};
  }

  Result<void> run_datas() {
    for (uint32_t i = 0; i < syntax_.datas.size(); ++i) {
      const wasm::DataSegment& segment = syntax_.datas[i];
      instance_->datas[i] = {segment.init.data(), segment.init.size()};
      if (segment.mode == wasm::DataSegment::Mode::passive) continue;
    }
    for (uint32_t i = 0; i < syntax_.datas.size(); ++i) {
      const wasm::DataSegment& segment = syntax_.datas[i];
      if (segment.mode == wasm::DataSegment::Mode::passive) continue;
      SEDGE_TRY_ASSIGN(uint64_t to, offset(segment.offset_expr));
      vm::Exit exit =
          runtime::kBuiltins.memory_init(instance_, segment.memory, i, to, 0, segment.init.size());
      if (exit != vm::Exit::returned) return segment_trap("data", i);
      runtime::kBuiltins.data_drop(instance_, i);
    }
    return {};
  }

  std::unexpected<Error> segment_trap(const char* kind, uint32_t index) {
    return fail(wasm::to_error_code(store_.context.trap),
                fmt::format(": {} segment {} does not fit", kind, index));
  }

  StoreImpl& store_;
  ModuleImpl& module_;
  const wasm::Module& syntax_;
  InstanceImpl* instance_;
  std::unique_ptr<InstanceImpl> owned_;
};

}  // namespace

bool limits_match(const Limits& actual, const Limits& wanted) {
  return actual.min >= wanted.min && (!wanted.max || (actual.max && *actual.max <= *wanted.max));
}

Error incompatible_import(const ImportType& import, const std::string& given) {
  return Error(ErrorCode::incompatible_import,
               fmt::format(" for `{}` `{}`: the module wants {}, given is {}", import.module,
                           import.name, to_string(import.type), given));
}

Result<void> check_import(StoreImpl& store, const ModuleImpl& module, size_t import,
                          const Extern& given) {
  if (store_of(given) != store.id) return fail(ErrorCode::bad_store);
  const ImportType& wanted = module.imports[import];
  if (import_matches(store, wanted.type, given)) return {};
  return fail(incompatible_import(wanted, given_text(store, given)));
}

Result<Instance> instantiate(Store& store, const std::shared_ptr<ModuleImpl>& module,
                             const std::vector<void*>& imports) {
  StoreImpl& impl = store.impl();
  if (impl.instances.size() >= impl.limits.instances)
    return fail(ErrorCode::instance_limit,
                fmt::format(": the store may hold {} instances", impl.limits.instances));
  SEDGE_TRY_ASSIGN(InstanceImpl * made, Builder(impl, module).build(imports));
  if (module->syntax.start) {
    vm::Cell cell = 0;
    vm::Func* start = impl.func_ref(*made, *module->syntax.start);
    SEDGE_TRY(finish_call(impl, interp::invoke(impl.context, *start, &cell)));
  }
  Instance instance;
  instance.ptr = made;
  instance.store_id = impl.id;
  return instance;
}

Result<Instance> Instance::create(Store& store, const Module& module,
                                  std::span<const Extern> imports) {
  if (imports.size() != module.imports().size())
    return fail(ErrorCode::unknown_import, fmt::format(": the module has {} imports, {} given",
                                                       module.imports().size(), imports.size()));
  std::vector<void*> pointers;
  pointers.reserve(imports.size());
  for (size_t i = 0; i < imports.size(); ++i) {
    SEDGE_TRY(check_import(store.impl(), *module.impl(), i, imports[i]));
    pointers.push_back(pointer_of(imports[i]));
  }
  return instantiate(store, module.impl(), pointers);
}

std::optional<Extern> Instance::get_export(const Store& store, std::string_view name) const {
  if (store_id != store.id()) return std::nullopt;
  const auto* module = static_cast<const ModuleImpl*>(ptr->module.get());
  auto found = module->export_index.find(name);
  if (found == module->export_index.end()) return std::nullopt;
  const wasm::Export& item = module->syntax.exports[found->second];
  auto make = [this](auto handle, auto* target) -> Extern {
    handle.ptr = target;
    handle.store_id = store_id;
    return handle;
  };
  switch (item.kind) {
    case ExternKind::func:
      return make(Func{}, ptr->store->func_ref(*ptr, item.index));
    case ExternKind::table:
      return make(Table{}, ptr->tables[item.index]);
    case ExternKind::memory:
      return make(Memory{}, ptr->memories[item.index]);
    case ExternKind::global:
      return make(Global{}, ptr->globals[item.index]);
    case ExternKind::tag:
      return make(Tag{}, ptr->tags[item.index]);
  }
  return std::nullopt;
}

namespace {

template <typename Handle>
std::optional<Handle> get_as(const Instance& instance, const Store& store, std::string_view name) {
  auto found = instance.get_export(store, name);
  if (!found) return std::nullopt;
  if (const auto* handle = std::get_if<Handle>(&*found)) return *handle;
  return std::nullopt;
}

}  // namespace

std::optional<Func> Instance::get_func(const Store& store, std::string_view name) const {
  return get_as<Func>(*this, store, name);
}
std::optional<Memory> Instance::get_memory(const Store& store, std::string_view name) const {
  return get_as<Memory>(*this, store, name);
}
std::optional<Global> Instance::get_global(const Store& store, std::string_view name) const {
  return get_as<Global>(*this, store, name);
}
std::optional<Table> Instance::get_table(const Store& store, std::string_view name) const {
  return get_as<Table>(*this, store, name);
}

Module Instance::module(const Store&) const {
  return ModuleImpl::make_handle(
      std::const_pointer_cast<ModuleImpl>(std::static_pointer_cast<const ModuleImpl>(ptr->module)));
}

}  // namespace sedge
