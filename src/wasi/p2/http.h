// wasi:http 0.2 for guests: what they import, and how a component that exports incoming-handler is
// called.
#ifndef SEDGE_WASI_P2_HTTP_H_
#define SEDGE_WASI_P2_HTTP_H_

#include <sedge/component.h>

#include "wasi/p2/http_types.h"

namespace sedge::wasi::p2 {

/// wasi:http/types and outgoing-handler.
void link_http(ComponentLinker& linker);

/// The component's `handle` of wasi:http/incoming-handler, of whatever 0.2 version.
std::optional<ComponentFunc> incoming_handler(const ComponentInstance& instance);

/// Starts a call of `handler`, which ComponentLoop::poll runs; `then` gets its end. `sink` is
/// called while the guest runs or when the store ends: with interim responses (1xx) as the guest
/// sends them, and once with the response as soon as it sets one, its content still to come.
Result<void> handle_request(Store& store, const ComponentFunc& handler, GuestRequest request,
                            ResponseSink sink, std::function<void(Result<void>)> then);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_HTTP_H_
