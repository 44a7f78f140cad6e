// From byte offsets to lines and columns.
#include "wit/source.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::wit {
namespace {

Location location(std::string_view text, uint32_t offset) {
  std::string_view before = text.substr(0, offset);
  auto line = static_cast<uint32_t>(std::ranges::count(before, '\n')) + 1;
  size_t start = before.rfind('\n');
  std::string_view rest = start == std::string_view::npos ? before : before.substr(start + 1);
  auto column =
      static_cast<uint32_t>(std::ranges::count_if(rest, [](char c) { return (c & 0xc0) != 0x80; }));
  return Location::at(line, column + 1);
}

}  // namespace

uint32_t Sources::add(std::string path, std::string text) {
  sources_.push_back({std::move(path), std::move(text)});
  return static_cast<uint32_t>(sources_.size() - 1);
}

Error Sources::error(ErrorCode code, std::string suffix, ast::Place place) const {
  const Source& source = sources_[place.source];
  return Error(code, std::move(suffix), location(source.text, place.offset))
      .with_context(source.path);
}

std::string Sources::describe(ast::Place place) const {
  Location at = location(sources_[place.source].text, place.offset);
  return fmt::format("{}:{}:{}", sources_[place.source].path, at.line, at.column);
}

}  // namespace sedge::wit
