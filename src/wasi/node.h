// What a descriptor of wasi:filesystem stands for, 0.2 and 0.3 alike: a file or a directory as a
// capability, and what it may be used for.
#ifndef SEDGE_WASI_NODE_H_
#define SEDGE_WASI_NODE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "wasi/os/dir.h"
#include "wasi/p1/state.h"

namespace sedge::wasi {

/// descriptor-flags, in the order of the interface.
enum NodeFlag : uint64_t {
  kNodeRead = 1 << 0,
  kNodeWrite = 1 << 1,
  kNodeFileSync = 1 << 2,
  kNodeDataSync = 1 << 3,
  kNodeWriteSync = 1 << 4,
  kNodeMutateDirectory = 1 << 5,
};
/// open-flags, in the order of the interface.
enum NodeOpen : uint64_t {
  kNodeCreate = 1 << 0,
  kNodeDirectory = 1 << 1,
  kNodeExclusive = 1 << 2,
  kNodeTruncate = 1 << 3,
};

/// One entry of a directory, without `.` and `..`.
struct NodeEntry {
  os::FileType type;
  std::string name;  ///< any bytes
};

/// The entries of a directory one after the other.
class NodeEntries {
 public:
  explicit NodeEntries(std::shared_ptr<p1::Descriptor> directory)
      : directory_(std::move(directory)) {}
  /// None at the end.
  os::OsResult<std::optional<NodeEntry>> next();

 private:
  os::OsResult<> fill();

  std::shared_ptr<p1::Descriptor> directory_;
  std::deque<NodeEntry> entries_;
  uint64_t next_ = 0;
  bool ended_ = false;
};

/// Operations on paths note what was refused in the guest's state. What a Node opens has a number
/// in the guest's table of WASI 0.1 as long as it lives, so that one limit counts all descriptors.
class Node {
 public:
  Node(std::shared_ptr<p1::Descriptor> descriptor, uint64_t flags)
      : descriptor_(std::move(descriptor)), flags_(flags) {}
  /// The directory that was given as number `index` of the guest's preopens; its name is the
  /// handle's `preopen`.
  static std::optional<Node> preopen(p1::State& guest, uint32_t index);

  const std::shared_ptr<p1::Descriptor>& descriptor() const { return descriptor_; }
  uint64_t flags() const { return flags_; }
  os::FileType type() const { return descriptor_->type; }
  /// Null for anything but a directory.
  p1::DirHandle* dir() const { return descriptor_->as<p1::DirHandle>(); }
  /// Errors: isdir; badf if it was not opened for that.
  os::OsResult<> readable() const { return file_with(kNodeRead); }
  os::OsResult<> writable() const { return file_with(kNodeWrite); }

  os::OsResult<> advise(uint64_t offset, uint64_t length, os::Advice advice) const;
  os::OsResult<> sync(bool data_only) const;
  os::OsResult<> set_size(uint64_t size) const;
  os::OsResult<> set_times(os::TimeChange atim, os::TimeChange mtim) const;
  os::OsResult<os::Stat> stat() const { return os::stat_fd(fd()); }
  bool is_same(const Node& other) const;
  os::OsResult<NodeEntries> entries(p1::State& guest) const;

  os::OsResult<> create_directory(p1::State& guest, const std::string& path) const;
  os::OsResult<> remove_directory(p1::State& guest, const std::string& path) const;
  os::OsResult<> unlink_file(p1::State& guest, const std::string& path) const;
  os::OsResult<> symlink(p1::State& guest, const std::string& target,
                         const std::string& path) const;
  os::OsResult<> rename(p1::State& guest, const std::string& from, const Node& to_dir,
                        const std::string& to) const;
  os::OsResult<> link(p1::State& guest, bool follow, const std::string& from, const Node& to_dir,
                      const std::string& to) const;
  os::OsResult<> set_times_at(p1::State& guest, bool follow, const std::string& path,
                              os::TimeChange atim, os::TimeChange mtim) const;
  os::OsResult<os::Stat> stat_at(p1::State& guest, bool follow, const std::string& path) const;
  /// Error: ilseq if the text is not UTF-8.
  os::OsResult<std::string> readlink(p1::State& guest, const std::string& path) const;
  /// `how`: NodeOpen bits, `flags`: NodeFlag bits; without any it is opened to read, and what may
  /// be created also to write.
  os::OsResult<Node> open(p1::State& guest, bool follow, const std::string& path, uint64_t how,
                          uint64_t flags) const;

 private:
  int fd() const { return descriptor_->kernel_fd(); }
  os::OsResult<> file_with(uint64_t flag) const;
  template <typename F>
  auto at(p1::State& guest, const std::string& path, F operation) const
      -> decltype(operation(std::declval<const os::Dir&>()));

  std::shared_ptr<p1::Descriptor> descriptor_;
  uint64_t flags_;
};

/// The value of metadata-hash: says whether two files are one, and nothing else about them.
struct NodeHash {
  uint64_t lower = 0, upper = 0;
};
NodeHash hash_of(const os::Stat& stat);

/// The case of filesystem/types.error-code of 0.2 that stands for an error.
uint32_t error_code_of(Errno value);
/// The case of descriptor-type of 0.2.
uint32_t descriptor_type_of(os::FileType type);

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_NODE_H_
