// BLAKE2bp (https://www.blake2.net/blake2.pdf, section 2.10): four BLAKE2b lanes (RFC 7693) side by
// side under a root, 512 bits, of which 256 are kept. As strong as BLAKE2b, several times as fast
// where registers hold four words.
#ifndef SEDGE_BASE_BLAKE2_H_
#define SEDGE_BASE_BLAKE2_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sedge {

using Digest = std::array<uint8_t, 32>;

/// Hash of what is given piece by piece; how it is cut does not matter. A secret as the first piece
/// makes it a message authentication code: BLAKE2 has no length extension.
class Blake2 {
 public:
  Blake2();
  Blake2& update(std::span<const uint8_t> bytes);
  /// The first 32 bytes of the hash. Nothing may follow.
  Digest finish();

  static constexpr size_t kLanes = 4, kBlock = 128, kStripe = kLanes * kBlock;

 private:
  void stripes(const uint8_t* from, size_t count);
  std::array<std::array<uint64_t, kLanes>, 8> state_;  ///< by word, then by lane
  uint64_t done_ = 0;                                  ///< bytes of each lane
  /// What may hold the last block of a lane: at most two stripes.
  std::array<uint8_t, 2 * kStripe> rest_;
  size_t rest_size_ = 0;
};

Digest blake2(std::span<const uint8_t> bytes);

/// Whether both are the same, in a time that says nothing about where they differ.
bool same_digest(std::span<const uint8_t, 32> a, std::span<const uint8_t, 32> b);

}  // namespace sedge

#endif  // SEDGE_BASE_BLAKE2_H_
