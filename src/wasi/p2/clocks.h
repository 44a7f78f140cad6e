// wasi:clocks and wasi:random.
#ifndef SEDGE_WASI_P2_CLOCKS_H_
#define SEDGE_WASI_P2_CLOCKS_H_

#include <sedge/component.h>

#include "wasi/p2/guest.h"

namespace sedge::wasi::p2 {

/// Errors: component_trap for more than 64 MiB at once, interrupted, deadline_exceeded.
Result<Bytes> random_bytes(Store& store, uint64_t len);
Result<uint64_t> random_number(Store& store);

/// The same for each call in a store: guests take it for a value that they import.
Result<std::tuple<uint64_t, uint64_t>> seed_of(Store& store);

void link_clocks(ComponentLinker& linker);
void link_random(ComponentLinker& linker);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_CLOCKS_H_
