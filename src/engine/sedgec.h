// The optimising compiler as a process beside this one: started when first needed, asked through a
// socket, one module at a time. What it does wrong costs its answer, nothing else.
#ifndef SEDGE_ENGINE_SEDGEC_H_
#define SEDGE_ENGINE_SEDGEC_H_

#include <sys/types.h>

#include <mutex>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "base/fd.h"
#include "base/reader.h"
#include "vm/artifact.h"

namespace sedge {

/// What the process is allowed. It imposes it on itself, before it reads anything.
struct SedgecLimits {
  /// Low priority, first in line when memory runs out, a session of its own, silent.
  bool background = false;
  /// In the background: ends with the thread that started it.
  bool dies_with_us = true;
  uint64_t memory_mib = 0;  ///< 0: no limit
  uint32_t cpu_s = 0;       ///< 0: no limit
  /// Seconds until it ends itself and until we stop waiting for it to take or give the next bytes;
  /// 0: no limit.
  uint32_t wall_s = 0;
  int held = -1;  ///< a descriptor that it keeps open while it lives; borrowed
  int ran = -1;   ///< with `held`: of vm::RanFuncs, borrowed
};

/// Thread-safe.
class Sedgec {
 public:
  explicit Sedgec(SedgecLimits limits = {}) : limits_(limits) {}
  ~Sedgec();
  Sedgec(const Sedgec&) = delete;
  Sedgec& operator=(const Sedgec&) = delete;

  /// Where the program is: $SEDGEC, beside this program, in ../libexec/sedge; empty if nowhere.
  static std::string find();

  /// An artifact of `module`, as llvm/command.h has it. Errors: compile_failed.
  struct Answer {
    std::vector<uint8_t> artifact;
    std::string report;  ///< lines on functions that were left out; may be empty
  };
  Result<Answer> compile(const std::vector<std::string>& arguments, Bytes module);
  /// Ends the process for good: a running `compile` fails soon, later ones at once.
  void abort();
  /// Whether it has ended by now, or was never started.
  bool ended();

 private:
  Result<void> start();
  /// Whether the process had ended by itself, as one does that was left alone for long.
  bool stop(bool kill);
  bool exchange(const std::string& arguments, Bytes module, uint32_t& code, Answer& answer);
  const SedgecLimits limits_;
  std::mutex mutex_;  ///< held by `compile`
  Fd socket_;
  std::mutex process_mutex_;  ///< guards the two below
  pid_t process_ = -1;
  bool aborted_ = false;
};

/// Arguments that ask for `mode` and `target` at level `level`.
std::vector<std::string> sedgec_arguments(vm::ArtifactTarget target, const vm::ArtifactMode& mode,
                                          unsigned level);

}  // namespace sedge

#endif  // SEDGE_ENGINE_SEDGEC_H_
