#include "runtime/code_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/mapping.h"
#include "runtime/code_registry.h"

namespace sedge::runtime {
namespace {

const int kModule = 0;

std::vector<uint8_t> bytes(size_t size) { return std::vector<uint8_t>(size, 0x90); }

/// Mappings of this process that hold code made at run time, as "r-xs" and the like.
std::vector<std::string> code_mappings() {
  std::vector<std::string> out;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("sedge-code") != std::string::npos)
      out.push_back(line.substr(line.find(' ') + 1, 4));
  std::ranges::sort(out);
  return out;
}

TEST(CodeMemory, FindsFunctionsAndPlaces) {
  auto memory = std::make_unique<CodeMemory>(&kModule);
  std::vector<std::pair<uint32_t, uint64_t>> first = {{0, 100}, {10, 90}, {40, 130}},
                                             second = {{0, 7}};
  const uint8_t* a = memory->add(3, bytes(50), first);
  const uint8_t* b = memory->add(4, bytes(20), second);
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_EQ(b - a, 64);
  EXPECT_EQ(a[49], 0x90);
#if defined(__aarch64__)
  EXPECT_EQ(a[50], 0);  // udf
#else
  EXPECT_EQ(a[50], 0xcc);  // int3
#endif
  const vm::CodeRange* range = CodeLookup().find(a);
  ASSERT_NE(range, nullptr);
  EXPECT_EQ(range->module, &kModule);
  EXPECT_EQ(CodeLookup().find(b + 19), range);
  EXPECT_EQ(CodeLookup().find(range->begin - 1), nullptr);
  EXPECT_EQ(CodeLookup().find(range->end), nullptr);
  auto offset = [&](const uint8_t* pc, uint32_t func) {
    vm::CodePlace place;
    EXPECT_EQ(range->places(pc, &place, 1), 1u);
    EXPECT_EQ(place.func_index, func);
    return place.offset;
  };
  EXPECT_EQ(offset(a, 3), 100u);
  EXPECT_EQ(offset(a + 9, 3), 100u);
  EXPECT_EQ(offset(a + 10, 3), 90u);
  EXPECT_EQ(offset(a + 49, 3), 130u);
  EXPECT_EQ(offset(b, 4), 7u);
  memory = nullptr;
  EXPECT_EQ(CodeLookup().find(b), nullptr);
  EXPECT_TRUE(code_mappings().empty());
}

TEST(CodeMemory, NeedsFewMappingsAndNeverOneThatIsBoth) {
  CodeMemory memory(&kModule);
  std::vector<const uint8_t*> starts;
  for (uint32_t i = 0; i < 100; ++i) starts.push_back(memory.add(i, bytes(30000), {}));
  // 1 MiB each; the last one still takes code.
  EXPECT_EQ(code_mappings(), (std::vector<std::string>{"r-xs", "r-xs", "r-xs", "rw-s"}));
  starts.push_back(memory.add(100, bytes(5 << 20), {}));
  for (uint32_t i = 0; i < starts.size(); ++i) {
    const vm::CodeRange* range = CodeLookup().find(starts[i]);
    ASSERT_NE(range, nullptr);
    vm::CodePlace place;
    EXPECT_EQ(range->places(starts[i] + 29999, &place, 1), 1u);
    EXPECT_EQ(place.func_index, i);
  }
}

TEST(CodeRegistry, IsReadWhileItChanges) {
  CodeMemory memory(&kModule);
  const uint8_t* code = memory.add(0, bytes(10), {});
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) EXPECT_NE(CodeLookup().find(code), nullptr);
    });
  }
  for (int i = 0; i < 200; ++i) {
    CodeMemory other(&kModule);
    const uint8_t* added = other.add(0, bytes(10), {});
    EXPECT_NE(CodeLookup().find(added), nullptr);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace sedge::runtime
