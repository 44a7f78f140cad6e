// Native code inside module files: made by sedgec, run only when allowed, left alone when it does
// not fit. Skipped where sedgec was not built.
#include <cstring>

#include <gtest/gtest.h>

#include <sedge/sedge.h>

#include "engine/engine_impl.h"
#include "vm/artifact.h"
#include "wasm/text/text.h"

namespace sedge {
namespace {

constexpr std::string_view kText = R"((module
  (memory (export "memory") 1)
  (func $inner (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.add (call $inner (local.get 0)) (i32.const 7)))
  (func (export "triangle") (param i32) (result i32) (local i32)
    (loop $l
      (local.set 1 (i32.add (local.get 1) (local.get 0)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))))";

class Precompiled : public testing::Test {
 protected:
  void SetUp() override {
    if (Sedgec::find().empty()) GTEST_SKIP() << "there is no sedgec";
    auto binary = wasm::assemble(kText);
    ASSERT_TRUE(binary);
    original_ = *std::move(binary);
  }
  std::vector<uint8_t> compile(vm::ArtifactMode mode,
                               vm::ArtifactTarget target = vm::own_targets().back()) {
    Sedgec sedgec;
    auto answer = sedgec.compile(sedgec_arguments(target, mode, 3), original_);
    EXPECT_TRUE(answer) << answer.error().render();
    return answer ? answer->artifact : std::vector<uint8_t>();
  }
  /// The instructions of a module of text, compiled for aarch64.
  std::vector<uint32_t> aarch64_code(std::string_view text) {
    auto binary = wasm::assemble(text);
    EXPECT_TRUE(binary);
    if (!binary) return {};
    original_ = *std::move(binary);
    const std::vector<uint8_t> bytes = compile({}, *vm::find_target("aarch64-linux"));
    auto artifact = vm::read_artifact(bytes);
    EXPECT_TRUE(artifact);
    if (!artifact) return {};
    const auto& image = artifact->images[0];
    std::vector<uint32_t> words(image.code_size / 4);
    std::memcpy(words.data(), bytes.data() + image.code_offset, words.size() * 4);
    return words;
  }
  static Module load(const Config& config, const std::vector<uint8_t>& bytes) {
    auto module = Module::from_binary(*Engine::create(config), bytes);
    EXPECT_TRUE(module) << module.error().render();
    return *std::move(module);
  }
  static std::string call(const Config& config, const std::vector<uint8_t>& bytes,
                          const std::string& name, int32_t argument) {
    auto engine = Engine::create(config);
    auto module = Module::from_binary(*engine, bytes);
    if (!module) return module.error().render();
    Store store(*engine);
    Linker linker(*engine);
    auto instance = linker.instantiate(store, *module);
    if (!instance) return instance.error().render();
    auto func = instance->get_func(store, name);
    if (!func) return "no such function";
    auto results = func->call(store, {Val(argument)});
    if (!results) return results.error().render();
    return std::to_string((*results)[0].i32());
  }
  std::vector<uint8_t> original_;
};

TEST_F(Precompiled, RunsWhenAllowed) {
  const std::vector<uint8_t> bytes = compile({});
  Config config;
  config.allow_precompiled = true;
  EXPECT_TRUE(load(config, bytes).notes().empty());
  EXPECT_EQ(call(config, bytes, "triangle", 100), "5050");
  EXPECT_EQ(call(config, bytes, "load", 0), "7");
}

TEST_F(Precompiled, SaysThatItWasNotAllowed) {
  const std::vector<uint8_t> bytes = compile({});
  const Module module = load({}, bytes);
  ASSERT_EQ(module.notes().size(), 1u);
  EXPECT_EQ(module.notes()[0], "native code in the module is not used without --allow-precompiled");
  EXPECT_EQ(call({}, bytes, "triangle", 100), "5050");
}

TEST_F(Precompiled, IsNotUsedInAnotherMode) {
  const std::vector<uint8_t> bytes = compile({.fuel = true});
  Config config;
  config.allow_precompiled = true;
  const Module module = load(config, bytes);
  ASSERT_EQ(module.notes().size(), 1u);
  EXPECT_EQ(module.notes()[0],
            "native code in the module is not used: it is compiled for exact, guarded, fuel, which "
            "is not exact, guarded");
  EXPECT_EQ(call(config, bytes, "triangle", 100), "5050");
}

TEST_F(Precompiled, IsNotUsedOnAnotherProcessor) {
  for (const char* name : {"aarch64-linux", "riscv64-linux"}) {
    if (vm::own_targets().back().name() == name) continue;
    const std::vector<uint8_t> bytes = compile({}, *vm::find_target(name));
    auto artifact = vm::read_artifact(bytes);
    ASSERT_TRUE(artifact);
    EXPECT_EQ(artifact->images[0].mode.guarded, artifact->images[0].target.has_guard_pages());
    Config config;
    config.allow_precompiled = true;
    const Module module = load(config, bytes);
    ASSERT_EQ(module.notes().size(), 1u);
    EXPECT_EQ(
        module.notes()[0],
        std::string("native code in the module is not used: this machine cannot run ") + name);
    EXPECT_EQ(call(config, bytes, "triangle", 100), "5050");
  }
}

/// fmaxnm makes a NaN of a signalling one, where a choice that compares has the other operand. That
/// the results are right test/wast/vectors.wast says, where such code can run.
TEST_F(Precompiled, HasNoMaximumInThePlaceOfAChoiceOnAarch64) {
  const std::vector<uint32_t> code = aarch64_code(R"((module
    (func (export "scalar") (param f64) (result f64)
      (select (local.get 0) (f64.const 0) (f64.gt (local.get 0) (f64.const 0))))
    (func (export "vector") (param v128) (result v128)
      (f64x2.pmax (v128.const f64x2 0 0) (local.get 0)))))");
  ASSERT_FALSE(code.empty());
  for (size_t at = 0; at < code.size(); ++at) {
    const uint32_t word = code[at] & 0xffe0'fc00;
    EXPECT_NE(word, 0x1e60'6800U) << "fmaxnm of f64 at " << 4 * at;
    EXPECT_NE(word, 0x4e60'c400U) << "fmaxnm of f64x2 at " << 4 * at;
  }
}

/// A load that faults before the frame pointer is the frame's own cannot be left as a trap.
TEST_F(Precompiled, HasNothingInFrontOfTheFramePointerOnAarch64) {
  const std::vector<uint32_t> code = aarch64_code(R"((module (memory 1)
    (func (export "f") (param i32 i32) (result i32)
      (select (i32.load (i32.const 0x80000000)) (local.get 1) (local.get 0)))))");
  size_t frames = 0;
  for (size_t at = 0; at + 1 < code.size(); ++at) {
    if (code[at] != 0xa9bf'7bfdU) continue;  // stp x29, x30, [sp, #-16]!
    EXPECT_EQ(code[at + 1], 0x9100'03fdU) << "no mov x29, sp behind " << 4 * at;
    ++frames;
  }
  EXPECT_GE(frames, 2u);
}

TEST_F(Precompiled, IsNotUsedWhenDamaged) {
  std::vector<uint8_t> bytes = compile({});
  auto artifact = vm::read_artifact(bytes);
  ASSERT_TRUE(artifact);
  bytes[artifact->images[0].code_offset + artifact->images[0].code_size / 2] ^= 1;
  Config config;
  config.allow_precompiled = true;
  const Module module = load(config, bytes);
  ASSERT_EQ(module.notes().size(), 1u);
  EXPECT_EQ(module.notes()[0], "native code in the module is not used: its checksum is wrong");
}

TEST_F(Precompiled, KeepsInlinedFramesInBacktraces) {
  Config config;
  config.allow_precompiled = true;
  const std::string error = call(config, compile({}), "load", -8);
  EXPECT_TRUE(error.starts_with("out of bounds memory access\n")) << error;
  EXPECT_NE(error.find("inner"), std::string::npos) << error;
  EXPECT_NE(error.find("load"), std::string::npos) << error;
}

/// Whatever LLVM makes one instruction of: the place is that of the access.
TEST_F(Precompiled, NamesThePlacesThatTheInterpreterNames) {
  auto binary = wasm::assemble(R"((module (memory 1)
    (func $float (param i32) (result f32) (f32.load (local.get 0)))
    (func (export "entry") (param i32) (result i32) (i32.reinterpret_f32 (f32.load (local.get 0))))
    (func (export "inlined") (param i32) (result i32)
      (i32.add (i32.reinterpret_f32 (call $float (local.get 0))) (i32.const 1)))
    (func (export "second") (param i32) (result i32)
      (i32.add (i32.load (i32.const 0)) (i32.load (local.get 0))))
    (func (export "float") (param i32) (result f32) (f32.load (local.get 0)))
    (func (export "vector") (param i32) (result i32)
      (i32x4.extract_lane 1 (i32x4.add (v128.load (local.get 0)) (v128.const i32x4 1 2 3 4))))))");
  ASSERT_TRUE(binary) << binary.error().render();
  original_ = *binary;
  const std::vector<uint8_t> compiled = compile({});
  Config native;
  native.allow_precompiled = true;
  EXPECT_TRUE(load(native, compiled).notes().empty());
  for (const char* name : {"entry", "inlined", "second", "float", "vector"}) {
    const std::string error = call(native, compiled, name, 0xffff);
    EXPECT_EQ(error, call({.tier = Tier::interp}, *binary, name, 0xffff)) << name;
    EXPECT_NE(error.find("0x"), std::string::npos) << error;
  }
}

/// A function that the interpreter runs goes on in optimised code at a loop's header: two loops,
/// one in the other, with values of every kind alive across them.
TEST_F(Precompiled, IsEnteredAtALoop) {
  constexpr std::string_view kLoops = R"((module
    (import "host" "tick" (func $tick (param i32)))
    (func (export "f") (param i32 i64) (result i64)
      (local i32 i32 f32 f64 v128)
      (local.set 4 (f32.const 0.5)) (local.set 5 (f64.const 1.25))
      (local.set 6 (v128.const i64x2 3 4))
      (i64.const 1000)
      (loop $outer (param i64) (result i64)
        (local.set 3 (i32.const 0))
        (loop $inner (param i64) (result i64)
          (call $tick (local.get 3))
          (i64.add (local.get 1))
          (local.set 5 (f64.add (local.get 5) (f64.const 1)))
          (br_if $inner (i32.lt_s (local.tee 3 (i32.add (local.get 3) (i32.const 1)))
                                  (i32.const 10))))
        (i64.add (i64x2.extract_lane 1 (local.get 6)))
        (br_if $outer (i32.lt_s (local.tee 2 (i32.add (local.get 2) (i32.const 1)))
                                (local.get 0))))
      (i64.add (i64.trunc_f64_s (local.get 5)))
      (i64.add (i64.trunc_f32_s (f32.mul (local.get 4) (f32.const 8)))))))";
  auto binary = wasm::assemble(kLoops);
  ASSERT_TRUE(binary) << binary.error().render();
  Sedgec sedgec;
  std::vector<std::string> arguments =
      sedgec_arguments(vm::own_targets().back(), {.guarded = false}, 3);
  arguments.insert(arguments.end(), {"--loops", "1:0,1:1"});
  auto answer = sedgec.compile(arguments, *binary);
  ASSERT_TRUE(answer) << answer.error().render();
  auto artifact = vm::read_artifact(answer->artifact);
  ASSERT_TRUE(artifact);
  ASSERT_EQ(artifact->images[0].loops.size(), 2u);
  for (uint32_t loop : {0u, 1u}) {
    vm::ArtifactImage image = artifact->images[0];
    std::erase_if(image.loops, [loop](const auto& row) { return row.loop != loop; });
    Config config;
    config.tier_threshold = 40;
    auto engine = Engine::create(config);
    auto module = Module::from_binary(*engine, *binary);
    ASSERT_TRUE(module);
    Store store(*engine);
    Linker linker(*engine);
    uint32_t ticks = 0;
    linker.func("host", "tick", [&](Caller&, int32_t) {
      if (++ticks != 15) return;
      auto copy = NativeImage::copy(answer->artifact, image, *module->impl()->code);
      if (copy) module->impl()->tiers->add(*std::move(copy));
    });
    auto instance = linker.instantiate(store, *module);
    ASSERT_TRUE(instance) << instance.error().render();
    auto results = instance->get_func(store, "f")->call(store, {Val(int32_t{20}), Val(int64_t{7})});
    ASSERT_TRUE(results) << results.error().render();
    EXPECT_EQ((*results)[0].i64(), 1000 + 200 * 7 + 20 * 4 + 201 + 4);
    EXPECT_EQ(ticks, 200u);
    EXPECT_TRUE(module->impl()->tiers->has_optimized());
  }
}

/// One sedgec compiles many modules, and none is compiled in another way than the first.
TEST_F(Precompiled, IsTheSameEachTime) {
  const auto text = R"((module (memory 1)
    (func (export "f") (v128.store offset=65521 (i32.const 0) (v128.const i64x2 0 0)))))";
  auto binary = wasm::assemble(text);
  ASSERT_TRUE(binary);
  Sedgec sedgec;
  const std::vector<std::string> arguments =
      sedgec_arguments(vm::own_targets().back(), {.fuel = true}, 3);
  auto first = sedgec.compile(arguments, *binary);
  ASSERT_TRUE(first) << first.error().render();
  for (int i = 0; i < 3; i++) {
    auto again = sedgec.compile(arguments, *binary);
    ASSERT_TRUE(again) << again.error().render();
    EXPECT_EQ(again->artifact, first->artifact) << i;
  }
}

TEST_F(Precompiled, IsAValidModuleForOthers) {
  const std::vector<uint8_t> bytes = compile({});
  auto decoded = Module::from_binary(*Engine::create({.tier = Tier::interp}), bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->exports().size(), 3u);
}

}  // namespace
}  // namespace sedge
