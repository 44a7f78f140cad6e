// Sections in canonical order, each written into its own buffer so that its size is known before it
// is appended. Spec: chapter "Binary Format".
#include "wasm/encode/encode.h"

#include <algorithm>
#include <array>

#include "wasm/encode/custom_sections.h"
#include "wasm/encode/types.h"

namespace sedge::wasm {
namespace {

constexpr SectionId kOrder[] = {SectionId::type,    SectionId::import,     SectionId::function,
                                SectionId::table,   SectionId::memory,     SectionId::tag,
                                SectionId::global,  SectionId::export_,    SectionId::start,
                                SectionId::element, SectionId::data_count, SectionId::code,
                                SectionId::data};

constexpr uint8_t kHeader[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00};

uint32_t count_of(size_t size) { return static_cast<uint32_t>(size); }

class Encoder {
 public:
  Encoder(const Module& module, EncodedOffsets* offsets) : module_(module), offsets_(offsets) {}

  std::vector<uint8_t> run() {
    out_.bytes(kHeader);
    bool names_written = false, hints_written = false;
    auto customs_after = [&](SectionId id) {
      for (const CustomSection& section : module_.customs) {
        if (section.after != id) continue;
        // Parsed content replaces the section's bytes; kept once if the binary repeated it.
        if (section.name == "name" && has_names(module_.names)) {
          if (!names_written) custom("name", encode_names(module_.names));
          names_written = true;
        } else if (section.name == kBranchHints && !module_.branch_hints.empty()) {
          if (!hints_written) branch_hints();
          hints_written = true;
        } else {
          custom(section.name, section.content);
        }
      }
    };
    bool hints_kept = std::ranges::any_of(
        module_.customs, [](const CustomSection& section) { return section.name == kBranchHints; });
    customs_after(SectionId::custom);
    for (SectionId id : kOrder) {
      if (id == SectionId::code && !module_.branch_hints.empty() && !hints_kept) branch_hints();
      section(id);
      customs_after(id);
    }
    if (!names_written && has_names(module_.names)) custom("name", encode_names(module_.names));
    return out_.take();
  }

 private:
  static constexpr std::string_view kBranchHints = "metadata.code.branch_hint";

  void custom(std::string_view name, Bytes content) {
    Writer body;
    body.name(name);
    body.bytes(content);
    append(SectionId::custom, body);
  }
  void branch_hints() { custom(kBranchHints, encode_branch_hints(module_)); }

  void append(SectionId id, Writer& body) {
    out_.u8(static_cast<uint8_t>(id));
    out_.u32(count_of(body.size()));
    body_start_ = out_.size();
    out_.bytes(body.out());
  }

  void section(SectionId id) {
    Writer body;
    std::vector<uint64_t> bodies;
    switch (id) {
      case SectionId::custom:
        return;
      case SectionId::type:
        types(body);
        break;
      case SectionId::import:
        imports(body);
        break;
      case SectionId::function:
        functions(body);
        break;
      case SectionId::table:
        tables(body);
        break;
      case SectionId::memory:
        memories(body);
        break;
      case SectionId::tag:
        tags(body);
        break;
      case SectionId::global:
        globals(body);
        break;
      case SectionId::export_:
        exports(body);
        break;
      case SectionId::start:
        if (module_.start) body.u32(*module_.start);
        break;
      case SectionId::element:
        elements(body);
        break;
      case SectionId::data_count:
        if (module_.data_count) body.u32(*module_.data_count);
        break;
      case SectionId::code:
        code(body, bodies);
        break;
      case SectionId::data:
        datas(body);
        break;
    }
    if (body.size() == 0) return;
    append(id, body);
    if (id == SectionId::code && offsets_) {
      for (uint64_t& offset : bodies) offset += body_start_;
      offsets_->bodies = std::move(bodies);
    }
  }

  void types(Writer& w) {
    if (module_.rec_groups.empty()) return;
    w.u32(count_of(module_.rec_groups.size()));
    std::span<const SubType> types(module_.types);
    for (const RecGroup& group : module_.rec_groups)
      write_rec_group(w, types.subspan(group.first, group.count), group.explicit_);
  }

  void imports(Writer& w) {
    if (module_.imports.empty()) return;
    w.u32(count_of(module_.imports.size()));
    for (const Import& import : module_.imports) {
      w.name(import.module);
      w.name(import.name);
      write_extern_type(w, import);
    }
  }
  void functions(Writer& w) {
    if (module_.funcs.empty()) return;
    w.u32(count_of(module_.funcs.size()));
    for (const Func& func : module_.funcs) w.u32(func.type_index);
  }
  void tables(Writer& w) {
    if (module_.tables.empty()) return;
    w.u32(count_of(module_.tables.size()));
    for (const Table& table : module_.tables) {
      if (table.init) {
        w.u8(0x40);
        w.u8(0x00);
      }
      write_table_type(w, table.type);
      if (table.init) w.bytes(table.init->bytes);
    }
  }
  void memories(Writer& w) {
    if (module_.memories.empty()) return;
    w.u32(count_of(module_.memories.size()));
    for (const Memory& memory : module_.memories) write_memory_type(w, memory.type);
  }
  void tags(Writer& w) {
    if (module_.tags.empty()) return;
    w.u32(count_of(module_.tags.size()));
    for (const Tag& tag : module_.tags) write_tag_type(w, tag.type_index);
  }
  void globals(Writer& w) {
    if (module_.globals.empty()) return;
    w.u32(count_of(module_.globals.size()));
    for (const Global& global : module_.globals) {
      write_global_type(w, global.type);
      w.bytes(global.init.bytes);
    }
  }
  void exports(Writer& w) {
    if (module_.exports.empty()) return;
    w.u32(count_of(module_.exports.size()));
    for (const Export& item : module_.exports) {
      w.name(item.name);
      w.u8(static_cast<uint8_t>(item.kind));
      w.u32(item.index);
    }
  }

  void elements(Writer& w) {
    if (module_.elems.empty()) return;
    w.u32(count_of(module_.elems.size()));
    for (const ElemSegment& segment : module_.elems) element(w, segment);
  }
  void element(Writer& w, const ElemSegment& segment) {
    bool active = segment.mode == ElemSegment::Mode::active;
    // The short forms of active segments mean table 0 and functions, or funcref expressions.
    bool full = segment.explicit_table || segment.table != 0 ||
                (segment.uses_exprs && segment.type != ValType::funcref());
    bool bit1 = active ? full : segment.mode == ElemSegment::Mode::declarative;
    w.u32((active ? 0u : 1u) | (bit1 ? 2u : 0u) | (segment.uses_exprs ? 4u : 0u));
    if (active && full) w.u32(segment.table);
    if (active) w.bytes(segment.offset_expr.bytes);
    if (!active || full) {
      if (segment.uses_exprs)
        w.val_type(segment.type);
      else
        w.u8(0x00);
    }
    w.u32(count_of(segment.size()));
    if (segment.uses_exprs) {
      for (const Expr& item : segment.exprs) w.bytes(item.bytes);
    } else {
      for (FuncIdx item : segment.funcs) w.u32(item);
    }
  }

  void code(Writer& w, std::vector<uint64_t>& bodies) {
    if (module_.funcs.empty()) return;
    w.u32(count_of(module_.funcs.size()));
    for (const Func& func : module_.funcs) {
      Writer entry;
      encode_locals(entry, func);
      size_t locals = entry.size();
      entry.bytes(func.body.bytes);
      w.u32(count_of(entry.size()));
      bodies.push_back(w.size() + locals);
      w.bytes(entry.out());
    }
  }
  void datas(Writer& w) {
    if (module_.datas.empty()) return;
    w.u32(count_of(module_.datas.size()));
    for (const DataSegment& segment : module_.datas) {
      bool active = segment.mode == DataSegment::Mode::active;
      bool full = active && (segment.explicit_memory || segment.memory != 0);
      w.u32(!active ? 1 : full ? 2 : 0);
      if (full) w.u32(segment.memory);
      if (active) w.bytes(segment.offset_expr.bytes);
      w.u32(count_of(segment.init.size()));
      w.bytes(segment.init);
    }
  }

  const Module& module_;
  EncodedOffsets* offsets_;
  Writer out_;
  size_t body_start_ = 0;
};

}  // namespace

std::vector<uint8_t> encode(const Module& module, EncodedOffsets* offsets) {
  return Encoder(module, offsets).run();
}

}  // namespace sedge::wasm
