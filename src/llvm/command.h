// What sedgec is asked to do, by arguments or through a pipe.
#ifndef SEDGE_LLVM_COMMAND_H_
#define SEDGE_LLVM_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "llvm/compile.h"

namespace sedge::llvmc {

struct Command {
  CompileOptions options;
  std::string input, output;
  std::string cache;  ///< folder of vm::CodeCache; empty: none
  uint64_t cache_bytes = uint64_t{1} << 30;
  uint64_t whole_after = 0, ran_after = 0;  ///< see serve
  uint32_t begin_after_ms = 0;              ///< see serve
  bool code_only = false;                   ///< an empty module in the original's place
  // Of the process.
  uint64_t max_memory_mib = 0, max_time_s = 0, max_wall_s = 0;  ///< 0: no limit
  bool background = false, dies_with_parent = false;
  bool serve = false, emit_ir = false, verbose = false;
};
/// Errors: usage.
Result<Command> parse_command(const std::vector<std::string>& arguments);

struct CommandResult {
  std::vector<uint8_t> bytes;
  std::string report;  ///< which functions were left out; may be empty
};
/// Compiles `module`. Errors: those of compile_file.
Result<CommandResult> run_command(const Command& command, Bytes module);

/// Answers requests from descriptor `in` until it ends or none comes for two seconds; gives an exit
/// code. Numbers are little-endian. Request: u32 size of the arguments, the arguments, each ended
/// by a zero byte; u64 size of the module, the module. Answer: u32 exit code, u32 size of the
/// report, u64 size of the rest, the report, the artifact or the message. It begins after
/// Command::begin_after_ms, or when `in` ends. When it has answered and
/// `in` has ended, or after ten seconds, it goes on for the cache: with the whole module, if that
/// has at most Command::whole_after bytes of bodies and the cache has it not; of a larger one with
/// what was asked for and, up to Command::ran_after bytes, what vm::RanFuncs at descriptor 4 says.
/// Descriptor 3, which has the claim to the entry, is closed meanwhile.
int serve(int in, int out);

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_COMMAND_H_
