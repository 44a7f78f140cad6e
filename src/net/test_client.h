// A blocking socket client for tests: sends bytes as given, reads responses one at a time.
#ifndef SEDGE_NET_TEST_CLIENT_H_
#define SEDGE_NET_TEST_CLIENT_H_

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "net/address.h"
#include "net/chars.h"

namespace sedge::net {

/// Of a test's sockets, for a machine that is a hundred times slower than usual: one that hangs
/// fails instead.
inline constexpr timeval kTestPatience{120, 0};

class TestClient {
 public:
  struct Reply {
    int status = 0;  ///< 0: the connection ended before a complete response
    std::map<std::string, std::string> headers;
    std::string body;
  };

  explicit TestClient(const Address& address)
      : socket_(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kTestPatience, sizeof kTestPatience);
    connected_ = ::connect(socket_.get(), address.get(), address.size()) == 0;
  }

  bool connected() const { return connected_; }
  int fd() const { return socket_.get(); }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void shut_write() { ::shutdown(socket_.get(), SHUT_WR); }

  /// Reads one response; `head` says that it answers a HEAD request.
  Reply read(bool head = false) {
    Reply reply;
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!fill()) return {};
    std::string_view text(buffer_.data(), end + 2);
    reply.status = std::atoi(std::string(text.substr(9, 3)).c_str());
    text.remove_prefix(text.find("\r\n") + 2);
    while (!text.empty()) {
      std::string_view line = text.substr(0, text.find("\r\n"));
      text.remove_prefix(line.size() + 2);
      size_t colon = line.find(':');
      std::string name(line.substr(0, colon));
      std::ranges::transform(name, name.begin(), to_lower);
      reply.headers[name] = trim_ows(line.substr(colon + 1));
    }
    if (reply.headers.contains("transfer-encoding") && !head) {
      buffer_.erase(0, end + 4);
      return read_chunks(std::move(reply));
    }
    size_t length = 0;
    if (auto field = reply.headers.find("content-length"); field != reply.headers.end() && !head)
      length = static_cast<size_t>(std::atoll(field->second.c_str()));
    while (buffer_.size() < end + 4 + length)
      if (!fill()) return {};
    reply.body = buffer_.substr(end + 4, length);
    buffer_.erase(0, end + 4 + length);
    return reply;
  }
  /// Whether the server has closed and nothing is left to read.
  bool at_end() { return buffer_.empty() && !fill() && !timed_out_; }
  Reply get(std::string_view path, std::string_view fields = "") {
    send(std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: test\r\n").append(fields) +
         "\r\n");
    return read();
  }
  Reply post(std::string_view path, std::string_view body, std::string_view fields = "") {
    send(std::string("POST ").append(path).append(" HTTP/1.1\r\nHost: test\r\n").append(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    return read();
  }

 private:
  /// Content in chunks, without trailers.
  Reply read_chunks(Reply reply) {
    for (;;) {
      size_t line;
      while ((line = buffer_.find("\r\n")) == std::string::npos)
        if (!fill()) return {};
      size_t size = std::strtoull(buffer_.c_str(), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2)
        if (!fill()) return {};
      reply.body += buffer_.substr(line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) return reply;
    }
  }
  bool fill() {
    char chunk[16384];
    ssize_t count = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (count <= 0) return false;
    buffer_.append(chunk, static_cast<size_t>(count));
    return true;
  }
  Fd socket_;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string buffer_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_TEST_CLIENT_H_
