// Parsers of names by hand, one for each form; see names.h.
#include "component/names.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

namespace sedge::component {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

std::unexpected<Error> bad(std::string text) {
  return fail(ErrorCode::invalid_name, ": " + std::move(text));
}

Result<void> expect_kebab(std::string_view text) {
  if (!is_kebab(text)) return bad(fmt::format("`{}` is not in kebab case", text));
  return {};
}

/// A part of a namespace or package: a label without acronyms.
Result<void> expect_words(std::string_view text) {
  SEDGE_TRY(expect_kebab(text));
  auto upper = std::ranges::find_if(text, is_upper);
  if (upper != text.end())
    return bad(fmt::format("character `{}` is not lowercase in package name/namespace", *upper));
  return {};
}

/// A rest of a name that is taken apart from its front.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) {}
  std::string_view text() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool take(std::string_view prefix) {
    if (!text_.starts_with(prefix)) return false;
    text_.remove_prefix(prefix.size());
    return true;
  }
  Result<void> expect(std::string_view prefix) {
    if (take(prefix)) return {};
    return bad(fmt::format("expected `{}` at `{}`", prefix, text_));
  }
  /// Everything up to the first of `stops`, or to the end.
  std::string_view until(std::string_view stops) {
    std::string_view out = text_.substr(0, text_.find_first_of(stops));
    text_.remove_prefix(out.size());
    return out;
  }
  Result<void> expect_end() const {
    if (text_.empty()) return {};
    return bad(fmt::format("trailing characters found: `{}`", text_));
  }

 private:
  std::string_view text_;
};

/// Position of the part that a version number is being read for, as messages name it.
constexpr std::array<std::string_view, 3> kNumbers = {"major", "minor", "patch"};

Result<void> check_identifiers(Rest& rest, std::string_view stops, std::string_view what,
                               bool is_pre_release) {
  for (;;) {
    std::string_view part = rest.until(stops);
    if (part.empty()) return bad(fmt::format("empty identifier segment in {}", what));
    for (char c : part)
      if (!is_digit(c) && !is_lower(c) && !is_upper(c) && c != '-')
        return bad(fmt::format("unexpected character '{}' in {}", c, what));
    bool numeric = std::ranges::all_of(part, is_digit);
    if (is_pre_release && numeric && part.size() > 1 && part[0] == '0')
      return bad(fmt::format("invalid leading zero in {}", what));
    if (!rest.take(".")) return {};
  }
}

/// `ns:pkg` (`ns:…:pkg/…` with nested names), up to one of `stops`.
Result<void> package(Rest& rest, std::string_view stops, Features features) {
  std::string stop_at = ":/" + std::string(stops);
  SEDGE_TRY(expect_words(rest.until(stop_at)));
  SEDGE_TRY(rest.expect(":"));
  SEDGE_TRY(expect_words(rest.until(stop_at)));
  if (!features.has(Feature::cm_nested_names)) return {};
  while (rest.take(":")) SEDGE_TRY(expect_words(rest.until(stop_at)));
  return {};
}

Result<ParsedName> interface(std::string_view name, Features features) {
  ParsedName out;
  out.kind = ParsedName::Kind::interface;
  Rest rest(name);
  SEDGE_TRY(package(rest, "@", features));
  out.package = name.substr(0, name.size() - rest.text().size());
  if (!rest.take("/"))
    return bad(fmt::format("expected `/` after package name at `{}`", rest.text()));
  out.label = rest.until("/@");
  SEDGE_TRY(expect_kebab(out.label));
  while (features.has(Feature::cm_nested_names) && rest.take("/")) {
    out.label = rest.until("/@");
    SEDGE_TRY(expect_kebab(out.label));
  }
  if (rest.take("@")) {
    out.version = rest.text();
    bool canonical = features.has(Feature::cm_canon_names) && is_canonical_version(out.version);
    if (!canonical) SEDGE_TRY(check_semver(out.version));
    return out;
  }
  SEDGE_TRY(rest.expect_end());
  return out;
}

Result<void> quoted_semver(std::string_view text) {
  if (check_semver(text)) return {};
  return bad(fmt::format("`{}` is not a valid semver", text));
}

Result<void> integrity_hash(std::string_view text) {
  bool any = false;
  Rest rest(text);
  while (true) {
    while (rest.take(" ")) {
    }
    if (rest.empty()) break;
    any = true;
    std::string_view part = rest.until(" ");
    size_t dash = part.find('-');
    if (dash == std::string_view::npos) return bad("expected `-` after hash algorithm");
    std::string_view algorithm = part.substr(0, dash);
    if (algorithm != "sha256" && algorithm != "sha384" && algorithm != "sha512")
      return bad(fmt::format("unrecognized hash algorithm `{}`", algorithm));
    std::string_view digest = part.substr(dash + 1);
    digest = digest.substr(0, digest.find('?'));
    size_t digits = digest.find('=');
    std::string_view padding =
        digits == std::string_view::npos ? std::string_view() : digest.substr(digits);
    std::string_view body = digest.substr(0, digits);
    bool valid = !body.empty() && padding.size() <= 2 &&
                 std::ranges::all_of(padding, [](char c) { return c == '='; }) &&
                 std::ranges::all_of(body, [](char c) {
                   return is_digit(c) || is_lower(c) || is_upper(c) || c == '+' || c == '/';
                 });
    if (!valid) return bad(fmt::format("`{}` is not valid base64", digest));
  }
  if (!any) return bad("integrity hash cannot be empty");
  return {};
}

Result<void> optional_integrity(Rest& rest) {
  if (!rest.take(",")) return {};
  if (!rest.take("integrity=<")) return bad("expected `integrity=<`");
  SEDGE_TRY(integrity_hash(rest.until(">")));
  return rest.expect(">");
}

Result<void> version_range(Rest& rest) {
  if (rest.take("*")) return {};
  SEDGE_TRY(rest.expect("{"));
  Rest range(rest.until("}"));
  SEDGE_TRY(rest.expect("}"));
  if (range.take(">=")) {
    SEDGE_TRY(quoted_semver(range.until(" ")));
    if (range.empty()) return {};
    SEDGE_TRY(range.expect(" "));
    SEDGE_TRY(range.expect("<"));
    return quoted_semver(range.text());
  }
  if (!range.take("<")) return bad("expected `>=` or `<` at start of version range");
  return quoted_semver(range.text());
}

Result<void> dependency_package(Rest& rest, Features features) {
  SEDGE_TRY(package(rest, "@>", features));
  while (features.has(Feature::cm_nested_names) && rest.take("/"))
    SEDGE_TRY(expect_kebab(rest.until("/@>")));
  return {};
}

Result<void> unlocked_dependency(Rest& rest, Features features) {
  SEDGE_TRY(rest.expect("<"));
  SEDGE_TRY(dependency_package(rest, features));
  if (rest.take("@")) SEDGE_TRY(version_range(rest));
  return rest.expect(">");
}

Result<void> locked_dependency(Rest& rest, Features features) {
  SEDGE_TRY(rest.expect("<"));
  SEDGE_TRY(dependency_package(rest, features));
  if (rest.take("@")) {
    std::string_view version = rest.until(">");
    SEDGE_TRY(quoted_semver(version));
  }
  SEDGE_TRY(rest.expect(">"));
  return optional_integrity(rest);
}

Result<void> url(Rest& rest) {
  SEDGE_TRY(rest.expect("<"));
  if (!rest.text().contains('>')) return bad("failed to find `>`");
  if (rest.until(">").contains('<')) return bad("url cannot contain `<`");
  SEDGE_TRY(rest.expect(">"));
  return optional_integrity(rest);
}

Result<void> integrity(Rest& rest) {
  SEDGE_TRY(rest.expect("<"));
  SEDGE_TRY(integrity_hash(rest.until(">")));
  return rest.expect(">");
}

/// `resource.label`
Result<ParsedName> member(std::string_view text, ParsedName::Kind kind) {
  size_t dot = text.find('.');
  if (dot == std::string_view::npos) return bad("failed to find `.` character");
  ParsedName out;
  out.kind = kind;
  out.resource = text.substr(0, dot);
  out.label = text.substr(dot + 1);
  SEDGE_TRY(expect_kebab(out.resource));
  SEDGE_TRY(expect_kebab(out.label));
  return out;
}

Result<ParsedName> parse(std::string_view name, Features features) {
  using Kind = ParsedName::Kind;
  Rest rest(name);
  ParsedName out;
  if (rest.take("[constructor]")) {
    out.kind = Kind::constructor;
    out.resource = rest.text();
    SEDGE_TRY(expect_kebab(out.resource));
    return out;
  }
  if (rest.take("[method]")) return member(rest.text(), Kind::method);
  if (rest.take("[static]")) return member(rest.text(), Kind::static_);
  auto dependency = [&](Result<void> read) -> Result<ParsedName> {
    SEDGE_TRY(std::move(read));
    SEDGE_TRY(rest.expect_end());
    out.kind = Kind::dependency;
    return out;
  };
  if (rest.take("unlocked-dep=")) return dependency(unlocked_dependency(rest, features));
  if (rest.take("locked-dep=")) return dependency(locked_dependency(rest, features));
  if (rest.take("url=")) return dependency(url(rest));
  if (rest.take("integrity=")) return dependency(integrity(rest));
  if (name.contains(':')) return interface(name, features);
  SEDGE_TRY(expect_kebab(name));
  out.label = name;
  return out;
}

}  // namespace

bool is_kebab(std::string_view text) {
  if (text.empty() || is_digit(text[0])) return false;
  Rest rest(text);
  for (;;) {
    std::string_view fragment = rest.until("-");
    auto is_word = [](char c) { return is_digit(c) || is_lower(c); };
    auto is_acronym = [](char c) { return is_digit(c) || is_upper(c); };
    if (fragment.empty() ||
        !(std::ranges::all_of(fragment, is_word) || std::ranges::all_of(fragment, is_acronym)))
      return false;
    if (!rest.take("-")) return rest.empty();
  }
}

Result<void> check_semver(std::string_view text) {
  if (text.empty()) return bad("empty string, expected a semver version");
  Rest rest(text);
  for (size_t i = 0; i < kNumbers.size(); ++i) {
    if (rest.empty())
      return bad(
          fmt::format("unexpected end of input while parsing {} version number", kNumbers[i]));
    std::string_view all = rest.text();
    size_t digits = 0;
    while (digits < all.size() && is_digit(all[digits])) ++digits;
    if (digits == 0)
      return bad(fmt::format("unexpected character '{}' while parsing {} version number", all[0],
                             kNumbers[i]));
    if (digits > 1 && all[0] == '0')
      return bad(fmt::format("invalid leading zero in {} version number", kNumbers[i]));
    if (digits > 20 || (digits == 20 && all.substr(0, 20) > "18446744073709551615"))
      return bad(fmt::format("value of {} version number exceeds u64::MAX", kNumbers[i]));
    rest.take(all.substr(0, digits));
    if (i + 1 == kNumbers.size() || rest.take(".")) continue;
    if (rest.empty())
      return bad(
          fmt::format("unexpected end of input while parsing {} version number", kNumbers[i]));
    return bad(fmt::format("unexpected character '{}' after {} version number", rest.text()[0],
                           kNumbers[i]));
  }
  if (rest.take("-")) SEDGE_TRY(check_identifiers(rest, ".+", "pre-release identifier", true));
  if (rest.take("+")) SEDGE_TRY(check_identifiers(rest, ".+", "build metadata", false));
  if (rest.empty()) return {};
  return bad(fmt::format("unexpected character '{}' after patch version number", rest.text()[0]));
}

bool is_canonical_version(std::string_view text) {
  if (text == "0.0.0") return true;
  if (text.starts_with("0.0."))
    text.remove_prefix(4);
  else if (text.starts_with("0."))
    text.remove_prefix(2);
  return !text.empty() && text[0] != '0' && std::ranges::all_of(text, is_digit);
}

Result<ParsedName> parse_extern_name(std::string_view name, Features features) {
  auto out = parse(name, features);
  if (out) return out;
  std::string why = out.error().message();
  why = why.substr(std::string_view(error_info(ErrorCode::invalid_name).wording).size() + 2);
  return bad(fmt::format("`{}` is not a valid extern name: {}", name, why));
}

std::string unique_key(std::string_view name) {
  std::string key(name);
  if (name.contains('=')) return key;  // dependencies: hashes and URLs have a case
  for (char& c : key)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  for (std::string_view prefix : {"[method]", "[static]"}) {
    if (!key.starts_with(prefix)) continue;
    std::string rest = key.substr(prefix.size());
    size_t dot = rest.find('.');
    if (dot != std::string::npos && rest.substr(0, dot) == rest.substr(dot + 1))
      return rest.substr(0, dot);
    return rest;
  }
  return key;
}

}  // namespace sedge::component
