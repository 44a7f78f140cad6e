// WASI 0.1 as its guests see it: error numbers, rights, flags and records (the witx of
// wasi_snapshot_preview1). Layouts are those of wasm32.
#ifndef SEDGE_ADAPTER_P1_H_
#define SEDGE_ADAPTER_P1_H_

#include <stddef.h>
#include <stdint.h>

namespace adapter {

enum class Errno : uint16_t {
#define SEDGE_WASI_ERRNO(number, name, posix) name = number,
#include "../src/wasi/os/errno.def"
#undef SEDGE_WASI_ERRNO
};

enum class FileType : uint8_t {
  unknown,
  block_device,
  character_device,
  directory,
  regular_file,
  socket_dgram,
  socket_stream,
  symbolic_link,
};

enum Right : uint64_t {
  kFdDatasync = 1ull << 0,
  kFdRead = 1ull << 1,
  kFdSeek = 1ull << 2,
  kFdFdstatSetFlags = 1ull << 3,
  kFdSync = 1ull << 4,
  kFdTell = 1ull << 5,
  kFdWrite = 1ull << 6,
  kFdAdvise = 1ull << 7,
  kFdAllocate = 1ull << 8,
  kFdReaddir = 1ull << 14,
  kFdFilestatGet = 1ull << 21,
  kFdFilestatSetSize = 1ull << 22,
  kFdFilestatSetTimes = 1ull << 23,
  kPollFdReadwrite = 1ull << 27,
};
/// Those on paths, which directories have: bits 9 to 20 and 24 to 26.
constexpr uint64_t kPathRights = 0x7ull << 24 | 0xfffull << 9;
constexpr uint64_t kDirectoryRights = kFdFdstatSetFlags | kFdSync | kFdDatasync | kFdAdvise |
                                      kPathRights | kFdFilestatGet | kFdFilestatSetTimes |
                                      kPollFdReadwrite;
constexpr uint64_t kFileRights = kFdDatasync | kFdRead | kFdSeek | kFdFdstatSetFlags | kFdSync |
                                 kFdTell | kFdWrite | kFdAdvise | kFdAllocate | kFdFilestatGet |
                                 kFdFilestatSetSize | kFdFilestatSetTimes | kPollFdReadwrite;
/// Without the rights to seek: by that wasi-libc's isatty knows a terminal.
constexpr uint64_t kStreamRights = kFdRead | kFdWrite | kFdFdstatSetFlags | kFdSync | kFdDatasync |
                                   kFdFilestatGet | kPollFdReadwrite;

constexpr uint32_t kFdAppend = 1, kFdDsync = 2, kFdNonblock = 4, kFdRsync = 8, kFdSyncFlag = 16;
constexpr uint32_t kAllFdFlags = 31;
constexpr uint32_t kOCreat = 1, kODirectory = 2, kOExcl = 4, kOTrunc = 8;
constexpr uint32_t kAllOpenFlags = 15;
constexpr uint32_t kSymlinkFollow = 1;
constexpr uint32_t kFstAtim = 1, kFstAtimNow = 2, kFstMtim = 4, kFstMtimNow = 8;
constexpr uint32_t kRealtime = 0, kMonotonic = 1, kThreadCputime = 3;
constexpr uint16_t kAbsoluteTime = 1;
constexpr uint64_t kSecond = 1'000'000'000;

/// Buffers taken from one call; more are left to the next one, as a short transfer.
constexpr uint32_t kMaxIovecs = 1024;

struct Iovec {
  uint8_t* data;
  uint32_t size;
};
struct Fdstat {
  FileType type;
  uint16_t flags;
  uint64_t rights;
  uint64_t inheriting;
};
struct Filestat {
  uint64_t dev, ino;
  FileType type;
  uint64_t nlink, size, atim, mtim, ctim;
};
struct Prestat {
  uint32_t tag;  ///< 0: a directory
  uint32_t name_size;
};
struct Dirent {
  uint64_t next, ino;
  uint32_t name_size;
  FileType type;
};
enum class EventType : uint8_t { clock, fd_read, fd_write };
struct Subscription {
  uint64_t userdata;
  EventType type;
  union {
    struct {
      uint32_t id;
      uint64_t timeout, precision;
      uint16_t flags;
    } clock;
    uint32_t fd;
  };
};
struct Event {
  uint64_t userdata;
  Errno error;
  EventType type;
  uint64_t nbytes;
  uint16_t flags;
};
static_assert(sizeof(Fdstat) == 24 && sizeof(Filestat) == 64 && sizeof(Dirent) == 24);
static_assert(sizeof(Subscription) == 48 && sizeof(Event) == 32 && sizeof(Prestat) == 8);
static_assert(offsetof(Subscription, clock) == 16 && offsetof(Subscription, clock.timeout) == 24);

}  // namespace adapter

/// A function of the interface, as the module imports it.
#define SEDGE_P1(name) extern "C" __attribute__((export_name(#name))) adapter::Errno name

#endif  // SEDGE_ADAPTER_P1_H_
