// See streams.h.
#include "wasi/p2/streams.h"

#include <algorithm>

namespace sedge::wasi::p2 {

host::Err<StreamError> closed() { return {StreamError{StreamError::Closed{}}}; }

host::Err<StreamError> failed(std::unique_ptr<IoError> error) {
  return {StreamError{StreamError::LastOperationFailed{std::move(error)}}};
}

host::Err<StreamError> failed(Errno value) {
  if (value == Errno::pipe) return closed();
  return failed(std::make_unique<IoError>(value));
}

// Input

Result<Streamed<Bytes>> InputStream::read(Store& store, uint64_t len) {
  if (ended_) return closed();
  if (len == 0) return Bytes{};
  SEDGE_TRY_ASSIGN(auto taken, take(store, std::min(len, kMaxTransfer)));
  if (!taken) {
    ended_ = true;
    return host::err(std::move(taken.error()));
  }
  return Bytes{std::move(*taken)};
}

Result<Streamed<Bytes>> InputStream::blocking_read(Store& store, uint64_t len) {
  if (len == 0) return read(store, len);
  for (;;) {
    SEDGE_TRY(wait_for(store, watch()));
    SEDGE_TRY_ASSIGN(auto bytes, read(store, len));
    if (!bytes || !bytes->data.empty()) return bytes;
  }
}

Result<Streamed<uint64_t>> InputStream::skip(Store& store, uint64_t len) {
  SEDGE_TRY_ASSIGN(auto bytes, read(store, len));
  if (!bytes) return host::err(std::move(bytes.error()));
  return bytes->data.size();
}

Result<Streamed<uint64_t>> InputStream::blocking_skip(Store& store, uint64_t len) {
  SEDGE_TRY_ASSIGN(auto bytes, blocking_read(store, len));
  if (!bytes) return host::err(std::move(bytes.error()));
  return bytes->data.size();
}

Result<std::unique_ptr<bindings::p2::wasi::io::poll::Pollable>> InputStream::subscribe(Store&) {
  return pollable(watch());
}

// Output

Result<Streamed<uint64_t>> OutputStream::check_write(Store& store) {
  permitted_ = 0;
  SEDGE_TRY_ASSIGN(auto bytes, room(store));
  if (bytes) permitted_ = *bytes;
  return bytes;
}

Result<Streamed<Unit>> OutputStream::put_permitted(Store& store, std::string_view bytes) {
  if (bytes.size() > permitted_)
    return fail(ErrorCode::component_trap, ": a write of more than check-write has permitted");
  permitted_ -= bytes.size();
  if (bytes.empty()) return Unit{};
  return put(store, bytes);
}

Result<Streamed<Unit>> OutputStream::put_waiting(Store& store, std::string_view bytes) {
  while (!bytes.empty()) {
    SEDGE_TRY_ASSIGN(auto space, room(store));
    if (!space) return host::err(std::move(space.error()));
    if (*space == 0) {
      SEDGE_TRY(wait_for(store, watch()));
      continue;
    }
    std::string_view part = bytes.substr(0, *space);
    SEDGE_TRY_ASSIGN(auto done, put(store, part));
    if (!done) return done;
    bytes.remove_prefix(part.size());
  }
  return blocking_flush(store);
}

Result<Streamed<Unit>> OutputStream::write(Store& store, Bytes contents) {
  return put_permitted(store, contents.data);
}

Result<Streamed<Unit>> OutputStream::blocking_write_and_flush(Store& store, Bytes contents) {
  return put_waiting(store, contents.data);
}

Result<Streamed<Unit>> OutputStream::flush(Store& store) { return begin_flush(store); }

Result<Streamed<Unit>> OutputStream::blocking_flush(Store& store) {
  SEDGE_TRY_ASSIGN(auto begun, begin_flush(store));
  if (!begun) return begun;
  SEDGE_TRY(wait_for(store, watch()));
  return Unit{};
}

Result<std::unique_ptr<bindings::p2::wasi::io::poll::Pollable>> OutputStream::subscribe(Store&) {
  return pollable(watch());
}

Result<Streamed<Unit>> OutputStream::write_zeroes(Store& store, uint64_t len) {
  if (len > permitted_)
    return fail(ErrorCode::component_trap, ": a write of more than check-write has permitted");
  return put_permitted(store, std::string(len, '\0'));
}

Result<Streamed<Unit>> OutputStream::blocking_write_zeroes_and_flush(Store& store, uint64_t len) {
  constexpr uint64_t kMost = 4096;  // as the interface says
  if (len > kMost)
    return fail(ErrorCode::component_trap,
                ": blocking-write-zeroes-and-flush of more than 4096 bytes");
  return put_waiting(store, std::string(len, '\0'));
}

Result<Streamed<uint64_t>> OutputStream::splice(Store& store, streams::InputStream& src,
                                                uint64_t len) {
  SEDGE_TRY_ASSIGN(auto space, check_write(store));
  if (!space) return space;
  SEDGE_TRY_ASSIGN(auto bytes, src.read(store, std::min(len, *space)));
  if (!bytes) return host::err(std::move(bytes.error()));
  SEDGE_TRY_ASSIGN(auto done, put_permitted(store, bytes->data));
  if (!done) return host::err(std::move(done.error()));
  return bytes->data.size();
}

Result<Streamed<uint64_t>> OutputStream::blocking_splice(Store& store, streams::InputStream& src,
                                                         uint64_t len) {
  if (len == 0) return uint64_t{0};
  SEDGE_TRY(wait_for(store, watch()));
  SEDGE_TRY_ASSIGN(auto bytes, src.blocking_read(store, std::min(len, kMaxTransfer)));
  if (!bytes) return host::err(std::move(bytes.error()));
  SEDGE_TRY_ASSIGN(auto done, put_waiting(store, bytes->data));
  if (!done) return host::err(std::move(done.error()));
  return bytes->data.size();
}

// Descriptors

namespace {

/// An Errno that comes of an interruption ends the guest; any other one is the guest's.
template <typename T>
Result<Streamed<T>> stream_error(Store& store, Errno value) {
  p1::StoreInterrupt interrupt(store);
  if (value == Errno::canceled && interrupt.requested()) return fail(interrupt.error());
  return failed(value);
}

/// Ready at once for regular files and what is in memory.
Watch watch_descriptor(std::shared_ptr<p1::Descriptor> descriptor, short events) {
  return [descriptor = std::move(descriptor), events] {
    int fd = descriptor->kernel_fd();
    bool waits = fd >= 0 && descriptor->waiting() != os::Waiting::never;
    return waits ? Condition::when(fd, events) : Condition::now();
  };
}

bool is_ready(const Watch& watch) {
  Condition condition = watch();
  if (condition.ready) return true;
  pollfd one{condition.fd, condition.events, 0};
  return ::poll(&one, 1, 0) > 0;
}

class DescriptorInput final : public InputStream {
 public:
  explicit DescriptorInput(std::shared_ptr<p1::Descriptor> descriptor)
      : descriptor_(std::move(descriptor)) {}

  Result<Streamed<std::string>> take(Store& store, size_t len) override {
    if (!is_ready(watch())) return std::string();
    std::string out(len, '\0');
    iovec to{out.data(), out.size()};
    p1::StoreInterrupt interrupt(store);
    auto size = descriptor_->read({&to, 1}, interrupt);
    if (!size) return stream_error<std::string>(store, size.error());
    if (*size == 0) return closed();
    out.resize(*size);
    return out;
  }
  Watch watch() override { return watch_descriptor(descriptor_, POLLIN); }

 private:
  std::shared_ptr<p1::Descriptor> descriptor_;
};

class DescriptorOutput final : public OutputStream {
 public:
  explicit DescriptorOutput(std::shared_ptr<p1::Descriptor> descriptor)
      : descriptor_(std::move(descriptor)) {}

  Result<Streamed<uint64_t>> room(Store&) override {
    return is_ready(watch()) ? kMaxTransfer : uint64_t{0};
  }
  Result<Streamed<Unit>> put(Store& store, std::string_view bytes) override {
    p1::StoreInterrupt interrupt(store);
    while (!bytes.empty()) {
      iovec from{const_cast<char*>(bytes.data()), bytes.size()};
      auto size = descriptor_->write({&from, 1}, interrupt);
      if (!size) return stream_error<Unit>(store, size.error());
      bytes.remove_prefix(*size);
    }
    return Unit{};
  }
  Watch watch() override { return watch_descriptor(descriptor_, POLLOUT); }

 private:
  std::shared_ptr<p1::Descriptor> descriptor_;
};

class FileInput final : public InputStream {
 public:
  FileInput(std::shared_ptr<p1::Descriptor> file, uint64_t offset)
      : file_(std::move(file)), offset_(offset) {}

  Result<Streamed<std::string>> take(Store& store, size_t len) override {
    std::string out(len, '\0');
    iovec to{out.data(), out.size()};
    auto size = os::pread(file_->kernel_fd(), {&to, 1}, offset_);
    if (!size) return stream_error<std::string>(store, size.error());
    if (*size == 0) return closed();
    out.resize(*size);
    offset_ += *size;
    return out;
  }
  Watch watch() override {
    return [] { return Condition::now(); };
  }

 private:
  std::shared_ptr<p1::Descriptor> file_;
  uint64_t offset_;
};

class FileOutput final : public OutputStream {
 public:
  FileOutput(std::shared_ptr<p1::Descriptor> file, std::optional<uint64_t> offset)
      : file_(std::move(file)), offset_(offset) {}

  Result<Streamed<uint64_t>> room(Store&) override { return kMaxTransfer; }
  Result<Streamed<Unit>> put(Store& store, std::string_view bytes) override {
    while (!bytes.empty()) {
      iovec from{const_cast<char*>(bytes.data()), bytes.size()};
      int fd = file_->kernel_fd();
      auto size = offset_ ? os::pwrite(fd, {&from, 1}, *offset_) : os::append(fd, {&from, 1});
      if (!size) return stream_error<Unit>(store, size.error());
      if (offset_) *offset_ += *size;
      bytes.remove_prefix(*size);
    }
    return Unit{};
  }
  Watch watch() override {
    return [] { return Condition::now(); };
  }

 private:
  std::shared_ptr<p1::Descriptor> file_;
  std::optional<uint64_t> offset_;
};

}  // namespace

std::unique_ptr<InputStream> input_of(std::shared_ptr<p1::Descriptor> descriptor) {
  return std::make_unique<DescriptorInput>(std::move(descriptor));
}
std::unique_ptr<OutputStream> output_of(std::shared_ptr<p1::Descriptor> descriptor) {
  return std::make_unique<DescriptorOutput>(std::move(descriptor));
}
std::unique_ptr<InputStream> file_input(std::shared_ptr<p1::Descriptor> file, uint64_t offset) {
  return std::make_unique<FileInput>(std::move(file), offset);
}
std::unique_ptr<OutputStream> file_output(std::shared_ptr<p1::Descriptor> file,
                                          std::optional<uint64_t> offset) {
  return std::make_unique<FileOutput>(std::move(file), offset);
}

}  // namespace sedge::wasi::p2
