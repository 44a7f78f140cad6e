// For tests of the client: pipes read and written by blocking, and a server that says what it was
// told to say.
#ifndef SEDGE_NET_TEST_SERVER_H_
#define SEDGE_NET_TEST_SERVER_H_

#include <fcntl.h>
#include <sys/socket.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/fd.h"
#include "net/body_pipe.h"
#include "net/http_client.h"

namespace sedge::net {

/// Reads a pipe to its end, blocking.
struct Content {
  BodyPipe::State state = BodyPipe::State::open;
  std::string bytes;
  Headers trailers;
  HttpError error;
};
inline Content drain(const std::shared_ptr<BodyPipe>& pipe) {
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool set = true;
  };
  auto signal = std::make_shared<Signal>();
  pipe->on_readable([signal] {
    std::lock_guard lock(signal->mutex);
    signal->set = true;
    signal->changed.notify_one();
  });
  Content content;
  while (true) {
    {
      std::unique_lock lock(signal->mutex);
      signal->changed.wait(lock, [&] { return signal->set; });
      signal->set = false;
    }
    content.state = pipe->read(content.bytes, SIZE_MAX);
    if (content.state == BodyPipe::State::done) content.trailers = pipe->trailers();
    if (content.state == BodyPipe::State::failed) content.error = pipe->error();
    if (content.state != BodyPipe::State::open) return content;
  }
}

/// Writes all of `bytes`, blocking.
inline void feed(const std::shared_ptr<BodyPipe>& pipe, std::string_view bytes) {
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool set = true;
  };
  auto signal = std::make_shared<Signal>();
  pipe->on_writable([signal] {
    std::lock_guard lock(signal->mutex);
    signal->set = true;
    signal->changed.notify_one();
  });
  while (!bytes.empty()) {
    std::unique_lock lock(signal->mutex);
    signal->changed.wait(lock, [&] { return signal->set; });
    signal->set = false;
    lock.unlock();
    bytes.remove_prefix(pipe->write(bytes));
    if (pipe->room() > 0 || pipe->reader_gone()) {
      lock.lock();
      signal->set = true;
    }
  }
}

/// A server that answers every connection with fixed bytes and ends it.
class RawServer {
 public:
  explicit RawServer(std::string answer) : answer_(std::move(answer)) {
    listener_ = *listen_on(*Address::parse("127.0.0.1:0"), 8, true);
    address_ = *local_address(listener_);
    int flags = ::fcntl(listener_.get(), F_GETFL);
    ::fcntl(listener_.get(), F_SETFL, flags & ~O_NONBLOCK);
    thread_ = std::thread([this] {
      for (;;) {
        Fd socket(::accept(listener_.get(), nullptr, nullptr));
        if (!socket) return;
        char request[4096];
        if (::recv(socket.get(), request, sizeof request, 0) <= 0) continue;
        ::send(socket.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
        ::shutdown(socket.get(), SHUT_WR);
        while (::recv(socket.get(), request, sizeof request, 0) > 0) {
        }
      }
    });
  }
  ~RawServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  ClientRequest request() const {
    ClientRequest request;
    request.host = "127.0.0.1";
    request.port = address_.port();
    request.authority = "test";
    return request;
  }

 private:
  std::string answer_;
  Fd listener_;
  Address address_;
  std::thread thread_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_TEST_SERVER_H_
