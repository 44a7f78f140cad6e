// See field_list.h.
#include "wasi/http/field_list.h"

#include <algorithm>

#include "net/chars.h"

namespace sedge::wasi::http {
namespace {

using Entry = net::Headers::value_type;

constexpr size_t kMaxFieldBytes = 1 << 20;  // of one `fields`
constexpr size_t kFieldOverhead = 64;       // of each entry, beside its text

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b,
                            [](char x, char y) { return net::to_lower(x) == net::to_lower(y); });
}
auto named(std::string_view name) {
  return [name](const Entry& entry) { return same_name(entry.first, name); };
}

// What steers the connection is the host's.
bool is_forbidden(std::string_view name) {
  static constexpr std::string_view kNames[] = {"connection",
                                                "keep-alive",
                                                "proxy-authenticate",
                                                "proxy-authorization",
                                                "proxy-connection",
                                                "transfer-encoding",
                                                "upgrade",
                                                "host",
                                                "http2-settings"};
  return std::ranges::any_of(
      kNames, [name](std::string_view known) { return net::equals_ignoring_case(name, known); });
}

/// Null if an entry of this name may stand.
std::optional<FieldError> refuse(std::string_view name) {
  if (!net::is_token(name)) return FieldError::invalid_syntax;
  if (is_forbidden(name)) return FieldError::forbidden;
  return std::nullopt;
}

}  // namespace

FieldList FieldList::view(std::shared_ptr<const net::Headers> headers) {
  return FieldList(std::move(headers));
}

Result<host::Outcome<FieldList, FieldError>> FieldList::own(Store& store, net::Headers headers) {
  FieldList fields(std::make_shared<Owned>(std::move(headers)));
  SEDGE_TRY_ASSIGN(Changed fits, fields.account(store));
  if (!fits) return host::err(fits.error());
  return fields;
}

Result<host::Outcome<FieldList, FieldError>> FieldList::of(Store& store, Entries entries) {
  FieldList fields(std::make_shared<Owned>());
  fields.owned_->headers.reserve(entries.size());
  for (auto& [name, value] : entries) {
    if (auto refused = refuse(name)) return host::err(*refused);
    if (!net::is_field_value(value.data)) return host::err(FieldError::invalid_syntax);
    fields.add(name, std::move(value.data));
  }
  SEDGE_TRY_ASSIGN(Changed fits, fields.account(store));
  if (!fits) return host::err(fits.error());
  return fields;
}

void FieldList::add(std::string_view name, std::string value) {
  net::Headers& headers = owned_->headers;
  auto first = std::ranges::find_if(headers, named(name));
  std::string as_it_came(first == headers.end() ? name : first->first);
  headers.emplace_back(std::move(as_it_came), std::move(value));
}

Result<FieldList::Changed> FieldList::account(Store& store) {
  size_t bytes = 0;
  for (const auto& [name, value] : *headers_) bytes += name.size() + value.size() + kFieldOverhead;
  SEDGE_TRY_ASSIGN(GuestNetwork * network, network_of(store));
  if (bytes > kMaxFieldBytes || !owned_->lease.grow(network->memory, bytes))
    return host::err(FieldError::size_exceeded);
  return host::Unit{};
}

std::vector<host::Bytes> FieldList::get(std::string_view name) const {
  std::vector<host::Bytes> values;
  for (const auto& [each, value] : *headers_)
    if (same_name(each, name)) values.push_back({value});
  return values;
}

bool FieldList::has(std::string_view name) const {
  return std::ranges::any_of(*headers_, named(name));
}

FieldList::Entries FieldList::entries() const {
  Entries out;
  out.reserve(headers_->size());
  for (const auto& [name, value] : *headers_) out.emplace_back(name, host::Bytes{value});
  return out;
}

Result<FieldList::Changed> FieldList::set(Store& store, std::string_view name,
                                          std::vector<host::Bytes> values) {
  if (!owned_) return host::err(FieldError::immutable);
  if (auto refused = refuse(name)) return host::err(*refused);
  for (const host::Bytes& value : values)
    if (!net::is_field_value(value.data)) return host::err(FieldError::invalid_syntax);
  net::Headers before = owned_->headers;
  std::erase_if(owned_->headers, named(name));
  for (host::Bytes& value : values) owned_->headers.emplace_back(name, std::move(value.data));
  SEDGE_TRY_ASSIGN(Changed fits, account(store));
  if (!fits) owned_->headers.swap(before);
  return fits;
}

Result<FieldList::Changed> FieldList::append(Store& store, std::string_view name,
                                             host::Bytes value) {
  if (!owned_) return host::err(FieldError::immutable);
  if (auto refused = refuse(name)) return host::err(*refused);
  if (!net::is_field_value(value.data)) return host::err(FieldError::invalid_syntax);
  add(name, std::move(value.data));
  SEDGE_TRY_ASSIGN(Changed fits, account(store));
  if (!fits) owned_->headers.pop_back();
  return fits;
}

host::Outcome<std::vector<host::Bytes>, FieldError> FieldList::remove(std::string_view name) {
  if (!owned_) return host::err(FieldError::immutable);
  if (auto refused = refuse(name)) return host::err(*refused);
  std::vector<host::Bytes> gone = get(name);
  std::erase_if(owned_->headers, named(name));
  return gone;
}

net::Headers headers_of(const net::Message& message) {
  net::Headers headers;
  headers.reserve(message.header_count());
  for (size_t i = 0; i < message.header_count(); ++i) {
    net::HeaderView field = message.header(i);
    if (is_forbidden(field.name) && field.name != "host") continue;
    headers.emplace_back(field.name, field.value);
  }
  return headers;
}

}  // namespace sedge::wasi::http
