// See body_pipe.h. A side is woken only when its situation changes: bytes in an empty pipe, room in
// a full one, an end.
#include "net/body_pipe.h"

#include <algorithm>
#include <utility>

namespace sedge::net {
namespace {

void call(const std::shared_ptr<BodyPipe::Wake>& wake) {
  if (wake && *wake) (*wake)();
}

}  // namespace

std::shared_ptr<BodyPipe> BodyPipe::of(std::string bytes) {
  auto pipe = std::make_shared<BodyPipe>(bytes.size());
  pipe->total_ = bytes.size();
  pipe->bytes_ = std::move(bytes);
  pipe->ended_ = true;
  return pipe;
}

size_t BodyPipe::room() const {
  std::lock_guard lock(mutex_);
  return ended_ || reader_gone_ ? 0 : capacity_ - (bytes_.size() - at_);
}

size_t BodyPipe::write(std::string_view bytes) {
  std::shared_ptr<Wake> wake;
  size_t taken;
  {
    std::lock_guard lock(mutex_);
    if (ended_) return 0;
    if (reader_gone_) return bytes.size();
    taken = std::min(bytes.size(), capacity_ - (bytes_.size() - at_));
    if (taken == 0) return 0;
    if (at_ == bytes_.size()) {
      bytes_.clear();
      at_ = 0;
      wake = readable_;
    } else if (at_ > capacity_) {
      bytes_.erase(0, at_);
      at_ = 0;
    }
    bytes_.append(bytes.substr(0, taken));
    total_ += taken;
    if (copy_ && taken <= copy_most_ - copy_->size())
      copy_->append(bytes.substr(0, taken));
    else
      copy_.reset();
  }
  call(wake);
  return taken;
}

void BodyPipe::end(std::optional<HttpError> error, Headers trailers) {
  std::shared_ptr<Wake> wake;
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    error_ = std::move(error);
    trailers_ = std::move(trailers);
    wake = readable_;
  }
  call(wake);
}

void BodyPipe::finish(Headers trailers) { end(std::nullopt, std::move(trailers)); }
void BodyPipe::fail(HttpError error) { end(std::move(error), {}); }

bool BodyPipe::reader_gone() const {
  std::lock_guard lock(mutex_);
  return reader_gone_;
}

bool BodyPipe::delivered() const {
  std::lock_guard lock(mutex_);
  return delivered_;
}

void BodyPipe::on_writable(Wake wake, size_t level) {
  auto shared = std::make_shared<Wake>(std::move(wake));  // takes the old one along, past the lock
  std::lock_guard lock(mutex_);
  writable_.swap(shared);
  level_ = level;
}

BodyPipe::State BodyPipe::read(std::string& out, size_t most) {
  std::shared_ptr<Wake> wake;
  State state;
  {
    std::lock_guard lock(mutex_);
    size_t taken = std::min(most, bytes_.size() - at_);
    bool above = bytes_.size() - at_ >= level_;
    out.append(bytes_, at_, taken);
    at_ += taken;
    if (at_ == bytes_.size()) {
      bytes_ = std::string();
      at_ = 0;
    }
    if (above && bytes_.size() - at_ < level_ && !ended_) wake = writable_;
    if (!ended_ || at_ < bytes_.size())
      state = State::open;
    else
      state = error_ ? State::failed : State::done;
    if (state == State::done && !std::exchange(delivered_, true)) wake = writable_;
  }
  call(wake);
  return state;
}

uint64_t BodyPipe::total() const {
  std::lock_guard lock(mutex_);
  return total_;
}

void BodyPipe::keep_copy(size_t most) {
  std::lock_guard lock(mutex_);
  copy_most_ = most;
  if (!reader_gone_ && bytes_.size() - at_ <= most) copy_ = bytes_.substr(at_);
}

std::optional<std::string> BodyPipe::take_copy() {
  std::lock_guard lock(mutex_);
  if (!ended_ || error_ || !trailers_.empty()) return std::nullopt;
  return std::exchange(copy_, std::nullopt);
}

size_t BodyPipe::available() const {
  std::lock_guard lock(mutex_);
  return bytes_.size() - at_;
}

BodyPipe::State BodyPipe::state() const {
  std::lock_guard lock(mutex_);
  if (!ended_) return State::open;
  return error_ ? State::failed : State::done;
}

bool BodyPipe::readable() const {
  std::lock_guard lock(mutex_);
  return ended_ || at_ < bytes_.size();
}

void BodyPipe::close_reader() { close(false); }
void BodyPipe::skip_rest() { close(true); }

void BodyPipe::close(bool all_is_well) {
  std::shared_ptr<Wake> wake, ended;
  {
    std::lock_guard lock(mutex_);
    if (reader_gone_) return;
    reader_gone_ = true;
    delivered_ |= all_is_well;
    total_ -= bytes_.size() - at_;
    copy_.reset();
    bytes_ = std::string();
    at_ = 0;
    ended.swap(readable_);
    wake = writable_;
  }
  call(wake);
}

void BodyPipe::on_readable(Wake wake) {
  auto shared = std::make_shared<Wake>(std::move(wake));
  std::lock_guard lock(mutex_);
  readable_.swap(shared);
}

Headers BodyPipe::trailers() const {
  std::lock_guard lock(mutex_);
  return trailers_;
}

HttpError BodyPipe::error() const {
  std::lock_guard lock(mutex_);
  return error_.value_or(HttpError{});
}

}  // namespace sedge::net
