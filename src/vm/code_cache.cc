// Everything goes through descriptors relative to the folder's, without following links and without
// waiting for pipes; what was read is checked where it lies.
#include "vm/code_cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sedge::vm {
namespace {

constexpr char kMagic[8] = {'s', 'e', 'd', 'g', 'e', 'c', 'c', 'h'};
constexpr uint32_t kFormat = 1;
constexpr size_t kHeaderSize = 64, kMacSize = 32, kBodyAt = kHeaderSize + kMacSize;
constexpr uint64_t kMaxEntry = uint64_t{4} << 30;
constexpr const char* kKeyName = "key";
constexpr std::string_view kCode = ".code", kLock = ".lock", kTemporary = "tmp.";
/// Files of a process that ended in the middle, and locks, go after this many seconds.
constexpr std::time_t kStale = 24 * 3600;
/// A use is noted when the last one is this many seconds old.
constexpr std::time_t kUseGrain = 60;

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorCode::bad_artifact, ": " + std::move(why));
}
std::unexpected<Error> system_error(std::string_view what) {
  return fail(ErrorCode::io, fmt::format(": code cache: {}: {}", what, std::strerror(errno)));
}

/// What a file says about itself, in the order in which it lies there.
struct Header {
  ArtifactTarget target;
  ArtifactMode mode;
  bool whole = false;
  uint64_t body_size = 0;
  uint64_t layout = 0;
  Digest module{};
};
using HeaderBytes = std::array<uint8_t, kHeaderSize>;

template <typename T>
void put(uint8_t*& at, const T& value) {
  std::memcpy(at, &value, sizeof(T));
  at += sizeof(T);
}
template <typename T>
T take(const uint8_t*& at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  at += sizeof(T);
  return value;
}

HeaderBytes encode(const Header& header) {
  HeaderBytes bytes;
  uint8_t* at = bytes.data();
  put(at, kMagic);
  put(at, kFormat);
  put(at, static_cast<uint8_t>(header.target.arch));
  put(at, header.target.level);
  put(at, header.mode.bits());
  put(at, static_cast<uint8_t>(header.whole));
  put(at, header.body_size);
  put(at, header.layout);
  put(at, header.module);
  return bytes;
}

std::optional<Header> decode(const HeaderBytes& bytes) {
  if (std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) return {};
  const uint8_t* at = bytes.data() + sizeof(kMagic);
  if (take<uint32_t>(at) != kFormat) return {};
  Header header;
  header.target.arch = static_cast<ArtifactArch>(take<uint8_t>(at));
  header.target.level = take<uint8_t>(at);
  const auto mode = ArtifactMode::from_bits(take<uint8_t>(at));
  const auto whole = take<uint8_t>(at);
  if (!mode || whole > 1) return {};
  header.mode = *mode;
  header.whole = whole != 0;
  header.body_size = take<uint64_t>(at);
  header.layout = take<uint64_t>(at);
  header.module = take<Digest>(at);
  return header;
}

std::string entry_name(Bytes module, ArtifactTarget target, const ArtifactMode& mode) {
  return fmt::format("{:016x}-{:02x}-{}", content_hash(module) ^ layout_hash(), mode.bits(),
                     target.name());
}

bool read_exactly(int fd, uint8_t* to, size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}
bool write_exactly(int fd, Bytes from) {
  while (!from.empty()) {
    const ssize_t put = ::write(fd, from.data(), from.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    from = from.subspan(static_cast<size_t>(put));
  }
  return true;
}

/// A regular file of this user alone.
Result<Fd> open_own(int folder, const std::string& name, struct stat& info) {
  Fd file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return Fd();
  if (::fstat(file.get(), &info) != 0) return system_error(name);
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0)
    return bad(fmt::format("{} in the cache is no file of this user alone", name));
  return file;
}

Digest mac_of(const Digest& key, const HeaderBytes& header, Bytes body) {
  return Blake2().update(key).update(header).update(body).finish();
}

struct Entry {
  Header header;
  HeaderBytes header_bytes{};
  Digest mac{};
};
/// The head of an entry's file, which has `size` bytes; nothing if it is damaged.
std::optional<Entry> read_head(int file, uint64_t size) {
  Entry entry;
  if (size < kBodyAt || size > kMaxEntry ||
      !read_exactly(file, entry.header_bytes.data(), kHeaderSize) ||
      !read_exactly(file, entry.mac.data(), kMacSize)) {
    return {};
  }
  const auto header = decode(entry.header_bytes);
  if (!header || header->body_size != size - kBodyAt) return {};
  entry.header = *header;
  return entry;
}

/// The rest, if the MAC is right.
std::optional<CachedCode> read_body(int file, const Entry& entry, const Digest& key) {
  CachedCode code;
  code.size = entry.header.body_size;
  code.whole = entry.header.whole;
  code.memory = Mapping::zeroed(code.size, Mapping::Backing::eager);
  if (!code.memory || !read_exactly(file, code.memory.data(), code.size)) return {};
  if (!same_digest(mac_of(key, entry.header_bytes, code.bytes()), entry.mac)) return {};
  return code;
}

bool is_ours(std::string_view name) {
  return name == kKeyName || name.ends_with(kCode) || name.ends_with(kLock) ||
         name.starts_with(kTemporary);
}

struct Listed {
  std::string name;
  uint64_t size;
  std::time_t used;
};
/// The cache's regular files, by name.
std::vector<Listed> scan(int folder) {
  std::vector<Listed> files;
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = copy < 0 ? nullptr : ::fdopendir(copy);
  if (directory == nullptr) return files;
  while (const dirent* item = ::readdir(directory)) {
    struct stat info{};
    if (!is_ours(item->d_name) ||
        ::fstatat(folder, item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode))
      continue;
    files.push_back({item->d_name, static_cast<uint64_t>(info.st_size), info.st_mtim.tv_sec});
  }
  ::closedir(directory);
  std::ranges::sort(files, {}, &Listed::name);
  return files;
}

void make_folders(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    ::mkdir(path.substr(0, at).c_str(), 0700);
  ::mkdir(path.c_str(), 0700);
}

}  // namespace

Bytes CodeCache::code_part(const wasm::Module& module) {
  if (module.funcs.empty()) return {};
  const Bytes last = module.funcs.back().body.bytes;
  return module.binary.first(static_cast<size_t>(last.data() + last.size() - module.binary.data()));
}

Result<CodeCache> CodeCache::open(const std::string& folder, Access access) {
  CodeCache cache;
  if (access == Access::create) make_folders(folder);
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT && access == Access::existing) return cache;
    if (errno == ELOOP || errno == ENOTDIR)
      return fail(Error(ErrorCode::bad_artifact, fmt::format(": {} is no folder", folder))
                      .with_remedy("name another with --cache-dir, links not followed"));
    return system_error(folder);
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return system_error(folder);
  if (info.st_uid != ::geteuid())
    return fail(Error(ErrorCode::bad_artifact, fmt::format(": {} belongs to another user", folder))
                    .with_remedy("name a folder of your own with --cache-dir, or use --no-cache"));
  if ((info.st_mode & 077) != 0)
    return fail(Error(ErrorCode::bad_artifact, fmt::format(": {} is open to other users", folder))
                    .with_remedy(
                        fmt::format("others may have written there; remove it: rm -r {}", folder)));
  cache.folder_ = std::move(fd);
  return cache;
}

Result<Digest> CodeCache::key() const {
  struct stat info{};
  SEDGE_TRY_ASSIGN(const Fd file, open_own(folder_.get(), kKeyName, info));
  Digest key;
  if (!file || info.st_size != static_cast<off_t>(key.size()) ||
      !read_exactly(file.get(), key.data(), key.size())) {
    return fail(Error(ErrorCode::bad_artifact, ": the key of the cache is missing or damaged")
                    .with_remedy("start anew: sedge cache clear"));
  }
  return key;
}

Result<Digest> CodeCache::make_key() const {
  struct stat info{};
  if (::fstatat(folder_.get(), kKeyName, &info, AT_SYMLINK_NOFOLLOW) == 0) return key();
  Digest fresh;
  if (::getrandom(fresh.data(), fresh.size(), 0) != static_cast<ssize_t>(fresh.size()))
    return system_error("no random bytes");
  SEDGE_TRY(write_new(kKeyName, {fresh}));
  return key();  // of whoever was first
}

// Where files have a limit (RLIMIT_FSIZE), the signal SIGXFSZ has to be ignored.
Result<void> CodeCache::write_new(const std::string& name,
                                  std::initializer_list<Bytes> pieces) const {
  static std::atomic<uint32_t> count{0};
  const std::string temporary =
      fmt::format("{}{}.{}.{:x}", kTemporary, ::getpid(), count++, std::time(nullptr));
  Fd file(::openat(folder_.get(), temporary.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return system_error(name);
  bool written = ::fchmod(file.get(), 0600) == 0;
  for (Bytes piece : pieces) written = written && write_exactly(file.get(), piece);
  // The key must not be replaced: others may have used it.
  const int into = folder_.get();
  if (written && name == kKeyName) {
    written = ::linkat(into, temporary.c_str(), into, kKeyName, 0) == 0 || errno == EEXIST;
    ::unlinkat(into, temporary.c_str(), 0);
    if (written) return {};
    return system_error(name);
  }
  if (!written || ::renameat(into, temporary.c_str(), into, name.c_str()) != 0) {
    const int error = errno;
    ::unlinkat(into, temporary.c_str(), 0);
    errno = error;
    return system_error(name);
  }
  return {};
}

Result<std::optional<CachedCode>> CodeCache::find(Bytes module, const ArtifactMode& mode) const {
  for (const ArtifactTarget target : own_targets()) {
    const std::string name = entry_name(module, target, mode) + std::string(kCode);
    auto refuse = [&](std::string why) {
      ::unlinkat(folder_.get(), name.c_str(), 0);
      return bad(std::move(why));
    };
    struct stat info{};
    auto file = open_own(folder_.get(), name, info);
    if (!file) return refuse(file.error().message());
    if (!*file || !runs_here(target)) continue;
    SEDGE_TRY_ASSIGN(const Digest secret, key());
    const auto entry = read_head(file->get(), static_cast<uint64_t>(info.st_size));
    if (!entry) return refuse(name + " in the cache was damaged and is removed");
    const Header& header = entry->header;
    if (!same_digest(header.module, blake2(module))) continue;  // the name is another's, too
    std::optional<CachedCode> code;
    if (header.target == target && header.mode == mode && header.layout == layout_hash())
      code = read_body(file->get(), *entry, secret);
    if (!code) return refuse(name + " in the cache was damaged and is removed");
    if (std::time(nullptr) - info.st_mtim.tv_sec > kUseGrain) ::futimens(file->get(), nullptr);
    return code;
  }
  return std::nullopt;
}

Result<void> CodeCache::put(Bytes module, ArtifactTarget target, const ArtifactMode& mode,
                            bool whole, Bytes code_only, uint64_t max_bytes) const {
  if (code_only.size() + kBodyAt > std::min(max_bytes, kMaxEntry))
    return bad("it is larger than all of the cache may be");
  if (!whole) {
    const auto known = find(module, mode);
    if (known && *known && (*known)->whole) return {};
  }
  SEDGE_TRY_ASSIGN(const Digest secret, make_key());
  Header header{target, mode, whole, code_only.size(), layout_hash(), blake2(module)};
  const HeaderBytes bytes = encode(header);
  const Digest mac = mac_of(secret, bytes, code_only);
  const std::string name = entry_name(module, target, mode);
  SEDGE_TRY(write_new(name + std::string(kCode), {bytes, mac, code_only}));
  evict(max_bytes);
  return {};
}

void CodeCache::evict(uint64_t max_bytes) const {
  std::vector<Listed> files = scan(folder_.get());
  const std::time_t now = std::time(nullptr);
  uint64_t total = 0;
  for (const Listed& file : files) {
    if (!file.name.ends_with(kCode)) {
      if (file.name != kKeyName && now - file.used > kStale)
        ::unlinkat(folder_.get(), file.name.c_str(), 0);
      continue;
    }
    total += file.size;
  }
  if (total <= max_bytes) return;
  std::ranges::sort(files, {}, &Listed::used);
  for (const Listed& file : files) {
    if (total <= max_bytes) return;
    if (!file.name.ends_with(kCode)) continue;
    ::unlinkat(folder_.get(), file.name.c_str(), 0);
    total -= file.size;
  }
}

Result<Fd> CodeCache::claim(Bytes module, ArtifactTarget target, const ArtifactMode& mode) const {
  const std::string name = entry_name(module, target, mode) + std::string(kLock);
  Fd file(::openat(folder_.get(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return system_error(name);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Fd();
  return file;
}

std::vector<CacheRow> CodeCache::list() const {
  std::vector<CacheRow> rows;
  for (const Listed& listed : scan(folder_.get())) {
    if (!listed.name.ends_with(kCode)) continue;
    CacheRow row{listed.name, listed.size, listed.used, {}, {}, false, {}};
    struct stat info{};
    auto file = open_own(folder_.get(), listed.name, info);
    if (file && *file) {
      if (const auto entry = read_head(file->get(), static_cast<uint64_t>(info.st_size))) {
        row.target = entry->header.target;
        row.mode = entry->header.mode;
        row.whole = entry->header.whole;
        row.module = entry->header.module;
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string CodeCache::check(const CacheRow& row) const {
  struct stat info{};
  auto file = open_own(folder_.get(), row.name, info);
  if (!file) return file.error().message();
  if (!*file) return "it is gone";
  auto secret = key();
  if (!secret) return secret.error().message();
  const auto entry = read_head(file->get(), static_cast<uint64_t>(info.st_size));
  if (!entry) return "its header is damaged";
  if (!read_body(file->get(), *entry, *secret)) return "its contents are damaged";
  if (entry->header.layout != layout_hash()) return "it is of another build of sedge";
  return {};
}

uint64_t CodeCache::clear() const {
  uint64_t bytes = 0;
  for (const Listed& file : scan(folder_.get())) {
    if (::unlinkat(folder_.get(), file.name.c_str(), 0) == 0) bytes += file.size;
  }
  return bytes;
}

}  // namespace sedge::vm
