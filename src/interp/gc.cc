// Handlers of references, structs and arrays. Field offsets are computed at lowering; allocation
// and anything that walks types go through builtins. Before a builtin that can collect, every live
// reference is in a cell of a published frame.
#include "interp/handler.h"
#include "vm/gc_layout.h"

namespace sedge::interp {

namespace {

using vm::ObjectHeader;

[[gnu::always_inline]] inline uint8_t* object(const Context* ctx, GcRef ref) {
  return ctx->gc_base + ref;
}
template <typename T>
[[gnu::always_inline]] inline T read(const uint8_t* place) {
  T value;
  __builtin_memcpy(&value, place, sizeof(T));
  return value;
}
template <typename T>
[[gnu::always_inline]] inline void write(uint8_t* place, T value) {
  __builtin_memcpy(place, &value, sizeof(T));
}
[[gnu::always_inline]] inline uint32_t array_length(const Context* ctx, GcRef array) {
  return read<uint32_t>(object(ctx, array) + vm::kArrayLength);
}

void write_field(uint8_t* place, FieldKind kind, const Cell* value) {
  switch (kind) {
    case FieldKind::bits8:
      return write(place, static_cast<uint8_t>(*value));
    case FieldKind::bits16:
      return write(place, static_cast<uint16_t>(*value));
    case FieldKind::bits32:
      return write(place, static_cast<uint32_t>(*value));
    case FieldKind::bits64:
      return write(place, *value);
    case FieldKind::bits128:
      return write(place, load_cell<V128>(value));
  }
}

/// ref.test: `canon` is the canonical id of a concrete struct or array type, or kNoType.
[[gnu::always_inline]] inline bool is_instance(Context* ctx, Instance* inst, Cell value,
                                               uint32_t type_bits, uint32_t canon) {
  if (canon != kNoType && value != 0 && (value & 1) == 0) {
    auto header = read<ObjectHeader>(object(ctx, static_cast<GcRef>(value)));
    if (header.type == canon && header.kind() <= vm::ObjectKind::array) return true;
  }
  return ctx->builtins->ref_test(inst, value, type_bits);
}

/// The value of a field as a cell: sign- or zero-extended to i32 or as it is.
template <typename T>
[[gnu::always_inline]] inline void set_field(const Word* pc, Cell* fp, T value) {
  if constexpr (std::is_signed_v<T>) {
    set_slot<uint32_t>(pc, fp, 0, static_cast<uint32_t>(static_cast<int32_t>(value)));
  } else {
    set_slot<T>(pc, fp, 0, value);
  }
}

template <typename T>
SEDGE_HANDLER(struct_get) {
  auto ref = slot<GcRef>(pc, fp, 2);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_structure_reference);
  set_field<T>(pc, fp, read<T>(object(ctx, ref) + operand<uint32_t>(pc, 4)));
  SEDGE_NEXT(2);
}
template <typename T>
SEDGE_HANDLER(struct_set) {
  auto ref = slot<GcRef>(pc, fp, 0);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_structure_reference);
  write<T>(object(ctx, ref) + operand<uint32_t>(pc, 4), slot<T>(pc, fp, 2));
  SEDGE_NEXT(2);
}
template <typename T>
SEDGE_HANDLER(array_get) {
  auto ref = slot<GcRef>(pc, fp, 2);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  auto index = slot<uint32_t>(pc, fp, 4);
  if (index >= array_length(ctx, ref)) [[unlikely]]
    SEDGE_TRAP_NAMED(out_of_bounds_array_access);
  set_field<T>(pc, fp,
               read<T>(object(ctx, ref) + vm::kArrayElements + uint64_t{index} * sizeof(T)));
  SEDGE_NEXT(2);
}
template <typename T>
SEDGE_HANDLER(array_set) {
  auto ref = slot<GcRef>(pc, fp, 0);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  auto index = slot<uint32_t>(pc, fp, 2);
  if (index >= array_length(ctx, ref)) [[unlikely]]
    SEDGE_TRAP_NAMED(out_of_bounds_array_access);
  write<T>(object(ctx, ref) + vm::kArrayElements + uint64_t{index} * sizeof(T), slot<T>(pc, fp, 4));
  SEDGE_NEXT(2);
}

}  // namespace

#define SEDGE_FIELD_HANDLERS(name, T)                                               \
  SEDGE_HANDLER(struct_get##name) { SEDGE_TAIL struct_get<T>(SEDGE_HANDLER_ARGS); } \
  SEDGE_HANDLER(array_get##name) { SEDGE_TAIL array_get<T>(SEDGE_HANDLER_ARGS); }
#define SEDGE_FIELD_SETTERS(name, T)                                                \
  SEDGE_HANDLER(struct_set##name) { SEDGE_TAIL struct_set<T>(SEDGE_HANDLER_ARGS); } \
  SEDGE_HANDLER(array_set##name) { SEDGE_TAIL array_set<T>(SEDGE_HANDLER_ARGS); }

namespace handler {

SEDGE_FIELD_HANDLERS(8_s, int8_t)
SEDGE_FIELD_HANDLERS(8_u, uint8_t)
SEDGE_FIELD_HANDLERS(16_s, int16_t)
SEDGE_FIELD_HANDLERS(16_u, uint16_t)
SEDGE_FIELD_HANDLERS(32, uint32_t)
SEDGE_FIELD_HANDLERS(64, uint64_t)
SEDGE_FIELD_HANDLERS(128, V128)
SEDGE_FIELD_SETTERS(8, uint8_t)
SEDGE_FIELD_SETTERS(16, uint16_t)
SEDGE_FIELD_SETTERS(32, uint32_t)
SEDGE_FIELD_SETTERS(64, uint64_t)
SEDGE_FIELD_SETTERS(128, V128)

SEDGE_HANDLER(ref_func) {
  vm::Func* func = ctx->builtins->func_ref(inst, operand<uint32_t>(pc, 4));
  set_slot<uint64_t>(pc, fp, 0, reinterpret_cast<uint64_t>(func));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(ref_is_null) {
  set_slot<uint64_t>(pc, fp, 0, slot<uint64_t>(pc, fp, 2) == 0 ? 1 : 0);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(ref_eq) {
  set_slot<uint64_t>(pc, fp, 0, slot<uint64_t>(pc, fp, 2) == slot<uint64_t>(pc, fp, 4) ? 1 : 0);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(ref_as_non_null) {
  if (slot<uint64_t>(pc, fp, 0) == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_reference);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(ref_i31) {
  set_slot<uint32_t>(pc, fp, 0, slot<uint32_t>(pc, fp, 2) << 1 | 1);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(i31_get_s) {
  auto ref = slot<GcRef>(pc, fp, 2);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_i31_reference);
  set_slot<uint32_t>(pc, fp, 0, static_cast<uint32_t>(static_cast<int32_t>(ref) >> 1));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(i31_get_u) {
  auto ref = slot<GcRef>(pc, fp, 2);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_i31_reference);
  set_slot<uint32_t>(pc, fp, 0, ref >> 1);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(ref_test) {
  bool result = is_instance(ctx, inst, slot<uint64_t>(pc, fp, 2), operand<uint32_t>(pc, 4),
                            operand<uint32_t>(pc, 8));
  set_slot<uint64_t>(pc, fp, 0, result ? 1 : 0);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(ref_cast) {
  if (!is_instance(ctx, inst, slot<uint64_t>(pc, fp, 0), operand<uint32_t>(pc, 4),
                   operand<uint32_t>(pc, 8))) [[unlikely]] {
    SEDGE_TRAP_NAMED(cast_failure);
  }
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(br_on_cast) {
  if (is_instance(ctx, inst, slot<uint64_t>(pc, fp, 0), operand<uint32_t>(pc, 8),
                  operand<uint32_t>(pc, 12))) {
    SEDGE_JUMP(operand<int32_t>(pc, 4));
  }
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(br_on_cast_fail) {
  if (!is_instance(ctx, inst, slot<uint64_t>(pc, fp, 0), operand<uint32_t>(pc, 8),
                   operand<uint32_t>(pc, 12))) {
    SEDGE_JUMP(operand<int32_t>(pc, 4));
  }
  SEDGE_NEXT(3);
}

SEDGE_HANDLER(struct_new) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  Exit exit = ctx->builtins->struct_new(inst, operand<uint32_t>(pc, 4), &ref);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  uint8_t* start = object(ctx, ref);
  const Cell* value = fp + cell_at(pc, 2);
  for (const StructField& field : operand<const StructDesc*>(pc, 8)->fields) {
    write_field(start + field.offset, field.kind, value);
    value += field.kind == FieldKind::bits128 ? 2 : 1;
  }
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(struct_new_default) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  Exit exit = ctx->builtins->struct_new(inst, operand<uint32_t>(pc, 4), &ref);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(array_new) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  auto type = operand<uint32_t>(pc, 8), length = slot<uint32_t>(pc, fp, 4);
  Exit exit = ctx->builtins->array_new(inst, type, length, &ref);
  if (exit == Exit::returned) [[likely]] {
    exit = ctx->builtins->array_fill(inst, type, ref, 0, fp + cell_at(pc, 2), length);
  }
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_new_default) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  Exit exit =
      ctx->builtins->array_new(inst, operand<uint32_t>(pc, 8), slot<uint32_t>(pc, fp, 4), &ref);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_new_fixed) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  auto count = operand<uint32_t>(pc, 12);
  Exit exit = ctx->builtins->array_new(inst, operand<uint32_t>(pc, 8), count, &ref);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  auto kind = operand<FieldKind>(pc, 4);
  const uint32_t size = 1u << static_cast<uint32_t>(kind);
  uint8_t* place = object(ctx, ref) + vm::kArrayElements;
  const Cell* value = fp + cell_at(pc, 2);
  for (uint32_t i = 0; i < count; i++) {
    write_field(place, kind, value);
    place += size;
    value += kind == FieldKind::bits128 ? 2 : 1;
  }
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_new_data) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  Exit exit =
      ctx->builtins->array_new_data(inst, operand<uint32_t>(pc, 8), operand<uint32_t>(pc, 12),
                                    slot<uint32_t>(pc, fp, 2), slot<uint32_t>(pc, fp, 4), &ref);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_new_elem) {
  publish(ctx, fp, frame);
  GcRef ref = 0;
  Exit exit =
      ctx->builtins->array_new_elem(inst, operand<uint32_t>(pc, 8), operand<uint32_t>(pc, 12),
                                    slot<uint32_t>(pc, fp, 2), slot<uint32_t>(pc, fp, 4), &ref);
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  set_slot<uint32_t>(pc, fp, 0, ref);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_len) {
  auto ref = slot<GcRef>(pc, fp, 2);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  set_slot<uint32_t>(pc, fp, 0, array_length(ctx, ref));
  SEDGE_NEXT(2);
}
SEDGE_HANDLER(array_fill) {
  auto ref = slot<GcRef>(pc, fp, 0);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  Exit exit =
      ctx->builtins->array_fill(inst, operand<uint32_t>(pc, 8), ref, slot<uint32_t>(pc, fp, 2),
                                fp + cell_at(pc, 4), slot<uint32_t>(pc, fp, 6));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_copy) {
  auto to = slot<GcRef>(pc, fp, 0), from = slot<GcRef>(pc, fp, 4);
  if (to == 0 || from == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  Exit exit =
      ctx->builtins->array_copy(inst, operand<uint32_t>(pc, 12), to, slot<uint32_t>(pc, fp, 2),
                                from, slot<uint32_t>(pc, fp, 6), slot<uint32_t>(pc, fp, 8));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_init_data) {
  auto ref = slot<GcRef>(pc, fp, 0);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  Exit exit = ctx->builtins->array_init_data(inst, operand<uint32_t>(pc, 8), ref,
                                             slot<uint32_t>(pc, fp, 2), operand<uint32_t>(pc, 12),
                                             slot<uint32_t>(pc, fp, 4), slot<uint32_t>(pc, fp, 6));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}
SEDGE_HANDLER(array_init_elem) {
  auto ref = slot<GcRef>(pc, fp, 0);
  if (ref == 0) [[unlikely]]
    SEDGE_TRAP_NAMED(null_array_reference);
  Exit exit = ctx->builtins->array_init_elem(inst, operand<uint32_t>(pc, 8), ref,
                                             slot<uint32_t>(pc, fp, 2), operand<uint32_t>(pc, 12),
                                             slot<uint32_t>(pc, fp, 4), slot<uint32_t>(pc, fp, 6));
  if (exit != Exit::returned) [[unlikely]]
    SEDGE_TAIL trapped(SEDGE_HANDLER_ARGS);
  SEDGE_NEXT(3);
}

}  // namespace handler

}  // namespace sedge::interp
