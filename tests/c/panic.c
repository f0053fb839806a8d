/* What a bug in the library is to a program: a status, and a handle that can only be freed. The bugs are made on
 * purpose, by functions that no release has and that the shared library hides in any case. */
#define _POSIX_C_SOURCE 200809L

#include "emulator.h"

#include <pthread.h>
#include <stdatomic.h>

#ifndef LINKED_STATIC
#define HIDDEN __attribute__((weak))
#else
#define HIDDEN
#endif

HIDDEN int32_t plextrac_panic_with_session(const plextrac_session *, const plextrac_cancel *, uint64_t *out,
                                           plextrac_error **err);
HIDDEN bool plextrac_panic_without_status(const plextrac_session *, uint64_t *out);
HIDDEN int32_t plextrac_panic_with_machine(plextrac_machine *, plextrac_error **err);
HIDDEN void plextrac_panic_after_mfa(plextrac_mfa_reply *);

#ifdef LINKED_STATIC

#include "counted.h"

static plextrac_session *session_that_counts(void)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_log_callback(config, hear, PLEXTRAC_LOG_ERROR, NULL, count_freed, &err));
    return session_of(config);
}

/* As long as the handle is there, and whatever is asked of it. */
static void is_dead(const plextrac_session *session, const plextrac_request *request)
{
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL;
    plextrac_response *response = NULL;
    char buf[8192];
    size_t len = 1;
    uint64_t life = 1;
    int64_t tenant = 1;
    FAILS(PLEXTRAC_PANIC, plextrac_session_login(session, NULL, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_submit_mfa(session, "123456", PLEXTRAC_NTS, NULL, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_authorization(session, NULL, &value, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_copy_authorization(session, buf, sizeof buf, &len, NULL, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_report_unauthorized(session, "token", PLEXTRAC_NTS, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_refresh(session, NULL, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_request(session, request, NULL, &response, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_forget_rejection(session, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_logout(session, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_session_close(session, &err));
    CHECK(value == NULL && response == NULL && len == 0);
    CHECK(plextrac_session_state(session) == 0);
    CHECK(!plextrac_session_expires_in_ms(session, &life) && life == 0);
    CHECK(!plextrac_session_tenant_id(session, &tenant) && tenant == 0);
}

static void a_panic_is_a_status_and_the_session_can_only_be_freed(void)
{
    plextrac_error *err = NULL;
    plextrac_cancel *cancel = NULL;
    plextrac_request *request = NULL;
    uint64_t out = 9;
    OK(plextrac_cancel_new(&cancel, &err));
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    plextrac_session *session = session_that_counts(), *other = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));

    int32_t status = plextrac_panic_with_session(session, cancel, &out, &err);
    CHECK(status == PLEXTRAC_PANIC && plextrac_error_status(err) == PLEXTRAC_PANIC);
    CHECK(strstr(plextrac_error_message(err).data, "free it") != NULL);
    CHECK(strstr(plextrac_error_message(err).data, "on purpose") == NULL);
    plextrac_error_free(err);
    err = NULL;
    CHECK(out == 0);
    is_dead(session, request);

    /* What it was given besides is as good as before, and so is another session. */
    plextrac_response *response = NULL;
    OK(plextrac_session_request(other, request, cancel, &response, &err));
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    plextrac_cancel_trigger(cancel);
    plextrac_session_free(session);
    CHECK(freed == 1);
    plextrac_session_free(other);
    plextrac_request_free(request);
    plextrac_cancel_free(cancel);
}

static void a_panic_without_a_status_is_the_empty_answer(void)
{
    plextrac_request *request = NULL;
    plextrac_error *err = NULL;
    uint64_t out = 9;
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/", PLEXTRAC_NTS, &request, &err));
    plextrac_session *session = session_of(config_without_mfa());
    CHECK(!plextrac_panic_without_status(session, &out) && out == 0);
    is_dead(session, request);
    plextrac_session_free(session);
    plextrac_request_free(request);
}

/* It happens while the machine has the budget that it shares. */
static void a_panic_of_one_machine_is_no_other_machines_business(void)
{
    plextrac_error *err = NULL;
    plextrac_budget *budget = NULL;
    plextrac_machine *broken = NULL, *other = NULL;
    plextrac_action *action = NULL;
    plextrac_time now = plextrac_time_now();
    plextrac_config *config = config_without_mfa();
    OK(plextrac_budget_new(6, &budget, &err));
    OK(plextrac_config_set_budget(config, budget, &err));
    OK(plextrac_machine_new(config, now, &broken, &err));
    OK(plextrac_machine_new(config, now, &other, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_panic_with_machine(broken, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_machine_want_token(broken, now, &err));
    FAILS(PLEXTRAC_PANIC, plextrac_machine_poll(broken, now, &action, &err));
    CHECK(action == NULL);
    OK(plextrac_machine_want_token(other, now, &err));
    OK(plextrac_machine_poll(other, now, &action, &err));
    CHECK(plextrac_action_kind(action) == PLEXTRAC_ACTION_SEND);
    plextrac_action_free(action);
    plextrac_machine_free(broken);
    plextrac_machine_free(other);
    plextrac_config_free(config);
    plextrac_budget_free(budget);
}

/* The first answer is a bug, the next one six digits. */
static int32_t ask(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply)
{
    atomic_int *asked = userdata;
    (void)attempt;
    if ((*asked)++ == 0)
        plextrac_panic_after_mfa(reply);
    CHECK(plextrac_mfa_reply_set_code(reply, six_digits(), PLEXTRAC_NTS) == PLEXTRAC_OK);
    return 0;
}

static void *log_in(void *session)
{
    return (void *)(intptr_t)plextrac_session_login(session, NULL, NULL);
}

static void a_panic_while_signing_in_is_the_answer_of_all_who_wait(const plextrac_session *watcher)
{
    enum { CALLERS = 4 };
    plextrac_error *err = NULL;
    pthread_t callers[CALLERS];
    atomic_int asked = 0;
    control(watcher, "reset", NULL);
    /* So that all of them are there when the six digits are asked for. */
    control(watcher, "fault", "{\"on\":\"sign_in\",\"times\":1,\"do\":{\"slow\":{\"ms\":300}}}");
    plextrac_config *config = config_with_mfa();
    OK(plextrac_config_set_mfa_callback(config, ask, &asked, NULL, &err));
    plextrac_session *session = session_of(config);
    for (int i = 0; i < CALLERS; i++)
        CHECK(pthread_create(&callers[i], NULL, log_in, session) == 0);
    for (int i = 0; i < CALLERS; i++) {
        void *status = NULL;
        CHECK(pthread_join(callers[i], &status) == 0);
        CHECK((intptr_t)status == PLEXTRAC_PANIC);
    }
    CHECK(asked == 1);
    OK(plextrac_session_login(session, NULL, &err));
    CHECK(asked == 2 && plextrac_session_state(session) == PLEXTRAC_STATE_ACTIVE);
    plextrac_session_free(session);
}

int main(void)
{
    plextrac_session *watcher = observer();
    a_panic_is_a_status_and_the_session_can_only_be_freed();
    a_panic_without_a_status_is_the_empty_answer();
    a_panic_of_one_machine_is_no_other_machines_business();
    a_panic_while_signing_in_is_the_answer_of_all_who_wait(watcher);
    plextrac_session_free(watcher);
    return 0;
}

#else

__attribute__((weak)) uint32_t plextrac_abi_version(void);

int main(void)
{
    CHECK(strcmp(plextrac_status_name(PLEXTRAC_PANIC).data, "PANIC") == 0);
    CHECK(plextrac_abi_version != NULL);
    CHECK(!plextrac_panic_with_session && !plextrac_panic_without_status && !plextrac_panic_with_machine
          && !plextrac_panic_after_mfa);
    return 0;
}

#endif
