// What guests reach the network with: the rules, the client of HTTP and the resolver, shared by all
// guests of a configuration; and what each guest has of its own.
#ifndef SEDGE_WASI_NETWORK_H_
#define SEDGE_WASI_NETWORK_H_

#include <memory>
#include <mutex>

#include <sedge/error.h>
#include <sedge/wasi.h>

#include "net/body_budget.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/rules.h"

namespace sedge::wasi {

/// Thread-safe.
class Network {
 public:
  explicit Network(std::shared_ptr<const net::NetRules> rules) : rules_(std::move(rules)) {}

  const std::shared_ptr<const net::NetRules>& rules() const { return rules_; }
  /// Started when it is first needed. Errors: io.
  Result<std::shared_ptr<net::HttpClient>> client();
  net::Resolver& resolver() { return resolver_; }

 private:
  const std::shared_ptr<const net::NetRules> rules_;
  std::mutex mutex_;
  std::shared_ptr<net::HttpClient> client_;  // guarded by mutex_
  net::Resolver resolver_;
};

/// One guest's part of it.
struct GuestNetwork {
  explicit GuestNetwork(std::shared_ptr<Network> shared_network);

  std::shared_ptr<Network> network;
  std::shared_ptr<net::NetAuthority> authority;
  /// Host memory that header fields and content in transit may take.
  std::shared_ptr<net::BodyBudget> memory;
};

/// Error: host_failure, if the embedder gave the store no Context.
Result<Context*> context_of(Store& store);
Result<GuestNetwork*> network_of(Store& store);

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_NETWORK_H_
