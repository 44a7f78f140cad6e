// Printer of modules; the interface is text.h. Everything is appended to one string, and
// indentation is capped, so that the time is linear in what is printed.
#ifndef SEDGE_WASM_TEXT_PRINTER_H_
#define SEDGE_WASM_TEXT_PRINTER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wasm/module.h"
#include "wasm/op.h"
#include "wasm/text/print_names.h"
#include "wasm/text/text.h"

namespace sedge::wasm {

class Printer {
 public:
  /// Borrows both.
  Printer(const Module& module, const PrintOptions& options);
  std::string run();

 private:
  // print.cc: fields
  void types();
  void sub_type(TypeIdx index);
  void struct_type(TypeIdx index);
  void field_type(const FieldType& field);
  void imports();
  void tables();
  void memories();
  void tags();
  void globals();
  void exports();
  void elems();
  void elem(const ElemSegment& segment);
  void datas();
  void funcs();
  void func_header(TypeIdx type_index, const IdTable& local_ids);
  void locals(const Func& func, uint32_t first, const IdTable& local_ids);
  void customs();
  void custom(std::string_view name, SectionId after, Bytes content);
  bool present(SectionId id) const;
  bool at_default_place(size_t position, SectionId end) const;
  bool needs_data_count() const;

  // print_instr.cc: types and expressions
  void val_type(ValType type);
  void heap_type(HeapType type);
  void type_use(TypeIdx index);
  void params_and_results(const FuncType& type);
  void limits(const Limits& limits, bool is64);
  void table_type(const TableType& type);
  void memory_type(const MemoryType& type);
  void global_type(const GlobalType& type);
  void body(const Func& func, uint32_t func_index, const IdTable& local_ids);
  void instr(const Instr& instr);
  void operands(const Instr& instr);
  void block_head(const Instr& instr);
  void catches(const Instr& instr);
  void open_label();
  void close_label();
  void label(uint32_t depth);
  void mem_arg(const Instr& instr);
  void vector(const Instr& instr);
  void struct_field(const Instr& instr);
  void ref_type(ValType type);
  /// A segment's operands, of which the container is left out if it is the first.
  void segment(const Instr& instr, const IdTable& segments, const IdTable& containers);
  /// ` (instr)` for one instruction, else ` (word instr*)`.
  void folded(const Expr& expr, std::string_view word);
  /// ` (instr)` for one instruction, else ` instr*`.
  void inline_expr(const Expr& expr);
  void flat(const Expr& expr);
  bool is_single(const Expr& expr);

  void text(std::string_view text) { out_.append(text); }
  void number(uint64_t value);
  void use(const IdTable& ids, uint32_t index) {
    out_.push_back(' ');
    ids.append_use(out_, index);
  }
  void line(uint32_t indent);
  /// "(word $id (;index;)"
  void open(std::string_view word, const IdTable& ids, uint32_t index);

  const Module& module_;
  const PrintOptions& options_;
  bool print_names_;
  bool print_hints_;
  std::string out_;
  IdTable type_ids_, func_ids_, table_ids_, memory_ids_, global_ids_, tag_ids_, elem_ids_,
      data_ids_;
  std::unordered_map<TypeIdx, IdTable> field_ids_;

  // The body being printed.
  const IdTable* local_ids_ = nullptr;  ///< or null
  IdTable label_names_;
  std::vector<const std::string*> labels_;  ///< ids of open blocks, or null
  std::unordered_map<std::string_view, std::vector<size_t>> label_positions_;  ///< by id
  uint32_t label_count_ = 0;
  Instr scratch_;
};

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_PRINTER_H_
