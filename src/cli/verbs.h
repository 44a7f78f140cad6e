// The commands of `sedge`: one file each defines its row.
#ifndef SEDGE_CLI_VERBS_H_
#define SEDGE_CLI_VERBS_H_

#include <span>

#include "cli/options.h"

namespace sedge::cli {

extern const Verb kRunVerb, kCompileVerb, kValidateVerb, kInspectVerb, kParseVerb, kPrintVerb,
    kWastVerb, kExplainVerb, kCompletionVerb, kVersionVerb, kManVerb, kComponentWitVerb,
    kComponentEmbedVerb, kBindgenVerb, kComponentNewVerb, kComponentTargetsVerb, kComposeVerb,
    kPlugVerb, kOptVerb, kBenchVerb, kLinksVerb, kSnapshotVerb, kCacheListVerb, kCacheVerifyVerb,
    kCacheClearVerb;
#if SEDGE_HAVE_SERVER
extern const Verb kServeVerb, kSelectVerb, kDeployVerb;
#endif

/// All commands in the order in which help shows them.
std::span<const Verb* const> verbs();
/// The command called `name`, or null. Commands of a group have two words: "component wit".
const Verb* find_verb(std::string_view name);
/// "component" of "component wit"; empty for a command of one word.
std::string_view group_of(const Verb& verb);

/// The whole program. `name` is what it was called: by another tool's name it answers as that tool;
/// `argv` is without it. Returns the exit status; errors are printed.
int main_program(std::string_view name, std::span<const char* const> argv);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_VERBS_H_
