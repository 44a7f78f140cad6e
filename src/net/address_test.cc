// Listening addresses: what is understood and the whole text of what is refused.
#include "net/address.h"

#include <string_view>

#include <gtest/gtest.h>

#include "net/http.h"

namespace sedge::net {
namespace {

TEST(Address, ParsesAndPrints) {
  for (auto [text, printed] : {std::pair{"127.0.0.1:80", "127.0.0.1:80"},
                               {":8080", "127.0.0.1:8080"},
                               {"8080", "127.0.0.1:8080"},
                               {"localhost:1", "127.0.0.1:1"},
                               {"*:9", "0.0.0.0:9"},
                               {"[::1]:443", "[::1]:443"},
                               {"[::]:0", "[::]:0"}}) {
    Result<Address> address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), printed);
  }
}

TEST(Address, RefusesWithAReason) {
  const std::string remedy =
      "\nhelp: write HOST:PORT, for example 127.0.0.1:8080, 0.0.0.0:8080 for every IPv4 interface, "
      "or [::]:8080";
  for (auto [text, why] : {std::pair{"", "the port is not a number from 0 to 65535"},
                           {"127.0.0.1:", "the port is not a number from 0 to 65535"},
                           {"127.0.0.1:65536", "the port is not a number from 0 to 65535"},
                           {"127.0.0.1:http", "the port is not a number from 0 to 65535"},
                           {"::1:80", "an IPv6 address stands in brackets"},
                           {"[::x]:80", "not an IPv6 address"},
                           {"example.com:80", "the host is not an IP address"}}) {
    Result<Address> address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().render(),
              std::string("bad argument: listen address `") + text + "`: " + why + remedy);
  }
}

TEST(Address, AZeroByteEndsNoAddress) {
  using std::string_view_literals::operator""sv;
  EXPECT_FALSE(Address::parse("127.0.0.1\0.example:80"sv));
  EXPECT_FALSE(Address::parse("[::1\0]:80"sv));
  EXPECT_FALSE(Address::literal("127.0.0.1\0.example"sv));
  EXPECT_FALSE(Address::literal("[::1\0]"sv));
}

TEST(Address, BracketsAreForIPv6) {
  EXPECT_TRUE(Address::literal("[::1]"));
  EXPECT_TRUE(Address::literal("127.0.0.1"));
  EXPECT_FALSE(Address::literal("[127.0.0.1]"));
}

TEST(Address, FindsThatAPortIsTaken) {
  Result<Address> any = Address::parse("127.0.0.1:0");
  ASSERT_TRUE(any);
  Result<Fd> first = listen_on(*any, 16, true);
  ASSERT_TRUE(first);
  Result<Address> taken = local_address(*first);
  ASSERT_TRUE(taken);
  Result<Fd> sibling = listen_on(*taken, 16, false);
  EXPECT_TRUE(sibling);
  Result<Fd> stranger = listen_on(*taken, 16, true);
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().render(),
            "input/output error: cannot listen on " + taken->to_string() +
                ": Address already in use\nhelp: another program has this port: stop it, or choose "
                "another with --listen");
}

TEST(Http, FormatsTheHeadOfAResponse) {
  Response response;
  response.status = 302;
  response.headers = {{"Location", "/x"},
                      {"Content-Length", "999"},
                      {"Transfer-Encoding", "chunked"},
                      {"Bad Name", "x"},
                      {"X-Split", "a\r\nSet-Cookie: b"}};
  response.body = "hello";
  std::string out;
  append_response_head(out, response, 1, false, "DATE");
  EXPECT_EQ(out, "HTTP/1.1 302 Found\r\nDate: DATE\r\nLocation: /x\r\nContent-Length: 5\r\n\r\n");
  out.clear();
  response = {};
  response.status = 204;
  append_response_head(out, response, 0, true, "DATE");
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nDate: DATE\r\nConnection: close\r\n\r\n");
}

TEST(Http, FormatsDates) {
  EXPECT_EQ(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace sedge::net
