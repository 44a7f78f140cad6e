// Choice, entries and places of native images.
#include "engine/native_image.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "runtime/code_registry.h"

namespace sedge {

Result<std::unique_ptr<NativeImage>> NativeImage::adopt(Mapping memory, vm::ArtifactImage image,
                                                        const interp::ModuleCode& code) {
  if (!memory.seal_as_code()) return fail(ErrorCode::io, ": native code cannot be made executable");
  std::unique_ptr<NativeImage> made(new NativeImage());
  made->begin = memory.data() + image.code_offset;
  made->end = made->begin + image.code_size;
  made->module = &code;
  made->memory_ = std::move(memory);
  made->image_ = std::move(image);
  made->imported_ = static_cast<uint32_t>(code.module().imported_funcs.size());
  runtime::register_code(*made);
  return made;
}

Result<std::unique_ptr<NativeImage>> NativeImage::copy(Bytes file, vm::ArtifactImage image,
                                                       const interp::ModuleCode& code) {
  Mapping memory = Mapping::zeroed(image.code_size, Mapping::Backing::eager);
  if (!memory) return fail(ErrorCode::io, ": no memory for native code");
  std::memcpy(memory.data(), file.data() + image.code_offset, image.code_size);
  image.code_offset = 0;
  return adopt(std::move(memory), std::move(image), code);
}

void NativeImage::publish(interp::ModuleCode& code) const {
  for (uint32_t i = 0; i < image_.entries.size(); i++) {
    if (const uint8_t* at = entry(imported_ + i)) {
      code.publish(imported_ + i, reinterpret_cast<vm::NativeEntry>(const_cast<uint8_t*>(at)),
                   image_.entries[i].frame_cells);
    }
  }
}

NativeImage::~NativeImage() {
  if (begin != nullptr) runtime::unregister_code(*this);
}

const uint8_t* NativeImage::entry(uint32_t func) const {
  const uint32_t offset = image_.entries[func - imported_].offset;
  return offset == 0 ? nullptr : begin + offset;
}

const void* NativeImage::enter(uint32_t func, uint32_t loop) const {
  if (loop == UINT32_MAX) return entry(func);
  auto found =
      std::ranges::lower_bound(image_.loops, std::pair(func, loop), {},
                               [](const auto& row) { return std::pair(row.func, row.loop); });
  const bool known = found != image_.loops.end() && found->func == func && found->loop == loop;
  return known ? begin + found->offset : nullptr;
}

std::vector<uint32_t> NativeImage::funcs() const {
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < image_.entries.size(); i++)
    if (has(imported_ + i)) out.push_back(imported_ + i);
  return out;
}

const std::vector<vm::ArtifactPlace>& NativeImage::decoded_places() const {
  std::call_once(decoded_, [this] {
    // Damaged places cost the backtrace, no more.
    if (auto decoded = vm::decode_places(image_.places)) places_ = *std::move(decoded);
  });
  return places_;
}

std::vector<std::pair<uint32_t, std::span<const uint8_t>>> NativeImage::pieces() const {
  std::vector<std::pair<uint32_t, std::span<const uint8_t>>> out;
  const auto& all = decoded_places();
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t start = all[i].offset;
    const size_t stop = i + 1 < all.size() ? all[i + 1].offset : image_.code_size;
    if (all[i].frames.empty() || start >= stop || stop > image_.code_size) continue;
    const uint32_t func = all[i].frames.back().func_index;  // the others are inlined in it
    if (!out.empty() && out.back().first == func &&
        out.back().second.data() + out.back().second.size() == begin + start) {
      out.back().second = {out.back().second.data(), out.back().second.size() + (stop - start)};
    } else {
      out.emplace_back(func, std::span(begin + start, stop - start));
    }
  }
  return out;
}

size_t NativeImage::places(const uint8_t* pc, vm::CodePlace* out, size_t room) const {
  const auto& all = decoded_places();
  const auto at = static_cast<uint32_t>(pc - begin);
  auto place = std::ranges::upper_bound(all, at, {}, &vm::ArtifactPlace::offset);
  if (place == all.begin()) return 0;
  --place;
  const size_t count = std::min(room, place->frames.size());
  std::copy_n(place->frames.begin(), count, out);
  return count;
}

vm::ArtifactMode artifact_mode(const wasm::Module& module, const Config& config,
                               const runtime::MemoryPool& memories) {
  vm::ArtifactMode mode;
  mode.fuel = config.fuel;
  mode.interruptible = config.interruptible;
  mode.exact = config.exact;
  for (uint32_t i = 0; i < module.memory_count(); i++) {
    const MemoryType& type = module.memory_type(i);
    const bool can_guard = !type.is64 && type.page_size_log2 == 16;
    if (can_guard && memories.style(type) != vm::MemoryStyle::guarded) mode.guarded = false;
  }
  return mode;
}

const vm::ArtifactImage* choose_image(const vm::Artifact& artifact, const wasm::Module& module,
                                      const vm::ArtifactMode& mode, std::string& why) {
  if (artifact.layout != vm::layout_hash()) {
    why = "it is of another build of sedge";
    return nullptr;
  }
  const vm::ArtifactImage* best = nullptr;
  why = "it has no code";
  for (const vm::ArtifactImage& image : artifact.images) {
    if (image.module != 0) continue;
    if (!vm::runs_here(image.target)) {
      if (best == nullptr) why = fmt::format("this machine cannot run {}", image.target.name());
      continue;
    }
    // Code that promises more than is asked for does as well.
    const bool fits = image.mode.fuel == mode.fuel &&
                      image.mode.interruptible == mode.interruptible &&
                      (image.mode.exact || !mode.exact) && (!image.mode.guarded || mode.guarded);
    if (!fits) {
      if (best == nullptr) {
        why = fmt::format("it is compiled for {}, which is not {}", image.mode.name(), mode.name());
      }
      continue;
    }
    if (image.entries.size() != module.funcs.size()) {
      why = "it is of another module";
      continue;
    }
    if (best == nullptr || image.target.level > best->target.level) best = &image;
  }
  return best;
}

}  // namespace sedge
