// Finding, starting and asking sedgec.
#include "engine/sedgec.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/companion.h"
#include "wasm/module.h"

extern "C" char** environ;

namespace sedge {
namespace {

std::unexpected<Error> failed(std::string why) {
  return fail(ErrorCode::compile_failed, ": " + std::move(why));
}

bool send_all(int fd, const void* from, size_t size) {
  const auto* at = static_cast<const uint8_t*>(from);
  while (size > 0) {
    const ssize_t put = ::send(fd, at, size, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}
bool receive_all(int fd, void* to, size_t size) {
  auto* at = static_cast<uint8_t*>(to);
  while (size > 0) {
    const ssize_t got = ::recv(fd, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

/// Takes memory as bytes come, whatever was announced.
template <typename Container>
bool receive_growing(int fd, Container& out, uint64_t size) {
  constexpr size_t kFirst = 1 << 20;
  for (size_t at = 0; at < size;) {
    const size_t piece = std::min<uint64_t>(size - at, std::max(kFirst, at));
    out.resize(at + piece);
    if (!receive_all(fd, out.data() + at, piece)) return false;
    at += piece;
  }
  return true;
}

constexpr uint32_t kMaxReport = 64u << 20;
constexpr uint64_t kMaxAnswer = uint64_t{4} << 30;

}  // namespace

std::string Sedgec::find() { return find_companion("sedgec", "SEDGEC"); }

Sedgec::~Sedgec() { stop(limits_.background); }

bool Sedgec::stop(bool kill) {
  socket_.reset();  // it ends with its input
  std::lock_guard lock(process_mutex_);
  int status = -1;
  if (process_ > 0) {
    if (kill) ::kill(process_, SIGKILL);
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  process_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void Sedgec::abort() {
  std::lock_guard lock(process_mutex_);
  aborted_ = true;
  if (process_ > 0) ::kill(process_, SIGKILL);
}

bool Sedgec::ended() {
  std::lock_guard lock(process_mutex_);
  if (process_ > 0 && ::waitpid(process_, nullptr, WNOHANG) == 0) return false;
  process_ = -1;
  return true;
}

Result<void> Sedgec::start() {
  const std::string program = find();
  if (program.empty())
    return fail(Error(ErrorCode::compile_failed, ": the compiler, sedgec, is not installed")
                    .with_remedy("install sedgec of the same version beside sedge or in "
                                 "../libexec/sedge, or let SEDGEC name it"));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return failed("no socket");
  Fd ours(ends[0]), theirs(ends[1]);
  if (limits_.wall_s != 0) {
    const timeval patience{static_cast<time_t>(limits_.wall_s), 0};
    ::setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  std::vector<std::string> arguments = {"sedgec", "--serve"};
  auto limit = [&arguments](const char* option, uint64_t value) {
    if (value != 0) arguments.insert(arguments.end(), {option, std::to_string(value)});
  };
  limit("--max-memory", limits_.memory_mib);
  limit("--max-time", limits_.cpu_s);
  limit("--max-wall", limits_.wall_s);
  if (limits_.background) arguments.emplace_back("--background");
  if (limits_.background && limits_.dies_with_us) arguments.emplace_back("--dies-with-parent");
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
  if (limits_.background) {
    // It may outlive us: nothing of ours may stay open in it, least of all a pipe's end.
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int kept = 3;
    if (limits_.held >= 0) ::posix_spawn_file_actions_adddup2(&actions, limits_.held, kept++);
    if (limits_.held >= 0 && limits_.ran >= 0)
      ::posix_spawn_file_actions_adddup2(&actions, limits_.ran, kept++);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, kept);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  }
  std::lock_guard lock(process_mutex_);
  const int error = aborted_ ? ECANCELED
                             : ::posix_spawn(&process_, program.c_str(), &actions, &attributes,
                                             pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    process_ = -1;
    return failed(program + " cannot be started");
  }
  socket_ = std::move(ours);
  return {};
}

bool Sedgec::exchange(const std::string& arguments, Bytes module, uint32_t& code, Answer& answer) {
  const int fd = socket_.get();
  const auto text_size = static_cast<uint32_t>(arguments.size());
  const uint64_t module_size = module.size();
  uint32_t report_size = 0;
  uint64_t size = 0;
  return send_all(fd, &text_size, sizeof(text_size)) &&
         send_all(fd, arguments.data(), arguments.size()) &&
         send_all(fd, &module_size, sizeof(module_size)) &&
         send_all(fd, module.data(), module.size()) && receive_all(fd, &code, sizeof(code)) &&
         receive_all(fd, &report_size, sizeof(report_size)) && report_size <= kMaxReport &&
         receive_all(fd, &size, sizeof(size)) && size <= kMaxAnswer &&
         receive_growing(fd, answer.report, report_size) &&
         receive_growing(fd, answer.artifact, size);
}

Result<Sedgec::Answer> Sedgec::compile(const std::vector<std::string>& arguments, Bytes module) {
  std::lock_guard lock(mutex_);
  std::string text;
  for (const std::string& argument : arguments) text.append(argument).push_back('\0');
  uint32_t code = 0;
  Answer answer;
  for (;;) {
    const bool used = static_cast<bool>(socket_);
    if (!used) SEDGE_TRY(start());
    answer = {};
    errno = 0;
    if (exchange(text, module, code, answer)) break;
    const bool late = errno == EAGAIN || errno == EWOULDBLOCK;
    // One that was left alone for long may end at this very moment.
    if (stop(true) && used) continue;
    return failed(late ? "sedgec took too long" : "sedgec ended without an answer");
  }
  if (code != 0) {
    return failed("sedgec says: " + std::string(answer.artifact.begin(), answer.artifact.end()));
  }
  return answer;
}

std::vector<std::string> sedgec_arguments(vm::ArtifactTarget target, const vm::ArtifactMode& mode,
                                          unsigned level) {
  std::vector<std::string> arguments = {"--target", target.name(), "-O", std::to_string(level)};
  if (mode.fuel) arguments.push_back("--fuel");
  if (mode.interruptible) arguments.push_back("--interruptible");
  if (!mode.exact) arguments.push_back("--fast");
  if (!mode.guarded) arguments.push_back("--checked");
  return arguments;
}

}  // namespace sedge
