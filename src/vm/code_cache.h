// The cache of native code on disk: a folder of this user alone, one file per module, mode and
// processor. A file is believed when its MAC says that this user's sedge wrote it for this module.
//
//   key        32 random bytes, made once, readable by the owner only
//   NAME.code  header (magic, format, target, mode, flags, size, layout, hash of the module), MAC
//   of
//              key, header and body; body: an artifact (vm/artifact.h) of an empty module
//   NAME.lock  held (flock) by whoever makes NAME.code
//   tmp.*      files that are being written; renamed when they are complete
//
// NAME is a plain hash of module and layout, the mode and the target: two modules that share one
// cost each other their place, no more.
#ifndef SEDGE_VM_CODE_CACHE_H_
#define SEDGE_VM_CODE_CACHE_H_

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <sedge/error.h>

#include "base/blake2.h"
#include "base/fd.h"
#include "base/mapping.h"
#include "vm/artifact.h"
#include "wasm/module.h"

namespace sedge::vm {

/// An artifact from the cache, checked, in memory that nobody else can write.
struct CachedCode {
  Mapping memory;
  size_t size = 0;
  bool whole = false;  ///< all of the module; else the functions that were hot
  Bytes bytes() const { return {memory.data(), size}; }
};

/// One file of the cache, for people.
struct CacheRow {
  std::string name;
  uint64_t size = 0;     ///< bytes
  std::time_t used = 0;  ///< when it was made or last used
  /// What its header says; of a file whose header is damaged, nothing.
  std::optional<ArtifactTarget> target;
  ArtifactMode mode;
  bool whole = false;
  Digest module{};
};

/// Safe among processes and threads; every operation stands for itself. What is wrong with the
/// folder or with a file is an Error (bad_artifact) and never more than a missed chance.
class CodeCache {
 public:
  /// The part of a module that its code depends on: everything up to the end of the code section.
  static Bytes code_part(const wasm::Module& module);

  enum class Access : uint8_t { existing, create };
  /// Opens `folder`. Empty if it does not exist (or, with `create`, makes it, 0700). Errors:
  /// bad_artifact if it is a link, somebody else's, or open to others.
  static Result<CodeCache> open(const std::string& folder, Access access);
  explicit operator bool() const { return static_cast<bool>(folder_); }

  /// Code for a module with this code_part, for this machine; nothing if there is none. A file that
  /// fails its check is removed. Errors: bad_artifact, io.
  Result<std::optional<CachedCode>> find(Bytes module, const ArtifactMode& mode) const;
  /// Puts `code_only` (write_code_only) in; then removes what was used the longest ago until at
  /// most `max_bytes` are left. Errors: bad_artifact, io.
  Result<void> put(Bytes module, ArtifactTarget target, const ArtifactMode& mode, bool whole,
                   Bytes code_only, uint64_t max_bytes) const;
  /// Asks to be the one who makes an entry: a descriptor that holds the right as long as a copy of
  /// it is open anywhere; empty if somebody else has it. Errors: io.
  Result<Fd> claim(Bytes module, ArtifactTarget target, const ArtifactMode& mode) const;

  /// All entries by name.
  std::vector<CacheRow> list() const;
  /// Checks an entry by its row: what is wrong with it, or empty.
  std::string check(const CacheRow& row) const;
  /// Removes every file that is the cache's, the key too; gives the bytes.
  uint64_t clear() const;

 private:
  Result<Digest> key() const;
  Result<Digest> make_key() const;
  Result<void> write_new(const std::string& name, std::initializer_list<Bytes> pieces) const;
  void evict(uint64_t max_bytes) const;
  Fd folder_;
};

}  // namespace sedge::vm

#endif  // SEDGE_VM_CODE_CACHE_H_
