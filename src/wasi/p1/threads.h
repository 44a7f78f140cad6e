// wasi-threads: each thread of the guest is a system thread with a store and an instance of its
// own, around the memory they share. The first error of any thread ends them all.
#ifndef SEDGE_WASI_P1_THREADS_H_
#define SEDGE_WASI_P1_THREADS_H_

#include <sedge/wasi.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace sedge::wasi::p1 {

class ThreadGroup {
 public:
  ThreadGroup(uint32_t max_threads, StoreLimits limits) : max_(max_threads), limits_(limits) {}
  /// finish() must have been called if a thread was spawned; the destructor calls it otherwise.
  ~ThreadGroup();

  /// What new threads instantiate, and how stop() reaches the main thread. Called before the guest
  /// runs; without it no thread can be spawned.
  void prepare(const Engine& engine, InstancePre pre, Interrupter main);
  /// Starts a thread that calls `wasi_thread_start(id, argument)`. Returns its id (1 to 2^29 - 1),
  /// or nothing if the limit is reached or no instance can be made.
  std::optional<int32_t> spawn(Store& parent, Context& context, int32_t argument);

  /// Ends and joins all threads. Called from the main thread when its own call has ended with
  /// `outcome`; returns the first error of the group if one stopped it, else `outcome`.
  Result<void> finish(Result<void> outcome);
  /// An error of any thread, main included: kept if it is the first; interrupts all others.
  void stop(Error error);

 private:
  struct Thread {
    std::thread thread;
    Interrupter interrupter;
    bool done = false;
  };
  void body(int32_t id, std::unique_ptr<Store> store, Instance instance, int32_t argument);
  void reap();

  uint32_t max_;
  StoreLimits limits_;
  std::optional<Engine> engine_;
  std::optional<InstancePre> pre_;

  std::mutex mutex_;
  std::map<int32_t, Thread> threads_;
  std::optional<Interrupter> main_;
  std::optional<Error> first_;
  bool stopping_ = false;
  int32_t next_id_ = 1;
};

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_THREADS_H_
