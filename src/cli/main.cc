// The program `sedge`, also under the names of the tools that it answers for.
#include "cli/verbs.h"

int main(int argc, char** argv) {
  if (argc < 1) return sedge::cli::main_program("sedge", {});
  return sedge::cli::main_program(argv[0], {argv + 1, static_cast<size_t>(argc - 1)});
}
