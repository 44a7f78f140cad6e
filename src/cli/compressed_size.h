// How large bytes are once compressed for the network.
#ifndef SEDGE_CLI_COMPRESSED_SIZE_H_
#define SEDGE_CLI_COMPRESSED_SIZE_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/reader.h"

namespace sedge::cli {

struct CompressedSize {
  std::string_view coding;  ///< "gzip", "br" or "zstd"
  size_t size = 0;          ///< bytes
};

/// By each coding that this build has, at the levels at which `sedge serve` encodes.
std::vector<CompressedSize> compressed_sizes(Bytes bytes);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_COMPRESSED_SIZE_H_
