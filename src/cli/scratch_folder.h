// A folder of its own that goes with everything in it.
#ifndef SEDGE_CLI_SCRATCH_FOLDER_H_
#define SEDGE_CLI_SCRATCH_FOLDER_H_

#include <string>
#include <string_view>

#include <sedge/error.h>

namespace sedge::cli {

/// Move-only; the folder is removed with its owner.
class ScratchFolder {
 public:
  /// In TMPDIR, readable by this user alone. Error: io.
  static Result<ScratchFolder> create();
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();
  /// The path of a file in it.
  std::string file(std::string_view name) const;

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace sedge::cli

#endif  // SEDGE_CLI_SCRATCH_FOLDER_H_
