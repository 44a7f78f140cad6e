// See channel.h.
#include "component/channel.h"

#include <algorithm>
#include <cstring>

#include "component/call.h"
#include "component/loop.h"

namespace sedge::component {

bool ElementType::plain() const {
  if (!type) return true;
  std::optional<PrimType> prim;
  if (type->is_prim()) {
    prim = type->prim();
  } else if (const auto* named = std::get_if<PrimType>(&types->defined(type->index()).type)) {
    prim = *named;
  }
  if (!prim) return false;
  switch (*prim) {
    case PrimType::bool_:
    case PrimType::char_:
    case PrimType::string:
    case PrimType::error_context:
      return false;
    default:
      return true;
  }
}

uint32_t ElementType::size() const { return type ? types->layout(*type, false).size : 0; }

bool ElementType::same_as(const ElementType& other) const {
  if (!types || !other.types) return true;
  return same_shape(*types, type, *other.types, other.type);
}

// Buffers

Result<std::unique_ptr<GuestBuffer>> GuestBuffer::make(ComponentInst& inst,
                                                       const AbiOptions& options,
                                                       const ElementType& element, uint64_t at,
                                                       uint32_t count) {
  if (count > kMaxLength) return trap("buffer length is too large");
  if (element.type && count > 0) {
    Layout each = inst.type_arena().layout(*element.type, options.is64);
    SEDGE_TRY(Crossing(inst, options)
                  .check_range(at, each.align, uint64_t{each.size} * count,
                               "pointer out of bounds of memory"));
  }
  return std::unique_ptr<GuestBuffer>(new GuestBuffer(inst, options, element, at, count));
}

uint64_t GuestBuffer::here() const {
  if (!element_.type) return at_;
  return at_ + uint64_t{progress} * inst_.type_arena().layout(*element_.type, options_.is64).size;
}

std::optional<std::span<uint8_t>> GuestBuffer::plain(uint32_t count, uint32_t size) {
  if (size == 0) return std::span<uint8_t>();
  // Memories never shrink: what was checked at the start holds.
  return options_.memory->bytes(store()).subspan(here(), uint64_t{count} * size);
}

Result<std::vector<ComponentVal>> GuestBuffer::read(uint32_t count) {
  SEDGE_TRY_ASSIGN(auto out, Crossing(inst_, options_).load_items(*element_.type, here(), count));
  progress += count;
  return out;
}

Result<void> GuestBuffer::write(std::vector<ComponentVal> values) {
  SEDGE_TRY(Crossing(inst_, options_).store_items(*element_.type, values, here()));
  progress += static_cast<uint32_t>(values.size());
  return {};
}

std::optional<std::span<uint8_t>> HostBuffer::plain(uint32_t count, uint32_t size) {
  if (!as_bytes_) return std::nullopt;
  bytes.resize(std::max<uint64_t>(bytes.size(), uint64_t{progress + count} * size));
  return std::span(bytes).subspan(uint64_t{progress} * size, uint64_t{count} * size);
}

Result<std::vector<ComponentVal>> HostBuffer::read(uint32_t count) {
  if (as_bytes_) return fail(ErrorCode::bad_argument, ": bytes for elements that are no numbers");
  auto first = values.begin() + progress;
  std::vector<ComponentVal> out(std::make_move_iterator(first),
                                std::make_move_iterator(first + count));
  progress += count;
  return out;
}

Result<void> HostBuffer::write(std::vector<ComponentVal> items) {
  if (as_bytes_) return fail(ErrorCode::bad_argument, ": bytes of elements that are no numbers");
  progress += static_cast<uint32_t>(items.size());
  std::ranges::move(items, std::back_inserter(values));
  return {};
}

void HostBuffer::settle(const ElementType& element) {
  if (!std::exchange(to_settle_, false) || element.size() == 0) return;
  length = static_cast<uint32_t>(bytes.size() / element.size());
}

namespace {

/// A number as a value, and back.
Result<ComponentVal> number_value(PrimType prim, const uint8_t* at, uint32_t size) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, size);
  return lift_prim(prim, bits);
}

PrimType number_type(const ElementType& element) {
  return element.type->is_prim()
             ? element.type->prim()
             : std::get<PrimType>(element.types->defined(element.type->index()).type);
}

/// Copies plain elements where at least one side has them as values.
Result<void> copy_numbers(const ElementType& element, Buffer& from, Buffer& to, uint32_t count) {
  const uint32_t size = element.size();
  const PrimType prim = number_type(element);
  std::vector<ComponentVal> values;
  if (auto bytes = from.plain(count, size)) {
    for (uint32_t i = 0; i < count; ++i) {
      SEDGE_TRY_ASSIGN(ComponentVal value,
                       number_value(prim, bytes->data() + uint64_t{i} * size, size));
      values.push_back(std::move(value));
    }
    from.progress += count;
  } else {
    SEDGE_TRY_ASSIGN(values, from.read(count));
  }
  auto bytes = to.plain(count, size);
  if (!bytes) return to.write(std::move(values));
  for (uint32_t i = 0; i < count; ++i) {
    SEDGE_TRY(check_value(*element.types, *element.type, values[i]));
    std::memcpy(bytes->data() + uint64_t{i} * size, &values[i].bits, size);
  }
  to.progress += count;
  return {};
}

Result<void> copy_elements(const ElementType& element, Buffer& from, Buffer& to, uint32_t count) {
  if (!element.types || !element.plain()) {
    SEDGE_TRY_ASSIGN(auto values, from.read(count));
    if (element.types)
      for (ComponentVal& value : values)
        SEDGE_TRY(check_value(*element.types, *element.type, value));
    return to.write(std::move(values));
  }
  const uint32_t size = element.size();
  auto source = from.plain(count, size);
  auto target = to.plain(count, size);
  if (!element.type) {
    from.progress += count;
    to.progress += count;
    return {};
  }
  if (!source || !target) return copy_numbers(element, from, to, count);
  if (!source->empty()) std::memmove(target->data(), source->data(), source->size());
  from.progress += count;
  to.progress += count;
  return {};
}

}  // namespace

// Channels

void Channel::notify_pending(CopyResult result) {
  CopyEnd* end = std::exchange(pending_, nullptr);
  end->on_copy(result, false);
}

void Channel::cancel() { notify_pending(CopyResult::cancelled); }

void Channel::drop() {
  if (std::exchange(dropped, true)) return;
  if (pending_) notify_pending(CopyResult::dropped);
  if (auto then = std::exchange(when_dropped, nullptr)) then();
}

void Channel::end_wait() {
  if (pending_ && !future && !pending_->writes() && pending_->buffer->length == 0)
    notify_pending(CopyResult::completed);
}

Result<void> Channel::copy(CopyEnd& end) {
  if (dropped) {
    end.on_copy(CopyResult::dropped, false);
    return {};
  }
  if (!pending_) {
    pending_ = &end;
    return {};
  }
  CopyEnd& other = *pending_;
  end.buffer->settle(element);
  other.buffer->settle(element);
  if (end.inst && end.inst == other.inst && !element.plain())
    return trap(future ? "cannot read from and write to intra-component future"
                       : "cannot read from and write to intra-component stream");
  return future ? copy_future(end, other) : copy_stream(end, other);
}

Result<void> Channel::copy_stream(CopyEnd& end, CopyEnd& other) {
  Buffer& mine = *end.buffer;
  Buffer& theirs = *other.buffer;
  if (theirs.remain() > 0) {
    if (mine.remain() > 0) {
      uint32_t count = std::min(mine.remain(), theirs.remain());
      SEDGE_TRY(end.writes() ? copy_elements(element, mine, theirs, count)
                             : copy_elements(element, theirs, mine, count));
      other.on_copy(CopyResult::completed, true);
    }
    end.on_copy(CopyResult::completed, false);
  } else if (end.writes() && mine.length == 0 && theirs.length == 0) {
    end.on_copy(CopyResult::completed, false);
  } else {
    notify_pending(CopyResult::completed);
    pending_ = &end;
  }
  return {};
}

Result<void> Channel::copy_future(CopyEnd& end, CopyEnd& other) {
  SEDGE_TRY(end.writes() ? copy_elements(element, *end.buffer, *other.buffer, 1)
                         : copy_elements(element, *other.buffer, *end.buffer, 1));
  notify_pending(CopyResult::completed);
  end.on_copy(CopyResult::completed, false);
  return {};
}

// Ends

CopyEnd::CopyEnd(bool writes, std::shared_ptr<Channel> of)
    : Waitable(of->future ? (writes ? Kind::future_writer : Kind::future_reader)
                          : (writes ? Kind::stream_writer : Kind::stream_reader)),
      channel(std::move(of)) {}

CopyEnd::~CopyEnd() { drop(); }

void CopyEnd::drop() {
  if (std::exchange(gone_, true)) return;
  if (channel->pending() == this) channel->reset_pending();
  // Once the store has gone, whoever waits has gone too.
  if (!channel->loop->store) return;
  if (kind == Kind::future_writer && state != State::done) channel->unwritten = true;
  channel->drop();
}

void CopyEnd::on_copy(CopyResult result, bool reclaim) {
  result_ = result;
  reclaim_ = reclaim;
  if (host) return host();
  set_pending_event();
}

Result<Event> CopyEnd::deliver() {
  if (reclaim_ && channel->pending() == this) channel->reset_pending();
  const bool is_future = channel->future;
  if (is_future && !writes() && result_ == CopyResult::dropped)
    return trap("cannot read from a future whose writer has gone without writing");
  const bool ends =
      result_ == CopyResult::dropped || (is_future && result_ == CopyResult::completed);
  state = ends ? State::done : State::idle;
  Event out;
  if (is_future)
    out.code = writes() ? EventCode::future_write : EventCode::future_read;
  else
    out.code = writes() ? EventCode::stream_write : EventCode::stream_read;
  out.index = index;
  out.payload = static_cast<uint32_t>(result_);
  if (!is_future) out.payload |= buffer->progress << 4;
  return out;
}

bool CopyEnd::take_host_event() {
  auto event = deliver();
  return !event || state == State::done;
}

}  // namespace sedge::component
