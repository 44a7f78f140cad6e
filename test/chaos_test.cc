// What happens to machines: sedgec is killed in the middle, the disk is full, memory is scarce,
// files with native code are damaged or exchanged. The program's result is right each time. Skipped
// where sedgec was not built.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <thread>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "base/test_paths.h"
#include "engine/sedgec.h"
#include "program.h"
#include "vm/artifact.h"
#include "wasm/text/text.h"

namespace sedge {
namespace {

namespace fs = std::filesystem;

/// Hot for some tenths of a second; a few functions, so that compiling takes its time.
constexpr std::string_view kSpin = R"((module
  (func $mix (param i32) (result i32)
    (i32.xor (i32.mul (local.get 0) (i32.const 0x9e3779b1)) (i32.shr_u (local.get 0) (i32.const 15))))
  (func $twice (param i32) (result i32) (call $mix (call $mix (local.get 0))))
  (func (export "spin") (param i32) (result i32) (local i32)
    (loop $l
      (local.set 1 (call $twice (i32.add (local.get 0) (local.get 1))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))))";

uint32_t mix(uint32_t x) { return x * 0x9e3779b1 ^ x >> 15; }
std::string spin(uint32_t n) {
  uint32_t sum = 0;
  for (; n > 0; --n) sum = mix(mix(n + sum));
  return fmt::format("{}\n", static_cast<int32_t>(sum));
}
constexpr uint32_t kRounds = 30'000'000;

class Chaos : public testing::Test {
 protected:
  void SetUp() override {
    if (!Engine::has(Tier::llvm)) GTEST_SKIP() << "there is no sedgec";
    module_ = folder_.write("spin.wat", kSpin);
    expected_ = spin(kRounds);
  }
  std::string cache() const { return folder_.path() + "/cache"; }
  /// A program in the place of sedgec.
  std::string script(const std::string& body) {
    const std::string path = folder_.write("sedgec.sh", "#!/bin/sh\n" + body + "\n");
    ::chmod(path.c_str(), 0700);
    return path;
  }
  std::vector<std::string> words(std::vector<std::string> before = {}) const {
    before.insert(before.end(), {test::program_path(), "run", "--verbose", "--cache-dir", cache(),
                                 module_, "spin", std::to_string(kRounds)});
    return before;
  }
  /// Every entry of the cache is sound, and what it has gives the right result.
  void expect_sound_cache() {
    const test::Outcome verified =
        test::run_program({test::program_path(), "cache", "verify", "--cache-dir", cache()});
    EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
    const test::Outcome again = test::run_program(words());
    EXPECT_EQ(again.out, expected_) << again.err;
  }

  test::TempFolder folder_;
  std::string module_, expected_;
};

TEST_F(Chaos, SedgecIsKilledInTheMiddle) {
  const std::string real = Sedgec::find();
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same delays each time
  for (int i = 0; i < 12; ++i) {
    // From before it reads to after it has answered, when it goes on for the cache.
    const std::string delay = fmt::format("0.{:03}", random() % 150);
    const test::Outcome outcome = test::run_program(
        words(), {}, {},
        {"SEDGEC=" +
         script(fmt::format(R"((sleep {}; kill -9 $$) > /dev/null 2>&1 < /dev/null & exec {} "$@")",
                            delay, real))});
    EXPECT_EQ(outcome.status, 0) << delay << outcome.err;
    EXPECT_EQ(outcome.out, expected_) << delay;
  }
  expect_sound_cache();
}

/// Words that run what follows with the folder of the cache on a disk of `size`; nothing if this
/// user cannot mount one.
std::optional<std::vector<std::string>> on_small_disk(const std::string& folder,
                                                      const std::string& size) {
  std::vector<std::string> words = {
      "/usr/bin/env",
      "unshare",
      "--mount",
      "--map-root-user",
      "sh",
      "-c",
      fmt::format(R"(mount -t tmpfs -o size={},mode=0700 none "$0" && exec "$@")", size),
      folder};
  std::vector<std::string> probe = words;
  probe.emplace_back("true");
  if (test::run_program(probe).status != 0) return {};
  return words;
}

TEST_F(Chaos, TheDiskIsFull) {
  fs::create_directory(cache());
  ::chmod(cache().c_str(), 0700);
  // Nothing fits; the key does; the head of the code does.
  for (const char* size : {"4k", "8k", "12k"}) {
    auto prefix = on_small_disk(cache(), size);
    if (!prefix) GTEST_SKIP() << "unshare --mount is not allowed here";
    for (const char* tier : {"auto", "llvm"}) {
      std::vector<std::string> all = words(*prefix);
      all.insert(all.begin() + static_cast<ptrdiff_t>(prefix->size()) + 2, {"--tier", tier});
      const test::Outcome outcome = test::run_program(all);
      EXPECT_EQ(outcome.status, 0) << size << outcome.err;
      EXPECT_EQ(outcome.out, expected_) << size << tier;
    }
  }
}

TEST_F(Chaos, FilesMayNotGrow) {
  std::vector<std::string> limited = {"/bin/sh", "-c", R"(ulimit -f 1 && exec "$0" "$@")"};
  const test::Outcome outcome = test::run_program(words(limited));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, expected_);
}

/// A control group of the kernel's with `bytes` of memory, for this test.
class MemoryGroup {
 public:
  /// Why there is none is in `why`.
  static std::unique_ptr<MemoryGroup> create(uint64_t bytes, std::string& why) {
    std::ifstream mounts("/proc/self/mounts");
    for (std::string line; std::getline(mounts, line);) {
      std::istringstream fields(line);
      std::string device, place, type, options;
      fields >> device >> place >> type >> options;
      const bool second = type == "cgroup2";
      const bool first = type == "cgroup" && options.find("memory") != std::string::npos;
      if (!first && !second) continue;
      std::unique_ptr<MemoryGroup> group(
          new MemoryGroup(fmt::format("{}/sedge-test-{}", place, ::getpid())));
      if (::mkdir(group->path_.c_str(), 0755) != 0) {
        why = fmt::format("{}: {}", group->path_, std::strerror(errno));
        continue;
      }
      group->made_ = true;
      const std::string limit = group->path_ + (second ? "/memory.max" : "/memory.limit_in_bytes");
      std::ofstream file;
      if (fs::exists(limit)) file.open(limit);
      if (!(file << bytes << std::flush)) {
        why = limit + " cannot be written";
        continue;
      }
      std::vector<std::string> probe = group->words();
      probe.emplace_back("true");
      if (test::run_program(probe).status == 0) return group;
      why = group->path_ + " takes no processes";
    }
    if (why.empty()) why = "no control groups are mounted";
    return nullptr;
  }
  ~MemoryGroup() {
    // The kernel takes its time to notice that the last process has ended.
    for (int i = 0; made_ && ::rmdir(path_.c_str()) != 0 && errno == EBUSY && i < 100; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  /// Words that run what follows in the group.
  std::vector<std::string> words() const {
    return {"/bin/sh", "-c", R"(echo $$ > "$0/cgroup.procs" && exec "$@")", path_};
  }

 private:
  explicit MemoryGroup(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool made_ = false;
};

TEST_F(Chaos, MemoryIsScarce) {
  std::string why;
  const auto group = MemoryGroup::create(64 << 20, why);
  if (group == nullptr) GTEST_SKIP() << why;
  const std::string mark = folder_.path() + "/started";
  const std::vector<std::string> marker = {
      "SEDGEC=" + script(fmt::format("touch {}; exec {} \"$@\"", mark, Sedgec::find()))};
  const test::Outcome outcome = test::run_program(words(group->words()), {}, {}, marker);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, expected_);
  EXPECT_NE(outcome.err.find("sedgec may need "), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(mark));
  // Without the group it is started, though a program may end before its compiler has begun.
  for (int i = 0; i < 100 && !fs::exists(mark); ++i)
    EXPECT_EQ(test::run_program(words(), {}, {}, marker).out, expected_);
  EXPECT_TRUE(fs::exists(mark));
}

class DamagedArtifact : public testing::Test {
 protected:
  void SetUp() override {
    if (!Engine::has(Tier::llvm)) GTEST_SKIP() << "there is no sedgec";
    Config config;
    config.allow_precompiled = true;
    engine_ = *Engine::create(config);
  }
  static std::vector<uint8_t> compile(const std::string& text) {
    Sedgec sedgec;
    auto answer = sedgec.compile(sedgec_arguments(vm::host_target(), {}, 1), *wasm::assemble(text));
    EXPECT_TRUE(answer) << answer.error().render();
    return answer ? answer->artifact : std::vector<uint8_t>();
  }
  static std::vector<uint8_t> triangle(const char* start) {
    return compile(fmt::format(R"((module (func (export "f") (param i32) (result i32) (local i32)
      (local.set 1 (i32.const {}))
      (loop $l
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))))",
                               start));
  }
  struct Ran {
    std::string result;  ///< or what is wrong with the file
    bool invalid = false;
    size_t notes = 0;
  };
  Ran run(const std::vector<uint8_t>& file) {
    auto module = Module::from_binary(*engine_, file);
    if (!module) return {module.error().render(), true, 0};
    Store store(*engine_);
    auto instance = Instance::create(store, *module, {});
    if (!instance) return {instance.error().render(), false, 0};
    auto results = instance->get_func(store, "f")->call(store, {Val(100)});
    return {results ? std::to_string((*results)[0].i32()) : results.error().render(), false,
            module->notes().size()};
  }
  std::optional<Engine> engine_;
};

TEST_F(DamagedArtifact, GivesTheRightResultOrIsRefused) {
  const std::vector<uint8_t> good = triangle("0");
  auto artifact = vm::read_artifact(good);
  ASSERT_TRUE(artifact);
  const size_t code = artifact->images[0].code_offset,
               code_end = code + artifact->images[0].code_size;
  // The directory ends where the padding begins.
  size_t head_end = code;
  while (head_end > 0 && good[head_end - 1] == 0) --head_end;
  ASSERT_LT(artifact->original_size + 100, head_end);
  std::vector<size_t> places;
  for (size_t i = artifact->original_size; i < head_end; ++i) places.push_back(i);
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same bytes each time
  for (int i = 0; i < 300; ++i) places.push_back(head_end + random() % (good.size() - head_end));
  size_t refused = 0, noted = 0;
  for (size_t place : places) {
    std::vector<uint8_t> bad = good;
    bad[place] = static_cast<uint8_t>(bad[place] ^ 1u << random() % 8);
    const Ran ran = run(bad);
    if (ran.invalid) {
      ++refused;  // the size of the section, or its name's
      EXPECT_LT(place, artifact->original_size + 20) << ran.result;
      continue;
    }
    EXPECT_EQ(ran.result, "5050") << place;
    noted += ran.notes;
    if (place >= code && place < code_end) EXPECT_EQ(ran.notes, 1u) << place;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(noted, (head_end - artifact->original_size) / 2);
}

TEST_F(DamagedArtifact, OfAnotherModuleIsRefused) {
  const std::vector<uint8_t> mine = triangle("0"), other = triangle("9");
  EXPECT_EQ(run(mine).result, "5050");
  EXPECT_EQ(run(other).result, "5059");
  const size_t size = vm::read_artifact(mine)->original_size;
  ASSERT_EQ(size, vm::read_artifact(other)->original_size);
  std::vector<uint8_t> swapped(mine.begin(), mine.begin() + static_cast<ptrdiff_t>(size));
  swapped.insert(swapped.end(), other.begin() + static_cast<ptrdiff_t>(size), other.end());
  const Ran ran = run(swapped);
  EXPECT_EQ(ran.result, "5050");
  EXPECT_EQ(ran.notes, 1u);
}

}  // namespace
}  // namespace sedge
