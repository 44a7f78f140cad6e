// Chunks of memfd pages. Functions lie in a chunk one behind the other, so that a module needs few
// mappings; the writable one goes when the chunk is full.
#include "runtime/code_memory.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mapping.h"
#include "base/varint.h"
#include "runtime/code_registry.h"

namespace sedge::runtime {
namespace {

// Pages are backed when they are written: a chunk costs address space only.
constexpr size_t kChunkSize = 1 << 20;
constexpr size_t kAlignment = 16;
// What traps, between functions.
#if defined(__aarch64__)
constexpr int kTrapByte = 0;  // udf
#else
constexpr int kTrapByte = 0xcc;  // int3
#endif

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/// What was written, by another address, is what every core fetches at `begin` from now on.
void make_fetchable([[maybe_unused]] const uint8_t* begin, [[maybe_unused]] size_t size) {
#if defined(__aarch64__)
  auto* start = reinterpret_cast<char*>(const_cast<uint8_t*>(begin));
  __builtin___clear_cache(start, start + size);
  // Other cores drop what they have fetched ahead; where the kernel does not know the command, the
  // entry's publication is all that orders them.
  constexpr int kSync = 1 << 5, kRegister = 1 << 6;  // MEMBARRIER_CMD_*_PRIVATE_EXPEDITED_SYNC_CORE
  static const bool known = ::syscall(SYS_membarrier, kRegister, 0, 0) == 0;
  if (known) ::syscall(SYS_membarrier, kSync, 0, 0);
#endif
}

size_t aligned(size_t size, size_t to) { return (size + to - 1) & ~(to - 1); }

/// The same pages, to be run and to be written. Both null if the system refuses.
struct Pages {
  void* run = MAP_FAILED;
  void* write = MAP_FAILED;
};

Pages file_pages(size_t size) {
  // Kernels before 6.3 do not know MFD_EXEC and need no word about it.
  Fd fd(::memfd_create("sedge-code", MFD_CLOEXEC | MFD_EXEC));
  if (!fd) fd = Fd(::memfd_create("sedge-code", MFD_CLOEXEC));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return {};
  return {::mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd.get(), 0),
          ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0)};
}

/// Pages without a file's name: perf looks names up in its map for those only. Where the system
/// does not map pages twice (QEMU's does not), ones with a name: slower to read, but native code.
Pages nameless_pages(size_t size) {
  Pages pages;
  pages.write = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (pages.write == MAP_FAILED) return {};
  // An old size of 0 maps the pages once more.
  pages.run = ::mremap(pages.write, 0, size, MREMAP_MAYMOVE);
  if (pages.run != MAP_FAILED && ::mprotect(pages.run, size, PROT_READ | PROT_EXEC) != 0) {
    ::munmap(pages.run, size);
    pages.run = MAP_FAILED;
  }
  if (pages.run == MAP_FAILED) {
    ::munmap(pages.write, size);
    return file_pages(size);
  }
  return pages;
}

}  // namespace

class CodeMemory::Chunk final : public vm::CodeRange {
 public:
  /// Null if the system refuses.
  static std::unique_ptr<Chunk> create(size_t size, const void* module, bool nameless) {
    std::unique_ptr<Chunk> chunk(new Chunk(aligned(size, page_size())));
    const Pages pages = nameless ? nameless_pages(chunk->size_) : file_pages(chunk->size_);
    if (pages.run != MAP_FAILED) chunk->begin = static_cast<const uint8_t*>(pages.run);
    if (pages.write != MAP_FAILED) chunk->write_ = static_cast<uint8_t*>(pages.write);
    if (chunk->begin == nullptr || chunk->write_ == nullptr) return nullptr;
    chunk->end = chunk->begin + chunk->size_;
    chunk->module = module;
    register_code(*chunk);
    chunk->registered_ = true;
    return chunk;
  }
  ~Chunk() {
    if (registered_) unregister_code(*this);
    seal();
    if (begin != nullptr) ::munmap(const_cast<uint8_t*>(begin), size_);
  }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  bool fits(size_t size) const { return write_ != nullptr && size <= size_ - used_; }

  const uint8_t* add(uint32_t func_index, std::span<const uint8_t> code,
                     std::span<const std::pair<uint32_t, uint64_t>> places) {
    Function function;
    function.start = static_cast<uint32_t>(used_);
    function.index = func_index;
    uint64_t at = 0, offset = 0;
    for (const auto& place : places) {
      write_varint(function.places, place.first - at);
      write_varint(function.places, zigzag(static_cast<int64_t>(place.second - offset)));
      at = place.first;
      offset = place.second;
    }
    function.places.shrink_to_fit();
    const size_t room = aligned(code.size(), kAlignment);
    std::memcpy(write_ + used_, code.data(), code.size());
    std::memset(write_ + used_ + code.size(), kTrapByte, room - code.size());
    make_fetchable(begin + used_, room);
    std::lock_guard lock(mutex_);
    functions_.push_back(std::move(function));
    used_ += room;
    return begin + functions_.back().start;
  }

  /// Nothing is added any more.
  void seal() {
    if (write_ != nullptr) ::munmap(write_, size_);
    write_ = nullptr;
  }

  size_t places(const uint8_t* pc, vm::CodePlace* out, size_t room) const override {
    const auto at = static_cast<uint32_t>(pc - begin);
    std::lock_guard lock(mutex_);
    auto function = std::ranges::upper_bound(functions_, at, {}, &Function::start);
    if (function == functions_.begin() || room == 0) return 0;
    --function;
    const uint64_t wanted = at - function->start;
    uint64_t code = 0, offset = 0;
    out->func_index = function->index;
    const uint8_t* end_of_places = function->places.data() + function->places.size();
    for (const uint8_t* place = function->places.data(); place != end_of_places;) {
      code += read_varint(place);
      offset += static_cast<uint64_t>(unzigzag(read_varint(place)));
      if (code > wanted) break;
      out->offset = offset;
    }
    return 1;
  }

 private:
  struct Function {
    uint32_t start;  ///< offset in the chunk
    uint32_t index;
    std::vector<uint8_t> places;  ///< differences: varint, zigzag
  };
  explicit Chunk(size_t size) : size_(size) {}
  size_t size_;
  size_t used_ = 0;
  uint8_t* write_ = nullptr;
  bool registered_ = false;
  mutable std::mutex mutex_;
  std::vector<Function> functions_;  ///< ascending
};

CodeMemory::CodeMemory(const void* module, bool nameless) : module_(module), nameless_(nameless) {}
CodeMemory::~CodeMemory() = default;

const uint8_t* CodeMemory::add(uint32_t func_index, std::span<const uint8_t> code,
                               std::span<const std::pair<uint32_t, uint64_t>> places) {
  std::lock_guard lock(mutex_);
  const size_t room = aligned(code.size(), kAlignment);
  if (chunks_.empty() || !chunks_.back()->fits(room)) {
    auto chunk = Chunk::create(std::max(room, kChunkSize), module_, nameless_);
    if (!chunk) return nullptr;
    if (!chunks_.empty()) chunks_.back()->seal();
    chunks_.push_back(std::move(chunk));
  }
  return chunks_.back()->add(func_index, code, places);
}

}  // namespace sedge::runtime
