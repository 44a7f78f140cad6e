// Streams and pollables of WASI 0.2 on standard streams and files.
#include "wasi/p2/streams.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <sedge/engine.h>

#include "wasi/p2/poll.h"

namespace sedge::wasi::p2 {
namespace {

class Streams : public testing::Test {
 protected:
  void give(Config config) {
    captured_ = std::make_shared<Capture>();
    config.output = captured_;
    auto context = Context::create(std::move(config));
    ASSERT_TRUE(context) << context.error().render();
    store_.set_data(*std::move(context));
  }
  std::shared_ptr<p1::Descriptor> standard(uint32_t number) {
    return store_.data<Context>()->p1().fds().get(number).value();
  }
  static bool is_closed(StreamError& error) {
    return std::holds_alternative<StreamError::Closed>(error.value);
  }

  Engine engine_ = Engine::create().value();
  Store store_{engine_};
  std::shared_ptr<Capture> captured_;
};

TEST_F(Streams, InputEndsWithClosed) {
  Config config;
  config.input = std::string("hello, world");
  give(std::move(config));
  auto input = input_of(standard(0));
  EXPECT_EQ((*input->read(store_, 0))->data, "");
  EXPECT_EQ((*input->read(store_, 5))->data, "hello");
  EXPECT_EQ(**input->skip(store_, 2), 2u);
  EXPECT_EQ((*input->blocking_read(store_, UINT64_MAX))->data, "world");
  auto end = input->blocking_read(store_, 1);
  ASSERT_TRUE(end && !*end);
  EXPECT_TRUE(is_closed(end->error()));
}

TEST_F(Streams, WritesNeedPermission) {
  give({});
  auto output = output_of(standard(1));
  auto early = output->write(store_, {"x"});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().message(), "wasm trap: a write of more than check-write has permitted");
  EXPECT_EQ(**output->check_write(store_), kMaxTransfer);
  EXPECT_TRUE(output->write(store_, {"ab"}).value());
  EXPECT_TRUE(output->write_zeroes(store_, 2).value());
  EXPECT_FALSE(output->write(store_, {std::string(kMaxTransfer - 3, 'c')}));
  EXPECT_TRUE(output->blocking_write_and_flush(store_, {std::string(5000, 'd')}).value());
  EXPECT_FALSE(output->blocking_write_zeroes_and_flush(store_, 4097));
  EXPECT_EQ(captured_->data, std::string("ab\0\0", 4) + std::string(5000, 'd'));
}

TEST_F(Streams, SpliceMovesWhatIsThere) {
  Config config;
  config.input = std::string("one two");
  give(std::move(config));
  auto input = input_of(standard(0));
  auto output = output_of(standard(1));
  EXPECT_EQ(**output->splice(store_, *input, 3), 3u);
  EXPECT_EQ(**output->blocking_splice(store_, *input, 100), 4u);
  EXPECT_EQ(captured_->data, "one two");
  auto end = output->blocking_splice(store_, *input, 1);
  ASSERT_TRUE(end && !*end);
  EXPECT_TRUE(is_closed(end->error()));
}

TEST_F(Streams, FilesHaveOffsetsOfTheirOwn) {
  give({});
  int fd = ::memfd_create("file", MFD_CLOEXEC);
  ASSERT_GE(fd, 0);
  auto file = std::make_shared<p1::Descriptor>();
  file->type = os::FileType::regular_file;
  file->handle = p1::FileHandle{Fd(fd), fd, false};
  auto at_two = file_output(file, 2);
  EXPECT_TRUE(at_two->blocking_write_and_flush(store_, {"cd"}).value());
  EXPECT_TRUE(file_output(file, 0)->blocking_write_and_flush(store_, {"ab"}).value());
  EXPECT_TRUE(file_output(file, std::nullopt)->blocking_write_and_flush(store_, {"e"}).value());
  auto input = file_input(file, 1);
  EXPECT_EQ((*input->read(store_, 10))->data, "bcde");
  EXPECT_FALSE(*input->read(store_, 10));
}

TEST_F(Streams, PollSaysWhatIsReady) {
  give({});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  auto readable = pollable([fd = read_end.get()] { return Condition::when(fd, POLLIN); });
  auto never = pollable([] { return Condition::until(os::Interrupt::kNever); });
  auto soon = pollable([at = os::monotonic_now() + 1'000'000] { return Condition::until(at); });
  EXPECT_FALSE(readable->ready(store_).value());
  auto& host = poll_host(store_);
  EXPECT_EQ(host.poll(store_, {never.get(), readable.get(), soon.get()}).value(),
            (std::vector<uint32_t>{2}));
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  EXPECT_EQ(host.poll(store_, {readable.get(), never.get(), soon.get()}).value(),
            (std::vector<uint32_t>{0, 2}));
  EXPECT_TRUE(readable->block(store_).has_value());
  auto nothing = host.poll(store_, {});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().message(), "wasm trap: poll of an empty list");
}

TEST_F(Streams, ADeadlineEndsWaiting) {
  give({});
  store_.set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  auto late = pollable([at = os::monotonic_now() + 60'000'000'000] {
                return Condition::until(at);
              })->block(store_);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace sedge::wasi::p2
