// What a guest says of where its requests go, and what a configuration says of where they may: the
// authority, path and scheme of wasi:http, listen addresses, and the rules of --net and
// --http-allow. The input is lines: authority, path, scheme, then rules.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "net/address.h"
#include "net/chars.h"
#include "net/rules.h"
#include "wasi/http/message.h"

namespace {

using namespace sedge;
using fuzz::require;
using net::Address;
using net::NetRules;
using wasi::http::Authority;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// Whether nothing in it could end a line, or a request's target.
bool is_harmless(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) > 0x20; });
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 0x20);
  return text;
}

void check_address(std::string_view text) {
  if (auto address = Address::parse(text)) {
    const std::string shown = address->to_string();
    auto again = Address::parse(shown);
    require(again && again->to_string() == shown, "an address reads back");
    require(Address::literal(address->ip()).has_value(), "its host is a literal");
    require(is_harmless(text), "an address has no control characters");
  }
  if (auto literal = Address::literal(text)) {
    auto again = Address::literal(literal->ip());
    require(again && again->ip() == literal->ip(), "a literal reads back");
    require(is_harmless(text), "a literal has no control characters");
    require(literal->is_v6() || !text.starts_with('['), "brackets are for IPv6");
  }
}

std::optional<Authority> check_authority(std::string_view text) {
  std::optional<Authority> authority = wasi::http::parse_authority(text);
  if (!authority) return std::nullopt;
  require(is_harmless(text) && text.find_first_of("/?#\\") == std::string_view::npos,
          "an authority ends where a path begins");
  require(!authority->host.empty(), "an authority has a host");
  require(authority->has_user == text.contains('@'), "a user is seen");
  const bool v6 = authority->host.contains(':');
  std::string again = v6 ? "[" + authority->host + "]" : authority->host;
  if (authority->port) again += ":" + std::to_string(*authority->port);
  auto parsed = wasi::http::parse_authority(again);
  require(parsed && !parsed->has_user && parsed->host == authority->host &&
              parsed->port == authority->port,
          "an authority reads back");
  return authority;
}

void check_request(std::string_view authority, std::string_view path) {
  using Scheme = wasi::http::RequestHead::Scheme;
  const std::optional<std::string> host(authority), target(path);
  for (Scheme scheme : {Scheme::unset, Scheme::http, Scheme::https, Scheme::other}) {
    auto request = wasi::http::client_request({"GET", scheme, host, target}, {});
    if (!request) continue;
    require(scheme != Scheme::other, "only known schemes are spoken");
    require(!request->host.empty() && !request->authority.contains('@'), "no user is sent");
    require(is_harmless(request->authority) && is_harmless(request->target),
            "a request line has no other lines in it");
    require(request->target.starts_with('/') || request->target == "*", "a target is a path");
    require(request->tls == (scheme != Scheme::http), "https is the default");
  }
}

/// A rule that denies wins over every other, however the host is written.
void check_rules(const std::vector<std::string_view>& texts, const Authority& to, bool http) {
  auto asks = [&](const NetRules& rules, const std::string& host) {
    const uint16_t port = to.port.value_or(443);
    if (http) return rules.allows_http(host, port, true);
    auto address = Address::literal(host);
    if (!address) return rules.allows_lookup(host);
    return rules.allows(NetRules::Use::tcp_connect, address->with_port(port), {});
  };
  auto add = [&](NetRules& rules, std::string_view text) {
    auto added = http ? rules.add_http(text) : rules.add(text);
    if (!added) require(!added.error().message().empty(), "an error has a message");
    return added.has_value();
  };
  NetRules rules, backwards, closed;
  bool some = false;
  for (std::string_view text : texts) {
    if (!add(rules, text)) continue;
    some = true;
    require(add(closed, text), "a rule can be given again");
    if (!text.starts_with("deny:"))
      require(add(closed, "deny:" + std::string(text)), "what can be allowed can be denied");
  }
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) add(backwards, *text);
  const bool allowed = asks(rules, to.host);
  require(!allowed || some, "nothing is allowed unless a rule says so");
  require(asks(backwards, to.host) == allowed, "the order of rules does not count");
  require(asks(rules, upper(to.host)) == allowed, "the case of names does not count");
  // A name may be resolved while some of its ports are allowed.
  if (http || Address::literal(to.host))
    require(!asks(closed, to.host), "what is denied is not allowed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string_view> lines =
      lines_of({reinterpret_cast<const char*>(data), std::min<size_t>(size, 4096)});
  lines.resize(std::max<size_t>(lines.size(), 3));
  for (std::string_view line : lines) check_address(line);
  auto authority = check_authority(lines[0]);
  check_request(lines[0], lines[1]);
  if (wasi::http::is_path(lines[1]))
    require(is_harmless(lines[1]) && !lines[1].contains('#'), "a path is one");
  if (wasi::http::is_scheme(lines[2])) require(is_harmless(lines[2]), "a scheme is one");
  const std::vector<std::string_view> rules(lines.begin() + 3, lines.end());
  for (bool http : {false, true})
    check_rules(rules, authority.value_or(Authority{.host = "a"}), http);
  return 0;
}
