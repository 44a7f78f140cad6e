// Canonical functions of streams, futures and error contexts. Specification: CanonicalABI.md,
// "canon {stream,future}.new" to "canon {stream,future}.drop-{readable,writable}", "canon
// error-context.new".
#include "component/builtins.h"
#include "component/canon_abi.h"
#include "component/channel.h"
#include "component/error_context.h"

namespace sedge::component {
namespace {

using Kind = TableObject::Kind;

uint32_t word(uint64_t cell) { return static_cast<uint32_t>(cell); }

/// What the functions of one stream or future type know.
struct Copies {
  ElementType element;
  bool future = false;
  bool writes = false;
  bool async = false;

  Copies(const ComponentInst& inst, const Canon& canon) {
    const Types& types = inst.type_arena();
    const Defined& type = types.defined(inst.info->spaces.types[canon.type].id);
    const auto* as_future = std::get_if<Future>(&type.type);
    future = as_future != nullptr;
    element = {&types, as_future ? as_future->element : std::get<Stream>(type.type).element};
    switch (canon.op) {
      case CanonOp::stream_write:
      case CanonOp::stream_cancel_write:
      case CanonOp::stream_drop_writable:
      case CanonOp::future_write:
      case CanonOp::future_cancel_write:
      case CanonOp::future_drop_writable:
        writes = true;
        break;
      default:
        break;
    }
  }

  Result<std::shared_ptr<CopyEnd>> find(ComponentInst& inst, uint64_t index) const {
    struct Row {
      const char* name;
      bool (*is)(Kind);
    };
    static constexpr Row kRows[] = {
        {"the readable end of a stream", [](Kind kind) { return kind == Kind::stream_reader; }},
        {"the writable end of a stream", [](Kind kind) { return kind == Kind::stream_writer; }},
        {"the readable end of a future", [](Kind kind) { return kind == Kind::future_reader; }},
        {"the writable end of a future", [](Kind kind) { return kind == Kind::future_writer; }}};
    const Row& row = kRows[(future ? 2 : 0) + (writes ? 1 : 0)];
    SEDGE_TRY_ASSIGN(auto object, inst.handles.get_object(word(index), row.name, row.is));
    auto end = std::static_pointer_cast<CopyEnd>(object);
    if (!end->channel->element.same_as(element))
      return trap("the handle is of a stream or future of another type");
    return end;
  }
};

/// A function of `inst` that is a trap while it may not leave.
template <typename F>
RawHostCallback made(ComponentInst& inst, AbiOptions options, F body) {
  return
      [&inst, options = std::move(options), body](Caller& caller, uint64_t* cells) -> Result<void> {
        if (!inst.may_leave) return trap("cannot leave component instance");
        return body(caller.store(), inst, options, cells);
      };
}

Result<uint32_t> add_end(ComponentInst& inst, bool writes,
                         const std::shared_ptr<Channel>& channel) {
  auto end = std::make_shared<CopyEnd>(writes, channel);
  SEDGE_TRY_ASSIGN(end->index, inst.handles.add(std::shared_ptr<TableObject>(end)));
  end->in_table = true;
  return end->index;
}

RawHostCallback new_channel(ComponentInst& inst, const Copies& copies) {
  return made(
      inst, {},
      [copies](Store&, ComponentInst& in, const AbiOptions&, uint64_t* cells) -> Result<void> {
        auto channel = std::make_shared<Channel>(copies.future, in.home->loop);
        channel->element = copies.element;
        SEDGE_TRY_ASSIGN(uint32_t reader, add_end(in, false, channel));
        SEDGE_TRY_ASSIGN(uint32_t writer, add_end(in, true, channel));
        cells[0] = reader | uint64_t{writer} << 32;
        return {};
      });
}

const char* done_words(const Copies& copies, const Channel& channel) {
  if (copies.future) {
    if (!copies.writes) return "cannot read from future after previous read succeeded";
    return channel.dropped
               ? "cannot write to future after previous write succeeded or readable end dropped"
               : "cannot write to future after previous write succeeded";
  }
  return copies.writes
             ? "cannot write to stream after being notified that the readable end dropped"
             : "cannot read from stream after being notified that the writable end dropped";
}

RawHostCallback copy(ComponentInst& inst, const Copies& copies, AbiOptions options) {
  return made(
      inst, std::move(options),
      [copies](Store& store, ComponentInst& in, const AbiOptions& opts,
               uint64_t* cells) -> Result<void> {
        SEDGE_TRY_ASSIGN(auto end, copies.find(in, cells[0]));
        if (end->copying())
          return trap("cannot have concurrent operations active on a future/stream");
        if (end->state == CopyEnd::State::done) return trap(done_words(copies, *end->channel));
        if (end->set && !opts.async_)
          return trap("waitable cannot be used synchronously while added to a waitable set");
        const uint64_t at = opts.is64 ? cells[1] : word(cells[1]);
        const uint64_t count = copies.future ? 1 : opts.is64 ? cells[2] : word(cells[2]);
        if (count > Buffer::kMaxLength) return trap("buffer length is too large");
        SEDGE_TRY_ASSIGN(end->buffer, GuestBuffer::make(in, opts, copies.element, at,
                                                        static_cast<uint32_t>(count)));
        end->inst = &in;
        end->state = CopyEnd::State::copying;
        SEDGE_TRY(end->channel->copy(*end));
        if (!end->has_pending_event()) {
          if (opts.async_) {
            cells[0] = kBlocked;
            return {};
          }
          SEDGE_TRY(blocking_thread(in));
          SEDGE_TRY(end->wait_for_pending_event(store));
        }
        SEDGE_TRY_ASSIGN(Event event, end->get_pending_event());
        cells[0] = event.payload;
        return {};
      });
}

RawHostCallback cancel_copy(ComponentInst& inst, const Copies& copies, bool async) {
  return made(
      inst, {},
      [copies, async](Store& store, ComponentInst& in, const AbiOptions&,
                      uint64_t* cells) -> Result<void> {
        SEDGE_TRY_ASSIGN(auto end, copies.find(in, cells[0]));
        if (end->state != CopyEnd::State::copying || end->sync_waiter)
          return trap(copies.future ? "no future copy to cancel" : "no stream copy to cancel");
        if (end->set && !async)
          return trap("waitable cannot be used synchronously while added to a waitable set");
        end->state = CopyEnd::State::cancelling_copy;
        if (!end->has_pending_event()) {
          end->channel->cancel();
          if (!end->has_pending_event()) {
            if (async) {
              cells[0] = kBlocked;
              return {};
            }
            SEDGE_TRY(end->wait_for_pending_event(store));
          }
        }
        SEDGE_TRY_ASSIGN(Event event, end->get_pending_event());
        // Elements that were copied before count, but the copy has been cut short
        // (async/cancel-stream.wast; definitions.py calls it completed).
        const uint32_t result = event.payload & 0xf;
        if (!copies.future && result == static_cast<uint32_t>(CopyResult::completed))
          event.payload |= static_cast<uint32_t>(CopyResult::cancelled);
        cells[0] = event.payload;
        return {};
      });
}

RawHostCallback drop_end(ComponentInst& inst, const Copies& copies) {
  return made(
      inst, {},
      [copies](Store&, ComponentInst& in, const AbiOptions&, uint64_t* cells) -> Result<void> {
        SEDGE_TRY_ASSIGN(auto end, copies.find(in, cells[0]));
        if (end->copying()) {
          if (copies.future) return trap("cannot drop busy future");
          return trap(copies.writes ? "cannot drop busy stream" : "cannot remove busy stream");
        }
        if (copies.future && copies.writes && end->state != CopyEnd::State::done)
          return trap("cannot drop future write end without first writing a value");
        in.handles.remove(word(cells[0]));
        end->join(nullptr);
        end->drop();
        return {};
      });
}

Result<void> error_context_new(Store&, ComponentInst& inst, const AbiOptions& options,
                               uint64_t* cells) {
  const uint64_t at = options.is64 ? cells[0] : word(cells[0]);
  const uint64_t units = options.is64 ? cells[1] : word(cells[1]);
  SEDGE_TRY_ASSIGN(ComponentVal message, Crossing(inst, options).load_string(at, units));
  SEDGE_TRY_ASSIGN(cells[0], ErrorContext::add(inst, message));
  return {};
}

Result<void> error_context_debug_message(Store&, ComponentInst& inst, const AbiOptions& options,
                                         uint64_t* cells) {
  SEDGE_TRY_ASSIGN(auto context, ErrorContext::find(inst, word(cells[0])));
  return Crossing(inst, options)
      .store_string_at(context->value(), options.is64 ? cells[1] : word(cells[1]));
}

Result<void> error_context_drop(Store&, ComponentInst& inst, const AbiOptions&, uint64_t* cells) {
  SEDGE_TRY(ErrorContext::find(inst, word(cells[0])));
  inst.handles.remove(word(cells[0]));
  return {};
}

}  // namespace

RawHostCallback copy_builtin(ComponentInst& inst, const Canon& canon, AbiOptions options) {
  switch (canon.op) {
    case CanonOp::error_context_new:
      return made(inst, std::move(options), error_context_new);
    case CanonOp::error_context_debug_message:
      return made(inst, std::move(options), error_context_debug_message);
    case CanonOp::error_context_drop:
      return made(inst, {}, error_context_drop);
    default:
      break;
  }
  const Copies copies(inst, canon);
  switch (canon.op) {
    case CanonOp::stream_new:
    case CanonOp::future_new:
      return new_channel(inst, copies);
    case CanonOp::stream_cancel_read:
    case CanonOp::stream_cancel_write:
    case CanonOp::future_cancel_read:
    case CanonOp::future_cancel_write:
      return cancel_copy(inst, copies, canon.async_);
    case CanonOp::stream_drop_readable:
    case CanonOp::stream_drop_writable:
    case CanonOp::future_drop_readable:
    case CanonOp::future_drop_writable:
      return drop_end(inst, copies);
    default:
      return copy(inst, copies, std::move(options));
  }
}

}  // namespace sedge::component
