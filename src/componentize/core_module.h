// A core module on its way into a component: its binary without the sections that carry worlds,
// those worlds as one, and what it imports and exports.
#ifndef SEDGE_COMPONENTIZE_CORE_MODULE_H_
#define SEDGE_COMPONENTIZE_CORE_MODULE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "componentize/wit_encode.h"
#include "wasm/module.h"
#include "wit/model.h"

namespace sedge::componentize {

struct CoreModuleFile {
  std::string name;     ///< of an adapter: the module name that it stands for
  wasm::Module module;  ///< as `binary` has it
  /// Fields of imports as the module had them: in a component names must differ, so that a field
  /// that is imported again gets another name.
  std::vector<std::string> import_fields;
  std::vector<uint8_t> binary;
  wit::WorldId world = wit::kNone;  ///< kNone: it carries none
  StringEncoding encoding = StringEncoding::utf8;
  std::map<std::string, const wasm::Export*, std::less<>> exports;

  const wasm::Export* find_export(std::string_view text, ExternKind kind) const {
    auto it = exports.find(text);
    return it != exports.end() && it->second->kind == kind ? it->second : nullptr;
  }
  /// The type of an exported function.
  const FuncType& export_type(const wasm::Export& function) const;
  const FuncType& import_type(const wasm::Import& function) const {
    return module.types[function.type_index].func;
  }
};

/// Decodes a module and joins the worlds that its sections carry into `resolve`. An adapter that
/// has a stack pointer is given a stack. Errors: those of decoding; wit_invalid.
Result<CoreModuleFile> read_core_module(wit::Resolve& resolve, std::string name, Bytes binary,
                                        bool is_adapter);

/// Imports of functions that are reached from the functions `roots`: their positions in
/// `module.imports`. Functions in tables count as reached.
std::set<uint32_t> reachable_imports(const wasm::Module& module,
                                     const std::vector<wasm::FuncIdx>& roots);

/// Adds imports and exports of `from` that `into` does not have.
void join_worlds(wit::Resolve& resolve, wit::WorldId into, wit::WorldId from);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_CORE_MODULE_H_
