// The one table of native code of the process: which piece holds an address. Looked up without
// locks, by signal handlers too; pieces come and go with their modules.
#ifndef SEDGE_RUNTIME_CODE_REGISTRY_H_
#define SEDGE_RUNTIME_CODE_REGISTRY_H_

#include "vm/native.h"

namespace sedge::runtime {

/// Adds a piece of code; it overlaps no other and stays until it is removed. The first one installs
/// the signal handler (runtime/fault_handler.h).
void register_code(const vm::CodeRange& range);
/// Removes a piece that no thread runs or looks at any more.
void unregister_code(const vm::CodeRange& range);

/// Looks addresses up while it lives; short-lived: old tables stay while there is one.
class CodeLookup {
 public:
  CodeLookup();
  ~CodeLookup();
  CodeLookup(const CodeLookup&) = delete;
  CodeLookup& operator=(const CodeLookup&) = delete;
  /// The piece that holds `pc`, or null. It stays valid as long as its module does.
  const vm::CodeRange* find(const void* pc) const;

 private:
  const struct CodeTable* table_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_CODE_REGISTRY_H_
