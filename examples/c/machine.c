/* Level 2: the library decides, libcurl sends, and this program has the only loop.
 *
 * Build in the root of the repository, after `cargo build --release`, with libcurl 7.83 or newer:
 *
 *     cc -std=c11 -Wall -Iinclude examples/c/machine.c -o machine \
 *         -Ltarget/release -Wl,-rpath,"$PWD/target/release" -lplextrac $(pkg-config --cflags --libs libcurl)
 *
 * Run:
 *
 *     PLEXTRAC_URL=https://acme.plextrac.com PLEXTRAC_USERNAME=me@acme.example PLEXTRAC_PASSWORD=... \
 *         ./machine
 *
 * It also reads PLEXTRAC_TOTP_SECRET (without it, it asks for a one-time code) and PLEXTRAC_CA_FILE.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <plextrac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NTS PLEXTRAC_NTS
#define MAX_HEADERS 64

/* ---- libcurl ---- */

/* An answer to a sign-in is small. A larger one is ignored. */
struct body {
    char data[256 * 1024];
    size_t len;
};

static size_t keep(char *data, size_t size, size_t count, void *userdata)
{
    struct body *body = userdata;
    if (size * count > sizeof body->data - body->len)
        return 0;
    memcpy(body->data + body->len, data, size * count);
    body->len += size * count;
    return size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, plextrac_str value)
{
    size_t size = strlen(name) + value.len + 3;
    char *line = malloc(size);
    if (!line)
        abort();
    snprintf(line, size, "%s: %s", name, value.data);
    list = curl_slist_append(list, line);
    /* A header may hold the token. The copy that libcurl makes is libcurl's. */
    explicit_bzero(line, size);
    free(line);
    return list;
}

static CURLcode perform(CURL *curl, const char *method, const char *url, struct curl_slist *headers,
                        struct body *body)
{
    const char *ca_file = getenv("PLEXTRAC_CA_FILE");
    body->len = 0;
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    return curl_easy_perform(curl);
}

static int32_t failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return PLEXTRAC_FAILURE_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return PLEXTRAC_FAILURE_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return PLEXTRAC_FAILURE_TLS;
    default:
        return PLEXTRAC_FAILURE_OTHER;
    }
}

/* ---- The three things a machine asks for ---- */

/* SEND: sends it, and hands in what came of it. */
static int32_t transmit(plextrac_machine *machine, const plextrac_action *action, CURL *curl,
                        plextrac_error **err)
{
    static struct body body;
    plextrac_str name, value, names[MAX_HEADERS], values[MAX_HEADERS];
    struct curl_slist *headers = NULL;
    struct curl_header *header = NULL;
    uint64_t id = plextrac_action_request_id(action), deadline = 0;
    size_t count = 0;
    int32_t status;

    curl_easy_reset(curl);
    for (size_t i = 0; plextrac_action_header(action, i, &name, &value); i++)
        headers = add_header(headers, name.data, value);
    if (plextrac_action_body(action).len > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, plextrac_action_body(action).data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)plextrac_action_body(action).len);
    }
    if (plextrac_action_deadline_ms(action, &deadline))
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(deadline - plextrac_time_now().monotonic_ms));
    CURLcode code =
        perform(curl, plextrac_action_method(action).data, plextrac_action_url(action).data, headers, &body);
    curl_slist_free_all(headers);

    if (code == CURLE_OK) {
        long http_status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
        /* The machine reads Date, Retry-After and other headers that say how long to wait. */
        while (count < MAX_HEADERS && (header = curl_easy_nextheader(curl, CURLH_HEADER, 0, header))) {
            names[count] = (plextrac_str){header->name, NTS};
            values[count] = (plextrac_str){header->value, NTS};
            count++;
        }
        status = plextrac_machine_handle_response(machine, id, (uint16_t)http_status, names, values, count,
                                                  body.data, body.len, plextrac_time_now(), err);
    } else {
        fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(code));
        status = plextrac_machine_handle_failure(machine, id, failure_of(code), plextrac_time_now(), err);
    }
    explicit_bzero(&body, sizeof body);
    return status;
}

/* NEED_MFA: asks for a one-time code, and passes it to the machine. */
static int32_t ask(plextrac_machine *machine, plextrac_error **err)
{
    char code[64] = "";
    int32_t status = PLEXTRAC_MFA_REQUIRED;

    fputs("One-time code: ", stderr);
    if (fgets(code, sizeof code, stdin))
        status = plextrac_machine_submit_mfa(machine, code, NTS, plextrac_time_now(), err);
    explicit_bzero(code, sizeof code);
    return status;
}

/* WAIT: sleeps. A program with an event loop sets a timer instead. */
static void sleep_until(uint64_t monotonic_ms)
{
    uint64_t now = plextrac_time_now().monotonic_ms;
    uint64_t ms = monotonic_ms > now ? monotonic_ms - now : 0;
    struct timespec span = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

/* ---- The loop ---- */

/* Polls to the end: a request that is to be sent, if there is one, and the last action. A failure is the
 * status. */
static int32_t drain(plextrac_machine *machine, plextrac_action **to_send, plextrac_action **last,
                     plextrac_error **err)
{
    int32_t status = PLEXTRAC_OK;
    for (;;) {
        plextrac_action *action = NULL;
        /* No detail is asked for here: it would take the place of the failure's. */
        int32_t polled = plextrac_machine_poll(machine, plextrac_time_now(), &action, NULL);
        if (polled != PLEXTRAC_OK)
            return polled;
        switch (plextrac_action_kind(action)) {
        case PLEXTRAC_ACTION_SEND:
            *to_send = action;
            break;
        case PLEXTRAC_ACTION_FAILED:
            status = plextrac_action_error(action, err);
            plextrac_action_free(action);
            break;
        case PLEXTRAC_ACTION_IDLE:
        case PLEXTRAC_ACTION_WAIT:
        case PLEXTRAC_ACTION_NEED_MFA:
            *last = action;
            return status;
        default: /* SIGNED_IN, TOKEN_REPLACED, SIGNED_OUT: nothing to do about them here */
            plextrac_action_free(action);
        }
    }
}

/* Does what the end of a drain asks for; PLEXTRAC_OK with `*token` still NULL says that there is more to do.
 */
static int32_t follow(plextrac_machine *machine, const plextrac_action *last, plextrac_secret **token,
                      plextrac_error **err)
{
    uint64_t deadline = 0;
    int32_t status = plextrac_machine_authorization(machine, plextrac_time_now(), token, NULL);

    if (status == PLEXTRAC_OK)
        return status;
    switch (plextrac_action_kind(last)) {
    case PLEXTRAC_ACTION_NEED_MFA:
        return ask(machine, err);
    case PLEXTRAC_ACTION_WAIT:
        fprintf(stderr, "waiting: %s\n", plextrac_action_reason(last).data);
        if (plextrac_action_deadline_ms(last, &deadline))
            sleep_until(deadline);
        return PLEXTRAC_OK;
    default:
        return status;
    }
}

/* Gets a usable token. This may take a request or two, a one-time code and a wait. */
static int32_t get_token(plextrac_machine *machine, CURL *curl, plextrac_secret **token, plextrac_error **err)
{
    int32_t status = plextrac_machine_want_token(machine, plextrac_time_now(), err);
    while (status == PLEXTRAC_OK && !*token) {
        plextrac_action *to_send = NULL, *last = NULL;
        status = drain(machine, &to_send, &last, err);
        if (status == PLEXTRAC_OK && to_send)
            status = transmit(machine, to_send, curl, err);
        else if (status == PLEXTRAC_OK)
            status = follow(machine, last, token, err);
        plextrac_action_free(to_send);
        plextrac_action_free(last);
    }
    return status;
}

/* GET /api/v2/whoami with the token; its HTTP status. */
static long whoami(CURL *curl, plextrac_str base_url, const plextrac_secret *token)
{
    static struct body body;
    char url[2048];
    long status = 0;
    struct curl_slist *headers = add_header(NULL, "Authorization", plextrac_secret_str(token));

    snprintf(url, sizeof url, "%s/api/v2/whoami", base_url.data);
    curl_easy_reset(curl);
    if (perform(curl, "GET", url, headers, &body) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    printf("%ld %.*s\n", status, (int)body.len, body.data);
    curl_slist_free_all(headers);
    return status;
}

int main(void)
{
    const char *url = getenv("PLEXTRAC_URL");
    const char *user = getenv("PLEXTRAC_USERNAME");
    const char *password = getenv("PLEXTRAC_PASSWORD");
    const char *totp_secret = getenv("PLEXTRAC_TOTP_SECRET");
    plextrac_config *config = NULL;
    plextrac_machine *machine = NULL;
    plextrac_secret *token = NULL;
    plextrac_error *err = NULL;
    CURL *curl = curl_easy_init();
    bool retry = false;
    long answered = 0;

    int32_t status = plextrac_config_new(url ? url : "", NTS, &config, &err);
    if (status == PLEXTRAC_OK)
        status =
            plextrac_config_set_password(config, user ? user : "", NTS, password ? password : "", NTS, &err);
    if (status == PLEXTRAC_OK && totp_secret)
        status = plextrac_config_set_totp_secret(config, totp_secret, NTS, &err);
    if (status == PLEXTRAC_OK)
        status = plextrac_machine_new(config, plextrac_time_now(), &machine, &err);
    if (status == PLEXTRAC_OK)
        status = get_token(machine, curl, &token, &err);
    /* After a 401 the token is given up. Unless it was a new one, the request is sent once more with another. */
    plextrac_str base_url = plextrac_config_base_url(config);
    if (status == PLEXTRAC_OK)
        answered = whoami(curl, base_url, token);
    if (answered == 401) {
        plextrac_str rejected = plextrac_secret_str(token);
        status = plextrac_machine_report_unauthorized_retry(machine, rejected.data, rejected.len,
                                                            plextrac_time_now(), &retry, &err);
        plextrac_secret_free(token);
        token = NULL;
        if (status == PLEXTRAC_OK && retry)
            status = get_token(machine, curl, &token, &err);
        if (status == PLEXTRAC_OK && retry)
            answered = whoami(curl, base_url, token);
    }
    if (status != PLEXTRAC_OK)
        fprintf(stderr, "%s: %s\n", plextrac_status_name(status).data,
                err ? plextrac_error_message(err).data : "");

    plextrac_error_free(err);
    plextrac_secret_free(token);
    plextrac_machine_free(machine);
    plextrac_config_free(config);
    curl_easy_cleanup(curl);
    return answered == 200 ? EXIT_SUCCESS : EXIT_FAILURE;
}
