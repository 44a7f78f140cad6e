// Against values computed with another implementation: four BLAKE2b leaves and a root by hand.
#include "base/blake2.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sedge {
namespace {

std::string hex(const Digest& digest) {
  std::string out;
  for (uint8_t byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::vector<uint8_t> message(size_t size) {
  std::vector<uint8_t> out(size);
  for (size_t i = 0; i < size; i++) out[i] = static_cast<uint8_t>(i * 7 + (i >> 8) * 13);
  return out;
}

struct Known {
  size_t size;
  const char* digest;
};
constexpr Known kKnown[] = {
    {0, "b5ef811a8038f70b628fa8b294daae7492b1ebe343a80eaabbf1f6ae664dd67b"},
    {1, "a139280e72757b723e6473d5be59f36e9d50fc5cd7d4585cbc09804895a36c52"},
    {127, "da0754222d05822682c46112a9abcd1ff0ba3b774f04aa6c89921ef496d5f488"},
    {128, "a92fd23dd7f0cb39d082fe107350eb526835d10b065b4e820dec477512de13a6"},
    {129, "ce1f816c341fa30ab9cccd166c417202dbe2d4db4aa59d61c4bb6e9a637a7118"},
    {384, "6765fb9bb520a07d683a448acaa0adeab0b54f1f203c4e26b83a671a84fe18b7"},
    {385, "7c03f39265487922dc733258f30760d52b382b7f7e47eb331eef3d13d8d30d21"},
    {511, "7a1bd0ae70b9258e634d25bcbb077972880bcd029ddab7ca0cd57aec5d7a2a99"},
    {512, "7ed83806ba08abffbf1418d397b2b28fefee5504db1c127e999191867e382820"},
    {513, "713251f1eb607cc80ed4d0ffc73b7faeab386a0fb98f774729ea99eefa037c36"},
    {640, "6cae312f1f6e8bc7d6f5551c55d54ce50004f37d1bf4e612401bcae4ade48f5a"},
    {1000, "9405de2b26e82f217a099bacd6f582de586f125177e4cc37dc08d3c9c8f3c49f"},
    {1023, "44c61fffb94bdc5c69b5c1a1ac48b87db1c2d4957622542349bb1ad77e9aeffd"},
    {1024, "5a6c42e8f96f1655874cf898f5f9fcdea9075f7690287f796c57aa551a11dd5f"},
    {1025, "8d4164355f6c9ef12bf5a4dc596f6e60047206a16d08deabb8ad4e6ee404e9fc"},
    {1536, "841a30f1d172c54badc258000f9c90bbec4f776ce25a845336c50acab97ef595"},
    {2049, "303f9e4e5052366eea06c40d95cf7c0bdf1472b95e7bb687eedc24bb0eb4cf48"},
    {40000, "cdb9138f049d2c0f0034b7e7aae4edcd798bc75dffe173ededd007e1ddbf2879"},
    {100001, "30a8f7b188c1fc7081931085998e80feb75d7b9531bd76db0220ee4d77d69e1a"},
};

TEST(Blake2, GivesKnownValues) {
  for (const Known& known : kKnown)
    EXPECT_EQ(hex(blake2(message(known.size))), known.digest) << known.size;
}

TEST(Blake2, DoesNotMindHowItsInputIsCut) {
  const std::vector<uint8_t> bytes = message(5000);
  const Digest whole = blake2(bytes);
  for (size_t piece : {1u, 100u, 512u, 513u, 1024u, 1025u, 4999u}) {
    Blake2 hash;
    for (size_t at = 0; at < bytes.size(); at += piece)
      hash.update(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    EXPECT_EQ(hash.finish(), whole) << piece;
  }
  for (size_t size : {2049u, 2560u, 3000u, 3072u, 5000u}) {
    const auto part = std::span(bytes).first(size);
    for (size_t first = 0; first <= size; first += first < 1100 ? 1 : 97)
      EXPECT_EQ(Blake2().update(part.first(first)).update(part.subspan(first)).finish(),
                blake2(part))
          << size << " " << first;
  }
}

TEST(Blake2, ComparesWholeDigests) {
  const Digest a = blake2({});
  Digest b = a;
  EXPECT_TRUE(same_digest(a, b));
  b[31] ^= 0x80;
  EXPECT_FALSE(same_digest(a, b));
}

}  // namespace
}  // namespace sedge
