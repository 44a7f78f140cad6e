// For tests: the client's side of HTTP/2 by nghttp2, in memory or over a socket, and frames made by
// hand for what no client would send.
#ifndef SEDGE_NET_HTTP2_TEST_PEER_H_
#define SEDGE_NET_HTTP2_TEST_PEER_H_

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "net/address.h"
#include "net/http.h"
#include "net/http2_connection.h"
#include "net/test_client.h"

namespace sedge::net {

namespace http2_frames {

enum Type : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9
};
constexpr uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

inline std::string number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}
inline std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  auto size = static_cast<uint32_t>(payload.size());
  std::string out = {static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                     static_cast<char>(size), static_cast<char>(type), static_cast<char>(flags)};
  return out.append(number(stream)).append(payload);
}
/// A literal field without indexing and Huffman coding; both parts shorter than 127 bytes.
inline std::string field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out += static_cast<char>(name.size());
  out += name;
  out += static_cast<char>(value.size());
  return out.append(value);
}
inline std::string head(std::string_view method, std::string_view path) {
  return field(":method", method) + field(":scheme", "http") + field(":authority", "test") +
         field(":path", path);
}
/// The error that the last GOAWAY among `frames` tells; -1 without one.
inline int64_t goaway_error(std::string_view frames) {
  int64_t error = -1;
  auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<uint8_t>(frames[at])); };
  while (frames.size() >= 9) {
    size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    if (byte(3) == kGoaway && frames.size() >= 17)
      error = byte(13) << 24 | byte(14) << 16 | byte(15) << 8 | byte(16);
    frames.remove_prefix(std::min(frames.size(), 9 + size));
  }
  return error;
}
/// The preface and empty settings.
inline std::string opening() { return std::string(kHttp2Preface) + frame(kSettings, 0, 0, ""); }

}  // namespace http2_frames

/// In memory: output() to the server, input() from it.
class Http2TestPeer {
 public:
  struct Reply {
    int status = 0;
    std::map<std::string, std::string> headers;
    std::map<std::string, std::string> trailers;
    std::string body;
    std::vector<int> interim;
    bool ended = false;   ///< with END_STREAM
    bool closed = false;  ///< ended, or reset
    uint32_t error = 0;
  };

  /// `window`: of each stream; `open`: whether it is opened again as content comes.
  explicit Http2TestPeer(uint32_t window = 65535, bool open = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, !open);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, 1);
  }
  ~Http2TestPeer() { nghttp2_session_del(session_); }
  Http2TestPeer(const Http2TestPeer&) = delete;
  Http2TestPeer& operator=(const Http2TestPeer&) = delete;

  /// Begins a request. Its content may grow with add() unless `whole`.
  int32_t request(const std::string& method, const std::string& path, const Headers& fields = {},
                  const std::string& body = {}, bool whole = true, Headers trailers = {}) {
    Headers all = {
        {":method", method}, {":scheme", "http"}, {":authority", "test"}, {":path", path}};
    all.insert(all.end(), fields.begin(), fields.end());
    std::vector<nghttp2_nv> views = views_of(all);
    nghttp2_data_provider provider{.source = {}, .read_callback = read};
    bool content = !body.empty() || !whole || !trailers.empty();
    int32_t id = nghttp2_submit_request(session_, nullptr, views.data(), views.size(),
                                        content ? &provider : nullptr, nullptr);
    uploads_[id] = {body, 0, whole, std::move(trailers)};
    return id;
  }
  void add(int32_t id, std::string_view bytes, bool whole) {
    uploads_[id].bytes += bytes;
    uploads_[id].whole = whole;
    nghttp2_session_resume_data(session_, id);
  }
  void reset(int32_t id, uint32_t error = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error);
  }
  void open_window(int32_t id, int32_t by) {
    nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, id, by);
  }
  void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  size_t sent(int32_t id) { return uploads_[id].at; }

  std::string output() {
    std::string out;
    const uint8_t* bytes = nullptr;
    for (ssize_t size; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;)
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    return out;
  }
  bool input(std::string_view bytes) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()),
                                    bytes.size()) >= 0;
  }

  std::map<int32_t, Reply> replies;
  bool goaway = false;
  uint32_t goaway_error = 0;
  int32_t goaway_last = 0;
  int pings_answered = 0;

 private:
  struct Upload {
    std::string bytes;
    size_t at = 0;
    bool whole = true;
    Headers trailers;
  };
  static std::vector<nghttp2_nv> views_of(const Headers& fields) {
    std::vector<nghttp2_nv> views;
    for (const auto& [name, value] : fields)
      views.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                       reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(),
                       value.size(), NGHTTP2_NV_FLAG_NONE});
    return views;
  }
  static Http2TestPeer& of(void* user) { return *static_cast<Http2TestPeer*>(user); }
  static ssize_t read(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t size,
                      uint32_t* flags, nghttp2_data_source*, void* user) {
    Upload& upload = of(user).uploads_[id];
    size_t taken = std::min(size, upload.bytes.size() - upload.at);
    std::copy_n(upload.bytes.data() + upload.at, taken, buffer);
    upload.at += taken;
    if (upload.at == upload.bytes.size()) {
      if (!upload.whole && taken == 0) return NGHTTP2_ERR_DEFERRED;
      if (upload.whole) *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (upload.whole && !upload.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        std::vector<nghttp2_nv> views = views_of(upload.trailers);
        nghttp2_submit_trailer(session, id, views.data(), views.size());
      }
    }
    return static_cast<ssize_t>(taken);
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    Reply& reply = of(user).replies[frame->hd.stream_id];
    std::string key(reinterpret_cast<const char*>(name), name_size);
    std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") {
      if (reply.status >= 100 && reply.status < 200) reply.interim.push_back(reply.status);
      reply.status = std::atoi(text.c_str());
    } else if (frame->headers.cat == NGHTTP2_HCAT_HEADERS && reply.interim.empty()) {
      reply.trailers[key] = text;
    } else {
      reply.headers[key] = text;
    }
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size,
                     void* user) {
    of(user).replies[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2TestPeer& self = of(user);
    const nghttp2_frame_hd& head = frame->hd;
    if ((head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS) &&
        (head.flags & NGHTTP2_FLAG_END_STREAM))
      self.replies[head.stream_id].ended = true;
    if (head.type == NGHTTP2_GOAWAY) {
      self.goaway = true;
      self.goaway_error = frame->goaway.error_code;
      self.goaway_last = frame->goaway.last_stream_id;
    }
    if (head.type == NGHTTP2_PING && (head.flags & NGHTTP2_FLAG_ACK)) ++self.pings_answered;
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t error, void* user) {
    Reply& reply = of(user).replies[id];
    reply.closed = true;
    reply.error = error;
    return 0;
  }

  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Upload> uploads_;
};

/// The same over a blocking socket.
class Http2TestClient : public Http2TestPeer {
 public:
  explicit Http2TestClient(const Address& address, uint32_t window = 65535, bool open = true)
      : Http2TestPeer(window, open),
        socket_(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kTestPatience, sizeof kTestPatience);
    connected_ = ::connect(socket_.get(), address.get(), address.size()) == 0;
  }
  bool connected() const { return connected_; }
  int fd() const { return socket_.get(); }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void flush() { send(output()); }
  /// Sends and receives until `done` or the end of the connection; whether it was the former.
  bool until(const std::function<bool()>& done) {
    for (flush(); !done(); flush())
      if (!receive()) return done();
    return true;
  }
  /// Sends a request, waits for its end.
  Reply ask(const std::string& method, const std::string& path, const std::string& body = {},
            const Headers& fields = {}) {
    int32_t id = request(method, path, fields, body);
    until([&] { return replies[id].closed; });
    return replies[id];
  }
  /// Whether the server has closed; what comes before is read.
  bool at_end() {
    for (flush(); receive(); flush()) {
    }
    return ended_;
  }

 private:
  bool receive() {
    char chunk[16384];
    ssize_t count = ::recv(fd(), chunk, sizeof chunk, 0);
    ended_ = count == 0;
    return count > 0 && input({chunk, static_cast<size_t>(count)});
  }
  Fd socket_;
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_HTTP2_TEST_PEER_H_
