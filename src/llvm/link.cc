// lld in this process, on files in a private folder, with a script that puts everything into one
// segment from address 0 on.
#include "llvm/link.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <mutex>

#include <lld/Common/Driver.h>
#include <llvm/Object/ELF.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/raw_ostream.h>

#include "base/file.h"

LLD_HAS_DRIVER(elf)

namespace sedge::llvmc {

namespace {

// Sixteen bytes of zeros first: no function has offset 0.
constexpr const char* kScript = R"(
PHDRS { image PT_LOAD FLAGS(5); }
SECTIONS {
  . = 0;
  .head : { QUAD(0) QUAD(0) } :image
  .rodata : { *(.rodata .rodata.* .srodata .srodata.*) } :image
  . = ALIGN(64);
  .text : { *(.text .text.*) } :image
  .bad : { *(.data .data.* .sdata .sdata.* .bss .bss.* .sbss .sbss.* .tdata .tbss .init_array COMMON) }
  .got : { *(.got) } .got.plt : { *(.got.plt) } .plt : { *(.plt) *(.iplt) }
  .rela.dyn : { *(.rela.*) }
  ASSERT(SIZEOF(.bad) == 0, "writable data in the image")
  ASSERT(SIZEOF(.got) == 0 && SIZEOF(.got.plt) == 0 && SIZEOF(.plt) == 0, "GOT or PLT in the image")
  ASSERT(SIZEOF(.rela.dyn) == 0, "dynamic relocations in the image")
  .sedge.places 0 : { *(.sedge.places) }
  .symtab 0 : { *(.symtab) } .strtab 0 : { *(.strtab) } .shstrtab 0 : { *(.shstrtab) }
  /DISCARD/ : { *(.comment) *(.note.*) *(.dynamic) *(.dynsym) *(.dynstr) *(.hash) *(.gnu.hash)
                *(.eh_frame) *(.llvm_addrsig) *(.debug_*)
                *(.riscv.attributes) *(.ARM.attributes) }
}
)";

/// A folder that goes with its contents.
class Folder {
 public:
  static Result<Folder> create() {
    const char* base = std::getenv("TMPDIR");
    std::string path = std::string(base != nullptr ? base : "/tmp") + "/sedgec-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      return fail(ErrorCode::io, ": cannot create a folder below " + path);
    }
    return Folder(std::move(path));
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::unexpected<Error> failed(std::string why) {
  return fail(ErrorCode::compile_failed, ": " + std::move(why));
}

template <typename T>
T read_at(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

Result<void> run_lld(const std::vector<std::string>& inputs, const std::string& script,
                     const std::string& output) {
  std::vector<const char*> arguments = {"ld.lld",
                                        "-pie",
                                        "-e0",
                                        "--no-dynamic-linker",
                                        "-z",
                                        "text",
                                        "-z",
                                        "norelro",
                                        "--threads=1",
                                        "--orphan-handling=error",
                                        "--build-id=none",
                                        "-T",
                                        script.c_str(),
                                        "-o",
                                        output.c_str()};
  for (const std::string& input : inputs) arguments.push_back(input.c_str());
  std::string text;
  llvm::raw_string_ostream stream(text);
  static std::mutex one_at_a_time;
  std::lock_guard lock(one_at_a_time);
  const lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0) return failed("linking: " + text.substr(0, text.find('\n')));
  return {};
}

using File = llvm::object::ELFFile<llvm::object::ELF64LE>;

/// Proves that the image stands for itself, and takes it apart.
Result<Linked> read_image(std::span<const uint8_t> bytes, const std::vector<ObjectCode>& objects) {
  auto checked = [](auto expected) -> Result<std::decay_t<decltype(*expected)>> {
    if (!expected) return failed(llvm::toString(expected.takeError()));
    return *expected;
  };
  const llvm::StringRef contents(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  SEDGE_TRY_ASSIGN(const File file, checked(File::create(contents)));
  SEDGE_TRY_ASSIGN(const auto sections, checked(file.sections()));
  Linked linked;
  std::vector<uint8_t> places;
  for (const auto& section : sections) {
    SEDGE_TRY_ASSIGN(const llvm::StringRef name, checked(file.getSectionName(section)));
    const bool relocations =
        section.sh_type == llvm::ELF::SHT_RELA || section.sh_type == llvm::ELF::SHT_REL;
    if (relocations && section.sh_size != 0) return failed("relocations in the image");
    SEDGE_TRY_ASSIGN(const auto data, checked(file.getSectionContents(section)));
    if (name == kPlacesSection) places.assign(data.begin(), data.end());
    if (section.sh_type == llvm::ELF::SHT_SYMTAB) {
      SEDGE_TRY_ASSIGN(const auto symbols, checked(file.symbols(&section)));
      SEDGE_TRY_ASSIGN(const auto strings, checked(file.getStringTableForSymtab(section)));
      for (size_t i = 1; i < symbols.size(); i++) {
        if (symbols[i].st_shndx == llvm::ELF::SHN_UNDEF) return failed("undefined symbols");
        if (symbols[i].getType() != llvm::ELF::STT_FUNC) continue;
        SEDGE_TRY_ASSIGN(const auto symbol, checked(symbols[i].getName(strings)));
        linked.symbols[symbol.str()] = static_cast<uint32_t>(symbols[i].st_value);
      }
    }
    if ((section.sh_flags & llvm::ELF::SHF_ALLOC) == 0 || section.sh_size == 0) continue;
    if ((section.sh_flags & llvm::ELF::SHF_WRITE) != 0) return failed("writable data in the image");
    const uint64_t end = section.sh_addr + section.sh_size;
    if (end > INT32_MAX) return failed("the code is too large");
    if (linked.code.size() < end) linked.code.resize(end);
    std::copy(data.begin(), data.end(),
              linked.code.begin() + static_cast<ptrdiff_t>(section.sh_addr));
  }
  size_t at = 0;
  while (at + 16 <= places.size()) {
    const auto address = read_at<uint64_t>(&places[at]);
    const auto count = read_at<uint32_t>(&places[at + 8]);
    const auto object = read_at<uint32_t>(&places[at + 12]);
    at += 16;
    if (object >= objects.size() || count > (places.size() - at) / 8) return failed("bad places");
    for (uint32_t i = 0; i < count; i++, at += 8) {
      const auto& chain = objects[object].chains[read_at<uint32_t>(&places[at + 4])];
      linked.places.push_back(
          {static_cast<uint32_t>(address + read_at<uint32_t>(&places[at])), chain});
    }
  }
  // Of several places at one address the last counts: the first is the function's own.
  std::vector<uint32_t> order(linked.places.size());
  for (uint32_t i = 0; i < order.size(); i++) order[i] = i;
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    return std::pair(linked.places[a].offset, a) < std::pair(linked.places[b].offset, b);
  });
  std::vector<vm::ArtifactPlace> sorted;
  for (uint32_t i : order) {
    if (!sorted.empty() && sorted.back().offset == linked.places[i].offset) sorted.pop_back();
    sorted.push_back(std::move(linked.places[i]));
  }
  linked.places = std::move(sorted);
  return linked;
}

}  // namespace

Result<Linked> link(const std::vector<ObjectCode>& objects) {
  SEDGE_TRY_ASSIGN(const Folder folder, Folder::create());
  std::vector<std::string> inputs;
  for (size_t i = 0; i < objects.size(); i++) {
    inputs.push_back(folder.file(std::to_string(i) + ".o"));
    SEDGE_TRY(write_file(inputs.back(), {objects[i].bytes.data(), objects[i].bytes.size()}));
  }
  const std::string script = folder.file("script"), output = folder.file("image");
  SEDGE_TRY(write_file(script, kScript));
  SEDGE_TRY(run_lld(inputs, script, output));
  SEDGE_TRY_ASSIGN(const auto image, read_file(output, uint64_t{4} << 30));
  return read_image(image.bytes, objects);
}

}  // namespace sedge::llvmc
