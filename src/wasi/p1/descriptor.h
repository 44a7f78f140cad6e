// What a guest's descriptor number stands for, and the bounded table of them.
#ifndef SEDGE_WASI_P1_DESCRIPTOR_H_
#define SEDGE_WASI_P1_DESCRIPTOR_H_

#include <sedge/wasi.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "wasi/os/dir.h"
#include "wasi/os/file.h"
#include "wasi/os/wait.h"
#include "wasi/p1/abi.h"

namespace sedge::wasi::p1 {

/// An open file or device, or (borrowed) one of the process's standard streams.
struct FileHandle {
  Fd owned;
  int fd = -1;
  bool readonly = false;  ///< from a read-only directory: its times must not change either
};
struct DirHandle {
  std::shared_ptr<const os::Dir> dir;
  std::optional<std::string> preopen;  ///< its guest name, for descriptors that were preopened
  std::string guest;                   ///< where it is in the guest's world, for messages
};
struct SocketHandle {
  Fd fd;
};
/// Standard input from memory or a callback.
struct SourceHandle {
  std::string data;
  size_t position = 0;
  InputCallback callback;  ///< used instead of `data` where set
};
/// Standard output or error to memory, a callback or nowhere.
struct SinkHandle {
  std::shared_ptr<Capture> capture;
  OutputCallback callback;
};

/// One open descriptor; renumbering moves it to another number. Guest threads share it: what the
/// handle points to is fixed, the mutex guards a source's position, a sink's text and a
/// directory's offset.
struct Descriptor {
  std::variant<FileHandle, DirHandle, SocketHandle, SourceHandle, SinkHandle> handle;
  os::FileType type = os::FileType::unknown;
  std::atomic<uint16_t> flags = 0;  ///< FdFlag bits as the guest set them
  std::atomic<uint64_t> rights = 0;
  std::atomic<uint64_t> inheriting = 0;
  std::mutex mutex;

  template <typename T>
  T* as() {
    return std::get_if<T>(&handle);
  }
  bool is_dir() const { return std::holds_alternative<DirHandle>(handle); }
  /// The kernel's descriptor, or -1.
  int kernel_fd() const;
  os::Waiting waiting() const;

  OsResult<size_t> read(std::span<const iovec> to, os::Interrupt& interrupt);
  OsResult<size_t> write(std::span<const iovec> from, os::Interrupt& interrupt);
};

/// Lowest free number first; never more than `limit` at once. Thread-safe.
class FdTable {
 public:
  explicit FdTable(uint32_t limit) : limit_(limit) {}
  /// Errors: mfile.
  OsResult<uint32_t> add(std::shared_ptr<Descriptor> descriptor);
  /// Errors: badf.
  OsResult<std::shared_ptr<Descriptor>> get(uint32_t fd) const;
  OsResult<> close(uint32_t fd);
  /// `to`, which must be open, becomes what `from` was; `from` is closed.
  OsResult<> renumber(uint32_t from, uint32_t to);
  /// Whether another descriptor fits; asked before the kernel opens one.
  bool full() const;
  /// How many are open.
  uint32_t open() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Descriptor>> table_;
  uint32_t open_ = 0;
  uint32_t limit_;
};

/// Standard stream `number` (0 to 2) as configured.
std::shared_ptr<Descriptor> standard_input(Input input);
std::shared_ptr<Descriptor> standard_output(Output output, int number);

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_DESCRIPTOR_H_
