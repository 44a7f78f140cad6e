// Which functions of a module a program got native code for: written while it runs, read by sedgec
// when it has ended.
#ifndef SEDGE_VM_RAN_FUNCS_H_
#define SEDGE_VM_RAN_FUNCS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/mapping.h"

namespace sedge::vm {

/// One byte for each function, in memory that both processes have. Thread-safe.
class RanFuncs {
 public:
  /// For functions 0 to `count` - 1, none of which has run; empty if the system refuses.
  static RanFuncs create(size_t count);
  explicit operator bool() const { return static_cast<bool>(bytes_); }
  /// `func` < count. Nothing happens if it is empty.
  void mark(uint32_t func);
  /// For the other process; -1 if it is empty.
  int fd() const { return file_.get(); }

  /// The functions that are marked in such a descriptor, ascending; none if it is something else.
  static std::vector<uint32_t> read(int fd, size_t count);

 private:
  Fd file_;
  Mapping bytes_;
};

}  // namespace sedge::vm

#endif  // SEDGE_VM_RAN_FUNCS_H_
