// Runs a program and keeps what it printed; reads what it wrote: for tests of the command line.
#ifndef SEDGE_TEST_PROGRAM_H_
#define SEDGE_TEST_PROGRAM_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/test_folder.h"

namespace sedge::test {

struct Outcome {
  int status = -1;  ///< exit status; 128 + N for a signal N
  std::string out;
  std::string err;
};

/// Runs `argv` in folder `directory` (empty: this one) with `input` on standard input and `env`
/// ("K=V") added to the environment.
Outcome run_program(const std::vector<std::string>& argv, std::string_view input = {},
                    const std::string& directory = {}, const std::vector<std::string>& env = {});

/// What a file has: nothing if it cannot be opened, as much as could be read if reading fails (a
/// file of /proc whose process has ended).
std::string read(const std::filesystem::path& path);

}  // namespace sedge::test

#endif  // SEDGE_TEST_PROGRAM_H_
