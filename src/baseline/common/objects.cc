// References, structs, arrays, casts. Before anything that can collect, every reference is in a
// cell of the published frame. New objects go where the heap has room at once (vm::GcHole): only
// where it has none, locals leave their registers.
#include <bit>

#include "baseline/common/compiler.h"

#if SEDGE_HAVE_BASELINE

namespace sedge::baseline {

namespace {

using Asm = MacroAssembler;

constexpr Argument kInstance{Argument::Kind::instance};
constexpr Argument number(uint64_t value) { return {Argument::Kind::number, value}; }
constexpr Argument cell32(uint32_t cell) { return {Argument::Kind::cell32, cell}; }
constexpr Argument address_of(uint32_t cell) { return {Argument::Kind::cell_address, cell}; }
constexpr size_t kGcBase = offsetof(vm::Context, gc_base),
                 kGcCursor = offsetof(vm::Context, gc_hole) + offsetof(vm::GcHole, cursor),
                 kGcLimit = offsetof(vm::Context, gc_hole) + offsetof(vm::GcHole, limit);
// Of a new object, whose reference is in the result register.
constexpr Reg kObject = Asm::kArguments[3], kValue = Asm::kArguments[2];

}  // namespace

#define SEDGE_MEMBER(name) offsetof(vm::Builtins, name)

uint32_t Compiler::storage_size(ValType storage) const {
  return vm::field_size(wasm::canonical(storage, types_), *types_.registry());
}

const vm::StructLayout& Compiler::layout(uint32_t type) {
  auto [place, is_new] = layouts_.try_emplace(type);
  if (is_new) place->second = vm::struct_layout(types_.type(type), *types_.registry());
  return place->second;
}

/// Canonical id of the struct or array type that `type` refers to, or kNone.
uint32_t Compiler::concrete_id(ValType type) const {
  if (!type.heap().is_index()) return kNone;
  const uint32_t index = type.heap().index();
  if (module_.types[index].kind == wasm::SubType::Kind::func) return kNone;
  return types_.id(index);
}

/// Whether the reference in `cell` is one of `type`: the result register is 0 or 1. No register is
/// in use.
void Compiler::is_instance(uint32_t cell, ValType type) {
  const uint32_t id = concrete_id(type);
  const Reg result = Asm::kResult;
  uint32_t slow[4] = {kNone, kNone, kNone, kNone}, done = kNone;
  if (id != kNone) {  // exactly this type is the common case
    code_.load64(result, Asm::cell(cell));
    code_.test(true, result, result);
    slow[0] = code_.jump_if_near(Cond::e);
    code_.test_imm(result, 1);
    slow[1] = code_.jump_if_near(Cond::ne);
    code_.alu(Alu::add, true, result, Asm::context(kGcBase));
    code_.alu_memory(Alu::cmp, false, mem(result, offsetof(vm::ObjectHeader, type)),
                     static_cast<int32_t>(id));
    slow[2] = code_.jump_if_near(Cond::ne);
    code_.compare8(mem(result, offsetof(vm::ObjectHeader, bits)),
                   static_cast<uint8_t>(vm::ObjectKind::array));
    slow[3] = code_.jump_if_near(Cond::a);
    code_.imm(result, 1);
    done = code_.jump_near();
  }
  for (uint32_t at : slow) {
    if (at != kNone) bind_here(at);
  }
  call_builtin(SEDGE_MEMBER(ref_test),
               {kInstance, {Argument::Kind::cell64, cell}, number(type.bits())});
  code_.load8_register(result, result);
  if (done != kNone) bind_here(done);
}

void Compiler::br_on_cast(bool fail) {
  spill_for_call(0);
  is_instance(top().cell, in_.type2);
  code_.test(false, Asm::kResult, Asm::kResult);
  conditional_branch(in_.index, fail ? Cond::e : Cond::ne);
}

/// Place of element `index` of an array; traps where there is none. Uses the scratch register.
Mem Compiler::element(Reg object, Reg index, uint32_t size) {
  code_.test(false, object, object);
  trap_if(Cond::e, TrapCode::null_array_reference);
  code_.load64(Asm::kScratch, Asm::context(kGcBase));
  code_.alu(Alu::add, true, Asm::kScratch, object);
  code_.alu(Alu::cmp, false, index, mem(Asm::kScratch, vm::kArrayLength));
  trap_if(Cond::ae, TrapCode::out_of_bounds_array_access);
  if (size == 16) {
    const Reg scaled = alloc(false);
    code_.move64(scaled, index);
    code_.shift(Shift::shl, true, scaled, 4);
    return {Asm::kScratch, scaled, 0, vm::kArrayElements};
  }
  const uint8_t scale = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
  return {Asm::kScratch, index, scale, vm::kArrayElements};
}

void Compiler::object_get(bool array) {
  const bool is_signed = in_.op == Op::struct_get_s || in_.op == Op::array_get_s;
  const ValType storage = module_.types[in_.index].fields[array ? 0 : in_.index2].storage;
  const uint32_t size = storage_size(storage);
  const Cls cls = class_of(storage);
  Mem place;
  Reg reusable;
  if (array) {
    const Reg index = take_reg();
    reusable = take_reg();
    place = element(reusable, index, size);
  } else {
    reusable = take_reg();
    code_.test(false, reusable, reusable);
    trap_if(Cond::e, TrapCode::null_structure_reference);
    code_.load64(Asm::kScratch, Asm::context(kGcBase));
    place = {Asm::kScratch, reusable, 0,
             static_cast<int32_t>(layout(in_.index).offsets[in_.index2])};
  }
  const Reg to = dest(cls, 0, reusable);
  code_.load_sized(cls, to, place, size, is_signed);
  push(cls, to);
}

void Compiler::object_set(bool array) {
  const ValType storage = module_.types[in_.index].fields[array ? 0 : in_.index2].storage;
  const uint32_t size = storage_size(storage);
  const Reg value = take_reg();
  Mem place;
  if (array) {
    const Reg index = take_reg(), object = take_reg();
    place = element(object, index, size);
  } else {
    const Reg object = take_reg();
    code_.test(false, object, object);
    trap_if(Cond::e, TrapCode::null_structure_reference);
    code_.load64(Asm::kScratch, Asm::context(kGcBase));
    place = {Asm::kScratch, object, 0, static_cast<int32_t>(layout(in_.index).offsets[in_.index2])};
  }
  code_.store_sized(class_of(storage), place, value, size);
}

/// Writes values that lie from `cell` on to the new object.
void Compiler::write_fields(std::span<const uint32_t> offsets, std::span<const ValType> storages,
                            uint32_t cell) {
  for (size_t i = 0; i < offsets.size(); i++) {
    const uint32_t size = storage_size(storages[i]);
    const Mem place = mem(kObject, offsets[i]);
    if (size == 16) {
      code_.copy(Cls::v, place, Asm::cell(cell));
      cell += 2;
      continue;
    }
    code_.load64(kValue, Asm::cell(cell++));
    code_.store_sized(Cls::i, place, kValue, size);
  }
}

/// The `count` operands on top are in their cells and leave the stack; locals stay in registers.
/// Gives the first of these cells. The temporaries are free.
uint32_t Compiler::spill_operands(size_t count) {
  flush();
  truncate(static_cast<uint32_t>(stack_.size() - count));
  return next_cell();
}

void Compiler::object_address() {
  code_.move64(kObject, Asm::kResult);
  code_.alu(Alu::add, true, kObject, Asm::context(kGcBase));
}

/// A new object of the instruction's type between the reference in the result register and the end
/// in kObject, if the heap has it there; else from the builtin, by way of cell `out`. Then the
/// reference is in the result register, the address in kObject. An array's length is `length`, or
/// in the cell below `out`.
void Compiler::place_object(Stub::Kind kind, uint32_t out, uint32_t length) {
  code_.alu(Alu::cmp, true, kObject, Asm::context(kGcLimit));
  add_stub(kind, code_.jump_if_near(Cond::a), in_.index, out, length);
  code_.store64(Asm::context(kGcCursor), kObject);
  object_address();
  const bool array = kind == Stub::Kind::new_array;
  const vm::ObjectHeader header = vm::object_header(
      types_.id(in_.index), array ? vm::ObjectKind::array : vm::ObjectKind::struct_);
  code_.store_constant(mem(kObject), std::bit_cast<uint64_t>(header));
  if (array) {
    if (length == kNone) {
      code_.load32(kValue, Asm::cell(out - 1));
    } else {
      code_.imm(kValue, length);
    }
    code_.store32(mem(kObject, vm::kArrayLength), kValue);
  }
  stubs_.back().back = code_.pos();
}

/// The same by the builtin.
void Compiler::place_object_slowly(const Stub& stub) {
  const uint32_t out = stub.b;
  publish();
  if (stub.kind == Stub::Kind::new_struct) {
    call_builtin(SEDGE_MEMBER(struct_new), {kInstance, number(stub.a), address_of(out)});
  } else {
    call_builtin(SEDGE_MEMBER(array_new),
                 {kInstance, number(stub.a), stub.c == kNone ? cell32(out - 1) : number(stub.c),
                  address_of(out)});
  }
  trap_unless_returned();
  code_.load32(Asm::kResult, Asm::cell(out));
  object_address();
}

void Compiler::other() {
  const uint32_t type = in_.index;
  switch (in_.op) {
    case Op::ref_func:
      spill_for_call(0);
      call_builtin(SEDGE_MEMBER(func_ref), {kInstance, number(type)});
      return push(Cls::i, Asm::kResult);
    case Op::ref_is_null: {
      const Reg value = take_reg();
      code_.test(true, value, value);
      return push_flags(Cond::e);
    }
    case Op::ref_eq: {
      const Reg b = take_reg(), a = take_reg();
      code_.alu(Alu::cmp, true, a, b);
      return push_flags(Cond::e);
    }
    case Op::ref_as_non_null: {
      const Operand operand = operand_of(top());
      if (operand.is(Operand::Kind::reg)) {
        code_.test(true, operand.reg, operand.reg);
      } else {
        store_entry(top());
        code_.alu_memory(Alu::cmp, true, Asm::cell(top().cell), 0);
      }
      return trap_if(Cond::e, TrapCode::null_reference);
    }
    case Op::any_convert_extern:
    case Op::extern_convert_any:
      return;  // the same representation
    case Op::ref_i31: {
      const Reg value = take_reg();
      const Reg to = dest(Cls::i, 0, value);
      code_.address(to, {value, value, 0, 1}, false);
      return push(Cls::i, to);
    }
    case Op::i31_get_s:
    case Op::i31_get_u: {
      const Reg value = take_reg();
      code_.test(false, value, value);
      trap_if(Cond::e, TrapCode::null_i31_reference);
      const Reg to = dest(Cls::i, 0, value);
      code_.move32(to, value);
      code_.shift(in_.op == Op::i31_get_s ? Shift::sar : Shift::shr, false, to, 1);
      return push(Cls::i, to);
    }
    case Op::array_len: {
      const Reg value = take_reg();
      code_.test(false, value, value);
      trap_if(Cond::e, TrapCode::null_array_reference);
      const Reg to = dest(Cls::i, 0, value);
      code_.load64(Asm::kScratch, Asm::context(kGcBase));
      code_.load32(to, {Asm::kScratch, value, 0, vm::kArrayLength});
      return push(Cls::i, to);
    }
    case Op::ref_test:
    case Op::ref_test_null: {
      const uint32_t cell = spill_for_call(1);
      is_instance(cell, in_.type);
      return push(Cls::i, Asm::kResult);
    }
    case Op::ref_cast:
    case Op::ref_cast_null:
      spill_for_call(0);
      is_instance(top().cell, in_.type);
      code_.test(false, Asm::kResult, Asm::kResult);
      return trap_if(Cond::e, TrapCode::cast_failure);
    case Op::struct_get:
    case Op::struct_get_s:
    case Op::struct_get_u:
      return object_get(false);
    case Op::array_get:
    case Op::array_get_s:
    case Op::array_get_u:
      return object_get(true);
    case Op::struct_set:
      return object_set(false);
    case Op::array_set:
      return object_set(true);
    default:
      return allocate();
  }
}

/// Operators on whole objects; the cell behind the operands is where a builtin leaves a new one.
void Compiler::allocate() {
  const uint32_t type = in_.index;
  const auto& fields = module_.types[type].fields;
  const uint32_t value_cells = fields.empty() ? 1 : cells_of(class_of(fields[0].storage));
  auto finish_new = [this](uint32_t out) {
    trap_unless_returned();
    code_.load32(Asm::kResult, Asm::cell(out));
  };
  auto check_array = [this](uint32_t cell) {
    code_.alu_memory(Alu::cmp, false, Asm::cell(cell), 0);
    trap_if(Cond::e, TrapCode::null_array_reference);
  };
  switch (in_.op) {
    case Op::struct_new:
    case Op::struct_new_default: {
      const bool initialised = in_.op == Op::struct_new;
      const uint32_t base = spill_operands(initialised ? fields.size() : 0);
      uint32_t out = base;
      std::vector<ValType> storages;
      if (initialised) {
        for (const FieldType& field : fields) {
          storages.push_back(field.storage);
          out += cells_of(class_of(field.storage));
        }
      }
      reserve(out + 1);
      code_.load64(Asm::kResult, Asm::context(kGcCursor));
      code_.address(kObject, mem(Asm::kResult, layout(type).size));
      place_object(Stub::Kind::new_struct, out);
      if (initialised) {
        write_fields(layout(type).offsets, storages, base);
      }
      return push(Cls::i, Asm::kResult);
    }
    case Op::array_new: {
      const uint32_t base = spill_for_call(2), length = base + value_cells, out = length + 1;
      reserve(out + 1);
      publish();
      call_builtin(SEDGE_MEMBER(array_new),
                   {kInstance, number(type), cell32(length), address_of(out)});
      trap_unless_returned();
      call_builtin(SEDGE_MEMBER(array_fill), {kInstance, number(type), cell32(out), number(0),
                                              address_of(base), cell32(length)});
      finish_new(out);
      return push(Cls::i, Asm::kResult);
    }
    case Op::array_new_default: {
      const uint32_t length = spill_operands(1), out = length + 1;
      reserve(out + 1);
      const auto log2 = static_cast<unsigned>(std::countr_zero(storage_size(fields[0].storage)));
      code_.load32(kObject, Asm::cell(length));
      if (log2 != 0) code_.shift(Shift::shl, true, kObject, log2);
      code_.alu(Alu::add, true, kObject, int32_t{vm::kArrayElements + 7});
      code_.alu(Alu::and_, true, kObject, -8);
      code_.load64(Asm::kResult, Asm::context(kGcCursor));
      code_.alu(Alu::add, true, kObject, Asm::kResult);
      place_object(Stub::Kind::new_array, out);
      return push(Cls::i, Asm::kResult);
    }
    case Op::array_new_fixed: {
      const uint32_t count = in_.index2;
      const uint32_t base = spill_operands(count), out = base + count * value_cells;
      reserve(out + 1);
      const uint32_t size = storage_size(fields[0].storage);
      code_.load64(Asm::kResult, Asm::context(kGcCursor));
      code_.address(kObject, mem(Asm::kResult, static_cast<int64_t>(vm::array_size(count, size))));
      place_object(Stub::Kind::new_array, out, count);
      std::vector<uint32_t> offsets(count);
      for (uint32_t i = 0; i < count; i++) offsets[i] = vm::kArrayElements + i * size;
      write_fields(offsets, std::vector<ValType>(count, fields[0].storage), base);
      return push(Cls::i, Asm::kResult);
    }
    case Op::array_new_data:
    case Op::array_new_elem: {
      const uint32_t base = spill_for_call(2), out = base + 2;
      reserve(out + 1);
      publish();
      call_builtin(in_.op == Op::array_new_data ? SEDGE_MEMBER(array_new_data)
                                                : SEDGE_MEMBER(array_new_elem),
                   {kInstance, number(type), number(in_.index2), cell32(base), cell32(base + 1),
                    address_of(out)});
      finish_new(out);
      return push(Cls::i, Asm::kResult);
    }
    case Op::array_fill: {
      const uint32_t base = spill_for_call(4);
      check_array(base);
      call_builtin(SEDGE_MEMBER(array_fill),
                   {kInstance, number(type), cell32(base), cell32(base + 1), address_of(base + 2),
                    cell32(base + 2 + value_cells)});
      return trap_unless_returned();
    }
    case Op::array_init_data:
    case Op::array_init_elem: {
      const uint32_t base = spill_for_call(4);
      check_array(base);
      call_builtin(in_.op == Op::array_init_data ? SEDGE_MEMBER(array_init_data)
                                                 : SEDGE_MEMBER(array_init_elem),
                   {kInstance, number(type), cell32(base), cell32(base + 1), number(in_.index2),
                    cell32(base + 2), cell32(base + 3)});
      return trap_unless_returned();
    }
    case Op::array_copy: {
      const uint32_t base = spill_for_call(5);
      check_array(base);
      check_array(base + 2);
      call_builtin(SEDGE_MEMBER(array_copy),
                   {kInstance, number(type), cell32(base), cell32(base + 1), cell32(base + 2),
                    cell32(base + 3), cell32(base + 4)});
      return trap_unless_returned();
    }
    default:
      return;  // every operator has its case: bodies are validated
  }
}

#undef SEDGE_MEMBER

}  // namespace sedge::baseline

#endif
