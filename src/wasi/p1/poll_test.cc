// Waiting: clocks and descriptors in poll_oneoff, and how deadlines and interruptions end a guest
// that waits, wherever it does.
#include <unistd.h>

#include <thread>

#include "wasi/os/wait.h"
#include "wasi/p1/fixture_test.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kEvents = 20000, kStored = 30000;
constexpr u64 kHour = 3'600'000'000'000;

void clock_sub(Guest& guest, u32 index, u64 userdata, u32 clock, u64 timeout, uint16_t flags) {
  u32 at = index * subscription_size(guest.snapshot);
  u32 id_at = guest.snapshot == Snapshot::unstable ? 24 : 16;
  std::memset(guest.bytes.data() + at, 0, subscription_size(guest.snapshot));
  guest.put(at, userdata);
  guest.put(at + id_at, clock);
  guest.put(at + id_at + 8, timeout);
  guest.put(at + id_at + 24, flags);
}

void fd_sub(Guest& guest, u32 index, u64 userdata, uint8_t type, u32 fd) {
  u32 at = index * subscription_size(guest.snapshot);
  std::memset(guest.bytes.data() + at, 0, subscription_size(guest.snapshot));
  guest.put(at, userdata);
  guest.put(at + 8, type);
  guest.put(at + 16, fd);
}

TEST(Poll, ClocksInBothEditions) {
  for (Snapshot edition : {Snapshot::preview1, Snapshot::unstable}) {
    Guest guest({}, edition);
    clock_sub(guest, 0, 11, 1, 1'000'000, 0);
    clock_sub(guest, 1, 22, 1, kHour, 0);
    uint64_t before = os::monotonic_now();
    ASSERT_EQ(guest(poll_oneoff, 0, kEvents, 2, kStored), Errno::success);
    EXPECT_GE(os::monotonic_now() - before, 1'000'000u);
    ASSERT_EQ(guest.word(kStored), 1u);
    EXPECT_EQ(guest.get<u64>(kEvents), 11u);
    EXPECT_EQ(guest.get<uint16_t>(kEvents + 8), 0u);
    EXPECT_EQ(guest.get<uint8_t>(kEvents + 10), 0u);
  }
}

TEST(Poll, AbsoluteTimesAndOddClocks) {
  Guest guest;
  clock_sub(guest, 0, 1, 0, 5, 1);  // long ago
  clock_sub(guest, 1, 2, 2, 0, 0);  // the CPU's clock stands still in sleep
  clock_sub(guest, 2, 3, 9, 0, 0);  // no clock
  clock_sub(guest, 3, 4, 1, UINT64_MAX, 0);
  ASSERT_EQ(guest(poll_oneoff, 0, kEvents, 4, kStored), Errno::success);
  ASSERT_EQ(guest.word(kStored), 3u);
  EXPECT_EQ(guest.get<uint16_t>(kEvents + 8), 0u);
  EXPECT_EQ(guest.get<uint16_t>(kEvents + 32 + 8), static_cast<uint16_t>(Errno::notsup));
  EXPECT_EQ(guest.get<uint16_t>(kEvents + 64 + 8), static_cast<uint16_t>(Errno::inval));
}

TEST(Poll, Descriptors) {
  TempDir dir;
  dir.write("file", "12345");
  Config config = dir.config();
  config.input = std::string("abc");
  Guest guest(std::move(config));
  u32 fd;
  ASSERT_EQ(guest.open("file", 0, fd), Errno::success);
  fd_sub(guest, 0, 1, 1, 0);
  fd_sub(guest, 1, 2, 1, fd);
  fd_sub(guest, 2, 3, 2, 1);
  fd_sub(guest, 3, 4, 1, 77);
  clock_sub(guest, 4, 5, 1, kHour, 0);
  ASSERT_EQ(guest(poll_oneoff, 0, kEvents, 5, kStored), Errno::success);
  ASSERT_EQ(guest.word(kStored), 4u);
  EXPECT_EQ(guest.get<u64>(kEvents + 16), 3u);
  EXPECT_EQ(guest.get<u64>(kEvents + 32 + 16), 5u);
  EXPECT_EQ(guest.get<uint8_t>(kEvents + 64 + 10), 2u);
  EXPECT_EQ(guest.get<uint16_t>(kEvents + 96 + 8), static_cast<uint16_t>(Errno::badf));
}

TEST(Poll, Refuses) {
  Guest guest;
  EXPECT_EQ(guest(poll_oneoff, 0, kEvents, 0, kStored), Errno::inval);
  EXPECT_EQ(guest(poll_oneoff, 0, kEvents, 4097, kStored), Errno::inval);
  EXPECT_EQ(guest(poll_oneoff, 0, kEvents, UINT32_MAX, kStored), Errno::inval);
  guest.put<uint8_t>(8, 3);
  EXPECT_EQ(guest(poll_oneoff, 0, kEvents, 1, kStored), Errno::inval);
  EXPECT_EQ(guest(poll_oneoff, 0, 65530, 1, kStored), Errno::fault);
}

/// Runs `wait` on a guest and says with which error it ended.
template <typename F>
ErrorCode ended_with(F wait) {
  Answer result = wait();
  EXPECT_FALSE(result.has_value());
  return result ? ErrorCode::usage : result.error().code();
}

TEST(Deadline, EndsASleepingGuest) {
  Guest guest;
  clock_sub(guest, 0, 1, 1, kHour, 0);
  guest.store.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  Call call = guest.call();
  EXPECT_EQ(ended_with([&] { return poll_oneoff(call, 0, kEvents, 1, kStored); }),
            ErrorCode::deadline_exceeded);
}

TEST(Deadline, EndsAGuestThatWaitsForInputOrRoom) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  int saved_in = ::dup(0), saved_out = ::dup(1);
  ::dup2(ends[0], 0);
  ::dup2(ends[1], 1);
  Config config;
  config.input = Inherit{};
  config.output = Inherit{};
  Guest guest(std::move(config));
  guest.store.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  guest.iovec_at(0, 100, 10);
  Call call = guest.call();
  ErrorCode reading = ended_with([&] { return fd_read(call, 0, 0, 1, 50); });
  guest.store.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(200));
  guest.iovec_at(0, 0, 60000);
  ErrorCode writing = ended_with([&]() -> Answer {
    for (;;)
      if (Answer one = fd_write(call, 1, 0, 1, 64000); !one) return one;
  });
  ::dup2(saved_in, 0);
  ::dup2(saved_out, 1);
  for (int fd : {ends[0], ends[1], saved_in, saved_out}) ::close(fd);
  EXPECT_EQ(reading, ErrorCode::deadline_exceeded);
  EXPECT_EQ(writing, ErrorCode::deadline_exceeded);
}

TEST(Interruption, EndsASleepingGuestFromAnotherThread) {
  Guest guest;
  clock_sub(guest, 0, 1, 1, kHour, 0);
  Interrupter interrupter = guest.store.interrupter();
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    interrupter.interrupt();
  });
  Call call = guest.call();
  EXPECT_EQ(ended_with([&] { return poll_oneoff(call, 0, kEvents, 1, kStored); }),
            ErrorCode::interrupted);
  other.join();
}

}  // namespace
}  // namespace sedge::wasi::p1
