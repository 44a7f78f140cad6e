// Header fields as guests of both WASI versions have them: what may stand in them, how they are
// found and what they cost. RFC 9110 section 5.
#ifndef SEDGE_WASI_HTTP_FIELD_LIST_H_
#define SEDGE_WASI_HTTP_FIELD_LIST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <sedge/host.h>

#include "net/http.h"
#include "wasi/network.h"

namespace sedge::wasi::http {

/// Why fields were left as they are; the first cases of wasi:http's `header-error`.
enum class FieldError : uint8_t { invalid_syntax, forbidden, immutable, size_exceeded };

/// The value of `fields`. Names keep the case in which they first came and are found in any.
class FieldList {
 public:
  using Entries = std::vector<std::tuple<std::string, host::Bytes>>;
  using Changed = host::Outcome<host::Unit, FieldError>;

  /// Fields of a message, which nobody may change.
  static FieldList view(std::shared_ptr<const net::Headers> headers);
  /// Fields of the guest's own. Refused where they take too much memory. Error: host_failure.
  static Result<host::Outcome<FieldList, FieldError>> own(Store& store, net::Headers headers);
  /// The same of entries that a guest gives.
  static Result<host::Outcome<FieldList, FieldError>> of(Store& store, Entries entries);

  const std::shared_ptr<const net::Headers>& headers() const { return headers_; }
  std::vector<host::Bytes> get(std::string_view name) const;
  bool has(std::string_view name) const;
  Entries entries() const;

  // Error of all: host_failure.
  Result<Changed> set(Store& store, std::string_view name, std::vector<host::Bytes> values);
  Result<Changed> append(Store& store, std::string_view name, host::Bytes value);
  /// The values that are gone.
  host::Outcome<std::vector<host::Bytes>, FieldError> remove(std::string_view name);

 private:
  /// What they take of the guest's memory is held for as long as anything refers to them.
  struct Owned {
    net::Headers headers;
    net::BodyLease lease;
  };
  explicit FieldList(std::shared_ptr<const net::Headers> headers) : headers_(std::move(headers)) {}
  explicit FieldList(std::shared_ptr<Owned> owned)
      : headers_(owned, &owned->headers), owned_(std::move(owned)) {}
  void add(std::string_view name, std::string value);
  Result<Changed> account(Store& store);

  std::shared_ptr<const net::Headers> headers_;
  std::shared_ptr<Owned> owned_;  // the same if they may be changed
};

/// The fields of a message that a guest is to see.
net::Headers headers_of(const net::Message& message);

/// A FieldError as the interface's own `header-error`; those that it lacks are a trap.
template <typename HeaderError>
Result<host::Err<HeaderError>> header_error(FieldError error) {
  switch (error) {
    case FieldError::invalid_syntax:
      return host::Err<HeaderError>{HeaderError{typename HeaderError::InvalidSyntax{}}};
    case FieldError::forbidden:
      return host::Err<HeaderError>{HeaderError{typename HeaderError::Forbidden{}}};
    case FieldError::immutable:
      return host::Err<HeaderError>{HeaderError{typename HeaderError::Immutable{}}};
    case FieldError::size_exceeded:
      break;
  }
  if constexpr (requires { typename HeaderError::SizeExceeded; })
    return host::Err<HeaderError>{HeaderError{typename HeaderError::SizeExceeded{}}};
  else
    return fail(ErrorCode::component_trap, ": the header fields take too much memory");
}

/// What a change gave, in the interface's own terms.
template <typename HeaderError>
Result<host::Outcome<host::Unit, HeaderError>> changed(Result<FieldList::Changed> outcome) {
  SEDGE_TRY_ASSIGN(FieldList::Changed done, std::move(outcome));
  if (done) return host::Unit{};
  SEDGE_TRY_ASSIGN(host::Err<HeaderError> error, header_error<HeaderError>(done.error()));
  return error;
}

}  // namespace sedge::wasi::http

#endif  // SEDGE_WASI_HTTP_FIELD_LIST_H_
