// See http.h.
#include "wasi/p2/http.h"

#include <utility>

#include "p2/wasi/http/incoming-handler.h"
#include "p2/wasi/http/outgoing-handler.h"

namespace sedge::wasi::p2 {
namespace {

namespace outgoing = bindings::p2::wasi::http::outgoing_handler;

constexpr std::string_view kIncomingHandler = "wasi:http/incoming-handler@0.2.";

const std::shared_ptr<const net::Headers>& headers_in(const http::Fields& fields) {
  return static_cast<const Fields&>(fields).headers();
}

class Types final : public http::Host {
 public:
  Result<std::unique_ptr<http::Fields>> make_fields(Store& store) override {
    SEDGE_TRY_ASSIGN(auto fields, Fields::own(store, {}));
    return fields;
  }
  Result<Outcome<std::unique_ptr<http::Fields>, http::HeaderError>> fields_from_list(
      Store& store, std::vector<std::tuple<http::FieldName, http::FieldValue>> entries) override {
    return p2::fields_from_list(store, std::move(entries));
  }
  Result<std::unique_ptr<http::OutgoingRequest>> make_outgoing_request(
      Store&, std::unique_ptr<http::Headers> headers) override {
    return std::make_unique<OutgoingRequest>(headers_in(*headers));
  }
  Result<std::unique_ptr<http::RequestOptions>> make_request_options(Store&) override {
    return std::make_unique<RequestOptions>();
  }
  Result<void> response_outparam_set(
      Store&, std::unique_ptr<http::ResponseOutparam> param,
      Outcome<std::unique_ptr<http::OutgoingResponse>, http::ErrorCode> response) override {
    auto& out = static_cast<ResponseOutparam&>(*param);
    if (response)
      out.set(static_cast<OutgoingResponse&>(**response).take());
    else
      out.set(std::unexpected(wasi::http::http_error(response.error())));
    return {};
  }
  Result<std::unique_ptr<http::FutureTrailers>> incoming_body_finish(
      Store&, std::unique_ptr<http::IncomingBody> body) override {
    const auto& end = static_cast<IncomingBody&>(*body).end();
    if (end->stream_alive)
      return fail(ErrorCode::component_trap, ": incoming-body.finish while its stream is open");
    return std::make_unique<FutureTrailers>(end);
  }
  Result<std::unique_ptr<http::OutgoingResponse>> make_outgoing_response(
      Store&, std::unique_ptr<http::Headers> headers) override {
    return std::make_unique<OutgoingResponse>(headers_in(*headers));
  }
  Result<Outcome<Unit, http::ErrorCode>> outgoing_body_finish(
      Store&, std::unique_ptr<http::OutgoingBody> body,
      std::optional<std::unique_ptr<http::Trailers>> trailers) override {
    net::Headers fields;
    if (trailers) fields = *headers_in(**trailers);
    return static_cast<OutgoingBody&>(*body).finish(std::move(fields));
  }
  Result<std::optional<http::ErrorCode>> http_error_code(Store&, http::IoError& error) override {
    const auto* ours = dynamic_cast<const HttpIoError*>(&error);
    if (!ours) return std::nullopt;
    return error_code(ours->error());
  }
};

http::Host& types_host(Store&) {
  static Types types;
  return types;
}

class Outgoing final : public outgoing::Host {
 public:
  Result<Outcome<std::unique_ptr<http::FutureIncomingResponse>, http::ErrorCode>> handle(
      Store& store, std::unique_ptr<http::OutgoingRequest> given,
      std::optional<std::unique_ptr<http::RequestOptions>> options) override {
    net::HttpResult<net::ClientRequest> request = static_cast<OutgoingRequest&>(*given).take();
    if (!request) return host::err(error_code(request.error()));
    SEDGE_TRY_ASSIGN(auto lease, wasi::http::permit(store, *request));
    if (!lease) return host::err(error_code(lease.error()));
    if (options) request->timeouts = static_cast<RequestOptions&>(**options).timeouts();
    SEDGE_TRY_ASSIGN(GuestNetwork * guest, network_of(store));
    SEDGE_TRY_ASSIGN(auto client, guest->network->client());
    auto future = std::make_unique<FutureIncomingResponse>(std::move(*lease));
    future->send(*client, *std::move(request));
    return std::unique_ptr<http::FutureIncomingResponse>(std::move(future));
  }
};

outgoing::Host& outgoing_host(Store&) {
  static Outgoing handler;
  return handler;
}

}  // namespace

void link_http(ComponentLinker& linker) {
  http::add_to_linker(linker, types_host);
  outgoing::add_to_linker(linker, outgoing_host);
}

std::optional<ComponentFunc> incoming_handler(const ComponentInstance& instance) {
  for (const std::string& name : instance.exports())
    if (name.starts_with(kIncomingHandler)) return instance.get_func(name + "#handle");
  return std::nullopt;
}

Result<void> handle_request(Store& store, const ComponentFunc& handler, GuestRequest request,
                            ResponseSink sink, std::function<void(Result<void>)> then) {
  std::unique_ptr<http::IncomingRequest> in = std::make_unique<IncomingRequest>(std::move(request));
  std::unique_ptr<http::ResponseOutparam> out = std::make_unique<ResponseOutparam>(std::move(sink));
  SEDGE_TRY_ASSIGN(ComponentVal first, host::lower(store, std::move(in)));
  SEDGE_TRY_ASSIGN(ComponentVal second, host::lower(store, std::move(out)));
  const ComponentVal args[] = {std::move(first), std::move(second)};
  return handler.start(store, args, [then = std::move(then)](auto ended) {
    then(ended ? Result<void>() : fail(std::move(ended).error()));
  });
}

}  // namespace sedge::wasi::p2
