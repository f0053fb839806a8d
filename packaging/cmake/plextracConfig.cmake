# find_package(plextrac) gives two targets:
#
#   plextrac::plextrac   the shared library; the static one where only that is installed
#   plextrac::static     the static library, with what it needs of the system
#
# Nothing in here depends on where the package was installed: it may be moved as a whole.

include("${CMAKE_CURRENT_LIST_DIR}/plextracPlaces.cmake")

if(NOT plextrac_LIBRARY_DIR OR NOT plextrac_INCLUDE_DIR)
  set(plextrac_FOUND FALSE)
  set(plextrac_NOT_FOUND_MESSAGE
      "No pkgconfig/plextrac.pc or no include/plextrac.h was found beside ${CMAKE_CURRENT_LIST_DIR}: the package was moved in part")
  return()
endif()

set(_plextrac_static
    "${plextrac_LIBRARY_DIR}/${CMAKE_STATIC_LIBRARY_PREFIX}plextrac${CMAKE_STATIC_LIBRARY_SUFFIX}")
set(_plextrac_shared
    "${plextrac_LIBRARY_DIR}/${CMAKE_SHARED_LIBRARY_PREFIX}plextrac${CMAKE_SHARED_LIBRARY_SUFFIX}")

if(EXISTS "${_plextrac_static}" AND NOT TARGET plextrac::static)
  add_library(plextrac::static STATIC IMPORTED)
  set_target_properties(plextrac::static PROPERTIES
    IMPORTED_LOCATION "${_plextrac_static}"
    INTERFACE_INCLUDE_DIRECTORIES "${plextrac_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${plextrac_SYSTEM_LIBRARIES}")
endif()

if(NOT TARGET plextrac::plextrac)
  if(EXISTS "${_plextrac_shared}")
    add_library(plextrac::plextrac SHARED IMPORTED)
    set_target_properties(plextrac::plextrac PROPERTIES
      IMPORTED_LOCATION "${_plextrac_shared}"
      INTERFACE_INCLUDE_DIRECTORIES "${plextrac_INCLUDE_DIR}")
  elseif(TARGET plextrac::static)
    add_library(plextrac::plextrac INTERFACE IMPORTED)
    set_target_properties(plextrac::plextrac PROPERTIES INTERFACE_LINK_LIBRARIES plextrac::static)
  else()
    set(plextrac_FOUND FALSE)
    set(plextrac_NOT_FOUND_MESSAGE "There is no libplextrac in ${plextrac_LIBRARY_DIR}")
  endif()
endif()

unset(_plextrac_static)
unset(_plextrac_shared)
