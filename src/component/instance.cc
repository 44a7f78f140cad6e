// Instantiation: the definitions of a component in their order, each evaluated into its index
// space. Specification: Explainer.md; CanonicalABI.md, "Canonical Definitions".
#include "component/instance.h"

#include <algorithm>

#include <fmt/format.h>

#include "component/builtins.h"
#include "component/call.h"
#include "component/loop.h"
#include "component/task.h"
#include "component/type_text.h"
#include "engine/engine_impl.h"

namespace sedge::component {

const Item* InstanceValue::find(std::string_view name) const {
  auto found = std::ranges::find(exports, name,
                                 [](const auto& item) -> std::string_view { return item.first; });
  return found == exports.end() ? nullptr : &found->second;
}

ComponentStore::ComponentStore(Store& of)
    : loop(std::make_shared<ComponentLoopImpl>(of)),
      scheduler_(std::make_unique<Scheduler>(of.impl())) {}

ComponentStore::~ComponentStore() = default;

ComponentStore& ComponentStore::of(Store& store) {
  if (auto* found = store.data<ComponentStore>()) return *found;
  auto made = std::make_shared<ComponentStore>(store);
  store.set_data(made);
  store.impl().before_end = [loop = made->loop] { loop->end(); };
  return *made;
}

bool ComponentInst::is_quiet() const {
  return !poisoned && !entered && may_leave && threads.empty() && backpressure == 0 &&
         waiting_to_enter == 0 && !exclusive && entry_waiters.empty() && exclusive_waiters.empty();
}

bool ComponentStore::is_quiet() const {
  // One reference here, one in StoreImpl::before_end: whoever has another may still post.
  constexpr long kOwn = 2;
  return !scheduler_->has_threads() && !scheduler_->has_calls() && !scheduler_->has_ready() &&
         !scheduler_->current() && loop.use_count() == kOwn && loop->is_idle() &&
         std::ranges::all_of(instances, [](const auto& inst) { return inst->is_quiet(); });
}

bool ComponentStore::is_new() const {
  return is_quiet() && std::ranges::all_of(instances, [](const auto& inst) {
           return inst->handles.empty() && inst->context[0] == 0 && inst->context[1] == 0;
         });
}

bool ComponentStore::runs_code_at_start() const {
  auto starts = [](const auto& inst) {
    return std::ranges::any_of(inst->syntax->definitions, [](const Definition& item) {
      return std::holds_alternative<Start>(item.node);
    });
  };
  const StoreImpl& store = *loop->store;
  return std::ranges::any_of(instances, starts) ||
         std::ranges::any_of(store.instances,
                             [](const auto& inst) { return inst->syntax->start.has_value(); });
}

bool ComponentStore::forget_calls() {
  for (const auto& inst : instances) {
    if (!inst->is_quiet() || !inst->handles.clear()) return false;
    std::ranges::fill(inst->context, 0);
  }
  return true;
}

// Handle tables

Result<uint32_t> HandleTable::add(const Handle& handle) {
  if (!free_.empty()) {
    uint32_t index = free_.back();
    free_.pop_back();
    handles_[index] = handle;
    return index;
  }
  if (handles_.size() > kMaxHandles) return trap("handle table is full");
  handles_.push_back(handle);
  return static_cast<uint32_t>(handles_.size() - 1);
}

Result<Handle*> HandleTable::get(uint32_t index) {
  if (index >= handles_.size() || handles_[index].kind == Handle::Kind::free)
    return trap(fmt::format("unknown handle index {}", index));
  return &handles_[index];
}

Result<Handle*> HandleTable::get(uint32_t index, const RuntimeResource* type) {
  SEDGE_TRY_ASSIGN(Handle * handle, get(index));
  if (handle->type == type) return handle;
  auto kind = [](const RuntimeResource* of) {
    return of && of->owner ? "guest-defined" : "host-defined";
  };
  return trap(
      fmt::format("handle index {} used with the wrong type, expected {} resource but found "
                  "a different {} resource",
                  index, kind(type), kind(handle->type)));
}

void HandleTable::remove(uint32_t index) {
  handles_[index] = {};
  free_.push_back(index);
}

bool HandleTable::clear() {
  auto is_object = [](const Handle& handle) { return handle.kind == Handle::Kind::object; };
  if (std::ranges::any_of(handles_, is_object)) return false;
  constexpr size_t kKept = 1024;
  if (handles_.capacity() > kKept) handles_ = {};
  handles_.resize(1);
  free_.clear();
  return true;
}

Result<uint32_t> HandleTable::add(std::shared_ptr<TableObject> object) {
  Handle handle;
  handle.kind = Handle::Kind::object;
  handle.object = std::move(object);
  return add(handle);
}

Result<std::shared_ptr<TableObject>> HandleTable::get_object(uint32_t index, const char* what,
                                                             bool (*is)(TableObject::Kind)) {
  SEDGE_TRY_ASSIGN(Handle * handle, get(index));
  if (handle->kind == Handle::Kind::object && is(handle->object->kind)) return handle->object;
  return trap(fmt::format("handle index {} used with the wrong type, expected {}", index, what));
}

// Threads

Result<uint32_t> ThreadTable::add(std::shared_ptr<Thread> thread) {
  if (!free_.empty()) {
    uint32_t index = free_.back();
    free_.pop_back();
    threads_[index] = std::move(thread);
    return index;
  }
  if (threads_.size() > kMaxThreads) return trap("thread table is full");
  threads_.push_back(std::move(thread));
  return static_cast<uint32_t>(threads_.size() - 1);
}

Result<std::shared_ptr<Thread>> ThreadTable::get(uint32_t index) const {
  if (index >= threads_.size() || !threads_[index])
    return trap(fmt::format("unknown thread index {}", index));
  return threads_[index];
}

void ThreadTable::remove(uint32_t index) {
  if (index == 0) return;
  threads_[index] = nullptr;
  free_.push_back(index);
}

namespace {

/// Bytes of a type that messages show.
constexpr size_t kShownType = 1000;

bool same_shape(const Types& a_types, ValType a, const Types& b_types, ValType b);

}  // namespace

bool same_shape(const Types& a_types, const std::optional<ValType>& a, const Types& b_types,
                const std::optional<ValType>& b) {
  if (&a_types == &b_types && a == b) return true;
  return a.has_value() == b.has_value() && (!a || same_shape(a_types, *a, b_types, *b));
}

namespace {

bool same_shape(const Types& a_types, ValType a, const Types& b_types, ValType b) {
  if (a.is_prim() || b.is_prim()) return a.is_prim() && b.is_prim() && a.prim() == b.prim();
  const Defined& x = a_types.defined(a.index());
  const Defined& y = b_types.defined(b.index());
  if (x.type.index() != y.type.index()) return false;
  auto same = [&](const auto& p, const auto& q) { return same_shape(a_types, p, b_types, q); };
  return std::visit(
      [&](const auto& p) {
        using T = std::remove_cvref_t<decltype(p)>;
        const T& q = std::get<T>(y.type);
        if constexpr (std::is_same_v<T, PrimType>) {
          return p == q;
        } else if constexpr (std::is_same_v<T, Record>) {
          return std::ranges::equal(p.fields, q.fields, [&](const Field& f, const Field& g) {
            return f.name == g.name && same(f.type, g.type);
          });
        } else if constexpr (std::is_same_v<T, Variant>) {
          return std::ranges::equal(p.cases, q.cases, [&](const Case& f, const Case& g) {
            return f.name == g.name && same(f.type, g.type);
          });
        } else if constexpr (std::is_same_v<T, Tuple>) {
          return std::ranges::equal(p.types, q.types, same);
        } else if constexpr (std::is_same_v<T, Flags> || std::is_same_v<T, Enum>) {
          return p.names == q.names;
        } else if constexpr (std::is_same_v<T, List>) {
          return same(p.element, q.element);
        } else if constexpr (std::is_same_v<T, FixedList>) {
          return p.length == q.length && same(p.element, q.element);
        } else if constexpr (std::is_same_v<T, Option>) {
          return same(p.type, q.type);
        } else if constexpr (std::is_same_v<T, ResultType>) {
          return same(p.ok, q.ok) && same(p.error, q.error);
        } else if constexpr (std::is_same_v<T, Stream> || std::is_same_v<T, Future>) {
          return same(p.element, q.element);
        } else if constexpr (std::is_same_v<T, Map>) {
          return same(p.key, q.key) && same(p.value, q.value);
        } else {
          return true;  // handles: their resources are compared when they cross
        }
      },
      x.type);
}

bool same_shape(const Types& a_types, const FuncType& a, const Types& b_types, const FuncType& b) {
  return a.async_ == b.async_ && same_shape(a_types, a.result, b_types, b.result) &&
         std::ranges::equal(a.params, b.params, [&](const Field& f, const Field& g) {
           return f.name == g.name && same_shape(a_types, f.type, b_types, g.type);
         });
}

/// Evaluates the definitions of one component.
class Instantiation {
 public:
  Instantiation(Store& store, ComponentInst& inst, const Imports& imports)
      : store_(store), inst_(inst), imports_(imports), types_(inst.type_arena()) {}

  Result<std::shared_ptr<const InstanceValue>> run() {
    for (const Definition& item : inst_.syntax->definitions) SEDGE_TRY(definition(item));
    inst_.values = {};
    return std::make_shared<const InstanceValue>(std::move(exports_));
  }

 private:
  Result<void> definition(const Definition& item);
  Result<void> core_module(const CoreModule& item);
  Result<void> core_instance(const CoreInstance& item);
  Result<void> instance(const component::Instance& item);
  Result<void> alias(const Alias& item);
  Result<void> canon(const Canon& item);
  Result<void> import(const component::Import& item);
  Result<void> export_(const component::Export& item);
  Result<void> type(const Type& item);
  Result<void> start(const Start& item);
  Result<void> value(const Value& item);

  /// Appends to the index space of the item's sort, and learns the resources that `entity` names.
  Result<void> push(const Entity& entity, const Item& item);
  void learn(const Entity& entity, const Item& item);
  void push_value(std::shared_ptr<const ValueItem> value);
  void push_value(ComponentVal value);
  /// The values that are known so far, by Entity::id.
  using KnownValues = std::unordered_map<uint32_t, std::shared_ptr<const ValueItem>>;
  /// Whether values that are to be one are equal. Error: incompatible_import.
  Result<void> learn_values(const Entity& entity, const Item& item, std::string_view name,
                            KnownValues& known) const;
  Item item_at(const SortIdx& index) const;
  void push_core(const Extern& item);
  Result<AbiOptions> options(const Canon& item) const;
  /// The type that validation gave to the next entry of a space.
  const sedge::FuncType& next_core_func() const {
    return types_.registry().get(inst_.info->spaces.core_funcs[inst_.core_funcs.size()]).type.func;
  }

  Store& store_;
  ComponentInst& inst_;
  const Imports& imports_;
  const Types& types_;
  InstanceValue exports_;
  KnownValues known_values_;
};

void Instantiation::learn(const Entity& entity, const Item& item) {
  if (entity.kind == ExternType::Kind::type && entity.type.kind == TypeRef::Kind::resource) {
    if (auto* const* type = std::get_if<RuntimeResource*>(&item.value))
      inst_.resources[types_.resource_of(entity.type.id)] = *type;
  } else if (entity.kind == ExternType::Kind::instance) {
    const auto* made = std::get_if<std::shared_ptr<const InstanceValue>>(&item.value);
    if (!made) return;
    for (const EntityMap::Item& inner : types_.instance(entity.id).exports)
      if (const Item* found = (*made)->find(inner.name)) learn(inner.entity, *found);
  }
}

Result<void> Instantiation::push(const Entity& entity, const Item& item) {
  learn(entity, item);
  switch (entity.kind) {
    case ExternType::Kind::module:
      inst_.core_modules.push_back(std::get<Module>(item.value));
      break;
    case ExternType::Kind::func:
      inst_.funcs.push_back(std::get<std::shared_ptr<const FuncValue>>(item.value));
      break;
    case ExternType::Kind::type: {
      auto* const* resource = std::get_if<RuntimeResource*>(&item.value);
      inst_.types.push_back(resource ? *resource : nullptr);
      break;
    }
    case ExternType::Kind::component:
      inst_.components.push_back(std::get<ComponentValue>(item.value));
      break;
    case ExternType::Kind::instance:
      inst_.instances.push_back(std::get<std::shared_ptr<const InstanceValue>>(item.value));
      break;
    case ExternType::Kind::value: {
      const auto& given = std::get<std::shared_ptr<const ValueItem>>(item.value);
      if (given->component()) {
        push_value(given);
        break;
      }
      SEDGE_TRY_ASSIGN(ComponentVal of_host, given->take());
      SEDGE_TRY(adopt_value(types_, entity.value, of_host));
      push_value(std::move(of_host));
      break;
    }
  }
  return {};
}

void Instantiation::push_value(std::shared_ptr<const ValueItem> value) {
  known_values_.try_emplace(inst_.info->spaces.values[inst_.values.size()].id, value);
  inst_.values.push_back(std::move(value));
}

void Instantiation::push_value(ComponentVal value) {
  const ValType type = inst_.info->spaces.values[inst_.values.size()].type;
  push_value(std::make_shared<const ValueItem>(std::move(value), inst_.component, type));
}

Result<void> Instantiation::learn_values(const Entity& entity, const Item& item,
                                         std::string_view name, KnownValues& known) const {
  if (entity.kind == ExternType::Kind::value) {
    const auto& value = std::get<std::shared_ptr<const ValueItem>>(item.value);
    auto [at, is_new] = known.emplace(entity.id, value);
    if (is_new || at->second == value) return {};
    ComponentVal first = at->second->peek(), second = value->peek();
    SEDGE_TRY(adopt_value(types_, entity.value, first));
    SEDGE_TRY(adopt_value(types_, entity.value, second));
    if (same_value(first, second)) return {};
    return fail(ErrorCode::incompatible_import,
                fmt::format(" for \"{}\": its type asks for the value {}, it is {}", name,
                            to_string(first), to_string(second)));
  }
  if (entity.kind != ExternType::Kind::instance) return {};
  const auto& made = std::get<std::shared_ptr<const InstanceValue>>(item.value);
  KnownValues inside;
  for (const EntityMap::Item& inner : types_.instance(entity.id).exports) {
    if (inner.entity.kind != ExternType::Kind::value &&
        inner.entity.kind != ExternType::Kind::instance)
      continue;
    if (const Item* found = made->find(inner.name))
      SEDGE_TRY(learn_values(inner.entity, *found, inner.name, inside));
  }
  return {};
}

Item Instantiation::item_at(const SortIdx& index) const {
  Item out;
  switch (index.sort) {
    case Sort::core_module:
      out.value = inst_.core_modules[index.index];
      break;
    case Sort::func:
      out.value = inst_.funcs[index.index];
      break;
    case Sort::type:
      if (RuntimeResource* type = inst_.types[index.index]) out.value = type;
      break;
    case Sort::component:
      out.value = inst_.components[index.index];
      break;
    case Sort::instance:
      out.value = inst_.instances[index.index];
      break;
    case Sort::value:
      out.value = inst_.values[index.index];
      break;
    default:
      break;
  }
  return out;
}

void Instantiation::push_core(const Extern& item) {
  std::visit(
      [&](const auto& value) {
        using T = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Func>) inst_.core_funcs.push_back(value);
        if constexpr (std::is_same_v<T, Memory>) inst_.core_memories.push_back(value);
        if constexpr (std::is_same_v<T, Table>) inst_.core_tables.push_back(value);
        if constexpr (std::is_same_v<T, Global>) inst_.core_globals.push_back(value);
        if constexpr (std::is_same_v<T, Tag>) inst_.core_tags.push_back(value);
      },
      item);
}

Result<void> Instantiation::definition(const Definition& item) {
  return std::visit(
      [&](const auto& node) -> Result<void> {
        using T = std::remove_cvref_t<decltype(node)>;
        if constexpr (std::is_same_v<T, CoreModule>) {
          return core_module(node);
        } else if constexpr (std::is_same_v<T, CoreInstance>) {
          return core_instance(node);
        } else if constexpr (std::is_same_v<T, std::unique_ptr<Component>>) {
          inst_.components.push_back({inst_.component, node.get(), &inst_});
          return {};
        } else if constexpr (std::is_same_v<T, component::Instance>) {
          return instance(node);
        } else if constexpr (std::is_same_v<T, Alias>) {
          return alias(node);
        } else if constexpr (std::is_same_v<T, Type>) {
          return type(node);
        } else if constexpr (std::is_same_v<T, Canon>) {
          return canon(node);
        } else if constexpr (std::is_same_v<T, component::Import>) {
          return import(node);
        } else if constexpr (std::is_same_v<T, component::Export>) {
          return export_(node);
        } else if constexpr (std::is_same_v<T, Start>) {
          return start(node);
        } else if constexpr (std::is_same_v<T, Value>) {
          return value(node);
        } else {
          return {};  // core types, custom sections
        }
      },
      item.node);
}

Result<void> Instantiation::core_module(const CoreModule& item) {
  inst_.core_modules.push_back(inst_.component->module(item));
  return {};
}

Result<void> Instantiation::core_instance(const CoreInstance& item) {
  CoreInstanceValue out;
  if (!item.module) {
    for (const CoreItem& part : item.items) {
      auto at = part.item.index;
      switch (part.item.sort) {
        case Sort::core_func:
          out.tuple.emplace(part.name, inst_.core_funcs[at]);
          break;
        case Sort::core_table:
          out.tuple.emplace(part.name, inst_.core_tables[at]);
          break;
        case Sort::core_memory:
          out.tuple.emplace(part.name, inst_.core_memories[at]);
          break;
        case Sort::core_global:
          out.tuple.emplace(part.name, inst_.core_globals[at]);
          break;
        case Sort::core_tag:
          out.tuple.emplace(part.name, inst_.core_tags[at]);
          break;
        default:
          break;
      }
    }
  } else {
    const Module& module = inst_.core_modules[*item.module];
    std::vector<Extern> given;
    for (const ImportType& wanted : module.imports()) {
      auto argument = std::ranges::find(item.items, wanted.module, &CoreItem::name);
      if (argument == item.items.end())
        return fail(ErrorCode::unknown_import, fmt::format(" {}", wanted.module));
      auto found = inst_.core_instances[argument->item.index].find(store_, wanted.name);
      if (!found)
        return fail(ErrorCode::unknown_import, fmt::format(" {} {}", wanted.module, wanted.name));
      given.push_back(*found);
    }
    SEDGE_TRY_ASSIGN(out.made, sedge::Instance::create(store_, module, given));
  }
  inst_.core_instances.push_back(std::move(out));
  return {};
}

Result<void> Instantiation::instance(const component::Instance& item) {
  std::shared_ptr<const InstanceValue> made;
  if (item.component) {
    Imports arguments;
    for (const InstanceItem& part : item.items)
      arguments.insert_or_assign(std::string(part.name.name), item_at(part.item));
    SEDGE_TRY_ASSIGN(made,
                     instantiate(store_, inst_.components[*item.component], arguments, &inst_));
  } else {
    InstanceValue bag;
    for (const InstanceItem& part : item.items)
      bag.exports.emplace_back(part.name.name, item_at(part.item));
    made = std::make_shared<const InstanceValue>(std::move(bag));
  }
  Entity entity;
  entity.kind = ExternType::Kind::instance;
  entity.id = inst_.info->spaces.instances[inst_.instances.size()];
  return push(entity, Item{std::move(made)});
}

Result<void> Instantiation::alias(const Alias& item) {
  if (item.target == Alias::Target::core_export) {
    auto found = inst_.core_instances[item.instance].find(store_, item.name);
    if (!found) return fail(ErrorCode::unknown_export, fmt::format(" \"{}\"", item.name));
    push_core(*found);
    return {};
  }
  if (item.target == Alias::Target::export_) {
    const Item* found = inst_.instances[item.instance]->find(item.name);
    const Entity* entity =
        types_.instance(inst_.info->spaces.instances[item.instance]).exports.find(item.name);
    if (!entity) return fail(ErrorCode::unknown_export, fmt::format(" \"{}\"", item.name));
    // Types other than resources have no value, so that instances of the host may leave them out.
    return push(*entity, found ? *found : Item{});
  }
  ComponentInst* from = &inst_;
  for (uint32_t i = 0; i < item.outer_count && from; ++i) from = from->outer;
  if (!from) return fail(ErrorCode::host_failure, ": an outer alias leads nowhere");
  switch (item.sort) {
    case Sort::core_module:
      inst_.core_modules.push_back(Module(from->core_modules[item.outer_index]));
      break;
    case Sort::component:
      inst_.components.push_back(ComponentValue(from->components[item.outer_index]));
      break;
    case Sort::type:
      inst_.types.push_back(from->types[item.outer_index]);
      break;
    default:
      break;  // core types
  }
  return {};
}

Result<void> Instantiation::type(const Type& item) {
  RuntimeResource* made = nullptr;
  if (const auto* definition = std::get_if<component::ResourceType>(&item.type)) {
    auto owned = std::make_unique<RuntimeResource>();
    made = owned.get();
    made->owner = &inst_;
    if (definition->destructor) made->destructor = inst_.core_funcs[*definition->destructor];
    ComponentStore::of(store_).resources.push_back(std::move(owned));
    const TypeRef& ref = inst_.info->spaces.types[inst_.types.size()];
    inst_.resources[types_.resource_of(ref.id)] = made;
  }
  inst_.types.push_back(made);
  return {};
}

Result<void> Instantiation::import(const component::Import& item) {
  const Entity* entity = types_.component(inst_.info->sig).imports.find(item.name.name);
  auto given = imports_.find(item.name.name);
  bool has_value =
      entity->kind != ExternType::Kind::type || entity->type.kind == TypeRef::Kind::resource;
  if (given == imports_.end() && has_value) {
    if (entity->kind != ExternType::Kind::value)
      return fail(ErrorCode::unknown_import, fmt::format(" \"{}\"", item.name.name));
    return fail(
        Error(ErrorCode::unknown_import, fmt::format(" \"{}\": a value of type {}", item.name.name,
                                                     value_text(types_, entity->value, kShownType)))
            .with_remedy(fmt::format("give it: `sedge run --value {}=VALUE`, or "
                                     "ComponentLinker::value",
                                     item.name.name)));
  }
  if (given == imports_.end()) return push(*entity, Item{});
  SEDGE_TRY(push(*entity, given->second));
  // As it is in the index space: a value of the host is complete there.
  const bool is_value = entity->kind == ExternType::Kind::value;
  return learn_values(*entity, is_value ? Item{inst_.values.back()} : given->second, item.name.name,
                      known_values_);
}

Result<void> Instantiation::export_(const component::Export& item) {
  const Entity* entity = types_.component(inst_.info->sig).exports.find(item.name.name);
  Item value = item_at(*item.item);
  SEDGE_TRY(push(*entity, value));
  exports_.exports.emplace_back(item.name.name, std::move(value));
  return {};
}

Result<void> Instantiation::start(const Start& item) {
  std::vector<ComponentVal> arguments;
  for (uint32_t index : item.arguments) {
    SEDGE_TRY_ASSIGN(ComponentVal argument, inst_.values[index]->take());
    arguments.push_back(std::move(argument));
  }
  auto results = call_start(store_, inst_, *inst_.funcs[item.func],
                            types_.func(inst_.info->spaces.funcs[item.func]), arguments);
  if (!results)
    return fail(std::move(results).error().with_context("start function of the component"));
  for (ComponentVal& result : *results) push_value(std::move(result));
  return {};
}

Result<void> Instantiation::value(const Value& item) {
  const auto& entry = inst_.info->spaces.values[inst_.values.size()];
  Reader reader(item.encoding);
  ComponentVal made;
  SEDGE_TRY(read_constant(types_, entry.type, reader, nullptr, &made));
  push_value(std::move(made));
  return {};
}

Result<AbiOptions> Instantiation::options(const Canon& item) const {
  AbiOptions out;
  for (const CanonOption& option : item.options) {
    switch (option.kind) {
      case CanonOption::Kind::utf8:
        out.encoding = AbiOptions::Encoding::utf8;
        break;
      case CanonOption::Kind::utf16:
        out.encoding = AbiOptions::Encoding::utf16;
        break;
      case CanonOption::Kind::latin1_utf16:
        out.encoding = AbiOptions::Encoding::latin1_utf16;
        break;
      case CanonOption::Kind::memory:
        out.memory = inst_.core_memories[option.index];
        out.is64 = inst_.info->spaces.core_memories[option.index].is64;
        break;
      case CanonOption::Kind::realloc:
        out.realloc = inst_.core_funcs[option.index];
        break;
      case CanonOption::Kind::post_return:
        out.post_return = inst_.core_funcs[option.index];
        break;
      case CanonOption::Kind::callback:
        out.callback = inst_.core_funcs[option.index];
        break;
      case CanonOption::Kind::async:
        out.async_ = true;
        break;
      default:
        break;
    }
  }
  return out;
}

Result<void> Instantiation::canon(const Canon& item) {
  if (item.op == CanonOp::lift) {
    auto func = std::make_shared<FuncValue>();
    func->component = inst_.component;
    func->sig = inst_.info->spaces.funcs[inst_.funcs.size()];
    func->inst = &inst_;
    func->callee = inst_.core_funcs[item.index];
    SEDGE_TRY_ASSIGN(func->options, options(item));
    inst_.funcs.push_back(std::move(func));
    return {};
  }
  const sedge::FuncType& signature = next_core_func();
  SEDGE_TRY_ASSIGN(AbiOptions opts, options(item));
  if (item.op == CanonOp::lower) {
    uint32_t sig = inst_.info->spaces.funcs[item.index];
    inst_.core_funcs.push_back(
        lowered(store_, inst_, inst_.funcs[item.index], sig, std::move(opts), signature));
  } else {
    inst_.core_funcs.push_back(
        Func::wrap_raw(store_, signature, builtin(inst_, item, std::move(opts))));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const InstanceValue>> instantiate(Store& store,
                                                         const ComponentValue& component,
                                                         const Imports& imports,
                                                         ComponentInst* parent) {
  ComponentStore& all = ComponentStore::of(store);
  constexpr size_t kMaxLive = 10'000;
  if (all.instances.size() >= kMaxLive)
    return fail(ErrorCode::instance_limit, fmt::format(": {} component instances", kMaxLive));
  auto owned = std::make_unique<ComponentInst>();
  ComponentInst& inst = *owned;
  inst.component = component.component;
  inst.syntax = component.syntax;
  inst.info = &component.component->validated.components.at(component.syntax);
  inst.parent = parent;
  inst.outer = component.outer;
  inst.home = &all;
  inst.async_ = inst.info->spaces.async_;
  Scheduler::NoThread no_thread(all.scheduler());
  all.instances.push_back(std::move(owned));
  return Instantiation(store, inst, imports).run();
}

Result<void> check_import(const Types& types, std::string_view name, const Entity& wanted,
                          const Item& item) {
  auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::incompatible_import, fmt::format(" for \"{}\": {}", name, why));
  };
  switch (wanted.kind) {
    case ExternType::Kind::func: {
      const auto* func = std::get_if<std::shared_ptr<const FuncValue>>(&item.value);
      if (!func) return refuse("it is no function");
      // Types of another component would have to be compared across arenas: its shape is what
      // counts, so that a function with other core values cannot be taken.
      if ((*func)->component) {
        const FuncType& found = (*func)->component->validated.types->func((*func)->sig).type;
        const FuncType& type = types.func(wanted.id).type;
        if (!same_shape(*(*func)->component->validated.types, found, types, type))
          return refuse("the function has another type");
      } else if (std::string_view given = (*func)->host_type; !given.empty()) {
        const FuncType& asked = types.func(wanted.id).type;
        if (func_text(types, asked, given.size()) != given)
          return refuse(fmt::format("the component asks for {}, the host has {}",
                                    func_text(types, asked, kShownType), given));
      }
      return {};
    }
    case ExternType::Kind::instance: {
      const auto* instance = std::get_if<std::shared_ptr<const InstanceValue>>(&item.value);
      if (!instance) return refuse("it is no instance");
      for (const EntityMap::Item& inner : types.instance(wanted.id).exports) {
        bool is_resource = inner.entity.kind == ExternType::Kind::type &&
                           inner.entity.type.kind == TypeRef::Kind::resource;
        if (inner.entity.kind == ExternType::Kind::type && !is_resource) continue;
        const Item* found = (*instance)->find(inner.name);
        if (!found)
          return fail(ErrorCode::unknown_import,
                      fmt::format(" \"{}\": the instance has no export \"{}\"", name, inner.name));
        SEDGE_TRY(check_import(types, inner.name, inner.entity, *found));
      }
      return {};
    }
    case ExternType::Kind::module: {
      const auto* module = std::get_if<Module>(&item.value);
      if (!module) return refuse("it is no module");
      return refuse("core modules cannot be given to a component from outside");
    }
    case ExternType::Kind::component:
      return refuse("components cannot be given to a component from outside");
    case ExternType::Kind::value: {
      const auto* value = std::get_if<std::shared_ptr<const ValueItem>>(&item.value);
      const std::string asked = value_text(types, wanted.value, kShownType);
      if (!value) return refuse(fmt::format("it is no value, the component asks for {}", asked));
      if (const auto& from = (*value)->component()) {
        if (same_shape(*from->validated.types, (*value)->type(), types, wanted.value)) return {};
        return refuse(
            fmt::format("the component asks for {}, the value is {}", asked,
                        value_text(*from->validated.types, (*value)->type(), kShownType)));
      }
      ComponentVal of_host = (*value)->peek();
      if (auto fits = adopt_value(types, wanted.value, of_host); !fits)
        return refuse(fmt::format("the component asks for {}: {}", asked, fits.error().message()));
      return {};
    }
    case ExternType::Kind::type:
      if (wanted.type.kind == TypeRef::Kind::resource &&
          !std::holds_alternative<RuntimeResource*>(item.value))
        return refuse("it is no resource type");
      return {};
  }
  return {};
}

}  // namespace sedge::component
