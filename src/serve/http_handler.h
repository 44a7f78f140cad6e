// What a component exports to answer requests: the handler of wasi:http, of 0.3 or 0.2.
#ifndef SEDGE_SERVE_HTTP_HANDLER_H_
#define SEDGE_SERVE_HTTP_HANDLER_H_

#include <functional>
#include <optional>
#include <utility>

#include <sedge/component.h>

#include "net/http.h"
#include "serve/function.h"

namespace sedge::serve {

class HttpHandler {
 public:
  /// The one of the newer version, if there are both.
  static std::optional<HttpHandler> of(const ComponentInstance& instance);
  /// Their names, for messages.
  static constexpr const char* kNames = "wasi:http/handler@0.3 or wasi:http/incoming-handler@0.2";

  /// Starts a call, which the store's loop runs. `sink` gets the response when the guest has given
  /// it, its content still to come; `then` is told when the call and the content have ended.
  /// Errors: of handles.
  Result<void> start(Store& store, const net::Request& request, ResponseSink sink,
                     std::function<void(Result<void>)> then) const;

 private:
  enum class Version : uint8_t { p2, p3 };
  HttpHandler(Version version, ComponentFunc function)
      : version_(version), function_(std::move(function)) {}
  Version version_;
  ComponentFunc function_;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_HTTP_HANDLER_H_
