// See network.h.
#include "wasi/network.h"

#include <utility>

namespace sedge::wasi {
namespace {

constexpr uint64_t kGuestMemory = 16 << 20;

}  // namespace

Result<std::shared_ptr<Network>> make_network(const NetworkRules& rules) {
  auto parsed = std::make_shared<net::NetRules>();
  for (const std::string& rule : rules.net) SEDGE_TRY(parsed->add(rule));
  for (const std::string& rule : rules.http) SEDGE_TRY(parsed->add_http(rule));
  using Use = net::NetRules::Use;
  if (rules.all_tcp) {
    parsed->allow_all(Use::tcp_connect);
    parsed->allow_all(Use::tcp_listen);
  }
  if (rules.all_udp) parsed->allow_all(Use::udp);
  if (rules.all_names) parsed->allow_all(Use::lookup);
  if (rules.all_http) parsed->allow_all_http();
  return std::make_shared<Network>(std::move(parsed));
}

Result<std::shared_ptr<net::HttpClient>> Network::client() {
  std::lock_guard lock(mutex_);
  if (!client_) {
    SEDGE_TRY_ASSIGN(client_, net::HttpClient::start());
  }
  return client_;
}

GuestNetwork::GuestNetwork(std::shared_ptr<Network> shared_network)
    : network(shared_network ? std::move(shared_network)
                             : std::make_shared<Network>(std::make_shared<net::NetRules>())),
      authority(std::make_shared<net::NetAuthority>(network->rules())),
      memory(std::make_shared<net::BodyBudget>(kGuestMemory)) {}

Result<Context*> context_of(Store& store) {
  if (auto* context = store.data<Context>()) return context;
  return fail(ErrorCode::host_failure, ": the store has no WASI context (Store::set_data)");
}

Result<GuestNetwork*> network_of(Store& store) {
  SEDGE_TRY_ASSIGN(Context * context, context_of(store));
  return &context->network();
}

}  // namespace sedge::wasi
