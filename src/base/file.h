// Whole files as bytes.
#ifndef SEDGE_BASE_FILE_H_
#define SEDGE_BASE_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <sedge/error.h>

namespace sedge {

/// Bytes, and what keeps them alive.
struct FileContent {
  std::span<const uint8_t> bytes;
  std::shared_ptr<const void> owner;
  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// Reads a file, or standard input for "-", of at most `limit` bytes. It is read, not mapped:
/// another process that shortens the file must not turn reads into faults. Errors: file_not_found,
/// permission_denied, io, limit_exceeded.
Result<FileContent> read_file(const std::string& path, uint64_t limit);
/// Writes a file, or standard output for "-"; an existing file is replaced only once everything is
/// written. Errors: file_not_found (folder), permission_denied, io.
Result<void> write_file(const std::string& path, std::string_view content);

}  // namespace sedge

#endif  // SEDGE_BASE_FILE_H_
