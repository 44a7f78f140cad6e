// One epoll reactor: file descriptors, timers and tasks posted from other threads, all handled on
// the thread that calls run().
#ifndef SEDGE_NET_EVENT_LOOP_H_
#define SEDGE_NET_EVENT_LOOP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <sedge/error.h>

#include "base/fd.h"
#include "net/timer.h"

namespace sedge::net {

/// Monotonic clock.
uint64_t now_ns();

class EventLoop {
 public:
  using Task = std::move_only_function<void()>;

  /// What a descriptor's events go to. Objects that go away while events are handled are handed to
  /// retire(), because a later event of the same batch may still name them.
  class Source {
   public:
    virtual ~Source() = default;
    virtual void on_event(uint32_t epoll_events) = 0;
  };

  static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Handles events until stop(). The calling thread becomes the loop's thread.
  void run();
  /// Ends run() after the current batch. Any thread.
  void stop();
  /// Runs `task` on the loop's thread; any thread. Tasks of one thread run in their order. Tasks
  /// that are posted after run() has ended are destroyed with the loop.
  void post(Task task);

  // The rest: on the loop's thread (or before run()) only.
  Result<> add(int fd, uint32_t epoll_events, Source& source);
  void remove(int fd);
  /// Destroys `source` after the current batch of events.
  void retire(std::unique_ptr<Source> source) { retired_.push_back(std::move(source)); }
  TimerWheel& timers() { return timers_; }
  /// Time of the current batch in milliseconds.
  uint64_t now_ms() const { return now_ms_; }
  bool on_loop_thread() const;

 private:
  EventLoop(Fd epoll, Fd wake);
  void run_tasks();

  Fd epoll_;
  Fd wake_;
  TimerWheel timers_;
  uint64_t now_ms_;
  std::vector<std::unique_ptr<Source>> retired_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> thread_id_ = 0;
  std::mutex mutex_;
  std::vector<Task> tasks_;  // guarded by mutex_
};

}  // namespace sedge::net

#endif  // SEDGE_NET_EVENT_LOOP_H_
