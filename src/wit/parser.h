// WIT text → syntax (WIT.md).
#ifndef SEDGE_WIT_PARSER_H_
#define SEDGE_WIT_PARSER_H_

#include "wit/source.h"

namespace sedge::wit {

/// Parses one source. Errors: wit_syntax with line and column. Views in the result point into
/// `sources`.
Result<ast::File> parse_file(const Sources& sources, uint32_t source);

enum class EmbeddedKind : uint8_t {
  item,         ///< an interface, a world, or the declaration of a type other than a resource
  extern_type,  ///< what an import is: a function type, `interface { … }` or a path, `;` included
};
/// Parses WIT at `offset` of a text in WAC (whose characters the caller has checked). It may have
/// what WAC adds: function types with names (`type f = func();`, then `g: f;`), and `;` where WIT
/// has none. Errors: wit_syntax.
Result<ast::Embedded> parse_embedded(const Sources& sources, uint32_t source, uint32_t offset,
                                     EmbeddedKind kind);

/// Joins the files of one folder into one package. Errors: wit_syntax for files that name different
/// packages or that document it twice.
Result<ast::File> merge_files(const Sources& sources, std::vector<ast::File> files);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_PARSER_H_
