// Matching of resolved types: whether one thing may stand where another is asked for.
// Specification: Explainer.md, "Type Checking".
#ifndef SEDGE_COMPONENT_SUBTYPE_H_
#define SEDGE_COMPONENT_SUBTYPE_H_

#include <string>

#include <sedge/error.h>

#include "component/types.h"

namespace sedge::component {

/// Errors of all: type_mismatch, whose suffix says what was expected and found, outermost place
/// first (": type mismatch in function parameter `x`: expected u32, found tuple"); limit_exceeded.
class Subtyping {
 public:
  explicit Subtyping(Types& types) : types_(types) {}

  Result<void> value(ValType found, ValType expected);
  Result<void> func(uint32_t found, uint32_t expected);
  Result<void> entity(const Entity& found, const Entity& expected);
  Result<void> instance(uint32_t found, uint32_t expected);
  Result<void> component(uint32_t found, uint32_t expected);
  Result<void> module(uint32_t found, uint32_t expected);
  Result<void> core(const CoreEntity& found, const CoreEntity& expected);

 private:
  Result<void> defined(uint32_t found, uint32_t expected);
  Result<void> type(TypeRef found, TypeRef expected);
  Result<void> resource(uint32_t found, uint32_t expected);

  Types& types_;
};

/// Puts a place before a mismatch: "type mismatch in …: <inner>"; other errors stay what they are.
Error placed(Error error, std::string_view place);
/// The entity at the end of `path`, or null.
const Entity* find_path(const Types& types, const EntityMap& map, const ResourcePath& path);
/// Puts the types that `given` names where `wanted` (of the same shape) names others.
void substitute_names(const Types& types, const Entity& wanted, const Entity& given,
                      Renaming& renaming);
/// "(func (param i32) (result i64))" and the like, for messages.
std::string describe(const Types& types, const CoreEntity& entity);
/// "record", "u32", "own".
std::string describe(const Types& types, ValType type);
const char* to_string(ExternType::Kind kind);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_SUBTYPE_H_
