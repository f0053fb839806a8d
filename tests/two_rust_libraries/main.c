/* A C program that links two Rust libraries, and has each of them allocate, fail and clean up. */
#include <plextrac.h>

uint64_t other_sum(uint32_t count);

int main(void)
{
    plextrac_config *config = NULL;
    plextrac_error *err = NULL;
    int refused = plextrac_config_new("ftp://acme.example", PLEXTRAC_NTS, &config, &err) == PLEXTRAC_INVALID_ARGUMENT;
    int said = plextrac_error_message(err).len > 0;
    plextrac_error_free(err);
    return refused && said && other_sum(10) == 45 && other_sum(2000) == UINT64_MAX ? 0 : 1;
}
