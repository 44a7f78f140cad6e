// Prints the functions of a program that one run enters, in the order of their first instruction,
// by single-stepping it. The linker places them side by side (cmake/startup_order.txt), so that a
// start touches few pages of code. Usage: nm PROGRAM | startup_order PROGRAM ARG... Linux on x86-64
// only.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

struct Symbol {
  unsigned long address;
  std::string name;
  bool seen = false;
};

/// The text symbols of `nm`, ascending.
std::vector<Symbol> read_symbols() {
  std::vector<Symbol> symbols;
  char line[16384];
  while (fgets(line, sizeof line, stdin) != nullptr) {
    char kind;
    static char name[16384];
    unsigned long address;
    if (sscanf(line, "%lx %c %16383s", &address, &kind, name) == 3 &&
        strchr("tTwWuV", kind) != nullptr) {
      symbols.push_back({address, name});
    }
  }
  std::ranges::stable_sort(symbols, {}, &Symbol::address);
  return symbols;
}

/// Where the first mapping of the process's executable lies.
unsigned long load_address(pid_t pid) {
  std::string maps = "/proc/" + std::to_string(pid) + "/maps";
  FILE* file = fopen(maps.c_str(), "r");
  unsigned long base = 0;
  if (file == nullptr || fscanf(file, "%lx", &base) != 1) exit(1);
  fclose(file);
  return base;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: startup_order PROGRAM ARG... with the output of nm on stdin\n");
    return 2;
  }
  std::vector<Symbol> symbols = read_symbols();
  pid_t pid = fork();
  if (pid == 0) {
    personality(ADDR_NO_RANDOMIZE);
    freopen("/dev/null", "w", stdout);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execv(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  waitpid(pid, &status, 0);
  unsigned long base = load_address(pid);
  unsigned long end = symbols.empty() ? 0 : symbols.back().address + 4096;
  while (WIFSTOPPED(status)) {
    user_regs_struct registers;
    ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
    unsigned long offset = registers.rip - base;
    if (registers.rip >= base && offset < end) {
      auto after = std::ranges::upper_bound(symbols, offset, {}, &Symbol::address);
      if (after != symbols.begin()) {
        unsigned long found = std::prev(after)->address;
        // Every name of that address: which of them the next link sees is not known.
        for (auto it = std::prev(after); it->address == found; --it) {
          if (!it->seen) puts(it->name.c_str());
          it->seen = true;
          if (it == symbols.begin()) break;
        }
      }
    }
    if (ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) break;
    waitpid(pid, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
