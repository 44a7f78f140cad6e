// All packages are validated as parts of one component, so that their types can be compared. The
// result has the imports first, then the packages, then instances and aliases in their order.
#include "compose/graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/nearest.h"
#include "component/decode.h"
#include "component/names.h"
#include "component/subtype.h"
#include "componentize/wit_encode.h"
#include "wit/semver.h"

namespace sedge::compose {

using component::Entity;
using component::EntityMap;
using Kind = component::ExternType::Kind;

namespace {

/// "ns:pkg/name" and the version of an interface's name; nothing for other names.
std::optional<std::pair<std::string_view, wit::Version>> versioned(std::string_view name) {
  size_t at = name.find('@');
  if (at == std::string_view::npos || name.find('/') == std::string_view::npos) return {};
  auto version = wit::parse_version(name.substr(at + 1));
  if (!version) return {};
  return std::pair(name.substr(0, at), *version);
}

std::vector<std::string_view> names_of(const EntityMap& map) {
  std::vector<std::string_view> out;
  for (const EntityMap::Item& item : map) out.push_back(item.name);
  return out;
}

}  // namespace

bool names_match(std::string_view given, std::string_view wanted) {
  if (given == wanted) return true;
  auto a = versioned(given);
  auto b = versioned(wanted);
  return a && b && a->first == b->first &&
         a->second.compatible_track() == b->second.compatible_track();
}

const EntityMap::Item* find_matching(const EntityMap& map, std::string_view name) {
  if (map.find(name)) return &map[map.position(name)];
  for (const EntityMap::Item& item : map)
    if (names_match(item.name, name)) return &item;
  return nullptr;
}

std::string listed(const EntityMap& map) {
  std::string out;
  for (const EntityMap::Item& item : map)
    out += fmt::format("{}`{}`", out.empty() ? "" : ", ", item.name);
  return out.empty() ? "nothing" : out;
}

PackageId Graph::add(std::string name, component::Component component) {
  auto owned = std::make_unique<component::Component>(std::move(component));
  packages_.push_back({std::move(name), owned.get()});
  holder_.definitions.push_back({std::move(owned), 0});
  return static_cast<PackageId>(packages_.size() - 1);
}

Result<PackageId> Graph::add_world(std::string name, const wit::Resolve& resolve,
                                   wit::WorldId world) {
  auto binary = std::make_shared<const std::vector<uint8_t>>(
      componentize::encode_world(resolve, world, componentize::StringEncoding::utf8));
  SEDGE_TRY_ASSIGN(component::Component component, component::decode(Bytes(*binary), binary));
  PackageId id = add(std::move(name), std::move(component));
  packages_[id].is_world = true;
  return id;
}

Result<void> Graph::check_packages() {
  std::shared_ptr<wasm::TypeRegistry> registry = wasm::TypeRegistry::create();
  auto validated = component::validate(holder_, component::every_feature(), registry);
  if (!validated) {
    for (const Package& package : packages_)
      if (auto alone =
              component::validate(*package.component, component::every_feature(), registry);
          !alone)
        return fail(std::move(alone).error().with_context(package.name));
    return fail(std::move(validated).error());
  }
  validated_ = std::move(*validated);
  for (Package& package : packages_) {
    package.sig = validated_->components.at(package.component).sig;
    if (package.is_world) package.sig = world_inside(package.sig);
  }
  return {};
}

/// The world is the type of a component that exports it, itself exported as a type.
uint32_t Graph::world_inside(uint32_t sig) const {
  for (int level = 0; level < 2; ++level) {
    const Entity& inner = types().component(sig).exports[0].entity;
    sig = inner.kind == Kind::type ? inner.type.id : inner.id;
  }
  return sig;
}

const EntityMap& Graph::imports(PackageId package) const { return signature(package).imports; }

const EntityMap& Graph::exports(PackageId package) const { return signature(package).exports; }

const EntityMap* Graph::node_exports(NodeId id) const {
  const Node& node = nodes_[id];
  if (node.kind == Node::Kind::instance) return &exports(node.package);
  if (node.entity.kind != Kind::instance) return nullptr;
  return &types().instance(node.entity.id).exports;
}

NodeId Graph::add_node(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<NodeId>(nodes_.size() - 1);
}

std::string Graph::describe(NodeId id) const {
  const Node& node = nodes_[id];
  switch (node.kind) {
    case Node::Kind::import:
      return fmt::format("the import `{}`", node.name);
    case Node::Kind::instance:
      return fmt::format("an instance of `{}`", packages_[node.package].name);
    case Node::Kind::access:
      return fmt::format("`{}` of {}", node.name, describe(node.of));
    case Node::Kind::type:
      return fmt::format("type `{}`", node.name);
  }
  return {};
}

Result<NodeId> Graph::import(std::string name, PackageId world, std::string_view item) {
  auto parsed = component::parse_extern_name(name, Features::all());
  if (!parsed)
    return fail(ErrorCode::no_component,
                fmt::format(": `{}` cannot be the name of an import", name));
  for (const Import& other : imports_)
    if (other.name == name)
      return fail(ErrorCode::no_component,
                  fmt::format(": `{}` is imported twice{}", name,
                              other.is_explicit ? "" : implicit_reason(other)));
  const EntityMap& items = imports(world);
  size_t last = item.empty() ? items.size() - 1 : items.position(item);
  for (size_t i = 0; i < last; ++i)
    if (items[i].entity.kind == Kind::instance)
      SEDGE_TRY(implicit_import(items[i].name, world, items[i].entity));
  return add_import({std::move(name), {items[last].entity}, true, world});
}

Result<NodeId> Graph::declare(std::string name, StandaloneType type) {
  Node node;
  node.name = std::move(name);
  node.standalone = std::move(type);
  return add_type(std::move(node));
}

Result<NodeId> Graph::declare(std::string name, PackageId world) {
  const Entity& found = *imports(world).find(name);
  Node node;
  node.name = std::move(name);
  node.entity.type = found.type;
  if (found.kind == Kind::func) node.entity.type = {component::TypeRef::Kind::func, found.id};
  return add_type(std::move(node));
}

Result<NodeId> Graph::add_type(Node node) {
  if (has_export(node.name))
    return fail(
        Error(ErrorCode::no_component,
              fmt::format(": `{}` is declared, and so exported, but the name is exported already",
                          node.name))
            .with_remedy("rename one of the two: export … as \"name\""));
  node.kind = Node::Kind::type;
  node.entity.kind = Kind::type;
  std::string name = node.name;
  NodeId id = add_node(std::move(node));
  add_export(std::move(name), id);
  return id;
}

/// Why it is imported although nothing says so.
std::string Graph::implicit_reason(const Import& import) const {
  const Package& package = packages_[import.package];
  if (package.is_world) return fmt::format(" (`{}` uses it: import it before that)", package.name);
  return fmt::format(" (`{}` with `...` imports it)", package.name);
}

NodeId Graph::add_import(Import import) {
  Node node;
  node.name = import.name;
  node.entity = import.entities.front();
  node.package = import.package;
  imports_.push_back(std::move(import));
  import_nodes_.push_back(add_node(std::move(node)));
  return import_nodes_.back();
}

Result<NodeId> Graph::implicit_import(std::string_view name, PackageId package,
                                      const Entity& entity) {
  for (size_t i = 0; i < imports_.size(); ++i) {
    Import& import = imports_[i];
    if (!names_match(import.name, name)) continue;
    const Entity& first = import.entities.front();
    if (first.kind != entity.kind)
      return fail(ErrorCode::no_component,
                  fmt::format(": `{}` is {} for `{}`, and {} for `{}`", name,
                              component::to_string(first.kind), packages_[import.package].name,
                              component::to_string(entity.kind), packages_[package].name));
    if (!import.is_explicit) {
      import.entities.push_back(entity);
      // Of compatible versions the newest has what the others have.
      auto known = versioned(import.name);
      auto asked = versioned(name);
      if (known && asked && known->second < asked->second) {
        import.name = name;
        nodes_[import_nodes_[i]].name = name;
      }
    }
    return import_nodes_[i];
  }
  return add_import({std::string(name), {entity}, false, package});
}

Result<NodeId> Graph::instantiate(PackageId package, std::vector<Argument> arguments, bool fill) {
  const EntityMap& wanted = imports(package);
  const std::string& what = packages_[package].name;
  if (packages_[package].is_world)
    return fail(ErrorCode::no_component,
                fmt::format(": `{}` is WIT: only a component has instances", what));
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Argument& argument = arguments[i];
    if (!wanted.find(argument.name))
      return fail(Error(ErrorCode::no_component,
                        fmt::format(": `{}` has no import `{}`{}", what, argument.name,
                                    did_you_mean(argument.name, names_of(wanted))))
                      .with_remedy(fmt::format("it imports {}", listed(wanted))));
    for (size_t j = 0; j < i; ++j)
      if (arguments[j].name == argument.name)
        return fail(
            ErrorCode::no_component,
            fmt::format(": the import `{}` of `{}` is given twice, as {} and as {}", argument.name,
                        what, describe(arguments[j].node), describe(argument.node)));
  }
  for (const EntityMap::Item& item : wanted) {
    if (std::ranges::any_of(arguments, [&](const Argument& a) { return a.name == item.name; }))
      continue;
    if (fill && std::ranges::any_of(imports_, [&](const Import& i) {
          return i.is_explicit && i.name == item.name;
        }))
      return fail(
          Error(
              ErrorCode::no_component,
              fmt::format(": `...` would import `{}` for `{}`, but it is imported by name already",
                          item.name, what))
              .with_remedy("give the import as an argument, or import it `as` another name"));
    if (!fill)
      return fail(
          Error(ErrorCode::no_component,
                fmt::format(": nothing is given for the import `{}` of `{}`", item.name, what))
              .with_remedy("give it, or let the composition import it with `...`"));
    SEDGE_TRY_ASSIGN(NodeId node, implicit_import(item.name, package, item.entity));
    arguments.push_back({std::string(item.name), node});
  }
  Node node;
  node.kind = Node::Kind::instance;
  node.package = package;
  node.entity.kind = Kind::instance;
  node.arguments = std::move(arguments);
  return add_node(std::move(node));
}

Result<NodeId> Graph::access(NodeId instance, std::string_view export_name) {
  const EntityMap* map = node_exports(instance);
  if (!map)
    return fail(ErrorCode::no_component,
                fmt::format(": {} is no instance: it has no exports", describe(instance)));
  const Entity* found = map->find(export_name);
  if (!found)
    return fail(Error(ErrorCode::no_component,
                      fmt::format(": {} has no export `{}`{}", describe(instance), export_name,
                                  did_you_mean(export_name, names_of(*map))))
                    .with_remedy(fmt::format("it exports {}", listed(*map))));
  for (NodeId id = 0; id < nodes_.size(); ++id)
    if (nodes_[id].kind == Node::Kind::access && nodes_[id].of == instance &&
        nodes_[id].name == export_name)
      return id;
  Node node;
  node.kind = Node::Kind::access;
  node.name = std::string(export_name);
  node.entity = *found;
  node.of = instance;
  return add_node(std::move(node));
}

void Graph::add_export(std::string name, NodeId node) {
  export_index_.emplace(name, static_cast<uint32_t>(exports_.size()));
  exports_.push_back({std::move(name), node});
}

Result<void> Graph::export_node(std::string name, NodeId node) {
  if (auto there = export_index_.find(name); there != export_index_.end()) {
    const Node& other = nodes_[exports_[there->second].node];
    if (other.kind != Node::Kind::type || other.name != name)
      return fail(ErrorCode::no_component, fmt::format(": `{}` is exported twice", name));
    return fail(Error(ErrorCode::no_component,
                      fmt::format(": `{}` is a type, which is exported as it is declared", name))
                    .with_remedy("choose another name: export … as \"name\""));
  }
  auto parsed = component::parse_extern_name(name, Features::all());
  if (!parsed || parsed->kind == component::ParsedName::Kind::dependency)
    return fail(ErrorCode::no_component,
                fmt::format(": `{}` cannot be the name of an export", name));
  if (nodes_[node].kind == Node::Kind::type) nodes_[node].exports.push_back(name);
  add_export(std::move(name), node);
  return {};
}

Result<void> Graph::write_imports() {
  TypeWriter& writer = *writer_;
  for (const Import& import : imports_)
    writer.add_import(storage_.text(import.name), import.entities);
  // Where a package says that a resource comes from, it does.
  for (const Package& package : packages_)
    for (const component::ResourceAt& at : types().component(package.sig).imported)
      for (size_t i = 0; i < imports_.size(); ++i)
        if (names_match(imports_[i].name, at.path.front())) writer.own_resource(at.id, i);
  SEDGE_TRY(writer.write());
  for (size_t i = 0; i < imports_.size(); ++i) nodes_[import_nodes_[i]].index = writer.index(i);
  return {};
}

/// A type is exported where it is defined: types after it refer to its export.
Result<void> Graph::write_type(componentize::Builder& builder, Node& node) {
  uint32_t index = 0;
  if (node.standalone) {
    index = builder.type(std::move(node.standalone->type));
  } else {
    SEDGE_TRY_ASSIGN(index, writer_->type(node.entity.type));
  }
  if (node.exports.empty()) node.exports.push_back(node.name);
  for (const std::string& name : node.exports)
    index = builder.export_item({storage_.text(name), {}, {}, {}}, {component::Sort::type, index});
  node.index = index;
  if (!node.standalone) writer_->name_type(node.entity.type, index);
  return {};
}

void Graph::write_node(componentize::Builder& builder, Node& node, size_t number) {
  if (node.kind == Node::Kind::access) {
    node.index = builder.alias_export(nodes_[node.of].index, storage_.text(node.name),
                                      component::sort_of(node.entity.kind));
    return;
  }
  component::Instance instance;
  instance.component = packages_[node.package].index;
  for (const Argument& argument : node.arguments) {
    const Node& given = nodes_[argument.node];
    instance.items.push_back({{storage_.text(argument.name), {}, {}, {}},
                              {component::sort_of(given.entity.kind), given.index}});
  }
  node.index = builder.instance(std::move(instance));
  // By this offset, a message finds the node again.
  builder.last().offset = number + 1;
}

/// An error of the whole component, said in terms of the composition.
Error Graph::explained(Error error) const {
  uint64_t at = error.location().kind == Location::Kind::offset ? error.location().offset : 0;
  if (at == 0 || at > nodes_.size()) return error;
  const Node& node = nodes_[at - 1];
  error.set_location(Location::none());
  std::string message = error.message();
  for (const Argument& argument : node.arguments)
    if (message.find(fmt::format("for import `{}`", argument.name)) != std::string::npos)
      error.add_context(fmt::format("`{}` imports `{}`, and is given {}",
                                    packages_[node.package].name, argument.name,
                                    describe(argument.node)));
  if (error.code() == ErrorCode::type_mismatch && error.remedy().empty())
    error.set_remedy(
        "make both sides from the same WIT: `sedge component wit FILE` shows what each has");
  return error;
}

Result<component::Component> Graph::build() {
  componentize::Builder builder;
  writer_.emplace(types(), builder);
  SEDGE_TRY(write_imports());
  std::vector<std::shared_ptr<const void>> storage{storage_.owner()};
  for (const Package& package : packages_)
    storage.insert(storage.end(), package.component->storage.begin(),
                   package.component->storage.end());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].kind == Node::Kind::import) continue;
    if (nodes_[i].kind == Node::Kind::type) {
      SEDGE_TRY(write_type(builder, nodes_[i]));
      if (nodes_[i].standalone)
        storage.insert(storage.end(), nodes_[i].standalone->storage.begin(),
                       nodes_[i].standalone->storage.end());
      continue;
    }
    Package& package = packages_[nodes_[i].package];
    if (nodes_[i].kind == Node::Kind::instance && !package.index)
      package.index = builder.component(std::move(*package.component));
    write_node(builder, nodes_[i], i);
  }
  for (const Export& item : exports_) {
    const Node& node = nodes_[item.node];
    if (node.kind == Node::Kind::type) continue;
    builder.export_item({storage_.text(item.name), {}, {}, {}},
                        {component::sort_of(node.entity.kind), node.index});
  }
  component::Component out;
  out.definitions = builder.take();
  out.storage = std::move(storage);
  auto valid = component::validate(out, component::every_feature(), wasm::TypeRegistry::create());
  if (!valid) return fail(explained(std::move(valid).error()));
  return out;
}

}  // namespace sedge::compose
