// Files of any bytes in a cache of code: refused, never believed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/stat.h>

#include "vm/code_cache.h"

namespace {

/// A cache with one entry, whose file is written anew for each input.
struct Fixture {
  Fixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sedge-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    folder = pattern;
    auto opened = sedge::vm::CodeCache::open(folder, sedge::vm::CodeCache::Access::create);
    if (!opened) std::abort();
    cache = *std::move(opened);
    if (!cache.put(kModule, sedge::vm::host_target(), {}, true, kModule, 1 << 20)) std::abort();
    entry = folder + "/" + cache.list().at(0).name;
  }
  ~Fixture() { std::filesystem::remove_all(folder); }
  static constexpr uint8_t kModule[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  std::string folder, entry;
  sedge::vm::CodeCache cache;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Fixture fixture;
  std::ofstream(fixture.entry, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  ::chmod(fixture.entry.c_str(), 0600);
  for (const sedge::vm::CacheRow& row : fixture.cache.list()) (void)fixture.cache.check(row);
  auto found = fixture.cache.find(Fixture::kModule, {});
  if (found && *found) std::abort();
  return 0;
}
