// What calls functions beside HTTP: schedules, and folders into which events are put as files.
#ifndef SEDGE_SERVE_TRIGGERS_H_
#define SEDGE_SERVE_TRIGGERS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sedge/error.h>

#include "serve/schedule.h"

namespace sedge::serve {

/// One route's trigger: a schedule, or a folder of events.
struct Trigger {
  size_t route = 0;
  std::optional<Schedule> schedule;
  std::string task;    ///< of a schedule: `data.task` of its event
  std::string folder;  ///< of events
};

/// A thread that waits for what is due. One event of a trigger runs at a time: a schedule whose
/// last run has not ended is skipped, files of a folder go in the order of their names.
class Triggers {
 public:
  /// Takes the event, runs the function elsewhere, and calls `done` with its output. Must not
  /// block.
  using Done = std::function<void(Result<std::string> output)>;
  using Fire = std::function<void(size_t route, std::string event, Done done)>;
  /// Called for a schedule that was skipped.
  using Skipped = std::function<void(size_t route)>;

  Triggers(std::vector<Trigger> triggers, Fire fire, Skipped skipped);
  /// Fires no more. What runs goes on, and may end after this object.
  ~Triggers();
  Triggers(const Triggers&) = delete;
  Triggers& operator=(const Triggers&) = delete;

 private:
  struct Shared;
  struct State {
    Trigger trigger;
    std::optional<int64_t> due;  // of a schedule
  };

  void run();
  void tick(State& state, size_t index, int64_t now);
  void fire_file(const State& state, size_t index);

  std::vector<State> states_;
  const Fire fire_;
  const Skipped skipped_;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

/// {"event_type":"cron-trigger","data":{"task":…,"scheduled_at":…},"timestamp":…} and a newline.
std::string cron_event(std::string_view task, int64_t unix_seconds);
/// {"event_type":"event-bridge","data":…,"timestamp":…} around a JSON value; a value that is an
/// object with an `event_type` is the event itself.
std::string bridge_event(std::string_view json, int64_t unix_seconds);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_TRIGGERS_H_
