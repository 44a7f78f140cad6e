// The commands of `sedge`: one file each defines its row.
#ifndef SEDGE_CLI_VERBS_H_
#define SEDGE_CLI_VERBS_H_

#include <span>

#include "cli/options.h"

namespace sedge::cli {

extern const Verb kRunVerb, kValidateVerb, kInspectVerb, kParseVerb, kPrintVerb, kWastVerb,
    kExplainVerb, kCompletionVerb, kVersionVerb, kManVerb;
#if SEDGE_HAVE_SERVER
extern const Verb kServeVerb;
#endif

/// All commands in the order in which help shows them.
std::span<const Verb* const> verbs();
/// The command called `name`, or null.
const Verb* find_verb(std::string_view name);

/// The whole program: `argv` without the program's name. Returns the exit status; errors are
/// printed.
int main_program(std::span<const char* const> argv);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_VERBS_H_
