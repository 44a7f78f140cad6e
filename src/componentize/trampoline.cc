// Written as text, which the assembler turns into bytes.
#include "componentize/trampoline.h"

#include <fmt/format.h>

#include "wasm/text/text.h"

namespace sedge::componentize {
namespace {

std::string signature(const FuncType& type) {
  std::string out;
  for (ValType param : type.params) out += fmt::format(" (param {})", to_string(param));
  for (ValType result : type.results) out += fmt::format(" (result {})", to_string(result));
  return out;
}

}  // namespace

Result<std::vector<uint8_t>> shim_module(const std::vector<FuncType>& functions,
                                         const std::optional<MemoryType>& memory,
                                         const std::optional<ValType>& tls_base) {
  std::string text =
      fmt::format("(module (table (export \"$imports\") {0} {0} funcref)", functions.size());
  if (memory) {
    text += fmt::format("(memory (export \"$memory\") {}{}", memory->is64 ? "i64 " : "",
                        memory->limits.min);
    if (memory->limits.max) text += fmt::format(" {}", *memory->limits.max);
    text += memory->shared ? " shared)" : ")";
  }
  if (tls_base)
    text += fmt::format(
        "(global (mut {0}) ({0}.const 0))"
        "(func (export \"$get-tls-base\") (result {0}) global.get 0)"
        "(func (export \"$set-tls-base\") (param {0}) local.get 0 global.set 0)",
        to_string(*tls_base));
  for (size_t i = 0; i < functions.size(); ++i) {
    text += fmt::format("(func (export \"{}\"){}", i, signature(functions[i]));
    for (size_t param = 0; param < functions[i].params.size(); ++param)
      text += fmt::format(" local.get {}", param);
    text += fmt::format(" i32.const {} call_indirect{})", i, signature(functions[i]));
  }
  return wasm::assemble(text + ")");
}

Result<std::vector<uint8_t>> fixup_module(const std::vector<FuncType>& functions) {
  std::string text = "(module";
  std::string list;
  for (size_t i = 0; i < functions.size(); ++i) {
    text += fmt::format("(import \"actual\" \"{}\" (func{}))", i, signature(functions[i]));
    list += fmt::format(" {}", i);
  }
  text += fmt::format("(import \"shim\" \"$imports\" (table {0} {0} funcref))", functions.size());
  return wasm::assemble(text + fmt::format("(elem (i32.const 0) func{}))", list));
}

Result<std::vector<uint8_t>> realloc_module() {
  return wasm::assemble(R"((module
    (import "env" "memory" (memory 0))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32)
          (param $size i32) (result i32)
      (local $new i32)
      (if (i32.le_u (local.get $size) (local.get $old_size))
        (then (return (local.get $old))))
      (local.set $new (memory.grow
        (i32.add (i32.shr_u (i32.sub (local.get $size) (i32.const 1)) (i32.const 16))
                 (i32.const 1))))
      (if (i32.eq (local.get $new) (i32.const -1)) (then (unreachable)))
      (local.set $new (i32.shl (local.get $new) (i32.const 16)))
      (memory.copy (local.get $new) (local.get $old) (local.get $old_size))
      (local.get $new))))");
}

Result<std::vector<uint8_t>> start_module() {
  return wasm::assemble("(module (import \"\" \"\" (func)) (start 0))");
}

Result<std::vector<uint8_t>> trap_module(const std::vector<FuncType>& functions) {
  std::string text = "(module";
  for (size_t i = 0; i < functions.size(); ++i)
    text += fmt::format("(func (export \"{}\"){} unreachable)", i, signature(functions[i]));
  return wasm::assemble(text + ")");
}

}  // namespace sedge::componentize
