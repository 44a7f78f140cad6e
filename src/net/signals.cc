// signalfd(2) behind a waiting function.
#include "net/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

namespace sedge::net {

Result<SignalWaiter> SignalWaiter::create(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail(ErrorCode::io, fmt::format(": signalfd: {}", strerror(errno)));
  return SignalWaiter(std::move(fd));
}

int SignalWaiter::wait(int timeout_ms) {
  pollfd entry{fd_.get(), POLLIN, 0};
  if (::poll(&entry, 1, timeout_ms) <= 0) return 0;
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace sedge::net
