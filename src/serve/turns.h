// How calls that wait share threads: a call that has stopped to wait has none, and asks for another
// turn when it can go on.
#ifndef SEDGE_SERVE_TURNS_H_
#define SEDGE_SERVE_TURNS_H_

#include <functional>

#include "serve/reactor.h"

namespace sedge::serve {

/// Outlives every call that was given it.
class Turns {
 public:
  using Turn = std::move_only_function<void()>;
  virtual ~Turns() = default;
  /// Runs `turn` on a thread that runs functions, as soon as it is its turn. Any thread; never
  /// blocks.
  virtual void ask(Turn turn) = 0;
  virtual Reactor& reactor() = 0;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_TURNS_H_
