// The reactor. A post() that finds tasks already waiting does not wake the loop again.
#include "net/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

namespace sedge::net {
namespace {

constexpr int kMaxEvents = 128;

int current_thread() {
  static thread_local const int id = static_cast<int>(::syscall(SYS_gettid));
  return id;
}

}  // namespace

uint64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll || !wake)
    return fail(ErrorCode::io, fmt::format(": cannot create an event loop: {}", strerror(errno)));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0)
    return fail(ErrorCode::io, fmt::format(": epoll_ctl: {}", strerror(errno)));
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

EventLoop::EventLoop(Fd epoll, Fd wake)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      timers_(now_ns() / 1'000'000),
      now_ms_(now_ns() / 1'000'000) {}

EventLoop::~EventLoop() = default;

bool EventLoop::on_loop_thread() const {
  return thread_id_.load(std::memory_order_relaxed) == current_thread();
}

Result<> EventLoop::add(int fd, uint32_t epoll_events, Source& source) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = &source;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return fail(ErrorCode::io, fmt::format(": epoll_ctl: {}", strerror(errno)));
  return {};
}

void EventLoop::remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::post(Task task) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (!first) return;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  post([this] { stopping_.store(true, std::memory_order_relaxed); });
}

void EventLoop::run_tasks() {
  std::vector<Task> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
}

void EventLoop::run() {
  thread_id_.store(current_thread(), std::memory_order_relaxed);
  epoll_event events[kMaxEvents];
  while (!stopping_.load(std::memory_order_relaxed)) {
    int count =
        ::epoll_wait(epoll_.get(), events, kMaxEvents, timers_.timeout_ms(now_ns() / 1'000'000));
    now_ms_ = now_ns() / 1'000'000;
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr)
        static_cast<Source*>(events[i].data.ptr)->on_event(events[i].events);
      else
        woken = true;
    }
    if (woken) run_tasks();
    timers_.advance(now_ms_);
    retired_.clear();
  }
  run_tasks();
  retired_.clear();
  thread_id_.store(0, std::memory_order_relaxed);
}

}  // namespace sedge::net
