// Images over memfd_create(2); MAP_PRIVATE mappings of one share its pages until they are written.
#include "base/page_image.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sedge {

std::shared_ptr<const PageImage> PageImage::create(std::span<const Piece> pieces) {
  size_t end = 0;
  for (const Piece& piece : pieces)
    if (!piece.bytes.empty()) end = std::max<size_t>(end, piece.at + piece.bytes.size());
  if (end == 0) return nullptr;
  end = (end + page_size() - 1) & ~(page_size() - 1);
  auto image = std::make_shared<PageImage>();
  if (image->fill_file(pieces, end)) return image;
  image->file_.reset();
  image->pages_ = Mapping::zeroed(end);
  if (!image->pages_) return nullptr;
  for (const Piece& piece : pieces)
    if (!piece.bytes.empty())
      std::memcpy(image->pages_.data() + piece.at, piece.bytes.data(), piece.bytes.size());
  return image;
}

bool PageImage::fill_file(std::span<const Piece> pieces, size_t size) {
  // Beyond this limit the system would end the process with a signal.
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < size) return false;
  file_ = Fd(::memfd_create("sedge-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) return false;
  for (const Piece& piece : pieces) {
    for (size_t done = 0; done < piece.bytes.size();) {
      ssize_t written = ::pwrite(file_.get(), piece.bytes.data() + done, piece.bytes.size() - done,
                                 static_cast<off_t>(piece.at + done));
      if (written <= 0) return false;
      done += static_cast<size_t>(written);
    }
  }
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(file_.get(), F_ADD_SEALS, kSeals) != 0) return false;
  pages_ = Mapping::of_file(file_.get(), size);
  return static_cast<bool>(pages_);
}

bool PageImage::map_at(uint8_t* at) const {
  if (!file_) {
    std::memcpy(at, data(), size());
    return true;
  }
  return ::mmap(at, size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
                file_.get(), 0) != MAP_FAILED;
}

}  // namespace sedge
