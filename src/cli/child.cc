// posix_spawn for the start, a pidfd for the deadline, wait4 for what it used.
#include "cli/child.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fd.h"

namespace sedge::cli {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t ns(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(time.tv_usec) * 1'000;
}

/// What the child does between its start and its program.
class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  void open(int fd, const std::string& path, int flags) {
    ::posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0666);
  }
  void folder(const std::string& path) {
    ::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str());
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// Waits until the process has ended or the time is over; whether it has ended.
bool ends_in_time(pid_t child, std::chrono::milliseconds timeout) {
  Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (handle.get() < 0) return true;  // an old kernel: wait for it, however long it takes
  auto until = Clock::now() + timeout;
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{handle.get(), POLLIN, 0};
    int ready = ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left.count(), 1'000'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;
  }
}

}  // namespace

std::optional<std::string> find_program(std::string_view name) {
  auto runs = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
  std::string whole(name);
  if (name.find('/') != std::string_view::npos)
    return runs(whole) ? std::optional(whole) : std::nullopt;
  const char* value = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string_view folders = value ? value : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    size_t colon = folders.find(':');
    std::string path = fmt::format("{}/{}", folders.substr(0, colon), name);
    if (runs(path)) return path;
    folders = colon == std::string_view::npos ? std::string_view() : folders.substr(colon + 1);
  }
  return std::nullopt;
}

Result<ChildOutcome> run_child(const std::vector<std::string>& argv, const ChildOptions& options) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  FileActions actions;
  int create = O_WRONLY | O_CREAT | O_TRUNC;
  actions.open(STDIN_FILENO, options.input, O_RDONLY);
  actions.open(STDOUT_FILENO, options.output, create);
  actions.open(STDERR_FILENO, options.error, create);
  if (!options.folder.empty()) actions.folder(options.folder);
  auto begin = Clock::now();
  pid_t child = 0;
  int failure = ::posix_spawn(&child, words[0], actions.get(), nullptr, words.data(), environ);
  if (failure != 0)
    return fail(ErrorCode::io, fmt::format(": cannot start {}: {}", argv[0],
                                           std::generic_category().message(failure)));
  bool in_time = ends_in_time(child, options.timeout);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  auto end = Clock::now();
  ChildOutcome out;
  out.status = !in_time ? 124 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  out.wall_ns = static_cast<uint64_t>(std::chrono::nanoseconds(end - begin).count());
  out.cpu_ns = ns(usage.ru_utime) + ns(usage.ru_stime);
  out.peak_kib = static_cast<uint64_t>(usage.ru_maxrss);
  return out;
}

uint64_t own_peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss);
}

}  // namespace sedge::cli
