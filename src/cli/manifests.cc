// Writing the manifests. Pods run without privileges on a read-only root; limits are those of a
// small edge node.
#include "cli/manifests.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sedge::cli {
namespace {

bool is_label(std::string_view name) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-'; });
}

Result<void> check_name(std::string_view what, std::string_view name) {
  if (is_label(name)) return {};
  return fail(
      Error(ErrorCode::bad_argument, fmt::format(": `{} {}`", what, name))
          .with_remedy("Kubernetes takes names of at most 63 lower-case letters, digits and "
                       "`-`, beginning and ending with a letter or digit"));
}

std::string metadata(const Deployment& d, std::string_view suffix) {
  return fmt::format(
      "metadata:\n  name: {}{}\n  namespace: {}\n  labels:\n    app.kubernetes.io/name: {}\n"
      "    app.kubernetes.io/managed-by: sedge\n",
      d.name, suffix, yaml_string(d.space), yaml_string(d.name));
}

std::string config_map(const Deployment& d) {
  std::string data, binary;
  for (const PodFile& file : d.files) {
    if (!file.text) {
      binary += fmt::format("  {}: {}\n", yaml_string(file.key), base64(file.content));
      continue;
    }
    // The indentation is given: a text may begin with spaces of its own.
    data += fmt::format("  {}: |2\n", yaml_string(file.key));
    std::string_view left = file.content;
    while (!left.empty()) {
      size_t end = left.find('\n');
      std::string_view line = left.substr(0, end);
      data += line.empty() ? "\n" : fmt::format("    {}\n", line);
      left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    }
  }
  std::string out = "apiVersion: v1\nkind: ConfigMap\n" + metadata(d, "-files");
  if (!data.empty()) out += "data:\n" + data;
  if (!binary.empty()) out += "binaryData:\n" + binary;
  return out;
}

// A volume for each folder, with the files that belong there.
std::pair<std::string, std::string> mounts_and_volumes(const Deployment& d) {
  std::map<std::string, std::vector<const PodFile*>> folders;
  for (const PodFile& file : d.files) folders[file.folder].push_back(&file);
  std::string mounts, volumes;
  size_t number = 0;
  for (const auto& [folder, files] : folders) {
    mounts +=
        fmt::format("        - name: files-{}\n          mountPath: {}\n          readOnly: true\n",
                    number, yaml_string(folder));
    volumes += fmt::format(
        "      - name: files-{}\n        configMap:\n          name: {}-files\n          items:\n",
        number, d.name);
    for (const PodFile* file : files)
      volumes += fmt::format("          - key: {}\n            path: {}\n", yaml_string(file->key),
                             yaml_string(file->name));
    ++number;
  }
  number = 0;
  for (const std::string& folder : d.data_folders) {
    mounts += fmt::format("        - name: data{}\n          mountPath: {}\n",
                          d.claim.empty() ? fmt::format("-{}", number) : "", yaml_string(folder));
    if (d.claim.empty()) {
      volumes += fmt::format(
          "      # What is kept here is each pod's own and ends with it; --claim NAME of `sedge "
          "deploy` keeps it.\n      - name: data-{}\n        emptyDir: {{}}\n",
          number);
    } else {
      mounts += fmt::format("          subPath: data-{}\n", number);
    }
    ++number;
  }
  if (number != 0 && !d.claim.empty())
    volumes += fmt::format(
        "      # Of a disk of the node, not of a network: values are kept by SQLite. With "
        "ReadWriteOnce all pods run on one node.\n      - name: data\n        "
        "persistentVolumeClaim:\n          claimName: {}\n",
        yaml_string(d.claim));
  return {mounts, volumes};
}

std::string deployment_document(const Deployment& d) {
  std::string env;
  for (const auto& [name, value] : d.env)
    env += fmt::format("        - name: {}\n          value: {}\n", yaml_string(name),
                       yaml_string(value));
  if (!env.empty()) env = "        env:\n" + env;
  std::vector<std::string> command;
  command.reserve(d.command.size());
  for (const std::string& word : d.command) command.push_back(yaml_string(word));
  auto [mounts, volumes] = mounts_and_volumes(d);
  std::string out = "apiVersion: apps/v1\nkind: Deployment\n" + metadata(d, "");
  out += fmt::format(
      "spec:\n"
      "  replicas: {0}\n"
      "  selector:\n    matchLabels:\n      app.kubernetes.io/name: {1}\n"
      "  template:\n"
      "    metadata:\n      labels:\n        app.kubernetes.io/name: {1}\n"
      "    spec:\n",
      d.replicas, yaml_string(d.name));
  if (!d.runtime_class.empty())
    out += fmt::format("      runtimeClassName: {}\n", yaml_string(d.runtime_class));
  out += fmt::format(
      "      terminationGracePeriodSeconds: 30\n"
      "      automountServiceAccountToken: false\n"
      "      securityContext:\n"
      "        runAsNonRoot: true\n        runAsUser: 65532\n        fsGroup: 65532\n"
      "        seccompProfile:\n          type: RuntimeDefault\n"
      "      containers:\n"
      "      - name: sedge\n"
      "        image: {}\n"
      "        command: [{}]\n"
      "{}"
      "        ports:\n        - name: http\n          containerPort: {}\n"
      "        readinessProbe:\n          httpGet:\n            path: /readyz\n            port: "
      "http\n"
      "        livenessProbe:\n          httpGet:\n            path: /healthz\n            port: "
      "http\n"
      "        resources:\n"
      "          limits:\n            cpu: \"200m\"\n            memory: \"64Mi\"\n"
      "          requests:\n            cpu: \"50m\"\n            memory: \"32Mi\"\n"
      "        securityContext:\n"
      "          allowPrivilegeEscalation: false\n          readOnlyRootFilesystem: true\n"
      "          capabilities:\n            drop: [\"ALL\"]\n"
      "        volumeMounts:\n{}"
      "      volumes:\n{}",
      yaml_string(d.image), fmt::join(command, ", "), env, d.port, mounts, volumes);
  return out;
}

std::string service(const Deployment& d) {
  return "apiVersion: v1\nkind: Service\n" + metadata(d, "") +
         fmt::format(
             "spec:\n  selector:\n    app.kubernetes.io/name: {}\n  ports:\n  - name: http\n"
             "    port: 80\n    targetPort: http\n",
             yaml_string(d.name));
}

std::string autoscaler(const Deployment& d) {
  return "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n" + metadata(d, "") +
         fmt::format(
             "spec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: "
             "{}\n"
             "  minReplicas: {}\n  maxReplicas: {}\n  metrics:\n  - type: Resource\n    resource:\n"
             "      name: cpu\n      target:\n        type: Utilization\n"
             "        averageUtilization: 70\n",
             d.name, d.replicas, std::max(d.replicas, d.max_replicas));
}

std::string runtime_class(const Deployment& d) {
  return fmt::format(
      "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: {0}\nhandler: {0}\n",
      yaml_string(d.runtime_class));
}

}  // namespace

std::string yaml_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + "\"";
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto at = [&](size_t j) -> uint32_t {
      return j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0;
    };
    uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += kDigits[group >> 18];
    out += kDigits[(group >> 12) & 63];
    out += i + 1 < bytes.size() ? kDigits[(group >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kDigits[group & 63] : '=';
  }
  return out;
}

Result<std::string> manifests(const Deployment& d) {
  SEDGE_TRY(check_name("--name", d.name));
  SEDGE_TRY(check_name("--namespace", d.space));
  if (!d.runtime_class.empty()) SEDGE_TRY(check_name("--runtime-class", d.runtime_class));
  if (!d.claim.empty()) SEDGE_TRY(check_name("--claim", d.claim));
  size_t bytes = 0;
  for (const PodFile& file : d.files) bytes += file.content.size();
  if (bytes > kMaxConfigMapBytes)
    return fail(Error(ErrorCode::bad_argument,
                      fmt::format(": the files take {} bytes, and a ConfigMap holds {}", bytes,
                                  kMaxConfigMapBytes))
                    .with_remedy("build an image that holds the module, and give --image IMAGE "
                                 "--in-image /path/of/the/module.wasm"));
  std::string out = config_map(d);
  out += "---\n" + deployment_document(d) + "---\n" + service(d) + "---\n" + autoscaler(d);
  if (!d.runtime_class.empty()) out += "---\n" + runtime_class(d);
  return out;
}

}  // namespace sedge::cli
