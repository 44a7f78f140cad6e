// Artifacts: what is written is read; what was damaged is refused.
#include "vm/artifact.h"

#include <gtest/gtest.h>

namespace sedge::vm {
namespace {

const std::vector<uint8_t> kModule = {0, 'a', 's', 'm', 1, 0, 0, 0};

ArtifactImage image() {
  ArtifactImage made;
  made.target = {ArtifactArch::x86_64, 3};
  made.mode = {.fuel = true, .interruptible = false, .exact = false, .guarded = true};
  made.level = 3;
  made.entries = {{64, 5}, {0, 0}, {80, 65535}};
  made.loops = {{0, 1, 90}};
  made.places = encode_places({{64, {{0, 20}}}, {70, {}}, {80, {{2, 30}, {0, 22}}}});
  made.code.assign(100, 0xcc);
  return made;
}

std::vector<uint8_t> file() {
  Artifact artifact;
  artifact.layout = layout_hash();
  artifact.images = {image(), image()};
  artifact.images[1].target.level = 2;
  return write_artifact(kModule, artifact);
}

TEST(Artifact, ReadsWhatWasWritten) {
  const std::vector<uint8_t> bytes = file();
  ASSERT_TRUE(has_artifact(bytes));
  EXPECT_FALSE(has_artifact(kModule));
  auto artifact = read_artifact(bytes);
  ASSERT_TRUE(artifact) << artifact.error().render();
  EXPECT_EQ(artifact->layout, layout_hash());
  EXPECT_EQ(artifact->original_size, kModule.size());
  EXPECT_EQ(artifact->original_hash, content_hash(kModule));
  ASSERT_EQ(artifact->images.size(), 2u);
  const ArtifactImage& first = artifact->images[0];
  const ArtifactImage wanted = image();
  EXPECT_EQ(first.target, wanted.target);
  EXPECT_EQ(first.mode, wanted.mode);
  ASSERT_EQ(first.entries.size(), 3u);
  EXPECT_EQ(first.entries[2].offset, 80u);
  EXPECT_EQ(first.entries[2].frame_cells, 65535u);
  ASSERT_EQ(first.loops.size(), 1u);
  EXPECT_EQ(first.loops[0].offset, 90u);
  EXPECT_EQ(first.code_offset % kArtifactAlign, 0u);
  EXPECT_EQ(first.code_size, 100u);
  EXPECT_TRUE(check_code(bytes, first));
  EXPECT_EQ(artifact->images[1].target.level, 2);
  auto places = decode_places(first.places);
  ASSERT_TRUE(places);
  ASSERT_EQ(places->size(), 3u);
  EXPECT_EQ((*places)[2].offset, 80u);
  ASSERT_EQ((*places)[2].frames.size(), 2u);
  EXPECT_EQ((*places)[2].frames[1].offset, 22u);
  const Bytes original = without_artifact(bytes);
  EXPECT_EQ(std::vector<uint8_t>(original.begin(), original.end()), kModule);
}

/// Every byte of section header and directory, changed in every bit.
TEST(Artifact, RefusesDamageAnywhereInItsDirectory) {
  const std::vector<uint8_t> good = file();
  auto whole = read_artifact(good);
  ASSERT_TRUE(whole);
  const size_t section = kModule.size(), directory = section + 6 + 1 + 12;
  uint32_t size = 0;
  for (int i = 0; i < 4; i++) size |= uint32_t{good[directory + 12 + i]} << (8 * i);
  for (size_t at = section; at < directory + size; at++) {
    for (int bit = 0; bit < 8; bit++) {
      std::vector<uint8_t> bytes = good;
      bytes[at] = static_cast<uint8_t>(bytes[at] ^ (1u << bit));
      EXPECT_FALSE(read_artifact(bytes)) << "byte " << at << ", bit " << bit;
    }
  }
  std::vector<uint8_t> bytes = good;
  bytes[directory + 16] ^= 1;
  auto refused = read_artifact(bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "precompiled code cannot be used: its checksum is wrong");
}

TEST(Artifact, RefusesFilesThatAreCutShort) {
  const std::vector<uint8_t> good = file();
  for (size_t size = 0; size < good.size(); size += size < 600 ? 1 : 997) {
    EXPECT_FALSE(read_artifact(Bytes(good).first(size))) << size;
  }
}

TEST(Artifact, SeesDamagedCode) {
  std::vector<uint8_t> bytes = file();
  auto artifact = read_artifact(bytes);
  ASSERT_TRUE(artifact);
  bytes[artifact->images[0].code_offset + 50] ^= 4;
  EXPECT_FALSE(check_code(bytes, artifact->images[0]));
  EXPECT_TRUE(check_code(bytes, artifact->images[1]));
}

TEST(Artifact, NamesTargets) {
  EXPECT_EQ(find_target("x86-64-v3"), (ArtifactTarget{ArtifactArch::x86_64, 3}));
  EXPECT_FALSE(find_target("x86-64-v9"));
  EXPECT_EQ(find_target("aarch64-linux"), (ArtifactTarget{ArtifactArch::aarch64, 1}));
  EXPECT_EQ((ArtifactTarget{ArtifactArch::riscv64, 1}).name(), "riscv64-linux");
  EXPECT_STREQ((ArtifactTarget{ArtifactArch::aarch64, 1}).cpu(), "generic");
  EXPECT_EQ(target_names(), "x86-64-v2, x86-64-v3, aarch64-linux or riscv64-linux");
  EXPECT_FALSE(runs_here({ArtifactArch::riscv64, 77}));
}

}  // namespace
}  // namespace sedge::vm
