// stat(2) of every file; what is not there has a stamp of zeros.
#include "serve/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace sedge::serve {

std::vector<FileWatch::Stamp> FileWatch::look() const {
  std::vector<Stamp> stamps;
  stamps.reserve(files_.size());
  for (const std::string& file : files_) {
    struct stat status{};
    Stamp stamp;
    if (::stat(file.c_str(), &status) == 0)
      stamp = {status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
               status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    stamps.push_back(stamp);
  }
  return stamps;
}

void FileWatch::watch(std::vector<std::string> files) {
  files_ = std::move(files);
  known_ = last_ = look();
}

bool FileWatch::changed() {
  std::vector<Stamp> now = look();
  bool settled = now == last_;
  last_ = now;
  if (!settled || now == known_) return false;
  known_ = std::move(now);
  return true;
}

}  // namespace sedge::serve
