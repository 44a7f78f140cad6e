// Executable memory for code that is made at run time: chunks that are mapped twice, writable at
// one address and executable at another, never both at one. Freed with the module.
#ifndef SEDGE_RUNTIME_CODE_MEMORY_H_
#define SEDGE_RUNTIME_CODE_MEMORY_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "vm/native.h"

namespace sedge::runtime {

/// Code of one module's functions, registered (runtime/code_registry.h) while this lives.
/// Thread-safe.
class CodeMemory {
 public:
  /// `module`: what vm::CodeRange::module says. `nameless`: pages that perf's map can name.
  explicit CodeMemory(const void* module, bool nameless = false);
  ~CodeMemory();
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  /// Copies the code of a function to where it can run; `places`: offsets in it and module offsets,
  /// ascending. Null if the system gives no executable memory.
  const uint8_t* add(uint32_t func_index, std::span<const uint8_t> code,
                     std::span<const std::pair<uint32_t, uint64_t>> places);

 private:
  class Chunk;
  const void* module_;
  bool nameless_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_CODE_MEMORY_H_
