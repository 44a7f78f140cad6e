// Output through write(2): nothing is buffered, so a guest's own output keeps its place among ours.
#include "cli/console.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <unistd.h>

namespace sedge::cli {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

struct Style {
  std::string_view on, off;
};
constexpr Style kRed = {"\x1b[1;31m", "\x1b[0m"}, kCyan = {"\x1b[1;36m", "\x1b[0m"},
                kPlain = {"", ""};

std::string label(std::string_view word, Style colour) {
  Style style = wants_colour() ? colour : kPlain;
  return std::string(style.on) + std::string(word) + ":" + std::string(style.off) + " ";
}

/// Text that came from a file may hold control characters; a terminal must not obey them.
std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool wants_colour() {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color && *no_color) return false;
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && !(term && std::strcmp(term, "dumb") == 0);
}

Result<void> print(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text))
    return fail(ErrorCode::io, std::string(": standard output: ") + std::strerror(errno));
  return {};
}

void print_error(const Error& error) {
  std::string text = printable(error.render());
  std::string out = label("error", kRed);
  std::string remedy;
  constexpr std::string_view kHelp = "\nhelp: ";
  if (size_t help = text.rfind(kHelp); help != std::string::npos && !error.remedy().empty()) {
    remedy = text.substr(help + kHelp.size());
    text.resize(help);
  }
  out += text + "\n";
  if (!remedy.empty()) out += label("help", kCyan) + remedy + "\n";
  (void)write_all(STDERR_FILENO, out);
}

void print_note(std::string_view text) {
  (void)write_all(STDERR_FILENO, label("note", kCyan) + printable(text) + "\n");
}

}  // namespace sedge::cli
