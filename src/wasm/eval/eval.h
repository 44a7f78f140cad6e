// What each operator computes, once: one function per row of op.def, named as the row. The
// interpreter's handlers, constant folding, constant expressions and tests call these.
#ifndef SEDGE_WASM_EVAL_EVAL_H_
#define SEDGE_WASM_EVAL_EVAL_H_

#include "wasm/eval/convert.h"
#include "wasm/eval/float.h"
#include "wasm/eval/memory.h"
#include "wasm/eval/numeric.h"
#include "wasm/eval/relaxed.h"
#include "wasm/eval/simd_float.h"
#include "wasm/eval/simd_integer.h"
#include "wasm/eval/simd_lanes.h"
#include "wasm/eval/traits.h"
#include "wasm/eval/types.h"

#endif  // SEDGE_WASM_EVAL_EVAL_H_
