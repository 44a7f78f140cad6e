// The text format's spelling of types.
#include <sedge/types.h>

namespace sedge {
namespace {

const char* abstract_name(HeapType::Abstract kind) {
  switch (kind) {
    case HeapType::noexn:
      return "noexn";
    case HeapType::nofunc:
      return "nofunc";
    case HeapType::noextern:
      return "noextern";
    case HeapType::none:
      return "none";
    case HeapType::func:
      return "func";
    case HeapType::extern_:
      return "extern";
    case HeapType::any:
      return "any";
    case HeapType::eq:
      return "eq";
    case HeapType::i31:
      return "i31";
    case HeapType::struct_:
      return "struct";
    case HeapType::array:
      return "array";
    case HeapType::exn:
      return "exn";
    case HeapType::bottom:
      return "bot";
  }
  return "?";
}

/// Shorthand of a nullable reference to an abstract heap type.
const char* shorthand(HeapType::Abstract kind) {
  switch (kind) {
    case HeapType::noexn:
      return "nullexnref";
    case HeapType::nofunc:
      return "nullfuncref";
    case HeapType::noextern:
      return "nullexternref";
    case HeapType::none:
      return "nullref";
    case HeapType::func:
      return "funcref";
    case HeapType::extern_:
      return "externref";
    case HeapType::any:
      return "anyref";
    case HeapType::eq:
      return "eqref";
    case HeapType::i31:
      return "i31ref";
    case HeapType::struct_:
      return "structref";
    case HeapType::array:
      return "arrayref";
    case HeapType::exn:
      return "exnref";
    case HeapType::bottom:
      break;
  }
  return nullptr;
}

}  // namespace

std::string to_string(HeapType type) {
  return type.is_index() ? std::to_string(type.index()) : abstract_name(type.abstract());
}

std::string to_string(ValType type) {
  switch (type.kind()) {
    case ValType::i32:
      return "i32";
    case ValType::i64:
      return "i64";
    case ValType::f32:
      return "f32";
    case ValType::f64:
      return "f64";
    case ValType::v128:
      return "v128";
    case ValType::i8:
      return "i8";
    case ValType::i16:
      return "i16";
    case ValType::bottom:
      return "bot";
    case ValType::ref:
    case ValType::ref_null:
      break;
  }
  HeapType heap = type.heap();
  if (type.nullable() && !heap.is_index()) {
    if (const char* name = shorthand(heap.abstract())) return name;
  }
  return (type.nullable() ? "(ref null " : "(ref ") + to_string(heap) + ")";
}

std::string to_string(const std::vector<ValType>& types) {
  std::string out = "[";
  for (ValType type : types) {
    if (out.size() > 1) out += ' ';
    out += to_string(type);
  }
  return out + "]";
}

std::string to_string(const FuncType& type) {
  return to_string(type.params) + " -> " + to_string(type.results);
}

const char* to_string(ExternKind kind) {
  switch (kind) {
    case ExternKind::func:
      return "func";
    case ExternKind::table:
      return "table";
    case ExternKind::memory:
      return "memory";
    case ExternKind::global:
      return "global";
    case ExternKind::tag:
      return "tag";
  }
  return "?";
}

}  // namespace sedge
