// Register code of one function and the calling convention of its handlers. Code is an array of
// 8-byte words: each instruction is the address of its handler followed by packed operands, mostly
// 16-bit numbers of cells in the function's frame. Frame: parameters, other locals, operand stack.
#ifndef SEDGE_INTERP_CODE_H_
#define SEDGE_INTERP_CODE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "interp/interp.h"
#include "vm/layout.h"

// Handlers tail-call each other; with this convention the whole state of the machine stays in
// registers. Targets without it keep the C convention, in whose eight integer registers it fits.
#if defined(__x86_64__) || defined(__aarch64__)
#define SEDGE_HANDLER_CONVENTION __attribute__((preserve_none))
#else
#define SEDGE_HANDLER_CONVENTION
#endif

// pc: the running instruction; fp: frame of the running function; mem, mem_size: memory 0 of inst
// (mem_size may lag behind growth, never ahead); frame: first free frame record; ra, rf, rd: the
// accumulators: the last integer or reference, f32 and f64 value, where lowering says so.
#define SEDGE_HANDLER_PARAMS                                                                   \
  [[maybe_unused]] const Word *pc, [[maybe_unused]] Cell *fp, [[maybe_unused]] Instance *inst, \
      [[maybe_unused]] uint8_t *mem, [[maybe_unused]] uint64_t mem_size,                       \
      [[maybe_unused]] Context *ctx, [[maybe_unused]] FrameRecord *frame,                      \
      [[maybe_unused]] uint64_t ra, [[maybe_unused]] float rf, [[maybe_unused]] double rd
#define SEDGE_HANDLER_ARGS pc, fp, inst, mem, mem_size, ctx, frame, ra, rf, rd

namespace sedge::interp {

using vm::Cell;
using vm::Context;
using vm::Exit;
using vm::FrameRecord;
using vm::GcRef;
using vm::Instance;
using wasm::TrapCode;

using Word = uint64_t;
using Handler = Exit(SEDGE_HANDLER_CONVENTION*)(SEDGE_HANDLER_PARAMS);

/// What a handler region does with exceptions of one tag, or of all.
struct CatchClause {
  static constexpr uint32_t kAll = UINT32_MAX;
  uint32_t tag = kAll;  ///< index in the instance
  uint32_t target = 0;  ///< word to go on at
  uint16_t cell = 0;    ///< where the payload goes, the exnref behind it
  uint16_t hidden = 0;  ///< legacy: where to keep the exnref for rethrow
  bool with_ref = false;
  bool keeps_ref = false;  ///< `hidden` is used
};

/// Words [start, end) of a try block in ascending order of start. `parent`: the next one outwards
/// (delegate: where it sends exceptions), kNone at the outermost.
struct HandlerRegion {
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t start = 0, end = 0, parent = kNone;
  std::vector<CatchClause> clauses;
};

/// How a value lies in a GC object.
enum class FieldKind : uint8_t { bits8, bits16, bits32, bits64, bits128 };
struct StructField {
  uint32_t offset;
  FieldKind kind;
};
struct StructDesc {
  std::vector<StructField> fields;
};

/// Cells that every frame has behind the arguments, so that entry can clear them unasked.
inline constexpr uint32_t kMinimumLocals = 4;

struct FuncCode {
  /// First instruction; enter_native from the moment that there is native code.
  mutable std::atomic<const Word*> entry{nullptr};
  uint32_t frame_cells = 0;  ///< of the whole frame
  uint32_t param_cells = 0;  ///< arguments, written by the caller
  uint32_t zero_cells = 0;   ///< cells after the arguments to clear on entry
  bool has_memory = false;
  uint32_t func_index = 0;
  uint32_t word_count = 0;
  uint32_t result_cells = 0;
  std::unique_ptr<Word[]> words;
  std::vector<HandlerRegion> regions;
  /// Words and module offsets of instructions that can trap or call: pairs of LEB128 deltas.
  std::vector<uint8_t> offsets;

  /// Offset in the module of the instruction that holds word `at`.
  uint64_t offset_of(const Word* at) const;
};

using CodeSlot = std::atomic<const FuncCode*>;

struct ModuleCode::Impl {
  Impl(const wasm::Module& the_module, const wasm::TypeSet& the_types, CodeOptions the_options)
      : module(the_module),
        types(the_types),
        options(the_options),
        imported_funcs(static_cast<uint32_t>(the_module.imported_funcs.size())),
        slot_count(the_module.funcs.size()),
        type_count(the_module.types.size()),
        slots(std::make_unique<CodeSlot[]>(slot_count)),
        structs(std::make_unique<std::atomic<const StructDesc*>[]>(type_count)) {
    if (options.native) make_native_slots();
  }
  void make_native_slots();
  ~Impl();
  const wasm::Module& module;
  const wasm::TypeSet& types;
  CodeOptions options;
  uint32_t imported_funcs;
  size_t slot_count, type_count;
  std::unique_ptr<CodeSlot[]> slots;                          // by defined function
  std::unique_ptr<vm::NativeSlot[]> native_slots;             // by defined function, or null
  std::unique_ptr<std::atomic<const StructDesc*>[]> structs;  // by type index, made on demand

  const StructDesc* struct_desc(uint32_t type_index);
};

/// Slot of defined function `index` (function index space).
inline CodeSlot& code_slot(const ModuleCode& code, uint32_t index) {
  return code.impl().slots[index - code.impl().imported_funcs];
}

/// Translates one function. Fails only with limit_exceeded.
Result<std::unique_ptr<FuncCode>> lower(ModuleCode::Impl& module, uint32_t func_index);

inline FieldKind field_kind(uint32_t size) {
  switch (size) {
    case 1:
      return FieldKind::bits8;
    case 2:
      return FieldKind::bits16;
    case 4:
      return FieldKind::bits32;
    case 8:
      return FieldKind::bits64;
    default:
      return FieldKind::bits128;
  }
}

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_CODE_H_
