// Index spaces of wasm::Module: imports first, then definitions.
#include "wasm/module.h"

namespace sedge::wasm {

TypeIdx Module::func_type_index(FuncIdx index) const {
  size_t imported = imported_funcs.size();
  return index < imported ? imports[imported_funcs[index]].type_index
                          : funcs[index - imported].type_index;
}

const TableType& Module::table_type(uint32_t index) const {
  size_t imported = imported_tables.size();
  return index < imported ? imports[imported_tables[index]].table : tables[index - imported].type;
}

const MemoryType& Module::memory_type(uint32_t index) const {
  size_t imported = imported_memories.size();
  return index < imported ? imports[imported_memories[index]].memory
                          : memories[index - imported].type;
}

const GlobalType& Module::global_type(uint32_t index) const {
  size_t imported = imported_globals.size();
  return index < imported ? imports[imported_globals[index]].global
                          : globals[index - imported].type;
}

TypeIdx Module::tag_type_index(uint32_t index) const {
  size_t imported = imported_tags.size();
  return index < imported ? imports[imported_tags[index]].type_index
                          : tags[index - imported].type_index;
}

void Module::index_imports() {
  for (auto* list :
       {&imported_funcs, &imported_tables, &imported_memories, &imported_globals, &imported_tags})
    list->clear();
  for (uint32_t i = 0; i < imports.size(); ++i) {
    switch (imports[i].kind) {
      case ExternKind::func:
        imported_funcs.push_back(i);
        break;
      case ExternKind::table:
        imported_tables.push_back(i);
        break;
      case ExternKind::memory:
        imported_memories.push_back(i);
        break;
      case ExternKind::global:
        imported_globals.push_back(i);
        break;
      case ExternKind::tag:
        imported_tags.push_back(i);
        break;
    }
  }
}

}  // namespace sedge::wasm
