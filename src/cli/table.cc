// Widths are counted in bytes: cells are ASCII.
#include "cli/table.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sedge::cli {

std::string Table::text() const {
  std::vector<size_t> widths(rows_[0].size());
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string Table::markdown() const {
  std::string out;
  for (size_t i = 0; i < rows_.size(); ++i) {
    out += fmt::format("| {} |\n", fmt::join(rows_[i], " | "));
    if (i != 0) continue;
    out += "| --- |";
    for (size_t column = 1; column < rows_[0].size(); ++column) out += " ---: |";
    out += "\n";
  }
  return out;
}

std::string grouped(uint64_t number) {
  std::string out = std::to_string(number);
  for (size_t at = out.size(); at > 3;) out.insert(at -= 3, ",");
  return out;
}

}  // namespace sedge::cli
