// Input made to exhaust whoever reads it: each must be refused, or accepted, with one clear error
// in bounded time and memory. The whole way is taken: decode or parse, validate, instantiate, call.
#include <sedge/sedge.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/test_paths.h"
#include "wasm/encode/encode.h"

namespace sedge {
namespace {

using Data = std::vector<uint8_t>;

Engine engine() { return Engine::create().value(); }

Data header() { return {0, 'a', 's', 'm', 1, 0, 0, 0}; }

void section(Data& module, uint8_t id, const Data& content) {
  wasm::Writer size;
  size.u32(static_cast<uint32_t>(content.size()));
  module.push_back(id);
  module.insert(module.end(), size.out().begin(), size.out().end());
  module.insert(module.end(), content.begin(), content.end());
}

// A module with one function of type [] -> [] and this entry in its code section.
Data one_function(const Data& entry) {
  Data module = header();
  section(module, 1, {1, 0x60, 0, 0});
  section(module, 3, {1, 0});
  wasm::Writer size;
  size.u32(static_cast<uint32_t>(entry.size()));
  Data code{1};
  code.insert(code.end(), size.out().begin(), size.out().end());
  code.insert(code.end(), entry.begin(), entry.end());
  section(module, 10, code);
  return module;
}

std::string refusal(const Data& module) {
  auto loaded = Module::from_binary(engine(), module);
  return loaded ? "accepted" : loaded.error().message();
}

TEST(BadInput, ASectionThatClaimsAGigabyte) {
  Data module = header();
  module.insert(module.end(), {1, 0x80, 0x80, 0x80, 0x80, 0x04});
  EXPECT_EQ(refusal(module).rfind("length out of bounds", 0), 0u) << refusal(module);
}

TEST(BadInput, CountsThatNoBytesBack) {
  for (uint8_t id : {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13}) {
    Data module = header();
    section(module, id, {0xff, 0xff, 0xff, 0xff, 0x0f});
    EXPECT_NE(refusal(module), "accepted") << "section " << int{id};
  }
}

TEST(BadInput, TenMillionLocals) {
  wasm::Writer entry;
  entry.u32(1);
  entry.u32(10'000'000);
  entry.val_type(ValType::i64);
  entry.u8(0x0b);
  EXPECT_EQ(refusal(one_function(entry.take())).rfind("implementation limit exceeded", 0), 0u);
}

TEST(BadInput, FiftyThousandNestedBlocks) {
  constexpr int kDepth = 50'000;
  Data entry{0};
  for (int i = 0; i < kDepth; ++i) entry.insert(entry.end(), {0x02, 0x40});
  entry.insert(entry.end(), kDepth + 1, 0x0b);
  EXPECT_EQ(refusal(one_function(entry)), "accepted");
  entry.pop_back();
  EXPECT_NE(refusal(one_function(entry)), "accepted");
}

TEST(BadInput, FiftyThousandNestedBlocksRun) {
  constexpr int kDepth = 50'000;
  std::string text = "(module (func (export \"f\") (result i32) ";
  for (int i = 0; i < kDepth; ++i) text += "block ";
  for (int i = 0; i < kDepth; ++i) text += "end ";
  text += "i32.const 7))";
  Engine host = engine();
  auto module = Module::from_text(host, text);
  ASSERT_TRUE(module) << module.error().render();
  Store store(host);
  Instance instance = Linker(host).instantiate(store, *module).value();
  EXPECT_EQ(instance.get_func(store, "f")->call(store, {}).value()[0].i32(), 7);
}

TEST(BadInput, DeeplyFoldedText) {
  constexpr int kDepth = 50'000;
  std::string text = "(module (func (export \"f\") (result i32) ";
  for (int i = 0; i < kDepth; ++i) text += "(i32.eqz ";
  text += "(i32.const 1)";
  text.append(kDepth, ')');
  text += "))";
  auto module = Module::from_text(engine(), text);
  EXPECT_TRUE(module || module.error().code() == ErrorCode::nesting_too_deep);
  EXPECT_FALSE(Module::from_text(engine(), std::string(1'000'000, '(')));
  std::string comments;
  for (int i = 0; i < 500'000; ++i) comments += "(;";
  EXPECT_FALSE(Module::from_text(engine(), comments));
}

TEST(BadInput, HugeTablesMemoriesAndSegmentsAreRefusedByLimits) {
  Engine host = engine();
  for (const char* text :
       {"(module (table 4000000000 funcref))", "(module (memory 65536))",
        "(module (memory i64 0x1000000000000))", "(module (table i64 0xffffffffffff externref))",
        "(module (type $a (array i64)) (global (ref $a) (array.new $a (i64.const 1) "
        "(i32.const 0xffffffff))))"}) {
    auto module = Module::from_text(host, text);
    if (!module) continue;  // refused even earlier
    Store store(host, {.memory_bytes = 64 << 20, .gc_heap_bytes = 64 << 20});
    auto instance = Linker(host).instantiate(store, *module);
    ASSERT_FALSE(instance) << text;
    EXPECT_EQ(instance.error().phase(), Phase::exhaustion) << text;
  }
}

// A cut module is refused where it ends, unless only custom sections are lost. What is loaded grows
// with each cut: a guest beyond 200 KB (with SEDGE_LONG_GUESTS, beyond 8 MB) is cut at every 997th
// byte of its first and last 100 KB, and at about 100 multiples of 997 in between.
TEST(BadInput, EveryGuestCutAtEvery997thByte) {
  constexpr size_t kStep = 997, kWhole = 100'000;
  const size_t most_whole = std::getenv("SEDGE_LONG_GUESTS") ? 8 << 20 : 2 * kWhole;
  namespace fs = std::filesystem;
  fs::path guests = test::shared_path("guests");
  if (!fs::exists(guests)) GTEST_SKIP() << "no guests: " << guests << " is missing";
  Engine host = engine();
  size_t seen = 0, cuts = 0;
  for (const auto& entry : fs::recursive_directory_iterator(guests)) {
    if (entry.path().extension() != ".wasm") continue;
    auto file = read_file(entry.path().string(), 64 << 20);
    ASSERT_TRUE(file) << file.error().render();
    size_t size = file->bytes.size();
    if (size > 8 && file->bytes[6] == 1) continue;  // a component is refused by its header
    size_t stride = size > most_whole ? std::max<size_t>(size / 100 / kStep, 1) * kStep : kStep;
    for (size_t cut = 0; cut < size; ++cuts) {
      auto module = Module::from_binary(host, file->bytes.first(cut));
      if (!module) {
        EXPECT_FALSE(module.error().message().empty());
        EXPECT_NE(module.error().phase(), Phase::io);
        EXPECT_LE(module.error().location().offset, size) << entry.path() << " cut at " << cut;
      }
      bool between = cut >= kWhole && cut + stride + kWhole < size;
      cut += between ? stride : kStep;
    }
    ++seen;
  }
  EXPECT_GT(seen, 20u);
  EXPECT_GT(cuts, 2'000u);
}

TEST(BadInput, RandomBytes) {
  std::mt19937 random(20260601);
  for (int i = 0; i < 3000; ++i) {
    Data module = header();
    size_t size = random() % 200;
    for (size_t j = 0; j < size; ++j) module.push_back(static_cast<uint8_t>(random()));
    std::string message = refusal(module);
    EXPECT_FALSE(message.empty());
  }
}

TEST(BadInput, RandomBytesBehindAValidStart) {
  std::mt19937 random(7);
  Data good = one_function({0, 0x41, 0, 0x1a, 0x0b});
  for (int i = 0; i < 20'000; ++i) {
    Data module = good;
    for (int change = 0; change < 3; ++change)
      module[8 + random() % (module.size() - 8)] = static_cast<uint8_t>(random());
    std::string message = refusal(module);
    EXPECT_FALSE(message.empty());
  }
}

}  // namespace
}  // namespace sedge
