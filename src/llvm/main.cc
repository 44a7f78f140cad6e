// sedgec: the optimising compiler as a program of its own. Compiles one module, or, with --serve,
// what comes through standard input, one after the other (llvm/command.h).
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "llvm/codegen.h"
#include "llvm/command.h"

namespace {

constexpr const char* kUsage =
    R"(Usage: sedgec [OPTIONS] MODULE -o FILE
       sedgec --serve

Compiles a WebAssembly module to native code inside a copy of the module.

  -o FILE             where to write (- for standard output)
  -O LEVEL            1: fast, 2, 3: full optimisation (default)
  --target NAME       x86-64-v2, x86-64-v3, aarch64-linux or riscv64-linux
                      (default: this machine)
  --fast              dead loads may not trap; state after a trap is not exact
  --checked           check memory accesses in code instead of by guard pages
                      (always for riscv64-linux)
  --fuel              count fuel
  --interruptible     poll for interruption
  --funcs N,N,...     compile these functions only
  --loops F:L,...     make entries at loop L of function F
  --threads N         use N threads (default: all processors)
  --all-loops         make entries at all loops
  --share-loops BYTES bodies from this size on go on in the entry at a loop that they come to
  --code-only         write an empty module in the place of the original
  --cache FOLDER      put the code into the cache, too
  --cache-size BYTES  what the cache may hold
  --whole-after BYTES when asked by --serve: then compile all of it for the cache, if it is not larger
  --ran-after BYTES   the same for a larger one: later compile what has run, up to this size
  --begin-after MS    when asked by --serve: begin after this time, or when who asks has ended
  --max-memory MIB    give up beyond this much writable memory
  --max-time S        give up after this many seconds of processor time
  --max-wall S        give up after this many seconds
  --background        low priority, first to go when memory runs out
  --dies-with-parent  end when the thread that started this ends
  --emit-ir           write optimised LLVM IR instead
  -v                  say which functions were left out
  --serve             compile what comes on standard input until it ends
)";

int fail_with(const sedge::Error& error) {
  std::fprintf(stderr, "sedgec: error: %s\n", error.render().c_str());
  return error.exit_code();
}

void limit(int resource, uint64_t value) {
  if (value == 0) return;
  rlimit limits{value, value};
  setrlimit(static_cast<__rlimit_resource>(resource), &limits);
}

/// How much nicer than who asked: a tenth of what a process gets, a third of what its session does.
/// Less, and a busy machine never ends the work.
constexpr int kNice = 10, kSessionNice = 5, kNicest = 19;

/// The niceness of a process's session, if the kernel has that; otherwise 0.
int session_nice(pid_t process) {
  int nice = 0;
  std::FILE* file = std::fopen(("/proc/" + std::to_string(process) + "/autogroup").c_str(), "re");
  if (file == nullptr) return nice;
  char line[64];  // "/autogroup-14 nice 0"
  if (std::fgets(line, sizeof line, file) != nullptr) {
    const std::string_view text(line);
    constexpr std::string_view kBefore = " nice ";
    if (const size_t at = text.find(kBefore); at != text.npos)
      std::from_chars(line + at + kBefore.size(), line + text.size(), nice);
  }
  std::fclose(file);
  return nice;
}

/// Gives way to whoever asked, however little that gets. Where the kernel has autogroups, sessions
/// share the processors first, and a process's niceness counts within its session: this one's is
/// its own, so its niceness is set, too.
void give_way() {
  setpriority(PRIO_PROCESS, 0, std::min(getpriority(PRIO_PROCESS, 0) + kNice, kNicest));
  if (getsid(0) != getpid()) return;
  const int nice = std::min(session_nice(getppid()) + kSessionNice, kNicest);
  // The system takes such a wish ten times a second.
  for (int tries = 0; tries < 5; tries++) {
    std::FILE* file = std::fopen("/proc/self/autogroup", "we");
    if (file == nullptr) return;
    std::fprintf(file, "%d", nice);
    if (std::fclose(file) == 0 || errno != EAGAIN) return;
    usleep(50'000);
  }
}

/// What the process takes upon itself. RLIMIT_DATA counts memory; address space would count what
/// the allocator only reserves.
void impose(const sedge::llvmc::Command& command) {
  limit(RLIMIT_DATA, command.max_memory_mib << 20);
  limit(RLIMIT_CPU, command.max_time_s);
  if (command.max_wall_s != 0) alarm(static_cast<unsigned>(command.max_wall_s));
  signal(SIGPIPE, SIG_IGN);  // who asked may be gone; the cache waits
  signal(SIGXFSZ, SIG_IGN);
  if (command.dies_with_parent) prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!command.background) return;
  give_way();
  if (std::FILE* file = std::fopen("/proc/self/oom_score_adj", "we")) {
    std::fputs("1000", file);
    std::fclose(file);
  }
}

}  // namespace

int main(int argc, char** argv) {
  sedge::llvmc::initialize();
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments[0] == "--help") {
    std::fputs(kUsage, arguments.empty() ? stderr : stdout);
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "--version") {
    std::puts("sedgec " SEDGE_VERSION);
    return 0;
  }
  auto command = sedge::llvmc::parse_command(arguments);
  if (!command) return fail_with(command.error());
  impose(*command);
  if (command->serve) return sedge::llvmc::serve(0, 1);
  if (command->input.empty() || command->output.empty()) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  auto file = sedge::read_file(command->input, sedge::wasm::kMaxModuleSize);
  if (!file) return fail_with(file.error());
  auto result = sedge::llvmc::run_command(*command, file->bytes);
  if (!result) return fail_with(result.error());
  if (command->verbose) std::fputs(result->report.c_str(), stderr);
  auto written = sedge::write_file(
      command->output, {reinterpret_cast<const char*>(result->bytes.data()), result->bytes.size()});
  if (!written) return fail_with(written.error());
  return 0;
}
