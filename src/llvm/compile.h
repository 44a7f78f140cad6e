// A whole module, compiled: partitions on all processors, linked to one image.
#ifndef SEDGE_LLVM_COMPILE_H_
#define SEDGE_LLVM_COMPILE_H_

#include <functional>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "llvm/options.h"
#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge::llvmc {

struct Compiled {
  vm::ArtifactImage image;
  std::vector<uint32_t> left_out;  ///< functions that keep to the lower tiers
};

/// `progress(done, total)` is called, by any thread, as bytes of bodies are compiled; may be empty.
using Progress = std::function<void(size_t done, size_t total)>;

/// Compiles a valid module. Errors: compile_failed, io.
Result<Compiled> compile(const wasm::Module& module, const wasm::TypeSet& types,
                         const CompileOptions& options, const Progress& progress = {});

struct CompiledFile {
  Bytes original;   ///< without native code; borrowed
  Bytes code_part;  ///< vm::CodeCache::code_part; borrowed
  vm::Artifact artifact;
  std::vector<uint32_t> left_out;  ///< as Compiled has it
};
/// Decodes and validates `original` and compiles it. Errors: those of decoding and validation,
/// compile_failed, io.
Result<CompiledFile> compile_file(Bytes original, const CompileOptions& options,
                                  const Progress& progress = {});

/// The optimised IR of a module, for people. Errors: as compile_file.
Result<std::string> print_ir(Bytes original, const CompileOptions& options);

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_COMPILE_H_
