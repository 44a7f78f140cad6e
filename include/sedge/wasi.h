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
class Network;
struct GuestNetwork;
class KeyValueStore;
struct GuestServices;

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
/// A directory mapping as users write it: `HOST::GUEST[::ro]`, `PATH` (one name on both sides), or
/// `A:A`. Errors: ambiguous_dir for what tools read in two ways, showing both; bad_argument for an
/// empty side.
Result<Preopen> parse_preopen(std::string_view text);
/// Opens the host's directory now. Errors: file_not_found, permission_denied, io, with the path.
Result<Preopen> open_preopen(std::string host, std::string guest, bool readonly);

/// What guests may reach of the network. A rule that denies wins over every one that allows.
struct NetworkRules {
  /// `[deny:]tcp:HOST:PORT`, `tcp-listen:HOST:PORT`, `udp:HOST:PORT`, `dns:NAME`. HOST is an
  /// address, a network (`10.0.0.0/8`), a name, `*.NAME` or `*`; PORT a number, a range or `*`.
  std::vector<std::string> net;
  /// `[deny:]HOST[:PORT]`, for requests of wasi:http.
  std::vector<std::string> http;
  bool all_tcp = false;
  bool all_udp = false;
  bool all_names = false;  ///< to be resolved
  bool all_http = false;
};
/// Parses the rules; what it gives may be shared by any number of contexts. Errors: bad_argument.
Result<std::shared_ptr<Network>> make_network(const NetworkRules& rules);

/// What wasi:keyvalue gives guests: buckets of keys and values, for any number of contexts. In the
/// file, which is made if it is not there and which several processes may use, or with an empty
/// name in memory. Errors: io with the file's name, not_in_build.
Result<std::shared_ptr<KeyValueStore>> open_keyvalue(const std::string& file);
/// Keeps these in the bucket with the empty name. Error: bad_argument.
Result<void> fill_keyvalue(KeyValueStore& store,
                           std::span<const std::pair<std::string, std::string>> entries);

/// What a guest is given. By default: nothing but clocks, random numbers and no input.
struct Config {
  std::vector<std::string> args;  ///< args[0] is the program's name
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<Preopen> preopens;  ///< descriptors 3, 4, …
  Input input = Nothing{};
  Output output = Nothing{};
  Output error = Nothing{};
  bool network = false;  ///< socket extension
  /// For components: wasi:sockets and wasi:http; null: nothing may be reached.
  std::shared_ptr<Network> reach;
  /// For components: names and values of wasi:config/store; of one name the last counts.
  std::vector<std::pair<std::string, std::string>> variables;
  /// For components: wasi:keyvalue; null: there is no bucket to be opened.
  std::shared_ptr<KeyValueStore> keyvalue;
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
    address,   ///< an address or name that no rule of NetworkRules::net allows; path says which
    http,      ///< a request to a host that no rule of NetworkRules::http allows
    keyvalue,  ///< a bucket without Config::keyvalue
  };
  Kind kind;
  std::string path;   ///< as the guest knows it; empty for `network` and `keyvalue`
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
  /// The first function that the guest called and that reaches beyond the guest and its
  /// configuration (clocks, random numbers, files, sockets, output); empty if there was none.
  std::string_view reached_outside() const;
  /// Whether descriptors are open beside the standard streams and the preopened directories.
  bool holds_descriptors() const;

  p1::State& p1() const { return *p1_; }
  GuestNetwork& network() const { return *network_; }
  const GuestServices& services() const { return *services_; }

 private:
  Context(std::unique_ptr<p1::State> p1, std::unique_ptr<GuestNetwork> network,
          std::unique_ptr<GuestServices> services);
  std::unique_ptr<p1::State> p1_;
  std::unique_ptr<GuestNetwork> network_;
  std::unique_ptr<GuestServices> services_;
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
