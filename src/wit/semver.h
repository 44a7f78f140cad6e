// Versions of packages (Semantic Versioning 2.0.0) and when one stands in for another
// (component model, Explainer.md, "canonical interface name").
#ifndef SEDGE_WIT_SEMVER_H_
#define SEDGE_WIT_SEMVER_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sedge::wit {

struct Version {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  std::string pre;    ///< "rc.1", without the hyphen
  std::string build;  ///< without the plus

  bool operator==(const Version&) const = default;
  /// Precedence; versions that differ in their build only are ordered by its text.
  std::strong_ordering operator<=>(const Version& other) const;
  std::string to_string() const;
  /// What versions share that may stand in for each other: "1" of 1.2.3, "0.2" of 0.2.3, "0.0.3",
  /// all of a pre-release.
  std::string compatible_track() const;
};

/// Nothing if `text` is no version.
std::optional<Version> parse_version(std::string_view text);
/// The length of the longest version that `text` begins with, in bytes; 0 if there is none. A dot
/// that no identifier follows is not part of it.
size_t version_prefix(std::string_view text);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_SEMVER_H_
