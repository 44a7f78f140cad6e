#include <gtest/gtest.h>
#include <sedge/wasi.h>

namespace sedge::wasi {
namespace {

void expect_dir(std::string_view text, std::string_view host, std::string_view guest,
                bool readonly) {
  auto dir = parse_preopen(text);
  ASSERT_TRUE(dir) << text;
  EXPECT_EQ(dir->host, host);
  EXPECT_EQ(dir->guest, guest);
  EXPECT_EQ(dir->readonly, readonly);
}

TEST(Preopen, Mappings) {
  expect_dir("/a::/b", "/a", "/b", false);
  expect_dir("/a::/b::ro", "/a", "/b", true);
  expect_dir("a::ro::ro", "a", "ro", true);
  expect_dir("a::./ro", "a", "./ro", false);
  expect_dir(".", ".", ".", false);
  expect_dir(".:.", ".", ".", false);
  expect_dir("/app:/app", "/app", "/app", false);
}

TEST(Preopen, WhatHasTwoReadingsIsRefused) {
  auto dir = parse_preopen("/host:/guest");
  ASSERT_FALSE(dir);
  EXPECT_EQ(
      dir.error().render(),
      "ambiguous directory mapping `/host:/guest`: the host's /host as the guest's /guest, or "
      "the host's /guest as the guest's /host? Tools differ\n"
      "help: write HOST::GUEST: /host::/guest or /guest::/host");
  EXPECT_EQ(dir.error().exit_code(), 2);
  auto readonly = parse_preopen("data::ro");
  ASSERT_FALSE(readonly);
  EXPECT_EQ(readonly.error().render(),
            "ambiguous directory mapping `data::ro`: data read-only, or as the guest's directory "
            "ro?\nhelp: write data::data::ro for the first, data::./ro for the second");
}

TEST(Preopen, EmptySides) {
  for (const char* text : {"", "::/a", "/a::", "/a::/b::rw", ":", "::", "::ro", "/a::::ro"}) {
    auto dir = parse_preopen(text);
    ASSERT_FALSE(dir) << text;
    if (std::string_view(text) != "::ro") {
      EXPECT_EQ(dir.error().render(),
                "bad argument: `" + std::string(text) +
                    "` is no directory mapping\nhelp: write HOST::GUEST, HOST::GUEST::ro or PATH");
    }
  }
}

}  // namespace
}  // namespace sedge::wasi
