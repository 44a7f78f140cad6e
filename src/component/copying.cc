// Running plans; see copy_plan.h. What one guest has given does not change between the check and
// the copy: only code of the other guest, its realloc, runs in between.
#include <cstring>

#include <fmt/format.h>

#include "base/utf8.h"
#include "component/canon_abi.h"
#include "component/copy_plan.h"
#include "component/strings.h"
#include "engine/engine_impl.h"

namespace sedge::component {
namespace {

constexpr const char* kBadPointer = "pointer out of bounds of memory";
using Kind = CopyStep::Kind;
using Encoding = AbiOptions::Encoding;

template <typename T>
T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

template <typename T>
void store(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

uint64_t load(const uint8_t* at, uint8_t size) {
  switch (size) {
    case 1:
      return *at;
    case 2:
      return load<uint16_t>(at);
    case 4:
      return load<uint32_t>(at);
    default:
      return load<uint64_t>(at);
  }
}

void store(uint8_t* at, uint8_t size, uint64_t value) {
  switch (size) {
    case 1:
      *at = static_cast<uint8_t>(value);
      return;
    case 2:
      return store(at, static_cast<uint16_t>(value));
    case 4:
      return store(at, static_cast<uint32_t>(value));
    default:
      return store(at, value);
  }
}

/// Copies what a step says of `count` elements, so many bytes apart. Numbers only.
void copy_numbers(const CopyStep& step, const uint8_t* from, uint8_t* to, uint64_t count,
                  uint32_t from_stride, uint32_t to_stride) {
  from += step.from;
  to += step.to;
  auto each = [&](auto convert) {
    for (uint64_t i = 0; i < count; ++i, from += from_stride, to += to_stride) convert(from, to);
  };
  switch (step.kind) {
    case Kind::bytes:
      return each([n = step.extent](const uint8_t* at, uint8_t* out) { std::memcpy(out, at, n); });
    case Kind::number:
      return each([&step](const uint8_t* at, uint8_t* out) {
        uint64_t value = load(at, step.from_size);
        if (step.extent != 0)
          value = static_cast<uint32_t>(step.from_size == 1
                                            ? static_cast<int32_t>(static_cast<int8_t>(value))
                                            : static_cast<int32_t>(static_cast<int16_t>(value)));
        store(out, step.to_size, value);
      });
    case Kind::boolean:
      return each([&step](const uint8_t* at, uint8_t* out) {
        store(out, step.to_size, load(at, step.from_size) != 0);
      });
    case Kind::f32:
      return each([&step](const uint8_t* at, uint8_t* out) {
        store(out, step.to_size, canonical_f32(load<uint32_t>(at)));
      });
    case Kind::f64:
      return each(
          [](const uint8_t* at, uint8_t* out) { store(out, canonical_f64(load<uint64_t>(at))); });
    case Kind::flags:
      return each([&step](const uint8_t* at, uint8_t* out) {
        store(out, step.to_size, load(at, step.from_size) & step.extent);
      });
    default:  // characters, cases
      return each([&step](const uint8_t* at, uint8_t* out) {
        store(out, step.to_size, load(at, step.from_size));
      });
  }
}

}  // namespace

std::span<uint8_t> CopySide::bytes() const {
  if (!options->memory) return {};
  const vm::Memory& memory = *options->memory->ptr;
  return {memory.base, memory.size.load(std::memory_order_acquire)};
}

bool Copying::refuse(Error why) {
  error_.emplace(std::move(why));
  return false;
}

// Checking

bool Copying::check_string(uint64_t at, uint64_t units) {
  const bool wide = plan_.encoding == Encoding::utf16;
  const uint64_t size = wide ? 2 * units : units;
  const std::span<const uint8_t> memory = from_.bytes();
  if (units > kMaxBytes || size > kMaxBytes) [[unlikely]]
    return refuse(trap(kBadString).error());
  if (!is_range(memory.size(), at, wide ? 2 : 1, size)) [[unlikely]]
    return refuse(check_range(memory.size(), at, wide ? 2 : 1, size, kBadString).error());
  spent_ += size;
  if (spent_ > kMostCopied) [[unlikely]]
    return refuse(too_much_crosses(kMostCopied).error());
  const std::span<const uint8_t> text = memory.subspan(at, size);
  if (!wide && is_utf8({reinterpret_cast<const char*>(text.data()), size})) [[likely]]
    return true;
  auto fits = wide ? check_utf16(text) : check_utf8(text);
  return fits || refuse(std::move(fits).error());
}

bool Copying::check_list(const CopyPlan::ListRow& list, uint64_t at, uint64_t count) {
  constexpr const char* kOutside = "list content out-of-bounds";
  const std::span<const uint8_t> memory = from_.bytes();
  const uint64_t size = count * list.from.size;
  if (count > kMaxBytes || size > kMaxBytes) [[unlikely]]
    return refuse(trap(kOutside).error());
  if (!is_range(memory.size(), at, list.from.align, size)) [[unlikely]]
    return refuse(check_range(memory.size(), at, list.from.align, size, kOutside).error());
  spent_ += size;
  if (spent_ > kMostCopied) [[unlikely]]
    return refuse(too_much_crosses(kMostCopied).error());
  if (!list.element.checks) return true;
  const uint8_t* next = memory.data() + at;
  for (uint64_t i = 0; i < count; ++i, next += list.from.size)
    if (!check(list.element, next)) return false;
  return true;
}

bool Copying::check(const Block& block, const uint8_t* at) {
  for (uint32_t i = block.first; i < block.end; ++i) {
    const CopyStep& step = plan_.steps[i];
    const uint8_t* place = at + step.from;
    switch (step.kind) {
      case Kind::character:
        if (!is_scalar_value(load<uint32_t>(place))) [[unlikely]]
          return refuse(trap("invalid `char` bit pattern").error());
        break;
      case Kind::cases:
        if (load(place, step.from_size) >= step.extent) [[unlikely]]
          return refuse(trap("invalid variant discriminant").error());
        break;
      case Kind::variant: {
        const CopyPlan::VariantRow& variant = plan_.variants[step.extent];
        const uint64_t index = load(place, step.from_size);
        if (index >= variant.cases.size()) [[unlikely]]
          return refuse(trap("invalid variant discriminant").error());
        const Block& payload = variant.cases[index].payload;
        if (payload.checks && !check(payload, at)) return false;
        break;
      }
      case Kind::string:
        if (!check_string(load(place, step.from_size),
                          load(place + step.from_step, step.from_size)))
          return false;
        break;
      case Kind::list:
        if (!check_list(plan_.lists[step.extent], load(place, step.from_size),
                        load(place + step.from_step, step.from_size)))
          return false;
        break;
      case Kind::array: {
        const CopyPlan::ListRow& list = plan_.lists[step.extent];
        if (!list.element.checks) break;
        for (uint32_t k = 0; k < list.count; ++k, place += list.from.size)
          if (!check(list.element, place)) return false;
        break;
      }
      default:
        break;
    }
  }
  return true;
}

bool Copying::check(const uint64_t* cells) {
  if (plan_.flat)
    return !plan_.all.checks || check(plan_.all, reinterpret_cast<const uint8_t*>(cells));
  const uint64_t at = from_.is64() ? *cells : static_cast<uint32_t>(*cells);
  const std::span<const uint8_t> memory = from_.bytes();
  if (!is_range(memory.size(), at, plan_.from.align, plan_.from.size)) [[unlikely]]
    return refuse(
        check_range(memory.size(), at, plan_.from.align, plan_.from.size, kBadPointer).error());
  return !plan_.all.checks || check(plan_.all, memory.data() + at);
}

// Copying

namespace {

/// Code made at run time has no type that -fsanitize=function could look for; for the rest see
/// interp/native.cc.
[[clang::no_sanitize("function"), gnu::noinline]] vm::Exit call_native(vm::Context& context,
                                                                       vm::Func& func,
                                                                       vm::Cell* cells) {
  vm::Instance* instance = func.instance;
  return func.slot->entry.load(std::memory_order_acquire)(&context, instance, cells,
                                                          instance->memory_base, func.index, &func);
}

}  // namespace

vm::Exit call_core(vm::Context& context, vm::Func& func, vm::Cell* cells) {
  vm::Exit exit;
  if (func.host != nullptr || func.slot == nullptr) {
    exit = interp::invoke(context, func, cells);
  } else {
    vm::Cell* const sp = context.sp;
    exit = call_native(context, func, cells);
    context.sp = sp;
  }
  return exit == vm::Exit::exception ? stop_exception(context) : exit;
}

vm::Exit stop_exception(vm::Context& context) {
  Error error = finish_call(StoreImpl::of(context), vm::Exit::exception).error();
  stop_exception(error);
  return detail::host_failed(context, std::move(error));
}

bool Copying::realloc(uint64_t align, uint64_t size, const char* what, uint64_t& at) {
  const AbiOptions& options = *to_.options;
  if (!options.realloc) [[unlikely]]
    return refuse(trap("no realloc").error());
  vm::Cell* const cells = context_.sp;
  if (context_.stack_end - cells < 4) [[unlikely]] {
    context_.trap = vm::TrapCode::call_stack_exhausted;
    return refuse(finish_call(StoreImpl::of(context_), vm::Exit::trap).error());
  }
  cells[0] = cells[1] = 0;
  cells[2] = align;
  cells[3] = size;
  vm::Exit exit;
  {
    Allocating allocating(*to_.inst);
    exit = call_core(context_, *options.realloc->ptr, cells);
  }
  if (exit != vm::Exit::returned) [[unlikely]]
    return refuse(finish_call(StoreImpl::of(context_), exit).error());
  at = options.is64 ? cells[0] : static_cast<uint32_t>(cells[0]);
  const uint64_t end = to_.bytes().size();
  if (!is_range(end, at, align, size)) [[unlikely]]
    return refuse(check_realloc(end, at, align, size, what).error());
  return true;
}

bool Copying::copy_array(const CopyPlan::ListRow& list, uint64_t count, const uint8_t* from,
                         uint8_t* to) {
  if (list.element.bytes) {
    if (count != 0) std::memcpy(to, from, count * list.from.size);
    return true;
  }
  if (list.element.leaf) {
    for (uint32_t i = list.element.first; i < list.element.end; ++i)
      copy_numbers(plan_.steps[i], from, to, count, list.from.size, list.to.size);
    return true;
  }
  for (uint64_t i = 0; i < count; ++i, from += list.from.size, to += list.to.size)
    if (!copy(list.element, from, to)) return false;
  return true;
}

/// A string or list: its bytes, then where they are.
bool Copying::copy_range(const CopyStep& step, const uint8_t* from, uint8_t* to) {
  const uint64_t at = load(from, step.from_size);
  const uint64_t length = load(from + step.from_step, step.from_size);
  uint64_t made = 0;
  if (step.kind == Kind::string) {
    const bool wide = plan_.encoding == Encoding::utf16;
    const uint64_t size = wide ? 2 * length : length;
    if (!realloc(wide ? 2 : 1, size, "string", made)) return false;
    if (size != 0) std::memcpy(to_.bytes().data() + made, from_.bytes().data() + at, size);
  } else {
    const CopyPlan::ListRow& list = plan_.lists[step.extent];
    const uint64_t size = length * list.to.size;
    if (size > kMaxBytes) [[unlikely]]
      return refuse(trap("list content out-of-bounds").error());
    if (!realloc(list.to.align, size, "list", made) ||
        !copy_array(list, length, from_.bytes().data() + at, to_.bytes().data() + made))
      return false;
  }
  store(to, step.to_size, made);
  store(to + step.to_size, step.to_size, length);
  return true;
}

bool Copying::copy(const Block& block, const uint8_t* from, uint8_t* to) {
  for (uint32_t i = block.first; i < block.end; ++i) {
    const CopyStep& step = plan_.steps[i];
    switch (step.kind) {
      case Kind::bytes:
        if (step.extent == 4) {
          store(to + step.to, load<uint32_t>(from + step.from));
        } else {
          std::memcpy(to + step.to, from + step.from, step.extent);
        }
        break;
      case Kind::variant: {
        const uint64_t index = load(from + step.from, step.from_size);
        const CopyPlan::CaseRow& row = plan_.variants[step.extent].cases[index];
        store(to + step.to, step.to_size, index);
        if (!copy(row.payload, from, to)) return false;
        if (row.zero_to != row.zero_from)
          std::memset(to + row.zero_from, 0, row.zero_to - row.zero_from);
        break;
      }
      case Kind::string:
      case Kind::list:
        if (!copy_range(step, from + step.from, to + step.to)) return false;
        break;
      case Kind::array: {
        const CopyPlan::ListRow& list = plan_.lists[step.extent];
        if (!copy_array(list, list.count, from + step.from, to + step.to)) return false;
        break;
      }
      default:
        copy_numbers(step, from, to, 1, 0, 0);
    }
  }
  return true;
}

bool Copying::copy(uint64_t* cells, const uint64_t* pointer) {
  if (plan_.flat) {
    auto* place = reinterpret_cast<uint8_t*>(cells);
    return copy(plan_.all, place, place);
  }
  const uint64_t from = from_.is64() ? *cells : static_cast<uint32_t>(*cells);
  uint64_t to = 0;
  if (pointer != nullptr) {
    to = to_.is64() ? *pointer : static_cast<uint32_t>(*pointer);
    const uint64_t end = to_.bytes().size();
    if (!is_range(end, to, plan_.to.align, plan_.to.size)) [[unlikely]]
      return refuse(check_range(end, to, plan_.to.align, plan_.to.size, kBadPointer).error());
  } else {
    if (!realloc(plan_.to.align, plan_.to.size, "string", to)) return false;
    *cells = to;
  }
  return copy(plan_.all, from_.bytes().data() + from, to_.bytes().data() + to);
}

}  // namespace sedge::component
