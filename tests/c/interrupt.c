/* Getting out of a blocked call: by cancelling it, and by closing its session. */
#include "emulator.h"

#include <pthread.h>

/* A call on a thread of its own. */
struct caller {
    pthread_t thread;
    const plextrac_session *session;
    const plextrac_cancel *cancel;
    int32_t status;
};

static void *log_in(void *argument)
{
    struct caller *caller = argument;
    caller->status = plextrac_session_login(caller->session, caller->cancel, NULL);
    return NULL;
}

static void *submit(void *argument)
{
    struct caller *caller = argument;
    caller->status =
        plextrac_session_submit_mfa(caller->session, "123456", PLEXTRAC_NTS, caller->cancel, NULL);
    return NULL;
}

static void *authorize(void *argument)
{
    struct caller *caller = argument;
    plextrac_secret *value = NULL;
    caller->status = plextrac_session_authorization(caller->session, caller->cancel, &value, NULL);
    CHECK((value != NULL) == (caller->status == PLEXTRAC_OK));
    plextrac_secret_free(value);
    return NULL;
}

static void *get_cookie(void *argument)
{
    struct caller *caller = argument;
    plextrac_secret *value = NULL;
    caller->status = plextrac_session_cookie(caller->session, caller->cancel, &value, NULL);
    CHECK((value != NULL) == (caller->status == PLEXTRAC_OK));
    plextrac_secret_free(value);
    return NULL;
}

static void *copy(void *argument)
{
    struct caller *caller = argument;
    char buf[8192];
    size_t len = 1;
    caller->status = plextrac_session_copy_authorization(caller->session, buf, sizeof buf, &len,
                                                         caller->cancel, NULL);
    CHECK((len != 0) == (caller->status == PLEXTRAC_OK));
    return NULL;
}

static void *refresh(void *argument)
{
    struct caller *caller = argument;
    caller->status = plextrac_session_refresh(caller->session, caller->cancel, NULL);
    return NULL;
}

static void *ask(void *argument)
{
    struct caller *caller = argument;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    caller->status = plextrac_session_request(caller->session, request, caller->cancel, &response, NULL);
    CHECK((response != NULL) == (caller->status == PLEXTRAC_OK));
    plextrac_response_free(response);
    plextrac_request_free(request);
    return NULL;
}

static void *stream(void *argument)
{
    struct caller *caller = argument;
    plextrac_request *request = NULL;
    plextrac_stream *stream = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    caller->status = plextrac_session_stream(caller->session, request, caller->cancel, &stream, NULL);
    CHECK((stream != NULL) == (caller->status == PLEXTRAC_OK));
    plextrac_stream_free(stream);
    plextrac_request_free(request);
    return NULL;
}

static int32_t swallow(void *userdata, const plextrac_response *response, const char *bytes, size_t len)
{
    (void)userdata, (void)response, (void)bytes, (void)len;
    return 0;
}

static void *download(void *argument)
{
    struct caller *caller = argument;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    caller->status =
        plextrac_session_download(caller->session, request, swallow, NULL, caller->cancel, &response, NULL);
    CHECK((response != NULL) == (caller->status == PLEXTRAC_OK));
    plextrac_response_free(response);
    plextrac_request_free(request);
    return NULL;
}

static void start(struct caller *caller, void *(*call)(void *))
{
    CHECK(pthread_create(&caller->thread, NULL, call, caller) == 0);
}

static int32_t end(struct caller *caller)
{
    CHECK(pthread_join(caller->thread, NULL) == 0);
    return caller->status;
}

/* Requests of this kind wait for an answer that never comes. */
static void stall(const plextrac_session *watcher, const char *kind)
{
    char fault[64];
    snprintf(fault, sizeof fault, "{\"on\":\"%s\",\"times\":1,\"do\":\"stall\"}", kind);
    control(watcher, "reset", NULL);
    control(watcher, "fault", fault);
}

/* Returns when the server has the request, and so its caller waits. */
static void until_stalled(const plextrac_session *watcher, const char *kind)
{
    while (number_of(watcher, kind, "faulted") == 0)
        ;
}

static plextrac_cancel *cancellation(void)
{
    plextrac_cancel *cancel = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_cancel_new(&cancel, &err));
    return cancel;
}

static uint64_t since(plextrac_time start)
{
    return plextrac_time_now().monotonic_ms - start.monotonic_ms;
}

static plextrac_session *signed_out(void)
{
    return session_of(config_without_mfa());
}

static plextrac_session *signed_in(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = signed_out();
    OK(plextrac_session_login(session, NULL, &err));
    return session;
}

static plextrac_session *asked_for_digits(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = session_of(config_with_mfa());
    FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
    return session;
}

/* Every call that can be blocked; of a session that stands where it says, by a request of that kind. */
static const struct {
    const char *name;
    void *(*call)(void *);
    plextrac_session *(*session)(void);
    const char *stalled, *counted_as;
} BLOCKING[] = {
#define BLOCKS(function, ...) {#function, __VA_ARGS__}
    BLOCKS(plextrac_session_login, log_in, signed_out, "sign_in", "sign_in"),
    BLOCKS(plextrac_session_submit_mfa, submit, asked_for_digits, "mfa", "mfa"),
    BLOCKS(plextrac_session_authorization, authorize, signed_out, "sign_in", "sign_in"),
    BLOCKS(plextrac_session_cookie, get_cookie, signed_out, "sign_in", "sign_in"),
    BLOCKS(plextrac_session_copy_authorization, copy, signed_out, "sign_in", "sign_in"),
    BLOCKS(plextrac_session_refresh, refresh, signed_in, "refresh", "refresh"),
    BLOCKS(plextrac_session_refresh, refresh, signed_out, "sign_in", "sign_in"),
    BLOCKS(plextrac_session_request, ask, signed_out, "sign_in", "sign_in"),
    BLOCKS(plextrac_session_request, ask, signed_in, "api", "whoami"),
    BLOCKS(plextrac_session_stream, stream, signed_in, "api", "whoami"),
    BLOCKS(plextrac_session_download, download, signed_in, "api", "whoami"),
};
enum { CALLS = sizeof BLOCKING / sizeof *BLOCKING };

/* Starts it, and returns when the server has its request, so that it is blocked for certain. */
static void block(const plextrac_session *watcher, size_t i, struct caller *caller)
{
    char fault[64];
    caller->session = BLOCKING[i].session();
    long before = number_of(watcher, BLOCKING[i].counted_as, "faulted");
    snprintf(fault, sizeof fault, "{\"on\":\"%s\",\"times\":1,\"do\":\"stall\"}", BLOCKING[i].stalled);
    control(watcher, "fault", fault);
    start(caller, BLOCKING[i].call);
    while (number_of(watcher, BLOCKING[i].counted_as, "faulted") == before)
        ;
}

static void left_with(size_t i, struct caller *caller, int32_t expected)
{
    int32_t status = end(caller);
    if (status != expected) {
        fprintf(stderr, "%s, row %zu: %s, and not %s\n", BLOCKING[i].name, i,
                plextrac_status_name(status).data, plextrac_status_name(expected).data);
        exit(1);
    }
}

static void *close_it(void *session)
{
    plextrac_error *err = NULL;
    OK(plextrac_session_close(session, &err));
    return NULL;
}

static void *free_it(void *session)
{
    plextrac_session_free(session);
    return NULL;
}

/* All at once: each waits a second for the request that is out. */
static void to_all(struct caller *callers, void *(*work)(void *))
{
    pthread_t threads[CALLS];
    for (size_t i = 0; i < CALLS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)callers[i].session) == 0);
    for (size_t i = 0; i < CALLS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void every_blocked_call_is_left_by_cancelling_and_by_closing(const plextrac_session *watcher)
{
    struct caller cancelled[CALLS] = {0}, closed[CALLS] = {0};
    control(watcher, "reset", NULL);
    for (size_t i = 0; i < CALLS; i++) {
        cancelled[i].cancel = cancellation();
        block(watcher, i, &cancelled[i]);
        block(watcher, i, &closed[i]);
        /* An instance allows ten sign-ins a minute. */
        control(watcher, "advance", "{\"seconds\":61}");
    }
    plextrac_time begun = plextrac_time_now();
    for (size_t i = 0; i < CALLS; i++) {
        plextrac_cancel_trigger(cancelled[i].cancel);
        left_with(i, &cancelled[i], PLEXTRAC_CANCELLED);
        plextrac_cancel_free((plextrac_cancel *)cancelled[i].cancel);
    }
    printf("%d calls were cancelled in %d ms\n", CALLS, (int)since(begun));
    begun = plextrac_time_now();
    to_all(closed, close_it);
    for (size_t i = 0; i < CALLS; i++)
        left_with(i, &closed[i], PLEXTRAC_CLOSED);
    printf("%d sessions were closed in %d ms\n", CALLS, (int)since(begun));
    CHECK(since(begun) < 10000);
    to_all(closed, free_it);
    to_all(cancelled, free_it);
}

static void a_blocked_request_is_cancelled_and_the_session_goes_on(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));
    stall(watcher, "api");
    /* The reset has killed the token, and a stalled request says so to nobody. */
    struct caller caller = {.session = session, .cancel = cancellation()};
    start(&caller, ask);
    until_stalled(watcher, "whoami");
    plextrac_time triggered = plextrac_time_now();
    plextrac_cancel_trigger(caller.cancel);
    CHECK(end(&caller) == PLEXTRAC_CANCELLED);
    printf("a blocked request was left %d ms after the trigger\n", (int)since(triggered));

    /* It stays triggered; without it the session works. */
    start(&caller, ask);
    CHECK(end(&caller) == PLEXTRAC_CANCELLED);
    plextrac_cancel_free((plextrac_cancel *)caller.cancel);
    caller.cancel = NULL;
    start(&caller, ask);
    CHECK(end(&caller) == PLEXTRAC_OK);
    plextrac_session_free(session);
}

static void a_cancelled_caller_leaves_the_sign_in_to_the_others(const plextrac_session *watcher)
{
    control(watcher, "reset", NULL);
    control(watcher, "fault", "{\"on\":\"sign_in\",\"do\":{\"slow\":{\"ms\":300}}}");
    plextrac_session *session = session_of(config_without_mfa());
    struct caller impatient = {.session = session, .cancel = cancellation()}, patient = {.session = session};
    start(&impatient, log_in);
    start(&patient, log_in);
    while (number_of(watcher, "sign_in", "ok") == 0)
        ;
    plextrac_cancel_trigger(impatient.cancel);
    CHECK(end(&impatient) == PLEXTRAC_CANCELLED);
    CHECK(end(&patient) == PLEXTRAC_OK);
    CHECK(number_of(watcher, "sign_in", "ok") == 1);
    plextrac_cancel_free((plextrac_cancel *)impatient.cancel);
    plextrac_session_free(session);
}

static void closing_gets_everybody_out(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    plextrac_session *session = session_of(config_without_mfa());
    stall(watcher, "sign_in");
    struct caller callers[4];
    for (int i = 0; i < 4; i++) {
        callers[i] = (struct caller){.session = session};
        start(&callers[i], i % 2 ? log_in : ask);
    }
    until_stalled(watcher, "sign_in");
    plextrac_time closing = plextrac_time_now();
    OK(plextrac_session_close(session, &err));
    for (int i = 0; i < 4; i++)
        CHECK(end(&callers[i]) == PLEXTRAC_CLOSED);
    printf("four callers were out %d ms after the close began\n", (int)since(closing));
    CHECK(since(closing) < 10000);
    plextrac_session_free(session);
}

static void a_request_that_is_out_ends_with_its_session(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));
    stall(watcher, "api");
    struct caller caller = {.session = session};
    start(&caller, ask);
    until_stalled(watcher, "whoami");
    OK(plextrac_session_close(session, &err));
    CHECK(end(&caller) == PLEXTRAC_CLOSED);
    plextrac_session_free(session);
}

int main(void)
{
    plextrac_session *watcher = observer();
    a_blocked_request_is_cancelled_and_the_session_goes_on(watcher);
    a_cancelled_caller_leaves_the_sign_in_to_the_others(watcher);
    closing_gets_everybody_out(watcher);
    a_request_that_is_out_ends_with_its_session(watcher);
    every_blocked_call_is_left_by_cancelling_and_by_closing(watcher);
    plextrac_session_free(watcher);
    return 0;
}
