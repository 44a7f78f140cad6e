// Feature sets: presets from the rows of feature.def and the `--features` syntax.
#include <sedge/feature.h>

#include <array>
#include <string>

#include "base/nearest.h"

namespace sedge {
namespace {

enum class Preset : uint8_t { wasm1, wasm2, wasm3, extra, off };

struct Row {
  Feature feature;
  std::string_view name;
  Preset preset;
};

constexpr Row kRows[] = {
#define SEDGE_FEATURE(name, text, preset, description) {Feature::name, text, Preset::preset},
#include <sedge/feature.def>
#undef SEDGE_FEATURE
};

Features up_to(Preset preset) {
  Features features;
  for (const Row& row : kRows)
    if (row.preset <= preset) features.set(row.feature);
  return features;
}

struct NamedPreset {
  std::string_view name;
  Preset preset;
};
constexpr NamedPreset kPresets[] = {{"wasm1", Preset::wasm1},
                                    {"wasm2", Preset::wasm2},
                                    {"wasm3", Preset::wasm3},
                                    {"all", Preset::extra}};

std::string suggestion(std::string_view word) {
  std::array<std::string_view, std::size(kRows) + std::size(kPresets)> names;
  size_t count = 0;
  for (const Row& row : kRows) names[count++] = row.name;
  for (const NamedPreset& preset : kPresets) names[count++] = preset.name;
  return did_you_mean(word, names);
}

}  // namespace

Features Features::wasm1() { return up_to(Preset::wasm1); }
Features Features::wasm2() { return up_to(Preset::wasm2); }
Features Features::wasm3() { return up_to(Preset::wasm3); }
Features Features::all() { return up_to(Preset::extra); }

Result<Features> Features::parse(std::string_view text) {
  Features features = all();
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (item.empty()) continue;
    bool on = item[0] != '-';
    bool is_sign = item[0] == '-' || item[0] == '+';
    std::string_view word = is_sign ? item.substr(1) : item;
    bool found = false;
    for (const NamedPreset& preset : kPresets) {
      if (word != preset.name || is_sign) continue;
      features = up_to(preset.preset);
      found = true;
    }
    for (const Row& row : kRows) {
      if (word != row.name) continue;
      features.set(row.feature, on);
      found = true;
    }
    if (!found)
      return fail(ErrorCode::unknown_feature, " `" + std::string(word) + "`" + suggestion(word));
  }
  return features;
}

std::string_view feature_name(Feature feature) { return kRows[static_cast<size_t>(feature)].name; }

}  // namespace sedge
