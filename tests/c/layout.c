/* The structs that programs lay out themselves: where everything in them is. A program that was compiled once
 * relies on it for ever. */
#include "check.h"

#define LIES_AT(type, field, offset, size)              \
    do {                                                \
        CHECK(offsetof(type, field) == (offset));       \
        CHECK(sizeof(((type *)NULL)->field) == (size)); \
    } while (0)

static void structs_are_laid_out_as_they_always_were(void)
{
    LIES_AT(plextrac_str, data, 0, sizeof(void *));
    LIES_AT(plextrac_str, len, sizeof(void *), sizeof(size_t));
    CHECK(sizeof(plextrac_str) == 2 * sizeof(void *));

    LIES_AT(plextrac_time, monotonic_ms, 0, 8);
    LIES_AT(plextrac_time, unix_ms, 8, 8);
    CHECK(sizeof(plextrac_time) == 16);
}

/* Structs that are returned by value go through registers or memory, as their fields demand: a library that
 * saw them differently would return something else. */
static void structs_are_returned_as_this_compiler_expects(void)
{
    plextrac_time time = plextrac_time_now();
    CHECK(time.unix_ms > INT64_C(1735689600000) && time.unix_ms < INT64_C(4102444800000));
    plextrac_str name = plextrac_status_name(PLEXTRAC_MUST_WAIT);
    CHECK(name.len == strlen("MUST_WAIT") && memcmp(name.data, "MUST_WAIT", name.len + 1) == 0);
}

static void statuses_keep_their_numbers(void)
{
    static const struct {
        int32_t status;
        const char *name;
    } KNOWN[] = {
        {0, "OK"},
        {10, "INVALID_ARGUMENT"},
        {11, "BUFFER_TOO_SMALL"},
        {12, "WRONG_STATE"},
        {13, "MUST_DRAIN"},
        {14, "STALE"},
        {15, "BUSY"},
        {16, "UNSUPPORTED"},
        {30, "CLOSED"},
        {31, "FORKED"},
        {32, "PANIC"},
        {50, "CANCELLED"},
        {51, "TIMEOUT"},
        {52, "MUST_WAIT"},
        {70, "MFA_REQUIRED"},
        {71, "REJECTED"},
        {72, "NOT_READY"},
        {73, "EXPIRED"},
        {90, "NETWORK"},
        {91, "TLS"},
        {92, "UNEXPECTED_ANSWER"},
        {93, "TOO_LARGE"},
        {110, "STORE"},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        CHECK(strcmp(plextrac_status_name(KNOWN[i].status).data, KNOWN[i].name) == 0);
}

/* The numbers that are handed in and out besides statuses. */
static void other_numbers_are_what_they_always_were(void)
{
    CHECK(PLEXTRAC_ROOTS_SYSTEM == 1 && PLEXTRAC_ROOTS_ONLY_GIVEN == 2);
    CHECK(PLEXTRAC_SCHEME_RAW == 1 && PLEXTRAC_SCHEME_BEARER == 2);
    CHECK(PLEXTRAC_LOG_ERROR == 1 && PLEXTRAC_LOG_WARN == 2 && PLEXTRAC_LOG_INFO == 3
          && PLEXTRAC_LOG_DEBUG == 4);
    CHECK(PLEXTRAC_NTS == SIZE_MAX);
    CHECK(PLEXTRAC_STATE_SIGNED_OUT == 1 && PLEXTRAC_STATE_SIGNING_IN == 2 && PLEXTRAC_STATE_MFA_NEEDED == 3
          && PLEXTRAC_STATE_ACTIVE == 4 && PLEXTRAC_STATE_REFRESHING == 5 && PLEXTRAC_STATE_WAITING == 6
          && PLEXTRAC_STATE_LATCHED == 7 && PLEXTRAC_STATE_CLOSED == 8);
    CHECK(PLEXTRAC_FAILURE_TIMEOUT == 1 && PLEXTRAC_FAILURE_CONNECT == 2 && PLEXTRAC_FAILURE_TLS == 3
          && PLEXTRAC_FAILURE_CANCELLED == 4 && PLEXTRAC_FAILURE_OTHER == 5);
    CHECK(PLEXTRAC_ACTION_IDLE == 1 && PLEXTRAC_ACTION_SEND == 2 && PLEXTRAC_ACTION_NEED_MFA == 3
          && PLEXTRAC_ACTION_WAIT == 4 && PLEXTRAC_ACTION_SIGNED_IN == 5
          && PLEXTRAC_ACTION_TOKEN_REPLACED == 6 && PLEXTRAC_ACTION_SIGNED_OUT == 7
          && PLEXTRAC_ACTION_FAILED == 8);
}

int main(void)
{
    structs_are_laid_out_as_they_always_were();
    structs_are_returned_as_this_compiler_expects();
    statuses_keep_their_numbers();
    other_numbers_are_what_they_always_were();
    return 0;
}
