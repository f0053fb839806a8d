/* Every function that takes a const handle, from many threads at once. What they find differs from run to
 * run; that nobody gets in another's way is for the tools to see that watch this program: `cargo xtask
 * sanitize`. */
#define _POSIX_C_SOURCE 200809L

#include "emulator.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 20 };

/* What all threads have. */
static struct {
    const plextrac_config *config;
    const plextrac_budget *budget;
    const plextrac_session *session;
    const plextrac_request *request;
    const plextrac_response *response;
    const plextrac_secret *secret;
    const plextrac_error *error;
    const plextrac_machine *machine;
    const plextrac_action *action;
    plextrac_time now;
    pthread_barrier_t start;
} shared;

/* Under a race over a token some calls find none, or the limits of the server or the session's own. */
static void is_expected(int32_t status)
{
    switch (status) {
    case PLEXTRAC_OK:
    case PLEXTRAC_CANCELLED:
    case PLEXTRAC_CLOSED:
    case PLEXTRAC_EXPIRED:
    case PLEXTRAC_MUST_WAIT:
    case PLEXTRAC_NOT_READY:
    case PLEXTRAC_REJECTED:
    case PLEXTRAC_WRONG_STATE:
        return;
    default:
        fprintf(stderr, "unexpected: %s\n", plextrac_status_name(status).data);
        exit(1);
    }
}

static void run_on_all_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&shared.start, NULL, THREADS) == 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&shared.start);
}

static void *read_everything(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&shared.start);
    for (int round = 0; round < ROUNDS; round++) {
        plextrac_str name, value;
        uint64_t number = 0;
        int64_t tenant = 0;
        uint16_t status = 0;
        plextrac_error *copy = NULL;
        plextrac_secret *secret = NULL;

        CHECK(plextrac_secret_str(shared.secret).len > 0);

        CHECK(plextrac_error_status(shared.error) == PLEXTRAC_MUST_WAIT);
        CHECK(plextrac_error_message(shared.error).len > 0);
        CHECK(plextrac_error_http_status(shared.error, &status) && status == 429);
        CHECK(plextrac_error_retry_after_ms(shared.error, &number));
        CHECK(plextrac_error_is_retryable(shared.error));

        CHECK(plextrac_response_status(shared.response) == 200);
        CHECK(plextrac_response_body(shared.response).len > 0);
        CHECK(plextrac_response_header_count(shared.response) > 0);
        CHECK(plextrac_response_header(shared.response, 0, &name, &value));
        CHECK(plextrac_response_header_by_name(shared.response, "date", PLEXTRAC_NTS, &value));
        CHECK(plextrac_config_base_url(shared.config).len > 0);
        CHECK(plextrac_session_base_url(shared.session).len > 0);

        CHECK(plextrac_action_kind(shared.action) == PLEXTRAC_ACTION_SEND);
        CHECK(plextrac_action_reason(shared.action).len == 0);
        CHECK(plextrac_action_error(shared.action, &copy) == PLEXTRAC_OK && !copy);
        CHECK(plextrac_action_request_id(shared.action) != 0);
        CHECK(plextrac_action_caller(shared.action) == 0);
        CHECK(plextrac_action_mfa_attempt(shared.action) == 0);
        CHECK(plextrac_action_method(shared.action).len > 0);
        CHECK(plextrac_action_url(shared.action).len > 0);
        CHECK(plextrac_action_body(shared.action).len > 0);
        CHECK(plextrac_action_header_count(shared.action) > 0);
        CHECK(plextrac_action_header(shared.action, 0, &name, &value));
        CHECK(plextrac_action_deadline_ms(shared.action, &number));

        CHECK(plextrac_machine_authorization(shared.machine, shared.now, &secret, NULL) == PLEXTRAC_OK);
        plextrac_secret_free(secret);
        CHECK(plextrac_machine_cookie(shared.machine, &secret, NULL) == PLEXTRAC_OK);
        plextrac_secret_free(secret);
        CHECK(plextrac_machine_expires_in_ms(shared.machine, shared.now, &number));

        CHECK(plextrac_session_state(shared.session) == PLEXTRAC_STATE_ACTIVE);
        CHECK(plextrac_session_expires_in_ms(shared.session, &number));
        CHECK(plextrac_session_tenant_id(shared.session, &tenant));
    }
    return NULL;
}

/* Each thread does something else, in turns: all pairs of calls meet. */
static void *use_one_session(void *argument)
{
    size_t turn = (size_t)argument;
    plextrac_cancel *cancel = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_cancel_new(&cancel, &err));
    pthread_barrier_wait(&shared.start);
    for (int round = 0; round < ROUNDS; round++, turn++) {
        char buf[8192];
        size_t len = 0;
        uint64_t number = 0;
        int64_t tenant = 0;
        bool retry = false;
        plextrac_secret *secret = NULL;
        plextrac_response *response = NULL;
        plextrac_session *limited = NULL;
        switch (turn % THREADS) {
        case 0:
            CHECK(plextrac_session_with_timeout_ms(shared.session, 20000, &limited, NULL) == PLEXTRAC_OK);
            is_expected(plextrac_session_login(limited, cancel, NULL));
            plextrac_session_free(limited);
            break;
        case 1:
            is_expected(plextrac_session_authorization(shared.session, cancel, &secret, NULL));
            break;
        case 2:
            is_expected(
                plextrac_session_copy_authorization(shared.session, buf, sizeof buf, &len, cancel, NULL));
            break;
        case 3:
            is_expected(plextrac_session_request(shared.session, shared.request, cancel, &response, NULL));
            break;
        case 4:
            is_expected(round % 8 ? PLEXTRAC_OK : plextrac_session_refresh(shared.session, cancel, NULL));
            break;
        case 5:
            (void)plextrac_session_state(shared.session);
            (void)plextrac_session_expires_in_ms(shared.session, &number);
            is_expected(plextrac_session_forget_rejection(shared.session, NULL));
            break;
        case 6:
            if (plextrac_session_copy_authorization(shared.session, buf, sizeof buf, &len, cancel, NULL) == 0
                && round > ROUNDS / 2)
                is_expected(
                    round % 2 ? plextrac_session_report_unauthorized(shared.session, buf, len, NULL)
                              : plextrac_session_report_unauthorized_retry(shared.session, buf, len, &retry, NULL));
            is_expected(plextrac_session_cookie(shared.session, cancel, &secret, NULL));
            break;
        default:
            (void)plextrac_session_tenant_id(shared.session, &tenant);
            /* Nobody was asked for any. */
            is_expected(plextrac_session_submit_mfa(shared.session, "123456", PLEXTRAC_NTS, cancel, NULL));
        }
        plextrac_secret_free(secret);
        plextrac_response_free(response);
    }
    plextrac_cancel_free(cancel);
    return NULL;
}

/* A session and a machine for each thread, of one configuration; and another machine with the budget of all.
 */
static void *make_from_one_configuration(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&shared.start);
    for (int round = 0; round < ROUNDS; round++) {
        plextrac_session *session = NULL;
        plextrac_machine *machine = NULL;
        CHECK(plextrac_session_new(shared.config, &session, NULL) == PLEXTRAC_OK);
        CHECK(plextrac_machine_new(shared.config, shared.now, &machine, NULL) == PLEXTRAC_OK);
        CHECK(plextrac_machine_want_token(machine, shared.now, NULL) == PLEXTRAC_OK);
        plextrac_machine_free(machine);
        plextrac_session_free(session);

        plextrac_config *own = config_without_mfa();
        CHECK(plextrac_config_set_budget(own, shared.budget, NULL) == PLEXTRAC_OK);
        CHECK(plextrac_machine_new(own, shared.now, &machine, NULL) == PLEXTRAC_OK);
        CHECK(plextrac_machine_want_token(machine, shared.now, NULL) == PLEXTRAC_OK);
        plextrac_action *action = NULL;
        CHECK(plextrac_machine_poll(machine, shared.now, &action, NULL) == PLEXTRAC_OK);
        plextrac_action_free(action);
        plextrac_machine_free(machine);
        plextrac_config_free(own);
    }
    return NULL;
}

static const plextrac_cancel *trigger;

/* The last thread ends it for all: by the cancellation that all were given, and by closing. */
static void *wait_until_it_is_over(void *argument)
{
    size_t i = (size_t)argument;
    pthread_barrier_wait(&shared.start);
    if (i == THREADS - 1 || i == THREADS - 2)
        plextrac_cancel_trigger(trigger);
    if (i % 2)
        is_expected(plextrac_session_logout(shared.session, NULL));
    if (i == THREADS - 1)
        is_expected(plextrac_session_close(shared.session, NULL));
    is_expected(plextrac_session_login(shared.session, trigger, NULL));
    return NULL;
}

/* A machine with a token, and one whose first action is to be sent: nothing of it needs the network. */
static plextrac_machine *machine_with_token(plextrac_config *config, plextrac_action **sent)
{
    static const char TOKEN[] =
        "{\"status\":\"success\",\"token\":\"aaaa.bbbb.cccc\",\"cookie\":\"dddd.eeee.ffff\"}";
    plextrac_machine *machine = NULL;
    plextrac_action *rest = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_machine_new(config, shared.now, &machine, &err));
    OK(plextrac_machine_want_token(machine, shared.now, &err));
    OK(plextrac_machine_poll(machine, shared.now, sent, &err));
    OK(plextrac_machine_poll(machine, shared.now, &rest, &err));
    plextrac_action_free(rest);
    OK(plextrac_machine_handle_response(machine, plextrac_action_request_id(*sent), 200, NULL, NULL, 0, TOKEN,
                                        PLEXTRAC_NTS, shared.now, &err));
    return machine;
}

/* By the plain address: to the library that is another instance, and the wait it is told is not that of the
 * sessions here. */
static plextrac_error *error_of_a_rate_limit(plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_config *config = NULL;
    control(watcher, "fault", "{\"on\":\"sign_in\",\"do\":{\"rate_limited\":{\"retry_after\":\"1\"}}}");
    OK(plextrac_config_new(env("PLEXTRAC_HTTP_URL"), PLEXTRAC_NTS, &config, &err));
    OK(plextrac_config_set_password(config, env("PLEXTRAC_PLAIN_USERNAME"), PLEXTRAC_NTS,
                                    env("PLEXTRAC_PLAIN_PASSWORD"), PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_proxy(config, "", 0, &err));
    OK(plextrac_config_set_allow_http(config, true, &err));
    plextrac_session *session = session_of(config);
    CHECK(plextrac_session_login(session, NULL, &err) == PLEXTRAC_MUST_WAIT);
    plextrac_session_free(session);
    control(watcher, "reset", NULL);
    return err;
}

int main(void)
{
    plextrac_error *err = NULL, *error;
    plextrac_secret *secret = NULL;
    plextrac_request *request = NULL;
    plextrac_action *action = NULL;
    plextrac_cancel *cancel = NULL;
    plextrac_budget *budget = NULL;
    plextrac_session *watcher = observer();
    control(watcher, "reset", NULL);
    shared.error = error = error_of_a_rate_limit(watcher);
    shared.now = plextrac_time_now();
    plextrac_config *config = config_without_mfa();
    shared.config = config;
    OK(plextrac_budget_new(6, &budget, &err));
    shared.budget = budget;
    plextrac_machine *machine = machine_with_token(config, &action);
    shared.machine = machine;
    shared.action = action;
    plextrac_session *session = session_of(config_without_mfa());
    shared.session = session;
    OK(plextrac_session_authorization(session, NULL, &secret, &err));
    shared.secret = secret;
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    shared.request = request;
    plextrac_response *response = answer_to(session, "GET", "/api/v2/whoami", NULL);
    shared.response = response;

    run_on_all_threads(read_everything);
    run_on_all_threads(make_from_one_configuration);
    run_on_all_threads(use_one_session);
    OK(plextrac_cancel_new(&cancel, &err));
    trigger = cancel;
    run_on_all_threads(wait_until_it_is_over);

    plextrac_cancel_free(cancel);
    plextrac_response_free(response);
    plextrac_request_free(request);
    plextrac_secret_free(secret);
    plextrac_session_free(session);
    plextrac_machine_free(machine);
    plextrac_action_free(action);
    plextrac_config_free(config);
    plextrac_budget_free(budget);
    plextrac_error_free(error);
    plextrac_session_free(watcher);
    return 0;
}
