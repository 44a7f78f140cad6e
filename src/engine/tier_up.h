// Hot functions go to sedgec in the background and come back as optimised code. One thread of the
// engine waits for it; guests only leave word of what is hot.
#ifndef SEDGE_ENGINE_TIER_UP_H_
#define SEDGE_ENGINE_TIER_UP_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sedge/engine.h>

#include "engine/sedgec.h"
#include "vm/artifact.h"
#include "vm/ran_funcs.h"
#include "wasm/module.h"

namespace sedge {

class ModuleTiers;

/// What is to be optimised of one module. Shared by the module and the thread, neither of which
/// waits for the other to end.
struct Wanted {
  using Clock = std::chrono::steady_clock;
  std::mutex mutex;
  ModuleTiers* tiers = nullptr;       ///< null once the module is gone, which waits for the mutex
  std::shared_ptr<const void> owner;  ///< of the bytes
  Bytes binary;                       ///< without native code
  Bytes code_part;                    ///< CodeCache::code_part
  vm::ArtifactMode mode;
  std::set<uint32_t> funcs;
  std::set<std::pair<uint32_t, uint32_t>> loops;  ///< functions and ordinals to be entered at
  vm::RanFuncs ran;  ///< with a cache, of a module that is too large to be compiled as a whole
  bool queued = false;
  unsigned rounds = 0;    ///< of compilation so far
  unsigned portions = 0;  ///< that left something of a round for the next one
  Clock::time_point not_before;
};

/// Thread-safe. The thread begins with the first function that is wanted.
class TierUp {
 public:
  explicit TierUp(const Config& config) : config_(config) {}
  /// Ends what sedgec does for it.
  ~TierUp();
  TierUp(const TierUp&) = delete;
  TierUp& operator=(const TierUp&) = delete;

  /// Whether sedgec compiles no more of the module than what is asked for and what has run.
  static bool is_large(const wasm::Module& module);

  /// A function is hot, at a loop's header or (UINT32_MAX) by its calls. With Optimize::at_once the
  /// whole module is optimised before this returns.
  void want(const std::shared_ptr<Wanted>& wanted, uint32_t func, uint32_t loop);

 private:
  void run();
  /// False if it has left something for the next one.
  bool round(Wanted& wanted);
  bool compile(Wanted& wanted, std::vector<std::string> arguments, Sedgec& sedgec);
  void compile_all(Wanted& wanted);
  void reap();
  /// False once the engine ends.
  bool pause(std::chrono::milliseconds time);
  /// Says why nothing will be optimised any more.
  void give_up(bool important, const std::string& why);
  void notice(bool important, const std::string& text) const;

  const Config& config_;
  std::atomic<bool> off_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Wanted>> queue_;
  Sedgec* running_ = nullptr;
  /// One that has answered and goes on for the cache when this program has ended, or soon.
  struct Lingering {
    std::unique_ptr<Sedgec> process;
    const Wanted* of;
  };
  std::vector<Lingering> lingering_;  ///< of the thread
  bool stop_ = false;
  std::thread thread_;
  std::mutex now_mutex_;  ///< Optimize::at_once
  Sedgec now_;
};

}  // namespace sedge

#endif  // SEDGE_ENGINE_TIER_UP_H_
