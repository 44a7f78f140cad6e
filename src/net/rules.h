// What guests may reach of the network. Without a rule: nothing. A rule that denies wins over every
// one that allows.
#ifndef SEDGE_NET_RULES_H_
#define SEDGE_NET_RULES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

#include "net/address.h"

namespace sedge::net {

/// The rules of one configuration; constant once guests run.
class NetRules {
 public:
  enum class Use : uint8_t { tcp_connect, tcp_listen, udp, lookup };

  /// `[deny:]USE:HOST:PORT`. USE is `tcp` (connect), `tcp-listen` or `udp`; HOST an address
  /// (`10.0.0.1`, `[::1]`), a network (`10.0.0.0/8`), a name, `*.NAME` or `*`; PORT a number, a
  /// range (`8000-8999`) or `*`. A rule with a name also lets it be resolved; `dns:NAME` only that.
  /// Errors: bad_argument.
  Result<void> add(std::string_view text);
  /// `[deny:]HOST[:PORT]` for requests of HTTP; without PORT: 80 for http and 443 for https, and
  /// with `*` as HOST any. Errors: bad_argument.
  Result<void> add_http(std::string_view text);
  /// Everything of one use.
  void allow_all(Use use);
  void allow_all_http();

  /// Whether there is any rule that allows this use.
  bool allows_some(Use use) const;
  bool allows_some_http() const { return !http_.empty(); }
  /// `names`: under which the address was found.
  bool allows(Use use, const Address& address, const std::set<std::string>& names) const;
  bool allows_lookup(std::string_view name) const;
  bool allows_http(std::string_view host, uint16_t port, bool tls) const;
  /// Whether connections to the address are denied, whatever is allowed; for requests of HTTP.
  bool denies_connect(const Address& address) const;

 private:
  struct Host {
    std::string name;            // lower case; of an address or network: empty
    bool any = false;            // `*`
    bool below = false;          // `*.NAME`
    std::vector<uint8_t> bytes;  // of an address
    uint32_t prefix = 0;         // bits that count
    bool matches(std::string_view host) const;
    bool matches(std::span<const uint8_t> address) const;
  };
  struct Rule {
    bool deny = false;
    Use use = Use::tcp_connect;
    Host host;
    uint16_t first_port = 0;
    uint16_t last_port = UINT16_MAX;
    bool default_port = false;  // of http and https
    bool covers(uint16_t port) const { return port >= first_port && port <= last_port; }
  };
  static Result<Host> parse_host(std::string_view whole, std::string_view text);
  static Result<void> parse_port(std::string_view whole, std::string_view text, Rule& rule);

  std::vector<Rule> rules_;
  std::vector<Rule> http_;
};

/// The rules as one guest sees them: an address that it found by resolving a name may be used where
/// the name may be. Thread-safe.
class NetAuthority {
 public:
  explicit NetAuthority(std::shared_ptr<const NetRules> rules) : rules_(std::move(rules)) {}
  const NetRules& rules() const { return *rules_; }
  void note_lookup(std::string_view name, std::span<const Address> addresses);
  bool allows(NetRules::Use use, const Address& address) const;

 private:
  std::shared_ptr<const NetRules> rules_;
  mutable std::mutex mutex_;
  std::map<std::vector<uint8_t>, std::set<std::string>> found_;  // guarded by mutex_
};

}  // namespace sedge::net

#endif  // SEDGE_NET_RULES_H_
