// WIT text → syntax (WIT.md).
#ifndef SEDGE_WIT_PARSER_H_
#define SEDGE_WIT_PARSER_H_

#include "wit/source.h"

namespace sedge::wit {

/// Parses one source. Errors: wit_syntax with line and column. Views in the result point into
/// `sources`.
Result<ast::File> parse_file(const Sources& sources, uint32_t source);

/// Joins the files of one folder into one package. Errors: wit_syntax for files that name different
/// packages or that document it twice.
Result<ast::File> merge_files(const Sources& sources, std::vector<ast::File> files);

}  // namespace sedge::wit

#endif  // SEDGE_WIT_PARSER_H_
