// Which features a module uses: one look at every type and one walk over every body.
#include "cli/analysis.h"
#include "wasm/op.h"

namespace sedge::cli {
namespace {

class Scan {
 public:
  explicit Scan(const wasm::Module& module) : module_(module) {}

  Features run() {
    used_.set(Feature::mvp);
    types();
    for (const wasm::Import& import : module_.imports) import_type(import);
    exports();
    definitions();
    segments();
    bodies();
    if (module_.compact_imports) used_.set(Feature::compact_imports);
    return used_;
  }

 private:
  void value(ValType type) {
    if (type.is_vector()) used_.set(Feature::simd);
    if (!type.is_ref()) return;
    HeapType heap = type.heap();
    bool plain = !heap.is_index() && type.nullable() &&
                 (heap.abstract() == HeapType::func || heap.abstract() == HeapType::extern_);
    if (plain) {
      used_.set(Feature::reference_types);
    } else if (heap.is_index() || heap.abstract() == HeapType::func ||
               heap.abstract() == HeapType::extern_) {
      used_.set(Feature::function_references);
    } else if (heap.abstract() == HeapType::exn || heap.abstract() == HeapType::noexn) {
      used_.set(Feature::exceptions);
    } else {
      used_.set(Feature::gc);
    }
  }

  void types() {
    for (const wasm::SubType& type : module_.types) {
      if (type.kind != wasm::SubType::Kind::func || !type.final_ || type.super)
        used_.set(Feature::gc);
      for (ValType param : type.func.params) value(param);
      for (ValType result : type.func.results) value(result);
      for (const FieldType& field : type.fields) value(field.storage);
      if (type.func.results.size() > 1) used_.set(Feature::multi_value);
    }
    for (const wasm::RecGroup& group : module_.rec_groups)
      if (group.explicit_) used_.set(Feature::gc);
  }

  void memory(const MemoryType& type) {
    if (type.is64) used_.set(Feature::memory64);
    if (type.shared) used_.set(Feature::threads);
    if (type.page_size_log2 != 16) used_.set(Feature::custom_page_sizes);
  }
  void table(const TableType& type) {
    if (type.is64) used_.set(Feature::memory64);
    if (type.element != ValType::funcref()) value(type.element);
  }
  void import_type(const wasm::Import& import) {
    switch (import.kind) {
      case ExternKind::func:
        break;
      case ExternKind::table:
        table(import.table);
        break;
      case ExternKind::memory:
        memory(import.memory);
        break;
      case ExternKind::global:
        value(import.global.value);
        if (import.global.mutable_) used_.set(Feature::mutable_globals);
        break;
      case ExternKind::tag:
        used_.set(Feature::exceptions);
        break;
    }
  }
  void exports() {
    for (const wasm::Export& item : module_.exports)
      if (item.kind == ExternKind::global && item.index < module_.global_count() &&
          module_.global_type(item.index).mutable_)
        used_.set(Feature::mutable_globals);
  }

  void definitions() {
    for (const wasm::Table& item : module_.tables) {
      table(item.type);
      if (item.init) {
        used_.set(Feature::function_references);
        expr(*item.init, true);
      }
    }
    for (const wasm::Memory& item : module_.memories) memory(item.type);
    for (const wasm::Global& item : module_.globals) {
      value(item.type.value);
      expr(item.init, true);
    }
    if (!module_.tags.empty()) used_.set(Feature::exceptions);
    if (module_.memory_count() > 1) used_.set(Feature::multi_memory);
    if (module_.table_count() > 1) used_.set(Feature::reference_types);
  }

  void segments() {
    if (module_.data_count) used_.set(Feature::bulk_memory);
    for (const wasm::ElemSegment& segment : module_.elems) {
      if (segment.mode != wasm::ElemSegment::Mode::active) used_.set(Feature::bulk_memory);
      if (segment.uses_exprs) value(segment.type);
      for (const wasm::Expr& item : segment.exprs) expr(item, true);
    }
    for (const wasm::DataSegment& segment : module_.datas)
      if (segment.mode == wasm::DataSegment::Mode::passive) used_.set(Feature::bulk_memory);
  }

  void bodies() {
    for (const wasm::Func& func : module_.funcs) {
      for (const wasm::LocalRun& run : func.locals) value(run.type);
      expr(func.body, false);
    }
  }

  void expr(const wasm::Expr& expr, bool constant) {
    wasm::InstrReader reader(expr.bytes, expr.offset);
    while (!reader.at_end()) {
      if (!reader.next(instr_)) return;
      const wasm::OpInfo& info = wasm::op_info(instr_.op);
      used_.set(info.feature);
      switch (info.imm) {
        case wasm::Imm::block:
        case wasm::Imm::try_table:
          if (instr_.block_type.kind == wasm::BlockType::Kind::value)
            value(instr_.block_type.value);
          if (instr_.block_type.kind == wasm::BlockType::Kind::index)
            used_.set(Feature::multi_value);
          break;
        case wasm::Imm::mem_arg:
        case wasm::Imm::mem_arg_lane:
          if (instr_.mem.memory != 0) used_.set(Feature::multi_memory);
          break;
        default:
          break;
      }
      if (constant && info.signature != "*" && info.signature.find(':') != 0)
        used_.set(Feature::extended_const);
    }
  }

  const wasm::Module& module_;
  Features used_;
  wasm::Instr instr_;
};

}  // namespace

Features features_used(const wasm::Module& module) { return Scan(module).run(); }

}  // namespace sedge::cli
