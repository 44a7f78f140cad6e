// See cli.h.
#include "wasi/p2/cli.h"

#include <unistd.h>

#include <fmt/format.h>

#include "p2/wasi/cli/environment.h"
#include "p2/wasi/cli/exit.h"
#include "p2/wasi/cli/stderr.h"
#include "p2/wasi/cli/stdin.h"
#include "p2/wasi/cli/stdout.h"
#include "p2/wasi/cli/terminal-input.h"
#include "p2/wasi/cli/terminal-output.h"
#include "p2/wasi/cli/terminal-stderr.h"
#include "p2/wasi/cli/terminal-stdin.h"
#include "p2/wasi/cli/terminal-stdout.h"
#include "wasi/p2/streams.h"

namespace sedge::wasi::p2 {
namespace {

namespace cli = bindings::p2::wasi::cli;

struct Environment final : cli::environment::Host {
  Result<std::vector<std::tuple<std::string, std::string>>> get_environment(Store& store) override {
    return environment_of(store);
  }
  Result<std::vector<std::string>> get_arguments(Store& store) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return guest->args();
  }
  Result<std::optional<std::string>> initial_cwd(Store&) override {
    return std::optional<std::string>();
  }
};

struct Exit final : cli::exit::Host {
  Result<void> exit(Store&, Outcome<Unit, Unit> status) override {
    return exit_with(status ? 0 : 1);
  }
  Result<void> exit_with_code(Store&, uint8_t status_code) override {
    return exit_with(status_code);
  }
};

struct Stdin final : cli::stdin::Host {
  Result<std::unique_ptr<streams::InputStream>> get_stdin(Store& store) override {
    SEDGE_TRY_ASSIGN(auto descriptor, standard(store, 0));
    return input_of(std::move(descriptor));
  }
};
struct Stdout final : cli::stdout::Host {
  Result<std::unique_ptr<streams::OutputStream>> get_stdout(Store& store) override {
    SEDGE_TRY_ASSIGN(auto descriptor, standard(store, 1));
    return output_of(std::move(descriptor));
  }
};
struct Stderr final : cli::stderr::Host {
  Result<std::unique_ptr<streams::OutputStream>> get_stderr(Store& store) override {
    SEDGE_TRY_ASSIGN(auto descriptor, standard(store, 2));
    return output_of(std::move(descriptor));
  }
};

struct TerminalInput final : cli::terminal_input::TerminalInput {};
struct TerminalOutput final : cli::terminal_output::TerminalOutput {};

struct TerminalStdin final : cli::terminal_stdin::Host {
  Result<std::optional<std::unique_ptr<cli::terminal_input::TerminalInput>>> get_terminal_stdin(
      Store& store) override {
    return terminal<cli::terminal_input::TerminalInput, TerminalInput>(store, 0);
  }
};
struct TerminalStdout final : cli::terminal_stdout::Host {
  Result<std::optional<std::unique_ptr<cli::terminal_output::TerminalOutput>>> get_terminal_stdout(
      Store& store) override {
    return terminal<cli::terminal_output::TerminalOutput, TerminalOutput>(store, 1);
  }
};
struct TerminalStderr final : cli::terminal_stderr::Host {
  Result<std::optional<std::unique_ptr<cli::terminal_output::TerminalOutput>>> get_terminal_stderr(
      Store& store) override {
    return terminal<cli::terminal_output::TerminalOutput, TerminalOutput>(store, 2);
  }
};

}  // namespace

Result<std::vector<std::tuple<std::string, std::string>>> environment_of(Store& store) {
  SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
  std::vector<std::tuple<std::string, std::string>> out;
  for (const std::string& variable : guest->environment()) {
    size_t equals = variable.find('=');
    out.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return out;
}

Result<void> exit_with(int status) {
  Error exit(ErrorCode::guest_exit, fmt::format(" with status {}", status));
  exit.set_guest_exit_status(status);
  return fail(std::move(exit));
}

Result<std::shared_ptr<p1::Descriptor>> standard(Store& store, uint32_t number) {
  SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
  auto found = guest->fds().get(number);
  if (!found) return fail(ErrorCode::host_failure, ": a standard stream is gone");
  return *std::move(found);
}

bool is_terminal(const p1::Descriptor& stream) {
  int fd = stream.kernel_fd();
  return fd >= 0 && ::isatty(fd);
}

void link_cli(ComponentLinker& linker) {
  cli::environment::add_to_linker(linker, single<Environment, cli::environment::Host>);
  cli::exit::add_to_linker(linker, single<Exit, cli::exit::Host>);
  cli::stdin::add_to_linker(linker, single<Stdin, cli::stdin::Host>);
  cli::stdout::add_to_linker(linker, single<Stdout, cli::stdout::Host>);
  cli::stderr::add_to_linker(linker, single<Stderr, cli::stderr::Host>);
  cli::terminal_input::add_to_linker(linker);
  cli::terminal_output::add_to_linker(linker);
  cli::terminal_stdin::add_to_linker(linker, single<TerminalStdin, cli::terminal_stdin::Host>);
  cli::terminal_stdout::add_to_linker(linker, single<TerminalStdout, cli::terminal_stdout::Host>);
  cli::terminal_stderr::add_to_linker(linker, single<TerminalStderr, cli::terminal_stderr::Host>);
}

}  // namespace sedge::wasi::p2
