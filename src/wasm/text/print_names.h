// Ids for printing: each name of the name section becomes an id that is unique in its space, with a
// (@name …) annotation where an id cannot carry the name itself.
#ifndef SEDGE_WASM_TEXT_PRINT_NAMES_H_
#define SEDGE_WASM_TEXT_PRINT_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "wasm/module.h"

namespace sedge::wasm {

/// Appends `text` as a string token. `keep_utf8`: characters beyond ASCII stay as they are.
void append_string(std::string& out, std::string_view text, bool keep_utf8);
/// Appends `$text` or `$"text"`; text must not be empty.
void append_id(std::string& out, std::string_view text);
void append_name_annotation(std::string& out, std::string_view name);

/// Ids of one index space.
class IdTable {
 public:
  IdTable() = default;
  /// Borrows `names`. Labels need not be unique: an inner one may hide an outer one.
  explicit IdTable(const Names::Map& names, bool unique = true);

  /// The id with its `$`, or nothing.
  const std::string* find(uint32_t index) const {
    auto found = ids_.find(index);
    return found == ids_.end() ? nullptr : &found->second;
  }
  bool empty() const { return names_ == nullptr || names_->empty(); }
  /// Appends " $id", " $id (@name …)", " (@name …)" or nothing: what a definition says.
  void append_binding(std::string& out, uint32_t index) const;
  /// The same for what is called `name` where it says so itself.
  void append_binding(std::string& out, uint32_t index, std::optional<std::string_view> name) const;
  /// Appends the id if there is one, else the index.
  void append_use(std::string& out, uint32_t index) const;
  /// Whether the definition of `index` has an id or a name annotation.
  bool has(uint32_t index) const { return names_ && names_->contains(index); }

 private:
  const Names::Map* names_ = nullptr;
  std::unordered_map<uint32_t, std::string> ids_;
};

/// Whether all names belong to something that the text defines. If not, the text keeps the name
/// section as raw bytes.
bool names_fit(const Module& module);
/// Whether all branch hints stand at `if` or `br_if`, the only places that text has for them.
bool hints_fit(const Module& module);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_PRINT_NAMES_H_
