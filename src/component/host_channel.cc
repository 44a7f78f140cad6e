// ComponentReader and ComponentWriter: ends of channels that the host holds. What a copy gave is
// told by the loop, never inside of the copy.
#include "component/call.h"
#include "component/channel.h"
#include "component/loop.h"

namespace sedge {

using component::Channel;
using component::ComponentStore;
using component::CopyEnd;
using component::CopyResult;
using component::HostBuffer;

namespace {

/// Tells the host what its copy gave.
void tell(const std::shared_ptr<ChannelEnd>& end) {
  end->told = false;
  end->end->channel->loop->waiting_ends.erase(end.get());
  CopyEnd& copy = *end->end;
  auto& buffer = static_cast<HostBuffer&>(*copy.buffer);
  ComponentItems out;
  out.count = buffer.progress;
  if (!copy.writes()) {
    out.values = std::move(buffer.values);
    out.bytes = std::move(buffer.bytes);
  }
  out.ended = copy.take_host_event();
  copy.buffer.reset();
  end->wait_for_host();
  if (auto then = std::exchange(end->then, nullptr)) then(std::move(out));
}

/// Offers a buffer to the other end.
void copy(const std::shared_ptr<ChannelEnd>& end, std::unique_ptr<HostBuffer> buffer,
          std::function<void(ComponentItems)> then) {
  CopyEnd& copies = *end->end;
  std::shared_ptr<ComponentLoopImpl> loop = copies.channel->loop;
  if (!loop->store) return;
  end->then = std::move(then);
  if (copies.state != CopyEnd::State::idle) {
    loop->later([end] {
      ComponentItems out;
      out.ended = true;
      if (auto told = std::exchange(end->then, nullptr)) told(std::move(out));
    });
    return;
  }
  end->expected.reset();
  loop->waiting_ends.emplace(end.get(), end);
  copies.buffer = std::move(buffer);
  copies.state = CopyEnd::State::copying;
  copies.host = [weak = std::weak_ptr(end), loop] {
    auto self = weak.lock();
    if (!self || std::exchange(self->told, true)) return;
    loop->later([self] { tell(self); });
  };
  // What the other side gave was refused: there is no guest here to trap, so the copy ends.
  if (!copies.channel->copy(copies)) copies.on_copy(CopyResult::dropped, false);
}

std::pair<ComponentVal, std::shared_ptr<ChannelEnd>> make(Store& store, bool future) {
  auto channel = std::make_shared<Channel>(future, ComponentStore::of(store).loop);
  ComponentVal value;
  value.kind = future ? ComponentVal::Kind::future : ComponentVal::Kind::stream;
  value.end = std::make_shared<CopyEnd>(false, channel);
  auto end = std::make_shared<ChannelEnd>();
  end->end = std::make_shared<CopyEnd>(true, channel);
  end->wait_for_host();
  return {std::move(value), std::move(end)};
}

}  // namespace

ChannelEnd::~ChannelEnd() {
  end->channel->loop->waiting_ends.erase(this);
  if (end->writes()) {
    end->channel->when_dropped = nullptr;  // it is this end that goes
    if (end->channel->loop->store) end->channel->end_wait();
  }
  end->drop();
}

void ChannelEnd::wait_for_host() {
  const std::shared_ptr<ComponentLoopImpl>& loop = end->channel->loop;
  loop->expect(1);
  expected = std::shared_ptr<void>(nullptr, [loop](void*) { loop->expect(-1); });
}

Result<ComponentReader> ComponentReader::from(Store& store, ComponentVal value) {
  const bool right =
      value.kind == ComponentVal::Kind::stream || value.kind == ComponentVal::Kind::future;
  if (!right || !value.end) return fail(ErrorCode::bad_argument, ": expected a stream or future");
  if (value.end->channel->loop != ComponentStore::of(store).loop) return fail(ErrorCode::bad_store);
  if (std::exchange(value.end->in_table, true))
    return fail(ErrorCode::bad_argument, ": a stream or future that somebody else has got");
  ComponentReader out;
  out.end_ = std::make_shared<ChannelEnd>();
  out.end_->end = std::move(value.end);
  out.end_->end->inst = nullptr;
  out.end_->wait_for_host();
  return out;
}

void ComponentReader::read(uint32_t most, std::function<void(ComponentItems)> then) {
  copy(end_, std::make_unique<HostBuffer>(most, false), std::move(then));
}
void ComponentReader::read_bytes(uint32_t most, std::function<void(ComponentItems)> then) {
  copy(end_, std::make_unique<HostBuffer>(most, true), std::move(then));
}

namespace {

void cancel_copy(const std::shared_ptr<ChannelEnd>& end) {
  if (end->end->channel->pending() == end->end.get() && !end->told) end->end->channel->cancel();
}

}  // namespace

void ComponentReader::cancel() { cancel_copy(end_); }
void ComponentWriter::cancel() { cancel_copy(end_); }

void ComponentWriter::on_dropped(std::function<void()> then) {
  Channel& channel = *end_->end->channel;
  if (!channel.loop->store) return;
  if (channel.dropped)
    channel.loop->later(std::move(then));
  else
    channel.when_dropped = std::move(then);
}

std::pair<ComponentVal, ComponentWriter> ComponentWriter::stream(Store& store) {
  auto [value, end] = make(store, false);
  ComponentWriter writer;
  writer.end_ = std::move(end);
  return {std::move(value), std::move(writer)};
}

std::pair<ComponentVal, ComponentWriter> ComponentWriter::future(Store& store) {
  auto [value, end] = make(store, true);
  ComponentWriter writer;
  writer.end_ = std::move(end);
  return {std::move(value), std::move(writer)};
}

void ComponentWriter::write(std::vector<ComponentVal> values,
                            std::function<void(ComponentItems)> then) {
  auto buffer = std::make_unique<HostBuffer>(static_cast<uint32_t>(values.size()), false);
  buffer->values = std::move(values);
  copy(end_, std::move(buffer), std::move(then));
}

void ComponentWriter::write_bytes(std::vector<uint8_t> bytes,
                                  std::function<void(ComponentItems)> then) {
  copy(end_, std::make_unique<HostBuffer>(std::move(bytes)), std::move(then));
}

}  // namespace sedge
