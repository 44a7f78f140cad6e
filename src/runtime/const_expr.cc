// Constant expressions, fields of GC objects, and matching of reference values.
// Spec: "Constant Expressions"; "Runtime", section "Value Typing".
#include <cstring>

#include "runtime/store_impl.h"
#include "wasm/eval/eval.h"
#include "wasm/op.h"

namespace sedge::runtime {

using wasm::Op;

void write_field(uint8_t* at, ValType storage, const Cell* cells,
                 const wasm::TypeRegistry& registry) {
  std::memcpy(at, cells, vm::field_size(storage, registry));
}

void read_field(const uint8_t* at, ValType storage, bool sign_extend, Cell* cells,
                const wasm::TypeRegistry& registry) {
  uint32_t size = vm::field_size(storage, registry);
  if (size == 16) {
    std::memcpy(cells, at, 16);
    return;
  }
  Cell value = 0;
  std::memcpy(&value, at, size);
  if (sign_extend && storage.kind() == ValType::i8)
    value = static_cast<uint32_t>(static_cast<int8_t>(value));
  if (sign_extend && storage.kind() == ValType::i16)
    value = static_cast<uint32_t>(static_cast<int16_t>(value));
  cells[0] = value;
}

bool ref_matches(const StoreImpl& store, Cell value, ValType type) {
  if (value == 0) return type.nullable();
  const wasm::TypeRegistry& registry = store.registry();
  HeapType heap = type.heap();
  if (vm::is_func_ref(type, registry)) {
    if (heap == HeapType::func) return true;
    if (heap == HeapType::nofunc) return false;
    const auto* func = reinterpret_cast<const vm::Func*>(value);
    return func->canon->is_subtype_of(registry.get(heap.index()));
  }
  if (heap == HeapType::any || heap == HeapType::extern_ || heap == HeapType::exn) return true;
  auto ref = static_cast<GcRef>(value);
  if ((ref & 1) != 0) return heap == HeapType::i31 || heap == HeapType::eq;
  vm::ObjectHeader header;
  std::memcpy(&header, store.context.gc_base + ref, sizeof(header));
  bool is_struct = header.kind() == vm::ObjectKind::struct_;
  bool is_array = header.kind() == vm::ObjectKind::array;
  if (heap == HeapType::eq) return is_struct || is_array;
  if (heap == HeapType::struct_) return is_struct;
  if (heap == HeapType::array) return is_array;
  if (!heap.is_index() || (!is_struct && !is_array)) return false;
  return registry.get(header.type).is_subtype_of(registry.get(heap.index()));
}

namespace {

/// The operand stack of a constant expression. It lives on the context's cell stack, so that
/// references on it are roots.
class ConstStack {
 public:
  explicit ConstStack(vm::Context& context) : context_(context), base_(context.sp) {}
  ~ConstStack() { context_.sp = base_; }
  ConstStack(const ConstStack&) = delete;
  ConstStack& operator=(const ConstStack&) = delete;

  bool has_room(uint32_t cells) const { return context_.stack_end - context_.sp >= cells; }
  void push(Cell cell) { *context_.sp++ = cell; }
  Cell pop() { return *--context_.sp; }
  Cell* top(uint32_t cells) { return context_.sp - cells; }
  void drop(uint32_t cells) { context_.sp -= cells; }

 private:
  vm::Context& context_;
  Cell* base_;
};

class ConstEval {
 public:
  explicit ConstEval(InstanceImpl& instance)
      : instance_(instance), store_(*instance.store), stack_(store_.context) {}

  Result<void> run(const wasm::Expr& expr, Cell* out) {
    wasm::InstrReader reader(expr.bytes, expr.offset);
    wasm::Instr instr;
    uint32_t top_cells = 1;
    for (;;) {
      SEDGE_TRY(reader.next(instr));
      if (instr.op == Op::end) break;
      if (!stack_.has_room(2)) return fail(ErrorCode::call_stack_exhausted);
      SEDGE_TRY_ASSIGN(top_cells, step(instr));
    }
    std::memcpy(out, stack_.top(top_cells), top_cells * sizeof(Cell));
    return {};
  }

 private:
  // Executes one operator; the cells of the value it leaves on top.
  Result<uint32_t> step(const wasm::Instr& instr) {
    switch (instr.op) {
      case Op::i32_const:
        stack_.push(static_cast<uint32_t>(instr.i64));
        return 1;
      case Op::i64_const:
      case Op::f32_const:
      case Op::f64_const:
        stack_.push(instr.u64);
        return 1;
      case Op::v128_const: {
        Cell cells[2];
        std::memcpy(cells, instr.v128.data(), 16);
        stack_.push(cells[0]);
        stack_.push(cells[1]);
        return 2;
      }
      case Op::global_get: {
        const vm::Global& global = *instance_.globals[instr.index];
        uint32_t cells = instance_.syntax->global_type(instr.index).value.cells();
        for (uint32_t i = 0; i < cells; ++i) stack_.push(global.value[i]);
        return cells;
      }
      case Op::ref_null:
        stack_.push(0);
        return 1;
      case Op::ref_func:
        stack_.push(reinterpret_cast<Cell>(store_.func_ref(instance_, instr.index)));
        return 1;
      case Op::i32_add:
        return binary<uint32_t>(wasm::eval::i32_add);
      case Op::i32_sub:
        return binary<uint32_t>(wasm::eval::i32_sub);
      case Op::i32_mul:
        return binary<uint32_t>(wasm::eval::i32_mul);
      case Op::i64_add:
        return binary<uint64_t>(wasm::eval::i64_add);
      case Op::i64_sub:
        return binary<uint64_t>(wasm::eval::i64_sub);
      case Op::i64_mul:
        return binary<uint64_t>(wasm::eval::i64_mul);
      case Op::ref_i31:
        stack_.push(static_cast<uint32_t>(stack_.pop() << 1 | 1));
        return 1;
      case Op::any_convert_extern:
      case Op::extern_convert_any:
        return 1;
      case Op::struct_new:
      case Op::struct_new_default:
        return new_struct(instr);
      case Op::array_new:
      case Op::array_new_default:
      case Op::array_new_fixed:
        return new_array(instr);
      default:
        return fail(ErrorCode::constant_expression_required, {}, Location::at(instr.offset));
    }
  }

  template <typename T, typename F>
  uint32_t binary(F f) {
    auto right = static_cast<T>(stack_.pop());
    auto left = static_cast<T>(stack_.pop());
    stack_.push(f(left, right));
    return 1;
  }

  Result<uint32_t> new_struct(const wasm::Instr& instr) {
    const wasm::CanonType& type = instance_.type_set->type(instr.index);
    SEDGE_TRY_ASSIGN(GcHeap * heap, store_.heap());
    GcRef ref = heap->new_struct(type);
    if (ref == 0) return fail(ErrorCode::gc_heap_exhausted);
    if (instr.op == Op::struct_new) {
      vm::StructLayout layout = vm::struct_layout(type, store_.registry());
      for (size_t i = type.type.fields.size(); i-- > 0;) {
        ValType storage = type.type.fields[i].storage;
        write_field(heap->base() + ref + layout.offsets[i], storage, stack_.top(storage.cells()),
                    store_.registry());
        stack_.drop(storage.cells());
      }
    }
    stack_.push(ref);
    return 1;
  }

  Result<uint32_t> new_array(const wasm::Instr& instr) {
    const wasm::CanonType& type = instance_.type_set->type(instr.index);
    ValType storage = type.type.fields[0].storage;
    uint32_t size = vm::field_size(storage, store_.registry());
    bool fixed = instr.op == Op::array_new_fixed;
    uint32_t length = fixed ? instr.index2 : static_cast<uint32_t>(stack_.pop());
    SEDGE_TRY_ASSIGN(GcHeap * heap, store_.heap());
    GcRef ref = heap->new_array(type, length);
    if (ref == 0) return fail(ErrorCode::gc_heap_exhausted);
    uint8_t* elements = heap->base() + ref + vm::kArrayElements;
    if (fixed) {
      for (uint32_t i = length; i-- > 0;) {
        write_field(elements + uint64_t{i} * size, storage, stack_.top(storage.cells()),
                    store_.registry());
        stack_.drop(storage.cells());
      }
    } else if (instr.op == Op::array_new) {
      const Cell* value = stack_.top(storage.cells());
      for (uint32_t i = 0; i < length; ++i)
        write_field(elements + uint64_t{i} * size, storage, value, store_.registry());
      stack_.drop(storage.cells());
    }
    stack_.push(ref);
    return 1;
  }

  InstanceImpl& instance_;
  StoreImpl& store_;
  ConstStack stack_;
};

}  // namespace

Result<void> evaluate(InstanceImpl& instance, const wasm::Expr& expr, Cell* out) {
  return ConstEval(instance).run(expr, out);
}

}  // namespace sedge::runtime
