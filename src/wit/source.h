// The texts that are read together, and places in them.
#ifndef SEDGE_WIT_SOURCE_H_
#define SEDGE_WIT_SOURCE_H_

#include <deque>
#include <string>
#include <string_view>

#include <sedge/error.h>

#include "wit/ast.h"

namespace sedge::wit {

struct Source {
  std::string path;  ///< as the user would name it
  std::string text;
};

/// Owns the texts; views of them stay valid as long as it lives.
class Sources {
 public:
  /// The index of the new source.
  uint32_t add(std::string path, std::string text);
  const Source& operator[](uint32_t index) const { return sources_[index]; }
  /// An error at `place`: line and column (in characters), the file's name as its context.
  Error error(ErrorCode code, std::string suffix, ast::Place place) const;
  /// "FILE:LINE:COLUMN".
  std::string describe(ast::Place place) const;

 private:
  std::deque<Source> sources_;
};

}  // namespace sedge::wit

#endif  // SEDGE_WIT_SOURCE_H_
