// Loads, stores and atomic operators of op.def on a small memory, at odd addresses where allowed.
#include "wasm/eval/memory.h"

#include <gtest/gtest.h>

#include <numeric>

namespace sedge::wasm::eval {
namespace {

struct Memory {
  // Bytes 0x80, 0x81, … so that every access sees a sign bit.
  Memory() { std::iota(std::begin(bytes), std::end(bytes), uint8_t{0x80}); }
  alignas(16) uint8_t bytes[64];
};

std::vector<int> lanes(V128 vector) {
  std::vector<int> result(16);
  for (int i = 0; i < 16; i++) result[static_cast<size_t>(i)] = vector[i];
  return result;
}
template <typename T>
std::vector<T> lanes_as(V128 vector) {
  std::vector<T> result(16 / sizeof(T));
  std::memcpy(result.data(), &vector, 16);
  return result;
}

TEST(EvalMemory, ScalarLoads) {
  const Memory memory;
  const uint8_t* const at = memory.bytes + 1;
  EXPECT_EQ(load<Op::i32_load>(at), 0x8483'8281u);
  EXPECT_EQ(load<Op::i64_load>(at), 0x8887'8685'8483'8281u);
  EXPECT_EQ(load<Op::i32_load8_s>(at), 0xffff'ff81u);
  EXPECT_EQ(load<Op::i32_load8_u>(at), 0x81u);
  EXPECT_EQ(load<Op::i32_load16_s>(at), 0xffff'8281u);
  EXPECT_EQ(load<Op::i32_load16_u>(at), 0x8281u);
  EXPECT_EQ(load<Op::i64_load8_s>(at), 0xffff'ffff'ffff'ff81u);
  EXPECT_EQ(load<Op::i64_load8_u>(at), 0x81u);
  EXPECT_EQ(load<Op::i64_load16_s>(at), 0xffff'ffff'ffff'8281u);
  EXPECT_EQ(load<Op::i64_load16_u>(at), 0x8281u);
  EXPECT_EQ(load<Op::i64_load32_s>(at), 0xffff'ffff'8483'8281u);
  EXPECT_EQ(load<Op::i64_load32_u>(at), 0x8483'8281u);
  EXPECT_EQ(as<uint32_t>(load<Op::f32_load>(at)), 0x8483'8281u);
  EXPECT_EQ(as<uint64_t>(load<Op::f64_load>(at)), 0x8887'8685'8483'8281u);
}

TEST(EvalMemory, FloatLoadsAndStoresKeepSignallingNans) {
  Memory memory;
  const uint32_t single = 0x7fa0'0001;
  const uint64_t twice = 0x7ff4'0000'0000'0001;
  std::memcpy(memory.bytes, &single, 4);
  std::memcpy(memory.bytes + 8, &twice, 8);
  store<Op::f32_store>(memory.bytes + 17, load<Op::f32_load>(memory.bytes));
  store<Op::f64_store>(memory.bytes + 25, load<Op::f64_load>(memory.bytes + 8));
  EXPECT_EQ(load<Op::i32_load>(memory.bytes + 17), single);
  EXPECT_EQ(load<Op::i64_load>(memory.bytes + 25), twice);
}

TEST(EvalMemory, Stores) {
  Memory memory;
  store<Op::i32_store8>(memory.bytes + 1, 0x11223344);
  store<Op::i32_store16>(memory.bytes + 3, 0x11223344);
  store<Op::i32_store>(memory.bytes + 7, 0x11223344);
  store<Op::i64_store8>(memory.bytes + 12, 0x1122334455667788);
  store<Op::i64_store16>(memory.bytes + 14, 0x1122334455667788);
  store<Op::i64_store32>(memory.bytes + 17, 0x1122334455667788);
  store<Op::i64_store>(memory.bytes + 23, 0x1122334455667788);
  const uint8_t expected[] = {0x80, 0x44, 0x82, 0x44, 0x33, 0x85, 0x86, 0x44, 0x33, 0x22, 0x11,
                              0x8b, 0x88, 0x8d, 0x88, 0x77, 0x90, 0x88, 0x77, 0x66, 0x55, 0x95,
                              0x96, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x9f};
  EXPECT_EQ(std::memcmp(memory.bytes, expected, sizeof expected), 0);
}

TEST(EvalMemory, VectorLoads) {
  Memory memory;
  const uint8_t* const at = memory.bytes + 1;
  EXPECT_EQ(lanes(load<Op::v128_load>(at))[15], 0x90);
  EXPECT_EQ(lanes_as<int16_t>(load<Op::v128_load8x8_s>(at))[7], static_cast<int8_t>(0x88));
  EXPECT_EQ(lanes_as<uint16_t>(load<Op::v128_load8x8_u>(at))[7], 0x88);
  EXPECT_EQ(lanes_as<int32_t>(load<Op::v128_load16x4_s>(at))[3], static_cast<int16_t>(0x8887));
  EXPECT_EQ(lanes_as<uint32_t>(load<Op::v128_load16x4_u>(at))[3], 0x8887u);
  EXPECT_EQ(lanes_as<int64_t>(load<Op::v128_load32x2_s>(at))[1], static_cast<int32_t>(0x8887'8685));
  EXPECT_EQ(lanes_as<uint64_t>(load<Op::v128_load32x2_u>(at))[1], 0x8887'8685u);
  EXPECT_EQ(lanes(load<Op::v128_load8_splat>(at)), std::vector<int>(16, 0x81));
  EXPECT_EQ(lanes_as<uint16_t>(load<Op::v128_load16_splat>(at)), std::vector<uint16_t>(8, 0x8281));
  EXPECT_EQ(lanes_as<uint32_t>(load<Op::v128_load32_splat>(at)),
            std::vector<uint32_t>(4, 0x8483'8281));
  EXPECT_EQ(lanes_as<uint64_t>(load<Op::v128_load64_splat>(at)),
            std::vector<uint64_t>(2, 0x8887'8685'8483'8281));
  EXPECT_EQ(lanes_as<uint64_t>(load<Op::v128_load32_zero>(at)),
            (std::vector<uint64_t>{0x8483'8281, 0}));
  EXPECT_EQ(lanes_as<uint64_t>(load<Op::v128_load64_zero>(at)),
            (std::vector<uint64_t>{0x8887'8685'8483'8281, 0}));
}

TEST(EvalMemory, LaneLoadsAndStores) {
  Memory memory;
  const V128 vector = load<Op::v128_load>(memory.bytes);
  const uint8_t* const at = memory.bytes + 33;
  EXPECT_EQ(lanes_as<uint8_t>(load_lane<Op::v128_load8_lane>(at, vector, 15))[15], 0xa1);
  EXPECT_EQ(lanes_as<uint16_t>(load_lane<Op::v128_load16_lane>(at, vector, 7))[7], 0xa2a1);
  EXPECT_EQ(lanes_as<uint32_t>(load_lane<Op::v128_load32_lane>(at, vector, 2))[2], 0xa4a3'a2a1u);
  EXPECT_EQ(lanes_as<uint64_t>(load_lane<Op::v128_load64_lane>(at, vector, 1))[1],
            0xa8a7'a6a5'a4a3'a2a1u);
  EXPECT_EQ(lanes_as<uint64_t>(load_lane<Op::v128_load64_lane>(at, vector, 1))[0],
            0x8786'8584'8382'8180u);
  store_lane<Op::v128_store8_lane>(memory.bytes + 17, vector, 15);
  store_lane<Op::v128_store16_lane>(memory.bytes + 19, vector, 3);
  store_lane<Op::v128_store32_lane>(memory.bytes + 23, vector, 1);
  store_lane<Op::v128_store64_lane>(memory.bytes + 29, vector, 1);
  EXPECT_EQ(load<Op::i32_load8_u>(memory.bytes + 17), 0x8fu);
  EXPECT_EQ(load<Op::i32_load8_u>(memory.bytes + 18), 0x92u);
  EXPECT_EQ(load<Op::i32_load16_u>(memory.bytes + 19), 0x8786u);
  EXPECT_EQ(load<Op::i32_load>(memory.bytes + 23), 0x8786'8584u);
  EXPECT_EQ(load<Op::i64_load>(memory.bytes + 29), 0x8f8e'8d8c'8b8a'8988u);
  store<Op::v128_store>(memory.bytes + 1, vector);
  EXPECT_EQ(load<Op::i64_load>(memory.bytes + 1), 0x8786'8584'8382'8180u);
}

// A read-modify-write row at address 8 with an operand whose high bytes are noise: returns the old
// value and leaves the new one.
template <Op op>
void expect_rmw(uint64_t old_value, uint64_t new_value) {
  Memory memory;
  uint8_t* const at = memory.bytes + 8;
  const auto result =
      atomic_rmw<op>(at, static_cast<typename MemTraits<op>::Value>(0x0102'0304'0506'070f));
  uint64_t now = 0;
  std::memcpy(&now, at, MemTraits<op>::kBytes);
  EXPECT_EQ(result, old_value) << op_row(op).mnemonic;
  EXPECT_EQ(now, new_value) << op_row(op).mnemonic;
  EXPECT_EQ(at[MemTraits<op>::kBytes], 0x88 + MemTraits<op>::kBytes) << op_row(op).mnemonic;
}

TEST(EvalMemory, AtomicReadModifyWrite) {
  expect_rmw<Op::i32_atomic_rmw_add>(0x8b8a'8988, 0x9090'9097);
  expect_rmw<Op::i64_atomic_rmw_add>(0x8f8e'8d8c'8b8a'8988, 0x9090'9090'9090'9097);
  expect_rmw<Op::i32_atomic_rmw8_add_u>(0x88, 0x97);
  expect_rmw<Op::i32_atomic_rmw16_sub_u>(0x8988, 0x8279);
  expect_rmw<Op::i64_atomic_rmw32_and_u>(0x8b8a'8988, 0x0102'0108);
  expect_rmw<Op::i64_atomic_rmw8_or_u>(0x88, 0x8f);
  expect_rmw<Op::i64_atomic_rmw16_xor_u>(0x8988, 0x8e87);
  expect_rmw<Op::i32_atomic_rmw_xchg>(0x8b8a'8988, 0x0506'070f);
  expect_rmw<Op::i64_atomic_rmw_xchg>(0x8f8e'8d8c'8b8a'8988, 0x0102'0304'0506'070f);
}

TEST(EvalMemory, AtomicCompareExchange) {
  Memory memory;
  uint8_t* const at = memory.bytes + 8;
  EXPECT_EQ(atomic_cmpxchg<Op::i32_atomic_rmw_cmpxchg>(at, 1, 2), 0x8b8a'8988u);
  EXPECT_EQ(load<Op::i32_load>(at), 0x8b8a'8988u);
  EXPECT_EQ(atomic_cmpxchg<Op::i32_atomic_rmw_cmpxchg>(at, 0x8b8a'8988, 2), 0x8b8a'8988u);
  EXPECT_EQ(load<Op::i64_load>(at), 0x8f8e'8d8c'0000'0002u);
  EXPECT_EQ(atomic_cmpxchg<Op::i64_atomic_rmw8_cmpxchg_u>(at, 2, 0x1234), 2u);
  EXPECT_EQ(load<Op::i32_load>(at), 0x34u);
}

TEST(EvalMemory, AtomicLoadsAndStores) {
  Memory memory;
  uint8_t* const at = memory.bytes + 8;
  EXPECT_EQ(atomic_load<Op::i64_atomic_load16_u>(at), 0x8988u);
  EXPECT_EQ(atomic_load<Op::i32_atomic_load>(at), 0x8b8a'8988u);
  atomic_store<Op::i64_atomic_store8>(at, 0x1122);
  EXPECT_EQ(atomic_load<Op::i64_atomic_load>(at), 0x8f8e'8d8c'8b8a'8922u);
}

// The table covers every row that has an address operand but for wait, notify and grow.
TEST(EvalMemory, EveryAccessHasAKind) {
  size_t accesses = 0;
  for (const OpRow& row : kOpRows) {
    const bool access = row.imm == Imm::mem_arg || row.imm == Imm::mem_arg_lane;
    const bool waits = row.mnemonic.starts_with("memory.atomic");
    EXPECT_EQ(detail::mem_kind(row) != MemKind::none, access && !waits) << row.mnemonic;
    accesses += access;
  }
  EXPECT_EQ(accesses, 23u + 22u + 67u - 1u);
}

}  // namespace
}  // namespace sedge::wasm::eval
