// Optimised code that comes in the background, from sedgec or from the cache, and all that can go
// wrong on the way. Skipped where sedgec was not built.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "base/test_paths.h"
#include "engine/engine_impl.h"
#include "engine/headroom.h"
#include "program.h"
#include "runtime/code_registry.h"
#include "runtime/store_impl.h"
#include "wasm/text/text.h"

namespace sedge {
namespace {

namespace fs = std::filesystem;

/// Adds up, calling the host once in each round, until the host says that it is enough.
constexpr std::string_view kSum = R"((module
  (import "host" "more" (func $more (param i32) (result i32)))
  (func $step (param i64 i32) (result i64)
    (i64.xor (i64.mul (local.get 0) (i64.const 0x9e3779b97f4a7c15)) (i64.extend_i32_u (local.get 1))))
  (func (export "sum") (param i64) (result i64) (local $i i32)
    (loop $next
      (local.set 0 (call $step (local.get 0) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (call $more (local.get $i))))
    (local.get 0))
  (func (export "unused") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))))";

uint64_t sum_of(uint64_t value, uint32_t rounds) {
  for (uint32_t i = 0; i < rounds; i++) value = (value * 0x9e3779b97f4a7c15) ^ i;
  return value;
}

/// The environment variable that says which sedgec is asked, for a while.
class UseSedgec {
 public:
  explicit UseSedgec(const std::string& path) {
    if (const char* before = std::getenv("SEDGEC")) before_ = before;
    ::setenv("SEDGEC", path.c_str(), 1);
  }
  ~UseSedgec() { before_ ? ::setenv("SEDGEC", before_->c_str(), 1) : ::unsetenv("SEDGEC"); }
  UseSedgec(const UseSedgec&) = delete;
  UseSedgec& operator=(const UseSedgec&) = delete;

 private:
  std::optional<std::string> before_;
};

class TierUpTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Sedgec::find().empty()) GTEST_SKIP() << "there is no sedgec";
    config_.optimize = Optimize::background;
    config_.tier_threshold = 3;
    config_.optimize_threshold = 10;
    config_.notice = [this](bool important, const std::string& text) {
      std::lock_guard lock(mutex_);
      (important ? important_ : said_).push_back(text);
    };
  }
  std::string cache() const { return folder_.path() + "/cache"; }

  /// A program in the place of sedgec.
  std::string script(const std::string& body) {
    const std::string path = folder_.write("sedgec.sh", "#!/bin/sh\n" + body + "\n");
    ::chmod(path.c_str(), 0700);
    return path;
  }

  /// The code that called the host, if it is native: [frame + 8] is an address in it.
  static const vm::CodeRange* caller_of(Store& store) {
    const auto* caller = static_cast<const vm::Cell*>(store.impl().context.host_frame);
    if (caller == nullptr) return nullptr;
    return runtime::CodeLookup().find(reinterpret_cast<const void*>(caller[1] - 1));
  }

  struct Ran {
    uint32_t rounds = 0;
    bool optimized = false;  ///< there was optimised code at the end
    bool moved = false;      ///< the loop itself went over to it
  };
  /// Runs the loop until `enough(rounds, module)`.
  Ran run(const Engine& engine, const std::function<bool(const Ran&, const ModuleImpl&)>& enough) {
    Ran ran;
    auto module = Module::from_text(engine, kSum);
    EXPECT_TRUE(module) << module.error().render();
    Store store(engine);
    if (engine.config().fuel) store.set_fuel(uint64_t{1} << 60);
    Linker linker(engine);
    const vm::CodeRange* first = nullptr;
    linker.func("host", "more", [&](Caller&, int32_t round) -> int32_t {
      ran.rounds = static_cast<uint32_t>(round);
      const vm::CodeRange* range = caller_of(store);
      if (range != nullptr && first == nullptr) first = range;
      ran.optimized = module->impl()->tiers->has_optimized();
      ran.moved = range != nullptr && range != first && ran.optimized;
      return enough(ran, *module->impl()) ? 0 : 1;
    });
    auto instance = linker.instantiate(store, *module);
    EXPECT_TRUE(instance) << instance.error().render();
    auto results = instance->get_func(store, "sum")->call(store, {Val(int64_t{5})});
    EXPECT_TRUE(results) << results.error().render();
    if (results) {
      EXPECT_EQ(static_cast<uint64_t>((*results)[0].i64()), sum_of(5, ran.rounds));
    }
    return ran;
  }
  Ran run_until_moved() {
    auto engine = Engine::create(config_);
    return run(*engine, [](const Ran& ran, const ModuleImpl&) { return ran.moved; });
  }
  Ran run_rounds(uint32_t rounds) {
    auto engine = Engine::create(config_);
    return run(*engine,
               [rounds](const Ran& ran, const ModuleImpl&) { return ran.rounds >= rounds; });
  }
  /// Runs until something was said.
  Ran run_until_said() {
    auto engine = Engine::create(config_);
    return run(*engine, [this](const Ran&, const ModuleImpl&) {
      std::lock_guard lock(mutex_);
      return !important_.empty() || !said_.empty();
    });
  }

  /// Runs a hot program, with `before` in front of its command line, until there is code of it in
  /// the cache.
  void expect_code_is_left(std::vector<std::string> before) {
    const std::string module = folder_.write("short.wat", R"((module
      (func (export "spin") (param i32) (result i32)
        (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0))))");
    before.insert(before.end(), {test::program_path(), "run", "--cache-dir", cache(), module,
                                 "spin", "300000000"});
    // The marker stands in for a sedgec that takes its time: it gets everything before it is ready.
    const std::string slow = script("sleep 1; exec " + Sedgec::find() + " \"$@\"");
    const test::Outcome outcome = test::run_program(before, {}, {}, {"SEDGEC=" + slow});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "0\n");
    auto kept = [&] {
      if (!fs::exists(cache())) return false;
      return std::ranges::any_of(fs::directory_iterator(cache()), [](const auto& item) {
        return item.path().extension() == ".code";
      });
    };
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    while (!kept() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(kept());
  }

  Config config_;
  test::TempFolder folder_;
  std::mutex mutex_;
  std::vector<std::string> important_, said_;
};

TEST_F(TierUpTest, MovesARunningLoop) {
  EXPECT_TRUE(run_until_moved().moved);
  EXPECT_EQ(important_, std::vector<std::string>());
}

/// A loop that calls nobody and is over in a few instructions: the count that it will store next is
/// computed by the time it could be told that there is better code. The host stops it now and then
/// to see whether there is; the next time it must be running.
TEST_F(TierUpTest, MovesALoopThatNeverPauses) {
  auto engine = Engine::create(config_);
  auto module = Module::from_text(*engine, R"((module
    (import "host" "more" (func $more (result i32)))
    (memory (export "memory") 1 1 shared)
    (func (export "run")
      (loop $next
        (br_if $next (i32.eqz (i32.atomic.load (i32.const 0))))
        (br_if $next (call $more))))))");
  ASSERT_TRUE(module) << module.error().render();
  Store store(*engine);
  Linker linker(*engine);
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  const vm::CodeRange* first = nullptr;
  bool there = false, moved = false;
  std::atomic<uint32_t>* stop = nullptr;
  linker.func("host", "more", [&](Caller&) -> int32_t {
    const vm::CodeRange* range = caller_of(store);
    if (first == nullptr) first = range;
    if (first != nullptr) stop->store(0);
    moved = there && range != first;
    if (there || std::chrono::steady_clock::now() > until) return 0;
    ModuleTiers& tiers = *module->impl()->tiers;
    there = tiers.has_optimized();
    tiers.worth_optimizing({}, 0, 0);  // waits for who is putting it in place
    return 1;
  });
  auto instance = linker.instantiate(store, *module);
  ASSERT_TRUE(instance) << instance.error().render();
  stop = reinterpret_cast<std::atomic<uint32_t>*>(
      instance->get_memory(store, "memory")->bytes(store).data());
  stop->store(1);  // until it runs in baseline code, which has not counted enough yet
  std::jthread bell([&](const std::stop_token& over) {
    while (!over.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      stop->store(1);
    }
  });
  EXPECT_TRUE(instance->get_func(store, "run")->call(store, {}));
  EXPECT_TRUE(moved);
}

/// A frame leaves the interpreter at its next loop header once its function has code, whoever made
/// that hot: here a frame that it called. It does not wait until the function is hot in that code.
TEST_F(TierUpTest, LeavesTheInterpreterForCodeThatAnotherFrameAskedFor) {
  config_.optimize_threshold = INT32_MAX;
  auto engine = Engine::create(config_);
  auto module = Module::from_text(*engine, R"((module
    (import "host" "more" (func $more (param i32) (result i32)))
    (func $run (export "run") (param $depth i32)
      (loop $next
        (if (local.get $depth) (then (call $run (i32.sub (local.get $depth) (i32.const 1)))))
        (br_if $next (call $more (local.get $depth)))))))");
  ASSERT_TRUE(module) << module.error().render();
  Store store(*engine);
  Linker linker(*engine);
  std::vector<bool> outer;  // whether it was in native code, at each of its rounds
  int inner = 0;
  linker.func("host", "more", [&](Caller&, int32_t depth) -> int32_t {
    if (depth == 0) return ++inner % 10 == 0 ? 0 : 1;
    outer.push_back(store.impl().context.host_frame != nullptr);
    return outer.size() < 3 ? 1 : 0;
  });
  auto instance = linker.instantiate(store, *module);
  ASSERT_TRUE(instance) << instance.error().render();
  ASSERT_TRUE(instance->get_func(store, "run")->call(store, {Val(int32_t{1})}));
  EXPECT_EQ(outer, (std::vector<bool>{false, true, true}));
  EXPECT_FALSE(module->impl()->tiers->has_optimized());
}

TEST_F(TierUpTest, WorksInEveryMode) {
  for (int mode = 0; mode < 8; mode++) {
    config_.fuel = (mode & 1) != 0;
    config_.interruptible = (mode & 2) != 0;
    config_.exact = (mode & 4) != 0;
    EXPECT_TRUE(run_until_moved().moved) << mode;
  }
  EXPECT_EQ(important_, std::vector<std::string>());
}

/// Of the session of a process, where sessions share the processors ("/autogroup-14 nice 0").
std::optional<int> session_niceness(const fs::path& process) {
  if (test::read("/proc/sys/kernel/sched_autogroup_enabled") != "1\n") return {};
  const std::string text = test::read(process / "autogroup");
  const size_t at = text.rfind(' ');
  if (at == std::string::npos) return {};
  return std::stoi(text.substr(at));
}

using Niceness = std::pair<int, std::optional<int>>;

/// Of the child that is a sedgec, and of its session.
Niceness niceness_of_sedgec() {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (std::isdigit(entry.path().filename().native().front()) == 0) continue;
    const std::string stat = test::read(entry.path() / "stat");
    if (!stat.contains("(sedgec) ")) continue;
    // Behind the name: state, parent; niceness is the seventeenth.
    std::istringstream fields(stat.substr(stat.rfind(") ") + 2));
    const std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
    if (words.size() < 17 || words[1] != std::to_string(::getpid())) continue;
    return {std::stoi(words[16]), session_niceness(entry.path())};
  }
  return {};
}

// By its own niceness, and by its session's: it has one of its own.
TEST_F(TierUpTest, GivesWayToTheProgram) {
  const auto by = [](int step) {
    return [step](int niceness) { return std::min(niceness + step, 19); };
  };
  const Niceness wanted{by(10)(::getpriority(PRIO_PROCESS, 0)),
                        session_niceness("/proc/self").transform(by(5))};
  Niceness seen;
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  const auto over = [&] { return seen == wanted || std::chrono::steady_clock::now() > until; };
  // A sedgec can be gone before it is seen, and its wish for its session refused where many wish.
  while (!over()) {
    auto engine = Engine::create(config_);
    run(*engine, [&](const Ran& ran, const ModuleImpl&) {
      seen = niceness_of_sedgec();
      return over() || ran.moved;
    });
  }
  EXPECT_EQ(seen, wanted);
}

/// Of much that is hot, what counts the most for each byte of its body comes first.
TEST_F(TierUpTest, TakesTheHottestForItsSizeFirst) {
  UseSedgec hangs(script("sleep 600"));
  config_.tier_threshold = config_.optimize_threshold = 1;
  std::string nops;
  for (int i = 0; i < 5000; ++i) nops += "nop ";
  auto engine = Engine::create(config_);
  auto module =
      Module::from_text(*engine, "(module (func (export \"seldom\")) (func (export \"large\") " +
                                     nops + ") (func (export \"often\")))");
  ASSERT_TRUE(module) << module.error().render();
  Store store(*engine);
  auto instance = Instance::create(store, *module, {});
  ASSERT_TRUE(instance);
  const std::pair<const char*, int> kCalls[] = {{"seldom", 10}, {"large", 500}, {"often", 1000}};
  for (const auto& [name, calls] : kCalls)
    for (int i = 0; i < calls; ++i) ASSERT_TRUE(instance->get_func(store, name)->call(store, {}));
  ModuleTiers& tiers = *module->impl()->tiers;
  auto portion = [&](size_t most_bytes) {
    const auto taken = tiers.worth_optimizing({0, 1, 2}, 0, most_bytes);
    return std::pair(taken.funcs, taken.all);
  };
  using Funcs = std::vector<uint32_t>;
  EXPECT_EQ(portion(0), std::pair(Funcs{2}, false));  // one at least
  EXPECT_EQ(portion(5000), std::pair(Funcs{0, 2}, false));
  EXPECT_EQ(portion(6000), std::pair(Funcs{0, 1, 2}, true));
}

TEST_F(TierUpTest, LeavesCodeForTheNextRun) {
  config_.cache_folder = cache();
  EXPECT_TRUE(run_until_moved().moved);
  UseSedgec none("/nonexistent");
  auto engine = Engine::create(config_);
  auto module = Module::from_text(*engine, kSum);
  ASSERT_TRUE(module);
  EXPECT_TRUE(module->impl()->tiers->has_optimized());
  EXPECT_TRUE(run_rounds(5).optimized);
  // Another mode and tiers that were asked for have nothing there.
  config_.fuel = true;
  EXPECT_FALSE(run_rounds(50).optimized);
  config_.fuel = false;
  config_.tier = Tier::baseline;
  EXPECT_FALSE(run_rounds(50).optimized);
  EXPECT_EQ(important_, std::vector<std::string>());
}

/// Part of a module serves the automatic tier only.
TEST_F(TierUpTest, TakesPartsForWhatTheyAre) {
  config_.cache_folder = cache();
  auto binary = wasm::assemble(kSum);
  ASSERT_TRUE(binary);
  Sedgec sedgec;
  std::vector<std::string> arguments = sedgec_arguments(vm::host_target(), {}, 1);
  arguments.insert(arguments.end(), {"--funcs", "2", "--cache", cache()});
  ASSERT_TRUE(sedgec.compile(arguments, *binary));
  UseSedgec none("/nonexistent");
  EXPECT_TRUE(run_rounds(5).optimized);
  config_.tier = Tier::llvm;
  EXPECT_FALSE(run_rounds(5).optimized);
}

/// When it has answered, sedgec goes on for the next start.
TEST_F(TierUpTest, LeavesAllOfASmallModule) {
  config_.cache_folder = cache();
  auto engine = Engine::create(config_);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  run(*engine, [&](const Ran& ran, const ModuleImpl&) {
    if (ran.rounds % 1000 != 0) return false;
    auto opened = vm::CodeCache::open(cache(), vm::CodeCache::Access::existing);
    const bool whole = opened && *opened && !opened->list().empty() && opened->list()[0].whole;
    return whole || std::chrono::steady_clock::now() > end;
  });
  UseSedgec none("/nonexistent");
  config_.tier = Tier::llvm;
  EXPECT_TRUE(run_rounds(5).optimized);
}

TEST_F(TierUpTest, KeepsWhatWasCompiledBeforeTheStart) {
  config_.cache_folder = cache();
  config_.tier = Tier::llvm;
  EXPECT_TRUE(run_rounds(5).optimized);
  UseSedgec none("/nonexistent");
  EXPECT_TRUE(run_rounds(5).optimized);
  config_.tier = Tier::automatic;
  EXPECT_TRUE(run_rounds(5).optimized);
  EXPECT_EQ(important_, std::vector<std::string>());
}

TEST_F(TierUpTest, RecompilesWhatWasDamaged) {
  config_.cache_folder = cache();
  config_.tier = Tier::llvm;
  EXPECT_TRUE(run_rounds(5).optimized);
  for (const auto& item : fs::directory_iterator(cache())) {
    if (item.path().extension() != ".code") continue;
    std::fstream file(item.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file.put('x');
  }
  EXPECT_TRUE(run_rounds(5).optimized);
  ASSERT_EQ(important_.size(), 1u);
  EXPECT_NE(important_[0].find("was damaged and is removed"), std::string::npos) << important_[0];
  UseSedgec none("/nonexistent");
  EXPECT_TRUE(run_rounds(5).optimized);
  EXPECT_EQ(important_.size(), 1u);
}

TEST_F(TierUpTest, SaysOnceThatTheFolderIsNotUsed) {
  config_.cache_folder = cache();
  fs::create_directory(cache());
  ::chmod(cache().c_str(), 0755);
  auto engine = Engine::create(config_);
  for (int i = 0; i < 3; i++)
    run(*engine, [](const Ran& ran, const ModuleImpl&) { return ran.rounds >= 3; });
  ASSERT_EQ(important_.size(), 1u);
  EXPECT_EQ(important_[0], "precompiled code cannot be used: " + cache() +
                               " is open to other users\nhelp: others may have written there; "
                               "remove it: rm -r " +
                               cache());
  // Code is made all the same, and not kept.
  EXPECT_TRUE(run(*engine, [](const Ran& ran, const ModuleImpl&) { return ran.moved; }).moved);
  EXPECT_TRUE(fs::is_empty(cache()));
}

TEST_F(TierUpTest, NeverStartsForWhatEndsSoon) {
  config_.cache_folder = cache();
  const std::string mark = folder_.path() + "/started";
  UseSedgec marker(script("touch " + mark));
  config_.tier_threshold = Config{}.tier_threshold;
  config_.optimize_threshold = Config{}.optimize_threshold;
  run_rounds(1000);
  EXPECT_FALSE(fs::exists(mark));
  EXPECT_FALSE(fs::exists(cache()));
}

TEST_F(TierUpTest, GoesOnWithoutSedgec) {
  UseSedgec none("/nonexistent");
  EXPECT_FALSE(run_rounds(10'000).optimized);
  EXPECT_EQ(important_.size(), 0u);
  EXPECT_EQ(said_, std::vector<std::string>{"hot functions are not optimised: there is no sedgec"});
}

TEST_F(TierUpTest, GoesOnWhenSedgecMisbehaves) {
  struct Case {
    const char* what;
    std::string body;
  };
  const Case cases[] = {
      {"fails", "exit 1"},
      {"is killed", "kill -9 $$"},
      {"is killed in the middle", "head -c 100 > /dev/null; kill -9 $$"},
      {"is killed while it answers", "head -c 100 > /dev/null; printf '\\0\\0\\0'; kill -9 $$"},
      {"says nonsense", "head -c 100000 /dev/urandom 2> /dev/null"},
      {"promises too much",
       "printf '\\0\\0\\0\\0\\377\\377\\377\\377\\377\\377\\377\\377\\0\\0\\0\\0'"},
      {"promises and ends", "printf '\\0\\0\\0\\0\\0\\0\\0\\0\\377\\377\\377\\0\\0\\0\\0\\0xxx'"},
      {"gives no artifact",
       "printf '\\0\\0\\0\\0\\0\\0\\0\\0\\010\\0\\0\\0\\0\\0\\0\\0abcdefgh'; cat > /dev/null"},
      {"refuses",
       "printf '\\003\\0\\0\\0\\0\\0\\0\\0\\003\\0\\0\\0\\0\\0\\0\\0why'; cat > /dev/null"},
  };
  for (const Case& each : cases) {
    UseSedgec bad(script(each.body));
    important_.clear();
    EXPECT_FALSE(run_until_said().optimized) << each.what;
    ASSERT_EQ(important_.size(), 1u) << each.what;
    EXPECT_TRUE(important_[0].ends_with("; going on without optimised code")) << important_[0];
    // Before the start, too.
    Config config = config_;
    config.tier = Tier::llvm;
    auto engine = Engine::create(config);
    auto module = Module::from_text(*engine, kSum);
    ASSERT_TRUE(module) << each.what;
    EXPECT_EQ(module->notes().size(), 1u) << each.what;
  }
}

TEST_F(TierUpTest, DoesNotWaitForASedgecThatHangs) {
  UseSedgec bad(script("echo $$ > " + folder_.path() + "/pid; exec sleep 600"));
  {
    auto engine = Engine::create(config_);
    const std::string pid = folder_.path() + "/pid";
    EXPECT_FALSE(run(*engine, [&](const Ran&, const ModuleImpl&) {
                   return fs::exists(pid) && fs::file_size(pid) > 0;
                 }).optimized);
  }
  // The engine has ended, and with it what hung.
  std::ifstream file(folder_.path() + "/pid");
  pid_t pid = 0;
  file >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(TierUpTest, GivesCodeOfAnotherModuleNoChance) {
  // An answer that is an artifact, but of a module with other functions.
  auto other = wasm::assemble("(module (func) (func))");
  ASSERT_TRUE(other);
  Sedgec sedgec;
  auto answer = sedgec.compile(sedgec_arguments(vm::host_target(), {}, 1), *other);
  ASSERT_TRUE(answer) << answer.error().render();
  std::string bytes(16, '\0');
  const uint64_t size = answer->artifact.size();
  std::memcpy(bytes.data() + 8, &size, 8);
  bytes.append(answer->artifact.begin(), answer->artifact.end());
  const std::string file = folder_.write("answer", bytes);
  UseSedgec bad(script("cat " + file + "; cat > /dev/null"));
  EXPECT_FALSE(run_until_said().optimized);
  ASSERT_EQ(important_.size(), 1u);
  EXPECT_EQ(important_[0],
            "sedgec's answer cannot be used: it is of another module; going on without optimised "
            "code");
}

TEST_F(TierUpTest, IsSharedByThreads) {
  auto engine = Engine::create(config_);
  auto module = Module::from_text(*engine, kSum);
  ASSERT_TRUE(module);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      Store store(*engine);
      Linker linker(*engine);
      uint32_t rounds = 0;
      linker.func("host", "more", [&](Caller&, int32_t round) -> int32_t {
        rounds = static_cast<uint32_t>(round);
        return module->impl()->tiers->has_optimized() && rounds % 100 == 0 ? 0 : 1;
      });
      auto instance = linker.instantiate(store, *module);
      ASSERT_TRUE(instance);
      for (int call = 0; call < 10; call++) {
        auto results = instance->get_func(store, "sum")->call(store, {Val(int64_t{i})});
        ASSERT_TRUE(results) << results.error().render();
        EXPECT_EQ(static_cast<uint64_t>((*results)[0].i64()),
                  sum_of(static_cast<uint64_t>(i), rounds));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(TierUpTest, ShowsWhatIsInTheCache) {
  const std::string module =
      folder_.write("one.wat", "(module (func (export \"one\") (result i32) (i32.const 1)))");
  auto cache_verb = [&](const std::string& verb, bool json = false) {
    std::vector<std::string> words = {test::program_path(), "cache", verb, "--cache-dir", cache()};
    if (json) words.emplace_back("--json");
    return test::run_program(words);
  };
  EXPECT_EQ(cache_verb("list").out, "0 bytes in 0 entries of " + cache() + "\n");
  EXPECT_EQ(cache_verb("verify").out, "0 of 0 sound\n");
  test::Outcome outcome = test::run_program(
      {test::program_path(), "run", "--cache-dir", cache(), "--tier", "llvm", module, "one"});
  EXPECT_EQ(outcome.out, "1\n");
  EXPECT_EQ(outcome.err, "");
  outcome = cache_verb("list");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("  all  "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("fast, guarded"), std::string::npos) << outcome.out;
  outcome = cache_verb("list", true);
  EXPECT_NE(outcome.out.find("\"whole\": true"), std::string::npos) << outcome.out;
  outcome = cache_verb("verify");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("sound\n1 of 1 sound\n"), std::string::npos) << outcome.out;
  for (const auto& item : fs::directory_iterator(cache())) {
    if (item.path().extension() != ".code") continue;
    std::fstream file(item.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file.put('x');
  }
  outcome = cache_verb("verify");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.out.find("its contents are damaged\n0 of 1 sound\n"), std::string::npos)
      << outcome.out;
  outcome = cache_verb("verify", true);
  EXPECT_NE(outcome.out.find("\"damaged\": 1"), std::string::npos) << outcome.out;
  EXPECT_EQ(cache_verb("clear").status, 0);
  EXPECT_TRUE(fs::is_empty(cache()));
  ::chmod(cache().c_str(), 0755);
  outcome = cache_verb("list");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_NE(outcome.err.find("is open to other users"), std::string::npos) << outcome.err;
}

/// A hot program leaves its code behind although it ends before sedgec does.
TEST_F(TierUpTest, OutlivesAShortProgram) { expect_code_is_left({}); }

/// Where the program has one processor only, sedgec begins when it has run for a while, or ended.
TEST_F(TierUpTest, ComesLaterOnOneProcessor) {
  cpu_set_t all, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  int first = 0;
  while (!CPU_ISSET(first, &all)) first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_FALSE(may_use_two_processors());
  EXPECT_TRUE(run_until_moved().moved);
  ::sched_setaffinity(0, sizeof all, &all);
  EXPECT_EQ(important_, std::vector<std::string>());
  expect_code_is_left({"taskset", "-c", std::to_string(first)});
}

/// Of a module that is too large to be compiled as a whole, what has run at the program's end is
/// there at the next start: here a large function that was never hot.
TEST_F(TierUpTest, LeavesWhatHasRunOfALargeModule) {
  std::string nops;
  for (int i = 0; i < 600'000; ++i) nops += "nop ";
  const std::string text = "(module (func $large (param i32) (result i32) " + nops + R"(local.get 0)
    (func $unused (param i32) (result i32) )" +
                           nops +
                           R"(local.get 0)
    (func (export "spin") (param i32) (result i32) (local i32)
      (local.set 1 (i32.const 2000))
      (loop $l (drop (call $large (i32.const 1)))
        (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
      (loop $m (br_if $m (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 0)))"
                           ")";
  const std::string path = folder_.write("large.wat", text);
  const test::Outcome outcome = test::run_program(
      {test::program_path(), "run", "--cache-dir", cache(), path, "spin", "300000000"});
  EXPECT_EQ(outcome.out, "0\n") << outcome.err;
  UseSedgec none("/nonexistent");
  config_.cache_folder = cache();
  config_.exact = false;
  auto engine = Engine::create(config_);
  size_t bytes = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  while (bytes < 600'000 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    auto module = Module::from_text(*engine, text);
    ASSERT_TRUE(module) << module.error().render();
    bytes = module->impl()->tiers->optimized_bytes();
  }
  EXPECT_GE(bytes, 600'000u);
  EXPECT_LT(bytes, 1'200'000u);
}

TEST_F(TierUpTest, SharesTheCacheAmongProcesses) {
  const std::string module = folder_.write("sum.wat", R"((module
    (func (export "sum") (param i32) (result i32) (local i32)
      (loop $l
        (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))))");
  uint32_t expected = 0;
  for (uint32_t i = 1000; i > 0; i--) expected = expected * 31 + i;
  constexpr int kProcesses = 200, kAtOnce = 25;
  std::vector<std::thread> threads;
  std::vector<test::Outcome> outcomes(kProcesses);
  threads.reserve(kAtOnce);
  for (int t = 0; t < kAtOnce; t++) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kProcesses; i += kAtOnce) {
        const char* tier = i % 2 == 0 ? "llvm" : "auto";
        outcomes[static_cast<size_t>(i)] =
            test::run_program({test::program_path(), "run", "--cache-dir", cache(), "--tier", tier,
                               module, "sum", "1000"});
        if (i % 10 != 9) continue;
        std::error_code gone;  // all this is under the others' feet
        for (const auto& item : fs::directory_iterator(cache(), gone))
          if (item.path().extension() == ".code") fs::resize_file(item.path(), 500, gone);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const test::Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, fmt::format("{}\n", static_cast<int32_t>(expected)));
  }
}

}  // namespace
}  // namespace sedge
