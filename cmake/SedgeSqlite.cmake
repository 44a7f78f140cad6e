# SEDGE_SQLITE_LIBRARIES: SQLite's static library, without what no statement of ours calls: its SQL functions of
# mathematics, because a shared libm would be opened at every start of the program; search in text, R*Trees, JSON
# and tables about itself, which are a third of it. A copy refers to the stand-ins in
# src/wasi/edge/sqlite_store.cc instead.
find_library(SEDGE_LIB_sqlite3 NAMES libsqlite3.a REQUIRED)
# (GNU's objcopy refuses one new name for several symbols.)
find_program(SEDGE_OBJCOPY NAMES llvm-objcopy-22 llvm-objcopy)
set(_symbols "${CMAKE_CURRENT_SOURCE_DIR}/cmake/sqlite_left_out.txt")
set(_copy "${CMAKE_BINARY_DIR}/libsedge_sqlite3.a")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${_symbols}")
if(SEDGE_OBJCOPY)
  if(NOT EXISTS "${_copy}" OR "${_symbols}" IS_NEWER_THAN "${_copy}" OR
     "${SEDGE_LIB_sqlite3}" IS_NEWER_THAN "${_copy}")
    execute_process(COMMAND "${SEDGE_OBJCOPY}" "--redefine-syms=${_symbols}"
                            "${SEDGE_LIB_sqlite3}" "${_copy}" COMMAND_ERROR_IS_FATAL ANY)
  endif()
  set(SEDGE_SQLITE_LIBRARIES "${_copy}" ${CMAKE_DL_LIBS})
else()
  set(SEDGE_SQLITE_LIBRARIES "${SEDGE_LIB_sqlite3}" m ${CMAKE_DL_LIBS})
endif()
