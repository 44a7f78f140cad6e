// Everything of a module but its function bodies' instructions: imports, definitions, segments,
// exports. Spec: "Validation", section "Modules".
#include "wasm/validate/validate.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "base/cpu.h"
#include "wasm/validate/context.h"
#include "wasm/validate/func_validator.h"

namespace sedge::wasm {
namespace validation {
namespace {

constexpr size_t kBytesOfThread = 1 << 20;  // of code, which takes milliseconds to validate
constexpr size_t kMaxThreads = 8;

Result<void> check_limits(const Limits& limits, uint64_t max, ErrorCode code,
                          std::string_view explanation, Location at) {
  if (limits.min > max || limits.max.value_or(0) > max)
    return fail(code, std::string(explanation), at);
  if (limits.max && *limits.max < limits.min)
    return fail(ErrorCode::size_minimum, fmt::format(": {} > {}", limits.min, *limits.max), at);
  return {};
}

class ModuleValidator {
 public:
  ModuleValidator(const Module& module, Features features, TypeSet types)
      : module_(module),
        features_(features),
        context_{module, features, std::move(types), {}, {}, {}, {}, {}, {}, {}, {}} {}

  Result<TypeSet> validate(Walk walk) {
    SEDGE_TRY(index_spaces());
    SEDGE_TRY(initialisers());
    SEDGE_TRY(exports());
    SEDGE_TRY(start());
    SEDGE_TRY(bodies(walk == Walk::quick));
    return std::move(context_.types);
  }

 private:
  Result<void> need(Feature feature, std::string_view what, Location at) const {
    if (features_.has(feature)) return {};
    return fail(feature_error(feature, what, at));
  }

  Result<void> index_spaces();
  Result<void> add_func(TypeIdx type, Location at);
  Result<void> add_table(const TableType& type, Location at);
  Result<void> add_memory(const MemoryType& type, Location at);
  Result<void> add_global(const GlobalType& type, Location at);
  Result<void> add_tag(TypeIdx type, Location at);

  Result<void> initialisers();
  Result<void> element(FuncValidator& validator, uint32_t index);
  Result<void> data(FuncValidator& validator, uint32_t index);
  Result<void> exports();
  Result<void> start();
  Result<void> bodies(bool quick) const;
  Result<void> bodies(uint32_t from, uint32_t to, bool quick) const;
  Result<void> declare(FuncIdx index, Location at);
  std::string name_of(FuncIdx index) const;

  const Module& module_;
  Features features_;
  Context context_;
};

Result<void> ModuleValidator::add_func(TypeIdx type, Location at) {
  if (type >= module_.types.size())
    return fail(ErrorCode::unknown_type, fmt::format(" {}", type), at);
  if (module_.types[type].kind != SubType::Kind::func)
    return fail(ErrorCode::type_mismatch, fmt::format(": type {} is not a function type", type),
                at);
  context_.funcs.push_back(type);
  context_.signatures.push_back(&module_.types[type].func);
  return {};
}

Result<void> ModuleValidator::add_table(const TableType& type, Location at) {
  // 1.0 already had tables of functions.
  if (type.element != ValType::funcref())
    SEDGE_TRY(check_value_type(module_, features_, type.element, at));
  if (!context_.tables.empty() && !features_.has(Feature::reference_types))
    return fail(ErrorCode::multiple_tables, {}, at);
  if (type.is64) SEDGE_TRY(need(Feature::memory64, "a table with 64-bit addresses", at));
  SEDGE_TRY(check_limits(type.limits, type.is64 ? UINT64_MAX : UINT32_MAX,
                         ErrorCode::table_size_limit, " must be at most 2^32-1 elements", at));
  context_.tables.push_back(type);
  return {};
}

Result<void> ModuleValidator::add_memory(const MemoryType& type, Location at) {
  if (!context_.memories.empty() && !features_.has(Feature::multi_memory))
    return fail(ErrorCode::multiple_memories, {}, at);
  if (type.is64) SEDGE_TRY(need(Feature::memory64, "a memory with 64-bit addresses", at));
  if (type.shared) SEDGE_TRY(need(Feature::threads, "a shared memory", at));
  if (type.page_size_log2 != 16) {
    SEDGE_TRY(need(Feature::custom_page_sizes, "a memory with pages of another size", at));
    if (type.page_size_log2 != 0)
      return fail(ErrorCode::bad_page_size, fmt::format(": 2^{} bytes", type.page_size_log2), at);
  }
  uint64_t max = 0;
  std::string_view text;
  if (type.page_size_log2 == 0) {
    max = type.is64 ? UINT64_MAX : UINT32_MAX;
    text = " must be at most 4294967295 pages of one byte";
  } else if (type.is64) {
    max = uint64_t{1} << 48;
    text = " must be at most 2^48 pages";
  } else {
    max = 65536;
    text = " must be at most 65536 pages (4GiB)";
  }
  SEDGE_TRY(check_limits(type.limits, max, ErrorCode::memory_size_limit, text, at));
  if (type.shared && !type.limits.max) return fail(ErrorCode::shared_memory_maximum, {}, at);
  context_.memories.push_back(type);
  return {};
}

Result<void> ModuleValidator::add_global(const GlobalType& type, Location at) {
  SEDGE_TRY(check_value_type(module_, features_, type.value, at));
  context_.globals.push_back(type);
  return {};
}

Result<void> ModuleValidator::add_tag(TypeIdx type, Location at) {
  if (!features_.has(Feature::legacy_exceptions)) SEDGE_TRY(need(Feature::exceptions, "a tag", at));
  if (type >= module_.types.size())
    return fail(ErrorCode::unknown_type, fmt::format(" {}", type), at);
  if (module_.types[type].kind != SubType::Kind::func)
    return fail(ErrorCode::type_mismatch, fmt::format(": type {} is not a function type", type),
                at);
  const FuncType& func = module_.types[type].func;
  if (!func.results.empty()) return fail(ErrorCode::non_empty_tag_result, {}, at);
  context_.tags.push_back(&func);
  return {};
}

Result<void> ModuleValidator::index_spaces() {
  if (module_.compact_imports) SEDGE_TRY(need(Feature::compact_imports, "compact imports", {}));
  for (const Import& import : module_.imports) {
    Location at = Location::at(import.offset);
    auto added = [&]() -> Result<void> {
      switch (import.kind) {
        case ExternKind::func:
          return add_func(import.type_index, at);
        case ExternKind::table:
          return add_table(import.table, at);
        case ExternKind::memory:
          return add_memory(import.memory, at);
        case ExternKind::global:
          if (import.global.mutable_)
            SEDGE_TRY(need(Feature::mutable_globals, "import of a mutable global", at));
          return add_global(import.global, at);
        case ExternKind::tag:
          return add_tag(import.type_index, at);
      }
      return {};
    }();
    if (!added)
      return fail(
          std::move(added.error())
              .with_context(fmt::format("import \"{}\" \"{}\"", import.module, import.name)));
  }
  for (const Func& func : module_.funcs)
    SEDGE_TRY(add_func(func.type_index, Location::at(func.offset)));
  for (const Table& table : module_.tables) SEDGE_TRY(add_table(table.type, {}));
  for (const Memory& memory : module_.memories) SEDGE_TRY(add_memory(memory.type, {}));
  for (const Tag& tag : module_.tags) SEDGE_TRY(add_tag(tag.type_index, {}));
  for (const Global& global : module_.globals)
    SEDGE_TRY(add_global(global.type, Location::at(global.init.offset)));
  for (const ElemSegment& elem : module_.elems) {
    ValType type = elem.type;
    // Function indices make references that are never null, which 2.0 had no type for.
    if (!elem.uses_exprs)
      type = ValType::reference(HeapType::func, !features_.has(Feature::function_references));
    context_.elems.push_back(type);
  }
  context_.declared_funcs.assign(context_.funcs.size(), false);
  return {};
}

Result<void> ModuleValidator::declare(FuncIdx index, Location at) {
  if (index >= context_.funcs.size())
    return fail(ErrorCode::unknown_function, fmt::format(" {}", index), at);
  context_.declared_funcs[index] = true;
  return {};
}

Result<void> ModuleValidator::initialisers() {
  // A constant expression may read what was defined before it: tables see imported globals, globals
  // also those before them, segments all.
  std::vector<bool>& declared = context_.declared_funcs;
  FuncValidator validator(context_);
  auto imported = static_cast<uint32_t>(module_.imported_globals.size());
  for (const Table& table : module_.tables) {
    if (!table.init) {
      if (!table.type.element.defaultable())
        return fail(ErrorCode::type_mismatch, fmt::format(": a table of {} needs an initial value",
                                                          to_string(table.type.element)));
      continue;
    }
    SEDGE_TRY(need(Feature::function_references, "a table with an initial value",
                   Location::at(table.init->offset)));
    SEDGE_TRY(validator.constant(*table.init, table.type.element, imported, declared));
  }
  for (uint32_t i = 0; i < module_.globals.size(); ++i) {
    const Global& global = module_.globals[i];
    if (auto checked = validator.constant(global.init, global.type.value, imported + i, declared);
        !checked)
      return fail(std::move(checked.error()).with_context(fmt::format("global {}", imported + i)));
  }
  for (uint32_t i = 0; i < module_.elems.size(); ++i) {
    if (auto checked = element(validator, i); !checked)
      return fail(std::move(checked.error()).with_context(fmt::format("element segment {}", i)));
  }
  for (uint32_t i = 0; i < module_.datas.size(); ++i) {
    if (auto checked = data(validator, i); !checked)
      return fail(std::move(checked.error()).with_context(fmt::format("data segment {}", i)));
  }
  return {};
}

Result<void> ModuleValidator::element(FuncValidator& validator, uint32_t index) {
  const ElemSegment& segment = module_.elems[index];
  Location at = Location::at(segment.offset);
  uint32_t globals = module_.global_count();
  ValType type = context_.elems[index];
  if (segment.uses_exprs && segment.type != ValType::funcref())
    SEDGE_TRY(check_value_type(module_, features_, segment.type, at));
  if (segment.mode != ElemSegment::Mode::active) {
    SEDGE_TRY(need(Feature::bulk_memory, "a passive or declarative segment", at));
  } else {
    if (segment.table >= context_.tables.size())
      return fail(ErrorCode::unknown_table, fmt::format(" {}", segment.table), at);
    const TableType& table = context_.tables[segment.table];
    if (!context_.matches(type, table.element))
      return fail(ErrorCode::type_mismatch,
                  fmt::format(": table {} holds {}, the segment {}", segment.table,
                              to_string(table.element), to_string(type)),
                  at);
    SEDGE_TRY(validator.constant(segment.offset_expr, table.is64 ? ValType::i64 : ValType::i32,
                                 globals, context_.declared_funcs));
  }
  for (FuncIdx func : segment.funcs) SEDGE_TRY(declare(func, at));
  for (const Expr& expr : segment.exprs)
    SEDGE_TRY(validator.constant(expr, type, globals, context_.declared_funcs));
  return {};
}

Result<void> ModuleValidator::data(FuncValidator& validator, uint32_t index) {
  const DataSegment& segment = module_.datas[index];
  Location at = Location::at(segment.offset);
  if (segment.mode == DataSegment::Mode::passive)
    return need(Feature::bulk_memory, "a passive segment", at);
  if (segment.memory >= context_.memories.size())
    return fail(ErrorCode::unknown_memory, fmt::format(" {}", segment.memory), at);
  return validator.constant(segment.offset_expr,
                            context_.memories[segment.memory].is64 ? ValType::i64 : ValType::i32,
                            module_.global_count(), context_.declared_funcs);
}

Result<void> ModuleValidator::exports() {
  std::unordered_set<std::string_view> names;
  names.reserve(module_.exports.size());
  for (const Export& item : module_.exports) {
    Location at = Location::at(item.offset);
    auto bounded = [&](size_t count, ErrorCode code) -> Result<void> {
      if (item.index < count) return {};
      return fail(code, fmt::format(" {}", item.index), at);
    };
    switch (item.kind) {
      case ExternKind::func:
        SEDGE_TRY(declare(item.index, at));
        break;
      case ExternKind::table:
        SEDGE_TRY(bounded(context_.tables.size(), ErrorCode::unknown_table));
        break;
      case ExternKind::memory:
        SEDGE_TRY(bounded(context_.memories.size(), ErrorCode::unknown_memory));
        break;
      case ExternKind::global:
        SEDGE_TRY(bounded(context_.globals.size(), ErrorCode::unknown_global));
        if (context_.globals[item.index].mutable_)
          SEDGE_TRY(need(Feature::mutable_globals, "export of a mutable global", at));
        break;
      case ExternKind::tag:
        SEDGE_TRY(bounded(context_.tags.size(), ErrorCode::unknown_tag));
        break;
    }
    if (!names.insert(item.name).second)
      return fail(ErrorCode::duplicate_export_name, fmt::format(" \"{}\"", item.name), at);
  }
  return {};
}

Result<void> ModuleValidator::start() {
  if (!module_.start) return {};
  Location at = Location::at(module_.start_offset);
  if (*module_.start >= context_.funcs.size())
    return fail(ErrorCode::unknown_function, fmt::format(" {}", *module_.start), at);
  const FuncType& type = *context_.signatures[*module_.start];
  if (!type.params.empty() || !type.results.empty())
    return fail(ErrorCode::invalid_start_function,
                fmt::format(" must have type [] -> [], not {}", to_string(type)), at);
  return {};
}

std::string ModuleValidator::name_of(FuncIdx index) const {
  auto name = module_.names.funcs.find(index);
  if (name == module_.names.funcs.end()) return fmt::format("function {}", index);
  return fmt::format("function {} (${})", index, name->second);
}

Result<void> ModuleValidator::bodies(uint32_t from, uint32_t to, bool quick) const {
  FuncValidator validator(context_, quick);
  auto imported = static_cast<uint32_t>(module_.imported_funcs.size());
  for (uint32_t i = from; i < to; ++i) {
    bool last = i + 1 == module_.funcs.size();
    auto checked = validator.body(module_.funcs[i], *context_.signatures[imported + i], last);
    if (!checked) return fail(std::move(checked.error()).with_context(name_of(imported + i)));
  }
  return {};
}

// Bodies know nothing of each other: much code is cut into one range for each core. The error is
// that of the first body that has one, as it is without threads.
Result<void> ModuleValidator::bodies(bool quick) const {
  auto count = static_cast<uint32_t>(module_.funcs.size());
  const size_t bytes = module_.body_bytes();
  size_t ranges = std::min(bytes / kBytesOfThread, kMaxThreads);
  if (ranges > 1) ranges = std::min<size_t>(ranges, available_cores());
  if (ranges <= 1) return bodies(0, count, quick);

  std::vector<Result<void>> results(ranges);
  std::vector<std::thread> threads;
  uint32_t from = 0;
  size_t seen = 0;
  for (size_t range = 0; range < ranges; ++range) {
    uint32_t to = from;
    while (to < count && (seen < bytes * (range + 1) / ranges || range + 1 == ranges))
      seen += module_.funcs[to++].body.bytes.size();
    auto work = [this, from, to, quick, &out = results[range]] { out = bodies(from, to, quick); };
    from = to;
    // std::thread reports a refusal of the system only by throwing. The last range is for this one.
    try {
      if (range + 1 < ranges)
        threads.emplace_back(work);
      else
        work();
    } catch (const std::system_error&) {
      work();
    }
  }
  for (std::thread& thread : threads) thread.join();
  for (Result<void>& result : results) SEDGE_TRY(std::move(result));
  return {};
}

}  // namespace

Result<TypeSet> validate_module(const Module& module, Features features,
                                const std::shared_ptr<TypeRegistry>& registry, Walk walk) {
  SEDGE_TRY_ASSIGN(TypeSet types, validate_types(module, features, registry));
  return ModuleValidator(module, features, std::move(types)).validate(walk);
}

}  // namespace validation

Result<Validated> validate(const Module& module, Features features,
                           const std::shared_ptr<TypeRegistry>& registry) {
  SEDGE_TRY_ASSIGN(TypeSet types, validation::validate_module(module, features, registry,
                                                              validation::Walk::quick));
  return Validated{std::move(types)};
}

Result<void> validate_branch_hints(const Module& module) {
  auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  for (const auto& [func_index, hints] : module.branch_hints) {
    if (func_index < imported || func_index - imported >= module.funcs.size())
      return fail(ErrorCode::bad_branch_hint, fmt::format(": function {} has no body", func_index));
    const Func& func = module.funcs[func_index - imported];
    InstrReader reader(func.body.bytes, 0);
    Instr instr;
    auto hint = hints.begin();
    while (hint != hints.end() && !reader.at_end()) {
      SEDGE_TRY(reader.next(instr));
      if (instr.offset != hint->first) {
        if (instr.offset > hint->first) break;
        continue;
      }
      if (instr.op != Op::br_if && instr.op != Op::if_) break;
      ++hint;
    }
    if (hint != hints.end())
      return fail(
          ErrorCode::bad_branch_hint,
          fmt::format(": function {} has no br_if or if at its byte {}", func_index, hint->first));
  }
  return {};
}

}  // namespace sedge::wasm
