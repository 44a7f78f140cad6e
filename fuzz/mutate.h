// Changes one instruction of a module into another of the same type, so that most of what comes out
// is still valid and does something else.
#ifndef SEDGE_FUZZ_MUTATE_H_
#define SEDGE_FUZZ_MUTATE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/generator.h"
#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/op.h"

namespace sedge::fuzz {

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  /// Empty if `binary` is no module or has nothing to change.
  std::vector<uint8_t> mutate(Bytes binary) {
    auto decoded = wasm::decode(binary, nullptr);
    if (!decoded || decoded->funcs.empty()) return {};
    module_ = &*decoded;
    bool changed = false;
    for (uint32_t n = 1 + below(3); n > 0; --n)
      changed |= function(module_->funcs[below(static_cast<uint32_t>(module_->funcs.size()))]);
    if (!changed) return {};
    module_->branch_hints.clear();
    return wasm::encode(*module_);
  }

 private:
  struct Place {
    size_t from, to;
    wasm::Op op;
    uint32_t index;
  };

  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  bool function(wasm::Func& func) {
    std::vector<Place> places;
    wasm::InstrReader reader(func.body.bytes, 0);
    wasm::Instr instr;
    for (uint64_t from = 0; !reader.at_end(); from = reader.offset()) {
      if (!reader.next(instr)) return false;
      places.push_back({from, reader.offset(), instr.op, instr.index});
    }
    for (int tries = 0; tries < 20 && !places.empty(); ++tries) {
      const Place& place = places[below(static_cast<uint32_t>(places.size()))];
      wasm::Writer out;
      if (!replace(out, func, place)) continue;
      std::vector<uint8_t> body(func.body.bytes.begin(), func.body.bytes.end());
      const auto at = body.begin() + static_cast<ptrdiff_t>(place.from);
      body.erase(at, body.begin() + static_cast<ptrdiff_t>(place.to));
      body.insert(body.begin() + static_cast<ptrdiff_t>(place.from), out.out().begin(),
                  out.out().end());
      auto kept = std::make_shared<const std::vector<uint8_t>>(std::move(body));
      func.body = {*kept, 0};
      module_->storage.push_back(kept);
      return true;
    }
    return false;
  }

  /// Writes what takes the place of an instruction.
  bool replace(wasm::Writer& out, const wasm::Func& func, const Place& place) {
    using wasm::Imm;
    const wasm::OpInfo info = wasm::op_info(place.op);
    const Bytes old = func.body.bytes.subspan(place.from, place.to - place.from);
    switch (info.imm) {
      case Imm::i32:
      case Imm::i64:
        opcode(out, info);
        out.s64(info.imm == Imm::i32 ? static_cast<int32_t>(number())
                                     : static_cast<int64_t>(number()));
        return true;
      case Imm::f32:
      case Imm::f64: {
        opcode(out, info);
        const uint64_t bits = number();
        for (int i = 0; i < (info.imm == Imm::f32 ? 4 : 8); ++i)
          out.u8(static_cast<uint8_t>(bits >> (8 * i)));
        return true;
      }
      case Imm::local:
        opcode(out, info);
        out.u32(other_local(func, place.index));
        return true;
      case Imm::label:
        opcode(out, info);
        out.u32(below(2) == 0 ? place.index + 1 : place.index - (place.index > 0));
        return true;
      case Imm::func: {
        if (place.index >= module_->func_count()) return false;  // it is not valid
        std::vector<uint32_t> alike;
        for (uint32_t i = 0; i < module_->func_count(); ++i)
          if (module_->func_type_index(i) == module_->func_type_index(place.index))
            alike.push_back(i);
        opcode(out, info);
        out.u32(alike[below(static_cast<uint32_t>(alike.size()))]);
        return true;
      }
      default:
        break;
    }
    const std::vector<wasm::Op>& alike = same_type(info);
    if (alike.size() < 2) return false;
    if (below(8) == 0 && info.signature.find(':') == 1 && info.signature.size() == 3 &&
        info.signature[0] == info.signature[2] && info.imm == Imm::none) {
      out.bytes(old);  // and another one behind it
    }
    const wasm::OpInfo next = wasm::op_info(alike[below(static_cast<uint32_t>(alike.size()))]);
    opcode(out, next);
    wasm::Writer prefix;
    opcode(prefix, info);
    std::vector<uint8_t> rest(old.begin() + static_cast<ptrdiff_t>(prefix.size()), old.end());
    if (rest.empty()) return true;
    if (info.imm == Imm::mem_arg || info.imm == Imm::mem_arg_lane) {
      const bool atomic = (next.flags & wasm::kAtomic) != 0;
      const uint32_t align = rest[0] & 0x3f;
      rest[0] = static_cast<uint8_t>((rest[0] & 0x40) |
                                     (atomic ? next.aux : std::min<uint32_t>(align, next.aux)));
    }
    if (info.imm == Imm::mem_arg_lane) rest.back() %= static_cast<uint8_t>(16 >> next.aux);
    if (info.imm == Imm::lane) rest.back() %= next.aux;
    out.bytes(rest);
    return true;
  }

  uint64_t number() {
    std::vector<uint8_t> bytes(12);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    return Choices(bytes.data(), bytes.size()).number();
  }
  static void opcode(wasm::Writer& out, const wasm::OpInfo& info) {
    if (info.prefix == 0) return out.u8(static_cast<uint8_t>(info.code));
    out.u8(info.prefix);
    out.u32(info.code);
  }
  uint32_t other_local(const wasm::Func& func, uint32_t index) {
    if (func.type_index >= module_->types.size()) return index;
    std::vector<ValType> types = module_->types[func.type_index].func.params;
    for (const wasm::LocalRun& run : func.locals) types.insert(types.end(), run.count, run.type);
    if (index >= types.size()) return index;
    std::vector<uint32_t> alike;
    for (uint32_t i = 0; i < types.size(); ++i)
      if (types[i] == types[index]) alike.push_back(i);
    return alike[below(static_cast<uint32_t>(alike.size()))];
  }
  /// Operators with the signature and the immediates of this one.
  static const std::vector<wasm::Op>& same_type(const wasm::OpInfo& info) {
    using Key = std::pair<std::string_view, wasm::Imm>;
    static const std::map<Key, std::vector<wasm::Op>> all = [] {
      std::map<Key, std::vector<wasm::Op>> made;
      for (size_t i = 0; i < wasm::kOpCount; ++i) {
        const wasm::OpInfo each = wasm::op_info(static_cast<wasm::Op>(i));
        if (each.signature.find(':') != each.signature.npos)
          made[{each.signature, each.imm}].push_back(static_cast<wasm::Op>(i));
      }
      return made;
    }();
    static const std::vector<wasm::Op> none;
    const auto found = all.find({info.signature, info.imm});
    return found == all.end() ? none : found->second;
  }

  std::mt19937 random_;
  wasm::Module* module_ = nullptr;
};

}  // namespace sedge::fuzz

#endif  // SEDGE_FUZZ_MUTATE_H_
