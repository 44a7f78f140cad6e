// component::Component: the abstract syntax of one component, as decoder and text parser produce it
// and as validator, encoder, printer and linker read it. A component is a list of definitions in
// their order, each of which may refer to those before it by index. Nothing here is resolved: an
// index is a number in the index space of its sort, in the scope that the definition stands in.
// Specification: Explainer.md and Binary.md of the Component Model (docs/decisions/007).
#ifndef SEDGE_COMPONENT_AST_H_
#define SEDGE_COMPONENT_AST_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <sedge/feature.h>
#include <sedge/types.h>

#include "base/reader.h"
#include "wasm/module.h"

namespace sedge::component {

/// The kinds of things that have an index space. A scope (component, component type, instance type)
/// has one index space for each sort; a definition appends to that of its sort.
enum class Sort : uint8_t {
  func,
  value,
  type,
  component,
  instance,
  core_func,
  core_table,
  core_memory,
  core_global,
  core_tag,
  core_type,
  core_module,
  core_instance,
};
inline constexpr size_t kSortCount = 13;
inline constexpr bool is_core(Sort sort) { return sort >= Sort::core_func; }
/// As the text format and messages write it: "func", "core module".
const char* to_string(Sort sort);

struct SortIdx {
  Sort sort = Sort::func;
  uint32_t index = 0;
  bool operator==(const SortIdx&) const = default;
};

// Value types

/// Primitive value types; the values are their binary encodings.
enum class PrimType : uint8_t {
  bool_ = 0x7f,
  s8 = 0x7e,
  u8 = 0x7d,
  s16 = 0x7c,
  u16 = 0x7b,
  s32 = 0x7a,
  u32 = 0x79,
  s64 = 0x78,
  u64 = 0x77,
  f32 = 0x76,
  f64 = 0x75,
  char_ = 0x74,
  string = 0x73,
  error_context = 0x64,
};
const char* to_string(PrimType type);
/// The type with this encoding, or with this name; if there is one.
std::optional<PrimType> prim_type(uint8_t code);
std::optional<PrimType> prim_type(std::string_view text);

/// A value type as written: a primitive, or an index in the type index space of its scope.
class ValType {
 public:
  constexpr ValType(PrimType prim) : bits_(kPrim | static_cast<uint32_t>(prim)) {}  // NOLINT
  static constexpr ValType index(uint32_t type_index) { return ValType(type_index, 0); }
  constexpr bool is_prim() const { return (bits_ & kPrim) != 0; }
  constexpr PrimType prim() const { return static_cast<PrimType>(bits_ & 0xff); }
  constexpr uint32_t index() const { return bits_; }
  constexpr bool operator==(const ValType&) const = default;
  static constexpr uint32_t kMaxIndex = 0x7fff'ffff;  ///< the decoder refuses larger ones

 private:
  static constexpr uint32_t kPrim = 1u << 31;
  constexpr ValType(uint32_t bits, int) : bits_(bits) {}
  uint32_t bits_;
};

struct Field {  ///< of a record; also a parameter
  std::string_view name;
  ValType type;
};
struct Case {
  std::string_view name;
  std::optional<ValType> type;
};
struct Record {
  std::vector<Field> fields;
};
struct Variant {
  std::vector<Case> cases;
};
struct List {
  ValType element;
};
struct FixedList {  ///< (list t n)
  ValType element;
  uint32_t length = 0;
};
struct Tuple {
  std::vector<ValType> types;
};
struct Flags {
  std::vector<std::string_view> names;
};
struct Enum {
  std::vector<std::string_view> names;
};
struct Option {
  ValType type;
};
struct ResultType {  ///< (result ok? (error e)?)
  std::optional<ValType> ok;
  std::optional<ValType> error;
};
struct Own {
  uint32_t resource = 0;  ///< type index
};
struct Borrow {
  uint32_t resource = 0;  ///< type index
};
struct Stream {
  std::optional<ValType> element;
};
struct Future {
  std::optional<ValType> element;
};
struct Map {
  ValType key;
  ValType value;
};

// Other component types

struct FuncType {
  bool async_ = false;
  std::vector<Field> params;
  std::optional<ValType> result;
};
struct ResourceType {
  sedge::ValType rep = sedge::ValType::i32;  ///< what validation takes: i32, or i64 with cm64
  std::optional<uint32_t> destructor;        ///< core func index
};
struct Definition;
/// Declarators of a component type: core types, types, aliases, imports, exports (without an item).
struct ComponentType {
  std::vector<Definition> declarators;
};
/// Declarators of an instance type: the same without imports.
struct InstanceType {
  std::vector<Definition> declarators;
};

/// (type …): one entry of the type index space.
struct Type {
  std::variant<PrimType, Record, Variant, List, FixedList, Tuple, Flags, Enum, Option, ResultType,
               Own, Borrow, Stream, Future, Map, FuncType, ComponentType, InstanceType,
               ResourceType>
      type;
};

/// (eq i), or (sub resource).
struct TypeBound {
  enum class Kind : uint8_t { eq, sub_resource };
  Kind kind = Kind::eq;
  uint32_t index = 0;  ///< eq: type index
};
/// (eq v), or a type.
struct ValueBound {
  std::variant<uint32_t, ValType> bound = uint32_t{0};  ///< value index, or type
};

/// What an import, or the type of an export, asks for.
struct ExternType {
  enum class Kind : uint8_t { module, func, value, type, component, instance };
  Kind kind = Kind::func;
  uint32_t index = 0;  ///< module: core type index; func, component, instance: type index
  TypeBound type;      ///< kind type
  ValueBound value;    ///< kind value
};
Sort sort_of(ExternType::Kind kind);

// Core types

/// Imports and exports of a module type; type indices are those of its own index space.
using CoreImport = wasm::Import;
struct CoreExport {
  std::string_view name;
  wasm::ExternDesc type;
};
/// A recursion group: one or more entries of the core type index space. Indices inside are those of
/// the scope; the members of the group follow the types before it.
struct CoreRecGroup {
  std::vector<wasm::SubType> types;
  bool explicit_ = false;  ///< written as (rec …)
};
struct CoreOuterAlias {  ///< (alias outer count index (type))
  uint32_t count = 0;
  uint32_t index = 0;
};
/// (module …) as a type. It has a core type index space of its own, empty at first.
struct CoreModuleType {
  using Declarator = std::variant<CoreRecGroup, CoreOuterAlias, CoreImport, CoreExport>;
  std::vector<Declarator> declarators;
};
/// (core type …)
struct CoreType {
  std::variant<CoreRecGroup, CoreModuleType> type;
};

// Definitions

/// (core module …): the binary of a module, whole. Decode it with wasm::decode.
struct CoreModule {
  Bytes binary;  ///< borrows Component::storage
};

/// Something that a core instance exports, or an argument of one (sort core instance there).
struct CoreItem {
  std::string_view name;
  SortIdx item;  ///< a core sort
};
/// (core instance …): an instantiated module, or exports tupled together.
struct CoreInstance {
  std::optional<uint32_t> module;  ///< core module index; absent: `items` are exports
  std::vector<CoreItem> items;     ///< arguments of `module`, or exports
};

/// The name of an import or export with its attributes.
struct ExternName {
  std::string_view name;
  std::optional<std::string_view> implements;      ///< (implements "interface")
  std::optional<std::string_view> version_suffix;  ///< (versionsuffix ".3")
  std::optional<std::string_view> external_id;     ///< (external-id "anything")
  bool has_attributes() const { return implements || version_suffix || external_id; }
};

struct InstanceItem {
  ExternName name;  ///< arguments have no attributes
  SortIdx item;
};
/// (instance …): an instantiated component, or exports tupled together.
struct Instance {
  std::optional<uint32_t> component;  ///< component index; absent: `items` are exports
  std::vector<InstanceItem> items;    ///< arguments of `component`, or exports
};

struct Alias {
  enum class Target : uint8_t {
    export_,      ///< (alias export instance name (sort))
    core_export,  ///< (alias core export core-instance name (core sort))
    outer,        ///< (alias outer count index (sort))
  };
  Target target = Target::export_;
  Sort sort = Sort::func;
  uint32_t instance = 0;     ///< export_: instance index; core_export: core instance index
  std::string_view name;     ///< export_, core_export
  uint32_t outer_count = 0;  ///< outer: 0 is the scope of the alias itself
  uint32_t outer_index = 0;
};

enum class CanonOp : uint8_t {
#define SEDGE_CANON(name, opcode, text, shape, feature) name = opcode,
#include "component/canon.def"
#undef SEDGE_CANON
};

/// Which immediates a canonical function has, in the binary format's order.
enum class CanonShape : uint8_t {
  lift,                    ///< core func `index`, options, `type`
  lower,                   ///< func `index`, options
  type,                    ///< `type`
  type_opts,               ///< `type`, options
  type_async,              ///< `type`, `async_`
  opts,                    ///< options
  none,                    ///<
  async,                   ///< `async_`
  cancel,                  ///< `cancellable`
  cancel_memory,           ///< `cancellable`, core memory `index`
  result_opts,             ///< `result`, options
  context,                 ///< `core_type`, `slot`
  core_type_table,         ///< core type `type`, core table `index`
  shared,                  ///< `shared`
  shared_core_type,        ///< `shared`, core type `type`
  shared_core_type_table,  ///< `shared`, core type `type`, core table `index`
};

/// The row of canon.def.
struct CanonInfo {
  CanonOp op;
  const char* name;  ///< text format: "resource.new"
  CanonShape shape;
  Feature feature;
};
const CanonInfo& canon_info(CanonOp op);
/// The row with this opcode, or with this name in the text format; null if there is none.
const CanonInfo* find_canon(uint8_t opcode);
const CanonInfo* find_canon(std::string_view text);

/// One option of a canonical function, in the order of writing; validation finds duplicates and
/// conflicts. Values are the binary encodings.
struct CanonOption {
  enum class Kind : uint8_t {
    utf8 = 0x00,
    utf16 = 0x01,
    latin1_utf16 = 0x02,
    memory = 0x03,       ///< core memory index
    realloc = 0x04,      ///< core func index
    post_return = 0x05,  ///< core func index
    async = 0x06,
    callback = 0x07,   ///< core func index
    core_type = 0x08,  ///< core type index (feature cm-gc)
    gc = 0x09,         ///< (feature cm-gc)
  };
  Kind kind = Kind::utf8;
  uint32_t index = 0;
};
/// Whether an option of this kind has an index, and of which sort.
std::optional<Sort> option_sort(CanonOption::Kind kind);

/// (canon …): `lift` defines a func, everything else a core func. Fields by CanonShape.
struct Canon {
  CanonOp op = CanonOp::lift;
  uint32_t index = 0;
  uint32_t type = 0;
  std::vector<CanonOption> options;
  std::optional<ValType> result;
  sedge::ValType core_type = sedge::ValType::i32;
  uint32_t slot = 0;
  bool async_ = false;
  bool cancellable = false;
  bool shared = false;
};

/// (start …)
struct Start {
  uint32_t func = 0;
  std::vector<uint32_t> arguments;  ///< value indices
  uint32_t results = 0;             ///< values that it appends to the value index space
};

struct Import {
  ExternName name;
  ExternType type;
};

/// (export …): also appends what it exports to the index space of its sort, as an alias does. In a
/// declarator there is no item, only the type.
struct Export {
  ExternName name;
  std::optional<SortIdx> item;
  std::optional<ExternType> type;  ///< in a component: the ascription, if there is one
};

/// (value …): a constant in the binary format's encoding of its type.
struct Value {
  ValType type = PrimType::bool_;
  Bytes encoding;  ///< borrows Component::storage
};

/// A custom section other than the component's name section, in its place among the definitions.
struct Custom {
  std::string_view name;
  Bytes content;
};

struct Component;

/// One definition or declarator.
struct Definition {
  std::variant<CoreModule, CoreInstance, CoreType, std::unique_ptr<Component>, Instance, Alias,
               Type, Canon, Start, Import, Export, Value, Custom>
      node;
  uint64_t offset = 0;  ///< in the outermost binary or text; for messages
};

/// Names of the component-name section, for printing and backtraces.
struct Names {
  using Map = wasm::Names::Map;
  std::optional<std::string_view> component;
  std::array<Map, kSortCount> by_sort;  ///< index → name
  const Map& of(Sort sort) const { return by_sort[static_cast<size_t>(sort)]; }
  Map& of(Sort sort) { return by_sort[static_cast<size_t>(sort)]; }
};

/// One component. Immutable after decoder or parser have built it. Move-only; views inside borrow
/// `storage`, which nested components share, so that one may be moved out of its parent.
struct Component {
  std::vector<Definition> definitions;
  Names names;
  Bytes binary;         ///< the whole binary when decoded from one, else empty
  uint64_t offset = 0;  ///< of `binary` in the outermost one
  std::vector<std::shared_ptr<const void>> storage;
};

/// Limits that sedge sets; beyond them: limit_exceeded (nesting: nesting_too_deep).
inline constexpr uint32_t kMaxNesting = 100;  ///< components and types inside each other
inline constexpr uint32_t kMaxComponentSize = 1u << 30, kMaxDefinitions = 1'000'000,
                          kMaxNestedComponents = 10'000, kMaxCoreModules = 10'000,
                          kMaxInstances = 100'000, kMaxItems = 100'000, kMaxFields = 100'000,
                          kMaxFuncParams = 10'000, kMaxCanonOptions = 100,
                          kMaxFixedListLength = 1u << 30;

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_AST_H_
