// Streams and futures of WASI 0.3 over the streams of WASI 0.2: one way to the operating system.
#ifndef SEDGE_WASI_P3_CHANNELS_H_
#define SEDGE_WASI_P3_CHANNELS_H_

#include <functional>
#include <memory>
#include <optional>
#include <tuple>

#include <sedge/component_async.h>
#include <sedge/host.h>

#include "wasi/p2/streams.h"

namespace sedge::wasi::p3 {

/// The value of future<result<_, error-code>> for an end with this error, or a good one.
using Verdict = std::function<Result<ComponentVal>(Store&, std::optional<Errno>)>;

/// Something that goes on between the host and a guest. The store keeps it until it leaves or the
/// store is gone; callbacks know it weakly.
class Kept : public std::enable_shared_from_this<Kept> {
 public:
  explicit Kept(Store& store) : store_(store) {}
  virtual ~Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  /// Makes one of class T and lets the store keep it.
  template <typename T, typename... A>
  static std::shared_ptr<T> make(Store& store, A&&... arguments) {
    auto made = std::make_shared<T>(store, std::forward<A>(arguments)...);
    keep(store, made);
    return made;
  }

 protected:
  Store& store() const { return store_; }
  void leave();
  /// A callback that does nothing once this is gone.
  template <typename T, typename F>
  static auto weakly(T* self, F then) {
    std::weak_ptr<T> weak = std::static_pointer_cast<T>(self->shared_from_this());
    return [weak = std::move(weak), then = std::move(then)](auto&&... arguments) mutable {
      if (auto alive = weak.lock()) then(*alive, std::forward<decltype(arguments)>(arguments)...);
    };
  }
  /// Calls `then` soon after the condition may have become ready, unless stop_waiting comes first.
  /// One wait at a time.
  void wait_for(const p2::Condition& condition, const std::function<void()>& then);
  void stop_waiting();

 private:
  static void keep(Store& store, std::shared_ptr<Kept> kept);

  Store& store_;
  std::move_only_function<void()> stop_waiting_;
};

/// Moves something between the host and a guest's stream, and says in the end how that went.
class Pump : public Kept {
 public:
  Pump(Store& store, Verdict verdict, ComponentWriter future)
      : Kept(store), verdict_(std::move(verdict)), future_(std::move(future)) {}

  /// Makes one of class T and begins.
  template <typename T, typename... A>
  static void begin(Store& store, A&&... arguments) {
    make<T>(store, std::forward<A>(arguments)...)->start();
  }
  /// The last step: gives the future its value.
  void settle(std::optional<Errno> error);

 private:
  Verdict verdict_;
  std::optional<ComponentWriter> future_;
};

/// Gives a future its value, and keeps it there until it is read; `unread` is called if it never
/// is, as long as the store lives.
void give(ComponentWriter future, ComponentVal value, std::function<void()> unread = nullptr);

/// A future that already has its value.
Result<host::Future> settled(Store& store, const Verdict& verdict, std::optional<Errno> error);

/// A stream<u8> of what `from` gives until its end, and a future that says how it ended.
std::tuple<host::Stream, host::Future> read_from(Store& store,
                                                 std::unique_ptr<p2::InputStream> from,
                                                 Verdict verdict);
/// A stream that ends at once, and a future with the error.
Result<std::tuple<host::Stream, host::Future>> refused_stream(Store& store, const Verdict& verdict,
                                                              Errno error);
/// Writes all of `data` to `to`; the future says how it ended.
Result<host::Future> write_to(Store& store, host::Stream data, std::unique_ptr<p2::OutputStream> to,
                              Verdict verdict);

/// The verdict for an interface's own error-code, made from an Errno.
template <typename Code>
Verdict verdict_of(Code (*to_code)(Errno)) {
  return [to_code](Store& store, std::optional<Errno> error) {
    host::Outcome<host::Unit, Code> outcome = host::Unit{};
    if (error) outcome = host::Err<Code>{to_code(*error)};
    return host::lower<host::Outcome<host::Unit, Code>>(store, std::move(outcome));
  };
}

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_CHANNELS_H_
