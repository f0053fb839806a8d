/* Assertions for the programs in this folder. They end the program with the place and what was found instead. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <plextrac.hpp>

#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

#define CHECK(condition) (static_cast<bool>(condition) ? void() : not_so(__FILE__, __LINE__, #condition))

/* The outcome of a call that must succeed: its value. */
#define OK(call) (succeeded(__FILE__, __LINE__, #call, (call)))

/* The outcome of a call that must fail with this status: its error. */
#define FAILS(code, call) (failed(__FILE__, __LINE__, #call, plextrac::status::code, (call)))

[[noreturn]] inline void not_so(const char *file, int line, std::string_view what)
{
    std::cerr << file << ':' << line << ": not so: " << what << '\n';
    std::exit(1);
}

inline std::string_view name_of(plextrac::status code)
{
    return plextrac::status_name(code);
}

template <class T>
T succeeded(const char *file, int line, const char *call, plextrac::result<T> &&outcome)
{
    if (!outcome) {
        std::cerr << file << ':' << line << ": " << call << " is " << name_of(outcome.error().code()) << ": "
                  << outcome.error().message() << '\n';
        std::exit(1);
    }
    return *std::move(outcome);
}

template <class T>
plextrac::error failed(const char *file, int line, const char *call, plextrac::status expected,
                       plextrac::result<T> &&outcome)
{
    const auto found = outcome ? plextrac::status::ok : outcome.error().code();
    if (found != expected) {
        std::cerr << file << ':' << line << ": " << call << " is " << name_of(found) << ", not " << name_of(expected)
                  << '\n';
        std::exit(1);
    }
    CHECK(!outcome.error().message().empty());
    return std::move(outcome).error();
}

/* What the environment must say; see `cargo xtask test`. */
inline const char *env(const char *name)
{
    const char *value = std::getenv(name);
    if (!value) {
        std::cerr << name << " is not set: run this by `cargo xtask test`\n";
        std::exit(2);
    }
    return value;
}

#endif
