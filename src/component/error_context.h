// Error contexts. Specification: CanonicalABI.md, "canon error-context.new".
#ifndef SEDGE_COMPONENT_ERROR_CONTEXT_H_
#define SEDGE_COMPONENT_ERROR_CONTEXT_H_

#include <memory>
#include <utility>

#include "component/instance.h"

namespace sedge::component {

/// A debug message that guests hand on; it is kept as it was written.
class ErrorContext final : public TableObject {
 public:
  /// `message`: a string, or a value of kind error_context.
  explicit ErrorContext(ComponentVal message)
      : TableObject(Kind::error_context), value_(std::move(message)) {
    value_.kind = ComponentVal::Kind::error_context;
  }
  static Result<std::shared_ptr<ErrorContext>> find(ComponentInst& inst, uint32_t index);
  static Result<uint32_t> add(ComponentInst& inst, const ComponentVal& value);
  const ComponentVal& value() const { return value_; }

 private:
  ComponentVal value_;
};

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_ERROR_CONTEXT_H_
