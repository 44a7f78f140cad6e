// Instances and calls inside one process, with the modules that wasmtime's own measurement uses, so
// that the figures stand side by side: instantiate+drop (alone, and with 10,000 alive; also with a
// call and with pages written in between), host to wasm and wasm to host on each tier.
#include <sedge/sedge.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "must.h"

namespace {

using namespace sedge;
using bench::must;

constexpr const char* kDataModule = R"((module
  (memory (export "memory") 17)
  (table 64 funcref)
  (func $f (export "f") (param i32) (result i32) local.get 0 i32.const 1 i32.add)
  (elem (i32.const 0) func $f $f $f $f)
  (data (i32.const 1024) "a data segment that has to be there at once")
  (data (i32.const 70000) "and another one on a page of its own")))";

constexpr const char* kCalls = R"((module
  (import "" "host" (func $host (param i32) (result i32)))
  (func (export "id") (param i32) (result i32) local.get 0)
  (func (export "loop") (param $n i32) (result i32) (local $x i32)
    (loop $l
      (local.set $x (call $host (local.get $x)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    local.get $x)))";

constexpr const char* kWriter = R"((module
  (memory (export "memory") 17)
  (table 64 funcref)
  (func $f (param i32) (result i32) local.get 0)
  (elem (i32.const 0) func $f $f $f $f)
  (data (i32.const 1024) "a data segment that has to be there at once")
  (func (export "write") (param $pages i32)
    (loop $next
      (if (local.get $pages)
        (then
          (local.set $pages (i32.sub (local.get $pages) (i32.const 1)))
          (i32.store (i32.shl (local.get $pages) (i32.const 12)) (i32.const 1))
          (br $next)))))))";

struct Setup {
  Engine engine;
  Module module;
  Linker linker{engine};

  explicit Setup(const char* text, Tier tier = Tier::automatic)
      : engine(must(Engine::create({.tier = tier}))),
        module(must(Module::from_text(engine, text))) {
    linker.func("", "host", [](Caller&, int32_t x) { return x + 1; });
  }
};

struct Guest {
  Store store;
  Instance instance;
};

Guest spawn(const Engine& engine, const InstancePre& pre) {
  Store store(engine);
  Instance instance = must(pre.instantiate(store));
  return {std::move(store), instance};
}

/// What a guest of kWriter does: writes to so many pages.
void write(Guest& guest, int64_t pages) {
  Func func = guest.instance.get_func(guest.store, "write").value();
  uint64_t cells[1] = {static_cast<uint64_t>(pages)};
  if (!func.call_raw(guest.store, cells)) std::abort();
}

void instantiate_and_drop(benchmark::State& state) {
  Setup setup(kDataModule);
  InstancePre pre = must(setup.linker.instantiate_pre(setup.module));
  std::vector<Guest> alive;
  alive.reserve(static_cast<size_t>(state.range(0)));
  for (int64_t i = 0; i < state.range(0); ++i) alive.push_back(spawn(setup.engine, pre));
  for (auto _ : state) {
    Guest guest = spawn(setup.engine, pre);
    benchmark::DoNotOptimize(guest.instance);
  }
}
BENCHMARK(instantiate_and_drop)->ArgName("alive")->Arg(0)->Arg(10000);

// What a request costs beside its own work: the argument is how many pages it writes.
void instantiate_call_and_drop(benchmark::State& state) {
  Setup setup(kWriter);
  InstancePre pre = must(setup.linker.instantiate_pre(setup.module));
  for (auto _ : state) {
    Guest guest = spawn(setup.engine, pre);
    write(guest, state.range(0));
  }
}
BENCHMARK(instantiate_call_and_drop)->ArgName("pages")->Arg(0)->Arg(16)->Arg(256)->Arg(270);

/// Of this process, in KiB: its share of the pages that are there, and the kernel's tables for
/// them.
struct Memory {
  double pages = 0;
  double tables = 0;

  static Memory now() {
    Memory memory;
    auto sum = [](const char* file, const std::string& name) {
      std::ifstream in(file);
      for (std::string line; std::getline(in, line);)
        if (line.starts_with(name)) return std::strtod(line.c_str() + name.size(), nullptr);
      std::abort();
    };
    memory.pages = sum("/proc/self/smaps_rollup", "Pss:");
    memory.tables = sum("/proc/self/status", "VmPTE:");
    return memory;
  }
};

// What an instance takes while it lives and what is kept of it, to be used again, when it has been
// dropped, KiB each: the argument is how many pages of 4 KiB it writes.
void memory_of_idle(benchmark::State& state) {
  constexpr int kInstances = 128;  // as many as are kept
  Setup setup(kWriter);
  InstancePre pre = must(setup.linker.instantiate_pre(setup.module));
  for (auto _ : state) {
    std::vector<Guest> alive;
    alive.reserve(kInstances);
    for (int i = 0; i < 2; ++i) {
      Guest first = spawn(setup.engine, pre);
      write(first, state.range(0));
    }
    const Memory before = Memory::now();
    for (int i = 0; i < kInstances; ++i)
      write(alive.emplace_back(spawn(setup.engine, pre)), state.range(0));
    const Memory in_use = Memory::now();
    alive.clear();
    const Memory idle = Memory::now();
    state.counters["in_use"] = (in_use.pages - before.pages) / kInstances;
    state.counters["idle"] = (idle.pages - before.pages) / kInstances;
    state.counters["idle_tables"] = (idle.tables - before.tables) / kInstances;
  }
}
BENCHMARK(memory_of_idle)->ArgName("pages")->Arg(0)->Arg(16)->Arg(256)->Iterations(1);

void host_to_wasm(benchmark::State& state, Tier tier) {
  Setup setup(kCalls, tier);
  Store store(setup.engine);
  Instance instance = must(setup.linker.instantiate(store, setup.module));
  auto id = must(instance.get_typed<int32_t(int32_t)>(store, "id"));
  int32_t x = 7;
  for (auto _ : state) {
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(must(id.call(store, x)));
  }
}

void wasm_to_host(benchmark::State& state, Tier tier) {
  constexpr int32_t calls = 100'000;
  Setup setup(kCalls, tier);
  Store store(setup.engine);
  Instance instance = must(setup.linker.instantiate(store, setup.module));
  auto loop = must(instance.get_typed<int32_t(int32_t)>(store, "loop"));
  for (auto _ : state) benchmark::DoNotOptimize(must(loop.call(store, calls)));
  state.counters["per_call"] = benchmark::Counter(
      calls, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void on_each_tier(const char* name, void (*benchmark)(benchmark::State&, Tier)) {
  constexpr std::pair<const char*, Tier> kTiers[] = {
      {"interp", Tier::interp}, {"baseline", Tier::baseline}, {"llvm", Tier::llvm}};
  for (const auto& [tier_name, tier] : kTiers) {
    if (Engine::has(tier))
      benchmark::RegisterBenchmark((std::string(name) + "/" + tier_name).c_str(), benchmark, tier);
  }
}

}  // namespace

int main(int argc, char** argv) {
  on_each_tier("host_to_wasm", host_to_wasm);
  on_each_tier("wasm_to_host", wasm_to_host);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
