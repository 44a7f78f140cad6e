// From imports to functions: expands p1.def into host functions of a Linker, instantiates with a
// context and runs the guest to its end.
#include <sedge/wasi.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "wasi/p1/call.h"

namespace sedge::wasi {
namespace p1 {
namespace {

constexpr std::string_view kPreview1 = "wasi_snapshot_preview1";
constexpr std::string_view kUnstable = "wasi_unstable";
constexpr std::string_view kThreads = "wasi";
constexpr std::string_view kThreadSpawn = "thread-spawn";

Result<Context*> context_of(Caller& caller) {
  if (auto* context = caller.data<Context>()) return context;
  return fail(ErrorCode::host_failure, ": the store has no WASI context (Store::set_data)");
}

/// The host function around one function of call.h.
template <auto kFunction>
struct Binding;
template <typename... A, Answer (*kFunction)(Call&, A...)>
struct Binding<kFunction> {
  static void define(Linker& linker, std::string_view module, const char* name, bool outside,
                     Snapshot snapshot) {
    linker.func(module, name, [=](Caller& caller, A... args) -> Result<uint32_t> {
      SEDGE_TRY_ASSIGN(Context * context, context_of(caller));
      if (outside) context->p1().note_outside(name);
      Call call(caller.store(), *context, caller.memory(), snapshot);
      SEDGE_TRY_ASSIGN(Errno value, kFunction(call, args...));
      return static_cast<uint32_t>(value);
    });
  }
  static FuncType type() { return {{detail::HostValue<A>::type...}, {ValType::i32}}; }
};
template <typename... A, Result<void> (*kFunction)(Call&, A...)>
struct Binding<kFunction> {
  static void define(Linker& linker, std::string_view module, const char* name, bool outside,
                     Snapshot snapshot) {
    linker.func(module, name, [=](Caller& caller, A... args) -> Result<void> {
      SEDGE_TRY_ASSIGN(Context * context, context_of(caller));
      if (outside) context->p1().note_outside(name);
      Call call(caller.store(), *context, caller.memory(), snapshot);
      return kFunction(call, args...);
    });
  }
  static FuncType type() { return {{detail::HostValue<A>::type...}, {}}; }
};

struct Row {
  const char* name;
  bool unstable;  // in the older edition too
  bool outside;
  FuncType (*type)();
  void (*define)(Linker&, std::string_view, const char*, bool, Snapshot);
};

constexpr bool both = true, preview1 = false;   // the editions column of p1.def
constexpr bool inside = false, outside = true;  // the reach column
constexpr Row kRows[] = {
#define SEDGE_WASI_P1(name, function, editions, reach) \
  {#name, editions, reach, Binding<&function>::type, Binding<&function>::define},
#include "wasi/p1/p1.def"
#undef SEDGE_WASI_P1
};

std::optional<Snapshot> edition(std::string_view module) {
  if (module == kPreview1) return Snapshot::preview1;
  if (module == kUnstable) return Snapshot::unstable;
  return std::nullopt;
}

/// The row for an import: the one of its name and signature, else the first of its name.
const Row* find_row(const ImportType& import, Snapshot snapshot) {
  const Row* named = nullptr;
  for (const Row& row : kRows) {
    if (row.name != import.name || (snapshot == Snapshot::unstable && !row.unstable)) continue;
    if (import.type.kind == ExternKind::func && row.type() == import.type.func) return &row;
    if (!named) named = &row;
  }
  return named;
}

bool wants_threads(const Module& module) {
  return std::ranges::any_of(module.imports(), [](const ImportType& import) {
    return import.module == kThreads && import.name == kThreadSpawn;
  });
}

void define_thread_spawn(Linker& linker) {
  linker.func(kThreads, kThreadSpawn, [](Caller& caller, int32_t argument) -> Result<int32_t> {
    SEDGE_TRY_ASSIGN(Context * context, context_of(caller));
    context->p1().note_outside("thread-spawn");
    auto id = context->p1().threads().spawn(caller.store(), *context, argument);
    return id ? *id : -static_cast<int32_t>(Errno::again);
  });
}

/// The memories that a threaded module imports are made here: nobody else can own them.
Result<void> define_shared_memories(const Engine& engine, Linker& linker, const Module& module) {
  for (const ImportType& import : module.imports()) {
    if (import.type.kind != ExternKind::memory || !import.type.memory.shared) continue;
    if (linker.has(import.module, import.name)) continue;
    SEDGE_TRY_ASSIGN(auto memory, SharedMemory::create(engine, import.type.memory));
    linker.define(import.module, import.name, memory);
  }
  return {};
}

}  // namespace

std::vector<ImportRow> import_rows() {
  std::vector<ImportRow> out;
  for (const Row& row : kRows) out.push_back({row.name, row.unstable, row.type()});
  return out;
}

}  // namespace p1

bool wants_wasi(const Module& module) {
  return std::ranges::any_of(module.imports(), [](const ImportType& import) {
    return p1::edition(import.module) ||
           (import.module == p1::kThreads && import.name == p1::kThreadSpawn);
  });
}

Result<void> link(const Engine& engine, Linker& linker, const Module& module) {
  for (const ImportType& import : module.imports()) {
    auto snapshot = p1::edition(import.module);
    if (!snapshot) continue;
    if (const p1::Row* row = p1::find_row(import, *snapshot)) {
      row->define(linker, import.module, row->name, row->outside, *snapshot);
      continue;
    }
    // A name that WASI does not have: with all that it has, the linker can name the nearest.
    for (const p1::Row& row : p1::kRows)
      if ((*snapshot == p1::Snapshot::preview1 || row.unstable) &&
          !linker.has(import.module, row.name))
        row.define(linker, import.module, row.name, row.outside, *snapshot);
  }
  if (!p1::wants_threads(module)) return {};
  p1::define_thread_spawn(linker);
  return p1::define_shared_memories(engine, linker, module);
}

Result<Instance> instantiate(const Engine& engine, Store& store, const Linker& linker,
                             const Module& module, std::shared_ptr<Context> context) {
  Context& guest = *context;
  store.set_data(std::move(context));
  if (!p1::wants_threads(module)) return linker.instantiate(store, module);
  SEDGE_TRY_ASSIGN(InstancePre pre, linker.instantiate_pre(module));
  guest.p1().threads().prepare(engine, pre, store.interrupter());
  auto instance = pre.instantiate(store);
  if (instance) return instance;
  // A start function may have spawned before it failed.
  auto outcome = guest.p1().threads().finish(fail(std::move(instance).error()));
  return fail(std::move(outcome).error());
}

Result<int> run(Store& store, const Instance& instance, std::string_view function) {
  auto start = instance.get_func(store, function);
  if (!start)
    return fail(ErrorCode::unknown_export,
                fmt::format(": the module has no function \"{}\"", function));
  Result<void> outcome;
  if (auto called = start->call(store, {}); !called) outcome = fail(std::move(called).error());
  outcome = finish(store, std::move(outcome));
  if (outcome) return 0;
  if (outcome.error().code() == ErrorCode::guest_exit) return outcome.error().guest_exit_status();
  return fail(std::move(outcome).error());
}

Result<void> finish(Store& store, Result<void> outcome) {
  auto* context = store.data<Context>();
  if (!context) return outcome;
  return context->p1().threads().finish(std::move(outcome));
}

}  // namespace sedge::wasi
