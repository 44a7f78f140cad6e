// Engine: checking the configuration, and the resources that its stores share.
#include <sedge/engine.h>

#include <fmt/format.h>

#include "engine/engine_impl.h"

namespace sedge {

Result<Engine> Engine::create(Config config) {
  if (config.tier == Tier::baseline || config.tier == Tier::llvm) {
    return fail(Error(ErrorCode::unsupported_file,
                      fmt::format(": this build has no {} compiler",
                                  config.tier == Tier::llvm ? "llvm" : "baseline"))
                    .with_remedy("use --tier interp or --tier auto"));
  }
  auto impl = std::make_shared<EngineImpl>();
  impl->config = config;
  impl->resources = std::make_shared<StoreResources>();
  impl->resources->registry = wasm::TypeRegistry::create();
  impl->resources->memories = std::make_shared<runtime::MemoryPool>();
  return Engine(std::move(impl));
}

const Config& Engine::config() const { return impl_->config; }

namespace {

std::string limits_text(const Limits& limits) {
  return limits.max ? fmt::format("{} {}", limits.min, *limits.max) : fmt::format("{}", limits.min);
}

}  // namespace

std::string to_string(const ExternType& type) {
  switch (type.kind) {
    case ExternKind::func:
      return "func " + to_string(type.func);
    case ExternKind::tag:
      return "tag " + to_string(type.func);
    case ExternKind::table:
      return fmt::format("table {}{} {}", type.table.is64 ? "i64 " : "",
                         limits_text(type.table.limits), to_string(type.table.element));
    case ExternKind::memory:
      return fmt::format("memory {}{}{}{}", type.memory.is64 ? "i64 " : "",
                         limits_text(type.memory.limits), type.memory.shared ? " shared" : "",
                         type.memory.page_size_log2 == 16
                             ? ""
                             : fmt::format(" (pagesize {})", 1u << type.memory.page_size_log2));
    case ExternKind::global:
      return fmt::format("global {}", type.global.mutable_
                                          ? "(mut " + to_string(type.global.value) + ")"
                                          : to_string(type.global.value));
  }
  return {};
}

}  // namespace sedge
