// Sockets of the guest on the loopback interface: both editions of the extension, and its refusal
// without the network.
#include "wasi/p1/sock.h"

#include <unistd.h>

#include "wasi/p1/fixture_test.h"

namespace sedge::wasi::p1 {
namespace {

constexpr u32 kOut = 4000, kAddress = 5000, kBuffer = 5100, kPort = 5500, kType = 5600;
constexpr u32 kIov = 6000, kText = 6100;

Config with_network() {
  Config config;
  config.network = true;
  return config;
}

/// Points the address record at `size` bytes.
void address(Guest& guest, u32 size, std::initializer_list<uint8_t> bytes = {}) {
  guest.put(kAddress, kBuffer);
  guest.put(kAddress + 4, size);
  std::memset(guest.bytes.data() + kBuffer, 0, 128);
  std::copy(bytes.begin(), bytes.end(), guest.bytes.begin() + kBuffer);
}

u32 socket(Guest& guest, u32 type) {
  EXPECT_EQ(guest(sock_open, 1, type, kOut), Errno::success);
  return guest.word(kOut);
}

void payload(Guest& guest, std::string_view text) {
  guest.iovec_at(kIov, kText, guest.text(kText, text));
}

TEST(Sockets, NeedTheNetwork) {
  Guest guest;
  EXPECT_EQ(guest(sock_open, 1, 2, kOut), Errno::acces);
  ASSERT_TRUE(guest.context->last_denial().has_value());
  EXPECT_EQ(
      to_string(*guest.context->last_denial()),
      "permission denied: the guest asked for a network socket; --network gives it the network");
  EXPECT_EQ(guest(sock_getaddrinfo, 0, 0, 0, 0, 0, 0, 1, 0), Errno::acces);
  EXPECT_EQ(guest(sock_recv, 0, kIov, 1, 0, kOut, kOut), Errno::notsock);
  EXPECT_EQ(guest(sock_shutdown, 1, 3), Errno::notsock);
  EXPECT_EQ(guest(sock_shutdown, 9, 3), Errno::badf);
  EXPECT_EQ(guest(sock_accept, 9, 0, kOut), Errno::badf);
}

TEST(Sockets, TcpOnLoopback) {
  Guest guest(with_network());
  u32 listener = socket(guest, 2);
  guest.put(kText, u32{1});
  EXPECT_EQ(guest(sock_setsockopt, listener, 0, 0, kText, 4), Errno::success);
  address(guest, 4, {127, 0, 0, 1});
  ASSERT_EQ(guest(sock_bind, listener, kAddress, 0), Errno::success);
  ASSERT_EQ(guest(sock_listen, listener, 4), Errno::success);
  ASSERT_EQ(guest(sock_getlocaladdr_v1, listener, kAddress, kType, kPort), Errno::success);
  u32 port = guest.word(kPort);
  EXPECT_GT(port, 0u);
  EXPECT_EQ(guest.word(kType), 4u);

  u32 client = socket(guest, 2);
  ASSERT_EQ(guest(sock_connect, client, kAddress, port), Errno::success);
  ASSERT_EQ(guest(sock_accept, listener, os::kNonblock, kOut), Errno::success);
  u32 server = guest.word(kOut);
  guest.iovec_at(kIov, kText, 100);
  EXPECT_EQ(guest(sock_recv, server, kIov, 1, 0, kOut, kOut + 8), Errno::again);
  payload(guest, "hello");
  ASSERT_EQ(guest(sock_send, client, kIov, 1, 0, kOut), Errno::success);
  EXPECT_EQ(guest.word(kOut), 5u);
  EXPECT_EQ(guest(fd_fdstat_set_flags, server, 0), Errno::success);
  guest.iovec_at(kIov, kText + 50, 5);
  ASSERT_EQ(guest(sock_recv, server, kIov, 1, 1, kOut, kOut + 8), Errno::success);  // peek
  ASSERT_EQ(guest(sock_recv, server, kIov, 1, 2, kOut, kOut + 8), Errno::success);  // wait for all
  EXPECT_EQ(guest.string(kText + 50, guest.word(kOut)), "hello");
  // fd_read and fd_write work on sockets too.
  EXPECT_EQ(guest.write(server, "back"), Errno::success);
  EXPECT_EQ(guest.read(client, 100), "back");

  address(guest, 128);
  ASSERT_EQ(guest(sock_getpeeraddr, client, kAddress, kPort), Errno::success);
  EXPECT_EQ(guest.word(kPort), port);
  EXPECT_EQ(guest.get<uint16_t>(kBuffer), 1u);
  EXPECT_EQ(guest.get<u32>(kBuffer + 2), 0x0100007fu);
  address(guest, 3);
  EXPECT_EQ(guest(sock_getpeeraddr, client, kAddress, kPort), Errno::inval);
  EXPECT_EQ(guest(sock_getpeeraddr_v1, client, kAddress, kType, kPort), Errno::inval);

  guest.put(kOut, u32{4});
  ASSERT_EQ(guest(sock_getsockopt, client, 0, 1, kText, kOut), Errno::success);
  EXPECT_EQ(guest.word(kText), 2u);  // a stream
  guest.put(kOut, u32{4});
  ASSERT_EQ(guest(sock_getsockopt, listener, 0, 13, kText, kOut), Errno::success);
  EXPECT_EQ(guest.word(kText), 1u);  // it listens
  EXPECT_EQ(guest(sock_getsockopt, client, 0, 15, kText, kOut), Errno::inval);
  EXPECT_EQ(guest(sock_setsockopt, client, 0, 14, kText, 4), Errno::notcapable);

  ASSERT_EQ(guest(sock_shutdown, client, 2), Errno::success);
  EXPECT_EQ(guest.read(server, 10), "");
  EXPECT_EQ(guest(fd_close, client), Errno::success);
  // The peer is gone: an error, no signal, as soon as the system has noticed.
  while (guest.write(server, "lost") == Errno::success) ::usleep(1000);
  EXPECT_EQ(guest.write(server, "lost"), Errno::pipe);
}

TEST(Sockets, AcceptOfTheFirstEdition) {
  Guest guest(with_network());
  u32 listener = socket(guest, 2), client = socket(guest, 2);
  address(guest, 4, {127, 0, 0, 1});
  ASSERT_EQ(guest(sock_bind, listener, kAddress, 0), Errno::success);
  ASSERT_EQ(guest(sock_listen, listener, 4), Errno::success);
  ASSERT_EQ(guest(sock_getlocaladdr_v1, listener, kAddress, kType, kPort), Errno::success);
  ASSERT_EQ(guest(sock_connect, client, kAddress, guest.word(kPort)), Errno::success);
  EXPECT_EQ(guest(sock_accept_v1, listener, kOut), Errno::success);
  EXPECT_EQ(guest(sock_connect, client, kAddress, 1), Errno::isconn);
}

TEST(Sockets, UdpOnLoopback) {
  Guest guest(with_network());
  u32 one = socket(guest, 1), two = socket(guest, 1);
  address(guest, 4, {127, 0, 0, 1});
  ASSERT_EQ(guest(sock_bind, one, kAddress, 0), Errno::success);
  ASSERT_EQ(guest(sock_bind, two, kAddress, 0), Errno::success);
  ASSERT_EQ(guest(sock_getlocaladdr_v1, one, kAddress, kType, kPort), Errno::success);
  u32 port = guest.word(kPort);
  ASSERT_EQ(guest(sock_getlocaladdr_v1, two, kAddress, kType, kPort), Errno::success);
  u32 sender = guest.word(kPort);
  payload(guest, "datagram");
  ASSERT_EQ(guest(sock_send_to, two, kIov, 1, kAddress, port, 0, kOut), Errno::success);
  ASSERT_EQ(guest(sock_send_to, two, kIov, 1, kAddress, port, 0, kOut), Errno::success);
  address(guest, 128);
  guest.iovec_at(kIov, kText, 4);
  ASSERT_EQ(guest(sock_recv_from, one, kIov, 1, kAddress, 0, kPort, kOut, kOut + 8),
            Errno::success);
  EXPECT_EQ(guest.string(kText, guest.word(kOut)), "data");
  EXPECT_EQ(guest.get<uint16_t>(kOut + 8), 1u);  // truncated
  EXPECT_EQ(guest.get<uint16_t>(kPort), sender);
  EXPECT_EQ(guest.get<uint16_t>(kBuffer), 1u);
  EXPECT_EQ(guest.get<u32>(kBuffer + 2), 0x0100007fu);
  address(guest, 4);
  guest.iovec_at(kIov, kText, 100);
  ASSERT_EQ(guest(sock_recv_from_v1, one, kIov, 1, kAddress, 0, kOut, kOut + 8), Errno::success);
  EXPECT_EQ(guest.string(kText, guest.word(kOut)), "datagram");
  EXPECT_EQ(guest.get<u32>(kBuffer), 0x0100007fu);
}

TEST(Sockets, Refusals) {
  Guest guest(with_network());
  EXPECT_EQ(guest(sock_open, 0, 2, kOut), Errno::afnosupport);
  EXPECT_EQ(guest(sock_open, 3, 2, kOut), Errno::afnosupport);
  EXPECT_EQ(guest(sock_open, 1, 3, kOut), Errno::inval);
  EXPECT_EQ(guest(sock_open, 1, 2, 65533), Errno::fault);
  u32 fd = socket(guest, 2);
  address(guest, 5, {127, 0, 0, 1});
  EXPECT_EQ(guest(sock_bind, fd, kAddress, 0), Errno::inval);
  EXPECT_EQ(guest(sock_bind, fd, 65533, 0), Errno::fault);
  guest.put(kAddress, UINT32_MAX);
  EXPECT_EQ(guest(sock_connect, fd, kAddress, 1), Errno::fault);
  payload(guest, "x");
  EXPECT_EQ(guest(sock_send, fd, kIov, 1, 1, kOut), Errno::inval);
  EXPECT_EQ(guest(sock_recv, fd, kIov, 1, 4, kOut, kOut + 8), Errno::inval);
}

TEST(Sockets, LookupOfANumericAddress) {
  Guest guest(with_network());
  // Two results linked as WasmEdge's client library does it.
  constexpr u32 kNode = 100, kService = 200, kHints = 300, kResults = 400, kFirst = 500,
                kSockaddr = 600, kData = 700, kCount = 800;
  u32 node = guest.text(kNode, std::string_view("127.0.0.1\0", 10));
  u32 service = guest.text(kService, std::string_view("8080\0", 5));
  guest.put<uint16_t>(kHints, 4 | 8);  // numeric host and service
  guest.put<uint8_t>(kHints + 2, 1);
  guest.put<uint8_t>(kHints + 3, 2);
  guest.put<uint8_t>(kHints + 4, 1);
  guest.put(kResults, kFirst);
  guest.put(kFirst + 12, kSockaddr);
  guest.put(kSockaddr + 4, u32{14});
  guest.put(kSockaddr + 8, kData);
  ASSERT_EQ(guest(sock_getaddrinfo, kNode, node, kService, service, kHints, kResults, 1, kCount),
            Errno::success);
  EXPECT_EQ(guest.word(kCount), 1u);
  EXPECT_EQ(guest.get<uint8_t>(kFirst + 2), 1u);
  EXPECT_EQ(guest.get<uint8_t>(kFirst + 3), 2u);
  EXPECT_EQ(guest.get<uint8_t>(kData) * 256 + guest.get<uint8_t>(kData + 1), 8080);
  EXPECT_EQ(guest.get<u32>(kData + 2), 0x0100007fu);
  guest.text(kNode, std::string_view("no number\0", 10));
  EXPECT_EQ(guest(sock_getaddrinfo, kNode, node, kService, service, kHints, kResults, 1, kCount),
            Errno::ai_noname);
}

}  // namespace
}  // namespace sedge::wasi::p1
