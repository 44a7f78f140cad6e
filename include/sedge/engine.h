// Engine: configuration and everything that modules share.
#ifndef SEDGE_ENGINE_H_
#define SEDGE_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <sedge/error.h>
#include <sedge/feature.h>
#include <sedge/types.h>

namespace sedge {

/// How code is run. automatic: the interpreter, and native code for functions that are hot where
/// this build has a compiler; baseline: native code from the first call on; llvm: optimised native
/// code of the whole module before it starts, by the program sedgec.
enum class Tier : uint8_t { automatic, interp, baseline, llvm };

/// What perf is told about native code.
enum class Profile : uint8_t {
  none,
  perf_map,  ///< names, in /tmp/perf-PID.map: `perf report` reads it
  jitdump,   ///< names and code, in ./jit-PID.dump: `perf record -k mono`, `perf inject --jit`
};
/// How functions that stay hot become optimised code where the tier is automatic. background: by
/// the program sedgec, beside the guest, which goes over to it in the middle of a loop; at_once:
/// the guest waits for the code of its whole module (for tests of that going over).
enum class Optimize : uint8_t { off, background, at_once };

struct Config {
  Features features = Features::all();
  Tier tier = Tier::automatic;
  /// automatic: calls and loop rounds of a function until it is compiled; at least 1.
  uint32_t tier_threshold = 300;
  /// Compile fuel counting into code; stores then start with 0 fuel (Store::set_fuel).
  bool fuel = false;
  /// Compile polls into code so that deadlines and Store::interrupter work inside loops.
  bool interruptible = false;
  /// Optimised code: state after a trap is exactly what the specification says. Without it code is
  /// faster, for stores that are thrown away after a trap.
  bool exact = true;
  /// Run native code that is inside module files (sedge compile). It is as powerful as any
  /// executable: only for files that are trusted as such.
  bool allow_precompiled = false;
  Profile profile = Profile::none;
  /// Tell GDB the names and frames of native code.
  bool gdb = false;
  Optimize optimize = Optimize::off;
  /// Calls and loop rounds of a function in native code until it is to be optimised; at least 1.
  uint32_t optimize_threshold = 20'000;
  /// A folder for optimised code (0700, this user's); empty: nothing is kept. Asked where the tier
  /// is automatic or llvm.
  std::string cache_folder;
  /// What the folder may hold, in bytes.
  uint64_t cache_bytes = uint64_t{1} << 30;
  /// What cost speed and nothing else: that sedgec crashed, that the cache is not used.
  /// `important`: the user can do something about it. Called by any thread, at most once for each
  /// text; may be empty.
  std::function<void(bool important, const std::string& text)> notice;
};

struct EngineImpl;

/// A handle to a shared, immutable, thread-safe engine.
class Engine {
 public:
  /// Errors: unsupported_file for a tier that this build does not have; io, permission_denied for
  /// the file of `profile`.
  static Result<Engine> create(Config config = {});
  /// Whether this build has what the tier needs.
  static bool has(Tier tier);
  const Config& config() const;
  const std::shared_ptr<EngineImpl>& impl() const { return impl_; }

 private:
  explicit Engine(std::shared_ptr<EngineImpl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<EngineImpl> impl_;
};

/// The types of an import or export. Heap type indices are canonical ids of the engine.
struct ExternType {
  ExternKind kind = ExternKind::func;
  FuncType func;  ///< func, tag (parameters)
  TableType table;
  MemoryType memory;
  GlobalType global;
  uint32_t type_id = 0;  ///< canonical id of a function's or tag's type
};
/// "func [i32] -> []", "memory 1 2 shared", the way error messages show it.
std::string to_string(const ExternType& type);

}  // namespace sedge

#endif  // SEDGE_ENGINE_H_
