// Times of schedules, and what is wrong with those that are none.
#include "serve/schedule.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include <fmt/chrono.h>

namespace sedge::serve {
namespace {

int64_t at(int year, unsigned month, unsigned day, int hour, int minute, int second = 0) {
  using namespace std::chrono;
  sys_days date = std::chrono::year{year} / month / day;
  return (sys_seconds{date} + hours{hour} + minutes{minute} + seconds{second})
      .time_since_epoch()
      .count();
}

std::string next(std::string_view schedule, int64_t from) {
  auto parsed = Schedule::parse(schedule);
  if (!parsed) return parsed.error().message() + " | " + parsed.error().remedy();
  auto time = parsed->next(from);
  if (!time) return "never";
  using namespace std::chrono;
  sys_seconds moment{seconds{*time}};
  auto day = floor<days>(moment);
  year_month_day date{day};
  hh_mm_ss clock{moment - day};
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}:{:02}", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

TEST(Schedule, FindsTheNextTime) {
  int64_t from = at(2026, 11, 25, 21, 4, 30);  // a Wednesday
  EXPECT_EQ(next("* * * * *", from), "2026-11-25 21:05:00");
  EXPECT_EQ(next("*/5 * * * *", from), "2026-11-25 21:05:00");
  EXPECT_EQ(next("*/5 * * * *", at(2026, 11, 25, 21, 5)), "2026-11-25 21:10:00");
  EXPECT_EQ(next("4 * * * *", from), "2026-11-25 22:04:00");
  EXPECT_EQ(next("0 3 * * *", from), "2026-11-26 03:00:00");
  EXPECT_EQ(next("30 9-17/4 * * 1-5", from), "2026-11-26 09:30:00");
  EXPECT_EQ(next("0 0 * * sun", from), "2026-11-29 00:00:00");
  EXPECT_EQ(next("0 0 * * 7", from), "2026-11-29 00:00:00");
  EXPECT_EQ(next("0 0 1 JAN,jul *", from), "2027-01-01 00:00:00");
  EXPECT_EQ(next("0 0 29 2 *", from), "2028-02-29 00:00:00");
  EXPECT_EQ(next("0 0 30 2 *", from), "never");
  EXPECT_EQ(next("0 0 1 * fri", from), "2026-11-27 00:00:00");  // either
  EXPECT_EQ(next("@hourly", from), "2026-11-25 22:00:00");
  EXPECT_EQ(next("@weekly", from), "2026-11-29 00:00:00");
  EXPECT_EQ(next("@every 90s", from), "2026-11-25 21:06:00");
  EXPECT_EQ(next("50/5 * * * *", from), "2026-11-25 21:50:00");
}

TEST(Schedule, SaysWhatIsWrong) {
  EXPECT_EQ(
      next("60 * * * *", 0),
      "configuration: `60` is no minute of a schedule | write *, numbers from 0 to 59, ranges "
      "a-b, steps */n, or a list of these with commas");
  for (const char* wrong : {"* * * *", "* * * * * *", "", "@dayly", "a * * * *", "5-1 * * * *",
                            "*/0 * * * *", "* * 0 * *", "* * * 13 *", "1,,2 * * * *", "@every 5",
                            "@every 0s", "@every x", "-1 * * * *", "*/ * * * *"})
    EXPECT_FALSE(Schedule::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace sedge::serve
