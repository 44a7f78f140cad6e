// The table of assertions whose words differ from ours, each row with its reason. One row a line:
//   file[:line] | the script's words | our words | reason
//   folder/     | features           | LIST      | reason    (what the scripts below it assume)
//   folder/     | unsupported        | -         | reason    (scripts below it are not run)
// `#` begins a comment. A row that no assertion needs is an error, so that the table only shrinks.
#ifndef SEDGE_WAST_DEVIATIONS_H_
#define SEDGE_WAST_DEVIATIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>
#include <sedge/feature.h>

namespace sedge::wast {

class Deviations {
 public:
  /// Errors: config_syntax with the line.
  static Result<Deviations> parse(std::string_view text);

  /// Whether a row says that the assertion at `file`:`line`, which expects `words`, gets `message`.
  bool allows(std::string_view file, uint32_t line, std::string_view words,
              std::string_view message);
  /// The features that `file`'s folder assumes, if a row says so.
  std::optional<Features> features(std::string_view file) const;
  /// Why `file` is not run, if a row says so.
  std::optional<std::string> unsupported(std::string_view file) const;
  /// Rows of `file` that nothing needed, as text.
  std::vector<std::string> unused(std::string_view file) const;
  /// Files that rows name.
  std::vector<std::string> files() const;

 private:
  struct Row {
    std::string file;
    uint32_t line = 0;  ///< 0: any
    std::string words, ours, reason;
    uint32_t table_line = 0;
    bool used = false;
  };
  struct FolderRow {
    std::string folder;                // with a slash at its end
    std::optional<Features> features;  // none: unsupported
    std::string reason;
  };
  std::vector<Row> rows_;
  std::vector<FolderRow> folders_;
};

}  // namespace sedge::wast

#endif  // SEDGE_WAST_DEVIATIONS_H_
