// Reading router.yaml: two tables of keys (server, route), each with the function that takes the
// value. A key's name, its neighbours in a typing mistake and its place come from the same table.
#include "serve/config.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.h"
#include "engine/tier_names.h"
#include "net/address.h"
#include "net/http.h"
#include "serve/route_pattern.h"

namespace sedge::serve {
namespace {

constexpr size_t kMaxErrors = 20;
constexpr std::string_view kRuntimes[] = {"sedge", "wasmedge", "wasmtime", "wasmer"};
constexpr std::string_view kEngines[] = {"embedded", "external"};
constexpr std::string_view kSwitch[] = {"false", "true"};
constexpr std::string_view kWasiVersions[] = {"auto", "preview1", "preview2", "preview3"};
constexpr std::string_view kKinds[] = {"auto",    "edge",      "serverless",
                                       "pointer", "wasi-http", "wcgi"};

class ConfigReader {
 public:
  explicit ConfigReader(const std::string& file)
      : file_(file), folder_(std::filesystem::path(file).parent_path()) {}

  std::vector<Error>& errors() { return errors_; }
  RouterConfig take() {
    config_.file = file_;
    return std::move(config_);
  }

  void read_text(std::string_view text, YamlOrigin origin, bool nested);

 private:
  template <typename Target>
  struct Key {
    std::string_view name;
    void (ConfigReader::*read)(const YamlNode&, Target&);
  };
  static const Key<RouterConfig> kServerKeys[];
  static const Key<RouteConfig> kRouteKeys[];

  void add(Error error) {
    if (errors_.size() < kMaxErrors) errors_.push_back(std::move(error));
  }
  void error(Position at, std::string message, std::string remedy = {}) {
    add(config_error(file_, at, std::move(message), std::move(remedy)));
  }

  template <typename Target, size_t N>
  void read_members(const YamlNode& map, const Key<Target> (&keys)[N], std::string_view where,
                    Target& target);
  void read_config_map(const YamlNode& map, std::string_view text, YamlOrigin origin);
  void read_router(const YamlNode& map);
  void check_duplicates();

  std::optional<std::string> text(const YamlNode& node, std::string_view key);
  std::optional<uint64_t> number(const YamlNode& node, std::string_view key, uint64_t least,
                                 uint64_t most, std::string_view unit);
  bool choice(const YamlNode& node, std::string_view key, std::span<const std::string_view> choices,
              size_t& index);
  std::vector<std::string> list(const YamlNode& node, std::string_view key);
  void read_pairs(const YamlNode& node, std::string_view key, std::string_view what,
                  std::vector<std::pair<std::string, std::string>>& pairs);
  std::string resolve(const std::string& path) const {
    return (folder_ / path).lexically_normal().string();
  }

  template <auto Member>
  void read_u32(const YamlNode& node, std::string_view key, auto& target, uint32_t least,
                uint32_t most, std::string_view unit) {
    if (auto value = number(node, key, least, most, unit))
      target.*Member = static_cast<uint32_t>(*value);
  }

  void read_routes(const YamlNode& node, RouterConfig& config);
  void read_listen(const YamlNode& node, RouterConfig& config);
  void read_workers(const YamlNode& node, RouterConfig& config);
  void read_log(const YamlNode& node, RouterConfig& config);
  void read_max_connections(const YamlNode& node, RouterConfig& config);
  void read_http2(const YamlNode& node, RouterConfig& config);
  void read_max_streams(const YamlNode& node, RouterConfig& config);
  void read_max_header_bytes(const YamlNode& node, RouterConfig& config);
  void read_max_body_bytes(const YamlNode& node, RouterConfig& config);
  void read_header_timeout(const YamlNode& node, RouterConfig& config);
  void read_idle_timeout(const YamlNode& node, RouterConfig& config);
  void read_body_timeout(const YamlNode& node, RouterConfig& config);
  void read_drain_timeout(const YamlNode& node, RouterConfig& config);
  void read_watch(const YamlNode& node, RouterConfig& config);

  void read_path(const YamlNode& node, RouteConfig& route);
  void read_host(const YamlNode& node, RouteConfig& route);
  void read_methods(const YamlNode& node, RouteConfig& route);
  void read_module(const YamlNode& node, RouteConfig& route);
  void read_runtime(const YamlNode& node, RouteConfig& route);
  void read_backend(const YamlNode& node, RouteConfig& route);
  void read_engine(const YamlNode& node, RouteConfig& route);
  void read_wasi(const YamlNode& node, RouteConfig& route);
  void read_kind(const YamlNode& node, RouteConfig& route);
  void read_function(const YamlNode& node, RouteConfig& route);
  void read_pool_size(const YamlNode& node, RouteConfig& route);
  void read_snapshot(const YamlNode& node, RouteConfig& route);
  void read_reuse(const YamlNode& node, RouteConfig& route);
  void read_net(const YamlNode& node, RouteConfig& route);
  void read_http_allow(const YamlNode& node, RouteConfig& route);
  void read_variables(const YamlNode& node, RouteConfig& route);
  void read_keyvalue(const YamlNode& node, RouteConfig& route);
  void read_memory_limit(const YamlNode& node, RouteConfig& route);
  void read_timeout(const YamlNode& node, RouteConfig& route);
  void read_max_concurrency(const YamlNode& node, RouteConfig& route);
  void read_queue(const YamlNode& node, RouteConfig& route);
  void read_route_max_body(const YamlNode& node, RouteConfig& route);
  void read_edge_cache_ttl(const YamlNode& node, RouteConfig& route);
  void read_edge_cache_mb(const YamlNode& node, RouteConfig& route);
  void read_env(const YamlNode& node, RouteConfig& route);
  void read_dirs(const YamlNode& node, RouteConfig& route);
  void read_args(const YamlNode& node, RouteConfig& route);
  void read_schedule(const YamlNode& node, RouteConfig& route);
  void read_task(const YamlNode& node, RouteConfig& route);
  void read_events(const YamlNode& node, RouteConfig& route);
  void check_trigger(const YamlNode& item, RouteConfig& route);

  std::string file_;
  std::filesystem::path folder_;
  RouterConfig config_;
  std::vector<Error> errors_;
};

const ConfigReader::Key<RouterConfig> ConfigReader::kServerKeys[] = {
    {"routes", &ConfigReader::read_routes},
    {"listen", &ConfigReader::read_listen},
    {"workers", &ConfigReader::read_workers},
    {"log", &ConfigReader::read_log},
    {"max_connections", &ConfigReader::read_max_connections},
    {"http2", &ConfigReader::read_http2},
    {"max_streams", &ConfigReader::read_max_streams},
    {"max_header_bytes", &ConfigReader::read_max_header_bytes},
    {"max_body_bytes", &ConfigReader::read_max_body_bytes},
    {"header_timeout_ms", &ConfigReader::read_header_timeout},
    {"idle_timeout_ms", &ConfigReader::read_idle_timeout},
    {"body_timeout_ms", &ConfigReader::read_body_timeout},
    {"drain_timeout_ms", &ConfigReader::read_drain_timeout},
    {"watch", &ConfigReader::read_watch},
};
const ConfigReader::Key<RouteConfig> ConfigReader::kRouteKeys[] = {
    {"path", &ConfigReader::read_path},
    {"module", &ConfigReader::read_module},
    {"runtime", &ConfigReader::read_runtime},
    {"engine", &ConfigReader::read_engine},
    {"backend", &ConfigReader::read_backend},
    {"wasi", &ConfigReader::read_wasi},
    {"kind", &ConfigReader::read_kind},
    {"function", &ConfigReader::read_function},
    {"host", &ConfigReader::read_host},
    {"methods", &ConfigReader::read_methods},
    {"pool_size", &ConfigReader::read_pool_size},
    {"snapshot", &ConfigReader::read_snapshot},
    {"reuse", &ConfigReader::read_reuse},
    {"memory_limit_mb", &ConfigReader::read_memory_limit},
    {"timeout_ms", &ConfigReader::read_timeout},
    {"max_concurrency", &ConfigReader::read_max_concurrency},
    {"queue", &ConfigReader::read_queue},
    {"max_body_bytes", &ConfigReader::read_route_max_body},
    {"edge_cache_ttl", &ConfigReader::read_edge_cache_ttl},
    {"edge_cache_mb", &ConfigReader::read_edge_cache_mb},
    {"env", &ConfigReader::read_env},
    {"dirs", &ConfigReader::read_dirs},
    {"args", &ConfigReader::read_args},
    {"net", &ConfigReader::read_net},
    {"http_allow", &ConfigReader::read_http_allow},
    {"config", &ConfigReader::read_variables},
    {"keyvalue", &ConfigReader::read_keyvalue},
    {"schedule", &ConfigReader::read_schedule},
    {"task", &ConfigReader::read_task},
    {"events", &ConfigReader::read_events},
};

template <typename Target, size_t N>
void ConfigReader::read_members(const YamlNode& map, const Key<Target> (&keys)[N],
                                std::string_view where, Target& target) {
  for (const YamlMember& member : map.members) {
    const auto* key = std::ranges::find(keys, std::string_view(member.key), &Key<Target>::name);
    if (key != std::end(keys)) {
      (this->*key->read)(member.value, target);
      continue;
    }
    std::vector<std::string_view> names;
    for (const auto& known : keys) names.push_back(known.name);
    std::string_view meant = nearest(member.key, names);
    error(member.at, fmt::format("unknown key `{}` in {}", member.key, where),
          meant.empty() ? fmt::format("the keys are {}", fmt::join(names, ", "))
                        : fmt::format("did you mean `{}`?", meant));
  }
}

std::optional<std::string> ConfigReader::text(const YamlNode& node, std::string_view key) {
  if (node.kind == YamlNode::Kind::scalar && !node.scalar.empty() &&
      node.scalar.find('\0') == std::string::npos)
    return node.scalar;
  error(node.at, fmt::format("`{}` is a text, not {}", key, node.describe()));
  return std::nullopt;
}

std::optional<uint64_t> ConfigReader::number(const YamlNode& node, std::string_view key,
                                             uint64_t least, uint64_t most, std::string_view unit) {
  uint64_t value = 0;
  bool good = node.kind == YamlNode::Kind::scalar && !node.quoted;
  if (good) {
    const std::string& digits = node.scalar;
    auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    good = failure == std::errc() && end == digits.data() + digits.size();
  }
  if (good && value >= least && value <= most) return value;
  error(node.at, fmt::format("`{}` is a number of {} from {} to {}, not {}", key, unit, least, most,
                             node.describe()));
  return std::nullopt;
}

bool ConfigReader::choice(const YamlNode& node, std::string_view key,
                          std::span<const std::string_view> choices, size_t& index) {
  if (node.kind == YamlNode::Kind::scalar) {
    if (auto found = std::ranges::find(choices, std::string_view(node.scalar));
        found != choices.end()) {
      index = static_cast<size_t>(found - choices.begin());
      return true;
    }
  }
  std::string_view meant =
      node.kind == YamlNode::Kind::scalar ? nearest(node.scalar, choices) : std::string_view();
  error(node.at,
        fmt::format("`{}` is one of {}, not {}", key, fmt::join(choices, ", "), node.describe()),
        meant.empty() ? "" : fmt::format("did you mean `{}`?", meant));
  return false;
}

// A list of texts; one text stands for a list of one.
std::vector<std::string> ConfigReader::list(const YamlNode& node, std::string_view key) {
  std::vector<std::string> values;
  if (node.kind == YamlNode::Kind::scalar) {
    if (auto value = text(node, key)) values.push_back(*std::move(value));
    return values;
  }
  if (node.kind != YamlNode::Kind::sequence) {
    error(node.at, fmt::format("`{}` is a list, not {}", key, node.describe()));
    return values;
  }
  for (const YamlNode& item : node.items)
    if (auto value = text(item, key)) values.push_back(*std::move(value));
  return values;
}

void ConfigReader::read_text(std::string_view text, YamlOrigin origin, bool nested) {
  Result<std::vector<YamlNode>> documents = parse_yaml(text, file_, origin);
  if (!documents) {
    add(std::move(documents).error());
    return;
  }
  const Position start{origin.lines + 1, origin.columns + 1};
  // A stream of Kubernetes objects may hold the ConfigMap among others.
  for (const YamlNode& document : *documents) {
    if (document.kind != YamlNode::Kind::map) continue;
    if (document.find("routes")) return read_router(document);
    if (!nested && document.find("data")) {
      const YamlNode* kind = document.find("kind");
      if (!kind || kind->scalar == "ConfigMap") return read_config_map(document, text, origin);
    }
  }
  for (const YamlNode& document : *documents)
    if (document.kind == YamlNode::Kind::map) {
      // Nothing to serve; but a misspelt `routes` is worth naming.
      read_members(document, kServerKeys, "the router file", config_);
      break;
    } else if (document.kind != YamlNode::Kind::null) {
      error(document.at,
            fmt::format("a router file is a map with `routes`, not {}", document.describe()));
      return;
    }
  if (errors_.empty())
    error(start, "no `routes`: there is nothing to serve",
          "write `routes:` with a list of `- path: …` and `module: …`");
}

void ConfigReader::read_config_map(const YamlNode& map, std::string_view text, YamlOrigin origin) {
  const YamlNode& data = *map.find("data");
  const YamlMember* found = nullptr;
  for (const YamlMember& member : data.members) {
    bool yaml = member.key.ends_with(".yaml") || member.key.ends_with(".yml");
    if (member.key == "router.yaml" || (yaml && !found)) found = &member;
    if (member.key == "router.yaml") break;
  }
  if (!found)
    return error(data.at, "the ConfigMap's `data` has no router.yaml",
                 "put the router file under `data:` as `router.yaml: |`");
  const YamlNode& value = found->value;
  if (value.kind != YamlNode::Kind::scalar)
    return error(value.at, fmt::format("`{}` is a text, not {}", found->key, value.describe()),
                 fmt::format("write `{}: |` and indent the router file below it", found->key));
  YamlOrigin inner{value.at.line - 1, value.at.column - 1, false};
  if (value.literal) {
    // The block begins on the line after its `|` and is indented like its first non-empty line.
    inner = {value.at.line, 0, true};
    size_t at = 0;
    for (uint32_t line = origin.lines; line < value.at.line && at != std::string_view::npos;
         ++line) {
      at = text.find('\n', at);
      if (at != std::string_view::npos) ++at;
    }
    // An indentation that is given (`|2`) counts from the key's.
    size_t indicator = at >= 2 ? text.substr(0, at - 1).rfind('|') : std::string_view::npos;
    size_t given = indicator == std::string_view::npos
                       ? std::string_view::npos
                       : text.substr(0, at).find_first_of("123456789", indicator);
    if (given != std::string_view::npos) {
      inner.columns = found->at.column - 1 + static_cast<uint32_t>(text[given] - '0');
    } else {
      while (at < text.size() && (text[at] == '\n' || text[at] == '\r')) ++at;
      while (at < text.size() && text[at] == ' ') ++at, ++inner.columns;
    }
  }
  read_text(value.scalar, inner, true);
}

void ConfigReader::read_router(const YamlNode& map) {
  read_members(map, kServerKeys, "the router file", config_);
  check_duplicates();
}

void ConfigReader::check_duplicates() {
  for (size_t i = 0; i < config_.routes.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const RouteConfig& earlier = config_.routes[j];
      const RouteConfig& later = config_.routes[i];
      if (earlier.host != later.host || later.path.empty() ||
          !same_pattern(earlier.path, later.path))
        continue;
      bool overlap =
          earlier.methods.empty() || later.methods.empty() ||
          std::ranges::find_first_of(earlier.methods, later.methods) != earlier.methods.end();
      if (overlap)
        error(later.path_at, fmt::format("the path `{}` is already taken", later.path),
              fmt::format("line {} has it: remove one, or give them different `methods` or `host`",
                          earlier.path_at.line));
    }
}

void ConfigReader::read_routes(const YamlNode& node, RouterConfig& config) {
  if (node.kind != YamlNode::Kind::sequence || node.items.empty())
    return error(
        node.at,
        fmt::format("`routes` is a list of routes, not {}",
                    node.items.empty() && node.kind == YamlNode::Kind::sequence ? "an empty one"
                                                                                : node.describe()),
        "write `- path: …` and `module: …` below it");
  for (const YamlNode& item : node.items) {
    if (item.kind != YamlNode::Kind::map) {
      error(item.at, fmt::format("a route is a map, not {}", item.describe()),
            "write `- path: …` and `module: …`");
      continue;
    }
    RouteConfig route;
    route.at = item.at;
    read_members(item, kRouteKeys, "a route", route);
    check_trigger(item, route);
    for (std::string_view needed : {"path", "module"})
      if (!item.find(needed) &&
          !(needed == "path" && (item.find("schedule") || item.find("events"))))
        error(item.at, fmt::format("the route has no `{}`", needed),
              needed == "path" ? "write `path: /something/*`" : "write `module: file.wasm`");
    config.routes.push_back(std::move(route));
  }
}

void ConfigReader::read_listen(const YamlNode& node, RouterConfig& config) {
  config.listen = list(node, "listen");
  for (const std::string& address : config.listen)
    if (auto parsed = net::Address::parse(address); !parsed)
      error(node.at, parsed.error().message(), parsed.error().remedy());
}
void ConfigReader::read_workers(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::workers>(node, "workers", config, 1, 1024, "threads");
}
void ConfigReader::read_log(const YamlNode& node, RouterConfig& config) {
  if (auto value = text(node, "log"))
    config.log =
        *value == "stdout" || *value == "stderr" || *value == "none" ? *value : resolve(*value);
}
void ConfigReader::read_max_connections(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::max_connections>(node, "max_connections", config, 1, 1'000'000,
                                           "connections");
}
void ConfigReader::read_http2(const YamlNode& node, RouterConfig& config) {
  if (size_t i = 0; choice(node, "http2", kSwitch, i)) config.http2 = i == 1;
}
void ConfigReader::read_max_streams(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::max_streams>(node, "max_streams", config, 1, 10'000, "requests");
}
void ConfigReader::read_max_header_bytes(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::max_header_bytes>(node, "max_header_bytes", config, 1024, 1 << 20,
                                            "bytes");
}
void ConfigReader::read_max_body_bytes(const YamlNode& node, RouterConfig& config) {
  if (auto value = number(node, "max_body_bytes", 0, 1 << 30, "bytes"))
    config.max_body_bytes = *value;
}
void ConfigReader::read_header_timeout(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::header_timeout_ms>(node, "header_timeout_ms", config, 1, 3'600'000,
                                             "milliseconds");
}
void ConfigReader::read_idle_timeout(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::idle_timeout_ms>(node, "idle_timeout_ms", config, 1, 3'600'000,
                                           "milliseconds");
}
void ConfigReader::read_body_timeout(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::body_timeout_ms>(node, "body_timeout_ms", config, 1, 3'600'000,
                                           "milliseconds");
}
void ConfigReader::read_drain_timeout(const YamlNode& node, RouterConfig& config) {
  read_u32<&RouterConfig::drain_timeout_ms>(node, "drain_timeout_ms", config, 0, 3'600'000,
                                            "milliseconds");
}

void ConfigReader::read_watch(const YamlNode& node, RouterConfig& config) {
  if (size_t i = 0; choice(node, "watch", kSwitch, i)) config.watch = i == 1;
}

void ConfigReader::read_path(const YamlNode& node, RouteConfig& route) {
  route.path_at = node.at;
  auto value = text(node, "path");
  if (!value) return;
  if (Result<RoutePattern> pattern = RoutePattern::parse(*value); !pattern)
    return error(node.at, pattern.error().message(), pattern.error().remedy());
  route.path = *std::move(value);
}
void ConfigReader::read_host(const YamlNode& node, RouteConfig& route) {
  auto value = text(node, "host");
  if (!value) return;
  std::ranges::transform(*value, value->begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  if (value->find_first_of("/ :*") != std::string::npos)
    return error(node.at, fmt::format("`host` is a host name, not {}", node.describe()),
                 "write it without scheme, port or `*`; leave `host` out for any host");
  route.host = *std::move(value);
}
void ConfigReader::read_methods(const YamlNode& node, RouteConfig& route) {
  for (std::string& method : list(node, "methods")) {
    std::ranges::transform(method, method.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
    });
    if (!net::is_token(method))
      error(node.at, fmt::format("`{}` is no HTTP method", method),
            "write for example [GET, POST]");
    else
      route.methods.push_back(std::move(method));
  }
}
void ConfigReader::read_module(const YamlNode& node, RouteConfig& route) {
  route.module_at = node.at;
  if (auto value = text(node, "module")) route.module = resolve(*value);
}
void ConfigReader::read_runtime(const YamlNode& node, RouteConfig& route) {
  if (size_t i = 0; choice(node, "runtime", kRuntimes, i)) route.runtime = kRuntimes[i];
}
void ConfigReader::read_backend(const YamlNode& node, RouteConfig& route) {
  std::vector<std::string_view> names;
  for (const TierName& tier : tier_names()) names.push_back(tier.name);
  if (size_t i = 0; choice(node, "backend", names, i)) route.backend = names[i];
}
void ConfigReader::read_engine(const YamlNode& node, RouteConfig& route) {
  route.engine_at = node.at;
  if (size_t i = 0; choice(node, "engine", kEngines, i)) route.external_engine = i == 1;
}
void ConfigReader::read_wasi(const YamlNode& node, RouteConfig& route) {
  route.wasi_at = node.at;
  if (size_t i = 0; choice(node, "wasi", kWasiVersions, i))
    route.wasi = static_cast<WasiVersion>(i);
}
void ConfigReader::read_kind(const YamlNode& node, RouteConfig& route) {
  route.kind_at = node.at;
  if (size_t i = 0; choice(node, "kind", kKinds, i)) route.kind = static_cast<Kind>(i);
}
void ConfigReader::read_function(const YamlNode& node, RouteConfig& route) {
  route.function_at = node.at;
  if (auto value = text(node, "function")) route.function = *std::move(value);
}
void ConfigReader::read_pool_size(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::pool_size>(node, "pool_size", route, 0, 10'000, "instances");
}
void ConfigReader::read_snapshot(const YamlNode& node, RouteConfig& route) {
  if (size_t i = 0; choice(node, "snapshot", kSwitch, i)) route.snapshot = i == 1;
}
void ConfigReader::read_reuse(const YamlNode& node, RouteConfig& route) {
  if (auto value = number(node, "reuse", 1, 1'000'000, "requests"))
    route.reuse = static_cast<uint32_t>(*value);
}
void ConfigReader::read_memory_limit(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::memory_limit_mb>(node, "memory_limit_mb", route, 1, 1 << 20, "MiB");
}
void ConfigReader::read_timeout(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::timeout_ms>(node, "timeout_ms", route, 1, 3'600'000, "milliseconds");
}
void ConfigReader::read_max_concurrency(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::max_concurrency>(node, "max_concurrency", route, 1, 10'000, "requests");
}
void ConfigReader::read_queue(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::queue>(node, "queue", route, 0, 1'000'000, "requests");
}
void ConfigReader::read_route_max_body(const YamlNode& node, RouteConfig& route) {
  if (auto value = number(node, "max_body_bytes", 0, 1 << 30, "bytes"))
    route.max_body_bytes = value;
}
void ConfigReader::read_edge_cache_ttl(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::edge_cache_ttl>(node, "edge_cache_ttl", route, 0, 31'536'000, "seconds");
}

void ConfigReader::read_edge_cache_mb(const YamlNode& node, RouteConfig& route) {
  read_u32<&RouteConfig::edge_cache_mb>(node, "edge_cache_mb", route, 0, 4096, "MiB");
}

// NAME: VALUE pairs, as a map or as a list of NAME=VALUE.
void ConfigReader::read_pairs(const YamlNode& node, std::string_view key, std::string_view what,
                              std::vector<std::pair<std::string, std::string>>& pairs) {
  if (node.kind == YamlNode::Kind::map) {
    for (const YamlMember& member : node.members) {
      if (member.key.empty() || member.key.find('=') != std::string::npos)
        error(member.at, fmt::format("`{}` is no name of {}", member.key, what));
      else if (member.value.kind == YamlNode::Kind::null)
        pairs.emplace_back(member.key, "");
      else if (member.value.kind == YamlNode::Kind::scalar)
        pairs.emplace_back(member.key, member.value.scalar);
      else
        error(member.value.at,
              fmt::format("`{}` is a text, not {}", member.key, member.value.describe()));
    }
    return;
  }
  for (const std::string& entry : list(node, key)) {
    size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos)
      error(node.at, fmt::format("`{}` is not NAME=VALUE", entry),
            fmt::format("write a map, `{}: {{NAME: VALUE}}`, or a list of NAME=VALUE", key));
    else
      pairs.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
}
void ConfigReader::read_env(const YamlNode& node, RouteConfig& route) {
  read_pairs(node, "env", "an environment variable", route.env);
}
void ConfigReader::read_variables(const YamlNode& node, RouteConfig& route) {
  read_pairs(node, "config", "a value", route.variables);
}
void ConfigReader::read_keyvalue(const YamlNode& node, RouteConfig& route) {
  route.keyvalue_at = node.at;
  if (auto value = text(node, "keyvalue"))
    route.keyvalue = *value == "memory" ? std::string() : resolve(*value);
}
void ConfigReader::read_dirs(const YamlNode& node, RouteConfig& route) {
  for (const std::string& entry : list(node, "dirs")) {
    Result<wasi::Preopen> mapping = wasi::parse_preopen(entry);
    if (!mapping) {
      error(node.at, mapping.error().message(), mapping.error().remedy());
      continue;
    }
    mapping->host = resolve(mapping->host);
    route.dirs.push_back(*std::move(mapping));
  }
}
void ConfigReader::read_args(const YamlNode& node, RouteConfig& route) {
  route.args = list(node, "args");
}
void ConfigReader::read_net(const YamlNode& node, RouteConfig& route) {
  for (std::string& rule : list(node, "net")) {
    if (auto good = wasi::make_network({.net = {rule}}); !good)
      error(node.at, good.error().message(), good.error().remedy());
    else
      route.network.net.push_back(std::move(rule));
  }
}
void ConfigReader::read_http_allow(const YamlNode& node, RouteConfig& route) {
  for (std::string& rule : list(node, "http_allow")) {
    if (auto good = wasi::make_network({.http = {rule}}); !good)
      error(node.at, good.error().message(), good.error().remedy());
    else
      route.network.http.push_back(std::move(rule));
  }
}
void ConfigReader::read_schedule(const YamlNode& node, RouteConfig& route) {
  auto value = text(node, "schedule");
  if (!value) return;
  Result<Schedule> schedule = Schedule::parse(*value);
  if (schedule)
    route.schedule = *schedule;
  else
    add(std::move(schedule).error().with_context(
        fmt::format("{}:{}:{}", file_, node.at.line, node.at.column)));
}
void ConfigReader::read_task(const YamlNode& node, RouteConfig& route) {
  if (auto value = text(node, "task")) route.task = *std::move(value);
}
void ConfigReader::read_events(const YamlNode& node, RouteConfig& route) {
  if (auto value = text(node, "events")) route.events = resolve(*value);
}
void ConfigReader::check_trigger(const YamlNode& item, RouteConfig& route) {
  if (!route.triggered()) {
    if (!route.task.empty())
      error(item.at, "the route has a `task`, but no `schedule` for it",
            "write for example `schedule: \"*/5 * * * *\"`");
    return;
  }
  if (route.kind == Kind::edge || route.kind == Kind::wcgi || route.kind == Kind::wasi_http)
    error(route.kind_at,
          fmt::format("`kind: {}` answers HTTP requests, and has no place for other events",
                      to_string(route.kind)),
          "write `kind: serverless`");
  route.command_kind = Kind::serverless;
}

struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};

}  // namespace

std::string RouteConfig::label() const {
  if (!path.empty()) return host + path;
  return task.empty() ? events.empty() ? "schedule" : "events:" + events : "task:" + task;
}

std::string_view to_string(Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::expected<RouterConfig, std::vector<Error>> parse_router_config(std::string_view text,
                                                                    const std::string& file) {
  ConfigReader reader(file);
  reader.read_text(text, {}, false);
  if (!reader.errors().empty()) return std::unexpected(std::move(reader.errors()));
  return reader.take();
}

std::expected<RouterConfig, std::vector<Error>> load_router_config(const std::string& file) {
  auto refuse = [](Error error) {
    std::vector<Error> errors;
    errors.push_back(std::move(error));
    return std::unexpected(std::move(errors));
  };
  std::unique_ptr<FILE, FileCloser> stream(std::fopen(file.c_str(), "re"));
  if (!stream)
    return refuse(Error(errno == ENOENT ? ErrorCode::file_not_found : ErrorCode::io,
                        fmt::format(": {}: {}", file, strerror(errno))));
  std::string text(kMaxYamlBytes + 1, '\0');
  size_t size = std::fread(text.data(), 1, text.size(), stream.get());
  if (std::ferror(stream.get()))
    return refuse(Error(ErrorCode::io, fmt::format(": {}: {}", file, strerror(errno))));
  text.resize(size);
  return parse_router_config(text, file);
}

}  // namespace sedge::serve
