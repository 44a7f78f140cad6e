// Type expressions → definitions; equal unnamed types are one.
#include "wit/package_types.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/nearest.h"

namespace sedge::wit {

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool ItemNames::insert(std::string_view name, NamedItem item) {
  if (!folded_.insert(folded(name)).second) return false;
  items_.emplace(name, item);
  return true;
}

const NamedItem* ItemNames::find(std::string_view name) const {
  auto it = items_.find(std::string(name));
  return it == items_.end() ? nullptr : &it->second;
}

NamedItem* ItemNames::find(std::string_view name) {
  return const_cast<NamedItem*>(static_cast<const ItemNames*>(this)->find(name));
}

std::string ItemNames::suggest(std::string_view name) const {
  if (name == "float32" || name == "float64")
    return "; did you mean `f" + std::string(name.substr(5)) + "`?";
  std::vector<std::string_view> known;
  for (const auto& [text, item] : items_)
    if (!item.is_function) known.push_back(text);
  std::ranges::sort(known);
  return did_you_mean(name, known);
}

TypeId PackageTypes::add(TypeDef type, ast::Place place) {
  local_.push_back({std::move(type), place});
  return static_cast<TypeId>(local_.size() - 1) | kLocalType;
}

bool PackageTypes::is_resource(TypeId id) const {
  while ((*this)[id].kind == TypeKind::alias && (*this)[id].first->is_ref())
    id = (*this)[id].first->id;
  return (*this)[id].kind == TypeKind::resource;
}

Result<TypeId> PackageTypes::named(const ast::Name& name, const ItemNames& names) const {
  const NamedItem* item = names.find(name.text);
  if (!item)
    return fail(error(fmt::format("there is no type `{}`{}", name.text, names.suggest(name.text)),
                      name.place));
  if (item->is_function)
    return fail(error(fmt::format("`{}` is a function, not a type", name.text), name.place));
  if (item->type == kNone)
    return fail(error(fmt::format("type `{}` refers to itself", name.text), name.place));
  return item->type;
}

Result<TypeId> PackageTypes::resource(const ast::Name& name, const ItemNames& names) const {
  SEDGE_TRY_ASSIGN(TypeId id, named(name, names));
  if (!is_resource(id))
    return fail(
        error(fmt::format("`{}` is no resource; handles are of resources", name.text), name.place));
  return id;
}

Type PackageTypes::intern(TypeDef type, ast::Place place) {
  std::vector<uint64_t> parts;
  auto part = [&](const std::optional<Type>& part) {
    parts.push_back(part ? uint64_t{part->id} << 8 | static_cast<uint64_t>(part->primitive)
                         : UINT64_MAX);
  };
  part(type.first);
  part(type.second);
  for (const Type& element : type.elements) part(element);
  std::string gate = type.stability.feature;
  if (type.stability.since) gate = "@" + type.stability.since->to_string();
  if (type.stability.deprecated) gate += "-" + type.stability.deprecated->to_string();
  Key key{type.kind, type.length, std::move(parts), std::move(gate)};
  auto it = interned_.find(key);
  if (it == interned_.end())
    it = interned_.emplace(std::move(key), add(std::move(type), place)).first;
  return Type::ref(it->second);
}

/// A type that is written with brackets.
Result<TypeDef> PackageTypes::built(const ast::TypeExpr& expr, const ItemNames& names,
                                    const Stability& stability) {
  TypeDef out;
  out.kind = expr.built;
  out.length = expr.length;
  out.stability = stability;
  if (expr.built == TypeKind::own || expr.built == TypeKind::borrow) {
    SEDGE_TRY_ASSIGN(TypeId id, resource(expr.name, names));
    out.first = Type::ref(id);
    return out;
  }
  for (size_t i = 0; i < expr.args.size(); ++i) {
    if (expr.args[i].kind == ast::TypeExpr::Kind::missing) continue;
    SEDGE_TRY_ASSIGN(Type part, value(expr.args[i], names, stability));
    if (expr.built == TypeKind::tuple)
      out.elements.push_back(part);
    else
      (i == 0 ? out.first : out.second) = part;
  }
  if (expr.built == TypeKind::map && out.first->is_ref()) {
    TypeId key = out.first->id;
    while ((*this)[key].kind == TypeKind::alias && (*this)[key].first->is_ref())
      key = (*this)[key].first->id;
    Primitive primitive =
        (*this)[key].kind == TypeKind::alias ? (*this)[key].first->primitive : Primitive::none;
    if (primitive == Primitive::none || primitive == Primitive::f32 ||
        primitive == Primitive::f64 || primitive == Primitive::error_context)
      return fail(
          error("the key of a map is bool, char, string or an integer type", expr.args[0].place));
  }
  return out;
}

Result<Type> PackageTypes::value(const ast::TypeExpr& expr, const ItemNames& names,
                                 const Stability& stability) {
  switch (expr.kind) {
    case ast::TypeExpr::Kind::primitive:
      return Type::of(expr.primitive);
    case ast::TypeExpr::Kind::named: {
      SEDGE_TRY_ASSIGN(TypeId id, named(expr.name, names));
      return Type::ref(id);
    }
    case ast::TypeExpr::Kind::built: {
      SEDGE_TRY_ASSIGN(TypeDef type, built(expr, names, stability));
      if (type.kind == TypeKind::own) return *type.first;
      return intern(std::move(type), expr.place);
    }
    case ast::TypeExpr::Kind::missing:
      break;
  }
  return fail(error("a type is missing", expr.place));
}

Result<TypeDef> PackageTypes::definition(const ast::TypeDecl& decl, const ItemNames& names) {
  const Stability& stability = decl.attributes.stability;
  TypeDef out;
  out.kind = decl.kind;
  if (decl.kind == TypeKind::alias) {
    if (decl.target.kind == ast::TypeExpr::Kind::built) {
      SEDGE_TRY_ASSIGN(out, built(decl.target, names, stability));
    } else {
      SEDGE_TRY_ASSIGN(out.first, value(decl.target, names, stability));
    }
  }
  std::set<std::string> known;
  for (const ast::Param& member : decl.members) {
    if (!known.insert(folded(member.name.text)).second)
      return fail(error(fmt::format("`{}` stands twice in `{}`", member.name.text, decl.name.text),
                        member.name.place));
    Member& added = out.members.emplace_back();
    added.name = member.name.text;
    added.docs = member.docs;
    if (member.type.kind != ast::TypeExpr::Kind::missing) {
      SEDGE_TRY_ASSIGN(added.type, value(member.type, names, stability));
    }
  }
  out.name = decl.name.text;
  out.docs = decl.attributes.docs;
  out.stability = stability;
  out.external_id = decl.attributes.external_id;
  return out;
}

Result<TypeId> PackageTypes::final_id(TypeId id, ast::Place place) const {
  if ((id & kLocalType) == 0) return id;
  const Local& local = local_[id ^ kLocalType];
  if (local.final_id != kNone) return local.final_id;
  return fail(
      error(fmt::format(
                "this refers to {}, which is behind the feature `{}`",
                local.type.name.empty() ? "a type" : fmt::format("type `{}`", local.type.name),
                local.type.stability.feature),
            place)
          .with_remedy("switch the feature on with --features, or gate this item likewise"));
}

/// A type in the place of a value: resources become owned handles.
Result<Type> PackageTypes::value_type(Type type, ast::Place place) {
  if (!type.is_ref()) return type;
  SEDGE_TRY_ASSIGN(type.id, final_id(type.id, place));
  if (!resolve_.is_resource(type.id)) return type;
  auto [it, inserted] = own_.emplace(type.id, static_cast<TypeId>(resolve_.types.size()));
  if (inserted) {
    TypeDef own;
    own.kind = TypeKind::own;
    own.first = type;
    own.depth = resolve_.depth_of(own);
    resolve_.types.push_back(std::move(own));
  }
  return Type::ref(it->second);
}

Result<void> PackageTypes::move() {
  for (Local& local : local_) {
    if (!gates_.has(local.type.stability)) continue;
    TypeDef type = local.type;
    bool names_resource =
        type.kind == TypeKind::alias || type.kind == TypeKind::own || type.kind == TypeKind::borrow;
    type.has_borrow = type.kind == TypeKind::borrow;
    auto part = [&](Type& part) -> Result<void> {
      if (names_resource) {
        if (part.is_ref()) {
          SEDGE_TRY_ASSIGN(part.id, final_id(part.id, local.place));
        }
      } else {
        SEDGE_TRY_ASSIGN(part, value_type(part, local.place));
      }
      if (part.is_ref() && type.kind != TypeKind::own)
        type.has_borrow |= resolve_.types[part.id].has_borrow;
      return {};
    };
    if (type.first) SEDGE_TRY(part(*type.first));
    if (type.second) SEDGE_TRY(part(*type.second));
    for (Type& element : type.elements) SEDGE_TRY(part(element));
    for (Member& member : type.members)
      if (member.type) SEDGE_TRY(part(*member.type));
    type.depth = resolve_.depth_of(type);
    if (type.depth > kMaxTypeDepth)
      return fail(
          error(fmt::format("types are nested more than {} deep", kMaxTypeDepth), local.place));
    local.final_id = static_cast<TypeId>(resolve_.types.size());
    resolve_.types.push_back(std::move(type));
  }
  return {};
}

Result<void> PackageTypes::finish(Function& function, ast::Place place) {
  if (function.kind != FunctionKind::freestanding) {
    SEDGE_TRY_ASSIGN(function.resource, final_id(function.resource, place));
  }
  for (Member& param : function.params) {
    SEDGE_TRY_ASSIGN(param.type, value_type(*param.type, place));
  }
  if (!function.result) return {};
  SEDGE_TRY_ASSIGN(function.result, value_type(*function.result, place));
  if (function.result->is_ref() && resolve_.types[function.result->id].has_borrow)
    return fail(error(fmt::format("function `{}` returns a `borrow`, which ends with the call",
                                  function.name),
                      place)
                    .with_remedy("return an owned handle"));
  return {};
}

}  // namespace sedge::wit
