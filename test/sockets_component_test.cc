// wasi:sockets through `sedge run`: what rules allow and deny, against an echo server of the test.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/test_paths.h"
#include "net/address.h"
#include "program.h"

namespace sedge {
namespace {

constexpr const char* kWorld = R"(package test:guest;
world guest {
  import wasi:io/poll@0.2.12;
  import wasi:io/streams@0.2.12;
  import wasi:sockets/instance-network@0.2.12;
  import wasi:sockets/tcp-create-socket@0.2.12;
  import wasi:sockets/tcp@0.2.12;
  import wasi:sockets/udp-create-socket@0.2.12;
  import wasi:sockets/udp@0.2.12;
  export wasi:cli/run@0.2.12;
}
)";

/// Connects to 127.0.0.1 and {port}, sends "ping" and wants it back. Fails when it is denied access
/// (error code 1), traps when anything else goes wrong.
constexpr const char* kGuest = R"((module
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.12" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:sockets/instance-network@0.2.12" "instance-network" (func $network (result i32)))
  (import "wasi:sockets/tcp-create-socket@0.2.12" "create-tcp-socket"
    (func $create (param i32 i32)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.start-connect"
    (func $connect (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.finish-connect"
    (func $finish (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 500) "ping")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (local $socket i32)
    (call $create (i32.const 0) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then unreachable))
    (local.set $socket (i32.load (i32.const 104)))
    (call $connect (local.get $socket) (call $network) (i32.const 0) (i32.const {port})
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 120))
    (if (i32.load8_u (i32.const 120)) (then
      (if (i32.ne (i32.load8_u (i32.const 121)) (i32.const 1)) (then unreachable))
      (return (i32.const 1))))
    (call $block (call $subscribe (local.get $socket)))
    (call $finish (local.get $socket) (i32.const 140))
    (if (i32.load8_u (i32.const 140)) (then unreachable))
    (call $write (i32.load (i32.const 148)) (i32.const 500) (i32.const 4) (i32.const 160))
    (if (i32.load8_u (i32.const 160)) (then unreachable))
    (call $read (i32.load (i32.const 144)) (i64.const 4) (i32.const 180))
    (if (i32.load8_u (i32.const 180)) (then unreachable))
    (if (i32.ne (i32.load (i32.load (i32.const 184))) (i32.load (i32.const 500)))
      (then unreachable))
    (i32.const 0)))
)";

/// The same for WASI 0.3, over streams; the connection must end after the answer.
constexpr const char* kWorld3 = R"(package test:guest;
world guest {
  import wasi:sockets/types@0.3.0;
  import wasi:sockets/ip-name-lookup@0.3.0;
  export wasi:cli/run@0.3.0;
}
)";
constexpr const char* kTcpGuest3 = R"((module
  (import "wasi:sockets/types@0.3.0" "[static]tcp-socket.create" (func $create (param i32 i32)))
  (import "wasi:sockets/types@0.3.0" "[method]tcp-socket.connect"
    (func $connect (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:sockets/types@0.3.0" "[method]tcp-socket.send"
    (func $send (param i32 i32) (result i32)))
  (import "wasi:sockets/types@0.3.0" "[method]tcp-socket.receive" (func $receive (param i32 i32)))
  (import "wasi:sockets/types@0.3.0" "[stream-new-0][method]tcp-socket.send"
    (func $new (result i64)))
  (import "wasi:sockets/types@0.3.0" "[stream-write-0][method]tcp-socket.send"
    (func $write (param i32 i32 i32) (result i32)))
  (import "wasi:sockets/types@0.3.0" "[stream-drop-writable-0][method]tcp-socket.send"
    (func $end (param i32)))
  (import "wasi:sockets/types@0.3.0" "[future-read-1][method]tcp-socket.send"
    (func $sent (param i32 i32) (result i32)))
  (import "wasi:sockets/types@0.3.0" "[stream-read-0][method]tcp-socket.receive"
    (func $read (param i32 i32 i32) (result i32)))
  (import "wasi:sockets/types@0.3.0" "[future-read-1][method]tcp-socket.receive"
    (func $received (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 500) "ping")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "wasi:cli/run@0.3.0#run") (result i32)
    (local $socket i32) (local $both i64) (local $future i32)
    (call $create (i32.const 0) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then unreachable))
    (local.set $socket (i32.load (i32.const 104)))
    (call $connect (local.get $socket) (i32.const 0) (i32.const {port})
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 120))
    (if (i32.load8_u (i32.const 120)) (then
      (if (i32.load8_u (i32.const 124)) (then unreachable))
      (return (i32.const 1))))
    (local.set $both (call $new))
    (local.set $future (call $send (local.get $socket) (i32.wrap_i64 (local.get $both))))
    (local.set $both (i64.shr_u (local.get $both) (i64.const 32)))
    (if (i32.ne (call $write (i32.wrap_i64 (local.get $both)) (i32.const 500) (i32.const 4))
        (i32.const 64)) (then unreachable))
    (call $end (i32.wrap_i64 (local.get $both)))
    (drop (call $sent (local.get $future) (i32.const 140)))
    (if (i32.load8_u (i32.const 140)) (then unreachable))
    ;; A second time is one too many.
    (local.set $both (call $new))
    (local.set $future (call $send (local.get $socket) (i32.wrap_i64 (local.get $both))))
    (drop (call $sent (local.get $future) (i32.const 140)))
    (if (i32.eqz (i32.load8_u (i32.const 140))) (then unreachable))
    (if (i32.ne (i32.load8_u (i32.const 144)) (i32.const 5)) (then unreachable))
    (call $receive (local.get $socket) (i32.const 160))
    (drop (call $read (i32.load (i32.const 160)) (i32.const 600) (i32.const 4)))
    (if (i32.ne (i32.load (i32.const 600)) (i32.load (i32.const 500))) (then unreachable))
    (if (i32.ne (call $read (i32.load (i32.const 160)) (i32.const 600) (i32.const 4))
        (i32.const 1)) (then unreachable))
    (drop (call $received (i32.load (i32.const 164)) (i32.const 140)))
    (if (i32.load8_u (i32.const 140)) (then unreachable))
    (i32.const 0)))
)";
/// Sends a datagram and wants it back; asks for a name that no rule gives it.
constexpr const char* kUdpGuest3 = R"((module
  (import "wasi:sockets/types@0.3.0" "[static]udp-socket.create" (func $create (param i32 i32)))
  (import "wasi:sockets/types@0.3.0" "[method]udp-socket.send"
    (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:sockets/types@0.3.0" "[method]udp-socket.receive" (func $receive (param i32 i32)))
  (import "wasi:sockets/ip-name-lookup@0.3.0" "resolve-addresses"
    (func $resolve (param i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 500) "ping")
  (data (i32.const 510) "example.com")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "wasi:cli/run@0.3.0#run") (result i32)
    (local $socket i32)
    (call $resolve (i32.const 510) (i32.const 11) (i32.const 100))
    (if (i32.eqz (i32.load8_u (i32.const 100))) (then unreachable))
    (if (i32.load8_u (i32.const 104)) (then unreachable))
    (call $create (i32.const 0) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then unreachable))
    (local.set $socket (i32.load (i32.const 104)))
    (call $send (local.get $socket) (i32.const 500) (i32.const 4) (i32.const 1)
      (i32.const 0) (i32.const {port}) (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 120))
    (if (i32.load8_u (i32.const 120)) (then
      (if (i32.load8_u (i32.const 124)) (then unreachable))
      (return (i32.const 1))))
    (call $receive (local.get $socket) (i32.const 160))
    (if (i32.load8_u (i32.const 160)) (then unreachable))
    (if (i32.ne (i32.load (i32.load (i32.const 164))) (i32.load (i32.const 500)))
      (then unreachable))
    (i32.const 0)))
)";

/// Listens on a port of 127.0.0.1, connects to it and sends "ping"; then the same with datagrams.
/// Fails when it is denied access, traps when anything else goes wrong.
constexpr const char* kLocalGuest = R"((module
  (type $result (func (param i32 i32)))
  (type $addressed
    (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.12" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:sockets/instance-network@0.2.12" "instance-network" (func $network (result i32)))
  (import "wasi:sockets/tcp-create-socket@0.2.12" "create-tcp-socket" (func $create (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.start-bind" (func $bind (type $addressed)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.finish-bind" (func $bound (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.start-listen"
    (func $listen (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.finish-listen"
    (func $listening (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.local-address"
    (func $address (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.accept" (func $accept (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.start-connect"
    (func $connect (type $addressed)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.finish-connect"
    (func $connected (type $result)))
  (import "wasi:sockets/tcp@0.2.12" "[method]tcp-socket.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:sockets/udp-create-socket@0.2.12" "create-udp-socket"
    (func $udp-create (type $result)))
  (import "wasi:sockets/udp@0.2.12" "[method]udp-socket.start-bind"
    (func $udp-bind (type $addressed)))
  (import "wasi:sockets/udp@0.2.12" "[method]udp-socket.finish-bind"
    (func $udp-bound (type $result)))
  (import "wasi:sockets/udp@0.2.12" "[method]udp-socket.local-address"
    (func $udp-address (type $result)))
  (import "wasi:sockets/udp@0.2.12" "[method]udp-socket.stream" (func $stream (type $addressed)))
  (import "wasi:sockets/udp@0.2.12" "[method]outgoing-datagram-stream.check-send"
    (func $may-send (type $result)))
  (import "wasi:sockets/udp@0.2.12" "[method]outgoing-datagram-stream.send"
    (func $send (param i32 i32 i32 i32)))
  (import "wasi:sockets/udp@0.2.12" "[method]incoming-datagram-stream.subscribe"
    (func $arrival (param i32) (result i32)))
  (import "wasi:sockets/udp@0.2.12" "[method]incoming-datagram-stream.receive"
    (func $receive (param i32 i64 i32)))
  (memory (export "memory") 3)
  (data (i32.const 500) "ping")
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top
      (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 15)) (i32.const -16)))
    (local.get $at))
  ;; What follows a result that must be good.
  (func $good (if (i32.load8_u (i32.const 100)) (then unreachable)))
  (func (export "wasi:cli/run@0.2.12#run") (result i32)
    (local $server i32) (local $client i32) (local $port i32)
    (call $create (i32.const 0) (i32.const 100)) (call $good)
    (local.set $server (i32.load (i32.const 104)))
    (call $bind (local.get $server) (call $network) (i32.const 0) (i32.const 0)
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then (return (i32.const 1))))
    (call $bound (local.get $server) (i32.const 100)) (call $good)
    (call $listen (local.get $server) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then (return (i32.const 1))))
    (call $listening (local.get $server) (i32.const 100)) (call $good)
    (call $address (local.get $server) (i32.const 100)) (call $good)
    (local.set $port (i32.load16_u (i32.const 108)))
    (call $create (i32.const 0) (i32.const 100)) (call $good)
    (local.set $client (i32.load (i32.const 104)))
    (call $connect (local.get $client) (call $network) (i32.const 0) (local.get $port)
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100))
    (call $good)
    (call $block (call $subscribe (local.get $server)))
    (call $accept (local.get $server) (i32.const 100)) (call $good)
    (i32.store (i32.const 200) (i32.load (i32.const 108))) ;; its input
    (call $block (call $subscribe (local.get $client)))
    (call $connected (local.get $client) (i32.const 100)) (call $good)
    (call $write (i32.load (i32.const 108)) (i32.const 500) (i32.const 4) (i32.const 100))
    (call $good)
    (call $read (i32.load (i32.const 200)) (i64.const 4) (i32.const 100)) (call $good)
    (if (i32.ne (i32.load (i32.load (i32.const 104))) (i32.load (i32.const 500)))
      (then unreachable))
    ;; Datagrams, to itself.
    (call $udp-create (i32.const 0) (i32.const 100)) (call $good)
    (local.set $server (i32.load (i32.const 104)))
    (call $udp-bind (local.get $server) (call $network) (i32.const 0) (i32.const 0)
      (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100))
    (if (i32.load8_u (i32.const 100)) (then (return (i32.const 1))))
    (call $udp-bound (local.get $server) (i32.const 100)) (call $good)
    (call $udp-address (local.get $server) (i32.const 100)) (call $good)
    (local.set $port (i32.load16_u (i32.const 108)))
    (call $stream (local.get $server) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100))
    (call $good)
    (i32.store (i32.const 200) (i32.load (i32.const 104))) ;; incoming
    (i32.store (i32.const 204) (i32.load (i32.const 108))) ;; outgoing
    (call $may-send (i32.load (i32.const 204)) (i32.const 104)) ;; aligned for 64 bits
    (if (i32.load8_u (i32.const 104)) (then unreachable))
    (if (i64.eqz (i64.load (i32.const 112))) (then unreachable))
    (i32.store (i32.const 300) (i32.const 500)) ;; data
    (i32.store (i32.const 304) (i32.const 4))
    (i32.store8 (i32.const 308) (i32.const 1)) ;; some address, of version 4
    (i32.store16 (i32.const 316) (local.get $port))
    (i32.store (i32.const 318) (i32.const 0x0100007f))
    (call $send (i32.load (i32.const 204)) (i32.const 300) (i32.const 1) (i32.const 104))
    (if (i32.load8_u (i32.const 104)) (then (return (i32.const 1))))
    (if (i64.ne (i64.load (i32.const 112)) (i64.const 1)) (then unreachable))
    (call $block (call $arrival (i32.load (i32.const 200))))
    (call $receive (i32.load (i32.const 200)) (i64.const 1) (i32.const 100)) (call $good)
    (if (i32.ne (i32.load (i32.const 108)) (i32.const 1)) (then unreachable))
    (if (i32.ne (i32.load (i32.load (i32.load (i32.const 104)))) (i32.load (i32.const 500)))
      (then unreachable))
    (i32.const 0)))
)";

class SocketsComponentTest : public testing::Test {
 protected:
  SocketsComponentTest()
      : listener_(*net::listen_on(*net::Address::parse("127.0.0.1:0"), 8, true)) {
    port_ = net::local_address(listener_)->port();
    component_ = make("p2", kWorld, "guest", with_port(kGuest, port_));
  }
  static std::string with_port(std::string guest, uint16_t port) {
    return guest.replace(guest.find("{port}"), 6, std::to_string(port));
  }
  /// A component, with the packages of wit/PACKAGES.
  std::string make(const std::string& packages, const char* world, const std::string& name,
                   const std::string& text) {
    namespace fs = std::filesystem;
    const std::string folder = folder_.path() + "/" + name;
    fs::create_directories(folder + "/wit");
    fs::copy(test::root_path(("wit/" + packages + "/deps").c_str()), folder + "/wit/deps");
    folder_.write(name + "/wit/world.wit", world);
    std::string core = folder_.write(name + "/core.wat", text);
    sedge({"component", "embed", "--wit", folder + "/wit", "--world", "guest", core, "-o",
           folder + "/core.wasm"});
    // What runs it validates it, with the features that it needs.
    test::Outcome made = sedge(
        {"component", "new", "--no-validate", folder + "/core.wasm", "-o", folder + "/guest.wasm"});
    EXPECT_EQ(made.status, 0) << made.err;
    return folder + "/guest.wasm";
  }
  test::Outcome sedge(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), test::program_path().string());
    return test::run_program(arguments);
  }
  test::Outcome run(std::vector<std::string> options) {
    options.insert(options.begin(), "run");
    options.push_back(component_);
    return sedge(std::move(options));
  }
  /// Echoes what one connection sends, while `body` runs.
  template <typename Body>
  void with_echo(const Body& body) {
    std::thread server([this] {
      pollfd one{listener_.get(), POLLIN, 0};
      ::poll(&one, 1, 120'000);  // a test that hangs fails instead
      Fd socket(::accept(listener_.get(), nullptr, nullptr));
      char bytes[64];
      ssize_t count = ::recv(socket.get(), bytes, sizeof bytes, 0);
      if (count > 0) ::send(socket.get(), bytes, static_cast<size_t>(count), MSG_NOSIGNAL);
    });
    body();
    server.join();
  }

  Fd listener_;
  uint16_t port_ = 0;
  test::TempFolder folder_;
  std::string component_;
};

TEST_F(SocketsComponentTest, AreDeniedWithoutARule) {
  test::Outcome outcome = run({});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_NE(outcome.err.find(fmt::format("--net tcp:127.0.0.1:{} lets it", port_)),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(run({"--net", "tcp:127.0.0.1:1"}).status, 1);
  EXPECT_EQ(run({"--net", "tcp:*:*", "--net", "deny:tcp:127.0.0.0/8:*"}).status, 1);
  EXPECT_EQ(run({"-S", "inherit-network,tcp=n"}).status, 1);
}

TEST_F(SocketsComponentTest, ConnectWhereARuleAllows) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--net", fmt::format("tcp:127.0.0.1:{}", port_)},
        {"--net", "tcp:127.0.0.0/8:*"},
        {"-S", "inherit-network"},
        {"--network"}})
    with_echo([&] {
      test::Outcome outcome = run(options);
      EXPECT_EQ(outcome.status, 0) << options[0] << ": " << outcome.err;
    });
}

TEST_F(SocketsComponentTest, ConnectThroughStreamsOfWasi3) {
  component_ = make("p3", kWorld3, "tcp3", with_port(kTcpGuest3, port_));
  // It reads and writes streams synchronously.
  const std::string feature = "--features=+cm-more-async-builtins";
  test::Outcome outcome = run({feature});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_NE(outcome.err.find(fmt::format("--net tcp:127.0.0.1:{} lets it", port_)),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(run({feature, "-S", "inherit-network,tcp=n"}).status, 1);
  with_echo([&] {
    outcome = run({feature, "--net", fmt::format("tcp:127.0.0.1:{}", port_)});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  });
}

TEST_F(SocketsComponentTest, ExchangeDatagramsOfWasi3) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  net::Address any = *net::Address::parse("127.0.0.1:0");
  ASSERT_EQ(::bind(socket.get(), any.get(), any.size()), 0);
  uint16_t port = net::local_address(socket)->port();
  component_ = make("p3", kWorld3, "udp3", with_port(kUdpGuest3, port));
  test::Outcome outcome = run({"-S", "inherit-network,udp=n"});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_NE(outcome.err.find(fmt::format("--net udp:127.0.0.1:{} lets it", port)),
            std::string::npos)
      << outcome.err;
  std::thread server([&] {
    pollfd one{socket.get(), POLLIN, 0};
    ::poll(&one, 1, 120'000);  // a test that hangs fails instead
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    char bytes[64];
    ssize_t count = ::recvfrom(socket.get(), bytes, sizeof bytes, MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&from), &size);
    if (count > 0)
      ::sendto(socket.get(), bytes, static_cast<size_t>(count), 0,
               reinterpret_cast<sockaddr*>(&from), size);
  });
  outcome = run({"--net", fmt::format("udp:127.0.0.1:{}", port)});
  server.join();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(SocketsComponentTest, ListenAndSendDatagramsWhereARuleAllows) {
  component_ = make("p2", kWorld, "local", kLocalGuest);
  test::Outcome outcome = run({"--network"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(run({}).status, 1);
  // Each of the three uses has a rule of its own.
  EXPECT_EQ(run({"--net", "tcp:127.0.0.1:*"}).status, 1);
  EXPECT_EQ(run({"--net", "tcp:127.0.0.1:*", "--net", "tcp-listen:127.0.0.1:*"}).status, 1);
  outcome = run(
      {"--net", "tcp:127.0.0.1:*", "--net", "tcp-listen:127.0.0.1:*", "--net", "udp:127.0.0.1:*"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(SocketsComponentTest, SayWhatIsNoRule) {
  test::Outcome outcome = run({"--net", "tcp:127.0.0.1"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find("network rule `tcp:127.0.0.1`: it has no port"), std::string::npos);
  EXPECT_EQ(run({"-S", "htp"}).status, 2);
}

}  // namespace
}  // namespace sedge
