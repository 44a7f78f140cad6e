// Events and responses as the document's structs have them.
#include "serve/event_json.h"

#include <gtest/gtest.h>

#include "net/http_parser.h"

namespace sedge::serve {
namespace {

std::unique_ptr<net::Request> request(std::string_view target, std::string_view fields,
                                      std::string_view body) {
  std::string bytes = "POST " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" +
                      std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + std::string(body);
  net::RequestParser parser({});
  std::string_view rest = bytes;
  for (;;) {
    size_t used = 0;
    auto event = parser.feed(rest, used);
    rest.remove_prefix(used);
    if (event == net::RequestParser::Event::done) break;
    EXPECT_EQ(event, net::RequestParser::Event::head) << parser.error().reason;
    if (event != net::RequestParser::Event::head) return nullptr;
  }
  std::unique_ptr<net::Request> parsed = parser.take();
  parsed->peer = "10.0.0.1";
  return parsed;
}

std::string event_of(std::string_view target, std::string_view fields, std::string_view body,
                     const PathParams& params = {}) {
  auto parsed = request(target, fields, body);
  Result<std::string> event = edge_event(*parsed, {"req-001", "/p", &params});
  return event ? *event : event.error().render();
}

TEST(EdgeEvent, HasTheDocumentsMembers) {
  EXPECT_EQ(event_of("/p?a=1&b=x%20y+z&a=2&c&%C3%A9=%22&&=e", "X-Edge-Region: cn-north\r\n", ""),
            "{\"request_id\":\"req-001\",\"source_ip\":\"10.0.0.1\",\"path\":\"/p\",\"method\":"
            "\"POST\",\"headers\":{\"content-length\":\"0\",\"host\":\"h\",\"x-edge-region\":"
            "\"cn-north\"},\"body\":null,\"query_params\":{\"\":\"e\",\"a\":\"2\",\"b\":\"x y z\","
            "\"c\":\"\",\"\xc3\xa9\":\"\\\"\"}}\n");
}

std::string body_of(std::string_view body) {
  std::string event = event_of("/", "", body);
  size_t begin = event.find("\"body\":") + 7;
  return event.substr(begin, event.find(",\"query_params\"") - begin);
}

TEST(EdgeEvent, CarriesAnyBody) {
  EXPECT_EQ(body_of(""), "null");
  EXPECT_EQ(body_of("{\"a\":\r\n [1,\n2]}"), "{\"a\":   [1, 2]}");
  EXPECT_EQ(body_of("12345678901234567890123"), "12345678901234567890123");
  EXPECT_EQ(body_of(" true "), " true ");
  EXPECT_EQ(body_of("hello\nworld"), "\"hello\\nworld\"");
  EXPECT_EQ(body_of("{broken"), "\"{broken\"");
  EXPECT_EQ(body_of("a=1&b=2"), "\"a=1&b=2\"");
  EXPECT_EQ(event_of("/", "", "\xff\xfe"),
            "bad argument: the request body is not UTF-8 text\nhelp: a JSON event cannot carry it: "
            "send text, or binary data in base64");
}

TEST(EdgeEvent, JoinsFieldsOfOneName) {
  std::string event =
      event_of("/", "X-A: 1\r\nCookie: a=b\r\nx-a: 2\r\nCookie: c=d\r\nX-Latin: \xe9\r\n", "");
  EXPECT_NE(event.find("\"x-a\":\"1, 2\""), std::string::npos) << event;
  EXPECT_NE(event.find("\"cookie\":\"a=b; c=d\""), std::string::npos) << event;
  EXPECT_NE(event.find("\"x-latin\":\"\xef\xbf\xbd\""), std::string::npos) << event;
}

TEST(EdgeEvent, AddsPathParamsOnlyWhereThereAreAny) {
  EXPECT_NE(event_of("/", "", "", {{"id", "7"}}).find(",\"path_params\":{\"id\":\"7\"}}\n"),
            std::string::npos);
  EXPECT_EQ(event_of("/", "", "").find("path_params"), std::string::npos);
}

TEST(ServerlessEvent, WrapsRequestsAndPassesEvents) {
  auto plain = request("/p", "", "{\"x\":1}");
  Result<std::string> event = serverless_event(*plain, {"r", "/p", nullptr}, 1718438400);
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->starts_with("{\"event_type\":\"http-request\",\"data\":{\"request_id\":\"r\""))
      << *event;
  EXPECT_TRUE(event->ends_with(",\"timestamp\":1718438400}\n")) << *event;
  auto posted = request("/p", "", "{\"event_type\":\"cron-trigger\",\n\"data\":{}}\n");
  event = serverless_event(*posted, {"r", "/p", nullptr}, 0);
  ASSERT_TRUE(event);
  EXPECT_EQ(*event, "{\"event_type\":\"cron-trigger\", \"data\":{}}\n");
}

std::string shown(std::string_view output) {
  Result<net::Response> response = response_from_output(output);
  if (!response) return response.error().render();
  std::string out = std::to_string(response->status);
  for (const auto& [name, value] : response->headers) out += " | " + name + ": " + value;
  return out + " | " + response->body;
}

TEST(Response, IsTakenApart) {
  EXPECT_EQ(
      shown(
          R"({"status_code":302,"headers":{"Location":"https://x"},"body":{"redirect":"https://x","region":"cn"},"cache_control":"no-cache","edge_cache_ttl":0})"),
      "302 | Location: https://x | Cache-Control: no-cache | Content-Type: application/json | "
      "{\"redirect\":\"https://x\",\"region\":\"cn\"}");
  EXPECT_EQ(shown("{\"status_code\":200,\"body\":\"plain \\u00e9\\n\"}\n"),
            "200 | Content-Type: text/plain; charset=utf-8 | plain \xc3\xa9\n");
  EXPECT_EQ(shown(R"({"body":"<p>","headers":{"content-type":"text/html"},"status_code":201})"),
            "201 | content-type: text/html | <p>");
  EXPECT_EQ(shown(R"({"status_code":204,"headers":null,"body":null})"), "204 | ");
  EXPECT_EQ(shown(R"({"status_code":200})"), "200 | ");
  EXPECT_EQ(
      shown(R"({"status_code":200,"body": [1, 2.50, 12345678901234567890123] ,"x":{"body":1}})"),
      "200 | Content-Type: application/json | [1, 2.50, 12345678901234567890123]");
  EXPECT_EQ(shown(R"({"status_code":200,"body":true})"),
            "200 | Content-Type: application/json | true");
  EXPECT_EQ(shown(R"({"status_code":200,"headers":{"Set-Cookie":["a=1","b=2"],"X":5,"Y":null}})"),
            "200 | Set-Cookie: a=1 | Set-Cookie: b=2 | X: 5 | ");
  EXPECT_EQ(
      shown(R"({"status_code":200,"headers":{"Cache-Control":"private"},"edge_cache_ttl":60})"),
      "200 | Cache-Control: s-maxage=60 | ");
  // The body is not compressed here, so nothing may say that it is.
  EXPECT_EQ(shown(R"({"status_code":200,"headers":{"Content-Encoding":"br"},"body":"x"})"),
            "200 | Content-Type: text/plain; charset=utf-8 | x");
}

TEST(Response, MayBeAnyOtherValue) {
  EXPECT_EQ(shown(R"({"result":"ok","processed_at":1})"),
            "200 | Content-Type: application/json | {\"result\":\"ok\",\"processed_at\":1}");
  EXPECT_EQ(shown("[1]\n"), "200 | Content-Type: application/json | [1]");
  EXPECT_EQ(shown("7"), "200 | Content-Type: application/json | 7");
}

TEST(Response, SaysWhatIsWrong) {
  EXPECT_EQ(shown(""), "bad answer: the function printed nothing");
  EXPECT_EQ(shown(" \n"), "bad answer: the function printed nothing");
  EXPECT_EQ(shown("hello"), "bad answer: the function's output is not JSON: `hello`");
  EXPECT_EQ(shown("{} {}"), "bad answer: the function's output is not JSON: `{} {}`");
  EXPECT_EQ(shown(R"({"status_code":"200"})"),
            "bad answer: `status_code` is `\"200\"`, not a whole number from 200 to 599");
  EXPECT_EQ(shown(R"({"status_code":99})"),
            "bad answer: `status_code` is `99`, not a whole number from 200 to 599");
  EXPECT_EQ(shown(R"({"status_code":200.5})"),
            "bad answer: `status_code` is `200.5`, not a whole number from 200 to 599");
  EXPECT_EQ(shown(R"({"status_code":200,"headers":[]})"),
            "bad answer: `headers` in the function's response is no object");
  EXPECT_EQ(shown(R"({"status_code":200,"headers":{"A":{}}})"),
            "bad answer: the header `A` in the function's response is no text");
  EXPECT_EQ(shown(R"({"status_code":200,"headers":{"A B":"x"}})"),
            "bad answer: `A B` is not the name of a header");
  EXPECT_EQ(shown(R"({"status_code":200,"headers":{"A":"x\r\nB: y"}})"),
            "bad answer: the header `A` has line breaks or control characters");
  EXPECT_EQ(shown(R"({"status_code":200,"cache_control":"a\nb"})"),
            "bad answer: `cache_control` has line breaks or control characters");
  std::string deep(100000, '[');
  EXPECT_TRUE(shown(deep).starts_with("bad answer: the function's output is not JSON")) << "deep";
}

TEST(ErrorBody, IsJson) {
  EXPECT_EQ(error_body("a \"b\"\n\x01", "id"),
            "{\"error\":\"a \\\"b\\\"\\n\\u0001\",\"request_id\":\"id\"}\n");
}

}  // namespace
}  // namespace sedge::serve
