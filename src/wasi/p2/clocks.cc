// See clocks.h. The time zone of the host is not the guest's business: it sees UTC.
#include "wasi/p2/clocks.h"

#include "p2/wasi/clocks/monotonic-clock.h"
#include "p2/wasi/clocks/timezone.h"
#include "p2/wasi/clocks/wall-clock.h"
#include "p2/wasi/random/insecure-seed.h"
#include "p2/wasi/random/insecure.h"
#include "p2/wasi/random/random.h"
#include "wasi/os/clock.h"
#include "wasi/p2/guest.h"
#include "wasi/p2/poll.h"

namespace sedge::wasi::p2 {
namespace {

namespace clocks = bindings::p2::wasi::clocks;
namespace random = bindings::p2::wasi::random;
using clocks::wall_clock::Datetime;

std::unexpected<Error> no_clock(Errno value) {
  return fail(ErrorCode::host_failure, std::string(": clock: ") + errno_name(value));
}

struct Monotonic final : clocks::monotonic_clock::Host {
  Result<uint64_t> now(Store&) override { return os::monotonic_now(); }
  Result<uint64_t> resolution(Store&) override {
    auto value = os::clock_resolution(os::Clock::monotonic);
    if (!value) return no_clock(value.error());
    return *value;
  }
  Result<std::unique_ptr<clocks::monotonic_clock::Pollable>> subscribe_instant(
      Store&, uint64_t when) override {
    return pollable([when] { return Condition::until(when); });
  }
  Result<std::unique_ptr<clocks::monotonic_clock::Pollable>> subscribe_duration(
      Store& store, uint64_t when) override {
    uint64_t now = os::monotonic_now();
    return subscribe_instant(
        store, when > os::Interrupt::kNever - now ? os::Interrupt::kNever : now + when);
  }
};

Result<Datetime> to_datetime(os::OsResult<uint64_t> nanoseconds) {
  constexpr uint64_t kSecond = 1'000'000'000;
  if (!nanoseconds) return no_clock(nanoseconds.error());
  return Datetime{*nanoseconds / kSecond, static_cast<uint32_t>(*nanoseconds % kSecond)};
}

struct Wall final : clocks::wall_clock::Host {
  Result<Datetime> now(Store&) override { return to_datetime(os::clock_now(os::Clock::realtime)); }
  Result<Datetime> resolution(Store&) override {
    return to_datetime(os::clock_resolution(os::Clock::realtime));
  }
};

struct Timezone final : clocks::timezone::Host {
  Result<clocks::timezone::TimezoneDisplay> display(Store&, Datetime) override {
    return clocks::timezone::TimezoneDisplay{0, "UTC", false};
  }
  Result<int32_t> utc_offset(Store&, Datetime) override { return 0; }
};

Result<void> fill(Store& store, std::span<uint8_t> out) {
  p1::StoreInterrupt interrupt(store);
  auto done = os::random_bytes(out, interrupt);
  if (done) return {};
  if (done.error() == Errno::canceled) return fail(interrupt.error());
  return fail(ErrorCode::host_failure, std::string(": random: ") + errno_name(done.error()));
}

struct Random final : random::random::Host {
  Result<Bytes> get_random_bytes(Store& store, uint64_t len) override {
    return random_bytes(store, len);
  }
  Result<uint64_t> get_random_u64(Store& store) override { return random_number(store); }
};
struct Insecure final : random::insecure::Host {
  Result<Bytes> get_insecure_random_bytes(Store& store, uint64_t len) override {
    return random_bytes(store, len);
  }
  Result<uint64_t> get_insecure_random_u64(Store& store) override { return random_number(store); }
};
struct Seed final : random::insecure_seed::Host {
  Result<std::tuple<uint64_t, uint64_t>> insecure_seed(Store& store) override {
    return seed_of(store);
  }
};

}  // namespace

Result<Bytes> random_bytes(Store& store, uint64_t len) {
  constexpr uint64_t kMost = 64 << 20;
  if (len > kMost)
    return fail(ErrorCode::component_trap, ": more than 64 MiB of random bytes at once");
  Bytes out;
  out.data.resize(len);
  SEDGE_TRY(fill(store, {reinterpret_cast<uint8_t*>(out.data.data()), len}));
  return out;
}

Result<uint64_t> random_number(Store& store) {
  uint64_t out = 0;
  SEDGE_TRY(fill(store, {reinterpret_cast<uint8_t*>(&out), sizeof(out)}));
  return out;
}

Result<std::tuple<uint64_t, uint64_t>> seed_of(Store& store) {
  struct Kept {
    uint64_t first, second;
  };
  if (auto* kept = store.data<Kept>()) return std::tuple(kept->first, kept->second);
  auto made = std::make_shared<Kept>();
  SEDGE_TRY_ASSIGN(made->first, random_number(store));
  SEDGE_TRY_ASSIGN(made->second, random_number(store));
  store.set_data(made);
  return std::tuple(made->first, made->second);
}

void link_clocks(ComponentLinker& linker) {
  clocks::monotonic_clock::add_to_linker(linker, single<Monotonic, clocks::monotonic_clock::Host>);
  clocks::wall_clock::add_to_linker(linker, single<Wall, clocks::wall_clock::Host>);
  clocks::timezone::add_to_linker(linker, single<Timezone, clocks::timezone::Host>);
}

void link_random(ComponentLinker& linker) {
  random::random::add_to_linker(linker, single<Random, random::random::Host>);
  random::insecure::add_to_linker(linker, single<Insecure, random::insecure::Host>);
  random::insecure_seed::add_to_linker(linker, single<Seed, random::insecure_seed::Host>);
}

}  // namespace sedge::wasi::p2
