// `sedge snapshot`: runs a module's initialiser and writes a module that begins where it ended.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <sedge/sedge.h>
#include <sedge/wasi.h>

#include "base/file.h"
#include "cli/analysis.h"
#include "cli/console.h"
#include "cli/environment.h"
#include "cli/load.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Option kOptions[] = {
    {"--output", 'o', "FILE", "where the module goes; - is standard output"},
    {"--init", 0, "FUNC",
     "the initialiser, a function without parameters (default: `wizer-initialize` or "
     "`wizer.initialize`); `_initialize`, if there, is called before it"},
    {"--dir", 0, "HOST::GUEST[::ro]", "give the initialiser a directory, as for `sedge run`", true},
    {"--env", 0, "NAME[=VALUE]", "set a variable of the initialiser, as for `sedge run`", true},
    {"--features", 'f', "LIST", "features that the module may use, as for `sedge validate`"},
};
constexpr Positional kPositionals[] = {{"FILE", "a module, binary or text; - is standard input"}};

constexpr std::string_view kReactor = "_initialize";

/// The functions to call, in order.
Result<std::vector<std::string_view>> initialisers(const Module& module,
                                                   std::optional<std::string_view> given) {
  auto has = [&module](std::string_view name) {
    const ExportType* found = module.find_export(name);
    return found != nullptr && found->type.kind == ExternKind::func;
  };
  std::vector<std::string_view> out;
  if (has(kReactor)) out.push_back(kReactor);
  if (given) {
    if (!has(*given))
      return fail(Error(ErrorCode::unknown_export, fmt::format(" `{}`", *given))
                      .with_remedy("`sedge inspect` lists what the module exports"));
    if (*given != kReactor) out.push_back(*given);
  } else {
    for (std::string_view name : {"wizer-initialize", "wizer.initialize"}) {
      if (!has(name)) continue;
      out.push_back(name);
      break;
    }
  }
  if (out.empty())
    return fail(Error(ErrorCode::unknown_export, ": the module has no initialiser")
                    .with_remedy("name one with --init FUNC, or export `_initialize` or "
                                 "`wizer-initialize`"));
  for (std::string_view name : out)
    if (!module.find_export(name)->type.func.params.empty())
      return fail(ErrorCode::bad_signature,
                  fmt::format(": the initialiser `{}` takes arguments: {}", name,
                              to_string(module.find_export(name)->type.func)));
  return out;
}

/// Functions that nobody provides fail when they are called: most initialisers call none.
void stand_in(Linker& linker, const Module& module) {
  for (const ImportType& import : module.imports()) {
    if (import.type.kind != ExternKind::func || linker.has(import.module, import.name)) continue;
    linker.func_raw(import.module, import.name, import.type.func,
                    [name = fmt::format("`{}` `{}`", import.module, import.name)](
                        Caller&, uint64_t*) -> Result<void> {
                      return fail(ErrorCode::cannot_snapshot,
                                  fmt::format(": the initialiser called {}, which is the host's "
                                              "and not there while a snapshot is made",
                                              name));
                    });
  }
}

Result<int> run(const Arguments& arguments) {
  auto output = arguments.get("--output");
  if (!output) return fail(ErrorCode::missing_argument, ": -o FILE");
  Config config;
  if (auto list = arguments.get("--features")) {
    SEDGE_TRY_ASSIGN(config.features, Features::parse(*list));
  }
  SEDGE_TRY_ASSIGN(Engine engine, Engine::create(config));
  SEDGE_TRY_ASSIGN(LoadedFile file, load_file(arguments.positional(0)));
  SEDGE_TRY_ASSIGN(Module module, load_module(engine, file));
  SEDGE_TRY_ASSIGN(auto functions, initialisers(module, arguments.get("--init")));

  wasi::Config guest;
  guest.args.emplace_back(arguments.positional(0));
  // Standard output may be where the module goes.
  guest.output = wasi::Nothing{};
  guest.error = wasi::Inherit{};
  for (std::string_view dir : arguments.all("--dir")) {
    SEDGE_TRY_ASSIGN(wasi::Preopen preopen, wasi::parse_preopen(dir));
    guest.preopens.push_back(std::move(preopen));
  }
  SEDGE_TRY_ASSIGN(guest.env, parse_env(arguments.all("--env")));
  SEDGE_TRY_ASSIGN(std::shared_ptr<wasi::Context> context, wasi::Context::create(std::move(guest)));
  Linker linker(engine);
  SEDGE_TRY(wasi::link(engine, linker, module));
  stand_in(linker, module);
  Store store(engine);
  SEDGE_TRY_ASSIGN(Instance instance, wasi::instantiate(engine, store, linker, module, context));
  for (std::string_view name : functions) {
    auto called = instance.get_func(store, name)->call(store, {});
    if (!called) return fail(std::move(called).error().with_context(fmt::format("in {}", name)));
  }
  if (context->holds_descriptors())
    return fail(ErrorCode::cannot_snapshot,
                ": the initialiser left files or sockets open, which only this process has");
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, snapshot(store, instance, functions));
  SEDGE_TRY(Module::from_binary(engine, binary));
  SEDGE_TRY(write_file(std::string(*output),
                       {reinterpret_cast<const char*>(binary.data()), binary.size()}));
  if (std::string_view name = context->reached_outside(); !name.empty())
    print_note(
        fmt::format("the initialiser called {}: what it was given is part of the snapshot, "
                    "the same in every instance",
                    name));
  if (context->wanted_directories())
    print_note(
        "the initialiser looked for directories and was given none: libraries that look only once "
        "will not find those of later runs");
  return 0;
}

}  // namespace

const Verb kSnapshotVerb = {
    "snapshot",
    "write a module that begins initialised",
    "Instantiates the module, calls its initialiser and writes a module whose data segments, "
    "globals and tables hold what that left, and which starts there on any runtime. The "
    "initialiser is no export of it.\n"
    "Refused is what cannot be part of a module: open descriptors, shared or imported memories, "
    "references to objects. Clocks, random numbers, variables and files that the initialiser read "
    "are part of the snapshot as they were: it should read none that must differ.",
    kOptions,
    kPositionals,
    "sedge snapshot reactor.wasm -o ready.wasm              # calls _initialize\n"
    "sedge snapshot app.wasm -o ready.wasm --init load_model --dir ./models::/models::ro",
    run};

}  // namespace sedge::cli
