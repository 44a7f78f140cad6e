// What code of every tier and the runtime share: the layout of instances, functions, memories,
// tables, globals and of a store's execution context. Plain structs; the runtime owns and fills
// them.
#ifndef SEDGE_VM_LAYOUT_H_
#define SEDGE_VM_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wasm/trap_code.h"
#include "wasm/type_registry.h"

namespace sedge::interp {
class ModuleCode;
}

namespace sedge::vm {

using wasm::TrapCode;
using wasm::TypeId;

/// One 8-byte cell of a frame, of arguments or of results. Cells hold i32 and f32 zero-extended, a
/// v128 takes two consecutive cells (low half first), funcref is a Func*, every other reference a
/// GcRef, zero-extended; null is 0.
using Cell = uint64_t;

/// 32-bit reference into a store's GC heap: 0 null, low bit 1 an i31 (value in bits 1..31), else
/// the byte offset of an object from `Context::gc_base`. Also used for externref and exnref.
using GcRef = uint32_t;

struct Context;
struct Instance;
struct Builtins;
struct NativeSlot;

/// How a call ended. For `trap` the code is in Context::trap, for `exception` the exnref in
/// Context::exception, for `host_error` the runtime holds an Error.
enum class Exit : uint8_t { returned, trap, exception, host_error };

/// What an operator without an emitter of its own computes (runtime/op_helper.h): operands in
/// cells[0..] in stack order, results overwrite them; `immediate` is the operator's: a lane number,
/// or the address of 16 bytes. Exit::trap leaves the code in Context::trap.
using OpHelper = Exit (*)(Context* context, Cell* cells, uint64_t immediate);

/// A host function in the calling convention of the runtime: arguments in args[0..], results are
/// written to args[0..] (room for the larger of both). `caller` is null when called from the host.
using HostEntry = Exit (*)(void* env, Context& context, Instance* caller, Cell* args);

/// One function of a store. Address is identity (ref.eq on funcref); lives as long as its store.
struct Func {
  Instance* instance = nullptr;  ///< where it is defined; null for host functions
  uint32_t index = 0;            ///< in that instance's function index space
  TypeId type = 0;
  const wasm::CanonType* canon = nullptr;
  HostEntry host = nullptr;  ///< null for wasm functions
  void* env = nullptr;
  uint32_t param_cells = 0;
  uint32_t result_cells = 0;
  const void* code = nullptr;  ///< the interpreter's FuncCode once called; starts null
  NativeSlot* slot =
      nullptr;  ///< where native code calls it; host functions share one of their own
  HostEntry direct = nullptr;  ///< `host`, if native code may call it without the slot
};

/// A linear memory. `base` never moves; the address range up to the maximum is reserved.
struct Memory {
  uint8_t* base = nullptr;
  std::atomic<uint64_t> size = 0;  ///< accessible bytes; only grows
  uint8_t page_size_log2 = 16;
  bool is64 = false;
  bool shared = false;
};

struct Table {
  Cell* elements = nullptr;  ///< may move on growth
  uint64_t size = 0;
  bool is64 = false;
  bool holds_funcs = false;  ///< elements are Func*, else GcRef
};

struct Global {
  alignas(16) Cell value[2] = {0, 0};
};

/// A tag; address is identity.
struct Tag {
  TypeId type = 0;
  const wasm::CanonType* canon = nullptr;
  uint32_t param_cells = 0;
};

/// A passive or active data segment of an instance; size 0 once dropped.
struct Data {
  const uint8_t* bytes = nullptr;
  uint64_t size = 0;
};
/// An element segment, its items evaluated; size 0 once dropped.
struct Elem {
  const Cell* items = nullptr;
  uint64_t size = 0;
};

/// One instance. Arrays are indexed by the module's index spaces, imports first.
struct Instance {
  Context* context = nullptr;
  interp::ModuleCode* code = nullptr;
  uint8_t* memory_base = nullptr;   ///< of memory 0; null without one
  NativeSlot* slots = nullptr;      ///< of the module's defined functions
  Func** imported_funcs = nullptr;  ///< functions [0, imported_func_count)
  Memory** memories = nullptr;
  Table** tables = nullptr;
  Global** globals = nullptr;
  Tag** tags = nullptr;
  Data* datas = nullptr;
  Elem* elems = nullptr;
  const TypeId* types = nullptr;                        ///< canonical ids by type index
  const wasm::CanonType* const* canon_types = nullptr;  ///< canonical types by type index
  uint32_t imported_func_count = 0;
  Memory* default_memory = nullptr;  ///< exported as "memory", or null; for host functions
  void* owner = nullptr;             ///< the runtime's own record
};

/// One activation on the frame stack, written by a caller when it calls; used by return, unwinding,
/// backtraces. Calls between native functions make none. Callers by `fp`: null is the host; a cell
/// of the frame stack an interpreter frame, whose code is in the record below; anything else the
/// frame address of a function that native code called ([fp] native frame pointer, [fp + 8]
/// address in native code).
struct FrameRecord {
  const void* return_pc;  ///< in the caller's code; the interpreter's exit if that is no
                          ///< interpreter frame
  Cell* fp;               ///< of the caller
  Instance* instance;  ///< of the caller (of the callee where the caller is no interpreter frame)
  const void* code;    ///< the callee's interp::FuncCode; null: a host function; kNativeFrame
};
/// FrameRecord::code and TracePlace::code of functions that run in native code.
inline constexpr char kNativeFrame = 0;

/// Where a function was when a trap or exception began.
struct TracePlace {
  const void* code;    ///< interp::FuncCode or kNativeFrame
  const void* pc;      ///< in its code; native callers: the byte before the return address
  Instance* instance;  ///< null for native code
};
/// Frames of a backtrace that are kept, innermost first.
inline constexpr uint32_t kMaxTrace = 64;
/// Places that are captured for them. Between two frames of optimised code can be an entry, which
/// is no frame; that is found when the backtrace is made.
inline constexpr uint32_t kMaxPlaces = 2 * kMaxTrace;

/// A function in native code, at its start or at a loop header.
struct TailCall {
  const void* entry = nullptr;  ///< vm::NativeEntry
  Instance* instance = nullptr;
  uint32_t index = 0;
};

/// Free zeroed memory of a GC heap, as references. Code of any tier takes an object's bytes, a
/// multiple of 8, from `cursor` on where they end at `limit` or below, and writes its header (and
/// an array's length) before anything can collect; else it calls the builtin.
struct GcHole {
  uint64_t cursor = 0;
  uint64_t limit = 0;  ///< `end`; 0 where every allocation is to call
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Bits of Context::interrupt.
enum Interrupt : uint32_t { kInterruptDeadline = 1, kInterruptKill = 2 };

/// Execution state of one store; used by one thread at a time (but for `interrupt`).
struct Context {
  const Builtins* builtins = nullptr;
  uint8_t* gc_base = nullptr;  ///< GcRef + gc_base = object; null until the store has a heap
  const OpHelper* op_helpers = nullptr;   ///< by wasm::Op; null entries: never called
  const uint8_t* native_limit = nullptr;  ///< native frames end above this address

  // Stacks: cells [stack_base, stack_end), frame records [frames_base, frames_end).
  Cell* stack_base = nullptr;
  Cell* stack_end = nullptr;
  Cell* sp =
      nullptr;  ///< first free cell: everything below may hold roots; kept at entries and exits
  FrameRecord* frames_base = nullptr;
  FrameRecord* frames_end = nullptr;
  FrameRecord* frame = nullptr;  ///< first free record; kept at entries and exits
  uint32_t host_depth = 0;       ///< nested entries from the host
  uint32_t max_host_depth = 200;

  int64_t fuel = 0;                     ///< units left; code compiled with fuel traps below 0
  std::atomic<uint32_t> interrupt = 0;  ///< polled by interruptible code, builtins and waits

  TrapCode trap{};
  GcRef exception = 0;
  uint64_t trap_index = 0;  ///< undefined_element, uninitialized_element: the table index
  /// Where the last trap or uncaught exception began (runtime/trace.h); 0: nothing was captured.
  uint32_t trace_count = 0;
  TracePlace trace[kMaxPlaces];
  /// Where an interpreter loop that ended with a tail call of native code wants to go on.
  TailCall tail;
  void* store = nullptr;  ///< runtime::StoreImpl

  /// Frame address of what native code called to call the host function that runs, which gets its
  /// record when it calls wasm in turn; null where there is no such function, or it has its record.
  const void* host_frame = nullptr;
  GcHole gc_hole;  ///< where the next objects go
};

}  // namespace sedge::vm

#endif  // SEDGE_VM_LAYOUT_H_
