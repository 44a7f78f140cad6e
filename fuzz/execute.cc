// Generated modules through decoder, validator and every tier. A generated module must be valid;
// its functions must do the same in the interpreter, in baseline code and where they change over
// from one to the other: same results, same error, same fuel, same memory. Then a few bytes of the
// module are changed: whatever is still valid must run to an end in every tier too, and alike.
#include <sedge/sedge.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/generator.h"
#include "fuzz/require.h"

namespace {

using namespace sedge;
using fuzz::require;

constexpr uint64_t kFuel = 20'000;
constexpr StoreLimits kLimits{.memory_bytes = 1 << 20,
                              .table_elements = 1000,
                              .instances = 4,
                              .memories = 4,
                              .tables = 4,
                              .stack_bytes = 64 << 10,
                              .gc_heap_bytes = 1 << 20};

/// The interpreter, then what else this build has.
const std::vector<Engine>& engines() {
  static const std::vector<Engine> all = [] {
    std::vector<Engine> made;
    auto add = [&](Tier tier) {
      auto engine = Engine::create({.tier = tier, .tier_threshold = 2, .fuel = true});
      require(engine.has_value(), "an engine with fuel can be made");
      made.push_back(*engine);
    };
    add(Tier::interp);
    if (Engine::has(Tier::baseline)) {
      add(Tier::baseline);
      add(Tier::automatic);
    }
    return made;
  }();
  return all;
}

Val argument(ValType type, uint64_t bits) {
  if (type == ValType::v128) return Val::from_bits(type, bits, ~bits);
  if (type.is_ref()) return Val::from_bits(type, 0);
  bool narrow = type == ValType::i32 || type == ValType::f32;
  return Val::from_bits(type, narrow ? bits & 0xffffffff : bits);
}

/// Everything that can be seen of one run of all exported functions.
struct Outcome {
  std::vector<std::string> events;
  std::vector<uint64_t> cells;
  uint64_t fuel = 0;
  std::vector<uint8_t> memory;
};

Outcome run(const Engine& engine, const Module& module) {
  Outcome out;
  Store store(engine, kLimits);
  store.set_fuel(kFuel);
  auto instance = Instance::create(store, module, {});
  if (!instance) {
    out.events.push_back(instance.error().message());
    return out;
  }
  uint64_t seed = 0x9e3779b97f4a7c15;
  for (const ExportType& each : module.exports()) {
    if (each.type.kind != ExternKind::func) continue;
    std::vector<Val> args;
    for (ValType type : each.type.func.params) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      bool nullable = !type.is_ref() || type.nullable();
      if (!nullable) break;
      args.push_back(argument(type, seed >> (seed >> 59)));
    }
    if (args.size() != each.type.func.params.size()) continue;
    store.set_fuel(kFuel);
    auto result = instance->get_func(store, each.name)->call(store, args);
    if (result) {
      for (const Val& value : *result) {
        out.cells.push_back(value.type().is_ref() ? value.is_null() : value.low());
        out.cells.push_back(value.type() == ValType::v128 ? value.high() : 0);
      }
    } else {
      require(!result.error().message().empty(), "an error has a message");
      out.events.push_back(result.error().message());
    }
    out.fuel += store.fuel();
  }
  if (auto memory = instance->get_memory(store, "memory")) {
    auto bytes = memory->bytes(store);
    out.memory.assign(bytes.begin(), bytes.end());
  }
  return out;
}

/// Runs the module on every engine; they must agree.
void run_everywhere(const std::vector<uint8_t>& binary, bool valid) {
  std::optional<Outcome> first;
  for (const Engine& engine : engines()) {
    auto module = Module::from_binary(engine, binary);
    if (!module) {
      if (valid) std::fprintf(stderr, "%s\n", module.error().message().c_str());
      require(!valid, "a generated module is valid");
      return;
    }
    if (!module->imports().empty()) return;
    Outcome outcome = run(engine, *module);
    if (!first) {
      first = std::move(outcome);
      continue;
    }
    require(outcome.events == first->events, "every tier ends alike");
    require(outcome.cells == first->cells, "every tier gives the same results");
    require(outcome.fuel == first->fuel, "every tier uses the same fuel");
    require(outcome.memory == first->memory, "every tier leaves the same memory");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Choices choices(data, size);
  fuzz::Generator generator(choices);
  std::vector<uint8_t> binary = generator.module();

  run_everywhere(binary, true);

  if (size == 0) return 0;
  for (uint32_t i = 0; i < 1u + data[size - 1] % 4; ++i) {
    uint64_t place = (data[i % size] * 257u + data[(i + 1) % size] * 31u + i) % binary.size();
    binary[place] ^= data[(i + 2) % size] | 1;
  }
  run_everywhere(binary, false);
  return 0;
}
