// The table, and a test that its lines stand in the document in this order. Installing tools and
// cargo are left out: the guests are built beforehand.
#include "reference_commands.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "base/test_paths.h"

namespace sedge::test {
namespace {

constexpr ReferenceFile kFiles[] = {
    {"target/wasm32-wasip1/release/wasmedge_edge_service.wasm", "p1_edge_service_verbatim.wasm"},
    {"target/wasm32-wasip2/release/wasmtime_serverless.wasm", "p2_serverless.component.wasm"},
    {"target/wasm32-wasip1/release/wasmer_container_service.wasm", "p3_container_service.wasm"},
    {"target/wasm32-wasip1/release/calculator.wasm", "p4_calculator_verbatim.wasm"},
    {"target/wasm32-wasip1/release/formatter.wasm", "p4_formatter.core.wasm"},
    // What `component new` makes of the two, with their WIT and adapters.
    {"calculator.component.wasm", "p4_calculator.component.wasm"},
    {"formatter.component.wasm", "p4_formatter.component.wasm"},
    {"composed.component.wasm", "p4_composed.component.wasm"},
    {"target/wasm32-wasip1/release/edge_function.wasm", "p5_edge_function.wasm"},
    {"wrong_target.wasm", "p5_edge_function_wrong_target.wasm"},
    {"module.wasm", "p5_edge_function.wasm"},
    {"module_wasip1.wasm", "p2_serverless_wasip1.wasm"},
    {"module_wasip2.wasm", "p2_serverless.component.wasm"},
    {"component_a.wasm", "p4_calculator_mismatch.component.wasm"},
    {"component_b.wasm", "p4_formatter.component.wasm"},
    {"reader.wasm", "zstd_bench.wasm"},
    {"target/wasm32-wasip2/release/module.wasm", "p2_serverless.component.wasm"},
    {"target/wasm32-wasip1/release/module.wasm", "p3_container_service.wasm"},
    {"wasm/ai-inference.wasm", "p1_edge_service_verbatim.wasm"},
    {"wasm/composed.component.wasm", "p4_composed.component.wasm"},
    {"wasm/data-processor.wasm", "p3_container_service.wasm"},
    {"wasm/cache-handler.wasm", "p5_edge_function.wasm"},
    // What a compiler would have written: where there is none, the module stands in.
    {"wasmedge_edge_service_aot.wasm", "p1_edge_service_verbatim.wasm"},
    {"edge_function_aot.wasm", "p5_edge_function.wasm"},
    {"app/edge_function_aot.wasm", "p5_edge_function.wasm"},
};

constexpr std::string_view kStandsIn =
    "Where there is no compiler, the module itself stands for the artifact.";

constexpr ReferenceCommand kCommands[] = {
    {"Pattern 1: WasmEdge Deployment with Rust + WASI",
     "wasmedgec target/wasm32-wasip1/release/wasmedge_edge_service.wasm "
     "wasmedge_edge_service_aot.wasm",
     "compile"},
    {"Pattern 1: WasmEdge Deployment with Rust + WASI",
     R"(echo '{"action":"transform","payload":{"name":"edge","version":2}}' | \
  wasmedge --dir .:. wasmedge_edge_service_aot.wasm handle_request)",
     "", 0, kStandsIn},
    {"Pattern 1: WasmEdge Deployment with Rust + WASI",
     "wasmedge --dir .:. wasmedge_edge_service_aot.wasm handle_request < benchmark_input.json", ""},

    {"Pattern 2: Wasmtime Serverless Function with WASI Preview2", "wasmtime --version", ""},
    {"Pattern 2: Wasmtime Serverless Function with WASI Preview2",
     R"(echo '{"event_type":"http-request","data":{"path":"/api/v1/status","method":"GET"},"timestamp":1718438400}' | \
  wasmtime run --wasi preview2 target/wasm32-wasip2/release/wasmtime_serverless.wasm)",
     "components"},
    {"Pattern 2: Wasmtime Serverless Function with WASI Preview2",
     R"(wasmtime run \
  --wasi preview2 \
  --opt-level 2 \
  --cranelift \
  --max-wasm-stack 1048576 \
  target/wasm32-wasip2/release/wasmtime_serverless.wasm)",
     "components"},

    {"Pattern 3: Wasmer Containerized Wasm Service", "wasmer --version", ""},
    {"Pattern 3: Wasmer Containerized Wasm Service",
     "wasmer run --backend cranelift "
     "target/wasm32-wasip1/release/wasmer_container_service.wasm",
     "", 0, "Without a request on standard input the function answers that there was none."},
    {"Pattern 3: Wasmer Containerized Wasm Service",
     R"(wasmer deploy \
  --name edge-container-service \
  --module target/wasm32-wasip1/release/wasmer_container_service.wasm \
  --env PRODUCTION=true)",
     "deploy"},
    {.section = "Pattern 3: Wasmer Containerized Wasm Service",
     .typed = R"(wasmer run --backend cranelift --net host \
  target/wasm32-wasip1/release/wasmer_container_service.wasm)",
     .needs = "serve",
     .remark = "The module answers HTTP, on port 8000 unless --addr says otherwise.",
     .instead = "wasmer run --backend cranelift --net host --addr 127.0.0.1:0 "
                "target/wasm32-wasip1/release/wasmer_container_service.wasm",
     .request = R"(/ {"service":"text-process","operation":"x","params":{"text":"two words"}})"},

    {"Pattern 4: Component Model Composition with WIT",
     R"(wasm-tools component new \
  target/wasm32-wasip1/release/calculator.wasm \
  -o calculator.component.wasm)",
     "component new", 1,
     "The document's calculator has no WIT information: the message says what to do."},
    {"Pattern 4: Component Model Composition with WIT",
     R"(wasm-tools component new \
  target/wasm32-wasip1/release/formatter.wasm \
  -o formatter.component.wasm)",
     "component new", 0, "Its WASI 0.1 imports become those of WASI 0.2 by sedge's own adapter."},
    {"Pattern 4: Component Model Composition with WIT",
     R"(wasm-tools compose \
  --component formatter.component.wasm \
  --dependency calculator:calculator.component.wasm \
  -o composed.component.wasm)",
     "compose"},
    {.section = "Pattern 4: Component Model Composition with WIT",
     .typed = "wasmtime run --wasi preview2 composed.component.wasm",
     .needs = "components",
     .remark = "The document's program reads its request from standard input.",
     .instead = R"(echo '{"format_type":"json-pretty","input":"[1,2]"}' | \
  wasmtime run --wasi preview2 composed.component.wasm)"},

    {"Pattern 5: Edge Function Deployment with WasmEdge",
     "wasmedgec target/wasm32-wasip1/release/edge_function.wasm edge_function_aot.wasm", "compile"},
    {"Pattern 5: Edge Function Deployment with WasmEdge",
     R"(echo '{"request_id":"req-001","source_ip":"10.0.0.1","path":"/api/geo","method":"GET","headers":{"x-edge-region":"cn-north"},"body":null,"query_params":{}}' | \
  wasmedge --dir .:. edge_function_aot.wasm)",
     "", 0, kStandsIn},
    {.section = "Pattern 5: Edge Function Deployment with WasmEdge",
     .typed = "wasmedge --dir /app:/app /app/edge_function_aot.wasm",
     .needs = "serve",
     .remark = "The command of the document's Deployment, in a pod: there is no event on standard "
               "input, so the function is served on port 8080.",
     .instead = "wasmedge --dir app:app app/edge_function_aot.wasm",
     .request = "/api/cache?max_age=60",
     .env = "KUBERNETES_SERVICE_HOST=10.0.0.1 PORT=0"},

    {"Pattern 6: Production Runtime Selection Framework", "sedge select scenarios.yaml", "select",
     0, "The document's program as a command; the file has its three scenarios."},

    {"Pitfall 1: Compiling WASI modules with wasm32-unknown-unknown", "wasmedge wrong_target.wasm",
     "", 1},
    {"Pitfall 2: Cross-platform deployment after AOT compilation",
     "wasmedgec module.wasm module_aot.wasm", "compile"},
    {"Pitfall 3: Ignoring WASI version differences",
     "wasmtime run --wasi preview2 module_wasip1.wasm", "", 1},
    {"Pitfall 3: Ignoring WASI version differences",
     "wasmtime run --wasi preview1 module_wasip1.wasm", ""},
    {"Pitfall 3: Ignoring WASI version differences",
     "wasmtime run --wasi preview2 module_wasip2.wasm", "components"},
    {"Pitfall 4: Not setting Wasm memory limits", "wasmedge module.wasm", ""},
    {"Pitfall 4: Not setting Wasm memory limits", "wasmedge --memory-page-limit 512 module.wasm",
     ""},
    {"Pitfall 5: Incompatible Component Model interfaces",
     "wasm-tools compose --component component_b.wasm --dependency calculator:component_a.wasm "
     "-o composed.wasm",
     "compose", 1},

    {"Error: module load failed", "wasmedge corrupted.wasm", "", 1,
     "The module, cut short in the middle."},
    {"Error: incompatible WASI version", "wasmtime run --wasi preview1 module_wasip2.wasm", "", 1},
    {"Error: backend not available", "wasmer run --backend craneleft module.wasm", "", 1},
    {"Error: backend not available", "wasmer run --backend singlepass module.wasm", ""},
    {"Error: backend not available", "wasmer run --backend llvm module.wasm", ""},
    {"Error: out of memory", "wasmedge --memory-page-limit 18 module.wasm", "", 1},
    {"Error: cannot import wasi_snapshot_preview1", "wasmedge missing_import.wat", "", 1},
    {"Error: component composition failed",
     "wasm-tools component new --wit wit/calculator.wit "
     "target/wasm32-wasip1/release/calculator.wasm -o calculator.component.wasm",
     "component new", 1,
     "With the document's WIT the functions are found by their names; one has another type there."},
    {"Error: unsupported opcode", "wasmedge unknown_opcode.wasm", "", 1},
    {"Error: illegal instruction",
     "wasmtime compile --target aarch64-unknown-linux-gnu module.wasm -o arm.wasm && "
     "wasmtime run --allow-precompiled arm.wasm",
     "compile", 0, "Code of another processor is not run: the module is, as it was."},
    {"Error: permission denied", "wasmedge reader.wasm /app/data", "", 1},
    {"Error: permission denied", "wasmedge --dir /other:app reader.wasm /app/data", "", 1},
    {"Error: permission denied", "wasmedge --dir /app:app:readonly reader.wasm /app/data", "", 1},

    {.section = "Extreme Cold Start Optimization",
     .typed = R"(wasmedge --dir /app:/app \
  --preload module:edge_function_aot.wasm \
  --pool-size 10 \
  edge_function_aot.wasm)",
     .needs = "",
     .instead = "wasmedge --dir app:app --preload module:edge_function_aot.wasm --pool-size 10 "
                "edge_function_aot.wasm"},
    {"Extreme Cold Start Optimization",
     R"(wasmtime compile --cranelift --opt-level speed \
  target/wasm32-wasip2/release/module.wasm)",
     "components"},
    {"Extreme Cold Start Optimization",
     R"(wasmer compile --llvm target/wasm32-wasip1/release/module.wasm \
  -o module_native.so)",
     "compile"},
    {"Module Size Compression", "wasm-opt -Oz -o module_opt.wasm module.wasm", "opt"},
    {.section = "Multi-Runtime Hybrid Deployment",
     .typed = "sedge serve runtime-router-config.yaml",
     .needs = "serve",
     .remark = "The document's ConfigMap; its modules lie in /wasm.",
     .instead = "sedge serve --listen 127.0.0.1:0 runtime-router-config.yaml",
     .request =
         R"(/api/process/x {"service":"json-transform","operation":"x","params":{"input":{"a":1},"op":"keys"}})"},
};

}  // namespace

std::span<const ReferenceFile> reference_files() { return kFiles; }
std::span<const ReferenceCommand> reference_commands() { return kCommands; }

namespace {

/// Words with one space between them; a line that goes on is one line.
std::string squeezed(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool space = c == ' ' || c == '\n' || c == '\\';
    if (!space)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

TEST(ReferenceTable, HasTheDocumentsLinesInTheirOrder) {
  namespace fs = std::filesystem;
  std::string document;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(shared_path("reference"), error)) {
    std::ifstream file(entry.path());
    document.append(std::istreambuf_iterator<char>(file), {});
  }
  if (document.empty()) GTEST_SKIP() << "the reference document is not there";
  document = squeezed(document);
  size_t at = 0;
  for (const ReferenceCommand& command : kCommands) {
    // What provokes a warning, and what the document gives as YAML or Rust, is typed in our words.
    if (command.section.starts_with("Error: ") || command.typed.starts_with("sedge ") ||
        command.section.starts_with("Pitfall 1") || command.section.starts_with("Pitfall 5") ||
        command.typed.starts_with("wasmedge --dir /app:/app /app/"))
      continue;
    size_t found = document.find(squeezed(command.typed), at);
    EXPECT_NE(found, std::string::npos) << command.typed;
    if (found != std::string::npos) at = found;
  }
}

}  // namespace
}  // namespace sedge::test
