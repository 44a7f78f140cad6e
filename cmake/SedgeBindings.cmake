# sedge_add_bindings(TARGET WIT folder WORLD name NAMESPACE name): C++ host interfaces of a WIT world
# (docs/decisions/012), generated at build time into <build>/bindings/<last folder of WIT> and
# compiled into TARGET. WIT/deps holds one file per package, named like it, all of namespace wasi.
function(sedge_add_bindings TARGET)
  cmake_parse_arguments(A "" "WIT;WORLD;NAMESPACE" "" ${ARGN})
  set(wit "${CMAKE_CURRENT_SOURCE_DIR}/${A_WIT}")
  get_filename_component(name "${wit}" NAME)
  set(folder "${CMAKE_BINARY_DIR}/bindings/${name}")
  file(GLOB packages CONFIGURE_DEPENDS "${wit}/deps/*.wit")
  set(sources "")
  set(headers "")
  file(READ "${wit}/world.wit" world)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${packages} "${wit}/world.wit")
  foreach(package IN LISTS packages)
    get_filename_component(package_name "${package}" NAME_WE)
    # Some are there for others to refer to.
    if(NOT world MATCHES "wasi:${package_name}/")
      continue()
    endif()
    file(STRINGS "${package}" interfaces REGEX "^interface ")
    foreach(interface IN LISTS interfaces)
      string(REGEX REPLACE "^interface ([^ ]+).*" "\\1" interface "${interface}")
      list(APPEND headers "${folder}/wasi/${package_name}/${interface}.h")
    endforeach()
    list(APPEND sources "${folder}/wasi/${package_name}.cc")
  endforeach()
  add_custom_command(
    OUTPUT ${sources} BYPRODUCTS ${headers}
    COMMAND sedge_bindgen "${wit}" "${A_WORLD}" "${A_NAMESPACE}" "${folder}"
    COMMAND ${CMAKE_COMMAND} -E touch ${sources}
    DEPENDS sedge_bindgen ${packages} "${wit}/world.wit"
    COMMENT "Generating ${name} bindings" VERBATIM)
  # `bindings`: all of them, for tools that read sources and do not build.
  add_custom_target(bindings_${name} DEPENDS ${sources})
  if(NOT TARGET bindings)
    add_custom_target(bindings)
  endif()
  add_dependencies(bindings bindings_${name})
  target_sources(${TARGET} PRIVATE ${sources})
  target_include_directories(${TARGET} PUBLIC "${CMAKE_BINARY_DIR}/bindings")
endfunction()
