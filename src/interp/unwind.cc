// Exceptions find their handler by walking the frame records from the innermost; each function has
// a table of its try blocks by range of words. Backtraces walk the same records.
#include "interp/unwind.h"

#include <algorithm>

#include "vm/builtin.h"

namespace sedge::interp {

namespace {

/// Number of the innermost region that holds word `at`, or kNone. Regions are in order of their
/// start and nest, so it is the last one that holds it.
uint32_t innermost_region(const FuncCode& code, uint32_t at) {
  auto end = std::upper_bound(code.regions.begin(), code.regions.end(), at,
                              [](uint32_t word, const HandlerRegion& r) { return word < r.start; });
  for (auto region = end; region != code.regions.begin();) {
    --region;
    if (at < region->end) return static_cast<uint32_t>(region - code.regions.begin());
  }
  return HandlerRegion::kNone;
}

const CatchClause* find_clause(const FuncCode& code, const Word* pc, const Instance& instance,
                               const vm::Tag* tag) {
  if (code.regions.empty()) return nullptr;
  uint32_t region = innermost_region(code, static_cast<uint32_t>(pc - code.words.get()));
  while (region != HandlerRegion::kNone) {
    for (const CatchClause& clause : code.regions[region].clauses) {
      if (clause.tag == CatchClause::kAll || instance.tags[clause.tag] == tag) return &clause;
    }
    region = code.regions[region].parent;
  }
  return nullptr;
}

/// One unsigned LEB128 number.
uint64_t read_number(const uint8_t*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    uint8_t byte = *at++;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace

bool find_landing(Context& context, Landing& at) {
  const vm::Tag* tag = context.builtins->exception_tag(&context, context.exception);
  for (;;) {
    const auto& code = *static_cast<const FuncCode*>(at.frame[-1].code);
    if (const CatchClause* clause = find_clause(code, at.pc, *at.instance, tag)) {
      Cell* to = at.fp + clause->cell;
      if (clause->keeps_ref) at.fp[clause->hidden] = context.exception;
      if (clause->tag != CatchClause::kAll) {
        const Cell* payload = context.builtins->exception_payload(&context, context.exception);
        to = std::copy(payload, payload + tag->param_cells, to);
      }
      if (clause->with_ref) *to = context.exception;
      at.pc = code.words.get() + clause->target;
      return true;
    }
    const FrameRecord& record = *--at.frame;
    if (record.return_pc == exit_pc()) return false;
    at.pc = static_cast<const Word*>(record.return_pc) - 1;
    at.fp = record.fp;
    at.instance = record.instance;
  }
}

uint64_t FuncCode::offset_of(const Word* at) const {
  auto wanted = static_cast<uint64_t>(at - words.get());
  uint64_t word = 0, offset = 0, found = 0;
  for (const uint8_t* place = offsets.data(); place != offsets.data() + offsets.size();) {
    word += read_number(place);
    offset += read_number(place);
    if (word > wanted) break;
    found = offset;
  }
  return found;
}

std::vector<TraceEntry> take_backtrace(Context& context, size_t max_frames) {
  std::vector<TraceEntry> trace;
  auto add = [&](Instance* instance, const void* code_of_frame, const void* pc) {
    const auto* code = static_cast<const FuncCode*>(code_of_frame);
    trace.push_back({instance, code->func_index, code->offset_of(static_cast<const Word*>(pc))});
  };
  if (context.trap_code != nullptr && max_frames > 0) {
    add(context.trap_instance, context.trap_code, context.trap_pc);
  }
  // Each record tells about its caller, whose code the record below holds.
  for (FrameRecord* record = context.trap_frame;
       record != nullptr && record > context.frames_base && trace.size() < max_frames;) {
    --record;
    if (record->return_pc == exit_pc() || record == context.frames_base) continue;
    add(record->instance, record[-1].code, static_cast<const Word*>(record->return_pc) - 1);
  }
  context.trap_frame = nullptr;
  context.trap_code = nullptr;
  return trace;
}

}  // namespace sedge::interp
