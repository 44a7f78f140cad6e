// Name section (subsections in ascending order, empty ones left out) and branch hints.
// Spec: appendix "Custom Sections"; proposal "branch hinting".
#include "wasm/encode/custom_sections.h"

namespace sedge::wasm {
namespace {

void write_map(Writer& w, const Names::Map& map) {
  w.u32(static_cast<uint32_t>(map.size()));
  for (const auto& [index, name] : map) {
    w.u32(index);
    w.name(name);
  }
}

void append(Writer& out, uint8_t id, Writer& subsection) {
  out.u8(id);
  out.u32(static_cast<uint32_t>(subsection.size()));
  out.bytes(subsection.out());
}

void subsection(Writer& out, uint8_t id, const Names::Map& map) {
  if (map.empty()) return;
  Writer w;
  write_map(w, map);
  append(out, id, w);
}

void subsection(Writer& out, uint8_t id, const Names::IndirectMap& map) {
  if (map.empty()) return;
  Writer w;
  w.u32(static_cast<uint32_t>(map.size()));
  for (const auto& [index, names] : map) {
    w.u32(index);
    write_map(w, names);
  }
  append(out, id, w);
}

}  // namespace

bool has_names(const Names& names) {
  for (const Names::Map* map : {&names.funcs, &names.types, &names.tables, &names.memories,
                                &names.globals, &names.elems, &names.datas, &names.tags})
    if (!map->empty()) return true;
  for (const Names::IndirectMap* map : {&names.locals, &names.labels, &names.fields})
    if (!map->empty()) return true;
  return names.module.has_value();
}

std::vector<uint8_t> encode_names(const Names& names) {
  Writer out;
  if (names.module) {
    Writer w;
    w.name(*names.module);
    append(out, 0, w);
  }
  subsection(out, 1, names.funcs);
  subsection(out, 2, names.locals);
  subsection(out, 3, names.labels);
  subsection(out, 4, names.types);
  subsection(out, 5, names.tables);
  subsection(out, 6, names.memories);
  subsection(out, 7, names.globals);
  subsection(out, 8, names.elems);
  subsection(out, 9, names.datas);
  subsection(out, 10, names.fields);
  subsection(out, 11, names.tags);
  return out.take();
}

void encode_locals(Writer& writer, const Func& func) {
  writer.u32(static_cast<uint32_t>(func.locals.size()));
  for (const LocalRun& run : func.locals) {
    writer.u32(run.count);
    writer.val_type(run.type);
  }
}

std::vector<uint8_t> encode_branch_hints(const Module& module) {
  Writer w;
  w.u32(static_cast<uint32_t>(module.branch_hints.size()));
  size_t imported = module.imported_funcs.size();
  for (const auto& [func_index, hints] : module.branch_hints) {
    Writer locals;
    if (func_index >= imported && func_index - imported < module.funcs.size())
      encode_locals(locals, module.funcs[func_index - imported]);
    w.u32(func_index);
    w.u32(static_cast<uint32_t>(hints.size()));
    for (const auto& [offset, taken] : hints) {
      w.u32(static_cast<uint32_t>(offset + locals.size()));
      w.u8(1);
      w.u8(taken ? 1 : 0);
    }
  }
  return w.take();
}

}  // namespace sedge::wasm
