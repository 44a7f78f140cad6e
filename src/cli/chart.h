// A bar chart as SVG: no script, no fonts of its own, readable on light and dark ground.
#ifndef SEDGE_CLI_CHART_H_
#define SEDGE_CLI_CHART_H_

#include <string>
#include <vector>

namespace sedge::cli {

struct ChartBar {
  std::string label;  ///< of the series, such as "cold"
  double value = 0;   ///< in the chart's unit, at least 0
};
struct ChartGroup {
  std::string label;
  std::vector<ChartBar> bars;
};
struct Chart {
  std::string title;
  std::string unit;  ///< behind each number, such as "ms"
  std::vector<ChartGroup> groups;
};

/// One SVG document with the charts below each other. Lengths grow with the value's logarithm where
/// values of a chart differ by more than a hundredfold (the title says so).
std::string svg(const std::vector<Chart>& charts);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_CHART_H_
