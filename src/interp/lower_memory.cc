// Lowering: loads, stores, and the other instructions on memories and tables.
#include "interp/lower.h"

namespace sedge::interp {

/// Takes back the i32.add that made the address `entry`, if it was the last instruction and there
/// is a form of accesses for its operands: `a` and the word `second`.
bool Lowering::address_sum(const Entry& entry, Addr& address, uint32_t& a, Word& second) {
  if (!scalar_.binary || scalar_.op != Op::i32_add || !can_rewind(scalar_, entry)) return false;
  switch (scalar_.form) {
    case Form::ss:
      address = Addr::sum_ss;
      a = scalar_.a;
      second = scalar_.b;
      break;
    case Form::sk:
    case Form::ks:
      address = Addr::sum_sk;
      a = scalar_.a;
      second = scalar_.constant;
      break;
    case Form::as:
      address = Addr::sum_as;
      a = 0;
      second = scalar_.b;
      break;
    case Form::sa:
      address = Addr::sum_as;
      a = 0;
      second = scalar_.a;
      break;
    case Form::ak:
    case Form::ka:
      address = Addr::sum_ak;
      a = 0;
      second = scalar_.constant;
      break;
  }
  return true;
}

void Lowering::load(const wasm::OpInfo& info) {
  Handler in_acc = load_handler(in_.op, Addr::slot, false);
  if (in_acc == nullptr || in_.mem.memory != 0 || memory64(0)) {
    return any_access(info, any_access_handler(in_.op));
  }
  const Cls result = class_of_letter(info.signature.back());
  const uint32_t dst = top().cell;
  auto offset = static_cast<uint32_t>(in_.mem.offset);
  Addr address = Addr::slot;
  uint32_t a = 0;
  Word second = 0;
  if (address_sum(top(), address, a, second)) {
    Scalar sum = scalar_;
    pop();
    rewind(sum);
    acc(Cls::i) = sum.before;
  } else {
    Operand from = locate(top());
    if (from.kind == Operand::Kind::constant &&
        uint64_t{offset} + static_cast<uint32_t>(from.bits) <= UINT32_MAX) {
      address = Addr::none;
      offset += static_cast<uint32_t>(from.bits);
    } else if (from.kind == Operand::Kind::acc) {
      address = Addr::acc;
    } else {
      a = slot_of(top());
    }
    pop();
  }
  if (result != Cls::v) settle(result);
  const Word first = pack_wide(dst, a, offset);
  Handler handler = load_handler(in_.op, address, false);
  uint32_t pos = address >= Addr::sum_ss ? emit(handler, {first, second}) : emit(handler, {first});
  if (result == Cls::v) return result_in_slot(pos, result);
  push_slot(result);
  result_in_acc(result, pos, dst, load_handler(in_.op, address, true));
}

void Lowering::store(const wasm::OpInfo& info) {
  if (store_handler(in_.op, Addr::slot, Stored::slot) == nullptr || in_.mem.memory != 0 ||
      memory64(0)) {
    return any_access(info, any_access_handler(in_.op));
  }
  auto offset = static_cast<uint32_t>(in_.mem.offset);
  Operand value = locate(top()), from = locate(top(1));
  Stored stored = Stored::slot;
  uint32_t value_cell = value.cell;
  if (value.kind == Operand::Kind::constant) {
    stored = Stored::constant;
  } else if (value.kind == Operand::Kind::acc) {
    stored = Stored::acc;
  }
  Addr address = Addr::slot;
  uint32_t a = 0;
  Word second = 0;
  if (stored != Stored::acc && address_sum(top(1), address, a, second)) {
    // The sum's accumulator goes back to what it held; the value is in a local or constant.
    Scalar sum = scalar_;
    pop();
    pop();
    rewind(sum);
    acc(Cls::i) = sum.before;
  } else {
    if (from.kind == Operand::Kind::constant &&
        uint64_t{offset} + static_cast<uint32_t>(from.bits) <= UINT32_MAX) {
      address = Addr::none;
      offset += static_cast<uint32_t>(from.bits);
    } else if (from.kind == Operand::Kind::acc && !(stored == Stored::acc && top().cls == Cls::i)) {
      address = Addr::acc;
    } else {
      a = slot_of(top(1));
    }
    pop();
    pop();
  }
  Handler handler = store_handler(in_.op, address, stored);
  const Word first = pack_wide(value_cell, a, offset);
  const bool sum = address >= Addr::sum_ss;
  if (stored == Stored::constant) {
    sum ? emit(handler, {first, second, value.bits}) : emit(handler, {first, value.bits});
  } else {
    sum ? emit(handler, {first, second}) : emit(handler, {first});
  }
}

/// Accesses with operands in cells: other memories, 64-bit addresses, vectors, atomics.
void Lowering::any_access(const wasm::OpInfo& info, Handler handler) {
  const size_t operands = info.signature.find(':');
  uint32_t cells[3] = {};
  for (size_t i = 0; i < operands; i++) cells[i] = slot_of(top(operands - 1 - i));
  for (size_t i = 0; i < operands; i++) pop();
  const bool lane = info.imm == wasm::Imm::mem_arg_lane;
  const uint32_t pos =
      emit(handler, {pack(next_cell(), cells[0], cells[1], lane ? in_.lane : cells[2]),
                     pack2(in_.mem.memory, memory64(in_.mem.memory) ? 1 : 0), in_.mem.offset});
  std::string_view results = info.signature.substr(operands + 1);
  if (!results.empty()) result_in_slot(pos, class_of_letter(results[0]));
}

void Lowering::wait_or_notify() {
  Handler handler = in_.op == Op::memory_atomic_notify   ? handler::atomic_notify
                    : in_.op == Op::memory_atomic_wait32 ? handler::atomic_wait32
                                                         : handler::atomic_wait64;
  any_access(wasm::op_info(in_.op), handler);
}

void Lowering::memory_op() {
  const bool first64 = in_.op != Op::data_drop && in_.op != Op::memory_init && memory64(in_.index);
  switch (in_.op) {
    case Op::memory_size: {
      uint32_t pos = emit(handler::memory_size, {pack(next_cell()), in_.index});
      return result_in_slot(pos, Cls::i);
    }
    case Op::memory_grow: {
      uint32_t delta = pop_slot();
      uint32_t pos =
          emit(handler::memory_grow, {pack(next_cell(), delta, 0, first64 ? kTo64 : 0), in_.index});
      return result_in_slot(pos, Cls::i);
    }
    case Op::data_drop:
      emit(handler::data_drop, {in_.index});
      return;
    default:
      break;
  }
  uint32_t size = slot_of(top()), from = slot_of(top(1)), to = slot_of(top(2));
  truncate(static_cast<uint32_t>(stack_.size() - 3));
  if (in_.op == Op::memory_init) {  // segment, memory
    emit(handler::memory_init,
         {pack(to, from, size, memory64(in_.index2) ? kTo64 : 0), pack2(in_.index2, in_.index)});
  } else if (in_.op == Op::memory_fill) {
    emit(handler::memory_fill, {pack(to, from, size, first64 ? kTo64 | kSize64 : 0), in_.index});
  } else {
    const bool from64 = memory64(in_.index2);
    uint32_t flags =
        (first64 ? kTo64 : 0u) | (from64 ? kFrom64 : 0u) | (first64 && from64 ? kSize64 : 0u);
    emit(handler::memory_copy, {pack(to, from, size, flags), pack2(in_.index, in_.index2)});
  }
}

void Lowering::table_op() {
  if (in_.op == Op::elem_drop) {
    emit(handler::elem_drop, {in_.index});
    return;
  }
  const uint32_t table = in_.op == Op::table_init ? in_.index2 : in_.index;
  const uint32_t wide = table64(table) ? kTo64 : 0;
  switch (in_.op) {
    case Op::table_get: {
      uint32_t index = pop_slot();
      uint32_t pos = emit(handler::table_get, {pack(next_cell(), index, 0, wide), table});
      return result_in_slot(pos, Cls::i);
    }
    case Op::table_set: {
      uint32_t value = slot_of(top()), index = slot_of(top(1));
      pop();
      pop();
      emit(handler::table_set, {pack(index, value, 0, wide), table});
      return;
    }
    case Op::table_size: {
      uint32_t pos = emit(handler::table_size, {pack(next_cell()), table});
      return result_in_slot(pos, Cls::i);
    }
    case Op::table_grow: {
      uint32_t delta = slot_of(top()), value = slot_of(top(1));
      pop();
      pop();
      uint32_t pos = emit(handler::table_grow, {pack(next_cell(), value, delta, wide), table});
      return result_in_slot(pos, Cls::i);
    }
    default:
      break;
  }
  uint32_t size = slot_of(top()), from = slot_of(top(1)), to = slot_of(top(2));
  truncate(static_cast<uint32_t>(stack_.size() - 3));
  if (in_.op == Op::table_init) {
    emit(handler::table_init, {pack(to, from, size, wide), pack2(table, in_.index)});
  } else if (in_.op == Op::table_fill) {
    emit(handler::table_fill, {pack(to, from, size, wide), table});
  } else {
    const bool from64 = table64(in_.index2);
    uint32_t flags = wide | (from64 ? kFrom64 : 0u) | (wide && from64 ? kSize64 : 0u);
    emit(handler::table_copy, {pack(to, from, size, flags), pack2(table, in_.index2)});
  }
}

}  // namespace sedge::interp
