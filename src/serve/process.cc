// posix_spawn and a poll loop. Standard input is a socket, so that a child that does not read it
// gives an error and no signal.
#include "serve/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"

namespace sedge::serve {
namespace {

constexpr int kPollMs = 20;  // how soon a stop is noticed

// Kills and reaps at the end of its scope, whatever happens.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    // The group is the child's own from its first step on, which under qemu-user may be still to
    // come.
    if (::kill(-pid_, SIGKILL) != 0) ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

struct SpawnActions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnActions() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnActions() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
};

std::unexpected<Error> io_error(std::string_view what, int number) {
  return fail(ErrorCode::io, fmt::format(": {}: {}", what, std::strerror(number)));
}

Result<pid_t> spawn(const std::vector<std::string>& argv, int input, int output, int error) {
  SpawnActions actions;
  ::posix_spawn_file_actions_adddup2(&actions.files, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.files, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.files, error, STDERR_FILENO);
  // The server has signals blocked, which a child would inherit; its own group, to end it whole.
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&actions.attributes, &none);
  ::posix_spawnattr_setpgroup(&actions.attributes, 0);
  ::posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  int failure =
      ::posix_spawn(&pid, words[0], &actions.files, &actions.attributes, words.data(), environ);
  if (failure != 0) return io_error(argv[0], failure);
  return pid;
}

/// Appends what is there, at most `limit` in all; false at the end.
bool read_some(int fd, std::string& text, size_t limit, bool& over) {
  std::array<char, 65536> buffer;
  ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  size_t room = limit - std::min(limit, text.size());
  over |= static_cast<size_t>(got) > room;
  text.append(buffer.data(), std::min(static_cast<size_t>(got), room));
  return got > 0;
}

}  // namespace

Result<ProcessOutcome> run_process(const std::vector<std::string>& argv, std::string_view input,
                                   const ProcessLimits& limits, const std::atomic<bool>& stop) {
  int in[2], out[2], err[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
    return io_error("socketpair", errno);
  Fd in_child(in[0]), in_ours(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return io_error("pipe", errno);
  Fd out_ours(out[0]), out_child(out[1]);
  if (::pipe2(err, O_CLOEXEC) != 0) return io_error("pipe", errno);
  Fd err_ours(err[0]), err_child(err[1]);
  SEDGE_TRY_ASSIGN(pid_t pid, spawn(argv, in_child.get(), out_child.get(), err_child.get()));
  Child child(pid);
  in_child = Fd();
  out_child = Fd();
  err_child = Fd();

  ProcessOutcome outcome;
  bool over = false, ignored = false;
  bool out_open = true, err_open = true, in_open = true;
  while (out_open || err_open) {
    if (in_open && input.empty()) {
      ::shutdown(in_ours.get(), SHUT_WR);
      in_open = false;
    }
    if (stop.load(std::memory_order_relaxed)) return fail(ErrorCode::interrupted);
    if (std::chrono::steady_clock::now() >= limits.deadline)
      return fail(ErrorCode::deadline_exceeded);
    std::array<pollfd, 3> fds = {{{out_open ? out_ours.get() : -1, POLLIN, 0},
                                  {err_open ? err_ours.get() : -1, POLLIN, 0},
                                  {in_open ? in_ours.get() : -1, POLLOUT, 0}}};
    if (::poll(fds.data(), fds.size(), kPollMs) <= 0) continue;
    if (fds[0].revents)
      out_open = read_some(out_ours.get(), outcome.output, limits.max_output, over);
    if (fds[1].revents)
      err_open = read_some(err_ours.get(), outcome.error, limits.max_error, ignored);
    if (fds[2].revents) {
      ssize_t sent = ::send(in_ours.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0)
        input.remove_prefix(static_cast<size_t>(sent));
      else if (errno != EAGAIN && errno != EINTR)
        input = {};  // it does not want more
    }
    if (over)
      return fail(ErrorCode::bad_answer,
                  fmt::format(": the function printed more than {} bytes", limits.max_output));
  }
  outcome.status = child.wait();
  return outcome;
}

}  // namespace sedge::serve
