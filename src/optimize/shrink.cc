// Three passes: functions that exports, the start function, segments and globals reach stay; of
// those with the same type and body the first stands for all (repeated, since callers become the
// same, too); then bodies are written again with short numbers, new function indices and without
// what has no effect.
#include "optimize/shrink.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include "wasm/encode/custom_sections.h"
#include "wasm/encode/encode.h"
#include "wasm/op.h"

namespace sedge::optimize {
namespace {

using wasm::Imm;
using wasm::Instr;
using wasm::InstrReader;
using wasm::Op;

constexpr int kMaxRounds = 8;

class Shrinker {
 public:
  Shrinker(const wasm::Module& module, const ShrinkOptions& options)
      : module_(module), options_(options), out_(module) {}

  Result<std::vector<uint8_t>> run() {
    customs();
    if (!options_.code) return wasm::encode(out_);
    imported_ = static_cast<uint32_t>(module_.imported_funcs.size());
    SEDGE_TRY(find_live());
    SEDGE_TRY(find_same());
    number();
    SEDGE_TRY(rewrite());
    return wasm::encode(out_);
  }

 private:
  void customs() {
    std::erase_if(out_.customs, [&](const wasm::CustomSection& section) {
      if (section.name == "name") return !options_.keep_names;
      if (section.name == "producers") return !options_.keep_producers;
      // Offsets into code that is written anew.
      if (options_.code && section.name.starts_with("metadata.code.")) return true;
      return is_debug_section(section.name);
    });
    if (!options_.keep_names) out_.names = {};
    if (options_.code) out_.branch_hints.clear();
  }

  /// Calls `visit(function index)` for each that an expression names.
  template <typename Visit>
  Result<void> for_each_func(const wasm::Expr& expr, Visit visit) {
    InstrReader reader(expr.bytes, expr.offset);
    while (!reader.at_end()) {
      SEDGE_TRY(reader.next(instr_));
      if (wasm::op_info(instr_.op).imm == Imm::func) visit(instr_.index);
    }
    return {};
  }

  template <typename Visit>
  Result<void> for_each_root(Visit visit) {
    for (const wasm::Export& item : module_.exports)
      if (item.kind == ExternKind::func) visit(item.index);
    if (module_.start) visit(*module_.start);
    for (const wasm::ElemSegment& segment : module_.elems) {
      for (uint32_t index : segment.funcs) visit(index);
      for (const wasm::Expr& item : segment.exprs) SEDGE_TRY(for_each_func(item, visit));
      SEDGE_TRY(for_each_func(segment.offset_expr, visit));
    }
    for (const wasm::Global& global : module_.globals) SEDGE_TRY(for_each_func(global.init, visit));
    for (const wasm::Table& table : module_.tables)
      if (table.init) SEDGE_TRY(for_each_func(*table.init, visit));
    for (const wasm::DataSegment& segment : module_.datas)
      SEDGE_TRY(for_each_func(segment.offset_expr, visit));
    return {};
  }

  Result<void> find_live() {
    live_.assign(module_.func_count(), false);
    std::vector<uint32_t> work;
    auto reach = [&](uint32_t index) {
      if (live_[index]) return;
      live_[index] = true;
      if (index >= imported_) work.push_back(index);
    };
    SEDGE_TRY(for_each_root(reach));
    while (!work.empty()) {
      uint32_t index = work.back();
      work.pop_back();
      SEDGE_TRY(for_each_func(module_.funcs[index - imported_].body, reach));
    }
    return {};
  }

  /// Type, locals and body of a function, its callees replaced by those that stand for them.
  Result<std::string> content(const wasm::Func& func) {
    wasm::Writer writer;
    writer.u32(func.type_index);
    wasm::encode_locals(writer, func);
    SEDGE_TRY(write_body(func.body, stands_for_, writer));
    const auto& out = writer.out();
    return std::string(out.begin(), out.end());
  }

  Result<void> find_same() {
    stands_for_.resize(module_.func_count());
    for (uint32_t i = 0; i < stands_for_.size(); ++i) stands_for_[i] = i;
    for (int round = 0; round < kMaxRounds; ++round) {
      std::map<std::string, uint32_t, std::less<>> first;
      bool changed = false;
      for (uint32_t i = imported_; i < stands_for_.size(); ++i) {
        if (!live_[i] || stands_for_[i] != i) continue;
        SEDGE_TRY_ASSIGN(std::string text, content(module_.funcs[i - imported_]));
        auto [at, is_new] = first.emplace(std::move(text), i);
        if (is_new) continue;
        stands_for_[i] = at->second;
        changed = true;
      }
      for (uint32_t i = 0; i < stands_for_.size(); ++i)
        stands_for_[i] = stands_for_[stands_for_[i]];
      if (!changed) break;
    }
    return {};
  }

  /// New indices. Imports stay: what a module asks of its host is part of what it is.
  void number() {
    renumbered_.resize(module_.func_count());
    uint32_t next = imported_;
    for (uint32_t i = 0; i < renumbered_.size(); ++i) {
      if (i < imported_)
        renumbered_[i] = i;
      else if (live_[i] && stands_for_[i] == i)
        renumbered_[i] = next++;
    }
    for (uint32_t i = imported_; i < renumbered_.size(); ++i)
      renumbered_[i] = renumbered_[stands_for_[i]];
  }

  Bytes keep(std::vector<uint8_t> bytes) { return kept_->emplace_back(std::move(bytes)); }

  Result<void> rewrite(wasm::Expr& expr) {
    wasm::Writer writer;
    SEDGE_TRY(write_body(expr, renumbered_, writer));
    expr.bytes = keep(writer.take());
    return {};
  }

  Result<void> rewrite() {
    out_.storage.push_back(kept_);
    std::vector<wasm::Func> funcs;
    for (uint32_t i = imported_; i < live_.size(); ++i) {
      if (!live_[i] || stands_for_[i] != i) continue;
      wasm::Func func = module_.funcs[i - imported_];
      SEDGE_TRY(rewrite(func.body));
      funcs.push_back(std::move(func));
    }
    out_.funcs = std::move(funcs);
    for (wasm::Export& item : out_.exports)
      if (item.kind == ExternKind::func) item.index = renumbered_[item.index];
    if (out_.start) out_.start = renumbered_[*out_.start];
    for (wasm::ElemSegment& segment : out_.elems) {
      for (uint32_t& index : segment.funcs) index = renumbered_[index];
      for (wasm::Expr& item : segment.exprs) SEDGE_TRY(rewrite(item));
      SEDGE_TRY(rewrite(segment.offset_expr));
    }
    for (wasm::Global& global : out_.globals) SEDGE_TRY(rewrite(global.init));
    for (wasm::Table& table : out_.tables)
      if (table.init) SEDGE_TRY(rewrite(*table.init));
    for (wasm::DataSegment& segment : out_.datas) SEDGE_TRY(rewrite(segment.offset_expr));
    rename();
    return {};
  }

  /// Names follow their functions.
  void rename() {
    auto move = [&](auto& map) {
      std::remove_cvref_t<decltype(map)> moved;
      for (auto& [index, value] : map)
        if (index < live_.size() && live_[index] && stands_for_[index] == index)
          moved.emplace(renumbered_[index], value);
      map = std::move(moved);
    };
    move(out_.names.funcs);
    move(out_.names.locals);
    move(out_.names.labels);
  }

  /// Appends the instructions of `expr` with function indices from `indices`. A `local.set` before
  /// a `local.get` of the same is a `local.tee`, and a `local.tee` that is dropped a `local.set`:
  /// neighbours have no label between them, since `end` is an instruction.
  Result<void> write_body(const wasm::Expr& expr, const std::vector<uint32_t>& indices,
                          wasm::Writer& writer) {
    InstrReader reader(expr.bytes, expr.offset);
    Op before = Op::nop;
    uint32_t local = 0;
    size_t begin = 0;  ///< of the instruction before, in `writer`
    while (!reader.at_end()) {
      SEDGE_TRY(reader.next(instr_));
      if (instr_.op == Op::nop) continue;
      bool same = instr_.index == local;
      if (before == Op::local_set && instr_.op == Op::local_get && same) {
        writer.out()[begin] = kLocalTee;
        before = Op::local_tee;
        continue;
      }
      if (before == Op::local_tee && instr_.op == Op::drop) {
        writer.out()[begin] = kLocalSet;
        before = Op::local_set;
        continue;
      }
      before = instr_.op;
      local = instr_.index;
      begin = writer.size();
      write(expr, reader, indices, writer);
    }
    return {};
  }

  static constexpr uint8_t kLocalSet = 0x21, kLocalTee = 0x22;

  void write(const wasm::Expr& expr, const InstrReader& reader,
             const std::vector<uint32_t>& indices, wasm::Writer& writer) {
    wasm::OpInfo info = wasm::op_info(instr_.op);
    Bytes raw = expr.bytes.subspan(instr_.offset - expr.offset, reader.offset() - instr_.offset);
    bool one_byte = info.prefix == 0;
    if (one_byte) writer.u8(static_cast<uint8_t>(info.code));
    switch (one_byte ? info.imm : Imm::none) {
      case Imm::func:
        writer.u32(indices[instr_.index]);
        return;
      case Imm::label:
      case Imm::local:
      case Imm::global:
      case Imm::table:
      case Imm::type:
      case Imm::tag:
      case Imm::memory:
        writer.u32(instr_.index);
        return;
      case Imm::call_indirect:
        writer.u32(instr_.index);
        writer.u32(instr_.index2);
        return;
      case Imm::i32:
      case Imm::i64:
        writer.s64(instr_.i64);
        return;
      case Imm::mem_arg:
        if (instr_.mem.memory != 0) break;
        writer.u32(instr_.mem.align_log2);
        writer.u64(instr_.mem.offset);
        return;
      default:
        break;
    }
    writer.bytes(raw.subspan(one_byte ? 1 : 0));
  }

  const wasm::Module& module_;
  const ShrinkOptions& options_;
  wasm::Module out_;
  uint32_t imported_ = 0;
  std::vector<bool> live_;
  std::vector<uint32_t> stands_for_;  ///< by function index
  std::vector<uint32_t> renumbered_;  ///< by function index
  std::shared_ptr<std::deque<std::vector<uint8_t>>> kept_ =
      std::make_shared<std::deque<std::vector<uint8_t>>>();
  Instr instr_;
};

}  // namespace

bool is_debug_section(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "name", "producers", "sourceMappingURL", "external_debug_info", "linking", "build_id"};
  return std::ranges::find(kNames, name) != std::end(kNames) || name.starts_with(".debug_") ||
         name.starts_with("reloc.");
}

Result<std::vector<uint8_t>> shrink(const wasm::Module& module, const ShrinkOptions& options) {
  return Shrinker(module, options).run();
}

}  // namespace sedge::optimize
