#include "base/file.h"

#include <filesystem>
#include <string>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/test_folder.h"

namespace sedge {
namespace {

class File : public testing::Test {
 protected:
  std::string path(std::string_view name) const { return folder_.path() + "/" + std::string(name); }
  test::TempFolder folder_;
};

TEST_F(File, WhatIsWrittenIsRead) {
  std::string content(200'000, 'x');
  ASSERT_TRUE(write_file(path("a"), content));
  auto read = read_file(path("a"), 1 << 20);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), content);
  ASSERT_TRUE(write_file(path("a"), ""));
  EXPECT_TRUE(read_file(path("a"), 0).value().bytes.empty());
}

TEST_F(File, LimitsAreKept) {
  ASSERT_TRUE(write_file(path("a"), "12345"));
  EXPECT_TRUE(read_file(path("a"), 5));
  auto read = read_file(path("a"), 4);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(),
            "implementation limit exceeded: " + path("a") + " has more than 4 bytes");
  // A device has no size to ask for beforehand.
  EXPECT_EQ(read_file("/dev/zero", 1000).error().code(), ErrorCode::limit_exceeded);
}

TEST_F(File, ErrorsNameThePath) {
  EXPECT_EQ(read_file(path("none"), 1).error().message(), "file not found: " + path("none"));
  EXPECT_EQ(read_file(folder_.path(), 1).error().message(),
            "input/output error: " + folder_.path() + ": Is a directory");
  EXPECT_EQ(write_file(path("none/a"), "x").error().code(), ErrorCode::file_not_found);
}

TEST_F(File, AFailedWriteLeavesNothingBehind) {
  ::mkdir(path("taken").c_str(), 0777);
  EXPECT_FALSE(write_file(path("taken"), "x"));
  size_t entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_TRUE(entry.is_directory());
    ++entries;
  }
  EXPECT_EQ(entries, 1u);
  EXPECT_TRUE(write_file("/dev/null", "x"));
}

}  // namespace
}  // namespace sedge
