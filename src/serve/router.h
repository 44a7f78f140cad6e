// Which route answers a request: the most specific pattern of its host, then of no host; among
// routes with that pattern, the one that takes the method.
#ifndef SEDGE_SERVE_ROUTER_H_
#define SEDGE_SERVE_ROUTER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "serve/config.h"
#include "serve/route_pattern.h"

namespace sedge::serve {

/// Immutable after construction; match() is thread-safe.
class Router {
 public:
  explicit Router(const std::vector<RouteConfig>& routes);

  struct Match {
    enum class Outcome : uint8_t { found, not_found, method_not_allowed };
    Outcome outcome = Outcome::not_found;
    size_t route = 0;   ///< found: index into the routes; method_not_allowed: one of them
    PathParams params;  ///< found
    std::string allow;  ///< method_not_allowed: the value of the Allow field
  };
  /// `path` is normalised; `host` may carry a port and any case. HEAD goes where GET goes.
  Match match(std::string_view host, std::string_view path, std::string_view method) const;

 private:
  // The routes that share one pattern.
  struct Entry {
    RoutePattern pattern;
    std::vector<size_t> routes;
  };
  struct StringHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <typename T>
  using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;
  struct Table {
    StringMap<size_t> literals;  // path → index into entries
    std::vector<Entry> entries;  // those with literals first, then by specificity
    size_t first_wild = 0;
  };

  static void sort(Table& table);
  const Entry* find(const Table& table, std::string_view path, PathParams& params) const;

  std::vector<std::vector<std::string>> methods_;  // of each route
  Table any_host_;
  StringMap<Table> hosts_;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_ROUTER_H_
