// `sedge cache`: what is in the cache of optimised code, whether it is sound, and emptying it.
#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/console.h"
#include "cli/tier_option.h"
#include "cli/units.h"
#include "cli/verbs.h"
#include "vm/code_cache.h"

namespace sedge::cli {
namespace {

constexpr Option kJsonOption = {"--json", 0, "", "print one JSON object"};
constexpr Option kOptions[] = {kCacheDirOption, kJsonOption};

/// The folder and the cache in it, which may not exist.
struct Opened {
  std::string folder;
  vm::CodeCache cache;
};
Result<Opened> open(const Arguments& arguments) {
  Opened opened;
  opened.folder = cache_folder(arguments);
  if (opened.folder.empty())
    return fail(Error(ErrorCode::bad_artifact,
                      ": there is no cache: none of $SEDGE_CACHE, $XDG_CACHE_HOME and $HOME "
                      "names a folder")
                    .with_remedy("name one with --cache-dir"));
  SEDGE_TRY_ASSIGN(opened.cache,
                   vm::CodeCache::open(opened.folder, vm::CodeCache::Access::existing));
  return opened;
}

std::vector<vm::CacheRow> rows_of(const Opened& opened) {
  return opened.cache ? opened.cache.list() : std::vector<vm::CacheRow>();
}

/// The first half of a module's hash.
std::string module_text(const vm::CacheRow& row) {
  std::string out;
  for (size_t i = 0; i < row.module.size() / 4; i++) out += fmt::format("{:02x}", row.module[i]);
  return out;
}

std::string time_text(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void write_row(Json& json, const vm::CacheRow& row) {
  json.field("name", row.name).field("bytes", row.size).field("used", time_text(row.used));
  if (!row.target) return;
  json.field("module", module_text(row))
      .field("target", row.target->name())
      .field("mode", row.mode.name())
      .field("whole", row.whole);
}

std::string row_text(const vm::CacheRow& row, std::string_view state) {
  const std::string what = row.target ? fmt::format("{}  {:9}  {}", module_text(row),
                                                    row.target->name(), row.whole ? "all" : "hot")
                                      : fmt::format("{:16}  {:9}  {:3}", "?", "?", "?");
  return fmt::format("{}  {:>10}  {}  {}\n", what, format_size(row.size), time_text(row.used),
                     state);
}
constexpr std::string_view kHeading =
    "MODULE            TARGET     OF         SIZE  USED                  ";

Result<int> list(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(const Opened opened, open(arguments));
  const std::vector<vm::CacheRow> rows = rows_of(opened);
  uint64_t total = 0;
  for (const vm::CacheRow& row : rows) total += row.size;
  if (arguments.has("--json")) {
    Json json;
    json.begin_object().field("folder", opened.folder).field("bytes", total);
    json.key("entries").begin_array();
    for (const vm::CacheRow& row : rows) {
      json.begin_object();
      write_row(json, row);
      json.end();
    }
    json.end().end();
    SEDGE_TRY(print(json.take()));
    return 0;
  }
  std::string out = rows.empty() ? std::string() : fmt::format("{}MODE\n", kHeading);
  for (const vm::CacheRow& row : rows)
    out += row_text(row, row.target ? row.mode.name() : "damaged");
  out += fmt::format("{} in {} entr{} of {}\n", format_size(total), rows.size(),
                     rows.size() == 1 ? "y" : "ies", opened.folder);
  SEDGE_TRY(print(out));
  return 0;
}

Result<int> verify(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(const Opened opened, open(arguments));
  const std::vector<vm::CacheRow> rows = rows_of(opened);
  Json json;
  json.begin_object().field("folder", opened.folder).key("entries").begin_array();
  std::string out = rows.empty() ? std::string() : fmt::format("{}STATE\n", kHeading);
  size_t damaged = 0;
  for (const vm::CacheRow& row : rows) {
    const std::string problem = opened.cache.check(row);
    damaged += problem.empty() ? 0 : 1;
    out += row_text(row, problem.empty() ? "sound" : problem);
    json.begin_object();
    write_row(json, row);
    json.field("sound", problem.empty());
    if (!problem.empty()) json.field("problem", problem);
    json.end();
  }
  json.end().field("damaged", damaged).end();
  out += fmt::format("{} of {} sound\n", rows.size() - damaged, rows.size());
  SEDGE_TRY(print(arguments.has("--json") ? json.take() : out));
  return damaged == 0 ? 0 : 1;
}

Result<int> clear(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(const Opened opened, open(arguments));
  const uint64_t bytes = opened.cache ? opened.cache.clear() : 0;
  if (arguments.has("--json")) {
    Json json;
    json.begin_object().field("folder", opened.folder).field("removed_bytes", bytes).end();
    SEDGE_TRY(print(json.take()));
    return 0;
  }
  SEDGE_TRY(print(fmt::format("removed {} from {}\n", format_size(bytes), opened.folder)));
  return 0;
}

}  // namespace

const Verb kCacheListVerb = {
    "cache list",
    "list the cache of optimised code",
    "Shows for each module that has optimised code by the hash of its code: the processor it is "
    "for, whether it is all of it or what was hot, and when it was used last.",
    kOptions,
    {},
    "sedge cache list\n"
    "sedge cache list --json --cache-dir /var/cache/sedge",
    list};

const Verb kCacheVerifyVerb = {
    "cache verify",
    "check the cache of optimised code",
    "Checks every entry as `sedge run` does before it uses one. Nothing is changed; the exit "
    "status is 1 if one is damaged.",
    kOptions,
    {},
    "sedge cache verify",
    verify};

const Verb kCacheClearVerb = {
    "cache clear",
    "empty the cache of optimised code",
    "Removes all entries and the key. What runs goes on; what starts is compiled again.",
    kOptions,
    {},
    "sedge cache clear",
    clear};

}  // namespace sedge::cli
