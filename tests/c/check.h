/* Assertions for the programs in this folder. They end the program with the place and what was found instead.
 */
#ifndef CHECK_H
#define CHECK_H

#include <plextrac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the environment must say; see `cargo xtask test`. */
static inline const char *env(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "%s is not set: run this by `cargo xtask test`\n", name);
        exit(2);
    }
    return value;
}

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                \
        }                                                                           \
    } while (0)

/* The call has this status, and fills the `err` of the place where this stands with an error that says the
 * same. */
#define FAILS(expected, call)                                                               \
    do {                                                                                    \
        int32_t status_ = (call);                                                           \
        check_status_(__FILE__, __LINE__, #call, (expected), status_, err);                 \
        CHECK(err != NULL && plextrac_error_status(err) == status_);                        \
        CHECK(strlen(plextrac_error_message(err).data) == plextrac_error_message(err).len); \
        CHECK(plextrac_error_message(err).len > 0);                                         \
        plextrac_error_free(err);                                                           \
        err = NULL;                                                                         \
    } while (0)

/* The same, and the error's sentence has this text in it. */
#define FAILS_SAYING(expected, text, call)                                        \
    do {                                                                          \
        int32_t status_ = (call);                                                 \
        check_status_(__FILE__, __LINE__, #call, (expected), status_, err);       \
        if (!strstr(plextrac_error_message(err).data, (text))) {                  \
            fprintf(stderr, "%s:%d: %s\n  says: %s\n", __FILE__, __LINE__, #call, \
                    plextrac_error_message(err).data);                            \
            exit(1);                                                              \
        }                                                                         \
        plextrac_error_free(err);                                                 \
        err = NULL;                                                               \
    } while (0)

#define OK(call)                                                             \
    do {                                                                     \
        int32_t status_ = (call);                                            \
        check_status_(__FILE__, __LINE__, #call, PLEXTRAC_OK, status_, err); \
        CHECK(err == NULL);                                                  \
    } while (0)

static inline void check_status_(const char *file, int line, const char *call, int32_t expected,
                                 int32_t found, const plextrac_error *err)
{
    if (expected != found) {
        fprintf(stderr, "%s:%d: %s\n  is %s, not %s: %s\n", file, line, call,
                plextrac_status_name(found).data, plextrac_status_name(expected).data,
                err ? plextrac_error_message(err).data : "(no error)");
        exit(1);
    }
}

#endif
