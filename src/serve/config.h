// router.yaml: what it may say, and reading it. Takes the plain file and its Kubernetes form (a
// ConfigMap with the file under data). Every mistake is reported, each with its place.
#ifndef SEDGE_SERVE_CONFIG_H_
#define SEDGE_SERVE_CONFIG_H_

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>
#include <sedge/wasi.h>

#include "serve/schedule.h"
#include "serve/yaml_tree.h"

namespace sedge::serve {

/// How a route's module is spoken to.
enum class Kind : uint8_t {
  automatic,   ///< What the module's exports say.
  edge,        ///< Command: one event object on stdin, one response object on stdout.
  serverless,  ///< Command: {event_type, data, timestamp} on stdin, any JSON on stdout.
  pointer,     ///< Export `f(ptr, len) -> ptr`: the request body in, JSON out.
  wasi_http,   ///< Component that exports wasi:http/incoming-handler.
  wcgi,        ///< Command: CGI over WASI.
};
std::string_view to_string(Kind kind);

enum class WasiVersion : uint8_t { automatic, preview1, preview2, preview3 };

/// One entry of `routes`.
struct RouteConfig {
  Position at;
  std::string path;  ///< Pattern: see Router.
  Position path_at;
  std::string host;                  ///< Empty: any.
  std::vector<std::string> methods;  ///< Upper case; empty: any.
  std::string module;                ///< Path, resolved against the router file's folder.
  Position module_at;
  std::string runtime = "sedge";  ///< Profile: wasmedge, wasmtime, wasmer, sedge.
  std::string backend;            ///< As written; empty if not.
  bool external_engine = false;
  Position engine_at;
  WasiVersion wasi = WasiVersion::automatic;
  Position wasi_at;
  Kind kind = Kind::automatic;
  Kind command_kind = Kind::edge;  ///< What `automatic` makes of a command.
  Position kind_at;
  std::string function;  ///< Export of a pointer function; empty: the one that there is.
  Position function_at;
  std::optional<uint32_t> pool_size;  ///< Prepared instances kept ready.
  bool snapshot = true;               ///< Initialise once, start every instance from there.
  uint32_t reuse = 1;  ///< Requests that one instance of a component answers, one by one.
  std::optional<uint32_t> memory_limit_mb;  ///< MiB, all memories of an instance together.
  uint32_t timeout_ms = 30000;              ///< From the request's arrival to its answer.
  std::optional<uint32_t> max_concurrency;  ///< Requests that run at once.
  uint32_t queue = 1024;                    ///< Requests that wait for that; beyond: 429.
  std::optional<uint64_t> max_body_bytes;   ///< Beyond: 413.
  std::optional<uint32_t> edge_cache_ttl;   ///< Seconds, for responses that say nothing.
  uint32_t edge_cache_mb = 16;              ///< MiB of responses kept; 0: none.
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<wasi::Preopen> dirs;  ///< Relative ones resolved, to the router file's folder.
  std::vector<std::string> args;
  wasi::NetworkRules network;                                  ///< Of a component.
  std::vector<std::pair<std::string, std::string>> variables;  ///< Of wasi:config.
  std::optional<std::string> keyvalue;  ///< File of wasi:keyvalue; empty: in memory.
  Position keyvalue_at;
  std::vector<std::pair<std::string, std::string>> keyvalue_data;  ///< Of the command line.
  std::optional<Schedule> schedule;                                ///< Also called at these times.
  std::string task;    ///< `data.task` of a scheduled event; default: the label.
  std::string events;  ///< Folder into which events are put; empty: none.

  bool triggered() const { return schedule || !events.empty(); }
  /// What logs and metrics call it: host and path, or what triggers it.
  std::string label() const;
};

/// The whole file.
struct RouterConfig {
  std::string file;  ///< As the user named it.
  std::vector<RouteConfig> routes;
  std::vector<std::string> listen;
  std::optional<uint32_t> workers;  ///< Event loops; default: one per core.
  std::optional<std::string> log;   ///< stdout, stderr, none or a path.
  uint32_t max_connections = 10000;
  bool http2 = true;           ///< As far as the build has it.
  uint32_t max_streams = 100;  ///< Requests at once on one connection of HTTP/2.
  uint32_t max_header_bytes = 32768;
  uint64_t max_body_bytes = 10 << 20;
  uint32_t header_timeout_ms = 10000;
  uint32_t idle_timeout_ms = 75000;
  uint32_t body_timeout_ms = 20000;
  bool watch = true;                  ///< Reload when the file or a module changes.
  uint32_t drain_timeout_ms = 25000;  ///< Below Kubernetes' grace period of 30 s.
};

/// Reads `file`. On failure every mistake that was found, at most 20, in the order of the file.
std::expected<RouterConfig, std::vector<Error>> load_router_config(const std::string& file);
/// The same for a text; relative paths are resolved against the folder of `file`.
std::expected<RouterConfig, std::vector<Error>> parse_router_config(std::string_view text,
                                                                    const std::string& file);

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_CONFIG_H_
