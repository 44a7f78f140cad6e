// A directory capability keeps its guest inside, with openat2 and with the walk alike, and obeys
// the rules of paths, links and read-only directories.
#include "wasi/os/dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace sedge::wasi::os {
namespace {

namespace fs = std::filesystem;

std::string slurp(int fd) {
  char buffer[256];
  ssize_t size = ::read(fd, buffer, sizeof(buffer));
  return size < 0 ? "" : std::string(buffer, static_cast<size_t>(size));
}

/// A temporary tree: root/ is given to the guest, outside/ lies beside it.
class DirTest : public testing::TestWithParam<Resolver> {
 protected:
  void SetUp() override {
    char path[] = "/tmp/sedge-dir-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    base_ = path;
    fs::create_directories(base_ / "root/sub/deep");
    fs::create_directories(base_ / "outside");
    write(base_ / "root/file", "inside");
    write(base_ / "root/sub/other", "other");
    write(base_ / "outside/secret", "secret");
    if (GetParam() == Resolver::kernel && root().resolver() != Resolver::kernel)
      GTEST_SKIP() << "openat2 is refused here";
  }
  void TearDown() override { fs::remove_all(base_); }

  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  Dir root(bool readonly = false) { return open_dir("root", readonly); }
  Dir open_dir(const char* name, bool readonly) {
    auto host = Dir::open_host((base_ / name).string(), readonly);
    EXPECT_TRUE(host.has_value());
    if (GetParam() == Resolver::kernel) return std::move(*host);
    Fd fd(::open((base_ / name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return Dir(std::move(fd), readonly, GetParam());
  }
  void link(const char* target, const char* name) {
    fs::create_symlink(target, base_ / "root" / name);
  }
  static Errno open_error(const Dir& dir, std::string_view path, bool follow = true) {
    OpenOptions options;
    options.read = true;
    options.follow = follow;
    auto fd = dir.open(path, options);
    return fd ? Errno::success : fd.error();
  }
  static std::string read_file(const Dir& dir, std::string_view path) {
    OpenOptions options;
    options.read = true;
    options.follow = true;
    auto fd = dir.open(path, options);
    return fd ? slurp(fd->get()) : std::string("error ") + errno_name(fd.error());
  }

  fs::path base_;
};

TEST_P(DirTest, OpensWhatIsBeneath) {
  Dir dir = root();
  EXPECT_EQ(read_file(dir, "file"), "inside");
  EXPECT_EQ(read_file(dir, "./file"), "inside");
  EXPECT_EQ(read_file(dir, "sub/../file"), "inside");
  EXPECT_EQ(read_file(dir, "sub//./deep/../../sub/other"), "other");
  EXPECT_EQ(open_error(dir, "."), Errno::success);
  EXPECT_EQ(open_error(dir, "sub/"), Errno::success);
  EXPECT_EQ(open_error(dir, "sub/.."), Errno::success);
  EXPECT_EQ(open_error(dir, "missing"), Errno::noent);
  EXPECT_EQ(open_error(dir, "file/x"), Errno::notdir);
}

TEST_P(DirTest, DotDotDoesNotLeave) {
  Dir dir = root();
  for (const char* path : {"..", "../", "../outside/secret", "sub/../../outside/secret",
                           "sub/../..", "./../outside/secret", "sub/deep/../../../outside/secret",
                           "../root/file", "missing/../../outside/secret"}) {
    Errno error = open_error(dir, path);
    EXPECT_TRUE(error == Errno::notcapable || error == Errno::noent) << path;
  }
  EXPECT_EQ(open_error(dir, ".."), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "../root/file"), Errno::notcapable);
  EXPECT_EQ(dir.stat("..", true).error(), Errno::notcapable);
  EXPECT_EQ(dir.stat("..", false).error(), Errno::notcapable);
  EXPECT_EQ(dir.create_directory("../made").error(), Errno::notcapable);
  EXPECT_EQ(dir.unlink_file("../outside/secret").error(), Errno::notcapable);
  EXPECT_EQ(dir.remove_directory("..").error(), Errno::notcapable);
  EXPECT_EQ(dir.remove_directory("sub/../..").error(), Errno::notcapable);
  EXPECT_EQ(dir.rename("file", dir, "../outside/file").error(), Errno::notcapable);
  EXPECT_EQ(dir.rename("../outside/secret", dir, "got").error(), Errno::notcapable);
  EXPECT_EQ(dir.link("../outside/secret", false, dir, "got").error(), Errno::notcapable);
  EXPECT_EQ(dir.link("../outside/secret", true, dir, "got").error(), Errno::notcapable);
  EXPECT_EQ(dir.link("file", false, dir, "../outside/file").error(), Errno::notcapable);
  EXPECT_EQ(dir.symlink("file", "../outside/link").error(), Errno::notcapable);
  EXPECT_EQ(dir.readlink("../outside/secret").error(), Errno::notcapable);
  EXPECT_EQ(dir.set_times("../outside/secret", true, {}, {}).error(), Errno::notcapable);
  EXPECT_TRUE(fs::exists(base_ / "outside/secret"));
  EXPECT_FALSE(fs::exists(base_ / "made"));
}

TEST_P(DirTest, AbsolutePathsAreRefused) {
  Dir dir = root();
  std::string secret = (base_ / "outside/secret").string();
  EXPECT_EQ(open_error(dir, secret), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "/"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "//etc/passwd"), Errno::notcapable);
  EXPECT_EQ(dir.stat("/etc", true).error(), Errno::notcapable);
  EXPECT_EQ(dir.unlink_file(secret).error(), Errno::notcapable);
  EXPECT_EQ(dir.rename(secret, dir, "got").error(), Errno::notcapable);
}

TEST_P(DirTest, PathRules) {
  Dir dir = root();
  EXPECT_EQ(open_error(dir, ""), Errno::noent);
  EXPECT_EQ(open_error(dir, std::string_view("file\0", 5)), Errno::inval);
  EXPECT_EQ(open_error(dir, std::string_view("fi\0le", 5)), Errno::inval);
  EXPECT_EQ(open_error(dir, std::string(5000, 'x')), Errno::nametoolong);
  EXPECT_EQ(open_error(dir, std::string(300, 'x')), Errno::nametoolong);
  EXPECT_EQ(open_error(dir, "file/"), Errno::notdir);
  EXPECT_EQ(open_error(dir, "file///"), Errno::notdir);
  EXPECT_EQ(open_error(dir, "file/."), Errno::notdir);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "./";
  EXPECT_EQ(read_file(dir, deep + "file"), "inside");
  EXPECT_EQ(dir.create_directory("").error(), Errno::noent);
}

TEST_P(DirTest, SymlinksStayBeneath) {
  Dir dir = root();
  link("file", "good");
  link("sub/deep/../other", "indirect");
  link("sub", "dirlink");
  link("../outside/secret", "relative");
  link((base_ / "outside/secret").c_str(), "absolute");
  link("/etc/passwd", "passwd");
  link("..", "up");
  link("dirlink/../../outside", "mixed");
  link("missing", "dangling");
  EXPECT_EQ(read_file(dir, "good"), "inside");
  EXPECT_EQ(read_file(dir, "indirect"), "other");
  EXPECT_EQ(read_file(dir, "dirlink/other"), "other");
  EXPECT_EQ(open_error(dir, "relative"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "absolute"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "passwd"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "up/outside/secret"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "up"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "mixed/secret"), Errno::notcapable);
  EXPECT_EQ(open_error(dir, "dangling"), Errno::noent);
  EXPECT_EQ(dir.stat("relative", true).error(), Errno::notcapable);
  EXPECT_EQ(dir.link("relative", true, dir, "got").error(), Errno::notcapable);
  EXPECT_EQ(dir.set_times("absolute", true, {}, {}).error(), Errno::notcapable);
  EXPECT_EQ(dir.create_directory("up/made").error(), Errno::notcapable);
  EXPECT_EQ(dir.unlink_file("up/outside/secret").error(), Errno::notcapable);
  EXPECT_EQ(dir.rename("file", dir, "up/outside/file").error(), Errno::notcapable);
  EXPECT_FALSE(fs::exists(base_ / "made"));
}

TEST_P(DirTest, WithoutFollowALinkIsALink) {
  Dir dir = root();
  link("file", "good");
  link("../outside/secret", "relative");
  link("sub", "dirlink");
  EXPECT_EQ(open_error(dir, "good", false), Errno::loop);
  auto stat = dir.stat("relative", false);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->type, FileType::symbolic_link);
  EXPECT_EQ(stat->size, std::string("../outside/secret").size());
  EXPECT_EQ(dir.readlink("relative"), "../outside/secret");
  EXPECT_EQ(dir.readlink("file").error(), Errno::inval);
  // A trailing slash asks for the directory behind the link.
  EXPECT_EQ(dir.stat("dirlink/", false)->type, FileType::directory);
  EXPECT_EQ(dir.stat("good/", false).error(), Errno::notdir);
  EXPECT_EQ(dir.readlink("dirlink/").error(), Errno::inval);
}

TEST_P(DirTest, TrailingSlashDoesNotFollowOut) {
  Dir dir = root();
  link("../outside", "out");
  for (const char* path : {"out/", "out//", "out/."}) {
    EXPECT_EQ(open_error(dir, path, false), Errno::notcapable) << path;
    EXPECT_EQ(dir.stat(path, false).error(), Errno::notcapable) << path;
    EXPECT_EQ(dir.readlink(path).error(), Errno::notcapable) << path;
    EXPECT_EQ(dir.set_times(path, false, {}, {}).error(), Errno::notcapable) << path;
    EXPECT_EQ(dir.link(path, false, dir, "got").has_value(), false) << path;
    EXPECT_EQ(dir.remove_directory(path).has_value(), false) << path;
    EXPECT_EQ(dir.rename(path, dir, "got").has_value(), false) << path;
    EXPECT_EQ(dir.rename("sub", dir, path).has_value(), false) << path;
  }
  EXPECT_TRUE(fs::exists(base_ / "outside/secret"));
  EXPECT_TRUE(fs::is_symlink(base_ / "root/out"));
}

TEST_P(DirTest, LoopsEnd) {
  Dir dir = root();
  link("self", "self");
  link("b", "a");
  link("a", "b");
  link("sub/../deeploop/x", "deeploop");
  EXPECT_EQ(open_error(dir, "self"), Errno::loop);
  EXPECT_EQ(open_error(dir, "a/x"), Errno::loop);
  EXPECT_EQ(open_error(dir, "deeploop"), Errno::loop);
  EXPECT_EQ(dir.stat("self", true).error(), Errno::loop);
}

TEST_P(DirTest, MagicLinksOfProcAreRefused) {
  auto proc = Dir::open_host("/proc", true);
  ASSERT_TRUE(proc.has_value());
  Dir dir(Fd(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), true, GetParam());
  Fd secret(::open((base_ / "outside/secret").c_str(), O_RDONLY | O_CLOEXEC));
  Fd outside(::open((base_ / "outside").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto refused = [&](const std::string& path) {
    Errno error = open_error(dir, path);
    EXPECT_TRUE(error == Errno::notcapable || error == Errno::loop || error == Errno::noent)
        << path << " " << errno_name(error);
  };
  refused("self/root/etc/passwd");
  refused("self/cwd");
  refused("self/cwd/");
  refused("self/exe");
  refused("self/fd/" + std::to_string(secret.get()));
  refused("self/fd/" + std::to_string(outside.get()) + "/secret");
}

TEST_P(DirTest, SymlinkTargets) {
  Dir dir = root();
  EXPECT_TRUE(dir.symlink("file", "relative").has_value());
  EXPECT_EQ(dir.symlink("/", "bad").error(), Errno::notcapable);
  EXPECT_EQ(dir.symlink("/etc/passwd", "bad").error(), Errno::notcapable);
  EXPECT_EQ(dir.symlink("", "bad").error(), Errno::noent);
  EXPECT_EQ(dir.symlink("file", "relative").error(), Errno::exist);
  EXPECT_EQ(dir.symlink("file", "new/").error(), Errno::noent);
  EXPECT_EQ(read_file(dir, "relative"), "inside");
}

TEST_P(DirTest, CreatesAndRemoves) {
  Dir dir = root();
  OpenOptions options;
  options.write = options.create = options.exclusive = true;
  auto fd = dir.open("sub/new", options);
  ASSERT_TRUE(fd.has_value());
  EXPECT_EQ(::write(fd->get(), "abc", 3), 3);
  EXPECT_EQ(dir.open("sub/new", options).error(), Errno::exist);
  EXPECT_EQ(dir.stat("sub/new", true)->size, 3u);
  options.exclusive = false;
  options.truncate = true;
  EXPECT_TRUE(dir.open("sub/new", options).has_value());
  EXPECT_EQ(dir.stat("sub/new", true)->size, 0u);
  EXPECT_EQ(dir.open("newdir/", options).error(), Errno::isdir);
  EXPECT_TRUE(dir.create_directory("made").has_value());
  EXPECT_TRUE(dir.create_directory("made/below/").has_value());
  EXPECT_EQ(dir.create_directory("made").error(), Errno::exist);
  EXPECT_EQ(dir.remove_directory("made").error(), Errno::notempty);
  EXPECT_EQ(dir.unlink_file("made").error(), Errno::isdir);
  EXPECT_EQ(dir.unlink_file("made/").error(), Errno::isdir);
  EXPECT_EQ(dir.remove_directory("file").error(), Errno::notdir);
  EXPECT_EQ(dir.unlink_file("file/").error(), Errno::notdir);
  EXPECT_TRUE(dir.remove_directory("made/below/").has_value());
  EXPECT_TRUE(dir.remove_directory("made").has_value());
  EXPECT_TRUE(dir.unlink_file("sub/new").has_value());
  EXPECT_EQ(dir.unlink_file("sub/new").error(), Errno::noent);
}

TEST_P(DirTest, CreatingThroughALinkStaysBeneath) {
  Dir dir = root();
  link("sub/made", "inner");
  link("../outside/made", "outer");
  OpenOptions options;
  options.write = options.create = options.follow = true;
  EXPECT_TRUE(dir.open("inner", options).has_value());
  EXPECT_TRUE(fs::exists(base_ / "root/sub/made"));
  EXPECT_EQ(dir.open("outer", options).error(), Errno::notcapable);
  EXPECT_FALSE(fs::exists(base_ / "outside/made"));
  options.exclusive = true;
  EXPECT_EQ(dir.open("inner", options).error(), Errno::exist);
  EXPECT_EQ(dir.open("outer", options).error(), Errno::exist);
}

TEST_P(DirTest, RenamesAndLinksBetweenDirectories) {
  Dir dir = root();
  Dir second = open_dir("outside", false);
  EXPECT_TRUE(dir.rename("file", second, "moved").has_value());
  EXPECT_EQ(read_file(second, "moved"), "inside");
  EXPECT_TRUE(second.link("moved", false, dir, "sub/linked").has_value());
  EXPECT_EQ(read_file(dir, "sub/linked"), "inside");
  EXPECT_EQ(dir.stat("sub/linked", true)->nlink, 2u);
  EXPECT_EQ(dir.link("sub", false, dir, "hard").error(), Errno::perm);
  EXPECT_EQ(dir.link("sub/linked", false, dir, "hard/").error(), Errno::noent);
  EXPECT_EQ(dir.rename("sub", dir, "sub/deep/x").error(), Errno::inval);
  EXPECT_FALSE(dir.rename(".", dir, "x").has_value());
  EXPECT_FALSE(dir.rename("sub", dir, "sub/..").has_value());
}

TEST_P(DirTest, LinksToLinks) {
  Dir dir = root();
  link("missing", "dangling");
  link("sub/other", "good");
  EXPECT_TRUE(dir.link("dangling", false, dir, "copy").has_value());
  EXPECT_EQ(dir.readlink("copy"), "missing");
  EXPECT_EQ(dir.link("dangling", true, dir, "copy2").error(), Errno::noent);
  ASSERT_TRUE(dir.link("good", true, dir, "hard").has_value());
  EXPECT_EQ(dir.stat("hard", false)->type, FileType::regular_file);
}

TEST_P(DirTest, ReadOnlyRefusesEveryChange) {
  Dir dir = root(true);
  Dir other = open_dir("outside", false);
  link("file", "link");
  OpenOptions options;
  options.read = options.follow = true;
  EXPECT_TRUE(dir.open("file", options).has_value());
  options.create = true;
  EXPECT_TRUE(dir.open("file", options).has_value());
  EXPECT_EQ(dir.open("new", options).error(), Errno::rofs);
  options.exclusive = true;
  EXPECT_EQ(dir.open("file", options).error(), Errno::exist);
  EXPECT_EQ(dir.open("new", options).error(), Errno::rofs);
  options = {};
  options.write = true;
  EXPECT_EQ(dir.open("file", options).error(), Errno::rofs);
  options = {};
  options.read = options.truncate = true;
  EXPECT_EQ(dir.open("file", options).error(), Errno::rofs);
  EXPECT_EQ(dir.create_directory("new").error(), Errno::rofs);
  EXPECT_EQ(dir.remove_directory("sub/deep").error(), Errno::rofs);
  EXPECT_EQ(dir.unlink_file("file").error(), Errno::rofs);
  EXPECT_EQ(dir.rename("file", dir, "moved").error(), Errno::rofs);
  EXPECT_EQ(dir.rename("file", other, "moved").error(), Errno::rofs);
  EXPECT_EQ(other.rename("secret", dir, "moved").error(), Errno::rofs);
  // A hard link elsewhere would be a writable way to the file.
  EXPECT_EQ(dir.link("file", false, other, "alias").error(), Errno::rofs);
  EXPECT_EQ(other.link("secret", false, dir, "alias").error(), Errno::rofs);
  EXPECT_EQ(dir.symlink("file", "new").error(), Errno::rofs);
  TimeChange now{TimeChange::Kind::now, 0};
  EXPECT_EQ(dir.set_times("file", true, now, now).error(), Errno::rofs);
  EXPECT_EQ(dir.set_own_times(now, now).error(), Errno::rofs);
  EXPECT_EQ(read_file(dir, "file"), "inside");
}

TEST_P(DirTest, TimesOfFilesAndLinks) {
  Dir dir = root();
  link("file", "link");
  TimeChange set{TimeChange::Kind::set, 1'234'567'890'123'456'789u};
  ASSERT_TRUE(dir.set_times("link", false, {}, set).has_value());
  EXPECT_EQ(dir.stat("link", false)->mtim, set.nanoseconds);
  EXPECT_NE(dir.stat("file", false)->mtim, set.nanoseconds);
  ASSERT_TRUE(dir.set_times("link", true, set, {}).has_value());
  EXPECT_EQ(dir.stat("file", false)->atim, set.nanoseconds);
  EXPECT_NE(dir.stat("file", false)->mtim, set.nanoseconds);
}

TEST_P(DirTest, ReadsEntriesWithCookies) {
  Dir dir = root();
  for (int i = 0; i < 300; ++i) write(base_ / "root/sub" / ("f" + std::to_string(i)), "");
  OpenOptions options;
  options.read = options.directory = true;
  auto fd = dir.open("sub", options);
  ASSERT_TRUE(fd.has_value());
  Dir sub(std::move(*fd), false, GetParam());
  std::set<std::string> names;
  uint64_t cookie = 0;
  size_t calls = 0;
  for (;; ++calls) {
    // Take a few only and go on from the last one's cookie.
    size_t taken = 0;
    auto visit = [&](const DirEntry& entry) {
      EXPECT_TRUE(names.insert(std::string(entry.name)).second) << entry.name << " twice";
      if (entry.name == "..") EXPECT_EQ(entry.ino, 0u);
      if (entry.name == "f0") EXPECT_EQ(entry.type, FileType::regular_file);
      if (entry.name == "deep") EXPECT_EQ(entry.type, FileType::directory);
      cookie = entry.next;
      return ++taken < 7;
    };
    ASSERT_TRUE(sub.read_entries(cookie, visit).has_value());
    if (taken == 0) break;
    // Removing what was read must not make the rest move.
    if (calls == 3) ASSERT_TRUE(sub.unlink_file(*std::next(names.begin(), 5)).has_value());
  }
  EXPECT_EQ(names.size(), 304u);  // 300, `other`, `deep`, `.` and `..`
  EXPECT_GT(calls, 40u);
  EXPECT_FALSE(sub.read_entries(UINT64_MAX, [](auto&) { return true; }).has_value());
}

TEST_P(DirTest, AFifoDoesNotBlockOpening) {
  ASSERT_EQ(::mkfifo((base_ / "root/fifo").c_str(), 0600), 0);
  Dir dir = root();
  EXPECT_EQ(open_error(dir, "fifo"), Errno::success);
  OpenOptions options;
  options.write = true;
  EXPECT_EQ(dir.open("fifo", options).error(), Errno::nxio);
}

TEST_P(DirTest, ASwappedLinkIsNeverFollowedOut) {
  // One thread makes `flip` a directory and a link to the outside by turns.
  Dir dir = root();
  fs::create_directories(base_ / "root/real");
  write(base_ / "root/real/secret", "inside");
  link("../outside", "evil");
  link("real", "flip");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    auto next = base_ / "root/next", flip = base_ / "root/flip";
    while (!stop) {
      for (const char* target : {"../outside", "real"}) {
        fs::create_symlink(target, next);
        fs::rename(next, flip);
      }
    }
  });
  int good = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = read_file(dir, "flip/secret");
    EXPECT_NE(text, "secret");
    if (text == "inside") ++good;
    EXPECT_FALSE(dir.unlink_file("flip/only-outside").has_value());
  }
  stop = true;
  swapper.join();
  EXPECT_TRUE(fs::exists(base_ / "outside/secret"));
  // With the last swap done, the way is open again.
  EXPECT_EQ(read_file(dir, "flip/secret"), "inside");
  SUCCEED() << good << " opens hit the good link";
}

TEST_P(DirTest, ADirectoryMovedOutDuringTheWalkLeadsNowhere) {
  Dir dir = root();
  fs::create_directories(base_ / "root/a/b/c");
  write(base_ / "secret", "secret");
  std::atomic<bool> stop = false;
  std::thread mover([&] {
    while (!stop) {
      ::rename((base_ / "root/a/b").c_str(), (base_ / "outside/b").c_str());
      ::rename((base_ / "outside/b").c_str(), (base_ / "root/a/b").c_str());
    }
  });
  for (int i = 0; i < 3000; ++i) {
    // From outside/b/c these dots would reach what lies beside root.
    EXPECT_NE(read_file(dir, "a/b/c/../../../secret"), "secret");
    EXPECT_NE(read_file(dir, "a/b/c/../../secret"), "secret");
  }
  stop = true;
  mover.join();
}

INSTANTIATE_TEST_SUITE_P(Both, DirTest, testing::Values(Resolver::kernel, Resolver::walk),
                         [](const auto& param) {
                           return param.param == Resolver::kernel ? "Openat2" : "Walk";
                         });

}  // namespace
}  // namespace sedge::wasi::os
