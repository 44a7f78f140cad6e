// The garbage-collected heap of one store: non-moving mark-region with inline bump allocation.
// References are 32-bit offsets into a reserved 4 GiB range whose objects all lie in its upper
// half, so that small integers never look like roots.
#ifndef SEDGE_RUNTIME_GC_HEAP_H_
#define SEDGE_RUNTIME_GC_HEAP_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <sedge/error.h>

#include "runtime/gc_region.h"
#include "vm/gc_layout.h"

namespace sedge::runtime {

using vm::Cell;
using vm::GcRef;

/// Gives the collector its roots. Called during a collection only.
class RootVisitor {
 public:
  virtual ~RootVisitor() = default;
  /// Each cell whose low 32 bits name a live object keeps it alive; other values are ignored.
  virtual void cells(const Cell* begin, const Cell* end) = 0;
  virtual void ref(GcRef ref) = 0;
};

class RootSource {
 public:
  virtual ~RootSource() = default;
  virtual void visit_roots(RootVisitor& visitor) = 0;
};

/// Used by one thread at a time. Objects are zeroed on allocation and 8-byte aligned.
class GcHeap {
 public:
  struct Options {
    uint64_t max_bytes = 1ull << 30;  ///< of objects; at most 2 GiB less one block
    bool stress = false;              ///< collect at every allocation (tests)
  };
  /// `registry` gives object layouts; `hole` is where objects go that code allocates by itself;
  /// these and `roots` outlive the heap. Error: gc_heap_exhausted when the address range cannot be
  /// reserved.
  static Result<std::unique_ptr<GcHeap>> create(const wasm::TypeRegistry& registry,
                                                RootSource& roots, vm::GcHole& hole,
                                                Options options);
  ~GcHeap();
  GcHeap(const GcHeap&) = delete;
  GcHeap& operator=(const GcHeap&) = delete;

  /// Address that references are relative to.
  uint8_t* base() const { return base_; }

  // Allocation; 0 when the limit is reached even after a collection. May collect.
  GcRef new_struct(const wasm::CanonType& type) {
    if (const ObjectType* known = find(type.id); known != nullptr) [[likely]] {
      if (const GcRef ref = bump(known->size, known->header); ref != 0) [[likely]]
        return ref;
    }
    return new_struct_slow(type);
  }
  GcRef new_array(const wasm::CanonType& type, uint32_t length) {
    if (const ObjectType* known = find(type.id); known != nullptr) [[likely]] {
      const GcRef ref = bump(vm::array_size(length, known->element_size), known->header);
      if (ref != 0) [[likely]]
        return with_length(ref, length);
    }
    return new_array_slow(type, length);
  }
  /// `destroy`, if not null, is called with `value` once the box is dead, at the latest when the
  /// heap is; it must not use the heap.
  GcRef new_extern(void* value, void (*destroy)(void*));
  GcRef new_exception(vm::Tag* tag, const Cell* payload);  ///< copies tag->param_cells cells

  void collect();
  /// Collect at every allocation from now on, or not (tests).
  void set_stress(bool stress) {
    stress_ = stress;
    hole_.limit = stress ? 0 : hole_.end;
  }
  uint64_t live_bytes() const;  ///< as of the last collection, plus what was allocated since
  uint64_t collections() const { return collections_; }

 private:
  class Marker;

  /// Allocation between collections: as much as is live, but no less than this.
  static constexpr uint64_t kMinTrigger = 8 << 20;

  /// What allocation and tracing know of a type.
  struct ObjectType {
    vm::ObjectHeader header;
    uint32_t size = 0;          ///< whole object; unused for arrays
    uint32_t element_size = 0;  ///< of arrays, else 0
    bool element_refs = false;
    std::vector<uint32_t> ref_offsets;  ///< of fields and payload cells that hold a GcRef
  };
  struct ExternBox {
    GcRef ref;
    void* value;
    void (*destroy)(void*);
  };
  using Hole = vm::GcHole;
  /// Objects side by side that were allocated since the last collection: in the table of starts
  /// once somebody asked.
  struct Fresh {
    GcPlace begin = 0;
    GcPlace end = 0;
    bool settled = false;
  };

  GcHeap(const wasm::TypeRegistry& registry, RootSource& roots, vm::GcHole& hole, Options options,
         GcRegion region);

  const ObjectType* find(vm::TypeId id) const {
    return id < types_by_id_.size() ? types_by_id_[id] : nullptr;
  }
  /// The object's reference; 0 if it does not fit into the current hole.
  GcRef bump(uint64_t size, vm::ObjectHeader header) {
    if (hole_.cursor + size > hole_.limit) [[unlikely]]
      return 0;
    const auto ref = static_cast<GcRef>(hole_.cursor);
    hole_.cursor += size;
    start_object(ref, header);
    return ref;
  }
  void start_object(GcRef ref, vm::ObjectHeader header) {
    std::memcpy(base_ + ref, &header, sizeof(header));
  }
  GcRef with_length(GcRef array, uint32_t length) {
    std::memcpy(base_ + array + vm::kArrayLength, &length, sizeof(length));
    return array;
  }

  GcRef new_struct_slow(const wasm::CanonType& type);
  GcRef new_array_slow(const wasm::CanonType& type, uint32_t length);
  const ObjectType& object_type(const wasm::CanonType& type);
  const ObjectType& type_of(vm::ObjectHeader header) {
    if (header.kind() == vm::ObjectKind::extern_box) return *types_[0];
    if (const ObjectType* known = find(header.type); known != nullptr) [[likely]]
      return *known;
    return object_type(registry_.get(header.type));  // code allocated the first of it
  }
  uint64_t object_size(GcRef ref);
  bool starts_at(GcPlace place);

  GcRef allocate(uint64_t size, vm::ObjectHeader header);
  GcRef try_allocate(uint64_t size, vm::ObjectHeader header);
  GcRef try_large(uint64_t size, vm::ObjectHeader header);
  GcRef take(Hole& hole, uint64_t size, vm::ObjectHeader header);
  bool next_hole(uint64_t size);
  bool take_block(Hole& hole, uint64_t size);
  bool open_hole(Hole& hole, GcPlace place, uint64_t bytes, uint64_t size, bool zeroed);
  void close_hole(Hole& hole);
  uint64_t budget() const;
  void sweep_blocks();
  void release_free_blocks();
  void sweep_externs();

  GcRegion region_;
  uint8_t* base_;
  uint8_t* starts_;
  Hole& hole_;  ///< of objects up to a line, and of larger ones where they fit
  std::vector<const ObjectType*> types_by_id_;
  std::vector<std::unique_ptr<ObjectType>> types_;  ///< the first: extern boxes

  const wasm::TypeRegistry& registry_;
  RootSource& roots_;
  const uint64_t max_bytes_;
  bool stress_;
  GcLargeSpace large_;
  Hole overflow_;                      ///< of objects above a line that did not fit into hole_
  uint32_t blocks_ = 0;                ///< from the bottom of the region
  std::vector<bool> clean_;            ///< by block: all zero
  std::vector<uint32_t> free_blocks_;  ///< lowest last
  std::vector<uint32_t> recyclable_;   ///< blocks with some free lines, lowest last
  GcPlace scan_ = 0, scan_end_ = 0;    ///< rest of the block that holes are taken from
  std::vector<Fresh> fresh_;           ///< holes that are closed; in order while marking

  std::vector<ExternBox> externs_;
  std::span<const Cell> extra_roots_;
  uint64_t live_ = 0;       ///< bytes marked by the last collection
  uint64_t allocated_ = 0;  ///< bytes of holes and large objects taken since
  uint64_t trigger_;        ///< collect when allocated_ would exceed it
  uint64_t collections_ = 0;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_GC_HEAP_H_
