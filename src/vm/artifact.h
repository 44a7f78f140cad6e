// Artifacts: a valid .wasm, the original, whose last custom section carries native code of the LLVM
// tier. Written by sedgec, mapped by the engine.
//
//   section "sedge.native"
//     directory: header, one row per image, tables (little-endian; checksummed)
//     zero padding, so that each image starts at a multiple of kArtifactAlign in the file
//     images: position-independent code and constants, to be mapped read-execute as they are
//
// There is room for several modules (a component's) and, for each, several images (processors,
// modes).
#ifndef SEDGE_VM_ARTIFACT_H_
#define SEDGE_VM_ARTIFACT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "base/reader.h"
#include "vm/native.h"

namespace sedge::vm {

inline constexpr uint64_t kArtifactAlign = 65536;
inline constexpr const char* kArtifactSection = "sedge.native";

enum class ArtifactArch : uint8_t { x86_64 = 1, aarch64 = 2, riscv64 = 3 };

/// What an image runs on. Levels are those of the psABI for x86-64 (2 and 3), 1 elsewhere.
struct ArtifactTarget {
  ArtifactArch arch = ArtifactArch::x86_64;
  uint8_t level = 2;
  bool operator==(const ArtifactTarget&) const = default;
  /// LLVM's name of the processor: "x86-64-v3", "generic".
  const char* cpu() const;
  /// As options and messages name it: "x86-64-v3", "aarch64-linux".
  std::string name() const;
  /// Whether a fault in its code can become a trap. On riscv64 it cannot: code keeps to the C
  /// convention there, and a frame that is left from outside would not give registers back.
  bool has_guard_pages() const { return arch != ArtifactArch::riscv64; }
};
/// Those of this architecture, best first.
std::vector<ArtifactTarget> own_targets();
/// The target of a name; nothing for an unknown one.
std::optional<ArtifactTarget> find_target(std::string_view name);
/// All names, for messages: "a, b or c".
std::string target_names();
/// What this machine can run at most.
ArtifactTarget host_target();
/// Whether code for `target` runs on this machine.
bool runs_here(ArtifactTarget target);

/// What was compiled into the code. An image fits an engine when all of it is the same.
struct ArtifactMode {
  bool fuel = false;           ///< counts fuel (interp::CodeOptions)
  bool interruptible = false;  ///< polls
  bool exact = true;           ///< state after a trap is what the specification says
  bool guarded = true;         ///< 32-bit memories are in guarded reservations (MemoryStyle)
  bool operator==(const ArtifactMode&) const = default;
  std::string name() const;
  /// As files have it.
  uint8_t bits() const;
  /// Nothing for bits that no mode has.
  static std::optional<ArtifactMode> from_bits(uint8_t bits);
};

struct ArtifactEntry {
  uint32_t offset = 0;       ///< in the code; 0: the function is left out
  uint32_t frame_cells = 0;  ///< ModuleCode::publish
};

struct ArtifactLoop {
  uint32_t func = 0;    ///< function index
  uint32_t loop = 0;    ///< ordinal in its body
  uint32_t offset = 0;  ///< of the entry in the image
};

/// Where code from `offset` on comes from, until the next place: innermost first; nothing for code
/// that stands for no instruction.
struct ArtifactPlace {
  uint32_t offset = 0;
  std::vector<CodePlace> frames;
};

/// Native code of one module for one target and mode.
struct ArtifactImage {
  uint32_t module = 0;  ///< in a component; 0 for a core module
  ArtifactTarget target;
  ArtifactMode mode;
  uint8_t level = 0;                   ///< of optimisation
  std::vector<ArtifactEntry> entries;  ///< by defined function
  std::vector<ArtifactLoop> loops;     ///< ascending
  std::vector<uint8_t> places;         ///< see encode_places
  // Read: where the code lies. Written: the code itself.
  uint64_t code_offset = 0;  ///< in the file
  uint64_t code_size = 0;
  uint64_t code_hash = 0;
  std::vector<uint8_t> code;
};

struct Artifact {
  uint64_t layout = 0;         ///< layout_hash() of the compiler
  uint64_t original_size = 0;  ///< bytes of the file before the section
  uint64_t original_hash = 0;
  std::vector<ArtifactImage> images;
};

/// Hash of everything that compiled code takes for granted about this build: layout.h, native.h,
/// builtin.def, version; and of the sources of the compiler.
uint64_t layout_hash();
/// Hash of contents, against accidents, not against attackers.
uint64_t content_hash(Bytes bytes);

/// Whether `file` is a wasm binary with a section of native code; looks at section headers only.
bool has_artifact(Bytes file);
/// Reads and checks the directory of a file that has one. Every number is checked against the file;
/// code is not looked at (check_code). Errors: bad_artifact.
Result<Artifact> read_artifact(Bytes file);
/// Whether the code of `image` is as it was written.
bool check_code(Bytes file, const ArtifactImage& image);
/// `original` with the section behind it. `original` must be a wasm binary without one.
std::vector<uint8_t> write_artifact(Bytes original, const Artifact& artifact);
/// The same with an empty module in the original's place: for who has the original.
std::vector<uint8_t> write_code_only(const Artifact& artifact);
/// The file without its section of native code.
Bytes without_artifact(Bytes file);

std::vector<uint8_t> encode_places(const std::vector<ArtifactPlace>& places);
/// Errors: bad_artifact.
Result<std::vector<ArtifactPlace>> decode_places(Bytes bytes);

}  // namespace sedge::vm

#endif  // SEDGE_VM_ARTIFACT_H_
