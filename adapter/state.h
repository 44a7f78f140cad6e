// What the adapter remembers. It has no memory but the module's, and no place in it: the state lies
// on pages that it asks the system for, and a global of its own says where.
#ifndef SEDGE_ADAPTER_STATE_H_
#define SEDGE_ADAPTER_STATE_H_

#include "p1.h"
#include "p2.h"

namespace adapter {

#ifdef SEDGE_ADAPTER_PROXY
constexpr bool kIsProxy = true;
#else
constexpr bool kIsProxy = false;
#endif

/// Where results of calls go: cabi_import_realloc takes from it.
struct Region {
  uint32_t begin = 0, at = 0, end = 0;
  bool grows = true;  ///< when it is full, new pages take its place
};

struct Fd {
  enum class Kind : uint8_t { free, input, output, file, directory };
  Kind kind = Kind::free;
  FileType type = FileType::unknown;
  uint16_t flags = 0;
  bool has_handle = false;   ///< standard streams get theirs at the first use
  bool has_entries = false;  ///< directory: `entries` is open
  bool is_preopen = false;
  uint8_t standard = 0;  ///< input and output: which of the three
  p2::Handle handle = 0;
  p2::Handle entries = 0;
  p2::List name = {};  ///< of a preopened directory
  uint64_t rights = 0, inheriting = 0;
  uint64_t position = 0;  ///< file: bytes; directory: cookie of what `entries` gives next
};

/// An entry that did not fit into the buffer it was read for.
struct PendingEntry {
  bool valid = false;
  FileType type = FileType::unknown;
  uint32_t fd = 0, size = 0;
  uint64_t cookie = 0, ino = 0;
  uint8_t name[256] = {};
};

/// What a state begins with. Another value means that the program has overwritten it, as do those
/// that take every page behind their data for their own.
constexpr uint64_t kIntact = 0x7365646765203031;

struct State {
  uint64_t intact = kIntact;
  Region kept;     ///< lives as long as the program
  Region passing;  ///< lives as long as one call
  Region buffer;   ///< the module's own, for one result
  Region* results = nullptr;
  bool has_arguments = false, has_environment = false;
  p2::List arguments = {}, environment = {};
  Fd* fds = nullptr;
  uint32_t fd_count = 0;
  bool has_start = false;
  uint64_t start = 0;  ///< monotonic time of the first look at the clock
  PendingEntry pending;
};

State& state();
/// The state, its table of descriptors filled.
State& state_with_fds();

/// The region of results that the call in progress is done with before it returns, empty.
Region& passing();

/// Where results of calls go while it lives.
class ResultsTo {
 public:
  explicit ResultsTo(Region& region) : before_(state().results) { state().results = &region; }
  /// Into a buffer of the module.
  ResultsTo(uint32_t address, uint32_t size) : ResultsTo(state().buffer) {
    state().buffer = {address, address, address + size, false};
  }
  ResultsTo(const ResultsTo&) = delete;
  ResultsTo& operator=(const ResultsTo&) = delete;
  ~ResultsTo() { state().results = before_; }

 private:
  Region* before_;
};
/// Room in a region; traps where the system has no more pages.
uint32_t take(Region& region, uint32_t align, uint32_t size);

/// Whether the module's memory reaches that far.
bool in_memory(uint32_t address, uint64_t size);
template <typename T>
bool in_memory(const T* at, uint64_t count = 1) {
  return in_memory(reinterpret_cast<uint32_t>(at), count * sizeof(T));
}

/// An open descriptor that has the rights; else null, and why not.
Fd* find_fd(uint32_t number, uint64_t rights, Errno& error);
/// The lowest number that is free.
uint32_t add_fd(const Fd& fd);
/// Gives back what the host holds for it.
void release(uint32_t number, Fd& fd);
/// The stream behind a standard descriptor.
p2::Handle standard_stream(Fd& fd);

Errno errno_of(uint8_t error_code);
/// Of an operation on a stream; takes the error.
Errno errno_of(const p2::StreamError& error, Errno closed);
inline Errno errno_of(const p2::Status& status) {
  return status.failed ? errno_of(status.value) : Errno::success;
}
FileType file_type(p2::DescriptorType type);

inline uint64_t nanoseconds(const p2::Datetime& time) {
  return time.seconds * kSecond + time.nanoseconds;
}

}  // namespace adapter

#endif  // SEDGE_ADAPTER_STATE_H_
