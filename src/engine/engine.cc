// Engine: checking the configuration, and the resources that its stores share.
#include <sedge/engine.h>

#include <mutex>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "engine/engine_impl.h"

namespace sedge {

namespace {

/// Says the same thing once.
decltype(Config::notice) once(decltype(Config::notice) notice) {
  struct Said {
    std::mutex mutex;
    std::set<std::string> texts;
  };
  return [said = std::make_shared<Said>(), notice = std::move(notice)](bool important,
                                                                       const std::string& text) {
    {
      std::lock_guard lock(said->mutex);
      if (!said->texts.insert(text).second) return;
    }
    notice(important, text);
  };
}

}  // namespace

Result<Engine> Engine::create(Config config) {
  SEDGE_TRY_ASSIGN(TierPlan tiers, TierPlan::make(config));
  auto impl = std::make_shared<EngineImpl>();
  impl->config = std::move(config);
  if (impl->config.notice) impl->config.notice = once(std::move(impl->config.notice));
  impl->tiers = tiers;
  impl->resources = std::make_shared<StoreResources>();
  impl->resources->registry = wasm::TypeRegistry::create();
  impl->resources->memories = std::make_shared<runtime::MemoryPool>(
      tiers.native ? runtime::best_memory_style() : vm::MemoryStyle::checked);
  impl->resources->hot = hot;
  if (impl->config.profile != Profile::none || impl->config.gdb) {
    SEDGE_TRY_ASSIGN(impl->tools, CodeTools::open(impl->config));
  }
  return Engine(std::move(impl));
}

bool Engine::has(Tier tier) {
  if (tier == Tier::llvm && Sedgec::find().empty()) return false;
  return TierPlan::make({.tier = tier}).has_value();
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
