// The baseline compiler's part in running a module.
#include "engine/tiers.h"

#include <algorithm>

#include <fmt/format.h>

#include "baseline/baseline.h"
#include "engine/engine_impl.h"
#include "engine/tier_names.h"

namespace sedge {
namespace {

/// The one place that says whether Config::tier == automatic compiles hot functions.
constexpr bool kAutomaticCompiles = true;

}  // namespace

Result<TierPlan> TierPlan::make(const Config& config) {
  const bool baseline = baseline::available();
  if (config.tier == Tier::baseline && !baseline) {
    return fail(Error(ErrorCode::unsupported_file, ": this build has no baseline compiler")
                    .with_remedy("use --tier interp or --tier auto"));
  }
  TierPlan plan;
  if (config.tier == Tier::interp) return plan;
  const bool optimized = config.tier == Tier::llvm || config.allow_precompiled;
  const bool compiles = baseline && (config.tier != Tier::automatic || kAutomaticCompiles);
  plan.native = optimized || compiles;
  if (!compiles) return plan;
  // llvm: what is left out of the optimised code.
  plan.first_call = config.tier != Tier::automatic;
  plan.heat = static_cast<int32_t>(std::clamp<uint32_t>(config.tier_threshold, 1, INT32_MAX));
  return plan;
}

interp::CodeOptions TierPlan::code_options(const Config& config) const {
  return {.fuel = config.fuel,
          .interruptible = config.interruptible,
          .native = native,
          .heat = first_call ? 0 : heat};
}

ModuleTiers::~ModuleTiers() {
  if (wanted_ == nullptr) return;
  std::lock_guard lock(wanted_->mutex);
  wanted_->tiers = nullptr;
}

void ModuleTiers::attach(interp::ModuleCode& code) {
  code_ = &code;
  code_memory_ =
      std::make_unique<runtime::CodeMemory>(&code, engine_.config.profile == Profile::perf_map);
}

void ModuleTiers::expect_optimized() {
  const Config& config = engine_.config;
  if (config.tier != Tier::automatic || config.optimize == Optimize::off) return;
  if (Sedgec::find().empty()) {
    if (config.notice) config.notice(false, "hot functions are not optimised: there is no sedgec");
    return;
  }
  const wasm::Module& module = code_->module();
  wanted_ = std::make_shared<Wanted>();
  wanted_->tiers = this;
  wanted_->owner = static_cast<const ModuleImpl*>(code_->owner)->bytes_owner;
  wanted_->binary = vm::without_artifact(module.binary);
  wanted_->code_part = vm::CodeCache::code_part(module);
  wanted_->mode = artifact_mode(module, config, *engine_.resources->memories);
  if (!config.cache_folder.empty() && TierUp::is_large(code_->module()))
    wanted_->ran = vm::RanFuncs::create(module.imported_funcs.size() + module.funcs.size());
}

vm::NativeSlot& ModuleTiers::slot(uint32_t func_index) const {
  const auto imported = static_cast<uint32_t>(code_->module().imported_funcs.size());
  return code_->native_slots()[func_index - imported];
}

ModuleTiers::Compiled ModuleTiers::make(uint32_t func_index) {
  const wasm::Module& module = code_->module();
  baseline::Options options;
  options.fuel = engine_.config.fuel;
  options.interruptible = engine_.config.interruptible;
  options.count_heat = wanted_ != nullptr;
  for (uint32_t i = 0; i < module.memory_count(); ++i)
    options.memories.push_back(engine_.resources->memories->style(module.memory_type(i)));
  if (wanted_ != nullptr) wanted_->ran.mark(func_index);
  Compiled compiled;
  auto made = baseline::compile(module, code_->types(), func_index, options);
  if (!made) return compiled;
  compiled.code = code_memory_->add(func_index, made->bytes, made->places);
  if (compiled.code == nullptr) return compiled;
  compiled.loops = std::move(made->loops);
  const std::pair<uint32_t, std::span<const uint8_t>> piece(func_index,
                                                            {compiled.code, made->bytes.size()});
  tell_tools(Tier::baseline, {&piece, 1});
  const NativeImage* image = optimized_.load(std::memory_order_relaxed);
  if (image == nullptr || !image->has(func_index)) {
    code_->publish(func_index,
                   reinterpret_cast<vm::NativeEntry>(const_cast<uint8_t*>(compiled.code)),
                   made->frame_cells);
  }
  return compiled;
}

std::pair<const ModuleTiers::Compiled*, bool> ModuleTiers::compile(uint32_t func_index) {
  std::lock_guard lock(mutex_);
  if (compiled_.empty()) expect_optimized();
  auto [place, is_new] = compiled_.try_emplace(func_index);
  if (is_new) place->second = make(func_index);
  return {&place->second, is_new};
}

const void* ModuleTiers::hot(uint32_t func_index, uint32_t loop) {
  auto optimized = [&]() -> const void* {
    const NativeImage* image = optimized_.load(std::memory_order_acquire);
    return image == nullptr ? nullptr : image->enter(func_index, loop);
  };
  if (const void* entry = optimized()) return entry;
  const auto [compiled, is_new] = compile(func_index);
  vm::NativeSlot& its = slot(func_index);
  std::atomic<int32_t>& count = its.heat;
  if (wanted_ == nullptr) {
    // Frames that still run in the interpreter change over at their next loop header.
    count.store(compiled->code != nullptr ? 0 : INT32_MAX, std::memory_order_relaxed);
  } else if (is_new) {
    count.store(
        static_cast<int32_t>(std::clamp<uint32_t>(engine_.config.optimize_threshold, 1, INT32_MAX)),
        std::memory_order_relaxed);
  } else if (count.load(std::memory_order_relaxed) < 0) {
    // Before it is wanted: what comes back in the meantime is heard.
    its.heat_step.store(1, std::memory_order_relaxed);
    count.store(INT32_MAX, std::memory_order_relaxed);
    engine_.tier_up.want(wanted_, func_index, loop);
    if (const void* entry = optimized()) return entry;
  }
  if (compiled->code == nullptr || loop == UINT32_MAX) return compiled->code;
  for (const auto& [ordinal, offset] : compiled->loops)
    if (ordinal == loop) return compiled->code + offset;
  return nullptr;
}

/// Profilers and debuggers learn of new code.
void ModuleTiers::tell_tools(
    Tier tier, std::span<const std::pair<uint32_t, std::span<const uint8_t>>> pieces) {
  CodeTools* tools = engine_.tools.get();
  if (tools == nullptr) return;
  const auto* owner = static_cast<const ModuleImpl*>(code_->owner);
  std::vector<CodeSymbol> symbols;
  symbols.reserve(pieces.size());
  for (const auto& [func, bytes] : pieces)
    symbols.push_back(owner->symbol(func, to_string(tier), bytes));
  if (auto told = tools->add(symbols)) gdb_objects_.push_back(std::move(told));
}

void ModuleTiers::add(std::unique_ptr<NativeImage> image) {
  std::lock_guard lock(mutex_);
  const NativeImage& added = *image;
  if (engine_.tools) tell_tools(Tier::llvm, added.pieces());
  images_.push_back(std::move(image));
  added.publish(*code_);
  optimized_.store(&added, std::memory_order_release);
  for (const auto& [func, compiled] : compiled_)
    if (added.has(func))
      slot(func).heat_step.store(vm::NativeSlot::kHeatNow, std::memory_order_release);
}

std::string ModuleTiers::add_artifact(Bytes file, const vm::ArtifactMode& mode) {
  auto artifact = vm::read_artifact(file);
  if (!artifact) return artifact.error().message();
  std::string why;
  const vm::ArtifactImage* image = choose_image(*artifact, code_->module(), mode, why);
  if (image == nullptr) return why;
  auto copy = NativeImage::copy(file, *image, *code_);
  if (!copy) return copy.error().message();
  // The copy, because the file may change under us.
  if ((*copy)->code_hash() != image->code_hash) return "its checksum is wrong";
  add(*std::move(copy));
  return {};
}

bool ModuleTiers::add_cached(vm::CachedCode code, const vm::ArtifactMode& mode,
                             const Entries& entries) {
  auto artifact = vm::read_artifact(code.bytes());
  if (!artifact) return false;
  std::string why;
  const vm::ArtifactImage* image = choose_image(*artifact, code_->module(), mode, why);
  if (image == nullptr) return false;
  auto adopted = NativeImage::adopt(std::move(code.memory), *image, *code_);
  if (!adopted) return false;
  const NativeImage& made = **adopted;
  for (const auto& [func, loop] : entries)
    if (made.enter(func, loop) == nullptr) return false;
  add(*std::move(adopted));
  return true;
}

ModuleTiers::Portion ModuleTiers::worth_optimizing(const std::set<uint32_t>& wanted,
                                                   size_t warm_bytes, size_t most_bytes) {
  std::set<uint32_t> funcs;
  std::lock_guard lock(mutex_);
  for (const auto& image : images_) {
    const std::vector<uint32_t> before = image->funcs();
    funcs.insert(before.begin(), before.end());
  }
  struct Hot {
    uint32_t func;
    size_t bytes;
    double counted;  ///< for each byte, since it was wanted
  };
  std::vector<Hot> hottest;
  for (const uint32_t func : wanted) {
    if (funcs.contains(func)) continue;
    const size_t bytes = body_bytes({func});
    const double counted = double{INT32_MAX} - slot(func).heat.load(std::memory_order_relaxed);
    hottest.push_back({func, bytes, counted / static_cast<double>(bytes)});
  }
  std::ranges::sort(hottest, std::greater<>(), &Hot::counted);
  // What was optimised before is compiled once more, so as much again may come to it.
  most_bytes = std::max(most_bytes, body_bytes({funcs.begin(), funcs.end()}));
  size_t taken = 0, size = 0;
  for (; taken < hottest.size(); taken++) {
    size += hottest[taken].bytes;
    if (taken > 0 && size > most_bytes) break;
    funcs.insert(hottest[taken].func);
  }
  Portion portion{.funcs = {funcs.begin(), funcs.end()}, .all = taken == hottest.size()};
  if (!portion.all) return portion;
  for (const auto& [func, compiled] : compiled_) funcs.insert(func);
  std::vector<uint32_t> warm(funcs.begin(), funcs.end());
  if (body_bytes(warm) <= warm_bytes) portion.funcs = std::move(warm);
  return portion;
}

size_t ModuleTiers::body_bytes(const std::vector<uint32_t>& funcs) const {
  const wasm::Module& module = code_->module();
  size_t size = 0;
  for (uint32_t func : funcs)
    size += module.funcs[func - module.imported_funcs.size()].body.bytes.size();
  return size;
}

size_t ModuleTiers::optimized_bytes() const {
  const NativeImage* image = optimized_.load(std::memory_order_acquire);
  return image == nullptr ? 0 : body_bytes(image->funcs());
}

const void* hot(vm::Instance* instance, uint32_t func, uint32_t loop) {
  return static_cast<const ModuleImpl*>(instance->code->owner)->tiers->hot(func, loop);
}

}  // namespace sedge
