// Rules, recommendation, and reading criteria from a file. Empty in builds without the server,
// whose YAML reader it uses.
#if SEDGE_HAVE_SERVER
#include "cli/selection.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest.h"
#include "cli/build_info.h"
#include "cli/units.h"
#include "engine/tier_names.h"
#include "serve/yaml_tree.h"

namespace sedge::cli {
namespace {

constexpr CriteriaField kFields[] = {
    {.name = "scenario", .text = &Criteria::scenario},
    {.name = "cold_start_requirement_ms", .number = &Criteria::cold_start_requirement_ms},
    {.name = "module_size_limit_mb", .number = &Criteria::module_size_limit_mb},
    {.name = "target_architectures", .list = &Criteria::target_architectures},
    {.name = "wasi_version", .text = &Criteria::wasi_version},
    {.name = "needs_component_model", .flag = &Criteria::needs_component_model},
    {.name = "needs_networking", .flag = &Criteria::needs_networking},
    {.name = "needs_ai_inference", .flag = &Criteria::needs_ai_inference},
    {.name = "team_rust_expertise", .flag = &Criteria::team_rust_expertise},
    {.name = "kubernetes_integration", .flag = &Criteria::kubernetes_integration},
};

constexpr Rule kRules[] = {
    {"needs_ai_inference and cold_start_requirement_ms < 5",
     [](const Criteria& c) { return c.needs_ai_inference && c.cold_start_requirement_ms < 5; },
     "wasmedge", "WasmEdge - WASI-NN + AOT compilation, best for AI inference scenarios"},
    {"needs_component_model and wasi_version is preview2",
     [](const Criteria& c) { return c.needs_component_model && c.wasi_version == "preview2"; },
     "wasmtime", "Wasmtime - First-class Component Model support, native preview2 implementation"},
    {"needs_networking and more than 3 target_architectures",
     [](const Criteria& c) { return c.needs_networking && c.target_architectures.size() > 3; },
     "wasmer",
     "Wasmer - Multi-backend support, mature networking plugins, most flexible cross-architecture"},
    {"kubernetes_integration and cold_start_requirement_ms < 10",
     [](const Criteria& c) { return c.kubernetes_integration && c.cold_start_requirement_ms < 10; },
     "wasmedge", "WasmEdge - Mature Krustlet integration, best K8s ecosystem support"},
    {"team_rust_expertise and needs_component_model",
     [](const Criteria& c) { return c.team_rust_expertise && c.needs_component_model; }, "wasmtime",
     "Wasmtime - Bytecode Alliance led, tightest Rust ecosystem integration"},
    {"none of the rules before", [](const Criteria&) { return true; }, "wasmedge",
     "WasmEdge - Best overall for edge computing, active community, comprehensive docs"},
};

/// "Edge AI Inference" → "edge-ai-inference"; never empty.
std::string slug(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "function" : out;
}

class CriteriaReader {
 public:
  explicit CriteriaReader(std::string_view file) : file_(file) {}
  std::vector<Criteria> scenarios;
  std::vector<Error> errors;

  void document(const serve::YamlNode& node) {
    if (node.kind == serve::YamlNode::Kind::sequence) {
      for (const serve::YamlNode& item : node.items) scenario(item);
    } else if (const serve::YamlNode* list = node.find("scenarios");
               list && list->kind == serve::YamlNode::Kind::sequence) {
      for (const serve::YamlNode& item : list->items) scenario(item);
    } else if (node.kind != serve::YamlNode::Kind::null) {
      scenario(node);
    }
  }

 private:
  void error(serve::Position at, std::string message, std::string remedy = {}) {
    errors.push_back(serve::config_error(file_, at, std::move(message), std::move(remedy)));
  }

  void scenario(const serve::YamlNode& node) {
    if (node.kind != serve::YamlNode::Kind::map)
      return error(node.at, fmt::format("a scenario is a map, not {}", node.describe()));
    Criteria criteria;
    for (const serve::YamlMember& member : node.members) {
      const auto* field =
          std::ranges::find(kFields, std::string_view(member.key), &CriteriaField::name);
      if (field != std::end(kFields)) {
        read(member, *field, criteria);
        continue;
      }
      std::vector<std::string_view> names;
      for (const CriteriaField& known : kFields) names.push_back(known.name);
      std::string_view meant = nearest(member.key, names);
      error(member.at, fmt::format("unknown criterion `{}`", member.key),
            meant.empty() ? fmt::format("the criteria are {}", fmt::join(names, ", "))
                          : fmt::format("did you mean `{}`?", meant));
    }
    scenarios.push_back(std::move(criteria));
  }

  void read(const serve::YamlMember& member, const CriteriaField& field, Criteria& criteria) {
    const serve::YamlNode& value = member.value;
    if (field.list && value.kind == serve::YamlNode::Kind::sequence) {
      for (const serve::YamlNode& item : value.items) {
        if (item.kind == serve::YamlNode::Kind::scalar)
          (criteria.*field.list).push_back(item.scalar);
        else
          error(item.at, fmt::format("`{}` holds names, not {}", field.name, item.describe()));
      }
      return;
    }
    if (value.kind != serve::YamlNode::Kind::scalar)
      return error(value.at, fmt::format("`{}` is {}", field.name, value.describe()));
    if (auto set = set_field(criteria, field, value.scalar, field.name); !set)
      errors.push_back(std::move(set).error().with_context(
          fmt::format("{}:{}:{}", file_, value.at.line, value.at.column)));
  }

  std::string_view file_;
};

}  // namespace

std::span<const CriteriaField> criteria_fields() { return kFields; }
std::span<const Rule> selection_rules() { return kRules; }

Result<void> set_field(Criteria& criteria, const CriteriaField& field, std::string_view text,
                       std::string_view shown) {
  if (field.flag) {
    if (text != "true" && text != "false")
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `{}` is true or false, not `{}`", shown, text));
    criteria.*field.flag = text == "true";
  } else if (field.number) {
    SEDGE_TRY_ASSIGN(criteria.*field.number, parse_count(shown, text));
  } else if (field.list) {
    std::vector<std::string>& list = criteria.*field.list;
    list.clear();
    while (!text.empty()) {
      size_t end = text.find(',');
      if (end > 0) list.emplace_back(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
  } else {
    criteria.*field.text = text;
  }
  return {};
}

size_t select_rule(const Criteria& criteria) {
  return static_cast<size_t>(
      std::ranges::find_if(kRules, [&](const Rule& rule) { return rule.holds(criteria); }) -
      std::begin(kRules));
}

Recommendation recommend(const Criteria& criteria) {
  Recommendation out;
  out.profile = kRules[select_rule(criteria)].profile;
  bool fast = criteria.cold_start_requirement_ms < 10;
  bool patient = criteria.cold_start_requirement_ms >= 50;
  bool llvm = patient && !criteria.kubernetes_integration && Engine::has(Tier::llvm);
  out.tier = llvm ? "llvm" : "auto";
  out.reasons.emplace_back(llvm ? "tier llvm: the first start may take 50 ms or more, so that code "
                                  "can be fully optimised before it runs"
                                : "tier auto: it starts at once, whatever the build has to compile "
                                  "with");
  out.pool_size = fast ? 10 : 2;
  if (criteria.cold_start_requirement_ms == kNoRequirement)
    out.reasons.emplace_back("pool_size 2: no cold start is required");
  else
    out.reasons.push_back(fmt::format(
        "pool_size {}: a cold start of {} ms {}", out.pool_size, criteria.cold_start_requirement_ms,
        fast ? "is kept by instances that are ready before a request comes"
             : "leaves time to make an instance"));
  uint64_t module_mb = criteria.module_size_limit_mb;
  uint64_t memory = criteria.needs_ai_inference ? 128 : 32;
  while (memory < module_mb * 2 && memory < 4096) memory *= 2;
  if (criteria.kubernetes_integration) memory = std::min<uint64_t>(memory, 32);
  out.memory_limit_mb = static_cast<uint32_t>(memory);
  out.reasons.push_back(
      criteria.kubernetes_integration
          ? fmt::format("memory_limit_mb {}: a pod of 64Mi has room for it", memory)
          : fmt::format("memory_limit_mb {}: {}", memory,
                        criteria.needs_ai_inference
                            ? "room for a model's tensors"
                            : "bounded, so that no guest takes the machine"));
  out.timeout_ms = criteria.needs_ai_inference ? 60000 : 10000;
  bool component = criteria.needs_component_model || criteria.wasi_version == "preview2" ||
                   criteria.wasi_version == "preview3";
  out.wasi = component && criteria.wasi_version != "preview3" ? "preview2"
             : component                                      ? "preview3"
             : criteria.wasi_version == "preview1"            ? "preview1"
                                                              : "auto";
  if (component && criteria.wasi_version == "preview1")
    out.reasons.emplace_back(
        "wasi preview2: components speak it; wasi_version preview1 alone would rule them out");
  out.path = fmt::format("/api/{}/*", slug(criteria.scenario));
  out.module =
      fmt::format("/wasm/{}{}.wasm", slug(criteria.scenario), component ? ".component" : "");
  if (component && !kHasComponents)
    out.missing.emplace_back("components do not run in this build of sedge yet");
  if (criteria.needs_ai_inference && !kHasNn)
    out.missing.emplace_back("this build of sedge has no wasi-nn");
  return out;
}

std::string route_yaml(const Recommendation& recommendation) {
  std::string out = fmt::format("  - path: {}\n    runtime: {}\n    module: {}\n",
                                recommendation.path, recommendation.profile, recommendation.module);
  if (recommendation.wasi != "auto") out += fmt::format("    wasi: {}\n", recommendation.wasi);
  if (recommendation.tier != "auto") out += fmt::format("    backend: {}\n", recommendation.tier);
  out += fmt::format("    pool_size: {}\n    memory_limit_mb: {}\n    timeout_ms: {}\n",
                     recommendation.pool_size, recommendation.memory_limit_mb,
                     recommendation.timeout_ms);
  return out;
}

std::expected<std::vector<Criteria>, std::vector<Error>> parse_criteria(std::string_view text,
                                                                        std::string_view file) {
  std::vector<Error> errors;
  auto documents = serve::parse_yaml(text, file);
  if (!documents) {
    errors.push_back(std::move(documents).error());
    return std::unexpected(std::move(errors));
  }
  CriteriaReader reader(file);
  for (const serve::YamlNode& document : *documents) reader.document(document);
  if (reader.errors.empty() && reader.scenarios.empty())
    reader.errors.push_back(serve::config_error(file, {}, "there is no scenario",
                                                "write for example `needs_ai_inference: true`"));
  if (!reader.errors.empty()) return std::unexpected(std::move(reader.errors));
  return std::move(reader.scenarios);
}

}  // namespace sedge::cli
#endif  // SEDGE_HAVE_SERVER
