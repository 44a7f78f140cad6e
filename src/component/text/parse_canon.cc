// Canonical functions: rows of canon.def with their immediates and options. Specification:
// Explainer.md, "Canonical Definitions".
#include <fmt/format.h>

#include "component/text/parser.h"

namespace sedge::component {

using wasm::Token;
using Kind = Token::Kind;

namespace {

struct OptionWord {
  std::string_view word;
  CanonOption::Kind kind;
};
constexpr OptionWord kWords[] = {{"string-encoding=utf8", CanonOption::Kind::utf8},
                                 {"string-encoding=utf16", CanonOption::Kind::utf16},
                                 {"string-encoding=latin1+utf16", CanonOption::Kind::latin1_utf16},
                                 {"async", CanonOption::Kind::async},
                                 {"gc", CanonOption::Kind::gc}};
constexpr OptionWord kForms[] = {{"memory", CanonOption::Kind::memory},
                                 {"realloc", CanonOption::Kind::realloc},
                                 {"post-return", CanonOption::Kind::post_return},
                                 {"callback", CanonOption::Kind::callback},
                                 {"core-type", CanonOption::Kind::core_type}};

}  // namespace

Result<void> Parser::canon_options(std::vector<CanonOption>& options) {
  for (bool more = true; more;) {
    more = false;
    for (const OptionWord& row : kWords) {
      if (!take_keyword(row.word)) continue;
      options.push_back({row.kind, 0});
      more = true;
    }
    for (const OptionWord& row : kForms) {
      if (!take_open(row.word)) continue;
      CanonOption option{row.kind, 0};
      SEDGE_TRY_ASSIGN(option.index, index(*option_sort(row.kind)));
      SEDGE_TRY(expect_close());
      options.push_back(option);
      more = true;
    }
    if (options.size() > kMaxCanonOptions)
      return error(ErrorCode::limit_exceeded, ": too many canonical options");
  }
  return {};
}

Result<Canon> Parser::canon_immediates(const CanonInfo& info, std::optional<uint32_t> func_type) {
  Canon out;
  out.op = info.op;
  auto core_type_of = [&]() -> Result<void> {
    SEDGE_TRY_ASSIGN(out.type, index(Sort::core_type));
    return {};
  };
  auto table = [&]() -> Result<void> {
    SEDGE_TRY_ASSIGN(out.index, index(Sort::core_table));
    return {};
  };
  auto type = [&]() -> Result<void> {
    SEDGE_TRY_ASSIGN(out.type, index(Sort::type));
    return {};
  };
  switch (info.shape) {
    case CanonShape::lift: {
      SEDGE_TRY_ASSIGN(out.index, index(Sort::core_func));
      SEDGE_TRY(canon_options(out.options));
      if (func_type) out.type = *func_type;
      break;
    }
    case CanonShape::lower: {
      SEDGE_TRY_ASSIGN(out.index, index(Sort::func));
      SEDGE_TRY(canon_options(out.options));
      break;
    }
    case CanonShape::type:
      SEDGE_TRY(type());
      break;
    case CanonShape::type_opts:
      SEDGE_TRY(type());
      SEDGE_TRY(canon_options(out.options));
      break;
    case CanonShape::type_async:
      SEDGE_TRY(type());
      out.async_ = take_keyword("async");
      break;
    case CanonShape::opts:
      SEDGE_TRY(canon_options(out.options));
      break;
    case CanonShape::none:
      break;
    case CanonShape::async:
      out.async_ = take_keyword("async");
      break;
    case CanonShape::cancel:
      out.cancellable = take_keyword("cancellable");
      break;
    case CanonShape::cancel_memory: {
      out.cancellable = take_keyword("cancellable");
      SEDGE_TRY(expect_open("memory"));
      SEDGE_TRY_ASSIGN(out.index, index(Sort::core_memory));
      SEDGE_TRY(expect_close());
      break;
    }
    case CanonShape::result_opts: {
      if (take_open("result")) {
        SEDGE_TRY_ASSIGN(out.result, val_type());
        SEDGE_TRY(expect_close());
      }
      SEDGE_TRY(canon_options(out.options));
      break;
    }
    case CanonShape::context: {
      wasm::TypeParser& core = *scope().core;
      core.seek(position());
      SEDGE_TRY_ASSIGN(out.core_type, core.value());
      seek(core.position());
      SEDGE_TRY_ASSIGN(out.slot, number());
      break;
    }
    case CanonShape::core_type_table:
      SEDGE_TRY(core_type_of());
      SEDGE_TRY(table());
      break;
    case CanonShape::shared:
      out.shared = take_keyword("shared");
      break;
    case CanonShape::shared_core_type:
      out.shared = take_keyword("shared");
      SEDGE_TRY(core_type_of());
      break;
    case CanonShape::shared_core_type_table:
      out.shared = take_keyword("shared");
      SEDGE_TRY(core_type_of());
      SEDGE_TRY(table());
      break;
  }
  return out;
}

Result<Canon> Parser::canon(std::optional<uint32_t> func_type) {
  if (!at(Kind::keyword)) return unexpected();
  const CanonInfo* info = find_canon(text());
  if (!info) return unexpected();
  advance();
  return canon_immediates(*info, func_type);
}

/// (canon op … (core func $id?)), (canon lift … (func $id? type))
Result<void> Parser::canon_form() {
  const Token& where = peek();
  SEDGE_TRY_ASSIGN(Canon item, canon(std::nullopt));
  if (item.op == CanonOp::lift) {
    SEDGE_TRY(expect_open("func"));
    SEDGE_TRY_ASSIGN(Binding own, binding());
    SEDGE_TRY_ASSIGN(item.type, func_type_use());
    SEDGE_TRY(expect_close());
    append(std::move(item), where);
    SEDGE_TRY(define(Sort::func, own));
    return {};
  }
  Binding own;
  if (at(Kind::lparen)) {
    SEDGE_TRY(expect_open("core"));
    if (!take_keyword("func")) return unexpected();
    SEDGE_TRY_ASSIGN(own, binding());
    SEDGE_TRY(expect_close());
  }
  append(std::move(item), where);
  SEDGE_TRY(define(Sort::core_func, own));
  return {};
}

}  // namespace sedge::component
