// Placing the input, calling, finding the answer. Pointers come from the guest: every one is
// checked against the memory as it is at that moment.
#include "engine/pointer_function.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/json_scan.h"
#include "base/utf8.h"

namespace sedge {
namespace {

constexpr std::string_view kAllocators[] = {"alloc",      "allocate",          "malloc",
                                            "wasm_alloc", "__wbindgen_malloc", "cabi_realloc"};
constexpr std::string_view kNoFunctions[] = {
    "main",   "__main_argc_argv",   "realloc",          "aligned_alloc", "memalign",
    "calloc", "__wbindgen_realloc", "__wbindgen_malloc"};
constexpr std::string_view kPreferred[] = {"handle_request", "process"};

// The type of pointers in `(p, p) -> p`, if it is that.
std::optional<ValType> pointer_type(const FuncType& type) {
  if (type.params.size() != 2 || type.results.size() != 1) return std::nullopt;
  ValType pointer = type.results[0];
  if ((pointer != ValType::i32 && pointer != ValType::i64) || type.params[0] != pointer ||
      type.params[1] != pointer)
    return std::nullopt;
  return pointer;
}

Val pointer_val(ValType type, uint64_t value) {
  return type == ValType::i32 ? Val(static_cast<int32_t>(value)) : Val(static_cast<int64_t>(value));
}

uint64_t address_of(const Val& value) {
  return value.type() == ValType::i32 ? static_cast<uint32_t>(value.i32())
                                      : static_cast<uint64_t>(value.i64());
}

// Calls one of the module's allocators if it has one that takes pointers of this type. The shapes
// in use: (size), (size, align) and (old pointer, old size, align, new size).
Result<std::optional<uint64_t>> allocate(Store& store, const Instance& instance, ValType pointer,
                                         uint64_t size) {
  for (std::string_view name : kAllocators) {
    std::optional<Func> func = instance.get_func(store, name);
    if (!func) continue;
    FuncType type = func->type(store);
    bool fits = type.results.size() == 1 && type.results[0] == pointer &&
                std::ranges::all_of(type.params, [&](ValType param) { return param == pointer; });
    if (!fits) continue;
    std::vector<Val> args;
    if (type.params.size() == 1)
      args = {pointer_val(pointer, size)};
    else if (type.params.size() == 2)
      args = {pointer_val(pointer, size), pointer_val(pointer, 1)};
    else if (type.params.size() == 4)
      args = {pointer_val(pointer, 0), pointer_val(pointer, 0), pointer_val(pointer, 1),
              pointer_val(pointer, size)};
    else
      continue;
    SEDGE_TRY_ASSIGN(std::vector<Val> results, func->call(store, args));
    uint64_t address = address_of(results[0]);
    if (address == 0)
      return fail(
          ErrorCode::out_of_memory,
          fmt::format(": the module's `{}` gave no memory for {} bytes of input", name, size));
    return address;
  }
  return std::nullopt;
}

Result<uint64_t> grow_for(Store& store, const Memory& memory, uint64_t size) {
  uint64_t end = memory.bytes(store).size();
  uint64_t pages_before = memory.size_pages(store);
  // The page size follows from what is there; an empty memory has pages of the usual size.
  uint64_t page = pages_before ? end / pages_before : 65536;
  if (!memory.grow(store, std::max<uint64_t>((size + page - 1) / page, 1)))
    return fail(ErrorCode::out_of_memory,
                fmt::format(": the memory cannot grow by {} bytes to take the input", size));
  return end;
}

// What stands at the pointer, for a person: up to a NUL or what is no UTF-8, cut.
std::string excerpt(std::string_view bytes) {
  constexpr size_t kShown = 200;
  std::string_view text = bytes.substr(0, kMaxPointerAnswer);
  text = text.substr(0, text.find('\0'));
  text = text.substr(0, utf8_valid_prefix(text));
  std::string_view shown = text.substr(0, kShown);
  shown = shown.substr(0, utf8_valid_prefix(shown));
  std::string out;
  for (char c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  if (shown.size() < text.size()) out += "…";
  return out;
}

}  // namespace

bool is_pointer_function(const Module& module, std::string_view name) {
  const ExportType* found = module.find_export(name);
  return found && found->type.kind == ExternKind::func && pointer_type(found->type.func);
}

std::vector<std::string> pointer_functions(const Module& module) {
  std::vector<std::string> names;
  for (std::string_view name : kPreferred)
    if (is_pointer_function(module, name)) names.emplace_back(name);
  for (const ExportType& candidate : module.exports()) {
    if (std::ranges::find(kPreferred, candidate.name) != std::end(kPreferred) ||
        std::ranges::find(kNoFunctions, candidate.name) != std::end(kNoFunctions))
      continue;
    if (is_pointer_function(module, candidate.name)) names.push_back(candidate.name);
  }
  return names;
}

Result<std::string> call_pointer_function(Store& store, const Instance& instance,
                                          std::string_view name, std::string_view input) {
  std::optional<Func> func = instance.get_func(store, name);
  if (!func) return fail(ErrorCode::unknown_export, fmt::format(": no function `{}`", name));
  std::optional<ValType> pointer = pointer_type(func->type(store));
  if (!pointer)
    return fail(ErrorCode::bad_signature,
                fmt::format(": `{}` is not a function (ptr, len) -> ptr", name));
  std::optional<Memory> memory = instance.get_memory(store, "memory");
  if (!memory)
    return fail(
        Error(ErrorCode::unknown_export,
              fmt::format(": `{}` needs the module's memory, which is not exported", name))
            .with_remedy("link with --export-memory, which is the default of most linkers"));

  SEDGE_TRY_ASSIGN(std::optional<uint64_t> place,
                   allocate(store, instance, *pointer, std::max<size_t>(input.size(), 1)));
  if (!place) {
    SEDGE_TRY_ASSIGN(place, grow_for(store, *memory, input.size()));
  }
  std::span<uint8_t> bytes = memory->bytes(store);
  if (*place > bytes.size() || bytes.size() - *place < input.size())
    return fail(ErrorCode::bad_answer,
                fmt::format(": the module's allocator returned 0x{:x}, which is outside its memory "
                            "of {} bytes",
                            *place, bytes.size()));
  if (!input.empty()) std::memcpy(bytes.data() + *place, input.data(), input.size());

  const std::array<Val, 2> args = {pointer_val(*pointer, *place),
                                   pointer_val(*pointer, input.size())};
  SEDGE_TRY_ASSIGN(std::vector<Val> results, func->call(store, args));

  uint64_t answer = address_of(results[0]);
  bytes = memory->bytes(store);
  if (answer == 0 || answer >= bytes.size())
    return fail(
        ErrorCode::bad_answer,
        fmt::format(": `{}` returned the pointer 0x{:x}, where its memory of {} bytes holds "
                    "no answer",
                    name, answer, bytes.size()));
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()) + answer,
                        std::min<uint64_t>(bytes.size() - answer, kMaxPointerAnswer));
  size_t size = json_value_size(rest);
  if (size == 0)
    return fail(Error(ErrorCode::bad_answer,
                      fmt::format(": at the pointer that `{}` returned stands no JSON value but "
                                  "`{}`",
                                  name, excerpt(rest)))
                    .with_remedy("return a pointer to one complete JSON value of at most 1 MiB"));
  size_t begin = rest.find_first_not_of(" \t\r\n");
  return std::string(rest.substr(begin, size - begin));
}

}  // namespace sedge
