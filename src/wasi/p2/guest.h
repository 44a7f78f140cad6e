// What functions of WASI 0.2 find in the store of a call: the guest's Context, and the errors that
// end it.
#ifndef SEDGE_WASI_P2_GUEST_H_
#define SEDGE_WASI_P2_GUEST_H_

#include <sedge/host.h>
#include <sedge/wasi.h>

#include "wasi/network.h"
#include "wasi/p1/state.h"

namespace sedge::wasi::p2 {

using host::Bytes;
using host::Outcome;
using host::Unit;

/// Errors: those of context_of.
inline Result<p1::State*> guest_of(Store& store) {
  SEDGE_TRY_ASSIGN(Context * context, context_of(store));
  return &context->p1();
}

/// One implementation serves all stores: it keeps nothing.
template <typename T, typename Interface>
Interface& single(Store&) {
  static T host;
  return host;
}

/// The most that one read answers with, and that one permission to write covers, in bytes.
constexpr uint64_t kMaxTransfer = 64 << 10;

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_GUEST_H_
