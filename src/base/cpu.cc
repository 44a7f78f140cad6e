// The dynamic loader has asked the processor already. The compiler's __builtin_cpu_supports would
// ask again in a constructor: under a hypervisor each CPUID is a trap, together 25 us of every
// start.
#include "base/cpu.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#if defined(__x86_64__)

#if __has_include(<sys/platform/x86.h>)
#define _Bool bool  // the header is for C
#include <sys/platform/x86.h>
#undef _Bool
#define SEDGE_CPU_HAS(leaf, name) (CPU_FEATURE_ACTIVE(leaf) != 0)
#else
#define SEDGE_CPU_HAS(leaf, name) (__builtin_cpu_supports(name) != 0)
#endif

#endif

namespace sedge {

uint32_t available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return static_cast<uint32_t>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

#if defined(__x86_64__)
X86Features x86_features() {
  X86Features features = {
      .avx2 = SEDGE_CPU_HAS(AVX2, "avx2"),
      .lzcnt = SEDGE_CPU_HAS(LZCNT, "lzcnt"),
      .bmi1 = SEDGE_CPU_HAS(BMI1, "bmi"),
      .bmi2 = SEDGE_CPU_HAS(BMI2, "bmi2"),
  };
  features.v3 = features.avx2 && features.lzcnt && features.bmi1 && features.bmi2 &&
                SEDGE_CPU_HAS(F16C, "f16c") && SEDGE_CPU_HAS(FMA, "fma") &&
                SEDGE_CPU_HAS(MOVBE, "movbe");
  return features;
}
#endif

}  // namespace sedge
