// Of what the passes give, the smallest valid module is taken.
#include "optimize/optimize.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "component/decode.h"
#include "component/encode.h"
#include "component/validate.h"
#include "wasm/decode/decode.h"
#include "wasm/type_registry.h"
#include "wasm/validate/validate.h"

namespace sedge::optimize {
namespace {

class Optimizer {
 public:
  explicit Optimizer(const Options& options) : options_(options) {}

  /// An optimised module, or the one given.
  Result<std::vector<uint8_t>> module(Bytes binary) {
    ++out_.modules;
    SEDGE_TRY(valid(binary));
    std::vector<uint8_t> best(binary.begin(), binary.end());
    if (options_.tool && options_.shrink.code) {
      auto made = options_.tool(binary);
      if (made && valid(*made)) {
        best = std::move(*made);
        ++out_.by_tool;
      } else {
        note(made ? "what the optimiser wrote does not validate, and was thrown away"
                  : made.error().message());
      }
    }
    SEDGE_TRY_ASSIGN(wasm::Module decoded, wasm::decode(best, nullptr));
    SEDGE_TRY_ASSIGN(std::vector<uint8_t> smaller, shrink(decoded, options_.shrink));
    if (smaller.size() < best.size() && valid(smaller)) return smaller;
    return best;
  }

  Result<void> component(component::Component& component) {
    std::erase_if(component.definitions, [&](const component::Definition& item) {
      const auto* custom = std::get_if<component::Custom>(&item.node);
      if (!custom) return false;
      if (custom->name == "producers") return !options_.shrink.keep_producers;
      return is_debug_section(custom->name);
    });
    if (!options_.shrink.keep_names) component.names = {};
    auto kept = std::make_shared<std::vector<std::vector<uint8_t>>>();
    for (component::Definition& item : component.definitions) {
      if (auto* inner = std::get_if<std::unique_ptr<component::Component>>(&item.node))
        SEDGE_TRY(this->component(**inner));
      auto* core = std::get_if<component::CoreModule>(&item.node);
      if (!core) continue;
      SEDGE_TRY_ASSIGN(std::vector<uint8_t> made, module(core->binary));
      core->binary = kept->emplace_back(std::move(made));
    }
    component.storage.push_back(kept);
    return {};
  }

  Result<Optimized> run(Bytes binary) {
    if (!component::is_component(binary)) {
      SEDGE_TRY_ASSIGN(out_.binary, module(binary));
      return std::move(out_);
    }
    SEDGE_TRY_ASSIGN(component::Component decoded, component::decode(binary, nullptr));
    SEDGE_TRY(component::validate(decoded, component::every_feature(), registry_));
    SEDGE_TRY(component(decoded));
    out_.binary = component::encode(decoded);
    SEDGE_TRY_ASSIGN(component::Component again, component::decode(Bytes(out_.binary), nullptr));
    SEDGE_TRY(component::validate(again, component::every_feature(), registry_));
    return std::move(out_);
  }

 private:
  Result<void> valid(Bytes binary) const {
    SEDGE_TRY_ASSIGN(wasm::Module module, wasm::decode(binary, nullptr));
    SEDGE_TRY(wasm::validate(module, Features::all(), registry_));
    return {};
  }
  void note(const std::string& text) {
    if (std::ranges::find(out_.notes, text) == out_.notes.end()) out_.notes.push_back(text);
  }

  const Options& options_;
  std::shared_ptr<wasm::TypeRegistry> registry_ = wasm::TypeRegistry::create();
  Optimized out_;
};

}  // namespace

Result<Optimized> optimize(Bytes binary, const Options& options) {
  return Optimizer(options).run(binary);
}

}  // namespace sedge::optimize
