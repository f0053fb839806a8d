/* Callbacks cross as integers, handles of Go's: a pointer of Go's must not stay with C. */
#ifndef PLEXTRAC_GO_CALLBACK_H
#define PLEXTRAC_GO_CALLBACK_H

#include <plextrac.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int32_t plextrac_go_set_mfa(plextrac_config *config, uintptr_t callback, plextrac_error **err);
int32_t plextrac_go_set_log(plextrac_config *config, uintptr_t callback, plextrac_error **err);
int32_t plextrac_go_set_body_reader(plextrac_request *request, const char *content_type, size_t content_type_len,
                                    uint64_t length, bool can_rewind, uintptr_t callback, plextrac_error **err);

#endif
