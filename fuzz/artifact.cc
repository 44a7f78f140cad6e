// Artifacts of any bytes: the reader must refuse or give what lies within the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "vm/artifact.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sedge;
  const Bytes file(data, size);
  auto artifact = vm::read_artifact(file);
  if (artifact) {
    for (const vm::ArtifactImage& image : artifact->images) {
      if (image.code_offset > size || image.code_size > size - image.code_offset) std::abort();
      (void)vm::check_code(file, image);
      (void)vm::decode_places(image.places);
    }
  }
  (void)vm::decode_places(file);
  // The same bytes as a directory whose checksum does not stand in the way.
  if (size > 8) {
    vm::Artifact made;
    vm::ArtifactImage image;
    image.places.assign(data, data + size);
    image.entries = {{data[0], data[1]}};
    image.code.assign(256, data[2]);
    made.images.push_back(image);
    static constexpr uint8_t kModule[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    const std::vector<uint8_t> written = vm::write_artifact(kModule, made);
    if (!vm::read_artifact(written)) std::abort();
  }
  return 0;
}
