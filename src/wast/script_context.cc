// The commands of scripts, one function each; see script_context.h.
#include "wast/script_context.h"

#include <fmt/format.h>

#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/validate/validate.h"
#include "wast/spectest.h"
#include "wast/values.h"

namespace sedge::wast {

using wasm::Command;
using Kind = Command::Kind;

const char* command_name(Kind kind) {
  switch (kind) {
    case Kind::module:
      return "module";
    case Kind::instance:
      return "module instance";
    case Kind::register_:
      return "register";
    case Kind::action:
      return "action";
    case Kind::assert_return:
      return "assert_return";
    case Kind::assert_trap:
    case Kind::assert_trap_module:
      return "assert_trap";
    case Kind::assert_exhaustion:
      return "assert_exhaustion";
    case Kind::assert_exception:
      return "assert_exception";
    case Kind::assert_malformed:
      return "assert_malformed";
    case Kind::assert_invalid:
      return "assert_invalid";
    case Kind::assert_unlinkable:
      return "assert_unlinkable";
    case Kind::assert_malformed_custom:
      return "assert_malformed_custom";
    case Kind::assert_invalid_custom:
      return "assert_invalid_custom";
    case Kind::thread:
      return "thread";
    case Kind::wait:
      return "wait";
  }
  return "";
}

namespace {

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::malformed:
      return "malformed";
    case Phase::invalid:
      return "invalid";
    case Phase::unsupported:
      return "unsupported";
    case Phase::link:
      return "unlinkable";
    case Phase::trap:
      return "trap";
    case Phase::exhaustion:
      return "exhaustion";
    case Phase::exception:
      return "exception";
    default:
      return "error";
  }
}

/// The binary of the module that `syntax` prints as.
Result<std::vector<uint8_t>> print_and_parse(const wasm::Module& syntax) {
  auto binary = wasm::assemble(wasm::print_module(syntax));
  if (!binary) return fail(std::move(binary.error()).with_context("printed module"));
  return binary;
}

/// Prints and parses a module again, which must give the same binary. One that was not made from
/// text may be encoded at greater length than need be: then the second time must give what the
/// first did.
Result<void> round_trip(const wasm::Module& syntax, bool from_text) {
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> once, print_and_parse(syntax));
  std::vector<uint8_t> expected = wasm::encode(syntax);
  std::vector<uint8_t> got = once;
  if (!from_text) {
    auto shared = std::make_shared<const std::vector<uint8_t>>(std::move(once));
    SEDGE_TRY_ASSIGN(wasm::Module again, wasm::decode(shared));
    expected = *shared;
    SEDGE_TRY_ASSIGN(got, print_and_parse(again));
  }
  if (got != expected)
    return fail(ErrorCode::host_failure, ": the printed module encodes to another binary");
  return {};
}

}  // namespace

ScriptContext::ScriptContext(const Engine& engine, const Options& options, std::mutex& lock,
                             ScriptReport& report)
    : engine_(engine),
      options_(options),
      lock_(lock),
      report_(report),
      components_(engine),
      store_(engine),
      linker_(engine) {}

ScriptContext::~ScriptContext() {
  for (auto& [name, thread] : threads_) collect(*thread);
}

Result<void> ScriptContext::prepare() {
  return define_spectest(linker_, store_, engine_, options_.features, options_.print);
}

void ScriptContext::run(std::span<const Command> commands) {
  for (const Command& command : commands) run(command);
}

void ScriptContext::run(const Command& command) {
  bool acts = command.kind == Kind::action || command.kind == Kind::assert_return ||
              command.kind == Kind::assert_trap || command.kind == Kind::assert_exhaustion;
  if (acts && components_.has_instance(command.action.module)) return act_on_component(command);
  switch (command.kind) {
    case Kind::module:
      return command.module.component ? define_component(command) : define(command);
    case Kind::instance:
      return command.component ? new_component_instance(command) : new_instance(command);
    case Kind::register_:
      return register_instance(command);
    case Kind::action:
      if (auto done = perform(command.action); !done) return failed(command, {}, done.error());
      return pass();
    case Kind::assert_return:
      return assert_return(command);
    case Kind::assert_trap:
    case Kind::assert_trap_module:
      return assert_error(command, Phase::trap);
    case Kind::assert_exhaustion:
      return assert_error(command, Phase::exhaustion);
    case Kind::assert_exception:
      return assert_error(command, Phase::exception);
    case Kind::assert_unlinkable:
      return assert_error(command, Phase::link);
    case Kind::assert_malformed:
    case Kind::assert_invalid:
    case Kind::assert_malformed_custom:
    case Kind::assert_invalid_custom:
      return command.module.component ? assert_component(command) : assert_module(command);
    case Kind::thread:
      return spawn(command);
    case Kind::wait:
      return join(command);
  }
}

// Outcomes
// -----------------------------------------------------------------------------------------

void ScriptContext::failed(const Command& command, std::string expected, std::string actual) {
  report_.failures.push_back(
      {command.line, command_name(command.kind), std::move(expected), std::move(actual)});
}

void ScriptContext::failed(const Command& command, std::string expected, const Error& error) {
  failed(command, std::move(expected),
         fmt::format("{}: {}", phase_name(error.phase()), error.render()));
}

void ScriptContext::judge(const Command& command, Phase phase, const Error& error) {
  std::string message = error.message();
  if (command.module.component) {
    // Which of the two a component is, malformed or invalid, the published scripts do not settle.
    bool refused = error.phase() == Phase::malformed || error.phase() == Phase::invalid ||
                   error.phase() == Phase::unsupported;
    bool wanted =
        phase == Phase::malformed || phase == Phase::invalid ? refused : error.phase() == phase;
    if (wanted && message.contains(command.name)) return pass();
  } else if (error.phase() == phase && message.starts_with(command.name)) {
    return pass();
  }
  if (options_.deviations) {
    std::lock_guard guard(lock_);
    if (options_.deviations->allows(report_.name, command.line, command.name, message)) {
      ++report_.deviated;
      return pass();
    }
  }
  failed(command, command.name, error);
}

// Modules
// ------------------------------------------------------------------------------------------

Result<Module> ScriptContext::compile(const wasm::ScriptModule& source) const {
  auto module = load(source);
  // A module that did not get the code that was asked for.
  if (module && !module->notes().empty())
    return fail(ErrorCode::compile_failed, ": " + module->notes().front());
  return module;
}

Result<Module> ScriptContext::load(const wasm::ScriptModule& source) const {
  if (source.form == wasm::ScriptModule::Form::binary)
    return Module::from_binary(engine_, source.bytes);
  auto module = Module::from_text(engine_, source.text);
  if (!module && module.error().location().kind == Location::Kind::line) {
    Location place = module.error().location();
    // The text of a quoted module is not a slice of the script, so its columns stay its own.
    bool slice = source.form == wasm::ScriptModule::Form::text && place.line == 1;
    uint32_t column = slice ? place.column + source.column - 1 : place.column;
    module.error().set_location(Location::at(place.line + source.line - 1, column));
  }
  return module;
}

void ScriptContext::define(const Command& command) {
  auto module = compile(command.module);
  if (!module) {
    if (!command.module.definition) last_.reset();
    return failed(command, "a valid module", module.error());
  }
  if (options_.round_trip) {
    bool from_text = command.module.form != wasm::ScriptModule::Form::binary;
    if (auto same = round_trip(module->syntax(), from_text); !same)
      failed(command, "a module that prints and parses", same.error());
  }
  last_module_ = *module;
  if (command.module.id) modules_.insert_or_assign(*command.module.id, *module);
  if (command.module.definition) return pass();
  instantiate(command, *module, command.module.id);
}

void ScriptContext::instantiate(const Command& command, const Module& module,
                                const std::optional<std::string>& id) {
  last_.reset();
  components_.forget_last();
  auto made = linker_.instantiate(store_, module);
  if (!made) return failed(command, "an instance", made.error());
  last_ = *made;
  if (id) instances_.insert_or_assign(*id, *made);
  pass();
}

void ScriptContext::new_instance(const Command& command) {
  std::optional<Module> module = last_module_;
  if (command.id2) {
    auto found = modules_.find(*command.id2);
    if (found == modules_.end()) return failed(command, {}, "no module " + *command.id2);
    module = found->second;
  }
  if (!module) return failed(command, {}, "no module was defined");
  instantiate(command, *module, command.id);
}

void ScriptContext::register_instance(const Command& command) {
  if (command.id) {
    if (auto shared = shared_.find(*command.id); shared != shared_.end()) {
      for (const auto& [name, memory] : shared->second) linker_.define(command.name, name, memory);
      return pass();
    }
  }
  auto found = instance(command.id);
  if (!found) return failed(command, {}, found.error());
  linker_.instance(store_, command.name, *found);
  pass();
}

void ScriptContext::assert_module(const Command& command) {
  bool malformed =
      command.kind == Kind::assert_malformed || command.kind == Kind::assert_malformed_custom;
  Phase phase = malformed ? Phase::malformed : Phase::invalid;
  auto module = compile(command.module);
  if (!module) return judge(command, phase, module.error());
  // Custom sections do not make a module invalid, so they are asked about separately.
  if (command.kind == Kind::assert_invalid_custom) {
    auto checked = wasm::validate_branch_hints(module->syntax());
    if (!checked) return judge(command, phase, checked.error());
  }
  failed(command, command.name, "a valid module");
}

void ScriptContext::define_component(const Command& command) {
  auto component = components_.compile(command.module);
  if (!component) return failed(command, "a valid component", component.error());
  if (options_.round_trip) {
    bool from_text = command.module.form != wasm::ScriptModule::Form::binary;
    if (auto same = round_trip(*component, from_text); !same)
      return failed(command, "a component that prints and parses", same.error());
  }
  components_.define(command.module, *component);
  if (command.module.definition) return pass();
  last_.reset();
  if (auto made = components_.instantiate(command.module.id, *component); !made)
    return failed(command, "an instance", made.error());
  pass();
}

void ScriptContext::new_component_instance(const Command& command) {
  auto component = components_.find(command.id2);
  if (!component) return failed(command, {}, component.error());
  last_.reset();
  if (auto made = components_.instantiate(command.id, *component); !made)
    return failed(command, "an instance", made.error());
  pass();
}

void ScriptContext::act_on_component(const Command& command) {
  auto results = components_.invoke(command.action);
  Phase phase = command.kind == Kind::assert_exhaustion ? Phase::exhaustion : Phase::trap;
  if (command.kind == Kind::action || command.kind == Kind::assert_return) {
    if (!results) return failed(command, describe(command.results), results.error());
    if (command.kind == Kind::action) return pass();
    bool same = results->size() == command.results.size();
    for (size_t i = 0; same && i < results->size(); ++i)
      same = matches(command.results[i], (*results)[i]);
    if (same) return pass();
    std::string actual;
    for (const ComponentVal& value : *results) actual += to_string(value);
    return failed(command, describe(command.results), actual);
  }
  if (results) return failed(command, command.name, "no trap");
  if (results.error().phase() == phase && results.error().message().contains(command.name))
    return pass();
  judge(command, phase, results.error());
}

void ScriptContext::assert_component(const Command& command) {
  bool malformed = command.kind == Kind::assert_malformed;
  auto component = components_.compile(command.module);
  if (!component)
    return judge(command, malformed ? Phase::malformed : Phase::invalid, component.error());
  failed(command, command.name, "a valid component");
}

// Actions
// ------------------------------------------------------------------------------------------

Result<Instance> ScriptContext::instance(const std::optional<std::string>& id) const {
  if (!id) {
    if (last_) return *last_;
    return fail(ErrorCode::host_failure, ": there is no instance");
  }
  auto found = instances_.find(*id);
  if (found == instances_.end()) return fail(ErrorCode::host_failure, ": no instance " + *id);
  return found->second;
}

Result<std::vector<Val>> ScriptContext::perform(const wasm::Action& action) {
  SEDGE_TRY_ASSIGN(Instance target, instance(action.module));
  if (action.kind == wasm::Action::Kind::get) {
    auto global = target.get_global(store_, action.field);
    if (!global) return fail(ErrorCode::unknown_export, fmt::format(" \"{}\"", action.field));
    return std::vector<Val>{global->get(store_)};
  }
  auto func = target.get_func(store_, action.field);
  if (!func) return fail(ErrorCode::unknown_export, fmt::format(" \"{}\"", action.field));
  std::vector<Val> args;
  for (const wasm::ScriptValue& arg : action.args) {
    SEDGE_TRY_ASSIGN(Val value, to_val(store_, arg));
    args.push_back(std::move(value));
  }
  return func->call(store_, args);
}

void ScriptContext::assert_return(const Command& command) {
  auto results = perform(command.action);
  if (!results) return failed(command, describe(command.results), results.error());
  bool same = results->size() == command.results.size();
  for (size_t i = 0; same && i < results->size(); ++i)
    same = matches(store_, command.results[i], (*results)[i]);
  if (same) return pass();
  failed(command, describe(command.results), describe(store_, *results));
}

void ScriptContext::assert_error(const Command& command, Phase phase) {
  if (command.kind != Kind::assert_unlinkable && command.kind != Kind::assert_trap_module) {
    auto results = perform(command.action);
    if (!results) return judge(command, phase, results.error());
    return failed(command, command.name, describe(store_, *results));
  }
  if (command.module.component) {
    auto component = components_.compile(command.module);
    if (!component) return failed(command, command.name, component.error());
    auto made = ComponentScript(engine_).instantiate({}, *component);
    if (!made) return judge(command, phase, made.error());
    return failed(command, command.name, "an instance");
  }
  auto module = compile(command.module);
  if (!module) return failed(command, command.name, module.error());
  auto made = linker_.instantiate(store_, *module);
  if (!made) return judge(command, phase, made.error());
  failed(command, command.name, "an instance");
}

// Threads
// ------------------------------------------------------------------------------------------

void ScriptContext::spawn(const Command& command) {
  std::map<std::string, SharedExports> shared;
  for (const std::string& id : command.shared) {
    auto found = instance(id);
    if (!found) return failed(command, {}, found.error());
    SharedExports& exports = shared[id];
    for (const ExportType& item : found->module(store_).exports()) {
      if (item.type.kind != ExternKind::memory) continue;
      auto memory = found->get_memory(store_, item.name);
      if (!memory) continue;
      if (auto of_engine = SharedMemory::from(store_, *memory))
        exports.emplace_back(item.name, *of_engine);
    }
  }
  auto thread = std::make_unique<Thread>();
  thread->report.name = report_.name;
  Thread* own = thread.get();
  own->thread = std::thread([this, own, &command, shared = std::move(shared)]() mutable {
    ScriptContext context(engine_, options_, lock_, own->report);
    context.shared_ = std::move(shared);
    if (auto ready = context.prepare(); !ready) return context.failed(command, {}, ready.error());
    context.run(command.commands);
  });
  std::string name = command.id.value_or("");
  if (auto old = threads_.find(name); old != threads_.end()) collect(*old->second);
  threads_[name] = std::move(thread);
  pass();
}

void ScriptContext::collect(Thread& thread) {
  if (thread.thread.joinable()) thread.thread.join();
  report_.passed += thread.report.passed;
  report_.deviated += thread.report.deviated;
  for (Failure& failure : thread.report.failures) report_.failures.push_back(std::move(failure));
  thread.report = {};
}

void ScriptContext::join(const Command& command) {
  auto found = threads_.find(command.id.value_or(""));
  if (found == threads_.end()) return failed(command, {}, "no thread " + command.id.value_or(""));
  collect(*found->second);
  threads_.erase(found);
  pass();
}

}  // namespace sedge::wast
