// The order of packages: each after those that it uses, else in the order of their names.
#include "wit/resolver.h"

#include <map>

#include <fmt/format.h>

#include "wit/walk.h"

namespace sedge::wit {
namespace {

/// Chains of packages longer than this are refused: real ones have a handful.
constexpr size_t kMaxChain = 500;
constexpr size_t kMaxPackages = 10'000;

using ast::Path;

class Packages {
 public:
  explicit Packages(const Sources& sources) : sources_(sources) {}

  Result<void> add(const ast::Package& package) {
    auto [it, inserted] = packages_.emplace(package.name, &package);
    if (inserted && packages_.size() > kMaxPackages)
      return fail(sources_.error(ErrorCode::limit_exceeded,
                                 fmt::format(": more than {} packages", kMaxPackages),
                                 package.place));
    if (inserted) return {};
    return fail(
        sources_.error(ErrorCode::wit_invalid,
                       fmt::format(": package `{}` is defined twice; the other one is at {}",
                                   package.name.to_string(), sources_.describe(it->second->place)),
                       package.place));
  }

  Result<std::vector<const ast::Package*>> order() {
    for (const auto& [name, package] : packages_) SEDGE_TRY(visit(*package));
    return std::move(order_);
  }

 private:
  Result<void> visit(const ast::Package& package) {
    if (done_.contains(package.name)) return {};
    std::vector<const Path*> paths;
    each_foreign_path(package, [&](const Path& path) { paths.push_back(&path); });
    visiting_.insert(package.name);
    if (visiting_.size() > kMaxChain)
      return fail(sources_.error(
          ErrorCode::wit_invalid,
          fmt::format(": more than {} packages use one another in a chain", kMaxChain),
          package.place));
    for (const Path* path : paths) {
      auto it = packages_.find(*path->package);
      if (it == packages_.end()) continue;
      if (visiting_.contains(*path->package))
        return fail(sources_.error(ErrorCode::wit_invalid,
                                   fmt::format(": package `{}` depends on itself through this",
                                               path->package->to_string()),
                                   path->package_place));
      SEDGE_TRY(visit(*it->second));
    }
    visiting_.erase(package.name);
    done_.insert(package.name);
    order_.push_back(&package);
    return {};
  }

  const Sources& sources_;
  std::map<PackageName, const ast::Package*> packages_;
  std::set<PackageName> visiting_;
  std::set<PackageName> done_;
  std::vector<const ast::Package*> order_;
};

}  // namespace

Result<PackageId> resolve_packages(Resolve& resolve, const Sources& sources,
                                   const std::vector<ast::File>& files, const Gates& gates) {
  Packages packages(sources);
  for (const ast::File& file : files) {
    if (!file.has_name)
      return fail(
          Error(ErrorCode::wit_syntax, ": no file says which package it is", Location::none())
              .with_context(sources[file.source].path)
              .with_remedy("begin one file with `package namespace:name;`"));
    for (const ast::Package& nested : file.nested) SEDGE_TRY(packages.add(nested));
    SEDGE_TRY(packages.add(file.main));
  }
  SEDGE_TRY_ASSIGN(auto order, packages.order());
  Gated gated;
  PackageId root = kNone;
  for (const ast::Package* package : order) {
    if (resolve.find_package(package->name))
      return fail(sources.error(
          ErrorCode::wit_invalid,
          fmt::format(": package `{}` is there already, in binary form", package->name.to_string()),
          package->place));
    SEDGE_TRY_ASSIGN(PackageId id, resolve_package(resolve, sources, *package, gates, gated));
    if (package == &files[0].main) root = id;
  }
  return root;
}

}  // namespace sedge::wit
