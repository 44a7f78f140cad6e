// Optimal string alignment distance by dynamic programming over three rows. Words longer than
// kMaxLength are never compared: names in modules come from outside.
#include "base/nearest.h"

#include <algorithm>
#include <vector>

namespace sedge {
namespace {

constexpr size_t kMaxLength = 256;

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > kMaxLength || b.size() > kMaxLength) return a == b ? 0 : limit + 1;
  size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    size_t best = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
      best = std::min(best, row[j]);
    }
    if (best > limit) return limit + 1;
    std::swap(before, last);
    std::swap(last, row);
  }
  return std::min(last[b.size()], limit + 1);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  size_t limit = word.size() / 3 + 1;
  std::string_view found;
  for (std::string_view candidate : candidates) {
    size_t distance = edit_distance(word, candidate, limit);
    if (distance > limit || distance >= std::max(word.size(), candidate.size())) continue;
    found = candidate;
    if (distance == 0) break;
    limit = distance - 1;
  }
  return found;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view found = nearest(word, candidates);
  return found.empty() ? std::string() : "; did you mean `" + std::string(found) + "`?";
}

}  // namespace sedge
