// What every benchmark does with an error.
#ifndef SEDGE_BENCH_MUST_H_
#define SEDGE_BENCH_MUST_H_

#include <sedge/error.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sedge::bench {

/// The value, or the end: a benchmark that cannot be set up has no figure.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", program_invocation_short_name,
                 result.error().message().c_str());
    std::exit(1);
  }
  return std::move(*result);
}

}  // namespace sedge::bench

#endif  // SEDGE_BENCH_MUST_H_
