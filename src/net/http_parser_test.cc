// The request parser: accepted and refused requests, each fed whole and byte by byte.
#include "net/http_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sedge::net {
namespace {

struct Outcome {
  std::vector<std::unique_ptr<Request>> requests;
  int status = 0;  // of the refusal, if any
  std::string reason;
  bool partial = false;  // a request had begun but was not complete
};

Outcome parse(std::string_view bytes, size_t step, ParserLimits limits = {}) {
  RequestParser parser(limits);
  Outcome outcome;
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::string_view piece = bytes.substr(at, step);
    while (true) {
      size_t used = 0;
      RequestParser::Event event = parser.feed(piece, used);
      EXPECT_LE(used, piece.size());
      piece.remove_prefix(used);
      if (event == RequestParser::Event::done) {
        outcome.requests.push_back(parser.take());
        if (piece.empty()) break;
      } else if (event == RequestParser::Event::error) {
        outcome.status = parser.error().status;
        outcome.reason = parser.error().reason;
        return outcome;
      } else if (event == RequestParser::Event::need_more) {
        EXPECT_TRUE(piece.empty());
        break;
      }
    }
  }
  outcome.partial = !parser.idle();
  return outcome;
}

std::string with_head(std::string_view fields, std::string_view rest = "") {
  return std::string("POST /x HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n").append(rest);
}

TEST(HttpParser, TakesARequestApart) {
  for (size_t step : {1UL, 2UL, 7UL, 4096UL}) {
    Outcome outcome = parse(
        "POST /a/b%20c?x=1&y=2 HTTP/1.1\r\nHost: example.com:8080\r\nX-Thing:  two words \t\r\n"
        "content-LENGTH: 5\r\n\r\nhello",
        step);
    ASSERT_EQ(outcome.requests.size(), 1U) << outcome.reason;
    const Request& request = *outcome.requests[0];
    EXPECT_EQ(request.method(), "POST");
    EXPECT_EQ(request.target(), "/a/b%20c?x=1&y=2");
    EXPECT_EQ(request.path(), "/a/b%20c");
    EXPECT_EQ(request.query(), "x=1&y=2");
    EXPECT_EQ(request.host(), "example.com:8080");
    EXPECT_EQ(request.find("x-thing"), "two words");
    EXPECT_EQ(request.find("absent"), std::nullopt);
    EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(request.minor_version(), 1);
    EXPECT_TRUE(request.keep_alive());
    EXPECT_EQ(request.header_count(), 3U);
    EXPECT_EQ(request.header(2).name, "content-length");
    EXPECT_FALSE(outcome.partial);
  }
}

TEST(HttpParser, TakesPipelinedRequests) {
  std::string bytes =
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Trailer: dropped\r\n\r\n"
      "\r\nGET /3 HTTP/1.0\r\n\r\nGET /4";
  for (size_t step : {1UL, 3UL, 4096UL}) {
    Outcome outcome = parse(bytes, step);
    ASSERT_EQ(outcome.requests.size(), 3U) << outcome.reason;
    EXPECT_EQ(outcome.requests[0]->path(), "/1");
    EXPECT_EQ(outcome.requests[1]->body, "abc0123456789");
    EXPECT_EQ(outcome.requests[1]->find("x-trailer"), std::nullopt);
    EXPECT_EQ(outcome.requests[2]->path(), "/3");
    EXPECT_FALSE(outcome.requests[2]->keep_alive());
    EXPECT_TRUE(outcome.partial);
  }
}

TEST(HttpParser, KnowsTheFormsOfATarget) {
  struct Case {
    const char* line;
    const char* path;
    const char* query;
    const char* host;
  };
  for (const Case& c : {
           Case{"GET / HTTP/1.1", "/", "", "a"},
           Case{"GET /?q HTTP/1.1", "/", "q", "a"},
           Case{"GET //x/../y HTTP/1.1", "//x/../y", "", "a"},
           Case{"GET http://b:81/p?q=r HTTP/1.1", "/p", "q=r", "b:81"},
           Case{"GET HTTP://b HTTP/1.1", "/", "", "b"},
           Case{"GET http://b?q HTTP/1.1", "/", "q", "b"},
           Case{"OPTIONS * HTTP/1.1", "*", "", "a"},
       }) {
    Outcome outcome = parse(std::string(c.line) + "\r\nHost: a\r\n\r\n", 4096);
    ASSERT_EQ(outcome.requests.size(), 1U) << c.line << ": " << outcome.reason;
    EXPECT_EQ(outcome.requests[0]->path(), c.path) << c.line;
    EXPECT_EQ(outcome.requests[0]->query(), c.query) << c.line;
    EXPECT_EQ(outcome.requests[0]->host(), c.host) << c.line;
  }
}

TEST(HttpParser, RefusesWhatIsNoRequest) {
  struct Case {
    std::string bytes;
    int status;
    const char* reason;
  };
  const std::string nul = std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a") + '\0' + "b\r\n\r\n";
  const std::vector<Case> cases = {
      // Request line.
      {"\x16\x03\x01", 400, "no method at the start of the request line"},
      {" GET / HTTP/1.1\r\n", 400, "no method at the start of the request line"},
      {"GET /\r\n", 400, "the request line is not METHOD TARGET HTTP/1.1"},
      {"GET\r\n", 400, "the request line is not METHOD TARGET HTTP/1.1"},
      {"GET  / HTTP/1.1\r\n", 400,
       "the request target has characters that must be percent-encoded"},
      {"GET /a b HTTP/1.1\r\n", 400,
       "the request target has characters that must be percent-encoded"},
      {"GET /\xc3\xa9 HTTP/1.1\r\n", 400,
       "the request target has characters that must be percent-encoded"},
      {"GET /#f HTTP/1.1\r\n", 400,
       "the request target has characters that must be percent-encoded"},
      {"GET /\t HTTP/1.1\r\n", 400,
       "the request target has characters that must be percent-encoded"},
      {"G(T / HTTP/1.1\r\n", 400, "the method is not a token"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ / HTTP/1.1\r\n", 501, "the method is unknown"},
      {"GET / HTTP/1.1 \r\n", 400,
       "the request target has characters that must be percent-encoded"},
      {"GET / http/1.1\r\n", 400, "the request line does not end in an HTTP version"},
      {"GET / HTTP/11\r\n", 400, "the request line does not end in an HTTP version"},
      {"GET / HTTP/1.10\r\n", 400, "the request line does not end in an HTTP version"},
      {"GET / HTTP/2.0\r\n", 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
      {"PRI * HTTP/2.0\r\n", 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
      {"GET / HTTP/0.9\r\n", 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"},
      {"GET / HTTP/1.1\n", 400, "a line ends in LF without CR"},
      {"GET x HTTP/1.1\r\n", 400, "the request target is neither a path nor an http URL"},
      {"GET ftp://a/ HTTP/1.1\r\n", 400, "the request target is neither a path nor an http URL"},
      {"GET http:///x HTTP/1.1\r\n", 400, "the request target has no valid host"},
      {"GET http://a@b/x HTTP/1.1\r\n", 400, "the request target has no valid host"},
      {"GET * HTTP/1.1\r\n", 400, "the target * is only for OPTIONS"},
      {"CONNECT a:443 HTTP/1.1\r\n", 501, "CONNECT is not supported"},
      // Fields.
      {"GET / HTTP/1.1\r\n\r\n", 400, "an HTTP/1.1 request needs a Host field"},
      {with_head("Host: b\r\n"), 400, "more than one Host"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host is not a host name"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host is not a host name"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, "a header field's name is not a token"},
      {"GET / HTTP/1.1\r\n: y\r\n\r\n", 400, "a header field's name is not a token"},
      {"GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400, "a header field has no colon"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n", 400,
       "a header field is folded over two lines"},
      {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "a header field is folded over two lines"},
      {nul, 400, "a header field's value has control characters"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400,
       "a header field's value has control characters"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", 400,
       "a header field's value has control characters"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n", 400,
       "a header field's value has control characters"},
      {"GET / HTTP/1.1\r\nHost: a\nX: a\r\n\r\n", 400, "a line ends in LF without CR"},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "a line ends in LF without CR"},
      {with_head("Expect: a miracle\r\n"), 417, "the only expectation known here is 100-continue"},
  };
  for (const Case& c : cases) {
    for (size_t step : {1UL, 4096UL}) {
      Outcome outcome = parse(c.bytes, step);
      EXPECT_EQ(outcome.status, c.status) << c.bytes;
      EXPECT_EQ(outcome.reason, c.reason) << c.bytes;
      EXPECT_TRUE(outcome.requests.empty()) << c.bytes;
    }
  }
}

// RFC 9112 section 6: everything by which two parsers could see two different messages.
TEST(HttpParser, RefusesAmbiguousFraming) {
  struct Case {
    std::string fields;
    std::string rest;
    int status;
    const char* reason;
  };
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<Case> cases = {
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", 400,
       "both Content-Length and Transfer-Encoding"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n", 400,
       "both Content-Length and Transfer-Encoding"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "hello", 400, "more than one Content-Length"},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", "hello", 400, "more than one Content-Length"},
      {"Content-Length: 5, 5\r\n", "hello", 400, "Content-Length is not a number"},
      {"Content-Length: +5\r\n", "hello", 400, "Content-Length is not a number"},
      {"Content-Length: -1\r\n", "", 400, "Content-Length is not a number"},
      {"Content-Length: 0x5\r\n", "hello", 400, "Content-Length is not a number"},
      {"Content-Length: 5 0\r\n", "hello", 400, "Content-Length is not a number"},
      {"Content-Length:\r\n", "", 400, "Content-Length is not a number"},
      {"Content-Length: 18446744073709551616\r\n", "", 413, "Content-Length is too large"},
      {"Transfer-Encoding: gzip\r\n", "", 501, "the only transfer coding known here is chunked"},
      {"Transfer-Encoding: identity\r\n", "", 501,
       "the only transfer coding known here is chunked"},
      {"Transfer-Encoding: gzip, chunked\r\n", "", 501,
       "the only transfer coding known here is chunked"},
      {"Transfer-Encoding: xchunked\r\n", "", 501,
       "the only transfer coding known here is chunked"},
      {"Transfer-Encoding: \"chunked\"\r\n", "", 501,
       "the only transfer coding known here is chunked"},
      {"Transfer-Encoding: chunked;q=1\r\n", "", 501,
       "the only transfer coding known here is chunked"},
      {"Transfer-Encoding: chunked, gzip\r\n", "", 400, "chunked is not the last transfer coding"},
      {"Transfer-Encoding: chunked, chunked\r\n", "", 400,
       "chunked is not the last transfer coding"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "", 400,
       "chunked is not the last transfer coding"},
      {"Transfer-Encoding:\r\n", "", 400, "Transfer-Encoding is empty"},
      {"Transfer-Encoding : chunked\r\n", "", 400, "a header field's name is not a token"},
      {"Transfer-Encoding:\x0b"
       "chunked\r\n",
       "", 400, "a header field's value has control characters"},
      {chunked, "5 \r\nhello\r\n0\r\n\r\n", 400, "a chunk size is not a hexadecimal number"},
      {chunked, "0x5\r\nhello\r\n0\r\n\r\n", 400, "a chunk size is not a hexadecimal number"},
      {chunked, "-5\r\nhello\r\n0\r\n\r\n", 400, "a chunk size is not a hexadecimal number"},
      {chunked, " 5\r\nhello\r\n0\r\n\r\n", 400, "a chunk size is not a hexadecimal number"},
      {chunked, "\r\nhello\r\n0\r\n\r\n", 400, "a chunk size is not a hexadecimal number"},
      {chunked, "g\r\n", 400, "a chunk size is not a hexadecimal number"},
      {chunked, "5\nhello\r\n0\r\n\r\n", 400, "a line ends in LF without CR"},
      {chunked, "5\r\nhello!\r\n0\r\n\r\n", 400, "a chunk is longer than its size says"},
      {chunked, "5\r\nhello0\r\n\r\n", 400, "a chunk is longer than its size says"},
      {chunked, "5;a\rb\r\nhello\r\n", 400, "a chunk extension has control characters"},
      {chunked, "00000000000000005\r\nhello\r\n", 400, "a chunk size is too long"},
      {chunked, "ffffffffffffffff\r\n", 413, "the body is larger than this route allows"},
      {chunked, "5\r\nhello\r\nfffffffffffffffe\r\n", 413,
       "the body is larger than this route allows"},
      {chunked, "0\r\nbad trailer\r\n\r\n", 400, "a header field has no colon"},
      {chunked, "0\r\n folded: x\r\n\r\n", 400, "a header field is folded over two lines"},
      {chunked, "5;" + std::string(300, 'x') + "\r\n", 400, "a chunk-size line is too long"},
  };
  for (const Case& c : cases) {
    for (size_t step : {1UL, 4096UL}) {
      Outcome outcome = parse(with_head(c.fields, c.rest), step);
      EXPECT_EQ(outcome.status, c.status) << c.fields << c.rest;
      EXPECT_EQ(outcome.reason, c.reason) << c.fields << c.rest;
      EXPECT_TRUE(outcome.requests.empty()) << c.fields << c.rest;
    }
  }
  Outcome old = parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 4096);
  EXPECT_EQ(old.status, 400);
  EXPECT_EQ(old.reason, "Transfer-Encoding in an HTTP/1.0 message");
}

TEST(HttpParser, KeepsItsLimits) {
  ParserLimits limits{
      .max_request_line = 64, .max_header_bytes = 256, .max_headers = 4, .max_body_bytes = 10};
  struct Case {
    std::string bytes;
    int status;
  };
  std::string long_target = "GET /" + std::string(100, 'a');
  std::string many;
  for (int i = 0; i < 5; ++i) many += "X: y\r\n";
  std::string endless_empty_lines;
  for (int i = 0; i < 200; ++i) endless_empty_lines += "\r\n";
  std::string trailers = "Transfer-Encoding: chunked\r\n";
  const std::vector<Case> cases = {
      {long_target, 414},  // before the line has ended
      {long_target + " HTTP/1.1\r\n", 414},
      {"GET / HTTP/1.1\r\nX: " + std::string(300, 'a'), 431},
      {"GET / HTTP/1.1\r\n" + many, 431},
      {endless_empty_lines, 431},
      {with_head("Content-Length: 11\r\n", "01234567890"), 413},
      {with_head(trailers, "b\r\n01234567890\r\n0\r\n\r\n"), 413},
      {with_head(trailers, "6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n"), 413},
      {with_head(trailers, "0\r\nA: b\r\nA: b\r\nA: b\r\n\r\n"), 431},
  };
  for (const Case& c : cases)
    for (size_t step : {1UL, 4096UL})
      EXPECT_EQ(parse(c.bytes, step, limits).status, c.status) << c.bytes;
  Outcome fits = parse(with_head("Content-Length: 10\r\n", "0123456789"), 1, limits);
  ASSERT_EQ(fits.requests.size(), 1U) << fits.reason;
  EXPECT_EQ(fits.requests[0]->body, "0123456789");
}

TEST(HttpParser, BoundsChunkExtensions) {
  std::string body;
  std::string extension(200, 'x');
  for (int i = 0; i < 100; ++i) body += "1;" + extension + "\r\na\r\n";
  Outcome outcome = parse(with_head("Transfer-Encoding: chunked\r\n", body), 4096);
  EXPECT_EQ(outcome.status, 400);
  EXPECT_EQ(outcome.reason, "the chunk extensions are too long");
}

TEST(HttpParser, KnowsWhetherTheConnectionStays) {
  struct Case {
    const char* version;
    const char* fields;
    bool keep_alive;
  };
  for (const Case& c : {
           Case{"HTTP/1.1", "", true},
           Case{"HTTP/1.1", "Connection: close\r\n", false},
           Case{"HTTP/1.1", "Connection: Keep-Alive, CLOSE\r\n", false},
           Case{"HTTP/1.1", "Connection: upgrade\r\n", true},
           Case{"HTTP/1.0", "", false},
           Case{"HTTP/1.0", "Connection: keep-alive\r\n", true},
           Case{"HTTP/1.9", "", true},
       }) {
    Outcome outcome =
        parse(std::string("GET / ") + c.version + "\r\nHost: a\r\n" + c.fields + "\r\n", 4096);
    ASSERT_EQ(outcome.requests.size(), 1U) << c.version << c.fields;
    EXPECT_EQ(outcome.requests[0]->keep_alive(), c.keep_alive) << c.version << c.fields;
  }
}

TEST(HttpParser, ReportsTheHeadBeforeTheBody) {
  RequestParser parser({});
  std::string head = with_head("Content-Length: 3\r\nExpect: 100-Continue\r\n");
  size_t used = 0;
  ASSERT_EQ(parser.feed(head, used), RequestParser::Event::head);
  EXPECT_EQ(used, head.size());
  EXPECT_TRUE(parser.has_body());
  EXPECT_TRUE(parser.expects_continue());
  parser.set_max_body(2);
  EXPECT_EQ(parser.feed("", used), RequestParser::Event::error);
  EXPECT_EQ(parser.error().status, 413);
}

}  // namespace
}  // namespace sedge::net
