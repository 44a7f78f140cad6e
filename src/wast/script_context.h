// The state of a running script: a store with its named instances, and the commands on it. Each
// `thread` of a script has a context of its own; only shared memories cross.
#ifndef SEDGE_WAST_SCRIPT_CONTEXT_H_
#define SEDGE_WAST_SCRIPT_CONTEXT_H_

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sedge/sedge.h>

#include "wasm/text/script.h"
#include "wast/component_script.h"
#include "wast/script_runner.h"

namespace sedge::wast {

class ScriptContext {
 public:
  /// `report` is the context's own; `lock` guards what `options` shares between threads.
  ScriptContext(const Engine& engine, const Options& options, std::mutex& lock,
                ScriptReport& report);
  ~ScriptContext();
  ScriptContext(const ScriptContext&) = delete;
  ScriptContext& operator=(const ScriptContext&) = delete;

  Result<void> prepare();
  void run(std::span<const wasm::Command> commands);

 private:
  struct Thread {
    ScriptReport report;
    std::thread thread;
  };
  /// The shared memories that an instance exports, by export name.
  using SharedExports = std::vector<std::pair<std::string, SharedMemory>>;

  void run(const wasm::Command& command);
  void define(const wasm::Command& command);
  void instantiate(const wasm::Command& command, const Module& module,
                   const std::optional<std::string>& id);
  void new_instance(const wasm::Command& command);
  void register_instance(const wasm::Command& command);
  void assert_return(const wasm::Command& command);
  void assert_error(const wasm::Command& command, Phase phase);
  void assert_module(const wasm::Command& command);
  void define_component(const wasm::Command& command);
  void new_component_instance(const wasm::Command& command);
  void act_on_component(const wasm::Command& command);
  void assert_component(const wasm::Command& command);
  void spawn(const wasm::Command& command);
  void join(const wasm::Command& command);
  void collect(Thread& thread);

  Result<Module> compile(const wasm::ScriptModule& source) const;
  Result<Module> load(const wasm::ScriptModule& source) const;
  Result<std::vector<Val>> perform(const wasm::Action& action);
  Result<Instance> instance(const std::optional<std::string>& id) const;

  void pass() { ++report_.passed; }
  void failed(const wasm::Command& command, std::string expected, std::string actual);
  void failed(const wasm::Command& command, std::string expected, const Error& error);
  /// An error that the script expects: right phase and words, or a row of the table of deviations.
  void judge(const wasm::Command& command, Phase phase, const Error& error);

  Engine engine_;
  const Options& options_;
  std::mutex& lock_;
  ScriptReport& report_;
  ComponentScript components_;
  Store store_;
  Linker linker_;
  std::optional<Module> last_module_;
  std::optional<Instance> last_;
  std::map<std::string, Module> modules_;
  std::map<std::string, Instance> instances_;
  std::map<std::string, SharedExports> shared_;  ///< instances of the parent, in a thread
  std::map<std::string, std::unique_ptr<Thread>> threads_;
};

/// "assert_invalid", as scripts write it.
const char* command_name(wasm::Command::Kind kind);

}  // namespace sedge::wast

#endif  // SEDGE_WAST_SCRIPT_CONTEXT_H_
