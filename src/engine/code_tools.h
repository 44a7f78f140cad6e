// What profilers and debuggers are told about native code: perf's map file, perf's jitdump, GDB's
// JIT interface. Nothing of it exists unless Config asks for it.
#ifndef SEDGE_ENGINE_CODE_TOOLS_H_
#define SEDGE_ENGINE_CODE_TOOLS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include <sedge/engine.h>

#include "base/fd.h"

namespace sedge {

/// Native code of one function.
struct CodeSymbol {
  std::string name;  ///< printable
  std::span<const uint8_t> code;

  /// The name as it can stand in a file of lines: no control characters, no more than 256 bytes.
  static std::string printable(std::string_view name);
};

/// Code that GDB knows, until this goes. Thread-safe.
class GdbObject {
 public:
  explicit GdbObject(std::span<const CodeSymbol> symbols);
  ~GdbObject();
  GdbObject(const GdbObject&) = delete;
  GdbObject& operator=(const GdbObject&) = delete;

 private:
  struct Entry;
  std::unique_ptr<Entry> entry_;
};

/// The files of one engine. Thread-safe.
class CodeTools {
 public:
  /// Opens /tmp/perf-PID.map, or jit-PID.dump in the working directory, as Config::profile says.
  /// Error: io, permission_denied, naming the file.
  static Result<std::unique_ptr<CodeTools>> open(const Config& config);
  ~CodeTools();

  /// Tells of new code. The result (null without Config::gdb) lives as long as the code.
  std::unique_ptr<GdbObject> add(std::span<const CodeSymbol> symbols);

 private:
  CodeTools() = default;
  void write(const std::string& record);
  void write_dump(const CodeSymbol& symbol);

  std::mutex mutex_;
  Profile profile_ = Profile::none;
  bool gdb_ = false;
  Fd file_;
  void* mark_ = nullptr;  ///< mapping of the dump that makes perf notice it
  uint64_t count_ = 0;    ///< of records in the dump
};

/// The bytes of an ELF object that has these functions at their addresses, with unwind information
/// for frames that keep a frame pointer.
std::string elf_object(std::span<const CodeSymbol> symbols);

}  // namespace sedge

#endif  // SEDGE_ENGINE_CODE_TOOLS_H_
