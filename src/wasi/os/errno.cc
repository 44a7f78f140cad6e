// Mapping between POSIX and WASI error numbers, expanded from errno.def.
#include "wasi/os/errno.h"

#include <cerrno>

namespace sedge::wasi {

Errno from_posix(int posix_errno) {
  // The table is small and errors are rare: a scan keeps one list for both directions.
  struct Row {
    int posix;
    Errno value;
  };
  static constexpr Row kRows[] = {
#define SEDGE_WASI_ERRNO(number, name, posix) {posix, Errno::name},
#include "wasi/os/errno.def"
#undef SEDGE_WASI_ERRNO
  };
  if (posix_errno == 0) return Errno::success;
  for (const Row& row : kRows)
    if (row.posix == posix_errno) return row.value;
  return Errno::io;
}

Errno last_errno() { return from_posix(errno); }

const char* errno_name(Errno value) {
  switch (value) {
#define SEDGE_WASI_ERRNO(number, name, posix) \
  case Errno::name:                           \
    return #name;
#include "wasi/os/errno.def"
#undef SEDGE_WASI_ERRNO
  }
  return "unknown";
}

}  // namespace sedge::wasi
