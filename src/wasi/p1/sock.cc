// The socket functions of WASI 0.1 itself.
#include "wasi/os/socket.h"

#include "wasi/p1/call.h"
#include "wasi/p1/sock.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kRecvPeek = 1, kRecvWaitall = 2;
constexpr uint16_t kRecvDataTruncated = 1;
constexpr u32 kShutRead = 1, kShutWrite = 2;

}  // namespace

OsResult<std::shared_ptr<Descriptor>> get_socket(Call& call, u32 fd, uint64_t rights) {
  auto any = call.fd(fd);
  if (!any) return any;
  if (!(*any)->as<SocketHandle>()) return Err(Errno::notsock);
  return call.fd(fd, rights);
}

OsResult<u32> add_socket(Call& call, Fd fd, uint16_t flags) {
  auto descriptor = std::make_shared<Descriptor>();
  auto type = os::type_of(fd.get());
  if (!type) return Err(type.error());
  descriptor->type = *type;
  descriptor->flags = flags;
  descriptor->rights = kSocketRights;
  descriptor->inheriting = kSocketRights;
  descriptor->handle = SocketHandle{std::move(fd)};
  return call.state.fds().add(std::move(descriptor));
}

bool nonblocking(const Descriptor& socket) { return socket.flags & os::kNonblock; }

Answer receive_into(Call& call, Descriptor& socket, u32 iovs, u32 iovs_len, u32 flags, u32 size,
                    u32 out_flags, os::SocketAddress* from) {
  if (flags > (kRecvPeek | kRecvWaitall)) return Errno::inval;
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_CHECK(call.memory.range(size, 4));
  SEDGE_WASI_CHECK(call.memory.range(out_flags, 2));
  SEDGE_WASI_TRY(os::Received received,
                 os::receive(socket.kernel_fd(), buffers, flags & kRecvPeek, flags & kRecvWaitall,
                             nonblocking(socket), call.interrupt));
  if (from) *from = received.from;
  SEDGE_WASI_CHECK(call.memory.store(size, static_cast<u32>(received.size)));
  uint16_t truncated = received.truncated ? kRecvDataTruncated : 0;
  return answer(call, call.memory.store(out_flags, truncated));
}

Answer sock_accept(Call& call, u32 fd, u32 flags, u32 accepted) {
  if (flags & ~u32{os::kNonblock}) return Errno::inval;
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kSockAccept));
  SEDGE_WASI_CHECK(call.memory.range(accepted, 4));
  if (call.state.fds().full()) return Errno::mfile;
  SEDGE_WASI_TRY(Fd connection,
                 os::accept(socket->kernel_fd(), nonblocking(*socket), call.interrupt));
  SEDGE_WASI_TRY(u32 number, add_socket(call, std::move(connection), static_cast<uint16_t>(flags)));
  return answer(call, call.memory.store(accepted, number));
}

Answer sock_recv(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 size, u32 out_flags) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kFdRead));
  return receive_into(call, *socket, iovs, iovs_len, flags, size, out_flags, nullptr);
}

Answer sock_send(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 size) {
  if (flags != 0) return Errno::inval;
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kFdWrite));
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_CHECK(call.memory.range(size, 4));
  SEDGE_WASI_TRY(size_t sent, os::send(socket->kernel_fd(), buffers, nullptr, nonblocking(*socket),
                                       call.interrupt));
  return answer(call, call.memory.store(size, static_cast<u32>(sent)));
}

Answer sock_shutdown(Call& call, u32 fd, u32 how) {
  if (how > (kShutRead | kShutWrite)) return Errno::inval;
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kSockShutdown));
  return answer(call, os::shutdown(socket->kernel_fd(), how & kShutRead, how & kShutWrite));
}

}  // namespace sedge::wasi::p1
