// See constants.h: a walk along the type.
#include <fmt/format.h>

#include "base/utf8.h"
#include "component/shapes.h"
#include "component/text/constants.h"
#include "wasm/text/number.h"
#include "wasm/text/print_names.h"

namespace sedge::component {
namespace {

/// Quotes and backslashes are escaped, and what a string may not hold.
void append_char(std::string& out, uint32_t point) {
  out += '\'';
  if (point < 0x20 || point == 0x7f) {
    out += fmt::format("\\u{{{:x}}}", point);
  } else {
    if (point == '\'' || point == '"' || point == '\\') out += '\\';
    append_utf8(out, point);
  }
  out += '\'';
}

class ConstantPrinter {
 public:
  ConstantPrinter(const Types& types, std::string& out, size_t most)
      : types_(types), out_(out), most_(most) {}

  bool fits() const { return out_.size() <= most_; }

  /// Nothing more is written once `out` is too large.
  void value(ValType type, const ComponentVal& of) {
    if (!fits()) return;
    if (type.is_prim()) return primitive(type.prim(), of);
    const Defined& t = types_.defined(type.index());
    if (const auto* prim = std::get_if<PrimType>(&t.type)) return primitive(*prim, of);
    if (auto fields = fields_of(t)) {
      out_ += std::holds_alternative<Record>(t.type) ? "(record" : "(tuple";
      for (size_t i = 0; i < fields->size(); ++i) item((*fields)[i], of.items[i]);
    } else if (case_count(t)) {
      return case_(t, of);
    } else if (const auto* flags = std::get_if<Flags>(&t.type)) {
      out_ += "(flags";
      for (size_t i = 0; i < flags->names.size(); ++i)
        if ((of.bits >> i) & 1) label(flags->names[i]);
    } else {
      out_ += "(list";
      std::optional<ValType> element = element_of(t);
      if (const auto* fixed = std::get_if<FixedList>(&t.type)) element = fixed->element;
      for (const ComponentVal& each : of.items) item(*element, each);
      for (char byte : of.text) out_ += fmt::format(" {}", static_cast<uint8_t>(byte));
    }
    out_ += ')';
  }

 private:
  void item(ValType type, const ComponentVal& of) {
    out_ += ' ';
    value(type, of);
  }
  void label(std::string_view text) {
    out_ += ' ';
    wasm::append_string(out_, text, true);
  }

  void case_(const Defined& t, const ComponentVal& of) {
    const uint32_t index = case_of(of);
    const std::optional<ValType> payload = payload_of(t, index);
    const bool is_enum = of.kind == ComponentVal::Kind::enum_;
    const bool labelled = is_enum || of.kind == ComponentVal::Kind::variant;
    if (labelled || payload) out_ += '(';
    if (labelled) {
      out_ += is_enum ? "enum" : "variant";
      label(case_label(t, index));
    } else if (of.kind == ComponentVal::Kind::option) {
      out_ += index == 0 ? "none" : "some";
    } else {
      out_ += index == 0 ? "ok" : "error";
    }
    if (payload) item(*payload, of.items[0]);
    if (labelled || payload) out_ += ')';
  }

  void primitive(PrimType type, const ComponentVal& of) {
    switch (type) {
      case PrimType::bool_:
        out_ += of.bits ? "true" : "false";
        return;
      case PrimType::s8:
      case PrimType::s16:
      case PrimType::s32:
      case PrimType::s64:
        out_ += std::to_string(static_cast<int64_t>(of.bits));
        return;
      case PrimType::u8:
      case PrimType::u16:
      case PrimType::u32:
      case PrimType::u64:
        out_ += std::to_string(of.bits);
        return;
      case PrimType::f32:
        out_ += wasm::float_text(of.bits, 32);
        return;
      case PrimType::f64:
        out_ += wasm::float_text(of.bits, 64);
        return;
      case PrimType::char_:
        return append_char(out_, static_cast<uint32_t>(of.bits));
      case PrimType::string:
        return wasm::append_string(out_, of.text, true);
      case PrimType::error_context:  // never a constant
        return;
    }
  }

  const Types& types_;
  std::string& out_;
  const size_t most_;
};

}  // namespace

bool append_constant(std::string& out, const Types& types, ValType type, const ComponentVal& value,
                     size_t most) {
  ConstantPrinter printer(types, out, most);
  printer.value(type, value);
  return printer.fits();
}

}  // namespace sedge::component
