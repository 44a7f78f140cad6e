// Where tests find what lies outside of their own file: the suites' folder, the project's root and
// the program. ctest sets the environment variables; by hand, the build's own paths are used.
#ifndef SEDGE_BASE_TEST_PATHS_H_
#define SEDGE_BASE_TEST_PATHS_H_

#include <cstdlib>
#include <filesystem>

namespace sedge::test {

inline std::filesystem::path path_from(const char* variable, const char* built_in) {
  const char* value = std::getenv(variable);
  return value ? value : built_in;
}
/// `below` in the folder of conformance suites, guests and benchmarks, which may not be there.
inline std::filesystem::path shared_path(const char* below) {
  return path_from("SEDGE_SHARED", SEDGE_SHARED_DIR) / below;
}
/// `below` in this source tree.
inline std::filesystem::path root_path(const char* below) {
  return path_from("SEDGE_ROOT", SEDGE_ROOT_DIR) / below;
}
/// The `sedge` under test.
inline std::filesystem::path program_path() { return path_from("SEDGE_BIN", SEDGE_BIN_PATH); }

}  // namespace sedge::test

#endif  // SEDGE_BASE_TEST_PATHS_H_
