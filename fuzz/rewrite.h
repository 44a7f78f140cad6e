// A module made comparable: every NaN whose bits the specification leaves open is replaced by one
// fixed NaN before anything can look at its bits, and everything that a run changes is exported.
// Spec: "Numerics", "NaN Propagation".
#ifndef SEDGE_FUZZ_REWRITE_H_
#define SEDGE_FUZZ_REWRITE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wasm/encode/encode.h"
#include "wasm/module.h"
#include "wasm/op.h"

namespace sedge::fuzz {

/// Whether the NaNs of floating-point operators are fixed where they come into being, or as late as
/// before an operator that shows their bits, so that chains of arithmetic stay as they are.
enum class Nans : uint8_t { at_once, late };

class Rewriter {
 public:
  /// `module` must be valid.
  static std::vector<uint8_t> rewrite(wasm::Module module, Nans nans) {
    return Rewriter(module, nans).run();
  }
  /// Of what is exported in addition, with an index behind it.
  static constexpr std::string_view kMemory = "fuzz memory ", kGlobal = "fuzz global ";

 private:
  /// Types of scratch locals and what is compared with what.
  enum Kind : uint8_t { f32, f64, f32x4, f64x2, kinds };

  struct Places {
    std::optional<Kind> before, after;
  };
  static Places places_of(wasm::Op op, Nans nans) {
    static const std::vector<std::array<Places, 2>> table = [] {
      std::vector<std::array<Places, 2>> made(wasm::kOpCount);
      for (size_t i = 0; i < wasm::kOpCount; ++i)
        for (Nans nans : {Nans::at_once, Nans::late})
          made[i][static_cast<size_t>(nans)] =
              classify(wasm::op_info(static_cast<wasm::Op>(i)), nans);
      return made;
    }();
    return table[static_cast<size_t>(op)][static_cast<size_t>(nans)];
  }
  static Places classify(const wasm::OpInfo& info, Nans nans) {
    static constexpr std::string_view kArithmetic[] = {"ceil",
                                                       "floor",
                                                       "trunc",
                                                       "nearest",
                                                       "sqrt",
                                                       "add",
                                                       "sub",
                                                       "mul",
                                                       "div",
                                                       "min",
                                                       "max",
                                                       "demote_f64",
                                                       "promote_f32",
                                                       "relaxed_madd",
                                                       "relaxed_nmadd",
                                                       "relaxed_min",
                                                       "relaxed_max",
                                                       "demote_f64x2_zero",
                                                       "promote_low_f32x4"};
    const std::string_view text = info.mnemonic;
    const size_t dot = text.find('.');
    if (dot == text.npos) return {};
    const std::string_view shape = text.substr(0, dot), what = text.substr(dot + 1);
    if (std::ranges::find(kArithmetic, what) != std::end(kArithmetic)) {
      if (shape == "f32x4") return {{}, f32x4};
      if (shape == "f64x2") return {{}, f64x2};
      if (shape == "f32" && nans == Nans::at_once) return {{}, f32};
      if (shape == "f64" && nans == Nans::at_once) return {{}, f64};
      return {};
    }
    if (nans == Nans::at_once) return {};
    if (text == "i32.reinterpret_f32") return {f32, {}};
    if (text == "i64.reinterpret_f64") return {f64, {}};
    if (what == "store" || what == "copysign") {
      if (shape == "f32") return {f32, {}};
      if (shape == "f64") return {f64, {}};
    }
    if (what == "splat" || what == "replace_lane") {
      if (shape == "f32x4") return {f32, {}};
      if (shape == "f64x2") return {f64, {}};
    }
    return {};
  }

  Rewriter(wasm::Module& module, Nans nans) : module_(module), nans_(nans) {}

  std::vector<uint8_t> run() {
    for (uint32_t i = 0; i < module_.funcs.size(); ++i) function(i);
    auto show = [this](std::string_view prefix, ExternKind kind, uint32_t index) {
      names_.push_back(std::make_unique<std::string>(std::string(prefix) + std::to_string(index)));
      module_.exports.push_back({*names_.back(), kind, index, 0});
    };
    for (uint32_t i = 0; i < module_.memory_count(); ++i) show(kMemory, ExternKind::memory, i);
    for (uint32_t i = 0; i < module_.global_count(); ++i) show(kGlobal, ExternKind::global, i);
    // Offsets into bodies, which have moved.
    module_.branch_hints.clear();
    std::erase_if(module_.customs, [](const wasm::CustomSection&) { return true; });
    return wasm::encode(module_);
  }

  void function(uint32_t number) {
    wasm::Func& func = module_.funcs[number];
    uint32_t local = static_cast<uint32_t>(module_.types[func.type_index].func.params.size());
    for (const wasm::LocalRun& run : func.locals) local += run.count;
    wasm::Writer out;
    bool used[kinds] = {};
    wasm::InstrReader reader(func.body.bytes, 0);
    wasm::Instr instr;
    for (uint64_t from = 0; !reader.at_end(); from = reader.offset()) {
      if (!reader.next(instr)) return;
      const Places places = places_of(instr.op, nans_);
      auto fix = [&](std::optional<Kind> kind) {
        if (!kind) return;
        used[*kind] = true;
        canonicalize(out, *kind, local + (*kind == f32 ? 0 : *kind == f64 ? 1 : 2));
      };
      fix(places.before);
      out.bytes(func.body.bytes.subspan(from, reader.offset() - from));
      fix(places.after);
    }
    if (std::ranges::none_of(used, std::identity())) return;
    for (ValType type : {ValType::f32, ValType::f64, ValType::v128})
      func.locals.push_back({1, type});
    auto bytes = std::make_shared<const std::vector<uint8_t>>(out.take());
    func.body = {*bytes, 0};
    module_.storage.push_back(bytes);
  }

  static void op(wasm::Writer& out, wasm::Op which) {
    const wasm::OpInfo info = wasm::op_info(which);
    if (info.prefix == 0) return out.u8(static_cast<uint8_t>(info.code));
    out.u8(info.prefix);
    out.u32(info.code);
  }
  /// x, then NaN, then x == x: select or bitselect.
  static void canonicalize(wasm::Writer& out, Kind kind, uint32_t local) {
    static constexpr uint8_t k32[] = {0, 0, 0xc0, 0x7f}, k64[] = {0, 0, 0, 0, 0, 0, 0xf8, 0x7f};
    op(out, wasm::Op::local_tee);
    out.u32(local);
    const wasm::Op constants[] = {wasm::Op::f32_const, wasm::Op::f64_const, wasm::Op::v128_const,
                                  wasm::Op::v128_const};
    op(out, constants[kind]);
    const bool narrow = kind == f32 || kind == f32x4;
    for (int n = kind == f32 || kind == f64 ? 1 : narrow ? 4 : 2; n > 0; --n)
      out.bytes(narrow ? Bytes(k32) : Bytes(k64));
    for (int i = 0; i < 2; ++i) {
      op(out, wasm::Op::local_get);
      out.u32(local);
    }
    const wasm::Op equal[] = {wasm::Op::f32_eq, wasm::Op::f64_eq, wasm::Op::f32x4_eq,
                              wasm::Op::f64x2_eq};
    op(out, equal[kind]);
    op(out, kind == f32 || kind == f64 ? wasm::Op::select : wasm::Op::v128_bitselect);
  }

  wasm::Module& module_;
  const Nans nans_;
  std::vector<std::unique_ptr<std::string>> names_;
};

}  // namespace sedge::fuzz

#endif  // SEDGE_FUZZ_REWRITE_H_
