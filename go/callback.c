#include "callback.h"

#include "_cgo_export.h"

static int32_t ask(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply)
{
    return plextracGoAsk((uintptr_t)userdata, attempt, reply);
}

static void tell(void *userdata, int32_t level, const char *target, size_t target_len, const char *message,
                 size_t message_len)
{
    (void)target;
    (void)target_len;
    /* Go has no const. */
    plextracGoTell((uintptr_t)userdata, level, (char *)message, message_len);
}

static int64_t read_body(void *userdata, char *buf, size_t cap)
{
    return plextracGoRead((uintptr_t)userdata, buf, cap);
}

static int32_t rewind_body(void *userdata)
{
    return plextracGoRewind((uintptr_t)userdata);
}

static void release(void *userdata)
{
    plextracGoRelease((uintptr_t)userdata);
}

int32_t plextrac_go_set_mfa(plextrac_config *config, uintptr_t callback, plextrac_error **err)
{
    return plextrac_config_set_mfa_callback(config, ask, (void *)callback, release, err);
}

int32_t plextrac_go_set_log(plextrac_config *config, uintptr_t callback, plextrac_error **err)
{
    return plextrac_config_set_log_callback(config, tell, PLEXTRAC_LOG_DEBUG, (void *)callback, release, err);
}

int32_t plextrac_go_set_body_reader(plextrac_request *request, const char *content_type, size_t content_type_len,
                                    uint64_t length, bool can_rewind, uintptr_t callback, plextrac_error **err)
{
    return plextrac_request_set_body_reader(request, content_type, content_type_len, length, read_body,
                                            can_rewind ? rewind_body : NULL, (void *)callback, release, err);
}
