// The helpers of program.h, and a test that it reports what happened.
#include "program.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace sedge::test {
namespace {

struct Pipe {
  int read_end, write_end;
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) std::abort();
    read_end = fds[0];
    write_end = fds[1];
  }
};

std::string read_all(int fd) {
  std::string out;
  char buffer[65536];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof(buffer))) > 0;)
    out.append(buffer, static_cast<size_t>(got));
  ::close(fd);
  return out;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written <= 0) break;
    text.remove_prefix(static_cast<size_t>(written));
  }
  ::close(fd);
}

}  // namespace

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // unlike an iterator over it, does not throw when a read fails
  return text.str();
}

Outcome run_program(const std::vector<std::string>& argv, std::string_view input,
                    const std::string& directory, const std::vector<std::string>& env) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in, out, err;
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(in.read_end, STDIN_FILENO);
    ::dup2(out.write_end, STDOUT_FILENO);
    ::dup2(err.write_end, STDERR_FILENO);
    if (!directory.empty() && ::chdir(directory.c_str()) != 0) ::_exit(126);
    // What earlier runs have left must not matter, unless a test says so; nor what runs the tests,
    // be it a pod.
    ::setenv("SEDGE_CACHE", "off", 1);
    for (const char* name : {"KUBERNETES_SERVICE_HOST", "PORT"}) ::unsetenv(name);
    for (const std::string& item : env) ::putenv(const_cast<char*>(item.c_str()));
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  ::close(in.read_end);
  ::close(out.write_end);
  ::close(err.write_end);
  Outcome outcome;
  std::thread writer([&] { write_all(in.write_end, input); });
  std::thread reader([&] { outcome.err = read_all(err.read_end); });
  outcome.out = read_all(out.read_end);
  writer.join();
  reader.join();
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

TEST(Program, OutcomeIsReported) {
  Outcome outcome = run_program({"sh", "-c", "cat; echo e >&2; exit 3"}, "in");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.out, "in");
  EXPECT_EQ(outcome.err, "e\n");
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}).status, 137);
}

TEST(Program, FilesAreRead) {
  EXPECT_TRUE(read("/proc/self/stat").starts_with(std::to_string(::getpid())));
  EXPECT_EQ(read("/nonexistent"), "");
  EXPECT_EQ(read("/proc/self"), "");      // a folder
  EXPECT_EQ(read("/proc/self/mem"), "");  // no page is mapped at its start
}

}  // namespace sedge::test
