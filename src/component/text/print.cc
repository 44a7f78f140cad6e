// Printer of components: one definition a line (core modules and types with declarators take more),
// all references by id or index, no sugar. Specification: Explainer.md, "Grammar".
#include <algorithm>

#include <fmt/format.h>

#include "component/text/constants.h"
#include "component/text/printer.h"
#include "component/text/text.h"
#include "component/validate.h"
#include "wasm/decode/decode.h"
#include "wasm/text/text.h"
#include "wasm/validate/validate.h"

namespace sedge::component {

std::string print_component(const Component& component, const PrintOptions& options) {
  return Printer(options).run(component);
}

namespace {

bool has_constants(const Component& component) {
  return std::ranges::any_of(component.definitions, [](const Definition& item) {
    const auto* nested = std::get_if<std::unique_ptr<Component>>(&item.node);
    return nested ? has_constants(**nested) : std::holds_alternative<Value>(item.node);
  });
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string Printer::run(const Component& component) {
  if (has_constants(component)) read_constants(component);
  component_(component, "component", 0);
  out_ += '\n';
  return std::move(out_);
}

void Printer::line() {
  out_ += '\n';
  out_.append(2 * std::min<size_t>(scopes_.size(), 40), ' ');
}

void Printer::name(std::string_view text) { wasm::append_string(out_, text, true); }

void Printer::use(Sort sort, uint32_t index) {
  out_ += ' ';
  if (scopes_.back().ids)
    scopes_.back().ids->of(sort).append_use(out_, index);
  else
    number(index);
}

void Printer::binding(Sort sort) {
  Scope& own = scopes_.back();
  uint32_t index = own.counts[static_cast<size_t>(sort)]++;
  if (own.ids) own.ids->of(sort).append_binding(out_, index);
  out_ += fmt::format(" (;{};)", index);
}

/// Of a component or core module inside of this one: its id is the name that it has here, an
/// annotation its own where that is another.
void Printer::nested_binding(Sort sort, uint32_t index, std::optional<std::string_view> own_name) {
  const Scope& outer = scopes_.back();
  if (outer.ids) outer.ids->of(sort).append_binding(out_, index, own_name);
  out_ += fmt::format(" (;{};)", index);
}

/// (word sort-use)
void Printer::sorted(Sort sort, uint32_t index) {
  out_ += '(';
  out_ += to_string(sort);
  use(sort, index);
  out_ += ')';
}

void Printer::component_(const Component& component, std::string_view word, uint32_t index) {
  out_ += fmt::format("({}", word);
  Ids ids;
  bool nested = !scopes_.empty();
  std::optional<std::string_view> own_name;
  if (options_.names) own_name = component.names.component;
  if (nested) {
    nested_binding(Sort::component, index, own_name);
  } else if (own_name && !own_name->empty()) {
    out_ += ' ';
    wasm::append_id(out_, *own_name);
  }
  static const Names kNoNames;
  const Names& names = options_.names ? component.names : kNoNames;
  ids.fill(names);
  scopes_.push_back({&ids, &names, {}});
  for (const Definition& item : component.definitions) {
    line();
    definition(item);
  }
  scopes_.pop_back();
  out_ += ')';
}

void Printer::definition(const Definition& item) {
  std::visit(
      [&](const auto& node) {
        using T = std::remove_cvref_t<decltype(node)>;
        if constexpr (std::is_same_v<T, CoreModule>) {
          core_module(node);
        } else if constexpr (std::is_same_v<T, CoreInstance>) {
          core_instance(node);
        } else if constexpr (std::is_same_v<T, CoreType>) {
          core_type(node);
        } else if constexpr (std::is_same_v<T, std::unique_ptr<Component>>) {
          uint32_t index = scopes_.back().counts[static_cast<size_t>(Sort::component)]++;
          component_(*node, "component", index);
        } else if constexpr (std::is_same_v<T, Instance>) {
          instance(node);
        } else if constexpr (std::is_same_v<T, Alias>) {
          alias(node);
        } else if constexpr (std::is_same_v<T, Type>) {
          out_ += "(type";
          binding(Sort::type);
          out_ += ' ';
          type(node);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Canon>) {
          canon(node);
        } else if constexpr (std::is_same_v<T, Start>) {
          start(node);
        } else if constexpr (std::is_same_v<T, Import>) {
          out_ += "(import ";
          extern_name(node.name);
          out_ += ' ';
          extern_type(node.type, true);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Export>) {
          export_(node);
        } else if constexpr (std::is_same_v<T, Value>) {
          value(node);
        } else if constexpr (std::is_same_v<T, Custom>) {
          out_ += "(@custom ";
          name(node.name);
          out_ += ' ';
          wasm::append_string(out_, as_text(node.content), false);
          out_ += ')';
        }
      },
      item.node);
}

/// The module's text with `core` before its first word, or its bytes where they are no module.
void Printer::core_module(const CoreModule& item) {
  out_ += "(core module";
  Scope& own = scopes_.back();
  uint32_t index = own.counts[static_cast<size_t>(Sort::core_module)]++;
  auto module = wasm::decode(item.binary, nullptr);
  if (module && !wasm::validate(*module, Features::all(), wasm::TypeRegistry::create()))
    module = fail(ErrorCode::not_a_module);
  if (!module) {
    nested_binding(Sort::core_module, index, std::nullopt);
    out_ += " binary ";
    wasm::append_string(out_, as_text(item.binary), false);
    out_ += ')';
    return;
  }
  // Of what has no name of its own, it would be the id.
  const bool has_id = own.ids && own.ids->of(Sort::core_module).find(index);
  std::optional<std::string_view> own_name;
  if (options_.names) own_name = module->names.module;
  if (has_id && !own_name) own_name = "";
  nested_binding(Sort::core_module, index, own_name);
  module->names.module.reset();
  wasm::PrintOptions options;
  options.names = options_.names;
  options.skeleton = options_.skeleton;
  std::string text = wasm::print_module(*module, options);
  std::string_view fields(text);
  fields.remove_prefix(std::string_view("(module").size());
  while (fields.ends_with('\n')) fields.remove_suffix(1);
  // Lines move in by the depth they stand at; strings have no line breaks.
  std::string indent(2 * std::min<size_t>(scopes_.size(), 40), ' ');
  for (size_t at = 0; at < fields.size();) {
    size_t end = std::min(fields.find('\n', at), fields.size());
    out_ += fields.substr(at, end - at);
    if (end < fields.size()) out_ += "\n" + indent;
    at = end + 1;
  }
}

void Printer::core_instance(const CoreInstance& item) {
  out_ += "(core instance";
  binding(Sort::core_instance);
  if (item.module) {
    out_ += " (instantiate";
    use(Sort::core_module, *item.module);
    for (const CoreItem& argument : item.items) {
      out_ += " (with ";
      name(argument.name);
      out_ += " (instance";
      use(Sort::core_instance, argument.item.index);
      out_ += "))";
    }
    out_ += ')';
  } else {
    for (const CoreItem& export_item : item.items) {
      out_ += " (export ";
      name(export_item.name);
      // The word `core` is left out inside.
      out_ += fmt::format(" ({}", std::string_view(to_string(export_item.item.sort)).substr(5));
      use(export_item.item.sort, export_item.item.index);
      out_ += "))";
    }
  }
  out_ += ')';
}

void Printer::instance(const Instance& item) {
  out_ += "(instance";
  binding(Sort::instance);
  if (item.component) {
    out_ += " (instantiate";
    use(Sort::component, *item.component);
  }
  for (const InstanceItem& part : item.items) {
    out_ += item.component ? " (with " : " (export ";
    extern_name(part.name);
    out_ += ' ';
    sorted(part.item.sort, part.item.index);
    out_ += ')';
  }
  out_ += item.component ? "))" : ")";
}

void Printer::alias(const Alias& item) {
  switch (item.target) {
    case Alias::Target::export_:
      out_ += "(alias export";
      use(Sort::instance, item.instance);
      out_ += ' ';
      name(item.name);
      break;
    case Alias::Target::core_export:
      out_ += "(alias core export";
      use(Sort::core_instance, item.instance);
      out_ += ' ';
      name(item.name);
      break;
    case Alias::Target::outer:
      out_ += fmt::format("(alias outer {} {}", item.outer_count, item.outer_index);
      break;
  }
  out_ += fmt::format(" ({}", to_string(item.sort));
  binding(item.sort);
  out_ += "))";
}

void Printer::extern_name(const ExternName& item) {
  name(item.name);
  struct Row {
    const char* word;
    const std::optional<std::string_view>& value;
  };
  for (const Row& row :
       {Row{"implements", item.implements}, Row{"versionsuffix", item.version_suffix},
        Row{"external-id", item.external_id}}) {
    if (!row.value) continue;
    out_ += fmt::format(" ({} ", row.word);
    name(*row.value);
    out_ += ')';
  }
}

void Printer::export_(const Export& item) {
  Scope& own = scopes_.back();
  if (!item.item) {  // a declarator
    out_ += "(export ";
    extern_name(item.name);
    out_ += ' ';
    extern_type(*item.type, true);
    out_ += ')';
    return;
  }
  out_ += "(export";
  Sort sort = item.item->sort;
  uint32_t index = own.counts[static_cast<size_t>(sort)]++;
  if (own.ids) own.ids->of(sort).append_binding(out_, index);
  out_ += fmt::format(" (;{};) ", index);
  extern_name(item.name);
  out_ += ' ';
  sorted(sort, item.item->index);
  if (item.type) {
    out_ += ' ';
    extern_type(*item.type, false);
  }
  out_ += ')';
}

void Printer::start(const Start& item) {
  out_ += "(start";
  use(Sort::func, item.func);
  for (uint32_t argument : item.arguments) {
    out_ += ' ';
    sorted(Sort::value, argument);
  }
  if (item.results > 0) out_ += " (result";
  for (uint32_t i = 0; i < item.results; ++i) {
    out_ += " (value";
    binding(Sort::value);
    out_ += ')';
  }
  if (item.results > 0) out_ += ')';
  out_ += ')';
}

void Printer::read_constants(const Component& component) {
  // A few bytes may stand for labels as long as the component.
  constexpr size_t kMostText = 64u << 20;
  size_t left = kMostText;
  auto read_one = [&](const Types& types, ValType type, const Value& item) -> Result<void> {
    Reader reader(item.encoding);
    ComponentVal read;
    if (!read_constant(types, type, reader, nullptr, &read, PartNames::without)) return {};
    wasm::Writer shortest;
    write_constant(types, type, read, shortest);
    std::string text;
    if (!std::ranges::equal(shortest.out(), item.encoding) ||
        !append_constant(text, types, type, read, left))
      return {};
    left -= text.size();
    constants_.emplace(&item, std::move(text));
    return {};
  };
  // In what is invalid from somewhere on, the constants before that are read.
  [[maybe_unused]] const auto valid =
      validate(component, every_feature(), wasm::TypeRegistry::create(), read_one);
}

/// In parentheses, or an id would be that of the value.
void Printer::type_of_value(ValType type) {
  if (!type.is_prim()) out_ += "(type ";
  val_type(type);
  if (!type.is_prim()) out_ += ')';
}

void Printer::value(const Value& item) {
  out_ += "(value";
  binding(Sort::value);
  out_ += ' ';
  type_of_value(item.type);
  out_ += ' ';
  if (auto text = constants_.find(&item); text != constants_.end()) {
    out_ += text->second;
  } else {
    out_ += "(binary ";
    wasm::append_string(out_, as_text(item.encoding), false);
    out_ += ')';
  }
  out_ += ')';
}

void Printer::extern_type(const ExternType& type_in, bool binds) {
  Sort sort = sort_of(type_in.kind);
  out_ += fmt::format("({}", to_string(sort));
  switch (type_in.kind) {
    case ExternType::Kind::type:
      if (binds) binding(sort);
      if (type_in.type.kind == TypeBound::Kind::eq) {
        out_ += " (eq";
        use(Sort::type, type_in.type.index);
        out_ += ')';
      } else {
        out_ += " (sub resource)";
      }
      break;
    case ExternType::Kind::value:
      if (binds) binding(sort);
      if (const auto* index = std::get_if<uint32_t>(&type_in.value.bound)) {
        out_ += " (eq";
        use(Sort::value, *index);
        out_ += ')';
      } else {
        out_ += ' ';
        type_of_value(std::get<ValType>(type_in.value.bound));
      }
      break;
    default:
      if (binds) binding(sort);
      out_ += " (type";
      use(type_in.kind == ExternType::Kind::module ? Sort::core_type : Sort::type, type_in.index);
      out_ += ')';
  }
  out_ += ')';
}

}  // namespace sedge::component
