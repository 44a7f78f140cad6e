// A folder of a test's own: tests run side by side, and what an earlier one has left behind must
// not matter.
#ifndef SEDGE_BASE_TEST_FOLDER_H_
#define SEDGE_BASE_TEST_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace sedge::test {

/// A folder that is removed with everything in it at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sedge-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) std::abort();
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }
  /// Writes a file in the folder; its path.
  std::string write(std::string_view name, std::string_view content) const {
    std::string path = path_ + "/" + std::string(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  std::string path_;
};

}  // namespace sedge::test

#endif  // SEDGE_BASE_TEST_FOLDER_H_
