// Reads a few small files of the kernel's.
#include "engine/headroom.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/file.h"

namespace sedge {
namespace {

std::string content(const std::string& path) {
  constexpr uint64_t kMax = 1 << 20;
  auto file = read_file(path, kMax);
  return file ? std::string(file->text()) : std::string();
}

std::optional<uint64_t> first_number(std::string_view text) {
  const size_t start = text.find_first_of("0123456789");
  uint64_t value = 0;
  if (start == text.npos ||
      std::from_chars(text.data() + start, text.data() + text.size(), value).ec != std::errc()) {
    return {};
  }
  return value;
}

/// Limits of a group and of all above it, in a hierarchy mounted at `mount`. Inside a container the
/// hierarchy often begins at the container's own group, whatever path it has for others.
uint64_t group_headroom(const std::string& mount, std::string path, const char* limit_name,
                        const char* use_name) {
  uint64_t room = UINT64_MAX;
  for (;;) {
    const std::string folder = mount + path + "/";
    const auto limit = first_number(content(folder + limit_name));
    const auto use = first_number(content(folder + use_name));
    if (limit && use) room = std::min(room, *limit > *use ? *limit - *use : 0);
    if (path.empty()) return room;
    path.resize(path.rfind('/'));
  }
}

}  // namespace

uint64_t memory_headroom(const std::string& root) {
  uint64_t room = UINT64_MAX;
  const std::string meminfo = content(root + "/proc/meminfo");
  if (const size_t at = meminfo.find("MemAvailable:"); at != std::string::npos) {
    if (const auto kib = first_number(std::string_view(meminfo).substr(at))) room = *kib << 10;
  }
  // Lines of number:controllers:path.
  const std::string groups = content(root + "/proc/self/cgroup");
  for (std::string_view rest = groups; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string path(line.substr(second + 1));
    if (path == "/" || !path.starts_with('/')) path.clear();
    if (controllers.empty()) {
      room = std::min(
          room, group_headroom(root + "/sys/fs/cgroup", path, "memory.max", "memory.current"));
    } else if (controllers == "memory") {
      room = std::min(room, group_headroom(root + "/sys/fs/cgroup/memory", path,
                                           "memory.limit_in_bytes", "memory.usage_in_bytes"));
    }
  }
  return room;
}

}  // namespace sedge
