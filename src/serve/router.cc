// Building the tables (once) and looking up (per request): a hash for exact paths, then the
// patterns from the most to the least specific.
#include "serve/router.h"

#include <algorithm>

#include "net/chars.h"

namespace sedge::serve {
namespace {

std::string host_name(std::string_view host) {
  size_t end = host.starts_with('[') ? host.find(']') + 1 : host.find(':');
  std::string name(host.substr(0, end));
  std::ranges::transform(name, name.begin(), net::to_lower);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

Router::Router(const std::vector<RouteConfig>& routes) {
  for (size_t i = 0; i < routes.size(); ++i) {
    methods_.push_back(routes[i].methods);
    Result<RoutePattern> pattern = RoutePattern::parse(routes[i].path);
    if (!pattern) continue;  // the configuration has checked it
    Table& table = routes[i].host.empty() ? any_host_ : hosts_[routes[i].host];
    auto entry = std::ranges::find(table.entries, *pattern, &Entry::pattern);
    if (entry == table.entries.end())
      entry = table.entries.insert(entry, Entry{*std::move(pattern), {}});
    entry->routes.push_back(i);
  }
  sort(any_host_);
  for (auto& [host, table] : hosts_) sort(table);
}

void Router::sort(Table& table) {
  std::ranges::sort(table.entries, [](const Entry& a, const Entry& b) {
    if (a.pattern.literal().has_value() != b.pattern.literal().has_value())
      return a.pattern.literal().has_value();
    return a.pattern < b.pattern;
  });
  for (size_t i = 0; i < table.entries.size(); ++i) {
    if (const auto& literal = table.entries[i].pattern.literal()) {
      table.literals.emplace(*literal, i);
      table.first_wild = i + 1;
    }
  }
}

const Router::Entry* Router::find(const Table& table, std::string_view path,
                                  PathParams& params) const {
  if (auto literal = table.literals.find(path); literal != table.literals.end())
    return &table.entries[literal->second];
  for (size_t i = table.first_wild; i < table.entries.size(); ++i)
    if (table.entries[i].pattern.match(path, params)) return &table.entries[i];
  return nullptr;
}

Router::Match Router::match(std::string_view host, std::string_view path,
                            std::string_view method) const {
  Match match;
  const Entry* entry = nullptr;
  if (!hosts_.empty()) {
    if (auto table = hosts_.find(host_name(host)); table != hosts_.end())
      entry = find(table->second, path, match.params);
  }
  if (!entry) entry = find(any_host_, path, match.params);
  if (!entry) return match;

  std::vector<std::string_view> allowed;
  for (size_t route : entry->routes) {
    const std::vector<std::string>& methods = methods_[route];
    bool good = methods.empty();
    for (const std::string& known : methods)
      good |= known == method || (method == "HEAD" && known == "GET");
    if (good) {
      match.outcome = Match::Outcome::found;
      match.route = route;
      return match;
    }
    for (const std::string& known : methods) {
      allowed.push_back(known);
      if (known == "GET") allowed.push_back("HEAD");
    }
  }
  match.outcome = Match::Outcome::method_not_allowed;
  match.route = entry->routes.front();
  for (size_t i = 0; i < allowed.size(); ++i) {
    if (std::find(allowed.begin(), allowed.begin() + static_cast<ptrdiff_t>(i), allowed[i]) !=
        allowed.begin() + static_cast<ptrdiff_t>(i))
      continue;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += allowed[i];
  }
  return match;
}

}  // namespace sedge::serve
