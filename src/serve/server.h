// A running server: the HTTP server, the handler behind it and its logs, put together and taken
// apart in the right order.
#ifndef SEDGE_SERVE_SERVER_H_
#define SEDGE_SERVE_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <sedge/error.h>

#include "net/http_server.h"
#include "serve/access_log.h"
#include "serve/app.h"
#include "serve/app_switch.h"
#include "serve/config.h"

namespace sedge::serve {

/// A server that runs: its sockets are open.
class Server {
 public:
  /// Errors: io for an address; config_syntax, with every route's reason reported, if no route can
  /// be run (or, with `strict`, any cannot).
  static Result<std::unique_ptr<Server>> start(const RouterConfig& config,
                                               const FunctionFactory& make_function, bool strict,
                                               const std::function<void(const Error&)>& report);
  ~Server();

  const std::vector<net::Address>& addresses() const { return http_->addresses(); }
  std::shared_ptr<App> app() const { return switch_->current(); }
  /// Routes as `config` has them from now on; what is in flight is finished as it began. What
  /// belongs to the server itself (addresses, workers, limits of connections) stays. Errors: those
  /// of start(), and the old routes stay.
  Result<void> reload(const RouterConfig& config, const FunctionFactory& make_function, bool strict,
                      const std::function<void(const Error&)>& report);
  /// Frees what reload() has replaced, as far as nothing uses it; false while something does.
  bool sweep() { return switch_->sweep(); }
  /// Ends what still runs or waits (503).
  void interrupt_all() { switch_->interrupt_all(); }
  AccessLog& diagnostics() { return *diagnostics_; }
  /// Stops accepting and lets requests finish; after `deadline_ms` those that run are ended with
  /// 503, and what is then left is cut.
  void drain(uint32_t deadline_ms);
  bool finished() const { return http_->finished(); }
  /// To be called now and then while draining: ends what has outlasted the deadline.
  void poll_drain();
  /// Waits for the end of a drain. True if nothing had to be cut.
  bool wait();

 private:
  Server() = default;
  Result<std::unique_ptr<App>> make_app(const RouterConfig& config,
                                        const FunctionFactory& make_function, bool strict,
                                        const std::function<void(const Error&)>& report);
  std::unique_ptr<AccessLog> log_;
  std::unique_ptr<AccessLog> diagnostics_;
  std::unique_ptr<AppSwitch> switch_;
  std::unique_ptr<net::HttpServer> http_;
  uint64_t drain_deadline_ns_ = 0;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_SERVER_H_
