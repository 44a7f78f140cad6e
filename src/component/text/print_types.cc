// Types, core types and canonical functions as text. Specification: Explainer.md, "Type
// Definitions", "Canonical Definitions".
#include <fmt/format.h>

#include "component/text/printer.h"

namespace sedge::component {

void Printer::val_type(ValType type_in) {
  if (type_in.is_prim()) {
    out_ += to_string(type_in.prim());
    return;
  }
  if (scopes_.back().ids)
    scopes_.back().ids->of(Sort::type).append_use(out_, type_in.index());
  else
    number(type_in.index());
}

void Printer::func_type(const FuncType& func) {
  if (func.async_) out_ += " async";
  for (const Field& param : func.params) {
    out_ += " (param ";
    name(param.name);
    out_ += ' ';
    val_type(param.type);
    out_ += ')';
  }
  if (func.result) {
    out_ += " (result ";
    val_type(*func.result);
    out_ += ')';
  }
}

void Printer::declarators(const char* word, const std::vector<Definition>& list) {
  out_ += fmt::format("({}", word);
  scopes_.push_back({});
  for (const Definition& item : list) {
    line();
    definition(item);
  }
  scopes_.pop_back();
  out_ += ')';
}

void Printer::type(const Type& type_in) {
  auto optional = [&](const std::optional<ValType>& inner) {
    if (!inner) return;
    out_ += ' ';
    val_type(*inner);
  };
  std::visit(
      [&](const auto& t) {
        using T = std::remove_cvref_t<decltype(t)>;
        if constexpr (std::is_same_v<T, PrimType>) {
          out_ += to_string(t);
        } else if constexpr (std::is_same_v<T, Record>) {
          out_ += "(record";
          for (const Field& field : t.fields) {
            out_ += " (field ";
            name(field.name);
            out_ += ' ';
            val_type(field.type);
            out_ += ')';
          }
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Variant>) {
          out_ += "(variant";
          for (const Case& next : t.cases) {
            out_ += " (case ";
            name(next.name);
            optional(next.type);
            out_ += ')';
          }
          out_ += ')';
        } else if constexpr (std::is_same_v<T, List>) {
          out_ += "(list";
          optional(t.element);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, FixedList>) {
          out_ += "(list";
          optional(t.element);
          out_ += fmt::format(" {})", t.length);
        } else if constexpr (std::is_same_v<T, Tuple>) {
          out_ += "(tuple";
          for (ValType inner : t.types) optional(inner);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Flags> || std::is_same_v<T, Enum>) {
          out_ += std::is_same_v<T, Flags> ? "(flags" : "(enum";
          for (std::string_view label : t.names) {
            out_ += ' ';
            name(label);
          }
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Option>) {
          out_ += "(option";
          optional(t.type);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, ResultType>) {
          out_ += "(result";
          optional(t.ok);
          if (t.error) {
            out_ += " (error";
            optional(t.error);
            out_ += ')';
          }
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Own> || std::is_same_v<T, Borrow>) {
          out_ += std::is_same_v<T, Own> ? "(own" : "(borrow";
          use(Sort::type, t.resource);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Stream> || std::is_same_v<T, Future>) {
          out_ += std::is_same_v<T, Stream> ? "(stream" : "(future";
          optional(t.element);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, Map>) {
          out_ += "(map";
          optional(t.key);
          optional(t.value);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, FuncType>) {
          out_ += "(func";
          func_type(t);
          out_ += ')';
        } else if constexpr (std::is_same_v<T, ComponentType>) {
          declarators("component", t.declarators);
        } else if constexpr (std::is_same_v<T, InstanceType>) {
          declarators("instance", t.declarators);
        } else if constexpr (std::is_same_v<T, ResourceType>) {
          out_ += fmt::format("(resource (rep {})", sedge::to_string(t.rep));
          if (t.destructor) {
            out_ += " (dtor ";
            sorted(Sort::core_func, *t.destructor);
            out_ += ')';
          }
          out_ += ')';
        }
      },
      type_in.type);
}

// Core types

void Printer::core_val(sedge::ValType type_in) { out_ += sedge::to_string(type_in); }

void Printer::sub_type(const wasm::SubType& sub) {
  bool wrapped = !sub.final_ || sub.super;
  if (wrapped) {
    out_ += sub.final_ ? "(sub final" : "(sub";
    if (sub.super) out_ += fmt::format(" {}", *sub.super);
    out_ += ' ';
  }
  auto field = [&](const FieldType& item) {
    if (item.mutable_) out_ += "(mut ";
    core_val(item.storage);
    if (item.mutable_) out_ += ')';
  };
  switch (sub.kind) {
    case wasm::SubType::Kind::func: {
      out_ += "(func";
      auto list = [&](const char* word, const std::vector<sedge::ValType>& types) {
        if (types.empty()) return;
        out_ += fmt::format(" ({}", word);
        for (sedge::ValType value : types) {
          out_ += ' ';
          core_val(value);
        }
        out_ += ')';
      };
      list("param", sub.func.params);
      list("result", sub.func.results);
      out_ += ')';
      break;
    }
    case wasm::SubType::Kind::struct_:
      out_ += "(struct";
      for (const FieldType& item : sub.fields) {
        out_ += " (field ";
        field(item);
        out_ += ')';
      }
      out_ += ')';
      break;
    case wasm::SubType::Kind::array:
      out_ += "(array ";
      field(sub.fields[0]);
      out_ += ')';
      break;
  }
  if (wrapped) out_ += ')';
}

void Printer::core_extern(const wasm::ExternDesc& desc) {
  auto limits = [&](const Limits& range, bool is64) {
    if (is64) out_ += " i64";
    out_ += fmt::format(" {}", range.min);
    if (range.max) out_ += fmt::format(" {}", *range.max);
  };
  out_ += fmt::format("({}", sedge::to_string(desc.kind));
  switch (desc.kind) {
    case ExternKind::func:
    case ExternKind::tag:
      out_ += fmt::format(" (type {})", desc.type_index);
      break;
    case ExternKind::table:
      limits(desc.table.limits, desc.table.is64);
      out_ += ' ';
      core_val(desc.table.element);
      break;
    case ExternKind::memory:
      limits(desc.memory.limits, desc.memory.is64);
      if (desc.memory.shared) out_ += " shared";
      if (desc.memory.page_size_log2 != 16)
        out_ += fmt::format(" (pagesize {})", uint64_t{1} << desc.memory.page_size_log2);
      break;
    case ExternKind::global:
      out_ += desc.global.mutable_ ? " (mut " : " ";
      core_val(desc.global.value);
      if (desc.global.mutable_) out_ += ')';
      break;
  }
  out_ += ')';
}

void Printer::module_type(const CoreModuleType& module) {
  out_ += "(module";
  scopes_.push_back({});
  uint32_t count = 0;
  for (const CoreModuleType::Declarator& declarator : module.declarators) {
    line();
    if (const auto* group = std::get_if<CoreRecGroup>(&declarator)) {
      bool rec = group->explicit_ || group->types.size() != 1;
      if (rec) out_ += "(rec";
      for (const wasm::SubType& sub : group->types) {
        if (rec) out_ += ' ';
        out_ += fmt::format("(type (;{};) ", count++);
        sub_type(sub);
        out_ += ')';
      }
      if (rec) out_ += ')';
    } else if (const auto* alias_in = std::get_if<CoreOuterAlias>(&declarator)) {
      out_ += fmt::format("(alias outer {} {} (type (;{};)))", alias_in->count, alias_in->index,
                          count++);
    } else if (const auto* import = std::get_if<CoreImport>(&declarator)) {
      out_ += "(import ";
      name(import->module);
      out_ += ' ';
      name(import->name);
      out_ += ' ';
      core_extern(*import);
      out_ += ')';
    } else {
      const auto& item = std::get<CoreExport>(declarator);
      out_ += "(export ";
      name(item.name);
      out_ += ' ';
      core_extern(item.type);
      out_ += ')';
    }
  }
  scopes_.pop_back();
  out_ += ')';
}

void Printer::core_type(const CoreType& item) {
  if (const auto* module = std::get_if<CoreModuleType>(&item.type)) {
    out_ += "(core type";
    binding(Sort::core_type);
    out_ += ' ';
    module_type(*module);
    out_ += ')';
    return;
  }
  const auto& group = std::get<CoreRecGroup>(item.type);
  if (!group.explicit_ && group.types.size() == 1) {
    out_ += "(core type";
    binding(Sort::core_type);
    out_ += ' ';
    sub_type(group.types[0]);
    out_ += ')';
    return;
  }
  out_ += "(core rec";
  for (const wasm::SubType& sub : group.types) {
    out_ += " (type";
    binding(Sort::core_type);
    out_ += ' ';
    sub_type(sub);
    out_ += ')';
  }
  out_ += ')';
}

// Canonical functions

void Printer::options(const std::vector<CanonOption>& list) {
  for (const CanonOption& option : list) {
    static constexpr const char* kWords[] = {"string-encoding=utf8",
                                             "string-encoding=utf16",
                                             "string-encoding=latin1+utf16",
                                             "memory",
                                             "realloc",
                                             "post-return",
                                             "async",
                                             "callback",
                                             "core-type",
                                             "gc"};
    const char* word = kWords[static_cast<size_t>(option.kind)];
    std::optional<Sort> sort = option_sort(option.kind);
    if (!sort) {
      out_ += fmt::format(" {}", word);
      continue;
    }
    out_ += fmt::format(" ({} ", word);
    sorted(*sort, option.index);
    out_ += ')';
  }
}

void Printer::canon(const Canon& item) {
  const CanonInfo& info = canon_info(item.op);
  bool is_lift = item.op == CanonOp::lift;
  out_ += is_lift ? "(func" : "(core func";
  binding(is_lift ? Sort::func : Sort::core_func);
  if (is_lift) {
    out_ += " (type";
    use(Sort::type, item.type);
    out_ += ')';
  }
  out_ += fmt::format(" (canon {}", info.name);
  auto sorted_use = [&](Sort sort, uint32_t index) {
    out_ += ' ';
    sorted(sort, index);
  };
  switch (info.shape) {
    case CanonShape::lift:
      sorted_use(Sort::core_func, item.index);
      options(item.options);
      break;
    case CanonShape::lower:
      sorted_use(Sort::func, item.index);
      options(item.options);
      break;
    case CanonShape::type:
      use(Sort::type, item.type);
      break;
    case CanonShape::type_opts:
      use(Sort::type, item.type);
      options(item.options);
      break;
    case CanonShape::type_async:
      use(Sort::type, item.type);
      if (item.async_) out_ += " async";
      break;
    case CanonShape::opts:
      options(item.options);
      break;
    case CanonShape::none:
      break;
    case CanonShape::async:
      if (item.async_) out_ += " async";
      break;
    case CanonShape::cancel:
    case CanonShape::cancel_memory:
      if (item.cancellable) out_ += " cancellable";
      if (info.shape == CanonShape::cancel_memory) {
        out_ += " (memory ";
        sorted(Sort::core_memory, item.index);
        out_ += ')';
      }
      break;
    case CanonShape::result_opts:
      if (item.result) {
        out_ += " (result ";
        val_type(*item.result);
        out_ += ')';
      }
      options(item.options);
      break;
    case CanonShape::context:
      out_ += fmt::format(" {} {}", sedge::to_string(item.core_type), item.slot);
      break;
    case CanonShape::shared:
    case CanonShape::shared_core_type:
    case CanonShape::shared_core_type_table:
    case CanonShape::core_type_table:
      if (item.shared) out_ += " shared";
      if (info.shape == CanonShape::shared) break;
      use(Sort::core_type, item.type);
      if (info.shape != CanonShape::shared_core_type) sorted_use(Sort::core_table, item.index);
      break;
  }
  out_ += "))";
}

}  // namespace sedge::component
