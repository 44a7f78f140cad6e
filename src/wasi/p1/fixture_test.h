// What the tests of WASI 0.1 share: a store with a context, and a piece of memory that stands for
// the guest's, so that functions are called without a module.
#ifndef SEDGE_WASI_P1_FIXTURE_TEST_H_
#define SEDGE_WASI_P1_FIXTURE_TEST_H_

#include <gtest/gtest.h>
#include <sedge/sedge.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "wasi/p1/call.h"

namespace sedge::wasi::p1 {

/// A guest without code. Memory is 64 KiB; `put` and `get` are its loads and stores.
class Guest {
 public:
  explicit Guest(Config config = {}, Snapshot edition = Snapshot::preview1)
      : engine(*Engine::create()), store(engine), snapshot(edition) {
    auto made = Context::create(std::move(config));
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().render());
    context = std::move(*made);
  }

  Call call() { return Call(store, *context, bytes, snapshot); }
  /// Calls a function; the test fails if it ends the guest.
  template <typename... P, typename... A>
  Errno operator()(Answer (*function)(Call&, P...), A... args) {
    Call one = call();
    Answer result = function(one, static_cast<P>(args)...);
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().render());
    return result ? *result : Errno::canceled;
  }
  template <typename T>
  void put(u32 address, T value) {
    std::memcpy(bytes.data() + address, &value, sizeof(T));
  }
  template <typename T>
  T get(u32 address) const {
    T value;
    std::memcpy(&value, bytes.data() + address, sizeof(T));
    return value;
  }
  u32 word(u32 address) const { return get<u32>(address); }
  /// Places text and says how long it is.
  u32 text(u32 address, std::string_view value) {
    std::memcpy(bytes.data() + address, value.data(), value.size());
    return static_cast<u32>(value.size());
  }
  std::string string(u32 address, u32 size) const {
    return std::string(reinterpret_cast<const char*>(bytes.data()) + address, size);
  }
  void iovec_at(u32 address, u32 buffer, u32 size) {
    put(address, buffer);
    put(address + 4, size);
  }

  /// path_open with every right, beneath descriptor `dir`.
  Errno open(std::string_view path, u32 oflags, u32& fd, u32 dir = 3, u64 rights = kAllRights,
             u32 fdflags = 0) {
    constexpr u32 kPath = 60000, kOut = 64000;
    Errno result = (*this)(path_open, dir, 1, kPath, text(kPath, path), oflags, rights, kAllRights,
                           fdflags, kOut);
    fd = word(kOut);
    return result;
  }
  Errno write(u32 fd, std::string_view value) {
    constexpr u32 kText = 50000, kIov = 64008, kOut = 64000;
    iovec_at(kIov, kText, text(kText, value));
    return (*this)(fd_write, fd, kIov, 1, kOut);
  }
  /// What one fd_read of at most `size` bytes gives.
  std::string read(u32 fd, u32 size) {
    constexpr u32 kText = 50000, kIov = 64008, kOut = 64000;
    iovec_at(kIov, kText, size);
    Errno result = (*this)(fd_read, fd, kIov, 1, kOut);
    if (result != Errno::success) return std::string("error ") + errno_name(result);
    return string(kText, word(kOut));
  }

  Engine engine;
  Store store;
  Snapshot snapshot;
  std::shared_ptr<Context> context;
  std::vector<uint8_t> bytes = std::vector<uint8_t>(65536);
};

/// A temporary folder of the host.
class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/sedge-p1-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  void write(const char* name, std::string_view text) const { std::ofstream(path_ / name) << text; }
  std::string read(const char* name) const {
    std::ifstream in(path_ / name);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  Config config(bool readonly = false) const {
    Config out;
    out.preopens.push_back({path_.string(), "/data", readonly});
    return out;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_FIXTURE_TEST_H_
