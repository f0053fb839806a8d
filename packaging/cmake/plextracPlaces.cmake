# Where the installed files are, seen from here, and what plextrac.pc says: CMake and pkg-config then cannot differ.
# Sets plextrac_LIBRARY_DIR, plextrac_INCLUDE_DIR, plextrac_INSTALLED_VERSION and plextrac_SYSTEM_LIBRARIES.

# This file is in LIBDIR/cmake/plextrac.
get_filename_component(_plextrac_dir "${CMAKE_CURRENT_LIST_DIR}/../.." REALPATH)
set(plextrac_LIBRARY_DIR "")
if(EXISTS "${_plextrac_dir}/pkgconfig/plextrac.pc")
  set(plextrac_LIBRARY_DIR "${_plextrac_dir}")
endif()

set(plextrac_INCLUDE_DIR "")
foreach(_plextrac_level RANGE 2)
  get_filename_component(_plextrac_dir "${_plextrac_dir}" DIRECTORY)
  if(EXISTS "${_plextrac_dir}/include/plextrac.h")
    set(plextrac_INCLUDE_DIR "${_plextrac_dir}/include")
    break()
  endif()
endforeach()

set(plextrac_INSTALLED_VERSION "")
set(plextrac_SYSTEM_LIBRARIES "")
if(plextrac_LIBRARY_DIR)
  file(STRINGS "${plextrac_LIBRARY_DIR}/pkgconfig/plextrac.pc" _plextrac_lines)
  foreach(_plextrac_line IN LISTS _plextrac_lines)
    if(_plextrac_line MATCHES "^Version: (.*)$")
      set(plextrac_INSTALLED_VERSION "${CMAKE_MATCH_1}")
    elseif(_plextrac_line MATCHES "^Libs.private: (.*)$")
      separate_arguments(plextrac_SYSTEM_LIBRARIES UNIX_COMMAND "${CMAKE_MATCH_1}")
    endif()
  endforeach()
endif()

unset(_plextrac_dir)
unset(_plextrac_level)
unset(_plextrac_lines)
unset(_plextrac_line)
