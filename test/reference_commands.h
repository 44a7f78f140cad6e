// The command lines of the reference document in their order, and what each needs.
#ifndef SEDGE_TEST_REFERENCE_COMMANDS_H_
#define SEDGE_TEST_REFERENCE_COMMANDS_H_

#include <span>
#include <string_view>

namespace sedge::test {

/// A file that a command expects, and the guest that stands for it (below ../shared/guests/wasm).
struct ReferenceFile {
  std::string_view path;
  std::string_view guest;
};

struct ReferenceCommand {
  std::string_view section;
  std::string_view typed;  ///< as printed in the document, or what provokes what it warns of
  /// The part of sedge that it cannot do without: a command of sedge, "components", or empty.
  std::string_view needs;
  /// Exit status where that part is there.
  int status = 0;
  std::string_view remark = {};
  /// How the test types it where the printed line needs a fixed folder or port.
  std::string_view instead = {};
  /// For a server: path and body of a request (separated by a space) that it is asked then.
  std::string_view request = {};
  /// Variables of the command ("K=V"), as a pod sets them.
  std::string_view env = {};
};

std::span<const ReferenceFile> reference_files();
std::span<const ReferenceCommand> reference_commands();

}  // namespace sedge::test

#endif  // SEDGE_TEST_REFERENCE_COMMANDS_H_
