#include "cli/bench_report.h"

#include <fmt/format.h>

#include "cli/table.h"

namespace sedge::cli {
namespace {

constexpr const char* kNone = "-";

std::string min_median(const std::optional<Measured>& measured) {
  if (!measured) return kNone;
  return fmt::format("{} / {}", milliseconds(measured->min_ns), milliseconds(measured->median_ns));
}

std::string memory(const std::optional<Measured>& measured) {
  if (!measured) return kNone;
  return fmt::format("{}{:.1f}", measured->peak_is_bound ? "<=" : "",
                     static_cast<double>(measured->peak_kib) / 1024);
}

std::string table_text(const Table& table, bool markdown) {
  return markdown ? table.markdown() : table.text();
}

double as_ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

void field(Json& json, std::string_view key, const std::optional<Measured>& measured) {
  json.key(key);
  if (!measured) {
    json.null();
    return;
  }
  json.begin_object()
      .field("min_ns", measured->min_ns)
      .field("median_ns", measured->median_ns)
      .field("cpu_ns", measured->cpu_ns)
      .field("peak_kib", measured->peak_kib)
      .field("peak_is_bound", measured->peak_is_bound)
      .end();
}

void field(Json& json, std::string_view key, const std::optional<uint64_t>& number) {
  json.key(key);
  if (number)
    json.value(*number);
  else
    json.null();
}

void engine_fields(Json& json, const EngineResult& engine) {
  json.field("name", engine.name).field("version", engine.version);
  field(json, "cold", engine.cold);
  field(json, "cached", engine.cached);
  field(json, "start", engine.best_start());
  field(json, "run_ns", engine.run_ns());
  field(json, "compile_ns", engine.compile_ns);
  field(json, "compiled_bytes", engine.compiled_bytes);
}

}  // namespace

std::optional<uint64_t> EngineResult::run_ns() const {
  auto less = [](const Measured& all, const Measured& start) {
    return all.median_ns > start.median_ns ? all.median_ns - start.median_ns : 0;
  };
  if (cached && cached_empty) return less(*cached, *cached_empty);
  if (cold && cold_empty) return less(*cold, *cold_empty);
  return std::nullopt;
}

std::string milliseconds(uint64_t ns) {
  double ms = as_ms(ns);
  return fmt::format("{:.{}f}", ms, ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

std::string file_report(const FileResult& result, bool markdown) {
  std::string out =
      fmt::format("{}{}: {} bytes", markdown ? "## " : "", result.path, grouped(result.bytes));
  for (const CompressedSize& item : result.compressed)
    out += fmt::format(", {} {}", item.coding, grouped(item.size));
  out += markdown ? "\n\n" : "\n";
  Table table({"ms, min / median", "cold", "compiled before", "run", "compile", "peak MB"});
  for (const EngineResult& engine : result.engines) {
    auto run = engine.run_ns();
    table.add({engine.name, min_median(engine.cold), min_median(engine.cached),
               run ? milliseconds(*run) : kNone,
               engine.compile_ns ? milliseconds(*engine.compile_ns) : kNone,
               memory(engine.cached ? engine.cached : engine.cold)});
  }
  return out + table_text(table, markdown);
}

void write_json(Json& json, const FileResult& result) {
  json.begin_object().field("file", result.path).field("bytes", result.bytes);
  for (const CompressedSize& item : result.compressed)
    json.field(fmt::format("{}_bytes", item.coding), item.size);
  json.key("engines").begin_array();
  for (const EngineResult& engine : result.engines) {
    json.begin_object();
    engine_fields(json, engine);
    json.end();
  }
  json.end().end();
}

Chart file_chart(const FileResult& result) {
  Chart chart{result.path, "ms", {}};
  for (const EngineResult& engine : result.engines) {
    ChartGroup group{engine.name, {}};
    if (engine.cold) group.bars.push_back({"cold", as_ms(engine.cold->median_ns)});
    if (engine.cached) group.bars.push_back({"compiled before", as_ms(engine.cached->median_ns)});
    if (auto run = engine.run_ns()) group.bars.push_back({"run", as_ms(*run)});
    if (!group.bars.empty()) chart.groups.push_back(std::move(group));
  }
  return chart;
}

std::string comparison_table(const Comparison& comparison, bool markdown) {
  std::vector<std::string> head{"Dimension"};
  for (const EngineResult& engine : comparison.engines) head.push_back(engine.name);
  Table table(std::move(head));
  auto row = [&](std::string question, auto&& answer) {
    std::vector<std::string> cells{std::move(question)};
    for (size_t i = 0; i < comparison.engines.size(); ++i)
      cells.push_back(answer(comparison.engines[i], comparison.hello[i]));
    table.add(std::move(cells));
  };
  row("Cold start, ms", [](const EngineResult&, const auto& hello) {
    return hello ? milliseconds(hello->median_ns) : kNone;
  });
  row("Run time of the kernel, ms", [](const EngineResult& engine, const auto&) {
    auto run = engine.run_ns();
    return run ? milliseconds(*run) : kNone;
  });
  row("Module size, bytes", [&](const EngineResult& engine, const auto& hello) {
    if (engine.compiled_bytes) return grouped(*engine.compiled_bytes);
    return hello ? grouped(comparison.hello_bytes) : kNone;
  });
  row("Memory, MB", [](const EngineResult&, const auto& hello) { return memory(hello); });
  for (const Comparison::Answer& probe : comparison.probes) {
    std::vector<std::string> cells{probe.question};
    cells.insert(cells.end(), probe.answers.begin(), probe.answers.end());
    table.add(std::move(cells));
  }
  return table_text(table, markdown);
}

void write_json(Json& json, const Comparison& comparison) {
  json.begin_object().field("module_bytes", comparison.hello_bytes).key("engines").begin_array();
  for (size_t i = 0; i < comparison.engines.size(); ++i) {
    json.begin_object();
    engine_fields(json, comparison.engines[i]);
    field(json, "cold_start", comparison.hello[i]);
    for (const Comparison::Answer& probe : comparison.probes)
      json.field(probe.question, probe.answers[i]);
    json.end();
  }
  json.end().end();
}

std::vector<Chart> comparison_charts(const Comparison& comparison) {
  Chart start{"Cold start", "ms", {}}, run{"Run time of the kernel", "ms", {}},
      size{"Memory", "MB", {}};
  for (size_t i = 0; i < comparison.engines.size(); ++i) {
    const EngineResult& engine = comparison.engines[i];
    if (const auto& hello = comparison.hello[i]) {
      start.groups.push_back({engine.name, {{"", as_ms(hello->median_ns)}}});
      size.groups.push_back(
          {engine.name,
           {{hello->peak_is_bound ? "at most" : "", static_cast<double>(hello->peak_kib) / 1024}}});
    }
    if (auto ns = engine.run_ns()) run.groups.push_back({engine.name, {{"", as_ms(*ns)}}});
  }
  return {start, run, size};
}

}  // namespace sedge::cli
