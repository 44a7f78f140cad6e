// Snapshot: an instance's state as a module of its own.
#ifndef SEDGE_SNAPSHOT_H_
#define SEDGE_SNAPSHOT_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <sedge/extern.h>

namespace sedge {

/// The binary of a core module with the code, imports and exports of `instance`'s module, whose
/// instances begin with what `instance` holds now: memories, globals, tables, dropped segments. It
/// has no start function (that has run) and no exports called as one of `without` (initialisers
/// that must not run again). Any runtime can run it that can run the original. What the host holds
/// is not part of it: open descriptors, data behind references. No code of the store may be
/// running. Errors: cannot_snapshot, naming what stands in the way: imported memories, tables or
/// mutable globals, shared memories, references to objects of the host or of the GC heap.
Result<std::vector<uint8_t>> snapshot(Store& store, const Instance& instance,
                                      std::span<const std::string_view> without);

}  // namespace sedge

#endif  // SEDGE_SNAPSHOT_H_
