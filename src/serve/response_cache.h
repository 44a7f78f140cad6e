// Responses kept at the edge for the time their function allows (edge_cache_ttl): bounded, least
// recently used out first. A response is found by method, host, path and query and by the request
// fields that it varies with, Accept-Encoding always among them. RFC 9111, as a shared cache.
#ifndef SEDGE_SERVE_RESPONSE_CACHE_H_
#define SEDGE_SERVE_RESPONSE_CACHE_H_

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/http.h"

namespace sedge::serve {

/// Thread-safe.
class ResponseCache {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ResponseCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// The response to `request`, with its `Age`, or null. GET and HEAD only; never for requests with
  /// Authorization or with a Cache-Control of no-cache or no-store.
  std::unique_ptr<net::Response> find(const net::Request& request, std::string_view path,
                                      Clock::time_point now);
  /// Keeps a copy for `ttl_seconds`, unless request or response forbid it: other methods than GET,
  /// Authorization, Set-Cookie, `Vary: *`, a Cache-Control of private, no-store or no-cache, 206
  /// and 5xx. Fields named in `unkept` (lower case), such as a request's own id, are left out.
  void put(const net::Request& request, std::string_view path, const net::Response& response,
           uint32_t ttl_seconds, Clock::time_point now, std::string_view unkept);

  struct Figures {
    uint64_t hits = 0, misses = 0, entries = 0, bytes = 0;
  };
  Figures figures() const;

 private:
  struct Entry {
    std::string key;
    std::string base;
    std::shared_ptr<const net::Response> response;
    Clock::time_point stored, expires;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the most recently used first
  // What the responses of one base key vary with.
  struct Base {
    std::vector<std::string> vary;
    size_t entries = 0;
  };

  static std::string base_key(const net::Request& request, std::string_view path);
  static std::string full_key(const net::Request& request, const std::string& base,
                              const std::vector<std::string>& vary);
  void erase(Entries::iterator entry);

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> by_key_;
  std::unordered_map<std::string, Base> bases_;
  size_t bytes_ = 0;
  uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_RESPONSE_CACHE_H_
