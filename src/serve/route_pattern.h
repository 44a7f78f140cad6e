// Path patterns of routes and paths of requests, brought to one normal form and matched segment by
// segment. RFC 3986 section 6.2.2: dot segments are resolved and escapes normalised before anything
// is compared, so that no spelling of a path slips past a more specific route.
#ifndef SEDGE_SERVE_ROUTE_PATTERN_H_
#define SEDGE_SERVE_ROUTE_PATTERN_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>

namespace sedge::serve {

using PathParams = std::vector<std::pair<std::string, std::string>>;

/// The normal form of a request's path, or nothing if its escapes are malformed.
std::optional<std::string> normalize_path(std::string_view path);
/// Percent-decodes; `plus_is_space` for queries. Malformed escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus_is_space);

/// A pattern: `/exact`, `/users/:id` or `/users/{id}` (one segment), `/a/*/b` (one segment),
/// `/img/*.png` (part of a segment), `/api/*` (everything from /api on, /api itself included).
class RoutePattern {
 public:
  /// Error: bad_argument.
  static Result<RoutePattern> parse(std::string_view text);

  /// Whether the normalised `path` matches; appends the named parts, decoded.
  bool match(std::string_view path, PathParams& params) const;
  /// The path if the pattern has no wildcard: then only this path matches.
  const std::optional<std::string>& literal() const { return literal_; }
  /// Less is more specific: decided at the first segment that differs in kind or, within partial
  /// wildcards, in length. Equal patterns match the same paths.
  std::weak_ordering operator<=>(const RoutePattern& other) const;
  bool operator==(const RoutePattern& other) const { return (*this <=> other) == 0; }

 private:
  enum class Kind : uint8_t { literal, partial, one, rest };
  struct Segment {
    Kind kind;
    std::string text;    // literal, or what stands before the `*`
    std::string suffix;  // partial: after the `*`
    std::string name;    // one: of the parameter; may be empty
  };
  std::vector<Segment> segments_;
  std::optional<std::string> literal_;
};

/// Whether two valid patterns match the same paths (the names of parameters aside).
bool same_pattern(std::string_view a, std::string_view b);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_ROUTE_PATTERN_H_
