// See loop.h. What comes from other threads goes through one queue under a lock; whoever sleeps
// does so in poll(2) on an eventfd and the descriptors that are waited for.
#include "component/loop.h"

#include <algorithm>
#include <cerrno>

#include <sys/eventfd.h>

#include "component/call.h"
#include "component/channel.h"
#include "component/instance.h"
#include "component/task.h"
#include "runtime/store_impl.h"

namespace sedge {

using component::ComponentStore;
using component::Scheduler;

ComponentLoopImpl::ComponentLoopImpl(Store& of) : store(&of.impl()) {
  // Deadlines and interrupts end what waits.
  std::lock_guard lock(store->interrupt->mutex);
  store->interrupt->on_raise = [this] { wake(); };
}

// From any thread

void ComponentLoopImpl::post(std::function<void(Store&)> what) {
  {
    std::lock_guard lock(mutex);
    if (!store) return;
    posted.push_back(std::move(what));
  }
  wake();
}

void ComponentLoopImpl::wake() {
  woken = true;
  std::function<void()> told;
  {
    std::lock_guard lock(mutex);
    if (!store) return;
    if (bell) {
      uint64_t one = 1;
      [[maybe_unused]] ssize_t written = ::write(bell.get(), &one, sizeof(one));
    }
    if (notify && !std::exchange(notified, true)) told = notify;
  }
  if (told) told();
}

void ComponentLoopImpl::expect(int change) {
  expected += change;
  if (change < 0) wake();
}

// On the store's thread

bool ComponentLoopImpl::run_timers() {
  bool any = false;
  while (!timers.empty() && timers.begin()->first.first <= Clock::now()) {
    auto first = timers.extract(timers.begin());
    timer_times.erase(first.key().second);
    first.mapped()();
    any = true;
  }
  return any;
}

bool ComponentLoopImpl::run_watches(int timeout_ms) {
  std::vector<pollfd> fds;
  std::vector<uint64_t> numbers;
  if (bell) fds.push_back({bell.get(), POLLIN, 0});
  const size_t first = fds.size();
  for (const auto& [number, watch] : watches) {
    fds.push_back({watch.fd, watch.events, 0});
    numbers.push_back(number);
  }
  if (fds.empty() || ::poll(fds.data(), fds.size(), timeout_ms) <= 0) return false;
  if (first != 0 && fds[0].revents != 0) {
    uint64_t count = 0;
    [[maybe_unused]] ssize_t got = ::read(bell.get(), &count, sizeof(count));
  }
  bool any = false;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (fds[first + i].revents == 0) continue;
    auto found = watches.find(numbers[i]);
    if (found == watches.end()) continue;  // another one has cancelled it
    auto then = std::move(found->second.then);
    watches.erase(found);
    then(fds[first + i].revents);
    any = true;
  }
  return any;
}

bool ComponentLoopImpl::drain() {
  bool any = !todo.empty();
  for (size_t left = todo.size(); left > 0 && !todo.empty(); --left) {
    auto what = std::move(todo.front());
    todo.pop_front();
    what();
  }
  if (woken.exchange(false)) {
    any = true;  // whoever waits has to look again
    std::deque<std::function<void(Store&)>> taken;
    {
      std::lock_guard lock(mutex);
      taken.swap(posted);
      notified = false;
    }
    for (auto& what : taken) what(*store->facade);
  }
  return run_timers() || any;
}

bool ComponentLoopImpl::expects() const {
  return !todo.empty() || !timers.empty() || !watches.empty() || expected > 0 || woken;
}

int ComponentLoopImpl::sleep_ms() const {
  std::optional<Clock::time_point> until = store->deadline;
  if (!timers.empty() && (!until || timers.begin()->first.first < *until))
    until = timers.begin()->first.first;
  if (!until) return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000'000));
}

void ComponentLoopImpl::pause() {
  if (driver && driver->running()) return driver->suspend();
  if (!bell) {
    std::lock_guard lock(mutex);
    bell = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  }
  if (!todo.empty() || woken) return;
  run_watches(sleep_ms());
}

Result<void> ComponentLoopImpl::check_stop() const {
  if (!store) return fail(ErrorCode::interrupted);
  if (!store->should_stop()) return {};
  const bool killed =
      (store->context.interrupt.load(std::memory_order_relaxed) & vm::kInterruptKill) != 0;
  return fail(killed ? ErrorCode::interrupted : ErrorCode::deadline_exceeded);
}

Result<void> ComponentLoopImpl::drive(const std::function<bool()>& done) {
  Scheduler& scheduler = Scheduler::of(*store->facade);
  Scheduler::NoThread no_thread(scheduler);
  while (!done()) {
    SEDGE_TRY(check_stop());
    const bool did = drain();
    if (done()) break;
    if (scheduler.tick() || did) continue;
    if (!watches.empty() && run_watches(0)) continue;
    if (!expects())
      return component::trap("deadlock detected: event loop cannot make further progress");
    pause();
  }
  return {};
}

Result<void> ComponentLoopImpl::finish() {
  Scheduler& scheduler = Scheduler::of(*store->facade);
  Scheduler::NoThread no_thread(scheduler);
  for (;;) {
    SEDGE_TRY(check_stop());
    if (drain() || scheduler.tick() || run_watches(0)) continue;
    if (!scheduler.has_threads() || !expects()) break;
    pause();
  }
  if (auto lost = scheduler.take_lost()) return fail(*std::move(lost));
  return {};
}

bool ComponentLoopImpl::finished() const {
  if (driver || !todo.empty()) return false;
  Scheduler& scheduler = Scheduler::of(*store->facade);
  return !scheduler.has_threads() || (!scheduler.has_ready() && !expects());
}

void ComponentLoopImpl::run_driver() {
  // Guests that never wait must not keep the host's own loop waiting.
  constexpr int kSteps = 1000;
  Scheduler& scheduler = Scheduler::of(*store->facade);
  for (int left = kSteps; left > 0; --left) {
    if (!drain() && !scheduler.tick() && !run_watches(0)) return;
    if (!check_stop()) return;
  }
  wake();
}

void ComponentLoopImpl::poll() {
  if (!store) return;
  Scheduler& scheduler = Scheduler::of(*store->facade);
  if (driver && driver->running()) return;  // from inside of it
  if (!driver) {
    auto made = runtime::Fiber::create(*store, [this] { run_driver(); });
    if (!made) {
      // Without a stack nothing may run here, where it could not wait: what was started fails, too.
      no_stack = std::move(made).error();
      scheduler.fail_all([this] { return *no_stack; });
      while (!todo.empty()) drain();
      no_stack.reset();
      return;
    }
    driver = std::move(*made);
  } else {
    // What a host function waits for may have come.
    drain();
    run_watches(0);
  }
  driver->resume();
  if (!driver->ended()) return;
  driver.reset();
  if (auto may = check_stop(); !may) {
    Error error = std::move(may).error();
    scheduler.fail_all([&error] { return Error(error.code()); });
  } else if (scheduler.has_calls() && !expects()) {
    scheduler.fail_all([] {
      return Error(ErrorCode::component_trap,
                   ": deadlock detected: event loop cannot make further progress");
    });
  }
  while (!todo.empty()) drain();
}

bool ComponentLoopImpl::is_idle() {
  std::lock_guard lock(mutex);
  return timers.empty() && watches.empty() && todo.empty() && waiting_ends.empty() &&
         (!driver || driver->ended()) && posted.empty() && expected.load() == 0;
}

void ComponentLoopImpl::end() {
  Scheduler& scheduler = Scheduler::of(*store->facade);
  std::shared_ptr<ComponentLoopImpl> self = ComponentStore::of(*store->facade).loop;
  {
    std::lock_guard lock(store->interrupt->mutex);
    store->interrupt->on_raise = nullptr;
  }
  // Whoever waits sees this and gives up; stacks unwind without core code.
  store->context.interrupt.fetch_or(vm::kInterruptKill, std::memory_order_relaxed);
  if (driver && !driver->ended()) driver->resume();
  driver.reset();
  scheduler.fail_all([] { return Error(ErrorCode::interrupted); });
  std::deque<std::function<void(Store&)>> dropped;
  {
    std::lock_guard lock(mutex);
    store = nullptr;
    dropped.swap(posted);
    notify = nullptr;
  }
  todo.clear();
  timers.clear();
  timer_times.clear();
  watches.clear();
  for (const auto& [key, weak] : std::exchange(waiting_ends, {}))
    if (auto waiting = weak.lock()) waiting->then = nullptr;
}

// The public face

ComponentLoop ComponentLoop::of(Store& store) {
  return ComponentLoop(ComponentStore::of(store).loop);
}

ComponentLoop::Remote ComponentLoop::remote() const {
  Remote out;
  out.impl_ = impl_;
  return out;
}

void ComponentLoop::Remote::post(std::function<void(Store&)> what) const {
  impl_->post(std::move(what));
}
void ComponentLoop::Remote::wake() const { impl_->wake(); }

std::shared_ptr<void> ComponentLoop::expect() const {
  impl_->expect(1);
  return std::shared_ptr<void>(nullptr, [loop = impl_](void*) { loop->expect(-1); });
}

uint64_t ComponentLoop::at(Clock::time_point time, std::function<void()> then) const {
  uint64_t number = impl_->next_number++;
  impl_->timers.emplace(ComponentLoopImpl::TimerKey(time, number), std::move(then));
  impl_->timer_times.emplace(number, time);
  return number;
}

uint64_t ComponentLoop::when(int fd, short events, std::function<void(short)> then) const {
  uint64_t number = impl_->next_number++;
  impl_->watches.emplace(number, ComponentLoopImpl::Watch{fd, events, std::move(then)});
  return number;
}

void ComponentLoop::cancel(uint64_t number) const {
  if (impl_->watches.erase(number) != 0) return;
  auto timer = impl_->timer_times.extract(number);
  // What `then` holds goes after the loop has forgotten it: it may cancel others.
  if (timer) impl_->timers.extract({timer.mapped(), number});
}

void ComponentLoop::on_wake(std::function<void()> notify) const {
  std::lock_guard lock(impl_->mutex);
  impl_->notify = std::move(notify);
}

Result<void> ComponentLoop::finish() const { return impl_->finish(); }
bool ComponentLoop::finished() const { return impl_->finished(); }

void ComponentLoop::poll() const { impl_->poll(); }

void ComponentLoop::interests(std::vector<pollfd>& out) const {
  for (const auto& [number, watch] : impl_->watches) out.push_back({watch.fd, watch.events, 0});
}

std::optional<ComponentLoop::Clock::time_point> ComponentLoop::next_time() const {
  if (impl_->timers.empty()) return std::nullopt;
  return impl_->timers.begin()->first.first;
}

Result<void> suspend_until(Store& store, const std::function<bool()>& ready) {
  std::shared_ptr<ComponentLoopImpl> loop = ComponentStore::of(store).loop;
  while (!ready()) {
    SEDGE_TRY(loop->check_stop());
    if (loop->drain() || loop->run_watches(0)) continue;
    loop->pause();
  }
  return {};
}

}  // namespace sedge
