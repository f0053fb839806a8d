/* A thread that ends still cleans up after itself, and what it does then may be a call of ours: by that time what
 * the library kept for the thread is gone. */
#define _POSIX_C_SOURCE 200809L

#include "emulator.h"

#include <pthread.h>

static pthread_key_t at_exit;
static int called;

static void call(const plextrac_session *session)
{
    char buf[8192];
    size_t len = 0;
    plextrac_error *err = NULL;
    plextrac_response *response = answer_to(session, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    OK(plextrac_session_copy_authorization(session, buf, sizeof buf, &len, NULL, &err));
    CHECK(len > 0);
    /* What happens is told, and refreshed, by ways of their own. */
    OK(plextrac_session_logout(session, &err));
    OK(plextrac_session_forget_rejection(session, &err));
    OK(plextrac_session_login(session, NULL, &err));
}

static void clean_up(void *session)
{
    call(session);
    called = 1;
}

static void *work(void *session)
{
    CHECK(pthread_setspecific(at_exit, session) == 0);
    call(session);
    return NULL;
}

static void a_call_from_a_threads_destructor_is_answered_and_harms_nobody(void)
{
    pthread_t thread;
    plextrac_session *session = session_of(config_without_mfa());
    CHECK(pthread_key_create(&at_exit, clean_up) == 0);
    CHECK(pthread_create(&thread, NULL, work, session) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(called);
    call(session);
    CHECK(pthread_key_delete(at_exit) == 0);
    plextrac_session_free(session);
}

int main(void)
{
    a_call_from_a_threads_destructor_is_answered_and_harms_nobody();
    return 0;
}
