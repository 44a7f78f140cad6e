// A program whose `_start` is its main function, as wasi:cli/run.
#include <stdint.h>

extern "C" __attribute__((import_module("__main_module__"), import_name("_start"))) void start();

/// Returns result<>: 0 is ok. A program that fails ends by proc_exit.
extern "C" __attribute__((export_name("wasi:cli/run@0.2.12#run"))) uint32_t run() {
  start();
  return 0;
}
