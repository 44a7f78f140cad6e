// Internals of the component text parser. One pass: definitions refer to earlier ones only, so that
// an id is known when it is used, or lies further out, which becomes an alias. Sugar appends what
// it stands for before the definition it is written in. Not for users of text.h.
#ifndef SEDGE_COMPONENT_TEXT_PARSER_H_
#define SEDGE_COMPONENT_TEXT_PARSER_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "component/ast.h"
#include "wasm/text/arena.h"
#include "wasm/text/cursor.h"
#include "wasm/text/type_parser.h"

namespace sedge::component {

class Parser : private wasm::Cursor {
 public:
  explicit Parser(const wasm::Tokens& tokens)
      : Cursor(tokens), arena_(std::make_shared<wasm::Arena>()) {}
  Result<Component> run();

 private:
  using Token = wasm::Token;
  using Ids = std::unordered_map<std::string_view, uint32_t>;
  /// A component, component type or instance type that is being parsed.
  struct Scope {
    std::string_view id;
    std::array<Ids, kSortCount> ids;
    std::array<Ids, kSortCount> aliases;  ///< of ids that lie further out
    std::array<uint32_t, kSortCount> counts{};
    std::vector<Definition>* definitions = nullptr;
    Names* names = nullptr;  ///< null in types
    bool is_type = false;
    std::unique_ptr<wasm::TypeParser> core;  ///< keeps the core type index space
  };
  /// `$id (@name "…")?` of a definition.
  struct Binding {
    std::string_view id;  ///< empty: none
    std::optional<std::string_view> name;
    Token token;
  };

  // parse.cc
  Result<Component> component_body(Binding binding);
  Result<void> definition();
  Result<void> core_definition();
  Result<void> core_module();
  Result<void> core_instance();
  Result<void> core_item();
  Result<std::vector<CoreItem>> core_inline_exports();
  Result<void> component_form();
  Result<void> instance_form();
  Result<std::vector<InstanceItem>> inline_exports();
  Result<void> func_form();
  Result<void> alias_form();
  /// The target of an alias, behind "(alias".
  Result<Alias> alias_target();
  Result<void> import_form();
  Result<void> export_form();
  Result<void> start_form();
  Result<void> custom_form();

  Result<Binding> binding();
  std::unique_ptr<Scope> new_scope() const;
  std::optional<std::string_view> outer_name(const Binding& own) const;
  /// Gives the next index of the sort an id and a name.
  Result<uint32_t> define(Sort sort, const Binding& binding);
  template <typename T>
  void append(T node, const Token& at) {
    scope().definitions->push_back({std::move(node), at.begin});
  }
  Result<uint32_t> resolve(Sort sort);
  Result<uint32_t> resolve_id(Sort sort, const Token& token);
  /// An index, an id, or `(sort index "export"*)`, which becomes aliases.
  Result<uint32_t> index(Sort sort);
  Result<SortIdx> sorted_index();
  Result<SortIdx> core_sorted_index();
  Result<uint32_t> through_exports(Sort sort);
  std::optional<Sort> take_sort();
  std::optional<Sort> take_core_sort();
  Result<ExternName> extern_name();
  Result<void> attributes(ExternName& name);
  Result<std::optional<ExternName>> inline_name(std::string_view word);
  Result<bool> inline_import(Sort sort, std::string_view id, const Token& where);
  Result<std::vector<ExternName>> inline_export_names();
  void append_exports(const std::vector<ExternName>& names, Sort sort, uint32_t index,
                      const Token& at);
  Result<std::string_view> stored_string();
  Result<std::string_view> stored_name();
  std::string_view id_text(const Token& token);
  Result<uint32_t> number();
  std::unexpected<Error> unexpected(size_t ahead = 0) const;
  Error at_line(Error error, const Token& where) const;

  // parse_types.cc
  Result<void> type_form();
  Result<Type> deftype(std::string_view id);
  Result<Type> defined_type();
  Result<PrimType> primitive();
  Result<ValType> val_type();
  Result<ValType> indexed_type(uint32_t index) const;
  Result<std::vector<std::string_view>> labels();
  Result<FuncType> func_type();
  /// `(type i)`, or a function type in place.
  Result<uint32_t> func_type_use();
  /// `id` is the name that outer aliases inside call the type.
  Result<std::vector<Definition>> declarators(bool with_imports, std::string_view id);
  Result<void> declarator(bool with_imports);
  Result<void> core_type_form();
  Result<void> core_rec_form();
  Result<CoreModuleType> core_module_type();
  /// Behind "(sort $id?": what stands for the type up to the closing parenthesis.
  Result<ExternType> extern_type(Sort sort, std::string_view id);
  /// "(sort $id? type)".
  Result<ExternType> bound_extern_type(Binding& binding, Sort& sort);
  uint32_t add_type(Type type, const Token& at);
  Error core_error(Error error) const;

  // parse_constants.cc
  Result<void> value_form();
  /// Gives constants that are not `(binary …)` their encoding.
  Result<void> encode_constants(Component& component);

  // parse_canon.cc
  Result<void> canon_form();
  /// `canon` stands open; with `func` given its own definition is open around it.
  Result<Canon> canon(std::optional<uint32_t> func_type);
  Result<void> canon_options(std::vector<CanonOption>& options);
  Result<Canon> canon_immediates(const CanonInfo& info, std::optional<uint32_t> func_type);

  Scope& scope() { return *scopes_.back(); }
  Ids& ids(Sort sort) { return scope().ids[static_cast<size_t>(sort)]; }
  uint32_t& count(Sort sort) { return scope().counts[static_cast<size_t>(sort)]; }

  std::shared_ptr<wasm::Arena> arena_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  /// Constants whose encoding depends on their type: where each begins, by Definition::offset.
  std::unordered_map<uint64_t, size_t> constants_;
  uint32_t depth_ = 0;  ///< of value types in each other
};

/// "type", "core func": the noun of messages about ids.
const char* noun(Sort sort);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_TEXT_PARSER_H_
