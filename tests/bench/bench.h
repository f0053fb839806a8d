/* Two ways to do something, timed in turn in one run, so that a machine whose speed drifts does not decide. */
#ifndef BENCH_H
#define BENCH_H

#include <plextrac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PAIRS 15

static void ok(int32_t status, plextrac_error *err, const char *what)
{
    if (status == PLEXTRAC_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, err ? plextrac_error_message(err).data : plextrac_status_name(status).data);
    exit(1);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "%s is not set: run this by cargo xtask bench\n", name);
        exit(1);
    }
    return value;
}

/* A session of the account without MFA, over TLS or not. */
static inline plextrac_session *signed_in(const char *url)
{
    plextrac_config *config = NULL;
    plextrac_session *session = NULL;
    plextrac_error *err = NULL;
    ok(plextrac_config_new(url, PLEXTRAC_NTS, &config, &err), err, "config");
    ok(plextrac_config_set_password(config, setting("PLEXTRAC_PLAIN_USERNAME"), PLEXTRAC_NTS,
                                    setting("PLEXTRAC_PLAIN_PASSWORD"), PLEXTRAC_NTS, &err),
       err, "password");
    ok(plextrac_config_set_ca_file(config, setting("PLEXTRAC_CA_FILE"), PLEXTRAC_NTS, &err), err, "CA file");
    ok(plextrac_config_set_proxy(config, "", 0, &err), err, "no proxy");
    ok(plextrac_session_new(config, &session, &err), err, "session");
    ok(plextrac_session_login(session, NULL, &err), err, "login");
    plextrac_config_free(config);
    return session;
}

static inline double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* User and system time of all threads of this process. */
static inline double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6 + (double)usage.ru_stime.tv_sec
           + (double)usage.ru_stime.tv_usec * 1e-6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

#endif
