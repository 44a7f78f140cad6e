// See cli.h.
#include "wasi/p3/cli.h"

#include <algorithm>

#include "p3/wasi/cli/environment.h"
#include "p3/wasi/cli/exit.h"
#include "p3/wasi/cli/stderr.h"
#include "p3/wasi/cli/stdin.h"
#include "p3/wasi/cli/stdout.h"
#include "p3/wasi/cli/terminal-input.h"
#include "p3/wasi/cli/terminal-output.h"
#include "p3/wasi/cli/terminal-stderr.h"
#include "p3/wasi/cli/terminal-stdin.h"
#include "p3/wasi/cli/terminal-stdout.h"
#include "p3/wasi/cli/types.h"
#include "p3/wasi/clocks/monotonic-clock.h"
#include "p3/wasi/clocks/system-clock.h"
#include "p3/wasi/clocks/timezone.h"
#include "p3/wasi/clocks/types.h"
#include "p3/wasi/random/insecure-seed.h"
#include "p3/wasi/random/insecure.h"
#include "p3/wasi/random/random.h"
#include "wasi/os/clock.h"
#include "wasi/p2/cli.h"
#include "wasi/p2/clocks.h"
#include "wasi/p3/channels.h"

namespace sedge::wasi::p3 {
namespace {

namespace cli = bindings::p3::wasi::cli;
namespace clocks = bindings::p3::wasi::clocks;
namespace random = bindings::p3::wasi::random;
using host::Completion;
using host::Outcome;
using host::Unit;

struct Environment final : cli::environment::Host {
  Result<std::vector<std::tuple<std::string, std::string>>> get_environment(Store& store) override {
    return p2::environment_of(store);
  }
  Result<std::vector<std::string>> get_arguments(Store& store) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, p2::guest_of(store));
    return guest->args();
  }
  Result<std::optional<std::string>> get_initial_cwd(Store&) override {
    return std::optional<std::string>();
  }
};

struct Exit final : cli::exit::Host {
  Result<void> exit(Store&, Outcome<Unit, Unit> status) override {
    return p2::exit_with(status ? 0 : 1);
  }
  Result<void> exit_with_code(Store&, uint8_t status_code) override {
    return p2::exit_with(status_code);
  }
};

cli::types::ErrorCode to_code(Errno value) {
  using Code = cli::types::ErrorCode;
  return value == Errno::pipe    ? Code::pipe
         : value == Errno::ilseq ? Code::illegal_byte_sequence
                                 : Code::io;
}

struct Stdin final : cli::stdin::Host {
  Result<std::tuple<host::Stream, host::Future>> read_via_stream(Store& store) override {
    SEDGE_TRY_ASSIGN(auto descriptor, p2::standard(store, 0));
    return read_from(store, p2::input_of(std::move(descriptor)), verdict_of(to_code));
  }
};

Result<host::Future> write_standard(Store& store, host::Stream data, uint32_t number) {
  SEDGE_TRY_ASSIGN(auto descriptor, p2::standard(store, number));
  return write_to(store, std::move(data), p2::output_of(std::move(descriptor)),
                  verdict_of(to_code));
}
struct Stdout final : cli::stdout::Host {
  Result<host::Future> write_via_stream(Store& store, host::Stream data) override {
    return write_standard(store, std::move(data), 1);
  }
};
struct Stderr final : cli::stderr::Host {
  Result<host::Future> write_via_stream(Store& store, host::Stream data) override {
    return write_standard(store, std::move(data), 2);
  }
};

struct TerminalInput final : cli::terminal_input::TerminalInput {};
struct TerminalOutput final : cli::terminal_output::TerminalOutput {};
struct TerminalStdin final : cli::terminal_stdin::Host {
  Result<std::optional<std::unique_ptr<cli::terminal_input::TerminalInput>>> get_terminal_stdin(
      Store& store) override {
    return p2::terminal<cli::terminal_input::TerminalInput, TerminalInput>(store, 0);
  }
};
struct TerminalStdout final : cli::terminal_stdout::Host {
  Result<std::optional<std::unique_ptr<cli::terminal_output::TerminalOutput>>> get_terminal_stdout(
      Store& store) override {
    return p2::terminal<cli::terminal_output::TerminalOutput, TerminalOutput>(store, 1);
  }
};
struct TerminalStderr final : cli::terminal_stderr::Host {
  Result<std::optional<std::unique_ptr<cli::terminal_output::TerminalOutput>>> get_terminal_stderr(
      Store& store) override {
    return p2::terminal<cli::terminal_output::TerminalOutput, TerminalOutput>(store, 2);
  }
};

std::unexpected<Error> no_clock(Errno value) {
  return fail(ErrorCode::host_failure, std::string(": clock: ") + errno_name(value));
}
Result<uint64_t> read_clock(os::OsResult<uint64_t> value) {
  if (!value) return no_clock(value.error());
  return *value;
}

struct Monotonic final : clocks::monotonic_clock::Host {
  Result<uint64_t> now(Store&) override { return os::monotonic_now(); }
  Result<uint64_t> get_resolution(Store&) override {
    return read_clock(os::clock_resolution(os::Clock::monotonic));
  }
  void wait_until(Store& store, Completion<void> done, uint64_t when) override {
    if (when <= os::monotonic_now()) return done.resolve();
    auto nanoseconds = static_cast<int64_t>(std::min<uint64_t>(when, INT64_MAX));
    ComponentLoop loop = ComponentLoop::of(store);
    const uint64_t number =
        loop.at(ComponentLoop::Clock::time_point(std::chrono::nanoseconds(nanoseconds)),
                [done] { done.resolve(); });
    // A wait that was cancelled leaves no timer behind.
    done.call().on_end([loop, number] { loop.cancel(number); });
  }
  void wait_for(Store& store, Completion<void> done, uint64_t how_long) override {
    uint64_t now = os::monotonic_now();
    wait_until(store, std::move(done), how_long > UINT64_MAX - now ? UINT64_MAX : now + how_long);
  }
};

struct System final : clocks::system_clock::Host {
  Result<clocks::system_clock::Instant> now(Store&) override {
    constexpr uint64_t kSecond = 1'000'000'000;
    SEDGE_TRY_ASSIGN(uint64_t at, read_clock(os::clock_now(os::Clock::realtime)));
    return clocks::system_clock::Instant{static_cast<int64_t>(at / kSecond),
                                         static_cast<uint32_t>(at % kSecond)};
  }
  Result<uint64_t> get_resolution(Store&) override {
    return read_clock(os::clock_resolution(os::Clock::realtime));
  }
};

/// The time zone of the host is not the guest's business: it sees UTC.
struct Timezone final : clocks::timezone::Host {
  Result<std::optional<std::string>> iana_id(Store&) override {
    return std::optional<std::string>("UTC");
  }
  Result<std::optional<int64_t>> utc_offset(Store&, clocks::system_clock::Instant) override {
    return std::optional<int64_t>(0);
  }
  Result<std::string> to_debug_string(Store&) override { return std::string("UTC"); }
};

constexpr uint64_t kMaxRandom = 1 << 20;  ///< a guest that wants more asks again

struct Random final : random::random::Host {
  Result<host::Bytes> get_random_bytes(Store& store, uint64_t max_len) override {
    return p2::random_bytes(store, std::min(max_len, kMaxRandom));
  }
  Result<uint64_t> get_random_u64(Store& store) override { return p2::random_number(store); }
};
struct Insecure final : random::insecure::Host {
  Result<host::Bytes> get_insecure_random_bytes(Store& store, uint64_t max_len) override {
    return p2::random_bytes(store, std::min(max_len, kMaxRandom));
  }
  Result<uint64_t> get_insecure_random_u64(Store& store) override {
    return p2::random_number(store);
  }
};
struct Seed final : random::insecure_seed::Host {
  Result<std::tuple<uint64_t, uint64_t>> get_insecure_seed(Store& store) override {
    return p2::seed_of(store);
  }
};

using p2::single;

}  // namespace

void link_cli(ComponentLinker& linker) {
  cli::environment::add_to_linker(linker, single<Environment, cli::environment::Host>);
  cli::exit::add_to_linker(linker, single<Exit, cli::exit::Host>);
  cli::types::add_to_linker(linker);
  cli::stdin::add_to_linker(linker, single<Stdin, cli::stdin::Host>);
  cli::stdout::add_to_linker(linker, single<Stdout, cli::stdout::Host>);
  cli::stderr::add_to_linker(linker, single<Stderr, cli::stderr::Host>);
  cli::terminal_input::add_to_linker(linker);
  cli::terminal_output::add_to_linker(linker);
  cli::terminal_stdin::add_to_linker(linker, single<TerminalStdin, cli::terminal_stdin::Host>);
  cli::terminal_stdout::add_to_linker(linker, single<TerminalStdout, cli::terminal_stdout::Host>);
  cli::terminal_stderr::add_to_linker(linker, single<TerminalStderr, cli::terminal_stderr::Host>);
}

void link_clocks(ComponentLinker& linker) {
  clocks::types::add_to_linker(linker);
  clocks::monotonic_clock::add_to_linker(linker, single<Monotonic, clocks::monotonic_clock::Host>);
  clocks::system_clock::add_to_linker(linker, single<System, clocks::system_clock::Host>);
  clocks::timezone::add_to_linker(linker, single<Timezone, clocks::timezone::Host>);
  random::random::add_to_linker(linker, single<Random, random::random::Host>);
  random::insecure::add_to_linker(linker, single<Insecure, random::insecure::Host>);
  random::insecure_seed::add_to_linker(linker, single<Seed, random::insecure_seed::Host>);
}

}  // namespace sedge::wasi::p3
