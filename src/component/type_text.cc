// See type_text.h.
#include "component/type_text.h"

#include <fmt/format.h>

namespace sedge::component {
namespace {

class Text {
 public:
  Text(const Types& types, size_t most) : types_(types), most_(most) {}

  std::string func(const FuncType& type) {
    out_ = type.async_ ? "async func" : "func";
    fields(type.params, '(', ')');
    if (type.result) {
      out_ += " -> ";
      value(*type.result);
    }
    return std::move(out_);
  }
  std::string of(ValType type) {
    value(type);
    return std::move(out_);
  }

 private:
  void fields(const std::vector<Field>& list, char open, char close) {
    out_ += open;
    for (const Field& field : list) {
      if (&field != list.data()) out_ += ", ";
      out_ += field.name;
      out_ += ": ";
      value(field.type);
    }
    out_ += close;
  }
  void names(const char* word, const std::vector<std::string_view>& list) {
    out_ += word;
    out_ += '{';
    for (const std::string_view& name : list) {
      if (&name != list.data()) out_ += ", ";
      out_ += name;
    }
    out_ += '}';
  }
  void of(const char* word, const std::optional<ValType>& part) {
    out_ += word;
    if (!part) return;
    out_ += '<';
    value(*part);
    out_ += '>';
  }

  void value(ValType type) {
    if (out_.size() > most_) {
      if (!out_.ends_with("…")) out_ += "…";
      return;
    }
    if (type.is_prim()) {
      out_ += to_string(type.prim());
      return;
    }
    std::visit([&](const auto& node) { defined(node); }, types_.defined(type.index()).type);
  }

  void defined(PrimType type) { out_ += to_string(type); }
  void defined(const Record& type) {
    out_ += "record";
    fields(type.fields, '{', '}');
  }
  void defined(const Variant& type) {
    out_ += "variant{";
    for (const Case& next : type.cases) {
      if (&next != type.cases.data()) out_ += ", ";
      out_ += next.name;
      if (!next.type) continue;
      out_ += '(';
      value(*next.type);
      out_ += ')';
    }
    out_ += '}';
  }
  void defined(const List& type) { of("list", type.element); }
  void defined(const FixedList& type) {
    out_ += "list<";
    value(type.element);
    out_ += fmt::format(", {}>", type.length);
  }
  void defined(const Tuple& type) {
    out_ += "tuple<";
    for (const ValType& part : type.types) {
      if (&part != type.types.data()) out_ += ", ";
      value(part);
    }
    out_ += '>';
  }
  void defined(const Flags& type) { names("flags", type.names); }
  void defined(const Enum& type) { names("enum", type.names); }
  void defined(const Option& type) { of("option", type.type); }
  void defined(const ResultType& type) {
    if (!type.error) return of("result", type.ok);
    out_ += "result<";
    if (type.ok)
      value(*type.ok);
    else
      out_ += '_';
    out_ += ", ";
    value(*type.error);
    out_ += '>';
  }
  void defined(const Own&) { out_ += "own"; }
  void defined(const Borrow&) { out_ += "borrow"; }
  void defined(const Stream& type) { of("stream", type.element); }
  void defined(const Future& type) { of("future", type.element); }
  void defined(const Map& type) {
    out_ += "map<";
    value(type.key);
    out_ += ", ";
    value(type.value);
    out_ += '>';
  }

  const Types& types_;
  size_t most_;
  std::string out_;
};

}  // namespace

std::string func_text(const Types& types, const FuncType& type, size_t most) {
  return Text(types, most).func(type);
}

std::string value_text(const Types& types, ValType type, size_t most) {
  return Text(types, most).of(type);
}

}  // namespace sedge::component
