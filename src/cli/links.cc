// `sedge links DIR`: the names of the tools that sedge answers for, as symbolic links. A file that
// is no link to sedge is another tool's own and stays, unless --force says otherwise.
#include <filesystem>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/companion.h"
#include "cli/console.h"
#include "cli/personalities/personality.h"
#include "cli/verbs.h"

namespace sedge::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"--only", 0, "NAME", "place this name alone", true},
    {"--to", 0, "FILE", "what the links point to (default: this program)"},
    {"--force", 0, "", "replace what stands there, even if it is another tool"},
    {"--remove", 0, "", "take links to sedge away instead"},
};
constexpr Positional kPositionals[] = {{"DIR", "an existing folder"}};

/// Whether a name in the folder is a link that leads to this program or to `target`.
bool is_ours(const fs::path& place, const fs::path& target) {
  std::error_code error;
  if (!fs::is_symlink(place, error)) return false;
  if (fs::read_symlink(place, error) == target) return true;
  return fs::weakly_canonical(place, error).filename() == "sedge" ||
         fs::equivalent(place, target, error);
}

Error failed(const fs::path& place, const std::error_code& error) {
  return Error(ErrorCode::io, fmt::format(": {}: {}", place.string(), error.message()));
}

Result<std::vector<std::string_view>> wanted(const Arguments& arguments) {
  std::vector<std::string_view> names = arguments.all("--only");
  for (std::string_view name : names)
    if (!find_personality(name))
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `--only {}`", name))
                      .with_remedy("`sedge --as` takes the same names; `sedge links --help` shows "
                                   "an example"));
  if (names.empty())
    for (const Personality* tool : personalities()) names.push_back(tool->name);
  return names;
}

Result<int> run(const Arguments& arguments) {
  fs::path folder(arguments.positional(0));
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(ErrorCode::file_not_found, fmt::format(": {} is no folder", folder.string()));
  fs::path target(arguments.get("--to").value_or(""));
  if (target.empty()) target = own_path();
  SEDGE_TRY_ASSIGN(auto names, wanted(arguments));
  int status = 0;
  std::string out;
  for (std::string_view name : names) {
    fs::path place = folder / name;
    bool there = fs::symlink_status(place, error).type() != fs::file_type::not_found;
    bool ours = there && is_ours(place, target);
    if (arguments.has("--remove")) {
      if (!ours) continue;
      if (!fs::remove(place, error)) return fail(failed(place, error));
      out += fmt::format("removed {}\n", place.string());
      continue;
    }
    if (there && !ours && !arguments.has("--force")) {
      print_note(fmt::format("{} is another tool and stays; --force replaces it", place.string()));
      status = 1;
      continue;
    }
    if (there && !fs::remove(place, error)) return fail(failed(place, error));
    fs::create_symlink(target, place, error);
    if (error) return fail(failed(place, error));
    out += fmt::format("{} -> {}\n", place.string(), target.string());
  }
  SEDGE_TRY(print(out));
  return status;
}

}  // namespace

const Verb kLinksVerb = {
    "links",
    "place links by whose names sedge answers as another tool",
    "Called as wasmedge, wasmedgec, wasmtime, wasmer, wasm-tools or wasm-opt, sedge takes that "
    "tool's command line. A file that is no link to sedge is left alone.",
    kOptions,
    kPositionals,
    "sedge links ~/bin\n"
    "sedge links --only wasmtime --only wasmer /usr/local/bin\n"
    "sedge links --remove ~/bin",
    run};

}  // namespace sedge::cli
