// Components in scripts: definitions, instances and assertions about them. An assertion about a
// component's message holds when the message CONTAINS the script's words, as the published scripts
// are written.
#ifndef SEDGE_WAST_COMPONENT_SCRIPT_H_
#define SEDGE_WAST_COMPONENT_SCRIPT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sedge/component.h>

#include "wasm/text/script.h"

namespace sedge::wast {

/// The components of one script, by id.
class ComponentScript {
 public:
  explicit ComponentScript(const Engine& engine) : engine_(engine) {}

  /// Instantiates `component` under `id`, as the latest instance. A script has a store of its own
  /// for each instance, so that a trap in one leaves the others alone; registered ones share
  /// theirs.
  Result<void> instantiate(const std::optional<std::string>& id, const Component& component);
  /// Whether an action on `id` (the latest, if there is none) is one on a component.
  bool has_instance(const std::optional<std::string>& id) const;
  /// Forgets what the latest instance is: a core module follows.
  void forget_last() { last_instance_.reset(); }
  /// Calls an exported function, or reads an exported value. Errors: those of the call;
  /// unknown_export.
  Result<std::vector<ComponentVal>> invoke(const wasm::Action& action);

  /// Compiles the component of a command. Errors: those of Component.
  Result<Component> compile(const wasm::ScriptModule& source) const;
  /// Defines it under the command's id.
  void define(const wasm::ScriptModule& source, const Component& component);
  /// The component with this id; the latest if there is none. Error: host_failure.
  Result<Component> find(const std::optional<std::string>& id) const;

 private:
  struct Live {
    std::shared_ptr<Store> store;
    ComponentInstance instance;
  };
  Engine engine_;
  std::optional<Live> last_instance_;
  std::map<std::string, Live> instances_;
  std::optional<Component> last_;
  std::map<std::string, Component> components_;
};

/// Whether a result is what the script says.
bool matches(const wasm::ScriptPattern& pattern, const ComponentVal& value);

/// Printing and parsing a component again must give the same binary; for one that was not made from
/// text, the second time what the first gave.
Result<void> round_trip(const Component& component, bool from_text);

}  // namespace sedge::wast

#endif  // SEDGE_WAST_COMPONENT_SCRIPT_H_
