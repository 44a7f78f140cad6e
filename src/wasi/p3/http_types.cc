// See http_types.h.
#include "wasi/p3/http_types.h"

#include <utility>

#include "net/chars.h"
#include "wasi/p2/guest.h"

namespace sedge::wasi::p3 {

using http::HeaderError;
using wasi::http::changed;
using wasi::http::FieldList;

// ---- Fields

Result<std::vector<http::FieldValue>> Fields::get(Store&, http::FieldName name) {
  return list_.get(name);
}
Result<bool> Fields::has(Store&, http::FieldName name) { return list_.has(name); }
Result<Outcome<Unit, HeaderError>> Fields::set(Store& store, http::FieldName name,
                                               std::vector<http::FieldValue> value) {
  return changed<HeaderError>(list_.set(store, name, std::move(value)));
}
Result<Outcome<Unit, HeaderError>> Fields::append(Store& store, http::FieldName name,
                                                  http::FieldValue value) {
  return changed<HeaderError>(list_.append(store, name, std::move(value)));
}
Result<Outcome<std::vector<http::FieldValue>, HeaderError>> Fields::get_and_delete(
    Store&, http::FieldName name) {
  auto gone = list_.remove(name);
  if (gone) return std::move(*gone);
  SEDGE_TRY_ASSIGN(auto error, wasi::http::header_error<HeaderError>(gone.error()));
  return error;
}
Result<Outcome<Unit, HeaderError>> Fields::delete_(Store& store, http::FieldName name) {
  SEDGE_TRY_ASSIGN(auto gone, get_and_delete(store, std::move(name)));
  if (!gone) return host::err(std::move(gone.error()));
  return Unit{};
}
Result<std::vector<std::tuple<http::FieldName, http::FieldValue>>> Fields::copy_all(Store&) {
  return list_.entries();
}

namespace {

using Made = Outcome<std::unique_ptr<http::Fields>, HeaderError>;

Result<Made> made(Result<Outcome<FieldList, wasi::http::FieldError>> list) {
  SEDGE_TRY_ASSIGN(auto fields, std::move(list));
  if (fields) return std::unique_ptr<http::Fields>(std::make_unique<Fields>(std::move(*fields)));
  SEDGE_TRY_ASSIGN(auto error, wasi::http::header_error<HeaderError>(fields.error()));
  return error;
}

/// Where the interface has no word for a refusal, the guest ends.
Result<std::unique_ptr<http::Fields>> made_or_trap(Store& store, net::Headers headers) {
  SEDGE_TRY_ASSIGN(Made fields, made(FieldList::own(store, std::move(headers))));
  if (!fields) return fail(ErrorCode::component_trap, ": the header fields take too much memory");
  return std::move(*fields);
}

}  // namespace

Result<std::unique_ptr<http::Fields>> Fields::clone(Store& store) {
  return made_or_trap(store, *list_.headers());
}

// ---- Requests and responses

std::unique_ptr<Request> Request::of(wasi::http::GuestRequest given) {
  auto request =
      std::make_unique<Request>(std::make_shared<const net::Headers>(std::move(given.headers)),
                                HostContent(std::move(given.body)));
  request->method_ = wasi::http::method_of<http::Method>(given.method);
  request->path_ = std::move(given.path_with_query);
  request->scheme_ = http::Scheme{http::Scheme::Http{}};
  if (!given.authority.empty()) request->authority_ = std::move(given.authority);
  return request;
}

net::HttpResult<net::ClientRequest> Request::head() const {
  return wasi::http::client_request({.method = wasi::http::method_name(method_),
                                     .scheme = wasi::http::scheme_of(scheme_),
                                     .authority = authority_,
                                     .path = path_},
                                    *headers_);
}

Result<bool> Request::fits(Store& store, size_t bytes) {
  SEDGE_TRY_ASSIGN(GuestNetwork * guest, network_of(store));
  bytes += wasi::http::method_name(method_).size();
  if (path_) bytes += path_->size();
  if (authority_) bytes += authority_->size();
  if (const auto* other = scheme_ ? std::get_if<http::Scheme::Other>(&scheme_->value) : nullptr)
    bytes += other->value.size();
  return lease_.grow(guest->memory, bytes);
}

Result<Outcome<Unit, Unit>> Request::set_method(Store& store, http::Method method) {
  std::string_view name = wasi::http::method_name(method);
  if (!net::is_token(name)) return host::err();
  SEDGE_TRY_ASSIGN(bool good, fits(store, name.size()));
  if (!good) return host::err();
  method_ = wasi::http::method_of<http::Method>(name);
  return Unit{};
}

Result<Outcome<Unit, Unit>> Request::set_path_with_query(Store& store,
                                                         std::optional<std::string> path) {
  if (path && !wasi::http::is_path(*path)) return host::err();
  SEDGE_TRY_ASSIGN(bool good, fits(store, path ? path->size() : 0));
  if (!good) return host::err();
  if (path && path->empty()) path = "/";
  path_ = std::move(path);
  return Unit{};
}

Result<Outcome<Unit, Unit>> Request::set_scheme(Store& store, std::optional<http::Scheme> scheme) {
  if (auto* other = scheme ? std::get_if<http::Scheme::Other>(&scheme->value) : nullptr) {
    if (!wasi::http::is_scheme(other->value)) return host::err();
    SEDGE_TRY_ASSIGN(bool good, fits(store, other->value.size()));
    if (!good) return host::err();
    if (net::equals_ignoring_case(other->value, "http"))
      scheme = http::Scheme{http::Scheme::Http{}};
    else if (net::equals_ignoring_case(other->value, "https"))
      scheme = http::Scheme{http::Scheme::Https{}};
  }
  scheme_ = std::move(scheme);
  return Unit{};
}

Result<Outcome<Unit, Unit>> Request::set_authority(Store& store,
                                                   std::optional<std::string> authority) {
  if (authority && !wasi::http::parse_authority(*authority)) return host::err();
  SEDGE_TRY_ASSIGN(bool good, fits(store, authority ? authority->size() : 0));
  if (!good) return host::err();
  authority_ = std::move(authority);
  return Unit{};
}

Result<std::optional<std::unique_ptr<http::RequestOptions>>> Request::get_options(Store&) {
  std::optional<std::unique_ptr<http::RequestOptions>> out;
  if (options_) out = std::make_unique<RequestOptions>(*options_, true);
  return out;
}

Result<Outcome<Unit, Unit>> Response::set_status_code(Store&, http::StatusCode code) {
  if (code < 100 || code > 599) return host::err();
  status_ = code;
  return Unit{};
}

// ---- Constructors and static functions

namespace {

class Types final : public http::Host {
 public:
  Result<std::unique_ptr<http::Fields>> make_fields(Store& store) override {
    return made_or_trap(store, {});
  }
  Result<Made> fields_from_list(
      Store& store, std::vector<std::tuple<http::FieldName, http::FieldValue>> entries) override {
    return made(FieldList::of(store, std::move(entries)));
  }
  Result<std::unique_ptr<http::RequestOptions>> make_request_options(Store&) override {
    return std::make_unique<RequestOptions>();
  }
  Result<std::tuple<std::unique_ptr<http::Request>, host::Future>> request_new(
      Store& store, std::unique_ptr<http::Headers> headers, std::optional<host::Stream> contents,
      host::Future trailers,
      std::optional<std::unique_ptr<http::RequestOptions>> options) override {
    auto [content, sent] = GuestContent::make(store, std::move(contents), std::move(trailers));
    auto request = std::make_unique<Request>(Fields::in(*headers), std::move(content));
    if (options) request->set_options(static_cast<RequestOptions&>(**options).times());
    return std::tuple(std::unique_ptr<http::Request>(std::move(request)), std::move(sent));
  }
  Result<std::tuple<host::Stream, host::Future>> request_consume_body(
      Store& store, std::unique_ptr<http::Request> request, host::Future res) override {
    return consume(store, static_cast<Request&>(*request).take_content(), std::move(res));
  }
  Result<std::tuple<std::unique_ptr<http::Response>, host::Future>> response_new(
      Store& store, std::unique_ptr<http::Headers> headers, std::optional<host::Stream> contents,
      host::Future trailers) override {
    auto [content, sent] = GuestContent::make(store, std::move(contents), std::move(trailers));
    return std::tuple(std::unique_ptr<http::Response>(std::make_unique<Response>(
                          200, Fields::in(*headers), std::move(content))),
                      std::move(sent));
  }
  Result<std::tuple<host::Stream, host::Future>> response_consume_body(
      Store& store, std::unique_ptr<http::Response> response, host::Future res) override {
    return consume(store, static_cast<Response&>(*response).take_content(), std::move(res));
  }
};

}  // namespace

http::Host& http_types_host(Store& store) { return p2::single<Types, http::Host>(store); }

}  // namespace sedge::wasi::p3
