// WASI 0.1 for guests: what a guest may reach, the context that holds it, and how it is linked.
// Also serves the older names `wasi_unstable`, wasi-threads and the socket extension that
// WasmEdge's guests import. Specification: wasi_snapshot_preview1 (witx).
#ifndef SEDGE_WASI_H_
#define SEDGE_WASI_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <sedge/engine.h>
#include <sedge/error.h>
#include <sedge/extern.h>
#include <sedge/linker.h>
#include <sedge/store.h>

namespace sedge::wasi {

namespace p1 {
class State;
}
namespace os {
class Dir;
}

/// The process's own descriptor.
struct Inherit {};
/// End of file for input; output is thrown away.
struct Nothing {};
/// Output kept in memory. What would pass `limit` bytes is refused to the guest with `nospc`.
struct Capture {
  explicit Capture(size_t limit_bytes = 64 << 20) : limit(limit_bytes) {}
  std::string data;
  size_t limit;
  bool overflowed = false;
};
/// Fills the buffer and returns how many bytes, 0 at the end. Called on the guest's threads, one at
/// a time.
using InputCallback = std::function<size_t(std::span<uint8_t>)>;
/// Takes bytes; false makes the guest's write fail with `io`. Called like InputCallback.
using OutputCallback = std::function<bool(std::string_view)>;
using Input = std::variant<Inherit, Nothing, std::string, InputCallback>;
using Output = std::variant<Inherit, Nothing, std::shared_ptr<Capture>, OutputCallback>;

/// A directory of the host that the guest sees as `guest`.
struct Preopen {
  std::string host;
  std::string guest;
  bool readonly = false;
  /// Opened by open_preopen so that many contexts can share it; else the context opens `host`.
  std::shared_ptr<const os::Dir> dir = nullptr;
};
/// Opens the host's directory now. Errors: file_not_found, permission_denied, io, with the path.
Result<Preopen> open_preopen(std::string host, std::string guest, bool readonly);

/// What a guest is given. By default: nothing but clocks, random numbers and no input.
struct Config {
  std::vector<std::string> args;  ///< args[0] is the program's name
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<Preopen> preopens;  ///< descriptors 3, 4, …
  Input input = Nothing{};
  Output output = Nothing{};
  Output error = Nothing{};
  bool network = false;            ///< socket extension
  uint32_t max_fds = 1024;         ///< open at once, standard ones included
  uint32_t max_threads = 64;       ///< of wasi-threads, alive at once
  StoreLimits thread_limits = {};  ///< for the store of each thread
};

/// Something the guest asked for and was not allowed, for messages after it failed.
struct Denial {
  enum class Kind : uint8_t {
    outside,   ///< the path leads out of its directory
    readonly,  ///< a change in a read-only directory
    host,      ///< the operating system refused
    network,   ///< a socket without Config::network
  };
  Kind kind;
  std::string path;   ///< as the guest knows it; empty for `network`
  std::string guest;  ///< the preopen it was under
};
/// One line for a person: what was denied and the flag that would grant it.
std::string to_string(const Denial& denial);

/// State of one guest: descriptors, arguments, environment. Give it to a store with
/// `store.set_data(context)`; the functions of `link` find it there. Threads of one guest share it.
class Context {
 public:
  /// Cheap where every preopen was opened before. Errors: those of open_preopen; bad_argument for
  /// an argument or variable with a NUL.
  static Result<std::shared_ptr<Context>> create(Config config);
  ~Context();

  /// The latest denial, if any.
  std::optional<Denial> last_denial() const;
  /// Whether the guest looked for preopened directories and was given none.
  bool wanted_directories() const;

  p1::State& p1() const { return *p1_; }

 private:
  explicit Context(std::unique_ptr<p1::State> p1);
  std::unique_ptr<p1::State> p1_;
};

/// Whether the module imports anything of WASI 0.1, its older form, or wasi-threads.
bool wants_wasi(const Module& module);

/// Defines what `module` imports from `wasi_snapshot_preview1`, `wasi_unstable` and `wasi`. For a
/// threaded module also the shared memories that it imports and nobody has defined. The linker may
/// serve any number of stores. Errors: those of SharedMemory::create.
Result<void> link(const Engine& engine, Linker& linker, const Module& module);

/// Gives `context` to the store and instantiates; threads will be able to spawn (their stores are
/// of `engine`, whose Config::interruptible must be set for one thread to end the others). Errors:
/// those of Linker::instantiate.
Result<Instance> instantiate(const Engine& engine, Store& store, const Linker& linker,
                             const Module& module, std::shared_ptr<Context> context);

/// Calls `function` (a command's `_start`), then ends and joins the guest's threads. Returns the
/// exit status: that of proc_exit, 0 when the function returns. Errors: the first trap or
/// exhaustion of any thread.
Result<int> run(Store& store, const Instance& instance, std::string_view function = "_start");

/// Ends and joins the guest's threads after any other call into it, and picks the error that
/// ended the guest: a thread's own error explains the interruption of the others.
Result<void> finish(Store& store, Result<void> outcome);

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_H_
