// Linker: definitions by name, resolution of a module's imports, prelinked modules.
#include <sedge/linker.h>

#include <map>

#include <fmt/format.h>

#include "base/nearest.h"
#include "engine/engine_impl.h"

namespace sedge {
namespace {

/// One definition: a host function, a shared memory, or something of one store.
struct Definition {
  std::shared_ptr<HostFunc> host;
  std::shared_ptr<SharedMemoryImpl> shared;
  std::optional<Extern> value;
};

}  // namespace

struct LinkerImpl {
  std::shared_ptr<EngineImpl> engine;
  std::map<std::string, std::map<std::string, Definition, std::less<>>, std::less<>> modules;

  const Definition* find(std::string_view module, std::string_view name) const {
    auto found = modules.find(module);
    if (found == modules.end()) return nullptr;
    auto item = found->second.find(name);
    return item == found->second.end() ? nullptr : &item->second;
  }
  void put(std::string_view module, std::string_view name, Definition definition) {
    modules[std::string(module)].insert_or_assign(std::string(name), std::move(definition));
  }
  Error unknown(const ImportType& import) const;
};

struct InstancePreImpl {
  Module module;
  std::vector<Definition> imports;
  std::shared_ptr<WarmInstances> warm;  ///< null: every instance is made anew
};

Error LinkerImpl::unknown(const ImportType& import) const {
  Error error(ErrorCode::unknown_import,
              fmt::format(" `{}` `{}` ({})", import.module, import.name, to_string(import.type)));
  std::vector<std::string_view> candidates;
  auto found = modules.find(import.module);
  if (found != modules.end()) {
    for (const auto& [name, definition] : found->second) candidates.push_back(name);
    if (auto near = nearest(import.name, candidates); !near.empty())
      error.set_remedy(fmt::format("`{}` has `{}`: is that what is meant?", import.module, near));
    else
      error.set_remedy(fmt::format("`{}` is known, but has nothing of this name", import.module));
    return error;
  }
  if (import.module == "wasi_snapshot_preview1" || import.module == "wasi_unstable") {
    error.set_remedy("this needs WASI 0.1, which the host did not provide");
    return error;
  }
  if (import.module == "__wbindgen_placeholder__" || import.module == "wbg") {
    error.set_remedy(
        "the module was made for JavaScript by wasm-bindgen; build it for WASI: "
        "cargo build --target wasm32-wasip1");
    return error;
  }
  for (const auto& [name, definitions] : modules) candidates.push_back(name);
  if (auto near = nearest(import.module, candidates); !near.empty())
    error.set_remedy(
        fmt::format("there is no module `{}`; `{}` is the nearest", import.module, near));
  else
    error.set_remedy(fmt::format("nothing provides a module `{}`", import.module));
  return error;
}

Linker::Linker(const Engine& engine) : impl_(std::make_unique<LinkerImpl>()) {
  impl_->engine = engine.impl();
}
Linker::Linker(Linker&&) noexcept = default;
Linker& Linker::operator=(Linker&&) noexcept = default;
Linker::~Linker() = default;

void Linker::func_entry(std::string_view module, std::string_view name, const FuncType& type,
                        HostEntry entry, std::shared_ptr<void> env) {
  impl_->put(module, name, {HostFunc::make(*impl_->engine, type, entry, std::move(env)), {}, {}});
}

void Linker::func_raw(std::string_view module, std::string_view name, const FuncType& type,
                      RawHostCallback callback) {
  impl_->put(module, name, {HostFunc::make(*impl_->engine, type, std::move(callback)), {}, {}});
}

void Linker::func_values(std::string_view module, std::string_view name, const FuncType& type,
                         HostCallback callback) {
  func_raw(module, name, type, adapt_values(type, std::move(callback)));
}

void Linker::define(const Store&, std::string_view module, std::string_view name, Extern value) {
  impl_->put(module, name, {{}, {}, value});
}

void Linker::define(std::string_view module, std::string_view name, const SharedMemory& memory) {
  impl_->put(module, name, {{}, memory.impl, {}});
}

void Linker::instance(const Store& store, std::string_view module, const Instance& instance) {
  for (const ExportType& item : instance.module(store).exports())
    if (auto value = instance.get_export(store, item.name))
      define(store, module, item.name, *value);
}

bool Linker::has_module(std::string_view module) const {
  return impl_->modules.find(module) != impl_->modules.end();
}

bool Linker::has(std::string_view module, std::string_view name) const {
  return impl_->find(module, name) != nullptr;
}

std::vector<std::pair<std::string, std::string>> Linker::names() const {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& [module, definitions] : impl_->modules)
    for (const auto& [name, definition] : definitions) names.emplace_back(module, name);
  return names;
}

namespace {

// What a definition is in a store.
Extern materialise(Store& store, const Definition& definition) {
  if (definition.host) {
    Func func;
    func.ptr = host_func(store.impl(), store.impl().arena, definition.host);
    func.store_id = store.id();
    return func;
  }
  if (definition.shared) {
    SharedMemory memory;
    memory.impl = definition.shared;
    return memory.in(store);
  }
  return *definition.value;
}

}  // namespace

Result<Instance> Linker::instantiate(Store& store, const Module& module) const {
  std::vector<Extern> imports;
  imports.reserve(module.imports().size());
  for (const ImportType& import : module.imports()) {
    const Definition* definition = impl_->find(import.module, import.name);
    if (definition == nullptr) return fail(impl_->unknown(import));
    if (definition->host) store.impl().kept.push_back(definition->host);
    imports.push_back(materialise(store, *definition));
  }
  return Instance::create(store, module, imports);
}

Result<InstancePre> Linker::instantiate_pre(const Module& module) const {
  auto pre = std::make_shared<InstancePreImpl>(InstancePreImpl{module, {}, nullptr});
  const wasm::TypeRegistry& registry = *impl_->engine->resources->registry;
  for (const ImportType& import : module.imports()) {
    const Definition* definition = impl_->find(import.module, import.name);
    if (definition == nullptr) return fail(impl_->unknown(import));
    if (definition->host) {
      ExternType given;
      given.func = definition->host->type;
      if (import.type.kind != ExternKind::func ||
          !definition->host->types.type(0).is_subtype_of(registry.get(import.type.type_id)))
        return fail(incompatible_import(import, to_string(given)));
    } else if (!definition->shared) {
      return fail(ErrorCode::bad_store, fmt::format(": `{}` `{}` lives in one store and cannot be "
                                                    "prelinked",
                                                    import.module, import.name));
    }
    pre->imports.push_back(*definition);
  }
  WarmInstances::Hosts hosts;
  for (const Definition& definition : pre->imports)
    if (definition.host) hosts.push_back(definition.host);
  if (hosts.size() == pre->imports.size())
    pre->warm = WarmInstances::make(module.impl(), std::move(hosts));
  InstancePre out;
  out.impl = std::move(pre);
  return out;
}

const Module& InstancePre::module() const { return impl->module; }

Result<Instance> InstancePre::instantiate(Store& store) const {
  if (impl->warm != nullptr && impl->warm->learnt())
    return instantiate_warm(store, impl->module.impl(), impl->warm);
  std::vector<void*> pointers;
  pointers.reserve(impl->imports.size());
  for (size_t i = 0; i < impl->imports.size(); ++i) {
    Extern value = materialise(store, impl->imports[i]);
    if (impl->imports[i].shared)
      SEDGE_TRY(check_import(store.impl(), *impl->module.impl(), i, value));
    pointers.push_back(std::visit([](const auto& h) -> void* { return h.ptr; }, value));
  }
  store.impl().kept.push_back(impl);
  return sedge::instantiate(store, impl->module.impl(), pointers, impl->warm.get());
}

}  // namespace sedge
