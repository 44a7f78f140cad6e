// The interpreter on hand-made instances: operand stack and accumulators, branches, calls, traps,
// exceptions, fuel. The whole language is the spec suite's matter.
#include "interp/interp.h"

#include <gtest/gtest.h>

#include <bit>
#include <functional>
#include <memory>
#include <string>

#include "wasm/text/text.h"
#include "wasm/validate/validate.h"

namespace sedge::interp {
namespace {

using vm::Cell;
using vm::Exit;
using wasm::TrapCode;

/// One instance of a text module without the runtime: memory, globals, one table filled with all
/// functions, one host import.
class Machine {
 public:
  explicit Machine(std::string_view text, CodeOptions options = {})
      : cells_(1 << 20), records_(1 << 16) {
    auto parsed = wasm::parse_module(text);
    if (!parsed) {
      ADD_FAILURE() << parsed.error().render();
      return;
    }
    module_ = std::move(parsed->module);
    registry_ = wasm::TypeRegistry::create();
    auto validated = wasm::validate(module_, Features::all(), registry_);
    if (!validated) {
      ADD_FAILURE() << validated.error().render();
      return;
    }
    types_ = std::move(validated->types);
    code_ = std::make_unique<ModuleCode>(module_, types_, options);
    make_builtins();
    context.builtins = &builtins_;
    context.stack_base = context.sp = cells_.data();
    context.stack_end = cells_.data() + cells_.size();
    context.frames_base = context.frame = records_.data();
    context.frames_end = records_.data() + records_.size();
    context.store = this;

    funcs_.resize(module_.func_count());
    for (uint32_t i = 0; i < module_.func_count(); i++) {
      vm::Func& func = funcs_[i];
      func.index = i;
      func.type = types_.id(module_.func_type_index(i));
      func.canon = &types_.type(module_.func_type_index(i));
      for (ValType type : module_.func_type(i).params) func.param_cells += type.cells();
      for (ValType type : module_.func_type(i).results) func.result_cells += type.cells();
      if (i < module_.imported_funcs.size()) {
        func.host = &host;
        func.env = this;
        imported_.push_back(&func);
      } else {
        func.instance = &instance;
      }
    }
    globals_.resize(module_.global_count());
    for (auto& global : globals_) global_pointers_.push_back(&global);
    tags_.resize(module_.tag_count());
    for (uint32_t i = 0; i < module_.tag_count(); i++) {
      for (ValType type : module_.types[module_.tag_type_index(i)].func.params) {
        tags_[i].param_cells += type.cells();
      }
      tag_pointers_.push_back(&tags_[i]);
    }
    if (module_.memory_count() > 0) {
      bytes_.resize(4 << 16);
      memory.base = bytes_.data();
      memory.size = module_.memory_type(0).limits.min << 16;
      memory_pointer_ = &memory;
      instance.memories = &memory_pointer_;
    }
    for (auto& func : funcs_) elements_.push_back(reinterpret_cast<Cell>(&func));
    elements_.push_back(0);
    table_.elements = elements_.data();
    table_.size = elements_.size();
    table_pointer_ = &table_;
    instance.tables = &table_pointer_;
    instance.context = &context;
    instance.code = code_.get();
    instance.imported_funcs = imported_.data();
    instance.imported_func_count = static_cast<uint32_t>(imported_.size());
    instance.globals = global_pointers_.data();
    instance.tags = tag_pointers_.data();
    instance.types = types_.ids().data();
    for (size_t i = 0; i < types_.size(); i++) {
      canon_.push_back(&types_.type(static_cast<uint32_t>(i)));
    }
    instance.canon_types = canon_.data();
  }

  /// Calls the export; the first result, or the trap or exit as text.
  std::string call(std::string_view name, std::vector<Cell> args = {}) {
    results = args;
    results.resize(64);
    vm::Func* func = nullptr;
    for (const auto& e : module_.exports) {
      if (e.name == name) func = &funcs_[e.index];
    }
    if (func == nullptr) return "no such export";
    Cell* sp = context.sp;
    auto* frame = context.frame;
    Exit exit = invoke(context, *func, results.data());
    EXPECT_EQ(context.sp, sp);
    EXPECT_EQ(context.frame, frame);
    switch (exit) {
      case Exit::returned:
        return std::to_string(results[0]);
      case Exit::trap:
        return error_info(wasm::to_error_code(context.trap)).wording;
      case Exit::exception:
        return "exception";
      case Exit::host_error:
        return "host error";
    }
    return "?";
  }

  std::vector<Cell> results;
  vm::Context context;
  vm::Instance instance;
  vm::Memory memory;
  std::function<Exit(Cell*)> on_host = [](Cell* args) {
    args[0] += 1000;
    return Exit::returned;
  };
  vm::Func& func(uint32_t index) { return funcs_[index]; }

 private:
  struct Thrown {
    vm::Tag* tag;
    std::vector<Cell> payload;
  };

  static Exit host(void* env, vm::Context&, vm::Instance*, Cell* args) {
    return static_cast<Machine*>(env)->on_host(args);
  }
  static Machine& of(vm::Context* context) { return *static_cast<Machine*>(context->store); }

  void make_builtins() {
    builtins_ = {};
    builtins_.memory_grow = [](vm::Instance* instance, uint32_t, uint64_t delta) -> uint64_t {
      Machine& machine = of(instance->context);
      uint64_t before = machine.memory.size >> 16;
      if (before + delta > 4) return UINT64_MAX;
      machine.memory.size = (before + delta) << 16;
      return before;
    };
    builtins_.exception_new = [](vm::Instance* instance, vm::Tag* tag, const Cell* payload,
                                 vm::GcRef* out) {
      Machine& machine = of(instance->context);
      machine.thrown_.push_back({tag, {payload, payload + tag->param_cells}});
      *out = static_cast<vm::GcRef>(machine.thrown_.size() * 8);
      return Exit::returned;
    };
    builtins_.exception_tag = [](vm::Context* context, vm::GcRef exception) {
      return of(context).thrown_[exception / 8 - 1].tag;
    };
    builtins_.exception_payload = [](vm::Context* context, vm::GcRef exception) {
      return static_cast<const Cell*>(of(context).thrown_[exception / 8 - 1].payload.data());
    };
    builtins_.func_ref = [](vm::Instance* instance, uint32_t index) {
      return &of(instance->context).funcs_[index];
    };
    builtins_.interrupted = [](vm::Context* context) {
      context->trap = TrapCode::interrupted;
      return Exit::trap;
    };
  }

  vm::Builtins builtins_;
  wasm::Module module_;
  std::shared_ptr<wasm::TypeRegistry> registry_;
  wasm::TypeSet types_;
  std::unique_ptr<ModuleCode> code_;
  std::vector<Cell> cells_;
  std::vector<vm::FrameRecord> records_;
  std::vector<vm::Func> funcs_;
  std::vector<vm::Func*> imported_;
  std::vector<vm::Global> globals_;
  std::vector<vm::Global*> global_pointers_;
  std::vector<vm::Tag> tags_;
  std::vector<vm::Tag*> tag_pointers_;
  std::vector<uint8_t> bytes_;
  vm::Memory* memory_pointer_ = nullptr;
  std::vector<Cell> elements_;
  vm::Table table_;
  vm::Table* table_pointer_ = nullptr;
  std::vector<const wasm::CanonType*> canon_;
  std::vector<Thrown> thrown_;
};

TEST(Interp, Arithmetic) {
  Machine m(R"((func (export "f") (param i32 i32) (result i32)
    (i32.sub (i32.mul (local.get 0) (i32.const 3)) (i32.add (local.get 1) (local.get 0)))))");
  EXPECT_EQ(m.call("f", {10, 4}), "16");
}

TEST(Interp, ConstantsOnEitherSide) {
  Machine m(R"(
    (func (export "a") (param i32) (result i32) (i32.sub (i32.const 100) (local.get 0)))
    (func (export "b") (param i64) (result i64)
      (i64.sub (i64.const 0x100000000) (i64.add (local.get 0) (i64.const 0x200000000))))
    (func (export "c") (result i32) (i32.add (i32.const 40) (i32.const 2)))
    (func (export "d") (param f64) (result f64) (f64.div (f64.const 1) (f64.add (local.get 0) (f64.const 1)))))");
  EXPECT_EQ(m.call("a", {1}), "99");
  EXPECT_EQ(m.call("b", {5}), std::to_string(0x100000000ull - 0x200000005ull));
  EXPECT_EQ(m.call("c"), "42");
  EXPECT_EQ(m.call("d", {std::bit_cast<Cell>(3.0)}), std::to_string(std::bit_cast<Cell>(0.25)));
}

TEST(Interp, LocalsKeepTheirOldValueOnTheStack) {
  Machine m(R"(
    (func (export "swap") (param i32 i32) (result i32)
      local.get 0 local.get 1 local.set 0 local.set 1
      (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1)))
    (func (export "old") (param i32) (result i32)
      local.get 0
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      local.get 0
      i32.mul)
    (func (export "tee") (param i32) (result i32)
      (i32.mul (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
    (func (export "deep") (param i32) (result i32) (local i32)
      local.get 0 local.get 0 (i32.add (local.get 0) (i32.const 7)) local.set 1
      (local.set 0 (i32.const 1)) i32.add local.get 1 i32.mul))");
  EXPECT_EQ(m.call("swap", {1, 2}), "201");
  EXPECT_EQ(m.call("old", {6}), "42");
  EXPECT_EQ(m.call("tee", {6}), "49");
  EXPECT_EQ(m.call("deep", {3}), "60");
}

TEST(Interp, AccumulatorsOfThreeClassesLiveTogether) {
  Machine m(R"((func (export "f") (param i32 f64 f32) (result f64)
      (i32.add (local.get 0) (i32.const 1))
      (f64.add (local.get 1) (f64.const 0.5))
      (f32.mul (local.get 2) (f32.const 2))
      f64.promote_f32 f64.add
      local.set 1
      f64.convert_i32_s
      local.get 1 f64.add))");
  EXPECT_EQ(m.call("f", {2, std::bit_cast<Cell>(1.0), std::bit_cast<uint32_t>(4.0f)}),
            std::to_string(std::bit_cast<Cell>(12.5)));
}

TEST(Interp, LoopsAndFusedBranches) {
  Machine m(R"(
    (func (export "sum") (param i32) (result i32) (local i32)
      (loop
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      local.get 1)
    (func (export "not") (param i32 i32) (result i32)
      (block (br_if 0 (i32.eqz (i32.lt_s (local.get 0) (local.get 1)))) (return (i32.const 1)))
      i32.const 2)
    (func (export "eqz64") (param i64) (result i32)
      (if (result i32) (i64.eqz (local.get 0)) (then (i32.const 10)) (else (i32.const 20))))
    (func (export "bits") (param i32) (result i32)
      (block (br_if 0 (i32.and (local.get 0) (i32.const 4))) (return (i32.const 0)))
      i32.const 1)
    (func (export "nan") (param f64) (result i32)
      (if (result i32) (f64.lt (local.get 0) (f64.const 1)) (then (i32.const 1)) (else (i32.const 0)))))");
  EXPECT_EQ(m.call("sum", {100}), "5050");
  EXPECT_EQ(m.call("not", {1, 2}), "1");
  EXPECT_EQ(m.call("not", {2, 2}), "2");
  EXPECT_EQ(m.call("eqz64", {0}), "10");
  EXPECT_EQ(m.call("eqz64", {1ull << 40}), "20");
  EXPECT_EQ(m.call("bits", {4}), "1");
  EXPECT_EQ(m.call("bits", {3}), "0");
  EXPECT_EQ(m.call("nan", {std::bit_cast<Cell>(__builtin_nan(""))}), "0");
}

TEST(Interp, BranchesCarryValues) {
  Machine m(R"(
    (func (export "br_if") (param i32) (result i32)
      (block (result i32)
        (i32.const 100) (i32.const 5)
        (br_if 0 (local.get 0))
        i32.add))
    (func (export "two") (param i32) (result i32)
      (block (result i32 i32)
        (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
        (br_if 0 (local.get 0))
        drop drop)
      i32.const 10 i32.mul i32.add)
    (func (export "loop") (param i32) (result i32)
      (i32.const 1)
      (loop (param i32) (result i32)
        local.get 0 i32.mul
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "table") (param i32) (result i32)
      (block (result i32) (block (result i32) (block (result i32)
        (i32.const 7) (local.get 0) (br_table 0 1 2 3))
        (return (i32.add (i32.const 10))))
        (return (i32.add (i32.const 20))))
      i32.const 30 i32.add)
    (func (export "return_if") (param i32) (result i32)
      (i32.add (local.get 0) (i32.const 1))
      (br_if 0 (local.get 0))
      drop i32.const 77))");
  EXPECT_EQ(m.call("br_if", {0}), "105");
  EXPECT_EQ(m.call("br_if", {1}), "5");
  EXPECT_EQ(m.call("two", {0}), "21");
  EXPECT_EQ(m.call("two", {1}), "43");
  EXPECT_EQ(m.call("loop", {5}), "120");
  EXPECT_EQ(m.call("table", {0}), "17");
  EXPECT_EQ(m.call("table", {1}), "27");
  EXPECT_EQ(m.call("table", {2}), "37");
  EXPECT_EQ(m.call("table", {3}), "7");
  EXPECT_EQ(m.call("table", {1000}), "7");
  EXPECT_EQ(m.call("return_if", {4}), "5");
  EXPECT_EQ(m.call("return_if", {0}), "77");
}

TEST(Interp, CallsOverlapTheirFrames) {
  Machine m(R"(
    (import "host" "f" (func $host (param i32) (result i32)))
    (func $fib (export "fib") (param i32) (result i32)
      (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
        (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                       (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "host") (param i32) (result i32)
      (i32.sub (i32.const 5000) (call $host (local.get 0))))
    (func $swap (param i32 i64) (result i64 i32) local.get 1 local.get 0)
    (func (export "multi") (param i32 i64) (result i64)
      (call $swap (local.get 0) (local.get 1)) i64.extend_i32_u i64.sub)
    (func (export "fresh") (result i32) (call $locals) (drop) (call $locals))
    (func $locals (result i32) (local i32 i32 i32 i32 i32 i32)
      (local.set 5 (i32.add (local.get 5) (i32.const 1))) local.get 5))");
  EXPECT_EQ(m.call("fib", {20}), "6765");
  EXPECT_EQ(m.call("host", {1}), "3999");
  EXPECT_EQ(m.call("multi", {3, 10}), "7");
  EXPECT_EQ(m.call("fresh"), "1");
}

TEST(Interp, IndirectCallsAreChecked) {
  Machine m(R"(
    (type $t (func (param i32) (result i32)))
    (table 4 funcref)
    (func (export "id") (param i32) (result i32) local.get 0)
    (func (export "other") (param i64) (result i32) i32.const 1)
    (func (export "call") (param i32 i32) (result i32)
      (call_indirect (type $t) (local.get 0) (local.get 1)))
    (func (export "tail") (param i32 i32) (result i32)
      (return_call_indirect (type $t) (local.get 0) (local.get 1))))");
  EXPECT_EQ(m.call("call", {33, 0}), "33");
  EXPECT_EQ(m.call("tail", {34, 0}), "34");
  EXPECT_EQ(m.call("call", {33, 1}), "indirect call type mismatch");
  EXPECT_EQ(m.call("call", {33, 4}), "uninitialized element");
  EXPECT_EQ(m.call("call", {33, 5}), "undefined element");
  EXPECT_EQ(m.call("tail", {33, 4'000'000'000}), "undefined element");
}

TEST(Interp, TailCallsTakeNoSpace) {
  Machine m(R"(
    (import "host" "f" (func $host (param i32) (result i32)))
    (func $even (export "even") (param i64) (result i32)
      (if (i64.eqz (local.get 0)) (then (return (i32.const 1))))
      (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (i32.const 3)))
    (func $odd (param i64 i32) (result i32) (local i64 i64)
      (if (i64.eqz (local.get 0)) (then (return (i32.const 0))))
      (return_call $even (i64.sub (local.get 0) (i64.const 1))))
    (func (export "host") (param i32) (result i32)
      (return_call $host (i32.add (local.get 0) (i32.const 1)))))");
  EXPECT_EQ(m.call("even", {1'000'001}), "0");
  EXPECT_EQ(m.call("even", {1'000'000}), "1");
  EXPECT_EQ(m.call("host", {1}), "1002");
}

TEST(Interp, StackExhaustionTraps) {
  Machine m(R"(
    (func $f (export "f") (call $f))
    (func $g (export "g") (param i32 i32 i32) (result i32)
      (call $g (local.get 0) (local.get 1) (local.get 2)) (i32.const 1) i32.add))");
  EXPECT_EQ(m.call("f"), "call stack exhausted");
  EXPECT_EQ(m.call("g", {1, 2, 3}), "call stack exhausted");
}

TEST(Interp, MemoryAccessesAreExact) {
  Machine m(R"(
    (memory 1 4)
    (func (export "load") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
    (func (export "sum") (param i32 i32) (result i32)
      (i32.load offset=4 (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 2)))))
    (func (export "const") (param i32) (result i32)
      (i32.load8_u offset=4294967295 (i32.add (local.get 0) (i32.const 1))))
    (func (export "store") (param i32 i32) (result i32)
      (i32.store offset=4 (local.get 0) (local.get 1))
      (i64.store (i32.const 8) (i64.const 0x123456789a))
      (i32.store8 (i32.add (local.get 0) (i32.const 8)) (i32.const 255))
      (i32.load offset=4 (local.get 0)))
    (func (export "grow") (param i32) (result i32)
      (drop (i32.load (i32.const 0)))
      (memory.grow (local.get 0))
      (i32.store (i32.const 65536) (i32.const 9))
      (i32.load (i32.const 65536)) i32.add)
    (func (export "size") (result i32) memory.size))");
  EXPECT_EQ(m.call("store", {16, 77}), "77");
  EXPECT_EQ(m.call("load", {16}), "77");
  EXPECT_EQ(m.call("sum", {0, 4}), "77");
  EXPECT_EQ(m.call("load", {24 - 4}), "255");
  EXPECT_EQ(m.call("load", {65536 - 8}), "0");
  EXPECT_EQ(m.call("load", {65536 - 7}), "out of bounds memory access");
  EXPECT_EQ(m.call("load", {0xffffffff}), "out of bounds memory access");
  EXPECT_EQ(m.call("sum", {0xfffffffc, 1}), "0");  // the sum wraps, the offset does not
  EXPECT_EQ(m.call("const", {0}), "out of bounds memory access");
  EXPECT_EQ(m.call("grow", {1}), "10");
  EXPECT_EQ(m.call("size"), "2");
}

TEST(Interp, GrowthSeenInTheMiddleOfARun) {
  Machine m(R"(
    (import "host" "f" (func $host (param i32) (result i32)))
    (memory 1 4)
    (func (export "f") (result i32)
      (drop (call $host (i32.const 0)))
      (i32.store (i32.const 131068) (i32.const 5))
      (i32.load (i32.const 131068))))");
  m.on_host = [&](Cell*) {
    m.memory.size = 2 << 16;
    return Exit::returned;
  };
  EXPECT_EQ(m.call("f"), "5");
}

TEST(Interp, TrapsHaveBacktraces) {
  Machine m(R"(
    (func $inner (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func $outer (export "f") (param i32) (result i32)
      (i32.add (call $inner (local.get 0)) (i32.const 1))))");
  EXPECT_EQ(m.call("f", {1}), "2");
  EXPECT_EQ(m.call("f", {0}), "integer divide by zero");
  auto trace = take_backtrace(m.context);
  ASSERT_EQ(trace.size(), 2u);
  EXPECT_EQ(trace[0].func_index, 0u);
  EXPECT_EQ(trace[1].func_index, 1u);
  EXPECT_EQ(trace[0].module, m.instance.code);
  EXPECT_GT(trace[1].offset, 0u);
  EXPECT_TRUE(take_backtrace(m.context).empty());
}

TEST(Interp, ExceptionsFindTheirClause) {
  Machine m(R"(
    (tag $a (param i32)) (tag $b (param i64 i32))
    (func $throw (param i32)
      (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 11))))
      (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i64.const 5) (i32.const 22)))))
    (func (export "f") (param i32) (result i32)
      (block $all
        (block $a (result i32)
          (try_table (catch $a $a) (catch_all $all) (call $throw (local.get 0)))
          (return (i32.const 1)))
        (return (i32.add (i32.const 100))))
      i32.const 3)
    (func (export "ref") (param i32) (result i32)
      (block $h (result i64 i32 exnref)
        (try_table (catch_ref $b $h) (call $throw (local.get 0)))
        (return (i32.const 1)))
      (throw_ref))
    (func (export "uncaught") (throw $a (i32.const 1)))
    (func (export "legacy") (param i32) (result i32)
      try (result i32)
        (call $throw (local.get 0)) i32.const 1
      catch $a
        i32.const 1000 i32.add
      catch $b
        drop drop i32.const 4
        br 0
      end)
    (func (export "rethrow") (param i32) (result i32)
      try (result i32)
        try
          (call $throw (local.get 0))
        catch_all
          rethrow 0
        end
        i32.const 0
      catch $a
      end)
    (func (export "delegate") (result i32)
      try $outer (result i32)
        try
          try
            (throw $a (i32.const 55))
          delegate $outer
        catch_all
          (return (i32.const 1))
        end
        i32.const 2
      catch $a
      end))");
  EXPECT_EQ(m.call("f", {0}), "1");
  EXPECT_EQ(m.call("f", {1}), "111");
  EXPECT_EQ(m.call("f", {2}), "3");
  EXPECT_EQ(m.call("ref", {1}), "exception");
  EXPECT_EQ(m.call("ref", {2}), "exception");
  EXPECT_EQ(m.call("ref", {0}), "1");
  EXPECT_EQ(m.call("uncaught"), "exception");
  EXPECT_EQ(m.call("legacy", {0}), "1");
  EXPECT_EQ(m.call("legacy", {1}), "1011");
  EXPECT_EQ(m.call("rethrow", {0}), "0");
  EXPECT_EQ(m.call("rethrow", {1}), "11");
  EXPECT_EQ(m.call("rethrow", {2}), "exception");
  EXPECT_EQ(m.call("delegate"), "55");
}

TEST(Interp, ExceptionsOfHostFunctions) {
  Machine m(R"(
    (import "host" "f" (func $host (param i32) (result i32)))
    (tag $a (param i32))
    (func $throw (throw $a (i32.const 9)))
    (func (export "f") (result i32)
      (block $a (result i32)
        (try_table (catch $a $a) (drop (call $host (i32.const 0))))
        (i32.const 1))))");
  m.on_host = [&](Cell* args) { return invoke(m.context, m.func(1), args); };
  EXPECT_EQ(m.call("f"), "9");
  m.on_host = [&](Cell*) { return Exit::host_error; };
  EXPECT_EQ(m.call("f"), "host error");
  EXPECT_EQ(take_backtrace(m.context).size(), 1u);
}

TEST(Interp, FuelCountsOperators) {
  CodeOptions options;
  options.fuel = true;
  Machine m(R"(
    (func (export "f") (param i32) (result i32)
      (block (loop
        (br_if 1 (i32.eqz (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br 0)))
      local.get 0))",
            options);
  m.context.fuel = 1000;
  EXPECT_EQ(m.call("f", {10}), "0");
  // 11 x (get, eqz, br_if), 10 x (get, const, sub, set, br), one get.
  EXPECT_EQ(m.context.fuel, 1000 - 33 - 50 - 1);
  m.context.fuel = 83;
  EXPECT_EQ(m.call("f", {10}), "all fuel consumed");
  m.context.fuel = 84;
  EXPECT_EQ(m.call("f", {10}), "0");
}

TEST(Interp, PollsStopLoops) {
  CodeOptions options;
  options.interruptible = true;
  Machine m(R"((func (export "f") (loop (br 0))))", options);
  m.context.interrupt = vm::kInterruptKill;
  EXPECT_EQ(m.call("f"), "interrupted");
}

TEST(Interp, Vectors) {
  Machine m(R"(
    (memory 1)
    (func (export "f") (param i32) (result i32) (local v128)
      (local.set 1 (i32x4.add (i32x4.splat (local.get 0)) (v128.const i32x4 1 2 3 4)))
      (v128.store (i32.const 16) (local.get 1))
      (local.set 1 (i8x16.shuffle 12 13 14 15 0 1 2 3 4 5 6 7 8 9 10 11
        (v128.load (i32.const 16)) (local.get 1)))
      (i32.add (i32x4.extract_lane 0 (local.get 1)) (i32.load (i32.const 28))))
    (func (export "select") (param i32) (result i32)
      (i32x4.extract_lane 2
        (select (v128.const i32x4 1 2 3 4) (v128.const i32x4 5 6 7 8)
                (i32.lt_s (local.get 0) (i32.const 3))))))");
  EXPECT_EQ(m.call("f", {100}), "208");
  EXPECT_EQ(m.call("select", {1}), "3");
  EXPECT_EQ(m.call("select", {5}), "7");
}

TEST(Interp, SelectsTakeConstantsAndTurnedConditions) {
  Machine m(R"(
    (func (export "kk") (param i32) (result i32)
      (select (i32.const 7) (i32.const -1) (local.get 0)))
    (func (export "ks") (param i32 i64) (result i64)
      (select (i64.const 0x123456789abc) (local.get 1) (i32.gt_u (local.get 0) (i32.const 5))))
    (func (export "not") (param i32 i32) (result i32)
      (select (local.get 1) (i32.const 9) (i32.eqz (local.get 0))))
    (func (export "float") (param i32 f64) (result f64)
      (i32.add (local.get 0) (i32.const 1))
      (select (local.get 1) (f64.const 2) (local.get 0))
      local.set 1
      drop
      (f64.add (local.get 1) (f64.const 1)))
    (func (export "pending") (param i32) (result i32)
      (select (i32.add (local.get 0) (i32.const 1)) (i32.mul (local.get 0) (i32.const 2))
              (i32.eqz (i32.and (local.get 0) (i32.const 1))))))");
  EXPECT_EQ(m.call("kk", {1}), "7");
  EXPECT_EQ(m.call("kk", {0}), "4294967295");
  EXPECT_EQ(m.call("ks", {6, 1}), std::to_string(0x123456789abc));
  EXPECT_EQ(m.call("ks", {5, 1}), "1");
  EXPECT_EQ(m.call("not", {0, 3}), "3");
  EXPECT_EQ(m.call("not", {1, 3}), "9");
  EXPECT_EQ(m.call("float", {0, std::bit_cast<Cell>(5.0)}),
            std::to_string(std::bit_cast<Cell>(3.0)));
  EXPECT_EQ(m.call("float", {1, std::bit_cast<Cell>(5.0)}),
            std::to_string(std::bit_cast<Cell>(6.0)));
  EXPECT_EQ(m.call("pending", {4}), "5");
  EXPECT_EQ(m.call("pending", {5}), "10");
}

TEST(Interp, AddressesAreFusedInEveryForm) {
  Machine m(R"(
    (memory 1)
    (func (export "ak") (param i32) (result i32)
      (i32.load8_u (i32.add (i32.mul (local.get 0) (i32.const 2)) (i32.const 90))))
    (func (export "ka") (param i32) (result i32)
      (i32.load8_u (i32.add (i32.const 90) (i32.mul (local.get 0) (i32.const 2)))))
    (func (export "sa") (param i32 i32) (result i32)
      (i32.load8_u (i32.add (local.get 1) (i32.mul (local.get 0) (i32.const 2)))))
    (func (export "store") (param i32 i32) (result i32)
      (i32.store8 (i32.add (i32.shl (local.get 0) (i32.const 1)) (i32.const 200)) (local.get 1))
      (i32.store8 (i32.add (local.get 0) (i32.const 201)) (i32.const 3))
      (i32.load16_u (i32.add (local.get 0) (i32.const 200))))
    (func (export "vector") (param i32) (result i32) (local v128)
      (local.set 1 (v128.load (i32.add (local.get 0) (i32.const 100))))
      (v128.store offset=8 (i32.add (local.get 0) (local.get 0)) (local.get 1))
      (i32x4.extract_lane 1 (v128.load32_splat offset=9 (i32.mul (local.get 0) (i32.const 2)))))
    (func (export "edge") (param i32) (result i32)
      (i32x4.extract_lane 0 (v128.load (i32.add (local.get 0) (i32.const 65520))))))");
  for (uint32_t i = 0; i < 20; i++) m.memory.base[100 + i] = static_cast<uint8_t>(i + 1);
  EXPECT_EQ(m.call("ak", {6}), "3");
  EXPECT_EQ(m.call("ka", {6}), "3");
  EXPECT_EQ(m.call("sa", {2, 98}), "3");
  EXPECT_EQ(m.call("store", {0, 5}), std::to_string(0x305));
  EXPECT_EQ(m.call("vector", {4}), std::to_string(0x09080706));
  EXPECT_EQ(m.call("edge", {0}), "0");
  EXPECT_EQ(m.call("edge", {1}), "out of bounds memory access");
}

TEST(Interp, FuelIsTheSameForFusedCode) {
  CodeOptions options;
  options.fuel = true;
  Machine m(R"(
    (memory 1)
    (func (export "f") (param i32) (result i32)
      (if (i32.eqz (i32.lt_s (local.get 0) (i32.const 5)))
        (then (local.set 0 (i32.load (i32.add (local.get 0) (i32.const 4))))))
      (select (i32.const 1) (i32.const 2) (i32.eqz (local.get 0)))))",
            options);
  m.context.fuel = 100;
  EXPECT_EQ(m.call("f", {1}), "2");
  EXPECT_EQ(m.context.fuel, 100 - 5 - 5);  // get const lt eqz if; const const get eqz select
  m.context.fuel = 100;
  EXPECT_EQ(m.call("f", {8}), "1");
  EXPECT_EQ(m.context.fuel, 100 - 5 - 5 - 5);
}

TEST(Interp, FramesBeyondTheLimitTrap) {
  std::string text = "(func (export \"f\") (local";
  for (int i = 0; i < 40'000; i++) text += " v128";
  text += "))";
  Machine m(text);
  EXPECT_EQ(m.call("f"), "call stack exhausted");
}

}  // namespace
}  // namespace sedge::interp
