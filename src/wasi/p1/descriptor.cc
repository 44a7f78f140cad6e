// Descriptor table and the transfers that depend on what a descriptor is.
#include "wasi/p1/descriptor.h"

#include <unistd.h>

#include <algorithm>

#include "wasi/os/socket.h"

namespace sedge::wasi::p1 {
namespace {

/// A terminal must not carry the rights to seek: by that wasi-libc's isatty tells it from other
/// character devices.
uint64_t stream_rights(int fd, os::FileType type) {
  switch (type) {
    case os::FileType::regular_file:
    case os::FileType::block_device:
      return kFileRights;
    case os::FileType::character_device:
      return ::isatty(fd) ? kStreamRights : kStreamRights | kFdSeek | kFdTell;
    default:
      return kStreamRights;
  }
}

std::shared_ptr<Descriptor> inherited(int number, uint64_t without) {
  auto out = std::make_shared<Descriptor>();
  out->handle = FileHandle{Fd(), number, true};
  out->type = os::type_of(number).value_or(os::FileType::unknown);
  out->rights = stream_rights(number, out->type) & ~without;
  return out;
}

}  // namespace

int Descriptor::kernel_fd() const {
  if (auto* file = std::get_if<FileHandle>(&handle)) return file->fd;
  if (auto* dir = std::get_if<DirHandle>(&handle)) return dir->dir->fd();
  if (auto* socket = std::get_if<SocketHandle>(&handle)) return socket->fd.get();
  return -1;
}

os::Waiting Descriptor::waiting() const {
  if (type == os::FileType::regular_file || type == os::FileType::block_device)
    return os::Waiting::never;
  return flags & os::kNonblock ? os::Waiting::refuse : os::Waiting::slices;
}

OsResult<size_t> Descriptor::read(std::span<const iovec> to, os::Interrupt& interrupt) {
  if (is_dir()) return Err(Errno::isdir);
  if (auto* source = as<SourceHandle>()) {
    std::lock_guard lock(mutex);
    size_t total = 0;
    for (const iovec& part : to) {
      std::span<uint8_t> room(static_cast<uint8_t*>(part.iov_base), part.iov_len);
      if (room.empty()) continue;
      if (source->callback) {
        // One piece per call: the callback may be waiting for more.
        return std::min(source->callback(room), room.size());
      }
      size_t size = std::min(room.size(), source->data.size() - source->position);
      std::memcpy(room.data(), source->data.data() + source->position, size);
      source->position += size;
      total += size;
    }
    return total;
  }
  int fd = kernel_fd();
  if (fd < 0) return Err(Errno::badf);
  return os::read(fd, to, waiting(), interrupt);
}

OsResult<size_t> Descriptor::write(std::span<const iovec> from, os::Interrupt& interrupt) {
  if (is_dir()) return Err(Errno::isdir);
  if (auto* sink = as<SinkHandle>()) {
    std::lock_guard lock(mutex);
    size_t total = 0;
    for (const iovec& part : from) {
      std::string_view text(static_cast<const char*>(part.iov_base), part.iov_len);
      if (sink->capture) {
        size_t room =
            sink->capture->limit - std::min(sink->capture->limit, sink->capture->data.size());
        if (text.size() > room) {
          sink->capture->overflowed = true;
          text = text.substr(0, room);
          sink->capture->data.append(text);
          total += text.size();
          if (total == 0) return Err(Errno::nospc);
          return total;
        }
        sink->capture->data.append(text);
      } else if (sink->callback && !text.empty() && !sink->callback(text)) {
        return Err(Errno::io);
      }
      total += text.size();
    }
    return total;
  }
  int fd = kernel_fd();
  if (fd < 0) return Err(Errno::badf);
  // write(2) on a socket whose peer is gone would raise SIGPIPE in this process.
  if (as<SocketHandle>()) return os::send(fd, from, nullptr, flags & os::kNonblock, interrupt);
  return os::write(fd, from, waiting(), interrupt);
}

OsResult<uint32_t> FdTable::add(std::shared_ptr<Descriptor> descriptor) {
  std::lock_guard lock(mutex_);
  if (open_ >= limit_) return Err(Errno::mfile);
  auto free = std::find(table_.begin(), table_.end(), nullptr);
  auto number = static_cast<uint32_t>(free - table_.begin());
  if (free == table_.end())
    table_.push_back(std::move(descriptor));
  else
    *free = std::move(descriptor);
  ++open_;
  return number;
}

OsResult<std::shared_ptr<Descriptor>> FdTable::get(uint32_t fd) const {
  std::lock_guard lock(mutex_);
  if (fd >= table_.size() || !table_[fd]) return Err(Errno::badf);
  return table_[fd];
}

OsResult<> FdTable::close(uint32_t fd) {
  std::shared_ptr<Descriptor> last;  // destroyed after the lock is gone: close(2) may take long
  std::lock_guard lock(mutex_);
  if (fd >= table_.size() || !table_[fd]) return Err(Errno::badf);
  last = std::move(table_[fd]);
  table_[fd] = nullptr;
  --open_;
  return {};
}

OsResult<> FdTable::renumber(uint32_t from, uint32_t to) {
  std::shared_ptr<Descriptor> last;
  std::lock_guard lock(mutex_);
  if (from >= table_.size() || !table_[from]) return Err(Errno::badf);
  if (to >= table_.size() || !table_[to]) return Err(Errno::badf);
  if (from == to) return {};
  last = std::move(table_[to]);
  table_[to] = std::move(table_[from]);
  table_[from] = nullptr;
  --open_;
  return {};
}

bool FdTable::full() const {
  std::lock_guard lock(mutex_);
  return open_ >= limit_;
}

uint32_t FdTable::open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

std::shared_ptr<Descriptor> standard_input(Input input) {
  if (std::holds_alternative<Inherit>(input)) return inherited(0, kFdWrite);
  auto out = std::make_shared<Descriptor>();
  SourceHandle source;
  if (auto* text = std::get_if<std::string>(&input)) source.data = std::move(*text);
  if (auto* callback = std::get_if<InputCallback>(&input)) source.callback = std::move(*callback);
  out->handle = std::move(source);
  out->rights = kStreamRights & ~kFdWrite;
  return out;
}

std::shared_ptr<Descriptor> standard_output(Output output, int number) {
  if (std::holds_alternative<Inherit>(output)) return inherited(number, kFdRead);
  auto out = std::make_shared<Descriptor>();
  SinkHandle sink;
  if (auto* capture = std::get_if<std::shared_ptr<Capture>>(&output))
    sink.capture = std::move(*capture);
  if (auto* callback = std::get_if<OutputCallback>(&output)) sink.callback = std::move(*callback);
  out->handle = std::move(sink);
  out->rights = kStreamRights & ~kFdRead;
  return out;
}

}  // namespace sedge::wasi::p1
