// The cache of code against everything that a disk, other processes and other users can do to it.
#include "vm/code_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace sedge::vm {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPlenty = uint64_t{1} << 30;
constexpr uint8_t kModule[] = {1, 2, 3, 4}, kOther[] = {4, 3, 2, 1};

std::vector<uint8_t> artifact(uint8_t fill, size_t size = 5000) {
  Artifact made;
  made.layout = layout_hash();
  ArtifactImage image;
  image.target = host_target();
  image.entries = {{64, 5}};
  image.code.assign(size, fill);
  made.images.push_back(image);
  return write_code_only(made);
}

class CodeCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/code-cache.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    folder_ = root_ + "/a/b";
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  CodeCache open(CodeCache::Access access = CodeCache::Access::create) {
    auto cache = CodeCache::open(folder_, access);
    EXPECT_TRUE(cache) << cache.error().render();
    return *std::move(cache);
  }
  Result<void> put(const CodeCache& cache, Bytes module, const std::vector<uint8_t>& code,
                   uint64_t max = kPlenty) {
    return cache.put(module, host_target(), {}, true, code, max);
  }
  /// The one entry's file.
  std::string entry() {
    for (const auto& item : fs::directory_iterator(folder_))
      if (item.path().extension() == ".code") return item.path();
    return {};
  }
  std::set<std::string> names() {
    std::set<std::string> out;
    for (const auto& item : fs::directory_iterator(folder_)) out.insert(item.path().filename());
    return out;
  }
  std::string root_, folder_;
};

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void spill(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

bool has(const Result<std::optional<CachedCode>>& found, const std::vector<uint8_t>& code) {
  return found && *found && std::ranges::equal((*found)->bytes(), code);
}
bool is_miss(const Result<std::optional<CachedCode>>& found) { return found && !*found; }

TEST_F(CodeCacheTest, GivesBackWhatWasPutIn) {
  EXPECT_FALSE(open(CodeCache::Access::existing));  // nothing is made by looking
  const CodeCache cache = open();
  EXPECT_TRUE(is_miss(cache.find(kModule, {})));
  const auto code = artifact(1);
  ASSERT_TRUE(put(cache, kModule, code));
  const auto found = cache.find(kModule, {});
  ASSERT_TRUE(has(found, code));
  EXPECT_TRUE((*found)->whole);
  EXPECT_TRUE(is_miss(cache.find(kOther, {})));
  EXPECT_TRUE(is_miss(cache.find(kModule, {.fuel = true})));
  const auto better = artifact(2, 100'000);
  ASSERT_TRUE(put(cache, kModule, better));
  EXPECT_TRUE(has(open(CodeCache::Access::existing).find(kModule, {}), better));
  struct stat info{};
  ASSERT_EQ(::stat((folder_ + "/key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(cache.list().size(), 1u);
  EXPECT_EQ(cache.check(cache.list()[0]), "");
}

TEST_F(CodeCacheTest, RefusesAFileThatDiffersInOneByte) {
  const CodeCache cache = open();
  const auto code = artifact(1);
  ASSERT_TRUE(put(cache, kModule, code));
  const std::string path = entry(), good = slurp(path);
  std::vector<size_t> places;
  constexpr size_t kHead = 96 + 128;
  places.reserve(kHead + 101);
  for (size_t i = 0; i < kHead; i++) places.push_back(i);
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same bytes each time
  for (int i = 0; i < 100; i++) places.push_back(random() % good.size());
  places.push_back(good.size() - 1);
  for (size_t place : places) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ (1 << random() % 8));
    spill(path, bad);
    const auto found = cache.find(kModule, {});
    // Another module's hash makes it another module's entry.
    const bool is_module = place >= 32 && place < 64;
    EXPECT_TRUE(is_module ? is_miss(found) : !found) << place;
    EXPECT_EQ(fs::exists(path), is_module) << place;
    spill(path, good);
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  }
  EXPECT_TRUE(has(cache.find(kModule, {}), code));
  for (size_t size : {size_t{0}, size_t{63}, size_t{95}, size_t{96}, good.size() - 1}) {
    spill(path, good.substr(0, size));
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    EXPECT_NE(cache.check(cache.list()[0]), "") << size;
    EXPECT_FALSE(cache.find(kModule, {})) << size;
  }
  spill(path, good + "x");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_FALSE(cache.find(kModule, {}));
}

TEST_F(CodeCacheTest, RefusesAnotherEntryUnderTheName) {
  const CodeCache cache = open();
  ASSERT_TRUE(put(cache, kModule, artifact(1)));
  const std::string path = entry();
  fs::rename(path, root_ + "/kept");
  ASSERT_TRUE(put(cache, kOther, artifact(2)));
  const std::string other = entry();
  fs::copy_file(other, path);  // another module's
  EXPECT_TRUE(is_miss(cache.find(kModule, {})));
  fs::remove(path);
  ASSERT_TRUE(cache.put(kModule, host_target(), {.fuel = true}, true, artifact(3), kPlenty));
  for (const std::string& name : names())  // another mode's
    if (name.ends_with(".code") && folder_ + "/" + name != other)
      fs::rename(folder_ + "/" + name, path);
  EXPECT_FALSE(cache.find(kModule, {}));
  // Another user's or another folder's: the key is not the same.
  folder_ = root_ + "/second";
  const CodeCache second = open();
  ASSERT_TRUE(put(second, kOther, artifact(4)));
  fs::rename(root_ + "/kept", folder_ + "/" + fs::path(path).filename().string());
  EXPECT_FALSE(second.find(kModule, {}));
}

TEST_F(CodeCacheTest, RefusesFoldersThatOthersCanUse) {
  fs::create_directories(folder_);
  ASSERT_EQ(::chmod(folder_.c_str(), 0750), 0);
  auto refused = CodeCache::open(folder_, CodeCache::Access::existing);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::bad_artifact);
  EXPECT_EQ(refused.error().message(),
            "precompiled code cannot be used: " + folder_ + " is open to other users");
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  EXPECT_TRUE(CodeCache::open(folder_, CodeCache::Access::existing));
  fs::create_directory_symlink(folder_, root_ + "/link");
  EXPECT_FALSE(CodeCache::open(root_ + "/link", CodeCache::Access::create));
  spill(root_ + "/file", "");
  EXPECT_FALSE(CodeCache::open(root_ + "/file", CodeCache::Access::create));
  ASSERT_EQ(::mkfifo((root_ + "/pipe").c_str(), 0700), 0);
  EXPECT_FALSE(CodeCache::open(root_ + "/pipe", CodeCache::Access::existing));
  // Who may not give it away, as root of a container with few users, cannot try this.
  if (::chown(folder_.c_str(), 12345, 12345) == 0) {
    refused = CodeCache::open(folder_, CodeCache::Access::existing);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(),
              "precompiled code cannot be used: " + folder_ + " belongs to another user");
  }
}

TEST_F(CodeCacheTest, RefusesThingsThatAreNoFiles) {
  const CodeCache cache = open();
  const auto code = artifact(1);
  ASSERT_TRUE(put(cache, kModule, code));
  const std::string path = entry(), key = folder_ + "/key", good = slurp(path);
  // Entries: a pipe (which must not be waited for), a link, a folder, a file that others can read.
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(cache.find(kModule, {}));
  spill(root_ + "/elsewhere", good);
  fs::remove(path);
  fs::create_symlink(root_ + "/elsewhere", path);
  EXPECT_TRUE(is_miss(cache.find(kModule, {})));
  ASSERT_TRUE(put(cache, kModule, code));  // takes the link's place
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path)));
  EXPECT_EQ(slurp(root_ + "/elsewhere"), good);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_FALSE(cache.find(kModule, {}));
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_FALSE(cache.find(kModule, {}));
  EXPECT_FALSE(put(cache, kModule, code));
  fs::remove(path);
  ASSERT_TRUE(put(cache, kModule, code));
  // The key.
  const std::string secret = slurp(key);
  for (const std::string& bad : {std::string(), secret.substr(1), secret + "x"}) {
    spill(key, bad);
    EXPECT_FALSE(cache.find(kModule, {}));
    EXPECT_FALSE(put(cache, kOther, code));
  }
  fs::remove(key);
  ASSERT_EQ(::mkfifo(key.c_str(), 0600), 0);
  EXPECT_FALSE(cache.find(kModule, {}));
  EXPECT_FALSE(put(cache, kOther, code));
  fs::remove(key);
  spill(root_ + "/secret", secret);
  fs::create_symlink(root_ + "/secret", key);
  EXPECT_FALSE(cache.find(kModule, {}));
  EXPECT_FALSE(put(cache, kOther, code));
  // Clearing heals it.
  cache.clear();
  EXPECT_TRUE(names().empty());
  ASSERT_TRUE(put(cache, kModule, code));
  EXPECT_TRUE(has(cache.find(kModule, {}), code));
}

TEST_F(CodeCacheTest, RemovesWhatWasUsedTheLongestAgo) {
  const CodeCache cache = open();
  for (uint8_t i = 0; i < 5; i++) {
    const std::vector<uint8_t> module(10, i);
    ASSERT_TRUE(put(cache, module, artifact(i)));
  }
  // The third of them was used last, the others in their order.
  std::vector<CacheRow> rows = cache.list();
  ASSERT_EQ(rows.size(), 5u);
  uint64_t total = 0;
  for (uint8_t i = 0; i < 5; i++) {
    for (const CacheRow& row : rows) {
      if (row.module != blake2(std::vector<uint8_t>(10, i))) continue;
      total += row.size;
      const timespec time{1000 + (i == 2 ? 100 : i), 0}, times[2] = {time, time};
      ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ + "/" + row.name).c_str(), times, 0), 0);
    }
  }
  ASSERT_TRUE(put(cache, kModule, artifact(9), total / 5 * 3));
  EXPECT_EQ(cache.list().size(), 3u);
  EXPECT_TRUE(has(cache.find(kModule, {}), artifact(9)));
  for (uint8_t i = 0; i < 5; i++) {
    const std::vector<uint8_t> module(10, i);
    EXPECT_EQ(has(cache.find(module, {}), artifact(i)), i == 2 || i == 4) << int{i};
  }
  EXPECT_FALSE(put(cache, kModule, artifact(1, 10'000'000), 1'000'000));
}

TEST_F(CodeCacheTest, KeepsAllOfAModuleRatherThanAPart) {
  const CodeCache cache = open();
  ASSERT_TRUE(cache.put(kModule, host_target(), {}, false, artifact(1), kPlenty));
  ASSERT_TRUE(cache.put(kModule, host_target(), {}, false, artifact(2), kPlenty));
  EXPECT_TRUE(has(cache.find(kModule, {}), artifact(2)));
  ASSERT_TRUE(put(cache, kModule, artifact(3)));
  ASSERT_TRUE(cache.put(kModule, host_target(), {}, false, artifact(4), kPlenty));
  EXPECT_TRUE(has(cache.find(kModule, {}), artifact(3)));
}

TEST_F(CodeCacheTest, NotesWhenSomethingIsUsed) {
  const CodeCache cache = open();
  ASSERT_TRUE(put(cache, kModule, artifact(1)));
  const timespec old{1000, 0}, times[2] = {old, old};
  ASSERT_EQ(::utimensat(AT_FDCWD, entry().c_str(), times, 0), 0);
  EXPECT_EQ(cache.list()[0].used, 1000);
  ASSERT_TRUE(has(cache.find(kModule, {}), artifact(1)));
  EXPECT_GT(cache.list()[0].used, 1000);
}

TEST_F(CodeCacheTest, LetsOneAtATimeMakeAnEntry) {
  const CodeCache cache = open();
  auto first = cache.claim(kModule, host_target(), {});
  ASSERT_TRUE(first && *first);
  auto second = cache.claim(kModule, host_target(), {});
  EXPECT_TRUE(second && !*second);
  auto other = cache.claim(kOther, host_target(), {});
  EXPECT_TRUE(other && *other);
  first->reset();
  second = cache.claim(kModule, host_target(), {});
  EXPECT_TRUE(second && *second);
}

TEST_F(CodeCacheTest, LeavesNothingBehindOnAFullDisk) {
  const CodeCache cache = open();
  ASSERT_TRUE(put(cache, kOther, artifact(1)));
  const std::set<std::string> before = names();
  // Writing beyond the limit fails as it does on a full disk, in the middle.
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual), 0);
  rlimit tight = usual;
  tight.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  auto failed = put(cache, kModule, artifact(1));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &usual), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(failed);
  EXPECT_EQ(names(), before);
}

TEST_F(CodeCacheTest, IsReadableWhereNothingCanBeWritten) {
  ASSERT_TRUE(put(open(), kModule, artifact(1)));
  ASSERT_EQ(::chmod(folder_.c_str(), 0500), 0);
  const CodeCache cache = open(CodeCache::Access::existing);
  EXPECT_TRUE(has(cache.find(kModule, {}), artifact(1)));
  if (::geteuid() != 0) EXPECT_FALSE(put(cache, kOther, artifact(2)));
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
}

TEST_F(CodeCacheTest, IsSharedByManyProcesses) {
  constexpr int kProcesses = 200;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; i++) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    std::mt19937 random(static_cast<uint32_t>(i));
    bool right = true;
    for (int round = 0; round < 20; round++) {
      const auto which = static_cast<uint8_t>(random() % 4);
      const std::vector<uint8_t> module(10, which);
      auto cache = CodeCache::open(folder_, CodeCache::Access::create);
      if (!cache) ::_exit(2);
      // Whatever is found is right; too small a limit makes entries vanish under the others.
      if (random() % 2 == 0) {
        right &= cache->put(module, host_target(), {}, true, artifact(which), 250'000).has_value();
      } else {
        const auto found = cache->find(module, {});
        right &= found.has_value() && (!*found || has(found, artifact(which)));
      }
    }
    ::_exit(right ? 0 : 1);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const CodeCache cache = open();
  for (const CacheRow& row : cache.list()) EXPECT_EQ(cache.check(row), "");
  for (const std::string& name : names()) EXPECT_TRUE(name == "key" || name.ends_with(".code"));
}

}  // namespace
}  // namespace sedge::vm
