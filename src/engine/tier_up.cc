// One round: wait a little, so that what ends soon costs nothing and hot functions come together;
// take all that are wanted or were optimised before, the hottest first if that is much; let one
// process compile them; put the code in place. Later rounds come at growing distances. The process
// has its own session and limits and puts the code into the cache itself, so that it may go on when
// a short program has ended.
#include "engine/tier_up.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/engine_impl.h"
#include "engine/headroom.h"
#include "engine/optimized_code.h"
#include "vm/code_cache.h"

namespace sedge {
namespace {

using std::chrono::milliseconds;

/// From the first hot function to the start of sedgec. Without a cache its work is of use for this
/// run only, so it waits for one that lasts.
constexpr milliseconds kDelayCached{5}, kDelay{100};
constexpr milliseconds kBetweenRounds{50};
constexpr unsigned kMaxRounds = 6;
constexpr unsigned kLevel = 2;
/// Bytes of bodies up to which everything that was ever compiled is optimised, not only what is
/// hot: for more the program would wait.
constexpr size_t kWarmBytes = 8 << 10;
/// Bytes of bodies up to which sedgec compiles, when the program has ended, the whole module for
/// the cache: seconds of its time, so that the next start finds everything.
constexpr size_t kWholeBytes = 512 << 10;
/// Bytes of bodies of a larger module that it compiles then: what has run.
constexpr size_t kRanBytes = 4 << 20;
/// Bytes of bodies that the first round takes, if more is wanted: about a quarter of a second's
/// work. What is left follows at once, four times as much each time.
constexpr size_t kPortionBytes = 4 << 10;
/// What sedgec takes: about 60 MiB, and a hundred times what it optimises at once.
constexpr uint64_t kLeastMemory = uint64_t{128} << 20, kMemoryPerByte = 100;
constexpr uint64_t kMostMemory = uint64_t{4} << 30;
constexpr uint32_t kCpuSeconds = 300, kWallSeconds = 600;
/// What sedgec takes to start and for each byte of a body, about. Where the program has only one
/// processor, sedgec takes that from it, so it waits kWaitForCost times as long: most programs have
/// ended by then, and those that go on are slowed down by a fifth at most until its code is there.
constexpr milliseconds kStartCost{30};
constexpr std::chrono::microseconds kCostPerByte{40};
constexpr int kWaitForCost = 5;
constexpr milliseconds kMostWait{60'000};
/// How often it is looked whether another process has made what this one wants.
constexpr milliseconds kClaimPoll{250};
/// How often it is looked whether a process has ended that nobody waits for.
constexpr milliseconds kReap{1000};

}  // namespace

bool TierUp::is_large(const wasm::Module& module) { return module.body_bytes() > kWholeBytes; }

TierUp::~TierUp() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    if (running_ != nullptr) running_->abort();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TierUp::notice(bool important, const std::string& text) const {
  if (config_.notice) config_.notice(important, text);
}

void TierUp::give_up(bool important, const std::string& why) {
  if (!off_.exchange(true)) notice(important, why + "; going on without optimised code");
}

void TierUp::want(const std::shared_ptr<Wanted>& wanted, uint32_t func, uint32_t loop) {
  if (off_) return;
  if (config_.optimize == Optimize::at_once) return compile_all(*wanted);
  {
    std::lock_guard lock(wanted->mutex);
    wanted->funcs.insert(func);
    if (loop != UINT32_MAX) wanted->loops.emplace(func, loop);
    if (wanted->queued || wanted->rounds >= kMaxRounds) return;
    wanted->queued = true;
    const auto delay = config_.cache_folder.empty() ? kDelay : kDelayCached;
    wanted->not_before = std::max(wanted->not_before, Wanted::Clock::now() + delay);
  }
  std::lock_guard lock(mutex_);
  queue_.push_back(wanted);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_all();
}

bool TierUp::pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stop_; });
}

void TierUp::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (!lingering_.empty()) reap();
    if (queue_.empty()) {
      if (lingering_.empty()) {
        wake_.wait(lock);
      } else {
        wake_.wait_for(lock, kReap);
      }
      continue;
    }
    // Nobody but this thread changes when it is due while it is queued.
    auto next = std::ranges::min_element(
        queue_, {}, [](const std::shared_ptr<Wanted>& wanted) { return wanted->not_before; });
    if (const auto due = (*next)->not_before; due > Wanted::Clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    const std::shared_ptr<Wanted> wanted = std::move(*next);
    queue_.erase(next);
    lock.unlock();
    const bool all = off_ || round(*wanted);
    lock.lock();
    if (all) continue;
    std::lock_guard state(wanted->mutex);
    if (!std::exchange(wanted->queued, true)) queue_.push_back(wanted);
  }
}

void TierUp::reap() {
  std::erase_if(lingering_, [](const Lingering& one) { return one.process->ended(); });
}

bool TierUp::round(Wanted& wanted) {
  const auto start = Wanted::Clock::now();
  std::vector<uint32_t> funcs;
  std::vector<std::string> loops;
  ModuleTiers::Entries entries;
  size_t size = 0;
  bool all = true;
  {
    std::lock_guard lock(wanted.mutex);
    // What becomes hot from here on is for the next round.
    wanted.queued = false;
    if (wanted.tiers == nullptr) return true;
    auto portion = wanted.tiers->worth_optimizing(wanted.funcs, kWarmBytes,
                                                  kPortionBytes << (2 * wanted.portions));
    funcs = std::move(portion.funcs);
    all = portion.all;
    (all ? wanted.rounds : wanted.portions)++;
    size = wanted.tiers->body_bytes(funcs);
    for (uint32_t func : funcs) entries.emplace_back(func, UINT32_MAX);
    for (const auto& [func, loop] : wanted.loops) {
      if (!std::ranges::binary_search(funcs, func)) continue;
      entries.emplace_back(func, loop);
      loops.push_back(fmt::format("{}:{}", func, loop));
    }
  }
  const uint64_t room = memory_headroom();
  const uint64_t need = kLeastMemory + kMemoryPerByte * size;
  if (room < need) {
    give_up(false, fmt::format("sedgec may need {} MiB of memory and {} are left", need >> 20,
                               room >> 20));
    return true;
  }
  std::vector<std::string> arguments = {"--funcs", fmt::format("{}", fmt::join(funcs, ","))};
  if (!loops.empty())
    arguments.insert(arguments.end(), {"--loops", fmt::format("{}", fmt::join(loops, ","))});
  SedgecLimits limits{.background = true,
                      .dies_with_us = true,
                      .memory_mib = std::min(std::max(need, room / 2), kMostMemory) >> 20,
                      .cpu_s = kCpuSeconds,
                      .wall_s = kWallSeconds,
                      .held = -1};
  // What it goes on with for the cache comes after the last round.
  std::erase_if(lingering_, [&](const Lingering& one) { return one.of == &wanted; });
  Fd claim;
  if (auto cache = open_cache(config_, vm::CodeCache::Access::create); cache) {
    const auto target = vm::host_target();
    for (;;) {
      auto claimed = cache->claim(wanted.code_part, target, wanted.mode);
      const bool can_claim = claimed.has_value();
      if (can_claim) claim = *std::move(claimed);
      // Another process may have made it since this one looked.
      if (use_cached(wanted, *cache, entries)) return all;
      if (claim || !can_claim) break;
      if (!pause(kClaimPoll)) return true;
    }
    if (claim) {
      limits.dies_with_us = false;
      limits.ran = wanted.ran.fd();
      limits.held = claim.get();
      arguments.insert(arguments.end(), {"--cache", config_.cache_folder, "--cache-size",
                                         std::to_string(config_.cache_bytes), "--whole-after",
                                         std::to_string(kWholeBytes), "--ran-after",
                                         std::to_string(wanted.ran ? kRanBytes : 0)});
    }
  }
  if (!may_use_two_processors()) {
    const auto cost = kStartCost + std::chrono::duration_cast<milliseconds>(size * kCostPerByte);
    arguments.insert(
        arguments.end(),
        {"--begin-after", std::to_string(std::min(kWaitForCost * cost, kMostWait).count())});
  }
  auto sedgec = std::make_unique<Sedgec>(limits);
  {
    std::lock_guard lock(mutex_);
    if (stop_) return true;
    running_ = sedgec.get();
  }
  const bool compiled = compile(wanted, std::move(arguments), *sedgec);
  {
    std::lock_guard lock(mutex_);
    running_ = nullptr;
  }
  if (compiled && claim) lingering_.push_back({std::move(sedgec), &wanted});
  const auto end = Wanted::Clock::now();
  std::lock_guard lock(wanted.mutex);
  wanted.not_before = end;
  if (all)
    wanted.not_before += std::max<Wanted::Clock::duration>((end - start) / 4, kBetweenRounds);
  return all;
}

bool TierUp::compile(Wanted& wanted, std::vector<std::string> arguments, Sedgec& sedgec) {
  std::vector<std::string> all = sedgec_arguments(vm::host_target(), wanted.mode, kLevel);
  all.emplace_back("--code-only");
  all.insert(all.end(), std::make_move_iterator(arguments.begin()),
             std::make_move_iterator(arguments.end()));
  auto answer = sedgec.compile(all, wanted.binary);
  if (!answer) {
    {
      std::lock_guard lock(mutex_);
      if (stop_) return false;
    }
    give_up(!Sedgec::find().empty(), answer.error().message());
    return false;
  }
  if (!answer->report.empty()) notice(false, answer->report);
  std::lock_guard lock(wanted.mutex);
  if (wanted.tiers == nullptr) return true;
  std::string why = wanted.tiers->add_artifact(answer->artifact, wanted.mode);
  if (!why.empty()) give_up(true, "sedgec's answer cannot be used: " + why);
  return why.empty();
}

void TierUp::compile_all(Wanted& wanted) {
  std::lock_guard lock(now_mutex_);
  {
    std::lock_guard state(wanted.mutex);
    if (wanted.rounds++ > 0) return;
  }
  compile(wanted, {"--all-loops", "--share-loops", "0"}, now_);
}

}  // namespace sedge
