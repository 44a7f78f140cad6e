// Header fields and bodies of wasi:http, as a guest has them: what is refused, and what is bounded.
#include <gtest/gtest.h>

#include <string>

#include "wasi/p2/http_types.h"

namespace sedge::wasi::p2 {
namespace {

using http::HeaderError;

class HttpTypesTest : public testing::Test {
 protected:
  HttpTypesTest() : engine_(*Engine::create({})), store_(engine_) {
    store_.set_data(*Context::create({}));
  }
  std::unique_ptr<Fields> fields(net::Headers headers = {}) {
    return *Fields::own(store_, std::move(headers));
  }
  template <typename Case, typename T>
  static bool failed_with(const Result<Outcome<T, HeaderError>>& outcome) {
    return outcome && !*outcome && std::holds_alternative<Case>(outcome->error().value);
  }
  std::string values(Fields& fields, const char* name) {
    std::string out;
    auto found = fields.get(store_, name);
    for (const host::Bytes& value : *found) out += value.data + ";";
    return out;
  }
  Engine engine_;
  Store store_;
};

TEST_F(HttpTypesTest, FieldsForgetTheCaseOfNames) {
  auto fields = this->fields();
  ASSERT_TRUE(*fields->append(store_, "X-Thing", {"a"}));
  ASSERT_TRUE(*fields->append(store_, "x-thing", {"b"}));
  EXPECT_EQ(values(*fields, "X-THING"), "a;b;");
  EXPECT_TRUE(*fields->has(store_, "x-Thing"));
  ASSERT_TRUE(*fields->set(store_, "X-thing", {{"c"}}));
  EXPECT_EQ(values(*fields, "x-thing"), "c;");
  ASSERT_TRUE(*fields->delete_(store_, "x-thing"));
  EXPECT_FALSE(*fields->has(store_, "x-thing"));
  EXPECT_FALSE(*fields->has(store_, "no name"));
}

TEST_F(HttpTypesTest, FieldsRefuseWhatCouldSplitAMessage) {
  auto fields = this->fields();
  for (const char* name : {"", "a b", "a:", "a\r\n", "\xc3\xa4"})
    EXPECT_TRUE(failed_with<HeaderError::InvalidSyntax>(fields->append(store_, name, {"value"})))
        << name;
  for (const char* value : {"a\r\nb: c", "a\nb", "a\r", "\x7f"})
    EXPECT_TRUE(failed_with<HeaderError::InvalidSyntax>(fields->set(store_, "a", {{value}})))
        << value;
  for (const char* name : {"Host", "connection", "Transfer-Encoding", "upgrade", "keep-alive"})
    EXPECT_TRUE(failed_with<HeaderError::Forbidden>(fields->append(store_, name, {"a"}))) << name;
  EXPECT_TRUE(failed_with<HeaderError::Forbidden>(
      fields_from_list(store_, {{"a", {"b"}}, {"Host", {"c"}}})));
}

TEST_F(HttpTypesTest, FieldsOfAMessageAreNotChanged) {
  auto view = *Fields::view(store_, std::make_shared<const net::Headers>(net::Headers{{"a", "b"}}));
  EXPECT_TRUE(failed_with<HeaderError::Immutable>(view->append(store_, "c", {"d"})));
  EXPECT_TRUE(failed_with<HeaderError::Immutable>(view->delete_(store_, "a")));
  auto copy = *view->clone(store_);
  EXPECT_TRUE(*copy->append(store_, "c", {"d"}));
  EXPECT_EQ(*view->has(store_, "c"), false);
}

TEST_F(HttpTypesTest, FieldsTakeNoMoreMemoryThanAGuestMay) {
  auto fields = this->fields();
  Result<Outcome<Unit, HeaderError>> last = Unit{};
  for (int i = 0; i < 2000 && last; ++i)
    last = fields->append(store_, "a", {std::string(1000, 'x')});
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), ErrorCode::component_trap);
}

TEST_F(HttpTypesTest, RequestsSayWhatIsWrongWithThem) {
  auto request = std::make_unique<OutgoingRequest>(std::make_shared<const net::Headers>());
  EXPECT_FALSE(*request->set_method(store_, {http::Method::Other{"a b"}}));
  EXPECT_FALSE(*request->set_path_with_query(store_, "/a b"));
  for (const char* authority : {"", "user@host", "host:", "host:70000", "a/b", "[::1"})
    EXPECT_FALSE(*request->set_authority(store_, authority)) << authority;
  EXPECT_EQ(request->take().error().kind, net::HttpError::Kind::request_uri_invalid);
  EXPECT_TRUE(*request->set_authority(store_, "[::1]:8080"));
  EXPECT_TRUE(*request->set_path_with_query(store_, "/a?b"));
  auto taken = request->take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->host, "::1");
  EXPECT_EQ(taken->port, 8080);
  EXPECT_EQ(taken->target, "/a?b");
  EXPECT_TRUE(taken->tls);
}

TEST_F(HttpTypesTest, InformationalResponsesComeBeforeTheAnswer) {
  std::vector<net::HttpResult<net::Response>> sent;
  auto out = std::make_unique<ResponseOutparam>(
      [&sent](net::HttpResult<net::Response> response) { sent.push_back(std::move(response)); });
  auto inform = [&](uint16_t status) {
    return *out->send_informational(store_, status,
                                    fields({{"link", "</a>"}, {"Content-Length", "3"}}));
  };
  for (uint16_t status : {0, 99, 101, 200, 500}) {
    auto refused = inform(status);
    ASSERT_FALSE(refused) << status;
    EXPECT_TRUE(std::holds_alternative<http::ErrorCode::HttpProtocolError>(refused.error().value));
  }
  EXPECT_TRUE(sent.empty());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(inform(103));
  EXPECT_FALSE(inform(103)) << "a guest could go on for ever";
  ASSERT_EQ(sent.size(), 100u);
  EXPECT_EQ(sent[0]->status, 103);
  EXPECT_EQ(sent[0]->headers, (net::Headers{{"link", "</a>"}}));
  out.reset();
  ASSERT_EQ(sent.size(), 101u);
  EXPECT_FALSE(sent.back()) << "no response was set";
}

TEST_F(HttpTypesTest, ABodyHoldsItsContentLength) {
  auto response = std::make_unique<OutgoingResponse>(
      std::make_shared<const net::Headers>(net::Headers{{"content-length", "3"}}));
  auto body = std::move(**response->body(store_));
  EXPECT_FALSE(*response->body(store_)) << "a second body";
  auto stream = std::move(**body->write(store_));
  EXPECT_TRUE(*stream->blocking_write_and_flush(store_, {"ab"}));
  EXPECT_FALSE(static_cast<OutgoingBody&>(*body).finish({})) << "while the stream is open: a trap";
  EXPECT_FALSE(*stream->blocking_write_and_flush(store_, {"cd"})) << "more than it says";
  stream.reset();
  auto finished = static_cast<OutgoingBody&>(*body).finish({});
  ASSERT_TRUE(finished);
  ASSERT_FALSE(*finished) << "less than it says";
  EXPECT_EQ(response->take().stream->state(), net::BodyPipe::State::failed);
}

}  // namespace
}  // namespace sedge::wasi::p2
