// Items and values as interpreter/README.md of the specification repository lists them; the threads
// proposal adds shared_memory.
#include "wast/spectest.h"

#include <cstdio>
#include <string>

#include <fmt/format.h>

namespace sedge::wast {
namespace {

std::string text_of(const Val& value) {
  switch (value.type().kind()) {
    case ValType::i32:
      return fmt::format("{} : i32", value.i32());
    case ValType::i64:
      return fmt::format("{} : i64", value.i64());
    case ValType::f32:
      return fmt::format("{} : f32", value.f32());
    default:
      return fmt::format("{} : f64", value.f64());
  }
}

}  // namespace

Result<void> define_spectest(Linker& linker, Store& store, const Engine& engine, Features features,
                             bool print) {
  using enum ValType::Kind;
  const std::pair<const char*, std::vector<ValType>> prints[] = {{"print", {}},
                                                                 {"print_i32", {i32}},
                                                                 {"print_i64", {i64}},
                                                                 {"print_f32", {f32}},
                                                                 {"print_f64", {f64}},
                                                                 {"print_i32_f32", {i32, f32}},
                                                                 {"print_f64_f64", {f64, f64}}};
  for (const auto& [name, params] : prints) {
    linker.func_values("spectest", name, FuncType{params, {}},
                       [print](Caller&, std::span<const Val> args, std::span<Val>) -> Result<void> {
                         if (!print) return {};
                         std::string line;
                         for (const Val& arg : args) line += text_of(arg) + "\n";
                         std::fputs(args.empty() ? "\n" : line.c_str(), stdout);
                         return {};
                       });
  }

  const std::pair<const char*, Val> globals[] = {{"global_i32", Val(int32_t{666})},
                                                 {"global_i64", Val(int64_t{666})},
                                                 {"global_f32", Val(666.6f)},
                                                 {"global_f64", Val(666.6)}};
  for (const auto& [name, value] : globals) {
    SEDGE_TRY_ASSIGN(Global global, Global::create(store, {value.type(), false}, value));
    linker.define(store, "spectest", name, global);
  }

  TableType table{ValType::funcref(), {10, 20}, false};
  Val null = Val::null(HeapType::func);
  SEDGE_TRY_ASSIGN(Table table32, Table::create(store, table, null));
  linker.define(store, "spectest", "table", table32);
  if (features.has(Feature::memory64)) {
    table.is64 = true;
    SEDGE_TRY_ASSIGN(Table table64, Table::create(store, table, null));
    linker.define(store, "spectest", "table64", table64);
  }

  MemoryType memory{{1, 2}, false, false, 16};
  SEDGE_TRY_ASSIGN(Memory plain, Memory::create(store, memory));
  linker.define(store, "spectest", "memory", plain);
  if (features.has(Feature::threads)) {
    memory.shared = true;
    SEDGE_TRY_ASSIGN(SharedMemory shared, SharedMemory::create(engine, memory));
    linker.define("spectest", "shared_memory", shared);
  }
  return {};
}

}  // namespace sedge::wast
