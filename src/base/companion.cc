#include "base/companion.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <initializer_list>

namespace sedge {
namespace {

bool runnable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

}  // namespace

std::string own_path() {
  char self[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", self, sizeof(self));
  if (size > 0) return {self, static_cast<size_t>(size)};
  // Without /proc: what execve was given.
  const auto* given = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return given != nullptr && ::realpath(given, self) != nullptr ? self : std::string();
}

std::string find_companion(const char* name, const char* variable) {
  if (const char* named = std::getenv(variable)) return runnable(named) ? named : std::string();
  std::string folder = own_path();
  if (folder.empty()) return {};
  folder.resize(folder.rfind('/') + 1);
  for (const char* place : {"", "../libexec/sedge/"}) {
    std::string path = folder + place + name;
    if (runnable(path)) return path;
  }
  return {};
}

}  // namespace sedge
