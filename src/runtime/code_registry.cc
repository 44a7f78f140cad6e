// A sorted array of ranges that is replaced as a whole; old ones are freed at a change during which
// no lookup runs.
#include "runtime/code_registry.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/fault_handler.h"

namespace sedge::runtime {

struct CodeTable {
  struct Row {
    const uint8_t* begin;
    const uint8_t* end;
    const vm::CodeRange* range;
  };
  std::vector<Row> rows;  ///< ascending
};

namespace {

// Constant-initialised, trivially destroyed: usable at any moment of the process.
constinit std::atomic<const CodeTable*> current{nullptr};
constinit std::atomic<uint32_t> lookups{0};
constinit std::mutex change_mutex;

/// Tables that a lookup may still read.
std::vector<std::unique_ptr<const CodeTable>>& retired() {
  static auto* tables = new std::vector<std::unique_ptr<const CodeTable>>;  // outlives every thread
  return *tables;
}

/// Makes `next` the table; the mutex is held.
void replace(std::unique_ptr<const CodeTable> next) {
  if (next->rows.empty()) next.reset();
  retired().emplace_back(current.exchange(next.release()));
  // A lookup that begins from here on sees the new table.
  if (lookups.load() == 0) retired().clear();
}

}  // namespace

void register_code(const vm::CodeRange& range) {
  install_fault_handler();
  std::lock_guard lock(change_mutex);
  auto next = std::make_unique<CodeTable>();
  if (const CodeTable* table = current.load()) next->rows = table->rows;
  auto at = std::ranges::upper_bound(next->rows, range.begin, {}, &CodeTable::Row::begin);
  next->rows.insert(at, {range.begin, range.end, &range});
  replace(std::move(next));
}

void unregister_code(const vm::CodeRange& range) {
  std::lock_guard lock(change_mutex);
  auto next = std::make_unique<CodeTable>();
  if (const CodeTable* table = current.load()) next->rows = table->rows;
  std::erase_if(next->rows, [&range](const CodeTable::Row& row) { return row.range == &range; });
  replace(std::move(next));
}

CodeLookup::CodeLookup() : table_(nullptr) {
  lookups.fetch_add(1);
  table_ = current.load();
}

CodeLookup::~CodeLookup() { lookups.fetch_sub(1); }

const vm::CodeRange* CodeLookup::find(const void* pc) const {
  if (table_ == nullptr) return nullptr;
  const auto* at = static_cast<const uint8_t*>(pc);
  auto row = std::ranges::upper_bound(table_->rows, at, {}, &CodeTable::Row::begin);
  if (row == table_->rows.begin()) return nullptr;
  --row;
  return at < row->end ? row->range : nullptr;
}

}  // namespace sedge::runtime
