// A server's connection that speaks HTTP/2: a socket and a timer for a session.
#ifndef SEDGE_NET_HTTP2_CONNECTION_H_
#define SEDGE_NET_HTTP2_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.h"

namespace sedge::net {

/// What a client of HTTP/2 begins with. RFC 9113 section 3.4.
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `input`: what was read already. Null without SEDGE_HTTP2. It begins with its first event.
std::unique_ptr<Connection> make_http2_connection(Shard& shard, Fd socket, std::string peer,
                                                  uint32_t slot, uint32_t generation,
                                                  std::string input);

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP2_CONNECTION_H_
