// The C++ API of sedge, whole.
#ifndef SEDGE_SEDGE_H_
#define SEDGE_SEDGE_H_

#include <sedge/engine.h>
#include <sedge/error.h>
#include <sedge/extern.h>
#include <sedge/feature.h>
#include <sedge/linker.h>
#include <sedge/module.h>
#include <sedge/snapshot.h>
#include <sedge/store.h>
#include <sedge/typed.h>
#include <sedge/types.h>
#include <sedge/value.h>

#endif  // SEDGE_SEDGE_H_
