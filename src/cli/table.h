// Rows and columns for people: as aligned text, or as Markdown.
#ifndef SEDGE_CLI_TABLE_H_
#define SEDGE_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace sedge::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  /// A row of as many cells as the head has.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// The first column to the left, the others to the right.
  std::string text() const;
  std::string markdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "1,234,567".
std::string grouped(uint64_t number);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_TABLE_H_
