// Short ways to write the rows of a personality's tables.
#ifndef SEDGE_CLI_PERSONALITIES_ROWS_H_
#define SEDGE_CLI_PERSONALITIES_ROWS_H_

#include "cli/personalities/personality.h"

namespace sedge::cli::rows {

/// Takes a value and is the option `to` of sedge.
constexpr Flag option(Text name, char letter, Text to, Convert convert = Convert::same) {
  return {name, letter, Takes::value, Does::option, to, convert};
}
/// Takes nothing and is `to`.
constexpr Flag words(Text name, char letter, Text to) {
  return {name, letter, Takes::nothing, Does::words, to};
}
/// Takes nothing; so it is anyway.
constexpr Flag satisfied(Text name, char letter = 0) {
  return {name, letter, Takes::nothing, Does::satisfied, ""};
}
/// Takes nothing, means nothing.
constexpr Flag note(Text name, char letter, Text why) {
  return {name, letter, Takes::nothing, Does::note, why};
}
/// Takes a value, means nothing.
constexpr Flag note_value(Text name, char letter, Text why) {
  return {name, letter, Takes::value, Does::note, why};
}
/// Switches `feature` ("+simd" or "-simd").
constexpr Flag feature(Text name, Text edit) {
  return {name, 0, Takes::nothing, Does::feature, edit};
}
/// A group of keys: `-W a,b=c`.
constexpr Flag group(Text name, char letter, std::span<const Flag> keys) {
  return {name, letter, Takes::value, Does::group, "", Convert::same, "", keys};
}

/// In a group: a feature that `=n` takes away.
constexpr Flag key_feature(Text name, Text feature) {
  return {name, 0, Takes::maybe, Does::feature, feature};
}
/// In a group: `key` or `key=y`; `key=n` is nothing.
constexpr Flag key_words(Text name, Text to) { return {name, 0, Takes::maybe, Does::words, to}; }
/// In a group: the same key of sedge's `-S`, with its value.
constexpr Flag key_grant(Text name, Takes takes = Takes::maybe) {
  return {name, 0, takes, Does::grant, "--grant"};
}
constexpr Flag key_satisfied(Text name) { return {name, 0, Takes::maybe, Does::satisfied, ""}; }
constexpr Flag key_note(Text name, Text why) { return {name, 0, Takes::maybe, Does::note, why}; }

inline constexpr Text kByItself = "sedge decides this by itself";
inline constexpr Text kNoLogging = "sedge writes what went wrong to stderr, and no log";

}  // namespace sedge::cli::rows

#endif  // SEDGE_CLI_PERSONALITIES_ROWS_H_
