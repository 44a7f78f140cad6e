// The syntax of WIT files, before any name is resolved. Views point into the sources.
#ifndef SEDGE_WIT_AST_H_
#define SEDGE_WIT_AST_H_

#include <memory>
#include <variant>

#include "wit/model.h"

namespace sedge::wit::ast {

/// A byte of one of the sources.
struct Place {
  uint32_t source = 0;
  uint32_t offset = 0;
};

struct Name {
  std::string_view text;  ///< without '%'
  Place place;
};

/// Comments before an item, and what begins with '@'.
struct Attributes {
  std::string docs;
  Place docs_place;
  Stability stability;
  std::string external_id;
};

/// `foo`, or `wasi:io/streams@0.2.0`.
struct Path {
  std::optional<PackageName> package;
  Place package_place;
  Name name;
};

struct TypeExpr {
  enum class Kind : uint8_t { missing, primitive, named, built };
  Kind kind = Kind::missing;  ///< missing: `_`, or what is left out
  Place place;
  Primitive primitive = Primitive::none;
  Name name;                         ///< named; own and borrow: the resource
  TypeKind built = TypeKind::alias;  ///< built
  std::vector<TypeExpr> args;
  uint32_t length = 0;
};

struct Param {
  Name name;
  TypeExpr type;
  std::string docs;
};

struct Func {
  Name name;
  FunctionKind kind = FunctionKind::freestanding;
  bool is_async = false;
  std::vector<Param> params;
  TypeExpr result;
  Attributes attributes;
  Name type;  ///< WAC: instead of parameters and result, the name of a function type; else empty
};

struct TypeDecl {
  Name name;
  TypeKind kind = TypeKind::alias;
  TypeExpr target;             ///< alias
  std::vector<Param> members;  ///< of records, variants, enums and flags
  std::vector<Func> methods;   ///< of a resource
  std::optional<Func> func;    ///< WAC: of a function type, instead of `target`
  Attributes attributes;
};

struct UseName {
  Name name;
  Name as;  ///< the same as `name` where no other is given
};
struct Use {
  Path from;
  std::vector<UseName> names;
  Attributes attributes;
};

using Item = std::variant<Use, TypeDecl, Func>;
struct Interface {
  Name name;
  std::vector<Item> items;
  Attributes attributes;
};

struct Include {
  Path from;
  std::vector<UseName> with;
  Attributes attributes;
};
/// `import` or `export`.
struct Extern {
  enum class Kind : uint8_t { path, function, interface };
  bool is_export = false;
  Kind kind = Kind::path;
  bool has_name = false;  ///< a path behind a plain name: `import cache: store`
  Name name;
  Path path;
  Func function;
  Interface interface;
  Attributes attributes;
};
struct World {
  Name name;
  std::vector<std::variant<Use, TypeDecl, Include, Extern>> items;
  Attributes attributes;
};

struct TopLevelUse {
  Path from;
  Name as;
};

/// The items of one file that belong to one package; names of `use` end with it.
struct Scope {
  std::vector<std::variant<TopLevelUse, Interface, World>> items;
};

struct Package {
  PackageName name;
  Place place;  ///< of its name
  std::string docs;
  Place docs_place;
  std::vector<Scope> scopes;
};

/// What WAC takes from WIT at one place of its own text.
struct Embedded {
  std::variant<Interface, World, TypeDecl, Func, Path> node;
  uint32_t end = 0;  ///< where the token behind it begins
};

/// What one file or one folder gives: one package, and those written inside it.
struct File {
  Package main;
  uint32_t source = 0;         ///< the (first) source
  bool has_name = false;       ///< it says `package`; otherwise a file beside it has to
  bool is_documented = false;  ///< by comments that are meant as documentation
  std::vector<Package> nested;
};

}  // namespace sedge::wit::ast

#endif  // SEDGE_WIT_AST_H_
