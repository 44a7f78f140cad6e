// Functions go into partitions in their order, so that what is defined side by side is optimised
// together; big ones get partitions of their own at lower levels. Each partition is built,
// optimised and emitted by one thread in an LLVMContext of its own.
#include "llvm/compile.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include "base/cpu.h"
#include "llvm/codegen.h"
#include "llvm/func_ir.h"
#include "llvm/link.h"
#include "vm/code_cache.h"
#include "wasm/decode/decode.h"
#include "wasm/validate/validate.h"

namespace sedge::llvmc {

namespace {

/// With the C convention a tail call may not need the stack, neither for arguments nor for results.
bool has_natural_tails(const CompileOptions& options) {
  return options.target.arch != vm::ArtifactArch::riscv64;
}

struct Partition {
  std::vector<uint32_t> funcs;  ///< function indices
  unsigned level = 0;
  size_t size = 0;
};

std::vector<Partition> make_partitions(const Source& source) {
  const CompileOptions& options = source.options;
  std::vector<Partition> partitions(1);
  std::vector<Partition> big;
  partitions[0].level = options.level;
  for (uint32_t i = 0; i < source.wanted.size(); i++) {
    if (!source.wanted[i]) continue;
    const size_t size = source.analysis.funcs[i].body_size;
    const uint32_t index = source.imported() + i;
    if (size >= options.big_function) {
      const unsigned level = size >= options.huge_function ? 0u : std::min(1u, options.level);
      big.push_back({{index}, level, size});
      continue;
    }
    if (partitions.back().size + size > options.partition_size && partitions.back().size > 0) {
      partitions.push_back({{}, options.level, 0});
    }
    partitions.back().funcs.push_back(index);
    partitions.back().size += size;
  }
  // The first partition has the stubs, whatever else is in it.
  partitions.insert(partitions.end(), big.begin(), big.end());
  return partitions;
}

class PartitionCompiler {
 public:
  PartitionCompiler(const Source& source, const std::vector<Partition>& partitions)
      : source_(source), partitions_(partitions) {
    home_.resize(source.wanted.size());
    for (size_t p = 0; p < partitions.size(); p++) {
      for (uint32_t func : partitions[p].funcs) home_[func - source.imported()] = p;
    }
    // Bodies that other partitions call, by name or through the table of bodies.
    shared_.resize(source.wanted.size());
    for (size_t i = 0; i < source.wanted.size(); i++) {
      for (uint32_t callee : source.analysis.funcs[i].calls) note_call(i, callee);
      for (uint32_t callee : source.analysis.funcs[i].tail_calls) note_call(i, callee);
    }
  }

  /// Builds one partition's IR.
  Result<void> build(ModuleIr& ir, size_t number, std::vector<uint32_t>& failed,
                     std::vector<uint32_t>& frame_cells) const {
    // False if the function is left out.
    auto make = [&](uint32_t func, std::optional<uint32_t> loop) -> Result<bool> {
      if (llvm::is_contained(failed, func)) return false;
      FuncIr body(ir, func, loop);
      if (auto built = body.build(); !built) {
        if (built.error().code() != ErrorCode::limit_exceeded)
          return fail(std::move(built).error());
        failed.push_back(func);
        return false;
      }
      uint32_t& cells = frame_cells[func - source_.imported()];
      cells = std::max(cells, body.frame_cells());
      return true;
    };
    for (uint32_t func : partitions_[number].funcs) {
      SEDGE_TRY_ASSIGN(const bool made, make(func, {}));
      if (!made) continue;
      if (!source_.analysis.funcs[func - source_.imported()].cells_convention) {
        build_entry(ir, func);
        if (!shared_[func - source_.imported()] && !uses_table()) {
          ir.body(func)->setLinkage(llvm::GlobalValue::InternalLinkage);
          ir.body(func)->setVisibility(llvm::GlobalValue::DefaultVisibility);
        }
      }
    }
    for (const LoopEntry& loop : source_.loops) {
      const size_t index = loop.func - source_.imported();
      if (index >= home_.size() || !source_.wanted[index] || home_[index] != number) continue;
      SEDGE_TRY(make(loop.func, loop.loop));
    }
    if (number == 0) {
      ir.define_stubs();
      ir.define_body_table();
    }
    ir.finish_debug();
    return {};
  }

  Result<ObjectCode> run(size_t number, std::vector<uint32_t>& failed,
                         std::vector<uint32_t>& frame_cells) const {
    const unsigned level = partitions_[number].level;
    llvm::LLVMContext context;
    SEDGE_TRY_ASSIGN(auto machine, make_machine(source_.options.target, level));
    ModuleIr ir(source_, context, *machine, "p" + std::to_string(number));
    SEDGE_TRY(build(ir, number, failed, frame_cells));
    if (!failed.empty()) return ObjectCode{};
#ifndef NDEBUG
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (llvm::verifyModule(ir.module, &stream)) return fail(ErrorCode::compile_failed, ": " + text);
#endif
    optimize(ir.module, *machine, level, source_.options.mode.exact);
    return emit(ir.module, *machine, source_.module, static_cast<uint32_t>(number));
  }

 private:
  bool uses_table() const {
    return source_.module.table_count() > 0 || !source_.module.elems.empty();
  }
  void note_call(size_t caller, uint32_t callee) {
    const uint32_t index = callee - source_.imported();
    if (home_[caller] != home_[index]) shared_[index] = true;
  }

  const Source& source_;
  const std::vector<Partition>& partitions_;
  std::vector<size_t> home_;  ///< partition by defined function
  std::vector<bool> shared_;
};

/// Objects of all partitions, or the first error.
Result<std::vector<ObjectCode>> compile_partitions(const Source& source,
                                                   std::vector<uint32_t>& failed,
                                                   std::vector<uint32_t>& frame_cells,
                                                   const Progress& progress) {
  const std::vector<Partition> partitions = make_partitions(source);
  const PartitionCompiler compiler(source, partitions);
  std::vector<ObjectCode> objects(partitions.size());
  // The largest first: the last one to end should be small.
  std::vector<size_t> order(partitions.size());
  size_t total = 0;
  for (size_t i = 0; i < order.size(); i++) {
    order[i] = i;
    total += partitions[i].size;
  }
  std::ranges::sort(order, std::greater<>(),
                    [&](size_t i) { return std::pair(partitions[i].size, i); });
  std::mutex mutex;
  std::optional<Error> error;
  std::atomic<size_t> next = 0, done = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < order.size();) {
      std::vector<uint32_t> not_built;
      auto object = compiler.run(order[i], not_built, frame_cells);
      std::lock_guard lock(mutex);
      failed.insert(failed.end(), not_built.begin(), not_built.end());
      if (!object) {
        error = std::move(object).error();
        next = order.size();
        return;
      }
      objects[order[i]] = *std::move(object);
      done += partitions[order[i]].size;
      if (progress) progress(done, total);
    }
  };
  const unsigned wanted = source.options.threads != 0 ? source.options.threads : available_cores();
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min<size_t>(wanted, order.size()); i++) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (error) return fail(std::move(*error));
  return objects;
}

std::vector<bool> wanted_funcs(const wasm::Module& module, const CompileOptions& options) {
  const auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  if (options.funcs.empty()) return std::vector<bool>(module.funcs.size(), true);
  std::vector<bool> wanted(module.funcs.size(), false);
  for (uint32_t func : options.funcs) {
    if (func >= imported && func - imported < wanted.size()) wanted[func - imported] = true;
  }
  return wanted;
}

std::vector<LoopEntry> wanted_loops(const wasm::Module& module, const ModuleAnalysis& analysis,
                                    const CompileOptions& options) {
  if (!options.all_loops) return options.loops;
  std::vector<LoopEntry> loops;
  const auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  for (uint32_t i = 0; i < analysis.funcs.size(); i++) {
    for (uint32_t loop = 0; loop < analysis.funcs[i].loop_count; loop++)
      loops.push_back({imported + i, loop});
  }
  return loops;
}

struct Loaded {
  wasm::Module module;
  wasm::Validated validated;
};
Result<std::unique_ptr<Loaded>> load(Bytes original) {
  SEDGE_TRY_ASSIGN(wasm::Module module, wasm::decode(original, nullptr));
  auto loaded = std::make_unique<Loaded>();
  loaded->module = std::move(module);
  // Which features are on is the engine's matter.
  Features features;
#define SEDGE_FEATURE(id, ...) features.set(Feature::id);
#include <sedge/feature.def>
#undef SEDGE_FEATURE
  SEDGE_TRY_ASSIGN(loaded->validated,
                   wasm::validate(loaded->module, features, wasm::TypeRegistry::create()));
  return loaded;
}

}  // namespace

Result<Compiled> compile(const wasm::Module& module, const wasm::TypeSet& types,
                         const CompileOptions& options, const Progress& progress) {
  set_options();
  Compiled compiled;
  std::vector<bool> wanted = wanted_funcs(module, options);
  const bool natural_tails = has_natural_tails(options);
  SEDGE_TRY_ASSIGN(ModuleAnalysis analysis, analyze(module, natural_tails, wanted));
  const std::vector<LoopEntry> loops = wanted_loops(module, analysis, options);
  const auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  std::vector<ObjectCode> objects;
  // Each function's is written by the one thread that builds it.
  std::vector<uint32_t> frame_cells(module.funcs.size());
  for (;;) {
    const Source source{module, types, analysis, options, wanted, loops};
    std::vector<uint32_t> failed;
    SEDGE_TRY_ASSIGN(objects, compile_partitions(source, failed, frame_cells, progress));
    if (failed.empty()) break;
    for (uint32_t func : failed) wanted[func - imported] = false;
    SEDGE_TRY_ASSIGN(analysis, analyze(module, natural_tails, wanted));
    compiled.left_out.insert(compiled.left_out.end(), failed.begin(), failed.end());
  }
  std::ranges::sort(compiled.left_out);
  SEDGE_TRY_ASSIGN(Linked linked, link(objects));
  vm::ArtifactImage& image = compiled.image;
  image.target = options.target;
  image.mode = options.mode;
  image.level = static_cast<uint8_t>(options.level);
  image.entries.resize(module.funcs.size());
  for (uint32_t i = 0; i < module.funcs.size(); i++) {
    if (!wanted[i]) continue;
    auto found = linked.symbols.find("e" + std::to_string(imported + i));
    if (found == linked.symbols.end())
      return fail(ErrorCode::compile_failed, ": a function is missing");
    image.entries[i] = {found->second, frame_cells[i]};
  }
  for (const LoopEntry& loop : loops) {
    auto found =
        linked.symbols.find("l" + std::to_string(loop.func) + "." + std::to_string(loop.loop));
    if (found != linked.symbols.end()) image.loops.push_back({loop.func, loop.loop, found->second});
  }
  std::ranges::sort(image.loops, [](const auto& a, const auto& b) {
    return std::pair(a.func, a.loop) < std::pair(b.func, b.loop);
  });
  image.places = vm::encode_places(linked.places);
  image.code = std::move(linked.code);
  return compiled;
}

Result<CompiledFile> compile_file(Bytes original, const CompileOptions& options,
                                  const Progress& progress) {
  CompiledFile file;
  file.original = vm::without_artifact(original);
  SEDGE_TRY_ASSIGN(const auto loaded, load(file.original));
  SEDGE_TRY_ASSIGN(Compiled compiled,
                   compile(loaded->module, loaded->validated.types, options, progress));
  file.code_part = vm::CodeCache::code_part(loaded->module);
  file.left_out = std::move(compiled.left_out);
  file.artifact.layout = vm::layout_hash();
  file.artifact.images.push_back(std::move(compiled.image));
  return file;
}

Result<std::string> print_ir(Bytes original, const CompileOptions& options) {
  set_options();
  SEDGE_TRY_ASSIGN(const auto loaded, load(vm::without_artifact(original)));
  const std::vector<bool> wanted = wanted_funcs(loaded->module, options);
  SEDGE_TRY_ASSIGN(const ModuleAnalysis analysis,
                   analyze(loaded->module, has_natural_tails(options), wanted));
  const Source source{loaded->module, loaded->validated.types,
                      analysis,       options,
                      wanted,         wanted_loops(loaded->module, analysis, options)};
  const std::vector<Partition> partitions = make_partitions(source);
  const PartitionCompiler compiler(source, partitions);
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (size_t i = 0; i < partitions.size(); i++) {
    llvm::LLVMContext context;
    SEDGE_TRY_ASSIGN(auto machine, make_machine(options.target, partitions[i].level));
    ModuleIr ir(source, context, *machine, "p" + std::to_string(i));
    std::vector<uint32_t> failed, frame_cells(loaded->module.funcs.size());
    SEDGE_TRY(compiler.build(ir, i, failed, frame_cells));
    std::string problems;
    llvm::raw_string_ostream problem_stream(problems);
    if (llvm::verifyModule(ir.module, &problem_stream)) {
      return fail(ErrorCode::compile_failed, ": " + problems);
    }
    optimize(ir.module, *machine, partitions[i].level, options.mode.exact);
    ir.module.print(stream, nullptr);
  }
  return text;
}

}  // namespace sedge::llvmc
