// Calls of components, with the guests that wasmtime-components runs too: from the host, between
// two components, and of the host. Figures are for one call.
#include <sedge/component_async.h>
#include <sedge/sedge.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "must.h"

namespace {

using namespace sedge;
using bench::must;

std::string text_of(const char* name) {
  std::ifstream file(std::string(SEDGE_BENCH_DIR "/") + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Config config_of(int64_t tier) {
  Config config;
  config.features = must(Features::parse("all,+cm-async-stackful"));
  config.tier = static_cast<Tier>(tier);
  return config;
}

ComponentVal number(uint32_t value) {
  ComponentVal out;
  out.kind = ComponentVal::Kind::u32;
  out.bits = value;
  return out;
}

struct Guest {
  Engine engine;
  Store store{engine};
  ComponentLinker linker;
  ComponentInstance instance;

  Guest(int64_t tier, const char* file) : engine(must(Engine::create(config_of(tier)))) {
    auto plus_one = [](std::span<ComponentVal> args) {
      return std::vector{number(static_cast<uint32_t>(args[0].bits) + 1)};
    };
    linker.func(
        "plain",
        [plus_one](Store&, std::span<ComponentVal> args) -> Result<std::vector<ComponentVal>> {
          return plus_one(args);
        });
    for (const char* name : {"waits", "starts"})
      linker.async_func(
          name, [plus_one](Store&, std::span<ComponentVal> args, const ComponentCompletion& done) {
            done.resolve(plus_one(args));
          });
    auto component = must(Component::from_text(engine, text_of(file)));
    instance = must(linker.instantiate(store, component));
  }
  ComponentFunc func(const char* name) const { return instance.get_func(name).value(); }
};

void tiers(benchmark::internal::Benchmark* bench) {
  bench->ArgName("tier");
  for (Tier tier : {Tier::interp, Tier::baseline, Tier::llvm})
    if (Engine::has(tier)) bench->Arg(static_cast<int64_t>(tier));
}

void from_host(benchmark::State& state, const char* export_name, std::vector<ComponentVal> args) {
  Guest guest(state.range(0), "component_calls.wat");
  ComponentFunc func = guest.func(export_name);
  for (auto _ : state) {
    auto results = func.call(guest.store, args);
    if (!results) std::abort();
    benchmark::DoNotOptimize(results);
  }
}

/// A guest that makes many calls.
void from_guest(benchmark::State& state, const char* file, const char* export_name) {
  constexpr uint32_t calls = 20'000;
  Guest guest(state.range(0), file);
  ComponentFunc func = guest.func(export_name);
  const std::vector<ComponentVal> args = {number(calls)};
  for (auto _ : state) must(func.call(guest.store, args));
  state.counters["per_call"] = benchmark::Counter(
      calls, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

ComponentVal kibibyte() {
  ComponentVal out;
  out.kind = ComponentVal::Kind::string;
  out.text = std::string(1024, 'x');
  return out;
}

BENCHMARK_CAPTURE(from_host, numbers, "add", {number(1), number(2)})
    ->Name("host_to_component/numbers")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_host, string, "string", {kibibyte()})
    ->Name("host_to_component/string_1KiB")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, numbers, "component_calls.wat", "adds")
    ->Name("component_to_component/numbers")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, string, "component_calls.wat", "strings")
    ->Name("component_to_component/string_1KiB")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, flats, "component_calls.wat", "flats")
    ->Name("component_to_component/64_flat_records")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, nameds, "component_calls.wat", "nameds")
    ->Name("component_to_component/16_named_records")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, plain, "component_host.wat", "plain-calls")
    ->Name("component_to_host/plain")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, waits, "component_host.wat", "wait-calls")
    ->Name("component_to_host/waits")
    ->Apply(tiers);
BENCHMARK_CAPTURE(from_guest, starts, "component_host.wat", "start-calls")
    ->Name("component_to_host/starts")
    ->Apply(tiers);

}  // namespace

BENCHMARK_MAIN();
