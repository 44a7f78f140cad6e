// As text: names of WIT need no escapes there. Imports stand before everything else.
#include "componentize/dummy_module.h"

#include <iterator>
#include <string>

#include <fmt/format.h>

#include "componentize/abi.h"
#include "wasm/text/text.h"

namespace sedge::componentize {
namespace {

class DummyModule {
 public:
  explicit DummyModule(const wit::Resolve& resolve) : resolve_(resolve) {}

  std::string text(const wit::World& world) {
    for (const auto& [key, item] : world.imports) import_item(item);
    for (const auto& [key, item] : world.exports) export_item(item);
    return fmt::format(
        "(module\n{}{}(memory (export \"memory\") 0)\n"
        "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)\n"
        "(func (export \"_initialize\")))",
        imports_, functions_);
  }

 private:
  static constexpr std::string_view kHandle = "(param i32)";
  static constexpr std::string_view kNewHandle = "(param i32) (result i32)";

  static std::string text_of(const FuncType& type) {
    std::string out;
    for (ValType param : type.params) out += fmt::format("(param {}) ", to_string(param));
    for (ValType result : type.results) out += fmt::format("(result {}) ", to_string(result));
    return out;
  }
  void import(std::string_view module, std::string_view name, std::string_view type) {
    fmt::format_to(std::back_inserter(imports_), "(import \"{}\" \"{}\" (func {}))\n", module, name,
                   type);
  }
  void import_function(std::string_view module, const wit::Function& function) {
    import(module, function.name, text_of(core_signature(resolve_, function, Abi::lower).type));
  }
  void export_function(const std::string& name, const wit::Function& function) {
    const FuncType type = core_signature(resolve_, function, Abi::lift).type;
    fmt::format_to(std::back_inserter(functions_), "(func (export \"{}\") {}unreachable)\n", name,
                   text_of(type));
    if (payload_needs(resolve_, function.result).realloc)
      fmt::format_to(std::back_inserter(functions_), "(func (export \"cabi_post_{}\") {})\n", name,
                     text_of({type.results, {}}));
  }

  void import_item(const wit::WorldItem& item) {
    constexpr std::string_view kRoot = "$root";
    switch (item.kind) {
      case wit::WorldItem::Kind::function:
        return import_function(kRoot, item.function);
      case wit::WorldItem::Kind::type: {
        const wit::TypeDef& type = resolve_.types[item.type];
        if (type.kind == wit::TypeKind::resource)
          import(kRoot, "[resource-drop]" + type.name, kHandle);
        return;
      }
      case wit::WorldItem::Kind::interface: {
        const std::string module = resolve_.item_name(item);
        const wit::Interface& interface = resolve_.interfaces[item.interface];
        for (const auto& [name, type] : interface.types)
          if (resolve_.types[type].kind == wit::TypeKind::resource)
            import(module, "[resource-drop]" + name, kHandle);
        for (const auto& [name, function] : interface.functions) import_function(module, function);
        return;
      }
    }
  }

  void export_item(const wit::WorldItem& item) {
    if (item.kind == wit::WorldItem::Kind::function)
      return export_function(item.function.name, item.function);
    const std::string name = resolve_.item_name(item);
    const wit::Interface& interface = resolve_.interfaces[item.interface];
    for (const auto& [label, type] : interface.types) {
      if (resolve_.types[type].kind != wit::TypeKind::resource) continue;
      const std::string module = "[export]" + name;
      import(module, "[resource-drop]" + label, kHandle);
      import(module, "[resource-new]" + label, kNewHandle);
      import(module, "[resource-rep]" + label, kNewHandle);
      fmt::format_to(std::back_inserter(functions_), "(func (export \"{}#[dtor]{}\") {})\n", name,
                     label, kHandle);
    }
    for (const auto& [label, function] : interface.functions)
      export_function(fmt::format("{}#{}", name, label), function);
  }

  const wit::Resolve& resolve_;
  std::string imports_;
  std::string functions_;
};

}  // namespace

Result<std::vector<uint8_t>> dummy_module(const wit::Resolve& resolve, wit::WorldId world) {
  return wasm::assemble(DummyModule(resolve).text(resolve.worlds[world]));
}

}  // namespace sedge::componentize
