// See fused_call.h. Two entries lead here: FusedCall::enter, as of a host function, and
// enter_fused, for native code, which makes calls with nothing but numbers itself.
#include "component/fused_call.h"

#include <sedge/typed.h>

#include "component/call.h"
#include "component/canon_abi.h"
#include "component/component_impl.h"
#include "engine/engine_impl.h"
#include "interp/unwind.h"
#include "vm/native.h"

namespace sedge::component {
namespace {

struct FusedCall;
vm::Exit SEDGE_NATIVE_CONVENTION enter_fused(vm::Context* context, vm::Instance* instance,
                                             vm::Cell* fp, uint8_t* memory, uint32_t index,
                                             vm::Func* func);

struct FusedCall {
  FusedCall(ComponentInst& from, std::shared_ptr<const FuncValue> to, uint32_t type_of,
            AbiOptions with)
      : caller(from), callee(std::move(to)), sig(type_of), options(std::move(with)) {}

  vm::NativeSlot slot{.entry = enter_fused};  ///< first: what native code knows of it
  ComponentInst& caller;
  std::shared_ptr<const FuncValue> callee;
  uint32_t sig;  ///< the caller's
  AbiOptions options;
  std::shared_ptr<const CallPlans> plans;  ///< null until it is first called
  // For enter_fused, once it may make the calls itself.
  vm::Func* target = nullptr;
  const CopyPlan* arguments = nullptr;  ///< null: cells stay as they are
  const CopyPlan* result = nullptr;
  ComponentInst* entered = nullptr;  ///< the one instance that a call enters

  /// As a HostEntry: what a host function is to code of any tier.
  static vm::Exit enter(void* env, vm::Context& context, vm::Instance* from, vm::Cell* args);
  vm::Exit run(vm::Context& context, vm::Cell* args);

 private:
  void prepare();
  vm::Exit inside(vm::Context& context, vm::Cell* frame, const vm::Cell* pointer);
};

/// Whether how a call ended leaves the instance unusable.
[[gnu::noinline]] bool poisons(vm::Context& context, vm::Exit exit) {
  if (exit == vm::Exit::trap) return is_trap(Error(wasm::to_error_code(context.trap)));
  const StoreImpl& store = StoreImpl::of(context);
  return store.pending && is_trap(*store.pending);
}

/// `here`: where native code called; null: it did not.
[[gnu::noinline]] vm::Exit exhausted(vm::Context& context, const void* here = nullptr) {
  context.trap = vm::TrapCode::call_stack_exhausted;
  runtime::capture_native_trace(context, nullptr, here);
  return vm::Exit::trap;
}

void FusedCall::prepare() {
  CopyPlan::Sides sides;
  sides.from64 = options.is64;
  sides.to64 = callee->options.is64;
  if (options.encoding == callee->options.encoding) sides.encoding = options.encoding;
  plans = caller.component->plans->get(caller.type_arena(), sig, sides);
  // A call that enters more than the callee needs a walk.
  const ComponentInst* around = callee->inst->parent;
  if (around && !caller.is_inside(*around)) return;
  entered = callee->inst;
  vm::Func& func = *callee->callee.ptr;
  if (!plans->numbers || callee->options.post_return || func.host || !func.slot) return;
  if (!plans->params->steps.empty()) arguments = plans->params.get();
  if (!plans->results->steps.empty()) result = plans->results.get();
  target = &func;
}

/// What a call does once it has entered the callee.
vm::Exit FusedCall::inside(vm::Context& context, vm::Cell* frame, const vm::Cell* pointer) {
  ComponentInst& inst = *callee->inst;
  const CopySide outside{&caller, &options}, within{&inst, &callee->options};
  Copying params(*plans->params, outside, within, context);
  if (!params.copy(frame, nullptr)) return detail::host_failed(context, params.error());
  vm::Exit exit = call_core(context, *callee->callee.ptr, frame);
  if (exit != vm::Exit::returned) return exit;
  const vm::Cell core_result = frame[0];
  Copying results(*plans->results, within, outside, context);
  if (!results.check(frame) || !results.copy(frame, pointer))
    return detail::host_failed(context, results.error());
  if (!callee->options.post_return) return exit;
  vm::Cell* const cells = context.sp;
  if (cells == context.stack_end) return exhausted(context);
  *cells = core_result;
  inst.may_leave = false;
  exit = call_core(context, *callee->options.post_return->ptr, cells);
  inst.may_leave = true;
  return exit;
}

vm::Exit FusedCall::run(vm::Context& context, vm::Cell* args) {
  if (!caller.may_leave) [[unlikely]]
    return detail::host_failed(context, trap("cannot leave component instance").error());
  if (!plans) prepare();
  if (!plans->complete()) {
    auto done = call_lowered(*StoreImpl::of(context).facade, caller, *callee,
                             caller.type_arena().func(sig), options, args);
    return done ? vm::Exit::returned : detail::host_failed(context, std::move(done).error());
  }
  const CopyPlan& params = *plans->params;
  vm::Cell* const frame = context.sp;
  const uint32_t given = params.flat ? params.cells : 1;
  if (context.stack_end - frame < kMaxFlatParams ||
      static_cast<const uint8_t*>(__builtin_frame_address(0)) < context.native_limit) [[unlikely]]
    return exhausted(context);
  for (uint32_t i = 0; i < given; ++i) frame[i] = args[i];
  const vm::Cell pointer = plans->results->flat ? 0 : args[given];
  const CopySide outside{&caller, &options}, within{callee->inst, &callee->options};
  Copying checking(params, outside, within, context);
  if (!checking.check(frame)) [[unlikely]]
    return detail::host_failed(context, checking.error());
  ComponentInst& inst = *callee->inst;
  std::optional<Entry> entry;
  if (entered && !inst.entered && !inst.poisoned) [[likely]] {
    inst.entered = true;
  } else {
    auto made = Entry::enter(&inst, &caller);
    if (!made) return detail::host_failed(context, std::move(made).error());
    entry = *made;
  }
  context.sp = frame + kMaxFlatParams;
  const vm::Exit exit = [&] {
    FreshContext slots(inst);
    return inside(context, frame, &pointer);
  }();
  context.sp = frame;
  const bool poison = exit != vm::Exit::returned && poisons(context, exit);
  if (entry) {
    entry->leave(poison);
  } else {
    inst.entered = false;
    inst.poisoned |= poison;
  }
  if (exit == vm::Exit::returned && plans->results->cells != 0) args[0] = frame[0];
  return exit;
}

/// Brings numbers to the form that the other side expects; false: one is wrong.
[[gnu::noinline]] bool convert(const CopyPlan& plan, vm::Context* context, vm::Cell* cells) {
  const CopySide none;
  Copying copying(plan, none, none, *context);
  return copying.check(cells) && copying.copy(cells, nullptr);
}

/// Any other call. `here`: frame address of what native code called.
[[gnu::noinline]] vm::Exit run_for_native(FusedCall* call, vm::Context* context, vm::Func* func,
                                          vm::Cell* cells, void* here) {
  // A tail call left the end of a frame that is gone.
  context->sp = std::max(context->sp, cells + std::max(func->param_cells, func->result_cells));
  context->trace_count = 0;
  const vm::Exit exit = call->run(*context, cells);
  if (exit != vm::Exit::returned && context->trace_count == 0) [[unlikely]]
    runtime::capture_native_trace(*context, nullptr, here);
  return exit;
}

/// How native code calls. Calls with numbers that nothing forbids are made here: arguments and
/// results stay in the caller's cells, what is left to do is what Entry and FusedCall::run do.
[[clang::no_sanitize("function")]] vm::Exit SEDGE_NATIVE_CONVENTION
enter_fused(vm::Context* context, vm::Instance* instance, vm::Cell* fp, uint8_t* /*memory*/,
            uint32_t /*index*/, vm::Func* func) {
  auto* call = reinterpret_cast<FusedCall*>(func->slot);  // its first member
  vm::FrameRecord* const frame = context->frame;
  void* const here = __builtin_frame_address(0);
  if (frame == context->frames_end || here < context->native_limit) [[unlikely]]
    return exhausted(*context, here);
  *frame = {interp::exit_pc(), static_cast<vm::Cell*>(here), instance, nullptr};
  context->frame = frame + 1;
  vm::Func* const target = call->target;
  ComponentInst* const inst = call->entered;
  vm::Exit exit;
  if (target == nullptr || !call->caller.may_leave || inst->entered || inst->poisoned ||
      (call->arguments != nullptr && !convert(*call->arguments, context, fp))) [[unlikely]] {
    exit = run_for_native(call, context, func, fp, here);
  } else {
    inst->entered = true;
    const uint64_t first = std::exchange(inst->context[0], 0);
    const uint64_t second = std::exchange(inst->context[1], 0);
    exit = target->slot->entry.load(std::memory_order_acquire)(
        context, target->instance, fp, target->instance->memory_base, target->index, target);
    inst->context[0] = first;
    inst->context[1] = second;
    inst->entered = false;
    if (exit == vm::Exit::exception) [[unlikely]]
      exit = stop_exception(*context);
    if (exit != vm::Exit::returned) [[unlikely]]
      inst->poisoned |= poisons(*context, exit);
    else if (call->result != nullptr)
      convert(*call->result, context, fp);
  }
  context->frame = frame;
  return exit;
}

vm::Exit FusedCall::enter(void* env, vm::Context& context, vm::Instance* /*from*/, vm::Cell* args) {
  const void* const here = context.host_frame;
  if (here == nullptr) return static_cast<FusedCall*>(env)->run(context, args);
  // Called as a host function by native code, which has made no record.
  vm::FrameRecord* const frame = context.frame;
  if (frame == context.frames_end) [[unlikely]]
    return exhausted(context, here);
  *frame = {interp::exit_pc(), static_cast<vm::Cell*>(const_cast<void*>(here)), nullptr, nullptr};
  context.frame = frame + 1;
  context.host_frame = nullptr;
  const vm::Exit exit = static_cast<FusedCall*>(env)->run(context, args);
  context.frame = frame;
  context.host_frame = here;
  return exit;
}

}  // namespace

std::shared_ptr<const CallPlans> PlanCache::get(const Types& types, uint32_t sig,
                                                const CopyPlan::Sides& sides) {
  const int encoding = sides.encoding ? static_cast<int>(*sides.encoding) : -1;
  std::lock_guard lock(mutex_);
  auto& known = plans_[{sig, sides.from64, sides.to64, encoding}];
  if (known) return known;
  auto made = std::make_shared<CallPlans>();
  const FuncSig& func = types.func(sig);
  made->params = CopyPlan::make(types, func.params, kMaxFlatParams, sides);
  made->results = CopyPlan::make(types, func.results, kMaxFlatResults,
                                 {sides.to64, sides.from64, sides.encoding});
  if (made->complete())
    made->numbers = made->params->flat && made->params->all.leaf && made->results->flat &&
                    made->results->all.leaf && !made->results->all.checks;
  return known = std::move(made);
}

bool can_fuse(const ComponentInst& inst, const FuncValue& callee) {
  return callee.inst && !inst.is_inside(*callee.inst) && !callee.inst->is_inside(inst);
}

Func fused(Store& store, ComponentInst& inst, std::shared_ptr<const FuncValue> callee, uint32_t sig,
           AbiOptions options, const sedge::FuncType& signature) {
  StoreImpl& impl = store.impl();
  const auto* engine = static_cast<const EngineImpl*>(impl.engine.get());
  auto call = std::make_shared<FusedCall>(inst, std::move(callee), sig, std::move(options));
  auto host = HostFunc::make(*engine, signature, FusedCall::enter, call);
  Func out;
  out.ptr = host_func(impl, impl.arena, host);
  out.ptr->slot = &call->slot;
  out.ptr->direct = nullptr;
  out.store_id = impl.id;
  impl.kept.push_back(std::move(host));
  return out;
}

}  // namespace sedge::component
