// Formatting happens on the caller's thread, writing on the log's.
#include "serve/access_log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "base/json_text.h"

namespace sedge::serve {
namespace {

constexpr size_t kMaxBuffer = 4 << 20;
constexpr size_t kWakeAt = 64 << 10;
constexpr std::chrono::milliseconds kFlushEvery(100);

void append_time(std::string& out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  // Breaking a time down costs more than the rest of the line: once a second is enough.
  static thread_local time_t second = -1;
  static thread_local char text[24];
  if (now.tv_sec != second) {
    second = now.tv_sec;
    std::tm tm{};
    gmtime_r(&second, &tm);
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  }
  fmt::format_to(std::back_inserter(out), "{}.{:06}Z", text, now.tv_nsec / 1000);
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(std::string_view target) {
  int fd = -1;
  Fd owned;
  if (target == "stdout") {
    fd = STDOUT_FILENO;
  } else if (target == "stderr") {
    fd = STDERR_FILENO;
  } else if (target != "none") {
    std::string path(target);
    owned = Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
    if (!owned)
      return fail(ErrorCode::io,
                  fmt::format(": cannot open the access log {}: {}", path, strerror(errno)));
    fd = owned.get();
  }
  return std::unique_ptr<AccessLog>(new AccessLog(fd, std::move(owned)));
}

AccessLog::AccessLog(int fd, Fd owned) : fd_(fd), owned_(std::move(owned)), chunk_(kWakeAt) {
  if (fd_ < 0) return;
  struct stat status{};
  if (::fstat(fd_, &status) == 0 && !S_ISREG(status.st_mode)) chunk_ = PIPE_BUF;
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

AccessLog::~AccessLog() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

void AccessLog::write(const AccessEntry& entry) {
  if (!enabled()) return;
  std::string line;
  line.reserve(384);
  line += "{\"time\":\"";
  append_time(line);
  line += '"';
  auto text = [&](std::string_view key, std::string_view value) {
    line.append(",\"").append(key).append("\":");
    append_json_string(line, value);
  };
  auto number = [&](std::string_view key, uint64_t value) {
    fmt::format_to(std::back_inserter(line), ",\"{}\":{}", key, value);
  };
  text("request_id", entry.request_id);
  text("peer", entry.peer);
  text("method", entry.method);
  text("target", entry.target);
  if (!entry.protocol.empty()) text("protocol", entry.protocol);
  if (!entry.host.empty()) text("host", entry.host);
  if (!entry.user_agent.empty()) text("user_agent", entry.user_agent);
  if (!entry.route.empty()) text("route", entry.route);
  number("status", static_cast<uint64_t>(entry.status));
  number("bytes_in", entry.bytes_in);
  number("bytes_out", entry.bytes_out);
  number("duration_us", entry.duration_ns / 1000);
  if (entry.run_ns > 0) {
    number("queue_us", entry.queue_ns / 1000);
    number("run_us", entry.run_ns / 1000);
  }
  if (!entry.error.empty()) text("error", entry.error);
  line += "}\n";
  write_line(line);
}

void AccessLog::write_line(std::string_view line) {
  if (!enabled()) return;
  bool wake;
  {
    std::lock_guard lock(mutex_);
    if (buffer_.size() + line.size() > kMaxBuffer) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    // The first line wakes the writer, which then collects for a while; a full buffer cuts that.
    wake = buffer_.empty() || (buffer_.size() < kWakeAt && buffer_.size() + line.size() >= kWakeAt);
    buffer_ += line;
  }
  if (wake) ready_.notify_one();
}

void AccessLog::run() {
  std::string batch;
  std::unique_lock lock(mutex_);
  while (!stopping_ || !buffer_.empty()) {
    if (buffer_.empty()) {
      ready_.wait(lock);
      continue;
    }
    if (!stopping_)
      ready_.wait_for(lock, kFlushEvery, [&] { return stopping_ || buffer_.size() >= kWakeAt; });
    batch.clear();
    batch.swap(buffer_);
    lock.unlock();
    bool good = write_out(batch);
    lock.lock();
    if (!good && stopping_) return;
  }
}

// A reader that does not read must not keep the server from ending: a pipe is written to only in
// pieces that it has room for.
bool AccessLog::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd writable{fd_, POLLOUT, 0};
    int ready = ::poll(&writable, 1, 200);
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) {
      if (stopping_) return false;
      continue;
    }
    ssize_t written = ::write(fd_, bytes.data(), std::min(bytes.size(), chunk_));
    if (written > 0)
      bytes.remove_prefix(static_cast<size_t>(written));
    else if (written < 0 && errno != EINTR && errno != EAGAIN)
      return false;
  }
  return true;
}

}  // namespace sedge::serve
