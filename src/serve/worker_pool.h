// Threads that run functions. Normally as many are active as there are cores; when jobs run long,
// further threads step in (up to a maximum), so that no function keeps the others from running: a
// watching thread counts the workers whose job has outlasted a few ticks and replaces them. A
// thread whose job goes on for longer is made nicer, so that short requests and the event loops
// come first.
#ifndef SEDGE_SERVE_WORKER_POOL_H_
#define SEDGE_SERVE_WORKER_POOL_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sedge::serve {

class WorkerPool {
 public:
  using Job = std::move_only_function<void()>;

  /// `cores` threads are kept active, at most `most` exist. `tick`, if given, is called every 10 ms
  /// while jobs run or wait, on the watching thread.
  WorkerPool(uint32_t cores, uint32_t most, std::function<void()> tick = {});
  /// Runs every job that was submitted, then ends the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Any thread.
  void submit(Job job);
  uint32_t threads() const;

 private:
  struct Worker {
    std::thread thread;
    uint64_t jobs = 0;       // begun so far
    uint64_t jobs_seen = 0;  // by the watcher, at its last tick
    uint32_t ticks = 0;      // of the watcher since the job began
    int thread_id = 0;       // the kernel's
    bool running = false;
    bool nicer = false;    // lowered in priority, for good: ends with its job
    bool retired = false;  // its thread ends and can be joined
  };

  void work(Worker& worker);
  void watch();
  void start_worker();
  uint32_t target() const;
  void judge(Worker& worker);
  std::vector<std::unique_ptr<Worker>> take_retired();

  const uint32_t cores_;
  const uint32_t most_;
  const std::function<void()> tick_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;     // workers wait here for jobs
  std::condition_variable watched_;  // the watcher waits here for something to watch
  std::deque<Job> jobs_;
  std::vector<std::unique_ptr<Worker>> workers_;
  uint32_t alive_ = 0;  // workers that are not retired
  uint32_t running_ = 0;
  uint32_t stuck_ = 0;  // workers whose job has outlasted a few ticks
  bool stopping_ = false;
  std::thread watcher_;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_WORKER_POOL_H_
