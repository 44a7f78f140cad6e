// Descriptors, paths and process functions, called as a guest would with its memory.
#include <unistd.h>

#include <thread>

#include "wasi/p1/fixture_test.h"

namespace sedge::wasi::p1 {
namespace {

TEST(Process, ArgumentsAndEnvironment) {
  Config config;
  config.args = {"prog", "a b", ""};
  config.env = {{"NAME", "value"}, {"EMPTY", ""}};
  Guest guest(std::move(config));
  EXPECT_EQ(guest(args_sizes_get, 0, 4), Errno::success);
  EXPECT_EQ(guest.word(0), 3u);
  EXPECT_EQ(guest.word(4), 10u);
  EXPECT_EQ(guest(args_get, 16, 100), Errno::success);
  EXPECT_EQ(guest.string(100, 10), std::string("prog\0a b\0\0", 10));
  EXPECT_EQ(guest.word(16), 100u);
  EXPECT_EQ(guest.word(20), 105u);
  EXPECT_EQ(guest.word(24), 109u);
  EXPECT_EQ(guest(environ_sizes_get, 0, 4), Errno::success);
  EXPECT_EQ(guest.word(0), 2u);
  EXPECT_EQ(guest(environ_get, 16, 100), Errno::success);
  EXPECT_EQ(guest.string(100, guest.word(4)), std::string("NAME=value\0EMPTY=\0", 18));
}

TEST(Process, ConfigurationsThatNoProcessCouldHave) {
  Config config;
  config.args = {std::string("a\0b", 3)};
  auto context = Context::create(config);
  ASSERT_FALSE(context.has_value());
  EXPECT_EQ(context.error().message(), "bad argument: a NUL in an argument of the guest");
  config.args.clear();
  config.env = {{"A=B", "c"}};
  context = Context::create(config);
  ASSERT_FALSE(context.has_value());
  EXPECT_EQ(context.error().message(), "bad argument: environment variable \"A=B\"");
}

TEST(Process, PreopensThatCannotBe) {
  auto missing = open_preopen("/nowhere/at/all", "/data", false);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().message(), "file not found: /nowhere/at/all: no such directory");
  auto file = open_preopen("/etc/passwd", "/data", false);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().message(), "input/output error: /etc/passwd: not a directory");
}

TEST(Process, BadPointersAreFaults) {
  Config config;
  config.args = {"prog"};
  Guest guest(std::move(config));
  constexpr u32 kEnd = 65536;
  EXPECT_EQ(guest(args_sizes_get, kEnd - 3, 0), Errno::fault);
  EXPECT_EQ(guest(args_sizes_get, 0, UINT32_MAX), Errno::fault);
  EXPECT_EQ(guest(args_get, 0, kEnd - 4), Errno::fault);
  EXPECT_EQ(guest(args_get, kEnd - 3, 0), Errno::fault);
  EXPECT_EQ(guest(random_get, kEnd - 8, 9), Errno::fault);
  EXPECT_EQ(guest(random_get, 8, UINT32_MAX), Errno::fault);
  EXPECT_EQ(guest(random_get, kEnd, 0), Errno::success);
  EXPECT_EQ(guest(clock_time_get, 0, 0, kEnd - 7), Errno::fault);
  EXPECT_EQ(guest(fd_fdstat_get, 0, kEnd - 23), Errno::fault);
  EXPECT_EQ(guest(fd_filestat_get, 0, kEnd - 63), Errno::fault);
  EXPECT_EQ(guest(poll_oneoff, kEnd - 47, 0, 1, 0), Errno::fault);
  EXPECT_EQ(guest(fd_write, 1, kEnd - 7, 1, 0), Errno::fault);
  EXPECT_EQ(guest(fd_write, 1, 0, UINT32_MAX, 0), Errno::success);  // 1024 empty buffers
  guest.iovec_at(0, kEnd - 1, 2);
  EXPECT_EQ(guest(fd_write, 1, 0, 1, 16), Errno::fault);
  guest.iovec_at(0, UINT32_MAX, UINT32_MAX);
  EXPECT_EQ(guest(fd_write, 1, 0, 1, 16), Errno::fault);
}

TEST(Process, ClocksAndRandom) {
  Guest guest;
  for (u32 id : {0u, 1u, 2u, 3u}) {
    EXPECT_EQ(guest(clock_time_get, id, 0, 0), Errno::success) << id;
    EXPECT_EQ(guest(clock_res_get, id, 8), Errno::success) << id;
    EXPECT_GT(guest.get<u64>(8), 0u);
  }
  EXPECT_EQ(guest(clock_time_get, 4, 0, 0), Errno::inval);
  EXPECT_EQ(guest(clock_res_get, UINT32_MAX, 0), Errno::inval);
  EXPECT_EQ(guest(random_get, 0, 4096), Errno::success);
  EXPECT_NE(guest.string(0, 4096), std::string(4096, '\0'));
}

TEST(Process, Ends) {
  Guest guest;
  Call call = guest.call();
  auto exit = proc_exit(call, 7);
  ASSERT_FALSE(exit.has_value());
  EXPECT_EQ(exit.error().code(), ErrorCode::guest_exit);
  EXPECT_EQ(exit.error().guest_exit_status(), 7);
  auto raised = proc_raise(call, 6);
  ASSERT_FALSE(raised.has_value());
  EXPECT_EQ(raised.error().guest_exit_status(), 134);
  EXPECT_EQ(guest(proc_raise, 0), Errno::success);
  EXPECT_EQ(guest(proc_raise, 31), Errno::inval);
  EXPECT_EQ(guest(sched_yield), Errno::success);
}

TEST(Descriptors, StandardStreams) {
  Config config;
  auto out = std::make_shared<Capture>(8);
  config.input = std::string("some input");
  config.output = out;
  std::string seen;
  config.error = [&](std::string_view text) {
    seen += text;
    return true;
  };
  Guest guest(std::move(config));
  EXPECT_EQ(guest.read(0, 4), "some");
  EXPECT_EQ(guest.read(0, 100), " input");
  EXPECT_EQ(guest.read(0, 100), "");
  EXPECT_EQ(guest.write(0, "x"), Errno::badf);
  EXPECT_EQ(guest.read(1, 1), "error badf");
  EXPECT_EQ(guest.write(1, "hello"), Errno::success);
  EXPECT_EQ(guest.write(1, "world"), Errno::success);  // three bytes of it
  EXPECT_EQ(guest.word(64000), 3u);
  EXPECT_EQ(guest.write(1, "!"), Errno::nospc);
  EXPECT_EQ(out->data, "hellowor");
  EXPECT_TRUE(out->overflowed);
  EXPECT_EQ(guest.write(2, "oops"), Errno::success);
  EXPECT_EQ(seen, "oops");
  EXPECT_EQ(guest(fd_seek, 0, 0, 0, 0), Errno::spipe);
  EXPECT_EQ(guest(fd_tell, 1, 0), Errno::spipe);
  EXPECT_EQ(guest(fd_close, 7), Errno::badf);
}

TEST(Descriptors, InputFromACallback) {
  Config config;
  int calls = 0;
  config.input = [&](std::span<uint8_t> room) -> size_t {
    if (++calls > 2) return 0;
    std::memcpy(room.data(), "ab", 2);
    return 2;
  };
  Guest guest(std::move(config));
  EXPECT_EQ(guest.read(0, 10), "ab");
  EXPECT_EQ(guest.read(0, 10), "ab");
  EXPECT_EQ(guest.read(0, 10), "");
}

TEST(Descriptors, BuffersAreBounded) {
  TempDir dir;
  Guest guest(dir.config());
  u32 fd;
  ASSERT_EQ(guest.open("file", 1, fd), Errno::success);
  // 2000 buffers of one byte: 1024 go in one call.
  for (u32 i = 0; i < 2000; ++i) guest.iovec_at(i * 8, 40000, 1);
  EXPECT_EQ(guest(fd_write, fd, 0, 2000, 50000), Errno::success);
  EXPECT_EQ(guest.word(50000), 1024u);
  EXPECT_EQ(guest(fd_pread, fd, 0, 2000, u64{1} << 63, 50000), Errno::inval);
}

TEST(Descriptors, FilestatInBothEditions) {
  TempDir dir;
  dir.write("file", "12345");
  for (Snapshot edition : {Snapshot::preview1, Snapshot::unstable}) {
    Guest guest(dir.config(), edition);
    u32 path_len = guest.text(1000, "file");
    u32 size = filestat_size(edition);
    guest.put<u64>(2000 + size, 0x1122334455667788);  // must stay
    ASSERT_EQ(guest(path_filestat_get, 3, 1, 1000, path_len, 2000), Errno::success);
    EXPECT_EQ(guest.get<uint8_t>(2016), 4u);
    bool older = edition == Snapshot::unstable;
    EXPECT_EQ(older ? guest.word(2020) : guest.get<u64>(2024), 1u);
    EXPECT_EQ(guest.get<u64>(older ? 2024 : 2032), 5u);
    EXPECT_GT(guest.get<u64>(older ? 2040 : 2048), 1'600'000'000'000'000'000u);
    EXPECT_EQ(guest.get<u64>(2000 + size), 0x1122334455667788u);
  }
}

TEST(Descriptors, WhenceInBothEditions) {
  TempDir dir;
  dir.write("file", "12345");
  Guest now(dir.config());
  u32 fd;
  ASSERT_EQ(now.open("file", 0, fd), Errno::success);
  EXPECT_EQ(now(fd_seek, fd, 2, 0, 8), Errno::success);
  EXPECT_EQ(now(fd_seek, fd, 1, 1, 8), Errno::success);
  EXPECT_EQ(now.get<u64>(8), 3u);
  EXPECT_EQ(now(fd_seek, fd, static_cast<u64>(-1), 2, 8), Errno::success);
  EXPECT_EQ(now.get<u64>(8), 4u);
  EXPECT_EQ(now(fd_seek, fd, 0, 3, 8), Errno::inval);
  EXPECT_EQ(now(fd_seek, fd, static_cast<u64>(-9), 0, 8), Errno::inval);
  Guest old(dir.config(), Snapshot::unstable);
  ASSERT_EQ(old.open("file", 0, fd), Errno::success);
  EXPECT_EQ(old(fd_seek, fd, 2, 2, 8), Errno::success);
  EXPECT_EQ(old(fd_seek, fd, 1, 0, 8), Errno::success);
  EXPECT_EQ(old.get<u64>(8), 3u);
  EXPECT_EQ(old(fd_seek, fd, static_cast<u64>(-1), 1, 8), Errno::success);
  EXPECT_EQ(old.get<u64>(8), 4u);
}

TEST(Descriptors, RightsOnlyShrink) {
  TempDir dir;
  dir.write("file", "12345");
  Guest guest(dir.config());
  u32 fd;
  ASSERT_EQ(guest.open("file", 0, fd, 3, kFdRead | kFdSeek), Errno::success);
  EXPECT_EQ(guest.write(fd, "x"), Errno::badf);
  EXPECT_EQ(guest(fd_filestat_get, fd, 0), Errno::notcapable);
  EXPECT_EQ(guest(fd_fdstat_set_rights, fd, kFdRead | kFdWrite, 0), Errno::notcapable);
  EXPECT_EQ(guest(fd_fdstat_set_rights, fd, kFdSeek, 0), Errno::success);
  EXPECT_EQ(guest.read(fd, 1), "error badf");
  EXPECT_EQ(guest(fd_fdstat_set_rights, fd, kFdRead, 0), Errno::notcapable);
  // A directory passes on what it may.
  ASSERT_EQ(guest(fd_fdstat_set_rights, 3, kDirectoryRights, kFdRead), Errno::success);
  ASSERT_EQ(guest.open("file", 0, fd), Errno::success);
  EXPECT_EQ(guest.read(fd, 5), "12345");
  EXPECT_EQ(guest.write(fd, "x"), Errno::badf);
  EXPECT_EQ(guest(fd_fdstat_set_rights, 3, 0, 0), Errno::success);
  EXPECT_EQ(guest.open("file", 0, fd), Errno::notcapable);
}

// Guests that know no rights write zeros; a directory without any would be of no use to anybody.
TEST(Descriptors, DirectoriesOpenedWithoutRightsGetWhatIsPassedOn) {
  TempDir dir;
  constexpr u32 kDirectory = 2;  // an oflag
  std::filesystem::create_directory(dir.path() / "d");
  dir.write("d/file", "12345");
  Guest guest(dir.config());
  u32 open, narrow, fd;
  ASSERT_EQ(guest(path_open, 3, 0, 60000, guest.text(60000, "d"), kDirectory, 0, 0, 0, 64000),
            Errno::success);
  open = guest.word(64000);
  ASSERT_EQ(guest.open("file", 0, fd, open), Errno::success);
  EXPECT_EQ(guest.read(fd, 5), "12345");
  ASSERT_EQ(guest.open("d", kDirectory, narrow, 3, kFdReaddir), Errno::success);
  EXPECT_EQ(guest.open("file", 0, fd, narrow), Errno::notcapable);
  // A file without rights has none.
  ASSERT_EQ(guest.open("d/file", 0, fd, 3, 0), Errno::success);
  EXPECT_EQ(guest.read(fd, 1), "error badf");
}

TEST(Descriptors, AreBounded) {
  TempDir dir;
  Config config = dir.config();
  config.max_fds = 10;
  Guest guest(std::move(config));
  u32 fd = 0;
  for (u32 i = 4; i < 10; ++i) {
    ASSERT_EQ(guest.open("file", 1, fd), Errno::success);
    EXPECT_EQ(fd, i);
  }
  EXPECT_EQ(guest.open("file", 1, fd), Errno::mfile);
  EXPECT_EQ(guest.open("new", 1, fd), Errno::mfile);
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "new"));
  EXPECT_EQ(guest(fd_close, 6), Errno::success);
  ASSERT_EQ(guest.open("file", 1, fd), Errno::success);
  EXPECT_EQ(fd, 6u);
}

TEST(Descriptors, Renumber) {
  TempDir dir;
  dir.write("a", "AAA");
  dir.write("b", "BBB");
  Guest guest(dir.config());
  u32 a, b;
  ASSERT_EQ(guest.open("a", 0, a), Errno::success);
  ASSERT_EQ(guest.open("b", 0, b), Errno::success);
  EXPECT_EQ(guest(fd_renumber, a, b), Errno::success);
  EXPECT_EQ(guest.read(b, 3), "AAA");
  EXPECT_EQ(guest.read(a, 3), "error badf");
  EXPECT_EQ(guest(fd_renumber, b, 99), Errno::badf);
  EXPECT_EQ(guest(fd_renumber, b, b), Errno::success);
  EXPECT_EQ(guest(fd_renumber, b, 3), Errno::success);
  EXPECT_EQ(guest(fd_prestat_get, 3, 0), Errno::badf);
}

TEST(Descriptors, ReaddirCutsTheLastEntry) {
  TempDir dir;
  dir.write("file-with-a-long-name", "");
  Guest guest(dir.config());
  ASSERT_EQ(guest(fd_readdir, 3, 100, 30, 0, 0), Errno::success);
  EXPECT_EQ(guest.word(0), 30u);
  ASSERT_EQ(guest(fd_readdir, 3, 100, 4096, 0, 0), Errno::success);
  u32 used = guest.word(0);
  EXPECT_EQ(used, 3 * kDirentSize + 1 + 2 + 21);
  ASSERT_EQ(guest(fd_readdir, 3, 100, 0, 0, 0), Errno::success);
  EXPECT_EQ(guest.word(0), 0u);
  EXPECT_EQ(guest(fd_readdir, 0, 100, 100, 0, 0), Errno::notdir);
  EXPECT_EQ(guest(fd_readdir, 3, 65000, 4096, 0, 0), Errno::fault);
}

TEST(Descriptors, FlagsAppendOnlyOwnFiles) {
  TempDir dir;
  Guest guest(dir.config());
  u32 fd;
  ASSERT_EQ(guest.open("file", 1, fd, 3, kAllRights, os::kAppend), Errno::success);
  guest.write(fd, "one");
  guest(fd_seek, fd, 0, 0, 0);
  guest.write(fd, "two");
  EXPECT_EQ(dir.read("file"), "onetwo");
  EXPECT_EQ(guest(fd_fdstat_set_flags, fd, 0), Errno::success);
  guest(fd_seek, fd, 0, 0, 0);
  guest.write(fd, "X");
  EXPECT_EQ(dir.read("file"), "Xnetwo");
  EXPECT_EQ(guest(fd_fdstat_set_flags, fd, os::kSync), Errno::notsup);
  EXPECT_EQ(guest(fd_fdstat_set_flags, fd, 32), Errno::inval);
  EXPECT_EQ(guest(fd_fdstat_set_flags, 1, os::kAppend), Errno::notsup);
}

TEST(Paths, ReadOnlyIsRememberedAndExplained) {
  TempDir dir;
  dir.write("file", "text");
  Guest guest(dir.config(true));
  u32 fd;
  EXPECT_EQ(guest.open("file", 0, fd), Errno::rofs);  // with the right to write
  ASSERT_EQ(guest.open("file", 0, fd, 3, kFdRead | kFdFilestatSetTimes), Errno::success);
  EXPECT_EQ(guest(fd_filestat_set_times, fd, 0, 0, 2), Errno::rofs);
  EXPECT_EQ(guest(fd_filestat_set_times, 3, 0, 0, 2), Errno::rofs);
  EXPECT_EQ(guest.open("new", 1, fd, 3, kFdRead), Errno::rofs);
  u32 size = guest.text(0, "made");
  EXPECT_EQ(guest(path_create_directory, 3, 0, size), Errno::rofs);
  auto denial = guest.context->last_denial();
  ASSERT_TRUE(denial.has_value());
  EXPECT_EQ(to_string(*denial),
            "permission denied: /data/made: /data was given read-only; --dir HOST::/data without "
            "::ro lets the guest write");
  // A directory opened below is as read-only.
  std::filesystem::create_directory(dir.path() / "sub");
  ASSERT_EQ(guest.open("sub", 2, fd, 3, kDirectoryRights), Errno::success);
  EXPECT_EQ(guest(path_create_directory, fd, 0, size), Errno::rofs);
  EXPECT_EQ(guest.context->last_denial()->path, "/data/sub/made");
}

TEST(Paths, LeavingIsRememberedAndExplained) {
  TempDir dir;
  Guest guest(dir.config());
  u32 fd;
  EXPECT_EQ(guest.open("../../etc/passwd", 0, fd, 3, kFdRead), Errno::perm);
  EXPECT_EQ(to_string(*guest.context->last_denial()),
            "permission denied: /data/../../etc/passwd: it leads out of /data, the directory that "
            "the guest was given; --dir HOST::GUEST gives it another");
  EXPECT_EQ(guest.open("/etc/passwd", 0, fd, 3, kFdRead), Errno::perm);
  EXPECT_EQ(guest.context->last_denial()->path, "/etc/passwd");
  u32 target = guest.text(0, "/etc"), name = guest.text(100, "link");
  EXPECT_EQ(guest(path_symlink, 0, target, 3, 100, name), Errno::perm);
  EXPECT_FALSE(guest.context->wanted_directories());
}

TEST(Paths, WithoutPreopensTheGuestFindsNone) {
  Guest guest;
  EXPECT_FALSE(guest.context->wanted_directories());
  EXPECT_EQ(guest(fd_prestat_get, 3, 0), Errno::badf);
  EXPECT_TRUE(guest.context->wanted_directories());
}

TEST(Paths, AreBounded) {
  TempDir dir;
  Guest guest(dir.config());
  EXPECT_EQ(guest(path_create_directory, 3, 0, 5000), Errno::nametoolong);
  EXPECT_EQ(guest(path_create_directory, 3, 0, UINT32_MAX), Errno::nametoolong);
  EXPECT_EQ(guest(path_create_directory, 3, 65536 - 10, 11), Errno::fault);
  EXPECT_EQ(guest(path_symlink, 0, UINT32_MAX, 3, 0, 4), Errno::nametoolong);
  EXPECT_EQ(guest(path_create_directory, 3, 0, 0), Errno::noent);
  EXPECT_EQ(guest(path_create_directory, 0, 0, 4), Errno::notdir);
}

TEST(Paths, PreopenNames) {
  TempDir dir;
  Guest guest(dir.config());
  ASSERT_EQ(guest(fd_prestat_get, 3, 0), Errno::success);
  EXPECT_EQ(guest.word(0), 0u);
  EXPECT_EQ(guest.word(4), 5u);
  EXPECT_EQ(guest(fd_prestat_dir_name, 3, 100, 4), Errno::nametoolong);
  EXPECT_EQ(guest(fd_prestat_dir_name, 3, 100, 5), Errno::success);
  EXPECT_EQ(guest.string(100, 5), "/data");
  EXPECT_EQ(guest(fd_prestat_get, 4, 0), Errno::badf);
  EXPECT_EQ(guest(fd_close, 3), Errno::success);
  EXPECT_EQ(guest(fd_prestat_get, 3, 0), Errno::badf);
}

}  // namespace
}  // namespace sedge::wasi::p1
