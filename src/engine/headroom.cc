// Reads a few small files of the kernel's.
#include "engine/headroom.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/cpu.h"
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

/// The number that `text` begins with; nothing for "max" or "-1", which are no limit.
std::optional<uint64_t> limit(std::string_view text) {
  const bool is_number = !text.empty() && text[0] >= '0' && text[0] <= '9';
  return is_number ? first_number(text) : std::nullopt;
}

/// Calls `at(folder, is_unified)` with this process's control group and all above it: in the
/// hierarchy of version 2, and in that of `controller` in version 1. Inside a container the
/// hierarchy often begins at the container's own group, whatever path it has for others.
template <typename At>
void each_group(const std::string& root, std::string_view controller, const At& at) {
  // Lines of number:controllers:path.
  const std::string groups = content(root + "/proc/self/cgroup");
  for (std::string_view rest = groups; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == line.npos ? first : first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string mount = root + "/sys/fs/cgroup";
    if (!controllers.empty()) {
      if (controllers != controller && !controllers.starts_with(std::string(controller) + ","))
        continue;
      mount.append("/").append(controllers);
    }
    std::string path(line.substr(second + 1));
    if (path == "/" || !path.starts_with('/')) path.clear();
    for (;;) {
      at(mount + path + "/", controllers.empty());
      if (path.empty()) break;
      path.resize(path.rfind('/'));
    }
  }
}

}  // namespace

uint64_t memory_headroom(const std::string& root) {
  uint64_t room = UINT64_MAX;
  const std::string meminfo = content(root + "/proc/meminfo");
  if (const size_t at = meminfo.find("MemAvailable:"); at != std::string::npos) {
    if (const auto kib = first_number(std::string_view(meminfo).substr(at))) room = *kib << 10;
  }
  each_group(root, "memory", [&](const std::string& folder, bool is_unified) {
    const char* const names[] = {is_unified ? "memory.max" : "memory.limit_in_bytes",
                                 is_unified ? "memory.current" : "memory.usage_in_bytes"};
    const auto most = limit(content(folder + names[0])), use = limit(content(folder + names[1]));
    if (most && use) room = std::min(room, *most > *use ? *most - *use : 0);
  });
  return room;
}

bool may_use_two_processors(const std::string& root) {
  bool may = available_cores() > 1;
  each_group(root, "cpu", [&](const std::string& folder, bool is_unified) {
    std::string quota, period;
    if (is_unified) {
      quota = content(folder + "cpu.max");  // both in one line
      period = quota.substr(std::min(quota.size(), quota.find(' ')));
    } else {
      quota = content(folder + "cpu.cfs_quota_us");
      period = content(folder + "cpu.cfs_period_us");
    }
    const auto most = limit(quota), of = first_number(period);
    if (most && of && *most / 2 < *of) may = false;
  });
  return may;
}

}  // namespace sedge
