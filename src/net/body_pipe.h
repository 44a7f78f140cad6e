// Content on its way between a connection and a handler on another thread: a bounded buffer with
// one writer and one reader, an end that may carry trailers, and failure. The bound is the
// back-pressure: a connection whose reader is slow stops reading from its socket.
#ifndef SEDGE_NET_BODY_PIPE_H_
#define SEDGE_NET_BODY_PIPE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/body_budget.h"
#include "net/http.h"
#include "net/http_error.h"

namespace sedge::net {

/// Thread-safe; one side each may be used by one thread at a time.
class BodyPipe {
 public:
  /// Called without a lock, on the thread of the other side, when there may be something to do
  /// again. Must not block.
  using Wake = std::function<void()>;
  enum class State : uint8_t {
    open,    ///< More may come.
    done,    ///< Everything has been read.
    failed,  ///< Everything that came has been read; see error().
  };

  /// Keeps at most `capacity` bytes.
  explicit BodyPipe(size_t capacity) : capacity_(capacity), level_(capacity) {}
  /// A pipe that holds `bytes` and nothing else.
  static std::shared_ptr<BodyPipe> of(std::string bytes);

  // The writer's side.
  /// Bytes that would be taken now; 0 when nobody reads any more.
  size_t room() const;
  /// Takes what there is room for and returns how much that was.
  size_t write(std::string_view bytes);
  /// Nothing more comes. Only the first end counts, also between finish and fail.
  void finish(Headers trailers = {});
  void fail(HttpError error);
  /// Whether the reader has gone: what is written is thrown away.
  bool reader_gone() const;
  /// Whether the reader has had everything, the end included, or said that it needs no more.
  bool delivered() const;
  /// `wake` is called when there is room again, or the reader goes or has had everything. Replaces
  /// the one before.
  void on_writable(Wake wake) { on_writable(std::move(wake), capacity_); }
  /// The same, when fewer than `level` bytes are left of as many or more.
  void on_writable(Wake wake, size_t level);

  // The reader's side.
  /// Moves at most `most` bytes to the end of `out`.
  State read(std::string& out, size_t most);
  /// Bytes that were ever written, but for what the reader has left when it went.
  uint64_t total() const;
  /// Keeps a copy of what is there and what comes, unless that is more than `most` bytes.
  void keep_copy(size_t most);
  /// The whole content; nothing if it was too much, has not ended well or has trailers.
  std::optional<std::string> take_copy();
  /// Bytes that are there.
  size_t available() const;
  /// What read() would say if it read everything.
  State state() const;
  /// Whether read() would give something: bytes or an end.
  bool readable() const;
  /// The reader wants no more; what is there is dropped.
  void close_reader();
  /// The same, where the rest is of no use to anybody: for the writer all went well.
  void skip_rest();
  /// `wake` is called when something comes. Replaces the one before.
  void on_readable(Wake wake);
  /// After `done`.
  Headers trailers() const;
  /// After `failed`.
  HttpError error() const;

  /// Memory of a server's budget, held as long as the pipe lives.
  BodyLease lease;

 private:
  void end(std::optional<HttpError> error, Headers trailers);
  void close(bool all_is_well);

  const size_t capacity_;
  mutable std::mutex mutex_;
  std::string bytes_;  // guarded, as is everything below
  size_t at_ = 0;      // what of bytes_ has been read
  size_t level_;       // below which writable_ is called
  uint64_t total_ = 0;
  std::optional<std::string> copy_;
  size_t copy_most_ = 0;
  bool ended_ = false;
  bool reader_gone_ = false;
  bool delivered_ = false;
  std::optional<HttpError> error_;
  Headers trailers_;
  std::shared_ptr<Wake> readable_, writable_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_BODY_PIPE_H_
