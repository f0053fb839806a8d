/* Callbacks: what they are told, what they may do, and that their userdata is freed exactly once. */
#include "emulator.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a callback of this program is given. */
struct given {
    atomic_int freed;
    atomic_int calls;
    /* What the MFA callback does at each attempt: 'c'orrect, 'w'rong, 'n'othing, 'g'ive up, 'b'ack into the
     * session. */
    const char *plan;
    uint32_t attempts[4];
    const plextrac_session *session;
    int32_t answered_back;
    /* What the log callback was told, and the most talkative level of it. */
    char lines[4096];
    int32_t level;
    pthread_mutex_t lock;
};

static struct given *given(const char *plan)
{
    struct given *given = calloc(1, sizeof *given);
    given->plan = plan;
    pthread_mutex_init(&given->lock, NULL);
    return given;
}

/* Frees nothing: the test looks at the count afterwards. */
static void count_freed(void *userdata)
{
    atomic_fetch_add(&((struct given *)userdata)->freed, 1);
}

static int32_t answer(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply)
{
    struct given *given = userdata;
    int call = atomic_fetch_add(&given->calls, 1);
    CHECK(call < 4);
    given->attempts[call] = attempt;
    switch (given->plan[call]) {
    case 'c':
        /* For the tables of arguments.c: plextrac_mfa_reply_set_code, code */
        CHECK(plextrac_mfa_reply_set_code(reply, NULL, PLEXTRAC_NTS) == PLEXTRAC_INVALID_ARGUMENT);
        CHECK(plextrac_mfa_reply_set_code(reply, "12a456", PLEXTRAC_NTS) == PLEXTRAC_INVALID_ARGUMENT);
        CHECK(plextrac_mfa_reply_set_code(reply, "000 000", PLEXTRAC_NTS) == PLEXTRAC_OK);
        CHECK(plextrac_mfa_reply_set_code(reply, six_digits(), PLEXTRAC_NTS) == PLEXTRAC_OK);
        return 0;
    case 'w':
        CHECK(plextrac_mfa_reply_set_code(reply, six_wrong_digits(), 6) == PLEXTRAC_OK);
        return 0;
    case 'b':
        CHECK(plextrac_session_state(given->session) == PLEXTRAC_STATE_MFA_NEEDED);
        given->answered_back = plextrac_session_login(given->session, NULL, NULL);
        return 1;
    case 'g':
        CHECK(plextrac_mfa_reply_set_code(reply, six_digits(), PLEXTRAC_NTS) == PLEXTRAC_OK);
        return -1;
    default:
        return 0;
    }
}

static void listen(void *userdata, int32_t level, const char *target, size_t target_len, const char *message,
                   size_t message_len)
{
    struct given *given = userdata;
    CHECK(strcmp(target, "plextrac") == 0 && target_len == strlen(target));
    CHECK(message_len > 0 && message_len == strlen(message));
    CHECK(level >= PLEXTRAC_LOG_ERROR && level <= PLEXTRAC_LOG_DEBUG);
    pthread_mutex_lock(&given->lock);
    strncat(given->lines, message, sizeof given->lines - strlen(given->lines) - 1);
    given->level = level > given->level ? level : given->level;
    pthread_mutex_unlock(&given->lock);
}

static plextrac_session *session_that_asks(struct given *given)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_with_mfa();
    OK(plextrac_config_set_mfa_callback(config, answer, given, count_freed, &err));
    plextrac_session *session = session_of(config);
    CHECK(given->freed == 0);
    given->session = session;
    return session;
}

/* The thread of a sign-in holds the callback a moment longer than the session that is freed. */
static void is_freed_once(struct given *given)
{
    while (atomic_load(&given->freed) == 0)
        sched_yield();
    CHECK(given->freed == 1);
    pthread_mutex_destroy(&given->lock);
    free(given);
}

static void the_callback_is_asked_and_once_more_after_wrong_digits(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    struct given *asked = given("wc");
    plextrac_session *session = session_that_asks(asked);
    OK(plextrac_session_login(session, NULL, &err));
    CHECK(asked->calls == 2 && asked->attempts[0] == 1 && asked->attempts[1] == 2);
    CHECK(number_of(watcher, "mfa", "rejected") == 1 && number_of(watcher, "mfa", "ok") == 1);
    plextrac_session_free(session);
    is_freed_once(asked);
}

static void giving_up_or_answering_nothing_is_mfa_required(const plextrac_session *watcher)
{
    static const char *const PLANS[] = {"g", "n"};
    for (int i = 0; i < 2; i++) {
        plextrac_error *err = NULL;
        control(watcher, "reset", NULL);
        struct given *asked = given(PLANS[i]);
        plextrac_session *session = session_that_asks(asked);
        FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
        CHECK(asked->calls == 1);
        CHECK(number_of(watcher, "mfa", "ok") == 0);
        plextrac_session_free(session);
        is_freed_once(asked);
    }
}

static void calling_back_into_the_sign_in_that_waits_is_busy(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    struct given *asked = given("b");
    plextrac_session *session = session_that_asks(asked);
    FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
    CHECK(asked->answered_back == PLEXTRAC_BUSY);
    plextrac_session_free(session);
    is_freed_once(asked);
}

static void userdata_is_freed_once_however_it_goes(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = NULL;

    /* With its configuration. */
    struct given *only = given("");
    plextrac_config *config = config_with_mfa();
    OK(plextrac_config_set_mfa_callback(config, answer, only, count_freed, &err));
    plextrac_config_free(config);
    CHECK(only->freed == 1);
    is_freed_once(only);

    /* With the last of two sessions. */
    struct given *shared = given("");
    config = config_with_mfa();
    OK(plextrac_config_set_mfa_callback(config, answer, shared, count_freed, &err));
    OK(plextrac_config_set_log_callback(config, listen, PLEXTRAC_LOG_DEBUG, shared, NULL, &err));
    OK(plextrac_session_new(config, &session, &err));
    plextrac_session *last = session_of(config);
    plextrac_session_free(session);
    CHECK(shared->freed == 0);
    plextrac_session_free(last);
    is_freed_once(shared);

    /* When something else takes its place. */
    struct given *replaced = given(""), *second = given("");
    config = config_with_mfa();
    OK(plextrac_config_set_mfa_callback(config, answer, replaced, count_freed, &err));
    OK(plextrac_config_set_mfa_callback(config, answer, second, count_freed, &err));
    CHECK(replaced->freed == 1 && second->freed == 0);
    OK(plextrac_config_set_totp_secret(config, env("PLEXTRAC_TOTP_SECRET"), PLEXTRAC_NTS, &err));
    CHECK(second->freed == 1);
    plextrac_config_free(config);
    is_freed_once(replaced);
    is_freed_once(second);

    /* Not after an error: it is still the program's. */
    struct given *kept = given("");
    config = config_with_mfa();
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_mfa_callback(config, NULL, kept, count_freed, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_config_set_log_callback(config, listen, 77, kept, count_freed, &err));
    plextrac_config_free(config);
    CHECK(kept->freed == 0);
    free(kept);
}

static void the_log_tells_what_happens_and_no_secret(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_secret *secret = NULL;
    control(watcher, "reset", NULL);
    struct given *all = given(""), *errors = given("");
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_log_callback(config, listen, PLEXTRAC_LOG_DEBUG, all, count_freed, &err));
    plextrac_session *session = session_of(config);
    OK(plextrac_session_authorization(session, NULL, &secret, &err));
    OK(plextrac_session_refresh(session, NULL, &err));
    OK(plextrac_session_logout(session, &err));
    CHECK(strstr(all->lines, "signed in") && strstr(all->lines, "refreshed")
          && strstr(all->lines, "signed out"));
    CHECK(all->level == PLEXTRAC_LOG_DEBUG);
    CHECK(!strstr(all->lines, plextrac_secret_str(secret).data));
    CHECK(!strstr(all->lines, env("PLEXTRAC_PLAIN_PASSWORD")));
    plextrac_secret_free(secret);
    plextrac_session_free(session);
    is_freed_once(all);

    config = config_for(env("PLEXTRAC_PLAIN_USERNAME"), "a wrong password");
    OK(plextrac_config_set_log_callback(config, listen, PLEXTRAC_LOG_ERROR, errors, count_freed, &err));
    session = session_of(config);
    FAILS(PLEXTRAC_REJECTED, plextrac_session_login(session, NULL, &err));
    CHECK(strstr(errors->lines, "rejected") && errors->level == PLEXTRAC_LOG_ERROR);
    CHECK(!strstr(errors->lines, "a wrong password"));
    plextrac_session_free(session);
    is_freed_once(errors);
}

int main(void)
{
    plextrac_session *watcher = observer();
    the_callback_is_asked_and_once_more_after_wrong_digits(watcher);
    giving_up_or_answering_nothing_is_mfa_required(watcher);
    calling_back_into_the_sign_in_that_waits_is_busy(watcher);
    userdata_is_freed_once_however_it_goes();
    the_log_tells_what_happens_and_no_secret(watcher);
    plextrac_session_free(watcher);
    return 0;
}
