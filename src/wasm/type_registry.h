// Canonical types of an engine: recursion groups are hash-consed, so that two types are equal
// exactly when their ids are equal (iso-recursive equivalence). Spec: "Type Equivalence",
// "Matching".
#ifndef SEDGE_WASM_TYPE_REGISTRY_H_
#define SEDGE_WASM_TYPE_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"

namespace sedge::wasm {

/// Canonical id of a type within one registry. Ids of live types are unique; valid while some
/// TypeSet that holds the type lives.
using TypeId = uint32_t;

/// One canonical type. Indices inside `type` (super, heap types) are TypeIds.
struct CanonType {
  SubType type;
  TypeId id = 0;
  uint32_t depth = 0;          ///< length of the supertype chain
  std::vector<TypeId> supers;  ///< display: supers[d] is the ancestor of depth d; last is itself
  bool is_subtype_of(const CanonType& other) const {
    return other.depth < supers.size() && supers[other.depth] == other.id;
  }
};

class TypeRegistry;
struct GroupIndices;

/// The canonical types of one module: keeps their registry entries alive.
class TypeSet {
 public:
  TypeSet() = default;
  TypeSet(TypeSet&&) noexcept;
  TypeSet& operator=(TypeSet&&) noexcept;
  ~TypeSet();
  /// Another set of the same types.
  TypeSet share() const;
  TypeId id(TypeIdx index) const { return ids_[index]; }
  const CanonType& type(TypeIdx index) const { return *types_[index]; }
  size_t size() const { return ids_.size(); }
  std::span<const TypeId> ids() const { return ids_; }
  TypeRegistry* registry() const { return registry_.get(); }

 private:
  friend class TypeRegistry;
  std::shared_ptr<TypeRegistry> registry_;
  std::vector<TypeId> ids_;
  std::vector<const CanonType*> types_;
  std::vector<uint32_t> groups_;
};

/// Thread-safe; entries are counted by the TypeSets that use them.
class TypeRegistry : public std::enable_shared_from_this<TypeRegistry> {
 public:
  static std::shared_ptr<TypeRegistry> create();
  ~TypeRegistry();

  /// Registers all recursion groups of a module whose type section is already validated
  /// (indices in range and in order; supertypes declared before). An empty set when the registry is
  /// full: it holds 2^23 live types.
  TypeSet add(const std::vector<SubType>& types, const std::vector<RecGroup>& groups);
  /// Registers one recursion group outside of a module: its members follow types that have the
  /// given ids. Its indices are already validated. An empty set when the registry is full.
  TypeSet add(std::span<const SubType> group, const std::vector<TypeId>& earlier);
  /// Registers one function type whose value types are already canonical (host functions, API);
  /// types that it refers to stay alive with it.
  TypeSet add(const FuncType& type);
  /// The type with this id; the id must be live. Stable address while it is live.
  const CanonType& get(TypeId id) const;

  // Matching (subtyping) of canonical types.
  bool matches(HeapType sub, HeapType super) const;
  bool matches(ValType sub, ValType super) const;

 private:
  friend class TypeSet;
  TypeRegistry();
  TypeSet add(std::span<const SubType> types, const GroupIndices& indices);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `type` with its module type indices replaced by canonical ids.
ValType canonical(ValType type, const TypeSet& set);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TYPE_REGISTRY_H_
