// Linear memories, tables and globals. Guarded memories are accessed without a check: a fault
// becomes the trap. In exact mode accesses are volatile, so that each happens, in its order.
#include <algorithm>
#include <cstddef>

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include "llvm/codegen.h"
#include "llvm/func_ir.h"

namespace sedge::llvmc {

using wasm::Op;

namespace {

llvm::Align global_align(Kind kind) { return llvm::Align(kind == Kind::v128 ? 16 : 8); }

constexpr auto kNoWrap = [] { return llvm::GEPNoWrapFlags::noUnsignedWrap(); };

Kind kind_of_letter(char letter) {
  switch (letter) {
    case 'I':
      return Kind::i64;
    case 'f':
      return Kind::f32;
    case 'F':
      return Kind::f64;
    case 'v':
      return Kind::v128;
    default:
      return Kind::i32;
  }
}

llvm::AtomicRMWInst::BinOp rmw_op(std::string_view name) {
  using B = llvm::AtomicRMWInst;
  if (name.starts_with("add")) return B::Add;
  if (name.starts_with("sub")) return B::Sub;
  if (name.starts_with("and")) return B::And;
  if (name.starts_with("or")) return B::Or;
  if (name.starts_with("xor")) return B::Xor;
  return B::Xchg;
}

}  // namespace

bool FuncIr::memory64(uint32_t memory) const { return module_.memory_type(memory).is64; }
bool FuncIr::table64(uint32_t table) const { return module_.table_type(table).is64; }

bool FuncIr::guarded(uint32_t memory) const {
  const MemoryType& type = module_.memory_type(memory);
  return options_.mode.guarded && !type.is64 && type.page_size_log2 == 16;
}

FuncIr::V FuncIr::memory_of(uint32_t memory) {
  return instance_item(offsetof(vm::Instance, memories), memory);
}
FuncIr::V FuncIr::memory_base(uint32_t memory) {
  if (memory == 0) return memory_;
  return field(memory_of(memory), offsetof(vm::Memory, base), ir_.ptr, true);
}
FuncIr::V FuncIr::memory_size(uint32_t memory) {
  V place = b_.CreateConstInBoundsGEP1_64(ir_.i8, memory_of(memory), offsetof(vm::Memory, size));
  auto* size = aliased(b_.CreateAlignedLoad(ir_.i64, place, llvm::Align(8)), Alias::size);
  if (module_.memory_type(memory).shared) size->setAtomic(llvm::AtomicOrdering::Monotonic);
  return size;
}

/// An address, index or size as i64.
FuncIr::V FuncIr::widened(V value, bool is64) {
  return is64 ? value : b_.CreateZExt(value, ir_.i64);
}

/// Pops an address; where the `bytes` that the instruction accesses lie, checked where the memory
/// is not guarded.
FuncIr::V FuncIr::address(uint32_t bytes, bool atomic) {
  const uint32_t memory = in_.mem.memory;
  const uint64_t offset = in_.mem.offset;
  V index = widened(pop(), memory64(memory));
  if (atomic && bytes > 1) {
    V at = b_.CreateAdd(index, b_.getInt64(offset));
    trap_if(b_.CreateICmpNE(b_.CreateAnd(at, b_.getInt64(bytes - 1)), b_.getInt64(0)),
            TrapCode::unaligned_atomic);
  }
  if (!guarded(memory)) {
    uint64_t end = 0;
    if (__builtin_add_overflow(offset, bytes, &end)) {
      trap_if(b_.getTrue(), TrapCode::out_of_bounds_memory_access);
    } else {
      V size = memory_size(memory);
      V bad;
      if (memory64(memory)) {
        V room = b_.CreateSub(size, b_.getInt64(end));
        bad = b_.CreateOr(b_.CreateICmpULT(size, b_.getInt64(end)), b_.CreateICmpUGT(index, room));
      } else {
        bad = b_.CreateICmpUGT(b_.CreateAdd(index, b_.getInt64(end)), size);
      }
      trap_if(bad, TrapCode::out_of_bounds_memory_access);
    }
  }
  V at = b_.CreateGEP(ir_.i8, memory_base(memory), index, "", kNoWrap());
  if (offset == 0) return at;
  return b_.CreateGEP(ir_.i8, at, b_.getInt64(offset), "", kNoWrap());
}

FuncIr::V FuncIr::load_memory(llvm::Type* type, V address) {
  auto* load = aliased(placed(b_.CreateAlignedLoad(type, address, llvm::Align(1))), Alias::memory);
  load->setVolatile(options_.mode.exact);
  if (guarded(in_.mem.memory)) hold_load(b_, load);
  return load;
}
void FuncIr::store_memory(V value, V address) {
  // One of which the end alone lies beyond the memory may write its beginning before it faults: Arm
  // lets it. So its last byte is read first, where anybody could see that.
  const uint64_t bytes = value->getType()->getPrimitiveSizeInBits() / 8;
  if (options_.target.arch == vm::ArtifactArch::aarch64 && options_.mode.exact && bytes > 1 &&
      guarded(in_.mem.memory)) {
    V last = b_.CreateGEP(ir_.i8, address, b_.getInt64(bytes - 1), "", kNoWrap());
    auto* probe =
        aliased(placed(b_.CreateAlignedLoad(ir_.i8, last, llvm::Align(1))), Alias::memory);
    probe->setVolatile(true);
  }
  observable(aliased(placed(b_.CreateAlignedStore(value, address, llvm::Align(1))), Alias::memory));
}

void FuncIr::load(const wasm::OpInfo& info) {
  const Kind k = kind_of_letter(info.signature.back());
  llvm::Type* type = ir_.type_of(k);
  const uint32_t bytes = 1u << info.aux;
  V at = address(bytes);
  if (k == Kind::f32 || k == Kind::f64 || k == Kind::v128) return push(load_memory(type, at), k);
  V raw = load_memory(llvm::Type::getIntNTy(ir_.context, bytes * 8), at);
  const bool is_signed = info.mnemonic.ends_with("_s");
  push(is_signed ? b_.CreateSExt(raw, type) : b_.CreateZExt(raw, type), k);
}

void FuncIr::store(const wasm::OpInfo& info) {
  V value = pop();
  const uint32_t bytes = 1u << info.aux;
  if (value->getType()->isIntegerTy()) {
    value = b_.CreateTrunc(value, llvm::Type::getIntNTy(ir_.context, bytes * 8));
  }
  store_memory(value, address(bytes));
}

/// Vector accesses other than v128.load and v128.store.
void FuncIr::vector_access() {
  const uint32_t bytes = 1u << wasm::op_info(in_.op).aux;
  llvm::Type* element = llvm::Type::getIntNTy(ir_.context, bytes * 8);
  auto extended = [&](llvm::Type* narrow, llvm::Type* wide, bool is_signed) {
    V raw =
        load_memory(llvm::FixedVectorType::get(narrow, bytes * 8 / narrow->getIntegerBitWidth()),
                    address(bytes));
    auto* type = llvm::FixedVectorType::get(wide, 128 / wide->getIntegerBitWidth());
    push(v128_of(is_signed ? b_.CreateSExt(raw, type) : b_.CreateZExt(raw, type)), Kind::v128);
  };
  switch (in_.op) {
    case Op::v128_load8x8_s:
    case Op::v128_load8x8_u:
      return extended(ir_.i8, ir_.i16, in_.op == Op::v128_load8x8_s);
    case Op::v128_load16x4_s:
    case Op::v128_load16x4_u:
      return extended(ir_.i16, ir_.i32, in_.op == Op::v128_load16x4_s);
    case Op::v128_load32x2_s:
    case Op::v128_load32x2_u:
      return extended(ir_.i32, ir_.i64, in_.op == Op::v128_load32x2_s);
    case Op::v128_load8_splat:
    case Op::v128_load16_splat:
    case Op::v128_load32_splat:
    case Op::v128_load64_splat: {
      V raw = load_memory(element, address(bytes));
      return push(v128_of(b_.CreateVectorSplat(16 / bytes, raw)), Kind::v128);
    }
    case Op::v128_load32_zero:
    case Op::v128_load64_zero: {
      V raw = load_memory(element, address(bytes));
      V zero = llvm::Constant::getNullValue(llvm::FixedVectorType::get(element, 16 / bytes));
      return push(v128_of(b_.CreateInsertElement(zero, raw, uint64_t{0})), Kind::v128);
    }
    case Op::v128_load8_lane:
    case Op::v128_load16_lane:
    case Op::v128_load32_lane:
    case Op::v128_load64_lane: {
      V vector = lanes(pop(), element);
      V raw = load_memory(element, address(bytes));
      return push(v128_of(b_.CreateInsertElement(vector, raw, uint64_t{in_.lane})), Kind::v128);
    }
    default: {  // v128.store*_lane
      V value = b_.CreateExtractElement(lanes(pop(), element), uint64_t{in_.lane});
      return store_memory(value, address(bytes));
    }
  }
}

void FuncIr::atomic(const wasm::OpInfo& info) {
  const uint32_t bytes = 1u << info.aux;
  llvm::Type* raw = llvm::Type::getIntNTy(ir_.context, bytes * 8);
  const bool loads = info.mnemonic.find(".load") != std::string_view::npos;
  const Kind k = kind_of_letter(loads ? info.signature.back() : info.signature[1]);
  const auto order = llvm::AtomicOrdering::SequentiallyConsistent;
  const llvm::Align align(bytes);
  auto result = [&](V value) { push(b_.CreateZExt(value, ir_.type_of(k)), k); };
  if (loads) {
    auto* load =
        aliased(placed(b_.CreateAlignedLoad(raw, address(bytes, true), align)), Alias::memory);
    load->setAtomic(order);
    load->setVolatile(options_.mode.exact);
    return result(load);
  }
  if (info.mnemonic.find(".store") != std::string_view::npos) {
    V value = b_.CreateTrunc(pop(), raw);
    auto* store =
        aliased(placed(b_.CreateAlignedStore(value, address(bytes, true), align)), Alias::memory);
    store->setAtomic(order);
    return observable(store);
  }
  const std::string_view name = info.mnemonic.substr(info.mnemonic.rfind('.') + 1);
  if (name.starts_with("cmpxchg")) {
    V replacement = b_.CreateTrunc(pop(), raw), wanted = pop();
    V expected = b_.CreateTrunc(wanted, raw);
    auto* exchange = placed(
        b_.CreateAtomicCmpXchg(address(bytes, true), expected, replacement, align, order, order));
    exchange->setVolatile(true);
    // The expected value wraps to the width of the access.
    return result(b_.CreateExtractValue(exchange, 0));
  }
  V value = b_.CreateTrunc(pop(), raw);
  auto* change =
      placed(b_.CreateAtomicRMW(rmw_op(name), address(bytes, true), value, align, order));
  // Of one that changes nothing LLVM would leave its order alone: no access, and so no trap.
  change->setVolatile(true);
  result(change);
}

void FuncIr::wait_or_notify() {
  const uint32_t bytes = in_.op == Op::memory_atomic_wait64 ? 8 : 4;
  const uint32_t memory = in_.mem.memory;
  V timeout = in_.op == Op::memory_atomic_notify ? nullptr : pop();
  V value = pop();
  V index = widened(pop(), memory64(memory));
  V at = b_.CreateAdd(index, b_.getInt64(in_.mem.offset));
  trap_if(b_.CreateICmpNE(b_.CreateAnd(at, b_.getInt64(bytes - 1)), b_.getInt64(0)),
          TrapCode::unaligned_atomic);
  V size = memory_size(memory);
  V bad = b_.CreateOr(b_.CreateICmpULT(at, index),
                      b_.CreateOr(b_.CreateICmpUGT(at, size),
                                  b_.CreateICmpULT(b_.CreateSub(size, at), b_.getInt64(bytes))));
  trap_if(bad, TrapCode::out_of_bounds_memory_access);
  V number = b_.getInt32(memory);
  if (timeout == nullptr) {
    return push(builtin(Builtin::atomic_notify, ir_.i32, {instance_, number, at, value}),
                Kind::i32);
  }
  spill_refs(0);
  publish(next_cell());
  V out = out_slot();
  const Builtin wait =
      in_.op == Op::memory_atomic_wait32 ? Builtin::atomic_wait32 : Builtin::atomic_wait64;
  check_exit(builtin(wait, ir_.i8, {instance_, number, at, value, timeout, out}));
  push(b_.CreateLoad(ir_.i32, out), Kind::i32);
}

void FuncIr::memory_op() {
  const uint32_t memory = in_.op == Op::memory_init ? in_.index2 : in_.index;
  V number = b_.getInt32(memory);
  const bool wide = in_.op != Op::data_drop && memory64(memory);
  auto address_result = [&](V value) {
    push(wide ? value : b_.CreateTrunc(value, ir_.i32), wide ? Kind::i64 : Kind::i32);
  };
  switch (in_.op) {
    case Op::memory_size:
      return address_result(
          b_.CreateLShr(memory_size(memory), module_.memory_type(memory).page_size_log2));
    case Op::memory_grow: {
      V delta = widened(pop(), wide);
      return address_result(builtin(Builtin::memory_grow, ir_.i64, {instance_, number, delta}));
    }
    case Op::data_drop:
      builtin(Builtin::data_drop, ir_.void_type, {instance_, b_.getInt32(in_.index)});
      return;
    case Op::memory_init: {
      V size = widened(pop(), false), from = widened(pop(), false), to = widened(pop(), wide);
      return check_exit(builtin(Builtin::memory_init, ir_.i8,
                                {instance_, number, b_.getInt32(in_.index), to, from, size}));
    }
    case Op::memory_fill: {
      V size = widened(pop(), wide), byte = pop(), to = widened(pop(), wide);
      return check_exit(builtin(Builtin::memory_fill, ir_.i8, {instance_, number, to, byte, size}));
    }
    default: {
      const bool from64 = memory64(in_.index2);
      V size = widened(pop(), wide && from64), from = widened(pop(), from64),
        to = widened(pop(), wide);
      return check_exit(builtin(Builtin::memory_copy, ir_.i8,
                                {instance_, number, b_.getInt32(in_.index2), to, from, size}));
    }
  }
}

void FuncIr::table_op() {
  const uint32_t table = in_.op == Op::table_init ? in_.index2 : in_.index;
  V number = b_.getInt32(table);
  if (in_.op == Op::elem_drop) {
    builtin(Builtin::elem_drop, ir_.void_type, {instance_, b_.getInt32(in_.index)});
    return;
  }
  const bool wide = table64(table);
  const Kind k = kind(module_.table_type(table).element);
  auto as_cell = [&](V value) {
    return k == Kind::func_ref ? b_.CreatePtrToInt(value, ir_.i64) : b_.CreateZExt(value, ir_.i64);
  };
  auto address_result = [&](V value) {
    push(wide ? value : b_.CreateTrunc(value, ir_.i32), wide ? Kind::i64 : Kind::i32);
  };
  auto element = [&](V index) {
    V size = table_field(table, offsetof(vm::Table, size), ir_.i64);
    trap_if(b_.CreateICmpUGE(index, size), TrapCode::out_of_bounds_table_access);
    V elements = table_field(table, offsetof(vm::Table, elements), ir_.ptr);
    return b_.CreateInBoundsGEP(ir_.i64, elements, index);
  };
  switch (in_.op) {
    case Op::table_get: {
      V place = element(widened(pop(), wide));
      return push(aliased(b_.CreateAlignedLoad(ir_.type_of(k), place, llvm::Align(8)),
                          Alias::table_elements),
                  k);
    }
    case Op::table_set: {
      V value = pop();
      V place = element(widened(pop(), wide));
      return observable(aliased(b_.CreateAlignedStore(as_cell(value), place, llvm::Align(8)),
                                Alias::table_elements));
    }
    case Op::table_size:
      return address_result(table_field(table, offsetof(vm::Table, size), ir_.i64));
    case Op::table_grow: {
      V delta = widened(pop(), wide), value = as_cell(pop());
      return address_result(
          builtin(Builtin::table_grow, ir_.i64, {instance_, number, value, delta}));
    }
    case Op::table_fill: {
      V size = widened(pop(), wide), value = as_cell(pop()), to = widened(pop(), wide);
      return check_exit(builtin(Builtin::table_fill, ir_.i8, {instance_, number, to, value, size}));
    }
    case Op::table_init: {
      V size = widened(pop(), false), from = widened(pop(), false), to = widened(pop(), wide);
      return check_exit(builtin(Builtin::table_init, ir_.i8,
                                {instance_, number, b_.getInt32(in_.index), to, from, size}));
    }
    default: {
      const bool from64 = table64(in_.index2);
      V size = widened(pop(), wide && from64), from = widened(pop(), from64),
        to = widened(pop(), wide);
      return check_exit(builtin(Builtin::table_copy, ir_.i8,
                                {instance_, number, b_.getInt32(in_.index2), to, from, size}));
    }
  }
}

void FuncIr::get_global() {
  V global = instance_item(offsetof(vm::Instance, globals), in_.index);
  const GlobalType& type = module_.global_type(in_.index);
  const Kind k = kind(type.value);
  auto* load = b_.CreateAlignedLoad(ir_.type_of(k), global, global_align(k));
  load->setMetadata(llvm::LLVMContext::MD_tbaa, ir_.alias_of_global(in_.index));
  if (!type.mutable_) load->setMetadata(llvm::LLVMContext::MD_invariant_load, ir_.invariant());
  push(load, k);
}

void FuncIr::set_global() {
  V global = instance_item(offsetof(vm::Instance, globals), in_.index);
  const Kind k = kind(module_.global_type(in_.index).value);
  V value = pop();
  if (k == Kind::f32) value = b_.CreateBitCast(value, ir_.i32);
  if (value->getType() == ir_.i32) value = b_.CreateZExt(value, ir_.i64);
  auto* store = b_.CreateAlignedStore(value, global, global_align(k));
  store->setMetadata(llvm::LLVMContext::MD_tbaa, ir_.alias_of_global(in_.index));
  observable(store);
}

}  // namespace sedge::llvmc
