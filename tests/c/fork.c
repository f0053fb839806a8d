/* A session stays in the process that made it; a child makes its own, whatever other threads were doing at the
 * moment of the fork. */
#define _POSIX_C_SOURCE 200809L

#include "counted.h"
#include "emulator.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 240 };

#ifdef __SANITIZE_ADDRESS__
enum { IS_ADDRESS_SANITIZER_ON = 1 };
#else
enum { IS_ADDRESS_SANITIZER_ON = 0 };
#endif

/* A child that takes this long hangs. Ended by a signal, it is told from one that found something wrong. */
enum { LONGEST_CHILD_S = 30 };

static pid_t start_child(void)
{
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        alarm(LONGEST_CHILD_S);
    return child;
}

static void await(pid_t child)
{
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        fprintf(stderr, "a child hangs\n");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What was made before the fork. */
struct inherited {
    plextrac_session *session;
    plextrac_config *config;
    plextrac_cancel *cancel;
    plextrac_request *request;
    plextrac_stream *stream;
};

static void every_call_on_an_inherited_session_says_so(const struct inherited *inherited)
{
    plextrac_session *session = inherited->session;
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL;
    plextrac_response *response = NULL;
    char buf[8192];
    size_t len = 1;
    uint64_t life = 1;
    int64_t tenant = 1;
    bool retry = true;
    plextrac_session *limited = NULL;
    FAILS(PLEXTRAC_FORKED, plextrac_session_login(session, NULL, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_submit_mfa(session, "123456", PLEXTRAC_NTS, NULL, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_authorization(session, NULL, &value, &err));
    CHECK(value == NULL);
    FAILS(PLEXTRAC_FORKED, plextrac_session_copy_authorization(session, buf, sizeof buf, &len, NULL, &err));
    CHECK(len == 0);
    FAILS(PLEXTRAC_FORKED, plextrac_session_report_unauthorized(session, "token", PLEXTRAC_NTS, &err));
    FAILS(PLEXTRAC_FORKED,
          plextrac_session_report_unauthorized_retry(session, "token", PLEXTRAC_NTS, &retry, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_cookie(session, NULL, &value, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_with_timeout_ms(session, 1000, &limited, &err));
    CHECK(limited == NULL && plextrac_session_base_url(session).data == NULL);
    FAILS(PLEXTRAC_FORKED, plextrac_session_refresh(session, NULL, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_request(session, inherited->request, NULL, &response, &err));
    CHECK(response == NULL);
    FAILS(PLEXTRAC_FORKED, plextrac_stream_read(inherited->stream, buf, sizeof buf, &len, &err));
    CHECK(len == 0 && plextrac_stream_response(inherited->stream) == NULL);
    plextrac_stream_free(inherited->stream);
    CHECK(plextrac_session_state(session) == 0);
    CHECK(!plextrac_session_expires_in_ms(session, &life) && life == 0);
    CHECK(!plextrac_session_tenant_id(session, &tenant) && tenant == 0);
    FAILS(PLEXTRAC_FORKED, plextrac_session_forget_rejection(session, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_logout(session, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_close(session, &err));
}

/* The library takes the two addresses of the emulator for two instances, each with its budget. Of this one the
 * parent's threads may spend little: the emulator's limit is for both. */
static plextrac_config *config_of_another_instance(void)
{
    plextrac_config *config = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_config_new(env("PLEXTRAC_HTTP_URL"), PLEXTRAC_NTS, &config, &err));
    OK(plextrac_config_set_password(config, env("PLEXTRAC_PLAIN_USERNAME"), PLEXTRAC_NTS,
                                    env("PLEXTRAC_PLAIN_PASSWORD"), PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_proxy(config, "", 0, &err));
    OK(plextrac_config_set_auth_budget(config, 4, &err));
    return config;
}

static void a_new_session_works(void)
{
    plextrac_error *err = NULL;
    plextrac_session *own = session_of(config_without_mfa());
    OK(plextrac_session_login(own, NULL, &err));
    plextrac_response *response = answer_to(own, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    plextrac_session_free(own);
}

static void a_cancellation_stays_where_it_was_made(const struct inherited *inherited)
{
    plextrac_error *err = NULL;
    plextrac_session *own = session_of(config_without_mfa());
    FAILS(PLEXTRAC_FORKED, plextrac_session_login(own, inherited->cancel, &err));
    plextrac_cancel_trigger(inherited->cancel);
    plextrac_cancel_free(inherited->cancel);
    plextrac_session_free(own);
}

/* One thread, one fork. */
static void a_child_of_a_calm_parent(plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    struct inherited inherited = {.config = config_without_mfa()};
    control(watcher, "reset", NULL);
    OK(plextrac_config_set_log_callback(inherited.config, hear, PLEXTRAC_LOG_DEBUG, NULL, count_freed, &err));
    OK(plextrac_session_new(inherited.config, &inherited.session, &err));
    OK(plextrac_session_login(inherited.session, NULL, &err));
    OK(plextrac_cancel_new(&inherited.cancel, &err));
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &inherited.request, &err));
    OK(plextrac_session_stream(inherited.session, inherited.request, NULL, &inherited.stream, &err));
    /* To its end, so that the connection is free for the next request. */
    char part[256];
    size_t len = 0;
    do
        OK(plextrac_stream_read(inherited.stream, part, sizeof part, &len, &err));
    while (len > 0);

    pid_t child = start_child();
    if (child == 0) {
        every_call_on_an_inherited_session_says_so(&inherited);
        a_cancellation_stays_where_it_was_made(&inherited);
        plextrac_session_free(inherited.session);
        plextrac_config_free(inherited.config);
        /* Of the session there is nobody left to free it: what its threads were doing is not known. */
        CHECK(freed == 0);
        a_new_session_works();
        _exit(0);
    }
    await(child);

    /* The parent's token and connection are as they were. */
    plextrac_response *response = answer_to(inherited.session, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    CHECK(number_of(watcher, "whoami", "ok") == 3);
    CHECK(number_of(watcher, "connections", "tls") == 2);
    plextrac_stream_free(inherited.stream);
    plextrac_request_free(inherited.request);
    plextrac_cancel_free(inherited.cancel);
    plextrac_session_free(inherited.session);
    plextrac_config_free(inherited.config);
    CHECK(freed == 1);
}

/* What the threads of a busy parent have. */
static struct {
    plextrac_config *config;
    plextrac_budget *budget;
    struct inherited inherited;
    atomic_bool is_over;
    atomic_long rounds;
} busy;

/* Limits are reached, and tokens end with the emulator's clock; what must not be is that anything hangs. */
static void is_expected(int32_t status)
{
    switch (status) {
    case PLEXTRAC_OK:
    case PLEXTRAC_MUST_WAIT:
    case PLEXTRAC_NOT_READY:
    case PLEXTRAC_REJECTED:
        return;
    default:
        fprintf(stderr, "unexpected: %s\n", plextrac_status_name(status).data);
        exit(1);
    }
}

static void make_a_session(void)
{
    plextrac_session *session = NULL;
    is_expected(plextrac_session_new(busy.config, &session, NULL));
    plextrac_session_free(session);
}

static void want_a_token(void)
{
    plextrac_secret *value = NULL;
    is_expected(plextrac_session_authorization(busy.inherited.session, busy.inherited.cancel, &value, NULL));
    plextrac_secret_free(value);
    CHECK(plextrac_session_state(busy.inherited.session) != 0);
}

static void want_an_answer(void)
{
    plextrac_response *response = NULL;
    is_expected(plextrac_session_request(busy.inherited.session, busy.inherited.request, NULL, &response, NULL));
    plextrac_response_free(response);
}

static void want_another_token(void)
{
    is_expected(plextrac_session_refresh(busy.inherited.session, busy.inherited.cancel, NULL));
}

static plextrac_config *config_with_common_budget(void)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_of_another_instance();
    OK(plextrac_config_set_budget(config, busy.budget, &err));
    return config;
}

/* It may be told to wait: what it asked for is not answered. */
static void drain(plextrac_machine *machine)
{
    plextrac_error *err = NULL;
    int32_t kind;
    do {
        plextrac_action *action = NULL;
        OK(plextrac_machine_poll(machine, plextrac_time_now(), &action, &err));
        kind = plextrac_action_kind(action);
        plextrac_action_free(action);
    } while (kind != PLEXTRAC_ACTION_IDLE && kind != PLEXTRAC_ACTION_WAIT);
}

static void drive_a_machine(void)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_with_common_budget();
    plextrac_machine *machine = NULL;
    OK(plextrac_machine_new(config, plextrac_time_now(), &machine, &err));
    OK(plextrac_machine_want_token(machine, plextrac_time_now(), &err));
    for (int i = 0; i < 100; i++)
        drain(machine);
    plextrac_machine_free(machine);
    plextrac_config_free(config);
}

/* Two threads fork at once, now and then. */
static void fork_as_well(void)
{
    pid_t child = start_child();
    if (child == 0) {
        make_a_session();
        _exit(0);
    }
    await(child);
}

static void (*const KINDS[])(void) = {
    make_a_session, make_a_session, drive_a_machine,    drive_a_machine,
    want_a_token,   want_an_answer, want_another_token, fork_as_well,
};
enum { THREADS = sizeof KINDS / sizeof *KINDS };

static void *keep_busy(void *kind)
{
    while (!busy.is_over) {
        KINDS[(size_t)kind]();
        busy.rounds++;
    }
    return NULL;
}

static void in_a_child_of_a_busy_parent(int number, plextrac_machine *machine)
{
    switch (number % 4) {
    case 0:
        a_new_session_works();
        break;
    case 1:
        make_a_session();
        every_call_on_an_inherited_session_says_so(&busy.inherited);
        plextrac_session_free(busy.inherited.session);
        break;
    case 2:
        /* The budget of before, by a machine of now. */
        drive_a_machine();
        break;
    default:
        /* Its thread is the one that forked: a machine goes on in the child. */
        drain(machine);
        a_cancellation_stays_where_it_was_made(&busy.inherited);
    }
}

static void children_of_a_busy_parent(plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    pthread_t threads[THREADS];
    plextrac_machine *machine = NULL;
    OK(plextrac_budget_new(60, &busy.budget, &err));
    busy.config = config_of_another_instance();
    OK(plextrac_session_new(busy.config, &busy.inherited.session, &err));
    OK(plextrac_cancel_new(&busy.inherited.cancel, &err));
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &busy.inherited.request, &err));
    OK(plextrac_session_stream(busy.inherited.session, busy.inherited.request, NULL, &busy.inherited.stream, &err));
    plextrac_config *config = config_with_common_budget();
    OK(plextrac_machine_new(config, plextrac_time_now(), &machine, &err));
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, keep_busy, (void *)i) == 0);

    for (int number = 0; number < CHILDREN; number++) {
        /* A minute of the emulator's for each that signs in, or it would allow no more than ten. */
        if (number % 4 == 0)
            control(watcher, "advance", "{\"seconds\":61}");
        pid_t child = start_child();
        if (child == 0) {
            in_a_child_of_a_busy_parent(number, machine);
            _exit(0);
        }
        await(child);
    }

    busy.is_over = true;
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    printf("%d children, while the parent's threads did %ld rounds\n", CHILDREN, busy.rounds);
    CHECK(busy.rounds > CHILDREN);
    plextrac_machine_free(machine);
    plextrac_config_free(config);
    plextrac_stream_free(busy.inherited.stream);
    plextrac_request_free(busy.inherited.request);
    plextrac_cancel_free(busy.inherited.cancel);
    plextrac_session_free(busy.inherited.session);
    plextrac_config_free(busy.config);
    plextrac_budget_free(busy.budget);
}

static void *sign_in(void *session)
{
    plextrac_error *err = NULL;
    OK(plextrac_session_login(session, NULL, &err));
    return NULL;
}

static plextrac_session *session_in(const char *directory)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_state_dir(config, directory, PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_timeout_ms(config, 10000, &err));
    return session_of(config);
}

/* The lock of the account is a kernel's, on a file that the child has open as well. */
static void a_child_of_a_sign_in_does_not_hold_its_account(plextrac_session *watcher)
{
    char directory[] = "/tmp/plextrac-fork-XXXXXX", command[64];
    CHECK(mkdtemp(directory) != NULL);
    plextrac_error *err = NULL;
    pthread_t thread;
    control(watcher, "reset", "{}");
    control(watcher, "fault", "{\"on\":\"sign_in\",\"do\":{\"slow\":{\"ms\":500}}}");
    plextrac_session *first = session_in(directory);
    CHECK(pthread_create(&thread, NULL, sign_in, first) == 0);
    int state = 0;
    while ((state = plextrac_session_state(first)) != PLEXTRAC_STATE_SIGNING_IN)
        CHECK(state == PLEXTRAC_STATE_SIGNED_OUT);
    pid_t child = start_child();
    if (child == 0)
        for (;;)
            pause();
    CHECK(pthread_join(thread, NULL) == 0);
    plextrac_session *second = session_in(directory);
    OK(plextrac_session_refresh(second, NULL, &err));
    OK(plextrac_session_refresh(second, NULL, &err));
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    plextrac_session_free(first);
    plextrac_session_free(second);
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK(system(command) == 0);
}

int main(void)
{
    plextrac_session *watcher = observer();
    a_child_of_a_calm_parent(watcher);
    a_child_of_a_sign_in_does_not_hold_its_account(watcher);
    /* The sanitizer's own allocator has locks that a fork leaves taken. */
    if (!IS_ADDRESS_SANITIZER_ON)
        children_of_a_busy_parent(watcher);
    plextrac_session_free(watcher);
    return 0;
}
