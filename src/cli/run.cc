// `sedge run` of modules: a command's `_start`, a function of a reactor or library with typed
// arguments, or a pointer function with standard input. Components: run_component.cc.
#include <algorithm>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <sedge/sedge.h>
#include <sedge/wasi.h>

#include "base/file.h"
#include "base/nearest.h"
#include "cli/analysis.h"
#include "cli/console.h"
#include "cli/grants.h"
#include "cli/load.h"
#include "cli/network_options.h"
#include "cli/pod.h"
#include "cli/preload.h"
#include "cli/run_plan.h"
#include "cli/service_options.h"
#include "cli/tier_option.h"
#include "cli/values.h"
#include "cli/verbs.h"
#include "engine/pointer_function.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--invoke", 0, "FUNC",
     "call this exported function; what follows FILE are its arguments. Of a component also "
     "'FUNC(1.5, \"x\")', in WAVE notation"},
    {"--dir", 0, "HOST::GUEST[::ro]",
     "give the guest a directory; PATH alone has the same name on both sides", true},
    {"--env", 0, "NAME[=VALUE]", "set a variable of the guest; without a value: inherit it", true},
    {"--argv0", 0, "NAME", "the guest's first argument (default: FILE's last part)"},
    {"--instantiate", 0, "",
     "where there is no function to call: only make an instance, which runs its start function"},
    {"--network", 0, "", "let the guest open sockets to anywhere and resolve names"},
    kNetOption,
    kHttpAllowOption,
    kGrantOption,
    kConfigOption,
    kConfigFileOption,
    kKeyValueOption,
    {"--fuel", 0, "N", "end the guest after N units of fuel, counted alike on every machine"},
    {"--timeout", 0, "TIME", "end the guest after this wall-clock time, such as 500ms or 5s"},
    {"--max-memory", 0, "SIZE", "let all memories together grow to this at most, such as 64MiB"},
    {"--max-stack", 0, "SIZE", "stack for calls, from 64KiB to 1GiB (default: 1MiB)"},
    {"--features", 'f', "LIST",
     "features that modules may use: wasm1, wasm2, wasm3 or all, then +NAME or -NAME, with commas"},
    {"--wasi", 0, "auto|preview1|preview2|preview3",
     "refuse a file of another WASI version (default: auto, which takes any)"},
    {"--preload", 0, "NAME=FILE", "instantiate FILE first: what the module imports from NAME",
     true},
    kTierOption,
    kTierThresholdOption,
    kAllowPrecompiledOption,
    kProfileOption,
    kGdbOption,
    kCacheDirOption,
    kNoCacheOption,
    kTierVerboseOption,
};

constexpr Positional kPositionals[] = {
    {"FILE", "a module or a component, binary or text; - is standard input"},
    {"ARGS", "for a command its arguments; for a reactor a function's name and its arguments",
     Positional::Count::rest},
};

constexpr uint64_t kMaxInput = 256 << 20;  // of a pointer function

/// Which function is called, and how.
struct Entry {
  enum class Kind : uint8_t { command, typed, pointer, start };  // start: the instance is all
  Kind kind = Kind::command;
  std::string name = "_start";
  size_t first_argument = 1;  ///< in the positionals
};

std::string listing(const Module& module) {
  std::string out;
  for (const std::string& line : callable_functions(module.syntax())) out += "\n  " + line;
  return out;
}

Error unknown_function(const Module& module, std::string_view name) {
  std::vector<std::string_view> names;
  for (const ExportType& item : module.exports())
    if (item.type.kind == ExternKind::func) names.push_back(item.name);
  const ExportType* other = module.find_export(name);
  std::string what =
      other ? fmt::format(" `{}`: it is a {}, not a function", name, to_string(other->type.kind))
            : fmt::format(" `{}`{}", name, did_you_mean(name, names));
  std::string functions = listing(module);
  if (functions.empty())
    return Error(ErrorCode::unknown_export, what + "; no function is exported");
  return Error(ErrorCode::unknown_export, what + "; exported functions are:" + functions);
}

/// Whether somebody has put something on standard input: a pipe, or a file that is not empty; not a
/// terminal and not /dev/null.
bool has_input() {
  struct stat info{};
  if (::fstat(STDIN_FILENO, &info) != 0) return false;
  return S_ISREG(info.st_mode) ? info.st_size > 0
                               : S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
}

Result<Entry> without_function(const Module& module, std::string_view path) {
  std::vector<std::string> candidates = pointer_functions(module);
  if (candidates.size() == 1 && has_input()) return Entry{Entry::Kind::pointer, candidates[0]};
  if (module.syntax().start) return Entry{Entry::Kind::start, ""};
  Target target = target_of(module.syntax());
  if (target == Target::unknown_unknown && candidates.empty())
    return fail(ErrorCode::wrong_target,
                fmt::format(": {} was built for wasm32-unknown-unknown: it exports no `_start` and "
                            "imports no WASI, so it has no input and no output",
                            path));
  std::string functions = listing(module);
  if (functions.empty())
    return fail(ErrorCode::nothing_to_run,
                fmt::format(": {} exports no `_start` and no other function", path));
  return fail(
      Error(ErrorCode::nothing_to_run,
            fmt::format(": {} is no command (it exports no `_start`); its functions are:{}", path,
                        functions))
          .with_remedy(candidates.size() == 1
                           ? fmt::format("`{0}` answers what it gets on standard input: echo "
                                         "'{{…}}' | sedge run {1} {0}",
                                         candidates[0], path)
                           : fmt::format("name one: sedge run {} FUNC ARGS", path)));
}

Result<Entry> find_entry(const Module& module, const Arguments& arguments) {
  auto invoke = arguments.get("--invoke");
  if (!invoke && find_func_export(module.syntax(), "_start")) return Entry{};
  if (!invoke && arguments.positionals().size() < 2) {
    Result<Entry> entry = without_function(module, arguments.positional(0));
    if (entry || entry.error().code() != ErrorCode::nothing_to_run ||
        !arguments.has("--instantiate"))
      return entry;
    print_note(arguments.worded(entry.error().message()));
    return Entry{Entry::Kind::start, ""};
  }
  Entry entry;
  entry.name = std::string(invoke ? *invoke : arguments.positional(1));
  entry.first_argument = invoke ? 1 : 2;
  if (!find_func_export(module.syntax(), entry.name))
    return fail(unknown_function(module, entry.name));
  bool no_arguments = arguments.positionals().size() == entry.first_argument;
  bool from_stdin =
      no_arguments && is_pointer_function(module, entry.name) && !::isatty(STDIN_FILENO);
  entry.kind = from_stdin ? Entry::Kind::pointer : Entry::Kind::typed;
  return entry;
}

/// "parameter 1 `count` of `f`": with the name section's name where there is one.
std::string parameter_name(const Module& module, std::string_view function, size_t index) {
  std::string out = fmt::format("parameter {}", index + 1);
  const wasm::Export* item = find_func_export(module.syntax(), function);
  const auto& locals = module.syntax().names.locals;
  if (auto names = locals.find(item->index); names != locals.end()) {
    auto name = names->second.find(static_cast<uint32_t>(index));
    if (name != names->second.end()) out += fmt::format(" `{}`", name->second);
  }
  return out + fmt::format(" of `{}`", function);
}

Result<void> call_typed(Store& store, const Instance& instance, const Module& module,
                        const Entry& entry, std::span<const std::string_view> given) {
  std::optional<Func> func = instance.get_func(store, entry.name);
  if (!func) return fail(unknown_function(module, entry.name));
  FuncType type = func->type(store);
  if (given.size() != type.params.size())
    return fail(ErrorCode::bad_argument,
                fmt::format(": `{}` takes {} argument{}, {} given; it is {}", entry.name,
                            type.params.size(), type.params.size() == 1 ? "" : "s", given.size(),
                            signature(type)));
  std::vector<Val> args;
  for (size_t i = 0; i < given.size(); ++i) {
    SEDGE_TRY_ASSIGN(Val arg, parse_value(store, type.params[i], given[i],
                                          parameter_name(module, entry.name, i)));
    args.push_back(std::move(arg));
  }
  auto results = func->call(store, args);
  if (!results) return wasi::finish(store, fail(std::move(results).error()));
  SEDGE_TRY(wasi::finish(store, {}));
  std::string out;
  for (const Val& value : *results) out += format_value(store, value) + "\n";
  return print(out);
}

Result<void> call_pointer(Store& store, const Instance& instance, const Entry& entry) {
  SEDGE_TRY_ASSIGN(FileContent input, read_file("-", kMaxInput));
  auto answer = call_pointer_function(store, instance, entry.name, input.text());
  if (!answer) return wasi::finish(store, fail(std::move(answer).error()));
  SEDGE_TRY(wasi::finish(store, {}));
  return print(*answer + "\n");
}

void explain(Error& error, const Store& store, const wasi::Context* context, const Module& module,
             const Arguments& arguments) {
  if (error.phase() != Phase::trap) return;
  if (std::string reason = refusal(store, context, arguments); !reason.empty()) {
    error.set_remedy(std::move(reason));
  } else if (target_of(module.syntax()) == Target::unknown_unknown) {
    error.set_remedy(
        "the module was built for wasm32-unknown-unknown, where clocks, files and random numbers "
        "trap; build it for WASI: cargo build --target wasm32-wasip1 --release");
  }
}

Result<int> call(Store& store, const Instance& instance, const Module& module, const Entry& entry,
                 const Arguments& arguments) {
  if (entry.kind == Entry::Kind::command) return wasi::run(store, instance, entry.name);
  if (auto initialize = instance.get_func(store, "_initialize")) {
    if (auto done = initialize->call(store, {}); !done) {
      SEDGE_TRY(wasi::finish(store, fail(std::move(done).error())));
    }
  }
  if (entry.kind == Entry::Kind::start) return 0;
  if (entry.kind == Entry::Kind::pointer) {
    SEDGE_TRY(call_pointer(store, instance, entry));
  } else {
    std::span<const std::string_view> given(arguments.positionals());
    SEDGE_TRY(call_typed(store, instance, module, entry, given.subspan(entry.first_argument)));
  }
  return 0;
}

/// Whether the module may start threads, by a name that it then must contain.
bool may_spawn_threads(const LoadedFile& file) {
  constexpr std::string_view kName = "thread-spawn";
  return file.content.text().find(kName) != std::string_view::npos;
}

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(Plan plan, make_plan(arguments));
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(arguments.positional(0)));
  SEDGE_TRY(check_wasi_version(arguments.get("--wasi").value_or("auto"), file));
  if (is_component(file)) return run_component(arguments, std::move(plan), file);
  std::shared_ptr<OutputRecord> record;
  if (in_pod_without_input()) {
    record = OutputRecord::create();
    plan.wasi.output = OutputRecord::output_of(record);
  }
  if (may_spawn_threads(file)) plan.engine.interruptible = true;
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(plan.engine));
  SEDGE_TRY_ASSIGN(Module module, load_module(engine, file));
  for (const std::string& note : module.notes()) print_note(note);
  SEDGE_TRY_ASSIGN(Entry entry, find_entry(module, arguments));
  if (record && entry.kind == Entry::Kind::pointer) return serve_in_pod(arguments, entry.name);
  SEDGE_TRY_ASSIGN(auto preloads, load_preloads(engine, arguments.all("--preload")));

  Linker linker(engine);
  // Never destroyed: the process ends with the guest, and wiping its memories for reuse takes time.
  static Store& store = *new Store(engine, plan.limits);
  start_limits(plan, store);
  std::shared_ptr<wasi::Context> context;
  bool wanted = wasi::wants_wasi(module);
  for (const Preload& preload : preloads) wanted |= wasi::wants_wasi(preload.module);
  if (wanted) {
    plan.wasi.args.push_back(first_argument(arguments));
    if (entry.kind == Entry::Kind::command)
      for (std::string_view argument : arguments.positionals().size() > 1
                                           ? std::span(arguments.positionals()).subspan(1)
                                           : std::span<const std::string_view>())
        plan.wasi.args.emplace_back(argument);
    SEDGE_TRY(wasi::link(engine, linker, module));
    for (const Preload& preload : preloads) SEDGE_TRY(wasi::link(engine, linker, preload.module));
    SEDGE_TRY_ASSIGN(context, wasi::Context::create(std::move(plan.wasi)));
    store.set_data(context);
  }
  SEDGE_TRY(link_preloads(store, linker, preloads));
  Result<Instance> instance = context ? wasi::instantiate(engine, store, linker, module, context)
                                      : linker.instantiate(store, module);
  Result<int> status = instance ? call(store, *instance, module, entry, arguments)
                                : Result<int>(fail(std::move(instance).error()));
  if (!status) {
    explain(status.error(), store, context.get(), module, arguments);
    if (status.error().phase() == Phase::link) status.error().add_context(file.path);
  } else if (*status != 0) {
    if (std::string reason = refusal(store, context.get(), arguments); !reason.empty())
      print_note(arguments.worded(reason));
  } else if (record && record->is_edge_response() && arguments.positionals().size() == 1) {
    return serve_in_pod(arguments, {});
  }
  return status;
}

}  // namespace

const Verb kRunVerb = {
    "run",
    "run a module or a component",
    "A command's `_start` is called and its exit status becomes that of sedge. Of any other module "
    "an exported function is called: with typed arguments, one result per line; or, for a function "
    "(ptr, len) -> ptr without arguments, with standard input, and the JSON that it returns is "
    "printed.\n"
    "Of a component, wasi:cli/run is called, or with --invoke any exported function; results are "
    "printed in WAVE notation.\n"
    "The guest reaches nothing but what the options give it.",
    kOptions,
    kPositionals,
    "sedge run app.wasm one two\n"
    "sedge run --dir ./data::/data --env MODE=test --timeout 5s app.wasm\n"
    "sedge run math.wasm add 1 2\n"
    "sedge run --invoke 'add(1, 2)' math.component.wasm\n"
    "echo '{\"path\":\"/\"}' | sedge run service.wasm handle_request",
    run};

}  // namespace sedge::cli
