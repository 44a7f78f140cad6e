// log2 of the C library, in the program itself: see log2.cc.
#ifndef SEDGE_BASE_LOG2_H_
#define SEDGE_BASE_LOG2_H_

/// Base-2 logarithm, exact for powers of two, otherwise within 4 units in the last place.
extern "C" double log2(double x) noexcept;

#endif  // SEDGE_BASE_LOG2_H_
