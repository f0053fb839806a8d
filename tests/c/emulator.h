/* The emulator that a program of this folder runs against: its accounts, its control API, its clock's six
 * digits. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include "check.h"

/* A configuration for the instance, with room in the budget for all that a test does in a minute. */
static inline plextrac_config *config_for(const char *user, const char *password)
{
    plextrac_config *config = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_config_new(env("PLEXTRAC_URL"), PLEXTRAC_NTS, &config, &err));
    OK(plextrac_config_set_password(config, user, PLEXTRAC_NTS, password, PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_ca_file(config, env("PLEXTRAC_CA_FILE"), PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_proxy(config, "", 0, &err));
    OK(plextrac_config_set_auth_budget(config, 60, &err));
    return config;
}

static inline plextrac_config *config_with_mfa(void)
{
    return config_for(env("PLEXTRAC_USERNAME"), env("PLEXTRAC_PASSWORD"));
}

static inline plextrac_config *config_without_mfa(void)
{
    return config_for(env("PLEXTRAC_PLAIN_USERNAME"), env("PLEXTRAC_PLAIN_PASSWORD"));
}

/* Makes a session and frees its configuration. */
static inline plextrac_session *session_of(plextrac_config *config)
{
    plextrac_session *session = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_session_new(config, &session, &err));
    plextrac_config_free(config);
    return session;
}

/* Sends a request; the response is the caller's. */
static inline plextrac_response *answer_to(const plextrac_session *session, const char *method,
                                           const char *path, const char *json)
{
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_request_new(method, PLEXTRAC_NTS, path, PLEXTRAC_NTS, &request, &err));
    if (json)
        OK(plextrac_request_set_json(request, json, PLEXTRAC_NTS, &err));
    OK(plextrac_session_request(session, request, NULL, &response, &err));
    plextrac_request_free(request);
    return response;
}

/* A session of its own that calls the control API. The emulator counts neither these calls nor what was
 * before a reset. */
static inline plextrac_session *observer(void)
{
    plextrac_session *session = session_of(config_without_mfa());
    plextrac_error *err = NULL;
    OK(plextrac_session_login(session, NULL, &err));
    return session;
}

static inline void control(const plextrac_session *observer, const char *call, const char *json)
{
    char path[64];
    snprintf(path, sizeof path, "/_emulator/%s", call);
    plextrac_response *response = answer_to(observer, "POST", path, json);
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
}

/* The number behind `"inner":` inside the object behind `"outer":` of the emulator's numbers; 0 if it is not
 * there. */
static inline long number_of(const plextrac_session *observer, const char *outer, const char *inner)
{
    char key[64];
    plextrac_response *response = answer_to(observer, "GET", "/_emulator/stats", NULL);
    CHECK(plextrac_response_status(response) == 200);
    snprintf(key, sizeof key, "\"%s\":{", outer);
    const char *object = strstr(plextrac_response_body(response).data, key);
    long number = 0;
    if (object) {
        snprintf(key, sizeof key, "\"%s\":", inner);
        const char *found = strstr(object, key);
        if (found && found < strchr(object, '}'))
            number = strtol(found + strlen(key), NULL, 10);
    }
    plextrac_response_free(response);
    return number;
}

/* The six digits of the account with MFA, at this moment, as text. A machine of the library computes them: it
 * is told that the password was right, and shows what it would send. */
static inline const char *six_digits(void)
{
    static const char CHALLENGE[] = "{\"status\":\"success\",\"mfa_enabled\":true,\"code\":\"challenge\"}";
    static char digits[7];
    plextrac_config *config = config_with_mfa();
    plextrac_machine *machine = NULL;
    plextrac_error *err = NULL;
    plextrac_time now = plextrac_time_now();
    OK(plextrac_config_set_totp_secret(config, env("PLEXTRAC_TOTP_SECRET"), PLEXTRAC_NTS, &err));
    OK(plextrac_machine_new(config, now, &machine, &err));
    OK(plextrac_machine_want_token(machine, now, &err));
    digits[0] = 0;
    while (!digits[0]) {
        plextrac_action *action = NULL;
        OK(plextrac_machine_poll(machine, now, &action, &err));
        const char *token = strstr(plextrac_action_body(action).data, "\"token\":\"");
        uint64_t id = plextrac_action_request_id(action), deadline = 0;
        if (token) {
            memcpy(digits, token + 9, 6);
        } else if (id) {
            plextrac_action *rest = NULL;
            OK(plextrac_machine_poll(machine, now, &rest, &err));
            CHECK(plextrac_action_kind(rest) == PLEXTRAC_ACTION_WAIT);
            plextrac_action_free(rest);
            OK(plextrac_machine_handle_response(machine, id, 200, NULL, NULL, 0, CHALLENGE, PLEXTRAC_NTS, now,
                                                &err));
        } else {
            /* Near the end of a step it waits for the next; the emulator takes that one already. */
            CHECK(plextrac_action_kind(action) == PLEXTRAC_ACTION_WAIT);
            CHECK(plextrac_action_deadline_ms(action, &deadline));
            now.unix_ms += (int64_t)(deadline - now.monotonic_ms);
            now.monotonic_ms = deadline;
        }
        plextrac_action_free(action);
    }
    plextrac_machine_free(machine);
    plextrac_config_free(config);
    return digits;
}

/* Six others, far away from those that are right now, a step before or a step after. */
static inline const char *six_wrong_digits(void)
{
    static char wrong[7];
    memcpy(wrong, six_digits(), sizeof wrong);
    wrong[0] = (char)('0' + (wrong[0] - '0' + 5) % 10);
    return wrong;
}

#endif
