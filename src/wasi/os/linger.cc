#include "wasi/os/linger.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sedge::wasi::os {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMost = 1000;
constexpr std::chrono::seconds kPatience{30};

struct Rest {
  Fd socket;
  std::string bytes;
  size_t at = 0;
  bool shut = false;
  Clock::time_point until;

  /// Whether there is nothing more to do.
  bool send() {
    while (at < bytes.size()) {
      ssize_t sent = ::send(socket.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (sent >= 0) {
        at += static_cast<size_t>(sent);
        until = Clock::now() + kPatience;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return Clock::now() >= until;
      } else if (errno != EINTR) {
        return true;
      }
    }
    if (shut) ::shutdown(socket.get(), SHUT_WR);
    return true;
  }
};

class Lingerer {
 public:
  void add(Rest rest) {
    std::lock_guard lock(mutex_);
    if (count_ == kMost) return;
    if (!wake_) wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) return;
    ++count_;
    added_.push_back(std::move(rest));
    if (std::exchange(running_, true)) {
      uint64_t one = 1;
      if (::write(wake_.get(), &one, sizeof one) < 0) return;  // it is awake already
      return;
    }
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &previous);
    std::thread([this] { work(); }).detach();
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  }

  bool wait(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, most, [this] { return count_ == 0; });
  }

 private:
  void work() {
    std::vector<Rest> rests;
    std::vector<pollfd> polled;
    for (;;) {
      {
        std::lock_guard lock(mutex_);
        for (Rest& rest : added_) rests.push_back(std::move(rest));
        added_.clear();
        if (rests.empty()) {
          running_ = false;
          return;
        }
      }
      polled.assign(1, {wake_.get(), POLLIN, 0});
      for (const Rest& rest : rests) polled.push_back({rest.socket.get(), POLLOUT, 0});
      ::poll(polled.data(), polled.size(), 1000);
      uint64_t count = 0;
      if (::read(wake_.get(), &count, sizeof count) < 0) count = 0;
      const size_t ended = std::erase_if(rests, [](Rest& rest) { return rest.send(); });
      std::lock_guard lock(mutex_);
      count_ -= ended;
      if (count_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable done_;
  Fd wake_;                  // made once
  std::vector<Rest> added_;  // guarded by mutex_, as what follows
  size_t count_ = 0;
  bool running_ = false;
};

/// Never destroyed: its thread may outlive everything else.
Lingerer& lingerer() {
  static Lingerer& one = *new Lingerer;
  return one;
}

}  // namespace

void linger(const Fd& socket, std::string bytes, bool shut) {
  Fd copy(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return;
  lingerer().add({std::move(copy), std::move(bytes), 0, shut, Clock::now() + kPatience});
}

bool finish_lingering(std::chrono::milliseconds most) { return lingerer().wait(most); }

}  // namespace sedge::wasi::os
