// Rules: what they allow, what denies, and what is no rule.
#include "net/rules.h"

#include <gtest/gtest.h>

namespace sedge::net {
namespace {

using Use = NetRules::Use;

std::shared_ptr<NetRules> rules_of(std::initializer_list<const char*> texts) {
  auto rules = std::make_shared<NetRules>();
  for (const char* text : texts) {
    Result<void> added = rules->add(text);
    EXPECT_TRUE(added) << added.error().render();
  }
  return rules;
}
Address address(const char* text) { return *Address::parse(text); }
bool allows(const NetRules& rules, Use use, const char* text) {
  return rules.allows(use, address(text), {});
}

TEST(NetRules, AllowNothingByThemselves) {
  NetRules rules;
  EXPECT_FALSE(allows(rules, Use::tcp_connect, "127.0.0.1:80"));
  EXPECT_FALSE(rules.allows_lookup("example.com"));
  EXPECT_FALSE(rules.allows_http("example.com", 80, false));
}

TEST(NetRules, NameOneAddressAndPort) {
  auto rules = rules_of({"tcp:127.0.0.1:5432", "udp:[::1]:53", "tcp-listen:127.0.0.1:8000-8009"});
  EXPECT_TRUE(allows(*rules, Use::tcp_connect, "127.0.0.1:5432"));
  EXPECT_FALSE(allows(*rules, Use::tcp_connect, "127.0.0.1:5433"));
  EXPECT_FALSE(allows(*rules, Use::tcp_connect, "127.0.0.2:5432"));
  EXPECT_FALSE(allows(*rules, Use::udp, "127.0.0.1:5432"));
  EXPECT_TRUE(allows(*rules, Use::udp, "[::1]:53"));
  EXPECT_TRUE(allows(*rules, Use::tcp_listen, "127.0.0.1:8009"));
  EXPECT_FALSE(allows(*rules, Use::tcp_listen, "127.0.0.1:8010"));
}

TEST(NetRules, DenyWinsInAnyOrder) {
  for (auto rules : {rules_of({"tcp:*:*", "deny:tcp:10.0.0.0/9:*"}),
                     rules_of({"deny:tcp:10.0.0.0/9:*", "tcp:*:*"})}) {
    EXPECT_TRUE(allows(*rules, Use::tcp_connect, "11.0.0.1:80"));
    EXPECT_TRUE(allows(*rules, Use::tcp_connect, "10.128.0.1:80"));
    EXPECT_FALSE(allows(*rules, Use::tcp_connect, "10.127.255.255:80"));
    // The same address in IPv6's clothes.
    EXPECT_FALSE(allows(*rules, Use::tcp_connect, "[::ffff:10.0.0.1]:80"));
    EXPECT_TRUE(rules->denies_connect(address("10.1.1.1:80")));
    EXPECT_FALSE(rules->denies_connect(address("11.1.1.1:80")));
  }
}

TEST(NetRules, NamesHoldForTheAddressesThatWereFoundUnderThem) {
  auto rules = rules_of({"tcp:db.internal:5432", "tcp:*.example.com:*", "dns:other.org"});
  EXPECT_TRUE(rules->allows_lookup("DB.internal."));
  EXPECT_TRUE(rules->allows_lookup("a.b.example.com"));
  EXPECT_FALSE(rules->allows_lookup("example.com"));
  EXPECT_FALSE(rules->allows_lookup("badexample.com"));
  EXPECT_TRUE(rules->allows_lookup("other.org"));
  NetAuthority authority(rules);
  EXPECT_FALSE(authority.allows(Use::tcp_connect, address("10.0.0.5:5432")));
  Address found = address("10.0.0.5:0");
  authority.note_lookup("db.internal", std::span(&found, 1));
  EXPECT_TRUE(authority.allows(Use::tcp_connect, address("10.0.0.5:5432")));
  EXPECT_FALSE(authority.allows(Use::tcp_connect, address("10.0.0.5:22")));
}

TEST(NetRules, HttpHosts) {
  NetRules rules;
  for (const char* text : {"api.example.com", "*.test:8080", "deny:bad.test", "127.0.0.1:*"})
    ASSERT_TRUE(rules.add_http(text));
  EXPECT_TRUE(rules.allows_http("API.example.com", 443, true));
  EXPECT_TRUE(rules.allows_http("api.example.com", 80, false));
  EXPECT_FALSE(rules.allows_http("api.example.com", 80, true));
  EXPECT_FALSE(rules.allows_http("api.example.com", 8080, false));
  EXPECT_TRUE(rules.allows_http("a.test", 8080, true));
  EXPECT_FALSE(rules.allows_http("bad.test", 8080, true));
  EXPECT_TRUE(rules.allows_http("127.0.0.1", 3000, false));
  EXPECT_FALSE(rules.allows_http("127.0.0.2", 3000, false));
}

TEST(NetRules, SayWhatIsNoRule) {
  NetRules rules;
  for (const char* text : {"", "127.0.0.1:80", "tcp:127.0.0.1", "tcp:127.0.0.1:http",
                           "tcp:127.0.0.1:9-1", "tcp:10.0.0.0/33:*", "tcp:a b:80", "sctp:*:*"})
    EXPECT_FALSE(rules.add(text)) << text;
  auto bad = rules.add("tcp:127.0.0.1");
  EXPECT_EQ(bad.error().message(), "bad argument: network rule `tcp:127.0.0.1`: it has no port");
  EXPECT_FALSE(rules.add_http("a b"));
}

}  // namespace
}  // namespace sedge::net
