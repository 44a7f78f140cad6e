// Normal form of paths (RFC 3986 sections 5.2.4 and 6.2.2) and matching of patterns.
#include "serve/route_pattern.h"

#include <algorithm>

#include <fmt/format.h>

#include "net/chars.h"

namespace sedge::serve {
namespace {

bool is_unreserved(char c) {
  char lower = net::to_lower(c);
  return net::is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  auto byte = static_cast<uint8_t>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    size_t next = path.find('/', 1);
    std::string_view segment = path.substr(0, next);
    bool last = next == std::string_view::npos;
    path.remove_prefix(last ? path.size() : next);
    if (segment == "/.." || segment == "/.") {
      if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
      if (last) out += '/';
    } else {
      out += segment;
    }
  }
  return out;
}

// Takes the next segment off `path`, which begins with '/'.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

}  // namespace

std::optional<std::string> normalize_path(std::string_view path) {
  if (path.find('%') == std::string_view::npos) {
    if (path.find("/.") == std::string_view::npos) return std::string(path);
    return remove_dot_segments(path);
  }
  std::string out;
  out.reserve(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    if (i + 2 >= path.size()) return std::nullopt;
    int high = net::hex_value(path[i + 1]);
    int low = net::hex_value(path[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    char c = static_cast<char>(high << 4 | low);
    i += 2;
    if (is_unreserved(c))
      out += c;
    else
      append_escaped(out, c);
  }
  return remove_dot_segments(out);
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      int high = net::hex_value(text[i + 1]);
      int low = net::hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    out += plus_is_space && text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

Result<RoutePattern> RoutePattern::parse(std::string_view text) {
  auto refuse = [&](std::string_view why, std::string_view remedy) {
    return fail(Error(ErrorCode::bad_argument, fmt::format(": the path `{}` {}", text, why))
                    .with_remedy(std::string(remedy)));
  };
  if (!text.starts_with('/')) return refuse("does not begin with `/`", "write it like /api/*");
  if (text.find_first_of("?#") != std::string_view::npos)
    return refuse("has a query or fragment", "routes match the path only");
  if (std::ranges::any_of(text, [](char c) { return static_cast<uint8_t>(c) <= ' ' || c == 0x7f; }))
    return refuse("has spaces or control characters", "percent-encode them");

  // Literals are written in the form that requests are brought to.
  std::string escaped;
  for (char c : text)
    if (static_cast<uint8_t>(c) >= 0x80)
      append_escaped(escaped, c);
    else
      escaped += c;
  std::optional<std::string> normal = normalize_path(escaped);
  if (!normal) return refuse("has a `%` that is no escape", "write %25 for a percent sign");

  RoutePattern pattern;
  std::string_view rest = *normal;
  bool wild = false;
  while (!rest.empty()) {
    std::string_view segment = next_segment(rest);
    bool last = rest.empty();
    size_t star = segment.find('*');
    if ((segment == "*" && last) || segment == "**") {
      if (!last) return refuse("has `**` before its end", "only the last segment can be `**`");
      pattern.segments_.push_back({Kind::rest, {}, {}, {}});
    } else if (segment == "*") {
      pattern.segments_.push_back({Kind::one, {}, {}, {}});
    } else if (segment.starts_with(':') ||
               (segment.starts_with('{') && segment.ends_with('}') && segment.size() > 1)) {
      std::string_view name = segment.substr(1, segment.size() - (segment[0] == '{' ? 2 : 1));
      if (name.empty() || !std::ranges::all_of(name, is_unreserved))
        return refuse("has a parameter without a proper name", "write {name} or :name");
      pattern.segments_.push_back({Kind::one, {}, {}, std::string(name)});
    } else if (star != std::string_view::npos) {
      if (segment.find('*', star + 1) != std::string_view::npos)
        return refuse("has two `*` in one segment", "use one");
      pattern.segments_.push_back({Kind::partial,
                                   std::string(segment.substr(0, star)),
                                   std::string(segment.substr(star + 1)),
                                   {}});
    } else {
      pattern.segments_.push_back({Kind::literal, std::string(segment), {}, {}});
      continue;
    }
    wild = true;
  }
  if (!wild) pattern.literal_ = *std::move(normal);
  return pattern;
}

bool RoutePattern::match(std::string_view path, PathParams& params) const {
  size_t params_before = params.size();
  auto mismatch = [&] {
    params.resize(params_before);
    return false;
  };
  for (const Segment& segment : segments_) {
    if (segment.kind == Kind::rest) return true;
    if (path.empty()) return mismatch();
    std::string_view part = next_segment(path);
    switch (segment.kind) {
      case Kind::literal:
        if (part != segment.text) return mismatch();
        break;
      case Kind::partial:
        if (part.size() < segment.text.size() + segment.suffix.size() ||
            !part.starts_with(segment.text) || !part.ends_with(segment.suffix))
          return mismatch();
        break;
      default:
        if (part.empty()) return mismatch();
        if (!segment.name.empty()) params.emplace_back(segment.name, percent_decode(part, false));
        break;
    }
  }
  return path.empty() || mismatch();
}

std::weak_ordering RoutePattern::operator<=>(const RoutePattern& other) const {
  size_t common = std::min(segments_.size(), other.segments_.size());
  // The first difference in kind decides; among patterns of the same shape, the longer partial
  // literal; then the text, only to have an order.
  for (size_t i = 0; i < common; ++i)
    if (auto order = segments_[i].kind <=> other.segments_[i].kind; order != 0) return order;
  if (segments_.size() != other.segments_.size())
    return other.segments_.size() <=> segments_.size();
  for (size_t i = 0; i < common; ++i) {
    const Segment& a = segments_[i];
    const Segment& b = other.segments_[i];
    if (a.kind != Kind::partial) continue;
    size_t a_size = a.text.size() + a.suffix.size();
    size_t b_size = b.text.size() + b.suffix.size();
    if (a_size != b_size) return b_size <=> a_size;
  }
  for (size_t i = 0; i < common; ++i) {
    if (auto order = segments_[i].text <=> other.segments_[i].text; order != 0) return order;
    if (auto order = segments_[i].suffix <=> other.segments_[i].suffix; order != 0) return order;
  }
  return std::weak_ordering::equivalent;
}

bool same_pattern(std::string_view a, std::string_view b) {
  Result<RoutePattern> first = RoutePattern::parse(a);
  Result<RoutePattern> second = RoutePattern::parse(b);
  return first && second && *first == *second;
}

}  // namespace sedge::serve
