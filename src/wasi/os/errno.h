// Error numbers that system calls answer with, in WASI's numbering, and the result type of every
// function in this folder. Rows: errno.def.
#ifndef SEDGE_WASI_OS_ERRNO_H_
#define SEDGE_WASI_OS_ERRNO_H_

#include <cstdint>
#include <expected>

namespace sedge::wasi {

enum class Errno : uint16_t {
#define SEDGE_WASI_ERRNO(number, name, posix) name = number,
#include "wasi/os/errno.def"
#undef SEDGE_WASI_ERRNO
};

/// The Errno of a POSIX error number; `io` for one that WASI does not know.
Errno from_posix(int posix_errno);
/// The Errno of the calling thread's `errno`.
Errno last_errno();
/// The witx name ("noent").
const char* errno_name(Errno value);

namespace os {
template <typename T = void>
using OsResult = std::expected<T, Errno>;
using Err = std::unexpected<Errno>;

/// The answer of a system call: its value, or the error that errno holds when it is negative.
template <typename T>
OsResult<T> checked(T value) {
  if (value < 0) [[unlikely]]
    return Err(last_errno());
  return value;
}
/// The same for a call whose value means nothing.
inline OsResult<> done(int64_t value) {
  if (value < 0) [[unlikely]]
    return Err(last_errno());
  return {};
}
}  // namespace os
}  // namespace sedge::wasi

#endif  // SEDGE_WASI_OS_ERRNO_H_
