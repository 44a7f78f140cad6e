// Streams of bytes: all methods of wasi:io/streams over a few that each kind of stream has.
#ifndef SEDGE_WASI_P2_STREAMS_H_
#define SEDGE_WASI_P2_STREAMS_H_

#include <memory>
#include <optional>
#include <string>

#include "p2/wasi/io/streams.h"
#include "wasi/os/file.h"
#include "wasi/p1/descriptor.h"
#include "wasi/p2/guest.h"
#include "wasi/p2/poll.h"

namespace sedge::wasi::p2 {

namespace streams = bindings::p2::wasi::io::streams;
using streams::StreamError;

/// wasi:io/error: what a stream failed with.
class IoError : public bindings::p2::wasi::io::error::Error {
 public:
  explicit IoError(Errno value) : value_(value), text_(errno_name(value)) {}
  explicit IoError(std::string text) : text_(std::move(text)) {}
  IoError(Errno value, std::string text) : value_(value), text_(std::move(text)) {}
  /// None if the operating system was not asked.
  std::optional<Errno> value() const { return value_; }
  Result<std::string> to_debug_string(Store&) override { return text_; }

 private:
  std::optional<Errno> value_;
  std::string text_;
};

/// What a stream's own operation ends with: a value, or the guest's error.
template <typename T>
using Streamed = Outcome<T, StreamError>;
host::Err<StreamError> closed();
host::Err<StreamError> failed(std::unique_ptr<IoError> error);
/// `pipe` is the end of a stream, anything else a failure.
host::Err<StreamError> failed(Errno value);

/// An input stream over `take` and `watch`. `len` is at most kMaxTransfer and not 0.
class InputStream : public streams::InputStream {
 public:
  /// Bytes that are there without waiting: none if there are none yet, `closed` at the end.
  virtual Result<Streamed<std::string>> take(Store& store, size_t len) = 0;
  /// Ready when `take` has something to say.
  virtual Watch watch() = 0;

  Result<Streamed<Bytes>> read(Store& store, uint64_t len) override;
  Result<Streamed<Bytes>> blocking_read(Store& store, uint64_t len) override;
  Result<Streamed<uint64_t>> skip(Store& store, uint64_t len) override;
  Result<Streamed<uint64_t>> blocking_skip(Store& store, uint64_t len) override;
  Result<std::unique_ptr<bindings::p2::wasi::io::poll::Pollable>> subscribe(Store& store) override;

 private:
  bool ended_ = false;  // closed, as everything from the end or a failure on
};

/// An output stream over `room`, `put` and `watch`.
class OutputStream : public streams::OutputStream {
 public:
  /// How many bytes `put` takes now without waiting; 0 while there is no room.
  virtual Result<Streamed<uint64_t>> room(Store& store) = 0;
  /// Takes all of `bytes`, no more than `room` said.
  virtual Result<Streamed<Unit>> put(Store& store, std::string_view bytes) = 0;
  /// Ready when `room` is not 0, and when a flush is done.
  virtual Watch watch() = 0;
  /// Whether something that was put is still on its way; `room` says what becomes of it.
  virtual bool pending() const { return false; }
  /// Begins to bring everything to its destination.
  virtual Result<Streamed<Unit>> begin_flush(Store&) { return Unit{}; }

  Result<Streamed<uint64_t>> check_write(Store& store) override;
  Result<Streamed<Unit>> write(Store& store, Bytes contents) override;
  Result<Streamed<Unit>> blocking_write_and_flush(Store& store, Bytes contents) override;
  Result<Streamed<Unit>> flush(Store& store) override;
  Result<Streamed<Unit>> blocking_flush(Store& store) override;
  Result<std::unique_ptr<bindings::p2::wasi::io::poll::Pollable>> subscribe(Store& store) override;
  Result<Streamed<Unit>> write_zeroes(Store& store, uint64_t len) override;
  Result<Streamed<Unit>> blocking_write_zeroes_and_flush(Store& store, uint64_t len) override;
  Result<Streamed<uint64_t>> splice(Store& store, streams::InputStream& src, uint64_t len) override;
  Result<Streamed<uint64_t>> blocking_splice(Store& store, streams::InputStream& src,
                                             uint64_t len) override;

 private:
  Result<Streamed<Unit>> put_permitted(Store& store, std::string_view bytes);
  Result<Streamed<Unit>> put_waiting(Store& store, std::string_view bytes);

  uint64_t permitted_ = 0;  ///< what the last check-write allows and nobody has used
};

/// A standard stream, a file at an offset of its own, or the end of a file.
std::unique_ptr<InputStream> input_of(std::shared_ptr<p1::Descriptor> descriptor);
std::unique_ptr<OutputStream> output_of(std::shared_ptr<p1::Descriptor> descriptor);
std::unique_ptr<InputStream> file_input(std::shared_ptr<p1::Descriptor> file, uint64_t offset);
/// No offset: every write goes to the end.
std::unique_ptr<OutputStream> file_output(std::shared_ptr<p1::Descriptor> file,
                                          std::optional<uint64_t> offset);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_STREAMS_H_
