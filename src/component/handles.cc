// Lifting and lowering of what guests hold by index: resources, ends of streams and futures, error
// contexts. Specification: CanonicalABI.md, "lift_own" … "lower_future".
#include <utility>

#include "component/canon_abi.h"
#include "component/channel.h"
#include "component/error_context.h"

namespace sedge::component {

using VK = ComponentVal::Kind;

Result<ComponentVal> Crossing::lift_handle(uint32_t resource_name, uint32_t index, bool own) {
  RuntimeResource* type = inst_.resources[types_.resource_of(resource_name)];
  SEDGE_TRY_ASSIGN(Handle * handle, inst_.handles.get(index, type));
  ComponentVal out;
  out.kind = own ? VK::own : VK::borrow;
  out.bits = handle->rep;
  out.resource = type;
  if (own) {
    if (handle->kind != Handle::Kind::own) return trap("cannot lift a borrow handle as an own");
    if (handle->lends != 0) return trap("cannot remove owned resource while borrowed");
    inst_.handles.remove(index);
  } else {
    ++handle->lends;
    lent_.push_back(index);
  }
  return out;
}

void Crossing::give_back() {
  for (uint32_t index : lent_)
    if (auto handle = inst_.handles.get(index)) --(*handle)->lends;
  lent_.clear();
}

Result<uint32_t> Crossing::lower_handle(uint32_t resource_name, const ComponentVal& value,
                                        bool own) {
  RuntimeResource* type = inst_.resources[types_.resource_of(resource_name)];
  if (value.resource != type) return trap("a handle of another resource type");
  if (!own && type->owner == &inst_) return static_cast<uint32_t>(value.bits);
  Handle handle;
  handle.kind = own ? Handle::Kind::own : Handle::Kind::borrow;
  handle.type = type;
  handle.rep = value.bits;
  if (!own) {
    handle.scope = borrow_scope_;
    if (borrow_scope_) ++*borrow_scope_;
  }
  return inst_.handles.add(handle);
}

namespace {

std::shared_ptr<CopyEnd> as_end(const std::shared_ptr<TableObject>& object) {
  return std::static_pointer_cast<CopyEnd>(object);
}

}  // namespace

Result<ComponentVal> Crossing::lift_end(const ElementType& element, bool future, uint32_t index) {
  auto is_stream = [](TableObject::Kind kind) { return kind == TableObject::Kind::stream_reader; };
  auto is_future = [](TableObject::Kind kind) { return kind == TableObject::Kind::future_reader; };
  SEDGE_TRY_ASSIGN(auto object, inst_.handles.get_object(index,
                                                         future ? "the readable end of a future"
                                                                : "the readable end of a stream",
                                                         future ? +is_future : +is_stream));
  std::shared_ptr<CopyEnd> end = as_end(object);
  if (!end->channel->element.same_as(element))
    return trap("the handle is of a stream or future of another type");
  if (end->state == CopyEnd::State::done)
    return trap(future ? "cannot lift future after previous read succeeded"
                       : "cannot lift stream after being notified that the writable end dropped");
  if (end->copying())
    return trap(future ? "cannot remove busy future" : "cannot remove busy stream");
  if (end->set)
    return trap(future ? "cannot lift future while it's in a waitable set"
                       : "cannot lift stream while it's in a waitable set");
  inst_.handles.remove(index);
  end->in_table = false;
  ComponentVal out;
  out.kind = future ? VK::future : VK::stream;
  out.end = std::move(end);
  return out;
}

Result<uint32_t> Crossing::lower_end(const ElementType& element, const ComponentVal& value) {
  CopyEnd& end = *value.end;
  if (std::exchange(end.in_table, true))
    return fail(ErrorCode::bad_argument, ": a stream or future that somebody else has got");
  if (end.channel->loop != inst_.home->loop) return fail(ErrorCode::bad_store);
  if (!end.channel->element.types) end.channel->element = element;
  if (!end.channel->element.same_as(element))
    return fail(ErrorCode::bad_argument, ": a stream or future of another type");
  SEDGE_TRY_ASSIGN(end.index, inst_.handles.add(std::shared_ptr<TableObject>(value.end)));
  return end.index;
}

Result<ComponentVal> Crossing::lift_index(ValType type, uint32_t index) {
  if (type.is_prim()) {
    SEDGE_TRY_ASSIGN(auto context, ErrorContext::find(inst_, index));
    return context->value();
  }
  const Defined& t = types_.defined(type.index());
  if (const auto* own = std::get_if<Own>(&t.type)) return lift_handle(own->resource, index, true);
  if (const auto* borrow = std::get_if<Borrow>(&t.type))
    return lift_handle(borrow->resource, index, false);
  if (const auto* stream = std::get_if<Stream>(&t.type))
    return lift_end({&types_, stream->element}, false, index);
  return lift_end({&types_, std::get<Future>(t.type).element}, true, index);
}

Result<uint32_t> Crossing::lower_index(ValType type, const ComponentVal& value) {
  if (type.is_prim()) return ErrorContext::add(inst_, value);
  const Defined& t = types_.defined(type.index());
  if (const auto* own = std::get_if<Own>(&t.type)) return lower_handle(own->resource, value, true);
  if (const auto* borrow = std::get_if<Borrow>(&t.type))
    return lower_handle(borrow->resource, value, false);
  if (const auto* stream = std::get_if<Stream>(&t.type))
    return lower_end({&types_, stream->element}, value);
  return lower_end({&types_, std::get<Future>(t.type).element}, value);
}

// Error contexts

Result<std::shared_ptr<ErrorContext>> ErrorContext::find(ComponentInst& inst, uint32_t index) {
  SEDGE_TRY_ASSIGN(auto object, inst.handles.get_object(index, "an error context", [](Kind kind) {
    return kind == Kind::error_context;
  }));
  return std::static_pointer_cast<ErrorContext>(object);
}

Result<uint32_t> ErrorContext::add(ComponentInst& inst, const ComponentVal& value) {
  return inst.handles.add(std::shared_ptr<TableObject>(std::make_shared<ErrorContext>(value)));
}

}  // namespace sedge::component
