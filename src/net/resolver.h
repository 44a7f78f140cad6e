// Names to addresses, off the caller's thread: the system's resolver blocks, so a few threads of
// its own call it.
#ifndef SEDGE_NET_RESOLVER_H_
#define SEDGE_NET_RESOLVER_H_

#include <condition_variable>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace sedge::net {

/// Why a name has no address.
struct ResolveError {
  enum class Kind : uint8_t {
    unresolvable,  ///< there is no such name, or it has no address
    temporary,     ///< the name server did not answer
    permanent,     ///< it answered with a failure
    busy,          ///< too many names are waiting
  };
  Kind kind = Kind::unresolvable;
  std::string message = {};
};
using Resolved = std::expected<std::vector<Address>, ResolveError>;

/// Thread-safe.
class Resolver {
 public:
  using Done = std::move_only_function<void(Resolved)>;

  Resolver();
  /// Does not wait for lookups in the system's resolver: their results are dropped.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Calls `done` with the addresses (port 0), at least one: at once for a literal address, else
  /// later on another thread.
  void resolve(std::string_view host, Done done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_RESOLVER_H_
