// Formats: tools/perf/Documentation/jit-interface.txt and jitdump-specification.txt of Linux, "JIT
// Compilation Interface" of GDB's manual, ELF-64.
#include "engine/code_tools.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// GDB's side of its interface: it finds these two by name and stops in the function.
extern "C" {
struct SedgeJitEntry {
  SedgeJitEntry* next = nullptr;
  SedgeJitEntry* previous = nullptr;
  const char* file = nullptr;
  uint64_t size = 0;
};
struct SedgeJitDescriptor {
  uint32_t version = 1;
  uint32_t action = 0;  // 1: added, 2: removed
  SedgeJitEntry* relevant = nullptr;
  SedgeJitEntry* first = nullptr;
};
[[gnu::visibility("default"), gnu::used]] SedgeJitDescriptor __jit_debug_descriptor;
[[gnu::visibility("default"), gnu::used, gnu::noinline]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}

namespace sedge {
namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
constexpr uint8_t kFramePointer = 6, kReturnAddress = 16, kFrameSize = 16;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
constexpr uint8_t kFramePointer = 29, kReturnAddress = 30, kFrameSize = 16;
#else
constexpr uint16_t kMachine = EM_RISCV;
constexpr uint8_t kFramePointer = 8, kReturnAddress = 1, kFrameSize = 0;
#endif

std::mutex& gdb_mutex() {
  static std::mutex mutex;
  return mutex;
}

template <typename T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

/// A new file of ours in the place of an old one; another's file or link is an error.
Result<Fd> create(const std::string& path) {
  struct stat old{};
  if (::lstat(path.c_str(), &old) == 0 && old.st_uid == ::geteuid()) ::unlink(path.c_str());
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd) return fd;
  const ErrorCode code = errno == EACCES ? ErrorCode::permission_denied : ErrorCode::io;
  return fail(code, fmt::format(": {}: {}", path, std::strerror(errno)));
}

/// .eh_frame with one range for all of the code: after the prologue the frame pointer finds the
/// caller's frame. At a function's very first instructions it is off by one frame.
std::string frame_section(uint64_t address, uint64_t size) {
  std::string out;
  const auto pad = [&out](size_t start) {
    while ((out.size() - start) % 8 != 4) out += '\0';
    const auto length = static_cast<uint32_t>(out.size() - start);
    std::memcpy(out.data() + start - 4, &length, 4);
  };
  append(out, uint32_t{0});
  size_t start = out.size();
  append(out, uint32_t{0});                  // CIE
  out += std::string_view("\1\0\1\x78", 4);  // version, "", align 1, data align -8
  out += static_cast<char>(kReturnAddress);
  out += std::string_view("\x0c", 1);  // DW_CFA_def_cfa
  out += static_cast<char>(kFramePointer);
  out += static_cast<char>(kFrameSize);
  out += static_cast<char>(0x80 | kReturnAddress);  // DW_CFA_offset: at CFA-8
  out += '\1';
  out += static_cast<char>(0x80 | kFramePointer);  // at CFA-16
  out += '\2';
  pad(start);
  append(out, uint32_t{0});
  start = out.size();
  append(out, static_cast<uint32_t>(start));  // back to the CIE
  append(out, address);
  append(out, size);
  pad(start);
  append(out, uint32_t{0});
  return out;
}

}  // namespace

std::string CodeSymbol::printable(std::string_view name) {
  constexpr size_t kMost = 256;
  std::string out(name.substr(0, kMost));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::string elf_object(std::span<const CodeSymbol> symbols) {
  uint64_t low = UINT64_MAX, high = 0;
  for (const CodeSymbol& symbol : symbols) {
    const auto at = reinterpret_cast<uint64_t>(symbol.code.data());
    low = std::min(low, at);
    high = std::max(high, at + symbol.code.size());
  }
  std::string names(1, '\0'), table;
  append(table, Elf64_Sym{});
  for (const CodeSymbol& symbol : symbols) {
    Elf64_Sym row{};
    row.st_name = static_cast<Elf64_Word>(names.size());
    row.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    row.st_shndx = 1;
    row.st_value = reinterpret_cast<uint64_t>(symbol.code.data()) - low;
    row.st_size = symbol.code.size();
    append(table, row);
    names += symbol.name;
    names += '\0';
  }
  struct Section {
    const char* name;
    uint32_t type;
    uint64_t flags, address, size;
    const std::string* content;
    uint32_t link, info;
    uint64_t align, entry;
  };
  const std::string frames = frame_section(low, high - low);
  std::string section_names(1, '\0');
  std::vector<Section> sections = {
      {"", SHT_NULL, 0, 0, 0, nullptr, 0, 0, 0, 0},
      {".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, low, high - low, nullptr, 0, 0, 16, 0},
      {".eh_frame", SHT_PROGBITS, SHF_ALLOC, 0, frames.size(), &frames, 0, 0, 8, 0},
      {".symtab", SHT_SYMTAB, 0, 0, table.size(), &table, 4, 1, 8, sizeof(Elf64_Sym)},
      {".strtab", SHT_STRTAB, 0, 0, names.size(), &names, 0, 0, 1, 0},
      {".shstrtab", SHT_STRTAB, 0, 0, 0, &section_names, 0, 0, 1, 0},
  };
  std::vector<uint32_t> name_at;
  name_at.reserve(sections.size());
  for (const Section& section : sections) {
    name_at.push_back(static_cast<uint32_t>(section_names.size()));
    section_names += section.name;
    section_names += '\0';
  }
  sections.back().size = section_names.size();

  std::string body, headers;
  for (size_t i = 0; i < sections.size(); ++i) {
    const Section& section = sections[i];
    while (body.size() % 8 != 0) body += '\0';
    Elf64_Shdr row{};
    row.sh_name = i == 0 ? 0 : name_at[i];
    row.sh_type = section.type;
    row.sh_flags = section.flags;
    row.sh_addr = section.address;
    row.sh_offset = i == 0 ? 0 : sizeof(Elf64_Ehdr) + body.size();
    row.sh_size = section.size;
    row.sh_link = section.link;
    row.sh_info = section.info;
    row.sh_addralign = section.align;
    row.sh_entsize = section.entry;
    append(headers, row);
    if (section.content != nullptr) body += *section.content;
  }
  while (body.size() % 8 != 0) body += '\0';
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = kMachine;
  header.e_version = EV_CURRENT;
  header.e_shoff = sizeof(header) + body.size();
  header.e_ehsize = sizeof(header);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<uint16_t>(sections.size());
  header.e_shstrndx = static_cast<uint16_t>(sections.size() - 1);
  std::string out;
  append(out, header);
  return out + body + headers;
}

struct GdbObject::Entry : SedgeJitEntry {
  std::string bytes;
};

GdbObject::GdbObject(std::span<const CodeSymbol> symbols) : entry_(std::make_unique<Entry>()) {
  entry_->bytes = elf_object(symbols);
  entry_->file = entry_->bytes.data();
  entry_->size = entry_->bytes.size();
  std::lock_guard lock(gdb_mutex());
  entry_->next = __jit_debug_descriptor.first;
  if (entry_->next != nullptr) entry_->next->previous = entry_.get();
  __jit_debug_descriptor.first = __jit_debug_descriptor.relevant = entry_.get();
  __jit_debug_descriptor.action = 1;
  __jit_debug_register_code();
}

GdbObject::~GdbObject() {
  std::lock_guard lock(gdb_mutex());
  if (entry_->previous != nullptr) {
    entry_->previous->next = entry_->next;
  } else {
    __jit_debug_descriptor.first = entry_->next;
  }
  if (entry_->next != nullptr) entry_->next->previous = entry_->previous;
  __jit_debug_descriptor.relevant = entry_.get();
  __jit_debug_descriptor.action = 2;
  __jit_debug_register_code();
}

Result<std::unique_ptr<CodeTools>> CodeTools::open(const Config& config) {
  std::unique_ptr<CodeTools> tools(new CodeTools());
  tools->profile_ = config.profile;
  tools->gdb_ = config.gdb;
  if (config.profile == Profile::perf_map) {
    SEDGE_TRY_ASSIGN(tools->file_, create(fmt::format("/tmp/perf-{}.map", ::getpid())));
  }
  if (config.profile == Profile::jitdump) {
    SEDGE_TRY_ASSIGN(tools->file_, create(fmt::format("jit-{}.dump", ::getpid())));
    std::string header;
    append(header, uint32_t{0x4a695444});
    append(header, uint32_t{1});
    append(header, uint32_t{40});
    append(header, uint32_t{kMachine});
    append(header, uint32_t{0});
    append(header, static_cast<uint32_t>(::getpid()));
    append(header, monotonic_ns());
    append(header, uint64_t{0});
    tools->write(header);
    // perf learns of the file because a page of it is mapped executable.
    void* mark = ::mmap(nullptr, static_cast<size_t>(::sysconf(_SC_PAGESIZE)),
                        PROT_READ | PROT_EXEC, MAP_PRIVATE, tools->file_.get(), 0);
    if (mark != MAP_FAILED) tools->mark_ = mark;
  }
  return tools;
}

CodeTools::~CodeTools() {
  if (mark_ != nullptr) ::munmap(mark_, static_cast<size_t>(::sysconf(_SC_PAGESIZE)));
}

/// A record as a whole. A full disk ends the file; the program goes on.
void CodeTools::write(const std::string& record) {
  for (size_t at = 0; file_ && at < record.size();) {
    const ssize_t put = ::write(file_.get(), record.data() + at, record.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return file_.reset();
    at += static_cast<size_t>(put);
  }
}

void CodeTools::write_dump(const CodeSymbol& symbol) {
  constexpr size_t kHeader = 16 + 40;
  const auto address = reinterpret_cast<uint64_t>(symbol.code.data());
  std::string record;
  append(record, uint32_t{0});  // JIT_CODE_LOAD
  append(record, static_cast<uint32_t>(kHeader + symbol.name.size() + 1 + symbol.code.size()));
  append(record, monotonic_ns());
  append(record, static_cast<uint32_t>(::getpid()));
  append(record, static_cast<uint32_t>(::syscall(SYS_gettid)));
  append(record, address);
  append(record, address);
  append(record, uint64_t{symbol.code.size()});
  append(record, count_++);
  record += symbol.name;
  record += '\0';
  record.append(reinterpret_cast<const char*>(symbol.code.data()), symbol.code.size());
  write(record);
}

std::unique_ptr<GdbObject> CodeTools::add(std::span<const CodeSymbol> symbols) {
  if (symbols.empty()) return nullptr;
  std::lock_guard lock(mutex_);
  if (profile_ == Profile::perf_map) {
    std::string lines;
    for (const CodeSymbol& symbol : symbols)
      lines += fmt::format("{:x} {:x} {}\n", reinterpret_cast<uint64_t>(symbol.code.data()),
                           symbol.code.size(), symbol.name);
    write(lines);
  } else if (profile_ == Profile::jitdump) {
    for (const CodeSymbol& symbol : symbols) write_dump(symbol);
  }
  return gdb_ ? std::make_unique<GdbObject>(symbols) : nullptr;
}

}  // namespace sedge
