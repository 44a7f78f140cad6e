#include "cli/bench_run.h"

#include <algorithm>

#include "cli/child.h"

namespace sedge::cli {
namespace {

struct Samples {
  std::vector<uint64_t> wall, cpu;
  uint64_t peak_kib = 0;
  bool failed = false;
};

uint64_t median(std::vector<uint64_t>& values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

void run_once(const BenchCase& item, const BenchPlan& plan, bool counts, Samples& samples) {
  ChildOptions options;
  options.input = item.input;
  options.timeout = plan.timeout;
  auto outcome = run_child(item.argv, options);
  if (!outcome || outcome->status != 0) {
    samples.failed = true;
    return;
  }
  if (!counts) return;
  samples.wall.push_back(outcome->wall_ns);
  samples.cpu.push_back(outcome->cpu_ns);
  samples.peak_kib = std::max(samples.peak_kib, outcome->peak_kib);
}

}  // namespace

std::vector<std::optional<Measured>> measure(const std::vector<BenchCase>& cases,
                                             const BenchPlan& plan) {
  std::vector<Samples> samples(cases.size());
  for (uint32_t round = 0; round < plan.warm_up + plan.runs; ++round)
    for (size_t i = 0; i < cases.size(); ++i)
      if (!samples[i].failed) run_once(cases[i], plan, round >= plan.warm_up, samples[i]);
  std::vector<std::optional<Measured>> out;
  for (Samples& item : samples) {
    if (item.failed || item.wall.empty()) {
      out.emplace_back();
      continue;
    }
    Measured measured;
    measured.min_ns = *std::ranges::min_element(item.wall);
    measured.median_ns = median(item.wall);
    measured.cpu_ns = median(item.cpu);
    measured.peak_kib = item.peak_kib;
    measured.peak_is_bound = item.peak_kib <= own_peak_kib();
    out.emplace_back(measured);
  }
  return out;
}

}  // namespace sedge::cli
