// Definitions in their order; a run of one kind becomes one section. Specification: Binary.md.
#include "component/encode.h"

#include <utility>

#include "wasm/encode/types.h"

namespace sedge::component {
namespace {

using wasm::Writer;

constexpr uint8_t kHeader[] = {0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00};

uint32_t count_of(size_t size) { return static_cast<uint32_t>(size); }

void core_sort(Writer& w, Sort sort) {
  switch (sort) {
    case Sort::core_type:
      return w.u8(0x10);
    case Sort::core_module:
      return w.u8(0x11);
    case Sort::core_instance:
      return w.u8(0x12);
    default:
      return w.u8(
          static_cast<uint8_t>(static_cast<uint8_t>(sort) - static_cast<uint8_t>(Sort::core_func)));
  }
}

void sort(Writer& w, Sort sort) {
  if (is_core(sort)) {
    w.u8(0x00);
    core_sort(w, sort);
  } else {
    w.u8(static_cast<uint8_t>(static_cast<uint8_t>(sort) + 1));
  }
}

void sort_idx(Writer& w, const SortIdx& item) {
  sort(w, item.sort);
  w.u32(item.index);
}

void val_type(Writer& w, ValType type) {
  if (type.is_prim())
    w.u8(static_cast<uint8_t>(type.prim()));
  else
    w.s64(type.index());
}

void optional_val_type(Writer& w, const std::optional<ValType>& type) {
  w.u8(type ? 1 : 0);
  if (type) val_type(w, *type);
}

void result_list(Writer& w, const std::optional<ValType>& result) {
  if (result) {
    w.u8(0x00);
    val_type(w, *result);
  } else {
    w.u8(0x01);
    w.u8(0x00);
  }
}

void extern_name(Writer& w, const ExternName& name) {
  w.u8(name.has_attributes() ? 0x02 : 0x00);
  w.name(name.name);
  if (!name.has_attributes()) return;
  const std::optional<std::string_view>* attributes[] = {&name.implements, &name.version_suffix,
                                                         &name.external_id};
  uint32_t count = 0;
  for (const auto* attribute : attributes) count += attribute->has_value();
  w.u32(count);
  for (size_t kind = 0; kind < std::size(attributes); ++kind) {
    if (!*attributes[kind]) continue;
    w.u8(static_cast<uint8_t>(kind));
    w.name(**attributes[kind]);
  }
}

void extern_type(Writer& w, const ExternType& type) {
  switch (type.kind) {
    case ExternType::Kind::module:
      w.u8(0x00);
      w.u8(0x11);
      return w.u32(type.index);
    case ExternType::Kind::func:
      w.u8(0x01);
      return w.u32(type.index);
    case ExternType::Kind::value:
      w.u8(0x02);
      if (const auto* index = std::get_if<uint32_t>(&type.value.bound)) {
        w.u8(0x00);
        return w.u32(*index);
      }
      w.u8(0x01);
      return val_type(w, std::get<ValType>(type.value.bound));
    case ExternType::Kind::type:
      w.u8(0x03);
      w.u8(type.type.kind == TypeBound::Kind::eq ? 0x00 : 0x01);
      if (type.type.kind == TypeBound::Kind::eq) w.u32(type.type.index);
      return;
    case ExternType::Kind::component:
      w.u8(0x04);
      return w.u32(type.index);
    case ExternType::Kind::instance:
      w.u8(0x05);
      return w.u32(type.index);
  }
}

void rec_group(Writer& w, const CoreRecGroup& group) {
  wasm::write_rec_group(w, group.types, group.explicit_);
}

void core_type(Writer& w, const CoreType& type) {
  if (const auto* group = std::get_if<CoreRecGroup>(&type.type)) {
    // A bare `sub` would read as a module type.
    bool bare_sub = !group->explicit_ && group->types.size() == 1 && !group->types[0].final_;
    if (bare_sub) w.u8(0x00);
    return rec_group(w, *group);
  }
  const auto& module = std::get<CoreModuleType>(type.type);
  w.u8(0x50);
  w.u32(count_of(module.declarators.size()));
  for (const CoreModuleType::Declarator& declarator : module.declarators) {
    if (const auto* group = std::get_if<CoreRecGroup>(&declarator)) {
      w.u8(0x01);
      rec_group(w, *group);
    } else if (const auto* alias = std::get_if<CoreOuterAlias>(&declarator)) {
      w.u8(0x02);
      w.u8(0x10);
      w.u8(0x01);
      w.u32(alias->count);
      w.u32(alias->index);
    } else if (const auto* import = std::get_if<CoreImport>(&declarator)) {
      w.u8(0x00);
      w.name(import->module);
      w.name(import->name);
      wasm::write_extern_type(w, *import);
    } else {
      const auto& export_ = std::get<CoreExport>(declarator);
      w.u8(0x03);
      w.name(export_.name);
      wasm::write_extern_type(w, export_.type);
    }
  }
}

void type(Writer& w, const Type& type);
void alias(Writer& w, const Alias& alias);
void import(Writer& w, const Import& import);

void declarators(Writer& w, const std::vector<Definition>& list) {
  w.u32(count_of(list.size()));
  for (const Definition& declarator : list) {
    if (const auto* core = std::get_if<CoreType>(&declarator.node)) {
      w.u8(0x00);
      core_type(w, *core);
    } else if (const auto* own = std::get_if<Type>(&declarator.node)) {
      w.u8(0x01);
      type(w, *own);
    } else if (const auto* other = std::get_if<Alias>(&declarator.node)) {
      w.u8(0x02);
      alias(w, *other);
    } else if (const auto* in = std::get_if<Import>(&declarator.node)) {
      w.u8(0x03);
      import(w, *in);
    } else if (const auto* out = std::get_if<Export>(&declarator.node)) {
      w.u8(0x04);
      extern_name(w, out->name);
      extern_type(w, *out->type);
    }
  }
}

void fields(Writer& w, const std::vector<Field>& list) {
  w.u32(count_of(list.size()));
  for (const Field& field : list) {
    w.name(field.name);
    val_type(w, field.type);
  }
}

void names(Writer& w, const std::vector<std::string_view>& list) {
  w.u32(count_of(list.size()));
  for (std::string_view name : list) w.name(name);
}

/// Writes one type; one overload for each alternative of Type.
struct TypeWriter {
  Writer& w;

  void operator()(PrimType prim) { w.u8(static_cast<uint8_t>(prim)); }
  void operator()(const Record& record) {
    w.u8(0x72);
    fields(w, record.fields);
  }
  void operator()(const Variant& variant) {
    w.u8(0x71);
    w.u32(count_of(variant.cases.size()));
    for (const Case& next : variant.cases) {
      w.name(next.name);
      optional_val_type(w, next.type);
      w.u8(0x00);
    }
  }
  void operator()(const List& list) {
    w.u8(0x70);
    val_type(w, list.element);
  }
  void operator()(const FixedList& list) {
    w.u8(0x67);
    val_type(w, list.element);
    w.u32(list.length);
  }
  void operator()(const Tuple& tuple) {
    w.u8(0x6f);
    w.u32(count_of(tuple.types.size()));
    for (ValType element : tuple.types) val_type(w, element);
  }
  void operator()(const Flags& flags) {
    w.u8(0x6e);
    names(w, flags.names);
  }
  void operator()(const Enum& cases) {
    w.u8(0x6d);
    names(w, cases.names);
  }
  void operator()(const Option& option) {
    w.u8(0x6b);
    val_type(w, option.type);
  }
  void operator()(const ResultType& result) {
    w.u8(0x6a);
    optional_val_type(w, result.ok);
    optional_val_type(w, result.error);
  }
  void operator()(const Own& own) {
    w.u8(0x69);
    w.u32(own.resource);
  }
  void operator()(const Borrow& borrow) {
    w.u8(0x68);
    w.u32(borrow.resource);
  }
  void operator()(const Stream& stream) {
    w.u8(0x66);
    optional_val_type(w, stream.element);
  }
  void operator()(const Future& future) {
    w.u8(0x65);
    optional_val_type(w, future.element);
  }
  void operator()(const Map& map) {
    w.u8(0x63);
    val_type(w, map.key);
    val_type(w, map.value);
  }
  void operator()(const FuncType& func) {
    w.u8(func.async_ ? 0x43 : 0x40);
    fields(w, func.params);
    result_list(w, func.result);
  }
  void operator()(const ComponentType& component) {
    w.u8(0x41);
    declarators(w, component.declarators);
  }
  void operator()(const InstanceType& instance) {
    w.u8(0x42);
    declarators(w, instance.declarators);
  }
  void operator()(const ResourceType& resource) {
    w.u8(0x3f);
    w.val_type(resource.rep);
    w.u8(resource.destructor ? 1 : 0);
    if (resource.destructor) w.u32(*resource.destructor);
  }
};

void type(Writer& w, const Type& type) { std::visit(TypeWriter{w}, type.type); }

void alias(Writer& w, const Alias& alias) {
  sort(w, alias.sort);
  w.u8(static_cast<uint8_t>(alias.target));
  if (alias.target == Alias::Target::outer) {
    w.u32(alias.outer_count);
    w.u32(alias.outer_index);
  } else {
    w.u32(alias.instance);
    w.name(alias.name);
  }
}

void import(Writer& w, const Import& import) {
  extern_name(w, import.name);
  extern_type(w, import.type);
}

void options(Writer& w, const std::vector<CanonOption>& list) {
  w.u32(count_of(list.size()));
  for (const CanonOption& option : list) {
    w.u8(static_cast<uint8_t>(option.kind));
    if (option_sort(option.kind)) w.u32(option.index);
  }
}

void canon(Writer& w, const Canon& canon) {
  w.u8(static_cast<uint8_t>(canon.op));
  switch (canon_info(canon.op).shape) {
    case CanonShape::lift:
      w.u8(0x00);
      w.u32(canon.index);
      options(w, canon.options);
      return w.u32(canon.type);
    case CanonShape::lower:
      w.u8(0x00);
      w.u32(canon.index);
      return options(w, canon.options);
    case CanonShape::type:
      return w.u32(canon.type);
    case CanonShape::type_opts:
      w.u32(canon.type);
      return options(w, canon.options);
    case CanonShape::type_async:
      w.u32(canon.type);
      return w.u8(canon.async_);
    case CanonShape::opts:
      return options(w, canon.options);
    case CanonShape::none:
      return;
    case CanonShape::async:
      return w.u8(canon.async_);
    case CanonShape::cancel:
      return w.u8(canon.cancellable);
    case CanonShape::cancel_memory:
      w.u8(canon.cancellable);
      return w.u32(canon.index);
    case CanonShape::result_opts:
      result_list(w, canon.result);
      return options(w, canon.options);
    case CanonShape::context:
      w.val_type(canon.core_type);
      return w.u32(canon.slot);
    case CanonShape::core_type_table:
      w.u32(canon.type);
      return w.u32(canon.index);
    case CanonShape::shared:
      return w.u8(canon.shared);
    case CanonShape::shared_core_type:
      w.u8(canon.shared);
      return w.u32(canon.type);
    case CanonShape::shared_core_type_table:
      w.u8(canon.shared);
      w.u32(canon.type);
      return w.u32(canon.index);
  }
}

/// Writes the content of one definition; one overload for each alternative of Definition.
struct DefinitionWriter {
  Writer& w;

  void operator()(const CoreModule& module) { w.bytes(module.binary); }
  void operator()(const std::unique_ptr<Component>& component) { w.bytes(encode(*component)); }
  void operator()(const CoreInstance& instance) {
    w.u8(instance.module ? 0x00 : 0x01);
    if (instance.module) w.u32(*instance.module);
    w.u32(count_of(instance.items.size()));
    for (const CoreItem& item : instance.items) {
      w.name(item.name);
      core_sort(w, item.item.sort);
      w.u32(item.item.index);
    }
  }
  void operator()(const CoreType& core) { core_type(w, core); }
  void operator()(const Instance& instance) {
    w.u8(instance.component ? 0x00 : 0x01);
    if (instance.component) w.u32(*instance.component);
    w.u32(count_of(instance.items.size()));
    for (const InstanceItem& item : instance.items) {
      if (instance.component)
        w.name(item.name.name);
      else
        extern_name(w, item.name);
      sort_idx(w, item.item);
    }
  }
  void operator()(const Alias& other) { alias(w, other); }
  void operator()(const Type& own) { type(w, own); }
  void operator()(const Canon& func) { canon(w, func); }
  void operator()(const Start& start) {
    w.u32(start.func);
    w.u32(count_of(start.arguments.size()));
    for (uint32_t argument : start.arguments) w.u32(argument);
    w.u32(start.results);
  }
  void operator()(const Import& in) { import(w, in); }
  void operator()(const Export& out) {
    extern_name(w, out.name);
    sort_idx(w, out.item.value_or(SortIdx{}));
    w.u8(out.type ? 1 : 0);
    if (out.type) extern_type(w, *out.type);
  }
  void operator()(const Value& value) {
    val_type(w, value.type);
    w.u32(count_of(value.encoding.size()));
    w.bytes(value.encoding);
  }
  void operator()(const Custom& custom) {
    w.name(custom.name);
    w.bytes(custom.content);
  }
};

/// Section id by alternative of Definition::node, and whether the section holds a vector.
struct SectionOf {
  uint8_t id;
  bool vector;
};
constexpr SectionOf kSections[] = {{1, false}, {2, true},  {3, true}, {4, false}, {5, true},
                                   {6, true},  {7, true},  {8, true}, {9, false}, {10, true},
                                   {11, true}, {12, true}, {0, false}};

void append_section(Writer& out, uint8_t id, const std::vector<uint8_t>& content) {
  out.u8(id);
  out.u32(count_of(content.size()));
  out.bytes(content);
}

void append_names(Writer& out, const Names& names) {
  Writer body;
  body.name("component-name");
  size_t empty = body.size();
  if (names.component) {
    Writer name;
    name.name(*names.component);
    append_section(body, 0, name.out());
  }
  for (size_t i = 0; i < kSortCount; ++i) {
    const Names::Map& map = names.by_sort[i];
    if (map.empty()) continue;
    Writer content;
    sort(content, static_cast<Sort>(i));
    content.u32(count_of(map.size()));
    for (const auto& [index, name] : map) {
      content.u32(index);
      content.name(name);
    }
    append_section(body, 1, content.out());
  }
  if (body.size() != empty) append_section(out, 0, body.out());
}

}  // namespace

std::vector<uint8_t> encode(const Component& component) {
  Writer out;
  out.bytes(kHeader);
  const std::vector<Definition>& list = component.definitions;
  for (size_t i = 0; i < list.size();) {
    size_t kind = list[i].node.index();
    size_t end = i + 1;
    if (kSections[kind].vector)
      while (end < list.size() && list[end].node.index() == kind) ++end;
    Writer body;
    if (kSections[kind].vector) body.u32(count_of(end - i));
    for (; i < end; ++i) std::visit(DefinitionWriter{body}, list[i].node);
    append_section(out, kSections[kind].id, body.out());
  }
  append_names(out, component.names);
  return out.take();
}

}  // namespace sedge::component
