/* Level 2 from end to end: the machine decides, libcurl sends, and this program says what time it is. */
#include "emulator.h"

#include <curl/curl.h>

/* How far the time of this program is ahead of the system's; the emulator's clock is moved along with it. */
static int64_t ahead_ms;

static plextrac_time now(void)
{
    plextrac_time time = plextrac_time_now();
    time.monotonic_ms += (uint64_t)ahead_ms;
    time.unix_ms += ahead_ms;
    return time;
}

static void minutes_pass(const plextrac_session *watcher, int minutes)
{
    char json[32];
    snprintf(json, sizeof json, "{\"seconds\":%d}", minutes * 60);
    control(watcher, "advance", json);
    ahead_ms += minutes * 60000;
}

/* The body of the latest answer. */
static char body[1 << 20];
static size_t body_len;

static size_t keep(char *data, size_t size, size_t count, void *unused)
{
    (void)unused;
    CHECK(size * count < sizeof body - body_len);
    memcpy(body + body_len, data, size * count);
    body_len += size * count;
    body[body_len] = 0;
    return size * count;
}

static CURL *curl;

static void begin(const char *method, const char *url, struct curl_slist *headers)
{
    curl_easy_reset(curl);
    body_len = 0;
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_CAINFO, env("PLEXTRAC_CA_FILE"));
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

/* Sends what a SEND says, and hands in the answer. */
static void transmit(plextrac_machine *machine, const plextrac_action *action)
{
    plextrac_error *err = NULL;
    plextrac_str name, value, names[64], values[64];
    struct curl_slist *headers = NULL;
    struct curl_header *header = NULL;
    size_t count = 0;
    long status = 0;
    for (size_t i = 0; plextrac_action_header(action, i, &name, &value); i++) {
        char *line = malloc(name.len + value.len + 3);
        sprintf(line, "%s: %s", name.data, value.data);
        headers = curl_slist_append(headers, line);
        free(line);
    }
    begin(plextrac_action_method(action).data, plextrac_action_url(action).data, headers);
    if (plextrac_action_body(action).len > 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, plextrac_action_body(action).data);
    CHECK(curl_easy_perform(curl) == CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    while (count < 64 && (header = curl_easy_nextheader(curl, CURLH_HEADER, 0, header)) != NULL) {
        names[count] = (plextrac_str){header->name, strlen(header->name)};
        values[count] = (plextrac_str){header->value, PLEXTRAC_NTS};
        count++;
    }
    OK(plextrac_machine_handle_response(machine, plextrac_action_request_id(action), (uint16_t)status, names,
                                        values, count, body, body_len, now(), &err));
    curl_slist_free_all(headers);
}

/* What the actions up to the last of a drain were, one letter each: Send, Need mfa, Wait, In, Replaced, Out,
 * Failed, iDle, waKe. */
static char seen[64];
/* Who was woken since `drive`, and with what. */
static uint64_t woken[4];
static int32_t results[4];
static size_t wakes;
static uint32_t attempt;
static int32_t failure;
static char reason[256];
static uint64_t deadline;

static const char *drain_once(plextrac_machine *machine, plextrac_action **to_send)
{
    static const char LETTERS[] = "?DSNWIROFK";
    plextrac_error *err = NULL;
    size_t count = strlen(seen);
    int32_t kind;
    do {
        plextrac_action *action = NULL;
        OK(plextrac_machine_poll(machine, now(), &action, &err));
        kind = plextrac_action_kind(action);
        CHECK(kind >= PLEXTRAC_ACTION_IDLE && kind <= PLEXTRAC_ACTION_WAKE && count < sizeof seen - 1);
        seen[count++] = LETTERS[kind];
        seen[count] = 0;
        if (kind == PLEXTRAC_ACTION_WAIT || kind == PLEXTRAC_ACTION_FAILED)
            snprintf(reason, sizeof reason, "%s", plextrac_action_reason(action).data);
        if (kind == PLEXTRAC_ACTION_WAIT || kind == PLEXTRAC_ACTION_NEED_MFA)
            CHECK(plextrac_action_deadline_ms(action, &deadline) && deadline > now().monotonic_ms);
        plextrac_error *copy = NULL;
        int32_t status = plextrac_action_error(action, &copy);
        bool fails = kind == PLEXTRAC_ACTION_FAILED
                     || (kind == PLEXTRAC_ACTION_WAKE && plextrac_action_reason(action).len > 0);
        CHECK((status != PLEXTRAC_OK) == fails && plextrac_error_status(copy) != PLEXTRAC_OK);
        CHECK((copy != NULL) == fails);
        if (kind == PLEXTRAC_ACTION_FAILED)
            failure = status;
        CHECK((plextrac_action_caller(action) != 0) == (kind == PLEXTRAC_ACTION_WAKE));
        if (kind == PLEXTRAC_ACTION_WAKE) {
            CHECK(wakes < sizeof woken / sizeof *woken);
            woken[wakes] = plextrac_action_caller(action);
            results[wakes++] = status;
        }
        CHECK((plextrac_action_mfa_attempt(action) != 0) == (kind == PLEXTRAC_ACTION_NEED_MFA));
        if (kind == PLEXTRAC_ACTION_NEED_MFA)
            attempt = plextrac_action_mfa_attempt(action);
        plextrac_error_free(copy);
        CHECK((plextrac_action_request_id(action) != 0) == (kind == PLEXTRAC_ACTION_SEND));
        if (kind == PLEXTRAC_ACTION_SEND)
            *to_send = action;
        else
            plextrac_action_free(action);
    } while (kind != PLEXTRAC_ACTION_IDLE && kind != PLEXTRAC_ACTION_WAIT
             && kind != PLEXTRAC_ACTION_NEED_MFA);
    return seen;
}

/* Drains, sends, and drains again until there is nothing to send. */
static const char *drive(plextrac_machine *machine)
{
    plextrac_action *to_send;
    seen[0] = 0;
    wakes = 0;
    do {
        to_send = NULL;
        drain_once(machine, &to_send);
        if (to_send)
            transmit(machine, to_send);
        plextrac_action_free(to_send);
    } while (to_send);
    return seen;
}

static plextrac_machine *machine_of(plextrac_config *config)
{
    plextrac_machine *machine = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_machine_new(config, now(), &machine, &err));
    plextrac_config_free(config);
    return machine;
}

static void want(plextrac_machine *machine)
{
    plextrac_error *err = NULL;
    OK(plextrac_machine_want_token(machine, now(), &err));
}

static uint64_t need(plextrac_machine *machine, plextrac_str other_than, uint64_t timeout_ms,
                     uint64_t wait_ms)
{
    plextrac_error *err = NULL;
    uint64_t caller = 0;
    OK(plextrac_machine_need_token(machine, other_than.data, other_than.len, timeout_ms, wait_ms, now(),
                                   &caller, &err));
    CHECK(caller != 0);
    return caller;
}

static const plextrac_str ANY;

/* The status of a GET of our own. */
static long get(const char *path, const char *header, plextrac_secret *value)
{
    char line[8192], url[512];
    long status = 0;
    snprintf(line, sizeof line, "%s%s", header, plextrac_secret_str(value).data);
    plextrac_config *config = config_without_mfa();
    snprintf(url, sizeof url, "%s%s", plextrac_config_base_url(config).data, path);
    plextrac_config_free(config);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    begin("GET", url, headers);
    CHECK(curl_easy_perform(curl) == CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    return status;
}

static void a_token_is_got_used_and_kept_alive_with_one_sign_in(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL, *cookie = NULL;
    uint64_t life = 0;
    control(watcher, "reset", NULL);
    plextrac_config *config = config_with_mfa();
    OK(plextrac_config_set_header(config, "CF-Access-Token", PLEXTRAC_NTS, "gate", PLEXTRAC_NTS, &err));
    plextrac_machine *machine = machine_of(config);
    FAILS(PLEXTRAC_NOT_READY, plextrac_machine_authorization(machine, now(), &value, &err));
    FAILS(PLEXTRAC_NOT_READY, plextrac_machine_cookie(machine, &cookie, &err));
    CHECK(!plextrac_machine_expires_in_ms(machine, now(), &life));
    seen[0] = 0;
    plextrac_action *nothing = NULL;
    CHECK(strcmp(drain_once(machine, &nothing), "D") == 0 && !nothing);

    want(machine);
    CHECK(strcmp(drive(machine), "SWN") == 0);
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_machine_submit_mfa(machine, "12345x", PLEXTRAC_NTS, now(), &err));
    OK(plextrac_machine_submit_mfa(machine, six_digits(), PLEXTRAC_NTS, now(), &err));
    CHECK(strcmp(drive(machine), "SWIW") == 0 && strstr(reason, "refresh"));
    CHECK(number_of(watcher, "sign_in", "challenge") == 1 && number_of(watcher, "mfa", "ok") == 1);

    OK(plextrac_machine_authorization(machine, now(), &value, &err));
    CHECK(get("/api/v2/whoami", "Authorization: ", value) == 200 && strstr(body, env("PLEXTRAC_USERNAME")));
    /* A call that is refused has not told the time either: the cookie is still one of now. */
    plextrac_time tomorrow = now();
    tomorrow.monotonic_ms += 86400000;
    FAILS(PLEXTRAC_STALE,
          plextrac_machine_handle_failure(machine, 1u << 30, PLEXTRAC_FAILURE_OTHER, tomorrow, &err));
    FAILS(PLEXTRAC_WRONG_STATE,
          plextrac_machine_submit_mfa(machine, "123456", PLEXTRAC_NTS, tomorrow, &err));
    OK(plextrac_machine_cookie(machine, &cookie, &err));
    CHECK(get("/api/v1/uploads/logo.png", "Cookie: token=", cookie) == 200);
    CHECK(plextrac_machine_expires_in_ms(machine, now(), &life) && life > 14 * 60000);
    plextrac_secret_free(value);
    plextrac_secret_free(cookie);

    /* Nothing is sent before the refresh is due, and nothing without a want. */
    want(machine);
    CHECK(strcmp(drive(machine), "W") == 0);
    minutes_pass(watcher, 12);
    CHECK(strcmp(drive(machine), "W") == 0 && strstr(reason, "ends"));
    want(machine);
    CHECK(strcmp(drive(machine), "SWRW") == 0);
    OK(plextrac_machine_authorization(machine, now(), &value, &err));
    CHECK(get("/api/v2/whoami", "Authorization: ", value) == 200);
    CHECK(number_of(watcher, "refresh", "ok") == 1 && number_of(watcher, "sign_in", "challenge") == 1);

    /* A 401 gives up that token; the refresh is refused, since the server's keys are gone, and a sign-in
     * follows. */
    control(watcher, "revoke", NULL);
    CHECK(get("/api/v2/whoami", "Authorization: ", value) == 401);
    bool retry = false;
    OK(plextrac_machine_report_unauthorized_retry(machine, plextrac_secret_str(value).data, PLEXTRAC_NTS, now(),
                                                  &retry, &err));
    CHECK(retry);
    CHECK(strchr(drive(machine), 'S') == NULL);
    want(machine);
    CHECK(strchr(drive(machine), 'N') != NULL);
    CHECK(number_of(watcher, "sign_in", "challenge") == 2);
    plextrac_secret_free(value);
    plextrac_machine_free(machine);
}

static void a_token_that_nobody_keeps_alive_ends(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL;
    uint64_t life = 0;
    control(watcher, "reset", NULL);
    plextrac_machine *machine = machine_of(config_without_mfa());
    want(machine);
    CHECK(strcmp(drive(machine), "SWIW") == 0);
    minutes_pass(watcher, 60);
    FAILS(PLEXTRAC_EXPIRED, plextrac_machine_authorization(machine, now(), &value, &err));
    CHECK(!plextrac_machine_expires_in_ms(machine, now(), &life));
    CHECK(strcmp(drive(machine), "OD") == 0);
    FAILS(PLEXTRAC_NOT_READY, plextrac_machine_authorization(machine, now(), &value, &err));
    want(machine);
    CHECK(strcmp(drive(machine), "SWIW") == 0);
    CHECK(number_of(watcher, "refresh", "ok") == 0);
    plextrac_machine_free(machine);
}

static void a_user_agent_that_was_set_is_in_what_is_to_be_sent(void)
{
    for (int named = 0; named < 2; named++) {
        plextrac_error *err = NULL;
        plextrac_machine *machine = NULL;
        plextrac_action *action = NULL;
        plextrac_str name, value;
        bool found = false;
        plextrac_config *config = config_without_mfa();
        if (named)
            OK(plextrac_config_set_user_agent(config, "report-bot/2.0", PLEXTRAC_NTS, &err));
        OK(plextrac_machine_new(config, now(), &machine, &err));
        plextrac_config_free(config);
        OK(plextrac_machine_want_token(machine, now(), &err));
        OK(plextrac_machine_poll(machine, now(), &action, &err));
        CHECK(plextrac_action_kind(action) == PLEXTRAC_ACTION_SEND);
        for (size_t i = 0; plextrac_action_header(action, i, &name, &value); i++)
            if (strcmp(name.data, "user-agent") == 0) {
                CHECK(strcmp(value.data, "report-bot/2.0") == 0);
                found = true;
            }
        CHECK(found == (named == 1));
        plextrac_action_free(action);
        plextrac_machine_free(machine);
    }
}

static void what_does_not_fit_changes_nothing(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_action *action = NULL, *rest = NULL;
    control(watcher, "reset", NULL);
    plextrac_machine *machine = machine_of(config_without_mfa());
    FAILS_SAYING(PLEXTRAC_WRONG_STATE, "sign in first",
                 plextrac_machine_submit_mfa(machine, "123456", PLEXTRAC_NTS, now(), &err));
    FAILS(PLEXTRAC_STALE, plextrac_machine_handle_failure(machine, 1, PLEXTRAC_FAILURE_OTHER, now(), &err));
    want(machine);
    FAILS(PLEXTRAC_MUST_DRAIN, plextrac_machine_want_token(machine, now(), &err));
    bool retry = true;
    FAILS(PLEXTRAC_MUST_DRAIN, plextrac_machine_report_unauthorized(machine, "x", PLEXTRAC_NTS, now(), &err));
    FAILS(PLEXTRAC_MUST_DRAIN,
          plextrac_machine_report_unauthorized_retry(machine, "x", PLEXTRAC_NTS, now(), &retry, &err));
    CHECK(!retry);
    OK(plextrac_machine_poll(machine, now(), &action, &err));
    CHECK(plextrac_action_kind(action) == PLEXTRAC_ACTION_SEND);
    uint64_t id = plextrac_action_request_id(action);
    FAILS(PLEXTRAC_MUST_DRAIN,
          plextrac_machine_handle_failure(machine, id, PLEXTRAC_FAILURE_OTHER, now(), &err));
    OK(plextrac_machine_poll(machine, now(), &rest, &err));
    CHECK(plextrac_action_kind(rest) == PLEXTRAC_ACTION_WAIT);
    FAILS(PLEXTRAC_STALE, plextrac_machine_handle_response(machine, id + 1, 200, NULL, NULL, 0, "{}",
                                                           PLEXTRAC_NTS, now(), &err));
    transmit(machine, action);
    FAILS(PLEXTRAC_MUST_DRAIN,
          plextrac_machine_handle_failure(machine, id, PLEXTRAC_FAILURE_OTHER, now(), &err));
    CHECK(strcmp(drive(machine), "IW") == 0);
    FAILS(PLEXTRAC_STALE, plextrac_machine_handle_failure(machine, id, PLEXTRAC_FAILURE_OTHER, now(), &err));

    /* An action outlives its machine. */
    plextrac_machine_free(machine);
    CHECK(strstr(plextrac_action_body(action).data, env("PLEXTRAC_PLAIN_USERNAME")));
    CHECK(strcmp(plextrac_action_method(action).data, "POST") == 0);
    plextrac_action_free(rest);
    plextrac_action_free(action);
}

static void a_failure_is_told_and_remembered(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_action *action = NULL;
    control(watcher, "reset", NULL);
    plextrac_machine *machine = machine_of(config_for(env("PLEXTRAC_PLAIN_USERNAME"), "a wrong password"));
    want(machine);
    CHECK(strcmp(drive(machine), "SWFD") == 0 && failure == PLEXTRAC_REJECTED);
    CHECK(strlen(reason) > 0 && !strstr(reason, "a wrong password"));
    want(machine);
    CHECK(strcmp(drive(machine), "FD") == 0 && failure == PLEXTRAC_REJECTED);
    CHECK(number_of(watcher, "sign_in", "rejected") == 1);
    plextrac_machine_free(machine);

    machine = machine_of(config_without_mfa());
    want(machine);
    seen[0] = 0;
    drain_once(machine, &action);
    OK(plextrac_machine_handle_failure(machine, plextrac_action_request_id(action), PLEXTRAC_FAILURE_CONNECT,
                                       now(), &err));
    plextrac_action_free(action);
    CHECK(strcmp(drive(machine), "FD") == 0 && failure == PLEXTRAC_NETWORK);
    want(machine);
    CHECK(strcmp(drive(machine), "W") == 0 && strstr(reason, "failed"));
    ahead_ms += (int64_t)(deadline - now().monotonic_ms) + 1;
    CHECK(strcmp(drive(machine), "SWIW") == 0);
    plextrac_machine_free(machine);
}

static void machines_of_one_instance_share_a_budget(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_budget *budget = NULL;
    plextrac_config *config = config_without_mfa();
    plextrac_machine *machines[3] = {NULL};
    control(watcher, "reset", NULL);
    OK(plextrac_budget_new(3, &budget, &err));
    OK(plextrac_config_set_budget(config, budget, &err));
    plextrac_budget_free(budget);
    for (int i = 0; i < 3; i++)
        OK(plextrac_machine_new(config, now(), &machines[i], &err));
    plextrac_config_free(config);
    for (int i = 0; i < 3; i++) {
        want(machines[i]);
        /* A first sign-in needs two places: the third machine finds one. */
        CHECK(strcmp(drive(machines[i]), i < 2 ? "SWIW" : "W") == 0);
    }
    CHECK(strstr(reason, "budget") && deadline - now().monotonic_ms <= 61000);
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    for (int i = 0; i < 3; i++)
        plextrac_machine_free(machines[i]);
}

static void callers_share_one_sign_in(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL, *newer = NULL;
    plextrac_action *sent = NULL, *nothing = NULL;
    control(watcher, "reset", NULL);
    plextrac_machine *machine = machine_of(config_without_mfa());
    CHECK(strcmp(drive(machine), "D") == 0);
    uint64_t first = need(machine, ANY, UINT64_MAX, 0);
    FAILS(PLEXTRAC_MUST_DRAIN, plextrac_machine_leave(machine, first, now(), &err));
    seen[0] = 0;
    CHECK(strcmp(drain_once(machine, &sent), "SW") == 0);
    uint64_t second = need(machine, ANY, 30000, 0);
    uint64_t gone = 0;
    FAILS(PLEXTRAC_MUST_DRAIN, plextrac_machine_need_token(machine, NULL, 0, 1, 1, now(), &gone, &err));
    drain_once(machine, &nothing);
    gone = need(machine, ANY, 30000, 0);
    drain_once(machine, &nothing);
    OK(plextrac_machine_leave(machine, gone, now(), &err));
    drain_once(machine, &nothing);
    FAILS(PLEXTRAC_STALE, plextrac_machine_leave(machine, gone, now(), &err));
    CHECK(strcmp(seen, "SWWWW") == 0 && wakes == 0 && !nothing);
    transmit(machine, sent);
    plextrac_action_free(sent);
    CHECK(strcmp(drive(machine), "IKKW") == 0);
    CHECK(first != second && woken[0] == first && woken[1] == second);
    CHECK(results[0] == PLEXTRAC_OK && results[1] == PLEXTRAC_OK);
    FAILS(PLEXTRAC_STALE, plextrac_machine_leave(machine, first, now(), &err));

    /* The token in hand serves at once, unless the caller says that it does not. */
    need(machine, ANY, 0, 0);
    CHECK(strcmp(drive(machine), "KW") == 0 && results[0] == PLEXTRAC_OK);
    OK(plextrac_machine_authorization(machine, now(), &value, &err));
    need(machine, plextrac_secret_str(value), 30000, 0);
    CHECK(strcmp(drive(machine), "SWRKW") == 0 && results[0] == PLEXTRAC_OK);
    OK(plextrac_machine_authorization(machine, now(), &newer, &err));
    CHECK(strcmp(plextrac_secret_str(value).data, plextrac_secret_str(newer).data) != 0);
    need(machine, plextrac_secret_str(value), 30000, 0);
    CHECK(strcmp(drive(machine), "KW") == 0 && results[0] == PLEXTRAC_OK);
    CHECK(number_of(watcher, "sign_in", "ok") == 1 && number_of(watcher, "refresh", "ok") == 1);
    plextrac_secret_free(newer);
    plextrac_secret_free(value);
    plextrac_machine_free(machine);
}

static int32_t never_called(void *userdata, uint32_t times, plextrac_mfa_reply *reply)
{
    (void)userdata, (void)times, (void)reply;
    CHECK(!"a machine called the callback");
    return 1;
}

static void callers_learn_that_a_code_is_needed(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    plextrac_machine *machine = machine_of(config_with_mfa());
    need(machine, ANY, 30000, 0);
    CHECK(strcmp(drive(machine), "SWKN") == 0 && results[0] == PLEXTRAC_MFA_REQUIRED && attempt == 1);
    OK(plextrac_machine_submit_mfa(machine, six_digits(), PLEXTRAC_NTS, now(), &err));
    CHECK(strcmp(drive(machine), "SWIW") == 0);
    plextrac_machine_free(machine);

    /* With a callback they wait for the code. */
    control(watcher, "reset", NULL);
    plextrac_config *config = config_with_mfa();
    OK(plextrac_config_set_mfa_callback(config, never_called, NULL, NULL, &err));
    machine = machine_of(config);
    FAILS(PLEXTRAC_WRONG_STATE, plextrac_machine_decline_mfa(machine, now(), &err));
    need(machine, ANY, 30000, 0);
    CHECK(strcmp(drive(machine), "SWN") == 0 && attempt == 1);
    OK(plextrac_machine_submit_mfa(machine, six_wrong_digits(), PLEXTRAC_NTS, now(), &err));
    CHECK(strchr(drive(machine), 'N') && wakes == 0 && attempt == 2);
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_machine_submit_mfa(machine, six_wrong_digits(), PLEXTRAC_NTS, now(), &err));
    OK(plextrac_machine_decline_mfa(machine, now(), &err));
    CHECK(strcmp(drive(machine), "FKD") == 0 && results[0] == PLEXTRAC_MFA_REQUIRED);
    need(machine, ANY, 30000, 0);
    CHECK(strcmp(drive(machine), "SWN") == 0 && attempt == 1);
    OK(plextrac_machine_submit_mfa(machine, six_digits(), PLEXTRAC_NTS, now(), &err));
    CHECK(strcmp(drive(machine), "SWIKW") == 0 && results[0] == PLEXTRAC_OK);
    plextrac_machine_free(machine);
}

static void callers_wait_no_longer_than_they_said(const plextrac_session *watcher)
{
    plextrac_error *err = NULL;
    plextrac_action *sent = NULL, *nothing = NULL;
    control(watcher, "reset", NULL);
    plextrac_machine *machine = machine_of(config_without_mfa());
    uint64_t caller = need(machine, ANY, 1000, 0);
    seen[0] = 0;
    drain_once(machine, &sent);
    CHECK(strcmp(seen, "SW") == 0 && deadline <= now().monotonic_ms + 1000);
    ahead_ms += 1000;
    wakes = 0;
    drain_once(machine, &nothing);
    CHECK(strcmp(seen, "SWKW") == 0 && woken[0] == caller && results[0] == PLEXTRAC_TIMEOUT);
    OK(plextrac_machine_handle_failure(machine, plextrac_action_request_id(sent), PLEXTRAC_FAILURE_CONNECT,
                                       now(), &err));
    plextrac_action_free(sent);
    drive(machine);
    /* The back-off: one caller waits for its end, one does not. */
    need(machine, ANY, 30000, 0);
    CHECK(strchr(drive(machine), 'S') == NULL && wakes == 1 && results[0] == PLEXTRAC_MUST_WAIT);
    caller = need(machine, ANY, 30000, 30000);
    CHECK(strcmp(drive(machine), "W") == 0 && strstr(reason, "failed"));
    ahead_ms += (int64_t)(deadline - now().monotonic_ms) + 1;
    CHECK(strcmp(drive(machine), "SWIKW") == 0 && woken[0] == caller && results[0] == PLEXTRAC_OK);
    plextrac_machine_free(machine);
}

int main(void)
{
    plextrac_session *watcher = observer();
    curl = curl_easy_init();
    a_user_agent_that_was_set_is_in_what_is_to_be_sent();
    callers_share_one_sign_in(watcher);
    callers_learn_that_a_code_is_needed(watcher);
    what_does_not_fit_changes_nothing(watcher);
    a_token_is_got_used_and_kept_alive_with_one_sign_in(watcher);
    a_token_that_nobody_keeps_alive_ends(watcher);
    a_failure_is_told_and_remembered(watcher);
    machines_of_one_instance_share_a_budget(watcher);
    callers_wait_no_longer_than_they_said(watcher);
    curl_easy_cleanup(curl);
    plextrac_session_free(watcher);
    return 0;
}
