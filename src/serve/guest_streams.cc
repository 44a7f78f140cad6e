// See guest_streams.h.
#include "serve/guest_streams.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace sedge::serve {

const char* const kMemoryRemedy = "raise memory_limit_mb of the route";

Result<std::shared_ptr<wasi::Context>> GuestStreams::make_context(wasi::Config config,
                                                                  const GuestEnvironment& extra) {
  for (const auto& variable : extra)
    if (std::ranges::find(config.env, variable.first, &GuestEnvironment::value_type::first) ==
        config.env.end())
      config.env.push_back(variable);
  config.input = wasi::InputCallback([this](std::span<uint8_t> buffer) {
    size_t size = std::min(buffer.size(), input.size() - input_at);
    std::memcpy(buffer.data(), input.data() + input_at, size);
    input_at += size;
    return size;
  });
  config.output = wasi::OutputCallback([this](std::string_view bytes) {
    if (bytes.size() > kMaxOutput - output.size()) {
      output_full = true;
      return false;
    }
    output += bytes;
    return true;
  });
  config.error = wasi::OutputCallback([this](std::string_view bytes) {
    error += bytes.substr(0, kMaxStderr - std::min(kMaxStderr, error.size()));
    return true;
  });
  return wasi::Context::create(std::move(config));
}

Result<std::string> output_of(GuestStreams& streams, Result<int> status) {
  if (!status) return fail(std::move(status).error());
  if (*status != 0) {
    Error error(ErrorCode::guest_exit, fmt::format(" with status {}", *status));
    error.set_guest_exit_status(*status);
    return fail(std::move(error));
  }
  if (streams.output_full)
    return fail(ErrorCode::bad_answer,
                fmt::format(": the function printed more than {} bytes", GuestStreams::kMaxOutput));
  return std::move(streams.output);
}

Error explain_guest_error(const Store& store, Error error) {
  std::optional<RefusedGrowth> refused = store.refused_growth();
  bool aborted = error.phase() == Phase::trap || error.code() == ErrorCode::guest_exit;
  if (refused && refused->by_store_limit && aborted) {
    constexpr double kMiB = 1 << 20;
    Error named(
        ErrorCode::out_of_memory,
        fmt::format(": the function asked for {:.1f} MiB of memory, the route allows {:.1f} MiB; "
                    "it then ended with: {}",
                    static_cast<double>(refused->asked_bytes) / kMiB,
                    static_cast<double>(refused->limit_bytes) / kMiB, error.message()));
    named.set_remedy(kMemoryRemedy);
    return named;
  }
  if (error.code() == ErrorCode::deadline_exceeded)
    error.set_remedy("raise timeout_ms of the route");
  if (error.code() == ErrorCode::out_of_memory) error.set_remedy(kMemoryRemedy);
  return error;
}

}  // namespace sedge::serve
