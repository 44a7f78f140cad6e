// Handles to what lives in a store: functions, memories, tables, globals, tags, instances. Small
// values; each call checks that the handle belongs to the store it is given (error: bad_store).
#ifndef SEDGE_EXTERN_H_
#define SEDGE_EXTERN_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sedge/module.h>
#include <sedge/store.h>
#include <sedge/value.h>

namespace sedge {

class Caller;
struct HostFunc;  // a host function's type and what is called; shared by stores

namespace vm {
struct Instance;
enum class Exit : uint8_t;
}  // namespace vm

/// What wasm calls when it calls the host: reads args[0..], writes results to args[0..], says how
/// that ended. `caller` is null when the host calls. detail::HostSignature makes these of typed
/// functions.
using HostEntry = vm::Exit (*)(void* env, vm::Context& context, vm::Instance* caller,
                               uint64_t* args);
/// A host function in terms of values; results must match its type.
using HostCallback =
    std::function<Result<void>(Caller& caller, std::span<const Val> args, std::span<Val> results)>;
/// A host function in terms of cells: reads args[0..], writes results to args[0..].
using RawHostCallback = std::function<Result<void>(Caller& caller, uint64_t* args)>;

template <typename Signature>
class TypedFunc;

class Func {
 public:
  /// A host function of type `type`.
  static Func wrap(Store& store, const FuncType& type, HostCallback callback);
  static Func wrap_raw(Store& store, const FuncType& type, RawHostCallback callback);

  FuncType type(const Store& store) const;
  /// Calls with values. Errors: bad_signature (naming the argument), traps with a backtrace,
  /// exhaustion, uncaught_exception, guest_exit and other errors of host functions.
  Result<std::vector<Val>> call(Store& store, std::span<const Val> args) const;
  Result<std::vector<Val>> call(Store& store, std::initializer_list<Val> args) const {
    return call(store, std::span<const Val>(args.begin(), args.size()));
  }
  /// Calls with cells in place, no check of types: args[0..] in, results out (room for both).
  Result<void> call_raw(Store& store, uint64_t* args) const;
  /// The same function with its type checked once, to be called with C++ values (typed.h):
  /// `func.typed<int32_t(int32_t)>(store)`. Errors: bad_signature (naming both types), bad_store.
  template <typename Signature>
  Result<TypedFunc<Signature>> typed(const Store& store) const;
  Val to_val(Store& store) const;
  static std::optional<Func> from_val(Store& store, const Val& value);

  vm::Func* ptr = nullptr;
  uint64_t store_id = 0;
};

class Memory {
 public:
  static Result<Memory> create(Store& store, const MemoryType& type);
  MemoryType type(const Store& store) const;
  /// The accessible bytes now; growth makes it longer, never moves it.
  std::span<uint8_t> bytes(const Store& store) const;
  uint64_t size_pages(const Store& store) const;
  /// The size before, in pages; nothing if refused.
  std::optional<uint64_t> grow(Store& store, uint64_t delta_pages) const;

  vm::Memory* ptr = nullptr;
  uint64_t store_id = 0;
};

struct SharedMemoryImpl;
/// A shared memory that belongs to the engine: may be given to several stores and threads.
class SharedMemory {
 public:
  /// `type.shared` must be set. Errors: bad_argument, out_of_memory.
  static Result<SharedMemory> create(const Engine& engine, const MemoryType& type);
  /// The shared memory behind a store's memory handle, if it is one.
  static std::optional<SharedMemory> from(const Store& store, const Memory& memory);
  MemoryType type() const;
  std::span<uint8_t> bytes() const;
  /// As a memory of `store`.
  Memory in(Store& store) const;
  std::shared_ptr<SharedMemoryImpl> impl;
};

class Table {
 public:
  static Result<Table> create(Store& store, const TableType& type, const Val& init);
  TableType type(const Store& store) const;
  uint64_t size(const Store& store) const;
  std::optional<Val> get(Store& store, uint64_t index) const;  ///< nothing if out of bounds
  Result<void> set(Store& store, uint64_t index, const Val& value) const;
  std::optional<uint64_t> grow(Store& store, uint64_t delta, const Val& init) const;

  vm::Table* ptr = nullptr;
  uint64_t store_id = 0;
};

class Global {
 public:
  static Result<Global> create(Store& store, const GlobalType& type, const Val& value);
  GlobalType type(const Store& store) const;
  Val get(Store& store) const;
  Result<void> set(Store& store, const Val& value) const;

  vm::Global* ptr = nullptr;
  uint64_t store_id = 0;
};

class Tag {
 public:
  static Tag create(Store& store, const FuncType& type);
  FuncType type(const Store& store) const;

  vm::Tag* ptr = nullptr;
  uint64_t store_id = 0;
};

/// Anything that can be imported or exported.
using Extern = std::variant<Func, Table, Memory, Global, Tag>;

class Instance {
 public:
  /// Instantiates with imports in the module's order. Errors: unknown_import (too few),
  /// incompatible_import, traps of segments and of the start function, limits.
  static Result<Instance> create(Store& store, const Module& module,
                                 std::span<const Extern> imports);
  std::optional<Extern> get_export(const Store& store, std::string_view name) const;
  std::optional<Func> get_func(const Store& store, std::string_view name) const;
  /// Func::typed of an exported function. Error also: unknown_export.
  template <typename Signature>
  Result<TypedFunc<Signature>> get_typed(const Store& store, std::string_view name) const;
  std::optional<Memory> get_memory(const Store& store, std::string_view name) const;
  std::optional<Global> get_global(const Store& store, std::string_view name) const;
  std::optional<Table> get_table(const Store& store, std::string_view name) const;
  Module module(const Store& store) const;

  InstanceImpl* ptr = nullptr;
  uint64_t store_id = 0;
};

/// What a host function sees of its caller; valid during the call only.
class Caller {
 public:
  Store& store() const;
  template <typename T>
  T* data() const {
    return store().data<T>();
  }
  /// The calling instance; nothing when the host called.
  std::optional<Instance> instance() const;
  /// The caller's memory exported as "memory" (else its only memory); empty if it has none.
  std::span<uint8_t> memory() const;

  Caller(vm::Context& context, vm::Instance* instance) : context_(context), instance_(instance) {}

 private:
  vm::Context& context_;
  vm::Instance* instance_;
};

}  // namespace sedge

#endif  // SEDGE_EXTERN_H_
