/* Sessions that share a state directory sign in once. */
#define _XOPEN_SOURCE 700

#include "emulator.h"

#include <sys/stat.h>

static plextrac_session *session_in(const char *directory)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_state_dir(config, directory, PLEXTRAC_NTS, &err));
    return session_of(config);
}

int main(void)
{
    plextrac_error *err = NULL;
    plextrac_secret *one = NULL, *two = NULL;
    char directory[] = "/tmp/plextrac-sharing-XXXXXX", state[64];
    plextrac_session *watcher = observer();
    control(watcher, "reset", NULL);
    CHECK(mkdtemp(directory));
    snprintf(state, sizeof state, "%s/state", directory);

    plextrac_session *first = session_in(state), *second = session_in(state);
    OK(plextrac_session_authorization(first, NULL, &one, &err));
    OK(plextrac_session_authorization(second, NULL, &two, &err));
    CHECK(strcmp(plextrac_secret_str(one).data, plextrac_secret_str(two).data) == 0);
    CHECK(number_of(watcher, "sign_in", "ok") == 1);
    plextrac_secret_free(one);
    plextrac_secret_free(two);
    plextrac_session_free(first);
    plextrac_session_free(second);

    /* Without a directory again, a session shares nothing. */
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_state_dir(config, state, PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_state_dir(config, NULL, 0, &err));
    OK(plextrac_config_set_state_dir(config, state, PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_state_dir(config, "", 0, &err));
    plextrac_session *alone = session_of(config);
    OK(plextrac_session_login(alone, NULL, &err));
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    plextrac_session_free(alone);

    /* A directory that others could write to is refused. */
    CHECK(chmod(state, 0777) == 0);
    config = config_without_mfa();
    FAILS(PLEXTRAC_STORE, plextrac_config_set_state_dir(config, state, PLEXTRAC_NTS, &err));
    plextrac_config_free(config);

    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK(system(command) == 0);
    plextrac_session_free(watcher);
    return 0;
}
