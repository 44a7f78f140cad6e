// Linker: names → definitions, and the way from a module to an instance.
#ifndef SEDGE_LINKER_H_
#define SEDGE_LINKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/extern.h>
#include <sedge/typed.h>

namespace sedge {

struct LinkerImpl;
struct InstancePreImpl;

/// A module whose imports are resolved against host functions once, to be instantiated many times,
/// in any store of the engine. Shared and thread-safe.
class InstancePre {
 public:
  Result<Instance> instantiate(Store& store) const;
  const Module& module() const;
  std::shared_ptr<const InstancePreImpl> impl;
};

/// Not thread-safe while it is being filled; an InstancePre made from it is.
class Linker {
 public:
  explicit Linker(const Engine& engine);
  Linker(Linker&&) noexcept;
  Linker& operator=(Linker&&) noexcept;
  ~Linker();

  /// Defines a typed host function: `f(Caller&, int32_t, uint64_t, …)` returning void, a number, a
  /// tuple of numbers or a Result of these (typed.h). Wasm calls it directly: the fastest way to
  /// the host. A later definition of the same name replaces an earlier one.
  template <typename F>
  void func(std::string_view module, std::string_view name, F f) {
    using Signature = detail::HostSignature<F>;
    func_entry(module, name, Signature::type(), &Signature::template enter<F>,
               std::make_shared<F>(std::move(f)));
  }
  /// Defines a function by what wasm calls, and what that gets as `env`.
  void func_entry(std::string_view module, std::string_view name, const FuncType& type,
                  HostEntry entry, std::shared_ptr<void> env);
  void func_raw(std::string_view module, std::string_view name, const FuncType& type,
                RawHostCallback callback);
  void func_values(std::string_view module, std::string_view name, const FuncType& type,
                   HostCallback callback);
  /// Defines something that lives in a store (only modules of that store can then use it).
  void define(const Store& store, std::string_view module, std::string_view name, Extern value);
  void define(std::string_view module, std::string_view name, const SharedMemory& memory);
  /// Defines every export of an instance under `module`.
  void instance(const Store& store, std::string_view module, const Instance& instance);

  /// Whether any definition has this module name / this full name.
  bool has_module(std::string_view module) const;
  bool has(std::string_view module, std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> names() const;

  /// Resolves imports and instantiates. Errors: unknown_import (with the nearest name and what
  /// would provide it), incompatible_import (both types), and those of Instance::create.
  Result<Instance> instantiate(Store& store, const Module& module) const;
  /// Resolves a module all of whose imports are host functions or shared memories.
  Result<InstancePre> instantiate_pre(const Module& module) const;

  LinkerImpl& impl() const { return *impl_; }

 private:
  std::unique_ptr<LinkerImpl> impl_;
};

}  // namespace sedge

#endif  // SEDGE_LINKER_H_
