// The handlers that lowering can choose from, and the layout of their operands. `dst`, `a`, `b`…
// are cell numbers (u16); the number behind @ is the byte after the handler word. A variant with an
// accumulator operand leaves the field of that operand unused.
#ifndef SEDGE_INTERP_HANDLERS_H_
#define SEDGE_INTERP_HANDLERS_H_

#include "interp/code.h"
#include "wasm/op.h"

namespace sedge::interp {

/// Operand forms of two-operand instructions: accumulator, slot or constant for each operand.
enum class Form : uint8_t { as, ak, sa, ss, sk, ka, ks };
inline constexpr size_t kFormCount = 7;

// Scalar operators. Result: `to_slot` writes the cell dst as well as the accumulator of the
// result's type, else only the accumulator. Null where an operator is of another kind. Layout dst@0
// a@2 b@4 (b@2 if a is constant), constant i32 or f32 @4, i64 or f64 @8.
Handler binary_handler(wasm::Op op, Form form, bool to_slot);
/// Layout dst@0 a@2.
Handler unary_handler(wasm::Op op, bool from_acc, bool to_slot);
/// Words of a scalar instruction whose constant, if any, has 8 bytes (`wide`).
inline constexpr uint32_t kScalarWords = 2, kScalarWideWords = 3;

// Branch taken if the i32 that a comparison (or i32.and) computes is non-zero, or zero for !sense.
// Layout a@0 b@2 (b@0 if a is constant), byte distance i32@4, constant @8 (always a word of its
// own).
Handler compare_branch_handler(wasm::Op op, Form form, bool sense);
/// Branch on an operand tested by i32.eqz or i64.eqz. Layout a@0, byte distance i32@4.
Handler test_branch_handler(wasm::Op eqz, bool from_acc, bool sense);

// Accesses to memory 0 with 32-bit addresses. `none`: the address is the offset alone.
enum class Addr : uint8_t { acc, slot, none, sum_ss, sum_sk, sum_as, sum_ak };
inline constexpr size_t kAddrCount = 7;
/// Layout dst@0 a@2 offset u32@4; sum_ss, sum_as: b@8; sum_sk, sum_ak: constant u32@8. Vectors go
/// to their cells always.
Handler load_handler(wasm::Op op, Addr address, bool to_slot);
enum class Stored : uint8_t { acc, slot, constant };
/// Layout value@0 a@2 offset u32@4, then as for loads b@8 or constant; constant value 8 bytes @16
/// (at
/// @8 where the address has no second operand).
Handler store_handler(wasm::Op op, Addr address, Stored value);
/// Any plain or vector access to any memory, operands in slots: dst@0 address@2 value@4 lane u8@6,
/// memory u32@8, is64 u8@12, offset u64@16; 4 words.
Handler any_access_handler(wasm::Op op);
/// The same layout; expected@4 is followed by replacement u16@6 for cmpxchg.
Handler atomic_handler(wasm::Op op);

/// Pure operators with vectors, lanes or two results, operands in slots: dst@0 a@2 b@4 c@6; d u16@8
/// or lane u8@8 or 16 lanes @8. 3 words, 4 with 16 lanes.
Handler general_handler(wasm::Op op);

/// select of scalars. Layout dst@0 a@2 b@4 condition@6; constants for a and b in words behind, in
/// this order. The bits of the result are also left in the integer accumulator.
Handler select_handler(bool from_acc, bool constant_a, bool constant_b);

namespace handler {

#define SEDGE_DECLARE(name) Exit SEDGE_HANDLER_CONVENTION name(SEDGE_HANDLER_PARAMS);

// Ends of runs.
SEDGE_DECLARE(trapped)            ///< Context::trap is set: leaves invoke
SEDGE_DECLARE(host_failed)        ///< a host function ended with Exit `ra`
SEDGE_DECLARE(out_of_bounds)      ///< memory 0: runs the instruction again if the memory has grown
SEDGE_DECLARE(exit_loop)          ///< the function at the bottom of the loop has returned
SEDGE_DECLARE(returned_across)    ///< a return from another instance: fetches instance and memory
SEDGE_DECLARE(clear_rest)         ///< clears further locals of a function just entered, runs it
SEDGE_DECLARE(call_indirect_any)  ///< call_indirect and call_ref where the callee is not a wasm
SEDGE_DECLARE(call_ref_any)       ///< function of this instance with code, or not to be called
SEDGE_DECLARE(call_lower)  ///< lowers the callee of `call` or `return_call`, then runs pc again
SEDGE_DECLARE(unwind)      ///< Context::exception is thrown at pc

// native code
SEDGE_DECLARE(enter_native)   ///< the first instruction of functions that have native code
SEDGE_DECLARE(native_failed)  ///< native code in this frame ended with Exit `ra`
SEDGE_DECLARE(heat)    ///< counts down: loop u32@4 (as Builtins::hot) NativeSlot* @8; 3 words
SEDGE_DECLARE(heated)  ///< `heat` went below zero

// moves: dst@0 a@2; constants @4 (32 bits, zero-extended) or @8
SEDGE_DECLARE(move)
SEDGE_DECLARE(move2)  ///< dst@0 a@2 b@4: to dst, dst + 1
SEDGE_DECLARE(move3)  ///< and c@6
SEDGE_DECLARE(move4)  ///< and d@8, 3 words
SEDGE_DECLARE(move_v128)
SEDGE_DECLARE(move_cells)  ///< dst@0 a@2 count u32@4, ascending
SEDGE_DECLARE(store_acc_i)
SEDGE_DECLARE(store_acc_f)
SEDGE_DECLARE(store_acc_d)
SEDGE_DECLARE(const32)
SEDGE_DECLARE(const64)
SEDGE_DECLARE(const128)  ///< @8, 4 words

// control: byte distance i32@4
SEDGE_DECLARE(jump)
SEDGE_DECLARE(br_table)  ///< a@0 count u32@4, then count + 1 distances i32@8… from here
SEDGE_DECLARE(br_table_acc)
SEDGE_DECLARE(br_null)  ///< a@0
SEDGE_DECLARE(br_non_null)
SEDGE_DECLARE(unreachable)
SEDGE_DECLARE(fuel)  ///< units u32@0
SEDGE_DECLARE(poll)
SEDGE_DECLARE(select_v128)  ///< dst@0 a@2 b@4 condition@6

// globals: cell@0 index u32@4
SEDGE_DECLARE(global_get)    ///< to slot
SEDGE_DECLARE(global_get_i)  ///< to slot and accumulator
SEDGE_DECLARE(global_get_acc_i)
SEDGE_DECLARE(global_get_v128)
SEDGE_DECLARE(global_set)
SEDGE_DECLARE(global_set_acc_i)
SEDGE_DECLARE(global_set_v128)

// calls: base@0, the cell of the first argument and result
SEDGE_DECLARE(call)           ///< CodeSlot* @8; 3 words
SEDGE_DECLARE(call_import)    ///< index u32@4; 2 words
SEDGE_DECLARE(call_indirect)  ///< index cell@2 table u32@4 type id u32@8 type index u32@12; 3 words
SEDGE_DECLARE(call_indirect64)
SEDGE_DECLARE(call_ref)            ///< function cell@2; 2 words
SEDGE_DECLARE(return_call)         ///< as call; base: where the arguments are; their cells u32@4
SEDGE_DECLARE(return_call_import)  ///< index u32@4
SEDGE_DECLARE(return_call_indirect)
SEDGE_DECLARE(return_call_indirect64)
SEDGE_DECLARE(return_call_ref)
SEDGE_DECLARE(return_void)
SEDGE_DECLARE(return_acc_i)
SEDGE_DECLARE(return_acc_f)
SEDGE_DECLARE(return_acc_d)
SEDGE_DECLARE(return_slot_i)  ///< a@0
SEDGE_DECLARE(return_slot_f)
SEDGE_DECLARE(return_slot_d)
SEDGE_DECLARE(return_const_i)  ///< value @8; 3 words
SEDGE_DECLARE(return_cells)    ///< first cell@0 count u32@4

// exceptions
SEDGE_DECLARE(throw_)     ///< first payload cell@0 tag u32@4
SEDGE_DECLARE(throw_ref)  ///< exnref cell@0

// memories: dst@0 and operands from @2 on; memory u32@8; flags u8@6: kTo64, kFrom64, kSize64
SEDGE_DECLARE(memory_size)
SEDGE_DECLARE(memory_grow)    ///< dst@0 delta@2
SEDGE_DECLARE(memory_init)    ///< to@0 from@2 size@4 segment u32@12
SEDGE_DECLARE(memory_copy)    ///< to@0 from@2 size@4 source memory u32@12
SEDGE_DECLARE(memory_fill)    ///< to@0 byte@2 size@4
SEDGE_DECLARE(data_drop)      ///< segment u32@0
SEDGE_DECLARE(atomic_notify)  ///< as any_access_handler
SEDGE_DECLARE(atomic_wait32)  ///< dst@0 address@2 expected@4 timeout@6 …
SEDGE_DECLARE(atomic_wait64)
SEDGE_DECLARE(atomic_fence)

// tables: table u32@8, flags u8@6 as above; 3 words
SEDGE_DECLARE(table_get)   ///< dst@0 index@2
SEDGE_DECLARE(table_set)   ///< index@0 value@2
SEDGE_DECLARE(table_size)  ///< dst@0
SEDGE_DECLARE(table_grow)  ///< dst@0 value@2 delta@4
SEDGE_DECLARE(table_fill)  ///< at@0 value@2 size@4
SEDGE_DECLARE(table_init)  ///< to@0 from@2 size@4 segment u32@12
SEDGE_DECLARE(table_copy)  ///< to@0 from@2 size@4 source table u32@12
SEDGE_DECLARE(elem_drop)   ///< segment u32@0

// references and objects
SEDGE_DECLARE(ref_func)         ///< dst@0 function u32@4
SEDGE_DECLARE(ref_is_null)      ///< dst@0 a@2
SEDGE_DECLARE(ref_eq)           ///< dst@0 a@2 b@4
SEDGE_DECLARE(ref_as_non_null)  ///< a@0
SEDGE_DECLARE(ref_i31)          ///< dst@0 a@2
SEDGE_DECLARE(i31_get_s)
SEDGE_DECLARE(i31_get_u)
SEDGE_DECLARE(ref_test)    ///< dst@0 a@2 type bits u32@4 canonical id u32@8 (kNoType); 3 words
SEDGE_DECLARE(ref_cast)    ///< a@0 type bits u32@4 canonical id u32@8; 3 words
SEDGE_DECLARE(br_on_cast)  ///< a@0, distance i32@4, type bits u32@8 canonical id u32@12; 3 words
SEDGE_DECLARE(br_on_cast_fail)
SEDGE_DECLARE(struct_new)          ///< dst@0 first field@2 type u32@4 StructDesc* @8; 3 words
SEDGE_DECLARE(struct_new_default)  ///< dst@0 type u32@4
SEDGE_DECLARE(struct_get8_s)       ///< dst@0 a@2 offset u32@4
SEDGE_DECLARE(struct_get8_u)
SEDGE_DECLARE(struct_get16_s)
SEDGE_DECLARE(struct_get16_u)
SEDGE_DECLARE(struct_get32)
SEDGE_DECLARE(struct_get64)
SEDGE_DECLARE(struct_get128)
SEDGE_DECLARE(struct_set8)  ///< a@0 value@2 offset u32@4
SEDGE_DECLARE(struct_set16)
SEDGE_DECLARE(struct_set32)
SEDGE_DECLARE(struct_set64)
SEDGE_DECLARE(struct_set128)
SEDGE_DECLARE(array_new)          ///< dst@0 value@2 length@4 type u32@8
SEDGE_DECLARE(array_new_default)  ///< dst@0 length@4 type u32@8
SEDGE_DECLARE(array_new_fixed)    ///< dst@0 first@2 FieldKind u8@4 type u32@8 count u32@12
SEDGE_DECLARE(array_new_data)     ///< dst@0 from@2 length@4 type u32@8 segment u32@12
SEDGE_DECLARE(array_new_elem)
SEDGE_DECLARE(array_get8_s)  ///< dst@0 a@2 index@4
SEDGE_DECLARE(array_get8_u)
SEDGE_DECLARE(array_get16_s)
SEDGE_DECLARE(array_get16_u)
SEDGE_DECLARE(array_get32)
SEDGE_DECLARE(array_get64)
SEDGE_DECLARE(array_get128)
SEDGE_DECLARE(array_set8)  ///< a@0 index@2 value@4
SEDGE_DECLARE(array_set16)
SEDGE_DECLARE(array_set32)
SEDGE_DECLARE(array_set64)
SEDGE_DECLARE(array_set128)
SEDGE_DECLARE(array_len)        ///< dst@0 a@2
SEDGE_DECLARE(array_fill)       ///< a@0 at@2 value@4 length@6 type u32@8
SEDGE_DECLARE(array_copy)       ///< to@0 at@2 from@4 at@6 length u16@8 type u32@12
SEDGE_DECLARE(array_init_data)  ///< a@0 to@2 from@4 length@6 type u32@8 segment u32@12
SEDGE_DECLARE(array_init_elem)

#undef SEDGE_DECLARE

}  // namespace handler

/// Which operands of bulk operators are i64.
enum Wide64 : uint8_t { kTo64 = 1, kFrom64 = 2, kSize64 = 4 };
/// For ref_test and its kin: the type is abstract.
inline constexpr uint32_t kNoType = UINT32_MAX;

}  // namespace sedge::interp

#endif  // SEDGE_INTERP_HANDLERS_H_
