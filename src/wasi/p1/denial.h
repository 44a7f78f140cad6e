// Refusals that a person may want to lift, kept for the message after a guest has failed.
#ifndef SEDGE_WASI_P1_DENIAL_H_
#define SEDGE_WASI_P1_DENIAL_H_

#include <string>

#include "wasi/p1/state.h"

namespace sedge::wasi::p1 {

/// The guest's name of `path` in the directory it knows as `guest`.
inline std::string guest_path(const std::string& guest, const std::string& path) {
  if (path == ".") return guest;
  return guest.ends_with('/') ? guest + path : guest + "/" + path;
}

/// Notes what was refused on `path` in `directory`, and passes the result on; for the guest, a path
/// that leads out of its directory is "not permitted".
template <typename T>
OsResult<T> noted(State& state, const DirHandle& directory, const std::string& path,
                  OsResult<T> result) {
  if (result) return result;
  Denial::Kind kind;
  switch (result.error()) {
    case Errno::notcapable:
      kind = Denial::Kind::outside;
      break;
    case Errno::rofs:
      kind = Denial::Kind::readonly;
      break;
    case Errno::acces:
      kind = Denial::Kind::host;
      break;
    default:
      return result;
  }
  bool absolute = path.starts_with('/');
  state.deny({kind, absolute ? path : guest_path(directory.guest, path), directory.guest});
  if (kind == Denial::Kind::outside) return Err(Errno::perm);
  return result;
}

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_DENIAL_H_
