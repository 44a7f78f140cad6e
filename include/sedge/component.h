// Component: a validated component, ready to be instantiated any number of times. Specification:
// the Component Model (docs/decisions/007 says which snapshot).
#ifndef SEDGE_COMPONENT_H_
#define SEDGE_COMPONENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/engine.h>
#include <sedge/error.h>
#include <sedge/store.h>

namespace sedge {

namespace component {
struct Component;
struct FuncValue;
struct InstanceValue;
struct RuntimeResource;
struct Validated;
class CopyEnd;
}  // namespace component
struct ComponentImpl;
struct ComponentLinkerImpl;
struct ComponentPreImpl;
struct CompletionImpl;

/// A handle to a shared, immutable, thread-safe component; it keeps its engine alive.
class Component {
 public:
  /// Decodes and validates a binary component, core modules included. The bytes are copied unless
  /// `owner` is given, which then keeps them alive. Errors: malformed, invalid, feature_disabled,
  /// with the byte offset.
  static Result<Component> from_binary(const Engine& engine, std::span<const uint8_t> bytes,
                                       std::shared_ptr<const void> owner = nullptr);
  /// Parses, encodes and validates text. Errors of parsing carry line and column.
  static Result<Component> from_text(const Engine& engine, std::string_view text);

  /// The binary form.
  std::span<const uint8_t> binary() const;
  /// The abstract syntax and what validation found, for tools.
  const component::Component& syntax() const;
  const component::Validated& validated() const;
  const std::shared_ptr<ComponentImpl>& impl() const { return impl_; }

 private:
  explicit Component(std::shared_ptr<ComponentImpl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<ComponentImpl> impl_;
};

/// One value of a component. Numbers are in `bits` (signed ones sign-extended, floats as their
/// bits); what else is used, each kind says. A value owns all that it is made of.
struct ComponentVal {
  enum class Kind : uint8_t {
    bool_,
    s8,
    u8,
    s16,
    u16,
    s32,
    u32,
    s64,
    u64,
    f32,
    f64,
    char_,
    string,   ///< text: UTF-8
    list,     ///< items; a list<u8>: text, a byte for each (a host may also give items)
    record,   ///< items, labels: names of the fields
    tuple,    ///< items
    variant,  ///< bits: the case, text: its name (a host may leave it empty), items: the payload
    enum_,    ///< bits: the case, text: its name (a host may leave it empty)
    option,   ///< items: none or one
    result,   ///< bits: 0 ok, 1 error; items: the payload, if any
    flags,    ///< bits: one for each flag, labels: those that are set (a host may leave them out)
    own,      ///< bits: the representation, resource
    borrow,   ///< bits: the representation, resource
    stream,   ///< end: the readable end, which only one guest or host can take
    future,   ///< the same
    error_context,  ///< text: the debug message
  };
  Kind kind = Kind::bool_;
  uint64_t bits = 0;
  std::string text;
  std::vector<ComponentVal> items;
  std::vector<std::string> labels;
  component::RuntimeResource* resource = nullptr;  ///< lives as long as its store
  std::shared_ptr<component::CopyEnd> end;         ///< dropped with the last copy of the value
  uint8_t encoding = 0;                            ///< string: what it was lifted from (internal)
};
/// "{a: 1, b: [2, 3]}": the value in WAVE notation.
std::string to_string(const ComponentVal& value);

/// A function of a component instance. A small handle, valid while its store lives.
class ComponentFunc {
 public:
  /// Calls it: arguments by the parameters' types, at most one result. A guest that waits makes the
  /// thread sleep, or run other guests of the store. Errors: bad_argument (naming the parameter),
  /// component_trap and the traps of core code, exhaustion.
  Result<std::vector<ComponentVal>> call(Store& store, std::span<const ComponentVal> args) const;
  /// Starts a call on a stack of its own, when ComponentLoop::poll is next called; `done` gets its
  /// end, on the store's thread. Errors: bad_argument; all others go to `done`.
  Result<void> start(Store& store, std::span<const ComponentVal> args,
                     std::function<void(Result<std::vector<ComponentVal>>)> done) const;
  /// "func(a: u32) -> record{x: f32}": with all types spelled out, resources as `own` and `borrow`.
  std::string type() const;

  std::shared_ptr<const component::FuncValue> value;
};

/// A component instance. A small handle, valid while its store lives.
class ComponentInstance {
 public:
  /// The exported function; `path` may lead through exported instances ("wasi:cli/run@0.2.0#run").
  std::optional<ComponentFunc> get_func(std::string_view path) const;
  /// The exported value (feature cm-values); `path` as above. Numbers and text can be read again
  /// and again; a value with a handle or the end of a stream is the first caller's. Errors:
  /// unknown_export, component_trap for a value that was taken.
  Result<ComponentVal> get_value(std::string_view path) const;
  /// Its type: "list<string>"; nothing if there is no such value.
  std::optional<std::string> value_type(std::string_view path) const;
  /// Names of what it exports.
  std::vector<std::string> exports() const;

  std::shared_ptr<const component::InstanceValue> value;
};

/// A host function in terms of values, which it may move from; results must match its type.
using ComponentHostCallback =
    std::function<Result<std::vector<ComponentVal>>(Store& store, std::span<ComponentVal> args)>;

/// A resource type that the host defines; its address is its identity, in every store and linker.
/// `drop` ends what a representation stands for.
struct HostResourceType {
  const char* name;
  void (*drop)(Store& store, uint64_t representation);
  /// Made when first asked for: see runtime_resource.
  mutable std::atomic<component::RuntimeResource*> at_run_time = nullptr;
};
/// The type as values refer to it (ComponentVal::resource). Thread-safe.
component::RuntimeResource* runtime_resource(const HostResourceType& type);

/// The end of one call of an asynchronous host function. Copies are one; the first answer counts.
/// If all copies go without an answer, the call traps. Thread-safe, but for on_cancel.
class ComponentCompletion {
 public:
  /// The function returns: its results, which must match its type.
  void resolve(std::vector<ComponentVal> results) const;
  /// The call traps with this error.
  void fail(Error error) const;
  /// The guest has cancelled the call and the host has stopped it.
  void cancelled() const;
  /// `then` is called on the store's thread when the guest cancels the call; then one of the above
  /// is to be called, now or later. Without it a cancelled call ends at once, and a later answer is
  /// ignored.
  void on_cancel(std::function<void()> then) const;
  /// `then` is called on the store's thread once nobody waits for the call any more: it has
  /// completed later, was cancelled, or its guest has ended. For what would wait on. Not called if
  /// the call completes before the host function returns.
  void on_end(std::function<void()> then) const;

  std::shared_ptr<CompletionImpl> impl;
};

/// An asynchronous host function in terms of values, which it may move from. It may complete at
/// once or later. Borrowed resources are good until it completes.
using ComponentAsyncCallback =
    std::function<void(Store& store, std::span<ComponentVal> args, ComponentCompletion done)>;

/// A component whose imports are resolved once, to be instantiated many times, in any store of the
/// engine. Instances that a linker was given (ComponentLinker::instance) bind it to their store.
/// Shared and thread-safe.
class ComponentPre {
 public:
  /// Errors: unknown_import (naming it), traps of start functions, limits.
  Result<ComponentInstance> instantiate(Store& store) const;

  /// Remembers `store` as it is now, with nothing in it but what `instantiate` has made, so that
  /// `rewind` can bring it back. Stores that this is called for share their memories' first
  /// contents. False if the store cannot be brought back (shared memories, objects of the GC heap,
  /// handles or tasks that start functions left).
  bool mark(Store& store) const;
  /// Makes a marked store as it was then: nothing that guests or callers did in it since can be
  /// seen, its host data is gone (Store::data), and interrupters that were taken of it have no
  /// effect. The instance and its functions stay valid. False if it cannot, because calls still
  /// wait in it, a guest trapped, or asynchronous work holds on to it: then destroy the store.
  static bool rewind(Store& store);

  std::shared_ptr<ComponentPreImpl> impl;
};

/// Names → definitions, and the way from a component to an instance. An import of an interface
/// that is not there is satisfied by the newest compatible version that is: 0.2.3 by 0.2.12, 1.0.0
/// by 1.4.0, pre-releases by themselves only.
class ComponentLinker {
 public:
  ComponentLinker();
  ComponentLinker(ComponentLinker&&) noexcept;
  ComponentLinker& operator=(ComponentLinker&&) noexcept;
  ~ComponentLinker();

  /// A host function: the import `name`, or the export `name` of the imported instance `instance`.
  void func(std::string_view name, ComponentHostCallback callback);
  void func(std::string_view instance, std::string_view name, ComponentHostCallback callback);
  /// The same with the function's type, which imports are then held against: as ComponentFunc::type
  /// gives it. `type` must outlive the linker. An empty `instance`: the import `name`.
  void func(std::string_view instance, std::string_view name, std::string_view type,
            ComponentHostCallback callback);
  /// A resource type that the imported instance `instance` exports as `name`. `type` must outlive
  /// the linker and all stores.
  void resource(std::string_view instance, std::string_view name, const HostResourceType& type);
  /// The same for functions that complete later (component_async.h).
  void async_func(std::string_view name, ComponentAsyncCallback callback);
  void async_func(std::string_view instance, std::string_view name,
                  ComponentAsyncCallback callback);
  void async_func(std::string_view instance, std::string_view name, std::string_view type,
                  ComponentAsyncCallback callback);
  /// A value (feature cm-values): the import `name`, or the export `name` of the imported instance
  /// `instance`. Its type is held against the import's; names of parts may be left out. With a
  /// handle or the end of a stream it goes to the first component that is instantiated.
  void value(std::string_view name, ComponentVal value);
  void value(std::string_view instance, std::string_view name, ComponentVal value);
  /// Everything that an instance exports, as one imported instance.
  void instance(std::string_view name, const ComponentInstance& instance);

  /// Whether there is something for the import `name`, whatever its type.
  bool has(std::string_view name) const;

  /// Resolves and checks the component's imports once for many instances. Errors:
  /// incompatible_import.
  Result<ComponentPre> instantiate_pre(const Component& component) const;
  /// Errors: unknown_import (naming it), incompatible_import, traps of start functions, limits.
  Result<ComponentInstance> instantiate(Store& store, const Component& component) const;

 private:
  std::unique_ptr<ComponentLinkerImpl> impl_;
};

}  // namespace sedge

#endif  // SEDGE_COMPONENT_H_
