// Threads of a guest: spawning, the error that ends all of them, joining.
#include "wasi/p1/threads.h"

#include <system_error>
#include <utility>

namespace sedge::wasi::p1 {
namespace {

constexpr int32_t kMaxThreadId = (1 << 29) - 1;  // wasi-threads: the upper bits are libc's

}  // namespace

ThreadGroup::~ThreadGroup() {
  if (auto ignored = finish({}); !ignored) {
    // Nobody is left to tell.
  }
}

std::optional<int32_t> ThreadGroup::spawn(Store& parent, Context& context, int32_t argument) {
  reap();
  int32_t id;
  {
    std::lock_guard lock(mutex_);
    if (!pre_ || stopping_ || threads_.size() >= max_) return std::nullopt;
    // Ids in use are skipped; max_ is far below their number.
    while (threads_.contains(next_id_)) next_id_ = next_id_ == kMaxThreadId ? 1 : next_id_ + 1;
    id = next_id_;
    next_id_ = next_id_ == kMaxThreadId ? 1 : next_id_ + 1;
    threads_[id];  // holds the place
  }
  auto give_up = [&]() -> std::optional<int32_t> {
    std::lock_guard lock(mutex_);
    threads_.erase(id);
    return std::nullopt;
  };

  auto store = std::make_unique<Store>(*engine_, limits_);
  // Not an owner: the context joins this thread before it goes.
  store->set_data(std::shared_ptr<Context>(std::shared_ptr<void>(), &context));
  store->set_deadline(parent.deadline());
  uint64_t fuel = 0;
  if (engine_->config().fuel) {
    // Threads share what the guest was given, or it could spawn its way out of the limit.
    fuel = parent.fuel() / 2;
    store->set_fuel(fuel);
  }
  auto instance = pre_->instantiate(*store);
  if (!instance || !instance->get_func(*store, "wasi_thread_start")) return give_up();

  std::lock_guard lock(mutex_);
  if (stopping_) {
    threads_.erase(id);
    return std::nullopt;
  }
  Thread& entry = threads_[id];
  entry.interrupter = store->interrupter();
  // std::thread reports a refusal of the system only by throwing.
  try {
    entry.thread =
        std::thread([this, id, store = std::move(store), instance = *instance, argument]() mutable {
          body(id, std::move(store), instance, argument);
        });
  } catch (const std::system_error&) {
    threads_.erase(id);
    return std::nullopt;
  }
  if (fuel > 0) parent.set_fuel(parent.fuel() - fuel);
  return id;
}

void ThreadGroup::body(int32_t id, std::unique_ptr<Store> store, Instance instance,
                       int32_t argument) {
  {
    auto start = instance.get_func(*store, "wasi_thread_start");
    auto outcome = start->call(*store, {Val(id), Val(argument)});
    if (!outcome) stop(std::move(outcome).error());
  }
  store.reset();
  std::lock_guard lock(mutex_);
  if (auto it = threads_.find(id); it != threads_.end()) it->second.done = true;
}

void ThreadGroup::reap() {
  std::vector<std::thread> finished;
  {
    std::lock_guard lock(mutex_);
    for (auto it = threads_.begin(); it != threads_.end();) {
      if (it->second.done) {
        finished.push_back(std::move(it->second.thread));
        it = threads_.erase(it);
      } else {
        ++it;
      }
    }
  }
  for (std::thread& thread : finished) thread.join();
}

void ThreadGroup::prepare(const Engine& engine, InstancePre pre, Interrupter main) {
  std::lock_guard lock(mutex_);
  engine_ = engine;
  pre_ = std::move(pre);
  main_ = std::move(main);
}

void ThreadGroup::stop(Error error) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  stopping_ = true;
  first_ = std::move(error);
  for (auto& [id, thread] : threads_)
    if (thread.interrupter.state) thread.interrupter.interrupt();
  if (main_) main_->interrupt();
}

Result<void> ThreadGroup::finish(Result<void> outcome) {
  std::map<int32_t, Thread> threads;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, thread] : threads_)
      if (thread.interrupter.state) thread.interrupter.interrupt();
    // Taken out so that a thread that ends meanwhile does not touch its entry.
    threads.swap(threads_);
    main_.reset();
  }
  for (auto& [id, thread] : threads)
    if (thread.thread.joinable()) thread.thread.join();
  std::lock_guard lock(mutex_);
  if (first_) return fail(std::move(*std::exchange(first_, std::nullopt)));
  return outcome;
}

}  // namespace sedge::wasi::p1
