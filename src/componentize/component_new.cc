// The order of a component: imports; modules; a shim whose functions lead through a table; the
// instances, each given what it imports; a fixup that fills the table; lifted exports. Whatever
// needs the memory of a module that does not exist yet goes through the shim.
#include "componentize/component_new.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "component/encode.h"
#include "componentize/export_instance.h"
#include "componentize/import_use.h"
#include "componentize/live.h"
#include "componentize/trampoline.h"
#include "componentize/wit_types.h"
#include "wasm/encode/encode.h"

namespace sedge::componentize {
namespace {

using component::CanonOp;
using component::CanonOption;
using component::Sort;

constexpr std::string_view kMainModule = "__main_module__";

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::no_component, ": " + std::move(message));
}

/// A module of the component, with what it imports.
struct Part {
  CoreModuleFile file;
  std::vector<ImportUse> uses;
  uint32_t module = 0;    ///< core module index
  uint32_t instance = 0;  ///< core instance index, once it is there
  bool is_adapter = false;
};

/// A function that goes through the shim; `actual` gives the real one once all instances are there.
struct Slot {
  FuncType type;
  std::function<Result<uint32_t>()> actual;
};

class Assembler {
 public:
  Assembler(const std::vector<Adapter>& adapters, bool plain_names)
      : given_(adapters), plain_names_(plain_names) {}

  Result<std::vector<uint8_t>> run(Bytes module);

 private:
  Result<void> read(Bytes module);
  Result<void> read_uses(Part& part);
  Result<void> find_live();
  Result<void> check_exports();
  Result<std::string> export_name(const Part& part, const wit::WorldItem& item,
                                  const wit::Function& function, Abi* abi) const;
  std::string prefix(const wit::WorldItem& item) const {
    return item.kind == wit::WorldItem::Kind::function ? "" : resolve_.item_name(item) + "#";
  }
  Part& provider(const std::string& export_key) {
    for (Part& part : parts_)
      if (part.file.world != wit::kNone &&
          resolve_.worlds[part.file.world].exports.contains(export_key))
        return part;
    return parts_[0];
  }

  void imports();
  void export_types();
  Result<void> modules();
  Result<void> shim();
  Result<void> instances();
  Result<void> instantiate(Part& part);
  Result<uint32_t> core_function(Part& part, size_t use);
  Result<uint32_t> canon(Part& part, const ImportUse& use);
  Result<void> fixup();
  Result<void> initialize();
  Result<void> exports();
  Result<uint32_t> lift(Part& part, const wit::WorldItem& item, const wit::Function& function);

  Part& main() { return parts_[0]; }
  uint32_t function_of(const ImportUse& use);
  std::string_view main_memory();
  uint32_t memory();
  Result<uint32_t> realloc(Part& part, bool of_import);
  Result<uint32_t> main_realloc(std::string_view preferred);
  Result<void> options(Part& part, const CoreSignature& needs, bool of_import,
                       std::vector<CanonOption>& out);
  uint32_t core_export(const Part& part, std::string_view name, Sort sort);

  const std::vector<Adapter>& given_;
  const bool plain_names_;
  wit::Resolve resolve_;
  std::vector<Part> parts_;  ///< the main module, then adapters
  wit::WorldId world_ = wit::kNone;
  std::optional<Live> live_;
  Storage storage_;
  Builder builder_;
  WitTypes import_types_{resolve_, storage_, builder_, nullptr};
  WitTypes export_types_{resolve_, storage_, builder_, nullptr};
  std::map<std::string, uint32_t> instances_;       ///< imported, by key
  std::map<std::string, uint32_t> root_functions_;  ///< imported
  std::vector<Slot> slots_;
  std::map<std::pair<size_t, size_t>, size_t> slot_of_use_;  ///< (part, use) → slot
  std::map<wit::TypeId, size_t> slot_of_dtor_;
  std::optional<MemoryType> own_memory_;
  std::optional<ValType> tls_base_;
  uint32_t shim_ = 0;
  std::optional<uint32_t> memory_;
  std::optional<uint32_t> grow_realloc_;
};

Result<void> Assembler::read(Bytes module) {
  SEDGE_TRY_ASSIGN(CoreModuleFile file, read_core_module(resolve_, "main", module, false));
  // A module of WASI 0.1 says no world: adapters bring theirs.
  if (file.world == wit::kNone && given_.empty())
    return fail(Error(ErrorCode::no_component,
                      ": the module says no world: it has no custom section "
                      "`component-type`")
                    .with_remedy("name its WIT: `sedge component new --wit PATH FILE`"));
  parts_.push_back({std::move(file), {}, 0, 0, false});
  for (const Adapter& adapter : given_) {
    auto read = read_core_module(resolve_, adapter.name, adapter.module, true);
    if (!read) return fail(std::move(read).error().with_context("adapter " + adapter.name));
    parts_.push_back({*std::move(read), {}, 0, 0, true});
  }
  // The world of the component: that of the module and those of the adapters.
  world_ = static_cast<wit::WorldId>(resolve_.worlds.size());
  wit::World all;
  all.name = "module";
  if (main().file.world != wit::kNone) {
    all.name = resolve_.worlds[main().file.world].name;
    all.package = resolve_.worlds[main().file.world].package;
  }
  resolve_.worlds.push_back(std::move(all));
  for (const Part& part : parts_)
    if (part.file.world != wit::kNone) join_worlds(resolve_, world_, part.file.world);
  return {};
}

Result<void> Assembler::read_uses(Part& part) {
  static const wit::World kEmpty;
  const wit::World& world =
      part.file.world == wit::kNone ? kEmpty : resolve_.worlds[part.file.world];
  ImportReader reader(resolve_, world);
  std::set<uint32_t> reached;
  if (part.is_adapter) {
    std::vector<wasm::FuncIdx> roots;
    auto root = [&](std::string_view name) {
      if (const wasm::Export* found = part.file.find_export(name, ExternKind::func))
        roots.push_back(found->index);
    };
    for (const ImportUse& use : main().uses)
      if (use.kind == ImportUse::Kind::adapter && use.module == part.file.name) root(use.field);
    for (std::string_view name : {"cabi_realloc", "cabi_import_realloc", "cabi_export_realloc"})
      root(name);
    for (const auto& [key, item] : world.exports) {
      if (item.kind == wit::WorldItem::Kind::function) {
        root(item.name);
        root("cabi_post_" + item.name);
        continue;
      }
      for (const auto& [name, function] : resolve_.interfaces[item.interface].functions) {
        root(prefix(item) + name);
        root("cabi_post_" + prefix(item) + name);
      }
    }
    reached = reachable_imports(part.file.module, roots);
  }
  for (uint32_t i = 0; i < part.file.module.imports.size(); ++i) {
    const wasm::Import& import = part.file.module.imports[i];
    ImportUse use;
    use.module = import.module;
    use.field = part.file.import_fields[i];
    use.given = import.name;
    use.sort = import.kind;
    if (import.kind == ExternKind::func) use.signature.type = part.file.import_type(import);
    bool from_adapter = false;
    for (const Part& other : parts_)
      from_adapter |= other.is_adapter && &other != &part && other.file.name == import.module;
    if (import.kind == ExternKind::memory) {
      use.kind = ImportUse::Kind::memory;
      if (!part.is_adapter) own_memory_ = import.memory;
    } else if (part.is_adapter && import.module == kMainModule) {
      use.kind = ImportUse::Kind::main;
    } else if (import.kind != ExternKind::func) {
      return wrong(
          fmt::format("the module imports `{}` of `{}`, a {}; only functions and the memory "
                      "can come from outside",
                      import.name, import.module, to_string(import.kind)));
    } else if (part.is_adapter && !reached.contains(i)) {
      use.kind = ImportUse::Kind::unused;
    } else if (from_adapter) {
      use.kind = ImportUse::Kind::adapter;
    } else {
      SEDGE_TRY_ASSIGN(use, reader.read(import.module, use.field, use.signature.type));
      use.given = import.name;
      use.sort = ExternKind::func;
      if (use.kind == ImportUse::Kind::tls_base)
        tls_base_ = use.signature.type.params.empty() ? use.signature.type.results[0]
                                                      : use.signature.type.params[0];
    }
    part.uses.push_back(std::move(use));
  }
  return {};
}

Result<void> Assembler::find_live() {
  live_.emplace(resolve_, resolve_.worlds[world_]);
  for (const Part& part : parts_)
    for (const ImportUse& use : part.uses) {
      if (use.kind == ImportUse::Kind::lower) live_->function(use.item, *use.function);
      if (use.kind != ImportUse::Kind::builtin || use.of_export) continue;
      if (use.resource != wit::kNone) live_->type(use.resource);
      if (use.payload && use.payload->is_ref()) live_->type(use.payload->id);
    }
  for (const auto& [key, item] : resolve_.worlds[world_].imports)
    if (item.kind == wit::WorldItem::Kind::type) live_->type(item.type);
  for (const auto& [key, item] : resolve_.worlds[world_].exports) live_->exported(item);
  return {};
}

void Assembler::imports() {
  const wit::World& world = resolve_.worlds[world_];
  std::set<std::string> done;
  for (const auto& [unused, first] : world.imports) {
    std::string key = live_->canonical(first.key());
    const wit::WorldItem& item = *world.imports.find(key);
    if (!done.insert(key).second || !live_->has_item(item)) continue;
    component::ExternName name = extern_name(resolve_, storage_, item);
    switch (item.kind) {
      case wit::WorldItem::Kind::interface: {
        InterfaceFilter filter;
        filter.type = [&](wit::TypeId type) { return live_->has_type(type); };
        filter.function = [&](const std::string& f) { return live_->has_function(key, f); };
        uint32_t type = import_types_.instance_type_of(item.interface, filter);
        uint32_t instance = builder_.import(name, instance_type(type));
        instances_[key] = instance;
        if (!item.name.empty() && !resolve_.interfaces[item.interface].name.empty()) break;
        for (WitTypes* types : {&import_types_, &export_types_})
          types->bind_instance(item.interface, instance);
        for (const auto& [other, earlier] : world.imports)
          if (other != key && live_->canonical(other) == key)
            for (WitTypes* types : {&import_types_, &export_types_})
              types->bind_instance(earlier.interface, instance);
        break;
      }
      case wit::WorldItem::Kind::type: {
        bool resource = resolve_.types[item.type].kind == wit::TypeKind::resource;
        component::ExternType bound =
            resource ? resource_type() : eq_type(import_types_.definition(item.type));
        uint32_t index = builder_.import(name, bound);
        import_types_.bind(item.type, index);
        export_types_.bind(item.type, index);
        break;
      }
      case wit::WorldItem::Kind::function:
        root_functions_[item.name] =
            builder_.import(name, func_type(import_types_.function(item.function)));
        break;
    }
  }
}

Result<void> Assembler::modules() {
  for (Part& part : parts_) part.module = builder_.core_module(storage_.bytes(part.file.binary));
  return {};
}

/// Decides what goes through the shim, and instantiates it.
Result<void> Assembler::shim() {
  for (size_t p = 0; p < parts_.size(); ++p)
    for (size_t u = 0; u < parts_[p].uses.size(); ++u) {
      const ImportUse& use = parts_[p].uses[u];
      bool canonical = use.kind == ImportUse::Kind::lower || use.kind == ImportUse::Kind::builtin;
      bool later = canonical && (use.signature.memory || use.signature.realloc ||
                                 use.canon.op == CanonOp::thread_new_indirect);
      if (!later && use.kind != ImportUse::Kind::adapter) continue;
      slot_of_use_[{p, u}] = slots_.size();
      slots_.push_back({use.signature.type, [this, p, u]() -> Result<uint32_t> {
                          Part& part = parts_[p];
                          const ImportUse& of = part.uses[u];
                          if (of.kind != ImportUse::Kind::adapter) return canon(part, of);
                          for (Part& adapter : parts_)
                            if (adapter.is_adapter && adapter.file.name == of.module)
                              return core_export(adapter, of.field, Sort::core_func);
                          return 0u;
                        }});
    }
  for (const auto& [key, item] : resolve_.worlds[world_].exports) {
    if (item.kind != wit::WorldItem::Kind::interface) continue;
    Part& part = provider(key);
    for (const auto& [name, type] : resolve_.interfaces[item.interface].types) {
      if (resolve_.types[type].kind != wit::TypeKind::resource) continue;
      std::string dtor = fmt::format("{}[dtor]{}", prefix(item), name);
      const wasm::Export* found = part.file.find_export(dtor, ExternKind::func);
      if (!found) {
        dtor = fmt::format("cm32p2|{}|{}_dtor", resolve_.standard_name(item), name);
        found = part.file.find_export(dtor, ExternKind::func);
      }
      if (!found) continue;
      if (part.file.export_type(*found) != FuncType{{ValType::i32}, {}})
        return wrong(fmt::format("`{}` has the type {}; a destructor has [i32] -> []", dtor,
                                 core_type_text(part.file.export_type(*found))));
      slot_of_dtor_[type] = slots_.size();
      Part* from = &part;
      slots_.push_back({FuncType{{ValType::i32}, {}}, [this, from, dtor]() -> Result<uint32_t> {
                          return core_export(*from, dtor, Sort::core_func);
                        }});
    }
  }
  if (slots_.empty() && !own_memory_ && !tls_base_) return {};
  std::vector<FuncType> types;
  types.reserve(slots_.size());
  for (const Slot& slot : slots_) types.push_back(slot.type);
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, shim_module(types, own_memory_, tls_base_));
  uint32_t module = builder_.core_module(storage_.bytes(std::move(binary)));
  shim_ = builder_.core_instance({module, {}});
  if (own_memory_) memory_ = builder_.alias_core_export(shim_, "$memory", Sort::core_memory);
  return {};
}

/// The types of exported interfaces, resources among them.
void Assembler::export_types() {
  for (const auto& [key, item] : resolve_.worlds[world_].exports) {
    if (item.kind != wit::WorldItem::Kind::interface) continue;
    for (const auto& [name, type] : resolve_.interfaces[item.interface].types) {
      if (resolve_.types[type].kind != wit::TypeKind::resource) {
        export_types_.bind(type, export_types_.definition(type));
        continue;
      }
      component::ResourceType resource;
      if (auto slot = slot_of_dtor_.find(type); slot != slot_of_dtor_.end())
        resource.destructor = builder_.alias_core_export(
            shim_, storage_.text(std::to_string(slot->second)), Sort::core_func);
      export_types_.bind(type, builder_.define(resource));
    }
  }
}

uint32_t Assembler::core_export(const Part& part, std::string_view name, Sort sort) {
  return builder_.alias_core_export(part.instance, storage_.text(std::string(name)), sort);
}

/// The name of the memory that the main module exports; empty if it exports none.
std::string_view Assembler::main_memory() {
  for (std::string_view name : {"memory", "cm32p2_memory"})
    if (main().file.find_export(name, ExternKind::memory)) return name;
  return {};
}

uint32_t Assembler::memory() {
  if (!memory_) memory_ = core_export(main(), main_memory(), Sort::core_memory);
  return *memory_;
}

/// The name under which a part exports an allocator: `own`, else a general one. None: std::nullopt.
std::optional<std::string_view> allocator_of(const Part& part, std::string_view own) {
  for (std::string_view name :
       {own, std::string_view("cabi_realloc"), std::string_view("cm32p2_realloc")})
    if (part.file.find_export(name, ExternKind::func)) return name;
  return std::nullopt;
}

/// The allocator of a part: its own, that of the main module, or whole pages.
Result<uint32_t> Assembler::realloc(Part& part, bool of_import) {
  std::string_view own = of_import ? "cabi_import_realloc" : "cabi_export_realloc";
  if (auto name = allocator_of(part, own)) return core_export(part, *name, Sort::core_func);
  if (part.is_adapter) return main_realloc(own);
  return wrong("the module exports no function `cabi_realloc`, which lists and strings need");
}

/// The allocator that adapters share with the main module.
Result<uint32_t> Assembler::main_realloc(std::string_view preferred) {
  if (auto name = allocator_of(main(), preferred))
    return core_export(main(), *name, Sort::core_func);
  if (!grow_realloc_) {
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, realloc_module());
    uint32_t module = builder_.core_module(storage_.bytes(std::move(binary)));
    uint32_t env =
        builder_.core_instance({std::nullopt, {{"memory", {Sort::core_memory, memory()}}}});
    uint32_t instance = builder_.core_instance({module, {{"env", {Sort::core_instance, env}}}});
    grow_realloc_ = builder_.alias_core_export(instance, "realloc", Sort::core_func);
  }
  return *grow_realloc_;
}

Result<void> Assembler::options(Part& part, const CoreSignature& needs, bool of_import,
                                std::vector<CanonOption>& out) {
  bool has_memory = own_memory_ || !main_memory().empty();
  if (needs.memory || needs.realloc) {
    if (!has_memory)
      return wrong(
          "the module exports no memory called `memory`, which lists, strings and large "
          "values need");
    out.push_back({CanonOption::Kind::memory, memory()});
  }
  if (needs.realloc) {
    SEDGE_TRY_ASSIGN(uint32_t index, realloc(part, of_import));
    out.push_back({CanonOption::Kind::realloc, index});
  }
  if (needs.strings) {
    constexpr CanonOption::Kind kEncodings[] = {CanonOption::Kind::utf8, CanonOption::Kind::utf16,
                                                CanonOption::Kind::latin1_utf16};
    out.push_back({kEncodings[static_cast<size_t>(part.file.encoding)], 0});
  }
  return {};
}

/// The component function that a use lowers.
uint32_t Assembler::function_of(const ImportUse& use) {
  if (use.interface == wit::kNone) return root_functions_.at(use.function->name);
  return builder_.alias_export(instances_.at(live_->canonical(use.item)),
                               storage_.text(use.function->name), Sort::func);
}

/// The canonical function that a use asks for; its options need memory and allocator to be there.
Result<uint32_t> Assembler::canon(Part& part, const ImportUse& use) {
  component::Canon out = use.canon;
  SEDGE_TRY(options(part, use.signature, true, out.options));
  WitTypes& types = use.of_export ? export_types_ : import_types_;
  if (use.kind == ImportUse::Kind::lower) {
    out.op = CanonOp::lower;
    out.index = function_of(use);
    if (use.is_async) out.options.push_back({CanonOption::Kind::async, 0});
    return builder_.canon(std::move(out));
  }
  if (use.resource != wit::kNone) out.type = types.index(use.resource);
  if (use.has_payload_type) {
    std::optional<component::ValType> element;
    if (use.payload) element = types.value(*use.payload);
    out.type = use.is_stream ? builder_.define(component::Stream{element})
                             : builder_.define(component::Future{element});
    if (use.is_async && component::canon_info(out.op).shape == component::CanonShape::type_opts)
      out.options.push_back({CanonOption::Kind::async, 0});
  }
  switch (out.op) {
    case CanonOp::task_return:
      if (use.function->result) out.result = types.value(*use.function->result);
      break;
    case CanonOp::waitable_set_wait:
    case CanonOp::waitable_set_poll:
      out.options.clear();
      out.index = memory();
      break;
    case CanonOp::context_get:
      out.core_type = use.signature.type.results[0];
      break;
    case CanonOp::context_set:
      out.core_type = use.signature.type.params[0];
      break;
    case CanonOp::thread_new_indirect: {
      wasm::SubType start;
      start.func.params = {ValType::i32};
      out.type = builder_.core_type({component::CoreRecGroup{{start}, false}});
      out.index = core_export(main(), "__indirect_function_table", Sort::core_table);
      break;
    }
    default:
      break;
  }
  return builder_.canon(std::move(out));
}

/// The core function for an import of `part`.
Result<uint32_t> Assembler::core_function(Part& part, size_t u) {
  const ImportUse& use = part.uses[u];
  if (auto slot = slot_of_use_.find({static_cast<size_t>(&part - parts_.data()), u});
      slot != slot_of_use_.end())
    return builder_.alias_core_export(shim_, storage_.text(std::to_string(slot->second)),
                                      Sort::core_func);
  if (use.kind == ImportUse::Kind::tls_base)
    return builder_.alias_core_export(
        shim_, use.signature.type.params.empty() ? "$get-tls-base" : "$set-tls-base",
        Sort::core_func);
  return canon(part, use);
}

Result<void> Assembler::instantiate(Part& part) {
  // One instance for each module name, with everything that is imported of it.
  std::vector<std::string> order;
  std::map<std::string, std::vector<component::CoreItem>> items;
  std::vector<FuncType> unused;
  for (const ImportUse& use : part.uses)
    if (use.kind == ImportUse::Kind::unused) unused.push_back(use.signature.type);
  uint32_t traps = 0;
  if (!unused.empty()) {
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, trap_module(unused));
    traps = builder_.core_instance({builder_.core_module(storage_.bytes(std::move(binary))), {}});
  }
  size_t next_unused = 0;
  for (size_t u = 0; u < part.uses.size(); ++u) {
    const ImportUse& use = part.uses[u];
    size_t trap = next_unused;
    next_unused += use.kind == ImportUse::Kind::unused;
    if (!items.contains(use.module)) order.push_back(use.module);
    component::CoreItem item;
    item.name = storage_.text(use.given);
    switch (use.kind) {
      case ImportUse::Kind::memory:
        if (part.is_adapter && !own_memory_ && main_memory().empty())
          return wrong(fmt::format(
              "adapter `{}` imports a memory, but the module exports none called `memory`",
              part.file.name));
        item.item = {Sort::core_memory, memory()};
        break;
      case ImportUse::Kind::main: {
        constexpr std::pair<ExternKind, Sort> kSorts[] = {{ExternKind::func, Sort::core_func},
                                                          {ExternKind::table, Sort::core_table},
                                                          {ExternKind::global, Sort::core_global}};
        Sort sort = Sort::core_func;
        for (const auto& [kind, core] : kSorts)
          if (kind == use.sort) sort = core;
        const wasm::Export* found = main().file.find_export(use.field, use.sort);
        bool is_realloc = use.field == "cabi_realloc" && use.sort == ExternKind::func;
        if (!found && is_realloc) {
          SEDGE_TRY_ASSIGN(uint32_t index, main_realloc("cabi_realloc"));
          item.item = {Sort::core_func, index};
          break;
        }
        if (!found)
          return wrong(fmt::format("adapter `{}` needs `{}`, which the module does not export",
                                   part.file.name, use.field));
        if (use.sort == ExternKind::func && main().file.export_type(*found) != use.signature.type)
          return wrong(fmt::format("adapter `{}` needs `{}` as {}, but the module exports it as {}",
                                   part.file.name, use.field, core_type_text(use.signature.type),
                                   core_type_text(main().file.export_type(*found))));
        item.item = {sort, core_export(main(), use.field, sort)};
        break;
      }
      case ImportUse::Kind::unused:
        item.item = {Sort::core_func,
                     builder_.alias_core_export(traps, storage_.text(std::to_string(trap)),
                                                Sort::core_func)};
        break;
      default: {
        SEDGE_TRY_ASSIGN(uint32_t index, core_function(part, u));
        item.item = {Sort::core_func, index};
      }
    }
    items[use.module].push_back(item);
  }
  component::CoreInstance instance;
  instance.module = part.module;
  for (const std::string& module : order) {
    uint32_t index = builder_.core_instance({std::nullopt, std::move(items[module])});
    instance.items.push_back({storage_.text(module), {Sort::core_instance, index}});
  }
  part.instance = builder_.core_instance(std::move(instance));
  return {};
}

Result<void> Assembler::instances() {
  for (const ImportUse& use : main().uses) {
    if (use.kind != ImportUse::Kind::adapter) continue;
    for (const Part& part : parts_) {
      if (!part.is_adapter || part.file.name != use.module) continue;
      const wasm::Export* found = part.file.find_export(use.field, ExternKind::func);
      if (!found)
        return wrong(fmt::format("the module imports `{}` of `{}`, which the adapter does not have",
                                 use.field, use.module));
      if (part.file.export_type(*found) != use.signature.type)
        return wrong(
            fmt::format("the module imports `{}` of `{}` as {}, but the adapter exports it as {}",
                        use.field, use.module, core_type_text(use.signature.type),
                        core_type_text(part.file.export_type(*found))));
    }
  }
  for (Part& part : parts_) SEDGE_TRY(instantiate(part));
  return {};
}

Result<void> Assembler::fixup() {
  if (slots_.empty()) return {};
  std::vector<FuncType> types;
  component::CoreInstance actual;
  for (size_t i = 0; i < slots_.size(); ++i) {
    types.push_back(slots_[i].type);
    SEDGE_TRY_ASSIGN(uint32_t index, slots_[i].actual());
    actual.items.push_back({storage_.text(std::to_string(i)), {Sort::core_func, index}});
  }
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, fixup_module(types));
  uint32_t module = builder_.core_module(storage_.bytes(std::move(binary)));
  uint32_t given = builder_.core_instance(std::move(actual));
  builder_.core_instance(
      {module, {{"actual", {Sort::core_instance, given}}, {"shim", {Sort::core_instance, shim_}}}});
  return {};
}

Result<void> Assembler::initialize() {
  for (std::string_view name : {"_initialize", "cm32p2_initialize"}) {
    const wasm::Export* found = main().file.find_export(name, ExternKind::func);
    if (!found || main().file.export_type(*found) != FuncType{}) continue;
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, start_module());
    uint32_t module = builder_.core_module(storage_.bytes(std::move(binary)));
    uint32_t function = core_export(main(), name, Sort::core_func);
    uint32_t given = builder_.core_instance({std::nullopt, {{"", {Sort::core_func, function}}}});
    builder_.core_instance({module, {{"", {Sort::core_instance, given}}}});
  }
  return {};
}

/// The core export that implements a function, and by which ABI.
Result<std::string> Assembler::export_name(const Part& part, const wit::WorldItem& item,
                                           const wit::Function& function, Abi* abi) const {
  std::string plain = prefix(item) + function.name;
  std::string alternative =
      item.kind == wit::WorldItem::Kind::function
          ? fmt::format("cm32p2||{}", function.name)
          : fmt::format("cm32p2|{}|{}", resolve_.standard_name(item), function.name);
  std::string async = "[async-lift]" + plain;
  std::vector<std::pair<std::string, Abi>> forms = {
      {plain, Abi::lift},
      {async, Abi::lift_callback},
      {"[async-lift-stackful]" + plain, Abi::lift_stackful},
      {alternative, Abi::lift},
  };
  if (plain_names_) {
    std::string underscored = function.name;
    std::ranges::replace(underscored, '-', '_');
    forms.emplace_back(function.name, Abi::lift);
    forms.emplace_back(std::move(underscored), Abi::lift);
  }
  for (const auto& [name, form] : forms) {
    const wasm::Export* found = part.file.find_export(name, ExternKind::func);
    if (!found) continue;
    *abi = form;
    CoreSignature expected = core_signature(resolve_, function, form);
    if (part.file.export_type(*found) != expected.type)
      return wrong(fmt::format("the module exports `{}` as {}; the world makes it {}", name,
                               core_type_text(part.file.export_type(*found)),
                               core_type_text(expected.type)));
    return name;
  }
  return wrong(fmt::format(
      "the module does not export `{}`{}, which world `{}` has", plain,
      plain_names_ && plain != function.name ? fmt::format(" (or `{}`)", function.name) : "",
      resolve_.worlds[world_].name));
}

Result<void> Assembler::check_exports() {
  for (const auto& [key, item] : resolve_.worlds[world_].exports) {
    Abi abi = Abi::lift;
    Part& part = provider(key);
    if (item.kind == wit::WorldItem::Kind::function) {
      SEDGE_TRY(export_name(part, item, item.function, &abi));
      continue;
    }
    for (const auto& [name, function] : resolve_.interfaces[item.interface].functions)
      SEDGE_TRY(export_name(part, item, function, &abi));
  }
  return {};
}

Result<uint32_t> Assembler::lift(Part& part, const wit::WorldItem& item,
                                 const wit::Function& function) {
  Abi abi = Abi::lift;
  SEDGE_TRY_ASSIGN(std::string name, export_name(part, item, function, &abi));
  CoreSignature signature = core_signature(resolve_, function, abi);
  component::Canon out;
  out.op = CanonOp::lift;
  out.type = export_types_.function(function);
  SEDGE_TRY(options(part, signature, false, out.options));
  out.index = core_export(part, name, Sort::core_func);
  for (const std::string& post : {"cabi_post_" + name, name + "_post"})
    if (abi == Abi::lift && part.file.find_export(post, ExternKind::func))
      out.options.push_back(
          {CanonOption::Kind::post_return, core_export(part, post, Sort::core_func)});
  if (abi != Abi::lift) out.options.push_back({CanonOption::Kind::async, 0});
  if (abi == Abi::lift_callback) {
    std::string callback = "[callback]" + name;
    if (!part.file.find_export(callback, ExternKind::func))
      return wrong(fmt::format("the module exports `{}`, but no `{}`", name, callback));
    out.options.push_back(
        {CanonOption::Kind::callback, core_export(part, callback, Sort::core_func)});
  }
  return builder_.canon(std::move(out));
}

Result<void> Assembler::exports() {
  for (const auto& [key, item] : resolve_.worlds[world_].exports) {
    Part& part = provider(key);
    component::ExternName name = extern_name(resolve_, storage_, item);
    if (item.kind == wit::WorldItem::Kind::function) {
      SEDGE_TRY_ASSIGN(uint32_t function, lift(part, item, item.function));
      builder_.export_item(name, {Sort::func, function});
      continue;
    }
    // What it uses of interfaces that are exported already has a name there.
    const wit::World& world = resolve_.worlds[world_];
    for (const auto& [label, type] : resolve_.interfaces[item.interface].types) {
      wit::InterfaceId from = resolve_.used_from(type);
      if (from != wit::kNone && world.exports.contains("#" + std::to_string(from)))
        export_types_.bind(type, export_types_.index(resolve_.types[type].first->id));
    }
    std::map<std::string, uint32_t> functions;
    for (const auto& [label, function] : resolve_.interfaces[item.interface].functions) {
      SEDGE_TRY_ASSIGN(functions[label], lift(part, item, function));
    }
    uint32_t instance =
        export_instance(resolve_, storage_, builder_, export_types_, item.interface, functions);
    uint32_t exported = builder_.export_item(name, {Sort::instance, instance});
    if (item.name.empty()) export_types_.bind_instance(item.interface, exported);
  }
  return {};
}

Result<std::vector<uint8_t>> Assembler::run(Bytes module) {
  SEDGE_TRY(read(module));
  for (Part& part : parts_) SEDGE_TRY(read_uses(part));
  SEDGE_TRY(find_live());
  SEDGE_TRY(check_exports());
  imports();
  SEDGE_TRY(modules());
  SEDGE_TRY(shim());
  export_types();
  SEDGE_TRY(instances());
  SEDGE_TRY(fixup());
  SEDGE_TRY(initialize());
  SEDGE_TRY(exports());
  return component::encode(builder_.take_component(storage_));
}

}  // namespace

Result<std::vector<uint8_t>> component_new(Bytes module, const std::vector<Adapter>& adapters,
                                           bool plain_names) {
  return Assembler(adapters, plain_names).run(module);
}

}  // namespace sedge::componentize
