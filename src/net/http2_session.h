// One side of a connection of HTTP/2 (RFC 9113), without its socket and its clock: bytes in, bytes
// out. Frames, HPACK and the rules of the protocol are nghttp2's; here are what both sides make of
// it: content through pipes under flow control, and bounds on what a hostile peer can cost.
//
// Each stream has a window of 65535 bytes, which its pipe can hold; the connection's window never
// holds one stream up for another. What the reader takes is given back to the stream's window.
//
// Frames that carry nothing are charged to the peer: SETTINGS, PING, RST_STREAM, WINDOW_UPDATE,
// empty DATA and malformed ones. Time, content and finished exchanges pay for them; a peer whose
// debt grows too large is told to calm down, and the connection ends.
#ifndef SEDGE_NET_HTTP2_SESSION_H_
#define SEDGE_NET_HTTP2_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/body_pipe.h"
#include "net/http.h"

#if SEDGE_HAVE_HTTP2

struct nghttp2_session;

namespace sedge::net {

/// RFC 9113 section 7; others may come from the peer.
enum class Http2Error : uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  refused_stream = 7,
  cancel = 8,
  enhance_your_calm = 11,
};

class Http2Session {
 public:
  /// Of a stream, before the peer's window has to be opened again.
  static constexpr uint32_t kWindow = 65535;

  enum class Side : uint8_t { client, server };
  struct Options {
    Side side = Side::server;
    uint32_t max_streams = 100;         ///< That the peer may open.
    uint32_t max_header_bytes = 32768;  ///< As RFC 9113 section 6.5.2 counts them.
    uint32_t max_headers = 100;
  };

  virtual ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  /// Takes what came from the peer; what there is to say in return waits in produce().
  void receive(std::string_view bytes);
  /// Appends what is to be sent, until `out` has at least `most` bytes or there is no more.
  void produce(std::string& out, size_t most);
  /// Whether produce() would give something.
  bool wants_write() const;
  /// Whether nothing is to be received any more; once nothing is to be sent either, the connection
  /// has ended.
  bool done_reading() const;
  /// Whether the connection ends because of what the peer sent.
  bool failed() const { return broken_ || terminated_; }
  /// A pipe of the stream has something to read or room.
  void resume(int32_t id);
  /// When something may be over time, if anything can.
  std::optional<uint64_t> next_check_ms() const { return next_check_ms_; }
  /// Streams that are open, or whose handler still works.
  size_t stream_count() const { return streams_.size(); }
  /// Whether the peer was told to calm down.
  bool abused() const { return abused_; }
  /// Content that waits for the peer's windows.
  uint64_t unsent() const { return unsent_; }

 protected:
  /// What a stream's content and fields need.
  struct Stream {
    virtual ~Stream() = default;
    int32_t id = 0;
    uint32_t field_bytes = 0;
    uint32_t field_count = 0;
    uint64_t wire_bytes = 0;
    bool remote_done = false;  // the peer sends no more
    bool closed = false;       // the protocol knows it no more
    // Content that comes through a pipe.
    std::shared_ptr<BodyPipe> incoming;
    uint64_t piped = 0;     // bytes that went into it
    uint64_t credited = 0;  // of those: that were given back to the peer's window
    // Content that goes: `body`, or what comes through `outgoing`.
    std::string body;
    size_t body_at = 0;
    std::shared_ptr<BodyPipe> outgoing;
    std::optional<uint64_t> outgoing_left;  // where its length was said
    uint64_t sent = 0;
    bool sending = false;      // from the head to the end of the content
    bool deferred = false;     // nothing to send at the moment
    bool cut = false;          // must not end as if it were whole
    uint64_t progress_ms = 0;  // when content last moved
  };

  explicit Http2Session(const Options& options);

  // Events. A stream stays in place until it is erased.
  /// The peer begins a stream, or the fields of an answer; false: refused.
  virtual bool on_begin(int32_t id) = 0;
  /// One field that is well-formed, within the limits on fields.
  virtual void on_field(Stream& stream, std::string_view name, std::string_view value) = 0;
  /// A field that is not (400), or one beyond the limits (431).
  virtual void on_bad_field(Stream& stream, int status, std::string_view reason) = 0;
  /// A block of fields is complete.
  virtual void on_fields(Stream& stream) = 0;
  virtual void on_data(Stream& stream, std::string_view bytes) = 0;
  /// The peer's side of the stream has ended.
  virtual void on_end(Stream& stream) = 0;
  /// Our side of the stream has been sent.
  virtual void on_sent(Stream& stream) = 0;
  /// The stream has ended for the protocol; erase() it when nobody needs it.
  virtual void on_closed(Stream& stream, Http2Error error) = 0;
  /// Our content is not what was announced, or failed: the stream is about to be reset.
  virtual void on_content_failed(Stream&, HttpError) {}
  /// The peer opens or answers no more streams than it has.
  virtual void on_goaway() {}
  /// The peer has seen all that was sent before ping().
  virtual void on_ping_answered() {}
  virtual uint64_t now_ms() const = 0;
  virtual BodyPipe::Wake wake(int32_t id) const = 0;

  Stream* find(int32_t id) const {
    auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
  }
  Stream& insert(int32_t id, std::unique_ptr<Stream> stream);
  void erase(Stream& stream) { streams_.erase(stream.id); }
  auto& streams() { return streams_; }

  /// Sends a head and, where there is some, the content that was put into the stream. `fields` are
  /// ready to go: lower case, pseudo-fields first. For a client: the id of the new stream; less
  /// than 0 if it cannot be had.
  int32_t submit(Stream* stream, const Headers& fields, bool content);
  /// Sends the head of an interim response.
  void submit_interim(int32_t id, const Headers& fields);
  void reset(int32_t id, Http2Error error);
  /// Ends the connection: nothing that the peer sends from now on counts.
  void terminate(Http2Error error);
  /// Says that no more streams are welcome; those on their way still are.
  void announce_end();
  /// Takes no more streams than have been begun.
  void goaway();
  void ping();
  /// Whether a new stream could be begun (client).
  bool can_submit() const;

  /// Content for the stream's pipe, which has room for all that its window lets through.
  void pipe_in(Stream& stream, std::string_view bytes);
  void open_pipe(Stream& stream, std::shared_ptr<BodyPipe> pipe);
  /// Opens the stream's window for content that was not kept or is in memory.
  void consume(Stream& stream, size_t bytes);
  /// Whether the peer could send content of this stream.
  static bool may_receive(const Stream& stream) {
    return !stream.incoming || stream.incoming->available() <= kWindow / 2;
  }
  /// Whether content waits although there is some: the peer does not take it.
  static bool stalled(const Stream& stream) {
    return stream.sending && !stream.deferred && (!stream.outgoing || stream.outgoing->readable());
  }
  /// Both pipes end: the stream has.
  void end_pipes(Stream& stream, const HttpError& error);

  /// Charges the peer for what carries nothing.
  void charge(uint32_t cost);
  void pay(uint32_t value) { debt_ -= value < debt_ ? value : debt_; }

  /// Deadlines only move away while things go on: an early look costs no more than the look.
  void check_at(uint64_t deadline_ms) {
    next_check_ms_ =
        deadline_ms < next_check_ms_.value_or(UINT64_MAX) ? deadline_ms : *next_check_ms_;
  }
  void checked() { next_check_ms_.reset(); }

  /// A block of fields has begun and is not complete, since then.
  std::optional<uint64_t> fields_since_ms() const { return fields_since_ms_; }

 private:
  struct Callbacks;  // nghttp2's
  friend struct Callbacks;
  void drop_unsent(Stream& stream);
  void moved(Stream& stream, size_t bytes);

  const Options options_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::unique_ptr<Stream>> streams_;
  std::optional<uint64_t> fields_since_ms_;
  std::optional<uint64_t> next_check_ms_;
  uint64_t unsent_ = 0;
  uint64_t paid_ms_ = 0;  // until when time has paid
  uint32_t debt_ = 0;
  uint32_t continuations_ = 0;  // in the block of fields that is being read
  uint32_t begun_bytes_ = 0;    // of the frame of fields that is being read
  bool broken_ = false;         // nghttp2 gave up
  bool terminated_ = false;
  bool abused_ = false;
};

/// Appends the fields that may be sent, in lower case.
void append_http2_fields(Headers& out, const Headers& headers);

}  // namespace sedge::net

#endif
#endif  // SEDGE_NET_HTTP2_SESSION_H_
