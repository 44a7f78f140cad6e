// Every pure operator of op.def in baseline code against its eval function, on edge values. Each
// operator is compiled in many surroundings: operands in locals, temporaries, cells and constants,
// the result kept, put into an operand's local, or branched on; so that each path of its emitter
// runs.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "baseline/common/target.h"
#include "runtime/op_helper.h"
#include "vm/layout.h"
#include "wasm/op.h"

namespace sedge {
namespace {

using wasm::Imm;
using wasm::Op;
using wasm::OpInfo;

struct Value {
  uint64_t low = 0, high = 0;
};

const char* type_name(char letter) {
  switch (letter) {
    case 'i':
      return "i32";
    case 'I':
      return "i64";
    case 'f':
      return "f32";
    case 'F':
      return "f64";
    default:
      return "v128";
  }
}
size_t cells(char letter) { return letter == 'v' ? 2 : 1; }

std::vector<Value> edges(char letter) {
  std::vector<Value> out;
  auto add = [&](std::initializer_list<uint64_t> list) {
    for (uint64_t bits : list) out.push_back({bits, 0});
  };
  switch (letter) {
    case 'i':
      add({0, 1, 5, 31, 33, 0x7f, 0x80, 0x8000, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff});
      break;
    case 'I':
      add({0, 1, 5, 63, 65, 0x80, 0x8000, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 0x1'0000'0000,
           0x7fff'ffff'ffff'ffff, 0x8000'0000'0000'0000, 0x8000'0000'0000'0001, UINT64_MAX});
      break;
    case 'f':
      add({0,
           0x8000'0000,
           0x3f80'0000,
           0xbf80'0000,
           0x3f00'0000,
           0xbf7f'ffff,
           0x4020'0000,
           0x4eff'ffff,
           0x4f00'0000,
           0xcf00'0000,
           0xcf00'0001,
           0x4f7f'ffff,
           0x4f80'0000,
           0x5f00'0000,
           0xdf00'0000,
           0xdf00'0001,
           0x5f7f'ffff,
           0x5f80'0000,
           0x7f80'0000,
           0xff80'0000,
           0x7fc0'0000,
           0xffa0'0001,
           1});
      break;
    case 'F':
      add({0,
           0x8000'0000'0000'0000,
           0x3ff0'0000'0000'0000,
           0xbfef'ffff'ffff'ffff,
           0xbff0'0000'0000'0000,
           0x3fe0'0000'0000'0000,
           0x4004'0000'0000'0000,
           0x41df'ffff'ffff'ffff,
           0x41e0'0000'0000'0000,
           0xc1e0'0000'001f'ffff,
           0xc1e0'0000'0020'0000,
           0x41ef'ffff'ffff'ffff,
           0x41f0'0000'0000'0000,
           0x43df'ffff'ffff'ffff,
           0x43e0'0000'0000'0000,
           0xc3e0'0000'0000'0000,
           0xc3e0'0000'0000'0001,
           0x43ef'ffff'ffff'ffff,
           0x43f0'0000'0000'0000,
           0x7ff0'0000'0000'0000,
           0xfff0'0000'0000'0000,
           0x7ff8'0000'0000'0000,
           0xfff4'0000'0000'0001,
           0x36a0'0000'0000'0001,
           1});
      break;
    default: {
      out = {{0, 0},
             {UINT64_MAX, UINT64_MAX},
             {0x8000'0000'8000'0000, 0x8000'0000'0000'0000},
             {0x7f80'8000'7fff'8001, 0x0001'ff7f'00ff'8080},
             {0x0706'0504'0302'0100, 0x1f0e'0d0c'100a'0908},
             {0x3f80'0000'bf80'0000, 0x4f00'0000'cf00'0001},
             {0x7fc0'0000'ffa0'0001, 0x7f80'0000'ff80'0000},
             {0x3ff8'0000'0000'0000, 0xc1e0'0000'0020'0000},
             {0x7ff8'0000'0000'0000, 0xfff4'0000'0000'0001},
             {0x43ef'ffff'ffff'ffff, 0x7ff0'0000'0000'0000}};
      uint64_t bits = 7;  // something of everything
      auto next = [&bits] { return bits = bits * 6364136223846793005 + 1442695040888963407; };
      for (int i = 0; i < 4; ++i) out.push_back({next(), next()});
      break;
    }
  }
  return out;
}

/// Operators whose result may be another NaN than the eval function's.
bool nan_may_differ(std::string_view name) {
  for (auto part : {"add", "sub", "mul", "div", "min", "max", "sqrt", "ceil", "floor", "trunc",
                    "nearest", "demote", "promote"})
    if (name.contains(part)) return true;
  return false;
}
bool is_nan(uint64_t bits, bool is_double) {
  return is_double ? (bits & ~(uint64_t{1} << 63)) > 0x7ff0'0000'0000'0000
                   : (bits & 0x7fff'ffff) > 0x7f80'0000;
}
/// Both NaN, or equal; lane by lane.
bool same_lanes(uint64_t a, uint64_t b, bool is_double) {
  if (is_double) return a == b || (is_nan(a, true) && is_nan(b, true));
  for (unsigned shift : {0u, 32u}) {
    const uint64_t x = a >> shift & UINT32_MAX, y = b >> shift & UINT32_MAX;
    if (x != y && !(is_nan(x, false) && is_nan(y, false))) return false;
  }
  return true;
}

/// The functions that one operator is compiled in.
class Surroundings {
 public:
  Surroundings(const OpInfo& info, unsigned variant) : info_(info), variant_(variant) {
    const size_t colon = info.signature.find(':');
    operands_ = info.signature.substr(0, colon);
    results_ = info.signature.substr(colon + 1);
  }

  struct Shape {
    std::string name;
    Value constant;           ///< where `fixed` is an operand
    size_t fixed = SIZE_MAX;  ///< this operand is a constant
    bool twice = false;       ///< every operand is the first
    bool condition = false;   ///< the result is tested
  };
  const std::vector<Shape>& shapes() const { return shapes_; }

  std::string module() {
    std::string out = "(module\n";
    for (char letter : {'i', 'I', 'f', 'F', 'v'}) {
      out += fmt::format("(func $keep_{0} (param {0}) (result {0}) (local.get 0))\n",
                         type_name(letter));
    }
    std::vector<std::string> locals, temporaries, kept, first;
    for (size_t i = 0; i < operands_.size(); ++i) {
      locals.push_back(fmt::format("(local.get {})", i));
      temporaries.push_back(temporary(operands_[i], locals[i]));
      kept.push_back(fmt::format("(call $keep_{} (local.get {}))", type_name(operands_[i]), i));
      first.push_back("(local.get 0)");
    }
    add(out, {"locals"}, operation(locals));
    add(out, {"temporaries"}, operation(temporaries));
    add(out, {"cells"}, operation(kept));
    std::vector<std::string> mixed = kept;
    mixed[0] = locals[0];
    add(out, {"local and cells"}, operation(mixed));
    mixed = locals;
    mixed[0] = temporaries[0];
    add(out, {"temporary and locals"}, operation(mixed));
    mixed = locals;
    mixed.back() = temporaries.back();
    add(out, {"locals and temporary"}, operation(mixed));
    if (results_.size() == 1) {
      for (size_t i = 0; i < operands_.size(); ++i) {
        if (operands_[i] != results_[0]) continue;
        add(out, {fmt::format("into operand {}", i)},
            fmt::format("(local.set {0} {1}) (local.get {0})", i, operation(locals)));
        add(out, {fmt::format("temporaries into operand {}", i)},
            fmt::format("{0} (local.set {1} {2}) drop (local.get {1})", locals[i], i,
                        operation(temporaries)));
      }
      add(out, {"under pressure"},
          fmt::format("{0}{0}{0}{0}{0}{0}{0} {1} (local.set {2}) drop drop drop drop drop drop "
                      "drop (local.get {2})",
                      temporaries[0], operation(temporaries), operands_.size()));
    }
    const std::string_view letters = operands_;
    if (letters.find_first_not_of(letters[0]) == std::string_view::npos && letters.size() > 1)
      add(out, {.name = "twice", .twice = true}, operation(first));
    if (results_ == "i") {
      add(out, {.name = "if", .condition = true},
          fmt::format("(if (result i32) {} (then (i32.const 1)) (else (i32.const 0)))",
                      operation(locals)));
      add(out, {.name = "if not", .condition = true},
          fmt::format("(if (result i32) (i32.eqz {}) (then (i32.const 0)) (else (i32.const 1)))",
                      operation(locals)));
      add(out, {.name = "br_if", .condition = true},
          fmt::format("(block (br_if 0 {}) (return (i32.const 0))) (i32.const 1)",
                      operation(temporaries)));
      add(out, {.name = "select", .condition = true},
          fmt::format("(select (i32.const 1) (i32.const 0) {})", operation(locals)));
    }
    for (size_t i = 0; i < operands_.size(); ++i) {
      for (const Value& value : edges(operands_[i])) {
        mixed = locals;
        mixed[i] = constant(operands_[i], value);
        add(out, {.name = "constant", .constant = value, .fixed = i}, operation(mixed));
      }
    }
    return out + ")";
  }

  std::string_view operands() const { return operands_; }
  std::string_view results() const { return results_; }
  /// Lane number, or the address of the shuffle's lanes.
  uint64_t immediate() const {
    return info_.imm == Imm::shuffle ? reinterpret_cast<uint64_t>(kShuffles[variant_]) : lane();
  }
  static constexpr unsigned kVariants = 3;

 private:
  static constexpr uint8_t kShuffles[kVariants][16] = {
      {0, 17, 2, 19, 31, 30, 29, 28, 8, 8, 8, 8, 16, 15, 14, 1},
      {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
      {16, 18, 20, 22, 24, 26, 28, 30, 17, 19, 21, 23, 25, 27, 29, 31}};

  uint64_t lane() const {
    if (info_.imm != Imm::lane) return 0;
    return variant_ == 0 ? 0 : variant_ == 1 ? info_.aux - 1u : info_.aux / 2u;
  }

  std::string operation(const std::vector<std::string>& operands) const {
    std::string out = fmt::format("({}", info_.mnemonic);
    if (info_.imm == Imm::lane) out += fmt::format(" {}", lane());
    if (info_.imm == Imm::shuffle)
      for (uint8_t number : kShuffles[variant_]) out += fmt::format(" {}", number);
    for (const std::string& operand : operands) out += " " + operand;
    return out + ")";
  }
  static std::string temporary(char letter, const std::string& value) {
    switch (letter) {
      case 'i':
        return fmt::format("(i32.xor {} (i32.const 0))", value);
      case 'I':
        return fmt::format("(i64.xor {} (i64.const 0))", value);
      case 'f':
        return fmt::format("(f32.reinterpret_i32 (i32.reinterpret_f32 {}))", value);
      case 'F':
        return fmt::format("(f64.reinterpret_i64 (i64.reinterpret_f64 {}))", value);
      default:
        return fmt::format("(v128.or {} (v128.const i64x2 0 0))", value);
    }
  }
  static std::string constant(char letter, const Value& value) {
    switch (letter) {
      case 'i':
        return fmt::format("(i32.const {:#x})", value.low);
      case 'I':
        return fmt::format("(i64.const {:#x})", value.low);
      case 'f':
        return fmt::format("(f32.reinterpret_i32 (i32.const {:#x}))", value.low);
      case 'F':
        return fmt::format("(f64.reinterpret_i64 (i64.const {:#x}))", value.low);
      default:
        return fmt::format("(v128.const i64x2 {:#x} {:#x})", value.low, value.high);
    }
  }
  void add(std::string& out, Shape shape, const std::string& body) {
    out += fmt::format("(func (export \"{}\")", shapes_.size());
    for (char letter : operands_) out += fmt::format(" (param {})", type_name(letter));
    for (char letter : results_) out += fmt::format(" (result {})", type_name(letter));
    if (results_.size() == 1) out += fmt::format(" (local {})", type_name(results_[0]));
    out += " " + body + ")\n";
    shapes_.push_back(std::move(shape));
  }

  const OpInfo& info_;
  unsigned variant_;
  std::string_view operands_, results_;
  std::vector<Shape> shapes_;
};

/// The helper of `op` on these operands: cells of the results, or the trap.
std::vector<uint64_t> expected(Op op, std::string_view operands, const std::vector<Value>& values,
                               uint64_t immediate, wasm::TrapCode& trap) {
  std::vector<uint64_t> frame;
  for (size_t i = 0; i < operands.size(); ++i) {
    frame.push_back(values[i].low);
    if (cells(operands[i]) == 2) frame.push_back(values[i].high);
  }
  frame.resize(16);
  vm::Context context;
  trap = wasm::TrapCode::none;
  if (runtime::kOpHelpers[static_cast<size_t>(op)](&context, frame.data(), immediate) !=
      vm::Exit::returned)
    trap = context.trap;
  return frame;
}

class BaselineOps : public testing::Test {
 protected:
  void check(Op op, const OpInfo& info, unsigned variant) {
    Surroundings made(info, variant);
    auto module = Module::from_text(*engine_, made.module());
    ASSERT_TRUE(module) << module.error().render();
    Store store(*engine_);
    auto instance = Instance::create(store, *module, {});
    ASSERT_TRUE(instance) << instance.error().render();
    for (size_t number = 0; number < made.shapes().size(); ++number) {
      auto func = instance->get_func(store, std::to_string(number));
      ASSERT_TRUE(func);
      const auto& shape = made.shapes()[number];
      std::vector<std::vector<Value>> choices;
      choices.reserve(made.operands().size());
      for (char letter : made.operands()) choices.push_back(edges(letter));
      // Beyond two operands, every third value.
      const size_t step = choices.size() > 2 ? 3 : 1;
      std::vector<size_t> at(choices.size(), 0);
      for (bool more = true; more && !HasFailure();) {
        std::vector<Value> values;
        values.reserve(at.size());
        for (size_t i = 0; i < at.size(); ++i)
          values.push_back(choices[shape.twice ? 0 : i][shape.twice ? at[0] : at[i]]);
        std::vector<Value> computed = values;
        if (shape.fixed != SIZE_MAX) computed[shape.fixed] = shape.constant;
        compare(store, *func, op, info, made, shape, values, computed);
        more = false;
        for (size_t i = 0; i < at.size() && !more; ++i) {
          const bool moves = i != shape.fixed && !(shape.twice && i > 0);
          at[i] += step;
          more = moves && at[i] < choices[i].size();
          if (!more) at[i] = 0;
        }
      }
    }
  }

  void compare(Store& store, const Func& func, Op op, const OpInfo& info, const Surroundings& made,
               const Surroundings::Shape& shape, const std::vector<Value>& arguments,
               const std::vector<Value>& computed) {
    wasm::TrapCode trap;
    const auto want = expected(op, made.operands(), computed, made.immediate(), trap);
    std::vector<uint64_t> frame;
    std::string text;
    for (size_t i = 0; i < arguments.size(); ++i) {
      frame.push_back(arguments[i].low);
      if (cells(made.operands()[i]) == 2) frame.push_back(arguments[i].high);
      text += fmt::format(" {:x}:{:x}", computed[i].high, computed[i].low);
    }
    frame.resize(16);
    auto result = func.call_raw(store, frame.data());
    const std::string what = fmt::format("{}, {}, on{}", info.mnemonic, shape.name, text);
    if (trap != wasm::TrapCode::none) {
      ASSERT_FALSE(result) << what;
      ASSERT_EQ(result.error().code(), wasm::to_error_code(trap)) << what;
      return;
    }
    ASSERT_TRUE(result) << what << ": " << result.error().render();
    if (shape.condition) {
      ASSERT_EQ(frame[0], want[0] != 0 ? 1u : 0u) << what;
      return;
    }
    size_t count = 0;
    for (char letter : made.results()) count += cells(letter);
    const char letter = made.results()[0];
    const bool floats = (letter | 0x20) == 'f' || info.mnemonic.starts_with('f');
    const bool is_double = letter == 'F' || info.mnemonic.starts_with("f64");
    for (size_t i = 0; i < count; ++i) {
      if (floats && nan_may_differ(info.mnemonic)) {
        ASSERT_TRUE(same_lanes(frame[i], want[i], is_double))
            << what << ": " << fmt::format("{:x}, not {:x}", frame[i], want[i]);
      } else {
        ASSERT_EQ(fmt::format("{:x}", frame[i]), fmt::format("{:x}", want[i])) << what;
      }
    }
  }

  void SetUp() override {
    if (!Engine::has(Tier::baseline)) GTEST_SKIP() << "no baseline compiler here";
    auto engine = Engine::create({.tier = Tier::baseline});
    ASSERT_TRUE(engine);
    engine_ = *engine;
  }
  std::optional<Engine> engine_;
};

#if defined(__x86_64__)
TEST_F(BaselineOps, ComputeTheSameOnOlderProcessors) {
  const auto detected = baseline::cpu_features();
  baseline::cpu_features() = {};
  for (size_t i = 0; i < wasm::kOpCount && !HasFailure(); ++i) {
    const OpInfo info = wasm::op_info(static_cast<Op>(i));
    for (auto name : {".clz", ".ctz", ".popcnt", ".shl", ".shr_s", ".shr_u", ".rotl", ".rotr"})
      if (info.mnemonic.ends_with(name) && info.imm == Imm::none)
        check(static_cast<Op>(i), info, 0);
  }
  baseline::cpu_features() = detected;
}
#endif

/// A module's instance on one engine.
struct Running {
  Running(const Engine& engine, std::string_view text) : store(engine) {
    auto module = Module::from_text(engine, text);
    if (module) instance = *Instance::create(store, *module, {});
  }
  /// What a call does: results and what is in the memories about their ends, or the error.
  std::string call(const std::string& name, std::vector<uint64_t> frame, size_t results) {
    frame.resize(16);
    auto result = instance->get_func(store, name)->call_raw(store, frame.data());
    std::string out;
    if (!result) {
      out = result.error().message();
    } else {
      for (size_t i = 0; i < results; ++i) out += fmt::format("{:x} ", frame[i]);
    }
    for (auto memory : {"m0", "m1", "m2", "m3"}) {
      auto bytes = instance->get_memory(store, memory)->bytes(store);
      uint64_t sum = 0;
      for (uint8_t byte : bytes.first(100)) sum = sum * 31 + byte;
      for (uint8_t byte : bytes.last(32)) sum = sum * 31 + byte;
      out += fmt::format(" {:x}", sum);
    }
    return out;
  }
  Store store;
  std::optional<Instance> instance;
};

// Loads, stores and atomic operators on memories of every kind, in and out of bounds, aligned and
// not: as the interpreter does them.
TEST_F(BaselineOps, AccessMemoriesOfEveryKind) {
  auto interpreter = Engine::create({.tier = Tier::interp});
  ASSERT_TRUE(interpreter);
  size_t operators = 0;
  for (size_t i = 0; i < wasm::kOpCount; ++i) {
    const OpInfo info = wasm::op_info(static_cast<Op>(i));
    if (info.imm != Imm::mem_arg && info.imm != Imm::mem_arg_lane) continue;
    if (info.mnemonic.contains("wait")) continue;  // would wait
    operators++;
    const size_t colon = info.signature.find(':');
    const std::string_view values = info.signature.substr(1, colon - 1);
    const std::string_view results = info.signature.substr(colon + 1);
    std::string text = R"((module
      (memory (export "m0") 1) (memory (export "m1") i64 1) (memory (export "m2") 100 (pagesize 1))
      (memory (export "m3") 1))";
    for (int memory = 0; memory < 4; ++memory)
      text += fmt::format(
          "(data (memory {}) ({}.const 0) "
          "\"\\01\\82\\03\\84\\05\\86\\07\\88\\09\\8a\\0b\\8c\\0d\\8e"
          "\\0f\\90\\11\\92\\13\\94\\15\\96\\17\\98\\19\\9a\")",
          memory, memory == 1 ? "i64" : "i32");
    struct Case {
      int memory;
      std::string_view offset;
      bool constant;
    };
    std::vector<Case> cases;
    for (int memory = 0; memory < 4; ++memory) {
      for (std::string_view offset : {"0", "3", "0x7fffffff", "0xfffffff8", "0xfffffffffffffff8"}) {
        if (offset.size() > 12 && memory != 1) continue;
        for (bool constant : {false, true}) {
          cases.push_back({memory, offset, constant});
          const char* address_type = memory == 1 ? "i64" : "i32";
          text += fmt::format("(func (export \"{}\") (param {})", cases.size() - 1, address_type);
          for (char letter : values) text += fmt::format(" (param {})", type_name(letter));
          for (char letter : results) text += fmt::format(" (result {})", type_name(letter));
          text += fmt::format(" ({} {} offset={}", info.mnemonic, memory, offset);
          if (info.imm == Imm::mem_arg_lane) text += " 1";
          text += constant ? fmt::format(" ({}.const 5)", address_type) : " (local.get 0)";
          for (size_t n = 0; n < values.size(); ++n) text += fmt::format(" (local.get {})", n + 1);
          text += "))\n";
        }
      }
    }
    text += ")";
    Running baseline(*engine_, text), expected(*interpreter, text);
    ASSERT_TRUE(baseline.instance && expected.instance) << text;
    for (size_t n = 0; n < cases.size(); ++n) {
      std::vector<uint64_t> addresses = {0, 8, 83, 84, 96, 100, 65520, 65528, 65533, 65535, 65536};
      for (uint64_t far : {0x7fff'ffffull, 0x8000'0000ull, 0xffff'fff8ull, 0xffff'ffffull})
        addresses.push_back(far);
      if (cases[n].memory == 1)
        for (uint64_t far : {1ull << 32, 1ull << 63, ~7ull, ~0ull}) addresses.push_back(far);
      if (cases[n].constant) addresses.resize(1);
      for (uint64_t address : addresses) {
        // 0x82 is what the data has at 1, so that some exchanges are made.
        std::vector<uint64_t> arguments = {address};
        for (char letter : values) {
          arguments.push_back(letter == 'I' || letter == 'F' ? 0x8807'8605'8403'8201 : 0x8403'8201);
          if (letter == 'v') arguments.push_back(0x1234'5678'9abc'def0);
        }
        size_t cells_out = 0;
        for (char letter : results) cells_out += cells(letter);
        const std::string name = std::to_string(n);
        ASSERT_EQ(baseline.call(name, arguments, cells_out),
                  expected.call(name, arguments, cells_out))
            << info.mnemonic << ", memory " << cases[n].memory << ", offset " << cases[n].offset
            << (cases[n].constant ? ", constant address" : fmt::format(", address {:#x}", address));
      }
    }
  }
  EXPECT_GT(operators, 100u);
}

// Whatever the fuel, it ends at the same instruction in every tier, and as much is left.
TEST_F(BaselineOps, CountFuelAsTheInterpreterDoes) {
  constexpr std::string_view kText = R"((module
    (tag $e (param i32))
    (table funcref (elem $leaf $thrower))
    (type $t (func (param i32) (result i32)))
    (memory 1)
    (func $leaf (param i32) (result i32)
      (if (result i32) (i32.and (local.get 0) (i32.const 1))
        (then (i32.add (local.get 0) (i32.const 3)))
        (else (drop (i32.const 4)) nop (i32.shl (local.get 0) (i32.const 1)))))
    (func $thrower (param i32) (result i32)
      (throw $e (i32.add (local.get 0) (i32.const 5))))
    (func $tail (param i32) (result i32) (return_call $leaf (i32.mul (local.get 0) (i32.const 7))))
    (func (export "f") (param i32) (result i32) (local i32 i64)
      (loop $again
        (block $out
          (block $one (block $two
            (br_table $one $two $out (i32.rem_u (local.get 0) (i32.const 4))))
            (local.set 1 (i32.add (local.get 1) (call $leaf (local.get 0))))
            (br $out))
          (local.set 1 (i32.add (local.get 1)
            (block $caught (result i32)
              (try_table (result i32) (catch $e $caught)
                (call_indirect (type $t) (local.get 0)
                  (i32.and (local.get 0) (i32.const 1)))))))
          (i32.store (i32.const 8) (local.get 1)))
        (local.set 2 (i64.extend_i32_u (call $tail (local.get 1))))
        (if (i64.gt_u (local.get 2) (i64.const 1000)) (then (local.set 1 (i32.const 0))))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (i32.add (local.get 1) (i32.load (i32.const 8))))))";
  std::vector<std::string> outcomes[2];
  for (size_t n = 0; n < 2; ++n) {
    auto engine = Engine::create({.tier = n == 0 ? Tier::interp : Tier::baseline, .fuel = true});
    ASSERT_TRUE(engine);
    auto module = Module::from_text(*engine, kText);
    ASSERT_TRUE(module) << module.error().render();
    for (uint64_t fuel = 0; fuel < 700; ++fuel) {
      Store store(*engine);
      auto instance = Instance::create(store, *module, {});
      ASSERT_TRUE(instance);
      store.set_fuel(fuel);
      auto result = instance->get_func(store, "f")->call(store, {Val(int32_t{13})});
      std::string text =
          result ? fmt::format("{}", (*result)[0].low()) : std::string(result.error().message());
      if (!result)
        for (const Frame& frame : result.error().backtrace())
          text += fmt::format(" {}@{}", frame.func_name, frame.offset);
      outcomes[n].push_back(fmt::format("{}: {}, {} left", fuel, text, store.fuel()));
    }
  }
  EXPECT_EQ(outcomes[1], outcomes[0]);
  EXPECT_TRUE(outcomes[0].front().contains("fuel")) << outcomes[0].front();
  EXPECT_FALSE(outcomes[0].back().contains("fuel")) << outcomes[0].back();
}

TEST_F(BaselineOps, ComputeWhatEvalComputes) {
  size_t operators = 0;
  for (size_t i = 0; i < wasm::kOpCount; ++i) {
    if (runtime::kOpHelpers[i] == nullptr) continue;
    const auto op = static_cast<Op>(i);
    const OpInfo info = wasm::op_info(op);
    const bool varies = info.imm == Imm::lane || info.imm == Imm::shuffle;
    for (unsigned variant = 0; variant < (varies ? Surroundings::kVariants : 1); ++variant) {
      check(op, info, variant);
      if (HasFailure()) return;
    }
    operators++;
  }
  EXPECT_GT(operators, 350u);
}

}  // namespace
}  // namespace sedge
