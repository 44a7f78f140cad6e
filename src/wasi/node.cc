// See node.h.
#include "wasi/node.h"

#include <algorithm>

#include "base/utf8.h"
#include "p2/wasi/filesystem/types.h"
#include "wasi/p1/denial.h"

namespace sedge::wasi {
namespace {

namespace fs = bindings::p2::wasi::filesystem::types;
using Code = fs::ErrorCode;

template <typename E>
uint32_t index(E value) {
  return static_cast<uint32_t>(value);
}

/// What a directory that was given is opened with.
uint64_t directory_flags(const os::Dir& dir) {
  return kNodeRead | (dir.readonly() ? 0 : kNodeMutateDirectory);
}

os::OpenOptions options_of(bool follow, uint64_t how, uint64_t flags) {
  os::OpenOptions options;
  options.read = flags & kNodeRead;
  options.write = flags & kNodeWrite;
  options.create = how & kNodeCreate;
  options.exclusive = how & kNodeExclusive;
  options.truncate = how & kNodeTruncate;
  options.directory = how & kNodeDirectory;
  options.follow = follow;
  if (flags & kNodeFileSync) options.flags |= os::kSync;
  if (flags & kNodeDataSync) options.flags |= os::kDsync;
  if (flags & kNodeWriteSync) options.flags |= os::kRsync;
  return options;
}

}  // namespace

uint32_t error_code_of(Errno value) {
  switch (value) {
    case Errno::acces:
      return index(Code::access);
    case Errno::again:
      return index(Code::would_block);
    case Errno::already:
      return index(Code::already);
    case Errno::badf:
      return index(Code::bad_descriptor);
    case Errno::busy:
      return index(Code::busy);
    case Errno::deadlk:
      return index(Code::deadlock);
    case Errno::dquot:
      return index(Code::quota);
    case Errno::exist:
      return index(Code::exist);
    case Errno::fbig:
      return index(Code::file_too_large);
    case Errno::ilseq:
      return index(Code::illegal_byte_sequence);
    case Errno::inprogress:
      return index(Code::in_progress);
    case Errno::intr:
    case Errno::canceled:
      return index(Code::interrupted);
    case Errno::inval:
      return index(Code::invalid);
    case Errno::isdir:
      return index(Code::is_directory);
    case Errno::loop:
      return index(Code::loop);
    case Errno::mlink:
      return index(Code::too_many_links);
    case Errno::msgsize:
      return index(Code::message_size);
    case Errno::nametoolong:
      return index(Code::name_too_long);
    case Errno::nodev:
      return index(Code::no_device);
    case Errno::noent:
      return index(Code::no_entry);
    case Errno::nolck:
      return index(Code::no_lock);
    case Errno::nomem:
    case Errno::mfile:
    case Errno::nfile:
      return index(Code::insufficient_memory);
    case Errno::nospc:
      return index(Code::insufficient_space);
    case Errno::notdir:
      return index(Code::not_directory);
    case Errno::notempty:
      return index(Code::not_empty);
    case Errno::notrecoverable:
      return index(Code::not_recoverable);
    case Errno::notsup:
    case Errno::nosys:
      return index(Code::unsupported);
    case Errno::notty:
      return index(Code::no_tty);
    case Errno::nxio:
      return index(Code::no_such_device);
    case Errno::overflow:
      return index(Code::overflow);
    case Errno::perm:
    case Errno::notcapable:
      return index(Code::not_permitted);
    case Errno::pipe:
      return index(Code::pipe);
    case Errno::rofs:
      return index(Code::read_only);
    case Errno::spipe:
      return index(Code::invalid_seek);
    case Errno::txtbsy:
      return index(Code::text_file_busy);
    case Errno::xdev:
      return index(Code::cross_device);
    default:
      return index(Code::io);
  }
}

uint32_t descriptor_type_of(os::FileType type) {
  switch (type) {
    case os::FileType::block_device:
      return index(fs::DescriptorType::block_device);
    case os::FileType::character_device:
      return index(fs::DescriptorType::character_device);
    case os::FileType::directory:
      return index(fs::DescriptorType::directory);
    case os::FileType::regular_file:
      return index(fs::DescriptorType::regular_file);
    case os::FileType::socket_dgram:
    case os::FileType::socket_stream:
      return index(fs::DescriptorType::socket);
    case os::FileType::symbolic_link:
      return index(fs::DescriptorType::symbolic_link);
    case os::FileType::unknown:
      break;
  }
  return index(fs::DescriptorType::unknown);
}

NodeHash hash_of(const os::Stat& stat) {
  auto mix = [](uint64_t x) {  // splitmix64
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  };
  uint64_t lower = mix(mix(stat.dev) ^ stat.ino);
  return {lower, mix(lower ^ stat.dev)};
}

// Entries

os::OsResult<std::optional<NodeEntry>> NodeEntries::next() {
  if (entries_.empty() && !ended_)
    if (auto filled = fill(); !filled) return os::Err(filled.error());
  if (entries_.empty()) return std::optional<NodeEntry>();
  NodeEntry entry = std::move(entries_.front());
  entries_.pop_front();
  return std::optional(std::move(entry));
}

os::OsResult<> NodeEntries::fill() {
  constexpr size_t kBatch = 64;
  ended_ = true;
  auto visit = [&](const os::DirEntry& entry) {
    next_ = entry.next;
    if (entry.name != "." && entry.name != "..")
      entries_.push_back({entry.type, std::string(entry.name)});
    ended_ = entries_.size() < kBatch;
    return ended_;
  };
  return directory_->as<p1::DirHandle>()->dir->read_entries(next_, visit);
}

// Nodes

std::optional<Node> Node::preopen(p1::State& guest, uint32_t index) {
  constexpr uint32_t kFirst = 3;
  auto descriptor = guest.fds().get(kFirst + index);
  if (!descriptor) return std::nullopt;
  uint64_t flags = directory_flags(*(*descriptor)->as<p1::DirHandle>()->dir);
  return Node(*std::move(descriptor), flags);
}

os::OsResult<> Node::file_with(uint64_t flag) const {
  if (descriptor_->is_dir()) return os::Err(Errno::isdir);
  if ((flags_ & flag) == 0) return os::Err(Errno::badf);
  return {};
}

os::OsResult<> Node::advise(uint64_t offset, uint64_t length, os::Advice advice) const {
  if (descriptor_->is_dir()) return os::Err(Errno::badf);
  return os::advise(fd(), offset, length, advice);
}

os::OsResult<> Node::sync(bool data_only) const {
  auto done = data_only ? os::datasync(fd()) : os::sync(fd());
  // What cannot be synchronised, a pipe, has nothing to lose.
  if (!done && done.error() == Errno::inval) return {};
  return done;
}

os::OsResult<> Node::set_size(uint64_t size) const {
  if (auto file = writable(); !file) return file;
  return os::set_size(fd(), size);
}

os::OsResult<> Node::set_times(os::TimeChange atim, os::TimeChange mtim) const {
  if (auto* directory = dir()) return directory->dir->set_own_times(atim, mtim);
  if (descriptor_->as<p1::FileHandle>()->readonly) return os::Err(Errno::rofs);
  return os::set_times(fd(), atim, mtim);
}

bool Node::is_same(const Node& other) const {
  auto mine = stat(), its = other.stat();
  return mine && its && mine->dev == its->dev && mine->ino == its->ino;
}

os::OsResult<NodeEntries> Node::entries(p1::State& guest) const {
  auto* directory = dir();
  if (!directory) return os::Err(Errno::notdir);
  if (guest.fds().full()) return os::Err(Errno::mfile);
  // A stream of entries has an offset of its own.
  auto own = directory->dir->duplicate();
  if (!own) return os::Err(own.error());
  auto made = std::make_shared<p1::Descriptor>();
  made->handle = p1::DirHandle{std::make_shared<const os::Dir>(std::move(*own)), std::nullopt,
                               directory->guest};
  made->type = os::FileType::directory;
  auto entry = p1::numbered(guest, made);
  if (!entry) return os::Err(entry.error());
  return NodeEntries(*std::move(entry));
}

// Paths

template <typename F>
auto Node::at(p1::State& guest, const std::string& path, F operation) const
    -> decltype(operation(std::declval<const os::Dir&>())) {
  auto* directory = dir();
  if (!directory) return os::Err(Errno::notdir);
  return p1::noted(guest, *directory, path, operation(*directory->dir));
}

os::OsResult<> Node::create_directory(p1::State& guest, const std::string& path) const {
  return at(guest, path, [&](const os::Dir& dir) { return dir.create_directory(path); });
}
os::OsResult<> Node::remove_directory(p1::State& guest, const std::string& path) const {
  return at(guest, path, [&](const os::Dir& dir) { return dir.remove_directory(path); });
}
os::OsResult<> Node::unlink_file(p1::State& guest, const std::string& path) const {
  return at(guest, path, [&](const os::Dir& dir) { return dir.unlink_file(path); });
}
os::OsResult<> Node::symlink(p1::State& guest, const std::string& target,
                             const std::string& path) const {
  return at(guest, path, [&](const os::Dir& dir) { return dir.symlink(target, path); });
}
os::OsResult<> Node::rename(p1::State& guest, const std::string& from, const Node& to_dir,
                            const std::string& to) const {
  if (!to_dir.dir()) return os::Err(Errno::notdir);
  return at(guest, from,
            [&](const os::Dir& dir) { return dir.rename(from, *to_dir.dir()->dir, to); });
}
os::OsResult<> Node::link(p1::State& guest, bool follow, const std::string& from,
                          const Node& to_dir, const std::string& to) const {
  if (!to_dir.dir()) return os::Err(Errno::notdir);
  return at(guest, from,
            [&](const os::Dir& dir) { return dir.link(from, follow, *to_dir.dir()->dir, to); });
}
os::OsResult<> Node::set_times_at(p1::State& guest, bool follow, const std::string& path,
                                  os::TimeChange atim, os::TimeChange mtim) const {
  return at(guest, path,
            [&](const os::Dir& dir) { return dir.set_times(path, follow, atim, mtim); });
}
os::OsResult<os::Stat> Node::stat_at(p1::State& guest, bool follow, const std::string& path) const {
  return at(guest, path, [&](const os::Dir& dir) { return dir.stat(path, follow); });
}
os::OsResult<std::string> Node::readlink(p1::State& guest, const std::string& path) const {
  auto text = at(guest, path, [&](const os::Dir& dir) { return dir.readlink(path); });
  if (text && !is_utf8(*text)) return os::Err(Errno::ilseq);
  return text;
}

os::OsResult<Node> Node::open(p1::State& guest, bool follow, const std::string& path, uint64_t how,
                              uint64_t flags) const {
  auto* directory = dir();
  if (!directory) return os::Err(Errno::notdir);
  if ((how & kNodeCreate) && (how & kNodeDirectory)) return os::Err(Errno::inval);
  if ((flags & (kNodeRead | kNodeWrite)) == 0) flags |= kNodeRead;
  if (how & kNodeCreate) flags |= kNodeWrite;
  if (guest.fds().full()) return os::Err(Errno::mfile);
  const os::Dir& parent = *directory->dir;
  if (parent.readonly() && (flags & kNodeMutateDirectory))
    return p1::noted(guest, *directory, path, os::OsResult<Node>(os::Err(Errno::rofs)));
  auto opened = at(guest, path, [&](const os::Dir& dir) {
    return dir.open(path, options_of(follow, how, flags));
  });
  if (!opened) return os::Err(opened.error());

  auto made = std::make_shared<p1::Descriptor>();
  auto type = os::type_of(opened->get());
  if (!type) return os::Err(type.error());
  made->type = *type;
  uint64_t kept = flags & ~uint64_t{kNodeMutateDirectory};
  if (*type == os::FileType::directory) {
    auto inner =
        std::make_shared<const os::Dir>(*std::move(opened), parent.readonly(), parent.resolver());
    kept = flags & directory_flags(*inner);
    made->handle =
        p1::DirHandle{std::move(inner), std::nullopt, p1::guest_path(directory->guest, path)};
  } else {
    p1::FileHandle handle;
    handle.fd = opened->get();
    handle.owned = *std::move(opened);
    handle.readonly = parent.readonly();
    made->handle = std::move(handle);
  }
  auto entry = p1::numbered(guest, made);
  if (!entry) return os::Err(entry.error());
  return Node(*std::move(entry), kept);
}

}  // namespace sedge::wasi
