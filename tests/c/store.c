/* Sessions that share a store on a redis-server sign in once. */
#define _XOPEN_SOURCE 700

#include "emulator.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* 32 bytes, for this test alone. */
#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct sockaddr_in address_of(int port)
{
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)port);
    return address;
}

static int free_port(void)
{
    struct sockaddr_in address = address_of(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* A process of Debian's package redis-server, once it takes connections. */
static pid_t engine_on(int port)
{
    char text[8];
    snprintf(text, sizeof text, "%d", port);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(freopen("/dev/null", "w", stdout));
        execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", text, "--save", "", "--appendonly",
               "no", (char *)NULL);
        fprintf(stderr, "redis-server cannot be started; install Debian's package redis-server\n");
        _exit(127);
    }
    for (int tries = 0;; tries++) {
        struct sockaddr_in address = address_of(port);
        int fd = socket(AF_INET, SOCK_STREAM, 0), status;
        int answers = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (answers)
            return child;
        CHECK(tries < 2000 && waitpid(child, &status, WNOHANG) == 0);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
}

static plextrac_config *config_with_store(const char *url)
{
    plextrac_error *err = NULL;
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_store(config, url, PLEXTRAC_NTS, KEY, PLEXTRAC_NTS, &err));
    return config;
}

int main(void)
{
    plextrac_error *err = NULL;
    plextrac_secret *one = NULL, *two = NULL;
    char url[64];
    int port = free_port();
    /* Before the library has a thread. */
    pid_t engine = engine_on(port);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    plextrac_session *watcher = observer();
    control(watcher, "reset", NULL);

    plextrac_session *first = session_of(config_with_store(url)), *second = session_of(config_with_store(url));
    OK(plextrac_session_authorization(first, NULL, &one, &err));
    OK(plextrac_session_authorization(second, NULL, &two, &err));
    CHECK(strcmp(plextrac_secret_str(one).data, plextrac_secret_str(two).data) == 0);
    CHECK(number_of(watcher, "sign_in", "ok") == 1);
    plextrac_secret_free(one);
    plextrac_secret_free(two);
    plextrac_session_free(first);
    plextrac_session_free(second);

    /* Without the store again, a session shares nothing. */
    plextrac_config *config = config_with_store(url);
    OK(plextrac_config_set_store(config, NULL, 0, NULL, 0, &err));
    plextrac_session *alone = session_of(config), *none = NULL;
    OK(plextrac_session_login(alone, NULL, &err));
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    plextrac_session_free(alone);

    /* What is wrong is named, and not repeated. */
    config = config_without_mfa();
    CHECK(plextrac_config_set_store(config, "redis://:hunter2@", PLEXTRAC_NTS, KEY, PLEXTRAC_NTS, &err) == PLEXTRAC_INVALID_ARGUMENT);
    CHECK(strstr(plextrac_error_message(err).data, "host") && !strstr(plextrac_error_message(err).data, "hunter2"));
    plextrac_error_free(err);
    err = NULL;
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_store(config, url, PLEXTRAC_NTS, "hunter2", PLEXTRAC_NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_store(config, "", PLEXTRAC_NTS, KEY, PLEXTRAC_NTS, &err));
    plextrac_config_free(config);

    /* Without its engine no session is made, and nothing is sent. */
    CHECK(kill(engine, SIGKILL) == 0 && waitpid(engine, NULL, 0) == engine);
    config = config_with_store(url);
    FAILS(PLEXTRAC_STORE, plextrac_session_new(config, &none, &err));
    plextrac_config_free(config);
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    plextrac_session_free(watcher);
    return 0;
}
