// From IR to an object file: the target, the pipelines, and the table of places.
#ifndef SEDGE_LLVM_CODEGEN_H_
#define SEDGE_LLVM_CODEGEN_H_

#include <memory>
#include <vector>

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <sedge/error.h>

#include "llvm/options.h"
#include "wasm/module.h"

namespace sedge::llvmc {

/// Once per process, before anything else.
void initialize();
/// LLVM's own options, which are the process's: before each compilation, because lld sets them
/// back.
void set_options();

/// Level 0 to 3 as in CompileOptions. Errors: compile_failed.
Result<std::unique_ptr<llvm::TargetMachine>> make_machine(vm::ArtifactTarget target,
                                                          unsigned level);

/// An object file of one partition. Its section .sedge.places lists, for each function, the address
/// of its symbol (8 bytes), a count and the partition's number (4 bytes each), then pairs of
/// distance from the symbol and index in `chains` (4 bytes each).
struct ObjectCode {
  llvm::SmallVector<char, 0> bytes;
  std::vector<std::vector<vm::CodePlace>> chains;
};
inline constexpr const char* kPlacesSection = ".sedge.places";

/// A load of a guarded memory traps where the address is beyond the end, whether or not anybody
/// wants its value, and before whatever comes after it. So each is built with a use behind it,
/// which has LLVM neither remove the load, nor move it to where its value is wanted, nor make one
/// of it and the load of another branch. These uses go before vectorisers see the loads, or at the
/// end; then a load that has no other use becomes volatile.
void hold_load(llvm::IRBuilderBase& builder, llvm::LoadInst* load);

/// Column of a tail call's location: what is inlined there has no such caller.
inline constexpr unsigned kTailCallColumn = 1;

/// `exact`: ArtifactMode::exact. Its accesses are volatile, which no vectoriser touches.
void optimize(llvm::Module& module, llvm::TargetMachine& machine, unsigned level, bool exact);
/// Errors: compile_failed.
Result<ObjectCode> emit(llvm::Module& module, llvm::TargetMachine& machine,
                        const wasm::Module& wasm_module, uint32_t partition);

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_CODEGEN_H_
