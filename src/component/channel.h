// Streams and futures: a channel between two ends, each in a guest's handle table or with the host,
// and the buffers that copies go through. Specification: CanonicalABI.md, "Buffer State", "Stream
// State", "Future State"; names are those of definitions.py.
#ifndef SEDGE_COMPONENT_CHANNEL_H_
#define SEDGE_COMPONENT_CHANNEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <sedge/component_async.h>

#include "component/canon_abi.h"
#include "component/task.h"

namespace sedge::component {

/// The element type of a stream or future, in the types of the component that it comes from.
struct ElementType {
  const Types* types = nullptr;  ///< null: a channel of the host that no guest has got yet
  std::optional<ValType> type;
  /// Whether elements are copied as bytes: numbers, and nothing at all.
  bool plain() const;
  uint32_t size() const;  ///< bytes of a plain element
  bool same_as(const ElementType& other) const;
};

/// Room for elements, or elements to be copied.
class Buffer {
 public:
  static constexpr uint32_t kMaxLength = (1u << 28) - 1;
  explicit Buffer(uint32_t count) : length(count) {}
  virtual ~Buffer() = default;
  uint32_t remain() const { return length - progress; }
  /// The memory of the next `count` elements of this many bytes; nothing if they are kept as
  /// values.
  virtual std::optional<std::span<uint8_t>> plain(uint32_t count, uint32_t size) = 0;
  virtual Result<std::vector<ComponentVal>> read(uint32_t count) = 0;
  virtual Result<void> write(std::vector<ComponentVal> values) = 0;
  /// Told before a copy: the size of elements, now that their type is known.
  virtual void settle(const ElementType&) {}

  uint32_t length = 0;
  uint32_t progress = 0;
};

/// A buffer in a guest's memory.
class GuestBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<GuestBuffer>> make(ComponentInst& inst, const AbiOptions& options,
                                                   const ElementType& element, uint64_t at,
                                                   uint32_t count);
  std::optional<std::span<uint8_t>> plain(uint32_t count, uint32_t size) override;
  Result<std::vector<ComponentVal>> read(uint32_t count) override;
  Result<void> write(std::vector<ComponentVal> values) override;

 private:
  GuestBuffer(ComponentInst& inst, const AbiOptions& options, const ElementType& element,
              uint64_t at, uint32_t count)
      : Buffer(count), inst_(inst), options_(options), element_(element), at_(at) {}
  uint64_t here() const;
  Store& store() const { return ComponentStore::of(inst_).scheduler().store(); }
  ComponentInst& inst_;
  const AbiOptions& options_;  ///< of the canonical function, which lives as long as its store
  ElementType element_;
  uint64_t at_;
};

/// A buffer of the host: bytes of numbers, or values.
class HostBuffer final : public Buffer {
 public:
  HostBuffer(uint32_t count, bool as_bytes) : Buffer(count), as_bytes_(as_bytes) {}
  /// Offers these bytes.
  explicit HostBuffer(std::vector<uint8_t> from)
      : Buffer(static_cast<uint32_t>(from.size())),
        bytes(std::move(from)),
        as_bytes_(true),
        to_settle_(true) {}
  std::optional<std::span<uint8_t>> plain(uint32_t count, uint32_t size) override;
  Result<std::vector<ComponentVal>> read(uint32_t count) override;
  Result<void> write(std::vector<ComponentVal> values) override;
  void settle(const ElementType& element) override;

  std::vector<ComponentVal> values;
  std::vector<uint8_t> bytes;

 private:
  bool as_bytes_;
  bool to_settle_ = false;
};

enum class CopyResult : uint8_t { completed = 0, dropped = 1, cancelled = 2 };

class CopyEnd;

/// What both ends share.
class Channel {
 public:
  Channel(bool is_future, std::shared_ptr<ComponentLoopImpl> of)
      : future(is_future), loop(std::move(of)) {}
  /// A copy between `end`, which offers `end.buffer`, and the other end, now or when that comes.
  Result<void> copy(CopyEnd& end);
  void cancel();
  void drop();
  void reset_pending() { pending_ = nullptr; }
  /// For a host that writes, before it goes: a guest that waits by a read of nothing for something
  /// to be there learns that it may read, and by that read that nothing comes. A guest that took
  /// the end from such a read would be right, too, but the bindings of several languages do not.
  void end_wait();
  const CopyEnd* pending() const { return pending_; }

  const bool future;
  bool dropped = false;
  bool unwritten = false;  ///< a future whose writer is gone without writing
  ElementType element;
  std::function<void()> when_dropped;       ///< of a host that writes: called once
  std::shared_ptr<ComponentLoopImpl> loop;  ///< its store is null once the ends mean nothing

 private:
  Result<void> copy_stream(CopyEnd& end, CopyEnd& other);
  Result<void> copy_future(CopyEnd& end, CopyEnd& other);
  void notify_pending(CopyResult result);
  CopyEnd* pending_ = nullptr;  ///< the end that waits with its buffer
};

/// One end, in a handle table or with the host.
class CopyEnd : public Waitable {
 public:
  enum class State : uint8_t { idle, copying, cancelling_copy, done };
  CopyEnd(bool writes, std::shared_ptr<Channel> of);
  ~CopyEnd() override;

  bool copying() const { return state == State::copying || state == State::cancelling_copy; }
  bool writes() const {
    return kind == TableObject::Kind::stream_writer || kind == TableObject::Kind::future_writer;
  }
  /// The other end has taken or given elements, or ended it; `reclaim`: the buffer still waits.
  void on_copy(CopyResult result, bool reclaim);
  /// Tells the other end that this one is gone; once.
  void drop();

  std::shared_ptr<Channel> channel;
  State state = State::idle;
  std::unique_ptr<Buffer> buffer;
  ComponentInst* inst = nullptr;  ///< that copies; null: the host
  bool in_table = false;
  std::function<void()> host;  ///< of the host: instead of an event
  /// What the guest would get as an event; true if nothing more will be copied.
  bool take_host_event();

 protected:
  Result<Event> deliver() override;

 private:
  CopyResult result_ = CopyResult::completed;
  bool reclaim_ = false;
  bool gone_ = false;
};

}  // namespace sedge::component

namespace sedge {

/// The host's end of a channel.
struct ChannelEnd {
  std::shared_ptr<component::CopyEnd> end;
  std::function<void(ComponentItems)> then;
  bool told = false;  ///< its answer is on the way
  /// While it does not wait for a guest, guests may wait for it.
  std::shared_ptr<void> expected;
  ChannelEnd() = default;
  ~ChannelEnd();
  ChannelEnd(const ChannelEnd&) = delete;
  ChannelEnd& operator=(const ChannelEnd&) = delete;
  void wait_for_host();
};

}  // namespace sedge

#endif  // SEDGE_COMPONENT_CHANNEL_H_
