#include "wasm/encode/encode.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "wasm/decode/decode.h"

namespace sedge::wasm {
namespace {

using Content = std::vector<uint8_t>;

Result<Module> decode_bytes(Content bytes) {
  return decode(std::make_shared<const std::vector<uint8_t>>(std::move(bytes)));
}

Content module_of(std::initializer_list<Content> sections) {
  Content bytes = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const Content& section : sections) bytes.insert(bytes.end(), section.begin(), section.end());
  return bytes;
}

void expect_same(const Content& bytes) {
  auto module = decode_bytes(bytes);
  ASSERT_TRUE(module) << module.error().render();
  EXPECT_EQ(encode(*module), bytes);
}

TEST(Writer, Numbers) {
  auto written = [](auto write) {
    Writer writer;
    write(writer);
    return writer.take();
  };
  EXPECT_EQ(written([](Writer& w) { w.u32(127); }), (Content{0x7f}));
  EXPECT_EQ(written([](Writer& w) { w.u32(128); }), (Content{0x80, 0x01}));
  EXPECT_EQ(written([](Writer& w) { w.u64(UINT64_MAX); }),
            (Content{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
  EXPECT_EQ(written([](Writer& w) { w.s64(63); }), (Content{0x3f}));
  EXPECT_EQ(written([](Writer& w) { w.s64(64); }), (Content{0xc0, 0x00}));
  EXPECT_EQ(written([](Writer& w) { w.s64(-64); }), (Content{0x40}));
  EXPECT_EQ(written([](Writer& w) { w.s64(-65); }), (Content{0xbf, 0x7f}));
  EXPECT_EQ(written([](Writer& w) { w.s64(INT64_MIN); }),
            (Content{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}));
}

TEST(Writer, Types) {
  auto written = [](ValType type) {
    Writer writer;
    writer.val_type(type);
    return writer.take();
  };
  EXPECT_EQ(written(ValType::i32), (Content{0x7f}));
  EXPECT_EQ(written(ValType::funcref()), (Content{0x70}));
  EXPECT_EQ(written(ValType::reference(HeapType::func, false)), (Content{0x64, 0x70}));
  EXPECT_EQ(written(ValType::reference(HeapType::index(64), true)), (Content{0x63, 0xc0, 0x00}));
}

TEST(Encode, EmptySectionsAreLeftOut) {
  auto module = decode_bytes(module_of({{1, 1, 0}, {5, 1, 0}}));
  ASSERT_TRUE(module);
  EXPECT_EQ(encode(*module), module_of({}));
}

TEST(Encode, CanonicalModulesComeBackAsTheyWere) {
  expect_same(module_of({{1, 5, 1, 0x60, 1, 0x7f, 0},
                         {2, 7, 1, 1, 'm', 1, 'f', 0, 0},
                         {3, 2, 1, 0},
                         {4, 13, 2, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b, 0x6f, 0x05, 1, 2},
                         {5, 4, 1, 0x03, 1, 2},
                         {13, 3, 1, 0, 0},
                         {6, 6, 1, 0x7f, 1, 0x41, 5, 0x0b},
                         {7, 5, 1, 1, 'e', 0, 1},
                         {8, 1, 1},
                         {9, 9, 1, 2, 1, 0x41, 0, 0x0b, 0, 1, 0},
                         {12, 1, 1},
                         {10, 6, 1, 4, 1, 2, 0x7e, 0x0b},
                         {11, 4, 1, 1, 1, 'x'}}));
}

TEST(Encode, RecursionGroupsKeepTheirForm) {
  expect_same(
      module_of({{1, 16, 2, 0x4e, 1, 0x5f, 0, 0x4e, 2, 0x50, 0, 0x5f, 0, 0x4f, 1, 1, 0x5f, 0}}));
}

TEST(Encode, LongNumbersBecomeShort) {
  auto module = decode_bytes(module_of({{5, 5, 1, 0x00, 0x82, 0x80, 0x00}}));
  ASSERT_TRUE(module);
  EXPECT_EQ(encode(*module), module_of({{5, 3, 1, 0x00, 2}}));
}

TEST(Encode, CompactImportsAreWrittenInFull) {
  auto module = decode_bytes(module_of({{2, 10, 1, 1, 'm', 0, 0x7e, 0, 3, 1, 1, 'a'}}));
  ASSERT_TRUE(module) << module.error().render();
  EXPECT_EQ(encode(*module), module_of({{2, 7, 1, 1, 'm', 1, 'a', 0, 3}}));
}

TEST(Encode, CustomSectionsAndNamesKeepTheirPlace) {
  Content names = {0, 10, 4, 'n', 'a', 'm', 'e', 1, 4, 1, 0, 1, 'f'};
  names[1] = static_cast<uint8_t>(names.size() - 2);
  expect_same(module_of({{0, 3, 1, 'a', 9}, {1, 4, 1, 0x60, 0, 0}, names, {0, 2, 1, 'b'}}));
}

TEST(Encode, NamesWithoutASectionComeLast) {
  Module module;
  module.names.module = "m";
  EXPECT_EQ(encode(module), module_of({{0, 9, 4, 'n', 'a', 'm', 'e', 0, 2, 1, 'm'}}));
}

TEST(Encode, MalformedNameSectionsStayAsTheyAre) {
  expect_same(module_of({{0, 8, 4, 'n', 'a', 'm', 'e', 1, 9, 0}}));
}

TEST(Encode, BranchHintsComeBack) {
  Content hints = {0, 0, 25};
  for (char c : std::string_view("metadata.code.branch_hint"))
    hints.push_back(static_cast<uint8_t>(c));
  for (uint8_t byte : {1, 0, 1, 5, 1, 1}) hints.push_back(byte);
  hints[1] = static_cast<uint8_t>(hints.size() - 2);
  expect_same(module_of({{1, 4, 1, 0x60, 0, 0},
                         {3, 2, 1, 0},
                         hints,
                         {10, 11, 1, 9, 1, 1, 0x7f, 0x41, 0, 0x04, 0x40, 0x0b, 0x0b}}));
}

TEST(Encode, SaysWhereBodiesLanded) {
  auto module = decode_bytes(module_of(
      {{1, 4, 1, 0x60, 0, 0}, {3, 3, 2, 0, 0}, {10, 9, 2, 2, 0, 0x0b, 4, 1, 1, 0x7f, 0x0b}}));
  ASSERT_TRUE(module);
  EncodedOffsets offsets;
  Content bytes = encode(*module, &offsets);
  ASSERT_EQ(offsets.bodies.size(), 2u);
  EXPECT_EQ(offsets.bodies[0], module->funcs[0].body.offset);
  EXPECT_EQ(offsets.bodies[1], module->funcs[1].body.offset);
}

TEST(Encode, GuestsAreStable) {
  std::filesystem::path guests = test::shared_path("guests/wasm");
  if (!std::filesystem::exists(guests)) GTEST_SKIP() << "no guests: " << guests << " is missing";
  for (const auto& entry : std::filesystem::directory_iterator(guests)) {
    if (entry.path().extension() != ".wasm") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    auto module = decode_bytes(
        Content(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()));
    if (!module) continue;  // a component
    Content once = encode(*module);
    auto again = decode_bytes(once);
    ASSERT_TRUE(again) << entry.path() << again.error().render();
    EXPECT_EQ(encode(*again), once) << entry.path();
  }
}

}  // namespace
}  // namespace sedge::wasm
