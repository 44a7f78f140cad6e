// The set of WebAssembly features that a module may use; rows in feature.def.
#ifndef SEDGE_FEATURE_H_
#define SEDGE_FEATURE_H_

#include <cstdint>
#include <string_view>

#include <sedge/error.h>

namespace sedge {

enum class Feature : uint8_t {
#define SEDGE_FEATURE(name, text, preset, description) name,
#include <sedge/feature.def>
#undef SEDGE_FEATURE
};

/// A set of features; a value.
class Features {
 public:
  constexpr Features() = default;
  constexpr bool has(Feature feature) const { return (bits_ >> static_cast<int>(feature)) & 1; }
  constexpr Features& set(Feature feature, bool on = true) {
    uint64_t bit = uint64_t{1} << static_cast<int>(feature);
    bits_ = on ? bits_ | bit : bits_ & ~bit;
    return *this;
  }
  constexpr uint64_t bits() const { return bits_; }
  constexpr bool operator==(const Features&) const = default;

  static Features wasm1();
  static Features wasm2();
  static Features wasm3();
  /// Everything that is on unless switched off: wasm3 and the `extra` rows.
  static Features all();
  /// Parses "wasm2,+threads,-simd" or "all,-gc": presets replace, names add, `-name` removes.
  /// Error: unknown_feature, naming the nearest one.
  static Result<Features> parse(std::string_view text);

 private:
  uint64_t bits_ = 0;
};

/// The name users write ("multi-memory").
std::string_view feature_name(Feature feature);

}  // namespace sedge

#endif  // SEDGE_FEATURE_H_
