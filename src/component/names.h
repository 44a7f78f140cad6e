// Names of imports and exports: their grammar, versions, and strong uniqueness. Specification:
// Explainer.md, "Import and Export Definitions", "Name Uniqueness", "Canonical Interface Name".
#ifndef SEDGE_COMPONENT_NAMES_H_
#define SEDGE_COMPONENT_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <sedge/error.h>
#include <sedge/feature.h>

namespace sedge::component {

/// A name in its parts; all views lie in the name itself.
struct ParsedName {
  enum class Kind : uint8_t {
    label,        ///< `label`
    constructor,  ///< `resource`
    method,       ///< `resource`, `label`
    static_,      ///< `resource`, `label`
    interface,    ///< `package` ("ns:pkg"), `label` (behind the slash), `version`
    dependency,   ///< unlocked-dep=, locked-dep=, url=, integrity=: imports only
  };
  Kind kind = Kind::label;
  std::string_view label;
  std::string_view resource;
  std::string_view package;
  std::string_view version;  ///< without the `@`; empty: none
};

/// Parses the name of an import or export. Error: invalid_name.
Result<ParsedName> parse_extern_name(std::string_view name, Features features);
/// Whether `text` is a label: words and acronyms with hyphens between them.
bool is_kebab(std::string_view text);
/// Error: invalid_name, with what is wrong with the version (semver.org 2.0).
Result<void> check_semver(std::string_view text);
/// Whether `text` has the form of a canonical version: "1", "0.2", "0.0.3".
bool is_canonical_version(std::string_view text);

/// What strongly-unique names must differ in.
std::string unique_key(std::string_view name);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_NAMES_H_
