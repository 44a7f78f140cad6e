// Functions in terms of C++ types, in both directions. i32 ↔ (u)int32_t, i64 ↔ (u)int64_t,
// f32 ↔ float, f64 ↔ double; several results ↔ std::tuple; no result ↔ void.
#ifndef SEDGE_TYPED_H_
#define SEDGE_TYPED_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <sedge/extern.h>

namespace sedge {

namespace detail {

/// A number and the cell that holds it.
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

/// What a function returns, as results.
template <typename T>
struct HostResult {  // one plain value
  static constexpr size_t count = 1;
  static void types(std::vector<ValType>& out) { out.push_back(HostValue<T>::type); }
  static void store(const T& value, uint64_t* cells) { cells[0] = HostValue<T>::to(value); }
  static T load(const uint64_t* cells) { return HostValue<T>::from(cells[0]); }
};
template <>
struct HostResult<void> {
  static constexpr size_t count = 0;
  static void types(std::vector<ValType>&) {}
  static void load(const uint64_t*) {}
};
template <typename... T>
struct HostResult<std::tuple<T...>> {
  static constexpr size_t count = sizeof...(T);
  static void types(std::vector<ValType>& out) { (out.push_back(HostValue<T>::type), ...); }
  static void store(const std::tuple<T...>& value, uint64_t* cells) {
    std::apply([cells](const T&... v) mutable { ((*cells++ = HostValue<T>::to(v)), ...); }, value);
  }
  static std::tuple<T...> load(const uint64_t* cells) {
    return std::tuple<T...>{HostValue<T>::from(*cells++)...};
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

/// The type of a function from A to R, which may be a Result.
template <typename R, typename... A>
FuncType func_type() {
  FuncType type;
  (type.params.push_back(HostValue<A>::type), ...);
  HostResult<typename HostReturn<R>::Inner>::types(type.results);
  return type;
}

/// A host function ended with an error, which becomes how its caller ends.
[[gnu::cold]] vm::Exit host_failed(vm::Context& context, Error error);

/// Parameters, result and entry of a host function `F`, which takes the caller first.
template <typename F>
struct HostSignature : HostSignature<decltype(&F::operator())> {};
template <typename C, typename R, typename... A>
struct HostSignature<R (C::*)(A...) const> : HostSignature<R (*)(A...)> {};
template <typename C, typename R, typename... A>
struct HostSignature<R (C::*)(A...)> : HostSignature<R (*)(A...)> {};
template <typename R, typename... A>
struct HostSignature<R (*)(Caller&, A...)> {
  static FuncType type() { return func_type<R, A...>(); }

  /// A HostEntry with the function as `env`.
  template <typename F>
  static vm::Exit enter(void* env, vm::Context& context, vm::Instance* instance, uint64_t* cells) {
    Caller caller(context, instance);
    return call(*static_cast<F*>(env), caller, context, cells, std::index_sequence_for<A...>{});
  }

 private:
  template <typename F, size_t... I>
  static vm::Exit call(F& f, Caller& caller, vm::Context& context, [[maybe_unused]] uint64_t* cells,
                       std::index_sequence<I...>) {
    constexpr vm::Exit returned{};
    using Inner = typename HostReturn<R>::Inner;
    if constexpr (HostReturn<R>::is_result) {
      auto result = f(caller, HostValue<A>::from(cells[I])...);
      if (!result) [[unlikely]]
        return host_failed(context, std::move(result).error());
      if constexpr (!std::is_void_v<Inner>) HostResult<Inner>::store(*result, cells);
    } else if constexpr (std::is_void_v<R>) {
      f(caller, HostValue<A>::from(cells[I])...);
    } else {
      HostResult<R>::store(f(caller, HostValue<A>::from(cells[I])...), cells);
    }
    return returned;
  }
};

/// Func::call_raw without an Error: that of a call that did not return is `guest_failed`.
vm::Exit enter_guest(Store& store, const Func& func, uint64_t* cells);
[[gnu::cold]] Error guest_failed(Store& store, vm::Exit exit);

/// The errors of Func::typed and of Instance::get_typed.
Result<void> check_typed(const Store& store, const Func& func, const FuncType& wanted);
Result<Func> exported_func(const Store& store, const Instance& instance, std::string_view name);

}  // namespace detail

/// A function whose type is known to be the one of `R(A...)`. A handle, as Func is.
template <typename R, typename... A>
class TypedFunc<R(A...)> {
 public:
  /// Calls it. Errors: as Func::call, but for bad_signature.
  Result<R> call(Store& store, A... args) const {
    uint64_t cells[std::max({size_t{1}, sizeof...(A), detail::HostResult<R>::count})] = {
        detail::HostValue<A>::to(args)...};
    if (vm::Exit exit = detail::enter_guest(store, func_, cells); exit != vm::Exit{}) [[unlikely]]
      return fail(detail::guest_failed(store, exit));
    if constexpr (std::is_void_v<R>) {
      return {};
    } else {
      return detail::HostResult<R>::load(cells);
    }
  }
  const Func& func() const { return func_; }

 private:
  friend class Func;
  explicit TypedFunc(const Func& func) : func_(func) {}
  static FuncType type() { return detail::func_type<R, A...>(); }
  Func func_;
};

template <typename Signature>
Result<TypedFunc<Signature>> Func::typed(const Store& store) const {
  SEDGE_TRY(detail::check_typed(store, *this, TypedFunc<Signature>::type()));
  return TypedFunc<Signature>(*this);
}

template <typename Signature>
Result<TypedFunc<Signature>> Instance::get_typed(const Store& store, std::string_view name) const {
  SEDGE_TRY_ASSIGN(Func func, detail::exported_func(store, *this, name));
  return func.typed<Signature>(store);
}

}  // namespace sedge

#endif  // SEDGE_TYPED_H_
