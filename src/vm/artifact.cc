// Reader and writer of artifacts. The directory is small and checked as a whole; images are reached
// through it only.
#include "vm/artifact.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/cpu.h"
#include "vm/builtin.h"

namespace sedge::vm {

/// Of the compiler's sources; the build makes it (cmake/hash_sources.cmake).
extern const uint64_t compiler_sources;

namespace {

constexpr char kMagic[8] = {'s', 'e', 'd', 'g', 'e', 'a', 'o', 't'};
constexpr uint32_t kFormat = 1;
/// Magic, format, directory size, checksum, layout, size and hash of the original, images, unused.
constexpr size_t kHeaderSize = 64;
constexpr size_t kChecksumAt = 16;
constexpr size_t kRowSize = 56;
constexpr uint32_t kMaxImages = 4096;
constexpr uint32_t kMaxFrameCells = 65535;

// Bits of a row's mode.
constexpr uint8_t kFuel = 1, kInterruptible = 2, kExact = 4, kGuarded = 8, kAllModes = 15;

std::unexpected<Error> bad(const char* why) {
  return fail(ErrorCode::bad_artifact, std::string(": ") + why);
}

class Out {
 public:
  explicit Out(std::vector<uint8_t>& out) : out_(out) {}
  template <typename T>
  void fixed(T value) {
    for (size_t i = 0; i < sizeof(T); i++) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  void leb(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<uint8_t>(value | 0x80));
    out_.push_back(static_cast<uint8_t>(value));
  }

 private:
  std::vector<uint8_t>& out_;
};

template <typename T>
T fixed_at(const uint8_t* at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); i++) value |= static_cast<T>(T{at[i]} << (8 * i));
  return value;
}
template <typename T>
void put_at(uint8_t* at, T value) {
  for (size_t i = 0; i < sizeof(T); i++) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e37'79b9'7f4a'7c15;
  return hash ^ hash >> 29;
}

/// Hash of a directory, its checksum taken as 0.
uint64_t directory_hash(Bytes directory) {
  std::vector<uint8_t> copy(directory.begin(), directory.end());
  std::fill_n(copy.begin() + kChecksumAt, 8, uint8_t{0});
  return content_hash(copy);
}

struct Section {
  Bytes before;         ///< the file up to the section
  Bytes content;        ///< behind the section's name
  uint64_t offset = 0;  ///< of the content in the file
};

/// The last section of a file, if it is ours.
std::optional<Section> find_section(Bytes file) {
  static constexpr uint8_t kWasm[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  if (file.size() < 8 || std::memcmp(file.data(), kWasm, 8) != 0) return {};
  Reader reader(file);
  reader.skip(8);
  while (!reader.at_end()) {
    const size_t start = reader.position();
    auto id = reader.u8();
    if (!id) return {};
    auto size = reader.u32();
    if (!size || *size > reader.remaining()) return {};
    const size_t body = reader.position();
    if (*id == 0 && *size == reader.remaining()) {
      const std::string_view name = kArtifactSection;
      if (*size <= name.size() || reader.data()[0] != name.size() ||
          std::memcmp(reader.data() + 1, name.data(), name.size()) != 0) {
        return {};
      }
      const size_t content = body + 1 + name.size();
      return Section{file.first(start), file.subspan(content), content};
    }
    reader.skip(*size);
  }
  return {};
}

/// What is in the tables of one image.
Result<void> read_tables(Bytes bytes, ArtifactImage& image) {
  Reader reader(bytes);
  auto count = [&](size_t size) -> Result<uint32_t> {
    SEDGE_TRY_ASSIGN(uint32_t n, reader.fixed<uint32_t>());
    if (n > reader.remaining() / size) return bad("a table is cut short");
    return n;
  };
  auto offset = [&]() -> Result<uint32_t> {
    SEDGE_TRY_ASSIGN(uint32_t at, reader.fixed<uint32_t>());
    if (at >= image.code_size) return bad("a function lies outside of its image");
    return at;
  };
  SEDGE_TRY_ASSIGN(uint32_t entries, count(8));
  image.entries.reserve(entries);
  for (uint32_t i = 0; i < entries; i++) {
    ArtifactEntry entry;
    SEDGE_TRY_ASSIGN(entry.offset, offset());
    SEDGE_TRY_ASSIGN(entry.frame_cells, reader.fixed<uint32_t>());
    if (entry.frame_cells > kMaxFrameCells) return bad("a frame is too large");
    image.entries.push_back(entry);
  }
  SEDGE_TRY_ASSIGN(uint32_t loops, count(12));
  for (uint32_t i = 0; i < loops; i++) {
    ArtifactLoop loop;
    SEDGE_TRY_ASSIGN(loop.func, reader.fixed<uint32_t>());
    SEDGE_TRY_ASSIGN(loop.loop, reader.fixed<uint32_t>());
    SEDGE_TRY_ASSIGN(loop.offset, offset());
    image.loops.push_back(loop);
  }
  SEDGE_TRY_ASSIGN(uint32_t places, count(1));
  image.places.assign(reader.data(), reader.data() + places);
  reader.skip(places);
  if (!reader.at_end()) return bad("its tables are longer than they say");
  return {};
}

void write_tables(std::vector<uint8_t>& bytes, const ArtifactImage& image) {
  Out out(bytes);
  out.fixed(static_cast<uint32_t>(image.entries.size()));
  for (const ArtifactEntry& entry : image.entries) {
    out.fixed(entry.offset);
    out.fixed(entry.frame_cells);
  }
  out.fixed(static_cast<uint32_t>(image.loops.size()));
  for (const ArtifactLoop& loop : image.loops) {
    out.fixed(loop.func);
    out.fixed(loop.loop);
    out.fixed(loop.offset);
  }
  out.fixed(static_cast<uint32_t>(image.places.size()));
  bytes.insert(bytes.end(), image.places.begin(), image.places.end());
}

uint64_t aligned(uint64_t at) {
  return (at + kArtifactAlign - 1) / kArtifactAlign * kArtifactAlign;
}

struct TargetName {
  const char* name;
  const char* cpu;
  ArtifactTarget target;
};
constexpr TargetName kTargets[] = {
    {"x86-64-v2", "x86-64-v2", {ArtifactArch::x86_64, 2}},
    {"x86-64-v3", "x86-64-v3", {ArtifactArch::x86_64, 3}},
    {"aarch64-linux", "generic", {ArtifactArch::aarch64, 1}},
    {"riscv64-linux", "generic-rv64", {ArtifactArch::riscv64, 1}},
};

/// A module without anything in it.
constexpr uint8_t kEmptyModule[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

const TargetName* row_of(ArtifactTarget target) {
  const auto* row = std::ranges::find(kTargets, target, &TargetName::target);
  return row == std::end(kTargets) ? nullptr : row;
}

}  // namespace

const char* ArtifactTarget::cpu() const {
  const TargetName* row = row_of(*this);
  return row == nullptr ? "unknown" : row->cpu;
}
std::string ArtifactTarget::name() const {
  const TargetName* row = row_of(*this);
  return row == nullptr ? "an unknown processor" : row->name;
}

std::optional<ArtifactTarget> find_target(std::string_view name) {
  for (const TargetName& row : kTargets) {
    if (name == row.name) return row.target;
  }
  return {};
}

std::vector<ArtifactTarget> own_targets() {
#if defined(__x86_64__)
  return {{ArtifactArch::x86_64, 3}, {ArtifactArch::x86_64, 2}};
#elif defined(__aarch64__)
  return {{ArtifactArch::aarch64, 1}};
#else
  return {{ArtifactArch::riscv64, 1}};
#endif
}

std::string target_names() {
  std::string names;
  for (const TargetName& row : kTargets) {
    if (!names.empty()) names += &row == std::end(kTargets) - 1 ? " or " : ", ";
    names += row.name;
  }
  return names;
}

ArtifactTarget host_target() {
#if defined(__x86_64__)
  return {ArtifactArch::x86_64, static_cast<uint8_t>(x86_features().v3 ? 3 : 2)};
#elif defined(__aarch64__)
  return {ArtifactArch::aarch64, 1};
#else
  return {ArtifactArch::riscv64, 1};
#endif
}

bool runs_here(ArtifactTarget target) {
  const ArtifactTarget here = host_target();
  return target.arch == here.arch && target.level <= here.level;
}

std::string ArtifactMode::name() const {
  std::string text = exact ? "exact" : "fast";
  text += guarded ? ", guarded" : ", checked";
  if (fuel) text += ", fuel";
  if (interruptible) text += ", interruptible";
  return text;
}

uint8_t ArtifactMode::bits() const {
  return static_cast<uint8_t>((fuel ? kFuel : 0) | (interruptible ? kInterruptible : 0) |
                              (exact ? kExact : 0) | (guarded ? kGuarded : 0));
}

std::optional<ArtifactMode> ArtifactMode::from_bits(uint8_t bits) {
  if ((bits & ~kAllModes) != 0) return {};
  return ArtifactMode{(bits & kFuel) != 0, (bits & kInterruptible) != 0, (bits & kExact) != 0,
                      (bits & kGuarded) != 0};
}

uint64_t content_hash(Bytes bytes) {
  uint64_t hash = mix(0x5ed9'e000, bytes.size());
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = mix(hash, word);
  }
  uint64_t tail = 0;
  for (size_t i = 0; i < left; i++) tail |= uint64_t{at[i]} << (8 * i);
  return mix(hash, tail);
}

uint64_t layout_hash() {
  uint64_t hash = mix(kFormat, compiler_sources);
  const auto text = [&](std::string_view s) {
    for (char c : s) hash = mix(hash, static_cast<uint8_t>(c));
  };
  text(SEDGE_VERSION);
  for (uint64_t size :
       {sizeof(Context), sizeof(Instance), sizeof(Func), sizeof(Memory), sizeof(Table),
        sizeof(Global), sizeof(Tag), sizeof(NativeSlot), sizeof(Builtins), wasm::kTrapCodeCount}) {
    hash = mix(hash, size);
  }
#define SEDGE_FIELD(type, name) hash = mix(hash, offsetof(type, name));
  SEDGE_FIELD(Context, builtins)
  SEDGE_FIELD(Context, gc_base)
  SEDGE_FIELD(Context, gc_hole)
  SEDGE_FIELD(GcHole, limit)
  SEDGE_FIELD(Context, native_limit)
  SEDGE_FIELD(Context, stack_end)
  SEDGE_FIELD(Context, sp)
  SEDGE_FIELD(Context, fuel)
  SEDGE_FIELD(Context, interrupt)
  SEDGE_FIELD(Context, trap)
  SEDGE_FIELD(Context, exception)
  SEDGE_FIELD(Context, trap_index)
  SEDGE_FIELD(Instance, memory_base)
  SEDGE_FIELD(Instance, slots)
  SEDGE_FIELD(Instance, imported_funcs)
  SEDGE_FIELD(Instance, memories)
  SEDGE_FIELD(Instance, tables)
  SEDGE_FIELD(Instance, globals)
  SEDGE_FIELD(Instance, tags)
  SEDGE_FIELD(Instance, types)
  SEDGE_FIELD(Func, instance)
  SEDGE_FIELD(Func, index)
  SEDGE_FIELD(Func, type)
  SEDGE_FIELD(Func, slot)
  SEDGE_FIELD(Memory, base)
  SEDGE_FIELD(Memory, size)
  SEDGE_FIELD(Table, elements)
  SEDGE_FIELD(Table, size)
#undef SEDGE_FIELD
#define SEDGE_BUILTIN(result, name, parameters, gc) text(#result #name #parameters);
#include "vm/builtin.def"
#undef SEDGE_BUILTIN
  return hash;
}

bool has_artifact(Bytes file) { return find_section(file).has_value(); }

Bytes without_artifact(Bytes file) {
  const std::optional<Section> section = find_section(file);
  return section ? section->before : file;
}

Result<Artifact> read_artifact(Bytes file) {
  const std::optional<Section> section = find_section(file);
  if (!section) return bad("the file has none");
  const Bytes content = section->content;
  if (content.size() < kHeaderSize || std::memcmp(content.data(), kMagic, sizeof(kMagic)) != 0) {
    return bad("its header is damaged");
  }
  const uint8_t* header = content.data();
  if (fixed_at<uint32_t>(header + 8) != kFormat) return bad("it is of another build of sedge");
  const uint64_t size = fixed_at<uint32_t>(header + 12);
  if (size < kHeaderSize || size > content.size()) return bad("its header is damaged");
  const Bytes directory = content.first(size);
  if (directory_hash(directory) != fixed_at<uint64_t>(header + kChecksumAt)) {
    return bad("its checksum is wrong");
  }
  Artifact artifact;
  artifact.layout = fixed_at<uint64_t>(header + 24);
  artifact.original_size = fixed_at<uint64_t>(header + 32);
  artifact.original_hash = fixed_at<uint64_t>(header + 40);
  const auto images = fixed_at<uint32_t>(header + 48);
  if (artifact.original_size != section->before.size()) return bad("the module was changed");
  if (images > kMaxImages || images * kRowSize > size - kHeaderSize) {
    return bad("its header is damaged");
  }
  for (uint32_t i = 0; i < images; i++) {
    const uint8_t* row = header + kHeaderSize + i * kRowSize;
    ArtifactImage image;
    image.module = fixed_at<uint32_t>(row);
    image.target = {static_cast<ArtifactArch>(row[4]), row[5]};
    const auto mode = ArtifactMode::from_bits(row[6]);
    if (!mode) return bad("it is of another build of sedge");
    image.mode = *mode;
    image.level = row[7];
    image.code_offset = fixed_at<uint64_t>(row + 8);
    image.code_size = fixed_at<uint64_t>(row + 16);
    image.code_hash = fixed_at<uint64_t>(row + 24);
    const auto tables_at = fixed_at<uint64_t>(row + 32), tables_size = fixed_at<uint64_t>(row + 40);
    if (image.code_offset % kArtifactAlign != 0 || image.code_offset < section->offset + size ||
        image.code_offset > file.size() || image.code_size > file.size() - image.code_offset ||
        image.code_size > UINT32_MAX) {
      return bad("an image lies outside of the file");
    }
    if (tables_at < kHeaderSize + images * kRowSize || tables_at > size ||
        tables_size > size - tables_at) {
      return bad("a table lies outside of the file");
    }
    SEDGE_TRY(read_tables(directory.subspan(tables_at, tables_size), image));
    artifact.images.push_back(std::move(image));
  }
  return artifact;
}

bool check_code(Bytes file, const ArtifactImage& image) {
  return content_hash(file.subspan(image.code_offset, image.code_size)) == image.code_hash;
}

std::vector<uint8_t> write_artifact(Bytes original, const Artifact& artifact) {
  const std::string_view name = kArtifactSection;
  // Section id, size in five bytes, length of the name, name.
  const uint64_t content = original.size() + 1 + 5 + 1 + name.size();
  std::vector<uint8_t> tables;
  std::vector<uint8_t> rows;
  const uint64_t rows_size = artifact.images.size() * kRowSize;
  std::vector<std::pair<uint64_t, uint64_t>> table_places;
  for (const ArtifactImage& image : artifact.images) {
    const uint64_t at = kHeaderSize + rows_size + tables.size();
    write_tables(tables, image);
    table_places.emplace_back(at, kHeaderSize + rows_size + tables.size() - at);
  }
  const uint64_t size = kHeaderSize + rows_size + tables.size();
  uint64_t end = content + size;
  Out row(rows);
  std::vector<uint64_t> starts;
  for (size_t i = 0; i < artifact.images.size(); i++) {
    const ArtifactImage& image = artifact.images[i];
    const uint64_t start = aligned(end);
    starts.push_back(start);
    row.fixed(image.module);
    rows.push_back(static_cast<uint8_t>(image.target.arch));
    rows.push_back(image.target.level);
    rows.push_back(image.mode.bits());
    rows.push_back(image.level);
    row.fixed(start);
    row.fixed(uint64_t{image.code.size()});
    row.fixed(content_hash(image.code));
    row.fixed(table_places[i].first);
    row.fixed(table_places[i].second);
    row.fixed(uint64_t{0});
    end = start + image.code.size();
  }
  std::vector<uint8_t> directory;
  Out out(directory);
  directory.insert(directory.end(), kMagic, kMagic + sizeof(kMagic));
  out.fixed(kFormat);
  out.fixed(static_cast<uint32_t>(size));
  out.fixed(uint64_t{0});
  out.fixed(artifact.layout);
  out.fixed(uint64_t{original.size()});
  out.fixed(content_hash(original));
  out.fixed(static_cast<uint32_t>(artifact.images.size()));
  out.fixed(uint32_t{0});
  out.fixed(uint64_t{0});
  directory.insert(directory.end(), rows.begin(), rows.end());
  directory.insert(directory.end(), tables.begin(), tables.end());
  put_at(directory.data() + kChecksumAt, directory_hash(directory));

  std::vector<uint8_t> file(original.begin(), original.end());
  file.reserve(end);
  file.push_back(0);
  const uint64_t body = end - original.size() - 6;
  for (int i = 0; i < 5; i++) {
    file.push_back(static_cast<uint8_t>((body >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0)));
  }
  file.push_back(static_cast<uint8_t>(name.size()));
  file.insert(file.end(), name.begin(), name.end());
  file.insert(file.end(), directory.begin(), directory.end());
  for (size_t i = 0; i < artifact.images.size(); i++) {
    file.resize(starts[i]);
    const std::vector<uint8_t>& code = artifact.images[i].code;
    file.insert(file.end(), code.begin(), code.end());
  }
  return file;
}

std::vector<uint8_t> write_code_only(const Artifact& artifact) {
  return write_artifact(kEmptyModule, artifact);
}

std::vector<uint8_t> encode_places(const std::vector<ArtifactPlace>& places) {
  std::vector<uint8_t> bytes;
  Out out(bytes);
  uint32_t last = 0;
  for (const ArtifactPlace& place : places) {
    out.leb(place.offset - last);
    last = place.offset;
    out.leb(place.frames.size());
    for (const CodePlace& frame : place.frames) {
      out.leb(frame.func_index);
      out.leb(frame.offset);
    }
  }
  return bytes;
}

Result<std::vector<ArtifactPlace>> decode_places(Bytes bytes) {
  std::vector<ArtifactPlace> places;
  Reader reader(bytes);
  uint64_t offset = 0;
  while (!reader.at_end()) {
    SEDGE_TRY_ASSIGN(uint32_t delta, reader.u32());
    offset += delta;
    if (offset > UINT32_MAX) return bad("its places are damaged");
    ArtifactPlace place;
    place.offset = static_cast<uint32_t>(offset);
    SEDGE_TRY_ASSIGN(uint32_t frames, reader.u32());
    if (frames > reader.remaining() / 2) return bad("its places are damaged");
    for (uint32_t i = 0; i < frames; i++) {
      CodePlace frame;
      SEDGE_TRY_ASSIGN(frame.func_index, reader.u32());
      SEDGE_TRY_ASSIGN(frame.offset, reader.u64());
      place.frames.push_back(frame);
    }
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace sedge::vm
