// `sedge select`: criteria from options or a file → the rule that fires, its answer, and what sedge
// itself recommends. Empty in builds without the server.
#if SEDGE_HAVE_SERVER
#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/console.h"
#include "cli/selection.h"
#include "cli/verbs.h"
#include "serve/yaml_tree.h"

namespace sedge::cli {
namespace {

// Criteria have the names of the fields, with dashes.
constexpr Option kOptions[] = {
    {"--scenario", 0, "NAME", "what the criteria are about"},
    {"--cold-start-requirement-ms", 0, "N", "the longest cold start that is acceptable"},
    {"--module-size-limit-mb", 0, "N", "the largest module that can be shipped, MiB"},
    {"--target-architectures", 0, "LIST", "such as x86_64,aarch64,riscv64"},
    {"--wasi-version", 0, "auto|preview1|preview2|preview3", "what the guests are built for"},
    {"--needs-component-model", 0, "", "modules of several languages call each other"},
    {"--needs-networking", 0, "", "guests open sockets or answer HTTP"},
    {"--needs-ai-inference", 0, "", "guests run models"},
    {"--team-rust-expertise", 0, "", "the team writes Rust"},
    {"--kubernetes-integration", 0, "", "it runs in a cluster"},
    {"--json", 0, "", "print one JSON array"},
    {"--router", 0, "", "print a router.yaml with a route for each scenario, and nothing else"},
};
constexpr Positional kPositionals[] = {
    {"FILE",
     "criteria in YAML or JSON: a map, a list of maps, or a list under `scenarios`; - is "
     "standard input",
     Positional::Count::optional}};

std::string option_name(const CriteriaField& field) {
  std::string name = fmt::format("--{}", field.name);
  std::ranges::replace(name, '_', '-');
  return name;
}

Result<std::vector<Criteria>> read_criteria(const Arguments& arguments) {
  std::vector<Criteria> scenarios;
  std::string_view file = arguments.positional(0);
  if (!file.empty()) {
    SEDGE_TRY_ASSIGN(FileContent content, read_file(std::string(file), serve::kMaxYamlBytes));
    auto parsed = parse_criteria(content.text(), file);
    if (!parsed) {
      std::vector<Error>& errors = parsed.error();
      for (size_t i = 0; i + 1 < errors.size(); ++i) print_error(errors[i]);
      return fail(std::move(errors.back()));
    }
    scenarios = *std::move(parsed);
  }
  bool given = false;
  for (const CriteriaField& field : criteria_fields()) given |= arguments.has(option_name(field));
  if (scenarios.empty() && !given)
    return fail(Error(ErrorCode::missing_argument, ": criteria")
                    .with_remedy("give a file or options, such as --needs-ai-inference "
                                 "--cold-start-requirement-ms 2"));
  if (scenarios.empty()) scenarios.emplace_back();
  for (Criteria& criteria : scenarios)  // options add to what a file says
    for (const CriteriaField& field : criteria_fields())
      if (auto text = arguments.get(option_name(field)))
        SEDGE_TRY(set_field(criteria, field, field.flag ? "true" : *text, option_name(field)));
  return scenarios;
}

std::string text_of(const Criteria& criteria) {
  size_t index = select_rule(criteria);
  const Rule& rule = selection_rules()[index];
  Recommendation advice = recommend(criteria);
  std::string out = fmt::format(
      "[{}] -> {}\n  rule {} of {}: {}\n"
      "  sedge: profile {}, tier {}, {} instances ready, at most {} MiB each, {} ms a request\n",
      criteria.scenario, rule.answer, index + 1, selection_rules().size(), rule.condition,
      advice.profile, advice.tier, advice.pool_size, advice.memory_limit_mb, advice.timeout_ms);
  for (const std::string& reason : advice.reasons) out += fmt::format("    {}\n", reason);
  for (const std::string& missing : advice.missing) out += fmt::format("    but: {}\n", missing);
  return out + "\nroutes:\n" + route_yaml(advice);
}

void write_json(Json& json, const Criteria& criteria) {
  size_t index = select_rule(criteria);
  const Rule& rule = selection_rules()[index];
  Recommendation advice = recommend(criteria);
  json.begin_object();
  json.field("scenario", criteria.scenario).field("answer", rule.answer);
  json.field("rule", index + 1).field("condition", rule.condition);
  json.key("recommendation").begin_object();
  json.field("profile", advice.profile).field("tier", advice.tier);
  json.field("pool_size", advice.pool_size).field("memory_limit_mb", advice.memory_limit_mb);
  json.field("timeout_ms", advice.timeout_ms).field("wasi", advice.wasi);
  json.key("reasons").begin_array();
  for (const std::string& reason : advice.reasons) json.value(reason);
  json.end().key("missing").begin_array();
  for (const std::string& missing : advice.missing) json.value(missing);
  json.end().field("route", route_yaml(advice));
  json.end().end();
}

Result<int> run(const Arguments& arguments) {
  SEDGE_TRY_ASSIGN(std::vector<Criteria> scenarios, read_criteria(arguments));
  if (arguments.has("--json")) {
    Json json;
    json.begin_array();
    for (const Criteria& criteria : scenarios) write_json(json, criteria);
    SEDGE_TRY(print(json.end().take()));
    return 0;
  }
  std::string out;
  if (arguments.has("--router")) out = "routes:\n";
  for (const Criteria& criteria : scenarios) {
    if (arguments.has("--router"))
      out += route_yaml(recommend(criteria));
    else
      out += (out.empty() ? "" : "\n") + text_of(criteria);
  }
  SEDGE_TRY(print(out));
  return 0;
}

}  // namespace

const Verb kSelectVerb = {
    "select",
    "recommend how to run a scenario, by its criteria",
    "Applies six rules in their order and says which one fired; then recommends a profile, a tier "
    "and limits, and prints a route for router.yaml.",
    kOptions,
    kPositionals,
    "sedge select --needs-ai-inference --cold-start-requirement-ms 2\n"
    "sedge select scenarios.yaml\n"
    "sedge select --router scenarios.yaml > router.yaml",
    run};

}  // namespace sedge::cli
#endif  // SEDGE_HAVE_SERVER
