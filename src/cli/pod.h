// A function that is run in a Kubernetes pod without an event on standard input: an edge function
// answers once, for the log, and is then served on a port, so that the pod neither ends nor
// restarts.
#ifndef SEDGE_CLI_POD_H_
#define SEDGE_CLI_POD_H_

#include <memory>
#include <string>
#include <string_view>

#include <sedge/error.h>
#include <sedge/wasi.h>

#include "cli/options.h"

namespace sedge::cli {

/// Whether this is a pod and standard input is closed or /dev/null.
bool in_pod_without_input();

/// Passes a guest's output on and keeps its beginning.
class OutputRecord {
 public:
  static std::shared_ptr<OutputRecord> create();
  /// For wasi::Config::output.
  static wasi::Output output_of(const std::shared_ptr<OutputRecord>& record);
  /// Whether everything that was printed is one response of an edge function: JSON with a
  /// `status_code`.
  bool is_edge_response() const;

 private:
  static constexpr size_t kKept = 64 << 10;
  std::string text_;
  bool whole_ = true;
};

/// Serves what `arguments` of `sedge run` name, on 0.0.0.0 and the port of the variable PORT (8080
/// without one), until SIGTERM. `function` names a pointer function, or is empty. Error:
/// not_in_build without the server; those of serving.
Result<int> serve_in_pod(const Arguments& arguments, std::string_view function);

}  // namespace sedge::cli

#endif  // SEDGE_CLI_POD_H_
