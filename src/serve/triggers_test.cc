// Events as functions get them; schedules and folders fire, one event at a time.
#include "serve/triggers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "base/test_folder.h"

namespace sedge::serve {
namespace {

namespace fs = std::filesystem;

template <typename F>
void wait_until(F predicate) {
  while (!predicate()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TriggerEvents, AreThoseOfTheDocument) {
  EXPECT_EQ(cron_event("clean \"up\"", 1718438400),
            "{\"event_type\":\"cron-trigger\",\"data\":{\"task\":\"clean \\\"up\\\"\","
            "\"scheduled_at\":\"2024-06-15T08:00:00Z\"},\"timestamp\":1718438400}\n");
  EXPECT_EQ(bridge_event(" {\"source\":\"s\",\n \"id\":1}\n", 7),
            "{\"event_type\":\"event-bridge\",\"data\":{\"source\":\"s\",  \"id\":1},"
            "\"timestamp\":7}\n");
  EXPECT_EQ(bridge_event("[1]", 7),
            "{\"event_type\":\"event-bridge\",\"data\":[1],\"timestamp\":7}\n");
  EXPECT_EQ(bridge_event("{\"event_type\":\"x\"}\n", 7), "{\"event_type\":\"x\"}\n");
}

TEST(Triggers, SchedulesFireAndAreSkippedWhileTheLastRunGoesOn) {
  std::atomic<int> fired = 0, skipped = 0;
  Triggers::Done pending;
  Triggers triggers(
      {{3, *Schedule::parse("@every 1s"), "t", {}}},
      [&](size_t route, const std::string& event, Triggers::Done done) {
        EXPECT_EQ(route, 3);
        EXPECT_NE(event.find("\"task\":\"t\""), std::string::npos);
        pending = std::move(done);
        ++fired;
      },
      [&](size_t) { ++skipped; });
  wait_until([&] { return skipped > 0; });
  EXPECT_EQ(fired, 1);
  // Called in a place of its own: the next one may come before the call returns.
  std::exchange(pending, nullptr)(std::string("ok"));
  wait_until([&] { return fired > 1; });
}

TEST(Triggers, FilesOfAFolderAreEventsInTheOrderOfTheirNames) {
  const test::TempFolder temporary;
  const fs::path folder = temporary.path();
  temporary.write("2.json", "{\"id\":2}");
  temporary.write("1.json", "{\"id\":1}");
  temporary.write("3.json", "not json");
  temporary.write("4.json", "{\"id\":4}");
  temporary.write(".5.json", "{\"id\":5}");
  temporary.write("6.txt", "{\"id\":6}");
  std::string order;
  {
    Triggers triggers(
        {{0, std::nullopt, {}, folder.string()}},
        [&](size_t, const std::string& event, const Triggers::Done& done) {
          char id = event[event.find("\"id\":") + 5];
          order += id;
          if (id == '4')
            done(fail(ErrorCode::unreachable));
          else
            done("out " + std::string(1, id));
        },
        [](size_t) {});
    wait_until([&] { return fs::exists(folder / "failed/4.json"); });
  }
  EXPECT_EQ(order, "124");
  EXPECT_EQ(read(folder / "done/1.json.out"), "out 1");
  EXPECT_EQ(read(folder / "done/2.json"), "{\"id\":2}");
  EXPECT_EQ(read(folder / "failed/3.json.error"),
            "bad argument: " + (folder / "3.json").string() + " is not JSON\n");
  EXPECT_EQ(read(folder / "failed/4.json.error"), "unreachable\n");
  EXPECT_TRUE(fs::exists(folder / ".5.json"));
  EXPECT_TRUE(fs::exists(folder / "6.txt"));
}

}  // namespace
}  // namespace sedge::serve
