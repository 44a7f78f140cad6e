// Bounded cursor over bytes: fixed-width little-endian values, LEB128 and lengths, each checked
// before it is read. Spec: binary format, section "Values".
#ifndef SEDGE_BASE_READER_H_
#define SEDGE_BASE_READER_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <sedge/error.h>

#include "base/utf8.h"

namespace sedge {

using Bytes = std::span<const uint8_t>;

/// Reads from `bytes`, which the caller keeps alive. `base` is the offset of bytes[0] in the whole
/// input and is used in error locations only. A number that `bytes` cuts off is an error in any
/// case; with `set_lookahead` it is reported as too long or too large where the bytes behind make
/// it so, as the specification's suite expects.
class Reader {
 public:
  explicit Reader(Bytes bytes, uint64_t base = 0)
      : begin_(bytes.data()),
        pos_(bytes.data()),
        end_(bytes.data() + bytes.size()),
        lookahead_end_(end_),
        base_(base) {}

  bool at_end() const { return pos_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - pos_); }
  size_t position() const { return static_cast<size_t>(pos_ - begin_); }
  /// Offset in the whole input.
  uint64_t offset() const { return base_ + position(); }
  Location location() const { return Location::at(offset()); }
  const uint8_t* data() const { return pos_; }
  void seek(size_t position) { pos_ = begin_ + position; }
  /// Steps over `size` bytes, at most remaining().
  void skip(size_t size) { pos_ += size; }
  /// The error for bytes that ran out here.
  [[gnu::cold, gnu::noinline]] std::unexpected<Error> end_of_input() const {
    return fail(end_error_, {}, location());
  }

  /// Bytes behind the last one up to `end` may be looked at to word an error, never read.
  void set_lookahead(const uint8_t* end) { lookahead_end_ = end; }
  /// Bytes that may be loaded from data() on: remaining() and those behind.
  size_t loadable() const { return static_cast<size_t>(lookahead_end_ - pos_); }
  /// The code reported when bytes run out.
  void set_end_error(ErrorCode code) { end_error_ = code; }

  Result<uint8_t> u8() {
    if (pos_ == end_) [[unlikely]]
      return end_of_input();
    return *pos_++;
  }
  Result<uint8_t> peek() const {
    if (pos_ == end_) [[unlikely]]
      return end_of_input();
    return *pos_;
  }
  template <typename T>
  Result<T> fixed() {
    if (remaining() < sizeof(T)) [[unlikely]]
      return end_of_input();
    T value;
    std::memcpy(&value, pos_, sizeof(T));
    pos_ += sizeof(T);
    return value;
  }
  Result<uint32_t> u32() {
    if (pos_ != end_ && *pos_ < 0x80) [[likely]]
      return *pos_++;
    return leb<uint32_t, 32>();
  }
  Result<uint64_t> u64() {
    if (pos_ != end_ && *pos_ < 0x80) [[likely]]
      return *pos_++;
    return leb<uint64_t, 64>();
  }
  Result<int32_t> s32() { return leb<int32_t, 32>(); }
  Result<int64_t> s33() { return leb<int64_t, 33>(); }
  Result<int64_t> s64() { return leb<int64_t, 64>(); }

  /// The next `size` bytes; error `code` if there are fewer.
  Result<Bytes> bytes(size_t size, ErrorCode code = ErrorCode::length_out_of_bounds) {
    if (remaining() < size) [[unlikely]]
      return fail(code, {}, location());
    Bytes out(pos_, size);
    pos_ += size;
    return out;
  }
  /// A length-prefixed UTF-8 name; the view borrows the input.
  Result<std::string_view> name() {
    SEDGE_TRY_ASSIGN(uint32_t size, u32());
    Location at = location();
    SEDGE_TRY_ASSIGN(Bytes raw, bytes(size));
    std::string_view text(reinterpret_cast<const char*>(raw.data()), raw.size());
    if (!is_utf8(text)) return fail(ErrorCode::malformed_utf8, {}, at);
    return text;
  }

 private:
  template <typename T, int kBits>
  [[gnu::noinline]] Result<T> leb() {
    constexpr bool kSigned = std::is_signed_v<T>;
    constexpr int kMaxBytes = (kBits + 6) / 7;
    using U = std::make_unsigned_t<T>;
    U value = 0;
    const uint8_t* start = pos_;
    for (int i = 0; i < kMaxBytes; ++i) {
      if (pos_ == lookahead_end_) [[unlikely]]
        break;
      uint8_t byte = *pos_++;
      value |= static_cast<U>(static_cast<U>(byte & 0x7f) << (7 * i));
      if (i == kMaxBytes - 1) {
        if (byte & 0x80)
          return fail(ErrorCode::integer_representation_too_long, {}, Location::at(offset() - 1));
        constexpr int kUsed = kBits - 7 * (kMaxBytes - 1);  // payload bits of the last byte
        if constexpr (kSigned) {
          // The unused bits must repeat the sign bit.
          auto sign = static_cast<int8_t>(static_cast<uint8_t>(byte << 1)) >> kUsed;
          if (sign != 0 && sign != -1)
            return fail(ErrorCode::integer_too_large, {}, Location::at(offset() - 1));
        } else if ((byte >> kUsed) != 0) {
          return fail(ErrorCode::integer_too_large, {}, Location::at(offset() - 1));
        }
      }
      if (!(byte & 0x80)) {
        if (pos_ > end_) [[unlikely]]
          break;
        if constexpr (kSigned) {
          constexpr int kWidth = static_cast<int>(sizeof(T)) * 8;
          int shift = 7 * (i + 1);
          if (shift < kWidth && (byte & 0x40)) value |= static_cast<U>(~U{0}) << shift;
        }
        return static_cast<T>(value);
      }
    }
    pos_ = start;
    return fail(end_error_, {}, Location::at(base_ + static_cast<size_t>(end_ - begin_)));
  }

  const uint8_t* begin_;
  const uint8_t* pos_;
  const uint8_t* end_;
  const uint8_t* lookahead_end_;  ///< at or behind end_
  uint64_t base_;
  ErrorCode end_error_ = ErrorCode::unexpected_end;
};

}  // namespace sedge

#endif  // SEDGE_BASE_READER_H_
