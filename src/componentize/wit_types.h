// WIT types as definitions of one scope of a component or of a component type.
#ifndef SEDGE_COMPONENTIZE_WIT_TYPES_H_
#define SEDGE_COMPONENTIZE_WIT_TYPES_H_

#include <functional>
#include <unordered_map>

#include "componentize/builder.h"
#include "wit/model.h"

namespace sedge::componentize {

/// Which parts of an interface an instance type shows; null: all.
struct InterfaceFilter {
  std::function<bool(wit::TypeId)> type;
  std::function<bool(const std::string& function)> function;
};

/// The types of one scope. Named types of interfaces come from instances, unnamed ones are defined
/// where they are first needed.
class WitTypes {
 public:
  /// `outer`: the scope around this one, where interfaces are instances; null at the top.
  WitTypes(const wit::Resolve& resolve, Storage& storage, Builder& builder, WitTypes* outer)
      : resolve_(resolve), storage_(storage), builder_(builder), outer_(outer) {}

  /// From now on, types of `interface` are those of `instance`.
  void bind_instance(wit::InterfaceId interface, uint32_t instance);
  /// From now on, `type` is the type at `index`.
  void bind(wit::TypeId type, uint32_t index) { types_[type] = index; }
  /// The index of a type in this scope; defines or aliases it if need be.
  uint32_t index(wit::TypeId type);
  component::ValType value(const wit::Type& type);
  /// Defines the type of a function.
  uint32_t function(const wit::Function& function);
  /// The definition behind a named type, not yet exported: the index that an export equals.
  uint32_t definition(wit::TypeId type);
  /// Defines the instance type of an interface. Its used types come from this scope.
  uint32_t instance_type_of(wit::InterfaceId interface, const InterfaceFilter& filter = {});
  /// Called for named types that nothing provides: gives the index that stands for one. Without it,
  /// the definition stands for it, unnamed.
  void on_unbound(std::function<uint32_t(wit::TypeId)> provide) { provide_ = std::move(provide); }

 private:
  std::optional<component::ValType> optional(const std::optional<wit::Type>& type) {
    if (!type) return std::nullopt;
    return value(*type);
  }

  const wit::Resolve& resolve_;
  Storage& storage_;
  Builder& builder_;
  WitTypes* outer_;
  std::unordered_map<wit::TypeId, uint32_t> types_;
  std::unordered_map<wit::InterfaceId, uint32_t> instances_;
  std::function<uint32_t(wit::TypeId)> provide_;
};

/// A name with the attribute external-id, unless that is empty.
component::ExternName extern_name(Storage& storage, const std::string& name,
                                  const std::string& external_id);
/// The name of an import or export of a world with its attributes.
component::ExternName extern_name(const wit::Resolve& resolve, Storage& storage,
                                  const wit::WorldItem& item);
component::PrimType prim_type(wit::Primitive primitive);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_WIT_TYPES_H_
