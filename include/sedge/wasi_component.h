// WASI for components: 0.2.12, which also serves guests of 0.2.0 to 0.2.11, and 0.3.0; a guest may
// use both. What it is given is the wasi::Context of its store (sedge/wasi.h), as for modules.
#ifndef SEDGE_WASI_COMPONENT_H_
#define SEDGE_WASI_COMPONENT_H_

#include <functional>

#include <sedge/component.h>
#include <sedge/wasi.h>

namespace sedge::wasi {

/// Defines wasi:cli, wasi:clocks, wasi:filesystem, wasi:http, wasi:io, wasi:random and
/// wasi:sockets, and beside them wasi:config, wasi:keyvalue and wasi:logging. Functions find the
/// guest's Context in the store (`store.set_data(context)`). The linker may serve any number of
/// stores.
void link(ComponentLinker& linker);

/// Whether the component was given what it cannot do without: one that imports wasi:keyvalue, which
/// no tool chain adds by itself, needs Config::keyvalue. Error: unknown_import, naming it.
Result<void> check_grants(const Component& component, const Config& config);

/// Calls the function `run` of the exported interface wasi:cli/run. Returns the exit status: that
/// of wasi:cli/exit, or 0 and 1 for the function's result. Errors: unknown_export, traps,
/// exhaustion.
Result<int> run(Store& store, const ComponentInstance& instance);

/// The same for stores that ComponentLoop::poll runs: starts the call; `then` gets what `run` would
/// return, while tasks of the guest may still go on.
Result<void> start(Store& store, const ComponentInstance& instance,
                   std::function<void(Result<int>)> then);

/// Whether the component is a command: it exports wasi:cli/run.
bool is_command(const ComponentInstance& instance);

}  // namespace sedge::wasi

#endif  // SEDGE_WASI_COMPONENT_H_
