// The thread sleeps until the next schedule is due, or for a moment where folders are watched. What
// became of a file is where it is moved: done/ with the function's output beside it, or failed/
// with the error.
#include "serve/triggers.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_scan.h"
#include "base/json_text.h"

namespace sedge::serve {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxEventBytes = 1 << 20;
constexpr auto kFolderPause = std::chrono::milliseconds(250);

/// The first event of a folder by name, or nothing. Names that begin with a dot are being written.
std::optional<fs::path> first_event(const std::string& folder) {
  std::optional<fs::path> first;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const fs::path& path = at->path();
    std::error_code ignored;
    if (path.extension() != ".json" || path.filename().native().starts_with('.') ||
        !at->is_regular_file(ignored))
      continue;
    if (!first || path.filename() < first->filename()) first = path;
  }
  return first;
}

void settle(const fs::path& file, const Result<std::string>& output) {
  std::error_code ignored;
  fs::path folder = file.parent_path() / (output ? "done" : "failed");
  fs::create_directories(folder, ignored);
  fs::path place = folder / file.filename();
  std::string text = output ? *output : output.error().render() + "\n";
  // A full disk must not keep the event from being moved.
  if (auto written = write_file(place.string() + (output ? ".out" : ".error"), text); !written)
    fs::remove(place.string() + ".out", ignored);
  fs::rename(file, place, ignored);
  // A file that cannot be moved would run again for ever.
  if (ignored) fs::remove(file, ignored);
}

}  // namespace

// What the done callbacks need; they may outlive the Triggers.
struct Triggers::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  bool again = false;  // a file has been dealt with: there may be a next
  std::vector<bool> busy;
};

Triggers::Triggers(std::vector<Trigger> triggers, Fire fire, Skipped skipped)
    : fire_(std::move(fire)), skipped_(std::move(skipped)), shared_(std::make_shared<Shared>()) {
  int64_t now = std::time(nullptr);
  for (Trigger& trigger : triggers) {
    State state{std::move(trigger), std::nullopt};
    if (state.trigger.schedule) state.due = state.trigger.schedule->next(now);
    states_.push_back(std::move(state));
  }
  shared_->busy.resize(states_.size());
  if (!states_.empty()) thread_ = std::thread([this] { run(); });
}

Triggers::~Triggers() {
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Triggers::run() {
  using std::chrono::system_clock;
  for (;;) {
    int64_t now = std::time(nullptr);
    for (size_t i = 0; i < states_.size(); ++i) tick(states_[i], i, now);
    system_clock::time_point wake = system_clock::now() + std::chrono::hours(1);
    for (const State& state : states_) {
      if (state.due) wake = std::min(wake, system_clock::from_time_t(*state.due));
      if (!state.trigger.folder.empty()) wake = std::min(wake, system_clock::now() + kFolderPause);
    }
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_until(lock, wake, [&] { return shared_->stopping || shared_->again; });
    if (shared_->stopping) return;
    shared_->again = false;
  }
}

void Triggers::tick(State& state, size_t index, int64_t now) {
  bool due = state.due && *state.due <= now;
  if (!due && state.trigger.folder.empty()) return;
  int64_t scheduled = state.due.value_or(now);
  if (due) state.due = state.trigger.schedule->next(now);
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->busy[index]) {
      if (due) skipped_(state.trigger.route);
      return;
    }
    shared_->busy[index] = true;
  }
  if (!due) return fire_file(state, index);
  fire_(state.trigger.route, cron_event(state.trigger.task, scheduled),
        [shared = shared_, index](const Result<std::string>&) {
          std::lock_guard lock(shared->mutex);
          shared->busy[index] = false;
        });
}

void Triggers::fire_file(const State& state, size_t index) {
  std::optional<fs::path> file = first_event(state.trigger.folder);
  auto free = [shared = shared_, index, any = file.has_value()] {
    std::lock_guard lock(shared->mutex);
    shared->busy[index] = false;
    shared->again |= any;
    shared->changed.notify_all();
  };
  if (!file) return free();
  auto bytes = read_file(file->string(), kMaxEventBytes);
  Result<std::string> event = std::string();
  if (!bytes) {
    event = fail(std::move(bytes).error());
  } else {
    std::string_view text = bytes->text();
    if (is_json(text))
      event = bridge_event(text, std::time(nullptr));
    else
      event = fail(ErrorCode::bad_argument, fmt::format(": {} is not JSON", file->string()));
  }
  if (!event) {
    settle(*file, event);
    return free();
  }
  fire_(state.trigger.route, *std::move(event),
        [file = *file, free](const Result<std::string>& output) {
          settle(file, output);
          free();
        });
}

std::string cron_event(std::string_view task, int64_t unix_seconds) {
  std::string out = R"({"event_type":"cron-trigger","data":{"task":)";
  append_json_string(out, task);
  std::tm utc{};
  std::time_t time = unix_seconds;
  ::gmtime_r(&time, &utc);
  out += fmt::format(R"(,"scheduled_at":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z"}},"timestamp":{}}})",
                     utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, unix_seconds);
  return out + "\n";
}

std::string bridge_event(std::string_view json, int64_t unix_seconds) {
  std::string line(json);
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  size_t begin = line.find_first_not_of(" \t");
  line.erase(0, begin == std::string::npos ? line.size() : begin);
  line.erase(line.find_last_not_of(" \t") + 1);
  if (auto members = json_members(line))
    for (const JsonMember& member : *members)
      if (member.name == "event_type") return line + "\n";
  return fmt::format("{{\"event_type\":\"event-bridge\",\"data\":{},\"timestamp\":{}}}\n", line,
                     unix_seconds);
}

}  // namespace sedge::serve
