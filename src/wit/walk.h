// Walks over the syntax, constant or not.
#ifndef SEDGE_WIT_WALK_H_
#define SEDGE_WIT_WALK_H_

#include "wit/ast.h"

namespace sedge::wit {

/// Calls `visit` with every path of a package that names another package; the imports of a world
/// come before its exports.
template <typename Package, typename Visit>
void each_foreign_path(Package& package, const Visit& visit) {
  auto path = [&](auto& p) {
    if (p.package) visit(p);
  };
  auto interface = [&](auto& i) {
    for (auto& item : i.items)
      if (auto* use = std::get_if<ast::Use>(&item)) path(use->from);
  };
  auto external = [&](auto& e) {
    if (e.kind == ast::Extern::Kind::path) path(e.path);
    if (e.kind == ast::Extern::Kind::interface) interface(e.interface);
  };
  auto world = [&](auto& w) {
    for (auto& item : w.items) {
      if (auto* use = std::get_if<ast::Use>(&item)) path(use->from);
      if (auto* include = std::get_if<ast::Include>(&item)) path(include->from);
    }
    for (bool exports : {false, true})
      for (auto& item : w.items)
        if (auto* e = std::get_if<ast::Extern>(&item); e && e->is_export == exports) external(*e);
  };
  for (auto& scope : package.scopes)
    for (auto& item : scope.items) {
      if (auto* use = std::get_if<ast::TopLevelUse>(&item)) path(use->from);
      if (auto* i = std::get_if<ast::Interface>(&item)) interface(*i);
      if (auto* w = std::get_if<ast::World>(&item)) world(*w);
    }
}

/// Calls `visit` with the names of types that an expression refers to.
template <typename Visit>
// NOLINTNEXTLINE(misc-no-recursion): as deep as the parser allows
void each_type_name(const ast::TypeExpr& expr, const Visit& visit) {
  if (expr.kind == ast::TypeExpr::Kind::named ||
      (expr.kind == ast::TypeExpr::Kind::built &&
       (expr.built == TypeKind::own || expr.built == TypeKind::borrow)))
    visit(expr.name);
  for (const ast::TypeExpr& arg : expr.args) each_type_name(arg, visit);
}

/// The same of all that a declaration has, but for the functions of a resource.
template <typename Visit>
void each_type_name(const ast::TypeDecl& decl, const Visit& visit) {
  each_type_name(decl.target, visit);
  for (const ast::Param& member : decl.members) each_type_name(member.type, visit);
}

}  // namespace sedge::wit

#endif  // SEDGE_WIT_WALK_H_
