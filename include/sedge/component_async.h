// What hosts need for components that wait: asynchronous host functions, host functions that park
// their guest, streams and futures that the host reads or writes, and calls that are started now
// and end later. Everything here belongs to one store and is called on its thread unless it says
// that it is thread-safe.
//
// Two ways to run a store's guests:
// - ComponentFunc::call drives the store until the call returns and sleeps while all guests wait.
// - ComponentFunc::start only starts it. Whoever has an event loop calls ComponentLoop::poll when
//   on_wake has told so, when a descriptor of `interests` is ready and at `next_time`; from one
//   thread or another, one at a time. Waiting guests cost no thread; one that waits in a callback
//   costs no stack either.
#ifndef SEDGE_COMPONENT_ASYNC_H_
#define SEDGE_COMPONENT_ASYNC_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <poll.h>

#include <sedge/component.h>

namespace sedge {

struct ComponentLoopImpl;

/// The event loop of a store, made when it is first asked for. A small handle.
class ComponentLoop {
 public:
  using Clock = std::chrono::steady_clock;
  static ComponentLoop of(Store& store);

  /// Wakes the loop from any thread; may outlive the store, and does nothing then.
  class Remote {
   public:
    /// Runs `what` on the store's thread. Thread-safe.
    void post(std::function<void(Store&)> what) const;
    /// Makes those who wait in suspend_until look again. Thread-safe.
    void wake() const;

   private:
    friend class ComponentLoop;
    std::shared_ptr<ComponentLoopImpl> impl_;
  };
  Remote remote() const;
  /// While the result lives, something outside is going to post: a store in which nothing else can
  /// go on waits for that instead of trapping with "deadlock detected".
  std::shared_ptr<void> expect() const;

  /// Calls `then` once, at `time` or soon after. The number is for `cancel`.
  uint64_t at(Clock::time_point time, std::function<void()> then) const;
  /// Calls `then` once, when the descriptor has one of `events` (poll(2)) or an error; it stays the
  /// caller's, and open until then.
  uint64_t when(int fd, short events, std::function<void(short revents)> then) const;
  /// Takes back what has not been called; does nothing otherwise.
  void cancel(uint64_t number) const;

  /// Runs what tasks do after they have given their result, until no guest is left or nothing can
  /// make one go on. Errors: deadline_exceeded, interrupted; those of a task that no call of the
  /// host was left to be told of.
  Result<void> finish() const;
  /// Whether `finish` would return at once: for those who poll.
  bool finished() const;

  // For event loops of the host.
  /// `notify` is called, from any thread and at most once until the next `poll`, when `poll` has
  /// something to do.
  void on_wake(std::function<void()> notify) const;
  /// Runs what can run; returns when all calls have ended or wait. Never blocks.
  void poll() const;
  /// Appends the descriptors that guests wait for.
  void interests(std::vector<pollfd>& out) const;
  /// When `poll` is to be called at the latest: the next timer. A store's deadline and interrupts
  /// are told by on_wake.
  std::optional<Clock::time_point> next_time() const;

 private:
  explicit ComponentLoop(std::shared_ptr<ComponentLoopImpl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<ComponentLoopImpl> impl_;
};

/// For host functions that look synchronous: parks the guest that called, with everything of its
/// store, until `ready` says true. `ready` is asked now and whenever the loop has done something (a
/// timer, a descriptor, a post, a wake). In a call that was started the thread goes on with other
/// stores; else it sleeps. Errors: deadline_exceeded, interrupted.
Result<void> suspend_until(Store& store, const std::function<bool()>& ready);

/// What a copy of a stream or future gave.
struct ComponentItems {
  std::vector<ComponentVal> values;
  std::vector<uint8_t> bytes;  ///< of elements that are numbers, little-endian, if asked for
  uint32_t count = 0;          ///< of elements that were copied
  bool ended = false;          ///< the other end is gone: nothing more will be copied
};

struct ChannelEnd;
/// The host's readable end of a stream or future. Move-only; dropping it tells the writer.
class ComponentReader {
 public:
  /// Nothing; only to be assigned to.
  ComponentReader() = default;
  ComponentReader(ComponentReader&&) noexcept = default;
  ComponentReader& operator=(ComponentReader&&) noexcept = default;
  ~ComponentReader() = default;
  /// Takes a value of kind stream or future, as host functions and calls get it. Error:
  /// bad_argument for any other, or one that was taken.
  static Result<ComponentReader> from(Store& store, ComponentVal value);
  /// Reads 1 to `most` elements (0: waits until the writer is ready); `then` is called by the loop,
  /// on the store's thread. One read at a time.
  void read(uint32_t most, std::function<void(ComponentItems)> then);
  /// The same for numbers, in their memory form: one byte for each u8.
  void read_bytes(uint32_t most, std::function<void(ComponentItems)> then);
  /// Ends a read that waits: `then` is called with what was copied.
  void cancel();

 private:
  std::shared_ptr<ChannelEnd> end_;
};

/// The host's writable end of a stream or future. Move-only; dropping it ends a stream, and traps
/// the guest that reads a future that was never written.
class ComponentWriter {
 public:
  /// Nothing; only to be assigned to.
  ComponentWriter() = default;
  ComponentWriter(ComponentWriter&&) noexcept = default;
  ComponentWriter& operator=(ComponentWriter&&) noexcept = default;
  ~ComponentWriter() = default;
  /// A new stream or future: its readable end, to be given to a guest as argument or result, and
  /// the writable one.
  static std::pair<ComponentVal, ComponentWriter> stream(Store& store);
  static std::pair<ComponentVal, ComponentWriter> future(Store& store);
  /// Offers elements; `then` is called by the loop, on the store's thread, when the reader has
  /// taken some of them (ComponentItems::count) or is gone. One write at a time.
  void write(std::vector<ComponentVal> values, std::function<void(ComponentItems)> then);
  /// The same for numbers, in their memory form.
  void write_bytes(std::vector<uint8_t> bytes, std::function<void(ComponentItems)> then);
  void cancel();
  /// Calls `then` once, within what drops the reader; by the loop if that has happened already.
  void on_dropped(std::function<void()> then);

 private:
  std::shared_ptr<ChannelEnd> end_;
};

}  // namespace sedge

#endif  // SEDGE_COMPONENT_ASYNC_H_
