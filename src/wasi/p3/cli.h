// wasi:cli, wasi:clocks and wasi:random of WASI 0.3.
#ifndef SEDGE_WASI_P3_CLI_H_
#define SEDGE_WASI_P3_CLI_H_

#include <sedge/component.h>

namespace sedge::wasi::p3 {

void link_cli(ComponentLinker& linker);
void link_clocks(ComponentLinker& linker);

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_CLI_H_
