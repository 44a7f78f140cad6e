#include "engine/code_tools.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <elf.h>
#include <gtest/gtest.h>
#include <sedge/sedge.h>
#include <unistd.h>

namespace sedge {
namespace {

constexpr std::string_view kModule = R"((module
  (func $twice (export "twice") (param i32) (result i32) local.get 0 local.get 0 i32.add)))";

/// Runs a function in native code of an engine with this configuration.
void run(Config config) {
  config.tier = Tier::baseline;
  auto engine = Engine::create(config);
  ASSERT_TRUE(engine) << engine.error().message();
  auto module = Module::from_text(*engine, kModule);
  ASSERT_TRUE(module);
  Store store(*engine);
  auto instance = Linker(*engine).instantiate(store, *module);
  ASSERT_TRUE(instance);
  uint64_t cells[1] = {21};
  ASSERT_TRUE(instance->get_func(store, "twice")->call_raw(store, cells));
  EXPECT_EQ(cells[0], 42u);
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(CodeTools, PerfMapNamesFunctions) {
  if (!Engine::has(Tier::baseline)) GTEST_SKIP() << "no baseline compiler here";
  run({.profile = Profile::perf_map});
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  const std::string map = content(path);
  std::filesystem::remove(path);
  EXPECT_NE(map.find(" twice (baseline)\n"), std::string::npos) << map;
}

TEST(CodeTools, JitdumpHoldsCode) {
  if (!Engine::has(Tier::baseline)) GTEST_SKIP() << "no baseline compiler here";
  run({.profile = Profile::jitdump});
  const std::string path = "jit-" + std::to_string(::getpid()) + ".dump";
  const std::string dump = content(path);
  std::filesystem::remove(path);
  uint32_t head[10], record[2];
  ASSERT_GT(dump.size(), sizeof head + sizeof record);
  std::memcpy(head, dump.data(), sizeof head);
  std::memcpy(record, dump.data() + sizeof head, sizeof record);
  EXPECT_EQ(head[0], 0x4a695444u);
  EXPECT_EQ(head[5], static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(record[0], 0u);
  EXPECT_EQ(record[1], dump.size() - sizeof head) << "one record, up to the end";
  EXPECT_NE(dump.find("twice (baseline)"), std::string::npos);
}

TEST(CodeTools, AnotherFileIsNotReplaced) {
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  std::filesystem::create_directory(path);
  auto engine = Engine::create({.profile = Profile::perf_map});
  std::filesystem::remove(path);
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message().find(path), std::string::npos);
}

TEST(CodeTools, GdbGetsAnObject) {
  const uint8_t code[32] = {};
  const CodeSymbol symbols[] = {{"a", std::span(code).first(16)}, {"bc", std::span(code).last(16)}};
  const std::string object = elf_object(symbols);
  Elf64_Ehdr header;
  ASSERT_GE(object.size(), sizeof header);
  std::memcpy(&header, object.data(), sizeof header);
  ASSERT_EQ(object.size(), header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr));
  Elf64_Shdr text, table;
  std::memcpy(&text, object.data() + header.e_shoff + sizeof text, sizeof text);
  std::memcpy(&table, object.data() + header.e_shoff + 3 * sizeof table, sizeof table);
  EXPECT_EQ(text.sh_addr, reinterpret_cast<uint64_t>(code));
  EXPECT_EQ(text.sh_size, sizeof code);
  ASSERT_EQ(table.sh_size, 3 * sizeof(Elf64_Sym));
  Elf64_Sym second;
  std::memcpy(&second, object.data() + table.sh_offset + 2 * sizeof second, sizeof second);
  EXPECT_EQ(second.st_value, 16u);
  EXPECT_EQ(second.st_size, 16u);
  GdbObject told(symbols);  // and takes it back
}

TEST(CodeTools, NamesAreOneLine) {
  EXPECT_EQ(CodeSymbol::printable("a\nb\0c\x7f"), "a?b");
  EXPECT_EQ(CodeSymbol::printable(std::string_view("a\nb\0c", 5)), "a?b?c");
  EXPECT_EQ(CodeSymbol::printable(std::string(1000, 'x')).size(), 256u);
}

}  // namespace
}  // namespace sedge
