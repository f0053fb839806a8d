/* Signs in a person who has an authenticator app: asks for a one-time code on the terminal when one is
 * needed.
 *
 * Build in the root of the repository, after `cargo build --release`:
 *
 *     cc -std=c11 -Wall -Iinclude examples/c/mfa_prompt.c -o mfa_prompt \
 *         -Ltarget/release -Wl,-rpath,"$PWD/target/release" -lplextrac
 *
 * Run:
 *
 *     PLEXTRAC_URL=https://acme.plextrac.com PLEXTRAC_USERNAME=me@acme.example PLEXTRAC_PASSWORD=... \
 *         ./mfa_prompt
 *
 * PLEXTRAC_CA_FILE is for an instance with a certificate of its own.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#define _POSIX_C_SOURCE 200809L

#include <plextrac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define NTS PLEXTRAC_NTS

/* Reads a line from the terminal without showing it. */
static int ask(const char *prompt, char *line, int size)
{
    struct termios shown, hidden;
    int is_terminal = tcgetattr(STDIN_FILENO, &shown) == 0;

    fputs(prompt, stderr);
    if (is_terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    int has_line = fgets(line, size, stdin) != NULL;
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    if (has_line)
        line[strcspn(line, "\r\n")] = 0;
    return has_line;
}

/* Runs on a thread of the library, and may take as long as it takes. */
static int32_t six_digits(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply)
{
    char code[64];
    int32_t status = PLEXTRAC_INVALID_ARGUMENT;
    (void)userdata;

    if (attempt > 1)
        fputs("That was not right.\n", stderr);
    /* A code that is not six digits is refused here. It does not use an attempt. */
    while (status != PLEXTRAC_OK && ask("One-time code (empty to give up): ", code, sizeof code)
           && code[0])
        status = plextrac_mfa_reply_set_code(reply, code, NTS);
    explicit_bzero(code, sizeof code);
    return status;
}

int main(void)
{
    const char *url = getenv("PLEXTRAC_URL");
    const char *user = getenv("PLEXTRAC_USERNAME");
    const char *password = getenv("PLEXTRAC_PASSWORD");
    const char *ca_file = getenv("PLEXTRAC_CA_FILE");
    plextrac_config *config = NULL;
    plextrac_session *session = NULL;
    plextrac_error *err = NULL;
    uint64_t life_ms = 0;

    int32_t status = plextrac_config_new(url ? url : "", NTS, &config, &err);
    if (status == PLEXTRAC_OK)
        status =
            plextrac_config_set_password(config, user ? user : "", NTS, password ? password : "", NTS, &err);
    if (status == PLEXTRAC_OK && ca_file)
        status = plextrac_config_set_ca_file(config, ca_file, NTS, &err);
    if (status == PLEXTRAC_OK)
        status = plextrac_config_set_mfa_callback(config, six_digits, NULL, NULL, &err);
    if (status == PLEXTRAC_OK)
        status = plextrac_session_new(config, &session, &err);
    if (status == PLEXTRAC_OK)
        status = plextrac_session_login(session, NULL, &err);

    if (status == PLEXTRAC_OK && plextrac_session_expires_in_ms(session, &life_ms))
        printf("signed in; the token lives for %d minutes, and for as long as it is used\n",
               (int)(life_ms / 60000));
    else
        fprintf(stderr, "%s: %s\n", plextrac_status_name(status).data, plextrac_error_message(err).data);

    plextrac_error_free(err);
    plextrac_session_free(session);
    plextrac_config_free(config);
    return status == PLEXTRAC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
