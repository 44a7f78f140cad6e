// Measures whole processes: spawns each command in turns (A B C, A B C, ...) so that a drifting
// machine hurts all alike, and prints one line per command:
//   minimum-ns median-ns user+system-ns-median peak-rss-KiB
// Usage: spawn RUNS COMMAND [ARG...] [-- COMMAND [ARG...]]...   Exit status 1 if a run fails.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <vector>

extern char** environ;

namespace {

using Command = std::vector<char*>;

struct Samples {
  std::vector<long> wall_ns;
  std::vector<long> cpu_ns;
  long peak_kib = 0;
};

long now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000L + t.tv_nsec;
}

long ns(const timeval& t) { return t.tv_sec * 1'000'000'000L + t.tv_usec * 1'000L; }

bool run_once(const Command& command, const posix_spawn_file_actions_t& actions, Samples& out) {
  long start = now_ns();
  pid_t pid;
  if (posix_spawnp(&pid, command[0], &actions, nullptr, command.data(), environ) != 0) {
    fprintf(stderr, "spawn: cannot start %s\n", command[0]);
    return false;
  }
  int status;
  rusage usage;
  if (wait4(pid, &status, 0, &usage) != pid) return false;
  long end = now_ns();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "spawn: %s ended with status %d\n", command[0], status);
    return false;
  }
  out.wall_ns.push_back(end - start);
  out.cpu_ns.push_back(ns(usage.ru_utime) + ns(usage.ru_stime));
  out.peak_kib = std::max(out.peak_kib, usage.ru_maxrss);
  return true;
}

long median(std::vector<long>& values) {
  auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

int main(int argc, char** argv) {
  int runs = argc > 2 ? atoi(argv[1]) : 0;
  if (runs < 1) {
    fprintf(stderr, "usage: spawn RUNS COMMAND [ARG...] [-- COMMAND [ARG...]]...\n");
    return 2;
  }
  std::vector<Command> commands(1);
  for (int i = 2; i < argc; ++i) {
    if (strcmp(argv[i], "--") == 0) {
      commands.emplace_back();
    } else {
      commands.back().push_back(argv[i]);
    }
  }
  for (Command& command : commands) {
    if (command.empty()) return 2;
    command.push_back(nullptr);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  std::vector<Samples> samples(commands.size());
  for (int run = 0; run < runs; ++run) {
    for (size_t i = 0; i < commands.size(); ++i) {
      if (!run_once(commands[i], actions, samples[i])) return 1;
    }
  }
  for (Samples& each : samples) {
    long least = *std::min_element(each.wall_ns.begin(), each.wall_ns.end());
    printf("%ld %ld %ld %ld\n", least, median(each.wall_ns), median(each.cpu_ns), each.peak_kib);
  }
  return 0;
}
