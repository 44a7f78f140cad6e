// Binary interface of WASI 0.1: rights, sizes and offsets of the witx records, and the only way to
// guest memory, which checks every access. A bad pointer is answered with `fault`, never a trap.
#ifndef SEDGE_WASI_P1_ABI_H_
#define SEDGE_WASI_P1_ABI_H_

#include <limits.h>
#include <sys/uio.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "wasi/os/errno.h"
#include "wasi/os/file.h"

namespace sedge::wasi::p1 {

using os::Err;
using os::OsResult;

/// Which edition of the interface a function was imported from.
enum class Snapshot : uint8_t { unstable, preview1 };

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
  kPathCreateDirectory = 1ull << 9,
  kPathCreateFile = 1ull << 10,
  kPathLinkSource = 1ull << 11,
  kPathLinkTarget = 1ull << 12,
  kPathOpen = 1ull << 13,
  kFdReaddir = 1ull << 14,
  kPathReadlink = 1ull << 15,
  kPathRenameSource = 1ull << 16,
  kPathRenameTarget = 1ull << 17,
  kPathFilestatGet = 1ull << 18,
  kPathFilestatSetSize = 1ull << 19,
  kPathFilestatSetTimes = 1ull << 20,
  kFdFilestatGet = 1ull << 21,
  kFdFilestatSetSize = 1ull << 22,
  kFdFilestatSetTimes = 1ull << 23,
  kPathSymlink = 1ull << 24,
  kPathRemoveDirectory = 1ull << 25,
  kPathUnlinkFile = 1ull << 26,
  kPollFdReadwrite = 1ull << 27,
  kSockShutdown = 1ull << 28,
  kSockAccept = 1ull << 29,
};
constexpr uint64_t kAllRights = (1ull << 30) - 1;

/// What means something on a directory, on a file, on a socket and on a terminal or pipe.
constexpr uint64_t kDirectoryRights =
    kFdFdstatSetFlags | kFdSync | kFdDatasync | kFdAdvise | kPathCreateDirectory | kPathCreateFile |
    kPathLinkSource | kPathLinkTarget | kPathOpen | kFdReaddir | kPathReadlink | kPathRenameSource |
    kPathRenameTarget | kPathFilestatGet | kPathFilestatSetSize | kPathFilestatSetTimes |
    kFdFilestatGet | kFdFilestatSetTimes | kPathSymlink | kPathRemoveDirectory | kPathUnlinkFile |
    kPollFdReadwrite;
constexpr uint64_t kFileRights = kFdDatasync | kFdRead | kFdSeek | kFdFdstatSetFlags | kFdSync |
                                 kFdTell | kFdWrite | kFdAdvise | kFdAllocate | kFdFilestatGet |
                                 kFdFilestatSetSize | kFdFilestatSetTimes | kPollFdReadwrite;
constexpr uint64_t kStreamRights = kFdRead | kFdWrite | kFdFdstatSetFlags | kFdSync | kFdDatasync |
                                   kFdFilestatGet | kPollFdReadwrite;
constexpr uint64_t kSocketRights = kFdRead | kFdWrite | kFdFdstatSetFlags | kFdFilestatGet |
                                   kPollFdReadwrite | kSockShutdown | kSockAccept;

/// Sizes of records in guest memory. Those of the older edition differ where two are given.
constexpr uint32_t kFdstatSize = 24;
constexpr uint32_t kPrestatSize = 8;
constexpr uint32_t kDirentSize = 24;
constexpr uint32_t kEventSize = 32;
constexpr uint32_t kIovecSize = 8;
constexpr uint32_t filestat_size(Snapshot s) { return s == Snapshot::unstable ? 56 : 64; }
constexpr uint32_t subscription_size(Snapshot s) { return s == Snapshot::unstable ? 56 : 48; }

/// Buffers taken from one call; more are left to the guest's next call, as a short transfer.
constexpr uint32_t kMaxIovecs = 1024;

/// The caller's memory as it was when the call began. Guest threads may write to it at any time, so
/// each value is read once.
class GuestMemory {
 public:
  explicit GuestMemory(std::span<uint8_t> bytes) : bytes_(bytes) {}

  OsResult<std::span<uint8_t>> range(uint32_t address, uint64_t size) const {
    if (size > bytes_.size() || address > bytes_.size() - size) return Err(Errno::fault);
    return bytes_.subspan(address, size);
  }
  template <typename T>
  OsResult<T> load(uint32_t address) const {
    auto at = range(address, sizeof(T));
    if (!at) return Err(at.error());
    T value;
    std::memcpy(&value, at->data(), sizeof(T));
    return value;
  }
  template <typename T>
  OsResult<> store(uint32_t address, T value) const {
    auto at = range(address, sizeof(T));
    if (!at) return Err(at.error());
    std::memcpy(at->data(), &value, sizeof(T));
    return {};
  }
  /// A copy of a guest's path: it is used after checks that the guest must not undo. A longer one
  /// than the system takes is refused before memory is spent on it.
  OsResult<std::string> path(uint32_t address, uint32_t size) const {
    if (size >= PATH_MAX) return Err(Errno::nametoolong);
    return string(address, size);
  }
  /// A copy of a guest string; the caller has bounded `size`.
  OsResult<std::string> string(uint32_t address, uint32_t size) const {
    auto at = range(address, size);
    if (!at) return Err(at.error());
    return std::string(reinterpret_cast<const char*>(at->data()), at->size());
  }
  /// Guest iovecs as host buffers: at most kMaxIovecs, together at most 2^32 - 1 bytes.
  OsResult<std::vector<iovec>> buffers(uint32_t address, uint32_t count) const {
    uint32_t used = count < kMaxIovecs ? count : kMaxIovecs;
    auto table = range(address, uint64_t{used} * kIovecSize);
    if (!table) return Err(table.error());
    std::vector<iovec> out;
    out.reserve(used);
    uint32_t left = UINT32_MAX;
    for (uint32_t i = 0; i < used && left > 0; ++i) {
      uint32_t pair[2];
      std::memcpy(pair, table->data() + size_t{i} * kIovecSize, sizeof(pair));
      auto buffer = range(pair[0], pair[1]);
      if (!buffer) return Err(buffer.error());
      size_t take = pair[1] < left ? pair[1] : left;
      out.push_back({buffer->data(), take});
      left -= static_cast<uint32_t>(take);
    }
    return out;
  }

 private:
  std::span<uint8_t> bytes_;
};

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_ABI_H_
