/* A session stays in the process that made it; a child makes its own. */
#define _POSIX_C_SOURCE 200809L

#include "emulator.h"

#include <sys/wait.h>
#include <unistd.h>

static void in_child(plextrac_session *inherited)
{
    plextrac_error *err = NULL;
    char buf[8192];
    size_t len = 0;
    uint64_t life = 0;
    FAILS(PLEXTRAC_FORKED, plextrac_session_login(inherited, NULL, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_copy_authorization(inherited, buf, sizeof buf, &len, NULL, &err));
    FAILS(PLEXTRAC_FORKED, plextrac_session_close(inherited, &err));
    CHECK(plextrac_session_state(inherited) == 0);
    CHECK(!plextrac_session_expires_in_ms(inherited, &life));
    plextrac_session_free(inherited);

    plextrac_session *own = session_of(config_without_mfa());
    plextrac_response *response = answer_to(own, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    plextrac_session_free(own);
}

int main(void)
{
    plextrac_error *err = NULL;
    plextrac_session *watcher = observer();
    control(watcher, "reset", NULL);
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        in_child(session);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    /* The parent's token and connection are as they were. */
    plextrac_response *response = answer_to(session, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    CHECK(number_of(watcher, "whoami", "ok") == 2);
    CHECK(number_of(watcher, "connections", "tls") == 2);
    plextrac_session_free(session);
    plextrac_session_free(watcher);
    return 0;
}
