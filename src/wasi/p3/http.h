// wasi:http 0.3 for guests: what they import, and how a component that exports its handler is
// called.
#ifndef SEDGE_WASI_P3_HTTP_H_
#define SEDGE_WASI_P3_HTTP_H_

#include <functional>
#include <optional>

#include <sedge/component.h>

#include "wasi/http/message.h"

namespace sedge::wasi::p3 {

/// wasi:http/types and client.
void link_http(ComponentLinker& linker);

/// The component's `handle` of wasi:http/handler, of whatever 0.3 version.
std::optional<ComponentFunc> http_handler(const ComponentInstance& instance);

/// Starts a call of `handler` (ComponentFunc::start). `sink` is called at most once, by the store's
/// loop: with the response when the guest has given it, its content still to come, or with the
/// guest's error. `then` is told when the call has ended and the content with it; what the guest
/// still does after that is ComponentLoop's to tell. Errors: of handles.
Result<void> handle_request(Store& store, const ComponentFunc& handler, http::GuestRequest request,
                            http::ResponseSink sink, std::function<void(Result<void>)> then);

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_HTTP_H_
