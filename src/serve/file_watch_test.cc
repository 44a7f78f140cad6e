// A change is reported once, when the file has come to rest.
#include "serve/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/test_folder.h"

namespace sedge::serve {
namespace {

TEST(FileWatch, SeesChangesOnceTheyHaveSettled) {
  namespace fs = std::filesystem;
  const test::TempFolder temporary;
  const fs::path folder = temporary.path();
  fs::create_directories(folder / "v1");
  fs::create_directories(folder / "v2");
  auto write = [&](const char* name, const char* text) { temporary.write(name, text); };
  write("v1/f", "a");
  write("v2/f", "bb");
  fs::create_directory_symlink("v1", folder / "current");
  FileWatch watch;
  watch.watch({(folder / "current/f").string(), (folder / "absent").string()});
  EXPECT_FALSE(watch.changed());
  write("v1/f", "abc");
  EXPECT_FALSE(watch.changed());  // it may still be written
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  // The way a ConfigMap's volume changes: a link is replaced.
  fs::remove(folder / "current");
  fs::create_directory_symlink("v2", folder / "current");
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
  write("absent", "");
  EXPECT_FALSE(watch.changed());
  EXPECT_TRUE(watch.changed());
}

}  // namespace
}  // namespace sedge::serve
