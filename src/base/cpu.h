// What this processor can do beyond the least that sedge needs, and how many of them there are.
#ifndef SEDGE_BASE_CPU_H_
#define SEDGE_BASE_CPU_H_

#include <cstdint>

namespace sedge {

/// The cores that this process may use, which in a container can be fewer than the machine has. At
/// least 1.
uint32_t available_cores();

#if defined(__x86_64__)
struct X86Features {
  bool avx2 = false;
  bool lzcnt = false;
  bool bmi1 = false;
  bool bmi2 = false;
  bool v3 = false;  ///< all of x86-64-v3
};
/// What the processor has and the kernel lets programs use.
X86Features x86_features();
#endif

}  // namespace sedge

#endif  // SEDGE_BASE_CPU_H_
