// Parsing and matching of rules. Names are compared without case and without a final dot.
#include "net/rules.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "net/chars.h"

namespace sedge::net {
namespace {

constexpr size_t kMaxFound = 4096;  // addresses that are remembered with their names
constexpr std::string_view kDeny = "deny:";

std::string lower_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out(name);
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

std::unexpected<Error> bad_rule(std::string_view whole, std::string_view why,
                                std::string_view remedy) {
  return fail(Error(ErrorCode::bad_argument, fmt::format(": network rule `{}`: {}", whole, why))
                  .with_remedy(std::string(remedy)));
}

constexpr std::string_view kForm =
    "write tcp:HOST:PORT, tcp-listen:HOST:PORT, udp:HOST:PORT or dns:NAME, for example "
    "tcp:127.0.0.1:5432 or deny:tcp:10.0.0.0/8:*";

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts the port off: what is behind the last colon that is not within brackets.
std::optional<std::string_view> cut_port(std::string_view& text) {
  size_t colon = text.rfind(':');
  size_t bracket = text.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && bracket > colon))
    return std::nullopt;
  std::string_view port = text.substr(colon + 1);
  text = text.substr(0, colon);
  return port;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '.' ||
           c == '_';
  });
}

}  // namespace

Result<NetRules::Host> NetRules::parse_host(std::string_view whole, std::string_view text) {
  Host host;
  if (text == "*") {
    host.any = true;
    return host;
  }
  std::string_view address = text.substr(0, text.find('/'));
  if (std::optional<Address> literal = Address::literal(address)) {
    std::span<const uint8_t> bytes = literal->bytes();
    host.bytes.assign(bytes.begin(), bytes.end());
    host.prefix = static_cast<uint32_t>(bytes.size() * 8);
    if (address.size() < text.size()) {
      std::optional<uint32_t> prefix = number<uint32_t>(text.substr(address.size() + 1));
      if (!prefix || *prefix > host.prefix)
        return bad_rule(whole, "the network's prefix is not a number of bits", kForm);
      host.prefix = *prefix;
    }
    return host;
  }
  if (text.starts_with("*.")) {
    host.below = true;
    text.remove_prefix(2);
  }
  if (!is_name(text)) return bad_rule(whole, "the host is no address, network or name", kForm);
  host.name = lower_name(text);
  return host;
}

Result<void> NetRules::parse_port(std::string_view whole, std::string_view text, Rule& rule) {
  if (text == "*") return {};
  size_t dash = text.find('-');
  std::optional<uint16_t> first = number<uint16_t>(text.substr(0, dash));
  std::optional<uint16_t> last =
      dash == std::string_view::npos ? first : number<uint16_t>(text.substr(dash + 1));
  if (!first || !last || *first > *last)
    return bad_rule(whole, "the port is no number, range or `*`", kForm);
  rule.first_port = *first;
  rule.last_port = *last;
  return {};
}

Result<void> NetRules::add(std::string_view text) {
  std::string_view whole = text;
  Rule rule;
  if (text.starts_with(kDeny)) {
    rule.deny = true;
    text.remove_prefix(kDeny.size());
  }
  size_t colon = text.find(':');
  std::string_view use = text.substr(0, colon);
  std::string_view rest =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (use == "tcp")
    rule.use = Use::tcp_connect;
  else if (use == "tcp-listen")
    rule.use = Use::tcp_listen;
  else if (use == "udp")
    rule.use = Use::udp;
  else if (use == "dns")
    rule.use = Use::lookup;
  else
    return bad_rule(whole, "it does not begin with tcp, tcp-listen, udp or dns", kForm);
  if (rule.use != Use::lookup) {
    std::optional<std::string_view> port = cut_port(rest);
    if (!port) return bad_rule(whole, "it has no port", kForm);
    SEDGE_TRY(parse_port(whole, *port, rule));
  }
  SEDGE_TRY_ASSIGN(rule.host, parse_host(whole, rest));
  rules_.push_back(std::move(rule));
  return {};
}

Result<void> NetRules::add_http(std::string_view text) {
  std::string_view whole = text;
  Rule rule;
  if (text.starts_with(kDeny)) {
    rule.deny = true;
    text.remove_prefix(kDeny.size());
  }
  if (std::optional<std::string_view> port = cut_port(text)) {
    SEDGE_TRY(parse_port(whole, *port, rule));
  } else {
    // A host that is denied is denied on every port.
    rule.default_port = !rule.deny && text != "*";
  }
  SEDGE_TRY_ASSIGN(rule.host, parse_host(whole, text));
  http_.push_back(std::move(rule));
  return {};
}

void NetRules::allow_all(Use use) {
  Rule rule;
  rule.use = use;
  rule.host.any = true;
  rules_.push_back(std::move(rule));
}

void NetRules::allow_all_http() {
  Rule rule;
  rule.host.any = true;
  http_.push_back(std::move(rule));
}

bool NetRules::Host::matches(std::string_view host) const {
  if (any) return true;
  if (std::optional<Address> literal = Address::literal(host)) return matches(literal->bytes());
  if (name.empty()) return false;
  std::string lower = lower_name(host);
  if (!below) return lower == name;
  return lower.size() > name.size() + 1 && lower.ends_with(name) &&
         lower[lower.size() - name.size() - 1] == '.';
}

bool NetRules::Host::matches(std::span<const uint8_t> address) const {
  if (any) return true;
  if (bytes.size() != address.size()) return false;
  for (uint32_t bit = 0; bit < prefix; bit += 8) {
    uint8_t mask = prefix - bit >= 8 ? 0xff : static_cast<uint8_t>(0xff << (8 - (prefix - bit)));
    if (((bytes[bit / 8] ^ address[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

bool NetRules::allows_some(Use use) const {
  return std::ranges::any_of(rules_,
                             [&](const Rule& rule) { return !rule.deny && rule.use == use; });
}

bool NetRules::allows(Use use, const Address& address, const std::set<std::string>& names) const {
  bool allowed = false;
  for (const Rule& rule : rules_) {
    if (rule.use != use || !rule.covers(address.port())) continue;
    bool matches = rule.host.matches(address.bytes()) ||
                   std::ranges::any_of(
                       names, [&](const std::string& name) { return rule.host.matches(name); });
    if (!matches) continue;
    if (rule.deny) return false;
    allowed = true;
  }
  return allowed;
}

bool NetRules::allows_lookup(std::string_view name) const {
  bool allowed = false;
  for (const Rule& rule : rules_) {
    // `tcp:*:443` says which ports, not that names are resolved.
    bool counts = rule.use == Use::lookup || !rule.host.name.empty();
    if (!counts || !rule.host.matches(name)) continue;
    bool whole = rule.use == Use::lookup || (rule.first_port == 0 && rule.last_port == UINT16_MAX);
    if (rule.deny && whole) return false;
    allowed |= !rule.deny;
  }
  return allowed;
}

bool NetRules::allows_http(std::string_view host, uint16_t port, bool tls) const {
  bool allowed = false;
  for (const Rule& rule : http_) {
    if (!rule.host.matches(host)) continue;
    if (rule.default_port ? port != (tls ? 443 : 80) : !rule.covers(port)) continue;
    if (rule.deny) return false;
    allowed = true;
  }
  return allowed;
}

bool NetRules::denies_connect(const Address& address) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return rule.deny && rule.use == Use::tcp_connect && rule.covers(address.port()) &&
           rule.host.matches(address.bytes());
  });
}

void NetAuthority::note_lookup(std::string_view name, std::span<const Address> addresses) {
  std::lock_guard lock(mutex_);
  for (const Address& address : addresses) {
    if (found_.size() >= kMaxFound) return;
    std::span<const uint8_t> bytes = address.bytes();
    found_[std::vector<uint8_t>(bytes.begin(), bytes.end())].insert(lower_name(name));
  }
}

bool NetAuthority::allows(NetRules::Use use, const Address& address) const {
  std::span<const uint8_t> bytes = address.bytes();
  std::lock_guard lock(mutex_);
  auto found = found_.find(std::vector<uint8_t>(bytes.begin(), bytes.end()));
  return rules_->allows(use, address,
                        found == found_.end() ? std::set<std::string>() : found->second);
}

}  // namespace sedge::net
