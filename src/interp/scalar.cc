// Handlers of unary operators and of binary operators on floats.
#include "interp/scalar.h"

namespace sedge::interp {

Handler integer_binary_handler(Op op, size_t variant);

using FloatTable = HandlerTable<OpSet<is_float_binary>, kFormCount * 2, MakeBinary>;
using UnaryTable = HandlerTable<OpSet<is_unary>, 4, MakeUnary>;

Handler binary_handler(Op op, Form form, bool to_slot) {
  size_t variant = static_cast<size_t>(form) * 2 + (to_slot ? 1 : 0);
  if (Handler found = integer_binary_handler(op, variant)) return found;
  return FloatTable::get(op, variant);
}

Handler unary_handler(Op op, bool from_acc, bool to_slot) {
  return UnaryTable::get(op, (from_acc ? 2u : 0u) + (to_slot ? 1u : 0u));
}

}  // namespace sedge::interp
