// wasm::Module → binary format. Spec: chapter "Binary Format".
#ifndef SEDGE_WASM_ENCODE_ENCODE_H_
#define SEDGE_WASM_ENCODE_ENCODE_H_

#include <cstdint>
#include <vector>

#include "wasm/module.h"

namespace sedge::wasm {

/// Appends LEB128, value types, names: shared by encoder and text parser.
class Writer {
 public:
  void u8(uint8_t value) { out_.push_back(value); }
  void u32(uint32_t value) { u64(value); }
  void u64(uint64_t value);
  void s64(int64_t value);
  void bytes(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void name(std::string_view text);
  void val_type(ValType type);
  void heap_type(HeapType type);
  size_t size() const { return out_.size(); }
  std::vector<uint8_t>& out() { return out_; }
  std::vector<uint8_t> take() { return std::move(out_); }

 private:
  std::vector<uint8_t> out_;
};

/// Where function bodies landed in the encoded binary, for mapping offsets back to text.
struct EncodedOffsets {
  std::vector<uint64_t> bodies;  ///< per defined function: offset of its first instruction
};

/// The binary form, canonical: shortest LEB128, custom sections where `after` puts them, names from
/// `module.names` as the name section (replacing a "name" custom section in `customs`; the parser
/// adds none).
std::vector<uint8_t> encode(const Module& module, EncodedOffsets* offsets = nullptr);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_ENCODE_ENCODE_H_
