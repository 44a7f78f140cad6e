// Parser of scripts; the interface is script.h.
#ifndef SEDGE_WASM_TEXT_SCRIPT_PARSER_H_
#define SEDGE_WASM_TEXT_SCRIPT_PARSER_H_

#include <optional>
#include <string>
#include <vector>

#include "wasm/text/cursor.h"
#include "wasm/text/script.h"

namespace sedge::wasm {

class ScriptParser : private Cursor {
 public:
  explicit ScriptParser(const Tokens& tokens) : Cursor(tokens) {}
  Result<std::vector<Command>> run();

 private:
  // script.cc
  bool at_module_field() const;
  std::optional<std::string> optional_id();
  Result<Command> command(bool in_thread);
  Result<void> thread(Command& out);
  Result<void> module_command(Command& out);
  Result<ScriptModule> module();
  Result<Action> action();
  Result<bool> assertion(Command& out);

  // script_values.cc
  Result<ScriptValue> argument();
  Result<ScriptPattern> result(bool allow_either);
  Result<std::optional<ScriptValue>> component_value();
  Result<ScriptTree> value_tree(uint32_t depth);
  Result<ScriptValue> number(ScriptValue::Kind kind);
  Result<ScriptPattern> float_pattern(unsigned bits);
  Result<ScriptPattern> vector_pattern();
  Result<std::optional<ScriptPattern>> reference_pattern();
  Result<uint64_t> reference_number();
};

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_SCRIPT_PARSER_H_
