// Content of wasi:http 0.3 on its way: between a guest's stream<u8> with its future of trailers and
// a pipe to or from the network.
#ifndef SEDGE_WASI_P3_HTTP_BODY_H_
#define SEDGE_WASI_P3_HTTP_BODY_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include <sedge/component_async.h>
#include <sedge/host.h>

#include "net/body_pipe.h"
#include "p3/wasi/http/types.h"
#include "wasi/p3/channels.h"

namespace sedge::wasi::p3 {

namespace http = bindings::p3::wasi::http::types;
using host::Outcome;
using host::Unit;

/// result<_, error-code>: how something was transmitted, or handled.
using Transmitted = Outcome<Unit, http::ErrorCode>;

/// The writable end of future<result<_, error-code>> that the maker of a message has got. It always
/// gets a value, an error if nothing else. Move-only.
class Sent {
 public:
  Sent(Store& store, ComponentWriter future)
      : store_(&store), future_(std::make_unique<ComponentWriter>(std::move(future))) {}
  Sent(Sent&&) noexcept = default;
  Sent& operator=(Sent&&) = delete;
  ~Sent();
  /// The first one counts.
  void settle(const Transmitted& outcome);
  void settle(const net::HttpError& error);
  /// Gives it what a guest gives in `res`.
  void follow(host::Future res) &&;

 private:
  Store* store_;
  std::unique_ptr<ComponentWriter> future_;  // null once it has its value
};

/// Content that a guest has made and nobody has taken.
struct GuestContent {
  /// And the future that tells how it is transmitted.
  static std::pair<GuestContent, host::Future> make(Store& store,
                                                    std::optional<host::Stream> contents,
                                                    host::Future trailers);
  std::optional<host::Stream> contents;
  host::Future trailers;
  Sent sent;
};

/// Content that comes from outside; its last owner ends it. Move-only.
class HostContent {
 public:
  explicit HostContent(std::shared_ptr<net::BodyPipe> pipe) : pipe_(std::move(pipe)) {}
  HostContent(HostContent&&) noexcept = default;
  HostContent& operator=(HostContent&&) = delete;
  ~HostContent() {
    if (pipe_) pipe_->close_reader();
  }
  net::BodyPipe& pipe() const { return *pipe_; }

 private:
  std::shared_ptr<net::BodyPipe> pipe_;
};

using Content = std::variant<GuestContent, HostContent>;

/// `consume-body`: the stream and the future of trailers. Errors: of handles.
Result<std::tuple<host::Stream, host::Future>> consume(Store& store, Content content,
                                                       host::Future res);

/// Moves content of a request or response into a pipe, and says how that went.
class Outgoing final : public Kept {
 public:
  enum class Of : uint8_t { request, response };
  /// `length`: what Content-Length says.
  static std::shared_ptr<Outgoing> make(Store& store, Of of, Content content,
                                        std::optional<uint64_t> length);
  Outgoing(Store& store, Of of, Content content, std::optional<uint64_t> length);
  ~Outgoing() override;

  using Over = std::function<void(const std::optional<net::HttpError>& error)>;
  /// Begins. `ready` is called, maybe at once, when there may be something in the pipe: content
  /// that has no stream waits for its trailers, so that what is empty can be sent as such. `over`
  /// is called at the end, maybe without `ready` if it is an error. Errors: of handles.
  Result<void> start(std::function<void()> ready, Over over);
  const std::shared_ptr<net::BodyPipe>& pipe() const { return pipe_; }
  /// Nothing more of it will be read; why, where it is not for the reader's own reasons.
  void end(const net::HttpError& error);
  /// The server has answered: from here on the reader's going is the end.
  void answered();

 private:
  void next();
  void read_guest(size_t room);
  bool read_host(size_t room);
  void take(std::string_view bytes);
  void read_trailers();
  void finish(net::Headers trailers);
  void look();
  void fail(const Transmitted& outcome, const net::HttpError& error);
  void settle(const Transmitted& outcome, const std::optional<net::HttpError>& error);
  void tell_ready();

  const Of of_;
  std::shared_ptr<net::BodyPipe> pipe_;
  std::optional<uint64_t> length_;
  uint64_t written_ = 0;
  std::optional<HostContent> from_host_;
  std::optional<host::Stream> contents_;  // until it starts
  std::optional<host::Future> trailers_;
  std::optional<ComponentReader> stream_, trailers_reader_;
  std::optional<Sent> sent_;
  std::function<void()> ready_;
  Over tell_over_;
  bool reading_ = false;
  bool finished_ = false;
  bool answered_ = false;
  bool over_ = false;  ///< well or not
};

}  // namespace sedge::wasi::p3

#endif  // SEDGE_WASI_P3_HTTP_BODY_H_
