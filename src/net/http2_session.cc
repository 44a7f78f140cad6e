// nghttp2's callbacks and calls. Streams are looked up by their id: nghttp2 may know one that has
// been erased here, and the other way round.
#include "net/http2_session.h"

#if SEDGE_HAVE_HTTP2

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "net/chars.h"

namespace sedge::net {
namespace {

constexpr int32_t kConnectionWindow = 1 << 20;
constexpr size_t kFrameHead = 9;
constexpr size_t kMaxSentHeader = 1 << 20;
constexpr uint32_t kMaxContinuations = 16;  // in one block of fields

// What frames cost, and what pays for them.
constexpr uint32_t kMaxDebt = 4000;
constexpr uint32_t kPaidPerSecond = 100;
constexpr uint32_t kCostOfReset = 20;
constexpr uint32_t kCostOfSettings = 8;
constexpr uint32_t kCostOfPing = 4;
constexpr uint32_t kCostOfEmptyData = 4;
constexpr uint32_t kCostOfInvalid = 20;
constexpr uint32_t kCostOfContinuation = 2;
constexpr uint32_t kPaidByContent = 4;  // a frame of it, whoever sends it

std::string_view text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::vector<nghttp2_nv> views_of(const Headers& fields) {
  std::vector<nghttp2_nv> views;
  views.reserve(fields.size());
  // nghttp2 copies them, and does not write to them.
  auto bytes = [](const std::string& part) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(part.data()));
  };
  for (const auto& [name, value] : fields)
    views.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return views;
}

}  // namespace

void append_http2_fields(Headers& out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_sendable(name, value)) continue;
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), to_lower);
    // RFC 9113 section 8.2.1: no white space at either end.
    out.emplace_back(std::move(lower), trim_ows(value));
  }
}

struct Http2Session::Callbacks {
  static Http2Session& of(void* user) { return *static_cast<Http2Session*>(user); }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    Http2Session& self = of(user);
    auto bytes = static_cast<uint32_t>(head->length + kFrameHead);
    // A block of fields is contiguous: what follows it says that it is complete.
    if (head->type != NGHTTP2_CONTINUATION) {
      self.fields_since_ms_.reset();
      self.continuations_ = 0;
    } else if (++self.continuations_ > kMaxContinuations) {
      self.charge(kMaxDebt + 1);
    }
    if (head->type == NGHTTP2_HEADERS) self.begun_bytes_ = bytes;
    if (head->type == NGHTTP2_CONTINUATION) self.charge(kCostOfContinuation);
    if (head->type == NGHTTP2_WINDOW_UPDATE || head->type == NGHTTP2_PRIORITY) self.charge(1);
    if (head->type == NGHTTP2_CONTINUATION || head->type == NGHTTP2_DATA)
      if (Stream* stream = self.find(head->stream_id)) stream->wire_bytes += bytes;
    // What comes after the end does not count, whether it comes in the same piece or later.
    return self.terminated_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    self.fields_since_ms_ = self.now_ms();
    int32_t id = frame->hd.stream_id;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && !self.on_begin(id)) {
      self.charge(kCostOfReset);
      self.reset(id, Http2Error::refused_stream);
      return 0;
    }
    if (Stream* stream = self.find(id)) stream->wire_bytes += self.begun_bytes_;
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    Http2Session& self = of(user);
    Stream* stream = self.find(frame->hd.stream_id);
    if (!stream) return 0;
    constexpr size_t kOverhead = 32;  // RFC 9113 section 6.5.2
    stream->field_bytes += static_cast<uint32_t>(
        std::min<size_t>(name_size + value_size + kOverhead, UINT32_MAX - stream->field_bytes));
    ++stream->field_count;
    if (stream->field_bytes > self.options_.max_header_bytes)
      self.on_bad_field(*stream, 431, "the header fields are too large");
    else if (stream->field_count > self.options_.max_headers)
      self.on_bad_field(*stream, 431, "too many header fields");
    else
      self.on_field(*stream, text(name, name_size), text(value, value_size));
    return 0;
  }

  static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t*, size_t,
                            const uint8_t*, size_t, uint8_t, void* user) {
    Http2Session& self = of(user);
    if (Stream* stream = self.find(frame->hd.stream_id))
      self.on_bad_field(*stream, 400, "a header field is malformed");
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    const nghttp2_frame_hd& head = frame->hd;
    Stream* stream = self.find(head.stream_id);
    const bool end = (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (head.type) {
      case NGHTTP2_DATA:
        if (head.length - frame->data.padlen > 0)
          self.pay(kPaidByContent);
        else if (!end)
          self.charge(kCostOfEmptyData);
        break;
      case NGHTTP2_HEADERS:
        self.fields_since_ms_.reset();
        if (stream) self.on_fields(*stream);
        stream = self.find(head.stream_id);
        break;
      case NGHTTP2_SETTINGS:
        if (!(head.flags & NGHTTP2_FLAG_ACK)) self.charge(kCostOfSettings);
        return 0;
      case NGHTTP2_PING:
        if (head.flags & NGHTTP2_FLAG_ACK)
          self.on_ping_answered();
        else
          self.charge(kCostOfPing);
        return 0;
      case NGHTTP2_RST_STREAM:
        self.charge(kCostOfReset);
        return 0;
      case NGHTTP2_GOAWAY:
        self.on_goaway();
        return 0;
      default:
        return 0;
    }
    if (stream && end && !stream->remote_done) {
      stream->remote_done = true;
      self.on_end(*stream);
    }
    return 0;
  }

  static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
    of(user).fields_since_ms_.reset();
    of(user).charge(kCostOfInvalid);
    return 0;
  }

  static int data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes, size_t size,
                  void* user) {
    Http2Session& self = of(user);
    // Windows of streams are what bounds content; the connection's must not couple them.
    nghttp2_session_consume_connection(session, size);
    if (Stream* stream = self.find(id)) self.on_data(*stream, text(bytes, size));
    return 0;
  }

  static int stream_closed(nghttp2_session*, int32_t id, uint32_t error, void* user) {
    Http2Session& self = of(user);
    Stream* stream = self.find(id);
    if (!stream) return 0;
    self.fields_since_ms_.reset();
    stream->closed = true;
    stream->sending = false;
    self.drop_unsent(*stream);
    self.on_closed(*stream, static_cast<Http2Error>(error));
    return 0;
  }

  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    const nghttp2_frame_hd& head = frame->hd;
    if (head.type != NGHTTP2_DATA && head.type != NGHTTP2_HEADERS) return 0;
    if (head.type == NGHTTP2_DATA && head.length > 0) self.pay(kPaidByContent);
    Stream* stream = self.find(head.stream_id);
    if (stream && (head.flags & NGHTTP2_FLAG_END_STREAM)) {
      stream->sending = false;
      self.pay(kCostOfReset);
      self.on_sent(*stream);
    }
    return 0;
  }

  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    // A head that cannot be sent (too large, for one) leaves its stream without an answer.
    if (frame->hd.type == NGHTTP2_HEADERS && of(user).find(frame->hd.stream_id))
      of(user).reset(frame->hd.stream_id, Http2Error::internal_error);
    return 0;
  }

  static ssize_t read(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t size,
                      uint32_t* flags, nghttp2_data_source*, void* user) {
    Http2Session& self = of(user);
    Stream* stream = self.find(id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (!stream->outgoing) {
      size_t taken = std::min(size, stream->body.size() - stream->body_at);
      std::copy_n(stream->body.data() + stream->body_at, taken, buffer);
      stream->body_at += taken;
      self.unsent_ -= taken;
      self.moved(*stream, taken);
      if (stream->body_at == stream->body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(taken);
    }
    std::string piece;
    BodyPipe& pipe = *stream->outgoing;
    size_t most = std::min<uint64_t>(size, stream->outgoing_left.value_or(UINT64_MAX));
    BodyPipe::State state = pipe.read(piece, most);
    if (stream->outgoing_left) *stream->outgoing_left -= piece.size();
    std::ranges::copy(piece, buffer);
    self.moved(*stream, piece.size());
    const bool too_long =
        state == BodyPipe::State::open && stream->outgoing_left == 0U && pipe.available() > 0;
    if (state == BodyPipe::State::open && !too_long) {
      if (!piece.empty()) return static_cast<ssize_t>(piece.size());
      stream->deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    // The peer must see that something is missing.
    if (state == BodyPipe::State::failed || too_long || stream->cut ||
        stream->outgoing_left.value_or(0) > 0) {
      if (!piece.empty()) return static_cast<ssize_t>(piece.size());
      self.on_content_failed(
          *stream, state == BodyPipe::State::failed
                       ? pipe.error()
                       : HttpError{HttpError::Kind::request_body_size,
                                   "not the length that Content-Length says", pipe.total()});
      self.reset(id, Http2Error::internal_error);
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (Headers trailers; append_http2_fields(trailers, pipe.trailers()), !trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      std::vector<nghttp2_nv> views = views_of(trailers);
      nghttp2_submit_trailer(session, id, views.data(), views.size());
    }
    return static_cast<ssize_t>(piece.size());
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) return nullptr;
    nghttp2_session_callbacks_set_on_begin_frame_callback(made, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_received);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, frame_not_sent);
    return made;
  }
};

Http2Session::Http2Session(const Options& options) : options_(options) {
  nghttp2_session_callbacks* callbacks = Callbacks::make();
  nghttp2_option* option = nullptr;
  if (callbacks && nghttp2_option_new(&option) == 0) {
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_send_header_block_length(option, kMaxSentHeader);
    // It counts every piece in which their heads come: the frames are counted here.
    nghttp2_option_set_max_continuations(option, kMaxContinuations * kFrameHead);
    // Resets are among what is charged here, where exchanges pay for them.
    nghttp2_option_set_stream_reset_rate_limit(option, 1U << 30, 1U << 30);
    auto make =
        options.side == Side::server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
    if (make(&session_, callbacks, this, option) != 0) session_ = nullptr;
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  broken_ = !session_;
  if (broken_) return;
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.max_header_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  if (options.side == Side::server)
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_streams});
  else
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

void Http2Session::receive(std::string_view bytes) {
  if (broken_ || terminated_) return;
  uint64_t now = now_ms();
  if (uint64_t gained = (now - paid_ms_) * kPaidPerSecond / 1000; gained > 0) {
    pay(static_cast<uint32_t>(std::min<uint64_t>(gained, kMaxDebt)));
    paid_ms_ = now;
  }
  ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()),
                                          bytes.size());
  if (used >= 0) return;
  // Such a peer is told, as far as it listens, and not listened to any more.
  if (used == NGHTTP2_ERR_FLOODED) {
    charge(kMaxDebt + 1);
  } else if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC || used == NGHTTP2_ERR_NOMEM) {
    broken_ = true;
  } else {
    terminate(Http2Error::protocol_error);
  }
}

void Http2Session::produce(std::string& out, size_t most) {
  while (!broken_ && out.size() < most) {
    const uint8_t* bytes = nullptr;
    ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) broken_ = true;
    if (size <= 0) return;
    out.append(text(bytes, static_cast<size_t>(size)));
  }
}

bool Http2Session::wants_write() const {
  return !broken_ && nghttp2_session_want_write(session_) != 0;
}

bool Http2Session::done_reading() const {
  return broken_ || nghttp2_session_want_read(session_) == 0;
}

void Http2Session::resume(int32_t id) {
  Stream* stream = find(id);
  if (!stream || stream->closed || broken_) return;
  if (stream->outgoing && stream->outgoing->readable()) {
    stream->progress_ms = now_ms();
    if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(session_, id);
  }
  if (stream->incoming) pipe_in(*stream, {});
}

Http2Session::Stream& Http2Session::insert(int32_t id, std::unique_ptr<Stream> stream) {
  stream->id = id;
  stream->progress_ms = now_ms();
  return *(streams_[id] = std::move(stream));
}

int32_t Http2Session::submit(Stream* stream, const Headers& fields, bool content) {
  if (broken_) return -1;
  std::vector<nghttp2_nv> views = views_of(fields);
  nghttp2_data_provider provider{.source = {.ptr = nullptr}, .read_callback = Callbacks::read};
  nghttp2_data_provider* given = content ? &provider : nullptr;
  if (options_.side == Side::client)
    return nghttp2_submit_request(session_, nullptr, views.data(), views.size(), given, nullptr);
  stream->sending = true;
  stream->progress_ms = now_ms();
  unsent_ += stream->body.size() - stream->body_at;
  return nghttp2_submit_response(session_, stream->id, views.data(), views.size(), given);
}

void Http2Session::submit_interim(int32_t id, const Headers& fields) {
  std::vector<nghttp2_nv> views = views_of(fields);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, views.data(), views.size(),
                         nullptr);
}

void Http2Session::reset(int32_t id, Http2Error error) {
  if (!broken_)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, static_cast<uint32_t>(error));
}

void Http2Session::terminate(Http2Error error) {
  terminated_ = true;
  if (!broken_) nghttp2_session_terminate_session(session_, static_cast<uint32_t>(error));
}

void Http2Session::announce_end() {
  if (!broken_) nghttp2_submit_shutdown_notice(session_);
}

void Http2Session::goaway() {
  if (!broken_)
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
}

void Http2Session::ping() {
  if (!broken_) nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

bool Http2Session::can_submit() const {
  return !broken_ && nghttp2_session_check_request_allowed(session_) != 0 &&
         streams_.size() <
             nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void Http2Session::open_pipe(Stream& stream, std::shared_ptr<BodyPipe> pipe) {
  stream.incoming = std::move(pipe);
  // Half of the window is when it is worth a WINDOW_UPDATE.
  stream.incoming->on_writable(wake(stream.id), kWindow / 2);
}

void Http2Session::pipe_in(Stream& stream, std::string_view bytes) {
  stream.progress_ms = now_ms();
  stream.incoming->write(bytes);
  stream.piped += bytes.size();
  uint64_t taken = stream.piped - stream.incoming->available();
  consume(stream, taken - stream.credited);
  stream.credited = taken;
}

void Http2Session::consume(Stream& stream, size_t bytes) {
  if (bytes > 0 && !stream.remote_done && !stream.closed && !broken_)
    nghttp2_session_consume_stream(session_, stream.id, bytes);
}

void Http2Session::end_pipes(Stream& stream, const HttpError& error) {
  if (auto incoming = std::exchange(stream.incoming, nullptr)) incoming->fail(error);
  if (auto outgoing = std::exchange(stream.outgoing, nullptr)) outgoing->close_reader();
  drop_unsent(stream);
}

void Http2Session::drop_unsent(Stream& stream) {
  unsent_ -= stream.body.size() - stream.body_at;
  stream.body = std::string();
  stream.body_at = 0;
}

void Http2Session::moved(Stream& stream, size_t bytes) {
  stream.sent += bytes;
  stream.progress_ms = now_ms();
}

void Http2Session::charge(uint32_t cost) {
  debt_ += cost;
  if (debt_ <= kMaxDebt || abused_) return;
  abused_ = true;
  terminate(Http2Error::enhance_your_calm);
}

}  // namespace sedge::net

#endif
