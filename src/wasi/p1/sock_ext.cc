// WasmEdge's socket extension to wasi_snapshot_preview1: opening, connecting and asking sockets,
// and name lookup. Every function that makes a socket or looks up a name needs Config::network.
//
// An address is {buf: u32, buf_len: u32}; the buffer holds 4 or 16 bytes of address or, in the
// second edition, 128 bytes: the family as u16, then the address.
#include <algorithm>

#include "wasi/p1/call.h"
#include "wasi/p1/sock.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kStorageSize = 128;
constexpr u32 kStorageAddress = 2;
constexpr u32 kMaxLookup = 1024;
constexpr u32 kMaxName = 1024;

bool network(Call& call) {
  if (call.state.network()) return true;
  call.state.deny({Denial::Kind::network, {}, {}});
  return false;
}

OsResult<std::span<uint8_t>> address_buffer(Call& call, u32 address) {
  auto buffer = call.memory.load<u32>(address);
  if (!buffer) return Err(buffer.error());
  auto size = call.memory.load<u32>(address + 4);
  if (!size) return Err(size.error());
  return call.memory.range(*buffer, *size);
}

OsResult<os::SocketAddress> load_address(Call& call, u32 address, u32 port) {
  auto buffer = address_buffer(call, address);
  if (!buffer) return Err(buffer.error());
  os::SocketAddress out;
  out.port = static_cast<uint16_t>(port);
  std::span<uint8_t> bytes = *buffer;
  if (bytes.size() == kStorageSize) {
    uint16_t family;
    std::memcpy(&family, bytes.data(), sizeof(family));
    if (family != 1 && family != 2) return Err(Errno::afnosupport);
    out.family = static_cast<os::AddressFamily>(family);
    bytes = bytes.subspan(kStorageAddress, out.size());
  } else if (bytes.size() == 4) {
    out.family = os::AddressFamily::inet4;
  } else if (bytes.size() == 16) {
    out.family = os::AddressFamily::inet6;
  } else {
    return Err(Errno::inval);
  }
  std::memcpy(out.bytes.data(), bytes.data(), out.size());
  return out;
}

/// Writes an address where `load_address` would read it; `inval` if it does not fit.
OsResult<> store_address(Call& call, u32 address, const os::SocketAddress& value) {
  auto buffer = address_buffer(call, address);
  if (!buffer) return Err(buffer.error());
  std::span<uint8_t> bytes = *buffer;
  if (bytes.size() == kStorageSize) {
    auto family = static_cast<uint16_t>(value.family);
    std::memset(bytes.data(), 0, bytes.size());
    std::memcpy(bytes.data(), &family, sizeof(family));
    bytes = bytes.subspan(kStorageAddress);
  } else if (bytes.size() != 4 && bytes.size() != 16) {
    return Err(Errno::inval);
  }
  if (value.family == os::AddressFamily::unspec) return {};
  if (bytes.size() < value.size()) return Err(Errno::inval);
  std::memcpy(bytes.data(), value.bytes.data(), value.size());
  return {};
}

OsResult<os::SocketAddress> address_of(Call& call, u32 fd, bool peer) {
  auto socket = get_socket(call, fd, 0);
  if (!socket) return Err(socket.error());
  int kernel = (*socket)->kernel_fd();
  return peer ? os::peer_address(kernel) : os::local_address(kernel);
}

Answer get_address(Call& call, u32 fd, u32 address, u32 port, bool peer) {
  SEDGE_WASI_TRY(auto value, address_of(call, fd, peer));
  SEDGE_WASI_CHECK(store_address(call, address, value));
  return answer(call, call.memory.store(port, u32{value.port}));
}

/// The first edition tells the family apart as 4 and 6.
Answer get_address_v1(Call& call, u32 fd, u32 address, u32 type, u32 port, bool peer) {
  SEDGE_WASI_TRY(auto value, address_of(call, fd, peer));
  SEDGE_WASI_CHECK(store_address(call, address, value));
  u32 version = value.family == os::AddressFamily::inet4 ? 4 : 6;
  SEDGE_WASI_CHECK(call.memory.store(type, version));
  return answer(call, call.memory.store(port, u32{value.port}));
}

OsResult<os::SocketOption> option(u32 level, u32 name) {
  if (level != 0) return Err(Errno::inval);
  if (name >= os::kSocketOptions) return Err(Errno::inval);
  return static_cast<os::SocketOption>(name);
}

/// A name that may carry its C terminator.
OsResult<std::string> load_name(Call& call, u32 address, u32 size) {
  if (size > kMaxName) return Err(Errno::ai_noname);
  auto text = call.memory.string(address, size);
  if (!text) return text;
  if (size_t nul = text->find('\0'); nul != std::string::npos) text->resize(nul);
  return text;
}

/// Fills one addrinfo of the guest's list, which it has linked and given buffers. Layout: flags
/// u16, family u8, socket type u8, protocol u32 (its low byte), address length u32, address
/// pointer, canonical name pointer and length, next.
OsResult<> store_addrinfo(Call& call, u32 at, const os::LookupResult& result) {
  auto sockaddr = call.memory.load<u32>(at + 12);
  if (!sockaddr) return Err(sockaddr.error());
  auto name = call.memory.load<u32>(at + 16);
  if (!name) return Err(name.error());
  bool inet4 = result.address.family == os::AddressFamily::inet4;
  // As sockaddr_in or sockaddr_in6 after the family: port in network order, (flow,) address.
  std::vector<uint8_t> data(inet4 ? 14 : 26);
  data[0] = static_cast<uint8_t>(result.address.port >> 8);
  data[1] = static_cast<uint8_t>(result.address.port & 0xff);
  std::memcpy(data.data() + (inet4 ? 2 : 6), result.address.bytes.data(), result.address.size());

  auto room = call.memory.load<u32>(*sockaddr + 4);
  if (!room) return Err(room.error());
  auto data_at = call.memory.load<u32>(*sockaddr + 8);
  if (!data_at) return Err(data_at.error());
  // Users declare 14 bytes and provide 26: the declared length is what the peer overwrites too.
  auto to = call.memory.range(*data_at, data.size());
  if (!to) return Err(to.error());
  std::memcpy(to->data(), data.data(), data.size());
  auto family = static_cast<uint8_t>(result.family);
  if (auto ok = call.memory.store(*sockaddr, family); !ok) return ok;
  if (auto ok = call.memory.store(*sockaddr + 4, static_cast<u32>(data.size())); !ok) return ok;

  u32 name_size = 0;
  if (!result.canonical_name.empty()) {
    auto room_for_name = call.memory.load<u32>(at + 20);
    if (!room_for_name) return Err(room_for_name.error());
    name_size = static_cast<u32>(result.canonical_name.size());
    // Its terminator must fit too; a longer name is left out rather than cut.
    if (*room_for_name <= name_size) name_size = 0;
    auto to_name = call.memory.range(*name, name_size == 0 ? 0 : name_size + 1);
    if (!to_name) return Err(to_name.error());
    if (name_size > 0) std::memcpy(to_name->data(), result.canonical_name.c_str(), to_name->size());
  }
  auto record = call.memory.range(at, 28);
  if (!record) return Err(record.error());
  auto put = [&](u32 offset, auto value) {
    std::memcpy(record->data() + offset, &value, sizeof(value));
  };
  put(0, uint16_t{0});
  put(2, family);
  put(3, static_cast<uint8_t>(result.type));
  put(4, result.protocol);
  put(8, static_cast<u32>(inet4 ? 16 : 28));
  put(20, name_size);
  return {};
}

}  // namespace

Answer sock_open(Call& call, u32 family, u32 type, u32 opened_fd) {
  if (family > 2) return Errno::afnosupport;
  if (type > 2) return Errno::inval;
  if (!network(call)) return Errno::acces;
  SEDGE_WASI_CHECK(call.memory.range(opened_fd, 4));
  if (call.state.fds().full()) return Errno::mfile;
  SEDGE_WASI_TRY(Fd fd, os::open_socket(static_cast<os::AddressFamily>(family),
                                        static_cast<os::SocketType>(type)));
  SEDGE_WASI_TRY(u32 number, add_socket(call, std::move(fd), 0));
  return answer(call, call.memory.store(opened_fd, number));
}

Answer sock_bind(Call& call, u32 fd, u32 address, u32 port) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, 0));
  SEDGE_WASI_TRY(auto to, load_address(call, address, port));
  return answer(call, os::bind(socket->kernel_fd(), to));
}

Answer sock_listen(Call& call, u32 fd, u32 backlog) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, 0));
  return answer(call, os::listen(socket->kernel_fd(), static_cast<int>(backlog)));
}

Answer sock_accept_v1(Call& call, u32 fd, u32 accepted) {
  return sock_accept(call, fd, 0, accepted);
}

Answer sock_connect(Call& call, u32 fd, u32 address, u32 port) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, 0));
  SEDGE_WASI_TRY(auto to, load_address(call, address, port));
  return answer(call, os::connect(socket->kernel_fd(), to, nonblocking(*socket), call.interrupt));
}

Answer sock_recv_from(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 address, u32 flags, u32 port,
                      u32 size, u32 out_flags) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kFdRead));
  SEDGE_WASI_CHECK(address_buffer(call, address));
  SEDGE_WASI_CHECK(call.memory.range(port, 2));
  os::SocketAddress from;
  auto received = receive_into(call, *socket, iovs, iovs_len, flags, size, out_flags, &from);
  if (!received || *received != Errno::success) return received;
  SEDGE_WASI_CHECK(store_address(call, address, from));
  return answer(call, call.memory.store(port, from.port));
}

Answer sock_recv_from_v1(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 address, u32 flags,
                         u32 size, u32 out_flags) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kFdRead));
  SEDGE_WASI_CHECK(address_buffer(call, address));
  os::SocketAddress from;
  auto received = receive_into(call, *socket, iovs, iovs_len, flags, size, out_flags, &from);
  if (!received || *received != Errno::success) return received;
  return answer(call, store_address(call, address, from));
}

Answer sock_send_to(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 address, u32 port, u32 flags,
                    u32 size) {
  if (flags != 0) return Errno::inval;
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, kFdWrite));
  SEDGE_WASI_TRY(auto buffers, call.memory.buffers(iovs, iovs_len));
  SEDGE_WASI_TRY(auto to, load_address(call, address, port));
  SEDGE_WASI_CHECK(call.memory.range(size, 4));
  SEDGE_WASI_TRY(size_t sent,
                 os::send(socket->kernel_fd(), buffers, &to, nonblocking(*socket), call.interrupt));
  return answer(call, call.memory.store(size, static_cast<u32>(sent)));
}

Answer sock_getsockopt(Call& call, u32 fd, u32 level, u32 name, u32 value, u32 value_size) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, 0));
  SEDGE_WASI_TRY(auto which, option(level, name));
  SEDGE_WASI_TRY(u32 room, call.memory.load<u32>(value_size));
  SEDGE_WASI_TRY(auto to, call.memory.range(value, room));
  SEDGE_WASI_TRY(auto bytes, os::get_option(socket->kernel_fd(), which, room));
  std::memcpy(to.data(), bytes.data(), bytes.size());
  return answer(call, call.memory.store(value_size, static_cast<u32>(bytes.size())));
}

Answer sock_setsockopt(Call& call, u32 fd, u32 level, u32 name, u32 value, u32 value_size) {
  SEDGE_WASI_TRY(auto socket, get_socket(call, fd, 0));
  SEDGE_WASI_TRY(auto which, option(level, name));
  SEDGE_WASI_TRY(auto bytes, call.memory.range(value, value_size));
  return answer(call, os::set_option(socket->kernel_fd(), which, bytes));
}

Answer sock_getlocaladdr(Call& call, u32 fd, u32 address, u32 port) {
  return get_address(call, fd, address, port, false);
}
Answer sock_getlocaladdr_v1(Call& call, u32 fd, u32 address, u32 type, u32 port) {
  return get_address_v1(call, fd, address, type, port, false);
}
Answer sock_getpeeraddr(Call& call, u32 fd, u32 address, u32 port) {
  return get_address(call, fd, address, port, true);
}
Answer sock_getpeeraddr_v1(Call& call, u32 fd, u32 address, u32 type, u32 port) {
  return get_address_v1(call, fd, address, type, port, true);
}

Answer sock_getaddrinfo(Call& call, u32 node, u32 node_len, u32 service, u32 service_len, u32 hints,
                        u32 results, u32 max_results, u32 result_count) {
  if (!network(call)) return Errno::acces;
  if (max_results == 0) return Errno::ai_memory;
  SEDGE_WASI_TRY(std::string node_name, load_name(call, node, node_len));
  SEDGE_WASI_TRY(std::string service_name, load_name(call, service, service_len));
  SEDGE_WASI_CHECK(call.memory.range(result_count, 4));
  SEDGE_WASI_TRY(auto hint, call.memory.range(hints, 28));
  os::LookupHints wanted;
  std::memcpy(&wanted.flags, hint.data(), 2);
  uint8_t family = hint[2], type = hint[3];
  wanted.protocol = hint[4];
  constexpr uint16_t kKnownFlags = 0x7f;
  if (wanted.flags & ~kKnownFlags) return Errno::ai_badflags;
  if (family > 2) return Errno::ai_family;
  if (type > 2) return Errno::ai_socktype;
  if (wanted.protocol > 2) return Errno::inval;
  wanted.family = static_cast<os::AddressFamily>(family);
  wanted.type = static_cast<os::SocketType>(type);
  SEDGE_WASI_TRY(auto found, os::lookup(node_name, service_name, wanted));

  SEDGE_WASI_TRY(u32 at, call.memory.load<u32>(results));
  u32 count = 0;
  for (const os::LookupResult& result : found) {
    if (count == max_results || count == kMaxLookup) break;
    SEDGE_WASI_CHECK(store_addrinfo(call, at, result));
    ++count;
    SEDGE_WASI_TRY(at, call.memory.load<u32>(at + 24));
  }
  return answer(call, call.memory.store(result_count, count));
}

}  // namespace sedge::wasi::p1
