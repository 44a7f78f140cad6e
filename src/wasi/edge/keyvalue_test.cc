// Kept values, in memory and in a file; what a file shares, and what it refuses.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "wasi/edge/keyvalue_store.h"

namespace sedge::wasi {
namespace {

namespace fs = std::filesystem;

const KeyValueStore::Stop kNever = [] { return false; };
using Pairs = std::vector<std::pair<std::string, std::string>>;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/sedge-kv-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string value_of(KeyValueStore& store, std::string_view bucket, std::string_view key) {
  auto got = store.get(bucket, key, kNever);
  if (!got) return "error: " + got.error();
  return *got ? (*got)->data : "none";
}
KeyValueStore::Outcome<> put(KeyValueStore& store, std::string_view bucket, const Pairs& entries) {
  return store.set(bucket, entries, kNever);
}
/// Adds one to a number that is kept.
KeyValueStore::Outcome<> count(KeyValueStore& store) {
  return store.update(
      "", "n",
      [](const auto& old) -> KeyValueStore::Outcome<std::string> {
        return std::to_string((old ? std::stoi(old->data) : 0) + 1);
      },
      kNever);
}

class Stores : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto made = open_keyvalue(GetParam() ? folder_.file("kept.db") : "");
    if (!made && made.error().code() == ErrorCode::not_in_build) GTEST_SKIP() << "without SQLite";
    ASSERT_TRUE(made.has_value()) << made.error().render();
    store_ = *std::move(made);
  }
  Folder folder_;
  std::shared_ptr<KeyValueStore> store_;
};

TEST_P(Stores, KeepValuesApartByBucket) {
  const std::string odd("a\0b\xff", 4);
  ASSERT_TRUE(put(*store_, "one", {{"k", "1"}, {odd, odd}, {"", "empty"}}));
  ASSERT_TRUE(put(*store_, "two", {{"k", ""}}));
  EXPECT_EQ(value_of(*store_, "one", "k"), "1");
  EXPECT_EQ(value_of(*store_, "one", odd), odd);
  EXPECT_EQ(value_of(*store_, "one", ""), "empty");
  EXPECT_EQ(value_of(*store_, "two", "k"), "");
  EXPECT_EQ(value_of(*store_, "three", "k"), "none");
  EXPECT_TRUE(*store_->exists("two", "k", kNever));
  EXPECT_FALSE(*store_->exists("two", odd, kNever));
  const std::string keys[] = {"k", "never there"};
  ASSERT_TRUE(store_->remove("one", keys, kNever));
  EXPECT_EQ(value_of(*store_, "one", "k"), "none");
  EXPECT_EQ(value_of(*store_, "two", "k"), "");
}

TEST_P(Stores, TheLastOfOneKeyCounts) {
  ASSERT_TRUE(put(*store_, "b", {{"k", "1"}, {"k", "2"}}));
  EXPECT_EQ(value_of(*store_, "b", "k"), "2");
  ASSERT_TRUE(put(*store_, "b", {{"k", "3"}}));
  EXPECT_EQ(value_of(*store_, "b", "k"), "3");
}

TEST_P(Stores, ListKeysInOrderAndInPages) {
  for (const char* bucket : {"a", "b", "c"})
    ASSERT_TRUE(put(*store_, bucket, {{"3", ""}, {"1", ""}, {"2", ""}, {"4", ""}}));
  using Keys = std::vector<std::string>;
  EXPECT_EQ(*store_->keys("b", std::nullopt, 0, 10, kNever), (Keys{"1", "2", "3", "4"}));
  EXPECT_EQ(*store_->keys("b", std::nullopt, 0, 2, kNever), (Keys{"1", "2"}));
  EXPECT_EQ(*store_->keys("b", "2", 0, 10, kNever), (Keys{"3", "4"}));
  EXPECT_EQ(*store_->keys("b", std::nullopt, 3, 10, kNever), (Keys{"4"}));
  EXPECT_EQ(*store_->keys("b", "4", 0, 10, kNever), Keys{});
  EXPECT_EQ(*store_->keys("b", std::nullopt, UINT64_MAX, 10, kNever), Keys{});
  EXPECT_EQ(*store_->keys("d", std::nullopt, 0, 10, kNever), Keys{});
}

TEST_P(Stores, EachChangeHasAnotherVersion) {
  ASSERT_TRUE(put(*store_, "b", {{"k", "1"}}));
  int64_t before = (**store_->get("b", "k", kNever)).version;
  ASSERT_TRUE(put(*store_, "b", {{"k", "1"}}));
  EXPECT_NE((**store_->get("b", "k", kNever)).version, before);
}

TEST_P(Stores, AChangeThatIsRefusedChangesNothing) {
  ASSERT_TRUE(put(*store_, "", {{"n", "5"}}));
  auto refused = store_->update(
      "", "n",
      [](const auto&) -> KeyValueStore::Outcome<std::string> { return std::unexpected("no"); },
      kNever);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "no");
  EXPECT_EQ(value_of(*store_, "", "n"), "5");
  ASSERT_TRUE(count(*store_));
  EXPECT_EQ(value_of(*store_, "", "n"), "6");
}

TEST_P(Stores, ThreadsCountTogether) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) EXPECT_TRUE(count(*store_));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value_of(*store_, "", "n"), "200");
}

INSTANTIATE_TEST_SUITE_P(Both, Stores, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "File" : "Memory"; });

TEST(MemoryStore, IsBoundedWholly) {
  auto store = keyvalue_in_memory();
  ASSERT_TRUE(put(*store, "", {{"k", "old"}}));
  const std::string most(KeyValueStore::kMaxMemory / 4, 'x');
  auto refused =
      put(*store, "", {{"k", "new"}, {"a", most}, {"b", most}, {"c", most}, {"d", most}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "the store is full");
  EXPECT_EQ(value_of(*store, "", "k"), "old");
  EXPECT_EQ(value_of(*store, "", "a"), "none");
  // What is removed makes room.
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(put(*store, "", {{"a", most}, {"b", most}, {"c", most}}));
    const std::string keys[] = {"a", "b", "c"};
    ASSERT_TRUE(store->remove("", keys, kNever));
  }
}

#if SEDGE_HAVE_SQLITE

TEST(FileStore, IsThereTheNextTime) {
  Folder folder;
  {
    auto store = open_keyvalue(folder.file("kept.db"));
    ASSERT_TRUE(store.has_value()) << store.error().render();
    ASSERT_TRUE(put(**store, "b", {{"k", "v"}}));
  }
  auto store = open_keyvalue(folder.file("kept.db"));
  ASSERT_TRUE(store.has_value()) << store.error().render();
  EXPECT_EQ(value_of(**store, "b", "k"), "v");
}

TEST(FileStore, ProcessesCountTogether) {
  Folder folder;
  const std::string file = folder.file("kept.db");
  constexpr int kProcesses = 3, kTimes = 40;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    pid_t child = ::fork();
    if (child == 0) {
      // All of them make the file at once.
      auto store = open_keyvalue(file);
      bool good = store.has_value();
      if (!good) std::cerr << store.error().render();
      for (int n = 0; n < kTimes && good; ++n) good = count(**store).has_value();
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  auto store = open_keyvalue(file);
  ASSERT_TRUE(store.has_value()) << store.error().render();
  EXPECT_EQ(value_of(**store, "", "n"), std::to_string(kProcesses * kTimes));
}

TEST(FileStore, GivesUpWaitingWhenItsGuestIsStopped) {
  Folder folder;
  auto first = open_keyvalue(folder.file("kept.db"));
  auto second = open_keyvalue(folder.file("kept.db"));
  ASSERT_TRUE(first && second);
  auto done = (*first)->update(
      "", "k",
      [&](const auto&) -> KeyValueStore::Outcome<std::string> {
        auto refused = (*second)->set("", Pairs{{"k", "2"}}, [] { return true; });
        EXPECT_FALSE(refused);
        if (!refused) EXPECT_EQ(refused.error(), "another process holds the store");
        return "1";
      },
      kNever);
  EXPECT_TRUE(done);
  EXPECT_EQ(value_of(**second, "", "k"), "1");
}

TEST(FileStore, RefusesWhatIsNoneOfItsFiles) {
  Folder folder;
  std::ofstream(folder.file("text")) << std::string(4096, 'x');
  auto text = open_keyvalue(folder.file("text"));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message(),
            fmt::format("input/output error: key-value file {}: file is not a database",
                        folder.file("text")));
  EXPECT_FALSE(open_keyvalue(folder.file("no/such/folder.db")));
  EXPECT_FALSE(open_keyvalue("/tmp"));
  EXPECT_EQ(fs::file_size(folder.file("text")), 4096u);
}

#endif  // SEDGE_HAVE_SQLITE

TEST(Fill, ChecksWhatItKeeps) {
  auto store = keyvalue_in_memory();
  ASSERT_TRUE(fill_keyvalue(*store, Pairs{{"a", "b"}}));
  EXPECT_EQ(value_of(*store, "", "a"), "b");
  auto refused = fill_keyvalue(*store, Pairs{{std::string(2000, 'k'), "b"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "bad argument: key-value data: the key has 2000 bytes, at most 1024 are kept");
}

}  // namespace
}  // namespace sedge::wasi
