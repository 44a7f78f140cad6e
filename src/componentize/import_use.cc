// Names of imports as module tool chains write them: `MODULE` is "$root", an interface, or either
// behind "[export]"; fields are functions, or built-ins in brackets (BuildTargets.md).
#include "componentize/import_use.h"

#include <charconv>

#include <fmt/format.h>

namespace sedge::componentize {
namespace {

using component::CanonOp;
using component::CanonOption;

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

struct PlainBuiltin {
  std::string_view name;
  CanonOp op;
  bool memory = false;
  bool is_async = false;
};
constexpr PlainBuiltin kPlain[] = {
    {"[task-cancel]", CanonOp::task_cancel},
    {"[subtask-cancel]", CanonOp::subtask_cancel},
    {"[async-lower][subtask-cancel]", CanonOp::subtask_cancel, false, true},
    {"[subtask-drop]", CanonOp::subtask_drop},
    {"[thread-yield]", CanonOp::thread_yield},
    {"[error-context-drop]", CanonOp::error_context_drop},
    {"[waitable-set-new]", CanonOp::waitable_set_new},
    {"[waitable-set-wait]", CanonOp::waitable_set_wait, true},
    {"[waitable-set-poll]", CanonOp::waitable_set_poll, true},
    {"[waitable-set-drop]", CanonOp::waitable_set_drop},
    {"[waitable-join]", CanonOp::waitable_join},
    {"[backpressure-inc]", CanonOp::backpressure_inc},
    {"[backpressure-dec]", CanonOp::backpressure_dec},
    {"[thread-index]", CanonOp::thread_index},
    {"[thread-resume-later]", CanonOp::thread_resume_later},
    {"[thread-suspend]", CanonOp::thread_suspend},
    {"[thread-suspend-then-resume]", CanonOp::thread_suspend_then_resume},
    {"[thread-yield-then-resume]", CanonOp::thread_yield_then_resume},
    {"[thread-suspend-then-promote]", CanonOp::thread_suspend_then_promote},
    {"[thread-yield-then-promote]", CanonOp::thread_yield_then_promote},
};

/// Labels of WIT have no underscore, so that a suffix is no part of a function's name.
struct ResourceBuiltin {
  std::string_view prefix;
  std::string_view standard_suffix;
  CanonOp op;
};
constexpr ResourceBuiltin kResource[] = {
    {"[resource-drop]", "_drop", CanonOp::resource_drop},
    {"[resource-new]", "_new", CanonOp::resource_new},
    {"[resource-rep]", "_rep", CanonOp::resource_rep},
};

struct PayloadBuiltin {
  std::string_view verb;
  CanonOp stream;
  CanonOp future;
};
constexpr PayloadBuiltin kPayload[] = {
    {"new", CanonOp::stream_new, CanonOp::future_new},
    {"read", CanonOp::stream_read, CanonOp::future_read},
    {"write", CanonOp::stream_write, CanonOp::future_write},
    {"cancel-read", CanonOp::stream_cancel_read, CanonOp::future_cancel_read},
    {"cancel-write", CanonOp::stream_cancel_write, CanonOp::future_cancel_write},
    {"drop-readable", CanonOp::stream_drop_readable, CanonOp::future_drop_readable},
    {"drop-writable", CanonOp::stream_drop_writable, CanonOp::future_drop_writable},
};

/// Streams and futures among the types of a function, in order, parts before wholes.
void collect_payloads(const wit::Resolve& resolve, const wit::Type& type,
                      std::vector<wit::TypeId>& out, int depth = 0) {
  if (!type.is_ref() || depth > 100) return;
  const wit::TypeDef& def = resolve.types[type.id];
  if (def.kind == wit::TypeKind::resource || def.kind == wit::TypeKind::own ||
      def.kind == wit::TypeKind::borrow)
    return;
  if (def.first) collect_payloads(resolve, *def.first, out, depth + 1);
  if (def.second) collect_payloads(resolve, *def.second, out, depth + 1);
  for (const wit::Type& element : def.elements) collect_payloads(resolve, element, out, depth + 1);
  for (const wit::Member& member : def.members)
    if (member.type) collect_payloads(resolve, *member.type, out, depth + 1);
  bool payload = def.kind == wit::TypeKind::stream || def.kind == wit::TypeKind::future;
  if (payload && out.size() < 10'000) out.push_back(type.id);
}

}  // namespace

std::string core_type_text(const FuncType& type) {
  return fmt::format("{} -> {}", to_string(type.params), to_string(type.results));
}

/// The interface called `name`; else, in a version that may stand in for it.
const wit::WorldItem* ImportReader::find_item(const ImportUse& use, std::string_view name) const {
  const auto& items = use.of_export ? world_.exports : world_.imports;
  for (const auto& [key, item] : items)
    if (item.kind == wit::WorldItem::Kind::interface &&
        (resolve_.item_name(item) == name ||
         (use.standard && resolve_.standard_name(item) == name)))
      return &item;
  size_t at = name.find('@');
  if (at == std::string_view::npos) return nullptr;
  auto version = wit::parse_version(name.substr(at + 1));
  if (!version) return nullptr;
  for (const auto& [key, item] : items) {
    if (item.kind != wit::WorldItem::Kind::interface || !item.name.empty()) continue;
    const wit::Interface& interface = resolve_.interfaces[item.interface];
    const wit::PackageName& package = resolve_.packages[interface.package].name;
    if (package.version && package.version->compatible_track() == version->compatible_track() &&
        name.substr(0, at) == fmt::format("{}:{}/{}", package.space, package.name, interface.name))
      return &item;
  }
  return nullptr;
}

const wit::Function* ImportReader::find_function(const ImportUse& use,
                                                 std::string_view name) const {
  if (use.interface != wit::kNone) return resolve_.interfaces[use.interface].functions.find(name);
  const auto& items = use.of_export ? world_.exports : world_.imports;
  const wit::WorldItem* item = items.find(name);
  return item && item->kind == wit::WorldItem::Kind::function ? &item->function : nullptr;
}

std::unexpected<Error> ImportReader::unknown(const ImportUse& use) const {
  return fail(
      Error(ErrorCode::no_component,
            fmt::format(": the module imports `{}` of `{}`, which world `{}` does not have",
                        use.field, use.module, world_.name))
          .with_remedy("add it to the world, or give an adapter that provides it: --adapt"));
}

Result<bool> ImportReader::payload_builtin(ImportUse& use, std::string_view name) const {
  use.is_async = take(name, "[async-lower]");
  use.is_stream = take(name, "[stream-");
  if (!use.is_stream && !take(name, "[future-")) return false;
  size_t end = name.find(']');
  if (end == std::string_view::npos) return false;
  std::string_view verb = name.substr(0, end);
  std::string_view function_name = name.substr(end + 1);
  size_t dash = verb.rfind('-');
  if (dash == std::string_view::npos) return false;
  std::string_view index_text = verb.substr(dash + 1);
  verb = verb.substr(0, dash);
  const wit::Function* function = find_function(use, function_name);
  if (index_text != "unit") {
    if (!function) return unknown(use);
    uint32_t index = 0;
    auto [stop, error] =
        std::from_chars(index_text.data(), index_text.data() + index_text.size(), index);
    if (error != std::errc() || stop != index_text.data() + index_text.size()) return unknown(use);
    std::vector<wit::TypeId> payloads;
    for (const wit::Member& param : function->params)
      collect_payloads(resolve_, *param.type, payloads);
    if (function->result) collect_payloads(resolve_, *function->result, payloads);
    if (index >= payloads.size()) return unknown(use);
    const wit::TypeDef& def = resolve_.types[payloads[index]];
    if ((def.kind == wit::TypeKind::stream) != use.is_stream) return unknown(use);
    use.payload = def.first;
  }
  use.has_payload_type = true;
  for (const PayloadBuiltin& row : kPayload) {
    if (row.verb != verb) continue;
    use.canon.op = use.is_stream ? row.stream : row.future;
    use.canon.async_ = use.is_async;
    if (verb == "read" || verb == "write") {
      CoreSignature needs = payload_needs(resolve_, use.payload);
      use.signature.memory = use.payload.has_value() || !use.is_stream;
      use.signature.realloc = verb == "read" && needs.realloc;
      use.signature.strings = needs.strings;
    }
    return true;
  }
  return false;
}

/// resource.drop, resource.new or resource.rep of a resource by its name.
Result<bool> ImportReader::resource_builtin(ImportUse& use, CanonOp op,
                                            std::string_view resource) const {
  use.kind = ImportUse::Kind::builtin;
  if (op != CanonOp::resource_drop && !use.of_export) return unknown(use);
  if (use.interface != wit::kNone) {
    if (const wit::TypeId* id = resolve_.interfaces[use.interface].types.find(resource))
      use.resource = *id;
  } else if (const wit::WorldItem* item = world_.imports.find(resource);
             item && item->kind == wit::WorldItem::Kind::type) {
    use.resource = item->type;
  }
  if (use.resource == wit::kNone || !resolve_.is_resource(use.resource)) return unknown(use);
  use.canon.op = op;
  FuncType expected;
  expected.params = {ValType::i32};
  if (op != CanonOp::resource_drop) expected.results = {ValType::i32};
  if (use.signature.type != expected)
    return fail(
        ErrorCode::no_component,
        fmt::format(": the module imports `{}` of `{}` as {}; its type is {}", use.field,
                    use.module, core_type_text(use.signature.type), core_type_text(expected)));
  return true;
}

/// Whether the name is that of a built-in; if so, `use` says which.
Result<bool> ImportReader::builtin(ImportUse& use, std::string_view name) const {
  use.kind = ImportUse::Kind::builtin;
  for (const PlainBuiltin& row : kPlain) {
    bool cancellable = name == fmt::format("[cancellable]{}", row.name);
    if (row.name != name && !cancellable) continue;
    use.canon.op = row.op;
    use.canon.async_ = row.is_async;
    use.canon.cancellable = cancellable;
    use.signature.memory = row.memory;
    return true;
  }
  std::string_view rest = name;
  bool get = take(rest, "[context-get-");
  if (get || take(rest, "[context-set-")) {
    if (rest != "0]" && rest != "1]") return false;
    use.canon.op = get ? CanonOp::context_get : CanonOp::context_set;
    use.canon.slot = rest == "1]" ? 1 : 0;
    return true;
  }
  bool debug = take(rest, "[error-context-debug-message-");
  if (debug || take(rest, "[error-context-new-")) {
    use.canon.op = debug ? CanonOp::error_context_debug_message : CanonOp::error_context_new;
    use.signature.memory = true;
    use.signature.realloc = debug;
    if (rest == "utf8]")
      use.canon.options.push_back({CanonOption::Kind::utf8, 0});
    else if (rest == "utf16]")
      use.canon.options.push_back({CanonOption::Kind::utf16, 0});
    else if (rest == "latin1+utf16]")
      use.canon.options.push_back({CanonOption::Kind::latin1_utf16, 0});
    else
      return false;
    return true;
  }
  if (name == "[thread-new-indirect-v0]") {
    use.canon.op = CanonOp::thread_new_indirect;
    return true;
  }
  if (take(rest, "[task-return]")) {
    if (!use.of_export) return unknown(use);
    use.function = find_function(use, rest);
    if (!use.function) return unknown(use);
    use.canon.op = CanonOp::task_return;
    FuncType type = use.signature.type;
    use.signature = task_return_signature(resolve_, *use.function);
    if (use.signature.type != type)
      return fail(
          ErrorCode::no_component,
          fmt::format(": the module imports `{}` of `{}` as {}; its type is {}", use.field,
                      use.module, core_type_text(type), core_type_text(use.signature.type)));
    return true;
  }
  for (const ResourceBuiltin& row : kResource)
    if (take(rest, row.prefix)) return resource_builtin(use, row.op, rest);
  return payload_builtin(use, name);
}

Result<ImportUse> ImportReader::function_import(ImportUse use, std::string_view name) const {
  use.kind = ImportUse::Kind::lower;
  use.is_async = take(name, "[async-lower]");
  use.function = use.of_export ? nullptr : find_function(use, name);
  if (!use.function) return unknown(use);
  CoreSignature expected =
      core_signature(resolve_, *use.function, use.is_async ? Abi::lower_async : Abi::lower);
  if (expected.type != use.signature.type)
    return fail(
        ErrorCode::no_component,
        fmt::format(": the module imports `{}` of `{}` as {}; the world makes it {}", use.field,
                    use.module, core_type_text(use.signature.type), core_type_text(expected.type)));
  use.signature = std::move(expected);
  return use;
}

Result<ImportUse> ImportReader::read(std::string_view module, std::string_view field,
                                     const FuncType& type) const {
  ImportUse use;
  use.module = module;
  use.field = field;
  use.signature.type = type;
  use.of_export = take(module, "[export]");
  constexpr std::string_view kTools = "env";
  if (module == kTools) {
    bool get = field == "__wasm_get_stack_pointer";
    if (get || field == "__wasm_set_stack_pointer") {
      use.kind = ImportUse::Kind::builtin;
      use.canon.op = get ? CanonOp::context_get : CanonOp::context_set;
      return use;
    }
    if (field == "__wasm_get_tls_base" || field == "__wasm_set_tls_base") {
      use.kind = ImportUse::Kind::tls_base;
      return use;
    }
  }
  use.standard = module == "cm32p2" || take(module, "cm32p2|");
  bool root = module == "$root" || module == "cm32p2";
  if (!root) {
    use.of_export |= use.standard && take(module, "_ex_");
    const wit::WorldItem* item = find_item(use, module);
    if (!item) return unknown(use);
    use.interface = item->interface;
    use.item = item->key();
  }
  if (field.starts_with('[')) {
    SEDGE_TRY_ASSIGN(bool known, builtin(use, field));
    if (known) return use;
  }
  for (const ResourceBuiltin& row : kResource) {
    if (!use.standard || !field.ends_with(row.standard_suffix)) continue;
    std::string_view resource = field.substr(0, field.size() - row.standard_suffix.size());
    SEDGE_TRY(resource_builtin(use, row.op, resource));
    return use;
  }
  return function_import(std::move(use), field);
}

}  // namespace sedge::componentize
