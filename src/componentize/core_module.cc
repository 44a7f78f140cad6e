// The module is validated first: after that every index in it is sound.
#include "componentize/core_module.h"

#include <algorithm>
#include <deque>
#include <optional>

#include <fmt/format.h>

#include "component/decode.h"
#include "componentize/wit_decode.h"
#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"
#include "wasm/op.h"
#include "wasm/validate/validate.h"

namespace sedge::componentize {

constexpr std::string_view kStackPointer = "__stack_pointer";

const FuncType& CoreModuleFile::export_type(const wasm::Export& function) const {
  return module.func_type(function.index);
}

void join_worlds(wit::Resolve& resolve, wit::WorldId into, wit::WorldId from) {
  wit::World source = resolve.worlds[from];
  wit::World& target = resolve.worlds[into];
  for (auto& [key, item] : source.imports) target.imports.insert(key, item);
  for (auto& [key, item] : source.exports) target.exports.insert(key, item);
}

namespace {

/// The mutable i32 global that names itself `name`; as the stack pointer also the only such global
/// that begins at zero. Its index, if there is one.
std::optional<uint32_t> find_global(const wasm::Module& module, std::string_view name) {
  constexpr uint8_t kZero[] = {0x41, 0x00, 0x0b};
  auto imported = static_cast<uint32_t>(module.imported_globals.size());
  std::vector<uint32_t> zeros;
  for (uint32_t i = 0; i < module.globals.size(); ++i) {
    const wasm::Global& global = module.globals[i];
    if (!global.type.mutable_ || global.type.value != ValType::i32) continue;
    auto named = module.names.globals.find(imported + i);
    if (named != module.names.globals.end() && named->second == name) return imported + i;
    if (std::ranges::equal(global.init.bytes, kZero)) zeros.push_back(imported + i);
  }
  if (name == kStackPointer && zeros.size() == 1) return zeros[0];
  return std::nullopt;
}

/// Adapters come without a stack: two pages of the module's memory become theirs at the start.
void give_stack(wasm::Module& module) {
  constexpr uint32_t kPages = 2;
  bool has_memory = module.imported_memories.size() == 1 && !module.memory_type(0).is64;
  std::optional<uint32_t> pointer = find_global(module, kStackPointer);
  if (!has_memory || !pointer) return;
  wasm::Writer body;
  auto i32_const = [&](int64_t value) {
    body.u8(0x41);
    body.s64(value);
  };
  i32_const(kPages);
  body.u8(0x40);  // memory.grow
  body.u8(0);
  i32_const(kPages);
  body.u8(0x6a);  // i32.add
  i32_const(16);
  body.u8(0x74);  // i32.shl
  body.u8(0x24);  // global.set
  body.u32(*pointer);
  // How the adapter of wasmtime is told that it has its stack.
  if (auto state = find_global(module, "allocation_state")) {
    i32_const(2);
    body.u8(0x24);
    body.u32(*state);
  }
  if (module.start) {
    body.u8(0x10);  // call
    body.u32(*module.start);
  }
  body.u8(0x0b);
  auto bytes = std::make_shared<std::vector<uint8_t>>(body.take());
  wasm::Func start;
  start.type_index = static_cast<wasm::TypeIdx>(module.types.size());
  start.body.bytes = Bytes(*bytes);
  module.rec_groups.push_back({start.type_index, 1, false});
  module.types.emplace_back();
  module.start = module.func_count();
  module.funcs.push_back(std::move(start));
  module.storage.push_back(std::move(bytes));
}

}  // namespace

Result<CoreModuleFile> read_core_module(wit::Resolve& resolve, std::string name, Bytes binary,
                                        bool is_adapter) {
  CoreModuleFile out;
  out.name = std::move(name);
  auto bytes = std::make_shared<std::vector<uint8_t>>(binary.begin(), binary.end());
  SEDGE_TRY_ASSIGN(wasm::Module module, wasm::decode(Bytes(*bytes), bytes));
  SEDGE_TRY(wasm::validate(module, Features::all(), wasm::TypeRegistry::create()));
  for (const wasm::CustomSection& section : module.customs) {
    if (!section.name.starts_with(kWorldSection)) continue;
    SEDGE_TRY_ASSIGN(component::Component component, component::decode(section.content, nullptr));
    SEDGE_TRY_ASSIGN(DecodedWorld decoded, decode_world_into(resolve, component));
    out.encoding = decoded.encoding;
    if (out.world == wit::kNone)
      out.world = decoded.world;
    else
      join_worlds(resolve, out.world, decoded.world);
  }
  std::erase_if(module.customs, [](const wasm::CustomSection& section) {
    return section.name.starts_with(kWorldSection);
  });
  auto names = std::make_shared<std::deque<std::string>>();
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (wasm::Import& import : module.imports) {
    out.import_fields.emplace_back(import.name);
    while (!seen.emplace(import.module, import.name).second)
      import.name = names->emplace_back(fmt::format("{}#{}", import.name, seen.size()));
  }
  module.storage.push_back(names);
  if (is_adapter) give_stack(module);
  out.binary = wasm::encode(module);
  out.module = std::move(module);
  for (const wasm::Export& exported : out.module.exports)
    out.exports.emplace(std::string(exported.name), &exported);
  return out;
}

std::set<uint32_t> reachable_imports(const wasm::Module& module,
                                     const std::vector<wasm::FuncIdx>& roots) {
  std::vector<bool> seen(module.func_count());
  std::vector<wasm::FuncIdx> work;
  auto reach = [&](wasm::FuncIdx func) {
    if (func >= seen.size() || seen[func]) return;
    seen[func] = true;
    work.push_back(func);
  };
  auto scan = [&](const wasm::Expr& expr) {
    wasm::InstrReader reader(expr.bytes, expr.offset);
    wasm::Instr instr;
    while (!reader.at_end() && reader.next(instr))
      if (wasm::op_info(instr.op).imm == wasm::Imm::func) reach(instr.index);
  };
  for (wasm::FuncIdx root : roots) reach(root);
  if (module.start) reach(*module.start);
  for (const wasm::ElemSegment& segment : module.elems) {
    for (wasm::FuncIdx func : segment.funcs) reach(func);
    for (const wasm::Expr& expr : segment.exprs) scan(expr);
  }
  for (const wasm::Global& global : module.globals) scan(global.init);
  std::set<uint32_t> out;
  auto imported = static_cast<uint32_t>(module.imported_funcs.size());
  while (!work.empty()) {
    wasm::FuncIdx func = work.back();
    work.pop_back();
    if (func < imported)
      out.insert(module.imported_funcs[func]);
    else
      scan(module.funcs[func - imported].body);
  }
  return out;
}

}  // namespace sedge::componentize
