// A store that answers one caller after the other: what it was when it was marked, and the way back
// to that. See docs/decisions/009-instances.md.
#ifndef SEDGE_RUNTIME_STORE_MARK_H_
#define SEDGE_RUNTIME_STORE_MARK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/page_image.h"
#include "runtime/store_impl.h"

namespace sedge::runtime {

/// Belongs to the store that it was taken of.
class StoreMark {
 public:
  /// Remembers `store`, in which no call runs. Its memories become private copies of images, unless
  /// they are already (StoreImpl::starts_from). Null if the store holds what cannot be brought
  /// back: shared memories, objects of the GC heap, memories, tables and functions that the host
  /// made apart from instances, memories that have grown; or if the system refuses.
  static std::unique_ptr<StoreMark> take(StoreImpl& store);

  const std::shared_ptr<const PageImages>& images() const { return images_; }
  /// Makes the store what it was; nothing of what guests did since can be seen. Host data and what
  /// other layers keep (components) are theirs to clear. False if it cannot: things were added to
  /// the store, calls still wait in it, the system refuses. Then the store is only good to be
  /// destroyed.
  bool restore(StoreImpl& store) const;

 private:
  struct OfInstance {
    std::vector<vm::Cell> globals;  ///< two cells each
    std::vector<std::vector<vm::Cell>> tables;
    std::vector<vm::Data> datas;
    std::vector<vm::Elem> elems;
  };
  /// How many of each there are, which must not change.
  struct Counts {
    size_t instances, memories, shared_memories, tables, globals, kept, type_sets;
    uint32_t memories_in_use, tables_in_use;
    bool operator==(const Counts&) const = default;
  };
  static Counts counts(const StoreImpl& store);
  static bool is_idle(const StoreImpl& store);

  Counts counts_{};
  std::vector<OfInstance> instances_;
  uint64_t memory_bytes_ = 0;
  int64_t fuel_ = 0;
  std::shared_ptr<const PageImages> images_;
};

}  // namespace sedge::runtime

#endif  // SEDGE_RUNTIME_STORE_MARK_H_
