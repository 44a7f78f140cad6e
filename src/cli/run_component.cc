// `sedge run` of components: wasi:cli/run of a command, or an exported function with arguments in
// WAVE notation.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <sedge/component_async.h>
#include <sedge/wasi_component.h>

#include "base/nearest.h"
#include "cli/console.h"
#include "cli/run_plan.h"
#include "component/instance.h"
#include "component/wave.h"
#include "wasi/os/linger.h"

namespace sedge::cli {
namespace {

/// "name" and "interface#name" of each export that `is` takes, in order.
std::vector<std::string> paths_of(const ComponentInstance& instance,
                                  bool (*is)(const ComponentInstance&, std::string_view path)) {
  std::vector<std::string> out;
  for (const auto& [name, item] : instance.value->exports) {
    if (is(instance, name)) out.push_back(name);
    const auto* inner = std::get_if<std::shared_ptr<const component::InstanceValue>>(&item.value);
    if (!inner) continue;
    for (const auto& [part, unused] : (*inner)->exports)
      if (std::string path = fmt::format("{}#{}", name, part); is(instance, path))
        out.push_back(std::move(path));
  }
  return out;
}

std::vector<std::string> function_paths(const ComponentInstance& instance) {
  return paths_of(instance, [](const ComponentInstance& of, std::string_view path) {
    return of.get_func(path).has_value();
  });
}

std::string listing(const ComponentInstance& instance) {
  std::string out;
  for (const std::string& path : function_paths(instance))
    out += fmt::format("\n  {}: {}", path, instance.get_func(path)->type());
  for (const std::string& path :
       paths_of(instance, [](const ComponentInstance& of, std::string_view at) {
         return of.value_type(at).has_value();
       }))
    out += fmt::format("\n  {}: value {}", path, *instance.value_type(path));
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

/// Whether a word of the command line stands for itself: text without quotes.
bool is_plain_text(component::ValType type, std::string_view word) {
  return type.is_prim() && type.prim() == component::PrimType::string && !word.starts_with('"');
}

ComponentVal text_value(std::string_view text) {
  ComponentVal out;
  out.kind = ComponentVal::Kind::string;
  out.text = text;
  return out;
}

/// The values of `--value NAME=VALUE`, by the types of the imports; `INTERFACE#NAME` is one of an
/// imported instance.
Result<void> give_values(const Component& component, const Arguments& arguments,
                         ComponentLinker& linker) {
  const component::Types& types = *component.validated().types;
  const uint32_t sig = component.validated().components.at(&component.syntax()).sig;
  for (std::string_view word : arguments.all("--value")) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos)
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `--value {}` has no value", word))
                      .with_remedy("--value NAME=VALUE, in WAVE notation"));
    const std::string_view path = word.substr(0, equals), text = word.substr(equals + 1);
    const size_t hash = path.find('#');
    const component::Entity* wanted = types.component(sig).imports.find(path.substr(0, hash));
    if (wanted && hash != std::string_view::npos)
      wanted = wanted->kind == component::ExternType::Kind::instance
                   ? types.instance(wanted->id).exports.find(path.substr(hash + 1))
                   : nullptr;
    if (!wanted || wanted->kind != component::ExternType::Kind::value)
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `--value {}`: the component imports no such value", word));
    auto value = is_plain_text(wanted->value, text)
                     ? Result<ComponentVal>(text_value(text))
                     : component::parse_wave(types, wanted->value, text);
    if (!value) return fail(std::move(value).error().with_context(fmt::format("--value {}", word)));
    if (hash == std::string_view::npos)
      linker.value(path, *std::move(value));
    else
      linker.value(path.substr(0, hash), path.substr(hash + 1), *std::move(value));
  }
  return {};
}

/// "(a, b)" of words of the command line; a parameter of type string takes its word as it is.
Result<std::string> join_arguments(const ComponentFunc& function,
                                   std::span<const std::string_view> words) {
  const component::Types& types = *function.value->component->validated.types;
  const component::FuncType& type = types.func(function.value->sig).type;
  std::string out = "(";
  for (size_t i = 0; i < words.size(); ++i) {
    if (i) out += ", ";
    if (i < type.params.size() && is_plain_text(type.params[i].type, words[i]))
      out += to_string(text_value(words[i]));
    else
      out += words[i];
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
    if (!function_paths(instance).empty())
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
  // A value is there already: it is shown.
  if (auto name = arguments.get("--invoke"); name && instance.value_type(*name)) {
    SEDGE_TRY_ASSIGN(ComponentVal value, instance.get_value(*name));
    SEDGE_TRY(print(to_string(value) + "\n"));
    return 0;
  }
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
/// How long a peer may take for what a guest had sent when it ended.
constexpr std::chrono::seconds kLingering{10};

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
  if (auto given = give_values(component, arguments, linker); !given)
    return fail(std::move(given).error().with_context(file.path));
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
  wasi::os::finish_lingering(kLingering);
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
