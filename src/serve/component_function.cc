// A prepared instance is a store with the component instantiated. A request takes one; an instance
// that may answer more than one (`reuse`) goes back unless its call failed.
#include "serve/component_function.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sedge/component.h>
#include <sedge/component_async.h>
#include <sedge/wasi_component.h>

#include "base/fd.h"
#include "base/file.h"
#include "component/task.h"
#include "component/text/text.h"
#include "serve/guest_call.h"
#include "serve/guest_streams.h"
#include "serve/http_handler.h"
#include "serve/prepared_pool.h"
#include "wasm/module.h"

namespace sedge::serve {
namespace {

struct Prepared {
  std::shared_ptr<GuestStreams> streams;
  Store store;
  ComponentInstance instance;
  std::optional<HttpHandler> handler;
  bool rewinds = false;  // see ComponentPre::rewind
  uint32_t served = 0;
};

struct Loaded {
  Component component;
  Kind kind = Kind::automatic;
  std::string label;
  uint32_t reuse = 1;
  StoreLimits limits;
  std::chrono::milliseconds timeout{};
  wasi::Config wasi;
};

class ComponentFunction final : public Function {
 public:
  ComponentFunction(Engine engine, Loaded loaded, uint32_t pool_size, GuestStderr guest_stderr)
      : engine_(std::move(engine)),
        loaded_(std::move(loaded)),
        guest_stderr_(std::move(guest_stderr)),
        pool_(pool_size) {}

  Kind kind() const override { return loaded_.kind; }
  bool parks() const override { return true; }
  void start(FunctionInput input, Deadline deadline, Turns& turns, Done done) override;
  void handle(const net::Request& request, ResponseSink sink, Deadline deadline, Turns& turns,
              Ended ended) override;
  bool prepare() override;
  void interrupt_all() override { pool_.interrupt_all(); }
  PoolFigures figures() const override;
  /// Makes the first instance, which tells whether and as what the component runs. Errors: also
  /// those of `route`, which is of `file`.
  Result<void> warm_up(const RouteConfig& route, const std::string& file);

 private:
  using Pool = PreparedPool<Prepared>;

  /// `rewinds`: if it can be, so that it can be made as new, which costs a copy of its memory.
  Result<std::unique_ptr<Prepared>> create(Deadline deadline, bool rewinds);
  /// Makes an instance that has been used as new; false if it cannot be used again.
  bool renew(Prepared& used);
  /// Told when what was started has returned: the exit status of a command, 0 of a handler.
  using Returned = std::function<void(Result<int>)>;
  using Begin = std::function<Result<void>(Prepared&, Returned)>;
  /// Runs with an instance, which then goes where it belongs, what `begin` starts in it.
  void run(Deadline deadline, Turns& turns, const Begin& begin, Done done);
  void end(Pool::Lease lease, Result<int> status, Done& done);
  void give_back(Pool::Lease lease, bool good);

  const Engine engine_;
  // Constant once warm_up is done.
  Loaded loaded_;
  std::optional<ComponentPre> pre_;
  const GuestStderr guest_stderr_;
  Pool pool_;
};

Result<std::unique_ptr<Prepared>> ComponentFunction::create(Deadline deadline, bool rewinds) {
  auto streams = std::make_shared<GuestStreams>();
  SEDGE_TRY_ASSIGN(auto context, streams->make_context(loaded_.wasi, {}));
  auto prepared = std::make_unique<Prepared>(
      Prepared{std::move(streams), Store(engine_, loaded_.limits), {}, std::nullopt});
  prepared->store.set_deadline(deadline);
  prepared->store.set_data(std::move(context));
  SEDGE_TRY_ASSIGN(prepared->instance, pre_->instantiate(prepared->store));
  prepared->handler = HttpHandler::of(prepared->instance);
  if (rewinds) prepared->rewinds = pre_->mark(prepared->store);
  return prepared;
}

bool ComponentFunction::renew(Prepared& used) {
  if (!used.rewinds || !ComponentPre::rewind(used.store)) return false;
  auto streams = std::make_shared<GuestStreams>();
  auto context = streams->make_context(loaded_.wasi, {});
  if (!context) return false;
  used.store.set_data(*std::move(context));
  used.streams = std::move(streams);
  used.served = 0;
  return true;
}

Result<void> ComponentFunction::warm_up(const RouteConfig& route, const std::string& file) {
  ComponentLinker linker;
  wasi::link(linker);
  SEDGE_TRY_ASSIGN(pre_, linker.instantiate_pre(loaded_.component));
  // The first request is not kept waiting for what serves the later ones.
  SEDGE_TRY_ASSIGN(auto first, create(deadline_to_prepare(loaded_.timeout), false));
  bool http = first->handler.has_value();
  bool command = wasi::is_command(first->instance);
  bool wants_command = route.kind == Kind::edge || route.kind == Kind::serverless;
  if (route.kind == Kind::pointer || route.kind == Kind::wcgi)
    return fail(config_error(file, route.kind_at,
                             fmt::format("`kind: {}` needs a core module, and {} is a component",
                                         to_string(route.kind), route.module),
                             "leave `kind` out"));
  if ((route.kind == Kind::wasi_http && !http) || (wants_command && !command) ||
      (!http && !command))
    return fail(config_error(
        file, route.kind == Kind::automatic ? route.module_at : route.kind_at,
        fmt::format("{} exports no {}; it exports {}", route.module,
                    wants_command ? "wasi:cli/run"
                    : route.kind == Kind::wasi_http
                        ? HttpHandler::kNames
                        : fmt::format("wasi:cli/run, {}", HttpHandler::kNames),
                    fmt::join(first->instance.exports(), ", ")),
        "build a component for wasi:http/service or proxy, or a command for wasi:cli/command"));
  if (wants_command)
    loaded_.kind = route.kind;
  else
    loaded_.kind = http ? Kind::wasi_http : route.command_kind;
  if (loaded_.kind == Kind::wasi_http && route.triggered())
    return fail(config_error(file, route.at,
                             "a component with wasi:http answers requests, and has no place for "
                             "other events",
                             "let a command answer `schedule` and `events`"));
  pool_.add_first(std::move(first));
  return {};
}

bool ComponentFunction::prepare() {
  return pool_.prepare([this] { return create(deadline_to_prepare(loaded_.timeout), true); },
                       [this](Prepared& used) { return renew(used); });
}

void ComponentFunction::give_back(Pool::Lease lease, bool good) {
  if (!lease->streams->error.empty() && guest_stderr_)
    guest_stderr_(loaded_.label, lease->streams->error);
  ++lease->served;
  bool again = good && loaded_.kind == Kind::wasi_http && lease->served < loaded_.reuse;
  if (again) *lease->streams = {};
  lease.end(again);
}

void ComponentFunction::run(Deadline deadline, Turns& turns, const Begin& begin, Done done) {
  struct Call {
    Pool::Lease lease;
    Done done;
    std::optional<Result<int>> status;
  };
  auto lease =
      pool_.use(pool_.take_ready(), [&] { return create(deadline, pool_.capacity() > 0); });
  if (!lease) return done(fail(std::move(lease).error()));
  auto owned = std::make_unique<Call>(*std::move(lease), std::move(done));
  Call& call = *owned;
  Store& store = call.lease->store;
  store.set_deadline(deadline);
  Result<void> begun =
      begin(*call.lease, [&call](Result<int> status) { call.status = std::move(status); });
  if (!begun) call.status = fail(std::move(begun).error());
  GuestCall::run(
      store, turns,
      [&call, &store] {
        // Content that a task which has failed, or a store that has stopped, owes will not come.
        if (!call.status)
          if (auto lost = component::Scheduler::of(store).take_lost())
            call.status = fail(*std::move(lost));
        return call.status.has_value() || store.should_stop();
      },
      [this, owned = std::move(owned)] {
        end(std::move(owned->lease), std::move(owned->status).value_or(0), owned->done);
      });
}

void ComponentFunction::end(Pool::Lease lease, Result<int> status, Done& done) {
  // What its tasks ended with, after it had returned.
  auto rest = ComponentLoop::of(lease->store).finish();
  if (status && !rest) status = fail(std::move(rest).error());
  Result<std::string> output = std::string();
  if (loaded_.kind != Kind::wasi_http)
    output = output_of(*lease->streams, std::move(status));
  else if (!status)
    output = fail(std::move(status).error());
  if (!output) output = fail(explain_guest_error(lease->store, std::move(output).error()));
  give_back(std::move(lease), output.has_value());
  done(std::move(output));
}

void ComponentFunction::start(FunctionInput input, Deadline deadline, Turns& turns, Done done) {
  auto begin = [&](Prepared& prepared, Returned returned) {
    prepared.streams->input = std::move(input.data);
    return wasi::start(prepared.store, prepared.instance, std::move(returned));
  };
  run(deadline, turns, begin, std::move(done));
}

void ComponentFunction::handle(const net::Request& request, ResponseSink sink, Deadline deadline,
                               Turns& turns, Ended ended) {
  auto begin = [&](Prepared& prepared, Returned returned) {
    return prepared.handler->start(prepared.store, request, std::move(sink),
                                   [returned = std::move(returned)](auto done) {
                                     if (done) return returned(0);
                                     returned(fail(std::move(done).error()));
                                   });
  };
  run(deadline, turns, begin, [ended = std::move(ended)](Result<std::string> output) mutable {
    ended(output ? Result<void>() : fail(std::move(output).error()));
  });
}

PoolFigures ComponentFunction::figures() const {
  PoolFigures figures = pool_.figures();
  if (loaded_.limits.memory_bytes != UINT64_MAX)
    figures.memory_limit_bytes = loaded_.limits.memory_bytes;
  return figures;
}

bool is_binary(std::string_view text) { return text.starts_with(std::string_view("\0asm", 4)); }

Result<Component> load(const Engine& engine, const std::string& path) {
  SEDGE_TRY_ASSIGN(FileContent content, read_file(path, wasm::kMaxModuleSize));
  auto component = is_binary(content.text())
                       ? Component::from_binary(engine, content.bytes, content.owner)
                       : Component::from_text(engine, content.text());
  if (!component) return fail(std::move(component).error().with_context(path));
  return component;
}

}  // namespace

bool is_component_file(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char preamble[8] = {};
  if (!file || ::read(file.get(), preamble, sizeof(preamble)) < 0) return false;
  // A component has the preamble's layer 1 where a core module has 0.
  if (is_binary({preamble, sizeof(preamble)})) return preamble[6] == 1;
  auto content = read_file(path, wasm::kMaxModuleSize);
  return content && component::is_component_text(content->text());
}

Result<std::unique_ptr<Function>> load_component_function(const Engine& engine,
                                                          const RouteConfig& route,
                                                          const std::string& file,
                                                          uint32_t pool_size,
                                                          GuestStderr guest_stderr) {
  auto located = [&](Error error, Position at) {
    error.add_context(fmt::format("{}:{}:{}", file, at.line, at.column));
    return fail(std::move(error));
  };
  Result<Component> component = load(engine, route.module);
  if (!component) return located(std::move(component).error(), route.module_at);
  if (route.wasi == WasiVersion::preview1)
    return fail(
        config_error(file, route.wasi_at,
                     fmt::format("incompatible WASI version: {} is a component, not a core module",
                                 route.module),
                     "write `wasi: preview2`, or leave `wasi` out"));
  Result<std::shared_ptr<wasi::Network>> network = wasi::make_network(route.network);
  if (!network) return located(std::move(network).error(), route.at);

  Loaded loaded{.component = *std::move(component)};
  loaded.label = route.label();
  loaded.reuse = route.reuse;
  loaded.timeout = std::chrono::milliseconds(route.timeout_ms);
  if (route.memory_limit_mb) loaded.limits.memory_bytes = uint64_t{*route.memory_limit_mb} << 20;
  loaded.wasi.args = {std::filesystem::path(route.module).filename().string()};
  loaded.wasi.args.insert(loaded.wasi.args.end(), route.args.begin(), route.args.end());
  loaded.wasi.env = route.env;
  loaded.wasi.reach = *std::move(network);
  loaded.wasi.variables = route.variables;
  if (route.keyvalue) {
    auto store = wasi::open_keyvalue(*route.keyvalue);
    if (!store) return located(std::move(store).error(), route.keyvalue_at);
    loaded.wasi.keyvalue = *std::move(store);
    if (auto filled = wasi::fill_keyvalue(*loaded.wasi.keyvalue, route.keyvalue_data); !filled)
      return located(std::move(filled).error(), route.at);
  }
  if (auto granted = wasi::check_grants(loaded.component, loaded.wasi); !granted) {
    granted.error().add_context(route.module);
    granted.error().set_remedy(
        "write `keyvalue: FILE` (on the command line --keyvalue FILE), or `keyvalue: memory`");
    return located(std::move(granted).error(), route.module_at);
  }
  for (const wasi::Preopen& dir : route.dirs) {
    Result<wasi::Preopen> preopen = wasi::open_preopen(dir.host, dir.guest, dir.readonly);
    if (!preopen) return located(std::move(preopen).error(), route.at);
    loaded.wasi.preopens.push_back(*std::move(preopen));
  }
  auto function = std::make_unique<ComponentFunction>(engine, std::move(loaded), pool_size,
                                                      std::move(guest_stderr));
  auto warm = function->warm_up(route, file);
  if (!warm && warm.error().code() == ErrorCode::config_syntax)
    return fail(std::move(warm).error());
  if (!warm && warm.error().phase() == Phase::exhaustion) warm.error().set_remedy(kMemoryRemedy);
  if (!warm) return located(std::move(warm).error().with_context(route.module), route.module_at);
  return function;
}

}  // namespace sedge::serve
