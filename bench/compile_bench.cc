// What stands before the first instruction of a module runs, on one thread: decoding and
// validation, and the baseline compiler over every function, in megabytes of module per second. The
// module is the program's first argument.
#include <cstdio>
#include <string>

#include <benchmark/benchmark.h>

#include "base/file.h"
#include "baseline/baseline.h"
#include "must.h"
#include "wasm/decode/decode.h"
#include "wasm/validate/validate.h"

namespace {

using namespace sedge;
using bench::must;

void decode_and_validate(benchmark::State& state, Bytes file) {
  for (auto _ : state) {
    const wasm::Module module = must(wasm::decode(file, nullptr));
    benchmark::DoNotOptimize(
        must(wasm::validate(module, Features::all(), wasm::TypeRegistry::create())));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * file.size()));
}

void compile_baseline(benchmark::State& state, Bytes file) {
  const wasm::Module module = must(wasm::decode(file, nullptr));
  const wasm::Validated valid =
      must(wasm::validate(module, Features::all(), wasm::TypeRegistry::create()));
  baseline::Options options;
  for (uint32_t i = 0; i < module.memory_count(); ++i)
    options.memories.push_back(vm::MemoryStyle::guarded);
  const auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  size_t code = 0;
  for (auto _ : state) {
    code = 0;
    for (uint32_t i = 0; i < module.funcs.size(); ++i) {
      auto made = baseline::compile(module, valid.types, imported + i, options);
      if (made) code += made->bytes.size();
    }
    benchmark::DoNotOptimize(code);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * file.size()));
  state.counters["code_bytes"] = static_cast<double>(code);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "Usage: compile_bench MODULE [--benchmark_…]\n");
    return 2;
  }
  const FileContent file = must(read_file(argv[1], wasm::kMaxModuleSize));
  benchmark::RegisterBenchmark("decode_and_validate", decode_and_validate, file.bytes);
  if (baseline::available())
    benchmark::RegisterBenchmark("compile_baseline", compile_baseline, file.bytes);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
