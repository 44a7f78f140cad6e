// What functions on descriptors and on paths have in common.
#ifndef SEDGE_ADAPTER_FILES_H_
#define SEDGE_ADAPTER_FILES_H_

#include "state.h"

namespace adapter {

inline void store_stat(const p2::DescriptorStat& stat, const p2::HashResult& hash, Filestat* out) {
  auto time = [](const p2::OptionDatetime& at) { return at.some ? nanoseconds(at.time) : 0; };
  *out = {};
  // WASI 0.2 numbers neither devices nor files: the hash tells files apart, and all are of one
  // device.
  out->dev = 1;
  out->ino = hash.lower;
  out->type = file_type(stat.type);
  out->nlink = stat.links;
  out->size = stat.size;
  out->atim = time(stat.accessed);
  out->mtim = time(stat.modified);
  out->ctim = time(stat.changed);
}

/// False where the flags contradict each other.
inline bool new_times(uint32_t flags, uint64_t atim, uint64_t mtim, p2::NewTimestamp& access,
                      p2::NewTimestamp& change) {
  auto one = [&](uint32_t set, uint32_t now, uint64_t time, p2::NewTimestamp& out) {
    if ((flags & set) && (flags & now)) return false;
    if (flags & set)
      out = {p2::Change::timestamp, {time / kSecond, static_cast<uint32_t>(time % kSecond)}};
    if (flags & now) out.change = p2::Change::now;
    return true;
  };
  return flags <= (kFstAtim | kFstAtimNow | kFstMtim | kFstMtimNow) &&
         one(kFstAtim, kFstAtimNow, atim, access) && one(kFstMtim, kFstMtimNow, mtim, change);
}

}  // namespace adapter

#endif  // SEDGE_ADAPTER_FILES_H_
