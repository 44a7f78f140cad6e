// Snapshots: the syntax of the instance's module with its memories as data segments, its globals as
// constants and, where they changed, its tables as element segments. Index spaces stay as they are,
// so that no code has to be touched: segments that are spent keep their place, empty.
#include <sedge/snapshot.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>

#include <fmt/format.h>

#include "engine/engine_impl.h"
#include "wasm/encode/encode.h"
#include "wasm/op.h"

namespace sedge {
namespace {

// A data segment costs about as many bytes as this; shorter runs of zeros stay inside one.
constexpr size_t kGap = 12;
// Engines take 100,000 segments (the JavaScript API's limit): gaps widen until there are fewer.
constexpr size_t kMaxRuns = 20'000;

std::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::cannot_snapshot, ": " + std::move(what));
}

/// Stretches of memory that are not zero, with the zeros between them that are fewer than `gap`.
std::vector<Bytes> find_runs(Bytes memory, size_t gap) {
  std::vector<Bytes> runs;
  size_t at = 0;
  auto skip_zeros = [&] {
    uint64_t word = 0;
    while (at < memory.size()) {
      if (memory.size() - at >= sizeof(word)) {
        std::memcpy(&word, &memory[at], sizeof(word));
        if (word == 0) {
          at += sizeof(word);
          continue;
        }
      }
      if (memory[at] != 0) return;
      ++at;
    }
  };
  for (skip_zeros(); at < memory.size(); skip_zeros()) {
    const size_t begin = at;
    size_t end = at;
    while (at < memory.size() && at - end < gap) {
      if (memory[at++] != 0) end = at;
    }
    runs.push_back(memory.subspan(begin, end - begin));
    at = end;
  }
  return runs;
}

class Snapshotter {
 public:
  explicit Snapshotter(InstanceImpl& instance)
      : instance_(instance), original_(*instance.syntax), out_(original_) {}

  Result<std::vector<uint8_t>> run(std::span<const std::string_view> without) {
    SEDGE_TRY(check_imports());
    out_.start.reset();
    std::erase_if(out_.exports, [&](const wasm::Export& item) {
      return item.kind == ExternKind::func &&
             std::ranges::find(without, item.name) != without.end();
    });
    SEDGE_TRY(globals());
    memories();
    SEDGE_TRY(tables());
    return wasm::encode(out_);
  }

 private:
  Result<void> check_imports() {
    for (const wasm::Import& import : original_.imports) {
      const bool state = import.kind == ExternKind::memory || import.kind == ExternKind::table ||
                         (import.kind == ExternKind::global && import.global.mutable_);
      if (state)
        return refuse(fmt::format("`{}` `{}` is imported, so its content is not the module's own",
                                  import.module, import.name));
    }
    for (const wasm::Memory& memory : original_.memories)
      if (memory.type.shared) return refuse("a memory is shared, other threads may be changing it");
    return {};
  }

  /// An expression that lives as long as this.
  wasm::Expr expression(wasm::Writer& writer) {
    writer.u8(0x0b);  // end
    return {kept_.emplace_back(writer.take()), 0};
  }
  wasm::Expr address(bool is64, uint64_t value) {
    wasm::Writer writer;
    writer.u8(is64 ? 0x42 : 0x41);
    writer.s64(is64 ? static_cast<int64_t>(value) : static_cast<int32_t>(value));
    return expression(writer);
  }

  Result<uint32_t> func_index(vm::Cell value) {
    auto* func = reinterpret_cast<vm::Func*>(value);
    if (func->instance == &instance_) return func->index;
    for (uint32_t i = 0; i < instance_.imported_func_count; ++i)
      if (instance_.imported_funcs[i] == func) return i;
    return refuse("a reference to a function that is not the module's own");
  }

  /// `type`: as the module writes it. `funcs`: whether cells of it are functions.
  Result<wasm::Expr> constant(ValType type, bool funcs, const vm::Cell* value) {
    wasm::Writer writer;
    auto plain = [&](uint8_t op, size_t size) {
      writer.u8(op);
      writer.bytes({reinterpret_cast<const uint8_t*>(value), size});
    };
    switch (type.kind()) {
      case ValType::i32:
        writer.u8(0x41);
        writer.s64(static_cast<int32_t>(value[0]));
        break;
      case ValType::i64:
        writer.u8(0x42);
        writer.s64(static_cast<int64_t>(value[0]));
        break;
      case ValType::f32:
        plain(0x43, 4);
        break;
      case ValType::f64:
        plain(0x44, 8);
        break;
      case ValType::v128:
        writer.u8(0xfd);
        plain(0x0c, 16);
        break;
      default:
        SEDGE_TRY(reference(writer, type, funcs, value[0]));
        break;
    }
    return expression(writer);
  }
  Result<void> reference(wasm::Writer& writer, ValType type, bool funcs, vm::Cell value) {
    if (value == 0) {
      writer.u8(0xd0);  // ref.null
      writer.heap_type(type.heap());
      return {};
    }
    if (funcs) {
      SEDGE_TRY_ASSIGN(uint32_t index, func_index(value));
      writer.u8(0xd2);  // ref.func
      writer.u32(index);
      return {};
    }
    const HeapType heap = type.heap();
    const bool internal = heap == HeapType::any || heap == HeapType::eq || heap == HeapType::i31;
    if (is_object(value) || !internal) return refuse_object();
    writer.u8(0x41);
    writer.s64(static_cast<int32_t>(value) >> 1);
    writer.u8(0xfb);  // ref.i31
    writer.u8(0x1c);
    return {};
  }

  /// An object that an expression of the module makes may have changed since.
  static bool is_object(vm::Cell value) { return value != 0 && (value & 1) == 0; }
  static std::unexpected<Error> refuse_object() {
    return refuse("a reference to an object of the host or of the garbage-collected heap");
  }

  Result<void> globals() {
    for (size_t i = 0; i < out_.globals.size(); ++i) {
      wasm::Global& global = out_.globals[i];
      const GlobalImpl& now = instance_.own_globals[i];
      const bool funcs = vm::is_func_ref(now.type.value, instance_.store->registry());
      // What cannot change keeps its expression, which may name an import.
      if (!global.type.mutable_) {
        if (global.type.value.is_ref() && !funcs && is_object(now.value[0])) return refuse_object();
        continue;
      }
      SEDGE_TRY_ASSIGN(global.init, constant(global.type.value, funcs, now.value));
    }
    return {};
  }

  void memories() {
    // Code may name segments: then those that are there keep their numbers.
    const bool named = original_.data_count.has_value();
    if (!named) out_.datas.clear();
    for (size_t i = 0; i < out_.datas.size(); ++i) {
      if (instance_.datas[i].size != 0) continue;
      out_.datas[i].init = {};
      if (out_.datas[i].mode == wasm::DataSegment::Mode::active)
        out_.datas[i].offset_expr = address(original_.memory_type(out_.datas[i].memory).is64, 0);
    }
    std::vector<std::vector<Bytes>> runs(original_.memories.size());
    size_t gap = kGap;
    for (size_t count = SIZE_MAX; count > kMaxRuns; gap *= 4) {
      count = 0;
      for (size_t i = 0; i < runs.size(); ++i) {
        const vm::Memory& memory = *instance_.memories[i];
        runs[i] = find_runs({memory.base, memory.size.load(std::memory_order_acquire)}, gap);
        count += runs[i].size();
      }
    }
    for (uint32_t i = 0; i < runs.size(); ++i) {
      const vm::Memory& memory = *instance_.memories[i];
      out_.memories[i].type.limits.min =
          memory.size.load(std::memory_order_acquire) >> memory.page_size_log2;
      for (Bytes run : runs[i]) {
        wasm::DataSegment& segment = out_.datas.emplace_back();
        segment.memory = i;
        segment.offset_expr = address(memory.is64, static_cast<uint64_t>(run.data() - memory.base));
        segment.init = run;
      }
    }
    if (named) {
      out_.data_count = static_cast<uint32_t>(out_.datas.size());
    } else {
      out_.names.datas = {};
    }
  }

  /// What segments of the original put into a table.
  Result<std::vector<vm::Cell>> content_at_first(uint32_t table) {
    const TableImpl& now = *instance_.own_tables[table];
    std::vector<vm::Cell> content(original_.tables[table].type.limits.min, now.initial);
    for (size_t i = 0; i < original_.elems.size(); ++i) {
      const wasm::ElemSegment& segment = original_.elems[i];
      if (segment.mode != wasm::ElemSegment::Mode::active || segment.table != table) continue;
      vm::Cell to[2];
      SEDGE_TRY(runtime::evaluate(instance_, segment.offset_expr, to));
      std::copy_n(instance_.elem_storage[i].first, segment.size(),
                  content.begin() + static_cast<ptrdiff_t>(to[0]));
    }
    return content;
  }

  Result<void> tables() {
    for (size_t i = 0; i < original_.elems.size(); ++i) {
      wasm::ElemSegment& segment = out_.elems[i];
      const bool spent = segment.mode == wasm::ElemSegment::Mode::passive &&
                         instance_.elems[i].size == 0 && segment.size() != 0;
      // Declarative segments are spent from the start, and still declare their functions.
      if (spent) segment.mode = wasm::ElemSegment::Mode::declarative;
      const ValType type = wasm::canonical(segment.type, *instance_.type_set);
      if (vm::is_func_ref(type, instance_.store->registry())) continue;
      const vm::Elem& items = instance_.elems[i];
      if (std::any_of(items.items, items.items + items.size, is_object)) return refuse_object();
    }
    for (uint32_t i = 0; i < original_.tables.size(); ++i) {
      const TableImpl& now = *instance_.own_tables[i];
      SEDGE_TRY_ASSIGN(std::vector<vm::Cell> first, content_at_first(i));
      if (std::equal(first.begin(), first.end(), now.elements, now.elements + now.size)) continue;
      for (size_t j = 0; j < original_.elems.size(); ++j) {
        wasm::ElemSegment& segment = out_.elems[j];
        if (segment.mode == wasm::ElemSegment::Mode::active && segment.table == i)
          segment.mode = wasm::ElemSegment::Mode::declarative;
      }
      out_.tables[i].type.limits.min = now.size;
      SEDGE_TRY(changed_table(i, now));
    }
    return {};
  }

  Result<void> changed_table(uint32_t index, const TableImpl& now) {
    const TableType& type = original_.tables[index].type;
    for (uint64_t at = 0; at < now.size; ++at) {
      if (now.elements[at] == now.initial) continue;
      wasm::ElemSegment& segment = out_.elems.emplace_back();
      segment.type = type.element;
      segment.table = index;
      segment.explicit_table = true;
      segment.uses_exprs = true;
      segment.offset_expr = address(type.is64, at);
      for (; at < now.size && now.elements[at] != now.initial; ++at) {
        SEDGE_TRY_ASSIGN(wasm::Expr item,
                         constant(type.element, now.holds_funcs, &now.elements[at]));
        segment.exprs.push_back(item);
      }
    }
    return {};
  }

  InstanceImpl& instance_;
  const wasm::Module& original_;
  wasm::Module out_;
  std::deque<std::vector<uint8_t>> kept_;  // bytes of expressions
};

}  // namespace

Result<std::vector<uint8_t>> snapshot(Store& store, const Instance& instance,
                                      std::span<const std::string_view> without) {
  if (instance.store_id != store.id()) return fail(ErrorCode::bad_store);
  if (store.impl().context.host_depth > 0) return refuse("code of the store is running");
  SEDGE_TRY(fill_all_tables(store.impl()));
  return Snapshotter(*instance.ptr).run(without);
}

}  // namespace sedge
