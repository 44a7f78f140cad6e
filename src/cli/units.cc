// Number, then unit; every overflow is refused.
#include "cli/units.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace sedge::cli {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr uint64_t kKi = 1024, kMi = kKi * 1024, kGi = kMi * 1024;
constexpr Unit kSizes[] = {{"", 1},      {"B", 1},         {"K", kKi},          {"KiB", kKi},
                           {"M", kMi},   {"MiB", kMi},     {"G", kGi},          {"GiB", kGi},
                           {"KB", 1000}, {"MB", 1000'000}, {"GB", 1000'000'000}};
constexpr Unit kTimes[] = {{"ns", 1},
                           {"us", 1000},
                           {"ms", 1000'000},
                           {"s", 1000'000'000},
                           {"m", 60ull * 1000'000'000},
                           {"h", 3600ull * 1000'000'000}};

std::unexpected<Error> bad(std::string_view option, std::string_view text, std::string_view want) {
  return fail(ErrorCode::bad_argument, fmt::format(": `{} {}`: {}", option, text, want));
}

/// The product of the number before the unit and the unit's factor, if it fits 63 bits.
template <size_t kCount>
bool scaled(std::string_view text, const Unit (&units)[kCount], uint64_t& out) {
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || number < 0 || !std::isfinite(number)) return false;
  std::string_view name = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    double product = number * static_cast<double>(unit.factor);
    if (product >= 9.2e18) return false;
    out = static_cast<uint64_t>(product);
    return true;
  }
  return false;
}

}  // namespace

Result<uint64_t> parse_size(std::string_view option, std::string_view text) {
  uint64_t size = 0;
  if (!scaled(text, kSizes, size)) return bad(option, text, "write a size such as 64MiB or 1GiB");
  return size;
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view option, std::string_view text) {
  uint64_t time = 0;
  if (!scaled(text, kTimes, time)) return bad(option, text, "write a time such as 500ms or 5s");
  return std::chrono::nanoseconds(static_cast<int64_t>(time));
}

Result<uint64_t> parse_count(std::string_view option, std::string_view text) {
  uint64_t count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size())
    return bad(option, text, "write a whole number");
  return count;
}

std::string format_size(uint64_t bytes) {
  if (bytes < kKi) return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
  const Unit& unit = bytes < kMi ? kSizes[3] : bytes < kGi ? kSizes[5] : kSizes[7];
  if (bytes % unit.factor == 0) return fmt::format("{} {}", bytes / unit.factor, unit.name);
  return fmt::format("{:.1f} {}", static_cast<double>(bytes) / static_cast<double>(unit.factor),
                     unit.name);
}

}  // namespace sedge::cli
