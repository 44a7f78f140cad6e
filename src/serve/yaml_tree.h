// YAML as a bounded tree with positions, built from libyaml's events. Anchors and aliases are
// refused (nothing in a router needs them, and they are how a small file becomes a large one), as
// are duplicate keys, deep nesting and oversized files.
#ifndef SEDGE_SERVE_YAML_TREE_H_
#define SEDGE_SERVE_YAML_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/error.h>

namespace sedge::serve {

inline constexpr size_t kMaxYamlBytes = 1 << 20;  // what a ConfigMap can hold
inline constexpr size_t kMaxYamlNodes = 100'000;  // of one file, all documents together
inline constexpr size_t kMaxYamlMembers = 4096;   // of one map
inline constexpr size_t kMaxYamlDepth = 32;

/// A place in the file that the user edits; both from 1.
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;
};

struct YamlMember;

struct YamlNode {
  enum class Kind : uint8_t { null, scalar, sequence, map };
  Kind kind = Kind::null;
  bool quoted = false;   ///< A quoted or block scalar: never a number or a boolean.
  bool literal = false;  ///< A `|` block: its lines are lines of the file.
  Position at;
  std::string scalar;
  std::vector<YamlNode> items;      ///< sequence
  std::vector<YamlMember> members;  ///< map, in the order of the file

  /// The member called `key`, or null.
  const YamlNode* find(std::string_view key) const;
  /// "a map", "a list", "`text`" or "nothing", for messages.
  std::string describe() const;
};

struct YamlMember {
  std::string key;
  Position at;  ///< of the key
  YamlNode value;
};

/// Where a text that is nested in a file stands in it.
struct YamlOrigin {
  uint32_t lines = 0;    ///< lines of the file before the text
  uint32_t columns = 0;  ///< its indentation
  bool exact = true;     ///< else every position is that of the text's beginning
};

/// Parses every document of `text`. Errors: config_syntax, with `file:line:column` as context.
Result<std::vector<YamlNode>> parse_yaml(std::string_view text, std::string_view file,
                                         YamlOrigin origin = {});

/// An error about `at` in `file`.
Error config_error(std::string_view file, Position at, std::string message,
                   std::string remedy = {});

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_YAML_TREE_H_
