// The program `sedge`.
#include "cli/verbs.h"

int main(int argc, char** argv) {
  return sedge::cli::main_program({argv + 1, static_cast<size_t>(argc > 0 ? argc - 1 : 0)});
}
