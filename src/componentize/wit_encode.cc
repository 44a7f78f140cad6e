// Each interface and world becomes one type that stands alone: it imports what it uses types of.
#include "componentize/wit_encode.h"

#include <set>

#include "component/encode.h"
#include "componentize/package_docs.h"
#include "componentize/wit_types.h"

namespace sedge::componentize {
namespace {

using component::ExternName;
using component::Sort;

constexpr uint8_t kEncodingVersion = 4;

class PackageEncoder {
 public:
  explicit PackageEncoder(const wit::Resolve& resolve) : resolve_(resolve) {}

  std::vector<uint8_t> package(wit::PackageId id) {
    const wit::Package& package = resolve_.packages[id];
    for (const auto& [name, interface] : package.interfaces)
      export_type(name, interface_type(interface));
    for (const auto& [name, world] : package.worlds) export_type(name, wrapped_world(world));
    std::string docs = write_package_docs(resolve_, id);
    builder_.custom(kPackageDocs, storage_.bytes({docs.begin(), docs.end()}));
    return component::encode(builder_.take_component(storage_));
  }

  std::vector<uint8_t> world(wit::WorldId id, StringEncoding encoding) {
    builder_.custom(kEncodingSection,
                    storage_.bytes({kEncodingVersion, static_cast<uint8_t>(encoding)}));
    export_type(resolve_.worlds[id].name, wrapped_world(id));
    return component::encode(builder_.take_component(storage_));
  }

 private:
  ExternName plain(std::string_view name) { return {storage_.text(std::string(name)), {}, {}, {}}; }

  void export_type(std::string_view name, component::ComponentType type) {
    uint32_t index = builder_.define(std::move(type));
    builder_.export_item(plain(name), {Sort::type, index});
  }

  /// Imports what `id` uses, each after what it uses itself.
  void import_dependencies(Builder& scope, WitTypes& types, wit::InterfaceId id,
                           std::set<wit::InterfaceId>& done) {
    for (wit::InterfaceId used : resolve_.direct_dependencies(id)) {
      if (!done.insert(used).second) continue;
      import_dependencies(scope, types, used, done);
      uint32_t type = types.instance_type_of(used, {{}, [](const auto&) { return false; }});
      types.bind_instance(used,
                          scope.import(plain(resolve_.interface_name(used)), instance_type(type)));
    }
  }

  component::ComponentType interface_type(wit::InterfaceId id) {
    Builder scope;
    WitTypes types(resolve_, storage_, scope, nullptr);
    std::set<wit::InterfaceId> done;
    import_dependencies(scope, types, id, done);
    uint32_t type = types.instance_type_of(id);
    scope.declare_export(plain(resolve_.interface_name(id)), instance_type(type));
    return {scope.take()};
  }

  component::ComponentType wrapped_world(wit::WorldId id) {
    const wit::World& world = resolve_.worlds[id];
    Builder scope;
    uint32_t type = scope.define(world_type(world));
    std::string name = resolve_.packages[world.package].name.item(world.name);
    scope.declare_export(plain(name), component_type(type));
    return {scope.take()};
  }

  component::ComponentType world_type(const wit::World& world) {
    Builder scope;
    WitTypes types(resolve_, storage_, scope, nullptr);
    for (const auto& [key, item] : world.imports) {
      switch (item.kind) {
        case wit::WorldItem::Kind::interface: {
          uint32_t type = types.instance_type_of(item.interface);
          uint32_t instance =
              scope.import(extern_name(resolve_, storage_, item), instance_type(type));
          if (item.name.empty()) types.bind_instance(item.interface, instance);
          break;
        }
        case wit::WorldItem::Kind::type: {
          bool resource = resolve_.types[item.type].kind == wit::TypeKind::resource;
          component::ExternType bound =
              resource ? resource_type() : eq_type(types.definition(item.type));
          types.bind(item.type, scope.import(extern_name(resolve_, storage_, item), bound));
          break;
        }
        case wit::WorldItem::Kind::function: {
          uint32_t type = types.function(item.function);
          scope.import(extern_name(resolve_, storage_, item), func_type(type));
          break;
        }
      }
    }
    for (const auto& [key, item] : world.exports) {
      if (item.kind == wit::WorldItem::Kind::function) {
        uint32_t type = types.function(item.function);
        scope.declare_export(extern_name(resolve_, storage_, item), func_type(type));
      } else {
        uint32_t type = types.instance_type_of(item.interface);
        uint32_t instance =
            scope.declare_export(extern_name(resolve_, storage_, item), instance_type(type));
        if (item.name.empty()) types.bind_instance(item.interface, instance);
      }
    }
    return {scope.take()};
  }

  const wit::Resolve& resolve_;
  Storage storage_;
  Builder builder_;
};

}  // namespace

std::vector<uint8_t> encode_package(const wit::Resolve& resolve, wit::PackageId package) {
  return PackageEncoder(resolve).package(package);
}

std::vector<uint8_t> encode_world(const wit::Resolve& resolve, wit::WorldId world,
                                  StringEncoding encoding) {
  return PackageEncoder(resolve).world(world, encoding);
}

}  // namespace sedge::componentize
