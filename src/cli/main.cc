// The program `sedge`, also under the names of the tools that it answers for.
#include <csignal>

#include "cli/verbs.h"

int main(int argc, char** argv) {
  // Where files have a limit (ulimit -f), a guest that writes beyond it has an error, as on a full
  // disk, and code and images do without files; the signal would end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  if (argc < 1) return sedge::cli::main_program("sedge", {});
  return sedge::cli::main_program(argv[0], {argv + 1, static_cast<size_t>(argc - 1)});
}
