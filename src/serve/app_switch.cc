// Between head and body a request carries the application that judged its head.
#include "serve/app_switch.h"

#include <utility>

namespace sedge::serve {

struct AppSwitch::Bound final : net::RequestContext {
  std::shared_ptr<App> app;
  std::unique_ptr<net::RequestContext> inner;
};

std::shared_ptr<App> AppSwitch::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

net::HeadVerdict AppSwitch::check_head(net::Request& request) {
  auto bound = std::make_unique<Bound>();
  bound->app = current();
  net::HeadVerdict verdict = bound->app->check_head(request);
  bound->inner = std::move(request.context);
  request.context = std::move(bound);
  return verdict;
}

void AppSwitch::handle(std::unique_ptr<net::Request> request, net::Responder responder) {
  auto& bound = static_cast<Bound&>(*request->context);
  std::shared_ptr<App> app = std::move(bound.app);
  request->context = std::move(bound.inner);
  app->handle(std::move(request), std::move(responder));
}

net::Response AppSwitch::refuse(int status, std::string_view reason, std::string_view peer) {
  return current()->refuse(status, reason, peer);
}

void AppSwitch::replace(std::unique_ptr<App> app) {
  std::shared_ptr<App> next = std::move(app);
  {
    std::lock_guard lock(mutex_);
    std::swap(current_, next);
  }
  next->retire();
  replaced_.push_back(std::move(next));
}

bool AppSwitch::sweep() {
  // No one can take a new reference to what has been replaced.
  std::erase_if(replaced_, [](const std::shared_ptr<App>& app) {
    return app.use_count() == 1 && app->idle();
  });
  return replaced_.empty();
}

void AppSwitch::interrupt_all() {
  current()->interrupt_all();
  for (const std::shared_ptr<App>& app : replaced_) app->interrupt_all();
}

}  // namespace sedge::serve
