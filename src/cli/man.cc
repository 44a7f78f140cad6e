// `sedge man DIR`: writes the manual pages; used by `make install`.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/personalities/personality.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Positional kPositionals[] = {{"DIR", "an existing folder"}};

Result<int> run(const Arguments& arguments) {
  std::string folder(arguments.positional(0));
  SEDGE_TRY(write_file(folder + "/sedge.1", man_page(nullptr, verbs())));
  for (const Verb* verb : verbs())
    if (!verb->hidden)
      SEDGE_TRY(write_file(fmt::format("{}/sedge-{}.1", folder, hyphenated(verb->name)),
                           man_page(verb, verbs())));
  for (const Personality* tool : personalities())
    SEDGE_TRY(
        write_file(fmt::format("{}/sedge-as-{}.1", folder, tool->name), tool_man_page(*tool)));
  return 0;
}

}  // namespace

const Verb kManVerb = {"man",        "write manual pages into a folder",    "",  {},
                       kPositionals, "sedge man /usr/local/share/man/man1", run, true};

}  // namespace sedge::cli
