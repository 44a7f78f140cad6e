// Kind, target and obstacles, told by names that tool chains use.
#include "cli/analysis.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace sedge::cli {
namespace {

bool imports_from(const wasm::Module& module, std::string_view from) {
  return std::ranges::any_of(module.imports,
                             [&](const wasm::Import& import) { return import.module == from; });
}

bool imports_wasi_p1(const wasm::Module& module) {
  return imports_from(module, "wasi_snapshot_preview1") || imports_from(module, "wasi_unstable");
}

bool has_export(const wasm::Module& module, std::string_view name) {
  return std::ranges::any_of(module.exports,
                             [&](const wasm::Export& item) { return item.name == name; });
}

/// Whether an import's module is an interface of WASI 0.2 or 0.3, as a component's core imports it.
bool is_wasi_interface(std::string_view module) {
  return module.starts_with("wasi:") || module.starts_with("[export]") ||
         (module.find(':') != std::string_view::npos && module.find('/') != std::string_view::npos);
}

}  // namespace

std::string_view to_string(FileKind kind) {
  switch (kind) {
    case FileKind::core_module:
      return "core module";
    case FileKind::component:
      return "component";
    case FileKind::text:
      return "text module";
    case FileKind::not_wasm:
      return "no WebAssembly";
  }
  return {};
}

FileKind file_kind(Bytes bytes) {
  constexpr std::array<uint8_t, 4> kMagic = {0x00, 0x61, 0x73, 0x6d};
  if (bytes.size() >= 4 && std::equal(kMagic.begin(), kMagic.end(), bytes.begin()))
    return bytes.size() >= 8 && bytes[6] == 1 ? FileKind::component : FileKind::core_module;
  size_t at = 0;
  while (at < bytes.size() && (bytes[at] == ' ' || (bytes[at] >= '\t' && bytes[at] <= '\r'))) ++at;
  bool comment = at + 1 < bytes.size() && bytes[at] == ';' && bytes[at + 1] == ';';
  return at < bytes.size() && (bytes[at] == '(' || comment) ? FileKind::text : FileKind::not_wasm;
}

std::string_view to_string(Target target) {
  switch (target) {
    case Target::wasip1_command:
    case Target::wasip1_reactor:
      return "wasm32-wasip1";
    case Target::wasip1_threads:
      return "wasm32-wasip1-threads";
    case Target::component_core:
      return "component core";
    case Target::emscripten:
      return "wasm32-unknown-emscripten";
    case Target::javascript:
      return "wasm for JavaScript";
    case Target::unknown_unknown:
      return "wasm32-unknown-unknown";
    case Target::command:
      return "command without WASI";
    case Target::library:
      return "library without WASI";
  }
  return {};
}

std::string_view describe(Target target) {
  switch (target) {
    case Target::wasip1_command:
      return "a WASI 0.1 command: `_start` runs it";
    case Target::wasip1_reactor:
      return "a WASI 0.1 reactor: its exported functions are called";
    case Target::wasip1_threads:
      return "a WASI 0.1 command with threads";
    case Target::component_core:
      return "a core module meant to be wrapped into a component";
    case Target::emscripten:
      return "needs Emscripten's JavaScript";
    case Target::javascript:
      return "needs a JavaScript host";
    case Target::unknown_unknown:
      return "built without WASI: no input, output, files or clock";
    case Target::command:
      return "`_start` runs it; it has no input or output";
    case Target::library:
      return "exported functions only; it has no input or output";
  }
  return {};
}

Target target_of(const wasm::Module& module) {
  bool component = std::ranges::any_of(module.customs, [](const wasm::CustomSection& section) {
    return section.name.starts_with("component-type");
  });
  bool interface = std::ranges::any_of(
      module.imports, [](const wasm::Import& import) { return is_wasi_interface(import.module); });
  if (component || interface || has_export(module, "cabi_realloc")) return Target::component_core;
  if (imports_from(module, "wasi")) return Target::wasip1_threads;
  bool start = has_export(module, "_start");
  if (imports_wasi_p1(module)) return start ? Target::wasip1_command : Target::wasip1_reactor;
  if (imports_from(module, "__wbindgen_placeholder__") || imports_from(module, "wbg") ||
      imports_from(module, "gojs") || imports_from(module, "go"))
    return Target::javascript;
  bool emscripten = std::ranges::any_of(module.imports, [](const wasm::Import& import) {
    return import.module == "env" &&
           (import.name.starts_with("emscripten_") || import.name.starts_with("__syscall_"));
  });
  if (emscripten) return Target::emscripten;
  if (start) return Target::command;
  if (has_export(module, "__data_end") && has_export(module, "__heap_base"))
    return Target::unknown_unknown;
  return Target::library;
}

std::string_view wasi_version(const wasm::Module& module) {
  if (imports_from(module, "wasi_snapshot_preview1")) return "0.1 (wasi_snapshot_preview1)";
  if (imports_from(module, "wasi_unstable")) return "0.1 (wasi_unstable)";
  for (const wasm::Import& import : module.imports) {
    if (!import.module.starts_with("wasi:")) continue;
    if (import.module.find("@0.2") != std::string_view::npos) return "0.2 (inside a component)";
    if (import.module.find("@0.3") != std::string_view::npos) return "0.3 (inside a component)";
  }
  return "none";
}

const FuncType* func_type_at(const wasm::Module& module, wasm::TypeIdx index) {
  if (index >= module.types.size()) return nullptr;
  const wasm::SubType& type = module.types[index];
  return type.kind == wasm::SubType::Kind::func ? &type.func : nullptr;
}

const FuncType* func_type_of(const wasm::Module& module, uint32_t index) {
  if (index >= module.func_count()) return nullptr;
  return func_type_at(module, module.func_type_index(index));
}

const wasm::Export* find_func_export(const wasm::Module& module, std::string_view name) {
  for (const wasm::Export& item : module.exports)
    if (item.name == name && item.kind == ExternKind::func) return &item;
  return nullptr;
}

std::string signature(const FuncType& type) {
  auto list = [](const std::vector<ValType>& types) {
    std::string out;
    for (ValType item : types) out += (out.empty() ? "" : ", ") + to_string(item);
    return out;
  };
  std::string out = "func(" + list(type.params) + ")";
  if (type.results.size() == 1) return out + " -> " + list(type.results);
  if (type.results.size() > 1) return out + " -> (" + list(type.results) + ")";
  return out;
}

namespace {

std::string limits(const Limits& limits) {
  return limits.max ? fmt::format("{}..{}", limits.min, *limits.max)
                    : fmt::format("{}..", limits.min);
}

std::string describe_table(const TableType& type) {
  return fmt::format("table {} {}{}", limits(type.limits), to_string(type.element),
                     type.is64 ? " (64-bit)" : "");
}
std::string describe_memory(const MemoryType& type) {
  return fmt::format("memory {} {}{}{}", limits(type.limits),
                     type.page_size_log2 == 16 ? "pages" : "bytes", type.is64 ? " (64-bit)" : "",
                     type.shared ? " shared" : "");
}
std::string describe_global(const GlobalType& type) {
  return fmt::format("global {}{}", type.mutable_ ? "mut " : "", to_string(type.value));
}
std::string describe_func(const FuncType* type) { return type ? signature(*type) : "func (?)"; }
std::string describe_tag(const FuncType* type) {
  return type ? fmt::format("tag {}", to_string(type->params)) : "tag (?)";
}

}  // namespace

std::string describe_import(const wasm::Module& module, const wasm::Import& import) {
  switch (import.kind) {
    case ExternKind::func:
      return describe_func(func_type_at(module, import.type_index));
    case ExternKind::table:
      return describe_table(import.table);
    case ExternKind::memory:
      return describe_memory(import.memory);
    case ExternKind::global:
      return describe_global(import.global);
    case ExternKind::tag:
      return describe_tag(func_type_at(module, import.type_index));
  }
  return {};
}

std::string describe_export(const wasm::Module& module, const wasm::Export& item) {
  constexpr std::string_view kWrong = "(index out of range)";
  switch (item.kind) {
    case ExternKind::func:
      return describe_func(func_type_of(module, item.index));
    case ExternKind::table:
      if (item.index >= module.table_count()) break;
      return describe_table(module.table_type(item.index));
    case ExternKind::memory:
      if (item.index >= module.memory_count()) break;
      return describe_memory(module.memory_type(item.index));
    case ExternKind::global:
      if (item.index >= module.global_count()) break;
      return describe_global(module.global_type(item.index));
    case ExternKind::tag:
      if (item.index >= module.tag_count()) break;
      return describe_tag(func_type_at(module, module.tag_type_index(item.index)));
  }
  return std::string(to_string(item.kind)) + " " + std::string(kWrong);
}

std::vector<std::string> callable_functions(const wasm::Module& module) {
  std::vector<std::string> out;
  for (const wasm::Export& item : module.exports) {
    if (item.kind != ExternKind::func || item.name.starts_with("__")) continue;
    if (item.name == "_initialize" || item.name == "_start") continue;
    out.push_back(fmt::format("{}: {}", item.name, describe_export(module, item)));
  }
  return out;
}

std::vector<Obstacle> obstacles(const wasm::Module& module) {
  std::vector<Obstacle> out;
  Target target = target_of(module);
  switch (target) {
    case Target::unknown_unknown:
      out.push_back(
          {"built for wasm32-unknown-unknown: no `_start` and no WASI imports, so it can "
           "neither read input nor print, and clocks and files fail inside it",
           "cargo build --target wasm32-wasip1 --release"});
      break;
    case Target::component_core:
      out.push_back({"the core of a component: run the component made from it instead",
                     "build for wasm32-wasip1 to run it as a core module"});
      break;
    case Target::emscripten:
      out.push_back({"imports functions of Emscripten's JavaScript",
                     "build it with -sSTANDALONE_WASM, or with a WASI SDK"});
      break;
    case Target::javascript:
      out.push_back({"imports functions of a JavaScript host",
                     "build it for WASI: --target wasm32-wasip1, or GOOS=wasip1"});
      break;
    default:
      break;
  }
  for (const wasm::Import& import : module.imports) {
    bool known = import.module == "wasi_snapshot_preview1" || import.module == "wasi_unstable" ||
                 import.module == "wasi" ||
                 (target == Target::wasip1_threads && import.kind == ExternKind::memory);
    bool told = target == Target::component_core || target == Target::emscripten ||
                target == Target::javascript;
    if (!known && !told)
      out.push_back({fmt::format("imports `{}` from `{}`, which nothing in sedge provides",
                                 import.name, import.module),
                     "embed sedge and define it, or build without it"});
  }
  return out;
}

}  // namespace sedge::cli
