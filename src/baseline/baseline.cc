#include "baseline/baseline.h"

#include "baseline/common/target.h"
#if SEDGE_HAVE_BASELINE
#include "baseline/common/compiler.h"
#endif

namespace sedge::baseline {

#if SEDGE_HAVE_BASELINE

bool available() { return true; }

Result<FunctionCode> compile(const wasm::Module& module, const wasm::TypeSet& types,
                             uint32_t func_index, const Options& options) {
  return Compiler(module, types, func_index, options).run();
}

#else

bool available() { return false; }

Result<FunctionCode> compile(const wasm::Module&, const wasm::TypeSet&, uint32_t, const Options&) {
  return fail(ErrorCode::limit_exceeded, ": no baseline compiler for this architecture");
}

#endif

}  // namespace sedge::baseline
