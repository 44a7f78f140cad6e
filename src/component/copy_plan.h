// How values go from one guest's memory to another's without becoming ComponentVals in between. A
// plan is compiled once for the parameters or the result of a function type: steps that check what
// one guest has given, then copy it to the other. What they check, allocate and trap with, and in
// which order, is what lifting and lowering do (canon_abi.h, which is the reference); the words in
// memory are the same, too: padding is not copied. Types that need more than two memories (handles,
// ends of streams, strings in different encodings) have no plan.
#ifndef SEDGE_COMPONENT_COPY_PLAN_H_
#define SEDGE_COMPONENT_COPY_PLAN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "component/instance.h"
#include "component/shapes.h"
#include "vm/layout.h"

namespace sedge::component {

struct CopyStep {
  enum class Kind : uint8_t {
    bytes,   ///< `extent` bytes as they are
    number,  ///< an integer of from_size bytes; `extent`: sign-extended to 32 bits
    boolean,
    character,
    f32,  ///< every NaN becomes the same
    f64,
    flags,    ///< `extent`: the bits that mean something
    cases,    ///< a case without payload, of `extent` cases
    variant,  ///< of the row `extent` of CopyPlan::variants
    string,
    list,   ///< of the row `extent` of CopyPlan::lists
    array,  ///< a list of fixed length, of the row `extent` of CopyPlan::lists
  };
  Kind kind;
  uint8_t from_size = 0, to_size = 0;  ///< of a number; of each of a pointer and a length
  uint8_t from_step = 0;               ///< from a pointer to its length
  uint32_t from = 0, to = 0;           ///< offsets in what is copied
  uint32_t extent = 0;
};

class CopyPlan {
 public:
  using Encoding = AbiOptions::Encoding;
  struct Sides {
    bool from64 = false, to64 = false;
    std::optional<Encoding> encoding;  ///< of strings; nothing: the sides differ
  };
  /// A run of steps: one element of a list, one payload, or all there is.
  struct Block {
    uint32_t first = 0, end = 0;
    bool checks = false;  ///< something in it can be wrong
    bool leaf = true;     ///< numbers and bytes only
    bool bytes = false;   ///< one step that copies the whole element, on both sides
  };
  struct ListRow {
    Block element;
    Layout from, to;
    uint32_t count = 0;  ///< of an array
  };
  struct CaseRow {
    Block payload;
    uint32_t zero_from = 0, zero_to = 0;  ///< flat: cells behind the payload, as offsets
  };
  struct VariantRow {
    std::vector<CaseRow> cases;
  };

  /// Null if there is no plan. Values are flat unless they would take more than `most` cells.
  static std::unique_ptr<const CopyPlan> make(const Types& types, std::span<const ValType> list,
                                              uint32_t most, const Sides& sides);

  std::vector<CopyStep> steps;
  std::vector<ListRow> lists;
  std::vector<VariantRow> variants;
  Block all;
  bool flat = true;        ///< in cells: changed in place, a cell is eight bytes
  uint32_t cells = 0;      ///< flat: how many
  TupleLayout from, to;    ///< not flat: of all values as one tuple
  bool in_memory = false;  ///< strings, lists, or not flat: memories are read and written
  Encoding encoding = Encoding::utf8;
};

/// One side of a copy.
struct CopySide {
  ComponentInst* inst = nullptr;
  const AbiOptions* options = nullptr;
  std::span<uint8_t> bytes() const;
  bool is64() const { return options->is64; }
};

/// Calls core code of any tier while code of this store runs, with arguments and results at
/// `cells`, on the store's stack: at Context::sp or below it. What the code throws and does not
/// catch ends here, as a trap.
vm::Exit call_core(vm::Context& context, vm::Func& func, vm::Cell* cells);
/// Of an exception that left core code: how a call ends for the component that made it.
vm::Exit stop_exception(vm::Context& context);

/// One use of a plan. What fails says so by `false` and leaves its error here: a Result in every
/// function would be most of what a call costs.
class Copying {
 public:
  Copying(const CopyPlan& plan, const CopySide& from, const CopySide& to, vm::Context& context)
      : plan_(plan), from_(from), to_(to), context_(context) {}

  /// Checks everything that is to be copied. `cells`: flat values, or where the others are.
  bool check(const uint64_t* cells);
  /// Copies what was checked. Flat values change in place. Others go to where `pointer` says, or
  /// (null) to memory of the guest's realloc, whose address takes the place of cells[0].
  bool copy(uint64_t* cells, const uint64_t* pointer);
  /// Why it failed: component_trap, and the errors of realloc.
  Error error() { return *std::move(error_); }

 private:
  using Block = CopyPlan::Block;
  bool check(const Block& block, const uint8_t* at);
  bool check_string(uint64_t at, uint64_t units);
  bool check_list(const CopyPlan::ListRow& list, uint64_t at, uint64_t count);
  bool copy(const Block& block, const uint8_t* from, uint8_t* to);
  bool copy_array(const CopyPlan::ListRow& list, uint64_t count, const uint8_t* from, uint8_t* to);
  bool copy_range(const CopyStep& step, const uint8_t* from, uint8_t* to);
  bool realloc(uint64_t align, uint64_t size, const char* what, uint64_t& at);
  bool refuse(Error why);

  const CopyPlan& plan_;
  const CopySide& from_;
  const CopySide& to_;
  vm::Context& context_;
  uint64_t spent_ = 0;
  std::optional<Error> error_;
};

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_COPY_PLAN_H_
