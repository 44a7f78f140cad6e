// Calls between host and wasm: Func, host functions, and how calls end.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sedge/typed.h>

#include "engine/dwarf_lines.h"
#include "engine/engine_impl.h"

namespace sedge {
namespace {

/// Calls a RawHostCallback.
vm::Exit enter_raw(void* env, vm::Context& context, vm::Instance* instance, vm::Cell* args) {
  Caller caller(context, instance);
  Result<void> result = (*static_cast<RawHostCallback*>(env))(caller, args);
  if (result) [[likely]]
    return vm::Exit::returned;
  return detail::host_failed(context, std::move(result).error());
}

const ModuleImpl* module_of(const interp::TraceEntry& entry) {
  return static_cast<const ModuleImpl*>(entry.module->owner);
}

// Debug information is read once for each module of the backtrace.
void add_source_lines(const std::vector<interp::TraceEntry>& trace, std::vector<Frame>& frames) {
  for (size_t i = 0; i < trace.size(); ++i) {
    const ModuleImpl* module = module_of(trace[i]);
    if (!frames[i].source.empty() || module->text) continue;
    std::vector<uint64_t> offsets;
    std::vector<size_t> places;
    for (size_t j = i; j < trace.size(); ++j) {
      if (module_of(trace[j]) != module) continue;
      offsets.push_back(trace[j].offset);
      places.push_back(j);
    }
    std::vector<std::string> lines = find_source_lines(module->syntax, offsets);
    for (size_t j = 0; j < lines.size(); ++j) frames[places[j]].source = std::move(lines[j]);
    if (places.size() == trace.size()) return;
  }
}

std::vector<Frame> backtrace(StoreImpl& store) {
  std::vector<interp::TraceEntry> trace = interp::take_backtrace(store.context);
  std::vector<Frame> frames;
  for (const interp::TraceEntry& entry : trace) {
    const ModuleImpl* module = module_of(entry);
    Frame frame{
        module->name, entry.func_index, module->func_name(entry.func_index), entry.offset, {}};
    if (module->text) {
      if (auto location = module->text->find(entry.offset))
        frame.source = fmt::format("line {}, column {}", location->line, location->column);
    }
    frames.push_back(std::move(frame));
  }
  add_source_lines(trace, frames);
  return frames;
}

}  // namespace

Error trap_error(StoreImpl& store) {
  wasm::TrapCode trap = store.context.trap;
  const bool element =
      trap == wasm::TrapCode::undefined_element || trap == wasm::TrapCode::uninitialized_element;
  Error error(wasm::to_error_code(trap),
              element ? fmt::format(" {}", store.context.trap_index) : std::string());
  if (trap == wasm::TrapCode::out_of_fuel) store.context.fuel = 0;
  error.set_backtrace(backtrace(store));
  return error;
}

Result<void> finish_call(StoreImpl& store, vm::Exit exit) {
  switch (exit) {
    case vm::Exit::returned:
      return {};
    case vm::Exit::trap:
      return fail(trap_error(store));
    case vm::Exit::exception: {
      store.pending_exception = store.context.exception;
      Error error(ErrorCode::uncaught_exception);
      error.set_backtrace(backtrace(store));
      return fail(std::move(error));
    }
    case vm::Exit::host_error: {
      Error error = store.pending ? *std::exchange(store.pending, std::nullopt)
                                  : Error(ErrorCode::host_failure);
      if (error.backtrace().empty() && error.code() != ErrorCode::guest_exit)
        error.set_backtrace(backtrace(store));
      return fail(std::move(error));
    }
  }
  return {};
}

vm::Exit detail::host_failed(vm::Context& context, Error error) {
  StoreImpl& store = StoreImpl::of(context);
  // An exception that the host got from a call into wasm and passes on stays that exception.
  if (error.code() == ErrorCode::uncaught_exception && store.pending_exception != 0) {
    context.exception = std::exchange(store.pending_exception, 0);
    return vm::Exit::exception;
  }
  store.pending = std::move(error);
  return vm::Exit::host_error;
}

std::shared_ptr<HostFunc> HostFunc::make(const EngineImpl& engine, const FuncType& type,
                                         HostEntry entry, std::shared_ptr<void> env) {
  auto host = std::make_shared<HostFunc>();
  host->type = type;
  host->types = engine.resources->registry->add(type);
  host->entry = entry;
  host->env = std::move(env);
  return host;
}

std::shared_ptr<HostFunc> HostFunc::make(const EngineImpl& engine, const FuncType& type,
                                         RawHostCallback callback) {
  return make(engine, type, enter_raw, std::make_shared<RawHostCallback>(std::move(callback)));
}

vm::Func* host_func(StoreImpl& store, runtime::Arena& arena,
                    const std::shared_ptr<HostFunc>& host) {
  vm::Func* func = store.new_func(arena, host->types.id(0));
  func->host = host->entry;
  func->env = host->env.get();
  func->slot = interp::host_slot();
  func->direct = func->host;
  return func;
}

RawHostCallback adapt_values(const FuncType& type, HostCallback callback) {
  return [type, callback = std::move(callback)](Caller& caller, uint64_t* cells) -> Result<void> {
    Store& store = caller.store();
    std::vector<Val> args;
    args.reserve(type.params.size());
    size_t cell = 0;
    for (ValType param : type.params) {
      bool vector = param.is_vector();
      args.push_back(store.make_val(param, cells[cell], vector ? cells[cell + 1] : 0));
      cell += param.cells();
    }
    std::vector<Val> results(type.results.size());
    SEDGE_TRY(callback(caller, args, results));
    cell = 0;
    for (size_t i = 0; i < results.size(); ++i) {
      if (!store.matches(results[i], type.results[i])) {
        return fail(ErrorCode::bad_signature,
                    fmt::format(": a host function returned {} as result {}, its type says {}",
                                to_string(results[i].type()), i, to_string(type.results[i])));
      }
      cells[cell++] = results[i].low();
      if (type.results[i].is_vector()) cells[cell++] = results[i].high();
    }
    return {};
  };
}

Func Func::wrap_raw(Store& store, const FuncType& type, RawHostCallback callback) {
  StoreImpl& impl = store.impl();
  const auto* engine = static_cast<const EngineImpl*>(impl.engine.get());
  auto host = HostFunc::make(*engine, type, std::move(callback));
  impl.kept.push_back(host);
  Func func;
  func.ptr = host_func(impl, impl.arena, host);
  func.store_id = impl.id;
  return func;
}

Func Func::wrap(Store& store, const FuncType& type, HostCallback callback) {
  return wrap_raw(store, type, adapt_values(type, std::move(callback)));
}

FuncType Func::type(const Store&) const { return ptr->canon->type.func; }

namespace {

/// A call that cannot begin yet, or not at all.
[[gnu::noinline, gnu::cold]] vm::Exit prepare_and_enter(StoreImpl& store, const Func& func,
                                                        uint64_t* cells) {
  Result<void> ready =
      func.store_id == store.id ? fill_all_tables(store) : fail(ErrorCode::bad_store);
  if (ready) return interp::invoke(store.context, *func.ptr, cells);
  store.pending = std::move(ready).error();
  return vm::Exit::host_error;
}

}  // namespace

vm::Exit detail::enter_guest(Store& store, const Func& func, uint64_t* cells) {
  StoreImpl& impl = store.impl();
  if (func.store_id != impl.id || impl.tables_to_fill) [[unlikely]]
    return prepare_and_enter(impl, func, cells);
  return interp::invoke(impl.context, *func.ptr, cells);
}

Error detail::guest_failed(Store& store, vm::Exit exit) {
  return finish_call(store.impl(), exit).error();
}

Result<void> Func::call_raw(Store& store, uint64_t* args) const {
  const vm::Exit exit = detail::enter_guest(store, *this, args);
  if (exit == vm::Exit::returned) [[likely]]
    return {};
  return finish_call(store.impl(), exit);
}

Result<std::vector<Val>> Func::call(Store& store, std::span<const Val> args) const {
  StoreImpl& impl = store.impl();
  if (store_id != impl.id) return fail(ErrorCode::bad_store);
  const FuncType& type = ptr->canon->type.func;
  if (args.size() != type.params.size()) {
    return fail(ErrorCode::bad_signature, fmt::format(": the function takes {} arguments, {} given",
                                                      type.params.size(), args.size()));
  }
  std::vector<uint64_t> cells(std::max({ptr->param_cells, ptr->result_cells, 1u}));
  size_t cell = 0;
  for (size_t i = 0; i < args.size(); ++i) {
    if (!store.matches(args[i], type.params[i])) {
      return fail(ErrorCode::bad_signature,
                  fmt::format(": argument {} is {}, the function takes {}", i,
                              to_string(args[i].type()), to_string(type.params[i])));
    }
    cells[cell++] = args[i].low();
    if (type.params[i].is_vector()) cells[cell++] = args[i].high();
  }
  SEDGE_TRY(call_raw(store, cells.data()));
  std::vector<Val> results;
  results.reserve(type.results.size());
  cell = 0;
  for (ValType result : type.results) {
    results.push_back(
        store.make_val(result, cells[cell], result.is_vector() ? cells[cell + 1] : 0));
    cell += result.cells();
  }
  return results;
}

Result<void> detail::check_typed(const Store& store, const Func& func, const FuncType& wanted) {
  if (func.store_id != store.id()) return fail(ErrorCode::bad_store);
  const FuncType& type = func.ptr->canon->type.func;
  if (type == wanted) return {};
  return fail(ErrorCode::bad_signature,
              fmt::format(": the function is {}, it is to be called as {}", to_string(type),
                          to_string(wanted)));
}

Result<Func> detail::exported_func(const Store& store, const Instance& instance,
                                   std::string_view name) {
  if (auto func = instance.get_func(store, name)) return *func;
  return fail(ErrorCode::unknown_export, fmt::format(": the module has no function \"{}\"", name));
}

Val Func::to_val(Store&) const {
  return Val::from_bits(ValType::reference(HeapType::index(ptr->type), false),
                        reinterpret_cast<uint64_t>(ptr));
}

std::optional<Func> Func::from_val(Store& store, const Val& value) {
  if (!value.type().is_ref() || value.is_null() ||
      !vm::is_func_ref(value.type(), store.impl().registry()))
    return std::nullopt;
  Func func;
  func.ptr = reinterpret_cast<vm::Func*>(value.low());
  func.store_id = store.id();
  return func;
}

std::optional<Instance> Caller::instance() const {
  if (instance_ == nullptr) return std::nullopt;
  Instance instance;
  instance.ptr = static_cast<InstanceImpl*>(instance_);
  instance.store_id = StoreImpl::of(context_).id;
  return instance;
}

Store& Caller::store() const { return *StoreImpl::of(context_).facade; }

std::span<uint8_t> Caller::memory() const {
  if (instance_ == nullptr) return {};
  const vm::Memory* memory = instance_->default_memory;
  if (memory == nullptr) return {};
  return {memory->base, memory->size.load(std::memory_order_acquire)};
}

}  // namespace sedge
