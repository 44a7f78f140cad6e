// The standard streams of one instance that serves: input that was given, output and errors in
// buffers.
#ifndef SEDGE_SERVE_GUEST_STREAMS_H_
#define SEDGE_SERVE_GUEST_STREAMS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sedge/error.h>
#include <sedge/store.h>
#include <sedge/wasi.h>

namespace sedge::serve {

using GuestEnvironment = std::vector<std::pair<std::string, std::string>>;

struct GuestStreams {
  static constexpr size_t kMaxOutput = 16 << 20;
  static constexpr size_t kMaxStderr = 16 << 10;

  std::string input;
  size_t input_at = 0;
  std::string output;
  bool output_full = false;
  std::string error;

  /// A context of `config` whose standard streams are these, which outlive it. Variables of
  /// `extra` are added where `config` has none of that name.
  Result<std::shared_ptr<wasi::Context>> make_context(wasi::Config config,
                                                      const GuestEnvironment& extra);
};

/// What a command has printed, if it ended with status 0 and that is no more than may be kept.
Result<std::string> output_of(GuestStreams& streams, Result<int> status);
/// Says what the user of a route can do about an error of its guest; one that was refused memory
/// usually aborts with a trap that says nothing of it.
Error explain_guest_error(const Store& store, Error error);
/// The remedy for a guest that has not enough memory.
extern const char* const kMemoryRemedy;

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_GUEST_STREAMS_H_
