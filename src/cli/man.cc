// `sedge man DIR`: writes the manual pages; used by `make install`.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

constexpr Positional kPositionals[] = {{"DIR", "an existing folder"}};

Result<int> run(const Arguments& arguments) {
  std::string folder(arguments.positional(0));
  SEDGE_TRY(write_file(folder + "/sedge.1", man_page(nullptr, verbs())));
  for (const Verb* verb : verbs())
    if (!verb->hidden)
      SEDGE_TRY(
          write_file(fmt::format("{}/sedge-{}.1", folder, verb->name), man_page(verb, verbs())));
  return 0;
}

}  // namespace

const Verb kManVerb = {"man",        "write manual pages into a folder",    "",  {},
                       kPositionals, "sedge man /usr/local/share/man/man1", run, true};

}  // namespace sedge::cli
