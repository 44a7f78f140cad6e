// One world has the document's types and functions, so that these see those; each import of an
// interface has a world of its own, so that an interface may be imported more than once. WIT has no
// function types: what one stands for takes its place.
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "compose/wac.h"
#include "wit/package_types.h"
#include "wit/walk.h"

namespace sedge::compose::wac {
namespace {

namespace ast = wit::ast;

/// Parts of function types that stand in the place of names: a short text could name a long one
/// very often.
constexpr size_t kMaxCopied = 100'000;

using Functions = std::unordered_map<std::string_view, ast::Func>;

template <typename Visit>
void each_type_name(const ast::Func& func, const Visit& visit) {
  for (const ast::Param& param : func.params) wit::each_type_name(param.type, visit);
  wit::each_type_name(func.result, visit);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser allows
size_t count_parts(const ast::TypeExpr& expr) {
  size_t out = 1;
  for (const ast::TypeExpr& arg : expr.args) out += count_parts(arg);
  return out;
}

size_t count_parts(const ast::Func& func) {
  size_t out = 1 + count_parts(func.result);
  for (const ast::Param& param : func.params) out += count_parts(param.type);
  return out;
}

class Taker {
 public:
  Taker(const wit::Sources& sources, uint32_t source, Document& document)
      : sources_(sources), document_(document) {
    out_.file.source = source;
    out_.file.has_name = true;
    out_.file.main.name = document.package.package;
    out_.file.main.place = document.package.place;
    out_.file.main.scopes.emplace_back();
  }

  Result<DocumentWit> run() {
    collect_names();
    types_.name.place = document_.package.place;
    for (auto& statement : document_.statements) {
      if (auto* declaration = std::get_if<Declaration>(&statement)) {
        SEDGE_TRY(define(declaration->name));
        SEDGE_TRY(std::visit([&](auto& node) { return declare(node); }, declaration->node));
      } else if (auto* import = std::get_if<Import>(&statement)) {
        SEDGE_TRY(define(import->name));
        SEDGE_TRY(this->import(*import));
      }
    }
    if (!types_.items.empty()) {
      out_.types = new_name();
      types_.name.text = out_.types;
      for (Import* import : functions_imported_) import->world = out_.types;
      items().emplace_back(std::move(types_));
    }
    return std::move(out_);
  }

 private:
  decltype(ast::Scope::items)& items() { return out_.file.main.scopes[0].items; }
  std::unexpected<Error> wrong(ErrorCode code, std::string message, std::string remedy,
                               ast::Place place) const {
    Error error = sources_.error(code, ": " + std::move(message), place);
    if (!remedy.empty()) error.set_remedy(std::move(remedy));
    return fail(std::move(error));
  }

  /// Worlds that are made up here take none of the document's names.
  void collect_names() {
    for (const auto& statement : document_.statements)
      if (const auto* declaration = std::get_if<Declaration>(&statement))
        declared_.insert(declaration->name.text);
  }
  std::string_view new_name() {
    std::string name;
    do {
      name = "wac-";
      size_t number = next_name_++;
      do name += static_cast<char>('a' + number % 26);
      while ((number /= 26) != 0);
    } while (declared_.contains(name));
    return out_.names.emplace_back(std::move(name));
  }

  Result<void> define(const Name& name) {
    if (defined_.insert(wit::folded(name.text)).second) return {};
    return wrong(ErrorCode::wit_invalid, fmt::format("`{}` is defined already", name.text),
                 "each name of a document stands for one thing: choose another", name.place);
  }

  /// Puts what `name` stands for into `func`, which keeps its own name.
  Result<void> expand(ast::Func& func, const ast::Func& type) {
    copied_ += count_parts(type);
    if (copied_ > kMaxCopied)
      return wrong(
          ErrorCode::limit_exceeded,
          fmt::format("function types that are named have more than {} parts together", kMaxCopied),
          {}, func.name.place);
    func.params = type.params;
    func.result = type.result;
    func.is_async = type.is_async;
    func.type = {};
    return {};
  }

  // The document itself.

  /// Types stand before what uses them.
  Result<void> check_types(const auto& node) {
    const ast::Name* unknown = nullptr;
    auto visit = [&](const ast::Name& name) {
      if (!unknown && !named_.contains(name.text)) unknown = &name;
    };
    if constexpr (std::is_same_v<std::decay_t<decltype(node)>, ast::Func>)
      each_type_name(node, visit);
    else
      wit::each_type_name(node, visit);
    if (!unknown) return {};
    return wrong(ErrorCode::wit_invalid,
                 fmt::format("there is no type `{}` before this", unknown->text),
                 "a document's types are declared before they are used", unknown->place);
  }

  void add_function(ast::Func func) {
    ast::Extern item;
    item.kind = ast::Extern::Kind::function;
    item.name = func.name;
    item.function = std::move(func);
    types_.items.emplace_back(std::move(item));
  }

  Result<void> declare(ast::TypeDecl& decl) {
    if (decl.target.kind == ast::TypeExpr::Kind::named)
      if (auto found = functions_.find(decl.target.name.text); found != functions_.end()) {
        decl.func.emplace();
        decl.func->name = decl.name;
        SEDGE_TRY(expand(*decl.func, found->second));
      }
    if (decl.func) {
      SEDGE_TRY(check_types(*decl.func));
      functions_.emplace(decl.name.text, *decl.func);
      add_function(*decl.func);
      return {};
    }
    SEDGE_TRY(check_types(decl));
    bool has_own_name = decl.kind != wit::TypeKind::alias;
    wit::each_type_name(decl, [&](const ast::Name& name) { has_own_name |= named_.at(name.text); });
    named_.emplace(decl.name.text, has_own_name);
    types_.items.emplace_back(decl);
    return {};
  }
  Result<void> declare(ast::Interface& interface) {
    SEDGE_TRY(expand_items(interface.items));
    items().emplace_back(std::move(interface));
    return {};
  }
  Result<void> declare(ast::World& world) {
    SEDGE_TRY(expand_world(world));
    items().emplace_back(std::move(world));
    return {};
  }

  Result<void> import(Import& import) {
    if (const auto* path = std::get_if<ast::Path>(&import.type); path && !path->package)
      if (auto found = functions_.find(path->name.text); found != functions_.end()) {
        ast::Func func;
        func.name = path->name;
        SEDGE_TRY(expand(func, found->second));
        import.type = std::move(func);
      }
    if (auto* func = std::get_if<ast::Func>(&import.type)) return import_function(import, *func);
    ast::Extern item;
    if (auto* interface = std::get_if<ast::Interface>(&import.type)) {
      SEDGE_TRY(expand_items(interface->items));
      item.kind = ast::Extern::Kind::interface;
      item.name = {"item", import.name.place};
      item.interface = std::move(*interface);
    } else {
      item.path = std::get<ast::Path>(import.type);
    }
    ast::World world;
    world.name = {new_name(), import.name.place};
    world.items.emplace_back(std::move(item));
    import.world = world.name.text;
    items().emplace_back(std::move(world));
    return {};
  }

  Result<void> import_function(Import& import, ast::Func& func) {
    SEDGE_TRY(check_types(func));
    const ast::Name* exported = nullptr;
    each_type_name(func, [&](const ast::Name& name) {
      if (named_.at(name.text)) exported = &name;
    });
    if (exported)
      return wrong(ErrorCode::wit_invalid,
                   fmt::format("the import `{}` uses `{}`, a type that the document declares and "
                               "so exports: the types of imports are imported",
                               import.name.text, exported->text),
                   "declare the type inside of an interface, and import that", import.name.place);
    func.name = {out_.names.emplace_back(import.name.text), import.name.place};
    import.item = func.name.text;
    functions_imported_.push_back(&import);
    add_function(func);
    return {};
  }

  // Interfaces and worlds: function types inside of them, which are seen from there on.

  /// Takes the declaration of a function type; false for others.
  Result<bool> take_function(ast::TypeDecl& decl, Functions& functions) {
    if (!decl.func && decl.target.kind == ast::TypeExpr::Kind::named)
      if (auto found = functions.find(decl.target.name.text); found != functions.end()) {
        decl.func.emplace();
        SEDGE_TRY(expand(*decl.func, found->second));
      }
    if (!decl.func) return false;
    functions.emplace(decl.name.text, std::move(*decl.func));
    return true;
  }

  /// Function types are out of sight for the WIT resolver, which looks for names that stand twice.
  template <typename Items>
  Result<void> check_names(const Items& items) {
    std::unordered_set<std::string> known;
    for (const auto& item : items) {
      std::vector<const ast::Name*> names;
      if (const auto* decl = std::get_if<ast::TypeDecl>(&item)) names.push_back(&decl->name);
      if (const auto* use = std::get_if<ast::Use>(&item))
        for (const ast::UseName& name : use->names) names.push_back(&name.as);
      if constexpr (std::is_same_v<Items, std::vector<ast::Item>>)
        if (const auto* func = std::get_if<ast::Func>(&item)) names.push_back(&func->name);
      for (const ast::Name* name : names)
        if (!known.insert(wit::folded(name->text)).second)
          return wrong(ErrorCode::wit_invalid, fmt::format("`{}` is defined twice", name->text), {},
                       name->place);
    }
    return {};
  }

  Result<void> expand_items(std::vector<ast::Item>& items) {
    SEDGE_TRY(check_names(items));
    Functions functions;
    std::vector<ast::Item> kept;
    for (ast::Item& item : items) {
      if (auto* decl = std::get_if<ast::TypeDecl>(&item)) {
        SEDGE_TRY_ASSIGN(bool is_function, take_function(*decl, functions));
        if (is_function) continue;
      }
      if (auto* func = std::get_if<ast::Func>(&item); func && !func->type.text.empty()) {
        auto found = functions.find(func->type.text);
        if (found == functions.end())
          return wrong(
              ErrorCode::wit_invalid,
              fmt::format("the interface has no function type `{}` before this", func->type.text),
              fmt::format("declare it there: type {} = func(…);", func->type.text),
              func->type.place);
        SEDGE_TRY(expand(*func, found->second));
      }
      kept.push_back(std::move(item));
    }
    items = std::move(kept);
    return {};
  }

  /// `import name: type;` with a function type, of the world or of the document.
  Result<void> expand_extern(ast::Extern& item, const Functions& functions) {
    if (!item.has_name || item.path.package) return {};
    auto own = functions.find(item.path.name.text);
    bool is_own = own != functions.end();
    auto found = is_own ? own : functions_.find(item.path.name.text);
    if (!is_own && found == functions_.end()) return {};
    bool has_types = false;
    each_type_name(found->second, [&](const ast::Name&) { has_types = true; });
    if (!is_own && has_types)
      return wrong(
          ErrorCode::wit_invalid,
          fmt::format("function type `{}` uses types of the document, which a world does not see",
                      item.path.name.text),
          "write the function's type out here, with types that the world declares or uses",
          item.path.name.place);
    item.kind = ast::Extern::Kind::function;
    item.function.name = item.name;
    item.function.attributes = std::move(item.attributes);
    return expand(item.function, found->second);
  }

  Result<void> expand_world(ast::World& world) {
    SEDGE_TRY(check_names(world.items));
    Functions functions;
    decltype(world.items) kept;
    for (auto& item : world.items) {
      if (auto* decl = std::get_if<ast::TypeDecl>(&item)) {
        SEDGE_TRY_ASSIGN(bool is_function, take_function(*decl, functions));
        if (is_function) continue;
      }
      if (auto* external = std::get_if<ast::Extern>(&item)) {
        if (external->kind == ast::Extern::Kind::interface)
          SEDGE_TRY(expand_items(external->interface.items));
        if (external->kind == ast::Extern::Kind::path)
          SEDGE_TRY(expand_extern(*external, functions));
      }
      kept.push_back(std::move(item));
    }
    world.items = std::move(kept);
    return {};
  }

  const wit::Sources& sources_;
  Document& document_;
  DocumentWit out_;
  ast::World types_;
  std::vector<Import*> functions_imported_;  ///< in the world of types
  std::unordered_set<std::string> declared_;
  std::unordered_set<std::string> defined_;  ///< in lower case
  size_t next_name_ = 0;
  Functions functions_;  ///< function types of the document
  /// Types of the document so far; true for those that imports cannot have without a name.
  std::unordered_map<std::string_view, bool> named_;
  size_t copied_ = 0;
};

}  // namespace

Result<DocumentWit> take_wit(const wit::Sources& sources, uint32_t source, Document& document) {
  return Taker(sources, source, document).run();
}

}  // namespace sedge::compose::wac
