// Parsing and matching rows of the table of deviations; see deviations.h.
#include "wast/deviations.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sedge::wast {
namespace {

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

Result<Deviations> Deviations::parse(std::string_view text) {
  Deviations out;
  uint32_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    size_t end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;

    std::array<std::string_view, 4> columns;
    size_t count = 0;
    std::string_view rest = line;
    for (; count < columns.size(); ++count) {
      size_t bar = count + 1 < columns.size() ? rest.find('|') : std::string_view::npos;
      columns[count] = trim(rest.substr(0, bar));
      if (bar == std::string_view::npos) break;
      rest = rest.substr(bar + 1);
    }
    bool complete = count == 3 && std::ranges::none_of(columns, &std::string_view::empty);
    if (!complete)
      return fail(ErrorCode::config_syntax,
                  ": a row is `file[:line] | the script's words | our words | reason`",
                  Location::at(line_number, 1));
    if (columns[0].ends_with('/')) {
      FolderRow row{std::string(columns[0]), std::nullopt, std::string(columns[3])};
      if (columns[1] == "features") {
        auto features = Features::parse(columns[2]);
        if (!features)
          return fail(
              std::move(features).error().with_context(fmt::format("line {}", line_number)));
        row.features = *features;
      } else if (columns[1] != "unsupported") {
        return fail(ErrorCode::config_syntax, ": a folder's row says `features` or `unsupported`",
                    Location::at(line_number, 1));
      }
      out.folders_.push_back(std::move(row));
      continue;
    }
    Row row;
    row.table_line = line_number;
    row.words = columns[1];
    row.ours = columns[2];
    row.reason = columns[3];
    std::string_view place = columns[0];
    size_t colon = place.rfind(':');
    if (colon != std::string_view::npos) {
      std::string_view digits = place.substr(colon + 1);
      auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), row.line);
      if (error != std::errc() || stop != digits.data() + digits.size() || row.line == 0)
        return fail(ErrorCode::config_syntax, fmt::format(": `{}` is no line number", digits),
                    Location::at(line_number, 1));
    }
    row.file = place.substr(0, colon);
    out.rows_.push_back(std::move(row));
  }
  return out;
}

bool Deviations::allows(std::string_view file, uint32_t line, std::string_view words,
                        std::string_view message) {
  for (Row& row : rows_) {
    if (row.file != file || (row.line != 0 && row.line != line)) continue;
    if (row.words != words || !message.starts_with(row.ours)) continue;
    row.used = true;
    return true;
  }
  return false;
}

std::optional<Features> Deviations::features(std::string_view file) const {
  for (const FolderRow& row : folders_)
    if (row.features && file.starts_with(row.folder)) return row.features;
  return std::nullopt;
}

std::optional<std::string> Deviations::unsupported(std::string_view file) const {
  for (const FolderRow& row : folders_)
    if (!row.features && file.starts_with(row.folder)) return row.reason;
  return std::nullopt;
}

std::vector<std::string> Deviations::unused(std::string_view file) const {
  std::vector<std::string> out;
  for (const Row& row : rows_) {
    if (row.file != file || row.used) continue;
    out.push_back(fmt::format("deviation row {} ({} | {} | {}) is not needed", row.table_line,
                              row.line ? fmt::format("{}:{}", row.file, row.line) : row.file,
                              row.words, row.ours));
  }
  return out;
}

std::vector<std::string> Deviations::files() const {
  std::vector<std::string> out;
  for (const Row& row : rows_)
    if (std::ranges::find(out, row.file) == out.end()) out.push_back(row.file);
  return out;
}

}  // namespace sedge::wast
