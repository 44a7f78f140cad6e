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

// An offset expression's value; 32-bit ones are zero-extended already.
Result<uint64_t> evaluate_offset(InstanceImpl& instance, const wasm::Expr& expr) {
  vm::Cell value[2];
  SEDGE_TRY(runtime::evaluate(instance, expr, value));
  return value[0];
}

std::unexpected<Error> segment_trap(StoreImpl& store, const char* kind, uint32_t index) {
  return fail(wasm::to_error_code(store.context.trap),
              fmt::format(": {} segment {} does not fit", kind, index));
}

/// The items of an element segment. They stay valid for every use of the instance.
Result<void> evaluate_elem(InstanceImpl& instance, uint32_t index) {
  const wasm::ElemSegment& segment = instance.syntax->elems[index];
  auto& [items, count] = instance.elem_storage[index];
  items = instance.arena.array<vm::Cell>(segment.size());
  for (size_t item = 0; item < segment.size(); ++item) {
    if (segment.uses_exprs) {
      vm::Cell value[2];
      SEDGE_TRY(runtime::evaluate(instance, segment.exprs[item], value));
      items[item] = value[0];
    } else {
      items[item] = reinterpret_cast<vm::Cell>(StoreImpl::func_ref(instance, segment.funcs[item]));
    }
    // Functions are no garbage-collected objects; anything else is a root from now on.
    count = item + 1;
  }
  return {};
}

/// Gives the tables and element segments what they hold at first.
Result<void> fill_tables(InstanceImpl& instance) {
  const wasm::Module& syntax = *instance.syntax;
  for (const auto& table : instance.own_tables) table->fill();
  for (uint32_t i = 0; i < syntax.elems.size(); ++i) {
    const wasm::ElemSegment& segment = syntax.elems[i];
    if (segment.mode == wasm::ElemSegment::Mode::declarative) continue;
    if (instance.elem_storage[i].first == nullptr) SEDGE_TRY(evaluate_elem(instance, i));
    instance.elems[i] = {instance.elem_storage[i].first, segment.size()};
  }
  for (uint32_t i = 0; i < syntax.elems.size(); ++i) {
    const wasm::ElemSegment& segment = syntax.elems[i];
    if (segment.mode == wasm::ElemSegment::Mode::passive) continue;
    if (segment.mode == wasm::ElemSegment::Mode::active) {
      SEDGE_TRY_ASSIGN(uint64_t to, evaluate_offset(instance, segment.offset_expr));
      vm::Exit exit =
          runtime::kBuiltins.table_init(&instance, segment.table, i, to, 0, segment.size());
      if (exit != vm::Exit::returned) return segment_trap(*instance.store, "element", i);
    }
    runtime::kBuiltins.elem_drop(&instance, i);
  }
  instance.tables_filled = true;
  return {};
}

/// Builds one instance step by step.
class Builder {
 public:
  /// `warm`: where it can be used again; null: nowhere. With images, memories start from them.
  Builder(StoreImpl& store, const std::shared_ptr<ModuleImpl>& module,
          std::unique_ptr<InstanceImpl> instance, WarmInstances* warm)
      : store_(store),
        module_(*module),
        syntax_(module->syntax),
        instance_(instance.get()),
        warm_(warm) {
    instance_->store = &store;
    instance_->context = &store.context;
    instance_->code = module_.code.get();
    instance_->slots = module_.code->native_slots();
    instance_->syntax = &syntax_;
    instance_->type_set = &module_.types;
    instance_->module = module;
    instance_->owner = instance_;
    instance_->types = module_.types.ids().data();
    // The store owns it whatever happens: tables may come to refer to its functions even if
    // instantiation fails later.
    store_.instances.push_back(std::move(instance));
  }

  /// The warm instances learn from it.
  Result<InstanceImpl*> build(std::span<void* const> imports) {
    SEDGE_TRY(build_parts(imports, nullptr));
    SEDGE_TRY(fill_tables(*instance_));
    if (store_.starts_from) {
      set_datas(*instance_);
      return instance_;
    }
    SEDGE_TRY(run_datas());
    return instance_;
  }

  /// For warm instances that have learnt.
  Result<InstanceImpl*> build_warm(std::span<void* const> imports) {
    SEDGE_TRY(build_parts(imports, &warm_->images()));
    auto* initial = instance_->arena.array<vm::Cell>(2 * syntax_.globals.size());
    for (size_t i = 0; i < syntax_.globals.size(); ++i)
      std::copy_n(instance_->own_globals[i].value, 2, &initial[2 * i]);
    instance_->initial_globals = initial;
    set_datas(*instance_);
    instance_->tables_filled = !has_tables(syntax_);
    return instance_;
  }

 private:
  Result<void> build_parts(std::span<void* const> imports, const WarmInstances::Images* images) {
    allocate();
    SEDGE_TRY(place_imports(imports));
    SEDGE_TRY(make_memories(images));
    make_tags();
    SEDGE_TRY(make_globals());
    return make_tables();
  }

  void allocate() {
    runtime::Arena& arena = instance_->arena;
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

  Result<void> place_imports(std::span<void* const> imports) {
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
          SEDGE_TRY(check_style(*instance_->memories[index]));
          break;
        case ExternKind::global:
          instance_->globals[index] = static_cast<vm::Global*>(imports[i]);
          break;
        case ExternKind::tag:
          instance_->tags[index] = static_cast<vm::Tag*>(imports[i]);
          break;
      }
    }
    return {};
  }

  // Compiled code counts on the guard pages that every memory of its engine has.
  Result<void> check_style(const vm::Memory& memory) {
    const auto& linear = static_cast<const runtime::LinearMemory&>(memory);
    if (linear.style() == store_.resources->memories->style(linear.type())) return {};
    return fail(ErrorCode::bad_store, ": the shared memory was made by an engine of another kind");
  }

  Result<void> make_memories(const WarmInstances::Images* images) {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_memories.size());
    for (size_t i = 0; i < syntax_.memories.size(); ++i) {
      const wasm::Memory& memory = syntax_.memories[i];
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
        std::shared_ptr<const PageImage> image = store_.next_image();
        if (images != nullptr) image = (*images)[i];
        SEDGE_TRY_ASSIGN(auto made, store_.make_memory(memory.type, std::move(image)));
        instance_->memories[index++] = made.get();
        instance_->own_memories.push_back(std::move(made));
      }
    }
    if (syntax_.memory_count() > 0) instance_->memory_base = instance_->memories[0]->base;
    if (module_.default_memory)
      instance_->default_memory = instance_->memories[*module_.default_memory];
    return {};
  }

  void make_tags() {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_tags.size());
    for (const wasm::Tag& tag : syntax_.tags)
      instance_->tags[index++] = store_.new_tag(instance_->arena, module_.types.id(tag.type_index));
  }

  Result<void> make_globals() {
    uint32_t index = static_cast<uint32_t>(syntax_.imported_globals.size());
    auto* made = instance_->arena.array<GlobalImpl>(syntax_.globals.size());
    instance_->own_globals = made;
    for (const wasm::Global& global : syntax_.globals) {
      made->type = {wasm::canonical(global.type.value, module_.types), global.type.mutable_};
      SEDGE_TRY(runtime::evaluate(*instance_, global.init, made->value));
      instance_->globals[index++] = made++;
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
      SEDGE_TRY_ASSIGN(auto made, store_.make_table(type, init[0]));
      if (!made->holds_funcs) made->fill();  // a root from now on
      instance_->tables[index++] = made.get();
      instance_->own_tables.push_back(std::move(made));
    }
    return {};
  }

  Result<void> run_datas() {
    std::vector<uint64_t> offsets;  // of active segments
    for (size_t i = 0; i < syntax_.datas.size(); ++i) {
      const wasm::DataSegment& segment = syntax_.datas[i];
      instance_->datas[i] = {segment.init.data(), segment.init.size()};
      if (segment.mode == wasm::DataSegment::Mode::passive) continue;
      SEDGE_TRY_ASSIGN(offsets.emplace_back(), evaluate_offset(*instance_, segment.offset_expr));
    }
    expect_datas(offsets);
    size_t next = 0;
    for (uint32_t i = 0; i < syntax_.datas.size(); ++i) {
      const wasm::DataSegment& segment = syntax_.datas[i];
      if (segment.mode == wasm::DataSegment::Mode::passive) continue;
      const vm::Exit exit = runtime::kBuiltins.memory_init(instance_, segment.memory, i,
                                                           offsets[next++], 0, segment.init.size());
      if (exit != vm::Exit::returned) return segment_trap(store_, "data", i);
      runtime::kBuiltins.data_drop(instance_, i);
    }
    if (warm_ != nullptr) warm_->learn(offsets);
    return {};
  }

  /// Large data that leaves few gaps faults fewer pages in when these are large, too.
  void expect_datas(std::span<const uint64_t> offsets) {
    constexpr uint64_t kLarge = 4 << 20;
    struct Extent {
      uint64_t from = UINT64_MAX, to = 0, bytes = 0;
    };
    if (syntax_.memory_count() == 0) return;
    std::vector<Extent> extents(syntax_.memory_count());
    size_t next = 0;
    for (const wasm::DataSegment& segment : syntax_.datas) {
      if (segment.mode == wasm::DataSegment::Mode::passive) continue;
      const uint64_t at = offsets[next++], size = segment.init.size();
      const uint64_t room =
          instance_->memories[segment.memory]->size.load(std::memory_order_relaxed);
      if (at > room || size > room - at) return;  // it will trap
      Extent& extent = extents[segment.memory];
      extent = {std::min(extent.from, at), std::max(extent.to, at + size), extent.bytes + size};
    }
    for (size_t i = syntax_.imported_memories.size(); i < extents.size(); ++i) {
      const Extent& extent = extents[i];
      auto* memory = static_cast<runtime::LinearMemory*>(instance_->memories[i]);
      if (extent.bytes >= kLarge && extent.bytes >= (extent.to - extent.from) / 8 * 7)
        memory->expect_data(extent.from, extent.to);
    }
  }

  StoreImpl& store_;
  ModuleImpl& module_;
  const wasm::Module& syntax_;
  InstanceImpl* instance_;
  WarmInstances* warm_;
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

bool has_tables(const wasm::Module& syntax) {
  return !syntax.tables.empty() || !syntax.elems.empty();
}

void set_datas(InstanceImpl& instance) {
  const std::vector<wasm::DataSegment>& segments = instance.syntax->datas;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool passive = segments[i].mode == wasm::DataSegment::Mode::passive;
    instance.datas[i] = {segments[i].init.data(), passive ? segments[i].init.size() : 0};
  }
}

Result<void> fill_all_tables(StoreImpl& store) {
  for (const auto& instance : store.instances)
    if (!instance->tables_filled) SEDGE_TRY(fill_tables(*instance));
  store.tables_to_fill = false;
  return {};
}

namespace {

Result<void> check_instance_limit(const StoreImpl& store) {
  if (store.instances.size() < store.limits.instances) return {};
  return fail(ErrorCode::instance_limit,
              fmt::format(": the store may hold {} instances", store.limits.instances));
}

// Runs the start function of an instance that is complete but for that.
Result<Instance> start(StoreImpl& store, InstanceImpl& made) {
  if (!made.tables_filled) {
    store.tables_to_fill = true;
    // Code that is running already may come to call it without passing the host.
    if (store.context.host_depth > 0) SEDGE_TRY(fill_all_tables(store));
  }
  if (made.syntax->start) {
    if (store.tables_to_fill) SEDGE_TRY(fill_all_tables(store));
    vm::Cell cell = 0;
    vm::Func* func = StoreImpl::func_ref(made, *made.syntax->start);
    SEDGE_TRY(finish_call(store, interp::invoke(store.context, *func, &cell)));
  }
  Instance instance;
  instance.ptr = &made;
  instance.store_id = store.id;
  return instance;
}

// Makes an instance that was used by another store one of this store.
Result<void> admit(StoreImpl& store, InstanceImpl& instance) {
  for (const auto& memory : instance.own_memories) SEDGE_TRY(store.admit_memory(memory->type()));
  for (const auto& table : instance.own_tables) SEDGE_TRY(store.admit_table(table->type));
  instance.store = &store;
  instance.context = &store.context;
  return {};
}

}  // namespace

Result<Instance> instantiate(Store& store, const std::shared_ptr<ModuleImpl>& module,
                             std::span<void* const> imports, WarmInstances* warm) {
  StoreImpl& impl = store.impl();
  SEDGE_TRY(check_instance_limit(impl));
  Builder builder(impl, module, std::make_unique<InstanceImpl>(), warm);
  SEDGE_TRY_ASSIGN(InstanceImpl * made, builder.build(imports));
  return start(impl, *made);
}

Result<Instance> instantiate_warm(Store& store, const std::shared_ptr<ModuleImpl>& module,
                                  const std::shared_ptr<WarmInstances>& warm) {
  StoreImpl& impl = store.impl();
  SEDGE_TRY(check_instance_limit(impl));
  if (std::unique_ptr<InstanceImpl> instance = warm->take()) {
    InstanceImpl& made = *instance;
    SEDGE_TRY(admit(impl, made));
    made.home = warm;
    impl.instances.push_back(std::move(instance));
    return start(impl, made);
  }
  auto instance = std::make_unique<InstanceImpl>();
  std::vector<void*> imports;
  for (const auto& host : warm->hosts()) imports.push_back(host_func(impl, instance->arena, host));
  Builder builder(impl, module, std::move(instance), warm.get());
  SEDGE_TRY_ASSIGN(InstanceImpl * made, builder.build_warm(imports));
  made->home = warm;
  return start(impl, *made);
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
  return instantiate(store, module.impl(), pointers, nullptr);
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
      return make(Func{}, StoreImpl::func_ref(*ptr, item.index));
    case ExternKind::table:
      // Handles see tables as code would. (Filling cannot fail: it did not the first time.)
      if (ptr->store->tables_to_fill && !fill_all_tables(*ptr->store)) return std::nullopt;
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
