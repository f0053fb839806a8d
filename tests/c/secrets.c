/* What is left of secrets in the memory of a process once all handles are freed: nothing. And nothing of them
 * is ever written.
 *
 * This program keeps them masked. Where it needs the password or the TOTP secret, they are for a moment back
 * in the environment it was started with. */
#define _POSIX_C_SOURCE 200809L

#include "emulator.h"
#include "memory.h"

#include <dirent.h>
#include <sched.h>

static struct needle password, seed, raw_seed, digits, digits_sent, token, cookie;

static const struct needle *const ALL[] = {&password,    &seed,  &raw_seed, &digits,
                                           &digits_sent, &token, &cookie};
#define COUNT (sizeof ALL / sizeof *ALL)

/* Where the environment has the two secrets that it was started with. */
static char *password_place, *seed_place;

static void into_the_environment(void)
{
    show(&password, password_place);
    show(&seed, seed_place);
}

static void out_of_the_environment(void)
{
    wipe(password_place, password.len);
    wipe(seed_place, seed.len);
}

/* RFC 4648, section 6, without padding. */
static size_t from_base32(const char *text, char *bytes)
{
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    int have = 0;
    size_t len = 0;
    for (; *text; text++) {
        const char *digit = strchr(ALPHABET, *text);
        CHECK(digit != NULL);
        bits = bits << 5 | (uint32_t)(digit - ALPHABET);
        have += 5;
        if (have >= 8) {
            have -= 8;
            bytes[len++] = (char)(bits >> have);
        }
    }
    return len;
}

static void take_what_the_environment_has(void)
{
    char bytes[64];
    /* The environment may be written to where it lies; `env` is const for everybody else. */
    password_place = (char *)env("PLEXTRAC_PASSWORD");
    seed_place = (char *)env("PLEXTRAC_TOTP_SECRET");
    CHECK(strlen(seed_place) < 96);
    hide(&password, "password", password_place, strlen(password_place));
    hide(&seed, "TOTP secret", seed_place, strlen(seed_place));
    hide(&raw_seed, "TOTP secret, decoded", bytes, from_base32(seed_place, bytes));
    wipe(bytes, sizeof bytes);
    out_of_the_environment();
}

/* Those of this moment; TOTP computes the same unless a step ends meanwhile. */
static void take_digits(void)
{
    char sent[32];
    into_the_environment();
    char *plain = (char *)six_digits();
    out_of_the_environment();
    int len = snprintf(sent, sizeof sent, "\"token\":\"%s\"", plain);
    hide(&digits, "six digits", plain, 6);
    hide(&digits_sent, "six digits in their request", sent, (size_t)len);
    wipe(plain, 6);
    wipe(sent, sizeof sent);
}

/* Without its signature a JWT opens nothing, and its beginning is that of others. */
static void hide_jwt(struct needle *needle, const char *what, const char *plain, size_t len)
{
    hide(needle, what, plain, len);
    while (len > 0 && plain[len - 1] != '.')
        len--;
    CHECK(len > 0);
    needle->start = len;
}

static void take_token(const plextrac_session *session)
{
    static char buf[4096];
    plextrac_error *err = NULL;
    size_t len = 0;
    OK(plextrac_session_copy_authorization(session, buf, sizeof buf, &len, NULL, &err));
    hide_jwt(&token, "token", buf, len);
    wipe(buf, len);
}

static bool is_of_a_jwt(unsigned char byte)
{
    return byte == '.' || byte == '-' || byte == '_' || (byte >= '0' && byte <= '9')
           || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* A session does not tell its cookie. So it is looked for: the longer of two JWTs with the same beginning. */
static void take_cookie(void)
{
    size_t regions = list_regions_();
    for (size_t i = 0; i < regions; i++)
        for (size_t at = 0; at + token.len < regions_[i].len; at++) {
            const volatile unsigned char *text = regions_[i].start + at;
            size_t same = 0, len = 0;
            while (same < 2 * PIECE && (text[same] ^ MASK) == token.hidden[same])
                same++;
            if (same < 2 * PIECE)
                continue;
            while (at + len < regions_[i].len && is_of_a_jwt(text[len]))
                len++;
            /* The claim that makes it a cookie makes it longer. */
            if (len <= token.len || len > sizeof cookie.hidden)
                continue;
            hide_jwt(&cookie, "cookie", (const char *)text, len);
            return;
        }
    CHECK(!"there is no cookie in memory");
}

static int lines_logged;

/* A line is wiped after the call like all memory of the library: this is the time to look into it. */
static void listen(void *userdata, int32_t level, const char *target, size_t target_len, const char *message,
                   size_t message_len)
{
    (void)userdata, (void)level, (void)target, (void)target_len;
    lines_logged++;
    for (size_t i = 0; i < COUNT; i++)
        if (ALL[i]->len > 0)
            CHECK(count_in(ALL[i], (const unsigned char *)message, message_len) == 0);
}

static void whoami(const plextrac_session *session)
{
    plextrac_response *response = answer_to(session, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
}

/* Threads end by themselves, a moment after the session whose they were. */
static void until_alone(void)
{
    int tasks;
    do {
        DIR *folder = opendir("/proc/self/task");
        CHECK(folder != NULL);
        tasks = 0;
        for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
            tasks += entry->d_name[0] != '.';
        closedir(folder);
        sched_yield();
    } while (tasks > 1);
}

static void is_in_memory(const struct needle *needle)
{
    if (count_everywhere(needle) == 0) {
        fprintf(stderr, "the search is blind: no %s while it is in use\n", needle->what);
        exit(1);
    }
}

static size_t left_in_all;

static void count_what_is_left(const char *of_what)
{
    size_t left = 0;
    for (size_t i = 0; i < COUNT; i++)
        left += ALL[i]->len > 0 ? count_everywhere(ALL[i]) : 0;
    printf("%s: %zu left\n", of_what, left);
    left_in_all += left;
}

static void fresh_emulator(void)
{
    plextrac_session *watcher = observer();
    control(watcher, "reset", NULL);
    plextrac_session_free(watcher);
}

enum way { BY_TOTP, BY_HAND, BY_CALLBACK };

/* The six digits of this moment, in the open for as long as they are handed in. */
static int32_t hand_in_digits(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply)
{
    char plain[7] = "";
    (void)userdata, (void)attempt;
    show(&digits, plain);
    CHECK(plextrac_mfa_reply_set_code(reply, plain, 6) == PLEXTRAC_OK);
    wipe(plain, sizeof plain);
    return 0;
}

/* How many pieces of the needle are in the files of a directory. */
static size_t count_in_files(const struct needle *needle, const char *directory)
{
    static char content[1 << 16];
    size_t count = 0;
    DIR *folder = opendir(directory);
    CHECK(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        int file = open(path, O_RDONLY);
        CHECK(file >= 0);
        ssize_t len = entry->d_name[0] == '.' ? 0 : read(file, content, sizeof content);
        CHECK(len >= 0 && len < (ssize_t)sizeof content);
        count += count_in(needle, (const unsigned char *)content, (size_t)len);
        wipe(content, (size_t)len);
        close(file);
    }
    closedir(folder);
    return count;
}

/* What is shared is the token, and nothing that brings one. */
static void only_what_is_to_be_shared_is_written(const char *directory)
{
    CHECK(count_in_files(&token, directory) > 0);
    CHECK(count_in_files(&cookie, directory) > 0);
    CHECK(count_in_files(&password, directory) == 0);
    CHECK(count_in_files(&seed, directory) == 0);
    CHECK(count_in_files(&raw_seed, directory) == 0);
}

static void remove_directory(const char *directory)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    CHECK(system(command) == 0);
}

/* With a directory, another session takes the token over from there. */
static void a_session_leaves_nothing_behind(const char *what, const char *url, enum way way,
                                            const char *directory)
{
    plextrac_error *err = NULL;
    fresh_emulator();
    take_digits();
    into_the_environment();
    plextrac_config *config = NULL;
    OK(plextrac_config_new(url, PLEXTRAC_NTS, &config, &err));
    OK(plextrac_config_set_password(config, env("PLEXTRAC_USERNAME"), PLEXTRAC_NTS, password_place,
                                    password.len, &err));
    OK(plextrac_config_set_ca_file(config, env("PLEXTRAC_CA_FILE"), PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_proxy(config, "", 0, &err));
    OK(plextrac_config_set_allow_http(config, true, &err));
    OK(plextrac_config_set_auth_budget(config, 60, &err));
    OK(plextrac_config_set_log_callback(config, listen, PLEXTRAC_LOG_DEBUG, NULL, NULL, &err));
    if (way == BY_TOTP)
        OK(plextrac_config_set_totp_secret(config, seed_place, seed.len, &err));
    if (way == BY_CALLBACK)
        OK(plextrac_config_set_mfa_callback(config, hand_in_digits, NULL, NULL, &err));
    if (directory)
        OK(plextrac_config_set_state_dir(config, directory, PLEXTRAC_NTS, &err));
    out_of_the_environment();
    plextrac_session *session = NULL, *other = NULL;
    OK(plextrac_session_new(config, &session, &err));

    if (way != BY_HAND) {
        OK(plextrac_session_login(session, NULL, &err));
        if (way == BY_TOTP)
            is_in_memory(&raw_seed);
    } else {
        char plain[7] = "";
        FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
        show(&digits, plain);
        OK(plextrac_session_submit_mfa(session, plain, 6, NULL, &err));
        wipe(plain, sizeof plain);
    }
    whoami(session);
    take_token(session);
    take_cookie();
    is_in_memory(&password);
    is_in_memory(&token);
    is_in_memory(&cookie);

    if (directory) {
        only_what_is_to_be_shared_is_written(directory);
        OK(plextrac_session_new(config, &other, &err));
        whoami(other);
    }
    plextrac_config_free(config);
    OK(plextrac_session_refresh(session, NULL, &err));
    whoami(session);
    plextrac_session_free(other);
    plextrac_session_free(session);
    until_alone();
    if (directory)
        remove_directory(directory);
    count_what_is_left(what);
}

static void a_machine_leaves_nothing_behind(void)
{
    plextrac_error *err = NULL;
    plextrac_machine *machine = NULL;
    plextrac_action *action = NULL;
    plextrac_secret *value = NULL;
    static char answer[8192];
    static char plain_token[4096], plain_cookie[4096];
    plextrac_time now = plextrac_time_now();

    into_the_environment();
    plextrac_config *config = config_with_mfa();
    out_of_the_environment();
    OK(plextrac_machine_new(config, now, &machine, &err));
    OK(plextrac_machine_want_token(machine, now, &err));
    OK(plextrac_machine_poll(machine, now, &action, &err));
    CHECK(plextrac_action_kind(action) == PLEXTRAC_ACTION_SEND);
    CHECK(count_in(&password, (const unsigned char *)plextrac_action_body(action).data,
                   plextrac_action_body(action).len)
          > 0);
    uint64_t id = plextrac_action_request_id(action);
    plextrac_action_free(action);
    OK(plextrac_machine_poll(machine, now, &action, &err));
    plextrac_action_free(action);

    show(&token, plain_token);
    show(&cookie, plain_cookie);
    int len = snprintf(answer, sizeof answer, "{\"status\":\"success\",\"token\":\"%s\",\"cookie\":\"%s\"}",
                       plain_token, plain_cookie);
    OK(plextrac_machine_handle_response(machine, id, 200, NULL, NULL, 0, answer, (size_t)len, now, &err));
    wipe(answer, sizeof answer);
    wipe(plain_token, sizeof plain_token);
    wipe(plain_cookie, sizeof plain_cookie);

    OK(plextrac_machine_authorization(machine, now, &value, &err));
    is_in_memory(&token);
    is_in_memory(&cookie);
    plextrac_secret_free(value);
    plextrac_machine_free(machine);
    plextrac_config_free(config);
    count_what_is_left("a machine");
}

/* Where memory that was freed and not wiped would still have it. */
static void the_search_finds_what_was_freed(void)
{
    static struct needle planted;
    char *memory = malloc(512);
    CHECK(memory != NULL);
    /* This one cannot be written to, and so is not looked at. */
    hide(&planted, "control", "planted and freed", PIECE);
    CHECK(count_everywhere(&planted) == 0);
    show(&planted, memory + 256);
    CHECK(count_everywhere(&planted) == 1);
    free(memory);
    CHECK(count_everywhere(&planted) == 1);
}

/* Runs `work` with both standard streams going to a file. Returns how many bytes came there. */
static long written_by(void (*work)(void))
{
    FILE *streams[] = {stdout, stderr}, *file = tmpfile();
    int kept[2];
    CHECK(file != NULL);
    for (int i = 0; i < 2; i++) {
        fflush(streams[i]);
        kept[i] = dup(fileno(streams[i]));
        CHECK(kept[i] >= 0 && dup2(fileno(file), fileno(streams[i])) >= 0);
    }
    work();
    for (int i = 0; i < 2; i++) {
        fflush(streams[i]);
        CHECK(dup2(kept[i], fileno(streams[i])) >= 0);
        close(kept[i]);
    }
    CHECK(fseek(file, 0, SEEK_END) == 0);
    long len = ftell(file);
    fclose(file);
    return len;
}

static void write_a_line(void)
{
    fputs("control\n", stdout);
    fputs("control\n", stderr);
}

static void sign_in_at_the_most_talkative_level(void)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_log_callback(config, listen, PLEXTRAC_LOG_DEBUG, NULL, NULL, &err));
    plextrac_session *session = session_of(config);
    whoami(session);
    plextrac_session_free(session);
    until_alone();
}

/* The HTTP client inside can dump whole requests and answers to a logger. There is none. */
static void nothing_is_written_to_the_standard_streams(void)
{
    setenv("RUST_LOG", "trace", 1);
    int before = lines_logged;
    CHECK(written_by(write_a_line) == 16);
    CHECK(written_by(sign_in_at_the_most_talkative_level) == 0);
    CHECK(lines_logged > before);
}

static void the_log_has_no_secret_at_its_most_talkative_level(void)
{
    /* Every line of the sessions above was looked into; here is that a secret in one would have been seen. */
    char line[sizeof password.hidden];
    CHECK(lines_logged >= 8);
    show(&password, line);
    CHECK(count_in(&password, (const unsigned char *)line, password.len) == 1);
    wipe(line, password.len);
}

int main(void)
{
    take_what_the_environment_has();
    the_search_finds_what_was_freed();
    static const char *const WAYS[] = {"by TOTP", "by hand", "by a callback"};
    for (int way = BY_TOTP; way <= BY_CALLBACK; way++) {
        char what[64], directory[] = "/tmp/plextrac-secrets-XXXXXX";
        snprintf(what, sizeof what, "TLS, six digits %s", WAYS[way]);
        a_session_leaves_nothing_behind(what, env("PLEXTRAC_URL"), (enum way)way, NULL);
        snprintf(what, sizeof what, "plain, six digits %s", WAYS[way]);
        a_session_leaves_nothing_behind(what, env("PLEXTRAC_HTTP_URL"), (enum way)way, NULL);
        snprintf(what, sizeof what, "TLS, six digits %s, a state directory", WAYS[way]);
        CHECK(mkdtemp(directory) != NULL);
        a_session_leaves_nothing_behind(what, env("PLEXTRAC_URL"), (enum way)way, directory);
    }
    a_machine_leaves_nothing_behind();
    CHECK(left_in_all == 0);
    the_log_has_no_secret_at_its_most_talkative_level();
    nothing_is_written_to_the_standard_streams();
    return 0;
}
