/* The library that is loaded is the one that the header belongs to. */
#include "check.h"

int main(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", PLEXTRAC_VERSION_MAJOR, PLEXTRAC_VERSION_MINOR,
             PLEXTRAC_VERSION_PATCH);
    CHECK(strcmp(plextrac_version().data, text) == 0);
    CHECK(plextrac_version().len == strlen(text));
    CHECK(plextrac_version_number() == PLEXTRAC_VERSION_NUMBER);
    CHECK(PLEXTRAC_VERSION_NUMBER
          == PLEXTRAC_VERSION_MAJOR * 10000 + PLEXTRAC_VERSION_MINOR * 100 + PLEXTRAC_VERSION_PATCH);
    CHECK(plextrac_abi_version() == PLEXTRAC_ABI_VERSION);

    CHECK(strcmp(plextrac_status_name(PLEXTRAC_OK).data, "OK") == 0);
    CHECK(strcmp(plextrac_status_name(PLEXTRAC_MUST_WAIT).data, "MUST_WAIT") == 0);
    CHECK(strcmp(plextrac_status_name(-1).data, "UNKNOWN") == 0);

    plextrac_time first = plextrac_time_now(), second = plextrac_time_now();
    CHECK(first.monotonic_ms > 0 && second.monotonic_ms >= first.monotonic_ms);
    /* 2025-01-01: a wall clock before this project began would be read wrongly. */
    CHECK(first.unix_ms > INT64_C(1735689600000));
    return 0;
}
