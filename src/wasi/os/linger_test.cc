#include "wasi/os/linger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace sedge::wasi::os {
namespace {

constexpr std::chrono::seconds kPatience{120};

struct Pair {
  Fd near, far;
};
Pair make_pair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  int flags = ::fcntl(ends[1], F_GETFL);
  EXPECT_EQ(::fcntl(ends[1], F_SETFL, flags & ~O_NONBLOCK), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Everything until the end.
std::string read_all(const Fd& from) {
  std::string out;
  std::array<char, 65536> buffer;
  for (ssize_t count; (count = ::read(from.get(), buffer.data(), buffer.size())) > 0;)
    out.append(buffer.data(), static_cast<size_t>(count));
  return out;
}

std::string content(size_t size, char begin) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(begin + i % 23);
  return out;
}

TEST(Linger, SendsWhatIsLeftWhenTheSocketIsGone) {
  constexpr size_t kSockets = 20;
  constexpr size_t kSize = 1 << 20;  // more than a socket's buffer takes
  std::vector<Fd> far;
  for (size_t i = 0; i < kSockets; ++i) {
    Pair pair = make_pair();
    linger(pair.near, content(kSize, static_cast<char>('a' + i % 2)), false);
    far.push_back(std::move(pair.far));
  }
  for (size_t i = 0; i < kSockets; ++i)
    EXPECT_EQ(read_all(far[i]), content(kSize, static_cast<char>('a' + i % 2)));
  EXPECT_TRUE(finish_lingering(kPatience));
}

TEST(Linger, EndsTheSendingSideOnceEverythingIsSent) {
  Pair pair = make_pair();
  const std::string text = content(1 << 20, 'a');
  linger(pair.near, text, true);
  EXPECT_EQ(read_all(pair.far), text);  // though the socket stays open
  EXPECT_EQ(::write(pair.far.get(), "x", 1), 1);
  EXPECT_TRUE(finish_lingering(kPatience));
}

TEST(Linger, GivesUpWhereNobodyReads) {
  Pair pair = make_pair();
  linger(pair.near, content(1 << 20, 'a'), true);
  pair.far = Fd();
  EXPECT_TRUE(finish_lingering(kPatience));
  EXPECT_TRUE(finish_lingering(std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace sedge::wasi::os
