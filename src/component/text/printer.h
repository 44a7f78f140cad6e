// Internals of the component printer. Not for users of text.h.
#ifndef SEDGE_COMPONENT_TEXT_PRINTER_H_
#define SEDGE_COMPONENT_TEXT_PRINTER_H_

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "component/ast.h"
#include "component/text/text.h"
#include "wasm/text/print_names.h"

namespace sedge::component {

class Printer {
 public:
  /// Borrows `options`.
  explicit Printer(const PrintOptions& options) : options_(options) {}
  std::string run(const Component& component);

 private:
  struct Ids {
    std::array<wasm::IdTable, kSortCount> by_sort;
    void fill(const Names& names) {
      for (size_t i = 0; i < kSortCount; ++i) by_sort[i] = wasm::IdTable(names.by_sort[i]);
    }
    const wasm::IdTable& of(Sort sort) const { return by_sort[static_cast<size_t>(sort)]; }
  };
  struct Scope {
    const Ids* ids = nullptr;  ///< null in types, which have no names
    const Names* names = nullptr;
    std::array<uint32_t, kSortCount> counts{};
  };

  // print.cc
  void component_(const Component& component, std::string_view word, uint32_t index);
  void definition(const Definition& item);
  void core_module(const CoreModule& item);
  void core_instance(const CoreInstance& item);
  void instance(const Instance& item);
  void alias(const Alias& item);
  void extern_name(const ExternName& item);
  void export_(const Export& item);
  void start(const Start& item);
  void value(const Value& item);
  void type_of_value(ValType type);
  /// Texts of those constants that have their type's shortest encoding.
  void read_constants(const Component& component);
  void extern_type(const ExternType& type, bool binds);
  void line();
  void name(std::string_view text);
  void number(uint64_t value) { out_ += std::to_string(value); }
  void use(Sort sort, uint32_t index);
  /// Takes the next index of a sort and writes its id.
  void binding(Sort sort);
  void nested_binding(Sort sort, uint32_t index, std::optional<std::string_view> own_name);
  void sorted(Sort sort, uint32_t index);

  // print_types.cc
  void type(const Type& type);
  void val_type(ValType type);
  void func_type(const FuncType& type);
  void declarators(const char* word, const std::vector<Definition>& list);
  void core_type(const CoreType& type);
  void rec_group(const CoreRecGroup& group, uint32_t first, bool inner);
  void module_type(const CoreModuleType& type);
  void sub_type(const wasm::SubType& type);
  void core_val(sedge::ValType type);
  void core_extern(const wasm::ExternDesc& type);
  void canon(const Canon& item);
  void options(const std::vector<CanonOption>& list);

  const PrintOptions& options_;
  std::string out_;
  std::vector<Scope> scopes_;
  std::unordered_map<const Value*, std::string> constants_;
};

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TEXT_PRINTER_H_
