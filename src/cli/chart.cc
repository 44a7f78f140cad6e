#include "cli/chart.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log2.h"

namespace sedge::cli {
namespace {

constexpr int kWidth = 760, kLabelWidth = 140, kNumberWidth = 110, kBar = 14, kGap = 8, kTitle = 34;
constexpr const char* kColours[] = {"#4477aa", "#ee6677", "#228833", "#ccbb44"};

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

/// Lengths of bars as parts of the whole width.
class Scale {
 public:
  explicit Scale(const Chart& chart) {
    for (const ChartGroup& group : chart.groups)
      for (const ChartBar& bar : group.bars) {
        most_ = std::max(most_, bar.value);
        if (bar.value > 0) least_ = std::min(least_, bar.value);
      }
    is_log_ = most_ > 0 && least_ * 100 < most_;
  }
  bool is_log() const { return is_log_; }
  double length(double value) const {
    if (most_ <= 0 || value <= 0) return 0;
    if (!is_log_) return value / most_;
    return log2(value / least_ * 2) / log2(most_ / least_ * 2);
  }

 private:
  double most_ = 0, least_ = 1e300;
  bool is_log_ = false;
};

/// "2.41 ms", "2406 ms cold": three digits, or all before the point.
std::string caption(const ChartBar& bar, std::string_view unit) {
  std::string out = bar.value < 100 ? fmt::format("{:.3g} {}", bar.value, unit)
                                    : fmt::format("{:.0f} {}", bar.value, unit);
  if (!bar.label.empty()) out += " " + escaped(bar.label);
  return out;
}

int draw(const Chart& chart, int top, std::string& out) {
  Scale scale(chart);
  out += fmt::format("<text x=\"0\" y=\"{}\" font-weight=\"bold\">{}{}</text>\n", top + 18,
                     escaped(chart.title), scale.is_log() ? " (logarithmic)" : "");
  int y = top + kTitle;
  for (const ChartGroup& group : chart.groups) {
    out += fmt::format("<text x=\"0\" y=\"{}\">{}</text>\n", y + kBar - 2, escaped(group.label));
    for (size_t i = 0; i < group.bars.size(); ++i) {
      const ChartBar& bar = group.bars[i];
      int length =
          static_cast<int>(scale.length(bar.value) * (kWidth - kLabelWidth - kNumberWidth));
      out += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n"
          "<text x=\"{}\" y=\"{}\" font-size=\"11\">{}</text>\n",
          kLabelWidth, y, std::max(length, 1), kBar - 2, kColours[i % std::size(kColours)],
          kLabelWidth + length + 6, y + kBar - 3, caption(bar, chart.unit));
      y += kBar;
    }
    y += kGap;
  }
  return y + kGap;
}

}  // namespace

std::string svg(const std::vector<Chart>& charts) {
  std::string body;
  int height = 0;
  for (const Chart& chart : charts) height = draw(chart, height, body);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"13\">\n"
      "<style>text{{fill:#222}}@media(prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n"
      "{2}</svg>\n",
      kWidth, height, body);
}

}  // namespace sedge::cli
