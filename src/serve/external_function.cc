// One row for each runtime says how its command line is written.
#include "serve/external_function.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/companion.h"

#include "serve/process.h"

namespace sedge::serve {
namespace {

namespace fs = std::filesystem;

struct Peer {
  std::string_view program;
  std::string_view verb;  ///< before the options; may be empty
  bool guest_first;       ///< in a directory mapping
  std::string_view dir_option;
  std::string_view separator;    ///< of a directory mapping
  std::string_view memory;       ///< option, "" if there is none; joined if it ends in '='
  uint64_t memory_unit;          ///< bytes
  std::string_view backend;      ///< before a compiler's name, "" if it cannot be chosen
  std::string_view before_args;  ///< between module and arguments
};
constexpr Peer kPeers[] = {
    {"wasmedge", "", true, "--dir", ":", "--memory-page-limit", 65536, "", ""},
    {"wasmtime", "run", false, "--dir", "::", "-Wmax-memory-size=", 1, "-Ccompiler=", ""},
    {"wasmer", "run", true, "--mapdir", ":", "", 1, "--", "--"},
};

const Peer* peer_of(const RouteConfig& route) {
  const auto* found = std::ranges::find(kPeers, std::string_view(route.runtime), &Peer::program);
  return found == std::end(kPeers) ? nullptr : found;
}

/// The program on the PATH that is not sedge under another name.
std::optional<std::string> find_program(std::string_view name) {
  std::error_code error;
  fs::path self = own_path();
  const char* value = std::getenv("PATH");
  std::string_view left = value ? value : "";
  while (!left.empty()) {
    size_t colon = left.find(':');
    fs::path place = fs::path(left.substr(0, colon)) / name;
    left.remove_prefix(colon == std::string_view::npos ? left.size() : colon + 1);
    if (::access(place.c_str(), X_OK) != 0 || fs::is_directory(place, error)) continue;
    fs::path real = fs::canonical(place, error);
    if (real != self && real.filename() != "sedge") return fs::absolute(place).string();
  }
  return std::nullopt;
}

class ExternalFunction final : public BlockingFunction {
 public:
  ExternalFunction(RouteConfig route, std::string program, Kind kind, GuestStderr guest_stderr)
      : route_(std::move(route)),
        program_(std::move(program)),
        kind_(kind),
        guest_stderr_(std::move(guest_stderr)) {}

  Kind kind() const override { return kind_; }
  bool prepare() override { return false; }
  void interrupt_all() override { stop_.store(true, std::memory_order_relaxed); }

  Result<std::string> invoke(FunctionInput input, Deadline deadline) override {
    auto env = route_.env;
    for (auto& variable : input.env)
      if (std::ranges::find(env, variable.first, &std::pair<std::string, std::string>::first) ==
          env.end())
        env.push_back(std::move(variable));
    std::vector<std::string> command = external_command(route_, program_, env);
    live_.fetch_add(1, std::memory_order_relaxed);
    created_.fetch_add(1, std::memory_order_relaxed);
    Result<ProcessOutcome> outcome =
        run_process(command, input.data, {.deadline = deadline}, stop_);
    live_.fetch_sub(1, std::memory_order_relaxed);
    if (!outcome) {
      if (outcome.error().code() == ErrorCode::deadline_exceeded)
        outcome.error().set_remedy("raise timeout_ms of the route");
      return fail(std::move(outcome).error());
    }
    if (!outcome->error.empty() && guest_stderr_) guest_stderr_(route_.label(), outcome->error);
    if (outcome->status == 0) return std::move(outcome->output);
    Error error(ErrorCode::guest_exit,
                fmt::format(" with status {} under {}", outcome->status, program_));
    error.set_guest_exit_status(outcome->status);
    return fail(std::move(error));
  }

  PoolFigures figures() const override {
    return {.live = live_.load(std::memory_order_relaxed),
            .created = created_.load(std::memory_order_relaxed),
            .memory_limit_bytes = uint64_t{route_.memory_limit_mb.value_or(0)} << 20};
  }

 private:
  const RouteConfig route_;
  const std::string program_;
  const Kind kind_;
  const GuestStderr guest_stderr_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint32_t> live_ = 0;
  std::atomic<uint64_t> created_ = 0;
};

}  // namespace

std::vector<std::string> external_command(
    const RouteConfig& route, const std::string& program,
    const std::vector<std::pair<std::string, std::string>>& env) {
  const Peer& peer = *peer_of(route);
  std::vector<std::string> out = {program};
  if (!peer.verb.empty()) out.emplace_back(peer.verb);
  if (!route.backend.empty() && route.backend != "auto" && !peer.backend.empty())
    out.push_back(fmt::format("{}{}", peer.backend, route.backend));
  if (route.memory_limit_mb && !peer.memory.empty()) {
    uint64_t amount = (uint64_t{*route.memory_limit_mb} << 20) / peer.memory_unit;
    if (peer.memory.ends_with('=')) {
      out.push_back(fmt::format("{}{}", peer.memory, amount));
    } else {
      out.emplace_back(peer.memory);
      out.push_back(std::to_string(amount));
    }
  }
  for (const wasi::Preopen& dir : route.dirs) {
    out.emplace_back(peer.dir_option);
    out.push_back(fmt::format("{}{}{}{}", peer.guest_first ? dir.guest : dir.host, peer.separator,
                              peer.guest_first ? dir.host : dir.guest,
                              dir.readonly ? ":readonly" : ""));
  }
  for (const auto& [name, value] : env) {
    out.emplace_back("--env");
    out.push_back(fmt::format("{}={}", name, value));
  }
  out.push_back(route.module);
  if (!route.args.empty() && !peer.before_args.empty()) out.emplace_back(peer.before_args);
  out.insert(out.end(), route.args.begin(), route.args.end());
  return out;
}

Result<std::unique_ptr<BlockingFunction>> load_external_function(const RouteConfig& route,
                                                                 const std::string& file,
                                                                 GuestStderr guest_stderr) {
  auto refuse = [&](Position at, std::string message, std::string remedy) {
    return fail(config_error(file, at, std::move(message), std::move(remedy)));
  };
  const Peer* peer = peer_of(route);
  if (!peer)
    return refuse(route.engine_at, "`engine: external` needs a `runtime` that is another program",
                  "write `runtime: wasmedge`, wasmtime or wasmer, or leave `engine` out");
  bool pointer = route.kind == Kind::pointer || !route.function.empty();
  if (pointer || route.kind == Kind::wasi_http)
    return refuse(route.engine_at,
                  fmt::format("`engine: external` runs commands; {} cannot be told to answer as {}",
                              peer->program, pointer ? "a pointer function" : "wasi-http"),
                  "leave `engine` out: the embedded engine runs the module");
  bool readonly = std::ranges::any_of(route.dirs, &wasi::Preopen::readonly);
  if (readonly && peer->program != "wasmedge")
    return refuse(route.engine_at, fmt::format("{} has no read-only directories", peer->program),
                  "leave `::ro` out, or leave `engine` out");
  std::error_code error;
  if (!fs::exists(route.module, error))
    return fail(Error(ErrorCode::file_not_found, fmt::format(": {}", route.module))
                    .with_context(fmt::format("{}:{}:{}", file, route.module_at.line,
                                              route.module_at.column)));
  std::optional<std::string> program = find_program(peer->program);
  if (!program)
    return refuse(route.engine_at,
                  fmt::format("`engine: external`: no {} is on the PATH, other than sedge's own "
                              "links",
                              peer->program),
                  fmt::format("install {}, or leave `engine` out: the embedded engine runs the "
                              "module",
                              peer->program));
  Kind kind = route.kind == Kind::automatic ? route.command_kind : route.kind;
  return std::make_unique<ExternalFunction>(route, *std::move(program), kind,
                                            std::move(guest_stderr));
}

}  // namespace sedge::serve
