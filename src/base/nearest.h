// The nearest of some known words to a mistyped one, for "did you mean" in error messages.
#ifndef SEDGE_BASE_NEAREST_H_
#define SEDGE_BASE_NEAREST_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sedge {

/// Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; `limit` + 1 if there are
/// more.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);
/// The candidate with the fewest edits from `word`, at most a third of its length and one more; the
/// first of several; empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
/// "; did you mean `x`?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sedge

#endif  // SEDGE_BASE_NEAREST_H_
