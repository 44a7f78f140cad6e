// When a cron trigger fires: five fields (minute, hour, day of the month, month, day of the week)
// as in crontab(5), @hourly and its like, or @every DURATION. Times are UTC.
#ifndef SEDGE_SERVE_SCHEDULE_H_
#define SEDGE_SERVE_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include <sedge/error.h>

namespace sedge::serve {

class Schedule {
 public:
  /// Error: config_syntax, naming the field and what it takes.
  static Result<Schedule> parse(std::string_view text);
  /// The first time after `unix_seconds`; nothing if there is none within eight years (the 30th of
  /// February).
  std::optional<int64_t> next(int64_t unix_seconds) const;

 private:
  int64_t every_ = 0;  // seconds; 0: the fields
  uint64_t minutes_ = 0;
  uint32_t hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool any_day_ = true, any_weekday_ = true;  // of two that are restricted, either suffices
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_SCHEDULE_H_
