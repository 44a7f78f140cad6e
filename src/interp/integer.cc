// Handlers of binary operators on integers.
#include "interp/scalar.h"

namespace sedge::interp {

using IntegerTable = HandlerTable<OpSet<is_integer_binary>, kFormCount * 2, MakeBinary>;

Handler integer_binary_handler(Op op, size_t variant) { return IntegerTable::get(op, variant); }

}  // namespace sedge::interp
