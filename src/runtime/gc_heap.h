// The garbage-collected heap of one store: non-moving mark-region with inline bump allocation.
// References are 32-bit offsets into a reserved 4 GiB range whose objects all lie in its upper half,
// so that small integers never look like roots.
#ifndef SEDGE_RUNTIME_GC_HEAP_H_
#define SEDGE_RUNTIME_GC_HEAP_H_

#include <cstdint>
#include <memory>
#include <span>

#include <sedge/error.h>

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
  /// `registry` gives object layouts; both it and `roots` outlive the heap. Error: gc_heap_exhausted
  /// when the address range cannot be reserved.
  static Result<std::unique_ptr<GcHeap>> create(const wasm::TypeRegistry& registry,
                                                RootSource& roots, Options options);
  ~GcHeap();

  /// Address that references are relative to.
  uint8_t* base() const;

  // Allocation; 0 when the limit is reached even after a collection. May collect.
  GcRef new_struct(const wasm::CanonType& type);
  GcRef new_array(const wasm::CanonType& type, uint32_t length);
  GcRef new_extern(void* value, void (*destroy)(void*));
  GcRef new_exception(vm::Tag* tag, const Cell* payload);  ///< copies tag->param_cells cells

  void collect();
  uint64_t live_bytes() const;   ///< as of the last collection, plus what was allocated since
  uint64_t collections() const;

 private:
  GcHeap();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_GC_HEAP_H_
