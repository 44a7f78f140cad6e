// See http.h.
#include "wasi/p3/http.h"

#include <string_view>
#include <utility>

#include "p3/wasi/http/client.h"
#include "wasi/p2/guest.h"
#include "wasi/p3/http_types.h"

namespace sedge::wasi::p3 {
namespace {

namespace client = bindings::p3::wasi::http::client;
using Responded = Outcome<std::unique_ptr<http::Response>, http::ErrorCode>;

constexpr std::string_view kHandler = "wasi:http/handler@0.3.";

http::ErrorCode code_of(const net::HttpError& error) {
  return wasi::http::error_code<http::ErrorCode>(error);
}

/// A response on its way from the client's thread; its content ends if nobody takes it.
struct Arriving {
  explicit Arriving(net::HttpResult<net::ClientResponse> of) : response(std::move(of)) {}
  Arriving(const Arriving&) = delete;
  Arriving& operator=(const Arriving&) = delete;
  ~Arriving() {
    if (response && response->body) response->body->close_reader();
  }
  net::HttpResult<net::ClientResponse> response;
};

/// One request that a guest sends.
class Sending final : public Kept {
 public:
  using Done = host::Completion<Responded>;
  Sending(Store& store, Done done, net::ClientRequest request, net::BodyLease lease,
          std::shared_ptr<Outgoing> content)
      : Kept(store),
        done_(std::move(done)),
        request_(std::move(request)),
        lease_(std::move(lease)),
        content_(std::move(content)) {}
  ~Sending() override { exchange_.cancel(); }

  Result<void> start() {
    done_.call().on_cancel(weakly(this, [](Sending& self) { self.cancel(); }));
    return content_->start(
        weakly(this, [](Sending& self) { self.send(); }),
        weakly(this, [](Sending& self, const std::optional<net::HttpError>& error) {
          if (!self.sent_ && error) self.refuse(*error);
        }));
  }

 private:
  void refuse(const net::HttpError& error) {
    content_->end(error);
    done_.resolve(host::err(code_of(error)));
    leave();
  }
  void send() {
    sent_ = true;
    request_.body = content_->pipe();
    auto guest = network_of(store());
    if (!guest) return give_up(std::move(guest).error());
    auto http_client = (*guest)->network->client();
    if (!http_client) return give_up(std::move(http_client).error());
    std::weak_ptr<Sending> weak = std::static_pointer_cast<Sending>(shared_from_this());
    exchange_ =
        (*http_client)
            ->send(std::move(request_), [remote = ComponentLoop::of(store()).remote(),
                                         weak](net::HttpResult<net::ClientResponse> response) {
              auto arriving = std::make_shared<Arriving>(std::move(response));
              remote.post([weak, arriving](Store&) {
                if (auto self = weak.lock()) self->arrive(std::move(arriving->response));
              });
            });
  }
  void arrive(net::HttpResult<net::ClientResponse> response) {
    exchange_ = {};
    if (!response) return refuse(response.error());
    content_->answered();
    response->body->lease = std::move(lease_);
    auto headers = std::make_shared<const net::Headers>(wasi::http::headers_of(*response->head));
    done_.resolve(std::unique_ptr<http::Response>(
        std::make_unique<Response>(static_cast<uint16_t>(response->head->status),
                                   std::move(headers), HostContent(std::move(response->body)))));
    leave();
  }
  void cancel() {
    sent_ = true;
    exchange_.cancel();
    content_->end({net::HttpError::Kind::connection_terminated, "the request was cancelled"});
    done_.call().cancelled();
    leave();
  }
  void give_up(Error error) {
    done_.fail(std::move(error));
    leave();
  }

  Done done_;
  net::ClientRequest request_;
  net::BodyLease lease_;
  std::shared_ptr<Outgoing> content_;
  net::HttpClient::Exchange exchange_;
  bool sent_ = false;
};

class Client final : public client::Host {
 public:
  void send(Store& store, Sending::Done done, std::unique_ptr<http::Request> given) override {
    auto& request = static_cast<Request&>(*given);
    const auto length = wasi::http::declared_length(request.headers());
    net::HttpResult<net::ClientRequest> head = request.head();
    auto content = Outgoing::make(store, Outgoing::Of::request, request.take_content(), length);
    auto refuse = [&](const net::HttpError& error) {
      content->end(error);
      done.resolve(host::err(code_of(error)));
    };
    if (!head) return refuse(head.error());
    auto lease = wasi::http::permit(store, *head);
    if (!lease) return done.fail(std::move(lease).error());
    if (!*lease) return refuse(lease->error());
    if (request.options()) {
      const RequestOptions::Times& times = *request.options();
      head->timeouts =
          wasi::http::timeouts_of(times.connect, times.first_byte, times.between_bytes);
    }
    head->body_length = length;
    auto sending = Kept::make<Sending>(store, done, *std::move(head), std::move(**lease), content);
    if (auto started = sending->start(); !started) done.fail(std::move(started).error());
  }
};

/// See handle_request.
class Answer final : public std::enable_shared_from_this<Answer> {
 public:
  using Then = std::function<void(Result<void>)>;
  Answer(wasi::http::ResponseSink sink, Then then)
      : sink_(std::move(sink)), then_(std::move(then)) {}

  void take(Store& store, Result<std::vector<ComponentVal>> results) {
    if (!results) return then_(fail(std::move(results).error()));
    auto given = host::lift<Responded>(store, results->front());
    if (!given) return then_(fail(std::move(given).error()));
    if (!*given) return refuse(wasi::http::http_error(given->error()));
    respond(store, static_cast<Response&>(***given));
  }

 private:
  void refuse(net::HttpError error) {
    sink_(std::unexpected(std::move(error)));
    then_({});
  }
  void respond(Store& store, Response& response) {
    const auto length = wasi::http::declared_length(response.headers());
    auto content = Outgoing::make(store, Outgoing::Of::response, response.take_content(), length);
    if (response.status() < 200) {
      // Not a final response, and one that is informational is not ours to send.
      net::HttpError error{net::HttpError::Kind::internal_error,
                           "a status below 200 is not that of a response"};
      content->end(error);
      return refuse(std::move(error));
    }
    auto out = std::make_shared<net::Response>();
    out->status = response.status();
    out->headers = response.headers();
    out->stream = content->pipe();
    out->stream_length = length;
    auto started = content->start(
        [self = shared_from_this(), out] { std::exchange(self->sink_, nullptr)(std::move(*out)); },
        [self = shared_from_this()](const std::optional<net::HttpError>& error) {
          if (self->sink_ && error) std::exchange(self->sink_, nullptr)(std::unexpected(*error));
          self->then_({});
        });
    if (!started) then_(fail(std::move(started).error()));
  }

  wasi::http::ResponseSink sink_;
  Then then_;
};

}  // namespace

void link_http(ComponentLinker& linker) {
  http::add_to_linker(linker, http_types_host);
  client::add_to_linker(linker, p2::single<Client, client::Host>);
}

std::optional<ComponentFunc> http_handler(const ComponentInstance& instance) {
  for (const std::string& name : instance.exports())
    if (name.starts_with(kHandler)) return instance.get_func(name + "#handle");
  return std::nullopt;
}

Result<void> handle_request(Store& store, const ComponentFunc& handler,
                            wasi::http::GuestRequest request, wasi::http::ResponseSink sink,
                            std::function<void(Result<void>)> then) {
  auto answer = std::make_shared<Answer>(std::move(sink), std::move(then));
  std::unique_ptr<http::Request> given = Request::of(std::move(request));
  SEDGE_TRY_ASSIGN(ComponentVal argument, host::lower(store, std::move(given)));
  return handler.start(store, std::vector{std::move(argument)},
                       [answer, &store](Result<std::vector<ComponentVal>> results) {
                         answer->take(store, std::move(results));
                       });
}

}  // namespace sedge::wasi::p3
