// Module: bytes or text → decode → validate → code to be lowered on demand.
#include <fmt/format.h>
#include <sedge/module.h>

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "engine/engine_impl.h"
#include "engine/optimized_code.h"
#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"

namespace sedge {
namespace {

ExternType func_extern(ExternKind kind, const ModuleImpl& impl, wasm::TypeIdx index) {
  ExternType type;
  type.kind = kind;
  type.type_id = impl.types.id(index);
  type.func = impl.types.type(index).type.func;
  return type;
}

ExternType table_extern(TableType table, const ModuleImpl& impl) {
  ExternType type;
  type.kind = ExternKind::table;
  type.table = table;
  type.table.element = wasm::canonical(table.element, impl.types);
  return type;
}

ExternType global_extern(GlobalType global, const ModuleImpl& impl) {
  ExternType type;
  type.kind = ExternKind::global;
  type.global = {wasm::canonical(global.value, impl.types), global.mutable_};
  return type;
}

ExternType memory_extern(const MemoryType& memory) {
  ExternType type;
  type.kind = ExternKind::memory;
  type.memory = memory;
  return type;
}

ExternType extern_type(const ModuleImpl& impl, ExternKind kind, uint32_t index) {
  const wasm::Module& syntax = impl.syntax;
  switch (kind) {
    case ExternKind::func:
      return func_extern(kind, impl, syntax.func_type_index(index));
    case ExternKind::tag:
      return func_extern(kind, impl, syntax.tag_type_index(index));
    case ExternKind::table:
      return table_extern(syntax.table_type(index), impl);
    case ExternKind::memory:
      return memory_extern(syntax.memory_type(index));
    case ExternKind::global:
      return global_extern(syntax.global_type(index), impl);
  }
  return {};
}

void describe_externs(ModuleImpl& impl) {
  const wasm::Module& syntax = impl.syntax;
  uint32_t next[5] = {};  // next index in each space, in order of ExternKind
  impl.imports.reserve(syntax.imports.size());
  for (const wasm::Import& import : syntax.imports) {
    uint32_t index = next[static_cast<int>(import.kind)]++;
    impl.imports.push_back({std::string(import.module), std::string(import.name),
                            extern_type(impl, import.kind, index)});
  }
  impl.exports.reserve(syntax.exports.size());
  for (const wasm::Export& item : syntax.exports) {
    impl.export_index.emplace(item.name, static_cast<uint32_t>(impl.exports.size()));
    impl.exports.push_back({std::string(item.name), extern_type(impl, item.kind, item.index)});
    if (item.kind == ExternKind::memory && item.name == "memory") impl.default_memory = item.index;
  }
  if (!impl.default_memory && syntax.memory_count() == 1) impl.default_memory = 0;
}

// What is done with a module that is valid.
std::shared_ptr<ModuleImpl> build_valid(const Engine& engine, wasm::Module syntax,
                                        wasm::TypeSet types, std::shared_ptr<const void> owner) {
  auto impl = std::make_shared<ModuleImpl>();
  impl->engine = engine.impl();
  impl->bytes_owner = std::move(owner);
  impl->syntax = std::move(syntax);
  impl->types = std::move(types);
  describe_externs(*impl);
  if (impl->syntax.names.module) impl->name = *impl->syntax.names.module;
  const TierPlan& tiers = engine.impl()->tiers;
  interp::CodeOptions options = tiers.code_options(engine.config());
  if (tiers.native) {
    impl->tiers = std::make_unique<ModuleTiers>(*engine.impl());
    if (tiers.first_call) options.first_call = impl->tiers.get();
  }
  impl->code = std::make_unique<interp::ModuleCode>(impl->syntax, impl->types, options);
  if (impl->tiers) impl->tiers->attach(*impl->code);
  impl->code->owner = impl.get();
  if (tiers.native) optimize(*impl);
  return impl;
}

Result<std::shared_ptr<ModuleImpl>> build(const Engine& engine, wasm::Module syntax,
                                          std::shared_ptr<const void> owner) {
  SEDGE_TRY_ASSIGN(wasm::Validated validated,
                   wasm::validate(syntax, engine.config().features,
                                  engine.impl()->resources->registry));
  return build_valid(engine, std::move(syntax), std::move(validated.types), std::move(owner));
}

}  // namespace

std::optional<Location> TextPositions::find(uint64_t offset) const {
  // The last body that begins at or before the offset.
  auto body = std::upper_bound(bodies.begin(), bodies.end(), offset);
  if (body == bodies.begin()) return std::nullopt;
  auto index = static_cast<size_t>(body - bodies.begin()) - 1;
  if (index >= map.funcs.size()) return std::nullopt;
  const auto& entries = map.funcs[index];
  uint64_t in_body = offset - bodies[index];
  auto entry = std::upper_bound(
      entries.begin(), entries.end(), in_body,
      [](uint64_t at, const wasm::SourceMap::Entry& e) { return at < e.body_offset; });
  if (entry == entries.begin()) return std::nullopt;
  --entry;
  return Location::at(entry->line, entry->column);
}

std::string ModuleImpl::func_name(uint32_t index) const {
  if (auto named = syntax.names.funcs.find(index); named != syntax.names.funcs.end())
    return std::string(named->second);
  for (const wasm::Export& item : syntax.exports)
    if (item.kind == ExternKind::func && item.index == index) return std::string(item.name);
  return {};
}

CodeSymbol ModuleImpl::symbol(uint32_t func_index, std::string_view tier,
                              std::span<const uint8_t> bytes) const {
  std::string label = func_name(func_index);
  if (label.empty()) label = fmt::format("func[{}]", func_index);
  return {fmt::format("{} ({})", CodeSymbol::printable(label), tier), bytes};
}

Result<Module> Module::from_binary(const Engine& engine, std::span<const uint8_t> bytes,
                                   std::shared_ptr<const void> owner) {
  if (!owner) {
    auto copy = std::make_shared<std::vector<uint8_t>>(bytes.begin(), bytes.end());
    bytes = *copy;
    owner = std::move(copy);
  }
  SEDGE_TRY_ASSIGN(wasm::Module syntax, wasm::decode(bytes, owner));
  SEDGE_TRY_ASSIGN(auto impl, build(engine, std::move(syntax), std::move(owner)));
  return Module(std::move(impl));
}

Module ModuleImpl::from_validated(const Engine& engine, wasm::Module syntax, wasm::TypeSet types,
                                  std::shared_ptr<const void> owner) {
  return Module(build_valid(engine, std::move(syntax), std::move(types), std::move(owner)));
}

Result<Module> Module::from_text(const Engine& engine, std::string_view text) {
  SEDGE_TRY_ASSIGN(wasm::ParsedModule parsed, wasm::parse_module(text));
  wasm::EncodedOffsets offsets;
  auto binary = std::make_shared<const std::vector<uint8_t>>(wasm::encode(parsed.module, &offsets));
  auto positions = std::make_unique<TextPositions>();
  positions->map = std::move(parsed.source_map);
  positions->bodies = std::move(offsets.bodies);
  auto locate = [&positions](Error error) {
    if (error.location().kind == Location::Kind::offset)
      error.set_location(positions->find(error.location().offset).value_or(Location::none()));
    return error;
  };
  auto syntax = wasm::decode(binary);
  if (!syntax) return fail(locate(std::move(syntax).error()));
  auto impl = build(engine, *std::move(syntax), binary);
  if (!impl) return fail(locate(std::move(impl).error()));
  (*impl)->text = std::move(positions);
  return Module(*std::move(impl));
}

Result<Module> Module::from_file(const Engine& engine, const std::string& path) {
  SEDGE_TRY_ASSIGN(FileContent file, read_file(path, wasm::kMaxModuleSize));
  bool is_binary = file.text().starts_with(std::string_view("\0asm", 4));
  bool looks_like_text = false;
  if (!is_binary) {
    // A text module begins, after white space and comments, with a parenthesis.
    std::string_view text = file.text();
    size_t start = text.find_first_not_of(" \t\r\n");
    looks_like_text =
        start != std::string_view::npos && (text[start] == '(' || text.substr(start, 2) == ";;");
    if (looks_like_text) {
      auto module = from_text(engine, text);
      if (!module) return fail(std::move(module.error()).with_context(path));
      return module;
    }
  }
  auto module = from_binary(engine, file.bytes, std::move(file.owner));
  if (!module) return fail(std::move(module.error()).with_context(path));
  return module;
}

const std::vector<ImportType>& Module::imports() const { return impl_->imports; }
const std::vector<ExportType>& Module::exports() const { return impl_->exports; }
const ExportType* Module::find_export(std::string_view name) const {
  auto found = impl_->export_index.find(name);
  return found == impl_->export_index.end() ? nullptr : &impl_->exports[found->second];
}
const std::string& Module::name() const { return impl_->name; }
const std::vector<std::string>& Module::notes() const { return impl_->notes; }
void Module::set_name(std::string name) { impl_->name = std::move(name); }
const wasm::Module& Module::syntax() const { return impl_->syntax; }

}  // namespace sedge
