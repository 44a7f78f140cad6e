// The worker pool. A job starts when fewer than `cores` workers run that are not stuck.
#include "serve/worker_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

namespace sedge::serve {
namespace {

constexpr std::chrono::milliseconds kTick(10);
constexpr uint32_t kNiceTicks = 10;
constexpr int kNice = 10;
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
  return alive_;
}

// How many jobs may run now.
uint32_t WorkerPool::target() const { return std::min(cores_ + stuck_, most_); }

void WorkerPool::start_worker() {
  SignalsBlocked blocked;
  workers_.push_back(std::make_unique<Worker>());
  ++alive_;
  Worker& worker = *workers_.back();
  worker.thread = std::thread([this, &worker] { work(worker); });
}

void WorkerPool::submit(Job job) {
  bool wake_watcher = false;
  {
    std::lock_guard lock(mutex_);
    wake_watcher = running_ == 0 && jobs_.empty();
    jobs_.push_back(std::move(job));
    if (running_ >= target()) {
      // Someone who is running takes it, or the watcher raises the target.
    } else if (alive_ > running_) {
      idle_.notify_one();
    } else if (alive_ < most_) {
      start_worker();
    }
  }
  if (wake_watcher) watched_.notify_one();
}

void WorkerPool::work(Worker& worker) {
  std::unique_lock lock(mutex_);
  worker.thread_id = static_cast<int>(::syscall(SYS_gettid));
  for (;;) {
    // The target falls again when stuck jobs end: surplus workers go idle here.
    while (jobs_.empty() || running_ >= target()) {
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
    if (!worker.nicer) continue;
    // Only a privileged process could raise the priority again. What waits goes to an idle worker,
    // or to one that the watcher starts: a thread begins with the priority of the one that starts
    // it.
    worker.retired = true;
    --alive_;
    if (!jobs_.empty()) idle_.notify_one();
    return;
  }
}

// Once a tick: how long has this worker's job been running?
void WorkerPool::judge(Worker& worker) {
  bool same = worker.running && worker.jobs == worker.jobs_seen;
  worker.ticks = same ? worker.ticks + 1 : 0;
  worker.jobs_seen = worker.jobs;
  if (worker.ticks >= kStuckTicks) ++stuck_;
  if (worker.ticks == kNiceTicks)
    worker.nicer = ::setpriority(PRIO_PROCESS, static_cast<id_t>(worker.thread_id), kNice) == 0;
}

std::vector<std::unique_ptr<WorkerPool::Worker>> WorkerPool::take_retired() {
  std::vector<std::unique_ptr<Worker>> retired;
  for (auto& worker : workers_)
    if (worker->retired) retired.push_back(std::move(worker));
  if (!retired.empty()) std::erase(workers_, nullptr);
  return retired;
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
    stuck_ = 0;
    for (auto& worker : workers_) judge(*worker);
    for (size_t waiting = jobs_.size(); waiting > 0 && running_ < target(); --waiting) {
      if (alive_ > running_) {
        // As many as there are jobs may go on; those who find none wait again.
        idle_.notify_all();
        break;
      }
      if (alive_ >= target()) break;
      start_worker();
    }
    std::vector<std::unique_ptr<Worker>> retired = take_retired();
    lock.unlock();
    for (auto& worker : retired) worker->thread.join();
    if (tick_) tick_();
    lock.lock();
  }
}

}  // namespace sedge::serve
