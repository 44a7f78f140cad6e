// What a guest wrote and the kernel has not taken yet, when the guest has shut its socket down or
// is gone: it is sent all the same.
#ifndef SEDGE_WASI_OS_LINGER_H_
#define SEDGE_WASI_OS_LINGER_H_

#include <chrono>
#include <string>

#include "base/fd.h"

namespace sedge::wasi::os {

/// Sends `bytes` over a copy of `socket`, which does not block, then ends its sending side if
/// `shut`. Returns at once: one thread of the process does it for all, as long as there is
/// something to do. A peer that takes nothing for half a minute gets no more; beyond a thousand
/// such sockets the bytes are lost.
void linger(const Fd& socket, std::string bytes, bool shut);

/// Waits until everything is sent or given up, at most that long. Whether it is.
bool finish_lingering(std::chrono::milliseconds most);

}  // namespace sedge::wasi::os

#endif  // SEDGE_WASI_OS_LINGER_H_
