// Walks frame records and, where native code called the interpreter or the host, the chain of frame
// pointers as long as return addresses lie in registered code.
#include "runtime/trace.h"

#include <cstddef>
#include <cstdint>

#include "runtime/code_registry.h"

namespace sedge::runtime {
namespace {

using vm::Context;
using vm::FrameRecord;

// Where a frame keeps its caller's frame address and return address, in words from its own.
#if defined(__riscv)
constexpr ptrdiff_t kCallerFrame = -2, kReturnAddress = -1;
#else
constexpr ptrdiff_t kCallerFrame = 0, kReturnAddress = 1;
#endif

class Walker {
 public:
  explicit Walker(Context& context) : context_(context) { context.trace_count = 0; }

  void add(const void* code, const void* pc, vm::Instance* instance) {
    if (!full()) context_.trace[context_.trace_count++] = {code, pc, instance};
  }

  /// The callers, in native code, of the function with this frame address.
  void native_callers(const void* frame) {
    const auto* link = static_cast<const uintptr_t*>(frame);
    while (!full()) {
      const auto* pc = reinterpret_cast<const uint8_t*>(link[kReturnAddress]) - 1;
      if (lookup_.find(pc) == nullptr) return;
      add(&vm::kNativeFrame, pc, nullptr);
      link = reinterpret_cast<const uintptr_t*>(link[kCallerFrame]);
    }
  }

  /// What the records tell: each about its caller, whose code the record below holds.
  void records(const FrameRecord* end) {
    const FrameRecord* base = context_.frames_base;
    for (const FrameRecord* record = end; record > base && !full();) {
      --record;
      if (record->fp == nullptr) continue;
      if (record->fp < context_.stack_base || record->fp >= context_.stack_end) {
        native_callers(record->fp);
      } else if (record > base) {
        add(record[-1].code, static_cast<const uint64_t*>(record->return_pc) - 1, record->instance);
      }
    }
  }

 private:
  bool full() const { return context_.trace_count == vm::kMaxPlaces; }
  Context& context_;
  CodeLookup lookup_;
};

}  // namespace

void capture_trace(Context& context, const void* code, const void* pc, vm::Instance* instance,
                   const FrameRecord* records) {
  Walker walker(context);
  if (code != nullptr) walker.add(code, pc, instance);
  walker.records(records);
}

void capture_native_trace(Context& context, const void* place, const void* frame) {
  Walker walker(context);
  if (place != nullptr) walker.add(&vm::kNativeFrame, place, nullptr);
  if (frame != nullptr) walker.native_callers(frame);
  walker.records(context.frame);
}

}  // namespace sedge::runtime
