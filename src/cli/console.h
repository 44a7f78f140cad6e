// What the program prints: results to stdout, errors and notes to stderr, colours on terminals
// only.
#ifndef SEDGE_CLI_CONSOLE_H_
#define SEDGE_CLI_CONSOLE_H_

#include <string_view>

#include <sedge/error.h>

namespace sedge::cli {

/// Writes to stdout. Error: io.
Result<void> print(std::string_view text);
/// "error: …" and "help: …" on stderr.
void print_error(const Error& error);
/// "note: …" on stderr.
void print_note(std::string_view text);
/// Whether stderr is a terminal that wants colours (NO_COLOR unset or empty).
bool wants_colour();

}  // namespace sedge::cli

#endif  // SEDGE_CLI_CONSOLE_H_
