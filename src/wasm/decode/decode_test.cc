#include "wasm/decode/decode.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "wasm/encode/encode.h"
#include "wasm/op.h"

namespace sedge::wasm {
namespace {

using Content = std::vector<uint8_t>;

constexpr uint8_t kHeader[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

/// Assembles binaries from sections.
class Binary {
 public:
  Binary() : bytes_(std::begin(kHeader), std::end(kHeader)) {}
  Binary& section(uint8_t id, const Content& content) {
    Writer writer;
    writer.u8(id);
    writer.u32(static_cast<uint32_t>(content.size()));
    writer.bytes(content);
    bytes_.insert(bytes_.end(), writer.out().begin(), writer.out().end());
    return *this;
  }
  Binary& custom(std::string_view name, const Content& content) {
    Writer writer;
    writer.name(name);
    writer.bytes(content);
    return section(0, writer.out());
  }
  Binary& raw(const Content& content) {
    bytes_.insert(bytes_.end(), content.begin(), content.end());
    return *this;
  }
  Result<Module> decode() const {
    return wasm::decode(std::make_shared<const std::vector<uint8_t>>(bytes_));
  }

 private:
  Content bytes_;
};

Result<Module> decode_bytes(Content bytes) {
  return decode(std::make_shared<const std::vector<uint8_t>>(std::move(bytes)));
}

void expect_error(const Result<Module>& result, std::string_view message, uint64_t offset) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message(), message);
  EXPECT_EQ(result.error().location().kind, Location::Kind::offset);
  EXPECT_EQ(result.error().location().offset, offset);
}

const Content kOneType = {1, 0x60, 0, 0};

TEST(Decode, EmptyModule) {
  auto module = Binary().decode();
  ASSERT_TRUE(module);
  EXPECT_EQ(module->func_count(), 0u);
  EXPECT_EQ(module->binary.size(), 8u);
}

TEST(Decode, Header) {
  expect_error(decode_bytes({}), "unexpected end", 0);
  expect_error(decode_bytes({0, 'a', 's'}), "unexpected end", 0);
  expect_error(decode_bytes({'w', 'a', 's', 'm', 1, 0, 0, 0}), "magic header not detected", 0);
  expect_error(decode_bytes({0, 'a', 's', 'm', 1, 0}), "unexpected end", 4);
  expect_error(decode_bytes({0, 'a', 's', 'm', 2, 0, 0, 0}), "unknown binary version 2", 4);
}

TEST(Decode, ComponentIsNamed) {
  auto component = decode_bytes({0, 'a', 's', 'm', 0x0d, 0, 1, 0});
  expect_error(component, "not supported: this is a component, not a core module", 4);
  EXPECT_EQ(component.error().remedy(), "a core module is needed here: build for wasm32-wasip1");
}

TEST(Decode, SectionsComeInOrderAndOnce) {
  expect_error(Binary().section(14, {0}).decode(), "malformed section id 14", 8);
  expect_error(Binary().section(1, {0}).section(1, {0}).decode(),
               "unexpected content after last section: type section after type section", 11);
  expect_error(Binary().section(3, {0}).section(2, {0}).decode(),
               "unexpected content after last section: import section after function section", 11);
  // Tags stand between memories and globals, the data count before code.
  EXPECT_TRUE(Binary().section(5, {0}).section(13, {0}).section(6, {0}).decode());
  EXPECT_TRUE(Binary().section(9, {0}).section(12, {0}).section(10, {0}).decode());
}

TEST(Decode, SectionSizes) {
  expect_error(Binary().raw({1, 5, 0}).decode(),
               "length out of bounds: the type section declares 5 bytes, 1 are left", 10);
  auto left_over = Binary().section(1, {0, 0}).decode();
  expect_error(left_over, "section size mismatch: 1 bytes left over in the type section", 11);
  auto cut = Binary().section(1, {1, 0x60, 0}).decode();
  expect_error(cut, "unexpected end of section or function", 13);
  EXPECT_EQ(cut.error().render(),
            "type section: unexpected end of section or function (at offset 0xd)\n"
            "help: the file is cut short or damaged: build or copy it again");
}

TEST(Decode, DeclaredCountsAllocateNothing) {
  // Each declares about four billion entries in a few bytes.
  for (uint8_t id : {1, 2, 3, 4, 5, 6, 7, 9, 11, 13}) {
    auto module = Binary().section(id, {0xff, 0xff, 0xff, 0xff, 0x0f}).decode();
    ASSERT_FALSE(module);
    EXPECT_EQ(module.error().message(), "unexpected end of section or function") << int{id};
  }
}

TEST(Decode, SectionOfAGigabyteThatIsNotThere) {
  expect_error(Binary().raw({11, 0x80, 0x80, 0x80, 0x80, 0x04}).decode(),
               "length out of bounds: the data section declares 1073741824 bytes, 0 are left", 14);
}

TEST(Decode, FunctionsAndBodies) {
  auto module = Binary()
                    .section(1, kOneType)
                    .section(3, {2, 0, 0})
                    .section(10, {2, 2, 0, 0x0b, 6, 2, 3, 0x7f, 1, 0x70, 0x0b})
                    .decode();
  ASSERT_TRUE(module);
  ASSERT_EQ(module->funcs.size(), 2u);
  EXPECT_TRUE(module->funcs[0].locals.empty());
  EXPECT_EQ(module->funcs[0].body.bytes.size(), 1u);
  ASSERT_EQ(module->funcs[1].locals.size(), 2u);
  EXPECT_EQ(module->funcs[1].locals[0].count, 3u);
  EXPECT_EQ(module->funcs[1].locals[1].type, ValType::funcref());
  EXPECT_EQ(module->binary[module->funcs[1].body.offset], 0x0b);
}

TEST(Decode, FunctionAndCodeSectionsAgree) {
  expect_error(Binary().section(1, kOneType).section(3, {1, 0}).decode(),
               "function and code section have inconsistent lengths: 1 declared, 0 given", 18);
  expect_error(Binary().section(10, {1, 2, 0, 0x0b}).decode(),
               "function and code section have inconsistent lengths: 0 declared, 1 given", 14);
}

TEST(Decode, LocalsAreCountedBeforeTheyAreMade) {
  auto body_with = [](const Content& runs) {
    Content entry = runs;
    entry.push_back(0x0b);
    Content code = {1, static_cast<uint8_t>(entry.size())};
    code.insert(code.end(), entry.begin(), entry.end());
    return Binary().section(1, kOneType).section(3, {1, 0}).section(10, code).decode();
  };
  expect_error(body_with({2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 2, 0x7e}),
               "too many locals: 4294967297", 29);
  expect_error(body_with({1, 0x80, 0xad, 0xe2, 0x04, 0x7f}),  // ten million
               "implementation limit exceeded: 10000000 locals in one function, at most 50000", 21);
  EXPECT_TRUE(body_with({1, 0xd0, 0x86, 0x03, 0x7f}));  // 50,000
}

TEST(Decode, MissingEnd) {
  auto module = Binary()
                    .section(1, kOneType)
                    .section(3, {2, 0, 0})
                    .section(10, {2, 2, 0, 0x01, 2, 0, 0x01})
                    .decode();
  ASSERT_TRUE(module);
  EXPECT_EQ(missing_end_error(*module, module->funcs[0]).message(), "END opcode expected");
  EXPECT_EQ(missing_end_error(*module, module->funcs[1]).message(),
            "unexpected end of section or function");
}

TEST(Decode, EarlierMistakesInBodiesAreReportedFirst) {
  // The body's LEB128 is too long, and the section id behind it is wrong too.
  expect_error(Binary()
                   .section(1, kOneType)
                   .section(3, {1, 0})
                   .section(10, {1, 9, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x0b})
                   .raw({0x7f})
                   .decode(),
               "integer representation too long", 28);
}

TEST(Decode, Types) {
  auto module = Binary()
                    .section(1, {3,        //
                                 0x4e, 2,  // recursion group
                                 0x50, 0,    0x5f, 2,    0x78, 1,    0x64, 1,    0,  // open struct
                                 0x5e, 0x77, 1,                                      // array of i16
                                 0x4f, 1,    0,    0x5f, 2,    0x78, 1,    0x64, 1,
                                 0,    0x60, 2,    0x7f, 0x7b, 1,    0x69})
                    .decode();
  ASSERT_TRUE(module) << module.error().render();
  ASSERT_EQ(module->types.size(), 4u);
  ASSERT_EQ(module->rec_groups.size(), 3u);
  EXPECT_TRUE(module->rec_groups[0].explicit_);
  EXPECT_EQ(module->rec_groups[0].count, 2u);
  EXPECT_EQ(module->rec_groups[1].first, 2u);
  EXPECT_FALSE(module->types[0].final_);
  EXPECT_EQ(module->types[0].fields[0].storage, ValType(ValType::i8));
  EXPECT_TRUE(module->types[0].fields[0].mutable_);
  EXPECT_EQ(module->types[0].fields[1].storage, ValType::reference(HeapType::index(1), false));
  EXPECT_EQ(module->types[1].kind, SubType::Kind::array);
  EXPECT_TRUE(module->types[2].final_);
  EXPECT_EQ(module->types[2].super, 0u);
  EXPECT_EQ(to_string(module->types[3].func), "[i32 v128] -> [exnref]");
}

TEST(Decode, MalformedTypes) {
  expect_error(Binary().section(1, {1, 0x61}).decode(), "malformed definition type 61", 11);
  expect_error(Binary().section(1, {1, 0xe0, 0x7f, 0, 0}).decode(),
               "integer representation too long", 11);
  expect_error(Binary().section(1, {1, 0x60, 1, 0x40, 0}).decode(), "malformed value type", 13);
  expect_error(Binary().section(1, {1, 0x5e, 0x79, 0}).decode(), "malformed storage type", 12);
  expect_error(Binary().section(1, {1, 0x5e, 0x7f, 2}).decode(), "malformed mutability", 13);
  expect_error(Binary().section(1, {1, 0x50, 2, 0, 0, 0x60, 0, 0}).decode(),
               "sub type: more than one supertype", 12);
}

TEST(Decode, Limits) {
  auto module = Binary()
                    .section(4, {1, 0x70, 0x05, 1, 2})
                    .section(5, {3, 0x07, 1, 2, 0x03, 1, 4, 0x08, 1, 0})
                    .decode();
  ASSERT_TRUE(module) << module.error().render();
  EXPECT_TRUE(module->tables[0].type.is64);
  EXPECT_EQ(module->tables[0].type.limits.max, 2u);
  EXPECT_TRUE(module->memories[0].type.is64);
  EXPECT_TRUE(module->memories[0].type.shared);
  EXPECT_FALSE(module->memories[1].type.is64);
  EXPECT_EQ(module->memories[2].type.page_size_log2, 0);
  expect_error(Binary().section(4, {1, 0x70, 0x02, 0, 0}).decode(), "malformed limits flags 02",
               12);
  expect_error(Binary().section(5, {1, 0x10, 0}).decode(), "malformed limits flags 10", 11);
  expect_error(Binary().section(5, {1, 0x08}).decode(), "malformed limits flags 08", 11);
  expect_error(Binary().section(5, {1, 0x08, 0, 0x41}).decode(), "invalid custom page size: 2^65",
               13);
}

TEST(Decode, ImportsWithTheirTypes) {
  auto module = Binary()
                    .section(2, {5,                              //
                                 1, 'm', 1, 'f', 0, 7,           //
                                 1, 'm', 1, 't', 1, 0x6f, 0, 1,  //
                                 1, 'm', 1, 'e', 2, 0,    1,     //
                                 1, 'm', 1, 'g', 3, 0x7c, 1,     //
                                 1, 'm', 1, 'x', 4, 0,    9})
                    .decode();
  ASSERT_TRUE(module) << module.error().render();
  ASSERT_EQ(module->imports.size(), 5u);
  EXPECT_EQ(module->func_type_index(0), 7u);
  EXPECT_EQ(module->table_type(0).element, ValType::externref());
  EXPECT_TRUE(module->global_type(0).mutable_);
  EXPECT_EQ(module->tag_type_index(0), 9u);
  expect_error(Binary().section(2, {1, 0, 0, 5}).decode(), "malformed import kind 05", 13);
  expect_error(Binary().section(2, {1, 1, 0xff, 0, 0, 0}).decode(), "malformed UTF-8 encoding", 12);
}

TEST(Decode, CompactImports) {
  auto by_module =
      Binary().section(2, {1, 1, 'm', 0, 0x7f, 2, 1, 'a', 0, 3, 1, 'b', 3, 0x7f, 0}).decode();
  ASSERT_TRUE(by_module) << by_module.error().render();
  EXPECT_TRUE(by_module->compact_imports);
  ASSERT_EQ(by_module->imports.size(), 2u);
  EXPECT_EQ(by_module->imports[1].module, "m");
  EXPECT_EQ(by_module->imports[1].name, "b");
  EXPECT_EQ(by_module->imports[1].kind, ExternKind::global);
  auto by_type = Binary().section(2, {1, 1, 'm', 0, 0x7e, 0, 3, 2, 1, 'a', 1, 'b'}).decode();
  ASSERT_TRUE(by_type) << by_type.error().render();
  ASSERT_EQ(by_type->imports.size(), 2u);
  EXPECT_EQ(by_type->imports[1].type_index, 3u);
}

TEST(Decode, ElementSegmentsInAllForms) {
  auto module = Binary()
                    .section(9, {8,                                                     //
                                 0, 0x41, 0,    0x0b, 1,    5,                          //
                                 1, 0,    1,    5,                                      //
                                 2, 1,    0x41, 0,    0x0b, 0,    1, 5,                 //
                                 3, 0,    1,    5,                                      //
                                 4, 0x41, 0,    0x0b, 1,    0xd2, 5, 0x0b,              //
                                 5, 0x70, 1,    0xd0, 0x70, 0x0b,                       //
                                 6, 1,    0x41, 0,    0x0b, 0x6f, 1, 0xd0, 0x6f, 0x0b,  //
                                 7, 0x70, 0})
                    .decode();
  ASSERT_TRUE(module) << module.error().render();
  using Mode = ElemSegment::Mode;
  const Mode modes[] = {Mode::active, Mode::passive, Mode::active, Mode::declarative,
                        Mode::active, Mode::passive, Mode::active, Mode::declarative};
  ASSERT_EQ(module->elems.size(), 8u);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(module->elems[i].mode, modes[i]) << i;
    EXPECT_EQ(module->elems[i].uses_exprs, i >= 4) << i;
    EXPECT_EQ(module->elems[i].size(), i == 7 ? 0u : 1u) << i;
  }
  EXPECT_EQ(module->elems[2].table, 1u);
  EXPECT_EQ(module->elems[0].type, ValType::reference(HeapType::func, false));
  EXPECT_EQ(module->elems[6].type, ValType::externref());
  expect_error(Binary().section(9, {1, 8}).decode(), "malformed element kind 8", 11);
  expect_error(Binary().section(9, {1, 5, 0x7f, 0}).decode(), "malformed reference type", 12);
}

TEST(Decode, DataSegmentsAndTheirCount) {
  auto module =
      Binary()
          .section(12, {3})
          .section(11, {3, 0, 0x41, 1, 0x0b, 1, 'a', 1, 2, 'b', 'c', 2, 4, 0x41, 0, 0x0b, 0})
          .decode();
  ASSERT_TRUE(module) << module.error().render();
  EXPECT_EQ(module->datas[1].mode, DataSegment::Mode::passive);
  EXPECT_EQ(module->datas[1].init.size(), 2u);
  EXPECT_EQ(module->datas[2].memory, 4u);
  expect_error(Binary().section(12, {2}).section(11, {0}).decode(),
               "data count and data section have inconsistent lengths: 2 declared, 0 given", 14);
  expect_error(Binary().section(11, {1, 3}).decode(), "malformed data segment kind 3", 11);
}

TEST(Decode, ConstantExpressionsEndAtTheirOwnEnd) {
  auto module = Binary().section(6, {1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}).decode();
  ASSERT_TRUE(module);
  EXPECT_EQ(module->globals[0].init.bytes.size(), 6u);
  expect_error(Binary().section(6, {1, 0x7f, 0, 0x41, 1}).decode(),
               "unexpected end of section or function", 15);
  expect_error(Binary().section(4, {1, 0x40, 1, 0x70, 0, 0}).decode(), "zero byte expected", 12);
}

TEST(Decode, CustomSectionsKeepTheirPlace) {
  auto module = Binary().custom("first", {1}).section(1, {0}).custom("second", {2, 3}).decode();
  ASSERT_TRUE(module);
  ASSERT_EQ(module->customs.size(), 2u);
  EXPECT_EQ(module->customs[0].after, SectionId::custom);
  EXPECT_EQ(module->customs[1].after, SectionId::type);
  EXPECT_EQ(module->customs[1].name, "second");
  EXPECT_EQ(module->customs[1].content.size(), 2u);
}

TEST(Decode, Names) {
  auto module = Binary()
                    .custom("name", {0,  2, 1, 'm',                       //
                                     1,  7, 2, 0,   1, 'f', 3, 1,   'g',  //
                                     2,  6, 1, 0,   1, 1,   1, 'x',       //
                                     11, 4, 1, 0,   1, 't',               //
                                     99, 1, 0})
                    .decode();
  ASSERT_TRUE(module);
  EXPECT_EQ(module->names.module, "m");
  EXPECT_EQ(module->names.funcs.find(3)->second, "g");
  EXPECT_EQ(module->names.locals.find(0)->second.find(1)->second, "x");
  EXPECT_EQ(module->names.tags.find(0)->second, "t");
}

TEST(Decode, MalformedNamesAreIgnored) {
  for (const Content& content : {Content{1, 9, 0}, Content{1, 7, 2, 3, 1, 'g', 0, 1, 'f'},
                                 Content{0, 2, 1, 0xff}, Content{1, 4, 0xff, 0xff, 0xff, 0x0f}}) {
    auto module = Binary().custom("name", content).decode();
    ASSERT_TRUE(module);
    EXPECT_TRUE(module->names.funcs.empty());
    EXPECT_FALSE(module->names.module);
    EXPECT_EQ(module->customs.size(), 1u);
  }
}

TEST(Decode, BranchHintsCountFromTheFirstInstruction) {
  auto module = Binary()
                    .section(1, kOneType)
                    .section(3, {1, 0})
                    .custom("metadata.code.branch_hint", {1, 0, 1, 5, 1, 1})
                    .section(10, {1, 9, 1, 1, 0x7f, 0x41, 0, 0x04, 0x40, 0x0b, 0x0b})
                    .decode();
  ASSERT_TRUE(module) << module.error().render();
  ASSERT_EQ(module->branch_hints.size(), 1u);
  EXPECT_EQ(module->branch_hints.at(0), (std::map<uint32_t, bool>{{2, true}}));
}

// What is left of a file may be anything: each cut must give a module or an error.
void decode_every_cut(const Content& bytes, size_t step) {
  for (size_t size = 0; size < bytes.size(); size += step) {
    auto module = decode_bytes(Content(bytes.begin(), bytes.begin() + static_cast<long>(size)));
    if (!module) {
      EXPECT_NE(module.error().phase(), Phase::io);
      EXPECT_LE(module.error().location().offset, size);
    }
  }
}

std::filesystem::path guests() { return test::shared_path("guests/wasm"); }

Content read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Content(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

TEST(Decode, EveryGuestAndItsTruncations) {
  if (!std::filesystem::exists(guests()))
    GTEST_SKIP() << "no guests: " << guests() << " is missing";
  size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(guests())) {
    if (entry.path().extension() != ".wasm") continue;
    Content bytes = read(entry.path());
    bool component = bytes.size() > 6 && bytes[6] == 1;
    EXPECT_EQ(decode_bytes(bytes).has_value(), !component) << entry.path();
    decode_every_cut(bytes, 997 * (bytes.size() / 200'000 + 1));
    ++seen;
  }
  EXPECT_GT(seen, 10u);
}

TEST(Decode, RandomBytesNeverCrash) {
  std::mt19937 random(20240117);
  for (int round = 0; round < 20000; ++round) {
    Content bytes(std::begin(kHeader), std::end(kHeader));
    size_t size = random() % 64;
    for (size_t i = 0; i < size; ++i)
      bytes.push_back(static_cast<uint8_t>(random() % 3 ? random() % 16 : random()));
    auto module = decode_bytes(bytes);
    if (module) EXPECT_EQ(module->binary.size(), bytes.size());
  }
}

}  // namespace
}  // namespace sedge::wasm
