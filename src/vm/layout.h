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

/// How a call ended. For `trap` the code is in Context::trap, for `exception` the exnref in
/// Context::exception, for `host_error` the runtime holds an Error.
enum class Exit : uint8_t { returned, trap, exception, host_error };

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
/// backtraces.
struct FrameRecord {
  const void*
      return_pc;       ///< in the caller's code; the interpreter's exit at an entry from the host
  Cell* fp;            ///< of the caller
  Instance* instance;  ///< of the caller
  const void* code;    ///< the callee's interp::FuncCode; null: a host function
};

/// Bits of Context::interrupt.
enum Interrupt : uint32_t { kInterruptDeadline = 1, kInterruptKill = 2 };

/// Execution state of one store; used by one thread at a time (but for `interrupt`).
struct Context {
  const Builtins* builtins = nullptr;
  uint8_t* gc_base = nullptr;  ///< GcRef + gc_base = object; null until the store has a heap

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
  // Where the last trap or uncaught exception began, for the backtrace.
  const void* trap_pc = nullptr;
  const void* trap_code = nullptr;  ///< interp::FuncCode
  Instance* trap_instance = nullptr;
  FrameRecord* trap_frame = nullptr;  ///< end of the records at that moment
  void* store = nullptr;              ///< runtime::StoreImpl
};

}  // namespace sedge::vm

#endif  // SEDGE_VM_LAYOUT_H_
