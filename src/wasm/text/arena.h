// Append-only bytes with stable addresses: what a parsed Module borrows.
#ifndef SEDGE_WASM_TEXT_ARENA_H_
#define SEDGE_WASM_TEXT_ARENA_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/reader.h"

namespace sedge::wasm {

class Arena {
 public:
  Bytes store(Bytes bytes) {
    if (bytes.empty()) return {};
    if (bytes.size() > free_) {
      free_ = std::max(bytes.size(), kChunk);
      chunks_.push_back(std::make_unique<uint8_t[]>(free_));
      next_ = chunks_.back().get();
    }
    uint8_t* at = next_;
    std::memcpy(at, bytes.data(), bytes.size());
    next_ += bytes.size();
    free_ -= bytes.size();
    return {at, bytes.size()};
  }
  std::string_view store(std::string_view text) {
    Bytes stored = store(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
    return {reinterpret_cast<const char*>(stored.data()), stored.size()};
  }

 private:
  static constexpr size_t kChunk = 16 * 1024;
  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint8_t* next_ = nullptr;
  size_t free_ = 0;
};

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_ARENA_H_
