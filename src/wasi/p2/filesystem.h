// wasi:filesystem: descriptors over the same directories as capabilities as WASI 0.1.
#ifndef SEDGE_WASI_P2_FILESYSTEM_H_
#define SEDGE_WASI_P2_FILESYSTEM_H_

#include "p2/wasi/filesystem/preopens.h"
#include "p2/wasi/filesystem/types.h"

namespace sedge::wasi::p2 {

bindings::p2::wasi::filesystem::types::Host& filesystem_host(Store& store);
bindings::p2::wasi::filesystem::preopens::Host& preopens_host(Store& store);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_FILESYSTEM_H_
