// Files that come with the program: sedgec, and libraries that are opened when needed.
#ifndef SEDGE_BASE_COMPANION_H_
#define SEDGE_BASE_COMPANION_H_

#include <string>

namespace sedge {

/// The file of this program, by its real path; without /proc, by what it was started as. Empty:
/// unknown.
std::string own_path();

/// Where the file `name` that belongs to this program lies: where the environment variable
/// `variable` says, else beside the program, else in ../libexec/sedge. Empty: nowhere that may be
/// executed.
std::string find_companion(const char* name, const char* variable);

}  // namespace sedge

#endif  // SEDGE_BASE_COMPANION_H_
