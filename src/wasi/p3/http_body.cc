// See http_body.h.
#include "wasi/p3/http_body.h"

#include <algorithm>

#include "wasi/http/message.h"
#include "wasi/p2/guest.h"
#include "wasi/p3/http_types.h"

namespace sedge::wasi::p3 {
namespace {

using Kind = net::HttpError::Kind;
/// What the future of trailers holds.
using Trailers = Outcome<std::optional<std::unique_ptr<http::Trailers>>, http::ErrorCode>;

http::ErrorCode code_of(const net::HttpError& error) {
  return wasi::http::error_code<http::ErrorCode>(error);
}

/// A waker of another thread's making: `then` runs on the store's thread, as long as `T` is there.
template <typename T, typename F>
net::BodyPipe::Wake waker(Store& store, std::weak_ptr<T> weak, F then) {
  return [remote = ComponentLoop::of(store).remote(), weak = std::move(weak), then] {
    remote.post([weak, then](Store&) {
      if (auto alive = weak.lock()) then(*alive);
    });
  };
}

/// Gives a future of trailers its value. Fields that nobody reads go.
void give_trailers(Store& store, ComponentWriter future, Trailers trailers) {
  auto value = host::lower<Trailers>(store, std::move(trailers));
  if (!value) return;  // too many resources: the guest traps
  std::optional<uint64_t> fields;
  if (value->bits == 0 && !value->items[0].items.empty()) fields = value->items[0].items[0].bits;
  give(std::move(future), *std::move(value), [&store, fields] {
    if (fields) host::drop_resource(store, *fields);
  });
}

/// From a pipe to a guest's stream.
class Incoming final : public Kept {
 public:
  Incoming(Store& store, HostContent from, ComponentWriter stream, ComponentWriter trailers,
           ComponentReader res)
      : Kept(store),
        from_(std::move(from)),
        stream_(std::move(stream)),
        trailers_(std::move(trailers)),
        res_(std::move(res)) {}

  void start() {
    auto self = std::static_pointer_cast<Incoming>(shared_from_this());
    from_.pipe().on_readable(waker(store(), std::weak_ptr(self), [](Incoming& incoming) {
      if (incoming.waiting_) incoming.read();
    }));
    // A guest that could not handle the message wants no more of it.
    res_.read(1, weakly(this, [](Incoming& incoming, ComponentItems items) {
                if (items.count == 1 && items.values[0].bits != 0) incoming.give_up();
              }));
    ask();
  }

 private:
  /// Waits until the guest reads: what nobody asks for stays where it is.
  void ask() {
    stream_->write_bytes({}, weakly(this, [](Incoming& self, const ComponentItems& items) {
                           if (items.ended) return self.give_up();
                           self.read();
                         }));
  }
  void read() {
    waiting_ = false;
    if (!stream_) return;
    std::string bytes;
    net::BodyPipe::State state = from_.pipe().read(bytes, p2::kMaxTransfer);
    if (!bytes.empty()) {
      bytes_.assign(bytes.begin(), bytes.end());
      return offer();
    }
    if (state == net::BodyPipe::State::open)
      waiting_ = true;
    else if (state == net::BodyPipe::State::failed)
      end(host::err(code_of(from_.pipe().error())));
    else
      end(fields_of(from_.pipe().trailers()));
  }
  void offer() {
    stream_->write_bytes(bytes_, weakly(this, [](Incoming& self, const ComponentItems& items) {
                           if (items.ended) return self.give_up();
                           self.bytes_.erase(self.bytes_.begin(),
                                             self.bytes_.begin() + items.count);
                           if (self.bytes_.empty())
                             self.ask();
                           else
                             self.offer();
                         }));
  }
  static Trailers fields_of(net::Headers trailers) {
    std::optional<std::unique_ptr<http::Trailers>> some;
    if (!trailers.empty())
      some = Fields::view(std::make_shared<const net::Headers>(std::move(trailers)));
    return some;
  }
  void give_up() {
    from_.pipe().close_reader();
    end(std::optional<std::unique_ptr<http::Trailers>>());
  }
  void end(Trailers trailers) {
    if (!stream_) return;
    stream_.reset();
    give_trailers(store(), std::move(trailers_), std::move(trailers));
    leave();
  }

  HostContent from_;
  std::optional<ComponentWriter> stream_;  // none at the end
  ComponentWriter trailers_;
  ComponentReader res_;
  std::vector<uint8_t> bytes_;  // that the guest has not taken
  bool waiting_ = false;        // for the pipe
};

}  // namespace

// ---- Sent

Sent::~Sent() { settle(net::HttpError{Kind::internal_error, "it was dropped before it was sent"}); }

void Sent::settle(const Transmitted& outcome) {
  if (!future_) return;
  auto value = host::lower<Transmitted>(*store_, outcome);
  if (value) give(std::move(*std::exchange(future_, nullptr)), *std::move(value));
}

void Sent::settle(const net::HttpError& error) { settle(host::err(code_of(error))); }

void Sent::follow(host::Future res) && {
  auto from = ComponentReader::from(*store_, std::move(res.value));
  if (!from) return;
  auto reader = std::make_shared<ComponentReader>(*std::move(from));
  auto self = std::make_shared<Sent>(std::move(*this));
  ComponentReader& reads = *reader;
  reads.read(1, [reader = std::move(reader), self](ComponentItems items) {
    if (items.count == 1 && self->future_)
      give(std::move(*std::exchange(self->future_, nullptr)), std::move(items.values[0]));
  });
}

std::pair<GuestContent, host::Future> GuestContent::make(Store& store,
                                                         std::optional<host::Stream> contents,
                                                         host::Future trailers) {
  auto [future, writer] = ComponentWriter::future(store);
  return {GuestContent{std::move(contents), std::move(trailers), Sent(store, std::move(writer))},
          host::Future{std::move(future)}};
}

Result<std::tuple<host::Stream, host::Future>> consume(Store& store, Content content,
                                                       host::Future res) {
  if (auto* guest = std::get_if<GuestContent>(&content)) {
    std::move(guest->sent).follow(std::move(res));
    // Without content: a stream that has ended.
    if (!guest->contents) guest->contents = host::Stream{ComponentWriter::stream(store).first};
    return std::tuple(*std::move(guest->contents), std::move(guest->trailers));
  }
  SEDGE_TRY_ASSIGN(ComponentReader handled, ComponentReader::from(store, std::move(res.value)));
  auto [stream, writer] = ComponentWriter::stream(store);
  auto [future, trailers] = ComponentWriter::future(store);
  Kept::make<Incoming>(store, std::get<HostContent>(std::move(content)), std::move(writer),
                       std::move(trailers), std::move(handled))
      ->start();
  return std::tuple(host::Stream{std::move(stream)}, host::Future{std::move(future)});
}

// ---- Outgoing

std::shared_ptr<Outgoing> Outgoing::make(Store& store, Of of, Content content,
                                         std::optional<uint64_t> length) {
  return Kept::make<Outgoing>(store, of, std::move(content), length);
}

Outgoing::Outgoing(Store& store, Of of, Content content, std::optional<uint64_t> length)
    : Kept(store),
      of_(of),
      pipe_(std::make_shared<net::BodyPipe>(wasi::http::kPipeBytes)),
      length_(length),
      answered_(of == Of::response) {
  if (auto* guest = std::get_if<GuestContent>(&content)) {
    contents_ = std::move(guest->contents);
    trailers_ = std::move(guest->trailers);
    sent_.emplace(std::move(guest->sent));
  } else {
    from_host_.emplace(std::get<HostContent>(std::move(content)));
  }
}

Outgoing::~Outgoing() {
  pipe_->fail({Kind::internal_error, "the guest did not finish the content"});
}

Result<void> Outgoing::start(std::function<void()> ready, Over over) {
  ready_ = std::move(ready);
  tell_over_ = std::move(over);
  auto self = std::static_pointer_cast<Outgoing>(shared_from_this());
  SEDGE_TRY_ASSIGN(GuestNetwork * network, network_of(store()));
  if (!pipe_->lease.grow(network->memory, wasi::http::kPipeBytes)) {
    fail(host::err(code_of({Kind::connection_limit_reached, {}})),
         {Kind::connection_limit_reached, "the guest has too much content in transit"});
    return {};
  }
  pipe_->on_writable(
      waker(store(), std::weak_ptr(self), [](Outgoing& outgoing) { outgoing.look(); }));
  if (from_host_) {
    from_host_->pipe().on_readable(
        waker(store(), std::weak_ptr(self), [](Outgoing& outgoing) { outgoing.next(); }));
    next();
    tell_ready();
    return {};
  }
  SEDGE_TRY_ASSIGN(trailers_reader_, ComponentReader::from(store(), std::move(trailers_->value)));
  if (contents_) {
    SEDGE_TRY_ASSIGN(stream_, ComponentReader::from(store(), std::move(contents_->value)));
  }
  const bool streamed = stream_.has_value();
  next();
  if (streamed) tell_ready();
  return {};
}

void Outgoing::tell_ready() {
  if (over_) return;
  if (auto told = std::exchange(ready_, nullptr)) told();
}

/// Does what can be done now.
void Outgoing::next() {
  if (over_ || finished_ || reading_) return;
  for (;;) {
    if (pipe_->reader_gone()) return look();
    if (!from_host_ && !stream_) return read_trailers();
    const size_t room = pipe_->room();
    if (room == 0) return;
    if (!from_host_) return read_guest(room);
    if (!read_host(room)) return;
  }
}

void Outgoing::read_guest(size_t room) {
  reading_ = true;
  stream_->read_bytes(static_cast<uint32_t>(std::min<size_t>(room, p2::kMaxTransfer)),
                      weakly(this, [](Outgoing& self, const ComponentItems& items) {
                        self.reading_ = false;
                        if (items.ended) self.stream_.reset();
                        self.take({reinterpret_cast<const char*>(items.bytes.data()), items.count});
                        self.next();
                      }));
}

/// False if there is nothing, or there is no more.
bool Outgoing::read_host(size_t room) {
  std::string bytes;
  net::BodyPipe& from = from_host_->pipe();
  net::BodyPipe::State state = from.read(bytes, room);
  if (!bytes.empty()) {
    take(bytes);
    return !over_;
  }
  if (state == net::BodyPipe::State::failed) fail(host::err(code_of(from.error())), from.error());
  if (state == net::BodyPipe::State::done) finish(from.trailers());
  return false;
}

void Outgoing::take(std::string_view bytes) {
  if (over_ || bytes.empty()) return;
  written_ += bytes.size();
  if (length_ && written_ > *length_)
    return end({Kind::request_body_size, "more content than Content-Length says", written_});
  pipe_->write(bytes);
}

void Outgoing::read_trailers() {
  if (length_ && written_ != *length_)
    return end({Kind::request_body_size, "not as much content as Content-Length says", written_});
  reading_ = true;
  trailers_reader_->read(1, weakly(this, [](Outgoing& self, ComponentItems items) {
                           self.reading_ = false;
                           if (items.count != 1)
                             return self.end({Kind::internal_error, "the guest gave no trailers"});
                           auto given = host::lift<Trailers>(self.store(), items.values[0]);
                           if (!given)
                             return self.end({Kind::internal_error, given.error().message()});
                           Trailers& trailers = *given;
                           if (!trailers)
                             return self.fail(host::err(trailers.error()),
                                              wasi::http::http_error(trailers.error()));
                           self.finish(*trailers ? *Fields::in(***trailers) : net::Headers());
                         }));
}

void Outgoing::finish(net::Headers trailers) {
  if (over_) return;
  finished_ = true;
  stream_.reset();
  trailers_reader_.reset();
  pipe_->finish(std::move(trailers));
  tell_ready();
  look();
}

/// The pipe's reader has taken something, or has gone.
void Outgoing::look() {
  if (over_) return;
  if (pipe_->delivered()) {
    if (answered_ || of_ == Of::response) settle(Unit{}, std::nullopt);
    return;
  }
  if (!pipe_->reader_gone()) return next();
  stream_.reset();
  trailers_reader_.reset();
  // Of a request, the client tells why.
  if (answered_) end({Kind::connection_terminated, "the peer has gone"});
}

void Outgoing::answered() {
  answered_ = true;
  look();
}

void Outgoing::end(const net::HttpError& error) {
  http::ErrorCode code = code_of(error);
  if (error.kind == Kind::request_body_size && of_ == Of::response)
    code.value = http::ErrorCode::HttpResponseBodySize{error.number};
  fail(host::err(std::move(code)), error);
}

void Outgoing::fail(const Transmitted& outcome, const net::HttpError& error) {
  if (over_) return;
  stream_.reset();
  trailers_reader_.reset();
  pipe_->fail(error);
  settle(outcome, error);
}

void Outgoing::settle(const Transmitted& outcome, const std::optional<net::HttpError>& error) {
  over_ = true;
  if (sent_) sent_->settle(outcome);
  from_host_.reset();
  if (auto tell = std::exchange(tell_over_, nullptr)) tell(error);
  leave();
}

}  // namespace sedge::wasi::p3
