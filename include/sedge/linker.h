// Linker: names → definitions, and the way from a module to an instance.
#ifndef SEDGE_LINKER_H_
#define SEDGE_LINKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <sedge/extern.h>

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

namespace detail {
template <typename T>
struct HostValue;
template <typename T>
  requires(std::is_integral_v<T> && sizeof(T) == 4)
struct HostValue<T> {
  static constexpr ValType type = ValType::i32;
  static T from(uint64_t cell) { return static_cast<T>(static_cast<uint32_t>(cell)); }
  static uint64_t to(T value) { return static_cast<uint32_t>(value); }
};
template <typename T>
  requires(std::is_integral_v<T> && sizeof(T) == 8)
struct HostValue<T> {
  static constexpr ValType type = ValType::i64;
  static T from(uint64_t cell) { return static_cast<T>(cell); }
  static uint64_t to(T value) { return static_cast<uint64_t>(value); }
};
template <>
struct HostValue<float> {
  static constexpr ValType type = ValType::f32;
  static float from(uint64_t cell) { return std::bit_cast<float>(static_cast<uint32_t>(cell)); }
  static uint64_t to(float value) { return std::bit_cast<uint32_t>(value); }
};
template <>
struct HostValue<double> {
  static constexpr ValType type = ValType::f64;
  static double from(uint64_t cell) { return std::bit_cast<double>(cell); }
  static uint64_t to(double value) { return std::bit_cast<uint64_t>(value); }
};

template <typename T>
struct HostResult {  // one plain value
  using Value = T;
  static void types(std::vector<ValType>& out) { out.push_back(HostValue<T>::type); }
  static void store(const T& value, uint64_t* cells) { cells[0] = HostValue<T>::to(value); }
};
template <>
struct HostResult<void> {
  static void types(std::vector<ValType>&) {}
};
template <typename... T>
struct HostResult<std::tuple<T...>> {
  static void types(std::vector<ValType>& out) { (out.push_back(HostValue<T>::type), ...); }
  static void store(const std::tuple<T...>& value, uint64_t* cells) {
    std::apply([cells](const T&... v) mutable { ((*cells++ = HostValue<T>::to(v)), ...); }, value);
  }
};
template <typename T>
struct HostReturn {
  using Inner = T;
  static constexpr bool is_result = false;
};
template <typename T>
struct HostReturn<Result<T>> {
  using Inner = T;
  static constexpr bool is_result = true;
};

template <typename F>
struct HostSignature : HostSignature<decltype(&F::operator())> {};
template <typename C, typename R, typename... A>
struct HostSignature<R (C::*)(A...) const> : HostSignature<R (*)(A...)> {};
template <typename C, typename R, typename... A>
struct HostSignature<R (C::*)(A...)> : HostSignature<R (*)(A...)> {};
template <typename R, typename... A>
struct HostSignature<R (*)(Caller&, A...)> {
  template <typename F, size_t... I>
  static Result<void> call(F& f, Caller& caller, uint64_t* cells, std::index_sequence<I...>) {
    using Return = HostReturn<R>;
    using Inner = typename Return::Inner;
    if constexpr (Return::is_result) {
      auto result = f(caller, HostValue<A>::from(cells[I])...);
      if (!result) return std::unexpected(std::move(result).error());
      if constexpr (!std::is_void_v<Inner>) HostResult<Inner>::store(*result, cells);
    } else if constexpr (std::is_void_v<R>) {
      f(caller, HostValue<A>::from(cells[I])...);
    } else {
      HostResult<R>::store(f(caller, HostValue<A>::from(cells[I])...), cells);
    }
    return {};
  }
  template <typename F>
  static Result<void> invoke(F& f, Caller& caller, uint64_t* cells) {
    return call(f, caller, cells, std::index_sequence_for<A...>{});
  }
  static FuncType type() {
    FuncType type;
    (type.params.push_back(HostValue<A>::type), ...);
    HostResult<typename HostReturn<R>::Inner>::types(type.results);
    return type;
  }
};
}  // namespace detail

/// Not thread-safe while it is being filled; an InstancePre made from it is.
class Linker {
 public:
  explicit Linker(const Engine& engine);
  Linker(Linker&&) noexcept;
  Linker& operator=(Linker&&) noexcept;
  ~Linker();

  /// Defines a typed host function: `f(Caller&, int32_t, uint64_t, …)` returning void, a number, a
  /// tuple of numbers or a Result of these. i32 ↔ (u)int32_t, i64 ↔ (u)int64_t, f32 ↔ float,
  /// f64 ↔ double. A later definition of the same name replaces an earlier one.
  template <typename F>
  void func(std::string_view module, std::string_view name, F f) {
    using Signature = detail::HostSignature<F>;
    func_raw(module, name, Signature::type(),
             [f = std::move(f)](Caller& caller, uint64_t* cells) mutable -> Result<void> {
               return Signature::invoke(f, caller, cells);
             });
  }
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
