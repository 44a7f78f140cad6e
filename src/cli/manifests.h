// Kubernetes manifests for a router and its modules: ConfigMap, Deployment, Service, autoscaler,
// and a RuntimeClass where one is asked for.
#ifndef SEDGE_CLI_MANIFESTS_H_
#define SEDGE_CLI_MANIFESTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/error.h>

namespace sedge::cli {

/// A file that the pods read.
struct PodFile {
  std::string folder;  ///< absolute, in the pod
  std::string name;    ///< in the folder; may have folders of its own
  std::string key;     ///< in the ConfigMap: letters, digits, '-', '_' and '.'
  std::string content;
  bool text = false;
};

struct Deployment {
  std::string name;
  std::string space = "default";  ///< namespace
  std::string image;
  std::string runtime_class;  ///< empty: none
  uint32_t replicas = 2;
  uint32_t max_replicas = 10;
  uint16_t port = 8080;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::string>> env;  ///< of the container
  std::vector<PodFile> files;
  std::vector<std::string> data_folders;  ///< absolute: where the pods write
  /// A PersistentVolumeClaim for the data folders; empty: they are each pod's own and go with it.
  std::string claim;
};

/// What a ConfigMap can hold, bytes of all its values.
inline constexpr size_t kMaxConfigMapBytes = 1 << 20;

/// A stream of YAML documents. Errors: bad_argument for a name that Kubernetes does not take and
/// for files that do not fit into a ConfigMap, with the way out.
Result<std::string> manifests(const Deployment& deployment);

/// A double-quoted YAML scalar.
std::string yaml_string(std::string_view text);
std::string base64(std::string_view bytes);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_MANIFESTS_H_
