/* Signs in with user name, password and TOTP secret, and asks the instance who we are.
 *
 * Build in the root of the repository, after `cargo build --release`:
 *
 *     cc -std=c11 -Wall -Iinclude examples/c/login.c -o login \
 *         -Ltarget/release -Wl,-rpath,"$PWD/target/release" -lplextrac
 *
 * Run:
 *
 *     PLEXTRAC_URL=https://acme.plextrac.com PLEXTRAC_USERNAME=me@acme.example ./login
 *
 * It also reads PLEXTRAC_PASSWORD, and asks on the terminal if that is not set; PLEXTRAC_TOTP_SECRET, for an
 * account with MFA; and PLEXTRAC_CA_FILE, for an instance with a certificate of its own.
 *
 * Nothing to try it on? `cargo run --bin plextrac-auth -- emulator` prints the address and the accounts of a
 * stand-in.
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

static int32_t set_password(plextrac_config *config, const char *user, plextrac_error **err)
{
    const char *password = getenv("PLEXTRAC_PASSWORD");
    char typed[256] = "";
    int32_t status;

    if (!password && ask("Password: ", typed, sizeof typed))
        password = typed;
    status = plextrac_config_set_password(config, user, NTS, password ? password : "", NTS, err);
    explicit_bzero(typed, sizeof typed);
    return status;
}

static int32_t configure(plextrac_config **config, plextrac_error **err)
{
    const char *url = getenv("PLEXTRAC_URL");
    const char *user = getenv("PLEXTRAC_USERNAME");
    const char *totp_secret = getenv("PLEXTRAC_TOTP_SECRET");
    const char *ca_file = getenv("PLEXTRAC_CA_FILE");
    int32_t status = plextrac_config_new(url ? url : "", NTS, config, err);

    if (status == PLEXTRAC_OK)
        status = set_password(*config, user ? user : "", err);
    if (status == PLEXTRAC_OK && totp_secret)
        status = plextrac_config_set_totp_secret(*config, totp_secret, NTS, err);
    if (status == PLEXTRAC_OK && ca_file)
        status = plextrac_config_set_ca_file(*config, ca_file, NTS, err);
    return status;
}

int main(void)
{
    plextrac_config *config = NULL;
    plextrac_session *session = NULL;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    plextrac_error *err = NULL;

    int32_t status = configure(&config, &err);
    if (status == PLEXTRAC_OK)
        status = plextrac_session_new(config, &session, &err);
    if (status == PLEXTRAC_OK)
        status = plextrac_request_new("GET", NTS, "/api/v2/whoami", NTS, &request, &err);
    /* This signs in by itself, and would refresh the token if it were old. */
    if (status == PLEXTRAC_OK)
        status = plextrac_session_request(session, request, NULL, &response, &err);

    if (status == PLEXTRAC_OK)
        printf("%d %s\n", plextrac_response_status(response), plextrac_response_body(response).data);
    else
        fprintf(stderr, "%s: %s\n", plextrac_status_name(status).data, plextrac_error_message(err).data);

    plextrac_error_free(err);
    plextrac_response_free(response);
    plextrac_request_free(request);
    plextrac_session_free(session);
    plextrac_config_free(config);
    return status == PLEXTRAC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
