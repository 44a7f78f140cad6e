// Errors, waiting, names, and the linking of wasi:sockets 0.3.
#include "wasi/p3/sockets.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "p3/wasi/sockets/ip-name-lookup.h"
#include "wasi/p2/guest.h"

namespace sedge::wasi::p3 {

types::ErrorCode to_code(SocketError error) {
  using Code = types::ErrorCode;
  switch (error) {
    case SocketError::access_denied:
      return {Code::AccessDenied{}};
    case SocketError::not_supported:
      return {Code::NotSupported{}};
    case SocketError::invalid_argument:
      return {Code::InvalidArgument{}};
    case SocketError::out_of_memory:
      return {Code::OutOfMemory{}};
    case SocketError::timeout:
      return {Code::Timeout{}};
    case SocketError::invalid_state:
    case SocketError::concurrency_conflict:
    case SocketError::not_in_progress:
      return {Code::InvalidState{}};
    case SocketError::address_not_bindable:
      return {Code::AddressNotBindable{}};
    case SocketError::address_in_use:
      return {Code::AddressInUse{}};
    case SocketError::remote_unreachable:
      return {Code::RemoteUnreachable{}};
    case SocketError::connection_refused:
      return {Code::ConnectionRefused{}};
    case SocketError::connection_broken:
      return {Code::ConnectionBroken{}};
    case SocketError::connection_reset:
      return {Code::ConnectionReset{}};
    case SocketError::connection_aborted:
      return {Code::ConnectionAborted{}};
    case SocketError::datagram_too_large:
      return {Code::DatagramTooLarge{}};
    case SocketError::new_socket_limit:
      return {Code::Other{std::optional<std::string>("too many open descriptors")}};
    case SocketError::unknown:
    case SocketError::would_block:
    case SocketError::name_unresolvable:
    case SocketError::temporary_resolver_failure:
    case SocketError::permanent_resolver_failure:
      break;
  }
  return {Code::Other{}};
}

// ---- Waiting

namespace {

/// The loop owns it while the socket is waited for; the call knows it weakly.
class Attempts : public std::enable_shared_from_this<Attempts> {
 public:
  Attempts(Store& store, SharedSocket socket, short events, std::function<bool()> attempt)
      : loop_(ComponentLoop::of(store)),
        socket_(std::move(socket)),
        events_(events),
        attempt_(std::move(attempt)) {}

  void next() {
    if (attempt_()) return;
    waiting_ =
        loop_.when(socket_->get(), events_, [self = shared_from_this()](short) { self->next(); });
  }
  void stop() { loop_.cancel(waiting_); }

 private:
  ComponentLoop loop_;
  SharedSocket socket_;
  short events_;
  std::function<bool()> attempt_;
  uint64_t waiting_ = 0;
};

}  // namespace

void attempt_when(Store& store, const ComponentCompletion& call, const SharedSocket& socket,
                  short events, std::function<bool()> attempt, std::function<void()> stopped) {
  auto attempts = std::make_shared<Attempts>(store, socket, events, std::move(attempt));
  // The call is a handle of what it ends, so that this does not keep it.
  call.on_cancel([weak = std::weak_ptr(attempts), weak_call = std::weak_ptr(call.impl),
                  stopped = std::move(stopped)] {
    // First of all: what waits may hold the last handle of the call.
    ComponentCompletion ended;
    ended.impl = weak_call.lock();
    if (auto waiting = weak.lock()) waiting->stop();
    if (stopped) stopped();
    if (ended.impl) ended.cancelled();
  });
  attempts->next();
}

// ---- Names

namespace {

namespace names = bindings::p3::wasi::sockets::ip_name_lookup;
using Addresses = Outcome<std::vector<names::IpAddress>, names::ErrorCode>;

names::ErrorCode to_name_code(SocketError error) {
  using Code = names::ErrorCode;
  switch (error) {
    case SocketError::access_denied:
      return {Code::AccessDenied{}};
    case SocketError::invalid_argument:
      return {Code::InvalidArgument{}};
    case SocketError::name_unresolvable:
      return {Code::NameUnresolvable{}};
    case SocketError::temporary_resolver_failure:
      return {Code::TemporaryResolverFailure{}};
    case SocketError::permanent_resolver_failure:
      return {Code::PermanentResolverFailure{}};
    default:
      return {Code::Other{}};
  }
}

Addresses found(Context& guest, const std::string& name, const net::Resolved& resolved) {
  if (!resolved) return host::err(to_name_code(lookup_error(resolved.error())));
  guest.network().authority->note_lookup(name, *resolved);
  std::vector<names::IpAddress> out;
  for (const net::Address& address : *resolved) out.push_back(ip_of<names::IpAddress>(address));
  return out;
}

struct Names final : names::Host {
  void resolve_addresses(Store& store, host::Completion<Addresses> done,
                         std::string name) override {
    auto guest = context_of(store);
    if (!guest) return done.fail(std::move(guest).error());
    if (auto may = may_look_up(**guest, name); !may)
      return done.resolve(host::err(to_name_code(may.error())));
    ComponentLoop loop = ComponentLoop::of(store);
    (*guest)->network().network->resolver().resolve(
        name, [done = std::move(done), name, remote = loop.remote(),
               expected = loop.expect()](net::Resolved resolved) {
          // Answers come on the resolver's thread, or at once.
          remote.post([done, name, resolved = std::move(resolved)](Store& of) {
            auto context = context_of(of);
            if (!context) return done.fail(std::move(context).error());
            done.resolve(found(**context, name, resolved));
          });
        });
  }
};

struct Types final : types::Host {
  Socketed<std::unique_ptr<types::TcpSocket>> tcp_socket_create(
      Store& store, types::IpAddressFamily family) override {
    return create_tcp(store, family == types::IpAddressFamily::ipv6);
  }
  Socketed<std::unique_ptr<types::UdpSocket>> udp_socket_create(
      Store& store, types::IpAddressFamily family) override {
    return create_udp(store, family == types::IpAddressFamily::ipv6);
  }
};

}  // namespace

void link_sockets(ComponentLinker& linker) {
  types::add_to_linker(linker, p2::single<Types, types::Host>);
  names::add_to_linker(linker, p2::single<Names, names::Host>);
}

}  // namespace sedge::wasi::p3
