// Core modules, core types and core instances. Core types are canonical ids of the type registry,
// as soon as they enter an index space. Specification: Explainer.md, "Instance Definitions", "Type
// Definitions".
#include <fmt/format.h>

#include "component/decode.h"
#include "component/validator.h"
#include "wasm/decode/decode.h"
#include "wasm/validate/validate.h"

namespace sedge::component {
namespace {

using CoreTypes = std::vector<IndexSpaces::CoreTypeEntry>;

constexpr uint32_t kNoType = ~0u;

/// The canonical ids of a space; members that are module types have none.
std::vector<wasm::TypeId> ids_of(const CoreTypes& space) {
  std::vector<wasm::TypeId> out;
  out.reserve(space.size());
  for (const IndexSpaces::CoreTypeEntry& entry : space)
    out.push_back(entry.is_module ? kNoType : entry.id);
  return out;
}

Result<sedge::ValType> canonical_value(sedge::ValType type, const CoreTypes& space) {
  if (!type.is_ref() || !type.heap().is_index()) return type;
  uint32_t index = type.heap().index();
  if (index >= space.size() || space[index].is_module)
    return fail(ErrorCode::unknown_type, fmt::format(" {}: type index out of bounds", index));
  return sedge::ValType::reference(HeapType::index(space[index].id), type.nullable());
}

ModuleSig::ImportItem import_item(const wasm::Import& import, CoreEntity type) {
  return {import.module, import.name, type};
}

Result<void> add_export(ModuleSig& sig, std::string_view name, const CoreEntity& type) {
  if (!sig.export_index.emplace(name, static_cast<uint32_t>(sig.exports.size())).second)
    return fail(ErrorCode::duplicate_name, fmt::format(": export name `{}` already defined", name));
  sig.exports.push_back({name, type});
  return {};
}

/// Limits and features of a memory or table in a module type, as for those of a module.
Result<void> check_entity(const wasm::ExternDesc& type) {
  if (type.kind == ExternKind::memory) {
    const MemoryType& memory = type.memory;
    uint64_t most = memory.page_size_log2 == 0 ? (memory.is64 ? UINT64_MAX : UINT32_MAX)
                    : memory.is64              ? uint64_t{1} << 48
                                               : 65536;
    if (memory.limits.min > most || (memory.limits.max && *memory.limits.max > most))
      return fail(ErrorCode::memory_size_limit, fmt::format(" must be at most {} pages", most));
    if (memory.limits.max && *memory.limits.max < memory.limits.min)
      return fail(ErrorCode::size_minimum);
    if (memory.shared && !memory.limits.max) return fail(ErrorCode::shared_memory_maximum);
  }
  if (type.kind == ExternKind::table && type.table.limits.max &&
      *type.table.limits.max < type.table.limits.min)
    return fail(ErrorCode::size_minimum);
  return {};
}

}  // namespace

const sedge::FuncType& Validator::core_signature(uint32_t core_func) const {
  return types_.registry().get(scopes_.back()->spaces.core_funcs[core_func]).type.func;
}

Result<void> Validator::need_exceptions() {
  if (features_.has(Feature::exceptions) || features_.has(Feature::legacy_exceptions)) return {};
  return fail(ErrorCode::feature_disabled, ": exceptions proposal not enabled (a tag)");
}

Result<CoreEntity> Validator::canonical(const wasm::ExternDesc& type, const CoreTypes& space) {
  CoreEntity out = type;
  switch (type.kind) {
    case ExternKind::func:
    case ExternKind::tag: {
      SEDGE_TRY_ASSIGN(const IndexSpaces::CoreTypeEntry* entry,
                       at(space, type.type_index, Sort::core_type));
      if (entry->is_module ||
          types_.registry().get(entry->id).type.kind != wasm::SubType::Kind::func)
        return fail(ErrorCode::wrong_sort,
                    fmt::format(": type index {} is not a function type", type.type_index));
      out.type_index = entry->id;
      if (type.kind == ExternKind::tag) {
        SEDGE_TRY(need_exceptions());
        if (!types_.registry().get(entry->id).type.func.results.empty())
          return fail(ErrorCode::non_empty_tag_result);
      }
      break;
    }
    case ExternKind::table: {
      SEDGE_TRY_ASSIGN(out.table.element, canonical_value(type.table.element, space));
      break;
    }
    case ExternKind::global: {
      SEDGE_TRY_ASSIGN(out.global.value, canonical_value(type.global.value, space));
      break;
    }
    case ExternKind::memory:
      break;
  }
  SEDGE_TRY(check_entity(type));
  return out;
}

Result<void> Validator::core_module(const CoreModule& item) {
  if (is_component(item.binary))
    return fail(ErrorCode::malformed_component,
                ": expected a version header for a module, found that of a component");
  SEDGE_TRY_ASSIGN(wasm::Module module, wasm::decode(item.binary, nullptr));
  SEDGE_TRY_ASSIGN(wasm::Validated checked,
                   wasm::validate(module, features_, types_.registry_ptr()));
  CoreTypes space;
  space.reserve(checked.types.size());
  for (wasm::TypeId id : checked.types.ids()) space.push_back({false, id});
  ModuleSig sig;
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const wasm::Import& import : module.imports) {
    if (!names.emplace(import.module, import.name).second)
      return fail(ErrorCode::duplicate_name,
                  fmt::format(": duplicate import name `{}:{}`", import.module, import.name));
    SEDGE_TRY_ASSIGN(CoreEntity type, canonical(import, space));
    sig.imports.push_back(import_item(import, type));
  }
  for (const wasm::Export& item_out : module.exports) {
    wasm::ExternDesc type;
    type.kind = item_out.kind;
    switch (item_out.kind) {
      case ExternKind::func:
        type.type_index = module.func_type_index(item_out.index);
        break;
      case ExternKind::table:
        type.table = module.table_type(item_out.index);
        break;
      case ExternKind::memory:
        type.memory = module.memory_type(item_out.index);
        break;
      case ExternKind::global:
        type.global = module.global_type(item_out.index);
        break;
      case ExternKind::tag:
        type.type_index = module.tag_type_index(item_out.index);
        break;
    }
    SEDGE_TRY_ASSIGN(CoreEntity entity, canonical(type, space));
    SEDGE_TRY(add_export(sig, item_out.name, entity));
  }
  types_.keep(checked.types.share());
  SEDGE_TRY_ASSIGN(uint32_t id, types_.add(std::move(sig)));
  scope().spaces.core_modules.push_back(id);
  out_.modules.emplace(&item, CheckedModule{std::move(module), std::move(checked.types)});
  return {};
}

Result<void> Validator::rec_group(const CoreRecGroup& group, CoreTypes& space) {
  auto first = static_cast<uint32_t>(space.size());
  auto is_module = [&](uint32_t index) { return index < first && space[index].is_module; };
  SEDGE_TRY(types_.work(space.size() + group.types.size()));
  for (const wasm::SubType& type : group.types) {
    auto check = [&](sedge::ValType value) -> Result<void> {
      if (value.is_ref() && value.heap().is_index() && is_module(value.heap().index()))
        return fail(ErrorCode::wrong_sort,
                    fmt::format(": type index {} is a module type", value.heap().index()));
      return {};
    };
    for (sedge::ValType value : type.func.params) SEDGE_TRY(check(value));
    for (sedge::ValType value : type.func.results) SEDGE_TRY(check(value));
    for (const FieldType& field : type.fields) SEDGE_TRY(check(field.storage));
    if (type.super && is_module(*type.super))
      return fail(ErrorCode::wrong_sort,
                  fmt::format(": type index {} is a module type", *type.super));
  }
  auto checked = wasm::validate_rec_group(group.types, group.explicit_, ids_of(space), features_,
                                          types_.registry_ptr());
  if (!checked && checked.error().code() == ErrorCode::unknown_type)
    return fail(ErrorCode::unknown_type,
                checked.error().message().substr(std::string_view("unknown type").size()) +
                    ": type index out of bounds");
  if (!checked) return std::unexpected(std::move(checked).error());
  wasm::TypeSet set = *std::move(checked);
  for (wasm::TypeId id : set.ids()) space.push_back({false, id});
  types_.keep(std::move(set));
  return {};
}

Result<ModuleSig> Validator::module_type(const CoreModuleType& type) {
  ModuleSig sig;
  CoreTypes space;
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const CoreModuleType::Declarator& declarator : type.declarators) {
    if (const auto* group = std::get_if<CoreRecGroup>(&declarator)) {
      SEDGE_TRY(rec_group(*group, space));
    } else if (const auto* alias = std::get_if<CoreOuterAlias>(&declarator)) {
      // The module type itself is scope 0.
      if (alias->count > scopes_.size())
        return invalid(fmt::format("invalid outer alias count of {}", alias->count));
      const CoreTypes& from =
          alias->count == 0 ? space : scopes_[scopes_.size() - alias->count]->spaces.core_types;
      SEDGE_TRY_ASSIGN(const IndexSpaces::CoreTypeEntry* entry,
                       at(from, alias->index, Sort::core_type));
      if (entry->is_module)
        return invalid(fmt::format("type index {} is a module type, which cannot be aliased here",
                                   alias->index));
      space.push_back(IndexSpaces::CoreTypeEntry(*entry));
    } else if (const auto* import = std::get_if<CoreImport>(&declarator)) {
      if (!names.emplace(import->module, import->name).second)
        return fail(ErrorCode::duplicate_name,
                    fmt::format(": duplicate import name `{}:{}`", import->module, import->name));
      SEDGE_TRY_ASSIGN(CoreEntity entity, canonical(*import, space));
      sig.imports.push_back(import_item(*import, entity));
    } else {
      const auto& item = std::get<CoreExport>(declarator);
      SEDGE_TRY_ASSIGN(CoreEntity entity, canonical(item.type, space));
      SEDGE_TRY(add_export(sig, item.name, entity));
    }
  }
  return sig;
}

Result<void> Validator::core_type(const CoreType& item) {
  CoreTypes& space = scope().spaces.core_types;
  if (const auto* group = std::get_if<CoreRecGroup>(&item.type)) return rec_group(*group, space);
  SEDGE_TRY_ASSIGN(ModuleSig sig, module_type(std::get<CoreModuleType>(item.type)));
  SEDGE_TRY_ASSIGN(uint32_t id, types_.add(std::move(sig)));
  space.push_back({true, id});
  return {};
}

Result<CoreEntity> Validator::core_entity(const SortIdx& item) {
  const IndexSpaces& spaces = scope().spaces;
  CoreEntity out;
  switch (item.sort) {
    case Sort::core_func: {
      SEDGE_TRY_ASSIGN(const wasm::TypeId* id, at(spaces.core_funcs, item.index, item.sort));
      out.kind = ExternKind::func;
      out.type_index = *id;
      return out;
    }
    case Sort::core_tag: {
      SEDGE_TRY(need_exceptions());
      SEDGE_TRY_ASSIGN(const wasm::TypeId* id, at(spaces.core_tags, item.index, item.sort));
      out.kind = ExternKind::tag;
      out.type_index = *id;
      return out;
    }
    case Sort::core_table: {
      SEDGE_TRY_ASSIGN(const TableType* type, at(spaces.core_tables, item.index, item.sort));
      out.kind = ExternKind::table;
      out.table = *type;
      return out;
    }
    case Sort::core_memory: {
      SEDGE_TRY_ASSIGN(const MemoryType* type, at(spaces.core_memories, item.index, item.sort));
      out.kind = ExternKind::memory;
      out.memory = *type;
      return out;
    }
    case Sort::core_global: {
      SEDGE_TRY_ASSIGN(const GlobalType* type, at(spaces.core_globals, item.index, item.sort));
      out.kind = ExternKind::global;
      out.global = *type;
      return out;
    }
    default:
      return fail(ErrorCode::wrong_sort,
                  fmt::format(": a core instance cannot export a {}", to_string(item.sort)));
  }
}

void Validator::push_core(const CoreEntity& entity) {
  IndexSpaces& spaces = scope().spaces;
  switch (entity.kind) {
    case ExternKind::func:
      return spaces.core_funcs.push_back(entity.type_index);
    case ExternKind::tag:
      return spaces.core_tags.push_back(entity.type_index);
    case ExternKind::table:
      return spaces.core_tables.push_back(entity.table);
    case ExternKind::memory:
      return spaces.core_memories.push_back(entity.memory);
    case ExternKind::global:
      return spaces.core_globals.push_back(entity.global);
  }
}

Result<void> Validator::core_instance(const CoreInstance& item) {
  IndexSpaces& spaces = scope().spaces;
  std::unordered_map<std::string_view, CoreEntity> exports;
  if (!item.module) {
    for (const CoreItem& export_item : item.items) {
      SEDGE_TRY_ASSIGN(CoreEntity entity, core_entity(export_item.item));
      if (!exports.emplace(export_item.name, entity).second)
        return fail(ErrorCode::duplicate_name,
                    fmt::format(": export name `{}` already defined", export_item.name));
    }
  } else {
    SEDGE_TRY_ASSIGN(const uint32_t* id, at(spaces.core_modules, *item.module, Sort::core_module));
    const ModuleSig& sig = types_.module(*id);
    SEDGE_TRY(types_.work(sig.size));
    std::unordered_map<std::string_view, const std::unordered_map<std::string_view, CoreEntity>*>
        arguments;
    for (const CoreItem& argument : item.items) {
      SEDGE_TRY_ASSIGN(const uint32_t* instance,
                       at(spaces.core_instances, argument.item.index, Sort::core_instance));
      if (!arguments.emplace(argument.name, &spaces.core_instance_exports[*instance]).second)
        return fail(
            ErrorCode::duplicate_name,
            fmt::format(": duplicate module instantiation argument named `{}`", argument.name));
    }
    for (const ModuleSig::ImportItem& import : sig.imports) {
      auto argument = arguments.find(import.module);
      if (argument == arguments.end())
        return fail(ErrorCode::missing_argument_named,
                    fmt::format(" module instantiation argument named `{}`", import.module));
      auto found = argument->second->find(import.name);
      if (found == argument->second->end())
        return invalid(
            fmt::format("module instantiation argument `{}` does not export an item "
                        "named `{}`",
                        import.module, import.name));
      if (auto fits = subtyping_.core(found->second, import.type); !fits) {
        return fail(placed(std::move(fits).error(),
                           fmt::format("for export `{}` of module instantiation argument `{}`",
                                       import.name, import.module)));
      }
    }
    for (const ModuleSig::ExportItem& export_item : sig.exports)
      exports.emplace(export_item.name, export_item.type);
  }
  spaces.core_instances.push_back(static_cast<uint32_t>(spaces.core_instance_exports.size()));
  spaces.core_instance_exports.push_back(std::move(exports));
  return {};
}

}  // namespace sedge::component
