#include "state.h"

namespace adapter {
namespace {

constexpr uint32_t kPage = 65536;
constexpr uint32_t kPassing = 16 * 1024;
constexpr uint32_t kFirstFds = 64;

/// The address of the state; a global of the module, not a place in memory.
uint32_t __attribute__((address_space(1))) state_address;

uint32_t new_pages(uint32_t bytes) {
  uint32_t pages = (bytes + kPage - 1) / kPage;
  auto before = static_cast<uint32_t>(__builtin_wasm_memory_grow(0, pages));
  if (before == UINT32_MAX) __builtin_trap();
  return before * kPage;
}

Fd standard(Fd::Kind kind, uint8_t number) {
  Fd out;
  out.kind = kind;
  out.standard = number;
  out.rights = kStreamRights;
  return out;
}

void open_preopens(State& s) {
  if constexpr (kIsProxy) return;
  p2::List found;
  {
    ResultsTo kept(s.kept);
    p2::get_directories(&found);
  }
  auto* directories = reinterpret_cast<p2::PreopenedDirectory*>(found.data);
  for (uint32_t i = 0; i < found.size; ++i) {
    Fd fd;
    fd.kind = Fd::Kind::directory;
    fd.type = FileType::directory;
    fd.has_handle = true;
    fd.is_preopen = true;
    fd.handle = directories[i].directory;
    fd.name = directories[i].name;
    fd.rights = kDirectoryRights | kFdReaddir;
    fd.inheriting = fd.rights | kFileRights;
    add_fd(fd);
  }
}

}  // namespace

State& state() {
  if (state_address == 0) {
    uint32_t page = new_pages(kPage);
    auto* fresh = reinterpret_cast<State*>(page);
    *fresh = {};
    uint32_t passing = page + sizeof(State);
    fresh->passing = {passing, passing, passing + kPassing};
    fresh->kept = {passing + kPassing, passing + kPassing, page + kPage};
    fresh->results = &fresh->passing;
    state_address = page;
  }
  auto* there = reinterpret_cast<State*>(state_address);
  if (there->intact != kIntact) __builtin_trap();
  return *there;
}

Region& passing() {
  Region& region = state().passing;
  region.at = region.begin;
  return region;
}

State& state_with_fds() {
  State& s = state();
  if (s.fds != nullptr) return s;
  s.fds = reinterpret_cast<Fd*>(take(s.kept, alignof(Fd), kFirstFds * sizeof(Fd)));
  s.fd_count = kFirstFds;
  for (uint32_t i = 0; i < s.fd_count; ++i) s.fds[i] = {};
  s.fds[0] = standard(Fd::Kind::input, 0);
  s.fds[1] = standard(Fd::Kind::output, 1);
  s.fds[2] = standard(Fd::Kind::output, 2);
  open_preopens(s);
  return s;
}

uint32_t take(Region& region, uint32_t align, uint32_t size) {
  uint64_t at = (uint64_t{region.at} + align - 1) & ~uint64_t{align - 1};
  if (at + size > region.end) {
    if (!region.grows || size > UINT32_MAX - kPage) __builtin_trap();
    uint32_t begin = new_pages(size);
    region = {begin, begin, begin + (size + kPage - 1) / kPage * kPage};
    at = begin;
  }
  region.at = static_cast<uint32_t>(at) + size;
  return static_cast<uint32_t>(at);
}

bool in_memory(uint32_t address, uint64_t size) {
  return address + size <= uint64_t{__builtin_wasm_memory_size(0)} * kPage;
}

Fd* find_fd(uint32_t number, uint64_t rights, Errno& error) {
  State& s = state_with_fds();
  error = Errno::badf;
  if (number >= s.fd_count || s.fds[number].kind == Fd::Kind::free) return nullptr;
  uint64_t missing = rights & ~s.fds[number].rights;
  if (missing == 0) return &s.fds[number];
  // A descriptor that was not opened for reading or writing is POSIX's EBADF.
  if ((missing & (kFdRead | kFdWrite)) == 0) error = Errno::notcapable;
  return nullptr;
}

uint32_t add_fd(const Fd& fd) {
  State& s = state_with_fds();
  uint32_t number = 0;
  while (number < s.fd_count && s.fds[number].kind != Fd::Kind::free) ++number;
  if (number == s.fd_count) {
    uint32_t count = s.fd_count * 2;
    auto* more = reinterpret_cast<Fd*>(take(s.kept, alignof(Fd), count * sizeof(Fd)));
    for (uint32_t i = 0; i < count; ++i) more[i] = i < s.fd_count ? s.fds[i] : Fd{};
    s.fds = more;
    s.fd_count = count;
  }
  s.fds[number] = fd;
  return number;
}

void release(uint32_t number, Fd& fd) {
  State& s = state();
  if (s.pending.fd == number) s.pending.valid = false;
  if (fd.has_handle) {
    if (fd.kind == Fd::Kind::input) p2::drop_input_stream(fd.handle);
    if (fd.kind == Fd::Kind::output) p2::drop_output_stream(fd.handle);
    if constexpr (!kIsProxy) {
      if (fd.has_entries) p2::drop_entries(fd.entries);
      if (fd.kind == Fd::Kind::file || fd.kind == Fd::Kind::directory)
        p2::drop_descriptor(fd.handle);
    }
  }
  fd = {};
}

p2::Handle standard_stream(Fd& fd) {
  if (!fd.has_handle) {
    fd.handle = fd.standard == 0   ? p2::get_stdin()
                : fd.standard == 1 ? p2::get_stdout()
                                   : p2::get_stderr();
    fd.has_handle = true;
  }
  return fd.handle;
}

Errno errno_of(uint8_t error_code) {
  switch (error_code) {
#define SEDGE_ERROR_CODE(number, name) \
  case number:                         \
    return Errno::name;
#include "error_code.def"
#undef SEDGE_ERROR_CODE
    default:
      return Errno::io;
  }
}

Errno errno_of(const p2::StreamError& error, Errno closed) {
  if (error.kind == p2::StreamErrorKind::closed) return closed;
  Errno out = Errno::io;
  if constexpr (!kIsProxy) {
    p2::Status code;
    p2::filesystem_error_code(error.error, &code);
    if (code.failed) out = errno_of(code.value);  // an option: something is there
  }
  p2::drop_error(error.error);
  return out;
}

FileType file_type(p2::DescriptorType type) {
  switch (type) {
    case p2::DescriptorType::block_device:
      return FileType::block_device;
    case p2::DescriptorType::character_device:
      return FileType::character_device;
    case p2::DescriptorType::directory:
      return FileType::directory;
    case p2::DescriptorType::symbolic_link:
      return FileType::symbolic_link;
    case p2::DescriptorType::regular_file:
      return FileType::regular_file;
    case p2::DescriptorType::socket:
      return FileType::socket_stream;
    default:
      return FileType::unknown;
  }
}

}  // namespace adapter

/// By this the host asks for room for a result (CanonicalABI.md, "realloc").
extern "C" __attribute__((export_name("cabi_import_realloc"))) uint32_t
cabi_import_realloc(uint32_t old, uint32_t old_size, uint32_t align, uint32_t size) {
  using namespace adapter;
  if (old != 0 && size <= old_size) return old;
  if (size == 0) return align;
  uint32_t at = take(*state().results, align, size);
  if (old != 0)
    __builtin_memcpy(reinterpret_cast<void*>(at), reinterpret_cast<const void*>(old), old_size);
  return at;
}
