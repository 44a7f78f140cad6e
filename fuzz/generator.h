// Makes a valid module out of any bytes: each byte is a choice, and past the last one every choice
// is 0. Plain operators come from op.def by their signature, so a new row is generated without a
// change here; control, calls, locals and exceptions are written by hand. Spec: "Instructions".
#ifndef SEDGE_FUZZ_GENERATOR_H_
#define SEDGE_FUZZ_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/choices.h"
#include "wasm/encode/encode.h"
#include "wasm/op.h"

namespace sedge::fuzz {

/// Types as letters, as op.def writes them: i I f F v.
struct Signature {
  std::string params;
  char result = 'i';
};

class Generator {
 public:
  explicit Generator(Choices& choices) : choices_(choices) {}

  /// Signatures of the exported functions "f0", "f1", …
  const std::vector<Signature>& functions() const { return functions_; }

  std::vector<uint8_t> module() {
    memory64_ = choices_.below(4) == 0;
    functions_.resize(1 + choices_.below(4));
    for (Signature& each : functions_) {
      for (uint32_t n = choices_.below(4); n > 0; --n) each.params += type();
      each.result = type();
    }
    wasm::Writer out;
    out.bytes(std::vector<uint8_t>{0, 'a', 's', 'm', 1, 0, 0, 0});
    section(out, 1, types());
    section(out, 3, each_function([](wasm::Writer& w, uint32_t i) { w.u32(i); }));
    section(out, 4, {1, 0x70, 1, kTableSize, kTableSize});
    section(out, 5, {1, static_cast<uint8_t>(memory64_ ? 5 : 1), 1, kMaxPages});
    section(out, 13, tag());
    section(out, 6, globals());
    section(out, 7, exports());
    section(out, 9, elements());
    section(out, 10, code());
    return out.take();
  }

 private:
  static constexpr char kTypes[] = {'i', 'I', 'f', 'F', 'v'};
  static constexpr uint8_t kTableSize = 8;
  static constexpr uint8_t kMaxPages = 4;
  static constexpr uint32_t kMaxDepth = 6;
  static constexpr uint32_t kMaxInstructions = 400;

  static uint8_t code_of(char type) {
    switch (type) {
      case 'i':
        return 0x7f;
      case 'I':
        return 0x7e;
      case 'f':
        return 0x7d;
      case 'F':
        return 0x7c;
      default:
        return 0x7b;
    }
  }
  static uint32_t index_of(char type) {
    return static_cast<uint32_t>(std::string_view(kTypes, 5).find(type));
  }
  char type() { return kTypes[choices_.below(5)]; }

  // Sections.

  static void section(wasm::Writer& out, uint8_t id, const std::vector<uint8_t>& content) {
    out.u8(id);
    out.u32(static_cast<uint32_t>(content.size()));
    out.bytes(content);
  }
  template <typename F>
  std::vector<uint8_t> each_function(F write) {
    wasm::Writer w;
    w.u32(static_cast<uint32_t>(functions_.size()));
    for (uint32_t i = 0; i < functions_.size(); ++i) write(w, i);
    return w.take();
  }
  /// Type i is that of function i; one more is that of the tag.
  std::vector<uint8_t> types() {
    wasm::Writer w;
    w.u32(static_cast<uint32_t>(functions_.size() + 1));
    for (const Signature& each : functions_) {
      w.u8(0x60);
      w.u32(static_cast<uint32_t>(each.params.size()));
      for (char param : each.params) w.u8(code_of(param));
      w.u32(1);
      w.u8(code_of(each.result));
    }
    w.bytes(std::vector<uint8_t>{0x60, 1, 0x7f, 0});
    return w.take();
  }
  std::vector<uint8_t> tag() {
    wasm::Writer w;
    w.u32(1);
    w.u8(0);
    w.u32(static_cast<uint32_t>(functions_.size()));
    return w.take();
  }
  /// One mutable global of each type, by index_of.
  std::vector<uint8_t> globals() {
    wasm::Writer w;
    w.u32(std::size(kTypes));
    for (char each : kTypes) {
      w.u8(code_of(each));
      w.u8(1);
      constant(w, each);
      w.u8(0x0b);
    }
    return w.take();
  }
  std::vector<uint8_t> exports() {
    wasm::Writer w;
    w.u32(static_cast<uint32_t>(functions_.size() + 1));
    w.name("memory");
    w.u8(2);
    w.u32(0);
    for (uint32_t i = 0; i < functions_.size(); ++i) {
      w.name("f" + std::to_string(i));
      w.u8(0);
      w.u32(i);
    }
    return w.take();
  }
  /// The table holds each function once; the rest is null.
  std::vector<uint8_t> elements() {
    wasm::Writer w;
    w.bytes(std::vector<uint8_t>{1, 0, 0x41, 0, 0x0b});
    w.u32(static_cast<uint32_t>(functions_.size()));
    for (uint32_t i = 0; i < functions_.size(); ++i) w.u32(i);
    return w.take();
  }
  std::vector<uint8_t> code() {
    return each_function([this](wasm::Writer& w, uint32_t i) {
      std::vector<uint8_t> body = function(functions_[i]);
      w.u32(static_cast<uint32_t>(body.size()));
      w.bytes(body);
    });
  }

  // Function bodies.

  std::vector<uint8_t> function(const Signature& signature) {
    body_ = wasm::Writer();
    stack_.clear();
    labels_.assign(1, signature.result);
    locals_ = signature.params + std::string(kTypes, 5);
    instructions_ = 0;
    body_.u32(std::size(kTypes));
    for (char each : kTypes) {
      body_.u32(1);
      body_.u8(code_of(each));
    }
    statements(0);
    produce(signature.result);
    finish(0, true);
    return body_.take();
  }

  void op(wasm::Op which) {
    const wasm::OpInfo& info = wasm::op_info(which);
    if (info.prefix != 0) {
      body_.u8(info.prefix);
      body_.u32(info.code);
    } else {
      body_.u8(static_cast<uint8_t>(info.code));
    }
  }
  void constant(wasm::Writer& w, char which) {
    uint64_t n = choices_.number();
    switch (which) {
      case 'i':
        w.u8(0x41);
        w.s64(static_cast<int32_t>(n));
        break;
      case 'I':
        w.u8(0x42);
        w.s64(static_cast<int64_t>(n));
        break;
      case 'f':
        w.u8(0x43);
        little_endian(w, n, 4);
        break;
      case 'F':
        w.u8(0x44);
        little_endian(w, n, 8);
        break;
      default:
        w.u8(0xfd);
        w.u32(12);
        little_endian(w, n, 8);
        little_endian(w, choices_.number(), 8);
    }
  }
  static void little_endian(wasm::Writer& w, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) w.u8(static_cast<uint8_t>(value >> (8 * i)));
  }

  /// Pushes a value of a type: a constant, a local or a global.
  void produce(char which) {
    uint32_t choice = choices_.below(4);
    if (choice == 0) {
      constant(body_, which);
    } else if (choice == 1) {
      op(wasm::Op::global_get);
      body_.u32(index_of(which));
    } else {
      op(wasm::Op::local_get);
      body_.u32(local(which));
    }
    stack_ += which;
  }
  /// An address that is usually within memory.
  void produce_address() {
    char which = address();
    if (choices_.below(4) == 0) return produce(which);
    body_.u8(which == 'I' ? 0x42 : 0x41);
    body_.s64(static_cast<int64_t>(choices_.below(65536)));
    stack_ += which;
  }
  char address() const { return memory64_ ? 'I' : 'i'; }
  uint32_t local(char which) {
    std::vector<uint32_t> fitting;
    for (uint32_t i = 0; i < locals_.size(); ++i) {
      if (locals_[i] == which) fitting.push_back(i);
    }
    return fitting[choices_.below(static_cast<uint32_t>(fitting.size()))];
  }
  /// Has the operands on top of the stack: uses what is there if it fits, else pushes them all.
  void operands(std::string_view wanted, size_t floor) {
    std::string types(wanted);
    for (char& each : types) {
      if (each == 'a') each = address();
    }
    bool there = stack_.size() >= floor + types.size() && stack_.ends_with(types);
    if (!there) {
      for (char each : wanted) each == 'a' ? produce_address() : produce(each);
    }
    stack_.resize(stack_.size() - types.size());
  }

  /// Drops what is above `floor`, keeping the topmost value if `keep`, and writes `end`.
  void finish(size_t floor, bool keep) {
    char top = keep ? stack_.back() : 0;
    uint32_t index = 0;
    if (keep && stack_.size() > floor + 1) {
      index = static_cast<uint32_t>(locals_.size() - 5) + index_of(top);
      op(wasm::Op::local_set);
      body_.u32(index);
      stack_.pop_back();
      while (stack_.size() > floor) drop();
      op(wasm::Op::local_get);
      body_.u32(index);
    } else {
      while (stack_.size() > floor + (keep ? 1 : 0)) drop();
    }
    op(wasm::Op::end);
    stack_.resize(floor);
  }
  void drop() {
    op(wasm::Op::drop);
    stack_.pop_back();
  }

  void statements(uint32_t depth) {
    size_t floor = stack_.size();
    uint32_t count = 1 + choices_.below(24);
    for (uint32_t i = 0; i < count && !choices_.empty(); ++i) {
      if (++instructions_ > kMaxInstructions) return;
      switch (choices_.below(16)) {
        case 0:
          if (depth < kMaxDepth) block(depth);
          break;
        case 1:
          if (depth < kMaxDepth) conditional(depth);
          break;
        case 2:
          branch(floor);
          break;
        case 3:
          call(floor);
          break;
        case 4:
          assign(floor);
          break;
        case 5:
          if (depth < kMaxDepth) guarded(depth);
          break;
        case 6:
          leave(floor);
          break;
        default:
          plain(floor);
      }
    }
  }

  /// block or loop with no value or one.
  void block(uint32_t depth) {
    size_t floor = stack_.size();
    bool loop = choices_.below(2) == 0;
    char result = choices_.below(2) == 0 ? type() : 0;
    op(loop ? wasm::Op::loop : wasm::Op::block);
    body_.u8(result != 0 ? code_of(result) : 0x40);
    labels_.push_back(loop ? 0 : result);
    statements(depth + 1);
    if (result != 0) produce(result);
    finish(floor, result != 0);
    labels_.pop_back();
    if (result != 0) stack_ += result;
  }
  void conditional(uint32_t depth) {
    operands("i", stack_.size());
    size_t floor = stack_.size();
    char result = choices_.below(2) == 0 ? type() : 0;
    op(wasm::Op::if_);
    body_.u8(result != 0 ? code_of(result) : 0x40);
    labels_.push_back(result);
    statements(depth + 1);
    if (result != 0) {
      // `else` closes the first arm as `end` would.
      produce(result);
      uint32_t scratch = static_cast<uint32_t>(locals_.size() - 5) + index_of(result);
      op(wasm::Op::local_set);
      body_.u32(scratch);
      stack_.pop_back();
      while (stack_.size() > floor) drop();
      op(wasm::Op::local_get);
      body_.u32(scratch);
      op(wasm::Op::else_);
      statements(depth + 1);
      produce(result);
    }
    finish(floor, result != 0);
    labels_.pop_back();
    if (result != 0) stack_ += result;
  }
  /// block (result i32) (try_table (catch 0 0) …) … end: what is thrown inside ends here.
  void guarded(uint32_t depth) {
    size_t floor = stack_.size();
    op(wasm::Op::block);
    body_.u8(0x7f);
    labels_.push_back('i');
    op(wasm::Op::try_table);
    body_.u8(0x40);
    body_.bytes(std::vector<uint8_t>{1, 0, 0, 0});
    labels_.push_back(0);
    statements(depth + 1);
    finish(floor, false);
    labels_.pop_back();
    produce('i');
    finish(floor, true);
    labels_.pop_back();
    stack_ += 'i';
  }
  uint32_t label() { return choices_.below(static_cast<uint32_t>(labels_.size())); }
  char label_type(uint32_t depth) const { return labels_[labels_.size() - 1 - depth]; }

  void branch(size_t floor) {
    uint32_t target = label();
    char value = label_type(target);
    if (value != 0) {
      operands(std::string_view(&value, 1), floor);
      stack_ += value;
    }
    produce('i');
    stack_.pop_back();
    op(wasm::Op::br_if);
    body_.u32(target);
  }
  /// if … end around something that never comes back: br, br_table, throw, return, a tail call.
  void leave(size_t floor) {
    operands("i", floor);
    op(wasm::Op::if_);
    body_.u8(0x40);
    labels_.push_back(0);
    size_t inside = stack_.size();
    switch (choices_.below(4)) {
      case 0: {
        produce('i');
        op(wasm::Op::throw_);
        body_.u32(0);
        break;
      }
      case 1: {
        uint32_t target = label();
        if (label_type(target) != 0) produce(label_type(target));
        op(wasm::Op::br);
        body_.u32(target);
        break;
      }
      case 2: {
        uint32_t target = label();
        if (label_type(target) != 0) produce(label_type(target));
        produce('i');
        op(wasm::Op::br_table);
        uint32_t count = choices_.below(4);
        body_.u32(count);
        for (uint32_t i = 0; i < count; ++i) body_.u32(same_type(target));
        body_.u32(target);
        break;
      }
      default: {
        uint32_t callee = choices_.below(static_cast<uint32_t>(functions_.size()));
        if (functions_[callee].result == labels_.front()) {
          for (char each : functions_[callee].params) produce(each);
          op(wasm::Op::return_call);
          body_.u32(callee);
        } else {
          produce(labels_.front());
          op(wasm::Op::return_);
        }
      }
    }
    op(wasm::Op::end);
    stack_.resize(inside);
    labels_.pop_back();
  }
  /// A label with the same type as `target`.
  uint32_t same_type(uint32_t target) {
    uint32_t other = label();
    return label_type(other) == label_type(target) ? other : target;
  }

  void call(size_t floor) {
    uint32_t callee = choices_.below(static_cast<uint32_t>(functions_.size()));
    operands(functions_[callee].params, floor);
    if (choices_.below(2) == 0) {
      op(wasm::Op::call);
      body_.u32(callee);
    } else {
      body_.u8(0x41);
      body_.s64(choices_.below(kTableSize + 1));
      op(wasm::Op::call_indirect);
      body_.u32(callee);
      body_.u32(0);
    }
    stack_ += functions_[callee].result;
  }
  void assign(size_t floor) {
    char which = type();
    operands(std::string_view(&which, 1), floor);
    switch (choices_.below(3)) {
      case 0:
        op(wasm::Op::local_set);
        body_.u32(local(which));
        break;
      case 1:
        op(wasm::Op::local_tee);
        body_.u32(local(which));
        stack_ += which;
        break;
      default:
        op(wasm::Op::global_set);
        body_.u32(index_of(which));
    }
  }

  /// Any operator whose signature is a row's.
  void plain(size_t floor) {
    auto which = static_cast<wasm::Op>(choices_.below(static_cast<uint32_t>(wasm::kOpCount)));
    const wasm::OpInfo& info = wasm::op_info(which);
    size_t colon = info.signature.find(':');
    if (colon == std::string_view::npos || !known(info.imm)) return;
    operands(info.signature.substr(0, colon), floor);
    if (is_constant(info.imm)) {
      constant(body_, info.signature[colon + 1]);
    } else {
      op(which);
      immediate(info);
    }
    for (char each : info.signature.substr(colon + 1)) stack_ += each == 'a' ? address() : each;
  }
  static bool is_constant(wasm::Imm imm) {
    using enum wasm::Imm;
    return imm == i32 || imm == i64 || imm == f32 || imm == f64 || imm == v128;
  }
  static bool known(wasm::Imm imm) {
    using enum wasm::Imm;
    return is_constant(imm) || imm == none || imm == mem_arg || imm == mem_arg_lane ||
           imm == lane || imm == shuffle || imm == memory || imm == memory_memory || imm == fence;
  }
  void immediate(const wasm::OpInfo& info) {
    using enum wasm::Imm;
    switch (info.imm) {
      case mem_arg:
      case mem_arg_lane:
        body_.u32((info.flags & wasm::kAtomic) != 0 ? info.aux : choices_.below(info.aux + 1u));
        body_.u64(choices_.below(8) == 0 ? choices_.number() & 0xffffffff : choices_.below(64));
        if (info.imm == mem_arg_lane) body_.u8(static_cast<uint8_t>(lane_below(16 >> info.aux)));
        break;
      case lane:
        body_.u8(static_cast<uint8_t>(lane_below(info.aux)));
        break;
      case shuffle:
        for (int i = 0; i < 16; ++i) body_.u8(static_cast<uint8_t>(choices_.below(32)));
        break;
      case memory_memory:
        body_.u8(0);
        body_.u8(0);
        break;
      case memory:
      case fence:
        body_.u8(0);
        break;
      default:
        break;
    }
  }
  uint32_t lane_below(uint32_t lanes) { return choices_.below(lanes == 0 ? 1 : lanes); }

  Choices& choices_;
  bool memory64_ = false;
  std::vector<Signature> functions_;
  // of the function that is being written
  wasm::Writer body_;
  std::string stack_;         // types of the operands
  std::string locals_;        // types; the last five are one of each type
  std::vector<char> labels_;  // type that a branch carries, 0 for none; outermost first
  uint32_t instructions_ = 0;
};

}  // namespace sedge::fuzz

#endif  // SEDGE_FUZZ_GENERATOR_H_
