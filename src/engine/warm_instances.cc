// Which modules can have warm instances, their images, and putting back what a guest changed.
#include "engine/warm_instances.h"

#include <algorithm>

#include "engine/engine_impl.h"
#include "wasm/op.h"

namespace sedge {
namespace {

// Whether an expression's value depends on nothing but the instance.
bool is_plain(const wasm::Expr& expr) {
  wasm::InstrReader reader(expr.bytes, expr.offset);
  wasm::Instr instr;
  for (;;) {
    if (!reader.next(instr)) return false;
    switch (instr.op) {
      case wasm::Op::end:
        return true;
      case wasm::Op::struct_new:
      case wasm::Op::struct_new_default:
      case wasm::Op::array_new:
      case wasm::Op::array_new_default:
      case wasm::Op::array_new_fixed:
        return false;
      default:
        break;
    }
  }
}

bool is_plain(const wasm::Module& syntax) {
  auto shared = [](const wasm::Memory& memory) { return memory.type.shared; };
  if (std::ranges::any_of(syntax.memories, shared)) return false;
  for (const wasm::Global& global : syntax.globals)
    if (!is_plain(global.init)) return false;
  for (const wasm::Table& table : syntax.tables)
    if (table.init && !is_plain(*table.init)) return false;
  for (const wasm::ElemSegment& segment : syntax.elems)
    for (const wasm::Expr& expr : segment.exprs)
      if (!is_plain(expr)) return false;
  return true;
}

}  // namespace

std::shared_ptr<WarmInstances> WarmInstances::make(std::shared_ptr<const ModuleImpl> module,
                                                   Hosts hosts) {
  if (!is_plain(module->syntax)) return nullptr;
  return std::make_shared<WarmInstances>(std::move(module), std::move(hosts));
}

WarmInstances::~WarmInstances() = default;

void WarmInstances::learn(std::span<const uint64_t> data_offsets) {
  std::lock_guard lock(mutex_);
  if (learnt()) return;
  data_offsets_.assign(data_offsets.begin(), data_offsets.end());
  learnt_.store(true, std::memory_order_release);
}

const WarmInstances::Images& WarmInstances::images() {
  std::lock_guard lock(mutex_);
  if (imaged_) return images_;
  const wasm::Module& syntax = module_->syntax;
  std::vector<std::vector<PageImage::Piece>> pieces(syntax.memories.size());
  size_t next = 0;
  for (const wasm::DataSegment& segment : syntax.datas) {
    if (segment.mode != wasm::DataSegment::Mode::active) continue;
    pieces[segment.memory].push_back({data_offsets_[next++], segment.init});
  }
  images_.clear();
  for (const auto& of_memory : pieces) images_.push_back(PageImage::create(of_memory));
  imaged_ = true;
  return images_;
}

std::unique_ptr<InstanceImpl> WarmInstances::take() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) return nullptr;
  std::unique_ptr<InstanceImpl> instance = std::move(free_.back());
  free_.pop_back();
  return instance;
}

void WarmInstances::give(std::unique_ptr<InstanceImpl> instance) {
  size_t bookkeeping = instance->arena.bytes();
  for (const auto& table : instance->own_tables)
    bookkeeping += table->storage.capacity() * sizeof(vm::Cell);
  if (bookkeeping > kMaxBookkeeping || !reset(*instance)) return;
  std::lock_guard lock(mutex_);
  if (free_.size() < kMaxFree) free_.push_back(std::move(instance));
}

bool reset(InstanceImpl& instance) {
  for (const auto& memory : instance.own_memories)
    if (!memory->reset()) return false;
  const wasm::Module& syntax = *instance.syntax;
  for (size_t i = 0; i < syntax.globals.size(); ++i)
    std::copy_n(&instance.initial_globals[2 * i], 2, instance.own_globals[i].value);
  set_datas(instance);
  for (const auto& table : instance.own_tables) table->size = table->type.limits.min;
  instance.tables_filled = !has_tables(syntax);
  return true;
}

}  // namespace sedge
