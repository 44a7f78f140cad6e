// Each field becomes a set of bits; the next time is found day by day, then within the day.
#include "serve/schedule.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace sedge::serve {
namespace {

struct Field {
  std::string_view name;
  uint32_t least, most;
  std::string_view words;  // three letters each, for `least` and on
};
constexpr Field kFields[] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};
constexpr std::pair<std::string_view, std::string_view> kShort[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};
constexpr int64_t kDay = 86400;
constexpr int kDaysAhead = 8 * 366;

Error bad(std::string message, std::string remedy) {
  return Error(ErrorCode::config_syntax, ": " + std::move(message)).with_remedy(std::move(remedy));
}

std::optional<uint32_t> number(const Field& field, std::string_view text) {
  uint32_t value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc() && end == text.data() + text.size())
    return value >= field.least && value <= field.most ? std::optional(value) : std::nullopt;
  if (text.size() != 3) return std::nullopt;
  std::string word(text);
  std::ranges::transform(word, word.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
  for (size_t i = 0; i + 3 <= field.words.size(); i += 3)
    if (field.words.substr(i, 3) == word) return field.least + static_cast<uint32_t>(i / 3);
  return std::nullopt;
}

Result<uint64_t> bits_of(const Field& field, std::string_view text) {
  auto refuse = [&] {
    return fail(bad(fmt::format("`{}` is no {} of a schedule", text, field.name),
                    fmt::format("write *, numbers from {} to {}, ranges a-b, steps */n, or a list "
                                "of these with commas",
                                field.least, field.most)));
  };
  uint64_t bits = 0;
  for (std::string_view left = text;;) {
    size_t comma = left.find(',');
    std::string_view item = left.substr(0, comma);
    uint32_t step = 1;
    size_t slash = item.find('/');
    if (slash != std::string_view::npos) {
      std::string_view digits = item.substr(slash + 1);
      auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
      if (failure != std::errc() || end != digits.data() + digits.size() || step == 0 || step > 59)
        return refuse();
      item = item.substr(0, slash);
    }
    uint32_t from = field.least, to = field.most;
    if (item != "*") {
      size_t dash = item.find('-');
      auto first = number(field, item.substr(0, dash));
      if (!first) return refuse();
      from = to = *first;
      if (dash != std::string_view::npos) {
        auto last = number(field, item.substr(dash + 1));
        if (!last || *last < from) return refuse();
        to = *last;
      } else if (slash != std::string_view::npos) {
        to = field.most;
      }
    }
    for (uint32_t value = from; value <= to; value += step) bits |= uint64_t{1} << value;
    if (comma == std::string_view::npos) return bits;
    left.remove_prefix(comma + 1);
  }
}

Result<int64_t> parse_every(std::string_view text) {
  int64_t count = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  int64_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? kDay : 0;
  if (failure != std::errc() || factor == 0 || count < 1 || count > 1'000'000)
    return fail(
        bad(fmt::format("`@every {}`", text), "write for example @every 30s, 5m, 2h or 1d"));
  return count * factor;
}

}  // namespace

Result<Schedule> Schedule::parse(std::string_view text) {
  Schedule out;
  constexpr std::string_view kEvery = "@every ";
  if (text.starts_with(kEvery)) {
    SEDGE_TRY_ASSIGN(out.every_, parse_every(text.substr(kEvery.size())));
    return out;
  }
  const auto* known =
      std::ranges::find(kShort, text, &std::pair<std::string_view, std::string_view>::first);
  std::string_view left = known != std::end(kShort) ? known->second : text;
  std::array<std::string_view, 5> parts;
  size_t count = 0;
  while (!left.empty()) {
    size_t begin = left.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    size_t end = std::min(left.find_first_of(" \t", begin), left.size());
    if (count < parts.size()) parts[count] = left.substr(begin, end - begin);
    ++count;
    left.remove_prefix(end);
  }
  if (count != parts.size())
    return fail(bad(fmt::format("`{}` is no schedule", text),
                    "write five fields, minute hour day month weekday, such as \"*/5 * * * *\"; or "
                    "@hourly, @daily, @weekly, @monthly, @yearly, @every 30s"));
  std::array<uint64_t, 5> bits{};
  for (size_t i = 0; i < parts.size(); ++i) {
    SEDGE_TRY_ASSIGN(bits[i], bits_of(kFields[i], parts[i]));
  }
  if (bits[4] >> 7 & 1) bits[4] |= 1;  // Sunday is 0 and 7
  out.minutes_ = bits[0];
  out.hours_ = static_cast<uint32_t>(bits[1]);
  out.days_ = static_cast<uint32_t>(bits[2]);
  out.months_ = static_cast<uint32_t>(bits[3]);
  out.weekdays_ = static_cast<uint32_t>(bits[4]);
  out.any_day_ = parts[2].starts_with('*');
  out.any_weekday_ = parts[4].starts_with('*');
  return out;
}

std::optional<int64_t> Schedule::next(int64_t unix_seconds) const {
  if (every_ > 0) return unix_seconds + every_;
  using namespace std::chrono;
  int64_t from = unix_seconds - ((unix_seconds % 60) + 60) % 60 + 60;  // the next whole minute
  sys_days day = floor<days>(sys_seconds{seconds{from}});
  int64_t minute = (from - sys_seconds{day}.time_since_epoch().count()) / 60;
  for (int i = 0; i < kDaysAhead; ++i, day += days{1}, minute = 0) {
    year_month_day date{day};
    bool day_fits = days_ >> static_cast<unsigned>(date.day()) & 1;
    bool weekday_fits = weekdays_ >> weekday{day}.c_encoding() & 1;
    bool fits = any_day_ || any_weekday_ ? day_fits && weekday_fits : day_fits || weekday_fits;
    if (!fits || !(months_ >> static_cast<unsigned>(date.month()) & 1)) continue;
    for (; minute < 24 * 60; ++minute)
      if ((hours_ >> (minute / 60) & 1) && (minutes_ >> (minute % 60) & 1))
        return sys_seconds{day}.time_since_epoch().count() + minute * 60;
  }
  return std::nullopt;
}

}  // namespace sedge::serve
