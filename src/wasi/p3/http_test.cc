// Messages of wasi:http 0.3 as a guest has them, and their content on its way between streams and
// pipes; the host plays the guest.
#include "wasi/p3/http.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "component/channel.h"
#include "component/types.h"
#include "wasi/p3/http_types.h"

namespace sedge::wasi::p3 {
namespace {

using Trailers = Outcome<std::optional<std::unique_ptr<http::Trailers>>, http::ErrorCode>;

/// Where no guest gives a stream its type, the test does.
ComponentVal of_bytes(ComponentVal stream) {
  static const component::Types types(nullptr);
  stream.end->channel->element = {&types, component::PrimType::u8};
  return stream;
}

class HttpP3Test : public testing::Test {
 protected:
  HttpP3Test() : engine_(*Engine::create({})), store_(engine_) {
    store_.set_data(*Context::create({}));
  }
  void poll() { ComponentLoop::of(store_).poll(); }
  http::Host& types() { return http_types_host(store_); }

  /// What a guest has of content that it makes.
  struct Made {
    std::optional<ComponentWriter> contents;
    std::optional<ComponentWriter> trailers;
    ComponentReader sent;
    std::optional<Content> content;
  };
  Made make(bool with_contents) {
    Made out;
    std::optional<host::Stream> contents;
    if (with_contents) {
      auto [value, writer] = ComponentWriter::stream(store_);
      contents = host::Stream{of_bytes(std::move(value))};
      out.contents = std::move(writer);
    }
    auto [value, writer] = ComponentWriter::future(store_);
    out.trailers = std::move(writer);
    auto [content, sent] =
        GuestContent::make(store_, std::move(contents), host::Future{std::move(value)});
    out.content.emplace(std::move(content));
    out.sent = *ComponentReader::from(store_, std::move(sent.value));
    return out;
  }
  static void write(Made& made, std::string_view bytes) {
    made.contents->write_bytes({bytes.begin(), bytes.end()}, [](const ComponentItems&) {});
  }
  void write_trailers(Made& made, net::Headers fields) {
    std::optional<std::unique_ptr<http::Trailers>> some;
    if (!fields.empty()) some = Fields::view(std::make_shared<const net::Headers>(fields));
    write_trailers(made, Trailers(std::move(some)));
  }
  void write_trailers(Made& made, Trailers trailers) {
    std::vector<ComponentVal> values;
    values.push_back(*host::lower<Trailers>(store_, std::move(trailers)));
    made.trailers->write(std::move(values), [](const ComponentItems&) {});
  }
  /// "ok", the case of the error, or "nothing yet".
  std::string sent(Made& made) {
    auto told = std::make_shared<std::string>("nothing yet");
    made.sent.read(1, [this, told](ComponentItems items) {
      if (items.count == 0) {
        *told = "dropped";
        return;
      }
      auto outcome = *host::lift<Transmitted>(store_, items.values[0]);
      *told = outcome ? "ok" : wasi::http::http_error(outcome.error()).detail;
    });
    poll();
    return *told;
  }
  struct Events {
    bool ready = false, over = false;
    std::string error;
  };
  std::shared_ptr<Outgoing> start(Made& made, Events& events, Outgoing::Of of,
                                  std::optional<uint64_t> length = {}) {
    auto outgoing = Outgoing::make(store_, of, *std::exchange(made.content, std::nullopt), length);
    EXPECT_TRUE(outgoing->start([&events] { events.ready = true; },
                                [&events](const std::optional<net::HttpError>& error) {
                                  events.over = true;
                                  if (error) events.error = error->detail;
                                }));
    poll();
    return outgoing;
  }
  static std::string read(net::BodyPipe& pipe) {
    std::string out;
    pipe.read(out, SIZE_MAX);
    return out;
  }

  Engine engine_;
  Store store_;
};

TEST_F(HttpP3Test, FieldsKeepTheCaseInWhichTheyCame) {
  auto fields = *types().make_fields(store_);
  ASSERT_TRUE(*fields->append(store_, "Foo", {"a"}));
  ASSERT_TRUE(*fields->append(store_, "FOO", {" b "}));
  auto all = *fields->copy_all(store_);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(std::get<0>(all[1]), "Foo");
  EXPECT_EQ(std::get<1>(all[1]).data, " b ");
  EXPECT_TRUE(*fields->has(store_, "foo"));
  auto gone = *fields->get_and_delete(store_, "foo");
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->size(), 2u);
  EXPECT_FALSE(*fields->has(store_, "Foo"));
  for (const char* name : {"Connection", "host", "Transfer-Encoding", "HTTP2-Settings"}) {
    auto refused = *fields->append(store_, name, {"a"});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(std::holds_alternative<http::HeaderError::Forbidden>(refused.error().value));
  }
  auto split = *types().fields_from_list(store_, {{"a", {"b\r\nc: d"}}});
  ASSERT_FALSE(split);
  EXPECT_TRUE(std::holds_alternative<http::HeaderError::InvalidSyntax>(split.error().value));
}

TEST_F(HttpP3Test, FieldsThatTakeTooMuchMemoryAreRefused) {
  auto fields = *types().make_fields(store_);
  Result<Outcome<Unit, http::HeaderError>> last = Unit{};
  for (int i = 0; i < 2000 && *last; ++i)
    last = fields->append(store_, "a", {std::string(1000, 'x')});
  ASSERT_FALSE(*last);
  EXPECT_TRUE(std::holds_alternative<http::HeaderError::SizeExceeded>(last->error().value));
  EXPECT_LT((*fields->get(store_, "a")).size(), 1100u);
  // What a message refers to still counts when the resource that it was given is gone.
  std::vector<std::unique_ptr<http::Request>> kept;
  Result<std::unique_ptr<http::Fields>> copy = fields->clone(store_);
  while (copy && kept.size() < 100) {
    auto [value, writer] = ComponentWriter::future(store_);
    kept.push_back(std::get<0>(*types().request_new(store_, *std::move(copy), std::nullopt,
                                                    host::Future{std::move(value)}, std::nullopt)));
    copy = fields->clone(store_);
  }
  EXPECT_LT(kept.size(), 100u);
}

TEST_F(HttpP3Test, RequestsSayWhatTheyAre) {
  Made made = make(false);
  Request request(std::make_shared<const net::Headers>(), *std::move(made.content));
  EXPECT_TRUE(*request.set_method(store_, {http::Method::Other{"GET"}}));
  EXPECT_TRUE(std::holds_alternative<http::Method::Get>((*request.get_method(store_)).value));
  EXPECT_FALSE(*request.set_method(store_, {http::Method::Other{"a b"}}));
  EXPECT_TRUE(*request.set_scheme(store_, http::Scheme{http::Scheme::Other{"https"}}));
  EXPECT_TRUE(std::holds_alternative<http::Scheme::Https>((*request.get_scheme(store_))->value));
  for (const char* scheme : {"", "1a", "a:", "a b"})
    EXPECT_FALSE(*request.set_scheme(store_, http::Scheme{http::Scheme::Other{scheme}})) << scheme;
  EXPECT_TRUE(*request.set_path_with_query(store_, ""));
  EXPECT_EQ(*request.get_path_with_query(store_), "/");
  for (const char* path : {"/a b", "/<", "/a\r\n", "/#"})
    EXPECT_FALSE(*request.set_path_with_query(store_, path)) << path;
  for (const char* authority : {"", "::", ":@", "@@", "@:", " ", "#", "a:what", "a/b"})
    EXPECT_FALSE(*request.set_authority(store_, authority)) << authority;
  EXPECT_TRUE(*request.set_authority(store_, "user:pass%20@localhost:80"));
  EXPECT_EQ(request.head().error().kind, net::HttpError::Kind::request_uri_invalid);
  EXPECT_TRUE(*request.set_authority(store_, "[::1]:8080"));
  auto head = request.head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->host, "::1");
  EXPECT_TRUE(head->tls);

  Made other = make(false);
  Response response(200, std::make_shared<const net::Headers>(), *std::move(other.content));
  EXPECT_TRUE(*response.set_status_code(store_, 100));
  for (uint16_t status : {0, 42, 600, 1000})
    EXPECT_FALSE(*response.set_status_code(store_, status));
}

TEST_F(HttpP3Test, OptionsOfARequestAreNotChanged) {
  auto options = *types().make_request_options(store_);
  EXPECT_TRUE(*options->set_connect_timeout(store_, 1'000'000));
  auto [value, writer] = ComponentWriter::future(store_);
  auto [request, sent] = *types().request_new(store_, *types().make_fields(store_), std::nullopt,
                                              host::Future{std::move(value)}, std::move(options));
  auto seen = *std::move(*request->get_options(store_));
  EXPECT_EQ(*seen->get_connect_timeout(store_), 1'000'000u);
  auto refused = *seen->set_connect_timeout(store_, 2);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(std::holds_alternative<http::RequestOptionsError::Immutable>(refused.error().value));
  EXPECT_TRUE(*(*seen->clone(store_))->set_connect_timeout(store_, 2));
}

TEST_F(HttpP3Test, ContentGoesOutWithItsTrailers) {
  Made made = make(true);
  Events events;
  auto outgoing = start(made, events, Outgoing::Of::response);
  EXPECT_TRUE(events.ready);
  write(made, "hello");
  poll();
  EXPECT_EQ(read(*outgoing->pipe()), "hello");
  made.contents.reset();
  write_trailers(made, {{"x-sum", "1"}});
  poll();
  EXPECT_FALSE(events.over) << "nobody has read the end";
  EXPECT_EQ(read(*outgoing->pipe()), "");
  EXPECT_EQ(outgoing->pipe()->trailers(), (net::Headers{{"x-sum", "1"}}));
  poll();
  EXPECT_TRUE(events.over);
  EXPECT_EQ(sent(made), "ok");
}

TEST_F(HttpP3Test, ContentWaitsForItsReader) {
  Made made = make(true);
  Events events;
  auto outgoing = start(made, events, Outgoing::Of::response);
  write(made, std::string(wasi::http::kPipeBytes, 'x'));
  poll();
  bool taken = false;
  made.contents->write_bytes({1}, [&taken](const ComponentItems&) { taken = true; });
  poll();
  EXPECT_FALSE(taken) << "the pipe is full";
  EXPECT_EQ(read(*outgoing->pipe()).size(), wasi::http::kPipeBytes);
  poll();
  EXPECT_TRUE(taken);
  EXPECT_EQ(read(*outgoing->pipe()).size(), 1u);
}

TEST_F(HttpP3Test, WithoutContentsTheTrailersComeFirst) {
  Made made = make(false);
  Events events;
  auto outgoing = start(made, events, Outgoing::Of::response);
  EXPECT_FALSE(events.ready);
  write_trailers(made, net::Headers());
  poll();
  EXPECT_TRUE(events.ready);
  EXPECT_EQ(outgoing->pipe()->state(), net::BodyPipe::State::done);
}

TEST_F(HttpP3Test, ContentThatEndsBadlySaysSo) {
  for (bool contents : {false, true}) {
    Made made = make(contents);
    Events events;
    auto outgoing = start(made, events, Outgoing::Of::response);
    made.contents.reset();
    write_trailers(made, Trailers(host::err(http::ErrorCode{http::ErrorCode::LoopDetected{}})));
    poll();
    EXPECT_EQ(events.ready, contents);
    EXPECT_TRUE(events.over);
    EXPECT_EQ(events.error, "loop-detected");
    EXPECT_EQ(outgoing->pipe()->state(), net::BodyPipe::State::failed);
    EXPECT_EQ(sent(made), "loop-detected");
  }
  Made never = make(true);
  Events events;
  auto outgoing = start(never, events, Outgoing::Of::response);
  never.contents.reset();
  never.trailers.reset();
  poll();
  EXPECT_EQ(events.error, "the guest gave no trailers");
}

TEST_F(HttpP3Test, ContentHoldsItsContentLength) {
  for (std::string_view bytes : {"ab", "abcd"}) {
    Made made = make(true);
    Events events;
    auto outgoing = start(made, events, Outgoing::Of::response, 3);
    write(made, bytes);
    poll();
    made.contents.reset();
    poll();
    EXPECT_TRUE(events.over) << bytes;
    EXPECT_EQ(outgoing->pipe()->state(), net::BodyPipe::State::failed);
    EXPECT_EQ(sent(made), "HTTP-response-body-size");
  }
}

TEST_F(HttpP3Test, AReaderThatGoesEndsTheContent) {
  Made made = make(true);
  Events events;
  auto outgoing = start(made, events, Outgoing::Of::response);
  outgoing->pipe()->close_reader();
  poll();
  EXPECT_TRUE(events.over);
  EXPECT_EQ(sent(made), "connection-terminated");
  bool ended = false;
  made.contents->write_bytes({1}, [&ended](const ComponentItems& items) { ended = items.ended; });
  poll();
  EXPECT_TRUE(ended);
}

TEST_F(HttpP3Test, MessagesThatAreNeverSentSaySo) {
  Made made = make(true);
  {
    Request request(std::make_shared<const net::Headers>(), *std::move(made.content));
  }
  EXPECT_EQ(sent(made), "internal-error: it was dropped before it was sent");
}

TEST_F(HttpP3Test, AGuestConsumesItsOwnContent) {
  Made made = make(true);
  auto [result, handled] = ComponentWriter::future(store_);
  auto [stream, trailers] =
      *consume(store_, *std::exchange(made.content, std::nullopt), host::Future{std::move(result)});
  auto reader = *ComponentReader::from(store_, std::move(stream.value));
  std::string got;
  reader.read_bytes(10, [&got](const ComponentItems& items) {
    got.assign(items.bytes.begin(), items.bytes.end());
  });
  write(made, "hello");
  poll();
  EXPECT_EQ(got, "hello");
  std::vector<ComponentVal> values;
  values.push_back(*host::lower<Transmitted>(
      store_, host::err(http::ErrorCode{http::ErrorCode::ConfigurationError{}})));
  handled.write(std::move(values), [](const ComponentItems&) {});
  EXPECT_EQ(sent(made), "configuration-error");
}

class Consumed : public HttpP3Test {
 protected:
  Consumed() {
    auto [value, writer] = ComponentWriter::future(store_);
    res_ = std::move(writer);
    auto [stream, trailers] = *consume(store_, HostContent(pipe_), host::Future{std::move(value)});
    stream_ = *ComponentReader::from(store_, of_bytes(std::move(stream.value)));
    trailers_ = *ComponentReader::from(store_, std::move(trailers.value));
  }
  std::string next() {
    auto got = std::make_shared<std::string>("nothing yet");
    stream_->read_bytes(1000, [got](const ComponentItems& items) {
      got->assign(items.bytes.begin(), items.bytes.end());
      if (items.ended) *got += "|";
    });
    poll();
    return *got;
  }
  std::string trailers() {
    auto got = std::make_shared<std::string>("nothing yet");
    trailers_.read(1, [this, got](ComponentItems items) {
      auto fields = *host::lift<Trailers>(store_, items.values[0]);
      if (!fields)
        *got = "error";
      else
        *got = *fields ? Fields::in(***fields)->front().first : "none";
    });
    poll();
    return *got;
  }
  std::shared_ptr<net::BodyPipe> pipe_ = std::make_shared<net::BodyPipe>(100);
  ComponentWriter res_;
  std::optional<ComponentReader> stream_;
  ComponentReader trailers_;
};

TEST_F(Consumed, GivesWhatComesAndThenTheTrailers) {
  pipe_->write("hello");
  EXPECT_EQ(next(), "hello");
  EXPECT_EQ(next(), "nothing yet");
  pipe_->finish({{"x-sum", "1"}});
  poll();
  EXPECT_EQ(trailers(), "x-sum");
}

TEST_F(Consumed, TakesNothingThatIsNotAskedFor) {
  pipe_->write("hello");
  poll();
  EXPECT_EQ(pipe_->available(), 5u);
}

TEST_F(Consumed, TellsWhatHasFailed) {
  pipe_->write("hel");
  pipe_->fail({net::HttpError::Kind::connection_terminated, {}});
  EXPECT_EQ(next(), "hel");
  EXPECT_EQ(next(), "|");
  EXPECT_EQ(trailers(), "error");
}

TEST_F(Consumed, EndsWhatTheGuestDrops) {
  poll();
  stream_.reset();
  poll();
  EXPECT_TRUE(pipe_->reader_gone());
  EXPECT_EQ(trailers(), "none");
}

TEST_F(Consumed, EndsWhatTheGuestCouldNotHandle) {
  std::vector<ComponentVal> values;
  values.push_back(*host::lower<Transmitted>(
      store_, host::err(http::ErrorCode{http::ErrorCode::ConfigurationError{}})));
  res_.write(std::move(values), [](const ComponentItems&) {});
  poll();
  EXPECT_TRUE(pipe_->reader_gone());
}

}  // namespace
}  // namespace sedge::wasi::p3
