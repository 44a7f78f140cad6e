// Building a guest's state from its configuration, and telling what it was denied.
#include "wasi/p1/state.h"

#include <tuple>

#include <fmt/format.h>

#include "wasi/edge/edge.h"
#include "wasi/network.h"
#include "wasi/os/dir.h"

namespace sedge::wasi {

Result<Preopen> open_preopen(std::string host, std::string guest, bool readonly) {
  auto dir = os::Dir::open_host(host, readonly);
  if (!dir) {
    auto code = dir.error() == Errno::noent   ? ErrorCode::file_not_found
                : dir.error() == Errno::acces ? ErrorCode::permission_denied
                                              : ErrorCode::io;
    const char* why = dir.error() == Errno::noent    ? "no such directory"
                      : dir.error() == Errno::notdir ? "not a directory"
                      : dir.error() == Errno::acces  ? "this user may not open it"
                                                     : errno_name(dir.error());
    return fail(Error(code, fmt::format(": {}: {}", host, why))
                    .with_context(fmt::format("while opening {} for the guest's {}", host, guest)));
  }
  return Preopen{std::move(host), std::move(guest), readonly,
                 std::make_shared<const os::Dir>(std::move(*dir))};
}

std::string to_string(const Denial& denial) {
  switch (denial.kind) {
    case Denial::Kind::outside:
      return fmt::format(
          "permission denied: {}: it leads out of {}, the directory that the guest was given; "
          "--dir HOST::GUEST gives it another",
          denial.path, denial.guest);
    case Denial::Kind::readonly:
      return fmt::format(
          "permission denied: {}: {} was given read-only; --dir HOST::{} without ::ro lets the "
          "guest write",
          denial.path, denial.guest, denial.guest);
    case Denial::Kind::host:
      return fmt::format(
          "permission denied: {}: the system does not let this user do that in the directory "
          "given as {}",
          denial.path, denial.guest);
    case Denial::Kind::network:
      return "permission denied: the guest asked for a network socket; --network gives it the "
             "network";
    case Denial::Kind::address:
      return fmt::format(
          "permission denied: the guest asked for {0} on the network; --net {0} lets it",
          denial.path);
    case Denial::Kind::http:
      return fmt::format(
          "permission denied: the guest sent a request to {0}; --http-allow {0} lets it",
          denial.path);
    case Denial::Kind::keyvalue:
      return "permission denied: the guest opened a key-value bucket and was given no store; "
             "--keyvalue FILE gives it one";
  }
  return {};
}

Context::Context(std::unique_ptr<p1::State> p1, std::unique_ptr<GuestNetwork> network,
                 std::unique_ptr<GuestServices> services)
    : p1_(std::move(p1)), network_(std::move(network)), services_(std::move(services)) {}
Context::~Context() = default;

Result<std::shared_ptr<Context>> Context::create(Config config) {
  auto network = std::make_unique<GuestNetwork>(config.reach);
  auto services = std::make_unique<GuestServices>(
      GuestServices{std::move(config.variables), std::move(config.keyvalue)});
  SEDGE_TRY_ASSIGN(auto p1, p1::State::create(std::move(config)));
  return std::shared_ptr<Context>(
      new Context(std::move(p1), std::move(network), std::move(services)));
}

std::optional<Denial> Context::last_denial() const { return p1_->last_denial(); }
bool Context::wanted_directories() const { return p1_->no_preopens(); }
std::string_view Context::reached_outside() const {
  const char* name = p1_->outside();
  return name != nullptr ? name : "";
}
bool Context::holds_descriptors() const { return p1_->opened_more(); }

namespace p1 {

State::State(Config& config)
    : fds_(std::make_shared<FdTable>(config.max_fds)),
      threads_(config.max_threads, config.thread_limits),
      args_(std::move(config.args)),
      network_(config.network) {}

Result<std::unique_ptr<State>> State::create(Config config) {
  for (const std::string& arg : config.args)
    if (arg.find('\0') != std::string::npos)
      return fail(ErrorCode::bad_argument, ": a NUL in an argument of the guest");
  std::unique_ptr<State> state(new State(config));
  for (auto& [name, value] : config.env) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
        value.find('\0') != std::string::npos)
      return fail(ErrorCode::bad_argument, fmt::format(": environment variable {:?}", name));
    state->environment_.push_back(fmt::format("{}={}", name, value));
  }

  auto add = [&](std::shared_ptr<Descriptor> descriptor) -> Result<void> {
    if (!state->fds_->add(std::move(descriptor)))
      return fail(
          ErrorCode::bad_argument,
          fmt::format(": {} descriptors do not hold the preopened directories", config.max_fds));
    return {};
  };
  SEDGE_TRY(add(standard_input(std::move(config.input))));
  SEDGE_TRY(add(standard_output(std::move(config.output), 1)));
  SEDGE_TRY(add(standard_output(std::move(config.error), 2)));
  for (Preopen& preopen : config.preopens) {
    if (!preopen.dir) {
      SEDGE_TRY_ASSIGN(preopen, open_preopen(preopen.host, preopen.guest, preopen.readonly));
    }
    auto dir = std::make_shared<Descriptor>();
    // A shared Dir has one offset for all its users, and fd_readdir moves it.
    auto own = preopen.dir->duplicate();
    if (!own)
      return fail(ErrorCode::io, fmt::format(": {}: {}", preopen.host, errno_name(own.error())));
    dir->handle =
        DirHandle{std::make_shared<const os::Dir>(std::move(*own)), preopen.guest, preopen.guest};
    dir->type = os::FileType::directory;
    dir->rights = kDirectoryRights;
    dir->inheriting = kDirectoryRights | kFileRights;
    SEDGE_TRY(add(std::move(dir)));
  }
  state->preopens_ = static_cast<uint32_t>(config.preopens.size());
  state->first_fds_ = state->fds_->open();
  return state;
}

void State::deny(Denial denial) {
  std::lock_guard lock(denial_mutex_);
  denial_ = std::move(denial);
}

std::optional<Denial> State::last_denial() const {
  std::lock_guard lock(denial_mutex_);
  return denial_;
}

OsResult<std::shared_ptr<Descriptor>> numbered(State& guest,
                                               const std::shared_ptr<Descriptor>& descriptor) {
  auto table = guest.shared_fds();
  auto number = table->add(descriptor);
  if (!number) return Err(number.error());
  // The table's reference keeps it alive.
  return std::shared_ptr<Descriptor>(descriptor.get(),
                                     [table = std::move(table), number = *number](Descriptor*) {
                                       std::ignore = table->close(number);
                                     });
}

Error StoreInterrupt::error() const {
  auto at = store_.deadline();
  bool late = at && std::chrono::steady_clock::now() >= *at;
  return Error(late ? ErrorCode::deadline_exceeded : ErrorCode::interrupted);
}

}  // namespace p1
}  // namespace sedge::wasi
