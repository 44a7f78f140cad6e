// Which imports of a world a component really needs: functions that its modules call, and the types
// that those and its exports refer to.
#ifndef SEDGE_COMPONENTIZE_LIVE_H_
#define SEDGE_COMPONENTIZE_LIVE_H_

#include <map>
#include <set>
#include <string>

#include "wit/model.h"

namespace sedge::componentize {

class Live {
 public:
  Live(const wit::Resolve& resolve, const wit::World& world);

  /// A function of the import `item`, or of the world itself for an empty key.
  void function(const std::string& item, const wit::Function& function);
  void type(wit::TypeId type) { mark(type, false); }
  /// An export of the world with everything in it.
  void exported(const wit::WorldItem& item);

  bool has_function(const std::string& item, const std::string& name) const {
    return functions_.contains({item, name});
  }
  bool has_type(wit::TypeId type) const { return types_.contains(type); }
  /// Whether the import is needed.
  bool has_item(const wit::WorldItem& item) const;
  /// The key under which an interface is imported: that of the latest compatible version.
  std::string canonical(const std::string& item) const {
    auto it = canonical_.find(item);
    return it == canonical_.end() ? item : it->second;
  }

 private:
  void mark(wit::TypeId type, bool of_export);
  void mark(const wit::Function& function, bool of_export);
  void join_versions();

  const wit::Resolve& resolve_;
  const wit::World& world_;
  std::set<std::pair<std::string, std::string>> functions_;
  std::set<wit::TypeId> types_;
  std::set<wit::InterfaceId> interfaces_;  ///< of types_
  std::set<std::pair<wit::TypeId, bool>> seen_;
  std::map<std::string, std::string> canonical_;
};

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_LIVE_H_
