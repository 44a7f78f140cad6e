// The worker pool. A job starts when fewer than `cores` workers run that are not stuck.
#include "serve/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>

namespace sedge::serve {
namespace {

constexpr std::chrono::milliseconds kTick(10);
constexpr uint32_t kStuckTicks = 2;  // one may be the scheduler's doing, not the job's

// Signals are for the thread that waits for them; new threads inherit this thread's mask.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, &previous_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

 private:
  sigset_t previous_;
};

}  // namespace

WorkerPool::WorkerPool(uint32_t cores, uint32_t most, std::function<void()> tick)
    : cores_(std::max(cores, 1U)), most_(std::max(most, cores_)), tick_(std::move(tick)) {
  SignalsBlocked blocked;
  watcher_ = std::thread([this] { watch(); });
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  idle_.notify_all();
  watched_.notify_all();
  watcher_.join();
  // Nothing starts a worker any more.
  for (auto& worker : workers_) worker->thread.join();
}

uint32_t WorkerPool::threads() const {
  std::lock_guard lock(mutex_);
  return static_cast<uint32_t>(workers_.size());
}

void WorkerPool::start_worker() {
  SignalsBlocked blocked;
  workers_.push_back(std::make_unique<Worker>());
  Worker& worker = *workers_.back();
  worker.thread = std::thread([this, &worker] { work(worker); });
}

void WorkerPool::submit(Job job) {
  bool wake_watcher = false;
  {
    std::lock_guard lock(mutex_);
    wake_watcher = running_ == 0 && jobs_.empty();
    jobs_.push_back(std::move(job));
    uint32_t target = std::min(cores_ + stuck_, most_);
    if (running_ >= target) {
      // Someone who is running takes it, or the watcher raises the target.
    } else if (workers_.size() > running_) {
      idle_.notify_one();
    } else if (workers_.size() < most_) {
      start_worker();
    }
  }
  if (wake_watcher) watched_.notify_one();
}

void WorkerPool::work(Worker& worker) {
  std::unique_lock lock(mutex_);
  for (;;) {
    // The target falls again when stuck jobs end: surplus workers go idle here.
    while (jobs_.empty() || running_ >= std::min(cores_ + stuck_, most_)) {
      if (stopping_ && jobs_.empty()) return;
      idle_.wait(lock);
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    ++running_;
    ++worker.jobs;
    worker.running = true;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    worker.running = false;
    --running_;
    if (stopping_ && jobs_.empty()) idle_.notify_all();
  }
}

void WorkerPool::watch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (running_ == 0 && jobs_.empty()) {
      if (stopping_) return;
      stuck_ = 0;
      watched_.wait(lock);
    }
    watched_.wait_for(lock, kTick, [] { return false; });
    uint32_t stuck = 0;
    for (auto& worker : workers_) {
      bool same = worker->running && worker->jobs == worker->jobs_seen;
      worker->ticks = same ? worker->ticks + 1 : 0;
      worker->jobs_seen = worker->jobs;
      if (worker->ticks >= kStuckTicks) ++stuck;
    }
    stuck_ = stuck;
    uint32_t target = std::min(cores_ + stuck_, most_);
    for (size_t waiting = jobs_.size(); waiting > 0 && running_ < target; --waiting) {
      if (workers_.size() > running_) {
        // As many as there are jobs may go on; those who find none wait again.
        idle_.notify_all();
        break;
      }
      if (workers_.size() >= target) break;
      start_worker();
    }
    if (tick_) {
      lock.unlock();
      tick_();
      lock.lock();
    }
  }
}

}  // namespace sedge::serve
