// See filesystem.h: types of the interface around wasi::Node.
#include "wasi/p2/filesystem.h"

#include <algorithm>

#include "base/utf8.h"
#include "wasi/node.h"
#include "wasi/p2/streams.h"

namespace sedge::wasi::p2 {
namespace {

namespace fs = bindings::p2::wasi::filesystem::types;
using Code = fs::ErrorCode;
template <typename T>
using Answer = Result<Outcome<T, Code>>;

Code to_code(Errno value) { return static_cast<Code>(error_code_of(value)); }
host::Err<Code> refused(Errno value) { return {to_code(value)}; }
Answer<Unit> done(const os::OsResult<>& result) {
  if (!result) return refused(result.error());
  return Unit{};
}

constexpr uint64_t kSecond = 1'000'000'000;

fs::DescriptorStat to_stat(const os::Stat& stat) {
  auto time = [](uint64_t at) {
    return fs::Datetime{at / kSecond, static_cast<uint32_t>(at % kSecond)};
  };
  return {static_cast<fs::DescriptorType>(descriptor_type_of(stat.type)),
          stat.nlink,
          stat.size,
          time(stat.atim),
          time(stat.mtim),
          time(stat.ctim)};
}

/// None if the time has no place in 64 bits of nanoseconds.
std::optional<os::TimeChange> to_change(const fs::NewTimestamp& time) {
  using Kind = os::TimeChange::Kind;
  if (std::holds_alternative<fs::NewTimestamp::NoChange>(time.value)) return os::TimeChange{};
  if (std::holds_alternative<fs::NewTimestamp::Now>(time.value)) return os::TimeChange{Kind::now};
  const fs::Datetime& at = std::get<fs::NewTimestamp::Timestamp>(time.value).value;
  if (at.nanoseconds >= kSecond || at.seconds > UINT64_MAX / kSecond - 1) return std::nullopt;
  return os::TimeChange{Kind::set, at.seconds * kSecond + at.nanoseconds};
}

class EntryStream final : public fs::DirectoryEntryStream {
 public:
  explicit EntryStream(NodeEntries entries) : entries_(std::move(entries)) {}

  Answer<std::optional<fs::DirectoryEntry>> read_directory_entry(Store&) override {
    auto entry = entries_.next();
    if (!entry) return refused(entry.error());
    if (!*entry) return std::optional<fs::DirectoryEntry>();
    if (!is_utf8((*entry)->name)) return refused(Errno::ilseq);
    return std::optional(fs::DirectoryEntry{
        static_cast<fs::DescriptorType>(descriptor_type_of((*entry)->type)), (*entry)->name});
  }

 private:
  NodeEntries entries_;
};

class Descriptor final : public fs::Descriptor {
 public:
  explicit Descriptor(Node node) : node_(std::move(node)) {}

  Answer<std::unique_ptr<fs::InputStream>> read_via_stream(Store&, uint64_t offset) override {
    if (auto file = node_.readable(); !file) return refused(file.error());
    return file_input(node_.descriptor(), offset);
  }
  Answer<std::unique_ptr<fs::OutputStream>> write_via_stream(Store&, uint64_t offset) override {
    if (auto file = node_.writable(); !file) return refused(file.error());
    return file_output(node_.descriptor(), offset);
  }
  Answer<std::unique_ptr<fs::OutputStream>> append_via_stream(Store&) override {
    if (auto file = node_.writable(); !file) return refused(file.error());
    return file_output(node_.descriptor(), std::nullopt);
  }

  Answer<Unit> advise(Store&, uint64_t offset, uint64_t length, fs::Advice advice) override {
    return done(node_.advise(offset, length, static_cast<os::Advice>(advice)));
  }
  Answer<Unit> sync_data(Store&) override { return done(node_.sync(true)); }
  Answer<Unit> sync(Store&) override { return done(node_.sync(false)); }
  Answer<fs::DescriptorFlags> get_flags(Store&) override {
    return fs::DescriptorFlags{{node_.flags()}};
  }
  Answer<fs::DescriptorType> get_type(Store&) override {
    return static_cast<fs::DescriptorType>(descriptor_type_of(node_.type()));
  }
  Answer<Unit> set_size(Store&, uint64_t size) override { return done(node_.set_size(size)); }
  Answer<Unit> set_times(Store&, fs::NewTimestamp access, fs::NewTimestamp modification) override {
    auto atim = to_change(access), mtim = to_change(modification);
    if (!atim || !mtim) return refused(Errno::overflow);
    return done(node_.set_times(*atim, *mtim));
  }

  Answer<std::tuple<Bytes, bool>> read(Store&, uint64_t length, uint64_t offset) override {
    if (auto file = node_.readable(); !file) return refused(file.error());
    Bytes out;
    out.data.resize(std::min(length, kMaxTransfer));
    iovec to{out.data.data(), out.data.size()};
    auto size = os::pread(node_.descriptor()->kernel_fd(), {&to, 1}, offset);
    if (!size) return refused(size.error());
    out.data.resize(*size);
    return std::tuple(std::move(out), *size == 0 && length != 0);
  }
  Answer<uint64_t> write(Store&, Bytes buffer, uint64_t offset) override {
    if (auto file = node_.writable(); !file) return refused(file.error());
    iovec from{buffer.data.data(), buffer.data.size()};
    auto size = os::pwrite(node_.descriptor()->kernel_fd(), {&from, 1}, offset);
    if (!size) return refused(size.error());
    return uint64_t{*size};
  }

  Answer<std::unique_ptr<fs::DirectoryEntryStream>> read_directory(Store& store) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    auto entries = node_.entries(*guest);
    if (!entries) return refused(entries.error());
    return std::make_unique<EntryStream>(*std::move(entries));
  }

  Answer<fs::DescriptorStat> stat(Store&) override { return to_stat(node_.stat()); }
  Result<bool> is_same_object(Store&, fs::Descriptor& other) override {
    return node_.is_same(of(other));
  }
  Answer<fs::MetadataHashValue> metadata_hash(Store&) override { return to_hash(node_.stat()); }

  // Paths

  Answer<Unit> create_directory_at(Store& store, std::string path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return done(node_.create_directory(*guest, path));
  }
  Answer<fs::DescriptorStat> stat_at(Store& store, fs::PathFlags flags, std::string path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return to_stat(node_.stat_at(*guest, follows(flags), path));
  }
  Answer<fs::MetadataHashValue> metadata_hash_at(Store& store, fs::PathFlags flags,
                                                 std::string path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return to_hash(node_.stat_at(*guest, follows(flags), path));
  }
  Answer<Unit> set_times_at(Store& store, fs::PathFlags flags, std::string path,
                            fs::NewTimestamp access, fs::NewTimestamp modification) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    auto atim = to_change(access), mtim = to_change(modification);
    if (!atim || !mtim) return refused(Errno::overflow);
    return done(node_.set_times_at(*guest, follows(flags), path, *atim, *mtim));
  }
  Answer<Unit> link_at(Store& store, fs::PathFlags flags, std::string old_path,
                       fs::Descriptor& new_descriptor, std::string new_path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return done(node_.link(*guest, follows(flags), old_path, of(new_descriptor), new_path));
  }
  Answer<std::unique_ptr<fs::Descriptor>> open_at(Store& store, fs::PathFlags path_flags,
                                                  std::string path, fs::OpenFlags open_flags,
                                                  fs::DescriptorFlags flags) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    auto opened = node_.open(*guest, follows(path_flags), path, open_flags.bits, flags.bits);
    if (!opened) return refused(opened.error());
    return std::make_unique<Descriptor>(*std::move(opened));
  }
  Answer<std::string> readlink_at(Store& store, std::string path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    auto text = node_.readlink(*guest, path);
    if (!text) return refused(text.error());
    return *std::move(text);
  }
  Answer<Unit> remove_directory_at(Store& store, std::string path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return done(node_.remove_directory(*guest, path));
  }
  Answer<Unit> rename_at(Store& store, std::string old_path, fs::Descriptor& new_descriptor,
                         std::string new_path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return done(node_.rename(*guest, old_path, of(new_descriptor), new_path));
  }
  Answer<Unit> symlink_at(Store& store, std::string old_path, std::string new_path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return done(node_.symlink(*guest, old_path, new_path));
  }
  Answer<Unit> unlink_file_at(Store& store, std::string path) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    return done(node_.unlink_file(*guest, path));
  }

 private:
  static bool follows(fs::PathFlags flags) { return flags.has(fs::PathFlags::kSymlinkFollow); }
  static const Node& of(fs::Descriptor& descriptor) {
    return static_cast<Descriptor&>(descriptor).node_;
  }
  static Answer<fs::DescriptorStat> to_stat(const os::OsResult<os::Stat>& stat) {
    if (!stat) return refused(stat.error());
    return p2::to_stat(*stat);
  }
  static Answer<fs::MetadataHashValue> to_hash(const os::OsResult<os::Stat>& stat) {
    if (!stat) return refused(stat.error());
    NodeHash hash = hash_of(*stat);
    return fs::MetadataHashValue{hash.lower, hash.upper};
  }

  Node node_;
};

class Types final : public fs::Host {
 public:
  Result<std::optional<Code>> filesystem_error_code(Store&, fs::Error& err) override {
    auto value = static_cast<IoError&>(err).value();
    return value ? std::optional(to_code(*value)) : std::nullopt;
  }
};

class Preopens final : public bindings::p2::wasi::filesystem::preopens::Host {
 public:
  Result<std::vector<std::tuple<std::unique_ptr<fs::Descriptor>, std::string>>> get_directories(
      Store& store) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, guest_of(store));
    std::vector<std::tuple<std::unique_ptr<fs::Descriptor>, std::string>> out;
    for (uint32_t i = 0; i < guest->preopens(); ++i) {
      auto node = Node::preopen(*guest, i);
      if (!node) continue;
      std::string name = *node->dir()->preopen;
      out.emplace_back(std::make_unique<Descriptor>(*std::move(node)), std::move(name));
    }
    if (out.empty()) guest->note_no_preopens();
    return out;
  }
};

}  // namespace

bindings::p2::wasi::filesystem::types::Host& filesystem_host(Store&) {
  static Types host;
  return host;
}

bindings::p2::wasi::filesystem::preopens::Host& preopens_host(Store&) {
  static Preopens host;
  return host;
}

}  // namespace sedge::wasi::p2
