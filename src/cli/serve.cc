// `sedge serve`: a router file or one module as an HTTP server. Empty in builds without the server.
#if SEDGE_HAVE_SERVER
#include "serve/serve.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "cli/console.h"
#include "cli/environment.h"
#include "cli/grants.h"
#include "cli/network_options.h"
#include "cli/service_options.h"
#include "cli/tier_option.h"
#include "cli/units.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--listen", 'l', "ADDRESS", "HOST:PORT to listen on (default: 127.0.0.1:8080)", true},
    {"--workers", 0, "N", "event loops (default: one per core)"},
    {"--log", 0, "FILE", "where the access log goes: stdout (default), stderr, none or a file"},
    {"--drain-timeout", 0, "TIME", "how long running requests may take after SIGTERM"},
    {"--strict", 0, "", "do not start if any route cannot be run"},
    {"--features", 'f', "LIST", "features that modules may use, as for `sedge validate`"},
    {"--invoke", 0, "FUNC", "for a module: the pointer function that answers"},
    {"--cgi", 0, "", "for a module: a command is a CGI program, not a function of JSON events"},
    {"--dir", 0, "HOST::GUEST[::ro]", "for a module: give the guest a directory", true},
    {"--env", 0, "NAME[=VALUE]", "for a module: set a variable of the guest", true},
    {"--timeout", 0, "TIME", "for a module: from a request's arrival to its answer"},
    {"--max-memory", 0, "SIZE", "for a module: memory of one instance, in whole MiB"},
    {"--tier", 0, "auto|interp|baseline|llvm", "for a module: what runs the code"},
    kAllowPrecompiledOption,
    kCacheDirOption,
    kNoCacheOption,
    kTierVerboseOption,
    {"--pool-size", 0, "N", "for a module: instances kept ready"},
    {"--max-concurrency", 0, "N", "for a module: requests that run at once"},
    {"--reuse", 0, "N", "for a component: requests that one instance answers (default: 1)"},
    kNetOption,
    kHttpAllowOption,
    kGrantOption,
    kConfigOption,
    kConfigFileOption,
    kKeyValueOption,
};
constexpr Positional kPositionals[] = {
    {"FILE", "router.yaml, a Kubernetes ConfigMap that holds one, a module or a component"}};

/// The option as a number of 32 bits, if it was given.
Result<std::optional<uint32_t>> number(const Arguments& arguments, std::string_view option) {
  auto text = arguments.get(option);
  if (!text) return std::nullopt;
  SEDGE_TRY_ASSIGN(uint64_t count, parse_count(option, *text));
  if (count > std::numeric_limits<uint32_t>::max())
    return fail(ErrorCode::bad_argument, fmt::format(": `{} {}` is too large", option, *text));
  return static_cast<uint32_t>(count);
}

Result<std::optional<uint32_t>> milliseconds(const Arguments& arguments, std::string_view option) {
  auto text = arguments.get(option);
  if (!text) return std::nullopt;
  SEDGE_TRY_ASSIGN(auto time, parse_duration(option, *text));
  auto count = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (count > std::numeric_limits<uint32_t>::max())
    return fail(ErrorCode::bad_argument, fmt::format(": `{} {}` is too long", option, *text));
  return static_cast<uint32_t>(count);
}

/// What only a single module takes from the command line; a router file says it per route.
Result<void> read_route(const Arguments& arguments, serve::RouteConfig& route) {
  route.function = std::string(arguments.get("--invoke").value_or(""));
  if (arguments.has("--cgi")) route.command_kind = serve::Kind::wcgi;
  for (std::string_view dir : arguments.all("--dir")) {
    SEDGE_TRY_ASSIGN(wasi::Preopen preopen, wasi::parse_preopen(dir));
    route.dirs.push_back(std::move(preopen));
  }
  SEDGE_TRY_ASSIGN(route.env, parse_env(arguments.all("--env")));
  SEDGE_TRY_ASSIGN(auto timeout, milliseconds(arguments, "--timeout"));
  if (timeout) route.timeout_ms = *timeout;
  if (auto memory = arguments.get("--max-memory")) {
    SEDGE_TRY_ASSIGN(uint64_t bytes, parse_size("--max-memory", *memory));
    route.memory_limit_mb = static_cast<uint32_t>(
        std::clamp<uint64_t>(bytes >> 20, 1, std::numeric_limits<uint32_t>::max()));
  }
  if (auto tier = arguments.get("--tier")) route.backend = std::string(*tier);
  SEDGE_TRY_ASSIGN(route.pool_size, number(arguments, "--pool-size"));
  SEDGE_TRY_ASSIGN(route.max_concurrency, number(arguments, "--max-concurrency"));
  SEDGE_TRY_ASSIGN(auto reuse, number(arguments, "--reuse"));
  if (reuse) route.reuse = std::max(*reuse, 1U);
  SEDGE_TRY_ASSIGN(route.network, network_rules(arguments));
  SEDGE_TRY_ASSIGN(Services given, services(arguments));
  route.variables = std::move(given.variables);
  route.keyvalue = std::move(given.keyvalue);
  route.keyvalue_data = std::move(given.keyvalue_data);
  return {};
}

Result<int> run(const Arguments& arguments) {
  serve::ServeOptions options;
  options.file = std::string(arguments.positional(0));
  for (std::string_view address : arguments.all("--listen")) options.listen.emplace_back(address);
  SEDGE_TRY_ASSIGN(options.workers, number(arguments, "--workers"));
  if (auto log = arguments.get("--log")) options.log = std::string(*log);
  SEDGE_TRY_ASSIGN(options.drain_timeout_ms, milliseconds(arguments, "--drain-timeout"));
  options.strict = arguments.has("--strict");
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(options.engine.features, Features::parse(*list));
  }
  options.engine.allow_precompiled = arguments.has("--allow-precompiled");
  SEDGE_TRY(read_route(arguments, options.single));
  optimize_in_background(arguments, options.engine);
  options.report = print_error;
  options.announce = print_note;
  return serve::serve_main(options);
}

}  // namespace

const Verb kServeVerb = {
    "serve",
    "answer HTTP requests with modules and components",
    "Routes requests by a router.yaml to functions: a JSON event on standard input and a JSON "
    "response on standard output, a pointer function, or a component that exports "
    "wasi:http/handler or incoming-handler. Each request gets its own instance. "
    "SIGTERM lets running requests finish.",
    kOptions,
    kPositionals,
    "sedge serve router.yaml\n"
    "sedge serve --listen 0.0.0.0:8080 --max-memory 64MiB function.wasm\n"
    "sedge serve --http-allow api.example.com http.component.wasm",
    run};

}  // namespace sedge::cli
#endif  // SEDGE_HAVE_SERVER
