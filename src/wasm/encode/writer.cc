// Primitive values of the binary format. Spec: binary format, sections "Values" and "Types".
#include "wasm/encode/encode.h"

namespace sedge::wasm {

void Writer::u64(uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<uint8_t>(value));
}

void Writer::s64(int64_t value) {
  for (;;) {
    auto byte = static_cast<uint8_t>(value & 0x7f);
    value >>= 7;
    if ((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40))) {
      out_.push_back(byte);
      return;
    }
    out_.push_back(byte | 0x80);
  }
}

void Writer::name(std::string_view text) {
  u32(static_cast<uint32_t>(text.size()));
  out_.insert(out_.end(), text.begin(), text.end());
}

void Writer::heap_type(HeapType type) {
  if (type.is_index())
    s64(type.index());
  else
    u8(static_cast<uint8_t>(type.abstract()));
}

void Writer::val_type(ValType type) {
  if (!type.is_ref()) {
    u8(type.kind());
    return;
  }
  if (!type.nullable() || type.heap().is_index()) u8(type.kind());
  heap_type(type.heap());
}

}  // namespace sedge::wasm
