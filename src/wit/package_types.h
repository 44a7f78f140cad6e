// Types of one package while it is resolved: numbered apart from those of other packages, gated
// ones among them, until everything is known and they move into the Resolve.
#ifndef SEDGE_WIT_PACKAGE_TYPES_H_
#define SEDGE_WIT_PACKAGE_TYPES_H_

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "wit/resolver.h"

namespace sedge::wit {

/// What a name in an interface or world means.
struct NamedItem {
  bool is_function = false;
  TypeId type = kNone;
};
/// The names of one interface or world. Names that differ in case only clash.
class ItemNames {
 public:
  bool insert(std::string_view name, NamedItem item);
  const NamedItem* find(std::string_view name) const;
  NamedItem* find(std::string_view name);
  /// "; did you mean …".
  std::string suggest(std::string_view name) const;

 private:
  std::unordered_map<std::string, NamedItem> items_;
  std::set<std::string> folded_;
};
/// `name` in lower case.
std::string folded(std::string_view name);

/// Ids with this bit name types of the package; others are those of the Resolve.
constexpr TypeId kLocalType = 0x80000000;

class PackageTypes {
 public:
  PackageTypes(Resolve& resolve, const Sources& sources, const Gates& gates)
      : resolve_(resolve), sources_(sources), gates_(gates) {}

  /// Adds a type; `place` is where errors about it point.
  TypeId add(TypeDef type, ast::Place place);
  /// The type of an expression, which `names` are visible to. A resource's name stands for itself
  /// until move() makes it an owned handle.
  Result<Type> value(const ast::TypeExpr& expr, const ItemNames& names, const Stability& stability);
  /// The definition that a `type` declaration gives.
  Result<TypeDef> definition(const ast::TypeDecl& decl, const ItemNames& names);
  const TypeDef& operator[](TypeId id) const {
    return id & kLocalType ? local_[id ^ kLocalType].type : resolve_.types[id];
  }
  bool is_resource(TypeId id) const;
  /// Whether `id` is left out by a gate.
  bool is_gated(TypeId id) const {
    return (id & kLocalType) != 0 && !gates_.has(local_[id ^ kLocalType].type.stability);
  }

  /// Moves the types that gates let in into the Resolve.
  Result<void> move();
  /// After move(): the function with its types as the Resolve numbers them.
  Result<void> finish(Function& function, ast::Place place);
  /// After move(): the id in the Resolve. Error: it is gated.
  Result<TypeId> final_id(TypeId id, ast::Place place) const;

 private:
  struct Local {
    TypeDef type;
    ast::Place place;
    TypeId final_id = kNone;
  };
  using Key = std::tuple<TypeKind, uint32_t, std::vector<uint64_t>, std::string>;

  Result<TypeDef> built(const ast::TypeExpr& expr, const ItemNames& names,
                        const Stability& stability);
  Result<TypeId> named(const ast::Name& name, const ItemNames& names) const;
  Result<TypeId> resource(const ast::Name& name, const ItemNames& names) const;
  Type intern(TypeDef type, ast::Place place);
  Result<Type> value_type(Type type, ast::Place place);
  Error error(std::string message, ast::Place place) const {
    return sources_.error(ErrorCode::wit_invalid, ": " + std::move(message), place);
  }

  Resolve& resolve_;
  const Sources& sources_;
  const Gates& gates_;
  std::vector<Local> local_;
  std::map<Key, TypeId> interned_;
  std::unordered_map<TypeId, TypeId> own_;  ///< the handle of a resource
};

}  // namespace sedge::wit

#endif  // SEDGE_WIT_PACKAGE_TYPES_H_
