// The server's side of HTTP/2 against a client in memory and frames made by hand, with a clock that
// the tests move.
#include "net/http2_server_session.h"

#if SEDGE_HAVE_HTTP2

#include <gtest/gtest.h>

#include <set>

#include "net/http2_test_peer.h"

namespace sedge::net {
namespace {

using namespace http2_frames;

/// /stream is streamed, /small takes four bytes, /refused is refused by its head.
class HeadHandler final : public Handler {
 public:
  HeadVerdict check_head(Request& request) override {
    ++heads;
    HeadVerdict verdict{.max_body_bytes = 2 << 20, .refusal = {}};
    verdict.stream = request.path() == "/stream";
    if (request.path() == "/small") verdict.max_body_bytes = 4;
    if (request.path() == "/refused") verdict.refusal = text(403, "refused");
    return verdict;
  }
  void handle(std::unique_ptr<Request>, Responder) override { FAIL() << "the session dispatches"; }
  Response refuse(int status, std::string_view reason, std::string_view) override {
    return text(status, std::string(reason));
  }
  static Response text(int status, std::string body) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  int heads = 0;
};

/// Keeps requests for the test to answer.
class TestSession final : public Http2ServerSession {
 public:
  TestSession(const HttpServerOptions& options, Handler& handler, HttpServerStats& stats)
      : Http2ServerSession(options, handler, stats,
                           std::make_shared<BodyBudget>(options.max_bodies_bytes), "peer") {}
  std::map<uint32_t, std::unique_ptr<Request>> requests;
  uint64_t now = 1'000'000;
  std::shared_ptr<std::set<int32_t>> woken = std::make_shared<std::set<int32_t>>();

  void resume_woken() {
    for (int32_t id : std::exchange(*woken, {})) resume(id);
  }

 private:
  void dispatch(std::unique_ptr<Request> request, uint32_t stream) override {
    requests[stream] = std::move(request);
  }
  std::string_view date() override { return "Thu, 01 Jan 1970 00:00:00 GMT"; }
  uint64_t now_ms() const override { return now; }
  BodyPipe::Wake wake(int32_t id) const override {
    return [set = woken, id] { set->insert(id); };
  }
};

class Http2ServerSessionTest : public testing::Test {
 protected:
  TestSession& session() {
    if (!session_) session_ = std::make_unique<TestSession>(options_, handler_, stats_);
    return *session_;
  }
  std::string produced() {
    std::string out;
    session().produce(out, SIZE_MAX);
    return out;
  }
  /// Until neither side has anything to say.
  void exchange(Http2TestPeer& peer) {
    for (;;) {
      session().resume_woken();
      std::string there = peer.output();
      session().receive(there);
      session().dispatch_waiting();
      std::string back = produced();
      peer.input(back);
      if (there.empty() && back.empty() && session().woken->empty()) return;
    }
  }
  /// What a session makes of frames from nowhere; the client's side only reads what it says.
  void feed(Http2TestPeer& peer, std::string_view frames) {
    session().receive(frames);
    session().dispatch_waiting();
    peer.output();
    peer.input(produced());
  }
  void advance(uint64_t ms) {
    session().now += ms;
    if (session().next_check_ms() && session().now >= *session().next_check_ms()) session().sweep();
  }
  void answer(int32_t id, Response response) {
    session().complete(static_cast<uint32_t>(id), std::move(response));
  }
  Request& request(int32_t id) { return *session().requests.at(static_cast<uint32_t>(id)); }
  bool requested(int32_t id) { return session().requests.contains(static_cast<uint32_t>(id)); }

  HttpServerOptions options_;
  HttpServerStats stats_;
  HeadHandler handler_;
  std::unique_ptr<TestSession> session_;
};

TEST_F(Http2ServerSessionTest, HandsOverRequestsLikeThoseOfHttp1) {
  Http2TestPeer peer;
  int32_t id =
      peer.request("POST", "/a%20b?c=d", {{"x-one", "1"}, {"cookie", "a=1"}, {"cookie", "b=2"}},
                   "body", true, {{"x-sum", "42"}});
  exchange(peer);
  ASSERT_TRUE(requested(id));
  const Request& request = this->request(id);
  EXPECT_EQ(request.protocol(), "HTTP/2.0");
  EXPECT_EQ(request.method(), "POST");
  EXPECT_EQ(request.target(), "/a%20b?c=d");
  EXPECT_EQ(request.path(), "/a%20b");
  EXPECT_EQ(request.query(), "c=d");
  EXPECT_EQ(request.host(), "test");
  EXPECT_EQ(request.find("host"), "test");
  EXPECT_EQ(request.find("x-one"), "1");
  EXPECT_EQ(request.find("cookie"), "a=1; b=2");
  EXPECT_EQ(request.find(":method"), std::nullopt);
  EXPECT_EQ(request.body, "body");
  EXPECT_EQ(request.trailers, (Headers{{"x-sum", "42"}}));
  EXPECT_EQ(request.peer, "peer");
  EXPECT_GT(request.wire_bytes, 40U);
  Response response = HeadHandler::text(201, "made");
  response.headers = {
      {"X-Two", "2"}, {"Connection", "close"}, {"Bad Name", "x"}, {"X-Bad", "a\nb"}};
  answer(id, std::move(response));
  exchange(peer);
  const Http2TestPeer::Reply& reply = peer.replies[id];
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "made");
  EXPECT_TRUE(reply.ended);
  EXPECT_EQ(
      reply.headers,
      (std::map<std::string, std::string>{
          {"content-length", "4"}, {"date", "Thu, 01 Jan 1970 00:00:00 GMT"}, {"x-two", "2"}}));
  EXPECT_EQ(session().stream_count(), 0U);
  EXPECT_EQ(stats_.http2_requests.load(), 1U);
}

TEST_F(Http2ServerSessionTest, AnswersRequestsInAnyOrder) {
  Http2TestPeer peer;
  std::vector<int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(peer.request("GET", "/" + std::to_string(i)));
  exchange(peer);
  for (int i = 49; i >= 0; --i) {
    answer(ids[i], HeadHandler::text(200, "answer " + std::to_string(i)));
    exchange(peer);
    EXPECT_EQ(peer.replies[ids[i]].body, "answer " + std::to_string(i));
  }
}

TEST_F(Http2ServerSessionTest, LeavesTheBodyOutWhereThereIsNone) {
  Http2TestPeer peer;
  int32_t head = peer.request("HEAD", "/"), empty = peer.request("GET", "/");
  exchange(peer);
  answer(head, HeadHandler::text(200, "eight by"));
  answer(empty, HeadHandler::text(204, "none"));
  exchange(peer);
  EXPECT_TRUE(peer.replies[head].ended);
  EXPECT_EQ(peer.replies[head].body, "");
  EXPECT_EQ(peer.replies[head].headers["content-length"], "8");
  EXPECT_TRUE(peer.replies[empty].ended);
  EXPECT_EQ(peer.replies[empty].body, "");
  EXPECT_FALSE(peer.replies[empty].headers.contains("content-length"));
}

TEST_F(Http2ServerSessionTest, RefusesBadHeads) {
  options_.limits.max_request_line = 100;
  std::string rest = field(":scheme", "http") + field(":authority", "test");
  struct Case {
    std::string head;
    int status;
    const char* reason;
  };
  for (const Case& each :
       {Case{head("GET", "/#x"), 400,
             "the request target has characters that must be percent-encoded"},
        Case{head("GET", "/" + std::string(100, 'a')), 414, "the request line is too long"},
        Case{head(std::string(33, 'M'), "/"), 501, "the method is unknown"},
        Case{field(":method", "CONNECT") + field(":authority", "test"), 501,
             "CONNECT is not supported"},
        Case{head("GET", "/") + field("host", "other"), 400, "Host and :authority differ"},
        Case{field(":method", "GET") + field(":path", "/") + field(":scheme", "ftp") +
                 field("host", "a"),
             400, "the scheme is neither http nor https"},
        Case{head("GET", "/") + field("expect", "more"), 417,
             "the only expectation known here is 100-continue"},
        Case{head("GET", "/") + field("x", "a\rb"), 400, "a header field is malformed"}}) {
    session_.reset();
    Http2TestPeer peer;
    peer.request("GET", "/");  // so that the client knows the stream
    feed(peer, opening() + frame(kHeaders, kEndStream | kEndHeaders, 1, each.head));
    EXPECT_EQ(peer.replies[1].status, each.status) << each.reason;
    EXPECT_EQ(peer.replies[1].body, each.reason);
    EXPECT_TRUE(session().requests.empty());
    EXPECT_FALSE(peer.goaway);
  }
}

TEST_F(Http2ServerSessionTest, ResetsStreamsThatBreakTheRulesOfFields) {
  for (const std::string& block :
       {field(":method", "GET") + field(":path", "/"), head("GET", "/") + field(":path", "/"),
        head("GET", "/ x"), head("GET", "x"), head("GET", "*"),
        head("GET", "/") + field("connection", "close"),
        head("GET", "/") + field("transfer-encoding", "chunked"),
        field("x", "y") + head("GET", "/"), head("GET", "/") + field(":status", "200"),
        head("GET", "/") + field("content-length", "1") + field("content-length", "2"),
        head("GET", "/") + field("content-length", "5")}) {
    session_.reset();
    Http2TestPeer peer;
    peer.request("GET", "/");
    feed(peer, opening() + frame(kHeaders, kEndStream | kEndHeaders, 1, block));
    EXPECT_TRUE(peer.replies[1].closed) << block;
    EXPECT_EQ(peer.replies[1].error, uint32_t{NGHTTP2_PROTOCOL_ERROR});
    EXPECT_TRUE(session().requests.empty());
    EXPECT_EQ(session().stream_count(), 0U);
    EXPECT_EQ(handler_.heads, 0);
  }
}

TEST_F(Http2ServerSessionTest, BoundsFieldsAndGoesOn) {
  options_.limits.max_header_bytes = 4096;
  Http2TestPeer peer;
  int32_t large = peer.request("GET", "/", {{"x-large", std::string(4096, 'x')}});
  Headers many;
  for (int i = 0; i < 100; ++i) many.emplace_back("x", "");
  int32_t count = peer.request("GET", "/", many);
  int32_t trailers =
      peer.request("POST", "/", {}, "x", true, {{"x-large", std::string(4096, 'x')}});
  int32_t good = peer.request("GET", "/good");
  exchange(peer);
  for (int32_t id : {large, count, trailers}) {
    EXPECT_EQ(peer.replies[id].status, 431);
    EXPECT_FALSE(requested(id));
  }
  EXPECT_EQ(peer.replies[large].body, "the header fields are too large");
  EXPECT_TRUE(requested(good));
}

TEST_F(Http2ServerSessionTest, RefusesByHeadAndBySize) {
  Http2TestPeer peer;
  int32_t refused = peer.request("POST", "/refused", {}, "content", false);
  int32_t declared = peer.request("POST", "/small", {{"content-length", "5"}}, "12345");
  int32_t grown = peer.request("POST", "/small", {}, "12345", false);
  int32_t fits = peer.request("POST", "/small", {}, "1234");
  exchange(peer);
  EXPECT_EQ(peer.replies[refused].status, 403);
  // The rest of its content need not come.
  EXPECT_TRUE(peer.replies[refused].ended);
  EXPECT_TRUE(peer.replies[refused].closed);
  EXPECT_EQ(peer.replies[refused].error, uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(peer.replies[declared].status, 413);
  EXPECT_EQ(peer.replies[grown].status, 413);
  ASSERT_TRUE(requested(fits));
  EXPECT_EQ(request(fits).body, "1234");
}

TEST_F(Http2ServerSessionTest, BoundsTheBodiesOfAllRequestsTogether) {
  options_.max_bodies_bytes = 100'000;
  Http2TestPeer peer;
  int32_t first = peer.request("POST", "/", {}, std::string(60'000, 'x'));
  exchange(peer);
  ASSERT_TRUE(requested(first));
  int32_t second = peer.request("POST", "/", {}, std::string(60'000, 'x'));
  int32_t third = peer.request("POST", "/stream", {}, "x", false);
  exchange(peer);
  for (int32_t id : {second, third}) {
    EXPECT_EQ(peer.replies[id].status, 503);
    EXPECT_EQ(peer.replies[id].body, "the bodies of all requests together are too large");
  }
}

TEST_F(Http2ServerSessionTest, SendsContinueWhereItIsWaitedFor) {
  Http2TestPeer peer;
  int32_t id = peer.request("POST", "/", {{"expect", "100-continue"}}, "", false);
  int32_t refused = peer.request("POST", "/refused", {{"expect", "100-continue"}}, "", false);
  exchange(peer);
  EXPECT_EQ(peer.replies[id].status, 100);
  EXPECT_EQ(peer.replies[refused].status, 403);
  EXPECT_TRUE(peer.replies[refused].interim.empty());
  peer.add(id, "now", true);
  exchange(peer);
  EXPECT_EQ(request(id).body, "now");
}

TEST_F(Http2ServerSessionTest, StreamsContentAtTheReadersPace) {
  Http2TestPeer peer;
  std::string big(1 << 20, 'x');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  int32_t slow = peer.request("POST", "/stream", {}, big, true, {{"x-sum", "1"}});
  exchange(peer);
  ASSERT_TRUE(requested(slow));  // before its content is there
  EXPECT_EQ(peer.sent(slow), 65535U);
  // It holds up nobody else.
  int32_t quick = peer.request("POST", "/", {}, big);
  exchange(peer);
  ASSERT_TRUE(requested(quick));
  EXPECT_EQ(request(quick).body, big);
  EXPECT_EQ(peer.sent(slow), 65535U);
  std::shared_ptr<BodyPipe> pipe = request(slow).stream;
  std::string got;
  while (pipe->read(got, 10'000) == BodyPipe::State::open) {
    EXPECT_LE(peer.sent(slow) - got.size(), 65535U);
    exchange(peer);
  }
  EXPECT_EQ(got, big);
  EXPECT_EQ(pipe->trailers(), (Headers{{"x-sum", "1"}}));
}

TEST_F(Http2ServerSessionTest, TellsTheReaderThatTheRequestWasReset) {
  Http2TestPeer peer;
  int32_t id = peer.request("POST", "/stream", {}, "half", false);
  exchange(peer);
  peer.reset(id);
  exchange(peer);
  std::string got;
  EXPECT_EQ(request(id).stream->read(got, 100), BodyPipe::State::failed);
  EXPECT_EQ(got, "half");
  // Its handler has not answered: it still counts.
  EXPECT_EQ(session().stream_count(), 1U);
  answer(id, HeadHandler::text(200, "too late"));
  EXPECT_EQ(session().stream_count(), 0U);
}

TEST_F(Http2ServerSessionTest, RefusesStreamedContentThatGrowsTooLarge) {
  Http2TestPeer peer;
  int32_t id = peer.request("POST", "/stream", {}, std::string(3 << 20, 'x'));
  exchange(peer);
  std::shared_ptr<BodyPipe> pipe = request(id).stream;
  std::string got;
  while (pipe->read(got, SIZE_MAX) == BodyPipe::State::open) exchange(peer);
  EXPECT_EQ(pipe->state(), BodyPipe::State::failed);
  EXPECT_EQ(pipe->error().kind, HttpError::Kind::request_body_size);
  EXPECT_LE(got.size(), 2U << 20);
  answer(id, HeadHandler::text(200, "as if it were whole"));
  exchange(peer);
  EXPECT_EQ(peer.replies[id].status, 413);
}

TEST_F(Http2ServerSessionTest, StreamsAnswersWithTrailers) {
  Http2TestPeer peer;
  int32_t id = peer.request("GET", "/");
  exchange(peer);
  Response response = HeadHandler::text(200, "");
  auto pipe = std::make_shared<BodyPipe>(10);
  response.stream = pipe;
  answer(id, std::move(response));
  exchange(peer);
  EXPECT_EQ(peer.replies[id].status, 200);
  EXPECT_FALSE(peer.replies[id].headers.contains("content-length"));
  for (int i = 0; i < 100; ++i) {
    pipe->write("piece");
    exchange(peer);
    EXPECT_EQ(peer.replies[id].body.size(), 5U * (i + 1));
  }
  EXPECT_FALSE(peer.replies[id].ended);
  pipe->finish({{"X-Sum", "1"}, {"Connection", "close"}});
  exchange(peer);
  EXPECT_TRUE(peer.replies[id].ended);
  EXPECT_EQ(peer.replies[id].trailers, (std::map<std::string, std::string>{{"x-sum", "1"}}));
}

TEST_F(Http2ServerSessionTest, CutsAnswersThatAreNotWhole) {
  Http2TestPeer peer;
  int32_t failed = peer.request("GET", "/"), shorter = peer.request("GET", "/");
  exchange(peer);
  auto broken = std::make_shared<BodyPipe>(100), ended = std::make_shared<BodyPipe>(100);
  Response response = HeadHandler::text(200, "");
  response.stream = broken;
  answer(failed, std::move(response));
  response = HeadHandler::text(200, "");
  response.stream = ended;
  response.stream_length = 9;
  answer(shorter, std::move(response));
  exchange(peer);
  broken->write("part");
  broken->fail({});
  ended->write("part");
  ended->finish();
  exchange(peer);
  for (int32_t id : {failed, shorter}) {
    EXPECT_EQ(peer.replies[id].body, "part");
    EXPECT_FALSE(peer.replies[id].ended);
    EXPECT_EQ(peer.replies[id].error, uint32_t{NGHTTP2_INTERNAL_ERROR});
  }
}

TEST_F(Http2ServerSessionTest, ClosesThePipeOfAnAnswerThatNobodyWants) {
  Http2TestPeer peer;
  int32_t id = peer.request("GET", "/");
  exchange(peer);
  Response response = HeadHandler::text(200, "");
  auto pipe = std::make_shared<BodyPipe>(10);
  response.stream = pipe;
  answer(id, std::move(response));
  exchange(peer);
  peer.reset(id);
  exchange(peer);
  EXPECT_TRUE(pipe->reader_gone());
  EXPECT_EQ(session().stream_count(), 0U);
}

// ---- Hostile clients

TEST_F(Http2ServerSessionTest, BoundsStreams) {
  options_.max_streams = 10;
  Http2TestPeer peer;
  std::string heads;
  for (uint32_t i = 0; i < 15; ++i) {
    peer.request("GET", "/");
    heads += frame(kHeaders, kEndStream | kEndHeaders, 2 * i + 1, head("GET", "/"));
  }
  feed(peer, opening() + heads);  // before it can know the limit
  EXPECT_EQ(session().requests.size(), 10U);
  int refused = 0;
  for (auto& [id, reply] : peer.replies)
    refused += reply.closed && reply.error == NGHTTP2_REFUSED_STREAM;
  EXPECT_EQ(refused, 5);
}

TEST_F(Http2ServerSessionTest, TakesNoRequestsAfterTheEndWhicheverPieceTheyComeIn) {
  auto get = [](uint32_t id) {
    return frame(kHeaders, kEndStream | kEndHeaders, id, head("GET", "/"));
  };
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += frame(kPing, 0, 0, "12345678");
  const std::string rest_of_post = frame(kData, kEndStream, 1, "x");
  struct Case {
    std::string_view name;
    std::string frames;
    size_t requests;
  } cases[] = {
      {"the client has said that it leaves", frame(kGoaway, 0, 0, std::string(8, '\0')) + get(1),
       0},
      {"a request had begun", get(1) + frame(kGoaway, 0, 0, std::string(8, '\0')) + get(3), 1},
      {"a flood ended it",
       frame(kHeaders, kEndHeaders, 1, head("POST", "/")) + flood + rest_of_post + get(3), 0},
  };
  for (const Case& each : cases) {
    const std::string frames = opening() + each.frames;
    for (size_t piece : {size_t{1}, size_t{100}, frames.size()}) {
      SCOPED_TRACE(std::string(each.name) + ", in pieces of " + std::to_string(piece));
      session_.reset();
      for (size_t at = 0; at < frames.size(); at += piece)
        session().receive(std::string_view(frames).substr(at, piece));
      session().dispatch_waiting();
      EXPECT_EQ(session().requests.size(), each.requests);
    }
  }
}

TEST_F(Http2ServerSessionTest, CountsStreamsThatWereResetWhileTheirHandlersWork) {
  options_.max_streams = 10;
  Http2TestPeer peer;
  exchange(peer);
  for (int i = 0; i < 50; ++i) {
    int32_t id = peer.request("GET", "/");
    exchange(peer);
    peer.reset(id);
    exchange(peer);
  }
  EXPECT_EQ(session().requests.size(), 10U);
  EXPECT_EQ(session().stream_count(), 10U);
  EXPECT_EQ(stats_.http2_refused.load(), 40U);
}

class Http2FloodTest : public Http2ServerSessionTest {
 protected:
  /// How many times `frames` can be sent before the connection ends; INT_MAX: for ever. Requests
  /// are answered, and `pause_ms` pass after each time.
  int endures(const std::function<std::string(uint32_t)>& frames, int times,
              uint64_t pause_ms = 0) {
    session_.reset();
    session().receive(opening());
    produced();
    for (int i = 0; i < times; ++i) {
      session().receive(frames(static_cast<uint32_t>(i)));
      session().dispatch_waiting();
      std::string said = produced();
      if (session().done_reading()) {
        EXPECT_TRUE(session().abused());
        EXPECT_EQ(goaway_error(said), NGHTTP2_ENHANCE_YOUR_CALM);
        EXPECT_FALSE(session().wants_write());
        return i;
      }
      for (auto& [id, request] : session().requests) answer(static_cast<int32_t>(id), {});
      session().requests.clear();
      session().now += pause_ms;
    }
    return INT_MAX;
  }
  static std::string request_and_reset(uint32_t i) {
    return frame(kHeaders, kEndStream | kEndHeaders, 2 * i + 1, head("GET", "/")) +
           frame(kReset, 0, 2 * i + 1, number(8));
  }
};

TEST_F(Http2FloodTest, EndsFloods) {
  struct Case {
    const char* name;
    std::function<std::string(uint32_t)> frames;
    int most;
  };
  for (const Case& each :
       {Case{"resets", request_and_reset, 250},
        Case{"settings", [](uint32_t) { return frame(kSettings, 0, 0, ""); }, 600},
        Case{"pings", [](uint32_t) { return frame(kPing, 0, 0, "12345678"); }, 1100},
        Case{"window updates", [](uint32_t) { return frame(kWindowUpdate, 0, 0, number(1)); },
             4100},
        Case{"priorities",
             [](uint32_t i) { return frame(kPriority, 0, 2 * i + 1, number(0) + "a"); }, 4100},
        // These are thrown away before anybody hears of them.
        Case{"unknown frames", [](uint32_t) { return frame(0xee, 0, 0, "x"); }, INT_MAX},
        Case{"empty content",
             [](uint32_t i) {
               std::string begin =
                   i == 0 ? frame(kHeaders, kEndHeaders, 1, head("POST", "/")) : std::string();
               return begin + frame(kData, 0, 1, "");
             },
             1100}}) {
    SCOPED_TRACE(each.name);
    int endured = endures(each.frames, 6000);
    EXPECT_GE(endured, 100);
    EXPECT_LE(endured, each.most);
  }
}

TEST_F(Http2FloodTest, EndsResetsThatClientsProvoke) {
  // A window that grows too large makes the server reset the stream.
  EXPECT_LE(endures(
                [](uint32_t i) {
                  return frame(kHeaders, kEndHeaders, 2 * i + 1, head("POST", "/stream")) +
                         frame(kWindowUpdate, 0, 2 * i + 1, number(0x7fffffff));
                },
                6000),
            400);
}

TEST_F(Http2FloodTest, EndsFloodsWhoseAnswersAreNotRead) {
  session().receive(opening());
  std::string pings;
  for (int i = 0; i < 500; ++i) pings += frame(kPing, 0, 0, "12345678");
  for (int i = 0; i < 100 && !session().abused(); ++i) session().receive(pings);
  EXPECT_TRUE(session().abused());
  // What waits to be sent is bounded.
  EXPECT_LT(produced().size(), 100'000U);
}

TEST_F(Http2FloodTest, BearsWithClientsThatAreOnlyLively) {
  EXPECT_EQ(endures(request_and_reset, 5000, 250), INT_MAX);
  EXPECT_EQ(endures([](uint32_t) { return frame(kPing, 0, 0, "12345678"); }, 5000, 50), INT_MAX);
}

TEST_F(Http2FloodTest, RequestsPayForWhatComesWithThem) {
  Http2TestPeer peer;
  exchange(peer);
  for (int i = 0; i < 5000; ++i) {
    int32_t id = peer.request("GET", "/");
    peer.ping();
    peer.open_window(0, 1);
    exchange(peer);
    answer(id, HeadHandler::text(200, "x"));
    exchange(peer);
    ASSERT_TRUE(peer.replies[id].ended) << i;
    peer.replies.clear();
    session().requests.clear();
  }
}

TEST_F(Http2ServerSessionTest, EndsFloodsOfContinuations) {
  Http2TestPeer peer;
  peer.request("GET", "/");
  std::string frames = opening() + frame(kHeaders, kEndStream, 1, head("GET", "/"));
  for (int i = 0; i < 1000; ++i) frames += frame(kContinuation, 0, 1, field("x", "y"));
  feed(peer, frames);
  EXPECT_TRUE(peer.goaway);
  EXPECT_TRUE(session().done_reading());
  EXPECT_TRUE(session().requests.empty());
  // A few are in order.
  session_.reset();
  Http2TestPeer other;
  other.request("GET", "/");
  frames = opening() + frame(kHeaders, kEndStream, 1, head("GET", "/"));
  for (int i = 0; i < 4; ++i)
    frames += frame(kContinuation, i == 3 ? kEndHeaders : 0, 1, field("x", std::to_string(i)));
  feed(other, frames);
  ASSERT_TRUE(requested(1));
  EXPECT_EQ(request(1).header_count(), 5U);
}

TEST_F(Http2ServerSessionTest, EndsHeadsThatDoNotArrive) {
  options_.header_timeout_ms = 1000;
  Http2TestPeer peer;
  peer.request("GET", "/");
  feed(peer, opening() + frame(kHeaders, kEndStream, 1, head("GET", "/")));
  advance(900);
  feed(peer, frame(kContinuation, 0, 1, field("x", "y")));
  advance(100);
  peer.input(produced());
  EXPECT_TRUE(peer.goaway);
  EXPECT_TRUE(session().done_reading());
  EXPECT_EQ(stats_.timeouts.load(), 1U);
  EXPECT_TRUE(session().requests.empty());
}

TEST_F(Http2ServerSessionTest, EndsContentThatDoesNotArrive) {
  options_.body_timeout_ms = 1000;
  Http2TestPeer peer;
  int32_t slow = peer.request("POST", "/", {}, "x", false);
  int32_t streamed = peer.request("POST", "/stream", {}, "x", false);
  int32_t held = peer.request("GET", "/held");
  exchange(peer);
  // A byte now and then does not help.
  for (int i = 0; i < 9; ++i) {
    advance(100);
    peer.add(slow, "x", false);
    peer.add(streamed, "x", false);
    exchange(peer);
    EXPECT_FALSE(peer.replies[slow].closed);
  }
  advance(101);
  exchange(peer);
  EXPECT_EQ(peer.replies[slow].status, 408);
  EXPECT_EQ(peer.replies[slow].body, "the request body did not arrive in time");
  EXPECT_TRUE(peer.replies[slow].closed);
  std::string got;
  EXPECT_EQ(request(streamed).stream->read(got, 100), BodyPipe::State::failed);
  answer(streamed, HeadHandler::text(200, "x"));
  answer(held, HeadHandler::text(200, "held"));
  exchange(peer);
  EXPECT_EQ(peer.replies[streamed].status, 408);
  EXPECT_EQ(peer.replies[held].body, "held");
  EXPECT_EQ(stats_.timeouts.load(), 2U);
}

TEST_F(Http2ServerSessionTest, DoesNotBlameClientsForSlowReaders) {
  options_.body_timeout_ms = 1000;
  Http2TestPeer peer;
  int32_t id = peer.request("POST", "/stream", {}, std::string(1 << 20, 'x'));
  exchange(peer);
  for (int i = 0; i < 100; ++i) advance(500);
  std::shared_ptr<BodyPipe> pipe = request(id).stream;
  EXPECT_EQ(pipe->state(), BodyPipe::State::open);
  std::string got;
  while (pipe->read(got, SIZE_MAX) == BodyPipe::State::open) exchange(peer);
  EXPECT_EQ(got.size(), size_t{1} << 20);
}

TEST_F(Http2ServerSessionTest, EndsAnswersThatAreNotTaken) {
  options_.write_timeout_ms = 1000;
  Http2TestPeer peer(0, false);  // windows of nothing
  int32_t whole = peer.request("GET", "/"), streamed = peer.request("GET", "/");
  int32_t quiet = peer.request("GET", "/");
  exchange(peer);
  answer(whole, HeadHandler::text(200, std::string(1 << 20, 'x')));
  auto pipe = std::make_shared<BodyPipe>(10), silent = std::make_shared<BodyPipe>(10);
  Response response = HeadHandler::text(200, "");
  response.stream = pipe;
  answer(streamed, std::move(response));
  response = HeadHandler::text(200, "");
  response.stream = silent;
  answer(quiet, std::move(response));
  exchange(peer);
  pipe->write("x");
  exchange(peer);
  EXPECT_EQ(session().unsent(), 1U << 20);
  advance(600);
  exchange(peer);
  EXPECT_FALSE(peer.replies[whole].closed);
  peer.open_window(whole, 10);  // progress
  exchange(peer);
  EXPECT_EQ(peer.replies[whole].body.size(), 10U);
  advance(600);
  exchange(peer);
  EXPECT_FALSE(peer.replies[whole].closed);
  EXPECT_EQ(peer.replies[streamed].error, uint32_t{NGHTTP2_CANCEL});
  EXPECT_TRUE(pipe->reader_gone());
  advance(600);
  exchange(peer);
  EXPECT_EQ(peer.replies[whole].error, uint32_t{NGHTTP2_CANCEL});
  EXPECT_EQ(session().unsent(), 0U);
  // There is nothing that the third could take.
  for (int i = 0; i < 10; ++i) advance(600);
  exchange(peer);
  EXPECT_FALSE(peer.replies[quiet].closed);
  EXPECT_EQ(stats_.timeouts.load(), 2U);
}

TEST_F(Http2ServerSessionTest, BeginsNoRequestsWhileAnswersPileUp) {
  Http2TestPeer peer(0);
  std::vector<int32_t> ids;
  for (int i = 0; i < 9; ++i) {
    ids.push_back(peer.request("GET", "/"));
    exchange(peer);
    if (requested(ids[i])) answer(ids[i], HeadHandler::text(200, std::string(1 << 20, 'x')));
  }
  exchange(peer);
  EXPECT_EQ(session().unsent(), 8U << 20);
  EXPECT_FALSE(requested(ids[8]));
  peer.reset(ids[0]);
  exchange(peer);
  EXPECT_TRUE(requested(ids[8]));
}

TEST_F(Http2ServerSessionTest, EndsWithWhatIsNoHttp2) {
  for (const std::string& input :
       {std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        std::string(kHttp2Preface) + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        opening() + frame(kData, 0, 1, "x"),
        opening() + frame(kHeaders, kEndHeaders, 2, head("GET", "/")),
        opening() + frame(kHeaders, kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff"),
        opening() + frame(kWindowUpdate, 0, 0, number(0x7fffffff)),
        opening() + frame(kSettings, 0, 1, ""), opening() + frame(kPing, 0, 0, "short"),
        opening() + std::string("\xff\xff\xff\0\0\0\0\0\1", 9)}) {
    session_.reset();
    session().receive(input);
    session().dispatch_waiting();
    produced();
    EXPECT_TRUE(session().done_reading()) << input.substr(0, 40);
    EXPECT_FALSE(session().wants_write());
    EXPECT_TRUE(session().requests.empty());
  }
}

TEST_F(Http2ServerSessionTest, DrainsWithoutLosingARequest) {
  Http2TestPeer peer;
  int32_t running = peer.request("GET", "/running");
  exchange(peer);
  session().begin_drain();
  // One is on its way while the client has not heard of it.
  int32_t crossing = peer.request("GET", "/crossing");
  std::string sent = peer.output();
  peer.input(produced());
  EXPECT_TRUE(peer.goaway);
  EXPECT_EQ(peer.goaway_last, INT32_MAX);
  session().receive(sent);
  session().dispatch_waiting();
  EXPECT_TRUE(requested(crossing));
  EXPECT_FALSE(session().drain_answered());
  exchange(peer);
  EXPECT_TRUE(session().drain_answered());
  session().finish_drain();
  exchange(peer);
  EXPECT_EQ(peer.goaway_last, crossing);
  EXPECT_EQ(peer.goaway_error, uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_FALSE(session().done_reading());
  for (int32_t id : {running, crossing}) answer(id, HeadHandler::text(200, "x"));
  exchange(peer);
  EXPECT_TRUE(peer.replies[running].ended);
  EXPECT_TRUE(peer.replies[crossing].ended);
  EXPECT_TRUE(session().done_reading());
}

}  // namespace
}  // namespace sedge::net

#endif
