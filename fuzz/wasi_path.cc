// Paths of a guest in a directory with links of every kind, resolved by openat2 and by the walk:
// both must give the same answer, and none may name a file outside.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "wasi/os/dir.h"

namespace {

using namespace sedge::wasi;
using sedge::fuzz::require;

/// root/ with files, folders and links; a secret beside it.
struct Tree {
  Tree() {
    char name[] = "/tmp/sedge-fuzz-path-XXXXXX";
    base = ::mkdtemp(name);
    for (const char* dir : {"/root", "/root/a", "/root/a/b", "/root/a/b/c", "/out"})
      ::mkdir((base + dir).c_str(), 0700);
    for (const char* file : {"/root/f", "/root/a/f", "/root/a/b/f", "/out/s", "/s"})
      ::close(::open((base + file).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    static constexpr const char* kLinks[][2] = {{"a", "l"},
                                                {"a/b", "m"},
                                                {"../out", "o"},
                                                {"..", "u"},
                                                {".", "d"},
                                                {"p", "p"},
                                                {"r", "q"},
                                                {"q", "r"},
                                                {"/", "z"},
                                                {"/etc", "e"},
                                                {"missing", "x"},
                                                {"a/b/../../f", "g"},
                                                {"l/b/c/../../..", "h"},
                                                {"f/", "i"},
                                                {"a//", "j"},
                                                {"m/../../../out", "k"}};
    for (const auto& link : kLinks)
      require(::symlink(link[0], (base + "/root/" + link[1]).c_str()) == 0, "a link can be made");
    root = ::open((base + "/root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    ::stat((base + "/out").c_str(), &st);
    outside[0] = st.st_ino;
    ::stat((base + "/out/s").c_str(), &st);
    outside[1] = st.st_ino;
    ::stat((base + "/s").c_str(), &st);
    outside[2] = st.st_ino;
    ::stat(base.c_str(), &st);
    outside[3] = st.st_ino;
  }
  ~Tree() { std::filesystem::remove_all(base); }
  std::string base;
  int root;
  ino_t outside[4];
};

/// Letters that matter are more likely than chance makes them.
std::string path_from(const uint8_t* data, size_t size) {
  static constexpr std::string_view kAlphabet = "./abcflmoudpqrzexghijks";
  std::string path;
  for (size_t i = 0; i < size; ++i) {
    uint8_t byte = data[i];
    path += byte < 200 ? kAlphabet[byte % kAlphabet.size()] : byte < 230 ? '/' : '.';
  }
  return path;
}

void same(const Tree& tree, std::string_view path, int flags) {
  auto kernel = os::open_beneath(os::Resolver::kernel, tree.root, path, flags);
  auto walk = os::open_beneath(os::Resolver::walk, tree.root, path, flags);
  // Linux counts links twice when it has to start over, so its limit may strike at half of it.
  if (!kernel && kernel.error() == Errno::loop) return;
  require(kernel.has_value() == walk.has_value(), "both resolvers find the file or neither does");
  if (!kernel) {
    if (kernel.error() != walk.error())
      std::fprintf(stderr, "%.*s: %s, %s\n", static_cast<int>(path.size()), path.data(),
                   errno_name(kernel.error()), errno_name(walk.error()));
    require(kernel.error() == walk.error(), "both resolvers give the same error");
    return;
  }
  struct stat a, b;
  require(::fstat(kernel->get(), &a) == 0 && ::fstat(walk->get(), &b) == 0, "fstat works");
  require(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "both resolvers find the same file");
  for (ino_t inode : tree.outside) require(a.st_ino != inode, "nothing outside is reached");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Tree tree;
  static const bool kernel = os::detect_resolver(tree.root) == os::Resolver::kernel;
  if (!kernel || size < 1 || size > 512) return 0;
  std::string path = path_from(data + 1, size - 1);
  if (path.empty()) return 0;
  int flags = O_PATH;
  if (data[0] & 1) flags |= O_NOFOLLOW;
  if (data[0] & 2) flags |= O_DIRECTORY;
  same(tree, path, flags);
  auto parent = os::open_parent(os::Resolver::kernel, tree.root, path);
  auto walked = os::open_parent(os::Resolver::walk, tree.root, path);
  if (!parent && parent.error() == Errno::loop) return 0;
  require(parent.has_value() == walked.has_value(), "both find the parent or neither does");
  return 0;
}
