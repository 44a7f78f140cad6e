// Values that cross between host and wasm.
#ifndef SEDGE_VALUE_H_
#define SEDGE_VALUE_H_

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>

#include <sedge/types.h>

namespace sedge {

namespace vm {
struct Func;
}
struct RootedRef;  // a GC reference that its store keeps alive

/// One WebAssembly value. References are rooted in their store while the Val lives; a Val with a
/// reference must not be used after its store is gone.
class Val {
 public:
  Val() : Val(int32_t{0}) {}
  Val(int32_t value) : type_(ValType::i32) { low_ = static_cast<uint32_t>(value); }   // NOLINT
  Val(int64_t value) : type_(ValType::i64) { low_ = static_cast<uint64_t>(value); }   // NOLINT
  Val(float value) : type_(ValType::f32) { low_ = std::bit_cast<uint32_t>(value); }   // NOLINT
  Val(double value) : type_(ValType::f64) { low_ = std::bit_cast<uint64_t>(value); }  // NOLINT
  static Val f32_bits(uint32_t bits) { return Val(ValType::f32, bits, 0); }
  static Val f64_bits(uint64_t bits) { return Val(ValType::f64, bits, 0); }
  static Val v128(const std::array<uint8_t, 16>& bytes) {
    Val value(ValType::v128, 0, 0);
    std::memcpy(&value.low_, bytes.data(), 8);
    std::memcpy(&value.high_, bytes.data() + 8, 8);
    return value;
  }
  static Val null(HeapType heap) { return Val(ValType::reference(heap, true), 0, 0); }
  /// From raw cells (v128: both), as the engine holds them. For references see Store::make_val.
  static Val from_bits(ValType type, uint64_t low, uint64_t high = 0) {
    return Val(type, low, high);
  }

  ValType type() const { return type_; }
  int32_t i32() const { return static_cast<int32_t>(low_); }
  int64_t i64() const { return static_cast<int64_t>(low_); }
  float f32() const { return std::bit_cast<float>(static_cast<uint32_t>(low_)); }
  double f64() const { return std::bit_cast<double>(low_); }
  std::array<uint8_t, 16> v128() const {
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &low_, 8);
    std::memcpy(bytes.data() + 8, &high_, 8);
    return bytes;
  }
  bool is_null() const { return type_.is_ref() && low_ == 0; }
  uint64_t low() const { return low_; }
  uint64_t high() const { return high_; }
  const std::shared_ptr<RootedRef>& root() const { return root_; }
  void set_root(std::shared_ptr<RootedRef> root) { root_ = std::move(root); }

 private:
  Val(ValType type, uint64_t low, uint64_t high) : type_(type), low_(low), high_(high) {}
  ValType type_;
  uint64_t low_ = 0;
  uint64_t high_ = 0;
  std::shared_ptr<RootedRef> root_;
};

}  // namespace sedge

#endif  // SEDGE_VALUE_H_
