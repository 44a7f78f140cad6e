// Runs every line-number program once and keeps only the rows that cover a wanted address, so
// memory stays proportional to the backtrace, not to the debug information.
#include "engine/dwarf_lines.h"

#include <optional>

#include <fmt/format.h>

namespace sedge {
namespace {

constexpr uint64_t kFormString = 0x08, kFormLineStrp = 0x1f, kFormStrp = 0x0e, kFormUdata = 0x0f,
                   kFormData1 = 0x0b, kFormData2 = 0x05, kFormData4 = 0x06, kFormData8 = 0x07,
                   kFormData16 = 0x1e, kFormBlock = 0x09;
constexpr uint64_t kContentPath = 1, kContentDirectory = 2;
constexpr uint32_t kMaxEntries = 100'000;  // of a directory or file table

Bytes section(const wasm::Module& module, std::string_view name) {
  for (const wasm::CustomSection& custom : module.customs)
    if (custom.name == name) return custom.content;
  return {};
}

Result<std::string_view> c_string(Reader& reader) {
  const auto* begin = reinterpret_cast<const char*>(reader.data());
  size_t size = strnlen(begin, reader.remaining());
  if (size == reader.remaining()) return fail(ErrorCode::unexpected_end);
  SEDGE_TRY(reader.bytes(size + 1));
  return std::string_view(begin, size);
}

std::string_view string_at(Bytes strings, uint64_t offset) {
  if (offset >= strings.size()) return {};
  const auto* begin = reinterpret_cast<const char*>(strings.data()) + offset;
  return {begin, strnlen(begin, strings.size() - offset)};
}

struct FileEntry {
  std::string_view path;
  uint64_t directory = 0;
};

/// One unit of .debug_line: its header's tables and its program.
class LineUnit {
 public:
  LineUnit(const wasm::Module& module, Reader reader) : module_(module), reader_(reader) {}

  Result<void> run(std::span<const uint64_t> wanted, std::span<std::string> found) {
    SEDGE_TRY(read_header());
    wanted_ = wanted;
    found_ = found;
    return run_program();
  }

 private:
  Result<void> read_header() {
    SEDGE_TRY_ASSIGN(version_, reader_.fixed<uint16_t>());
    if (version_ < 2 || version_ > 5) return fail(ErrorCode::unsupported_file);
    if (version_ == 5) SEDGE_TRY(reader_.bytes(2));  // address and segment selector sizes
    SEDGE_TRY_ASSIGN(uint32_t header_length, reader_.fixed<uint32_t>());
    size_t program = reader_.position() + header_length;
    if (header_length > reader_.remaining()) return fail(ErrorCode::unexpected_end);
    SEDGE_TRY_ASSIGN(min_length_, reader_.u8());
    if (version_ >= 4) SEDGE_TRY(reader_.u8());  // operations in an instruction: 1
    SEDGE_TRY(reader_.u8());                     // whether rows begin as statements
    SEDGE_TRY_ASSIGN(uint8_t line_base, reader_.u8());
    line_base_ = static_cast<int8_t>(line_base);
    SEDGE_TRY_ASSIGN(line_range_, reader_.u8());
    SEDGE_TRY_ASSIGN(opcode_base_, reader_.u8());
    if (line_range_ == 0 || opcode_base_ == 0) return fail(ErrorCode::unsupported_file);
    for (int i = 1; i < opcode_base_; ++i) {
      SEDGE_TRY_ASSIGN(uint8_t count, reader_.u8());
      operand_counts_.push_back(count);
    }
    SEDGE_TRY(version_ == 5 ? read_tables_5() : read_tables());
    reader_.seek(program);
    return {};
  }

  Result<void> read_tables() {
    directories_.emplace_back();  // index 0: the compilation's own directory
    for (uint32_t i = 0; i < kMaxEntries; ++i) {
      SEDGE_TRY_ASSIGN(std::string_view directory, c_string(reader_));
      if (directory.empty()) break;
      directories_.push_back(directory);
    }
    files_.emplace_back();  // file numbers begin at 1
    for (uint32_t i = 0; i < kMaxEntries; ++i) {
      FileEntry file;
      SEDGE_TRY_ASSIGN(file.path, c_string(reader_));
      if (file.path.empty()) break;
      SEDGE_TRY_ASSIGN(file.directory, reader_.u64());
      SEDGE_TRY(reader_.u64());  // time
      SEDGE_TRY(reader_.u64());  // size
      files_.push_back(file);
    }
    return {};
  }

  Result<void> read_tables_5() {
    SEDGE_TRY(read_table_5([this](const FileEntry& entry) { directories_.push_back(entry.path); }));
    return read_table_5([this](const FileEntry& entry) { files_.push_back(entry); });
  }

  template <typename Add>
  Result<void> read_table_5(Add add) {
    SEDGE_TRY_ASSIGN(uint8_t format_count, reader_.u8());
    std::vector<std::pair<uint64_t, uint64_t>> format;
    for (int i = 0; i < format_count; ++i) {
      SEDGE_TRY_ASSIGN(uint64_t content, reader_.u64());
      SEDGE_TRY_ASSIGN(uint64_t form, reader_.u64());
      format.emplace_back(content, form);
    }
    SEDGE_TRY_ASSIGN(uint64_t count, reader_.u64());
    if (count > kMaxEntries || (count != 0 && format.empty()))
      return fail(ErrorCode::unsupported_file);
    for (uint64_t i = 0; i < count; ++i) {
      FileEntry entry;
      for (auto [content, form] : format) {
        std::string_view text;
        uint64_t number = 0;
        SEDGE_TRY(read_form(form, text, number));
        if (content == kContentPath) entry.path = text;
        if (content == kContentDirectory) entry.directory = number;
      }
      add(entry);
    }
    return {};
  }

  Result<void> read_form(uint64_t form, std::string_view& text, uint64_t& number) {
    auto fixed = [&]<typename T>(T) -> Result<void> {
      SEDGE_TRY_ASSIGN(number, reader_.fixed<T>());
      return {};
    };
    switch (form) {
      case kFormString: {
        SEDGE_TRY_ASSIGN(text, c_string(reader_));
        return {};
      }
      case kFormLineStrp:
      case kFormStrp:
        SEDGE_TRY(fixed(uint32_t{}));
        text = string_at(section(module_, form == kFormStrp ? ".debug_str" : ".debug_line_str"),
                         number);
        return {};
      case kFormUdata: {
        SEDGE_TRY_ASSIGN(number, reader_.u64());
        return {};
      }
      case kFormData1:
        return fixed(uint8_t{});
      case kFormData2:
        return fixed(uint16_t{});
      case kFormData4:
        return fixed(uint32_t{});
      case kFormData8:
        return fixed(uint64_t{});
      case kFormData16:
        SEDGE_TRY(reader_.bytes(16));
        return {};
      case kFormBlock: {
        SEDGE_TRY_ASSIGN(uint64_t size, reader_.u64());
        SEDGE_TRY(reader_.bytes(size));
        return {};
      }
      default:
        return fail(ErrorCode::unsupported_file);
    }
  }

  struct Row {
    uint64_t address = 0;
    uint64_t file = 1;
    int64_t line = 1;
  };

  // A new row says where the one before it ends.
  void add_row() {
    if (previous_) {
      for (size_t i = 0; i < wanted_.size(); ++i) {
        if (wanted_[i] >= previous_->address && wanted_[i] < row_.address && found_[i].empty())
          found_[i] = describe(*previous_);
      }
    }
    previous_ = row_;
  }

  void end_sequence() {
    add_row();
    previous_.reset();
    row_ = Row{};
  }

  std::string describe(const Row& row) const {
    if (row.file >= files_.size() || row.line <= 0) return {};
    const FileEntry& file = files_[row.file];
    std::string path;
    if (file.directory < directories_.size() && !file.path.starts_with('/') &&
        !directories_[file.directory].empty())
      path = std::string(directories_[file.directory]) + "/";
    path += file.path;
    return fmt::format("{}:{}", path, row.line);
  }

  Result<void> run_program() {
    while (!reader_.at_end()) {
      SEDGE_TRY_ASSIGN(uint8_t opcode, reader_.u8());
      if (opcode >= opcode_base_) {
        int adjusted = opcode - opcode_base_;
        row_.address += static_cast<uint64_t>(adjusted / line_range_) * min_length_;
        row_.line += line_base_ + adjusted % line_range_;
        add_row();
      } else if (opcode == 0) {
        SEDGE_TRY(extended());
      } else {
        SEDGE_TRY(standard(opcode));
      }
    }
    return {};
  }

  Result<void> extended() {
    SEDGE_TRY_ASSIGN(uint64_t size, reader_.u64());
    SEDGE_TRY_ASSIGN(Bytes bytes, reader_.bytes(size));
    if (bytes.empty()) return {};
    if (bytes[0] == 1) end_sequence();
    if (bytes[0] == 2) {  // set address, 4 or 8 bytes
      Reader operand(bytes.subspan(1));
      if (operand.remaining() == 8) {
        SEDGE_TRY_ASSIGN(row_.address, operand.fixed<uint64_t>());
      } else {
        SEDGE_TRY_ASSIGN(row_.address, operand.fixed<uint32_t>());
      }
    }
    return {};
  }

  Result<void> standard(uint8_t opcode) {
    switch (opcode) {
      case 1:
        add_row();
        return {};
      case 2: {
        SEDGE_TRY_ASSIGN(uint64_t advance, reader_.u64());
        row_.address += advance * min_length_;
        return {};
      }
      case 3: {
        SEDGE_TRY_ASSIGN(int64_t advance, reader_.s64());
        row_.line =
            static_cast<int64_t>(static_cast<uint64_t>(row_.line) + static_cast<uint64_t>(advance));
        return {};
      }
      case 4: {
        SEDGE_TRY_ASSIGN(row_.file, reader_.u64());
        return {};
      }
      case 8:
        row_.address += static_cast<uint64_t>((255 - opcode_base_) / line_range_) * min_length_;
        return {};
      case 9: {
        SEDGE_TRY_ASSIGN(uint16_t advance, reader_.fixed<uint16_t>());
        row_.address += advance;
        return {};
      }
      default:  // column, statement and block marks: operands only
        for (int i = 0; i < operand_counts_[opcode - 1]; ++i) SEDGE_TRY(reader_.u64());
        return {};
    }
  }

  const wasm::Module& module_;
  Reader reader_;
  uint16_t version_ = 0;
  uint8_t min_length_ = 1, line_range_ = 1, opcode_base_ = 1;
  int8_t line_base_ = 0;
  std::vector<uint8_t> operand_counts_;
  std::vector<std::string_view> directories_;
  std::vector<FileEntry> files_;
  std::span<const uint64_t> wanted_;
  std::span<std::string> found_;
  Row row_;
  std::optional<Row> previous_;
};

}  // namespace

std::vector<std::string> find_source_lines(const wasm::Module& module,
                                           std::span<const uint64_t> offsets) {
  std::vector<std::string> found(offsets.size());
  Bytes lines = section(module, ".debug_line");
  if (lines.empty()) return found;
  std::vector<uint64_t> addresses;
  for (uint64_t offset : offsets)
    addresses.push_back(offset < module.code_offset ? UINT64_MAX : offset - module.code_offset);
  Reader reader(lines);
  while (!reader.at_end()) {
    auto size = reader.fixed<uint32_t>();
    if (!size || *size >= 0xfffffff0) break;  // 64-bit DWARF does not occur in wasm
    auto unit = reader.bytes(*size);
    if (!unit) break;
    if (auto run = LineUnit(module, Reader(*unit)).run(addresses, found); !run) continue;
  }
  return found;
}

}  // namespace sedge
