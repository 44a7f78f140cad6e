// What guests that wait without a thread wait for outside of this process: descriptors and times.
// One thread sleeps for all of them.
#ifndef SEDGE_SERVE_REACTOR_H_
#define SEDGE_SERVE_REACTOR_H_

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/fd.h"

namespace sedge::serve {

/// Thread-safe. Its thread is started by the first one who waits.
class Reactor {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Called on the reactor's thread; must not block.
  using Wake = std::function<void()>;

  Reactor() = default;
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Calls `wake` once: when one of `fds` has one of its events or an error, or `time` has come;
  /// earlier, too, where the system cannot watch a descriptor. The descriptors may be closed
  /// meanwhile, to no effect. The number is for `cancel`.
  uint64_t wait(std::span<const pollfd> fds, std::optional<Time> time, Wake wake);
  /// Afterwards `wake` is not called, unless that has begun.
  void cancel(uint64_t number);

 private:
  struct Entry {
    Wake wake;
    std::vector<Fd> fds;  ///< copies, so that closing and reuse of the originals do no harm
    std::optional<std::multimap<Time, uint64_t>::iterator> time;
  };
  bool start();
  void set_timer();
  void take(uint64_t number, std::vector<Wake>& into);
  void run();

  std::mutex mutex_;  // guards all but the thread
  Fd epoll_, timer_;
  std::unordered_map<uint64_t, Entry> entries_;
  std::multimap<Time, uint64_t> times_;
  uint64_t next_number_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_REACTOR_H_
