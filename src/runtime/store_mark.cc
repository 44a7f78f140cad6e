#include "runtime/store_mark.h"

#include <algorithm>

namespace sedge::runtime {
namespace {

/// Of what a memory holds; null where it is all zero.
Result<std::shared_ptr<const PageImage>> image_of(const LinearMemory& memory) {
  uint64_t end = memory.size.load(std::memory_order_relaxed);
  while (end > 0 && memory.base[end - 1] == 0) --end;
  if (end == 0) return nullptr;
  const PageImage::Piece piece{0, {memory.base, end}};
  std::shared_ptr<const PageImage> image = PageImage::create({&piece, 1});
  if (!image) return fail(ErrorCode::out_of_memory);
  return image;
}

}  // namespace

StoreMark::Counts StoreMark::counts(const StoreImpl& store) {
  return {.instances = store.instances.size(),
          .memories = store.memories.size(),
          .shared_memories = store.shared_memories.size(),
          .tables = store.tables.size(),
          .globals = store.globals.size(),
          .kept = store.kept.size(),
          .type_sets = store.type_sets.size(),
          .memories_in_use = store.memories_in_use,
          .tables_in_use = store.tables_in_use};
}

bool StoreMark::is_idle(const StoreImpl& store) {
  const vm::Context& context = store.context;
  const bool rooted = std::ranges::any_of(
      store.roots, [](const std::weak_ptr<RootedRef>& root) { return !root.expired(); });
  return !rooted && store.fiber == nullptr && store.parked == nullptr && store.fibers_in_use == 0 &&
         context.host_depth == 0 && context.sp == context.stack_base &&
         context.frame == context.frames_base;
}

std::unique_ptr<StoreMark> StoreMark::take(StoreImpl& store) {
  auto mark = std::make_unique<StoreMark>();
  mark->counts_ = counts(store);
  const Counts& now = mark->counts_;
  if (!is_idle(store) || store.heap_if_any() || store.tables_to_fill || now.memories > 0 ||
      now.shared_memories > 0 || now.tables > 0 || now.globals > 0)
    return nullptr;
  mark->memory_bytes_ = store.memory_bytes;
  mark->fuel_ = store.context.fuel;
  PageImages images;
  for (const auto& instance : store.instances) {
    if (instance->home) return nullptr;  // its own pool brings it back
    const wasm::Module& syntax = *instance->syntax;
    OfInstance& of = mark->instances_.emplace_back();
    for (size_t i = 0; i < syntax.globals.size(); ++i)
      of.globals.insert(of.globals.end(), instance->own_globals[i].value,
                        instance->own_globals[i].value + 2);
    for (const auto& table : instance->own_tables)
      of.tables.emplace_back(table->elements, table->elements + table->size);
    of.datas.assign(instance->datas, instance->datas + syntax.datas.size());
    of.elems.assign(instance->elems, instance->elems + syntax.elems.size());
    for (const auto& memory : instance->own_memories) {
      if (memory->pages() != memory->type().limits.min) return nullptr;
      if (store.starts_from) continue;
      Result<std::shared_ptr<const PageImage>> image = image_of(*memory);
      if (!image || (*image && !memory->start_from(*image))) return nullptr;
      images.push_back(*std::move(image));
    }
  }
  mark->images_ =
      store.starts_from ? store.starts_from : std::make_shared<const PageImages>(std::move(images));
  return mark;
}

bool StoreMark::restore(StoreImpl& store) const {
  if (!is_idle(store) || counts(store) != counts_) return false;
  store.pending.reset();
  store.pending_exception = 0;
  store.refused.reset();
  vm::Context& context = store.context;
  context.exception = 0;
  context.trap_index = 0;
  context.trace_count = 0;
  context.tail = {};
  context.fuel = fuel_;
  for (size_t i = 0; i < instances_.size(); ++i) {
    InstanceImpl& instance = *store.instances[i];
    const OfInstance& of = instances_[i];
    for (size_t global = 0; 2 * global < of.globals.size(); ++global)
      std::copy_n(&of.globals[2 * global], 2, instance.own_globals[global].value);
    for (size_t table = 0; table < of.tables.size(); ++table)
      instance.own_tables[table]->restore(of.tables[table]);
    std::ranges::copy(of.datas, instance.datas);
    std::ranges::copy(of.elems, instance.elems);
    for (const auto& memory : instance.own_memories)
      if (!memory->reset()) return false;
  }
  store.memory_bytes = memory_bytes_;
  store.drop_heap();
  store.renew_interrupt();
  return true;
}

}  // namespace sedge::runtime
