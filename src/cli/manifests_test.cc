// Manifests: bounded, quoted, and readable by the server itself.
#if SEDGE_HAVE_SERVER
#include "cli/manifests.h"

#include <gtest/gtest.h>

#include "serve/config.h"
#include "serve/yaml_tree.h"

namespace sedge::cli {
namespace {

Deployment example() {
  Deployment d;
  d.name = "edge-fn";
  d.space = "edge";
  d.image = "sedge:1";
  d.command = {"sedge", "serve", "/etc/sedge/router.yaml"};
  d.env = {{"A", "say \"hi\"\n"}};
  d.files = {{"/etc/sedge", "router.yaml", "router.yaml",
              "  # indented\nroutes:\n  - path: /*\n    module: /wasm/m.wasm\n", true},
             {"/wasm", "m.wasm", "m.wasm", std::string("\0asm", 4), false}};
  return d;
}

TEST(Manifests, AreYamlWithTheExpectedKinds) {
  auto text = manifests(example());
  ASSERT_TRUE(text) << text.error().render();
  auto documents = serve::parse_yaml(*text, "m.yaml");
  ASSERT_TRUE(documents) << documents.error().render() << *text;
  std::string kinds;
  for (const auto& document : *documents) kinds += document.find("kind")->scalar + " ";
  EXPECT_EQ(kinds, "ConfigMap Deployment Service HorizontalPodAutoscaler ");
  const auto& config_map = (*documents)[0];
  EXPECT_EQ(config_map.find("metadata")->find("name")->scalar, "edge-fn-files");
  EXPECT_EQ(config_map.find("metadata")->find("namespace")->scalar, "edge");
  EXPECT_EQ(config_map.find("binaryData")->find("m.wasm")->scalar, "AGFzbQ==");
  const auto& container =
      (*documents)[1].find("spec")->find("template")->find("spec")->find("containers")->items[0];
  EXPECT_EQ(container.find("env")->items[0].find("value")->scalar, "say \"hi\"\n");
  EXPECT_EQ(container.find("resources")->find("limits")->find("memory")->scalar, "64Mi");
  // The server reads its own ConfigMap.
  auto config = serve::parse_router_config(*text, "m.yaml");
  ASSERT_TRUE(config) << config.error().front().render();
  EXPECT_EQ(config->routes.at(0).module, "/wasm/m.wasm");
}

TEST(Manifests, RuntimeClassOnRequest) {
  Deployment d = example();
  d.runtime_class = "sedge";
  auto text = manifests(d);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("kind: RuntimeClass\nmetadata:\n  name: \"sedge\"\nhandler: \"sedge\"\n"),
            std::string::npos);
  EXPECT_NE(text->find("      runtimeClassName: \"sedge\"\n"), std::string::npos);
}

TEST(Manifests, NamesAndSizesAreChecked) {
  for (const char* name : {"", "A", "-a", "a-", "a_b", "a\"b"}) {
    Deployment d = example();
    d.name = name;
    EXPECT_FALSE(manifests(d)) << name;
  }
  Deployment d = example();
  d.files[1].content.assign(kMaxConfigMapBytes, 'x');
  auto text = manifests(d);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message(),
            "bad argument: the files take 1048635 bytes, and a ConfigMap holds 1048576");
  EXPECT_EQ(text.error().remedy(),
            "build an image that holds the module, and give --image IMAGE --in-image "
            "/path/of/the/module.wasm");
}

TEST(Manifests, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace sedge::cli
#endif  // SEDGE_HAVE_SERVER
