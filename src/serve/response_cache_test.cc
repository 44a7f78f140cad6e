// What is kept, for whom, and for how long.
#include "serve/response_cache.h"

#include <gtest/gtest.h>

#include "net/http_parser.h"

namespace sedge::serve {
namespace {

using Clock = ResponseCache::Clock;
using std::chrono::seconds;

std::unique_ptr<net::Request> request(std::string_view line, std::string_view fields = "") {
  std::string bytes = std::string(line) + " HTTP/1.1\r\nHost: H\r\n" + std::string(fields) + "\r\n";
  net::RequestParser parser({});
  std::string_view rest = bytes;
  for (;;) {
    size_t used = 0;
    auto event = parser.feed(rest, used);
    rest.remove_prefix(used);
    if (event == net::RequestParser::Event::done) return parser.take();
    if (event != net::RequestParser::Event::head) {
      ADD_FAILURE() << parser.error().reason;
      return nullptr;
    }
  }
}

net::Response response(std::string body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
  net::Response out;
  out.body = std::move(body);
  out.headers = std::move(headers);
  return out;
}

class Cache : public testing::Test {
 protected:
  void put(std::string_view line, const net::Response& what, uint32_t ttl = 60,
           std::string_view fields = "") {
    auto r = request(line, fields);
    cache_.put(*r, r->path(), what, ttl, now_, "x-request-id");
  }
  std::string find(std::string_view line, std::string_view fields = "") {
    auto r = request(line, fields);
    auto found = cache_.find(*r, r->path(), now_);
    if (!found) return "none";
    std::string out = found->body;
    for (const auto& [name, value] : found->headers) out += "|" + name + ": " + value;
    return out;
  }
  ResponseCache cache_{1 << 20};
  Clock::time_point now_ = Clock::now();
};

TEST_F(Cache, KeepsForItsTimeAndSaysTheAge) {
  put("GET /a?x=1", response("A", {{"X-Request-Id", "1"}, {"B", "c"}}), 60);
  EXPECT_EQ(find("GET /a?x=1"), "A|B: c|Age: 0");
  EXPECT_EQ(find("HEAD /a?x=1"), "A|B: c|Age: 0");
  EXPECT_EQ(find("GET /a?x=2"), "none");
  EXPECT_EQ(find("GET /b?x=1"), "none");
  now_ += seconds(59);
  EXPECT_EQ(find("GET /a?x=1"), "A|B: c|Age: 59");
  now_ += seconds(1);
  EXPECT_EQ(find("GET /a?x=1"), "none");
  ResponseCache::Figures figures = cache_.figures();
  EXPECT_EQ(figures.hits, 3);
  EXPECT_EQ(figures.misses, 3);
  EXPECT_EQ(figures.entries, 0);
  EXPECT_EQ(figures.bytes, 0);
}

TEST_F(Cache, VariesWithWhatTheResponseNamesAndAlwaysWithAcceptEncoding) {
  put("GET /a", response("plain"));
  put("GET /a", response("packed"), 60, "Accept-Encoding: br\r\n");
  EXPECT_EQ(find("GET /a"), "plain|Age: 0");
  EXPECT_EQ(find("GET /a", "Accept-Encoding: br\r\n"), "packed|Age: 0");
  EXPECT_EQ(find("GET /a", "Accept-Encoding: gzip\r\n"), "none");
  // Now it says that a region matters: what was kept without is not found any more.
  put("GET /a", response("north", {{"Vary", "X-Region"}}), 60, "X-Region: n\r\n");
  EXPECT_EQ(find("GET /a", "X-Region: n\r\n"), "north|Vary: X-Region|Age: 0");
  EXPECT_EQ(find("GET /a", "X-Region: s\r\n"), "none");
  EXPECT_EQ(find("GET /a"), "none");
  EXPECT_EQ(cache_.figures().entries, 1);
}

TEST_F(Cache, NeverWhatIsForOneClientAlone) {
  put("GET /a", response("x"), 60, "Authorization: Bearer t\r\n");
  put("GET /b", response("x", {{"Set-Cookie", "a=1"}}));
  put("GET /c", response("x", {{"Cache-Control", "public, Private"}}));
  put("GET /d", response("x", {{"cache-control", "no-store"}}));
  put("GET /e", response("x", {{"Vary", "*"}}));
  put("POST /f", response("x"));
  put("GET /g", response("x"), 0);
  net::Response failed = response("x");
  failed.status = 503;
  put("GET /h", failed);
  EXPECT_EQ(cache_.figures().entries, 0);
  put("GET /i", response("x"));
  EXPECT_EQ(find("GET /i", "Authorization: Bearer t\r\n"), "none");
  EXPECT_EQ(find("GET /i", "Cache-Control: no-cache\r\n"), "none");
  EXPECT_EQ(find("POST /i"), "none");
  EXPECT_EQ(find("GET /i"), "x|Age: 0");
}

TEST_F(Cache, IsBoundedAndDropsTheLeastRecentlyUsed) {
  std::string big(150'000, 'b');
  for (char c = 'a'; c <= 'j'; ++c) {
    put(std::string("GET /") + c, response(big));
    find("GET /a");
  }
  EXPECT_LE(cache_.figures().bytes, 1u << 20);
  EXPECT_NE(find("GET /a"), "none");
  EXPECT_EQ(find("GET /b"), "none");
  EXPECT_NE(find("GET /j"), "none");
  put("GET /huge", response(std::string(1 << 19, 'x')));
  EXPECT_EQ(find("GET /huge"), "none");
  put("GET /a", response("small"));
  EXPECT_EQ(find("GET /a"), "small|Age: 0");
  ResponseCache none(0);
  auto r = request("GET /");
  none.put(*r, "/", response(""), 60, now_, "");
  EXPECT_EQ(none.figures().entries, 0);
}

}  // namespace
}  // namespace sedge::serve
