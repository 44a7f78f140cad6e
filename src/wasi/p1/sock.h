// What the socket functions of WASI 0.1 and those of the extension share.
#ifndef SEDGE_WASI_P1_SOCK_H_
#define SEDGE_WASI_P1_SOCK_H_

#include "wasi/os/socket.h"
#include "wasi/p1/call.h"

namespace sedge::wasi::p1 {

/// The descriptor if it is a socket (notsock) with these rights.
OsResult<std::shared_ptr<Descriptor>> get_socket(Call& call, u32 fd, uint64_t rights);
/// Gives a new socket a number.
OsResult<u32> add_socket(Call& call, Fd fd, uint16_t flags);
/// Whether the guest set it non-blocking; the kernel's socket always is.
bool nonblocking(const Descriptor& socket);
/// sock_recv and sock_recv_from; `from`, if given, gets the sender.
Answer receive_into(Call& call, Descriptor& socket, u32 iovs, u32 iovs_len, u32 flags, u32 size,
                    u32 out_flags, os::SocketAddress* from);

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_SOCK_H_
