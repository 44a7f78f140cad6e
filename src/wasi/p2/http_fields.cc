// The `fields` of WASI 0.2 around wasi::http::FieldList.
#include <utility>

#include "wasi/p2/http_types.h"

namespace sedge::wasi::p2 {

using http::HeaderError;
using wasi::http::changed;

Result<std::unique_ptr<Fields>> Fields::view(Store&, std::shared_ptr<const net::Headers> headers) {
  return std::make_unique<Fields>(FieldList::view(std::move(headers)));
}

Result<std::unique_ptr<Fields>> Fields::own(Store& store, net::Headers headers) {
  SEDGE_TRY_ASSIGN(auto made, FieldList::own(store, std::move(headers)));
  if (!made) {  // too large, which this version has no word for
    SEDGE_TRY(wasi::http::header_error<HeaderError>(made.error()));
  }
  return std::make_unique<Fields>(std::move(*made));
}

Result<std::vector<http::FieldValue>> Fields::get(Store&, http::FieldName name) {
  return list_.get(name);
}

Result<bool> Fields::has(Store&, http::FieldName name) { return list_.has(name); }

Result<Outcome<Unit, HeaderError>> Fields::set(Store& store, http::FieldName name,
                                               std::vector<http::FieldValue> value) {
  return changed<HeaderError>(list_.set(store, name, std::move(value)));
}

Result<Outcome<Unit, HeaderError>> Fields::delete_(Store&, http::FieldName name) {
  auto gone = list_.remove(name);
  return changed<HeaderError>(gone ? FieldList::Changed(Unit{}) : host::err(gone.error()));
}

Result<Outcome<Unit, HeaderError>> Fields::append(Store& store, http::FieldName name,
                                                  http::FieldValue value) {
  return changed<HeaderError>(list_.append(store, name, std::move(value)));
}

Result<std::vector<std::tuple<http::FieldName, http::FieldValue>>> Fields::entries(Store&) {
  return list_.entries();
}

Result<std::unique_ptr<http::Fields>> Fields::clone(Store& store) {
  SEDGE_TRY_ASSIGN(auto fields, own(store, *list_.headers()));
  return fields;
}

Result<Outcome<std::unique_ptr<http::Fields>, HeaderError>> fields_from_list(
    Store& store, std::vector<std::tuple<http::FieldName, http::FieldValue>> entries) {
  SEDGE_TRY_ASSIGN(auto made, FieldList::of(store, std::move(entries)));
  if (made) return std::unique_ptr<http::Fields>(std::make_unique<Fields>(std::move(*made)));
  SEDGE_TRY_ASSIGN(auto error, wasi::http::header_error<HeaderError>(made.error()));
  return error;
}

}  // namespace sedge::wasi::p2
