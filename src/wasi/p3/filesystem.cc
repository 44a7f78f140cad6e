// See filesystem.h. Files never make a guest wait for long, so that functions complete at once.
#include "wasi/p3/filesystem.h"

#include <array>

#include "base/utf8.h"
#include "p3/wasi/filesystem/preopens.h"
#include "p3/wasi/filesystem/types.h"
#include "wasi/node.h"
#include "wasi/p3/channels.h"

namespace sedge::wasi::p3 {
namespace {

namespace fs = bindings::p3::wasi::filesystem::types;
using host::Completion;
using host::Outcome;
using host::Unit;
template <typename T>
using Done = Completion<Outcome<T, fs::ErrorCode>>;

/// T with case `index` of its variant, without a payload.
template <typename T>
T with_case(size_t index) {
  using Cases = decltype(T::value);
  T out;
  [&]<size_t... kIndex>(std::index_sequence<kIndex...>) {
    ((index == kIndex ? (void)out.value.template emplace<kIndex>() : (void)0), ...);
  }(std::make_index_sequence<std::variant_size_v<Cases>>{});
  return out;
}

fs::ErrorCode to_code(Errno value) {
  if (value == Errno::again)
    return fs::ErrorCode{fs::ErrorCode::Other{std::optional<std::string>("would block")}};
  // 0.2 has `would-block` as its second case; all others are the same.
  uint32_t older = error_code_of(value);
  return with_case<fs::ErrorCode>(older == 0 ? 0 : older - 1);
}

fs::DescriptorType to_type(os::FileType type) {
  // 0.2 begins with `unknown`, which is `other` here.
  uint32_t older = descriptor_type_of(type);
  constexpr size_t kOther = std::variant_size_v<decltype(fs::DescriptorType::value)> - 1;
  return with_case<fs::DescriptorType>(older == 0 ? kOther : older - 1);
}

constexpr uint64_t kSecond = 1'000'000'000;

fs::DescriptorStat to_stat(const os::Stat& stat) {
  auto time = [](uint64_t at) {
    return fs::Instant{static_cast<int64_t>(at / kSecond), static_cast<uint32_t>(at % kSecond)};
  };
  return {to_type(stat.type), stat.nlink,      stat.size,
          time(stat.atim),    time(stat.mtim), time(stat.ctim)};
}

/// None if the time has no place in 64 bits of nanoseconds since 1970.
std::optional<os::TimeChange> to_change(const fs::NewTimestamp& time) {
  using Kind = os::TimeChange::Kind;
  if (std::holds_alternative<fs::NewTimestamp::NoChange>(time.value)) return os::TimeChange{};
  if (std::holds_alternative<fs::NewTimestamp::Now>(time.value)) return os::TimeChange{Kind::now};
  const fs::Instant& at = std::get<fs::NewTimestamp::Timestamp>(time.value).value;
  bool fits = at.nanoseconds < kSecond && at.seconds >= 0 &&
              static_cast<uint64_t>(at.seconds) < UINT64_MAX / kSecond - 1;
  if (!fits) return std::nullopt;
  return os::TimeChange{Kind::set, static_cast<uint64_t>(at.seconds) * kSecond + at.nanoseconds};
}

host::Err<fs::ErrorCode> refused(Errno value) { return {to_code(value)}; }
void complete(const Done<Unit>& done, const os::OsResult<>& result) {
  if (result)
    done.resolve(Unit{});
  else
    done.resolve(refused(result.error()));
}
Verdict verdict() { return verdict_of(to_code); }

/// The next entries, as values of a stream.
struct EntryBatch {
  std::vector<ComponentVal> values;
  std::optional<Errno> error;
  bool ended = false;
};
EntryBatch next_batch(Store& store, NodeEntries& entries) {
  constexpr size_t kBatch = 64;
  EntryBatch out;
  while (out.values.size() < kBatch && !out.ended) {
    auto entry = entries.next();
    if (!entry) out.error = entry.error();
    if (entry && *entry && !is_utf8((*entry)->name)) out.error = Errno::ilseq;
    out.ended = out.error || !*entry;
    if (out.ended) break;
    auto value = host::lower(store, fs::DirectoryEntry{to_type((*entry)->type), (*entry)->name});
    if (value) out.values.push_back(*std::move(value));
  }
  return out;
}

/// From a directory to a guest's stream.
class Listing final : public Pump {
 public:
  Listing(Store& store, ComponentWriter future, ComponentWriter stream, NodeEntries entries)
      : Pump(store, verdict(), std::move(future)),
        stream_(std::move(stream)),
        entries_(std::move(entries)) {}

  void start() {
    batch_ = next_batch(store(), entries_);
    offer();
  }

 private:
  void offer() {
    if (batch_.values.empty()) return batch_.ended ? end(batch_.error) : start();
    stream_->write(batch_.values, weakly(this, [](Listing& self, const ComponentItems& items) {
                     if (items.ended) return self.end(std::nullopt);
                     auto& values = self.batch_.values;
                     values.erase(values.begin(), values.begin() + items.count);
                     self.offer();
                   }));
  }
  void end(std::optional<Errno> error) {
    stream_.reset();
    settle(error);
  }

  std::optional<ComponentWriter> stream_;
  NodeEntries entries_;
  EntryBatch batch_;
};

class Descriptor final : public fs::Descriptor {
 public:
  explicit Descriptor(Node node) : node_(std::move(node)) {}

  Result<std::tuple<host::Stream, host::Future>> read_via_stream(Store& store,
                                                                 uint64_t offset) override {
    if (auto file = node_.readable(); !file) return refused_stream(store, verdict(), file.error());
    return read_from(store, p2::file_input(node_.descriptor(), offset), verdict());
  }
  Result<host::Future> write_via_stream(Store& store, host::Stream data, uint64_t offset) override {
    return write(store, std::move(data), offset);
  }
  Result<host::Future> append_via_stream(Store& store, host::Stream data) override {
    return write(store, std::move(data), std::nullopt);
  }
  Result<std::tuple<host::Stream, host::Future>> read_directory(Store& store) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, p2::guest_of(store));
    auto entries = node_.entries(*guest);
    if (!entries) return refused_stream(store, verdict(), entries.error());
    auto [stream, writer] = ComponentWriter::stream(store);
    auto [future, ending] = ComponentWriter::future(store);
    Pump::begin<Listing>(store, std::move(ending), std::move(writer), *std::move(entries));
    return std::tuple(host::Stream{std::move(stream)}, host::Future{std::move(future)});
  }

  void advise(Store&, Done<Unit> done, uint64_t offset, uint64_t length,
              fs::Advice advice) override {
    complete(done, node_.advise(offset, length, static_cast<os::Advice>(advice)));
  }
  void sync_data(Store&, Done<Unit> done) override { complete(done, node_.sync(true)); }
  void sync(Store&, Done<Unit> done) override { complete(done, node_.sync(false)); }
  void get_flags(Store&, Done<fs::DescriptorFlags> done) override {
    done.resolve(fs::DescriptorFlags{{node_.flags()}});
  }
  void get_type(Store&, Done<fs::DescriptorType> done) override {
    done.resolve(to_type(node_.type()));
  }
  void set_size(Store&, Done<Unit> done, uint64_t size) override {
    complete(done, node_.set_size(size));
  }
  void set_times(Store&, Done<Unit> done, fs::NewTimestamp access,
                 fs::NewTimestamp modification) override {
    auto atim = to_change(access), mtim = to_change(modification);
    if (!atim || !mtim) return done.resolve(refused(Errno::overflow));
    complete(done, node_.set_times(*atim, *mtim));
  }
  void stat(Store&, Done<fs::DescriptorStat> done) override { stat_to(done, node_.stat()); }
  void is_same_object(Store&, Completion<bool> done, fs::Descriptor& other) override {
    done.resolve(node_.is_same(of(other)));
  }
  void metadata_hash(Store&, Done<fs::MetadataHashValue> done) override {
    hash_to(done, node_.stat());
  }

  // Paths

  void create_directory_at(Store& store, Done<Unit> done, std::string path) override {
    with_guest(store, done,
               [&](p1::State& guest) { complete(done, node_.create_directory(guest, path)); });
  }
  void stat_at(Store& store, Done<fs::DescriptorStat> done, fs::PathFlags flags,
               std::string path) override {
    with_guest(store, done, [&](p1::State& guest) {
      stat_to(done, node_.stat_at(guest, follows(flags), path));
    });
  }
  void metadata_hash_at(Store& store, Done<fs::MetadataHashValue> done, fs::PathFlags flags,
                        std::string path) override {
    with_guest(store, done, [&](p1::State& guest) {
      hash_to(done, node_.stat_at(guest, follows(flags), path));
    });
  }
  void set_times_at(Store& store, Done<Unit> done, fs::PathFlags flags, std::string path,
                    fs::NewTimestamp access, fs::NewTimestamp modification) override {
    auto atim = to_change(access), mtim = to_change(modification);
    if (!atim || !mtim) return done.resolve(refused(Errno::overflow));
    with_guest(store, done, [&](p1::State& guest) {
      complete(done, node_.set_times_at(guest, follows(flags), path, *atim, *mtim));
    });
  }
  void link_at(Store& store, Done<Unit> done, fs::PathFlags flags, std::string old_path,
               fs::Descriptor& new_descriptor, std::string new_path) override {
    with_guest(store, done, [&](p1::State& guest) {
      complete(done, node_.link(guest, follows(flags), old_path, of(new_descriptor), new_path));
    });
  }
  void open_at(Store& store, Done<std::unique_ptr<fs::Descriptor>> done, fs::PathFlags path_flags,
               std::string path, fs::OpenFlags open_flags, fs::DescriptorFlags flags) override {
    with_guest(store, done, [&](p1::State& guest) {
      auto opened = node_.open(guest, follows(path_flags), path, open_flags.bits, flags.bits);
      if (!opened) return done.resolve(refused(opened.error()));
      done.resolve(
          std::unique_ptr<fs::Descriptor>(std::make_unique<Descriptor>(*std::move(opened))));
    });
  }
  void readlink_at(Store& store, Done<std::string> done, std::string path) override {
    with_guest(store, done, [&](p1::State& guest) {
      auto text = node_.readlink(guest, path);
      if (!text) return done.resolve(refused(text.error()));
      done.resolve(*std::move(text));
    });
  }
  void remove_directory_at(Store& store, Done<Unit> done, std::string path) override {
    with_guest(store, done,
               [&](p1::State& guest) { complete(done, node_.remove_directory(guest, path)); });
  }
  void rename_at(Store& store, Done<Unit> done, std::string old_path,
                 fs::Descriptor& new_descriptor, std::string new_path) override {
    with_guest(store, done, [&](p1::State& guest) {
      complete(done, node_.rename(guest, old_path, of(new_descriptor), new_path));
    });
  }
  void symlink_at(Store& store, Done<Unit> done, std::string old_path,
                  std::string new_path) override {
    with_guest(store, done,
               [&](p1::State& guest) { complete(done, node_.symlink(guest, old_path, new_path)); });
  }
  void unlink_file_at(Store& store, Done<Unit> done, std::string path) override {
    with_guest(store, done,
               [&](p1::State& guest) { complete(done, node_.unlink_file(guest, path)); });
  }

 private:
  static bool follows(fs::PathFlags flags) { return flags.has(fs::PathFlags::kSymlinkFollow); }
  static const Node& of(fs::Descriptor& descriptor) {
    return static_cast<Descriptor&>(descriptor).node_;
  }
  template <typename T, typename F>
  static void with_guest(Store& store, const Completion<T>& done, F then) {
    auto guest = p2::guest_of(store);
    if (!guest) return done.fail(std::move(guest).error());
    then(**guest);
  }
  static void stat_to(const Done<fs::DescriptorStat>& done, const os::OsResult<os::Stat>& stat) {
    if (!stat) return done.resolve(refused(stat.error()));
    done.resolve(to_stat(*stat));
  }
  static void hash_to(const Done<fs::MetadataHashValue>& done, const os::OsResult<os::Stat>& stat) {
    if (!stat) return done.resolve(refused(stat.error()));
    NodeHash hash = hash_of(*stat);
    done.resolve(fs::MetadataHashValue{hash.lower, hash.upper});
  }
  Result<host::Future> write(Store& store, host::Stream data, std::optional<uint64_t> offset) {
    if (auto file = node_.writable(); !file) {
      // Taken, so that it ends.
      SEDGE_TRY(ComponentReader::from(store, std::move(data.value)));
      return settled(store, verdict(), file.error());
    }
    return write_to(store, std::move(data), p2::file_output(node_.descriptor(), offset), verdict());
  }

  Node node_;
};

class Preopens final : public bindings::p3::wasi::filesystem::preopens::Host {
 public:
  Result<std::vector<std::tuple<std::unique_ptr<fs::Descriptor>, std::string>>> get_directories(
      Store& store) override {
    SEDGE_TRY_ASSIGN(p1::State * guest, p2::guest_of(store));
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

void link_filesystem(ComponentLinker& linker) {
  using PreopensHost = bindings::p3::wasi::filesystem::preopens::Host;
  fs::add_to_linker(linker);
  bindings::p3::wasi::filesystem::preopens::add_to_linker(linker,
                                                          p2::single<Preopens, PreopensHost>);
}

}  // namespace sedge::wasi::p3
