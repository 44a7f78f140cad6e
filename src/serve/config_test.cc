// router.yaml: the reference document's file in both forms, every key, and whole messages of
// mistakes.
#include "serve/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sedge::serve {
namespace {

constexpr std::string_view kRoutes = R"(routes:
  - path: /api/ai/*
    runtime: wasmedge
    module: /wasm/ai-inference.wasm
    pool_size: 5
    memory_limit_mb: 128

  - path: /api/compose/*
    runtime: wasmtime
    module: /wasm/composed.component.wasm
    wasi: preview2
    pool_size: 3

  - path: /api/process/*
    runtime: wasmer
    module: /wasm/data-processor.wasm
    backend: cranelift
    pool_size: 10
    memory_limit_mb: 64

  - path: /api/static/*
    runtime: wasmedge
    module: /wasm/cache-handler.wasm
    pool_size: 20
    memory_limit_mb: 32
)";

std::string indented(std::string_view text, size_t columns) {
  std::string out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n') + 1);
    text.remove_prefix(line.size());
    if (line != "\n") out.append(columns, ' ');
    out += line;
  }
  return out;
}

std::string config_map(std::string_view router) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: runtime-router-config\ndata:\n"
         "  router.yaml: |\n" +
         indented(router, 4);
}

void expect_document(const RouterConfig& config) {
  ASSERT_EQ(config.routes.size(), 4U);
  const RouteConfig& ai = config.routes[0];
  EXPECT_EQ(ai.path, "/api/ai/*");
  EXPECT_EQ(ai.runtime, "wasmedge");
  EXPECT_EQ(ai.module, "/wasm/ai-inference.wasm");
  EXPECT_EQ(ai.pool_size, 5U);
  EXPECT_EQ(ai.memory_limit_mb, 128U);
  EXPECT_EQ(ai.kind, Kind::automatic);
  EXPECT_FALSE(ai.external_engine);
  EXPECT_EQ(config.routes[1].wasi, WasiVersion::preview2);
  EXPECT_EQ(config.routes[1].memory_limit_mb, std::nullopt);
  EXPECT_EQ(config.routes[2].backend, "cranelift");
  EXPECT_EQ(config.routes[3].pool_size, 20U);
}

std::string mistakes(std::string_view text) {
  auto config = parse_router_config(text, "dir/router.yaml");
  if (config) return "no mistake";
  std::string out;
  for (const Error& error : config.error()) out += error.render() + "\n";
  return out;
}

TEST(RouterConfig, ReadsTheDocumentsFile) {
  auto config = parse_router_config(kRoutes, "router.yaml");
  ASSERT_TRUE(config) << mistakes(kRoutes);
  expect_document(*config);
}

TEST(RouterConfig, ReadsTheConfigMap) {
  std::string text = config_map(kRoutes);
  auto config = parse_router_config(text, "map.yaml");
  ASSERT_TRUE(config) << mistakes(text);
  expect_document(*config);
  EXPECT_EQ(config->routes[0].path_at.line, 8U);
  EXPECT_EQ(config->routes[0].path_at.column, 15U);
  // Among other objects, and as a quoted text.
  std::string several = "kind: Service\nspec: {}\n---\n" + text + "---\nkind: Deployment\n";
  config = parse_router_config(several, "all.yaml");
  ASSERT_TRUE(config) << mistakes(several);
  expect_document(*config);
  EXPECT_EQ(config->routes[0].path_at.line, 11U);
  std::string quoted =
      "kind: ConfigMap\ndata:\n  router.yaml: \"routes:\\n- {path: /a, module: a.wasm}\\n\"\n";
  config = parse_router_config(quoted, "quoted.yaml");
  ASSERT_TRUE(config) << mistakes(quoted);
  EXPECT_EQ(config->routes[0].path, "/a");
  EXPECT_EQ(config->routes[0].path_at.line, 3U);
}

TEST(RouterConfig, ReadsEveryKey) {
  auto config = parse_router_config(R"(
listen: ["0.0.0.0:80", "[::]:80"]
workers: 3
log: logs/access.json
max_connections: 7
http2: false
max_streams: 8
max_header_bytes: 4096
max_body_bytes: 1000
header_timeout_ms: 1
idle_timeout_ms: 2
body_timeout_ms: 3
drain_timeout_ms: 4
routes:
  - path: "/x/{id}"
    host: Example.COM
    methods: [get, POST]
    module: sub/x.wasm
    engine: embedded
    kind: pointer
    function: process
    snapshot: false
    timeout_ms: 100
    max_concurrency: 9
    queue: 0
    max_body_bytes: 10
    edge_cache_ttl: 60
    env: {A: 1, B: "two", C: }
    dirs: [data::/data::ro, /same:/same, plain]
    args: [one, two]
  - {path: /y, module: y.wasm, env: ["K=V=W", "E="], methods: PUT, args: single}
)",
                                    "conf/router.yaml");
  ASSERT_TRUE(config) << config.error()[0].render();
  EXPECT_EQ(config->listen, (std::vector<std::string>{"0.0.0.0:80", "[::]:80"}));
  EXPECT_EQ(config->workers, 3U);
  EXPECT_EQ(config->log, "conf/logs/access.json");
  EXPECT_EQ(config->max_connections, 7U);
  EXPECT_FALSE(config->http2);
  EXPECT_EQ(config->max_streams, 8U);
  EXPECT_EQ(config->max_header_bytes, 4096U);
  EXPECT_EQ(config->max_body_bytes, 1000U);
  EXPECT_EQ(config->header_timeout_ms, 1U);
  EXPECT_EQ(config->idle_timeout_ms, 2U);
  EXPECT_EQ(config->body_timeout_ms, 3U);
  EXPECT_EQ(config->drain_timeout_ms, 4U);
  const RouteConfig& x = config->routes[0];
  EXPECT_EQ(x.host, "example.com");
  EXPECT_EQ(x.methods, (std::vector<std::string>{"GET", "POST"}));
  EXPECT_EQ(x.module, "conf/sub/x.wasm");
  EXPECT_EQ(x.kind, Kind::pointer);
  EXPECT_EQ(x.function, "process");
  EXPECT_FALSE(x.snapshot);
  EXPECT_TRUE(config->routes[1].snapshot);
  EXPECT_EQ(x.timeout_ms, 100U);
  EXPECT_EQ(x.max_concurrency, 9U);
  EXPECT_EQ(x.queue, 0U);
  EXPECT_EQ(x.max_body_bytes, 10U);
  EXPECT_EQ(x.edge_cache_ttl, 60U);
  using Env = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(x.env, (Env{{"A", "1"}, {"B", "two"}, {"C", ""}}));
  ASSERT_EQ(x.dirs.size(), 3U);
  EXPECT_EQ(x.dirs[0].host, "conf/data");
  EXPECT_EQ(x.dirs[0].guest, "/data");
  EXPECT_TRUE(x.dirs[0].readonly);
  EXPECT_EQ(x.dirs[1].host, "/same");
  EXPECT_FALSE(x.dirs[1].readonly);
  EXPECT_EQ(x.dirs[2].guest, "plain");
  EXPECT_EQ(x.args, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(config->routes[1].env, (Env{{"K", "V=W"}, {"E", ""}}));
  EXPECT_EQ(config->routes[1].methods, std::vector<std::string>{"PUT"});
}

TEST(RouterConfig, NamesMistakes) {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::string file = "dir/router.yaml:";
  const std::vector<Case> cases = {
      {"routes:\n  - path: /a\n    modul: a.wasm\n",
       file + "3:5: configuration: unknown key `modul` in a route\nhelp: did you mean `module`?\n" +
           file +
           "2:5: configuration: the route has no `module`\nhelp: write `module: file.wasm`\n"},
      {"routes:\n  - module: a.wasm\n",
       file + "2:5: configuration: the route has no `path`\nhelp: write `path: /something/*`\n"},
      {"route:\n  - path: /a\n", file +
                                     "1:1: configuration: unknown key `route` in the router file\n"
                                     "help: did you mean `routes`?\n"},
      {"listen: 80\n", file + "1:1: configuration: no `routes`: there is nothing to serve\n"
                              "help: write `routes:` with a list of `- path: …` and `module: …`\n"},
      {"", file + "1:1: configuration: no `routes`: there is nothing to serve\n"
                  "help: write `routes:` with a list of `- path: …` and `module: …`\n"},
      {"just text\n",
       file + "1:1: configuration: a router file is a map with `routes`, not `just text`\n"},
      {"routes: []\n", file + "1:9: configuration: `routes` is a list of routes, not an empty one\n"
                              "help: write `- path: …` and `module: …` below it\n"},
      {"routes:\n  path: /a\n", file +
                                    "2:3: configuration: `routes` is a list of routes, not a map\n"
                                    "help: write `- path: …` and `module: …` below it\n"},
      {"routes:\n- /a\n", file + "2:3: configuration: a route is a map, not `/a`\n"
                                 "help: write `- path: …` and `module: …`\n"},
      {"routes:\n- {path: a, module: m}\n",
       file + "2:10: configuration: bad argument: the path `a` does not begin with `/`\n"
              "help: write it like /api/*\n"},
      {"routes:\n- {path: /a, module: m, runtime: wasmege}\n",
       file + "2:34: configuration: `runtime` is one of sedge, wasmedge, wasmtime, wasmer, not "
              "`wasmege`\nhelp: did you mean `wasmedge`?\n"},
      {"routes:\n- {path: /a, module: m, wasi: p9}\n",
       file +
           "2:31: configuration: `wasi` is one of auto, preview1, preview2, preview3, not `p9`\n"},
      {"routes:\n- {path: /a, module: m, memory_limit_mb: 128MB}\n",
       file + "2:42: configuration: `memory_limit_mb` is a number of MiB from 1 to 1048576, not "
              "`128MB`\n"},
      {"routes:\n- {path: /a, module: m, pool_size: -1}\n",
       file + "2:36: configuration: `pool_size` is a number of instances from 0 to 10000, not "
              "`-1`\n"},
      {"routes:\n- {path: /a, module: m, pool_size: \"5\"}\n",
       file + "2:36: configuration: `pool_size` is a number of instances from 0 to 10000, not "
              "`5`\n"},
      {"routes:\n- {path: /a, module: m, pool_size: [5]}\n",
       file + "2:36: configuration: `pool_size` is a number of instances from 0 to 10000, not a "
              "list\n"},
      {"routes:\n- {path: /a, module: m, memroy_limit_mb: 5}\n",
       file + "2:25: configuration: unknown key `memroy_limit_mb` in a route\n"
              "help: did you mean `memory_limit_mb`?\n"},
      {"routes:\n- {path: /a, module: m, colour: red}\n",
       file + "2:25: configuration: unknown key `colour` in a route\n"
              "help: the keys are path, module, runtime, engine, backend, wasi, kind, function, "
              "host, methods, pool_size, snapshot, reuse, memory_limit_mb, timeout_ms, "
              "max_concurrency, queue, max_body_bytes, edge_cache_ttl, edge_cache_mb, env, dirs, "
              "args, net, http_allow, config, keyvalue, schedule, task, events\n"},
      {"routes:\n- {path: /a, module: m, dirs: [\"x:/y\"]}\n",
       file + "2:31: configuration: ambiguous directory mapping `x:/y`: the host's x as the "
              "guest's /y, or the host's /y as the guest's x? Tools differ\n"
              "help: write HOST::GUEST: x::/y or /y::x\n"},
      {"routes:\n- {path: /a, module: m, config: [nothing]}\n",
       file + "2:33: configuration: `nothing` is not NAME=VALUE\n"
              "help: write a map, `config: {NAME: VALUE}`, or a list of NAME=VALUE\n"},
      {"routes:\n- {path: /a, module: m, config: {a: [b]}}\n",
       file + "2:37: configuration: `a` is a text, not a list\n"},
      {"routes:\n- {path: /a, module: m, keyvalue: {file: x}}\n",
       file + "2:35: configuration: `keyvalue` is a text, not a map\n"},
      {"routes:\n- {path: /a, module: m, methods: [\"G T\"]}\n",
       file +
           "2:34: configuration: `G T` is no HTTP method\nhelp: write for example [GET, POST]\n"},
      {"routes:\n- {path: /a/:x, module: m}\n- {path: \"/a/{y}\", module: m}\n",
       file +
           "3:10: configuration: the path `/a/{y}` is already taken\nhelp: line 2 has it: remove "
           "one, or give them different `methods` or `host`\n"},
      {"listen: nowhere\nroutes:\n- {path: /a, module: m}\n",
       file +
           "1:9: configuration: bad argument: listen address `nowhere`: the port is not a number "
           "from 0 to 65535\nhelp: write HOST:PORT, for example 127.0.0.1:8080, 0.0.0.0:8080 for "
           "every IPv4 interface, or [::]:8080\n"},
      {"routes:\n- path: /a\n  path: /b\n",
       file + "3:3: configuration: `path` is there twice\n"
              "help: the first one's value is at line 2: remove one of them\n"},
      {"a: &x 1\nb: *x\n", file + "1:4: configuration: anchors (&name) are not accepted\n"
                                  "help: remove it\n"},
      {"routes: [\n", file + "2:1: configuration: not YAML: while parsing a flow node, did not "
                             "find expected node content\n"},
      {"a: b: c\n",
       file + "1:5: configuration: not YAML: mapping values are not allowed in this context\n"},
      {"kind: ConfigMap\ndata:\n  other: x\n",
       file + "3:3: configuration: the ConfigMap's `data` has no router.yaml\n"
              "help: put the router file under `data:` as `router.yaml: |`\n"},
      {"x: \xff\n", file + "1:4: configuration: the file is not UTF-8\nhelp: save it as UTF-8\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(mistakes(c.text), c.message) << c.text;
}

TEST(RouterConfig, PlacesMistakesInTheConfigMap) {
  EXPECT_EQ(mistakes(config_map("routes:\n\n  - path: /a\n    modul: x\n    module: m\n")),
            "dir/router.yaml:10:9: configuration: unknown key `modul` in a route\n"
            "help: did you mean `module`?\n");
  EXPECT_EQ(
      mistakes("data:\n  router.yaml: |2\n      routes:\n       - path: x\n         module: m\n"),
      "dir/router.yaml:4:16: configuration: bad argument: the path `x` does not begin with "
      "`/`\nhelp: write it like /api/*\n");
}

TEST(RouterConfig, TriggersNeedNoPath) {
  auto config = parse_router_config(
      "routes:\n"
      "- {module: a.wasm, schedule: \"*/5 * * * *\", task: cleanup}\n"
      "- {module: b.wasm, events: inbox}\n"
      "- {path: /c, module: c.wasm, schedule: \"@hourly\"}\n"
      "watch: false\n",
      "dir/router.yaml");
  ASSERT_TRUE(config) << config.error().front().render();
  EXPECT_FALSE(config->watch);
  EXPECT_EQ(config->routes[0].label(), "task:cleanup");
  EXPECT_EQ(config->routes[0].command_kind, Kind::serverless);
  EXPECT_EQ(config->routes[1].label(), "events:dir/inbox");
  EXPECT_EQ(config->routes[2].label(), "/c");
  auto refused = parse_router_config(
      "routes:\n"
      "- {module: a.wasm, schedule: \"61 * * * *\"}\n"
      "- {module: a.wasm, schedule: \"@daily\", kind: edge}\n"
      "- {path: /x, module: a.wasm, task: t}\n",
      "r.yaml");
  ASSERT_FALSE(refused);
  std::string text;
  for (const Error& error : refused.error()) text += error.render() + "\n";
  EXPECT_EQ(text,
            "r.yaml:2:30: configuration: `61` is no minute of a schedule\n"
            "help: write *, numbers from 0 to 59, ranges a-b, steps */n, or a list of these with "
            "commas\n"
            "r.yaml:3:46: configuration: `kind: edge` answers HTTP requests, and has no place for "
            "other events\n"
            "help: write `kind: serverless`\n"
            "r.yaml:4:3: configuration: the route has a `task`, but no `schedule` for it\n"
            "help: write for example `schedule: \"*/5 * * * *\"`\n");
}

TEST(RouterConfig, IsBounded) {
  std::string deep = "routes: ";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  EXPECT_EQ(mistakes(deep + "\n"),
            "dir/router.yaml:1:40: configuration: nested deeper than 32 levels\n");
  std::string aliases = "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
  EXPECT_EQ(mistakes(aliases),
            "dir/router.yaml:1:4: configuration: anchors (&name) are not "
            "accepted\nhelp: remove it\n");
  EXPECT_EQ(mistakes(std::string(kMaxYamlBytes + 1, ' ')),
            "dir/router.yaml:1:1: configuration: the file has 1048577 bytes, more than 1048576\n");
  std::string wide = "routes: [";
  for (size_t i = 0; i <= kMaxYamlNodes; ++i) wide += "1,";
  EXPECT_EQ(mistakes(wide + "]\n").substr(0, 15), "dir/router.yaml");
  std::string keys;
  for (size_t i = 0; i <= kMaxYamlMembers; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(mistakes(keys),
            "dir/router.yaml:4097:1: configuration: more than 4096 keys in one map\n");
  EXPECT_EQ(
      mistakes(",rr"),
      "dir/router.yaml:1:1: configuration: not YAML: while parsing a block node, did not find "
      "expected node content\n");
  EXPECT_EQ(mistakes("routes: \x01\n"),
            "dir/router.yaml:1:9: configuration: not YAML: control characters are not allowed\n");
  std::string wrong = "routes:\n";
  for (int i = 0; i < 25; ++i) wrong += "- {module: a.wasm, schedule: never}\n";
  std::string named = mistakes(wrong);
  EXPECT_EQ(std::ranges::count(named, '\n'), 40) << named;  // 20, each with its remedy
}

TEST(RouterConfig, GivesComponentsConfigurationAndAStore) {
  auto config = parse_router_config(
      "routes:\n"
      "- {path: /a, module: m, config: {greeting: hello, empty: }, keyvalue: data/kept.db}\n"
      "- {path: /b, module: m, config: [a=b=c], keyvalue: memory}\n"
      "- {path: /c, module: m}\n",
      "dir/router.yaml");
  ASSERT_TRUE(config.has_value());
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(config->routes[0].variables, (Pairs{{"greeting", "hello"}, {"empty", ""}}));
  EXPECT_EQ(config->routes[0].keyvalue, "dir/data/kept.db");
  EXPECT_EQ(config->routes[1].variables, (Pairs{{"a", "b=c"}}));
  EXPECT_EQ(config->routes[1].keyvalue, "");
  EXPECT_FALSE(config->routes[2].keyvalue);
}

TEST(RouterConfig, SaysThatAFileIsMissing) {
  auto config = load_router_config("/nonexistent/router.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error()[0].render(),
            "file not found: /nonexistent/router.yaml: No such file or directory");
}

}  // namespace
}  // namespace sedge::serve
