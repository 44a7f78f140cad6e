// Types flatten to at most a fixed number of core values; beyond it they are passed in memory.
#include "componentize/abi.h"

#include <algorithm>
#include <unordered_map>

namespace sedge::componentize {
namespace {

constexpr size_t kMaxFlatParams = 16;
constexpr size_t kMaxFlatAsyncParams = 4;
/// Enough to know that there are too many.
constexpr size_t kEnough = kMaxFlatParams + 1;

/// A type as core values, cut off at kEnough.
struct Flat {
  std::vector<ValType> values;
  bool lists = false;  ///< a list or a string is among the parts
  bool strings = false;

  void push(ValType type) {
    if (values.size() < kEnough) values.push_back(type);
  }
  void append(const Flat& part) {
    for (ValType type : part.values) push(type);
    lists |= part.lists;
    strings |= part.strings;
  }
};

ValType join(ValType a, ValType b) {
  if (a == b) return a;
  bool narrow =
      (a == ValType::i32 && b == ValType::f32) || (a == ValType::f32 && b == ValType::i32);
  return narrow ? ValType::i32 : ValType::i64;
}

/// Computes each type once: types may share parts many times over.
class Flattener {
 public:
  explicit Flattener(const wit::Resolve& resolve) : resolve_(resolve) {}

  Flat value(const wit::Type& type) {
    if (type.is_ref()) {
      if (auto it = known_.find(type.id); it != known_.end()) return it->second;
      Flat out = definition(resolve_.types[type.id]);
      known_.emplace(type.id, out);
      return out;
    }
    switch (type.primitive) {
      case wit::Primitive::s64:
      case wit::Primitive::u64:
        return {{ValType::i64}};
      case wit::Primitive::f32:
        return {{ValType::f32}};
      case wit::Primitive::f64:
        return {{ValType::f64}};
      case wit::Primitive::string:
        return {{ValType::i32, ValType::i32}, true, true};
      default:
        return {{ValType::i32}};
    }
  }
  Flat optional(const std::optional<wit::Type>& type) { return type ? value(*type) : Flat{}; }

 private:
  Flat cases(const std::vector<std::optional<wit::Type>>& payloads) {
    Flat joined;
    for (const std::optional<wit::Type>& payload : payloads) {
      Flat one = optional(payload);
      joined.lists |= one.lists;
      joined.strings |= one.strings;
      for (size_t i = 0; i < one.values.size(); ++i) {
        if (i == joined.values.size())
          joined.values.push_back(one.values[i]);
        else
          joined.values[i] = join(joined.values[i], one.values[i]);
      }
    }
    Flat out{{ValType::i32}};
    out.append(joined);
    return out;
  }

  Flat list(bool strings) { return {{ValType::i32, ValType::i32}, true, strings}; }

  Flat definition(const wit::TypeDef& def) {
    using wit::TypeKind;
    Flat out;
    switch (def.kind) {
      case TypeKind::alias:
        return value(*def.first);
      case TypeKind::record:
        for (const wit::Member& member : def.members) out.append(value(*member.type));
        return out;
      case TypeKind::tuple:
        for (const wit::Type& element : def.elements) out.append(value(element));
        return out;
      case TypeKind::fixed_list:
        for (uint32_t i = 0; i < std::min<uint32_t>(def.length, kEnough); ++i)
          out.append(value(*def.first));
        return out;
      case TypeKind::flags:
        for (size_t i = 0; i < def.members.size(); i += 32) out.push(ValType::i32);
        return out;
      case TypeKind::variant: {
        std::vector<std::optional<wit::Type>> payloads;
        payloads.reserve(def.members.size());
        for (const wit::Member& member : def.members) payloads.push_back(member.type);
        return cases(payloads);
      }
      case TypeKind::option:
        return cases({std::nullopt, def.first});
      case TypeKind::result:
        return cases({def.first, def.second});
      case TypeKind::list:
        return list(optional(def.first).strings);
      case TypeKind::map: {
        bool strings = optional(def.first).strings;
        return list(optional(def.second).strings || strings);
      }
      case TypeKind::resource:
      case TypeKind::own:
      case TypeKind::borrow:
      case TypeKind::enumeration:
      case TypeKind::future:
      case TypeKind::stream:
        return {{ValType::i32}};
    }
    return out;
  }

  const wit::Resolve& resolve_;
  std::unordered_map<wit::TypeId, Flat> known_;
};

}  // namespace

CoreSignature core_signature(const wit::Resolve& resolve, const wit::Function& function, Abi abi) {
  Flattener flattener(resolve);
  Flat params;
  for (const wit::Member& param : function.params) params.append(flattener.value(*param.type));
  Flat result = flattener.optional(function.result);
  bool lower = abi == Abi::lower || abi == Abi::lower_async;
  CoreSignature out;
  out.strings = params.strings || result.strings;
  out.memory = params.lists || result.lists;
  out.realloc = lower ? result.lists : params.lists;
  out.type.params = params.values;
  if (params.values.size() > (abi == Abi::lower_async ? kMaxFlatAsyncParams : kMaxFlatParams)) {
    out.type.params = {ValType::i32};
    out.memory = true;
    out.realloc |= !lower;
  }
  switch (abi) {
    case Abi::lower:
    case Abi::lift:
      if (result.values.size() > 1) {
        out.memory = true;
        if (lower)
          out.type.params.push_back(ValType::i32);
        else
          out.type.results = {ValType::i32};
      } else {
        out.type.results = result.values;
      }
      break;
    case Abi::lower_async:
      if (!result.values.empty()) {
        out.type.params.push_back(ValType::i32);
        out.memory = true;
      }
      out.type.results = {ValType::i32};
      break;
    case Abi::lift_callback:
      out.type.results = {ValType::i32};
      out.memory |= result.values.size() > kMaxFlatParams;
      break;
    case Abi::lift_stackful:
      out.memory |= result.values.size() > kMaxFlatParams;
      break;
  }
  return out;
}

CoreSignature task_return_signature(const wit::Resolve& resolve, const wit::Function& function) {
  CoreSignature out = payload_needs(resolve, function.result);
  out.realloc = false;
  Flat result = Flattener(resolve).optional(function.result);
  out.type.params = result.values;
  if (result.values.size() > kMaxFlatParams) {
    out.type.params = {ValType::i32};
    out.memory = true;
  }
  return out;
}

CoreSignature payload_needs(const wit::Resolve& resolve, const std::optional<wit::Type>& type) {
  Flat flat = Flattener(resolve).optional(type);
  CoreSignature out;
  out.memory = out.realloc = flat.lists;
  out.strings = flat.strings;
  return out;
}

}  // namespace sedge::componentize
