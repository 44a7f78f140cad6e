// What a compilation by the LLVM tier is asked for.
#ifndef SEDGE_LLVM_OPTIONS_H_
#define SEDGE_LLVM_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vm/artifact.h"

namespace sedge::llvmc {

/// A loop that is to be entered from another tier: function index and ordinal of the `loop`
/// operator in its body.
struct LoopEntry {
  uint32_t func = 0;
  uint32_t loop = 0;
  auto operator<=>(const LoopEntry&) const = default;
};

struct CompileOptions {
  vm::ArtifactTarget target;        ///< architecture and processor
  vm::ArtifactMode mode;            ///< what is compiled into the code
  unsigned level = 3;               ///< 1: short pipeline, 2: the full one (tier-up), 3: all of it
  unsigned threads = 0;             ///< 0: as many as there are processors
  size_t partition_size = 100'000;  ///< bytes of bodies that are optimised together
  size_t big_function = 60'000;     ///< bytes of a body from which on it is compiled at level 1
  size_t huge_function = 400'000;   ///< … and without optimisation
  /// Bytes of a body from which on it goes on in the variant for a loop that it comes to, if there
  /// is one, instead of having that loop, and most of itself, twice.
  size_t share_loops = 4'000;
  std::vector<uint32_t> funcs;  ///< function indices to compile; empty: all
  std::vector<LoopEntry> loops;
  bool all_loops = false;  ///< all of the functions that are compiled, in place of `loops`
};

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_OPTIONS_H_
