// `sedge run` of components: wasi:cli/run of a command, or an exported function with arguments in
// WAVE notation.
#include <algorithm>

#include <fmt/format.h>
#include <sedge/component_async.h>
#include <sedge/wasi_component.h>

#include "base/nearest.h"
#include "cli/console.h"
#include "cli/run_plan.h"
#include "component/instance.h"
#include "component/wave.h"

namespace sedge::cli {
namespace {

/// "name" and "interface#name" of each exported function, in order.
std::vector<std::string> function_paths(const ComponentInstance& instance) {
  std::vector<std::string> out;
  for (const auto& [name, item] : instance.value->exports) {
    if (instance.get_func(name)) out.push_back(name);
    const auto* inner = std::get_if<std::shared_ptr<const component::InstanceValue>>(&item.value);
    if (!inner) continue;
    for (const auto& [function, unused] : (*inner)->exports)
      if (std::string path = fmt::format("{}#{}", name, function); instance.get_func(path))
        out.push_back(std::move(path));
  }
  return out;
}

std::string listing(const ComponentInstance& instance) {
  std::string out;
  for (const std::string& path : function_paths(instance))
    out += fmt::format("\n  {}: {}", path, instance.get_func(path)->type());
  return out;
}

/// By its path, or by the name alone where one interface has such a function.
Result<ComponentFunc> find_function(const ComponentInstance& instance, std::string_view name) {
  if (auto found = instance.get_func(name)) return *found;
  std::vector<std::string> paths = function_paths(instance), matches;
  for (const std::string& path : paths)
    if (path.ends_with(fmt::format("#{}", name))) matches.push_back(path);
  if (matches.size() == 1) return *instance.get_func(matches[0]);
  if (matches.size() > 1)
    return fail(Error(ErrorCode::unknown_export,
                      fmt::format(" `{}`: {} interfaces have it", name, matches.size()))
                    .with_remedy(fmt::format("name one: {}", fmt::join(matches, ", "))));
  std::vector<std::string_view> names(paths.begin(), paths.end());
  std::string functions = listing(instance);
  return fail(ErrorCode::unknown_export,
              fmt::format(" `{}`{}{}", name, did_you_mean(name, names),
                          functions.empty() ? "; no function is exported"
                                            : "; exported functions are:" + functions));
}

/// What is called, and its arguments in WAVE notation.
struct Invocation {
  ComponentFunc function;
  std::string arguments;
};

/// "(a, b)" of words of the command line; a parameter of type string takes its word as it is.
Result<std::string> join_arguments(const ComponentFunc& function,
                                   std::span<const std::string_view> words) {
  const component::Types& types = *function.value->component->validated.types;
  const component::FuncType& type = types.func(function.value->sig).type;
  std::string out = "(";
  for (size_t i = 0; i < words.size(); ++i) {
    if (i) out += ", ";
    bool is_string = i < type.params.size() && type.params[i].type.is_prim() &&
                     type.params[i].type.prim() == component::PrimType::string &&
                     !words[i].starts_with('"');
    if (is_string) {
      ComponentVal text;
      text.kind = ComponentVal::Kind::string;
      text.text = words[i];
      out += to_string(text);
    } else {
      out += words[i];
    }
  }
  return out + ")";
}

Result<Invocation> find_invocation(const ComponentInstance& instance, const Arguments& arguments) {
  std::span<const std::string_view> words(arguments.positionals());
  auto invoke = arguments.get("--invoke");
  if (!invoke && words.size() < 2) {
    std::string functions = listing(instance);
    std::string_view path = arguments.positional(0);
    Error error(ErrorCode::nothing_to_run,
                fmt::format(": {} is no command (it does not export wasi:cli/run){}", path,
                            functions.empty() ? " and has no other function"
                                              : "; its functions are:" + functions));
    if (!functions.empty())
      error.set_remedy(fmt::format("name one: sedge run --invoke 'FUNC(ARGS)' {}", path));
    return fail(std::move(error));
  }
  component::WaveCall call = component::split_wave_call(invoke ? *invoke : words[1]);
  words = words.subspan(invoke ? 1 : 2);
  if (!call.arguments.empty() && !words.empty())
    return fail(ErrorCode::bad_argument,
                fmt::format(": `{}` has its arguments in parentheses already", *invoke));
  Invocation out;
  SEDGE_TRY_ASSIGN(out.function, find_function(instance, call.name));
  out.arguments = call.arguments;
  if (call.arguments.empty()) {
    SEDGE_TRY_ASSIGN(out.arguments, join_arguments(out.function, words));
  }
  return out;
}

Result<int> invoke(Store& store, const ComponentInstance& instance, const Arguments& arguments) {
  if (!arguments.get("--invoke") && wasi::is_command(instance)) return wasi::run(store, instance);
  SEDGE_TRY_ASSIGN(Invocation invocation, find_invocation(instance, arguments));
  SEDGE_TRY_ASSIGN(auto values,
                   component::parse_wave_arguments(invocation.function, invocation.arguments));
  auto end_with = [](Error error) -> Result<int> {
    if (error.code() == ErrorCode::guest_exit) return error.guest_exit_status();
    return fail(std::move(error));
  };
  auto results = invocation.function.call(store, values);
  if (!results) return end_with(std::move(results).error());
  std::string out;
  for (const ComponentVal& value : *results) out += to_string(value) + "\n";
  SEDGE_TRY(print(out));
  // What its tasks still do after it has returned.
  auto rest = ComponentLoop::of(store).finish();
  return rest ? 0 : end_with(std::move(rest).error());
}

/// The file's name, without the way to it, and what follows it, for a command.
std::vector<std::string> guest_arguments(const Arguments& arguments) {
  std::vector<std::string> out = {first_argument(arguments)};
  if (!arguments.get("--invoke"))
    for (std::string_view given : std::span(arguments.positionals()).subspan(1))
      out.emplace_back(given);
  return out;
}

}  // namespace

Result<int> run_component(const Arguments& arguments, Plan plan, const LoadedFile& file) {
  if (!arguments.all("--preload").empty())
    return fail(ErrorCode::bad_argument,
                ": `--preload` gives modules to a module; compose components with each other");
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(plan.engine));
  SEDGE_TRY_ASSIGN(Component component, load_component(engine, file));
  ComponentLinker linker;
  wasi::link(linker);
  // Never destroyed: the process ends with the guest, and wiping its memories for reuse takes time.
  static Store& store = *new Store(engine, plan.limits);
  start_limits(plan, store);
  plan.wasi.args = guest_arguments(arguments);
  if (auto granted = wasi::check_grants(component, plan.wasi); !granted)
    return fail(std::move(granted).error().with_context(file.path));
  SEDGE_TRY_ASSIGN(auto context, wasi::Context::create(std::move(plan.wasi)));
  store.set_data(context);
  auto instance = linker.instantiate(store, component);
  Result<int> status = instance ? invoke(store, *instance, arguments)
                                : Result<int>(fail(std::move(instance).error()));
  if (!status) {
    Error& error = status.error();
    if (error.phase() == Phase::trap)
      if (std::string reason = refusal(store, context.get(), arguments); !reason.empty())
        error.set_remedy(std::move(reason));
    if (error.phase() == Phase::link) error.add_context(file.path);
  } else if (*status != 0) {
    if (std::string reason = refusal(store, context.get(), arguments); !reason.empty())
      print_note(arguments.worded(reason));
  }
  return status;
}

}  // namespace sedge::cli
