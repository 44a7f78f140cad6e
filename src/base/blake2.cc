// The compression function is a template on the word: uint64_t for one lane, a vector of four for
// all lanes at once.
#include "base/blake2.h"

#include <algorithm>
#include <cstring>

#include "base/cpu.h"

namespace sedge {
namespace {

constexpr std::array<uint64_t, 8> kInitial = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

constexpr uint8_t kSigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

using Vector = uint64_t __attribute__((vector_size(32)));

template <typename Word>
[[gnu::always_inline]] inline Word turn(Word x, int by) {
  return (x >> by) | (x << (64 - by));
}

template <typename Word>
[[gnu::always_inline]] inline void mix(Word& a, Word& b, Word& c, Word& d, const Word& x,
                                       const Word& y) {
  a = a + b + x;
  d = turn<Word>(d ^ a, 32);
  c = c + d;
  b = turn<Word>(b ^ c, 24);
  a = a + b + y;
  d = turn<Word>(d ^ a, 16);
  c = c + d;
  b = turn<Word>(b ^ c, 63);
}

/// RFC 7693, 3.2. `counter`: bytes up to the end of the block; the flags are all ones or zero.
template <typename Word>
[[gnu::always_inline]] inline void compress(Word* h, const Word* m, uint64_t counter, uint64_t last,
                                            uint64_t last_node) {
  Word v[16];
  for (int i = 0; i < 8; i++) {
    v[i] = h[i];
    v[8 + i] = Word{} + kInitial[static_cast<size_t>(i)];
  }
  v[12] ^= Word{} + counter;
  v[14] ^= Word{} + last;
  v[15] ^= Word{} + last_node;
#pragma clang loop unroll(full)
  for (int round = 0; round < 12; round++) {
    const uint8_t* s = kSigma[round % 10];
    mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
    mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
    mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
    mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
    mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
    mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
    mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
    mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
  }
  for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[8 + i];
}

/// Words as they stand in memory are little-endian on every processor that sedge runs on.
void compress_block(uint64_t* h, const uint8_t* block, uint64_t counter, bool last,
                    bool last_node) {
  uint64_t m[16];
  std::memcpy(m, block, sizeof(m));
  compress<uint64_t>(h, m, counter, last ? ~uint64_t{0} : 0, last && last_node ? ~uint64_t{0} : 0);
}

/// First word of the parameter block: 64 bytes of digest, no key, fanout 4, depth 2.
constexpr uint64_t kParameters = 64 | uint64_t{4} << 16 | uint64_t{2} << 24;
/// Third word: depth of the node, inner length 64.
constexpr uint64_t third_parameter(uint64_t node_depth) { return node_depth | uint64_t{64} << 8; }

using State = std::array<std::array<uint64_t, Blake2::kLanes>, 8>;

[[gnu::always_inline]] inline void run_stripes(State& state, uint64_t done, const uint8_t* from,
                                               size_t count) {
  Vector h[8];
  std::memcpy(h, state.data(), sizeof(h));
  for (; count > 0; count--, from += Blake2::kStripe) {
    Vector m[16];
    for (size_t i = 0; i < 16; i += 4) {  // four words of each lane, transposed
      Vector a, b, c, d;
      std::memcpy(&a, from + i * 8, 32);
      std::memcpy(&b, from + Blake2::kBlock + i * 8, 32);
      std::memcpy(&c, from + 2 * Blake2::kBlock + i * 8, 32);
      std::memcpy(&d, from + 3 * Blake2::kBlock + i * 8, 32);
      const Vector ab0 = __builtin_shufflevector(a, b, 0, 4, 2, 6);
      const Vector ab1 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
      const Vector cd0 = __builtin_shufflevector(c, d, 0, 4, 2, 6);
      const Vector cd1 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
      m[i] = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
      m[i + 1] = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
      m[i + 2] = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
      m[i + 3] = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
    }
    done += Blake2::kBlock;
    compress<Vector>(h, m, done, 0, 0);
  }
  std::memcpy(state.data(), h, sizeof(h));
}

void run_any(State& state, uint64_t done, const uint8_t* from, size_t count) {
  run_stripes(state, done, from, count);
}
#if defined(__x86_64__)
[[gnu::target("avx2")]] void run_avx2(State& state, uint64_t done, const uint8_t* from,
                                      size_t count) {
  run_stripes(state, done, from, count);
}
bool use_avx2(size_t count) { return count >= 64 && x86_features().avx2; }
#endif

}  // namespace

Blake2::Blake2() {
  for (size_t word = 0; word < 8; word++) state_[word].fill(kInitial[word]);
  for (size_t lane = 0; lane < kLanes; lane++) {
    state_[0][lane] ^= kParameters;
    state_[1][lane] ^= lane;
    state_[2][lane] ^= third_parameter(0);
  }
}

void Blake2::stripes(const uint8_t* from, size_t count) {
#if defined(__x86_64__)
  (use_avx2(count) ? run_avx2 : run_any)(state_, done_, from, count);
#else
  run_any(state_, done_, from, count);
#endif
  done_ += count * kBlock;
}

Blake2& Blake2::update(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    // The last block of each lane is `finish`'s: at least a stripe has to be left.
    if (rest_size_ != 0 && bytes.size() > 2 * rest_.size()) {
      const size_t count = (kStripe - rest_size_ % kStripe) % kStripe;
      std::memcpy(rest_.data() + rest_size_, bytes.data(), count);
      stripes(rest_.data(), (rest_size_ + count) / kStripe);
      rest_size_ = 0;
      bytes = bytes.subspan(count);
    }
    if (rest_size_ == 0 && bytes.size() > rest_.size()) {
      const size_t count = bytes.size() / kStripe - 1;
      stripes(bytes.data(), count);
      bytes = bytes.subspan(count * kStripe);
    }
    if (rest_size_ == rest_.size()) {
      stripes(rest_.data(), 1);
      std::memmove(rest_.data(), rest_.data() + kStripe, kStripe);
      rest_size_ = kStripe;
    }
    const size_t count = std::min(bytes.size(), rest_.size() - rest_size_);
    std::memcpy(rest_.data() + rest_size_, bytes.data(), count);
    rest_size_ += count;
    bytes = bytes.subspan(count);
  }
  return *this;
}

Digest Blake2::finish() {
  std::memset(rest_.data() + rest_size_, 0, rest_.size() - rest_size_);
  uint64_t root[8];
  std::memcpy(root, kInitial.data(), sizeof(root));
  root[0] ^= kParameters;
  root[2] ^= third_parameter(1);
  uint8_t leaves[kLanes * 64];
  for (size_t lane = 0; lane < kLanes; lane++) {
    uint64_t h[8];
    for (size_t word = 0; word < 8; word++) h[word] = state_[word][lane];
    uint64_t counter = done_;
    for (size_t start = lane * kBlock;; start += kStripe) {
      const size_t size = start < rest_size_ ? std::min(kBlock, rest_size_ - start) : 0;
      const bool last = start >= kStripe || rest_size_ <= start + kStripe;
      counter += size;
      compress_block(h, rest_.data() + start, counter, last, lane == kLanes - 1);
      if (last) break;
    }
    std::memcpy(leaves + 64 * lane, h, 64);
  }
  compress_block(root, leaves, kBlock, false, true);
  compress_block(root, leaves + kBlock, 2 * kBlock, true, true);
  Digest digest;
  std::memcpy(digest.data(), root, digest.size());
  return digest;
}

Digest blake2(std::span<const uint8_t> bytes) { return Blake2().update(bytes).finish(); }

bool same_digest(std::span<const uint8_t, 32> a, std::span<const uint8_t, 32> b) {
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); i++) difference |= static_cast<uint8_t>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace sedge
