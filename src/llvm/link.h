// Objects to one flat image that needs no relocation.
#ifndef SEDGE_LLVM_LINK_H_
#define SEDGE_LLVM_LINK_H_

#include <map>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "llvm/codegen.h"

namespace sedge::llvmc {

struct Linked {
  std::vector<uint8_t> code;
  std::map<std::string, uint32_t> symbols;  ///< offsets of functions
  std::vector<vm::ArtifactPlace> places;    ///< ascending
};
/// Links; proves that nothing is left undefined or to relocate. One at a time in a process. Errors:
/// compile_failed, io.
Result<Linked> link(const std::vector<ObjectCode>& objects);

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_LINK_H_
