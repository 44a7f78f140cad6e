// Canonical functions: options, and the core signature of each. Specification: CanonicalABI.md,
// "Canonical Definitions" (what "validation specifies").
#include <fmt/format.h>

#include "component/validator.h"

namespace sedge::component {
namespace {

using V = sedge::ValType;

std::unexpected<Error> bad_option(std::string text) {
  return fail(ErrorCode::canonical_option, std::move(text));
}

const char* encoding_name(CanonOption::Kind kind) {
  switch (kind) {
    case CanonOption::Kind::utf16:
      return "utf16";
    case CanonOption::Kind::latin1_utf16:
      return "latin1-utf16";
    default:
      return "utf8";
  }
}

/// "[I32, I64]", as the messages of this rule have it.
std::string list_of(const std::vector<V>& types) {
  std::string out = "[";
  for (V type : types) {
    std::string name = sedge::to_string(type);
    for (char& c : name)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    out += (out.size() > 1 ? ", " : "") + name;
  }
  return out + "]";
}

}  // namespace

struct Validator::Options {
  std::optional<CanonOption::Kind> encoding;
  std::optional<uint32_t> memory, realloc, post_return, callback;
  bool async_ = false;
  bool is64 = false;  ///< of the memory
  V pointer() const { return is64 ? V::i64 : V::i32; }
};

Result<void> Validator::add_core_func(std::vector<V> params, std::vector<V> results) {
  sedge::FuncType type;
  type.params = std::move(params);
  type.results = std::move(results);
  SEDGE_TRY_ASSIGN(wasm::TypeId id, types_.core_func(type));
  scope().spaces.core_funcs.push_back(id);
  return {};
}

Result<void> Validator::check_core_func(uint32_t index, const sedge::FuncType& type,
                                        std::string_view option) {
  SEDGE_TRY(at(scope().spaces.core_funcs, index, Sort::core_func));
  if (core_signature(index) == type) return {};
  return bad_option(
      fmt::format(" `{}` uses a core function with an incorrect signature: expected {}, found {}",
                  option, sedge::to_string(type), sedge::to_string(core_signature(index))));
}

/// What holds of options wherever they stand.
Result<Validator::Options> Validator::options(const Canon& canon) {
  Options out;
  auto once = [&](std::optional<uint32_t>& slot, uint32_t index, const char* name) -> Result<void> {
    if (slot) return bad_option(fmt::format(" `{}` is specified more than once", name));
    slot = index;
    return {};
  };
  for (const CanonOption& option : canon.options) {
    switch (option.kind) {
      case CanonOption::Kind::utf8:
      case CanonOption::Kind::utf16:
      case CanonOption::Kind::latin1_utf16:
        if (out.encoding)
          return bad_option(
              fmt::format(": canonical encoding option `{}` conflicts with option `{}`",
                          encoding_name(*out.encoding), encoding_name(option.kind)));
        out.encoding = option.kind;
        break;
      case CanonOption::Kind::memory:
        SEDGE_TRY(once(out.memory, option.index, "memory"));
        break;
      case CanonOption::Kind::realloc:
        SEDGE_TRY(once(out.realloc, option.index, "realloc"));
        break;
      case CanonOption::Kind::post_return:
        SEDGE_TRY(once(out.post_return, option.index, "post-return"));
        break;
      case CanonOption::Kind::async:
        SEDGE_TRY(need(Feature::cm_async, "the canonical option async"));
        if (out.async_) return bad_option(" `async` is specified more than once");
        out.async_ = true;
        break;
      case CanonOption::Kind::callback:
        SEDGE_TRY(need(Feature::cm_async, "the canonical option callback"));
        SEDGE_TRY(once(out.callback, option.index, "callback"));
        break;
      case CanonOption::Kind::core_type:
      case CanonOption::Kind::gc:
        return fail(ErrorCode::unsupported_file,
                    ": the canonical ABI over garbage-collected types is not in this version");
    }
  }
  if (out.memory) {
    SEDGE_TRY_ASSIGN(const MemoryType* memory,
                     at(scope().spaces.core_memories, *out.memory, Sort::core_memory));
    if (memory->is64 && !features_.has(Feature::cm_memory64))
      return fail(ErrorCode::feature_disabled,
                  ": 64-bit memories require the `cm64` feature to be enabled");
    CoreEntity wanted, found;
    wanted.kind = found.kind = ExternKind::memory;
    wanted.memory.is64 = memory->is64;
    wanted.memory.page_size_log2 = memory->page_size_log2;
    found.memory = *memory;
    if (auto fits = subtyping_.core(found, wanted); !fits) {
      return bad_option(
          fmt::format(": `memory` does not fit{}",
                      fits.error().message().substr(std::string_view("type mismatch").size())));
    }
    out.is64 = memory->is64;
  }
  if (out.realloc) {
    if (!out.memory) return bad_option(" `realloc` requires `memory` to also be specified");
    sedge::FuncType wanted;
    wanted.params.assign(4, out.pointer());
    wanted.results = {out.pointer()};
    SEDGE_TRY(check_core_func(*out.realloc, wanted, "realloc"));
  }
  if (out.callback) {
    if (!out.async_) return bad_option(": cannot specify callback without async");
    sedge::FuncType wanted;
    wanted.params.assign(3, V::i32);
    wanted.results = {V::i32};
    SEDGE_TRY(check_core_func(*out.callback, wanted, "callback"));
  }
  if (out.async_ && out.post_return)
    return bad_option(": cannot specify post-return function in async");
  return out;
}

namespace {

/// The flat form of parameters or a result, or nothing if it takes more than `most` values.
std::optional<std::vector<V>> flatten_within(const Types& types, const std::vector<ValType>& list,
                                             bool is64, uint32_t most) {
  uint64_t count = 0;
  for (ValType type : list) count += types.flat_count(type);
  if (count > most) return std::nullopt;
  std::vector<V> out;
  for (ValType type : list) types.flatten(type, is64, out);
  return out;
}

struct Signature {
  sedge::FuncType core;
  bool params_spilled = false;
  bool result_spilled = false;
};

std::vector<ValType> param_types(const FuncType& type) {
  std::vector<ValType> out;
  out.reserve(type.params.size());
  for (const Field& param : type.params) out.push_back(param.type);
  return out;
}

bool any_pointer(const Types& types, const std::vector<ValType>& list) {
  for (ValType type : list)
    if (types.has_pointer(type)) return true;
  return false;
}

}  // namespace

Result<void> Validator::lift(const Canon& canon) {
  SEDGE_TRY_ASSIGN(TypeRef ref, type_at(canon.type));
  if (ref.kind != TypeRef::Kind::func)
    return fail(ErrorCode::wrong_sort,
                fmt::format(": type index {} is not a function type", canon.type));
  SEDGE_TRY(at(scope().spaces.core_funcs, canon.index, Sort::core_func));
  const FuncType& type = types_.func(ref.id).type;
  SEDGE_TRY_ASSIGN(Options opts, options(canon));
  bool needs_memory = false, needs_realloc = false;
  std::vector<ValType> params = param_types(type);
  std::vector<ValType> results;
  if (type.result) results.push_back(*type.result);
  sedge::FuncType core;
  auto flat = flatten_within(types_, params, opts.is64, kMaxFlatParams);
  needs_memory = needs_realloc = !flat || any_pointer(types_, params);
  core.params = flat ? *std::move(flat) : std::vector<V>{opts.pointer()};
  needs_memory |= any_pointer(types_, results);
  if (opts.async_) {
    if (!type.async_)
      return bad_option(": the `async` canonical option requires an async function type");
    needs_memory |= !flatten_within(types_, results, opts.is64, kMaxFlatParams);
    if (opts.callback) core.results = {V::i32};
    if (!opts.callback) SEDGE_TRY(need(Feature::cm_async_stackful, "async without a callback"));
  } else {
    auto flat_result = flatten_within(types_, results, opts.is64, kMaxFlatResults);
    needs_memory |= !flat_result;
    core.results = flat_result ? *std::move(flat_result) : std::vector<V>{opts.pointer()};
  }
  if (needs_memory && !opts.memory) return bad_option(" `memory` is required");
  if (needs_realloc && !opts.realloc) return bad_option(" `realloc` is required");
  const sedge::FuncType& found = core_signature(canon.index);
  if (found.params != core.params)
    return fail(ErrorCode::type_mismatch,
                fmt::format(": lowered parameter types `{}` do not match parameter types `{}` of "
                            "core function {}",
                            list_of(core.params), list_of(found.params), canon.index));
  if (found.results != core.results)
    return fail(ErrorCode::type_mismatch,
                fmt::format(": lowered result types `{}` do not match result types `{}` of core "
                            "function {}",
                            list_of(core.results), list_of(found.results), canon.index));
  if (opts.post_return) {
    sedge::FuncType wanted;
    wanted.params = core.results;
    SEDGE_TRY(check_core_func(*opts.post_return, wanted, "post-return"));
  }
  scope().spaces.funcs.push_back(ref.id);
  scope().spaces.async_ |= type.async_;
  return {};
}

Result<void> Validator::lower(const Canon& canon) {
  SEDGE_TRY_ASSIGN(const uint32_t* id, at(scope().spaces.funcs, canon.index, Sort::func));
  const FuncType& type = types_.func(*id).type;
  scope().spaces.async_ |= type.async_;
  SEDGE_TRY_ASSIGN(Options opts, options(canon));
  if (opts.post_return) return bad_option(" `post-return` cannot be specified for lowerings");
  if (opts.callback) return bad_option(": cannot specify callback for lowerings");
  if (opts.async_ && !type.async_)
    return bad_option(": the `async` canonical option requires an async function type");
  std::vector<ValType> params = param_types(type);
  std::vector<ValType> results;
  if (type.result) results.push_back(*type.result);
  auto flat =
      flatten_within(types_, params, opts.is64, opts.async_ ? kMaxFlatAsyncParams : kMaxFlatParams);
  bool needs_memory = !flat || any_pointer(types_, params) || any_pointer(types_, results);
  bool needs_realloc = any_pointer(types_, results);
  std::vector<V> core_params = flat ? *std::move(flat) : std::vector<V>{opts.pointer()};
  std::vector<V> core_results;
  auto flat_result = flatten_within(types_, results, opts.is64, opts.async_ ? 0 : kMaxFlatResults);
  if (!flat_result) {
    needs_memory = true;
    core_params.push_back(opts.pointer());
  } else {
    core_results = *std::move(flat_result);
  }
  if (opts.async_) core_results = {V::i32};
  if (needs_memory && !opts.memory) return bad_option(" `memory` is required");
  if (needs_realloc && !opts.realloc) return bad_option(" `realloc` is required");
  return add_core_func(std::move(core_params), std::move(core_results));
}

Result<void> Validator::task_return(const Canon& canon) {
  SEDGE_TRY_ASSIGN(std::optional<ValType> result, val_type(canon.result));
  if (result && types_.has_borrow(*result))
    return invalid("function result cannot contain a `borrow` type");
  for (const CanonOption& option : canon.options)
    if (option.kind == CanonOption::Kind::async)
      return bad_option(": cannot specify `async` option on `task.return`");
  SEDGE_TRY_ASSIGN(Options opts, options(canon));
  if (opts.post_return) return bad_option(": cannot specify `post-return` option on `task.return`");
  if (opts.realloc) return bad_option(": cannot specify `realloc` option on `task.return`");
  std::vector<ValType> params;
  if (result) params.push_back(*result);
  auto flat = flatten_within(types_, params, opts.is64, kMaxFlatParams);
  if ((!flat || any_pointer(types_, params)) && !opts.memory)
    return bad_option(" `memory` is required");
  return add_core_func(flat ? *std::move(flat) : std::vector<V>{opts.pointer()}, {});
}

Result<void> Validator::need_more_builtins(const char* what) {
  if (features_.has(Feature::cm_more_async_builtins)) return {};
  return fail(
      Error(ErrorCode::feature_disabled,
            fmt::format(": {} requires the component model more async builtins feature", what))
          .with_remedy("--features +cm-more-async-builtins"));
}

Result<void> Validator::stream_or_future(const Canon& canon) {
  const CanonInfo& info = canon_info(canon.op);
  bool is_stream = std::string_view(info.name).starts_with("stream.");
  SEDGE_TRY_ASSIGN(TypeRef ref, type_at(canon.type));
  std::optional<ValType> element;
  bool right = false;
  if (ref.kind == TypeRef::Kind::defined) {
    const Defined& type = types_.defined(ref.id);
    if (const auto* stream = std::get_if<Stream>(&type.type); stream && is_stream) {
      right = true;
      element = stream->element;
    } else if (const auto* future = std::get_if<Future>(&type.type); future && !is_stream) {
      right = true;
      element = future->element;
    }
  }
  if (!right)
    return fail(ErrorCode::wrong_sort, fmt::format(": `{}` requires a {} type", info.name,
                                                   is_stream ? "stream" : "future"));
  switch (canon.op) {
    case CanonOp::stream_new:
    case CanonOp::future_new:
      return add_core_func({}, {V::i64});
    case CanonOp::stream_cancel_read:
    case CanonOp::stream_cancel_write:
    case CanonOp::future_cancel_read:
    case CanonOp::future_cancel_write:
      if (canon.async_) SEDGE_TRY(need_more_builtins("an async cancellation"));
      return add_core_func({V::i32}, {V::i32});
    case CanonOp::stream_drop_readable:
    case CanonOp::stream_drop_writable:
    case CanonOp::future_drop_readable:
    case CanonOp::future_drop_writable:
      return add_core_func({V::i32}, {});
    default:
      break;
  }
  SEDGE_TRY_ASSIGN(Options opts, options(canon));
  if (opts.post_return || opts.callback)
    return bad_option(fmt::format(": cannot specify post-return or callback on `{}`", info.name));
  if (!opts.async_) SEDGE_TRY(need_more_builtins("a synchronous read or write"));
  bool reads = canon.op == CanonOp::stream_read || canon.op == CanonOp::future_read;
  if (element && !opts.memory) return bad_option(" `memory` is required");
  if (element && reads && types_.has_pointer(*element) && !opts.realloc)
    return bad_option(" `realloc` is required");
  V pointer = opts.pointer();
  if (is_stream) return add_core_func({V::i32, pointer, pointer}, {pointer});
  return add_core_func({V::i32, pointer}, {V::i32});
}

Result<void> Validator::resource_builtin(const Canon& canon) {
  SEDGE_TRY_ASSIGN(uint32_t name, resource_name(canon.type));
  if (canon.op == CanonOp::resource_drop) return add_core_func({V::i32}, {});
  const auto& local = scope().spaces.local_resources;
  auto found = local.find(types_.resource_of(name));
  if (found == local.end())
    return fail(ErrorCode::resource_misuse,
                fmt::format(": type index {} is not a local resource", canon.type));
  V rep = found->second.rep;
  if (canon.op == CanonOp::resource_new) return add_core_func({rep}, {V::i32});
  return add_core_func({V::i32}, {rep});
}

Result<void> Validator::context_builtin(const Canon& canon) {
  Scope& own = scope();
  const char* name = canon_info(canon.op).name;
  if (canon.core_type != V(V::i32) && canon.core_type != V(V::i64))
    return invalid(fmt::format("`{}` only supports `i32` or `i64`", name));
  if (canon.core_type == V(V::i64) && !features_.has(Feature::cm_memory64))
    return fail(ErrorCode::feature_disabled,
                fmt::format(": 64-bit `{}` requires the component model 64-bit feature", name));
  if (own.context_type && *own.context_type != canon.core_type)
    return invalid(fmt::format("`{}` type must match previous context type {}", name,
                               sedge::to_string(*own.context_type)));
  own.context_type = canon.core_type;
  bool threading = features_.has(Feature::cm_threading);
  if (canon.slot > (threading ? 1u : 0u))
    return invalid(fmt::format("`{}` immediate must be zero{}: {}", name,
                               threading ? " or one" : "", canon.slot));
  if (canon.op == CanonOp::context_get) return add_core_func({}, {canon.core_type});
  return add_core_func({canon.core_type}, {});
}

Result<void> Validator::thread_builtin(const Canon& canon) {
  const IndexSpaces& spaces = scope().spaces;
  SEDGE_TRY_ASSIGN(const IndexSpaces::CoreTypeEntry* entry,
                   at(spaces.core_types, canon.type, Sort::core_type));
  V argument = V::i32;
  const wasm::SubType* type = entry->is_module ? nullptr : &types_.registry().get(entry->id).type;
  bool right = type && type->kind == wasm::SubType::Kind::func && type->func.results.empty() &&
               type->func.params.size() == 1;
  if (right) argument = type->func.params[0];
  right = right &&
          (argument == V(V::i32) || (argument == V(V::i64) && features_.has(Feature::cm_memory64)));
  if (!right) return invalid("start function must take a single `i32` argument");
  SEDGE_TRY_ASSIGN(const TableType* table, at(spaces.core_tables, canon.index, Sort::core_table));
  if (table->element != V::funcref())
    return invalid(
        fmt::format("a table of {} cannot hold start functions: it must be a table of "
                    "funcref",
                    sedge::to_string(table->element)));
  return add_core_func({table->is64 ? V::i64 : V::i32, argument}, {V::i32});
}

Result<void> Validator::canon(const Canon& canon) {
  const CanonInfo& info = canon_info(canon.op);
  if (info.feature != Feature::mvp)
    SEDGE_TRY(need(info.feature, fmt::format("the canonical function {}", info.name)));
  auto pointer_of_memory = [&]() -> Result<V> {
    Canon with_memory;
    with_memory.options = {{CanonOption::Kind::memory, canon.index}};
    SEDGE_TRY_ASSIGN(Options opts, options(with_memory));
    return opts.pointer();
  };
  switch (canon.op) {
    case CanonOp::lift:
      return lift(canon);
    case CanonOp::lower:
      return lower(canon);
    case CanonOp::resource_new:
    case CanonOp::resource_drop:
    case CanonOp::resource_rep:
      return resource_builtin(canon);
    case CanonOp::context_get:
    case CanonOp::context_set:
      return context_builtin(canon);
    default:
      break;
  }
  scope().spaces.async_ = true;
  switch (canon.op) {
    case CanonOp::task_return:
      return task_return(canon);
    case CanonOp::task_cancel:
    case CanonOp::backpressure_inc:
    case CanonOp::backpressure_dec:
      return add_core_func({}, {});
    case CanonOp::subtask_cancel:
      if (canon.async_) SEDGE_TRY(need_more_builtins("an async cancellation"));
      return add_core_func({V::i32}, {V::i32});
    case CanonOp::subtask_drop:
    case CanonOp::waitable_set_drop:
    case CanonOp::error_context_drop:
    case CanonOp::thread_resume_later:
      return add_core_func({V::i32}, {});
    case CanonOp::waitable_set_new:
    case CanonOp::thread_index:
      return add_core_func({}, {V::i32});
    case CanonOp::waitable_join:
      return add_core_func({V::i32, V::i32}, {});
    case CanonOp::waitable_set_wait:
    case CanonOp::waitable_set_poll: {
      SEDGE_TRY_ASSIGN(V pointer, pointer_of_memory());
      return add_core_func({V::i32, pointer}, {V::i32});
    }
    case CanonOp::thread_yield:
    case CanonOp::thread_suspend:
      return add_core_func({}, {V::i32});
    case CanonOp::thread_suspend_then_resume:
    case CanonOp::thread_yield_then_resume:
    case CanonOp::thread_suspend_then_promote:
    case CanonOp::thread_yield_then_promote:
      return add_core_func({V::i32}, {V::i32});
    case CanonOp::thread_new_indirect:
      return thread_builtin(canon);
    case CanonOp::error_context_new:
    case CanonOp::error_context_debug_message: {
      SEDGE_TRY_ASSIGN(Options opts, options(canon));
      if (opts.async_ || opts.post_return)
        return bad_option(fmt::format(": cannot specify async or post-return on `{}`", info.name));
      if (!opts.memory) return bad_option(" `memory` is required");
      if (canon.op == CanonOp::error_context_new)
        return add_core_func({opts.pointer(), opts.pointer()}, {V::i32});
      if (!opts.realloc) return bad_option(" `realloc` is required");
      return add_core_func({V::i32, opts.pointer()}, {});
    }
    case CanonOp::thread_spawn_ref:
    case CanonOp::thread_spawn_indirect:
    case CanonOp::thread_available_parallelism:
      return fail(
          ErrorCode::unsupported_file,
          fmt::format(": threads on shared memory ({}) are not in this version", info.name));
    default:
      return stream_or_future(canon);
  }
}

}  // namespace sedge::component
