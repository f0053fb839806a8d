/* Level 2 on one thread: one epoll loop keeps any number of accounts of one instance signed in, within one
 * budget.
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
 * emulator in place of an instance, waits are skipped: both move their clocks. At the end the emulator is
 * asked whether the limit was ever passed.
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

/* An answer to a sign-in is small; one that does not fit is of no use. */
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
    /* On standard input; it stands for the account in what is printed. */
    size_t line;
    /* When to look at it again, on the machine's clock, and where it stands in the heap. */
    uint64_t due;
    size_t place;
    bool is_settled;
};

static int epoll_fd;
static CURLM *multi;
/* The accounts as a binary heap: the first is due first. */
static struct account *heap[MAX_ACCOUNTS];
static size_t accounts, signed_in, settled, out, wake_ups, sends;
static uint64_t curl_due = NEVER;
static int64_t skipped_ms;
/* A connection of its own, for the rehearsal. */
static CURL *emulator;
/* The address of the instance, of which the URLs are made. */
static char base_url[2049];

/* ---- Time ---- */

/* A machine takes the time from its caller, who may have skipped some. */
static plextrac_time now(void)
{
    plextrac_time time = plextrac_time_now();
    time.monotonic_ms += (uint64_t)skipped_ms;
    time.unix_ms += skipped_ms;
    return time;
}

static void put(struct account *account, size_t place)
{
    heap[place] = account;
    account->place = place;
}

/* Moves an account to where its new moment belongs: log2(accounts) steps at most. */
static void schedule(struct account *account, uint64_t due)
{
    size_t place = account->place, child;

    account->due = due;
    for (; place > 0 && due < heap[(place - 1) / 2]->due; place = (place - 1) / 2)
        put(heap[(place - 1) / 2], place);
    for (; (child = 2 * place + 1) < accounts; place = child) {
        if (child + 1 < accounts && heap[child + 1]->due < heap[child]->due)
            child++;
        if (due <= heap[child]->due)
            break;
        put(heap[child], place);
    }
    put(account, place);
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
    const char *ca_file = getenv("PLEXTRAC_CA_FILE");

    answer->len = 0;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
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

/* Forgets the request that is out, if there is one. */
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
    curl_easy_setopt(curl, CURLOPT_PRIVATE, account);
    account->sent = action;
    out++;
    sends++;
    curl_multi_add_handle(multi, curl);
}

static void settle(struct account *account, bool is_signed_in)
{
    if (account->is_settled)
        return;
    account->is_settled = true;
    settled++;
    signed_in += is_signed_in;
}

/* FAILED: says so. The moment for another attempt, or NEVER if that would come to the same. */
static uint64_t note_failure(struct account *account, const plextrac_action *action)
{
    plextrac_error *error = NULL;
    uint64_t wait_ms = 0, again = NEVER;

    fprintf(stderr, "line %zu: %s\n", account->line, plextrac_action_reason(action).data);
    plextrac_action_error(action, &error);
    if (plextrac_error_is_retryable(error)) {
        plextrac_error_retry_after_ms(error, &wait_ms);
        again = now().monotonic_ms + (wait_ms > 1000 ? wait_ms : 1000);
    } else {
        settle(account, false);
    }
    plextrac_error_free(error);
    return again;
}

/* Polls a machine to the end, does what it says, and puts it where its next moment belongs. */
static void drain(struct account *account)
{
    uint64_t due = NEVER, deadline = NEVER;
    int32_t kind;

    do {
        plextrac_action *action = NULL;
        if (plextrac_machine_poll(account->machine, now(), &action, NULL) != PLEXTRAC_OK)
            abort();
        kind = plextrac_action_kind(action);
        if (kind == PLEXTRAC_ACTION_SEND) {
            begin_request(account, action);
            continue;
        }
        if (kind == PLEXTRAC_ACTION_SIGNED_IN)
            settle(account, true);
        if (kind == PLEXTRAC_ACTION_FAILED)
            due = note_failure(account, action);
        if (kind == PLEXTRAC_ACTION_WAIT)
            plextrac_action_deadline_ms(action, &deadline);
        if (kind == PLEXTRAC_ACTION_NEED_MFA) {
            fprintf(stderr, "line %zu: six digits are needed, and there is no TOTP secret\n", account->line);
            settle(account, false);
        }
        plextrac_action_free(action);
    } while (kind != PLEXTRAC_ACTION_IDLE && kind != PLEXTRAC_ACTION_WAIT
             && kind != PLEXTRAC_ACTION_NEED_MFA);
    schedule(account, due < deadline ? due : deadline);
}

/* The moment of a WAIT has come. To want a token then is what keeps an account signed in. */
static void wake(struct account *account)
{
    wake_ups++;
    if (plextrac_machine_want_token(account->machine, now(), NULL) != PLEXTRAC_OK)
        abort();
    drain(account);
}

/* libcurl is done with a request: its answer, or how it failed, is the machine's. */
static void hand_in(struct account *account, CURLcode code)
{
    plextrac_str names[MAX_HEADERS], values[MAX_HEADERS];
    struct curl_header *header = NULL;
    uint64_t id = plextrac_action_request_id(account->sent);
    size_t count = 0;
    long http_status = 0;

    curl_easy_getinfo(account->curl, CURLINFO_RESPONSE_CODE, &http_status);
    while (count < MAX_HEADERS && (header = curl_easy_nextheader(account->curl, CURLH_HEADER, 0, header))) {
        names[count] = (plextrac_str){header->name, NTS};
        values[count++] = (plextrac_str){header->value, NTS};
    }
    /* A stale answer is the only error there can be, and harmless: the machine has given up waiting for it.
     */
    if (code == CURLE_OK)
        plextrac_machine_handle_response(account->machine, id, (uint16_t)http_status, names, values, count,
                                         account->answer.data, account->answer.len, now(), NULL);
    else
        plextrac_machine_handle_failure(account->machine, id, failure_of(code), now(), NULL);
    end_request(account);
    drain(account);
    /* While answers are out, the budget says what is true at the latest. With the last of them the next in
     * line may go sooner than it was told. */
    if (out == 0 && heap[0]->due != NEVER)
        wake(heap[0]);
}

/* ---- The rehearsal: the emulator's side ---- */

/* A call of the emulator's control API, outside the loop; what it answers is a string. */
static void control(const char *path, const char *json, struct body *answer)
{
    char url[sizeof base_url + 64];

    snprintf(url, sizeof url, "%s/_emulator/%s", base_url, path);
    set_up(emulator, url, answer);
    if (json)
        curl_easy_setopt(emulator, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(emulator, CURLOPT_FAILONERROR, 1L);
    CURLcode code = curl_easy_perform(emulator);
    if (code != CURLE_OK) {
        fprintf(stderr, "/_emulator/%s: %s\n", path, curl_easy_strerror(code));
        exit(EXIT_FAILURE);
    }
    answer->data[answer->len] = '\0';
}

/* Instead of a wait: both clocks are moved. */
static void skip(uint64_t ms)
{
    static struct body answer;
    char json[64];

    snprintf(json, sizeof json, "{\"ms\": %" PRIu64 "}", ms);
    control("advance", json, &answer);
    skipped_ms += (int64_t)ms;
}

/* Whether no request was too many, as the server saw it. */
static bool was_within_the_limit(void)
{
    static struct body answer;
    const char *busiest;

    control("stats", NULL, &answer);
    busiest = strstr(answer.data, "\"busiest_minute\":");
    if (!busiest) {
        fprintf(stderr, "the emulator does not say what it saw: %s\n", answer.data);
        return false;
    }
    printf("server: at most %ld authentication requests in any minute; %s\n", strtol(busiest + 17, NULL, 10),
           answer.data);
    if (strstr(answer.data, "\"rate_limited\"")) {
        fputs("the limit of the instance was passed\n", stderr);
        return false;
    }
    return strtol(busiest + 17, NULL, 10) <= AUTH_REQUESTS_A_MINUTE;
}

/* ---- The loop ---- */

static void collect(void)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        char *account = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &account);
        hand_in((struct account *)(void *)account, code);
    }
}

/* Says how far it is, once before each wait. */
static void tell(uint64_t ms)
{
    static size_t told = SIZE_MAX;

    if (out > 0 || ms < 1000 || told == settled)
        return;
    told = settled;
    printf("%zu of %zu signed in; the next request may go out in %" PRIu64 " s\n", signed_in, accounts,
           (ms + 999) / 1000);
    fflush(stdout);
}

static void run(bool rehearses)
{
    struct epoll_event events[64];
    int running, count;

    while (settled < accounts) {
        uint64_t time = now().monotonic_ms;
        while (heap[0]->due <= time)
            wake(heap[0]);
        if (heap[0]->due != NEVER)
            tell(heap[0]->due - time);
        if (rehearses && out == 0 && heap[0]->due != NEVER) {
            skip(heap[0]->due - time);
            continue;
        }
        /* One timer for libcurl and all accounts: whatever is due first. */
        uint64_t due = curl_due < heap[0]->due ? curl_due : heap[0]->due;
        uint64_t ms = due > time ? due - time : 0;
        count = epoll_wait(epoll_fd, events, 64, due == NEVER ? -1 : ms > 60000 ? 60000 : (int)ms);
        for (int i = 0; i < count; i++) {
            int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0)
                       | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                       | (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(multi, events[i].data.fd, mask, &running);
        }
        if (curl_due <= now().monotonic_ms) {
            curl_due = NEVER;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        collect();
    }
}

/* ---- Accounts ---- */

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

    if (!account || accounts == MAX_ACCOUNTS || !(account->curl = curl_easy_init()))
        abort();
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
    /* Due at once: the first thing the loop does is to wake it. */
    put(account, accounts++);
    account->line = accounts;
    plextrac_config_free(config);
    return status;
}

static int32_t read_accounts(const plextrac_budget *budget, plextrac_error **err)
{
    char line[4096];
    int32_t status = PLEXTRAC_OK;

    while (status == PLEXTRAC_OK && fgets(line, sizeof line, stdin))
        status = add_account(line, budget, err);
    explicit_bzero(line, sizeof line);
    return status;
}

static void free_accounts(void)
{
    for (size_t i = 0; i < accounts; i++) {
        end_request(heap[i]);
        curl_easy_cleanup(heap[i]->curl);
        plextrac_machine_free(heap[i]->machine);
        free(heap[i]);
    }
}

int main(int argc, char **argv)
{
    bool rehearses = argc > 1 && strcmp(argv[1], "--rehearse") == 0, is_well;
    plextrac_budget *budget = NULL;
    plextrac_error *err = NULL;
    uint64_t start;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    emulator = curl_easy_init();
    if (epoll_fd < 0 || !multi || !emulator)
        abort();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_curl_timer);

    is_well = plextrac_budget_new(AUTH_REQUESTS_A_MINUTE, &budget, &err) == PLEXTRAC_OK
              && read_accounts(budget, &err) == PLEXTRAC_OK;
    plextrac_budget_free(budget);
    if (err)
        fprintf(stderr, "line %zu: %s\n", accounts, plextrac_error_message(err).data);
    if (is_well) {
        start = now().monotonic_ms;
        run(rehearses);
        printf("%zu of %zu accounts signed in within %" PRIu64 " s of their clock (%" PRId64
               " s skipped): %zu requests sent, %zu wake-ups\n",
               signed_in, accounts, (now().monotonic_ms - start) / 1000, skipped_ms / 1000, sends, wake_ups);
        is_well = accounts > 0 && signed_in == accounts && (!rehearses || was_within_the_limit());
    }

    plextrac_error_free(err);
    free_accounts();
    curl_easy_cleanup(emulator);
    curl_multi_cleanup(multi);
    close(epoll_fd);
    curl_global_cleanup();
    return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
