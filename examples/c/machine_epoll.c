/* Level 2 on one thread: one epoll loop keeps any number of accounts of one instance signed in, within one
 * budget. The machines decide which caller starts a sign-in, which callers wait, and how long.
 *
 * Build in the root of the repository, after `cargo build --release`, on Linux with libcurl 7.83 or newer:
 *
 *     cc -std=c11 -Wall -Iinclude examples/c/machine_epoll.c -o machine_epoll \
 *         -Ltarget/release -Wl,-rpath,"$PWD/target/release" -lplextrac $(pkg-config --cflags --libs libcurl)
 *
 * Accounts come on standard input, one a line: user name, password and, if it has one, TOTP secret, with a
 * tab in between. It ends when all have signed in; a program with work to do would go on in the same loop.
 * Run:
 *
 *     PLEXTRAC_URL=https://acme.plextrac.com ./machine_epoll <accounts
 *
 * Fifty sign-ins at six authentication requests a minute take a quarter of an hour. With --rehearse, and the
 * emulator in place of an instance, waits are skipped: the program and the emulator move their clocks.
 *
 *     plextrac-auth emulator --accounts 50 >emulator.json &
 *     jq -r '.accounts[] | [.username, .password, .totp_secret // empty] | @tsv' emulator.json |
 *         PLEXTRAC_URL=$(jq -r .url emulator.json) ./machine_epoll --rehearse
 *
 * PLEXTRAC_CA_FILE is read too.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <inttypes.h>
#include <plextrac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NTS PLEXTRAC_NTS
#define NEVER UINT64_MAX
#define MAX_ACCOUNTS 10000
#define MAX_HEADERS 64
/* Of the ten a minute that an instance allows to everybody, people's browsers among them. */
#define AUTH_REQUESTS_A_MINUTE 6

/* An answer to a sign-in is small. A longer one ends the request. */
struct body {
    char data[64 * 1024];
    size_t len;
};

struct account {
    plextrac_machine *machine;
    CURL *curl;
    /* What is out: libcurl sends from the action's own memory. NULL if nothing is. */
    plextrac_action *sent;
    struct curl_slist *headers;
    struct body answer;
    /* When to poll again, on the machine's clock. */
    uint64_t due;
};

static int epoll_fd;
static CURLM *multi;
static struct account *accounts[MAX_ACCOUNTS];
static size_t count, settled, signed_in, out, sends;
static uint64_t curl_due = NEVER;
static int64_t skipped_ms;
/* The address of the instance, of which the URLs are made. */
static char base_url[2049];

/* A machine takes the time from its caller. */
static plextrac_time now(void)
{
    plextrac_time time = plextrac_time_now();
    time.monotonic_ms += (uint64_t)skipped_ms;
    time.unix_ms += skipped_ms;
    return time;
}

static struct account *first_due(void)
{
    struct account *first = accounts[0];
    for (size_t i = 1; i < count; i++)
        if (accounts[i]->due < first->due)
            first = accounts[i];
    return first;
}

/* ---- libcurl ---- */

static size_t keep(char *data, size_t size, size_t count, void *userdata)
{
    struct body *body = userdata;
    if (size * count >= sizeof body->data - body->len)
        return 0;
    memcpy(body->data + body->len, data, size * count);
    body->len += size * count;
    return size * count;
}

static void add_header(struct curl_slist **list, plextrac_str name, plextrac_str value)
{
    size_t size = name.len + value.len + 3;
    char *line = malloc(size);
    if (!line)
        abort();
    snprintf(line, size, "%s: %s", name.data, value.data);
    *list = curl_slist_append(*list, line);
    /* A header may hold the token. The copy that libcurl makes is libcurl's. */
    explicit_bzero(line, size);
    free(line);
}

static void set_up(CURL *curl, const char *url, struct body *answer)
{
    answer->len = 0;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (getenv("PLEXTRAC_CA_FILE"))
        curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("PLEXTRAC_CA_FILE"));
}

/* libcurl names the descriptors it waits for; a descriptor it has named before is known. */
static int watch(CURL *curl, curl_socket_t fd, int what, void *userdata, void *known)
{
    struct epoll_event event = {.data.fd = fd};

    (void)curl;
    (void)userdata;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (what == CURL_POLL_REMOVE)
        return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    curl_multi_assign(multi, fd, multi);
    return epoll_ctl(epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
}

static int set_curl_timer(CURLM *handle, long timeout_ms, void *userdata)
{
    (void)handle;
    (void)userdata;
    curl_due = timeout_ms < 0 ? NEVER : now().monotonic_ms + (uint64_t)timeout_ms;
    return 0;
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

/* ---- One account: what its machine asks for, and what came of it ---- */

static void end_request(struct account *account)
{
    if (!account->sent)
        return;
    curl_multi_remove_handle(multi, account->curl);
    curl_slist_free_all(account->headers);
    plextrac_action_free(account->sent);
    explicit_bzero(account->answer.data, account->answer.len);
    account->headers = NULL;
    account->sent = NULL;
    out--;
}

/* SEND: hands the request to libcurl. The action is kept until there is an answer. */
static void begin_request(struct account *account, plextrac_action *action)
{
    CURL *curl = account->curl;
    plextrac_str name, value, body = plextrac_action_body(action);
    uint64_t deadline = 0, time = now().monotonic_ms;

    end_request(account);
    set_up(curl, plextrac_action_url(action).data, &account->answer);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, plextrac_action_method(action).data);
    for (size_t i = 0; plextrac_action_header(action, i, &name, &value); i++)
        add_header(&account->headers, name, value);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, account->headers);
    if (body.len > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
    }
    if (plextrac_action_deadline_ms(action, &deadline) && deadline > time)
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(deadline - time));
    curl_easy_setopt(curl, CURLOPT_PRIVATE, (char *)account);
    account->sent = action;
    out++;
    sends++;
    curl_multi_add_handle(multi, curl);
}

/* A caller needs a token, and waits as long as it takes. */
static void need_token(struct account *account)
{
    uint64_t caller = 0;
    if (plextrac_machine_need_token(account->machine, NULL, 0, NEVER, NEVER, now(), &caller, NULL))
        abort();
    /* Poll at once. */
    account->due = 0;
}

/* WAKE: the caller's call is over. This program has one caller an account, and so reads no id. */
static void end_call(const plextrac_action *action)
{
    settled++;
    if (plextrac_action_reason(action).len == 0)
        signed_in++;
    else
        fprintf(stderr, "%s\n", plextrac_action_reason(action).data);
}

/* Polls a machine to the end, and does what it says. */
static void drain(struct account *account)
{
    int32_t kind;

    do {
        plextrac_action *action = NULL;
        if (plextrac_machine_poll(account->machine, now(), &action, NULL) != PLEXTRAC_OK)
            abort();
        kind = plextrac_action_kind(action);
        if (!plextrac_action_deadline_ms(action, &account->due))
            account->due = NEVER;
        if (kind == PLEXTRAC_ACTION_SEND) {
            begin_request(account, action);
            continue;
        }
        if (kind == PLEXTRAC_ACTION_WAKE)
            end_call(action);
        plextrac_action_free(action);
    } while (kind != PLEXTRAC_ACTION_IDLE && kind != PLEXTRAC_ACTION_WAIT
             && kind != PLEXTRAC_ACTION_NEED_MFA);
}

/* libcurl is done with a request: its answer, or how it failed, is the machine's. */
static void hand_in(struct account *account, CURLcode code)
{
    plextrac_str names[MAX_HEADERS], values[MAX_HEADERS];
    struct curl_header *header = NULL;
    uint64_t id = plextrac_action_request_id(account->sent);
    size_t lines = 0;
    long status = 0;

    curl_easy_getinfo(account->curl, CURLINFO_RESPONSE_CODE, &status);
    while (lines < MAX_HEADERS && (header = curl_easy_nextheader(account->curl, CURLH_HEADER, 0, header))) {
        names[lines] = (plextrac_str){header->name, NTS};
        values[lines++] = (plextrac_str){header->value, NTS};
    }
    /* The only error is a stale answer: the machine no longer waits for it. */
    if (code == CURLE_OK)
        plextrac_machine_handle_response(account->machine, id, (uint16_t)status, names, values, lines,
                                         account->answer.data, account->answer.len, now(), NULL);
    else
        plextrac_machine_handle_failure(account->machine, id, failure_of(code), now(), NULL);
    end_request(account);
    drain(account);
    /* The answer may have made room in the budget for the next in line. */
    if (first_due()->due != NEVER)
        drain(first_due());
}

/* ---- The loop ---- */

/* Instead of a wait: the emulator's clock and this program's are moved. */
static void skip(uint64_t ms)
{
    static struct body answer;
    CURL *curl = curl_easy_init();
    char url[sizeof base_url + 64], json[64];

    snprintf(url, sizeof url, "%s/_emulator/advance", base_url);
    snprintf(json, sizeof json, "{\"ms\": %" PRIu64 "}", ms);
    set_up(curl, url, &answer);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    if (curl_easy_perform(curl) != CURLE_OK)
        abort();
    curl_easy_cleanup(curl);
    skipped_ms += (int64_t)ms;
}

static void run(bool rehearses)
{
    struct epoll_event events[64];
    CURLMsg *message;
    int running, ready, left;

    while (settled < count) {
        uint64_t time = now().monotonic_ms, due;
        while (first_due()->due <= time)
            drain(first_due());
        due = first_due()->due;
        if (rehearses && out == 0 && due != NEVER) {
            skip(due - time);
            continue;
        }
        /* One timer for libcurl and all accounts: the next moment of any of them. */
        due = curl_due < due ? curl_due : due;
        uint64_t ms = due > time ? due - time : 0;
        ready = epoll_wait(epoll_fd, events, 64, ms > 60000 ? 60000 : (int)ms);
        for (int i = 0; i < ready; i++) {
            int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0)
                       | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                       | (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(multi, events[i].data.fd, mask, &running);
        }
        if (curl_due <= now().monotonic_ms) {
            curl_due = NEVER;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        while ((message = curl_multi_info_read(multi, &left))) {
            char *account = NULL;
            CURLcode code = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &account);
            hand_in((struct account *)(void *)account, code);
        }
    }
}

/* One account from its line, which is cut up for it. */
static int32_t add_account(char *line, const plextrac_budget *budget, plextrac_error **err)
{
    const char *url = getenv("PLEXTRAC_URL");
    char *rest = NULL;
    const char *user = strtok_r(line, "\t\n", &rest), *password = strtok_r(NULL, "\t\n", &rest),
               *totp_secret = strtok_r(NULL, "\t\n", &rest);
    plextrac_config *config = NULL;
    struct account *account = calloc(1, sizeof *account);
    int32_t status;

    if (!account || count == MAX_ACCOUNTS || !(account->curl = curl_easy_init()))
        abort();
    accounts[count++] = account;
    status = plextrac_config_new(url ? url : "", NTS, &config, err);
    if (status == PLEXTRAC_OK)
        snprintf(base_url, sizeof base_url, "%s", plextrac_config_base_url(config).data);
    if (status == PLEXTRAC_OK)
        status =
            plextrac_config_set_password(config, user ? user : "", NTS, password ? password : "", NTS, err);
    if (status == PLEXTRAC_OK && totp_secret)
        status = plextrac_config_set_totp_secret(config, totp_secret, NTS, err);
    if (status == PLEXTRAC_OK)
        status = plextrac_config_set_budget(config, budget, err);
    if (status == PLEXTRAC_OK)
        status = plextrac_machine_new(config, now(), &account->machine, err);
    if (status == PLEXTRAC_OK)
        need_token(account);
    plextrac_config_free(config);
    return status;
}

int main(int argc, char **argv)
{
    bool rehearses = argc > 1 && strcmp(argv[1], "--rehearse") == 0;
    plextrac_budget *budget = NULL;
    plextrac_error *err = NULL;
    char line[4096];
    int32_t status;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    if (epoll_fd < 0 || !multi)
        abort();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_curl_timer);

    status = plextrac_budget_new(AUTH_REQUESTS_A_MINUTE, &budget, &err);
    while (status == PLEXTRAC_OK && fgets(line, sizeof line, stdin))
        status = add_account(line, budget, &err);
    explicit_bzero(line, sizeof line);
    if (status == PLEXTRAC_OK && count > 0)
        run(rehearses);
    else
        fprintf(stderr, "line %zu: %s\n", count, err ? plextrac_error_message(err).data : "no account");
    printf("%zu of %zu accounts signed in (%" PRId64 " s skipped): %zu requests sent\n", signed_in, count,
           skipped_ms / 1000, sends);

    for (size_t i = 0; i < count; i++) {
        end_request(accounts[i]);
        curl_easy_cleanup(accounts[i]->curl);
        plextrac_machine_free(accounts[i]->machine);
        free(accounts[i]);
    }
    plextrac_error_free(err);
    plextrac_budget_free(budget);
    curl_multi_cleanup(multi);
    close(epoll_fd);
    curl_global_cleanup();
    return count > 0 && signed_in == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
