// Names of items, and what follows from `use`.
#include "wit/model.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::wit {
namespace {

constexpr std::string_view kPrimitives[] = {"",
#define SEDGE_WIT_PRIMITIVE(name, text) text,
                                            SEDGE_WIT_PRIMITIVES(SEDGE_WIT_PRIMITIVE)
#undef SEDGE_WIT_PRIMITIVE
};

}  // namespace

std::string_view to_string(Primitive primitive) {
  return kPrimitives[static_cast<size_t>(primitive)];
}

Primitive parse_primitive(std::string_view text) {
  const auto* found = std::ranges::find(kPrimitives, text);
  return found == std::end(kPrimitives) ? Primitive::none
                                        : static_cast<Primitive>(found - std::begin(kPrimitives));
}

std::string_view Function::item_name() const {
  std::string_view text = name;
  switch (kind) {
    case FunctionKind::freestanding:
      return text;
    case FunctionKind::method:
    case FunctionKind::static_:
      return text.substr(text.find('.') + 1);
    case FunctionKind::constructor:
      return {};
  }
  return {};
}

std::strong_ordering PackageName::operator<=>(const PackageName& other) const {
  if (auto order = space <=> other.space; order != 0) return order;
  if (auto order = name <=> other.name; order != 0) return order;
  if (version.has_value() != other.version.has_value())
    return version.has_value() <=> other.version.has_value();
  return version ? *version <=> *other.version : std::strong_ordering::equal;
}

std::string PackageName::to_string() const {
  std::string out = fmt::format("{}:{}", space, name);
  if (version) out += "@" + version->to_string();
  return out;
}

std::string PackageName::item(std::string_view item_name) const {
  std::string out = fmt::format("{}:{}/{}", space, name, item_name);
  if (version) out += "@" + version->to_string();
  return out;
}

std::optional<PackageId> Resolve::find_package(const PackageName& name) const {
  for (PackageId id = 0; id < packages.size(); ++id)
    if (packages[id].name == name) return id;
  return std::nullopt;
}

TypeId Resolve::canonical(TypeId id) const {
  while (types[id].kind == TypeKind::alias && types[id].first->is_ref()) id = types[id].first->id;
  return id;
}

bool Resolve::is_resource(TypeId id) const {
  return types[canonical(id)].kind == TypeKind::resource;
}

uint32_t Resolve::depth_of(const TypeDef& type) const {
  uint32_t out = 0;
  auto part = [&](const std::optional<Type>& part) {
    if (part && part->is_ref()) out = std::max(out, types[part->id].depth + 1);
  };
  part(type.first);
  part(type.second);
  for (const Type& element : type.elements) part(element);
  for (const Member& member : type.members) part(member.type);
  return out;
}

InterfaceId Resolve::used_from(TypeId id) const {
  const TypeDef& type = types[id];
  if (type.kind != TypeKind::alias || !type.first->is_ref()) return kNone;
  const Owner& from = types[type.first->id].owner;
  return from.kind == Owner::Kind::interface && from != type.owner ? from.id : kNone;
}

std::vector<InterfaceId> Resolve::direct_dependencies(InterfaceId id) const {
  std::vector<InterfaceId> out;
  for (const auto& [name, type] : interfaces[id].types) {
    InterfaceId from = used_from(type);
    if (from != kNone && std::ranges::find(out, from) == out.end()) out.push_back(from);
  }
  return out;
}

std::string Resolve::interface_name(InterfaceId id) const {
  const Interface& interface = interfaces[id];
  if (interface.package == kNone) return interface.name;
  return packages[interface.package].name.item(interface.name);
}

std::string Resolve::item_name(const WorldItem& item) const {
  return item.name.empty() ? interface_name(item.interface) : item.name;
}

std::string Resolve::standard_name(const WorldItem& item) const {
  std::string name = item_name(item);
  if (!item.name.empty() || interfaces[item.interface].package == kNone) return name;
  const std::optional<Version>& version = packages[interfaces[item.interface].package].name.version;
  return version ? name.substr(0, name.find('@') + 1) + version->compatible_track() : name;
}

}  // namespace sedge::wit
