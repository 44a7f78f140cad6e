// Notices that files have changed, by looking at them now and then: this also sees what inotify
// does not, a Kubernetes volume whose links are swapped and files on a network.
#ifndef SEDGE_SERVE_FILE_WATCH_H_
#define SEDGE_SERVE_FILE_WATCH_H_

#include <cstdint>
#include <string>
#include <vector>

namespace sedge::serve {

class FileWatch {
 public:
  /// Remembers the files as they are now.
  void watch(std::vector<std::string> files);
  /// Whether a file has changed since, and has been the same at the last two calls: a file that is
  /// still being written is not taken. Says so once for each change.
  bool changed();

 private:
  struct Stamp {
    uint64_t device = 0, inode = 0, size = 0;
    int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  std::vector<Stamp> look() const;

  std::vector<std::string> files_;
  std::vector<Stamp> known_;
  std::vector<Stamp> last_;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_FILE_WATCH_H_
