// Against folders that look like the kernel's.
#include "engine/headroom.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/cpu.h"

namespace sedge {
namespace {

class Headroom : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/headroom.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& content) {
    const std::filesystem::path full = root_ + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << content;
  }
  std::string root_;
};

constexpr const char* kMeminfo = "MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable:   4096 kB\n";

TEST_F(Headroom, IsUnknownWithoutFiles) { EXPECT_EQ(memory_headroom(root_), UINT64_MAX); }

TEST_F(Headroom, IsWhatTheMachineHas) {
  write("/proc/meminfo", kMeminfo);
  EXPECT_EQ(memory_headroom(root_), 4096u << 10);
}

TEST_F(Headroom, IsTheLeastOfAllGroupsAbove) {
  write("/proc/meminfo", kMeminfo);
  write("/proc/self/cgroup", "0::/pods/one\n");
  write("/sys/fs/cgroup/pods/one/memory.max", "max\n");
  write("/sys/fs/cgroup/pods/one/memory.current", "70000\n");
  EXPECT_EQ(memory_headroom(root_), 4096u << 10);
  write("/sys/fs/cgroup/pods/memory.max", "100000\n");
  write("/sys/fs/cgroup/pods/memory.current", "90000\n");
  EXPECT_EQ(memory_headroom(root_), 10000u);
  write("/sys/fs/cgroup/pods/one/memory.max", "67000\n");
  EXPECT_EQ(memory_headroom(root_), 0u);
}

TEST_F(Headroom, KnowsGroupsOfContainersAndOfTheFirstVersion) {
  write("/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "5000\n");
  write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "2000\n");
  EXPECT_EQ(memory_headroom(root_), 3000u);
}

TEST_F(Headroom, CountsProcessorsByWhatGroupsAreAllowed) {
  if (available_cores() < 2) GTEST_SKIP() << "one processor";
  EXPECT_TRUE(may_use_two_processors(root_));
  auto may_with = [this](const std::string& path, const std::string& content) {
    write("/sys/fs/cgroup/" + path, content);
    return may_use_two_processors(root_);
  };
  write("/proc/self/cgroup", "0::/pods/one\n");
  EXPECT_TRUE(may_with("pods/one/cpu.max", "max 100000\n"));
  EXPECT_TRUE(may_with("pods/cpu.max", "200000 100000\n"));
  EXPECT_FALSE(may_with("pods/cpu.max", "150000 100000\n"));
  write("/proc/self/cgroup", "4:memory:/x\n5:cpu,cpuacct:/x\n");
  write("/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(may_with("cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n"));
  EXPECT_FALSE(may_with("cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n"));
}

}  // namespace
}  // namespace sedge
