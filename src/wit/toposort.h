// Order by dependencies that keeps the given order wherever they allow it (Kahn's algorithm with a
// heap of what is ready).
#ifndef SEDGE_WIT_TOPOSORT_H_
#define SEDGE_WIT_TOPOSORT_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace sedge::wit {

struct Order {
  std::vector<uint32_t>
      nodes;  ///< each after what it depends on; all of them unless there is a cycle
  uint32_t in_cycle = UINT32_MAX;  ///< a node that depends on itself, if there is one
};

/// `dependencies[i]` are the nodes that have to stand before node i; repeated ones do no harm.
inline Order toposort(const std::vector<std::vector<uint32_t>>& dependencies) {
  std::vector<std::vector<uint32_t>> users(dependencies.size());
  std::vector<size_t> open(dependencies.size());
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t node = 0; node < dependencies.size(); ++node) {
    open[node] = dependencies[node].size();
    for (uint32_t before : dependencies[node]) users[before].push_back(node);
    if (open[node] == 0) ready.push(node);
  }
  Order out;
  while (!ready.empty()) {
    uint32_t node = ready.top();
    ready.pop();
    out.nodes.push_back(node);
    for (uint32_t user : users[node])
      if (--open[user] == 0) ready.push(user);
  }
  if (out.nodes.size() == dependencies.size()) return out;
  // From any node that is left, dependencies that are left lead into a cycle.
  uint32_t node = 0;
  while (open[node] == 0) ++node;
  std::vector<bool> seen(dependencies.size());
  while (!seen[node]) {
    seen[node] = true;
    for (uint32_t before : dependencies[node])
      if (open[before] != 0) {
        node = before;
        break;
      }
  }
  out.in_cycle = node;
  return out;
}

}  // namespace sedge::wit

#endif  // SEDGE_WIT_TOPOSORT_H_
