// Loading and calling. A prepared instance is a store whose module has been instantiated, but not
// begun; its standard streams are buffers that are filled when a call takes it.
#include "serve/wasm_function.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sedge/linker.h>
#include <sedge/module.h>
#include <sedge/snapshot.h>
#include <sedge/store.h>
#include <sedge/wasi.h>

#include "engine/pointer_function.h"
#include "serve/guest_streams.h"
#include "serve/prepared_pool.h"

namespace sedge::serve {
namespace {

constexpr std::string_view kPreview1 = "wasi_snapshot_preview1";
constexpr std::string_view kInitialize = "_initialize";

struct Prepared {
  std::shared_ptr<GuestStreams> streams;
  Store store;
  Instance instance;
};

struct Route {
  Module module;
  Kind kind;
  std::string function;  // pointer functions
  std::string label;
  StoreLimits limits;
  std::chrono::milliseconds timeout;
  wasi::Config wasi;
  bool own_linker_each;  // a shared memory must not be shared between instances
  bool snapshot;         // the initialiser may run once for all instances
};

class WasmFunction final : public BlockingFunction {
 public:
  WasmFunction(Engine engine, Route route, std::optional<InstancePre> pre, uint32_t pool_size,
               GuestStderr guest_stderr)
      : engine_(std::move(engine)),
        route_(std::move(route)),
        pre_(std::move(pre)),
        guest_stderr_(std::move(guest_stderr)),
        pool_(pool_size) {}

  Kind kind() const override { return route_.kind; }
  Result<std::string> invoke(FunctionInput input, Deadline deadline) override;
  bool prepare() override;
  void interrupt_all() override { pool_.interrupt_all(); }
  PoolFigures figures() const override;
  /// Makes the first instance, which tells whether the module runs at all.
  Result<void> warm_up();

 private:
  Result<std::unique_ptr<Prepared>> create(Deadline deadline, const GuestEnvironment& extra = {});
  /// Makes what `first` is after its initialiser the beginning of all instances; false if it cannot
  /// be.
  bool begin_from(Prepared& first);
  Result<std::string> run(Prepared& prepared, std::string input);
  Error explain(const Prepared& prepared, Error error) const;

  const Engine engine_;
  // Constant once warm_up is done.
  Route route_;
  std::optional<InstancePre> pre_;
  bool from_snapshot_ = false;
  const GuestStderr guest_stderr_;
  PreparedPool<Prepared> pool_;
};

Result<std::unique_ptr<Prepared>> WasmFunction::create(Deadline deadline,
                                                       const GuestEnvironment& extra) {
  auto streams = std::make_shared<GuestStreams>();
  SEDGE_TRY_ASSIGN(std::shared_ptr<wasi::Context> context,
                   streams->make_context(route_.wasi, extra));
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
    if (auto initialize = prepared->instance.get_func(store, kInitialize))
      SEDGE_TRY(initialize->call(store, {}));
  }
  return prepared;
}

Result<void> WasmFunction::warm_up() {
  SEDGE_TRY_ASSIGN(std::unique_ptr<Prepared> first, create(deadline_to_prepare(route_.timeout)));
  if (begin_from(*first)) {
    SEDGE_TRY_ASSIGN(first, create(deadline_to_prepare(route_.timeout)));
  }
  pool_.add_first(std::move(first));
  return {};
}

bool WasmFunction::begin_from(Prepared& first) {
  const ExportType* initialize = route_.module.find_export(kInitialize);
  if (route_.kind != Kind::pointer || initialize == nullptr || !route_.snapshot || !pre_)
    return false;
  // What came from outside may have to differ from one instance to the next.
  const auto* context = first.store.data<wasi::Context>();
  if (!context->reached_outside().empty() || context->holds_descriptors()) return false;
  Result<std::vector<uint8_t>> binary =
      snapshot(first.store, first.instance, std::span(&kInitialize, 1));
  if (!binary) return false;
  Result<Module> module = Module::from_binary(engine_, *binary);
  if (!module) return false;
  module->set_name(route_.module.name());
  Linker linker(engine_);
  if (!wasi::link(engine_, linker, *module)) return false;
  Result<InstancePre> pre = linker.instantiate_pre(*module);
  if (!pre) return false;
  route_.module = *std::move(module);
  pre_ = *std::move(pre);
  from_snapshot_ = true;
  return true;
}

bool WasmFunction::prepare() {
  return pool_.prepare([this] { return create(deadline_to_prepare(route_.timeout)); });
}

Result<std::string> WasmFunction::invoke(FunctionInput input, Deadline deadline) {
  // A guest with threads is bound to its context when it is made: its variables must be known then.
  const bool fresh = !input.env.empty() && route_.own_linker_each;
  std::unique_ptr<Prepared> ready = fresh ? nullptr : pool_.take_ready();
  const bool as_configured = ready && !input.env.empty();
  SEDGE_TRY_ASSIGN(PreparedPool<Prepared>::Lease lease,
                   pool_.use(std::move(ready), [&] { return create(deadline, input.env); }));
  if (as_configured) {
    SEDGE_TRY_ASSIGN(auto context, lease->streams->make_context(route_.wasi, input.env));
    lease->store.set_data(std::move(context));
  }
  lease->store.set_deadline(deadline);
  Result<std::string> output = run(*lease, std::move(input.data));
  if (!lease->streams->error.empty() && guest_stderr_)
    guest_stderr_(route_.label, lease->streams->error);
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
  Result<std::string> output =
      output_of(*prepared.streams, wasi::run(prepared.store, prepared.instance));
  if (!output) return fail(explain(prepared, std::move(output).error()));
  return output;
}

Error WasmFunction::explain(const Prepared& prepared, Error error) const {
  error = explain_guest_error(prepared.store, std::move(error));
  if (error.phase() == Phase::trap && route_.module.imports().empty())
    error.set_remedy(
        "the module imports nothing, as programs built for wasm32-unknown-unknown do: clocks, "
        "files "
        "and random numbers trap there; build it with cargo build --target wasm32-wasip1");
  return error;
}

PoolFigures WasmFunction::figures() const {
  PoolFigures figures = pool_.figures();
  if (route_.limits.memory_bytes != UINT64_MAX)
    figures.memory_limit_bytes = route_.limits.memory_bytes;
  figures.snapshot = from_snapshot_;
  return figures;
}

// ---- Loading
// --------------------------------------------------------------------------------------

std::unexpected<Error> refuse(const std::string& file, Position at, std::string message,
                              std::string remedy) {
  return fail(config_error(file, at, std::move(message), std::move(remedy)));
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
  if (route.kind == Kind::wasi_http)
    return refuse(file, route.kind_at,
                  fmt::format("`kind: {}` needs a component, and {} is a core module",
                              to_string(route.kind), route.module),
                  "build a component for wasi:http/proxy, or leave `kind` out");
  bool wants_command =
      route.kind == Kind::edge || route.kind == Kind::serverless || route.kind == Kind::wcgi;
  if (wants_command || (route.kind == Kind::automatic && route.function.empty() && command)) {
    if (!command)
      return refuse(file, route.kind_at,
                    fmt::format("`kind: {}` needs a command, and {} has no `_start`; it exports {}",
                                to_string(route.kind), route.module, export_list(module)),
                    "build a program with `main` (cargo build --target wasm32-wasip1), or leave "
                    "`kind` out");
    return std::pair(wants_command ? route.kind : route.command_kind, std::string());
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

Result<std::unique_ptr<BlockingFunction>> load_wasm_function(const Engine& engine,
                                                             const RouteConfig& route,
                                                             const std::string& file,
                                                             uint32_t pool_size,
                                                             GuestStderr guest_stderr) {
  auto located = [&](Error error, Position at) {
    error.add_context(fmt::format("{}:{}:{}", file, at.line, at.column));
    return fail(std::move(error));
  };
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
      .label = route.label(),
      .limits = {},
      .timeout = std::chrono::milliseconds(route.timeout_ms),
      .wasi = {},
      .own_linker_each = std::ranges::any_of(
          module->imports(),
          [](const ImportType& import) { return import.type.kind == ExternKind::memory; }),
      .snapshot = route.snapshot};
  if (route.memory_limit_mb) prepared.limits.memory_bytes = uint64_t{*route.memory_limit_mb} << 20;
  prepared.wasi.args = {std::filesystem::path(route.module).filename().string()};
  prepared.wasi.args.insert(prepared.wasi.args.end(), route.args.begin(), route.args.end());
  prepared.wasi.env = route.env;
  prepared.wasi.thread_limits = prepared.limits;
  for (const wasi::Preopen& dir : route.dirs) {
    Result<wasi::Preopen> preopen = wasi::open_preopen(dir.host, dir.guest, dir.readonly);
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
                                                 pool_size, std::move(guest_stderr));
  auto warm = function->warm_up();
  if (!warm && warm.error().phase() == Phase::exhaustion) warm.error().set_remedy(kMemoryRemedy);
  if (!warm) return located(std::move(warm).error().with_context(route.module), route.module_at);
  return function;
}

}  // namespace sedge::serve
