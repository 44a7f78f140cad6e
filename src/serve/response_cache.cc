// Two steps from a request to its response: its base key says which fields matter, and these and
// the base key make the full key.
#include "serve/response_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "net/body_pipe.h"
#include "net/chars.h"

namespace sedge::serve {
namespace {

constexpr std::string_view kAcceptEncoding = "accept-encoding";
constexpr size_t kMaxVary = 16;
constexpr size_t kOverhead = 256;  // of an entry beside its texts

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), net::to_lower);
  return out;
}

/// Calls `f` with each item of a list with commas, lower case, without white space around it.
template <typename F>
void each_item(std::string_view list, F f) {
  while (!list.empty()) {
    size_t end = list.find(',');
    std::string_view item = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    size_t begin = item.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    f(lower(item.substr(begin, item.find_last_not_of(" \t") - begin + 1)));
  }
}

bool has_directive(std::string_view cache_control, std::string_view wanted) {
  bool found = false;
  each_item(cache_control, [&](const std::string& item) {
    found |= std::string_view(item).substr(0, item.find('=')) == wanted;
  });
  return found;
}

bool is_get_or_head(const net::Request& request) {
  return request.method() == "GET" || request.method() == "HEAD";
}

bool has_content(const net::Request& request) {
  if (!request.stream) return !request.body.empty();
  return request.stream->total() != 0 || request.stream->state() == net::BodyPipe::State::open;
}

bool request_allows(const net::Request& request) {
  if (!is_get_or_head(request) || has_content(request) || request.find("authorization"))
    return false;
  auto control = request.find("cache-control");
  return !control || (!has_directive(*control, "no-cache") && !has_directive(*control, "no-store"));
}

/// The fields that a response varies with; nothing if it may not be kept.
std::optional<std::vector<std::string>> vary_of(const net::Response& response) {
  std::vector<std::string> vary = {std::string(kAcceptEncoding)};
  if (response.status == 206 || response.status >= 500) return std::nullopt;
  for (const auto& [field, value] : response.headers) {
    std::string name = lower(field);
    if (name == "set-cookie") return std::nullopt;
    if (name == "cache-control")
      for (std::string_view forbidding : {"private", "no-store", "no-cache"})
        if (has_directive(value, forbidding)) return std::nullopt;
    if (name != "vary") continue;
    bool all = false;
    each_item(value, [&](std::string item) {
      all |= item == "*";
      vary.push_back(std::move(item));
    });
    if (all) return std::nullopt;
  }
  std::ranges::sort(vary);
  auto rest = std::ranges::unique(vary);
  vary.erase(rest.begin(), rest.end());
  if (vary.size() > kMaxVary) return std::nullopt;
  return vary;
}

// Parts are delimited by their length, so that no two requests can have one key by chance.
void append_part(std::string& key, std::string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
}

size_t size_of(const net::Response& response) {
  size_t bytes = response.body.size() + kOverhead;
  for (const auto& [name, value] : response.headers) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace

std::string ResponseCache::base_key(const net::Request& request, std::string_view path) {
  std::string key;
  append_part(key, lower(request.host()));
  append_part(key, path);
  append_part(key, request.query());
  return key;
}

std::string ResponseCache::full_key(const net::Request& request, const std::string& base,
                                    const std::vector<std::string>& vary) {
  std::string key = base;
  for (const std::string& name : vary) {
    append_part(key, name);
    for (size_t i = 0; i < request.header_count(); ++i)
      if (request.header(i).name == name) append_part(key, request.header(i).value);
    key += ';';
  }
  return key;
}

std::unique_ptr<net::Response> ResponseCache::find(const net::Request& request,
                                                   std::string_view path, Clock::time_point now) {
  if (!request_allows(request)) return nullptr;
  std::string base = base_key(request, path);
  std::shared_ptr<const net::Response> kept;
  Clock::time_point stored;
  {
    std::lock_guard lock(mutex_);
    auto known = bases_.find(base);
    auto found = known == bases_.end() ? by_key_.end()
                                       : by_key_.find(full_key(request, base, known->second.vary));
    if (found != by_key_.end() && found->second->expires <= now) {
      erase(found->second);
      found = by_key_.end();
    }
    if (found == by_key_.end()) {
      ++misses_;
      return nullptr;
    }
    ++hits_;
    entries_.splice(entries_.begin(), entries_, found->second);
    kept = found->second->response;
    stored = found->second->stored;
  }
  auto response = std::make_unique<net::Response>(*kept);
  auto age = std::chrono::duration_cast<std::chrono::seconds>(now - stored).count();
  response->headers.emplace_back("Age", std::to_string(age));
  return response;
}

void ResponseCache::put(const net::Request& request, std::string_view path,
                        const net::Response& response, uint32_t ttl_seconds, Clock::time_point now,
                        std::string_view unkept) {
  if (ttl_seconds == 0 || request.method() != "GET" || !request_allows(request)) return;
  std::optional<std::vector<std::string>> vary = vary_of(response);
  if (!vary) return;
  auto copy = std::make_shared<net::Response>(response);
  std::erase_if(copy->headers, [&](const auto& field) { return lower(field.first) == unkept; });
  std::string base = base_key(request, path);

  std::lock_guard lock(mutex_);
  Base& known = bases_[base];
  if (known.vary != *vary) {
    // The function says something new: what was kept under the old fields is not found any more,
    // so it goes.
    known.vary = *vary;
    for (auto entry = entries_.begin(); known.entries > 0 && entry != entries_.end();) {
      auto next = std::next(entry);
      if (entry->base == base) {
        bytes_ -= entry->bytes;
        by_key_.erase(entry->key);
        entries_.erase(entry);
        --known.entries;
      }
      entry = next;
    }
  }
  std::string key = full_key(request, base, known.vary);
  // Several requests may have missed at once: the latest response stays.
  size_t bytes = size_of(*copy) + 2 * key.size() + base.size();
  if (auto old = by_key_.find(key); old != by_key_.end()) {
    ++known.entries;  // keeps the base while its only entry goes
    erase(old->second);
    --known.entries;
  }
  if (bytes > max_bytes_ / 4) {
    if (known.entries == 0) bases_.erase(base);
    return;
  }
  entries_.push_front(
      {key, base, std::move(copy), now, now + std::chrono::seconds(ttl_seconds), bytes});
  by_key_.emplace(std::move(key), entries_.begin());
  ++known.entries;
  bytes_ += bytes;
  while (bytes_ > max_bytes_) erase(std::prev(entries_.end()));
}

void ResponseCache::erase(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  if (auto base = bases_.find(entry->base); base != bases_.end() && --base->second.entries == 0)
    bases_.erase(base);
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

ResponseCache::Figures ResponseCache::figures() const {
  std::lock_guard lock(mutex_);
  return {hits_, misses_, entries_.size(), bytes_};
}

}  // namespace sedge::serve
