// Loading and calling. A prepared instance is a store whose module has been instantiated, but not
// begun; its standard streams are buffers that are filled when a call takes it.
#include "serve/wasm_function.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sedge/linker.h>
#include <sedge/module.h>
#include <sedge/store.h>
#include <sedge/wasi.h>

#include "base/fd.h"
#include "engine/pointer_function.h"

namespace sedge::serve {
namespace {

constexpr size_t kMaxOutput = 16 << 20;
constexpr size_t kMaxStderr = 16 << 10;
constexpr std::string_view kMemoryRemedy = "raise memory_limit_mb of the route";
constexpr std::string_view kPreview1 = "wasi_snapshot_preview1";

// The standard streams of one instance.
struct Streams {
  std::string input;
  size_t input_at = 0;
  std::string output;
  bool output_full = false;
  std::string error;
};

struct Prepared {
  std::shared_ptr<Streams> streams;
  Store store;
  Instance instance;
};

struct Route {
  Module module;
  Kind kind;
  std::string function;  // pointer functions
  std::string label;
  uint32_t pool_size;
  StoreLimits limits;
  std::chrono::milliseconds timeout;
  wasi::Config wasi;
  bool own_linker_each;  // a shared memory must not be shared between instances
};

class WasmFunction final : public Function {
 public:
  WasmFunction(Engine engine, Route route, std::optional<InstancePre> pre, GuestStderr guest_stderr)
      : engine_(std::move(engine)),
        route_(std::move(route)),
        pre_(std::move(pre)),
        guest_stderr_(std::move(guest_stderr)) {}

  Kind kind() const override { return route_.kind; }
  Result<std::string> invoke(std::string input, Deadline deadline) override;
  bool prepare() override;
  void interrupt_all() override;
  PoolFigures figures() const override;
  /// Makes the first instance, which tells whether the module runs at all.
  Result<void> warm_up();

 private:
  Result<std::unique_ptr<Prepared>> create(Deadline deadline);
  Result<std::string> run(Prepared& prepared, std::string input);
  Error explain(const Prepared& prepared, Error error) const;

  const Engine engine_;
  const Route route_;
  const std::optional<InstancePre> pre_;
  const GuestStderr guest_stderr_;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Prepared>> ready_;  // the last is taken first: its memory is warm
  std::vector<std::unique_ptr<Prepared>> used_;   // to be destroyed off the path of a request
  std::list<Interrupter> running_;
  uint32_t preparing_ = 0;
  uint64_t created_ = 0;
  uint64_t taken_ready_ = 0;
  std::atomic<uint32_t> live_ = 0;
};

Result<std::unique_ptr<Prepared>> WasmFunction::create(Deadline deadline) {
  auto streams = std::make_shared<Streams>();
  wasi::Config config = route_.wasi;
  config.input = wasi::InputCallback([streams = streams.get()](std::span<uint8_t> buffer) {
    size_t size = std::min(buffer.size(), streams->input.size() - streams->input_at);
    std::memcpy(buffer.data(), streams->input.data() + streams->input_at, size);
    streams->input_at += size;
    return size;
  });
  config.output = wasi::OutputCallback([streams = streams.get()](std::string_view bytes) {
    if (bytes.size() > kMaxOutput - streams->output.size()) {
      streams->output_full = true;
      return false;
    }
    streams->output += bytes;
    return true;
  });
  config.error = wasi::OutputCallback([streams = streams.get()](std::string_view bytes) {
    streams->error += bytes.substr(0, kMaxStderr - std::min(kMaxStderr, streams->error.size()));
    return true;
  });
  SEDGE_TRY_ASSIGN(std::shared_ptr<wasi::Context> context,
                   wasi::Context::create(std::move(config)));
  auto prepared = std::make_unique<Prepared>(
      Prepared{std::move(streams), Store(engine_, route_.limits), Instance{}});
  Store& store = prepared->store;
  store.set_deadline(deadline);
  if (route_.own_linker_each) {
    Linker linker(engine_);
    SEDGE_TRY(wasi::link(engine_, linker, route_.module));
    SEDGE_TRY_ASSIGN(prepared->instance,
                     wasi::instantiate(engine_, store, linker, route_.module, std::move(context)));
  } else {
    store.set_data(std::move(context));
    SEDGE_TRY_ASSIGN(prepared->instance, pre_->instantiate(store));
  }
  if (route_.kind == Kind::pointer) {
    if (auto initialize = prepared->instance.get_func(store, "_initialize"))
      SEDGE_TRY(initialize->call(store, {}));
  }
  return prepared;
}

Result<void> WasmFunction::warm_up() {
  SEDGE_TRY_ASSIGN(std::unique_ptr<Prepared> first,
                   create(std::chrono::steady_clock::now() + route_.timeout));
  if (route_.pool_size > 0) {
    ready_.push_back(std::move(first));
    ++created_;
    ++live_;
  }
  return {};
}

bool WasmFunction::prepare() {
  std::unique_ptr<Prepared> used;
  bool missing;
  {
    std::lock_guard lock(mutex_);
    if (!used_.empty()) {
      used = std::move(used_.back());
      used_.pop_back();
    }
    missing = ready_.size() + preparing_ < route_.pool_size;
    if (missing) ++preparing_;
  }
  bool worked = used || missing;
  if (used) {
    used.reset();
    --live_;
  }
  if (missing) {
    // What fails here fails again, and is reported, in the request that needs the instance.
    Result<std::unique_ptr<Prepared>> fresh =
        create(std::chrono::steady_clock::now() + route_.timeout);
    std::lock_guard lock(mutex_);
    --preparing_;
    if (fresh) {
      ready_.push_back(*std::move(fresh));
      ++created_;
      ++live_;
    } else {
      worked = false;
    }
  }
  return worked;
}

Result<std::string> WasmFunction::invoke(std::string input, Deadline deadline) {
  std::unique_ptr<Prepared> prepared;
  {
    std::lock_guard lock(mutex_);
    if (!ready_.empty()) {
      prepared = std::move(ready_.back());
      ready_.pop_back();
      ++taken_ready_;
    }
  }
  if (!prepared) {
    SEDGE_TRY_ASSIGN(prepared, create(deadline));
    ++live_;
    std::lock_guard lock(mutex_);
    ++created_;
  }
  prepared->store.set_deadline(deadline);
  std::list<Interrupter>::iterator registered;
  {
    std::lock_guard lock(mutex_);
    registered = running_.insert(running_.end(), prepared->store.interrupter());
  }
  Result<std::string> output = run(*prepared, std::move(input));
  if (!prepared->streams->error.empty() && guest_stderr_)
    guest_stderr_(route_.label, prepared->streams->error);
  std::lock_guard lock(mutex_);
  running_.erase(registered);
  used_.push_back(std::move(prepared));
  return output;
}

Result<std::string> WasmFunction::run(Prepared& prepared, std::string input) {
  if (route_.kind == Kind::pointer) {
    Result<std::string> answer =
        call_pointer_function(prepared.store, prepared.instance, route_.function, input);
    if (!answer) return fail(explain(prepared, std::move(answer).error()));
    return answer;
  }
  prepared.streams->input = std::move(input);
  Result<int> status = wasi::run(prepared.store, prepared.instance);
  if (!status) return fail(explain(prepared, std::move(status).error()));
  if (*status != 0) {
    Error error(ErrorCode::guest_exit, fmt::format(" with status {}", *status));
    error.set_guest_exit_status(*status);
    return fail(explain(prepared, std::move(error)));
  }
  if (prepared.streams->output_full)
    return fail(ErrorCode::bad_answer,
                fmt::format(": the function printed more than {} bytes", kMaxOutput));
  return std::move(prepared.streams->output);
}

// Says what the user of a route can do; a guest that was refused memory usually aborts with a trap
// that says nothing of it.
Error WasmFunction::explain(const Prepared& prepared, Error error) const {
  std::optional<RefusedGrowth> refused = prepared.store.refused_growth();
  bool aborted = error.phase() == Phase::trap || error.code() == ErrorCode::guest_exit;
  if (refused && refused->by_store_limit && aborted) {
    constexpr double kMiB = 1 << 20;
    Error named(
        ErrorCode::out_of_memory,
        fmt::format(": the function asked for {:.1f} MiB of memory, the route allows {:.1f} MiB; "
                    "it then ended with: {}",
                    static_cast<double>(refused->asked_bytes) / kMiB,
                    static_cast<double>(refused->limit_bytes) / kMiB, error.message()));
    named.set_remedy(std::string(kMemoryRemedy));
    return named;
  }
  if (error.phase() == Phase::trap && route_.module.imports().empty())
    error.set_remedy(
        "the module imports nothing, as programs built for wasm32-unknown-unknown do: clocks, "
        "files "
        "and random numbers trap there; build it with cargo build --target wasm32-wasip1");
  if (error.code() == ErrorCode::deadline_exceeded)
    error.set_remedy("raise timeout_ms of the route");
  if (error.code() == ErrorCode::out_of_memory) error.set_remedy(std::string(kMemoryRemedy));
  return error;
}

void WasmFunction::interrupt_all() {
  std::lock_guard lock(mutex_);
  for (const Interrupter& interrupter : running_) interrupter.interrupt();
}

PoolFigures WasmFunction::figures() const {
  std::lock_guard lock(mutex_);
  return {.capacity = route_.pool_size,
          .idle = static_cast<uint32_t>(ready_.size()),
          .live = live_.load(),
          .created = created_,
          .taken_ready = taken_ready_,
          .memory_limit_bytes =
              route_.limits.memory_bytes == UINT64_MAX ? 0 : route_.limits.memory_bytes};
}

// ---- Loading
// --------------------------------------------------------------------------------------

std::unexpected<Error> refuse(const std::string& file, Position at, std::string message,
                              std::string remedy) {
  return fail(config_error(file, at, std::move(message), std::move(remedy)));
}

// A component has the preamble's layer 1 where a core module has 0.
bool is_component(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char head[8] = {};
  return file && ::read(file.get(), head, sizeof head) == sizeof head &&
         std::memcmp(head, "\0asm", 4) == 0 && head[6] == 1;
}

bool imports_from(const Module& module, std::string_view name) {
  return std::ranges::any_of(module.imports(),
                             [&](const ImportType& import) { return import.module == name; });
}

std::string export_list(const Module& module) {
  std::vector<std::string> names;
  for (const ExportType& entry : module.exports())
    if (entry.type.kind == ExternKind::func && names.size() < 12)
      names.push_back(fmt::format("{} ({})", entry.name, to_string(entry.type)));
  return names.empty() ? "no function" : fmt::format("{}", fmt::join(names, ", "));
}

// Decides how the module is spoken to, from the route and the module's exports.
Result<std::pair<Kind, std::string>> detect(const Module& module, const RouteConfig& route,
                                            const std::string& file) {
  const ExportType* start = module.find_export("_start");
  bool command = start && start->type.kind == ExternKind::func;
  if (route.kind == Kind::wasi_http || route.kind == Kind::wcgi)
    return refuse(
        file, route.kind_at,
        fmt::format("`kind: {}` is not in this version of sedge", to_string(route.kind)),
        "use a JSON edge function (`kind: edge`) or a pointer function (`kind: pointer`)");
  bool wants_command = route.kind == Kind::edge || route.kind == Kind::serverless;
  if (wants_command || (route.kind == Kind::automatic && route.function.empty() && command)) {
    if (!command)
      return refuse(file, route.kind_at,
                    fmt::format("`kind: {}` needs a command, and {} has no `_start`; it exports {}",
                                to_string(route.kind), route.module, export_list(module)),
                    "build a program with `main` (cargo build --target wasm32-wasip1), or leave "
                    "`kind` out");
    return std::pair(wants_command ? route.kind : Kind::edge, std::string());
  }
  if (!route.function.empty()) {
    if (is_pointer_function(module, route.function))
      return std::pair(Kind::pointer, route.function);
    return refuse(file, route.function_at,
                  fmt::format("{} has no function `{}` of type (ptr, len) -> ptr; it exports {}",
                              route.module, route.function, export_list(module)),
                  "name one of its functions that takes two integers and returns one");
  }
  std::vector<std::string> candidates = pointer_functions(module);
  if (!candidates.empty() &&
      (candidates.size() == 1 || candidates[0] == "handle_request" || candidates[0] == "process"))
    return std::pair(Kind::pointer, candidates[0]);
  if (!candidates.empty())
    return refuse(file, route.module_at,
                  fmt::format("{} has several functions (ptr, len) -> ptr: {}", route.module,
                              fmt::join(candidates, ", ")),
                  "say which with `function: NAME`");
  std::string remedy =
      module.imports().empty()
          ? "it imports nothing, as programs built for wasm32-unknown-unknown do: build it with "
            "cargo build --target wasm32-wasip1"
          : "export `_start` (a program with `main`) or a function (ptr, len) -> ptr such as "
            "`handle_request`";
  return refuse(file, route.module_at,
                fmt::format("{} is no function that can be served; it exports {}", route.module,
                            export_list(module)),
                std::move(remedy));
}

}  // namespace

Result<std::unique_ptr<Function>> load_wasm_function(const Engine& engine, const RouteConfig& route,
                                                     const std::string& file, uint32_t pool_size,
                                                     GuestStderr guest_stderr) {
  auto located = [&](Error error, Position at) {
    error.add_context(fmt::format("{}:{}:{}", file, at.line, at.column));
    return fail(std::move(error));
  };
  if (route.external_engine)
    return refuse(file, route.engine_at, "`engine: external` is not in this version of sedge",
                  "leave `engine` out: the embedded engine runs the module");
  if (is_component(route.module))
    return located(
        Error(ErrorCode::unsupported_file,
              fmt::format(": {} is a component, which this version of sedge cannot run",
                          route.module))
            .with_remedy("build the function as a core module (cargo build --target wasm32-wasip1) "
                         "and name that file"),
        route.module_at);
  Result<Module> module = Module::from_file(engine, route.module);
  if (!module) return located(std::move(module).error(), route.module_at);
  if (route.wasi == WasiVersion::preview2 || route.wasi == WasiVersion::preview3)
    return refuse(
        file, route.wasi_at,
        fmt::format("incompatible WASI version: {} is a core module{}, not a component",
                    route.module, imports_from(*module, kPreview1) ? " of WASI preview1" : ""),
        "write `wasi: preview1`, or leave `wasi` out");
  SEDGE_TRY_ASSIGN(auto detected, detect(*module, route, file));

  Route prepared{
      .module = *module,
      .kind = detected.first,
      .function = std::move(detected.second),
      .label = route.path,
      .pool_size = pool_size,
      .limits = {},
      .timeout = std::chrono::milliseconds(route.timeout_ms),
      .wasi = {},
      .own_linker_each = std::ranges::any_of(module->imports(), [](const ImportType& import) {
        return import.type.kind == ExternKind::memory;
      })};
  if (route.memory_limit_mb) prepared.limits.memory_bytes = uint64_t{*route.memory_limit_mb} << 20;
  prepared.wasi.args = {std::filesystem::path(route.module).filename().string()};
  prepared.wasi.args.insert(prepared.wasi.args.end(), route.args.begin(), route.args.end());
  prepared.wasi.env = route.env;
  prepared.wasi.thread_limits = prepared.limits;
  for (const DirMapping& dir : route.dirs) {
    Result<wasi::Preopen> preopen = wasi::open_preopen(dir.host, dir.guest, dir.read_only);
    if (!preopen) return located(std::move(preopen).error(), route.at);
    prepared.wasi.preopens.push_back(*std::move(preopen));
  }

  std::optional<InstancePre> pre;
  Linker linker(engine);
  if (auto linked = wasi::link(engine, linker, *module); !linked)
    return located(std::move(linked).error(), route.module_at);
  Result<InstancePre> resolved = linker.instantiate_pre(*module);
  if (!resolved)
    return located(std::move(resolved).error().with_context(route.module), route.module_at);
  if (!prepared.own_linker_each) pre = *std::move(resolved);

  auto function = std::make_unique<WasmFunction>(engine, std::move(prepared), std::move(pre),
                                                 std::move(guest_stderr));
  auto warm = function->warm_up();
  if (!warm && warm.error().phase() == Phase::exhaustion)
    warm.error().set_remedy(std::string(kMemoryRemedy));
  if (!warm) return located(std::move(warm).error().with_context(route.module), route.module_at);
  return function;
}

}  // namespace sedge::serve
