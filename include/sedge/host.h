// What code from `sedge bindgen` is made of: the C++ forms of WIT's types, their ways to and from
// ComponentVal, resources of the host with a table for each store, and the rows that put functions
// into a ComponentLinker. docs/decisions/012 says how to use it.
#ifndef SEDGE_HOST_H_
#define SEDGE_HOST_H_

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <sedge/component.h>
#include <sedge/error.h>
#include <sedge/store.h>

namespace sedge::host {

/// list<u8>.
struct Bytes {
  std::string data;
  std::span<const uint8_t> span() const {
    return {reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  }
};

/// The payload that a result does not have.
using Unit = std::monostate;
template <typename E>
struct Err {
  E value;
};
/// `return host::err(ErrorCode::io)` in a function that returns an Outcome, or a Result of one.
template <typename E>
Err<std::decay_t<E>> err(E&& value) {
  return {std::forward<E>(value)};
}
inline Err<Unit> err() { return {}; }

/// result<T, E> of WIT: what the guest sees. A sedge::Result around it is for what ends the guest.
template <typename T, typename E>
class Outcome {
 public:
  Outcome() = default;
  Outcome(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT
  /// From what becomes a T: a pointer to a derived class, for one.
  template <typename U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<U, T>)
  Outcome(U value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT
  template <typename G>
  Outcome(Err<G> error) : state_(std::in_place_index<1>, std::move(error.value)) {}  // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  E& error() { return std::get<1>(state_); }
  const E& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, E> state_;
};

/// stream<T> and future<T>: an end to read from, as ComponentReader::from takes it and
/// ComponentWriter makes it (component_async.h).
struct Stream {
  ComponentVal value;
};
struct Future {
  ComponentVal value;
};

/// Base of flags: a bit for each, in the order of the WIT text.
struct FlagSet {
  uint64_t bits = 0;
  bool has(uint64_t flags) const { return (bits & flags) == flags; }
};

/// Base of what stands behind handles. A guest's handle owns it, or the implementation that it was
/// given to does.
class Resource {
 public:
  Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  virtual ~Resource() = default;
};

/// The host's resources of one store, by representation. A representation that was never given out,
/// or whose resource is gone, finds nothing.
class ResourceTable {
 public:
  static ResourceTable& of(Store& store);
  /// Error: component_trap when there are too many.
  Result<uint64_t> add(std::unique_ptr<Resource> resource, const HostResourceType& type);
  /// Error: component_trap, naming the type.
  Result<Resource*> get(uint64_t representation, const HostResourceType& type) const;
  Result<std::unique_ptr<Resource>> take(uint64_t representation, const HostResourceType& type);
  void drop(uint64_t representation);

  /// Of one store. What a resource is made of can be kilobytes of the host's memory.
  static constexpr size_t kMost = 100'000;

 private:
  struct Slot {
    std::unique_ptr<Resource> resource;
    const HostResourceType* type = nullptr;
    uint32_t generation = 0;
  };
  static uint64_t representation_of(size_t index, const Slot& slot) {
    return uint64_t{slot.generation} << 32 | index;
  }
  const Slot* find(uint64_t representation, const HostResourceType& type) const;

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};
/// HostResourceType::drop of everything that is in a ResourceTable.
void drop_resource(Store& store, uint64_t representation);

/// T from a value whose type the linker has checked, and back. Errors: of handles.
template <typename T>
struct Convert;

template <typename T>
Result<T> lift(Store& store, ComponentVal& value) {
  return Convert<T>::lift(store, value);
}
template <typename T>
Result<ComponentVal> lower(Store& store, T value) {
  return Convert<T>::lower(store, std::move(value));
}

/// Integers, floats, bool and char: `bits` holds them.
template <typename T, ComponentVal::Kind kKind>
struct Number {
  static Result<T> lift(Store&, ComponentVal& value) {
    if constexpr (std::is_same_v<T, float>)
      return std::bit_cast<float>(static_cast<uint32_t>(value.bits));
    else if constexpr (std::is_same_v<T, double>)
      return std::bit_cast<double>(value.bits);
    else
      return static_cast<T>(value.bits);
  }
  static Result<ComponentVal> lower(Store&, T value) {
    ComponentVal out;
    out.kind = kKind;
    if constexpr (std::is_same_v<T, float>)
      out.bits = std::bit_cast<uint32_t>(value);
    else if constexpr (std::is_same_v<T, double>)
      out.bits = std::bit_cast<uint64_t>(value);
    else if constexpr (std::is_signed_v<T>)
      out.bits = static_cast<uint64_t>(static_cast<int64_t>(value));
    else
      out.bits = value;
    return out;
  }
};
template <>
struct Convert<bool> : Number<bool, ComponentVal::Kind::bool_> {};
template <>
struct Convert<uint8_t> : Number<uint8_t, ComponentVal::Kind::u8> {};
template <>
struct Convert<uint16_t> : Number<uint16_t, ComponentVal::Kind::u16> {};
template <>
struct Convert<uint32_t> : Number<uint32_t, ComponentVal::Kind::u32> {};
template <>
struct Convert<uint64_t> : Number<uint64_t, ComponentVal::Kind::u64> {};
template <>
struct Convert<int8_t> : Number<int8_t, ComponentVal::Kind::s8> {};
template <>
struct Convert<int16_t> : Number<int16_t, ComponentVal::Kind::s16> {};
template <>
struct Convert<int32_t> : Number<int32_t, ComponentVal::Kind::s32> {};
template <>
struct Convert<int64_t> : Number<int64_t, ComponentVal::Kind::s64> {};
template <>
struct Convert<float> : Number<float, ComponentVal::Kind::f32> {};
template <>
struct Convert<double> : Number<double, ComponentVal::Kind::f64> {};
template <>
struct Convert<char32_t> : Number<char32_t, ComponentVal::Kind::char_> {};

template <>
struct Convert<std::string> {
  static Result<std::string> lift(Store&, ComponentVal& value) { return std::move(value.text); }
  static Result<ComponentVal> lower(Store&, std::string text) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::string;
    out.text = std::move(text);
    return out;
  }
};
template <>
struct Convert<Bytes> {
  static Result<Bytes> lift(Store&, ComponentVal& value) { return Bytes{std::move(value.text)}; }
  static Result<ComponentVal> lower(Store&, Bytes bytes) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::list;
    out.text = std::move(bytes.data);
    return out;
  }
};

template <typename T>
struct ConvertEnd {
  static Result<T> lift(Store&, ComponentVal& value) { return T{std::move(value)}; }
  static Result<ComponentVal> lower(Store&, T end) { return std::move(end.value); }
};
template <>
struct Convert<Stream> : ConvertEnd<Stream> {};
template <>
struct Convert<Future> : ConvertEnd<Future> {};

/// Enums.
template <typename T>
  requires std::is_enum_v<T>
struct Convert<T> {
  static Result<T> lift(Store&, ComponentVal& value) { return static_cast<T>(value.bits); }
  static Result<ComponentVal> lower(Store&, T value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::enum_;
    out.bits = static_cast<uint64_t>(value);
    return out;
  }
};
template <typename T>
  requires std::is_base_of_v<FlagSet, T>
struct Convert<T> {
  static Result<T> lift(Store&, ComponentVal& value) { return T{{value.bits}}; }
  static Result<ComponentVal> lower(Store&, T value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::flags;
    out.bits = value.bits;
    return out;
  }
};

/// Appends lowered values to the items of another.
template <typename T>
Result<void> append(Store& store, ComponentVal& to, T value) {
  SEDGE_TRY_ASSIGN(ComponentVal item, host::lower<T>(store, std::move(value)));
  to.items.push_back(std::move(item));
  return {};
}

template <typename T>
struct Convert<std::vector<T>> {
  static Result<std::vector<T>> lift(Store& store, ComponentVal& value) {
    std::vector<T> out;
    out.reserve(value.items.size());
    for (ComponentVal& item : value.items) {
      SEDGE_TRY_ASSIGN(T part, host::lift<T>(store, item));
      out.push_back(std::move(part));
    }
    return out;
  }
  // NOLINTNEXTLINE(performance-unnecessary-value-param): items that are more than numbers are moved
  static Result<ComponentVal> lower(Store& store, std::vector<T> list) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::list;
    out.items.reserve(list.size());
    for (T& item : list) SEDGE_TRY(append<T>(store, out, std::move(item)));
    return out;
  }
};
template <typename T, size_t kLength>
struct Convert<std::array<T, kLength>> {
  static Result<std::array<T, kLength>> lift(Store& store, ComponentVal& value) {
    std::array<T, kLength> out{};
    for (size_t i = 0; i < kLength; ++i) {
      SEDGE_TRY_ASSIGN(out[i], host::lift<T>(store, value.items[i]));
    }
    return out;
  }
  static Result<ComponentVal> lower(Store& store, std::array<T, kLength> list) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::list;
    for (T& item : list) SEDGE_TRY(append<T>(store, out, std::move(item)));
    return out;
  }
};

template <typename T>
struct Convert<std::optional<T>> {
  static Result<std::optional<T>> lift(Store& store, ComponentVal& value) {
    if (value.items.empty()) return std::optional<T>();
    SEDGE_TRY_ASSIGN(T inner, host::lift<T>(store, value.items[0]));
    return std::optional<T>(std::move(inner));
  }
  static Result<ComponentVal> lower(Store& store, std::optional<T> value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::option;
    if (value) SEDGE_TRY(append<T>(store, out, *std::move(value)));
    return out;
  }
};

template <typename T, typename E>
struct Convert<Outcome<T, E>> {
  template <typename P>
  static Result<P> payload(Store& store, ComponentVal& value) {
    if constexpr (std::is_same_v<P, Unit>)
      return Unit{};
    else
      return host::lift<P>(store, value.items[0]);
  }
  static Result<Outcome<T, E>> lift(Store& store, ComponentVal& value) {
    if (value.bits == 0) {
      SEDGE_TRY_ASSIGN(T ok, payload<T>(store, value));
      return Outcome<T, E>(std::move(ok));
    }
    SEDGE_TRY_ASSIGN(E error, payload<E>(store, value));
    return Outcome<T, E>(Err<E>{std::move(error)});
  }
  static Result<ComponentVal> lower(Store& store, Outcome<T, E> value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::result;
    out.bits = value ? 0 : 1;
    if (value) {
      if constexpr (!std::is_same_v<T, Unit>) SEDGE_TRY(append<T>(store, out, std::move(*value)));
    } else {
      if constexpr (!std::is_same_v<E, Unit>)
        SEDGE_TRY(append<E>(store, out, std::move(value.error())));
    }
    return out;
  }
};

template <typename... T>
struct Convert<std::tuple<T...>> {
  static Result<std::tuple<T...>> lift(Store& store, ComponentVal& value) {
    return lift_all(store, value, std::index_sequence_for<T...>{});
  }
  static Result<ComponentVal> lower(Store& store, std::tuple<T...> value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::tuple;
    Result<void> done;
    auto one = [&]<typename U>(U& part) {
      done = append<U>(store, out, std::move(part));
      return done.has_value();
    };
    std::apply([&](T&... part) { (void)(one(part) && ...); }, value);
    SEDGE_TRY(std::move(done));
    return out;
  }

 private:
  template <size_t... kIndex>
  static Result<std::tuple<T...>> lift_all(Store& store, ComponentVal& value,
                                           std::index_sequence<kIndex...>) {
    std::tuple<Result<T>...> parts{host::lift<T>(store, value.items[kIndex])...};
    Result<void> done;
    auto check = [&](auto& part) {
      if (done && !part) done = fail(std::move(part).error());
    };
    (check(std::get<kIndex>(parts)), ...);
    SEDGE_TRY(std::move(done));
    return std::tuple<T...>(*std::move(std::get<kIndex>(parts))...);
  }
};

/// Records: base of Convert<T>, with the fields in order.
template <typename T, auto... kFields>
struct Record {
  static Result<T> lift(Store& store, ComponentVal& value) {
    T out;
    Result<void> done;
    size_t at = 0;
    auto one = [&]<typename F>(F& field) {
      auto part = host::lift<F>(store, value.items[at++]);
      if (part)
        field = *std::move(part);
      else
        done = fail(std::move(part).error());
      return done.has_value();
    };
    (void)(one(out.*kFields) && ...);
    SEDGE_TRY(std::move(done));
    return out;
  }
  static Result<ComponentVal> lower(Store& store, T value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::record;
    Result<void> done;
    auto one = [&]<typename F>(F& field) {
      done = append<F>(store, out, std::move(field));
      return done.has_value();
    };
    (void)(one(value.*kFields) && ...);
    SEDGE_TRY(std::move(done));
    return out;
  }
};

/// Variants: base of Convert<T>. T::value is a std::variant of one struct for each case, which has
/// a member `value` if the case has a payload.
template <typename T>
struct Variant {
  using Cases = decltype(T::value);

  static Result<T> lift(Store& store, ComponentVal& value) {
    return lift_case(store, value, std::make_index_sequence<std::variant_size_v<Cases>>{});
  }
  static Result<ComponentVal> lower(Store& store, T value) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::variant;
    out.bits = value.value.index();
    SEDGE_TRY(std::visit(
        [&]<typename C>(C& chosen) -> Result<void> {
          if constexpr (requires { chosen.value; })
            return append<decltype(chosen.value)>(store, out, std::move(chosen.value));
          else
            return {};
        },
        value.value));
    return out;
  }

 private:
  template <size_t... kIndex>
  static Result<T> lift_case(Store& store, ComponentVal& value, std::index_sequence<kIndex...>) {
    std::optional<Result<T>> out;
    (void)((value.bits == kIndex && (out = one<kIndex>(store, value), true)) || ...);
    if (!out) return fail(ErrorCode::component_trap, ": invalid variant discriminant");
    return *std::move(out);
  }
  template <size_t kIndex>
  static Result<T> one(Store& store, ComponentVal& value) {
    std::variant_alternative_t<kIndex, Cases> chosen;
    if constexpr (requires { chosen.value; }) {
      SEDGE_TRY_ASSIGN(chosen.value, host::lift<decltype(chosen.value)>(store, value.items[0]));
    }
    return T{Cases(std::in_place_index<kIndex>, std::move(chosen))};
  }
};

/// own<T>: the guest's handle is gone, or comes into being.
template <typename T>
struct Convert<std::unique_ptr<T>> {
  static Result<std::unique_ptr<T>> lift(Store& store, ComponentVal& value) {
    SEDGE_TRY_ASSIGN(auto taken, ResourceTable::of(store).take(value.bits, T::kType));
    return std::unique_ptr<T>(static_cast<T*>(taken.release()));
  }
  static Result<ComponentVal> lower(Store& store, std::unique_ptr<T> resource) {
    ComponentVal out;
    out.kind = ComponentVal::Kind::own;
    SEDGE_TRY_ASSIGN(out.bits, ResourceTable::of(store).add(std::move(resource), T::kType));
    out.resource = runtime_resource(T::kType);
    return out;
  }
};
/// borrow<T>, valid during the call; never null.
template <typename T>
struct Convert<T*> {
  static Result<T*> lift(Store& store, ComponentVal& value) {
    SEDGE_TRY_ASSIGN(Resource * found, ResourceTable::of(store).get(value.bits, T::kType));
    return static_cast<T*>(found);
  }
};

/// How an asynchronous function ends. Copies are one; the first answer counts; without any the call
/// traps. Used on the store's thread.
template <typename R>
class Completion {
 public:
  Completion(Store& store, ComponentCompletion done) : store_(&store), done_(std::move(done)) {}

  void resolve(R result) const {
    auto value = host::lower<R>(*store_, std::move(result));
    if (!value) return done_.fail(std::move(value).error());
    std::vector<ComponentVal> results;
    results.push_back(*std::move(value));
    done_.resolve(std::move(results));
  }
  /// Ends the guest.
  void fail(Error error) const { done_.fail(std::move(error)); }
  /// For on_cancel and cancelled.
  const ComponentCompletion& call() const { return done_; }

 private:
  Store* store_;
  ComponentCompletion done_;
};
template <>
class Completion<void> {
 public:
  Completion(Store&, ComponentCompletion done) : done_(std::move(done)) {}
  void resolve() const { done_.resolve({}); }
  void fail(Error error) const { done_.fail(std::move(error)); }
  const ComponentCompletion& call() const { return done_; }

 private:
  ComponentCompletion done_;
};

// Functions

/// `self` is the implementation of the interface; methods of resources find theirs by handle.
using Invoke = Result<std::vector<ComponentVal>> (*)(Store& store, std::span<ComponentVal> args,
                                                     void* self);
using AsyncInvoke = void (*)(Store& store, std::span<ComponentVal> args, void* self,
                             ComponentCompletion done);
struct Function {
  std::string_view name;  ///< "[method]input-stream.read"
  std::string_view type;  ///< as ComponentFunc::type gives it
  std::variant<Invoke, AsyncInvoke> invoke;
};
struct ResourceName {
  std::string_view name;
  const HostResourceType* type;
};
/// The implementation of an interface for a store; null for one of resources alone.
using FindSelf = std::function<void*(Store&)>;

/// Puts an interface into a linker.
void add_to_linker(ComponentLinker& linker, std::string_view interface,
                   std::span<const Function> functions, std::span<const ResourceName> resources,
                   const FindSelf& find);

/// A parameter T& is a borrow<T>.
template <typename A>
using Lifted = std::conditional_t<std::is_reference_v<A>, std::remove_reference_t<A>*, A>;
template <typename A>
A pass(Lifted<A>& value) {
  if constexpr (std::is_reference_v<A>)
    return *value;
  else
    return std::move(value);
}

/// The arguments of a call, lifted in order. Error: the first one.
template <typename... A>
struct Arguments {
  std::tuple<Result<Lifted<A>>...> values;

  static Arguments lift(Store& store, std::span<ComponentVal> args) {
    return lift(store, args, std::index_sequence_for<A...>{});
  }
  Result<void> check() {
    Result<void> done;
    auto one = [&](auto& part) {
      if (done && !part) done = fail(std::move(part).error());
    };
    std::apply([&](auto&... part) { (one(part), ...); }, values);
    return done;
  }
  /// `call(arguments…)`.
  template <typename F>
  auto apply(F&& call) {
    return std::apply([&](auto&... part) { return call(pass<A>(*part)...); }, values);
  }

 private:
  template <size_t... kIndex>
  static Arguments lift(Store& store, [[maybe_unused]] std::span<ComponentVal> args,
                        std::index_sequence<kIndex...>) {
    return {{host::lift<Lifted<A>>(store, args[kIndex])...}};
  }
};

template <auto kMethod>
struct Method;
template <typename C, typename R, typename... A, Result<R> (C::*kMethod)(Store&, A...)>
struct Method<kMethod> {
  static Result<std::vector<ComponentVal>> of_resource(Store& store, std::span<ComponentVal> args,
                                                       void*) {
    SEDGE_TRY_ASSIGN(C * self, host::lift<C*>(store, args[0]));
    return call(store, *self, args.subspan(1));
  }
  static Result<std::vector<ComponentVal>> of_interface(Store& store, std::span<ComponentVal> args,
                                                        void* self) {
    return call(store, *static_cast<C*>(self), args);
  }

 private:
  static Result<std::vector<ComponentVal>> call(Store& store, C& self,
                                                std::span<ComponentVal> args) {
    auto lifted = Arguments<A...>::lift(store, args);
    SEDGE_TRY(lifted.check());
    auto done = lifted.apply(
        [&](auto&&... arg) { return (self.*kMethod)(store, std::forward<decltype(arg)>(arg)...); });
    if (!done) return fail(std::move(done).error());
    std::vector<ComponentVal> out;
    if constexpr (!std::is_void_v<R>) {
      SEDGE_TRY_ASSIGN(ComponentVal value, host::lower<R>(store, *std::move(done)));
      out.push_back(std::move(value));
    }
    return out;
  }
};
template <typename C, typename R, typename... A, void (C::*kMethod)(Store&, Completion<R>, A...)>
struct Method<kMethod> {
  static void of_resource(Store& store, std::span<ComponentVal> args, void*,
                          ComponentCompletion done) {
    auto self = host::lift<C*>(store, args[0]);
    if (!self) return done.fail(std::move(self).error());
    call(store, **self, args.subspan(1), std::move(done));
  }
  static void of_interface(Store& store, std::span<ComponentVal> args, void* self,
                           ComponentCompletion done) {
    call(store, *static_cast<C*>(self), args, std::move(done));
  }

 private:
  static void call(Store& store, C& self, std::span<ComponentVal> args, ComponentCompletion done) {
    auto lifted = Arguments<A...>::lift(store, args);
    if (auto fits = lifted.check(); !fits) return done.fail(std::move(fits).error());
    lifted.apply([&](auto&&... arg) {
      (self.*kMethod)(store, Completion<R>(store, std::move(done)),
                      std::forward<decltype(arg)>(arg)...);
    });
  }
};

}  // namespace sedge::host

#endif  // SEDGE_HOST_H_
