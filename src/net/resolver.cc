// Threads are started when names wait and all others are busy. They own the state together with the
// resolver, so that a lookup that hangs in the C library holds nobody up at the end.
#include "net/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <csignal>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

namespace sedge::net {
namespace {

constexpr uint32_t kMaxThreads = 8;
constexpr size_t kMaxWaiting = 1024;
constexpr size_t kMaxHostLength = 253;

Resolved look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    ResolveError::Kind kind = ResolveError::Kind::permanent;
    if (error == EAI_NONAME || error == EAI_NODATA) kind = ResolveError::Kind::unresolvable;
    if (error == EAI_AGAIN) kind = ResolveError::Kind::temporary;
    return std::unexpected(ResolveError{kind, ::gai_strerror(error)});
  }
  std::vector<Address> addresses;
  for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
    addresses.push_back(Address::from(storage));
  }
  ::freeaddrinfo(found);
  if (addresses.empty())
    return std::unexpected(ResolveError{ResolveError::Kind::unresolvable, "it has no address"});
  return addresses;
}

}  // namespace

struct Resolver::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::pair<std::string, Done>> waiting;  // guarded, as is the rest
  uint32_t threads = 0;
  uint32_t idle = 0;
  bool stopping = false;

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      wake.wait(lock, [this] { return stopping || !waiting.empty(); });
      --idle;
      if (stopping) return;
      auto [host, done] = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      Resolved resolved = look_up(host);
      lock.lock();
      if (stopping) return;
      lock.unlock();
      done(std::move(resolved));
      done = nullptr;
      lock.lock();
    }
  }
};

Resolver::Resolver() : state_(std::make_shared<State>()) {}

Resolver::~Resolver() {
  std::deque<std::pair<std::string, Done>> dropped;
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->waiting);
  }
  state_->wake.notify_all();
}

void Resolver::resolve(std::string_view host, Done done) {
  if (std::optional<Address> literal = Address::literal(host)) return done(std::vector{*literal});
  if (host.empty() || host.size() > kMaxHostLength || host.contains('\0'))
    return done(std::unexpected(ResolveError{ResolveError::Kind::unresolvable, "no host name"}));
  std::unique_lock lock(state_->mutex);
  if (state_->waiting.size() >= kMaxWaiting) {
    lock.unlock();
    return done(std::unexpected(ResolveError{ResolveError::Kind::busy, "too many names wait"}));
  }
  state_->waiting.emplace_back(host, std::move(done));
  if (state_->idle < state_->waiting.size() && state_->threads < kMaxThreads) {
    ++state_->threads;
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &previous);
    std::thread([state = state_] { state->work(); }).detach();
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  }
  lock.unlock();
  state_->wake.notify_one();
}

}  // namespace sedge::net
