// Values as components define, import and export them. Specification: Explainer.md and Binary.md,
// "Value Definitions".
#ifndef SEDGE_COMPONENT_VALUE_H_
#define SEDGE_COMPONENT_VALUE_H_

#include <atomic>
#include <memory>
#include <utility>

#include <sedge/component.h>

#include "base/reader.h"
#include "component/types.h"
#include "wasm/encode/encode.h"

namespace sedge::component {

/// A value on its way between components and the host. Components use each once; a value that can
/// only be in one place, since it holds a handle or the end of a stream, is gone once it was taken.
/// Thread-safe.
class ValueItem {
 public:
  /// `component` keeps the type; without one it is the host's, and its type is not known.
  explicit ValueItem(ComponentVal val, std::shared_ptr<const ComponentImpl> component = nullptr,
                     ValType type = PrimType::bool_)
      : val_(std::move(val)), component_(std::move(component)), type_(type) {}

  const ComponentVal& peek() const { return val_; }
  const std::shared_ptr<const ComponentImpl>& component() const { return component_; }
  ValType type() const { return type_; }
  /// Error: component_trap if it was taken and can only be in one place.
  Result<ComponentVal> take() const;

 private:
  ComponentVal val_;
  std::shared_ptr<const ComponentImpl> component_;
  ValType type_;
  mutable std::atomic<bool> taken_ = false;
};

/// Counts what the values of one constant take in the host's memory.
class HeldByConstant {
 public:
  /// Error: limit_exceeded.
  Result<void> add(uint64_t bytes);
  Result<void> add_items(uint64_t count) { return add(count * sizeof(ComponentVal)); }

 private:
  uint64_t bytes_ = 0;
};

enum class PartNames : bool { without, with };

/// Reads one value of a constant. Without `out` it is only held against its type; `meter`, if there
/// is one, takes account of the work. Errors: invalid_component, those of Reader, limit_exceeded.
Result<void> read_constant(const Types& types, ValType type, Reader& reader, Types* meter,
                           ComponentVal* out, PartNames names = PartNames::with);

/// The inverse: the shortest encoding of a value as reading or adopting has made it. Names of its
/// parts do not count; there are no handles in it.
void write_constant(const Types& types, ValType type, const ComponentVal& value, wasm::Writer& w);

/// Makes a value of the host what lifting would have made: checked, with the names of its parts.
/// Error: bad_argument.
Result<void> adopt_value(const Types& types, ValType type, ComponentVal& value);

/// Whether two values of one type are the same.
bool same_value(const ComponentVal& a, const ComponentVal& b);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_VALUE_H_
