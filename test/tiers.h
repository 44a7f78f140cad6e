// What tests run everything on: each tier of this build, and a mix in which every function changes
// over in the middle of what it does.
#ifndef SEDGE_TEST_TIERS_H_
#define SEDGE_TEST_TIERS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <sedge/engine.h>

namespace sedge::test {

struct TierCase {
  std::string name;
  Tier tier;
  uint32_t threshold;
  Optimize optimize = Optimize::off;
};

inline void PrintTo(const TierCase& c, std::ostream* out) { *out << c.name; }

inline std::vector<TierCase> all_tiers() {
  const uint32_t usual = Config{}.tier_threshold;
  std::vector<TierCase> out = {{"interp", Tier::interp, usual}};
  if (Engine::has(Tier::baseline)) {
    out.push_back({"baseline", Tier::baseline, usual});
    out.push_back({"mixed", Tier::automatic, 1});
  }
  if (Engine::has(Tier::llvm)) out.push_back({"llvm", Tier::llvm, usual});
  return out;
}

/// The same, and a mix in which every function goes through all tiers: for what makes its own
/// engine.
inline std::vector<TierCase> engine_tiers() {
  std::vector<TierCase> out = all_tiers();
  if (Engine::has(Tier::baseline) && Engine::has(Tier::llvm))
    out.push_back({"optimized", Tier::automatic, 1, Optimize::at_once});
  return out;
}

}  // namespace sedge::test

#endif  // SEDGE_TEST_TIERS_H_
