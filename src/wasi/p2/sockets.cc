// Addresses, errors, options, names, and the linking of wasi:sockets.
#include "wasi/p2/sockets.h"

#include <mutex>
#include <utility>

#include "p2/wasi/sockets/instance-network.h"
#include "p2/wasi/sockets/ip-name-lookup.h"
#include "wasi/p2/signal.h"

namespace sedge::wasi::p2 {

network::ErrorCode to_code(SocketError error) {
  using Code = network::ErrorCode;
  static_assert(static_cast<int>(Code::would_block) == static_cast<int>(SocketError::would_block));
  static_assert(static_cast<int>(Code::datagram_too_large) ==
                static_cast<int>(SocketError::datagram_too_large));
  static_assert(static_cast<int>(Code::permanent_resolver_failure) ==
                static_cast<int>(SocketError::permanent_resolver_failure));
  if (error == SocketError::connection_broken) return Code::connection_reset;
  return static_cast<Code>(error);
}

namespace {

namespace lookup = bindings::p2::wasi::sockets::ip_name_lookup;
namespace instance = bindings::p2::wasi::sockets::instance_network;

/// The addresses of one name, as they come from the resolver's thread.
struct Lookup {
  std::mutex mutex;
  std::optional<net::Resolved> resolved;  // guarded by mutex
  std::shared_ptr<Signal> signal = std::make_shared<Signal>();

  bool ready() {
    std::lock_guard lock(mutex);
    return resolved.has_value();
  }
};

class AddressStream final : public lookup::ResolveAddressStream {
 public:
  AddressStream(std::shared_ptr<Lookup> found, std::string name)
      : lookup_(std::move(found)), name_(std::move(name)) {}

  Socketed<std::optional<network::IpAddress>> resolve_next_address(Store& store) override {
    std::lock_guard lock(lookup_->mutex);
    if (!lookup_->resolved) return refused(SocketError::would_block);
    if (!*lookup_->resolved) return refused(lookup_error(lookup_->resolved->error()));
    const std::vector<net::Address>& addresses = **lookup_->resolved;
    if (next_ == 0) {
      SEDGE_TRY_ASSIGN(GuestNetwork * guest, network_of(store));
      guest->authority->note_lookup(name_, addresses);
    }
    if (next_ == addresses.size()) return std::optional<network::IpAddress>();
    return std::optional(ip_of<network::IpAddress>(addresses[next_++]));
  }
  Result<std::unique_ptr<lookup::Pollable>> subscribe(Store&) override {
    return pollable(
        [lookup = lookup_] { return lookup->signal->condition([&] { return lookup->ready(); }); });
  }

 private:
  std::shared_ptr<Lookup> lookup_;
  std::string name_;
  size_t next_ = 0;
};

class LookupHost final : public lookup::Host {
 public:
  Socketed<std::unique_ptr<lookup::ResolveAddressStream>> resolve_addresses(
      Store& store, network::Network&, std::string name) override {
    SEDGE_TRY_ASSIGN(Context * guest, context_of(store));
    if (auto may = may_look_up(*guest, name); !may) return refused(may.error());
    auto found = std::make_shared<Lookup>();
    guest->network().network->resolver().resolve(name, [found](net::Resolved resolved) {
      {
        std::lock_guard lock(found->mutex);
        found->resolved = std::move(resolved);
      }
      found->signal->raise();
    });
    return std::unique_ptr<lookup::ResolveAddressStream>(
        std::make_unique<AddressStream>(std::move(found), std::move(name)));
  }
};

class NetworkResource final : public network::Network {};

class InstanceHost final : public instance::Host {
 public:
  Result<std::unique_ptr<network::Network>> instance_network(Store&) override {
    return std::make_unique<NetworkResource>();
  }
};

class NetworkHost final : public network::Host {
 public:
  Result<std::optional<network::ErrorCode>> network_error_code(Store&,
                                                               network::Error& error) override {
    const auto* ours = dynamic_cast<const SocketIoError*>(&error);
    if (!ours) return std::nullopt;
    return to_code(socket_error(ours->value().value_or(Errno::io)));
  }
};

}  // namespace

void link_sockets(ComponentLinker& linker) {
  network::add_to_linker(linker, [](Store&) -> network::Host& {
    static NetworkHost found;
    return found;
  });
  instance::add_to_linker(linker, [](Store&) -> instance::Host& {
    static InstanceHost found;
    return found;
  });
  lookup::add_to_linker(linker, [](Store&) -> lookup::Host& {
    static LookupHost found;
    return found;
  });
  link_tcp(linker);
  link_udp(linker);
}

}  // namespace sedge::wasi::p2
