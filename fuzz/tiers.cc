// Every tier against the interpreter, LLVM code among them: modules that are generated from op.def,
// and real ones with instructions exchanged (fuzz/mutate.h). Same results, same traps at the same
// places, same fuel, same memory and globals after each call, at a trap too, in exact mode; in fast
// mode until the first trap, which is the same. NaNs are fixed first (fuzz/rewrite.h). Needs sedgec
// ($SEDGEC, or beside this program); it is asked in its own process, so that it is the one that is
// installed.
#include <sedge/sedge.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/generator.h"
#include "fuzz/mutate.h"
#include "fuzz/require.h"
#include "fuzz/rewrite.h"
#include "wasm/decode/decode.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace sedge;
using fuzz::require;

constexpr uint64_t kFuel = 20'000;
constexpr size_t kMaxCalls = 48;
constexpr StoreLimits kLimits{.memory_bytes = 4 << 20,
                              .table_elements = 1000,
                              .instances = 4,
                              .memories = 8,
                              .tables = 8,
                              .stack_bytes = 64 << 10,
                              .gc_heap_bytes = 1 << 20};

/// One way to run a module.
struct Way {
  const char* name;
  Config config;
};

Config config(Tier tier, bool fuel, bool exact = true, Optimize optimize = Optimize::off) {
  Config made;
  made.tier = tier;
  made.tier_threshold = 2;
  made.optimize_threshold = 1;
  made.fuel = fuel;
  made.exact = exact;
  made.optimize = optimize;
  made.notice = [](bool, const std::string& text) {
    std::fprintf(stderr, "%s\n", text.c_str());
    require(text.starts_with("left out: "), "sedgec compiles what is valid");
  };
  return made;
}

/// The interpreter, which is right, then what is compared with it.
const std::vector<Way>& ways() {
  static const std::vector<Way> all = {
      {"interp", config(Tier::interp, true)},
      {"baseline, fuel", config(Tier::baseline, true)},
      {"auto, fuel", config(Tier::automatic, true)},
      {"llvm, fuel", config(Tier::llvm, true)},
      {"optimized, fuel", config(Tier::automatic, true, true, Optimize::at_once)},
      {"baseline", config(Tier::baseline, false)},
      {"auto", config(Tier::automatic, false)},
      {"llvm", config(Tier::llvm, false)},
      {"optimized", config(Tier::automatic, false, true, Optimize::at_once)},
      {"llvm, fast", config(Tier::llvm, false, false)},
      {"optimized, fast", config(Tier::automatic, false, false, Optimize::at_once)},
  };
  return all;
}
const Engine& engine(size_t way) {
  static std::vector<std::optional<Engine>> made(ways().size());
  if (!made[way]) {
    auto engine = Engine::create(ways()[way].config);
    require(engine.has_value(), "every engine can be made");
    made[way] = *std::move(engine);
  }
  return *made[way];
}

/// What can be seen of one call, or of instantiation.
struct Event {
  std::string what;
  std::optional<ErrorCode> error;
  std::string text;
  std::string places;
  std::vector<uint64_t> cells;
  uint64_t fuel = 0;
  uint64_t state = 0;  ///< of memories and globals
};

class Run {
 public:
  Run(const Engine& engine, const Module& module, bool exact_nans)
      : module_(module),
        exact_nans_(exact_nans),
        fuel_(engine.config().fuel),
        store_(engine, kLimits) {
    refuel();
    std::vector<Extern> imports;
    for (const ImportType& each : module.imports()) {
      auto made = import(each);
      if (!made) return;
      imports.push_back(*made);
    }
    possible = true;
    auto instance = Instance::create(store_, module, imports);
    if (!instance) {
      note("instantiation", instance.error());
      return;
    }
    instance_ = *instance;
    note("instantiation", std::vector<Val>());
    call_all();
  }

  bool possible = false;  ///< its imports can be given
  std::vector<Event> events;

 private:
  void refuel() {
    if (fuel_) store_.set_fuel(kFuel);
  }
  uint64_t random() {
    seed_ = seed_ * 6364136223846793005 + 1442695040888963407;
    return seed_ >> 16;
  }
  std::optional<Val> value(ValType type) {
    static constexpr uint64_t kEdges[] = {0,
                                          1,
                                          2,
                                          8,
                                          100,
                                          0xffff,
                                          0x10000,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          ~0ull,
                                          0x7fc00001,
                                          0x7f800001,
                                          0x3f800000,
                                          1ull << 63,
                                          0x7ff0000000000001,
                                          0x3ff8ull << 48,
                                          0x40dull << 52};
    if (type.is_ref()) {
      if (!type.nullable()) return {};
      return Val::from_bits(type, 0);
    }
    auto bits = [this] {
      return random() % 4 == 0 ? random() * 0x9e3779b97f4a7c15
                               : kEdges[random() % std::size(kEdges)];
    };
    uint64_t low = bits();
    if (type == ValType::i32 || type == ValType::f32) low &= 0xffffffff;
    return Val::from_bits(type, low, type == ValType::v128 ? bits() : 0);
  }

  std::optional<Extern> import(const ImportType& each) {
    const ExternType& type = each.type;
    switch (type.kind) {
      case ExternKind::func:
        return Func::wrap(store_, type.func,
                          [this, results = type.func.results](Caller&, std::span<const Val> args,
                                                              std::span<Val> out) -> Result<void> {
                            for (const Val& arg : args) add(host_, arg);
                            for (size_t i = 0; i < results.size(); ++i) {
                              auto made = value(results[i]);
                              if (!made) return fail(ErrorCode::bad_argument);
                              out[i] = *made;
                            }
                            return {};
                          });
      case ExternKind::table: {
        if (!type.table.element.nullable()) return {};
        auto made = Table::create(store_, type.table, Val::from_bits(type.table.element, 0));
        if (!made) return {};
        return *made;
      }
      case ExternKind::memory: {
        auto made = Memory::create(store_, type.memory);
        if (!made) return {};
        return *made;
      }
      case ExternKind::global: {
        auto init = value(type.global.value);
        if (!init) return {};
        auto made = Global::create(store_, type.global, *init);
        if (!made) return {};
        return *made;
      }
      case ExternKind::tag:
        return Tag::create(store_, type.func);
    }
    return {};
  }

  void add(std::vector<uint64_t>& cells, const Val& value) const {
    const ValType type = value.type();
    uint64_t low = type.is_ref() ? value.is_null() : value.low();
    if (!exact_nans_ && type == ValType::f32 && value.f32() != value.f32()) low = 0x7fc00000;
    if (!exact_nans_ && type == ValType::f64 && value.f64() != value.f64()) low = 0x7ff8ull << 48;
    cells.push_back(low);
    cells.push_back(type == ValType::v128 ? value.high() : 0);
  }
  Event& begin(std::string what) {
    Event& event = events.emplace_back();
    event.what = std::move(what);
    event.cells = std::exchange(host_, {});
    if (fuel_) event.fuel = store_.fuel();
    event.state = state();
    return event;
  }
  void note(std::string what, const Error& error) {
    Event& event = begin(std::move(what));
    event.error = error.code();
    event.text = error.message();
    require(!event.text.empty(), "an error has a message");
    for (const Frame& frame : error.backtrace()) {
      event.places += " " + std::to_string(frame.func_index) + "@" + std::to_string(frame.offset);
    }
  }
  void note(std::string what, const std::vector<Val>& results) {
    Event& event = begin(std::move(what));
    for (const Val& value : results) add(event.cells, value);
  }
  uint64_t state() {
    std::vector<uint64_t> parts;
    if (!instance_) return 0;
    for (const ExportType& each : module_.exports()) {
      const ExternKind kind = each.type.kind;  // names are the module's, too
      if (kind == ExternKind::memory && each.name.starts_with(fuzz::Rewriter::kMemory)) {
        auto bytes = instance_->get_memory(store_, each.name)->bytes(store_);
        parts.push_back(bytes.size());
        parts.push_back(std::hash<std::string_view>()(
            {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
      } else if (kind == ExternKind::global && each.name.starts_with(fuzz::Rewriter::kGlobal)) {
        add(parts, instance_->get_global(store_, each.name)->get(store_));
      }
    }
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(parts.data()), parts.size() * sizeof(uint64_t)});
  }
  void call_all() {
    size_t calls = 0;
    for (int round = 0; round < 2; ++round) {
      for (const ExportType& each : module_.exports()) {
        if (each.type.kind != ExternKind::func) continue;
        std::vector<Val> args;
        for (ValType type : each.type.func.params)
          if (auto made = value(type)) args.push_back(*made);
        if (args.size() != each.type.func.params.size()) continue;
        if (++calls > kMaxCalls) return;
        refuel();
        auto result = instance_->get_func(store_, each.name)->call(store_, args);
        if (result) {
          note(each.name, *result);
        } else {
          note(each.name, result.error());
        }
      }
    }
  }

  const Module& module_;
  const bool exact_nans_;
  const bool fuel_;
  Store store_;
  std::optional<Instance> instance_;
  std::vector<uint64_t> host_;  ///< arguments of host functions
  uint64_t seed_ = 0x9e3779b97f4a7c15;
};

/// How deep a stack goes and when the heap is full is each tier's own matter.
bool incomparable(const Event& event) {
  return event.error == ErrorCode::call_stack_exhausted ||
         event.error == ErrorCode::gc_heap_exhausted || event.error == ErrorCode::out_of_memory;
}

void compare(const Run& right, const Run& other, const Way& way) {
  for (size_t i = 0; i < right.events.size(); ++i) {
    require(i < other.events.size(), "every tier gets as far");
    const Event &a = right.events[i], &b = other.events[i];
    if (incomparable(a) || incomparable(b)) return;
    // What is left behind by a trap is nobody's in fast mode, and of several accesses beyond a
    // memory's end it may name another one.
    const bool forgotten = !way.config.exact && a.error;
    const bool placed = !forgotten || a.error != ErrorCode::out_of_bounds_memory_access;
    const bool alike = a.error == b.error && a.text == b.text && (!placed || a.places == b.places);
    const char* what = !alike                                ? "every tier ends alike"
                       : forgotten                           ? nullptr
                       : a.cells != b.cells                  ? "every tier gives the same results"
                       : way.config.fuel && a.fuel != b.fuel ? "every tier uses the same fuel"
                       : a.state != b.state                  ? "every tier leaves the same state"
                                                             : nullptr;
    if (forgotten && what == nullptr) return;
    if (what == nullptr) continue;
    auto show = [&](const char* tier, const Event& event) {
      std::fprintf(stderr, "%s: %s: '%s', places%s, fuel %llu, state %016llx, results", tier,
                   event.what.c_str(), event.text.c_str(), event.places.c_str(),
                   static_cast<unsigned long long>(event.fuel),
                   static_cast<unsigned long long>(event.state));
      for (uint64_t cell : event.cells)
        std::fprintf(stderr, " %llx", static_cast<unsigned long long>(cell));
      std::fputc('\n', stderr);
    };
    show("interp", a);
    show(way.name, b);
    require(false, what);
  }
}

/// Whether a run of this module ends and touches nothing outside.
bool suitable(const wasm::Module& module) {
  for (uint32_t i = 0; i < module.memory_count(); ++i)
    if (module.memory_type(i).shared) return false;  // waiting takes as long as it wants
  return true;
}

/// Writes the module where FUZZ_KEEP says, to be looked at.
void keep(const std::vector<uint8_t>& binary) {
  const char* path = std::getenv("FUZZ_KEEP");
  if (path == nullptr) return;
  std::FILE* file = std::fopen(path, "wb");
  if (file == nullptr) return;
  std::fwrite(binary.data(), 1, binary.size(), file);
  std::fclose(file);
}

/// False if the bytes are of no use.
bool run_everywhere(const std::vector<uint8_t>& original, bool valid) {
  const Engine& first = engine(0);
  {
    auto module = Module::from_binary(first, original);
    require(module.has_value() || !valid, "a generated module is valid");
    if (!module || !suitable(module->syntax())) return false;
  }
  const size_t hash = std::hash<std::string_view>()(
      {reinterpret_cast<const char*>(original.data()), original.size()});
  const fuzz::Nans nans = (hash & 1) != 0 ? fuzz::Nans::late : fuzz::Nans::at_once;
  const std::vector<uint8_t> binary =
      fuzz::Rewriter::rewrite(*wasm::decode(original, nullptr), nans);
  keep(binary);
  auto module = Module::from_binary(first, binary);
  if (!module) return false;  // more locals than there may be, or a name that was there
  const bool exact_nans = nans == fuzz::Nans::at_once;
  const Run right(first, *module, exact_nans);
  if (!right.possible) return false;
  bool ends = true;
  for (const Event& event : right.events)
    ends &= event.error != ErrorCode::out_of_fuel && !incomparable(event);

  // LLVM takes most of the time: two of its ways for each module.
  const size_t fuel_way = 3 + (hash >> 1) % 2, free_way = 7 + (hash >> 2) % 4;
  for (size_t way = 1; way < ways().size(); ++way) {
    const Config& config = ways()[way].config;
    const bool llvm = config.tier == Tier::llvm || config.optimize == Optimize::at_once;
    if (llvm && way != fuel_way && way != free_way) continue;
    if (!config.fuel && !ends) continue;
    auto again = Module::from_binary(engine(way), binary);
    require(again.has_value(), "every tier loads what is valid");
    for (const std::string& note : again->notes()) {
      std::fprintf(stderr, "%s: %s\n", ways()[way].name, note.c_str());
      require(false, "sedgec compiles what is valid");
    }
    const Run other(engine(way), *again, exact_nans);
    compare(right, other, ways()[way]);
  }
  return true;
}

bool is_module(const uint8_t* data, size_t size) {
  return size > 8 && std::memcmp(data, "\0asm", 4) == 0;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  require(Engine::has(Tier::llvm), "there is a sedgec: set SEDGEC (make build)");
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  if (is_module(data, size) && seed % 8 != 0) {
    const std::vector<uint8_t> mutated = fuzz::Mutator(seed).mutate({data, size});
    if (!mutated.empty() && mutated.size() <= max_size) {
      std::memcpy(data, mutated.data(), mutated.size());
      return mutated.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (is_module(data, size)) return run_everywhere({data, data + size}, false) ? 0 : -1;
  fuzz::Choices choices(data, size);
  fuzz::Generator generator(choices);
  run_everywhere(generator.module(), true);
  return 0;
}
