// The handler that stays while the application behind it is replaced: a request is finished by the
// application that saw its head, and an application ends when nothing of it is in flight.
#ifndef SEDGE_SERVE_APP_SWITCH_H_
#define SEDGE_SERVE_APP_SWITCH_H_

#include <memory>
#include <mutex>
#include <vector>

#include "net/http_server.h"
#include "serve/app.h"

namespace sedge::serve {

/// Handler functions on any thread, the others on one.
class AppSwitch final : public net::Handler {
 public:
  explicit AppSwitch(std::unique_ptr<App> app) : current_(std::move(app)) {}

  net::HeadVerdict check_head(net::Request& request) override;
  void handle(std::unique_ptr<net::Request> request, net::Responder responder) override;
  net::Response refuse(int status, std::string_view reason, std::string_view peer) override;

  std::shared_ptr<App> current() const;
  /// New requests go to `app` from now on.
  void replace(std::unique_ptr<App> app);
  /// Ends the replaced applications that have nothing in flight. False while some are left.
  bool sweep();
  /// Ends what still runs or waits, in all of them.
  void interrupt_all();

 private:
  struct Bound;

  mutable std::mutex mutex_;
  std::shared_ptr<App> current_;                // guarded by mutex_
  std::vector<std::shared_ptr<App>> replaced_;  // so that no loop's thread drops the last reference
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_APP_SWITCH_H_
