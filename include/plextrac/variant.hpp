/**
 * @file variant.hpp
 * What the compiler offers, and the namespace that keeps apart what was compiled with different offers.
 */
#ifndef PLEXTRAC_VARIANT_HPP
#define PLEXTRAC_VARIANT_HPP

#include <plextrac.h>

#if defined(_MSVC_LANG)
#define PLEXTRAC_CPLUSPLUS _MSVC_LANG
#else
#define PLEXTRAC_CPLUSPLUS __cplusplus
#endif

#if PLEXTRAC_CPLUSPLUS < 201703L
#error "plextrac.hpp needs C++17 or later (-std=c++17); plextrac.h does with C++11"
#endif

#if PLEXTRAC_CPLUSPLUS >= 202002L
#include <version>
#endif

#if !defined(PLEXTRAC_OWN_EXPECTED)
#define PLEXTRAC_OWN_EXPECTED 0
#endif

#if defined(__cpp_lib_expected) && !PLEXTRAC_OWN_EXPECTED
#define PLEXTRAC_HAS_STD_EXPECTED 1
#else
#define PLEXTRAC_HAS_STD_EXPECTED 0
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define PLEXTRAC_HAS_EXCEPTIONS 1
#else
#define PLEXTRAC_HAS_EXCEPTIONS 0
#endif

// An inline function has one body in a program. Files of one program that differ in what results are, or in whether
// they catch what a callback throws, would otherwise get whichever body the linker met first. With names of their
// own they work side by side; what does not fit together does not link. Between them, hand over c_handle().
#if PLEXTRAC_HAS_STD_EXPECTED && PLEXTRAC_HAS_EXCEPTIONS
#define PLEXTRAC_VARIANT std_expected
#elif PLEXTRAC_HAS_STD_EXPECTED
#define PLEXTRAC_VARIANT std_expected_no_exceptions
#elif PLEXTRAC_HAS_EXCEPTIONS
#define PLEXTRAC_VARIANT own
#else
#define PLEXTRAC_VARIANT own_no_exceptions
#endif

#endif  /* PLEXTRAC_VARIANT_HPP */
