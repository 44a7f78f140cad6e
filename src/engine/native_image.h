// Code of an artifact in this process: in memory that was written once and is executable since.
#ifndef SEDGE_ENGINE_NATIVE_IMAGE_H_
#define SEDGE_ENGINE_NATIVE_IMAGE_H_

#include <memory>
#include <mutex>
#include <vector>

#include <sedge/engine.h>

#include "base/mapping.h"
#include "interp/interp.h"
#include "runtime/linear_memory.h"
#include "vm/artifact.h"

namespace sedge {

/// Code of one module; registered (runtime/code_registry.h) while it lives.
class NativeImage final : public vm::CodeRange {
 public:
  /// Takes the code of `image`, which lies at its offset in `memory`. Errors: io.
  static Result<std::unique_ptr<NativeImage>> adopt(Mapping memory, vm::ArtifactImage image,
                                                    const interp::ModuleCode& code);
  /// The same from a copy of the code, which lies at its offset in `file`.
  static Result<std::unique_ptr<NativeImage>> copy(Bytes file, vm::ArtifactImage image,
                                                   const interp::ModuleCode& code);
  ~NativeImage();
  NativeImage(const NativeImage&) = delete;
  NativeImage& operator=(const NativeImage&) = delete;

  /// Makes its functions those of `code`.
  void publish(interp::ModuleCode& code) const;
  /// Whether a defined function (function index space) is in it.
  bool has(uint32_t func) const { return entry(func) != nullptr; }
  /// The entry at a loop header, at the function's start for UINT32_MAX; or null.
  const void* enter(uint32_t func, uint32_t loop) const;
  /// vm::content_hash of the code as it lies here.
  uint64_t code_hash() const { return vm::content_hash({begin, image_.code_size}); }
  /// Function indices.
  std::vector<uint32_t> funcs() const;
  /// The code by function: pieces that belong to one, ascending.
  std::vector<std::pair<uint32_t, std::span<const uint8_t>>> pieces() const;
  size_t places(const uint8_t* pc, vm::CodePlace* out, size_t room) const override;

 private:
  NativeImage() = default;
  const uint8_t* entry(uint32_t func) const;
  const std::vector<vm::ArtifactPlace>& decoded_places() const;
  Mapping memory_;
  vm::ArtifactImage image_;
  uint32_t imported_ = 0;
  mutable std::once_flag decoded_;
  mutable std::vector<vm::ArtifactPlace> places_;  ///< made when first asked for
};

/// What code for a module has to be compiled for, in an engine with this configuration.
vm::ArtifactMode artifact_mode(const wasm::Module& module, const Config& config,
                               const runtime::MemoryPool& memories);

/// The best image for this machine and mode in an artifact; null, and why in `why`, if none fits.
const vm::ArtifactImage* choose_image(const vm::Artifact& artifact, const wasm::Module& module,
                                      const vm::ArtifactMode& mode, std::string& why);

}  // namespace sedge

#endif  // SEDGE_ENGINE_NATIVE_IMAGE_H_
