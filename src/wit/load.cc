// Finding the files of a package and of its dependencies; names decide the order, never the disk.
#include "wit/load.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/file.h"
#include "wit/parser.h"

namespace sedge::wit {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFile = uint64_t{16} << 20;
constexpr size_t kMaxFiles = 10'000;

/// The entries of a folder, by name.
Result<std::vector<fs::path>> entries(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    out.push_back(it->path());
    if (out.size() > kMaxFiles)
      return fail(ErrorCode::limit_exceeded,
                  fmt::format(": {} has more than {} files", folder.string(), kMaxFiles));
  }
  if (error) return fail(ErrorCode::io, fmt::format(": {}: {}", folder.string(), error.message()));
  std::ranges::sort(out);
  return out;
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

Result<ast::File> parse(Sources& sources, const fs::path& path) {
  SEDGE_TRY_ASSIGN(FileContent content, read_file(path.string(), kMaxFile));
  uint32_t source = sources.add(path.string(), std::string(content.text()));
  SEDGE_TRY_ASSIGN(ast::File file, parse_file(sources, source));
  file.source = source;
  return file;
}

Result<ast::File> parse_folder(Sources& sources, const fs::path& folder) {
  SEDGE_TRY_ASSIGN(std::vector<fs::path> paths, entries(folder));
  std::vector<ast::File> files;
  for (const fs::path& path : paths) {
    if (path.extension() != ".wit" || is_folder(path)) continue;
    SEDGE_TRY_ASSIGN(ast::File file, parse(sources, path));
    files.push_back(std::move(file));
  }
  if (files.empty())
    return fail(
        Error(ErrorCode::file_not_found, fmt::format(": {} has no .wit file", folder.string()))
            .with_remedy("name a .wit file, or a folder that has some"));
  return merge_files(sources, std::move(files));
}

}  // namespace

Result<Loaded> load(const std::string& path, const LoadOptions& options) {
  Sources sources;
  Loaded out;
  std::vector<ast::File> files;
  std::vector<std::string> folders = options.deps;
  if (!is_folder(path)) {
    SEDGE_TRY_ASSIGN(ast::File file, parse(sources, path));
    files.push_back(std::move(file));
  } else {
    SEDGE_TRY_ASSIGN(ast::File root, parse_folder(sources, path));
    files.push_back(std::move(root));
    if (fs::path own = fs::path(path) / "deps"; is_folder(own)) folders.push_back(own.string());
  }
  for (const std::string& folder : folders) {
    SEDGE_TRY_ASSIGN(std::vector<fs::path> dependencies, entries(folder));
    for (const fs::path& dependency : dependencies) {
      std::error_code error;
      if (fs::equivalent(dependency, path, error)) continue;
      if (is_folder(dependency)) {
        SEDGE_TRY_ASSIGN(ast::File file, parse_folder(sources, dependency));
        files.push_back(std::move(file));
      } else if (dependency.extension() == ".wit") {
        SEDGE_TRY_ASSIGN(ast::File file, parse(sources, dependency));
        files.push_back(std::move(file));
      } else if (dependency.extension() == ".wasm" || dependency.extension() == ".wat") {
        if (!options.decoder)
          return fail(ErrorCode::unsupported_file, ": WIT in binary form: " + dependency.string());
        SEDGE_TRY(options.decoder(out.resolve, dependency.string()));
      }
    }
  }
  SEDGE_TRY_ASSIGN(out.root, resolve_packages(out.resolve, sources, files, options.gates));
  return out;
}

Result<Loaded> load_text(std::string path, std::string text, const Gates& gates) {
  Sources sources;
  Loaded out;
  uint32_t source = sources.add(std::move(path), std::move(text));
  SEDGE_TRY_ASSIGN(ast::File file, parse_file(sources, source));
  std::vector<ast::File> files;
  files.push_back(std::move(file));
  SEDGE_TRY_ASSIGN(out.root, resolve_packages(out.resolve, sources, files, gates));
  return out;
}

}  // namespace sedge::wit
