// See http_handler.h.
#include "serve/http_handler.h"

#include "wasi/http/field_list.h"
#include "wasi/http/message.h"
#include "wasi/p2/http.h"
#include "wasi/p3/http.h"

namespace sedge::serve {

std::optional<HttpHandler> HttpHandler::of(const ComponentInstance& instance) {
  if (auto found = wasi::p3::http_handler(instance))
    return HttpHandler(Version::p3, *std::move(found));
  if (auto found = wasi::p2::incoming_handler(instance))
    return HttpHandler(Version::p2, *std::move(found));
  return std::nullopt;
}

Result<void> HttpHandler::start(Store& store, const net::Request& request, ResponseSink sink,
                                std::function<void(Result<void>)> then) const {
  wasi::http::GuestRequest given;
  given.method = request.method();
  given.path_with_query = request.path();
  if (!request.query().empty()) given.path_with_query.append("?").append(request.query());
  given.authority = request.host();
  given.headers = wasi::http::headers_of(request);
  given.body = request.stream;
  if (version_ == Version::p3)
    return wasi::p3::handle_request(store, function_, std::move(given), std::move(sink),
                                    std::move(then));
  return wasi::p2::handle_request(store, function_, std::move(given), std::move(sink),
                                  std::move(then));
}

}  // namespace sedge::serve
