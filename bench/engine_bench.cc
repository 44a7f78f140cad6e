// Instances and calls inside one process, with the modules that wasmtime's own measurement uses, so
// that the figures stand side by side: instantiate+drop (alone, and with 10,000 alive), host to
// wasm, wasm to host.
#include <sedge/sedge.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace sedge;

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

/// The value, or the end: a benchmark that cannot be set up has no figure.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "engine_bench: %s\n", result.error().message().c_str());
    std::exit(1);
  }
  return std::move(*result);
}

struct Setup {
  Engine engine = must(Engine::create());
  Module module;
  Linker linker{engine};

  explicit Setup(const char* text) : module(must(Module::from_text(engine, text))) {
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

void instantiate_and_drop(benchmark::State& state) {
  Setup setup(kDataModule);
  InstancePre pre = must(setup.linker.instantiate_pre(setup.module));
  std::vector<Guest> alive;
  for (int64_t i = 0; i < state.range(0); ++i) alive.push_back(spawn(setup.engine, pre));
  for (auto _ : state) {
    Guest guest = spawn(setup.engine, pre);
    benchmark::DoNotOptimize(guest.instance);
  }
}
BENCHMARK(instantiate_and_drop)->ArgName("alive")->Arg(0)->Arg(10000);

void host_to_wasm(benchmark::State& state) {
  Setup setup(kCalls);
  Store store(setup.engine);
  Instance instance = must(setup.linker.instantiate(store, setup.module));
  Func id = instance.get_func(store, "id").value();
  for (auto _ : state) {
    uint64_t cells[1] = {7};
    if (!id.call_raw(store, cells)) std::abort();
    benchmark::DoNotOptimize(cells);
  }
}
BENCHMARK(host_to_wasm);

void wasm_to_host(benchmark::State& state) {
  constexpr int32_t calls = 100'000;
  Setup setup(kCalls);
  Store store(setup.engine);
  Instance instance = must(setup.linker.instantiate(store, setup.module));
  Func loop = instance.get_func(store, "loop").value();
  for (auto _ : state) {
    uint64_t cells[1] = {calls};
    if (!loop.call_raw(store, cells)) std::abort();
  }
  state.counters["per_call"] = benchmark::Counter(
      calls, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(wasm_to_host);

}  // namespace

BENCHMARK_MAIN();
