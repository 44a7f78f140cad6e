#include "wasm/op.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace sedge::wasm {
namespace {

/// Reads one instruction from `bytes`, which `pad` zero bytes follow in memory: with enough of them
/// the reader takes its fast path.
Result<Instr> read_one(std::vector<uint8_t> bytes, size_t pad = 0) {
  size_t size = bytes.size();
  bytes.resize(size + pad);
  InstrReader reader(Bytes(bytes.data(), size), 100, bytes.data() + bytes.size());
  Instr instr;
  SEDGE_TRY(reader.next(instr));
  if (!reader.at_end()) return fail(ErrorCode::section_size_mismatch);
  return instr;
}

void expect_error(const std::vector<uint8_t>& bytes, const char* message, uint64_t offset) {
  for (size_t pad : {0, 16}) {
    auto instr = read_one(bytes, pad);
    ASSERT_FALSE(instr);
    EXPECT_EQ(instr.error().message(), message);
    EXPECT_EQ(instr.error().location().offset, offset);
  }
}

TEST(Op, EveryRowIsFoundByItsCode) {
  for (size_t i = 0; i < kOpCount; ++i) {
    auto op = static_cast<Op>(i);
    const OpInfo& info = op_info(op);
    EXPECT_EQ(find_op(info.prefix, info.code), op) << info.mnemonic;
  }
  EXPECT_EQ(find_op(0, 0xff), std::nullopt);
  EXPECT_EQ(find_op(0xfc, 0xffffffff), std::nullopt);
  EXPECT_EQ(find_op(0x42, 0), std::nullopt);
}

TEST(Op, SignaturesAreWellFormed) {
  for (size_t i = 0; i < kOpCount; ++i) {
    std::string_view signature = op_info(static_cast<Op>(i)).signature;
    if (signature == "*") continue;
    EXPECT_EQ(std::count(signature.begin(), signature.end(), ':'), 1) << signature;
    EXPECT_EQ(signature.find_first_not_of("iIfFva:"), std::string_view::npos) << signature;
  }
}

TEST(InstrReader, ShortAndLongImmediatesAgree) {
  for (size_t pad : {0, 16}) {
    EXPECT_EQ(read_one({0x20, 0x05}, pad)->index, 5u);
    EXPECT_EQ(read_one({0x20, 0x85, 0x00}, pad)->index, 5u);
    EXPECT_EQ(read_one({0x10, 0xff, 0xff, 0x03}, pad)->index, 65535u);
    EXPECT_EQ(read_one({0x10, 0xff, 0xff, 0xff, 0xff, 0x0f}, pad)->index, 0xffffffffu);
    EXPECT_EQ(read_one({0x41, 0x7f}, pad)->i64, -1);
    EXPECT_EQ(read_one({0x41, 0x3f}, pad)->i64, 63);
    EXPECT_EQ(read_one({0x41, 0x40}, pad)->i64, -64);
    EXPECT_EQ(read_one({0x41, 0x80, 0x80, 0x80, 0x80, 0x78}, pad)->i64, INT32_MIN);
    EXPECT_EQ(read_one({0x42, 0x80, 0x80, 0x40}, pad)->i64, -(int64_t{1} << 20));
    auto load = read_one({0x28, 0x02, 0x90, 0x03}, pad);
    EXPECT_EQ(load->mem.align_log2, 2u);
    EXPECT_EQ(load->mem.offset, 400u);
    EXPECT_EQ(load->mem.memory, 0u);
  }
}

TEST(InstrReader, MemoryIndexStandsBehindBitSix) {
  auto load = read_one({0x28, 0x42, 0x01, 0x08}, 16);
  ASSERT_TRUE(load);
  EXPECT_EQ(load->mem.align_log2, 2u);
  EXPECT_EQ(load->mem.memory, 1u);
  EXPECT_EQ(load->mem.offset, 8u);
  auto wide =
      read_one({0x28, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 16);
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->mem.offset, uint64_t{1} << 63);
  expect_error({0x28, 0x80, 0x01, 0x00}, "malformed memop flags", 101);
}

TEST(InstrReader, BlockTypes) {
  EXPECT_EQ(read_one({0x02, 0x40})->block_type.kind, BlockType::Kind::empty);
  auto value = read_one({0x03, 0x7e});
  EXPECT_EQ(value->block_type.kind, BlockType::Kind::value);
  EXPECT_EQ(value->block_type.value, ValType(ValType::i64));
  auto reference = read_one({0x02, 0x63, 0x05});
  EXPECT_EQ(reference->block_type.value, ValType::reference(HeapType::index(5), true));
  auto index = read_one({0x04, 0xc0, 0x00});
  EXPECT_EQ(index->block_type.kind, BlockType::Kind::index);
  EXPECT_EQ(index->block_type.index, 64u);
  expect_error({0x02, 0x41}, "malformed value type", 101);
  expect_error({0x02, 0xc0, 0x7f}, "malformed value type in a block type", 101);
}

TEST(InstrReader, TablesOfLabelsAndCatches) {
  auto table = read_one({0x0e, 0x02, 0x00, 0x01, 0x07});
  ASSERT_TRUE(table);
  EXPECT_EQ(table->labels, (std::vector<uint32_t>{0, 1, 7}));
  auto tried = read_one({0x1f, 0x40, 0x02, 0x01, 0x03, 0x00, 0x02, 0x04});
  ASSERT_TRUE(tried);
  ASSERT_EQ(tried->catches.size(), 2u);
  EXPECT_EQ(tried->catches[0].kind, Catch::Kind::catch_ref);
  EXPECT_EQ(tried->catches[0].tag, 3u);
  EXPECT_EQ(tried->catches[1].kind, Catch::Kind::catch_all);
  EXPECT_EQ(tried->catches[1].label, 4u);
  expect_error({0x1f, 0x40, 0x01, 0x04, 0x00}, "malformed catch clause", 103);
}

TEST(InstrReader, Casts) {
  auto cast = read_one({0xfb, 0x18, 0x01, 0x02, 0x6e, 0x6c});
  ASSERT_TRUE(cast);
  EXPECT_EQ(cast->index, 2u);
  EXPECT_EQ(cast->type, ValType::anyref());
  EXPECT_EQ(cast->type2, ValType::reference(HeapType::i31, false));
  expect_error({0xfb, 0x18, 0x04, 0x02, 0x6e, 0x6c}, "malformed cast flags", 102);
  EXPECT_TRUE(read_one({0xfb, 0x15, 0x70})->type.nullable());
  EXPECT_FALSE(read_one({0xfb, 0x14, 0x70})->type.nullable());
  EXPECT_TRUE(read_one({0xd0, 0x70})->type.nullable());
}

TEST(InstrReader, Constants) {
  EXPECT_EQ(read_one({0x43, 0x00, 0x00, 0x80, 0x3f})->u64, 0x3f800000u);
  EXPECT_EQ(read_one({0x44, 1, 2, 3, 4, 5, 6, 7, 8})->u64, 0x0807060504030201u);
  std::vector<uint8_t> vector = {0xfd, 0x0c};
  for (uint8_t i = 0; i < 16; ++i) vector.push_back(i);
  EXPECT_EQ(read_one(vector)->v128[15], 15);
}

TEST(InstrReader, WrongOpcodesAreNamed) {
  expect_error({0xff}, "illegal opcode ff", 100);
  expect_error({0x27}, "illegal opcode 27", 100);
  expect_error({0xfc, 0x20}, "illegal opcode fc 20", 100);
  expect_error({0xfd, 0x9a, 0x01}, "illegal opcode fd 9a", 100);
  expect_error({0xfe, 0x03, 0x01}, "zero byte expected", 102);
}

TEST(InstrReader, NumbersThatRunOutOrOver) {
  auto cut = read_one({0x20, 0x80});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().message(), "unexpected end of section or function");
  expect_error({0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "integer representation too long", 105);
  expect_error({0x20, 0x80, 0x80, 0x80, 0x80, 0x10}, "integer too large", 105);
}

}  // namespace
}  // namespace sedge::wasm
