#include "base/companion.h"

#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <initializer_list>

namespace sedge {
namespace {

bool runnable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

}  // namespace

std::string find_companion(const char* name, const char* variable) {
  if (const char* named = std::getenv(variable)) return runnable(named) ? named : std::string();
  char self[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", self, sizeof(self));
  if (size <= 0) return {};
  std::string folder(self, static_cast<size_t>(size));
  folder.resize(folder.rfind('/') + 1);
  for (const char* place : {"", "../libexec/sedge/"}) {
    std::string path = folder + place + name;
    if (runnable(path)) return path;
  }
  return {};
}

}  // namespace sedge
