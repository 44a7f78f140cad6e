// The macro-assembler of the machine that this is built for. A new architecture adds a folder with
// a masm.h of the same interface, its emitters, and a line here.
#ifndef SEDGE_BASELINE_COMMON_TARGET_H_
#define SEDGE_BASELINE_COMMON_TARGET_H_

#if defined(__x86_64__)
#define SEDGE_HAVE_BASELINE 1
#include "baseline/x64/masm.h"
#elif defined(__aarch64__)
#define SEDGE_HAVE_BASELINE 1
#include "baseline/a64/masm.h"
#else
#define SEDGE_HAVE_BASELINE 0
#endif

#endif  // SEDGE_BASELINE_COMMON_TARGET_H_
