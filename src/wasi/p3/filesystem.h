// wasi:filesystem of WASI 0.3 around wasi::Node.
#ifndef SEDGE_WASI_P3_FILESYSTEM_H_
#define SEDGE_WASI_P3_FILESYSTEM_H_

#include <sedge/component.h>

namespace sedge::wasi::p3 {

void link_filesystem(ComponentLinker& linker);

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_FILESYSTEM_H_
