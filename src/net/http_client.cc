// The client's loop: finds or makes the connection for a request. See client_connection.h.
#include "net/http_client.h"

#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "net/chars.h"
#include "net/client_connection.h"

namespace sedge::net {
namespace {

constexpr size_t kMaxTarget = 65536;

std::optional<HttpError> check(const ClientRequest& request) {
  using Kind = HttpError::Kind;
  if (!is_token(request.method) || request.method.size() > kMaxMethod ||
      request.method == "CONNECT")
    return HttpError{Kind::request_method_invalid, request.method};
  if (request.target.empty() || request.target.size() > kMaxTarget ||
      !std::ranges::all_of(request.target, is_target_char) ||
      (request.target[0] != '/' && request.target != "*"))
    return HttpError{Kind::request_uri_invalid, "not a path"};
  if (request.host.empty() || request.authority.empty() ||
      !std::ranges::all_of(request.authority, is_target_char) ||
      request.authority.find_first_of("/?@") != std::string::npos)
    return HttpError{Kind::request_uri_invalid, "not an authority"};
  return std::nullopt;
}

}  // namespace

void HttpClient::Exchange::cancel() const {
  if (cancel_) cancel_();
}

Result<std::shared_ptr<HttpClient>> HttpClient::start(const HttpClientOptions& options) {
  SEDGE_TRY_ASSIGN(std::unique_ptr<EventLoop> loop, EventLoop::create());
  return std::shared_ptr<HttpClient>(
      new HttpClient(std::make_shared<Core>(options, std::move(loop))));
}

HttpClient::HttpClient(std::shared_ptr<Core> core) : core_(std::move(core)) {
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  thread_ = std::thread([core = core_] { core->run(); });
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

HttpClient::~HttpClient() {
  core_->loop().stop();
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();  // the last owner was a callback on the loop
  else
    thread_.join();
}

HttpClient::Exchange HttpClient::send(ClientRequest request, Done done) {
  auto exchange = std::make_unique<ClientExchange>();
  exchange->id = core_->last_exchange.fetch_add(1, std::memory_order_relaxed) + 1;
  exchange->request = std::move(request);
  exchange->done = std::move(done);
  Exchange handle;
  handle.cancel_ = [core = std::weak_ptr(core_), id = exchange->id] {
    auto alive = core.lock();
    if (alive) alive->loop().post([&core = *alive, id] { core.cancel(id); });
  };
  core_->loop().post([&core = *core_, exchange = std::move(exchange)]() mutable {
    core.submit(std::move(exchange));
  });
  return handle;
}

void HttpClient::Core::run() {
  auto self = shared_from_this();
  loop_->run();
  stopping_ = true;
  std::vector<uint64_t> left;
  left.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) left.push_back(id);
  for (uint64_t id : left)
    if (ClientConnection* connection = find(id))
      connection->fail({HttpError::Kind::connection_terminated, "the client was stopped"});
  left.clear();
  for (const auto& [id, connection] : shared_) left.push_back(id);
  for (uint64_t id : left)
    if (SharedConnection* connection = find_shared(id))
      connection->fail({HttpError::Kind::connection_terminated, "the client was stopped"});
  connections_.clear();
  shared_.clear();
}

void HttpClient::Core::submit(std::unique_ptr<ClientExchange> exchange) {
  if (stopping_) return;  // it is told so by the exchange's end
  if (std::optional<HttpError> error = check(exchange->request))
    return std::exchange(exchange->done, nullptr)(std::unexpected(*std::move(error)));
  std::string origin = exchange->origin();
  for (auto& [id, connection] : connections_) {
    if (!connection->idle() || connection->origin() != origin) continue;
    --idle_;
    return connection->reuse(std::move(exchange));
  }
  for (auto& [id, connection] : shared_)
    if (connection->origin() == origin && connection->accepts())
      return connection->begin(std::move(exchange));
  if (connections_.size() + shared_.size() >= options_.max_connections && !make_room())
    return std::exchange(exchange->done, nullptr)(std::unexpected(
        HttpError{HttpError::Kind::connection_limit_reached, "too many connections"}));
  uint64_t id = ++last_connection_;
  auto connection = std::make_unique<ClientConnection>(*this, id, std::move(exchange));
  ClientConnection& opened = *connection;
  connections_.emplace(id, std::move(connection));
  opened.open();
}

// Idle connections to other servers make room.
bool HttpClient::Core::make_room() {
  auto idle = [](const auto& entry) { return entry.second->idle(); };
  if (auto found = std::ranges::find_if(connections_, idle); found != connections_.end())
    return found->second->close(), true;
  auto found = std::ranges::find_if(shared_, idle);
  if (found == shared_.end()) return false;
  found->second->fail({HttpError::Kind::connection_terminated, "idle"});
  return true;
}

void HttpClient::Core::cancel(uint64_t exchange_id) {
  for (auto& [id, connection] : shared_)
    if (connection->cancel(exchange_id)) return;
  for (auto& [id, connection] : connections_)
    if (connection->exchange_id() == exchange_id) return connection->close();
}

ClientConnection* HttpClient::Core::find(uint64_t connection_id) {
  auto found = connections_.find(connection_id);
  return found == connections_.end() ? nullptr : found->second.get();
}

SharedConnection* HttpClient::Core::find_shared(uint64_t connection_id) {
  auto found = shared_.find(connection_id);
  return found == shared_.end() ? nullptr : found->second.get();
}

size_t HttpClient::Core::idle_count() const {
  return idle_ + static_cast<size_t>(std::ranges::count_if(
                     shared_, [](const auto& entry) { return entry.second->idle(); }));
}

void HttpClient::Core::made_idle(ClientConnection& connection) {
  ++idle_;
  if (idle_count() > options_.max_idle) connection.close();
}

void HttpClient::Core::made_idle(SharedConnection& connection) {
  if (idle_count() > options_.max_idle)
    connection.fail({HttpError::Kind::connection_terminated, "idle"});
}

void HttpClient::Core::share(ClientConnection& connection, Fd socket,
                             std::unique_ptr<Transport> transport,
                             std::unique_ptr<ClientExchange> exchange) {
  uint64_t id = ++last_connection_;
  loop_->remove(socket.get());
  auto made = make_http2_client_connection(*this, id, connection.origin(), std::move(socket),
                                           std::move(transport));
  release(connection, false);
  SharedConnection& shared = *made;
  shared_.emplace(id, std::move(made));
  if (!loop_->add(shared.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, shared))
    return shared.fail({HttpError::Kind::internal_error, "epoll_ctl"});
  shared.begin(std::move(exchange));
}

void HttpClient::Core::release(SharedConnection& connection) {
  loop_->remove(connection.fd());
  auto node = shared_.extract(connection.id());
  if (!node.empty()) loop_->retire(std::move(node.mapped()));
}

void HttpClient::Core::release(ClientConnection& connection, bool was_idle) {
  if (was_idle) --idle_;
  auto node = connections_.extract(connection.id());
  if (!node.empty()) loop_->retire(std::move(node.mapped()));
}

Result<TlsClient*> HttpClient::Core::tls() {
  if (!tls_) {
    SEDGE_TRY_ASSIGN(tls_, make_tls_client());
  }
  return tls_.get();
}

}  // namespace sedge::net
