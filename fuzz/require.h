// What a fuzz target demands: a property that does not hold ends the run, with the reason.
#ifndef SEDGE_FUZZ_REQUIRE_H_
#define SEDGE_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sedge::fuzz {

inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace sedge::fuzz

#endif  // SEDGE_FUZZ_REQUIRE_H_
