// Allocation. Blocks of 32 KiB are divided into lines of 128 bytes; a collection marks the lines
// that live objects touch, and allocation bumps through the runs of free lines ("holes") that it
// leaves, lowest block first (Blackburn and McKinley, "Immix", 2008; without moving objects).
#include "runtime/gc_heap.h"

#include <algorithm>

namespace sedge::runtime {
namespace {

using vm::ObjectHeader;
using vm::ObjectKind;
using wasm::SubType;

// Larger objects have pages of their own.
constexpr uint64_t kMaxSmall = 8 * 1024;
constexpr uint32_t kExternDestroy = vm::kExternValue + 8;
constexpr uint32_t kExternSize = kExternDestroy + 8;

}  // namespace

Result<std::unique_ptr<GcHeap>> GcHeap::create(const wasm::TypeRegistry& registry,
                                               RootSource& roots, vm::GcHole& hole,
                                               Options options) {
  auto region = GcRegion::reserve();
  if (!region) {
    return fail(ErrorCode::gc_heap_exhausted, ": no address space for a heap (4.1 GiB)");
  }
  options.max_bytes = std::min<uint64_t>(options.max_bytes, kGcSpan - kGcBlock);
  return std::unique_ptr<GcHeap>(new GcHeap(registry, roots, hole, options, *std::move(region)));
}

GcHeap::GcHeap(const wasm::TypeRegistry& registry, RootSource& roots, vm::GcHole& hole,
               Options options, GcRegion region)
    : region_(std::move(region)),
      base_(region_.base()),
      starts_(region_.starts()),
      hole_(hole),
      registry_(registry),
      roots_(roots),
      max_bytes_(options.max_bytes),
      stress_(options.stress),
      large_(region_),
      trigger_(kMinTrigger) {
  auto box = std::make_unique<ObjectType>();
  box->header = vm::object_header(0, ObjectKind::extern_box);
  box->size = kExternSize;
  types_.push_back(std::move(box));
  hole_ = {};
}

GcHeap::~GcHeap() {
  for (const ExternBox& box : externs_) box.destroy(box.value);
}

const GcHeap::ObjectType& GcHeap::object_type(const wasm::CanonType& type) {
  if (const ObjectType* known = find(type.id)) return *known;
  auto made = std::make_unique<ObjectType>();
  switch (type.type.kind) {
    case SubType::Kind::struct_: {
      vm::StructLayout layout = vm::struct_layout(type, registry_);
      made->header = vm::object_header(type.id, ObjectKind::struct_);
      made->size = layout.size;
      made->ref_offsets = std::move(layout.ref_offsets);
      break;
    }
    case SubType::Kind::array: {
      const ValType element = type.type.fields[0].storage;
      made->header = vm::object_header(type.id, ObjectKind::array);
      made->element_size = vm::field_size(element, registry_);
      made->element_refs = element.is_ref() && !vm::is_func_ref(element, registry_);
      break;
    }
    case SubType::Kind::func: {  // exceptions of a tag of this type: the parameters as cells
      made->header = vm::object_header(type.id, ObjectKind::exception);
      uint32_t offset = vm::kExceptionPayload;
      for (const ValType param : type.type.func.params) {
        if (param.is_ref() && !vm::is_func_ref(param, registry_)) {
          made->ref_offsets.push_back(offset);
        }
        offset += param.cells() * static_cast<uint32_t>(sizeof(Cell));
      }
      made->size = offset;
      break;
    }
  }
  if (type.id >= types_by_id_.size()) types_by_id_.resize(type.id + size_t{1});
  types_by_id_[type.id] = made.get();
  types_.push_back(std::move(made));
  return *types_.back();
}

uint64_t GcHeap::object_size(GcRef ref) {
  ObjectHeader header;
  std::memcpy(&header, base_ + ref, sizeof(header));
  const ObjectType& type = type_of(header);
  if (header.kind() != ObjectKind::array) return type.size;
  uint32_t length;
  std::memcpy(&length, base_ + ref + vm::kArrayLength, sizeof(length));
  return vm::array_size(length, type.element_size);
}

GcRef GcHeap::new_struct_slow(const wasm::CanonType& type) {
  const ObjectType& known = object_type(type);
  return allocate(known.size, known.header);
}

GcRef GcHeap::new_array_slow(const wasm::CanonType& type, uint32_t length) {
  const ObjectType& known = object_type(type);
  const GcRef ref = allocate(vm::array_size(length, known.element_size), known.header);
  return ref == 0 ? 0 : with_length(ref, length);
}

GcRef GcHeap::new_extern(void* value, void (*destroy)(void*)) {
  const GcRef ref = allocate(kExternSize, types_[0]->header);
  if (ref == 0) return 0;
  std::memcpy(base_ + ref + vm::kExternValue, &value, sizeof(value));
  if (destroy != nullptr) externs_.push_back({ref, value, destroy});
  return ref;
}

GcRef GcHeap::new_exception(vm::Tag* tag, const Cell* payload) {
  const ObjectType& known = object_type(*tag->canon);
  extra_roots_ = {payload, tag->param_cells};  // the caller's copy need not be in a frame
  const GcRef ref = allocate(known.size, known.header);
  extra_roots_ = {};
  if (ref == 0) return 0;
  std::memcpy(base_ + ref + vm::kExceptionTag, &tag, sizeof(tag));
  std::memcpy(base_ + ref + vm::kExceptionPayload, payload, tag->param_cells * sizeof(Cell));
  return ref;
}

uint64_t GcHeap::live_bytes() const {
  return live_ + allocated_ - (hole_.end - hole_.cursor) - (overflow_.end - overflow_.cursor);
}

// Bytes that may be taken before the limit.
uint64_t GcHeap::budget() const {
  const uint64_t used = live_ + allocated_;
  return used < max_bytes_ ? max_bytes_ - used : 0;
}

GcRef GcHeap::allocate(uint64_t size, ObjectHeader header) {
  if (size > max_bytes_) return 0;
  if (stress_) {
    collect();
  } else {
    if (const GcRef ref = try_allocate(size, header); ref != 0) return ref;
    collect();
    // Near the limit each collection would free little, and the guest would run in the collector.
    if (live_ > max_bytes_ - max_bytes_ / 32) return 0;
  }
  return try_allocate(size, header);
}

// Fails where a collection may help.
GcRef GcHeap::try_allocate(uint64_t size, ObjectHeader header) {
  if (size > kMaxSmall) return try_large(size, header);
  if (size <= hole_.end - hole_.cursor) return take(hole_, size, header);
  if (size > kGcLine) {  // keep the rest of the hole for small objects
    if (size > overflow_.end - overflow_.cursor && !take_block(overflow_, size)) return 0;
    return take(overflow_, size, header);
  }
  return next_hole(size) ? take(hole_, size, header) : 0;
}

GcRef GcHeap::try_large(uint64_t size, ObjectHeader header) {
  const uint64_t bytes = (size + kGcPage - 1) & ~uint64_t{kGcPage - 1};
  // A single object above the trigger is no reason to collect if little was allocated before it.
  if (allocated_ > 0 && allocated_ + bytes > std::max(trigger_, bytes)) return 0;
  if (size > budget()) return 0;
  const auto place = large_.allocate(bytes, uint64_t{blocks_} * kGcBlock);
  if (!place) return 0;
  allocated_ += size;
  const GcRef ref = kGcBias + *place;
  std::memcpy(base_ + ref, &header, sizeof(header));
  return ref;
}

GcRef GcHeap::take(Hole& hole, uint64_t size, ObjectHeader header) {
  const auto ref = static_cast<GcRef>(hole.cursor);
  hole.cursor += size;
  start_object(ref, header);
  return ref;
}

// Makes hole_ the next run of free lines with room for `size` (at most a line).
bool GcHeap::next_hole(uint64_t size) {
  const uint8_t* lines = region_.lines();
  for (;;) {
    while (scan_ < scan_end_) {
      if (lines[scan_ / kGcLine] != 0) {
        scan_ += kGcLine;
        continue;
      }
      const GcPlace begin = scan_;
      while (scan_ < scan_end_ && lines[scan_ / kGcLine] == 0) scan_ += kGcLine;
      if (open_hole(hole_, begin, scan_ - begin, size, false)) return true;
      scan_ = begin;
      return false;
    }
    if (recyclable_.empty()) return take_block(hole_, size);
    scan_ = recyclable_.back() * kGcBlock;
    scan_end_ = scan_ + kGcBlock;
    recyclable_.pop_back();
  }
}

// Makes `hole` a whole free block.
bool GcHeap::take_block(Hole& hole, uint64_t size) {
  if (free_blocks_.empty()) {
    const uint64_t begin = uint64_t{blocks_} * kGcBlock, end = begin + kGcBlock;
    if (end > large_.begin() || !region_.commit(begin, end)) return false;
    clean_.push_back(end <= large_.lowest());
    free_blocks_.push_back(blocks_++);
  }
  const uint32_t block = free_blocks_.back();
  if (!open_hole(hole, block * kGcBlock, kGcBlock, size, clean_[block])) return false;
  free_blocks_.pop_back();
  clean_[block] = false;
  return true;
}

// Replaces `hole` by [place, place + bytes), cut to the budget; fails where a collection is due.
bool GcHeap::open_hole(Hole& hole, GcPlace place, uint64_t bytes, uint64_t size, bool zeroed) {
  close_hole(hole);
  bytes = std::min(bytes, budget() & ~uint64_t{kGcGranule - 1});
  if (bytes < size || allocated_ + size > trigger_) return false;
  if (!zeroed) std::memset(region_.at(place), 0, bytes);
  const uint64_t begin = uint64_t{kGcBias} + place, end = begin + bytes;
  hole = {.cursor = begin, .limit = stress_ ? 0 : end, .begin = begin, .end = end};
  allocated_ += bytes;
  return true;
}

void GcHeap::close_hole(Hole& hole) {
  allocated_ -= hole.end - hole.cursor;
  if (hole.cursor != hole.begin) {
    fresh_.push_back({.begin = static_cast<GcPlace>(hole.begin - kGcBias),
                      .end = static_cast<GcPlace>(hole.cursor - kGcBias)});
  }
  hole = {};
}

}  // namespace sedge::runtime
