// Resolved WIT: packages, interfaces, worlds and types, each named by its index (WIT.md of the
// component model). What the resolver and the binary decoder build, and printers and encoders read.
#ifndef SEDGE_WIT_MODEL_H_
#define SEDGE_WIT_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wit/semver.h"

namespace sedge::wit {

using TypeId = uint32_t;
using InterfaceId = uint32_t;
using WorldId = uint32_t;
using PackageId = uint32_t;
constexpr uint32_t kNone = UINT32_MAX;
/// Named types inside of each other: deeper ones are refused. Walks along types recurse.
constexpr uint32_t kMaxTypeDepth = 500;

/// Types without parts, in WIT's own words: X(identifier, text).
// clang-format off
#define SEDGE_WIT_PRIMITIVES(X) \
  X(boolean, "bool") X(u8, "u8") X(u16, "u16") X(u32, "u32") X(u64, "u64") \
  X(s8, "s8") X(s16, "s16") X(s32, "s32") X(s64, "s64") X(f32, "f32") X(f64, "f64") \
  X(character, "char") X(string, "string") X(error_context, "error-context")
// clang-format on

enum class Primitive : uint8_t {
  none,  ///< no primitive: a reference to a TypeDef
#define SEDGE_WIT_PRIMITIVE(name, text) name,
  SEDGE_WIT_PRIMITIVES(SEDGE_WIT_PRIMITIVE)
#undef SEDGE_WIT_PRIMITIVE
};
/// "u32"; empty for none.
std::string_view to_string(Primitive primitive);
/// The primitive that WIT calls `text`, or none.
Primitive parse_primitive(std::string_view text);

/// The type of a value: a primitive, or a TypeDef.
struct Type {
  Primitive primitive = Primitive::none;
  TypeId id = kNone;

  static Type of(Primitive primitive) { return {primitive, kNone}; }
  static Type ref(TypeId id) { return {Primitive::none, id}; }
  bool is_ref() const { return primitive == Primitive::none; }
  bool operator==(const Type&) const = default;
};

/// @unstable, @since and @deprecated of an item.
struct Stability {
  enum class Kind : uint8_t { unknown, unstable, stable };
  Kind kind = Kind::unknown;
  std::string feature;           ///< unstable: the feature's name
  std::optional<Version> since;  ///< stable
  std::optional<Version> deprecated;
  bool operator==(const Stability&) const = default;
};

enum class TypeKind : uint8_t {
  alias,   ///< another name of `first`
  record,  ///< members with types
  resource,
  own,      ///< of `first`, a resource
  borrow,   ///< of `first`, a resource
  flags,    ///< members without types
  tuple,    ///< elements
  variant,  ///< members, some with types
  enumeration,
  option,      ///< of first
  result,      ///< first: ok; second: error; each may be missing
  list,        ///< of first
  fixed_list,  ///< of `length` times first
  map,         ///< first: key; second: value
  future,      ///< of first, if any
  stream,      ///< of first, if any
};

/// A field, case, flag or parameter.
struct Member {
  std::string name;
  std::optional<Type> type;
  std::string docs;
};

struct Owner {
  enum class Kind : uint8_t { none, interface, world };
  Kind kind = Kind::none;
  uint32_t id = kNone;
  bool operator==(const Owner&) const = default;
};

struct TypeDef {
  std::string name;  ///< empty: not named in the text
  TypeKind kind = TypeKind::alias;
  std::optional<Type> first;
  std::optional<Type> second;
  uint32_t length = 0;
  std::vector<Type> elements;
  std::vector<Member> members;
  Owner owner;
  std::string docs;
  Stability stability;
  std::string external_id;
  bool has_borrow = false;  ///< a borrow is among its parts
  uint32_t depth = 0;       ///< how deep types nest inside; at most kMaxTypeDepth
};

enum class FunctionKind : uint8_t { freestanding, method, static_, constructor };

struct Function {
  std::string name;  ///< with its prefix: "[method]file.read"
  FunctionKind kind = FunctionKind::freestanding;
  bool is_async = false;
  TypeId resource = kNone;     ///< of a method, static function or constructor
  std::vector<Member> params;  ///< `self` included; all have types
  std::optional<Type> result;
  std::string docs;
  Stability stability;
  std::string external_id;

  /// "read" of "[method]file.read"; empty for a constructor.
  std::string_view item_name() const;
};

/// Entries in the order of insertion, found by name.
template <typename T>
class Named {
 public:
  using Entry = std::pair<std::string, T>;
  /// False if the name is there already.
  bool insert(std::string name, T value) {
    if (!index_.emplace(name, static_cast<uint32_t>(entries_.size())).second) return false;
    entries_.emplace_back(std::move(name), std::move(value));
    return true;
  }
  const T* find(std::string_view name) const {
    auto it = index_.find(std::string(name));
    return it == index_.end() ? nullptr : &entries_[it->second].second;
  }
  T* find(std::string_view name) {
    return const_cast<T*>(static_cast<const Named*>(this)->find(name));
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, uint32_t> index_;
};

struct Interface {
  std::string name;  ///< empty: written inside a world
  Named<TypeId> types;
  Named<Function> functions;
  std::string docs;
  Stability stability;
  PackageId package = kNone;
  uint32_t depth = 0;  ///< length of the longest chain of interfaces that it uses types of
};

/// One import or export of a world.
struct WorldItem {
  enum class Kind : uint8_t { interface, function, type };
  Kind kind = Kind::interface;
  std::string name;  ///< empty: named by its interface, such as "wasi:io/streams"
  InterfaceId interface = kNone;
  Function function;
  TypeId type = kNone;
  Stability stability;  ///< of an interface's import or export; others carry their own
  std::string docs;     ///< of an import or export of an interface
  std::string external_id;

  /// What makes it unique among the imports, or the exports, of a world.
  std::string key() const { return name.empty() ? "#" + std::to_string(interface) : name; }
};

struct World {
  std::string name;
  Named<WorldItem> imports;  ///< by WorldItem::key(); complete: what used types need is there
  Named<WorldItem> exports;
  std::string docs;
  Stability stability;
  PackageId package = kNone;
};

struct PackageName {
  std::string space;  ///< "wasi"
  std::string name;   ///< "io"
  std::optional<Version> version;

  bool operator==(const PackageName&) const = default;
  std::strong_ordering operator<=>(const PackageName&) const;
  /// "wasi:io@0.2.0".
  std::string to_string() const;
  /// "wasi:io/streams@0.2.0".
  std::string item(std::string_view item_name) const;
};

struct Package {
  PackageName name;
  std::string docs;
  Named<InterfaceId> interfaces;
  Named<WorldId> worlds;
};

/// Everything that was resolved together. Indices are stable; nothing is removed. Packages stand
/// after those that they use.
struct Resolve {
  std::vector<Package> packages;
  std::vector<Interface> interfaces;
  std::vector<World> worlds;
  std::vector<TypeDef> types;

  std::optional<PackageId> find_package(const PackageName& name) const;
  /// Whether `id` is a resource or another name of one.
  bool is_resource(TypeId id) const;
  /// The type that `id` is another name of, through all names.
  TypeId canonical(TypeId id) const;
  /// TypeDef::depth as the parts of `type` make it.
  uint32_t depth_of(const TypeDef& type) const;
  /// The interface that `id`, a type of another owner, is used from; kNone if it is not a `use`.
  InterfaceId used_from(TypeId id) const;
  /// The interfaces that types of `id` are used from, in order, each once.
  std::vector<InterfaceId> direct_dependencies(InterfaceId id) const;
  /// "wasi:io/streams@0.2.0", or the plain name.
  std::string item_name(const WorldItem& item) const;
  /// The same as core modules of "cm32p2" name it: of a version what compatible ones share,
  /// "a:b/c@0.2". BuildTargets.md, "canonical interface name".
  std::string standard_name(const WorldItem& item) const;
  std::string interface_name(InterfaceId id) const;
};

}  // namespace sedge::wit

#endif  // SEDGE_WIT_MODEL_H_
