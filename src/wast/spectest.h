// The module that spec test scripts import as "spectest".
#ifndef SEDGE_WAST_SPECTEST_H_
#define SEDGE_WAST_SPECTEST_H_

#include <sedge/error.h>
#include <sedge/linker.h>

namespace sedge::wast {

/// Defines `spectest` with items of `store`; `print` writes what scripts print to standard output.
Result<void> define_spectest(Linker& linker, Store& store, const Engine& engine, Features features,
                             bool print);

}  // namespace sedge::wast

#endif  // SEDGE_WAST_SPECTEST_H_
