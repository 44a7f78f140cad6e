// The six rules in their order, on the scenarios of the reference document and with every value
// changed; what is recommended is a route that the server takes.
#if SEDGE_HAVE_SERVER
#include "cli/selection.h"

#include <gtest/gtest.h>

#include "serve/config.h"

namespace sedge::cli {
namespace {

constexpr std::string_view kScenarios = R"(
- scenario: Edge AI Inference
  cold_start_requirement_ms: 2
  module_size_limit_mb: 10
  target_architectures: [x86_64, aarch64]
  wasi_version: preview1
  needs_component_model: false
  needs_networking: false
  needs_ai_inference: true
  team_rust_expertise: true
  kubernetes_integration: false
- scenario: Serverless Function Platform
  cold_start_requirement_ms: 5
  module_size_limit_mb: 20
  target_architectures: [x86_64]
  wasi_version: preview2
  needs_component_model: true
  needs_networking: true
  needs_ai_inference: false
  team_rust_expertise: true
  kubernetes_integration: false
- scenario: Multi-Language Plugin System
  cold_start_requirement_ms: 50
  module_size_limit_mb: 50
  target_architectures: [x86_64, aarch64, riscv64]
  wasi_version: preview1
  needs_component_model: true
  needs_networking: true
  needs_ai_inference: false
  team_rust_expertise: false
  kubernetes_integration: false
)";

std::vector<Criteria> parsed(std::string_view text) {
  auto result = parse_criteria(text, "s.yaml");
  if (!result) {
    ADD_FAILURE() << result.error().front().render();
    return {};
  }
  return *result;
}

TEST(Selection, TheDocumentsScenariosGetItsAnswers) {
  std::vector<Criteria> scenarios = parsed(kScenarios);
  ASSERT_EQ(scenarios.size(), 3);
  auto line = [&](size_t i) {
    return "[" + scenarios[i].scenario + "] -> " +
           std::string(selection_rules()[select_rule(scenarios[i])].answer);
  };
  EXPECT_EQ(line(0),
            "[Edge AI Inference] -> WasmEdge - WASI-NN + AOT compilation, best for AI inference "
            "scenarios");
  EXPECT_EQ(line(1),
            "[Serverless Function Platform] -> Wasmtime - First-class Component Model support, "
            "native preview2 implementation");
  EXPECT_EQ(line(2),
            "[Multi-Language Plugin System] -> WasmEdge - Best overall for edge computing, active "
            "community, comprehensive docs");
  EXPECT_EQ(select_rule(scenarios[2]), 5);
}

struct Change {
  const char* criteria;
  size_t rule;  ///< from 1
};

TEST(Selection, EachRuleFiresByItsValuesAlone) {
  for (const Change& c : {
           Change{"{needs_ai_inference: true, cold_start_requirement_ms: 4}", 1},
           Change{"{needs_ai_inference: true, cold_start_requirement_ms: 5}", 6},
           Change{"{needs_ai_inference: true}", 6},
           Change{"{needs_ai_inference: true, cold_start_requirement_ms: 4, wasi_version: preview2,"
                  " needs_component_model: true}",
                  1},
           Change{"{needs_component_model: true, wasi_version: preview2}", 2},
           Change{"{needs_component_model: true, wasi_version: preview1}", 6},
           Change{"{needs_networking: true, target_architectures: [a, b, c, d]}", 3},
           Change{"{needs_networking: true, target_architectures: [a, b, c]}", 6},
           Change{"{needs_networking: false, target_architectures: [a, b, c, d]}", 6},
           Change{"{kubernetes_integration: true, cold_start_requirement_ms: 9}", 4},
           Change{"{kubernetes_integration: true, cold_start_requirement_ms: 10}", 6},
           Change{"{team_rust_expertise: true, needs_component_model: true}", 5},
           Change{"{team_rust_expertise: true, needs_component_model: true, "
                  "kubernetes_integration: true, cold_start_requirement_ms: 1}",
                  4},
           Change{"{team_rust_expertise: true}", 6},
       }) {
    std::vector<Criteria> scenarios = parsed(c.criteria);
    ASSERT_EQ(scenarios.size(), 1) << c.criteria;
    EXPECT_EQ(select_rule(scenarios[0]) + 1, c.rule) << c.criteria;
  }
}

TEST(Selection, ReadsJsonAndNestedLists) {
  auto json = parsed(R"([{"scenario": "A", "needs_networking": true}, {"scenario": "B"}])");
  ASSERT_EQ(json.size(), 2);
  EXPECT_TRUE(json[0].needs_networking);
  EXPECT_EQ(json[1].scenario, "B");
  EXPECT_EQ(parsed("scenarios:\n  - scenario: C\n").at(0).scenario, "C");
}

TEST(Selection, MistakesHaveTheirPlaceAndTheNearestName) {
  auto result = parse_criteria(
      "scenario: x\nneeds_ai_infrence: true\nteam_rust_expertise: perhaps\n"
      "cold_start_requirement_ms: soon\n",
      "s.yaml");
  ASSERT_FALSE(result);
  ASSERT_EQ(result.error().size(), 3);
  EXPECT_EQ(result.error()[0].render(),
            "s.yaml:2:1: configuration: unknown criterion `needs_ai_infrence`\n"
            "help: did you mean `needs_ai_inference`?");
  EXPECT_EQ(result.error()[1].render(),
            "s.yaml:3:22: bad argument: `team_rust_expertise` is true or false, not `perhaps`");
  EXPECT_EQ(result.error()[2].render(),
            "s.yaml:4:28: bad argument: `cold_start_requirement_ms soon`: write a whole number");
  EXPECT_FALSE(parse_criteria("", "s.yaml"));
  EXPECT_FALSE(parse_criteria("- 3", "s.yaml"));
}

TEST(Selection, WhatIsRecommendedIsARouteOfTheServer) {
  std::string router = "routes:\n";
  for (const Criteria& criteria : parsed(kScenarios)) router += route_yaml(recommend(criteria));
  auto config = serve::parse_router_config(router, "router.yaml");
  ASSERT_TRUE(config) << config.error().front().render() << router;
  ASSERT_EQ(config->routes.size(), 3);
  EXPECT_EQ(config->routes[0].path, "/api/edge-ai-inference/*");
  EXPECT_EQ(config->routes[0].runtime, "wasmedge");
  EXPECT_EQ(config->routes[0].pool_size, 10);
  EXPECT_EQ(config->routes[0].memory_limit_mb, 128);
  EXPECT_EQ(config->routes[1].module, "/wasm/serverless-function-platform.component.wasm");
  EXPECT_EQ(config->routes[1].wasi, serve::WasiVersion::preview2);
  EXPECT_EQ(config->routes[2].pool_size, 2);
}

}  // namespace
}  // namespace sedge::cli
#endif  // SEDGE_HAVE_SERVER
