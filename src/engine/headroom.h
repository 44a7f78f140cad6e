// What this process may still take of the machine before its control group or the machine runs
// out.
#ifndef SEDGE_ENGINE_HEADROOM_H_
#define SEDGE_ENGINE_HEADROOM_H_

#include <cstdint>
#include <string>

namespace sedge {

/// Bytes: the least of what is available on the machine (/proc/meminfo) and of limit minus use of
/// this process's control group and of those above it, version 1 or 2. `root`: where /proc and /sys
/// are, for tests. What cannot be read does not count.
uint64_t memory_headroom(const std::string& root = {});

/// Whether what runs beside this thread need not take its time: there are two processors that it
/// may run on, and its control group and those above it are allowed the time of two.
bool may_use_two_processors(const std::string& root = {});

}  // namespace sedge

#endif  // SEDGE_ENGINE_HEADROOM_H_
