# Our adapters from WASI 0.1 to 0.2 (docs/decisions/017): adapter/*.cc compiled to wasm32 in three
# kinds, given the worlds of adapter/wit, and compiled as bytes into TARGET. Without a compiler for
# wasm32 and wasm-ld the rest goes on, and TARGET has none.
find_program(SEDGE_WASM_LD NAMES wasm-ld-22 wasm-ld)
execute_process(COMMAND "${CMAKE_CXX_COMPILER}" --print-targets OUTPUT_VARIABLE _targets
                ERROR_QUIET)
if(SEDGE_WASM_LD AND _targets MATCHES "wasm32")
  set(SEDGE_HAVE_ADAPTERS ON)
else()
  set(SEDGE_HAVE_ADAPTERS OFF)
  message(STATUS "no WASI adapters: they need clang's wasm32 target and wasm-ld")
endif()

function(sedge_add_adapters TARGET)
  set(folder "${CMAKE_BINARY_DIR}/adapters")
  set(generated "${folder}/builtin.cc")
  add_executable(sedge_adapters_tool src/adapters/adapters_main.cc)
  target_compile_options(sedge_adapters_tool PRIVATE ${SEDGE_WARNINGS})
  target_link_libraries(sedge_adapters_tool PRIVATE sedge_componentize)
  set(arguments "")
  set(modules "")
  set(wit "")
  if(SEDGE_HAVE_ADAPTERS)
    set(source "${CMAKE_CURRENT_SOURCE_DIR}/adapter")
    # Tables and constants would need a place in the module's memory: hence no jump tables.
    set(flags --target=wasm32 -std=c++23 -Oz -ffreestanding -nostdlib -fno-exceptions -fno-rtti
        -fno-jump-tables -mbulk-memory -fvisibility=hidden -ffunction-sections -Wall -Wextra
        -Wshadow -Wno-unneeded-internal-declaration)
    if(SEDGE_WERROR)
      list(APPEND flags -Werror)
    endif()
    file(GLOB sources CONFIGURE_DEPENDS "${source}/*.cc")
    list(FILTER sources EXCLUDE REGEX "/command\\.cc$")
    file(GLOB headers CONFIGURE_DEPENDS "${source}/*.h" "${source}/*.def")
    list(APPEND headers "${CMAKE_CURRENT_SOURCE_DIR}/src/wasi/os/errno.def")
    foreach(kind IN ITEMS command reactor proxy)
      set(inputs ${sources})
      set(definitions "")
      if(kind STREQUAL command)
        list(APPEND inputs "${source}/command.cc")
      elseif(kind STREQUAL proxy)
        set(definitions -DSEDGE_ADAPTER_PROXY)
      endif()
      set(objects "")
      foreach(input IN LISTS inputs)
        get_filename_component(name "${input}" NAME_WE)
        set(object "${folder}/${kind}-${name}.o")
        add_custom_command(
          OUTPUT "${object}"
          COMMAND "${CMAKE_CXX_COMPILER}" ${flags} ${definitions} -c "${input}" -o "${object}"
          DEPENDS "${input}" ${headers} VERBATIM)
        list(APPEND objects "${object}")
      endforeach()
      # The linker names the module like its file; backtraces show that.
      set(module "${folder}/wasi_snapshot_preview1.${kind}.wasm")
      add_custom_command(
        OUTPUT "${module}"
        COMMAND "${SEDGE_WASM_LD}" --no-entry --import-memory -z stack-size=0 --gc-sections
                ${objects} -o "${module}"
        DEPENDS ${objects} COMMENT "Linking the ${kind} adapter" VERBATIM)
      list(APPEND modules "${module}")
      list(APPEND arguments "${kind}=${module}")
    endforeach()
    # The worlds with the packages that they name.
    set(wit "${folder}/wit")
    file(GLOB packages CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/wit/p2/deps/*.wit")
    foreach(package IN LISTS packages)
      get_filename_component(name "${package}" NAME)
      configure_file("${package}" "${wit}/deps/${name}" COPYONLY)
    endforeach()
    configure_file("${source}/wit/world.wit" "${wit}/world.wit" COPYONLY)
    list(APPEND modules "${source}/wit/world.wit" ${packages})
  endif()
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(
    OUTPUT "${generated}"
    COMMAND sedge_adapters_tool "${generated}" ${wit} ${arguments}
    DEPENDS sedge_adapters_tool ${modules} COMMENT "Generating the WASI adapters" VERBATIM)
  target_sources(${TARGET} PRIVATE "${generated}")
endfunction()
