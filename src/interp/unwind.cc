// Exceptions find their handler by walking the frame records from the innermost; each function has
// a table of its try blocks by range of words. Backtraces walk the same records.
#include "interp/unwind.h"

#include <algorithm>
#include <utility>

#include "base/varint.h"
#include "runtime/code_registry.h"
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
    word += read_varint(place);
    offset += read_varint(place);
    if (word > wanted) break;
    found = offset;
  }
  return found;
}

std::vector<TraceEntry> take_backtrace(Context& context) {
  std::vector<TraceEntry> trace;
  const uint32_t count = std::exchange(context.trace_count, 0);
  for (uint32_t i = 0; i < count; i++) {
    const vm::TracePlace& place = context.trace[i];
    if (place.code != &vm::kNativeFrame) {
      const auto* code = static_cast<const FuncCode*>(place.code);
      trace.push_back({place.instance->code, code->func_index,
                       code->offset_of(static_cast<const Word*>(place.pc))});
      continue;
    }
    const vm::CodeRange* range = runtime::CodeLookup().find(place.pc);
    if (range == nullptr) continue;
    vm::CodePlace places[8];
    const size_t found = range->places(static_cast<const uint8_t*>(place.pc), places, 8);
    for (size_t j = 0; j < found; j++) {
      trace.push_back(
          {static_cast<const ModuleCode*>(range->module), places[j].func_index, places[j].offset});
    }
  }
  if (trace.size() > vm::kMaxTrace) trace.resize(vm::kMaxTrace);
  return trace;
}

}  // namespace sedge::interp
