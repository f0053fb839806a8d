/* Level 1 from end to end, over TLS: every way to sign in, and what follows. */
#include "emulator.h"

static const plextrac_session *watcher;

static void start_afresh(void)
{
    control(watcher, "reset", NULL);
}

static void mfa_by_totp_takes_two_requests_and_one_connection(void)
{
    static const char JSON[] = "{\"title\":\"SQL injection\",\"severity\":[1,2,3]}";
    plextrac_error *err = NULL;
    int64_t tenant = -1;
    uint64_t life = 0;

    start_afresh();
    plextrac_config *config = config_with_mfa();
    OK(plextrac_config_set_totp_secret(config, env("PLEXTRAC_TOTP_SECRET"), PLEXTRAC_NTS, &err));
    plextrac_session *session = session_of(config);
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_SIGNED_OUT);
    CHECK(!plextrac_session_tenant_id(session, &tenant) && !plextrac_session_expires_in_ms(session, &life));

    plextrac_response *response = answer_to(session, "POST", "/api/v1/echo", JSON);
    CHECK(plextrac_response_status(response) == 200);
    CHECK(strcmp(plextrac_response_body(response).data, JSON) == 0);
    plextrac_response_free(response);

    CHECK(number_of(watcher, "sign_in", "challenge") == 1);
    CHECK(number_of(watcher, "mfa", "ok") == 1);
    CHECK(number_of(watcher, "refresh", "ok") == 0);
    CHECK(number_of(watcher, "connections", "tls") == 1);
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_ACTIVE);
    CHECK(plextrac_session_tenant_id(session, &tenant) && tenant == 0);
    CHECK(plextrac_session_expires_in_ms(session, &life) && life > 14 * 60000 && life <= 15 * 60000);
    plextrac_session_free(session);
}

static void six_digits_are_handed_in_after_they_were_asked_for(void)
{
    plextrac_error *err = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_with_mfa());
    FAILS_SAYING(PLEXTRAC_WRONG_STATE, "sign in first",
                 plextrac_session_submit_mfa(session, "123456", PLEXTRAC_NTS, NULL, &err));
    for (int i = 0; i < 3; i++)
        FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
    CHECK(number_of(watcher, "sign_in", "challenge") == 1);
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_MFA_NEEDED);
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_session_submit_mfa(session, "12345", PLEXTRAC_NTS, NULL, &err));
    OK(plextrac_session_submit_mfa(session, six_digits(), PLEXTRAC_NTS, NULL, &err));
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_ACTIVE);
    OK(plextrac_session_login(session, NULL, &err));
    CHECK(number_of(watcher, "mfa", "ok") == 1);
    plextrac_session_free(session);
}

static void wrong_digits_are_sent_once_and_the_next_attempt_starts_anew(void)
{
    plextrac_error *err = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_with_mfa());
    FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
    char wrong[7];
    strcpy(wrong, six_wrong_digits());
    FAILS(PLEXTRAC_REJECTED, plextrac_session_submit_mfa(session, wrong, PLEXTRAC_NTS, NULL, &err));
    CHECK(number_of(watcher, "mfa", "rejected") == 1);
    FAILS(PLEXTRAC_MFA_REQUIRED, plextrac_session_login(session, NULL, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_session_submit_mfa(session, wrong, PLEXTRAC_NTS, NULL, &err));
    OK(plextrac_session_submit_mfa(session, six_digits(), PLEXTRAC_NTS, NULL, &err));
    CHECK(number_of(watcher, "mfa", "rejected") == 1);
    plextrac_session_free(session);
}

static void a_wrong_password_is_sent_once_until_that_is_allowed(void)
{
    plextrac_error *err = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_for(env("PLEXTRAC_PLAIN_USERNAME"), "a wrong password"));
    for (int i = 0; i < 100; i++)
        FAILS(PLEXTRAC_REJECTED, plextrac_session_login(session, NULL, &err));
    CHECK(number_of(watcher, "sign_in", "rejected") == 1);
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_LATCHED);
    OK(plextrac_session_forget_rejection(session, &err));

    CHECK(plextrac_session_login(session, NULL, &err) == PLEXTRAC_REJECTED);
    CHECK(!strstr(plextrac_error_message(err).data, "a wrong password"));
    CHECK(!plextrac_error_is_retryable(err));
    plextrac_error_free(err);
    CHECK(number_of(watcher, "sign_in", "rejected") == 2);
    plextrac_session_free(session);
}

static void a_rate_limit_says_how_long_to_wait_and_is_obeyed(void)
{
    plextrac_error *err = NULL;
    uint64_t wait = 0;
    uint16_t status = 0;
    start_afresh();
    control(watcher, "fault", "{\"on\":\"sign_in\",\"do\":{\"rate_limited\":{\"retry_after\":\"1\"}}}");
    plextrac_config *config = config_without_mfa();
    plextrac_session *session = session_of(config);
    CHECK(plextrac_session_login(session, NULL, &err) == PLEXTRAC_MUST_WAIT);
    CHECK(plextrac_error_is_retryable(err));
    CHECK(plextrac_error_http_status(err, &status) && status == 429);
    CHECK(plextrac_error_retry_after_ms(err, &wait) && wait > 0 && wait <= 1000);
    plextrac_error_free(err);
    err = NULL;
    FAILS(PLEXTRAC_MUST_WAIT, plextrac_session_login(session, NULL, &err));
    CHECK(number_of(watcher, "sign_in", "faulted") == 1);
    plextrac_session_free(session);

    config = config_without_mfa();
    OK(plextrac_config_set_wait_ms(config, UINT64_MAX, &err));
    session = session_of(config);
    OK(plextrac_session_login(session, NULL, &err));
    plextrac_session_free(session);
}

static void the_header_value_is_copied_out_whole_or_not_at_all(void)
{
    plextrac_error *err = NULL;
    plextrac_secret *secret = NULL;
    size_t len = 0, again = 0;
    start_afresh();
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_auth_scheme(config, PLEXTRAC_SCHEME_BEARER, &err));
    plextrac_session *session = session_of(config);
    OK(plextrac_session_authorization(session, NULL, &secret, &err));
    plextrac_str value = plextrac_secret_str(secret);
    CHECK(strncmp(value.data, "Bearer ey", 9) == 0 && strlen(value.data) == value.len);

    FAILS(PLEXTRAC_BUFFER_TOO_SMALL, plextrac_session_copy_authorization(session, NULL, 0, &len, NULL, &err));
    CHECK(len == value.len);
    char *buf = malloc(len + 2);
    memset(buf, '#', len + 2);
    FAILS(PLEXTRAC_BUFFER_TOO_SMALL,
          plextrac_session_copy_authorization(session, buf, len - 1, &again, NULL, &err));
    CHECK(again == len && buf[0] == '#');
    OK(plextrac_session_copy_authorization(session, buf, len, &again, NULL, &err));
    CHECK(again == len && memcmp(buf, value.data, len) == 0 && buf[len] == '#');
    OK(plextrac_session_copy_authorization(session, buf, len + 1, &again, NULL, &err));
    CHECK(again == len && strcmp(buf, value.data) == 0 && buf[len + 1] == '#');
    CHECK(number_of(watcher, "sign_in", "ok") == 1);
    free(buf);
    plextrac_secret_free(secret);
    plextrac_session_free(session);
}

static void a_401_brings_one_new_token_and_one_repetition(void)
{
    plextrac_error *err = NULL;
    plextrac_secret *old = NULL, *fresh = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_authorization(session, NULL, &old, &err));
    control(watcher, "revoke", NULL);
    plextrac_response *response = answer_to(session, "GET", "/api/v2/whoami", NULL);
    CHECK(plextrac_response_status(response) == 200);
    CHECK(strstr(plextrac_response_body(response).data, env("PLEXTRAC_PLAIN_USERNAME")));
    plextrac_response_free(response);
    OK(plextrac_session_authorization(session, NULL, &fresh, &err));
    CHECK(strcmp(plextrac_secret_str(old).data, plextrac_secret_str(fresh).data) != 0);
    CHECK(number_of(watcher, "whoami", "unauthorized") == 1 && number_of(watcher, "whoami", "ok") == 1);

    /* The same for a program with an HTTP stack of its own: the old token is known to be replaced, the new
     * one is given up. */
    plextrac_str value = plextrac_secret_str(old);
    OK(plextrac_session_report_unauthorized(session, value.data, value.len, &err));
    plextrac_secret_free(old);
    OK(plextrac_session_authorization(session, NULL, &old, &err));
    CHECK(strcmp(plextrac_secret_str(old).data, plextrac_secret_str(fresh).data) == 0);
    plextrac_secret_free(old);
    plextrac_secret_free(fresh);
    plextrac_session_free(session);
}

static void a_401_says_whether_one_more_try_can_help(void)
{
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL;
    bool retry = false;
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    for (int i = 0; i < 2; i++) {
        OK(plextrac_session_authorization(session, NULL, &value, &err));
        plextrac_str rejected = plextrac_secret_str(value);
        OK(plextrac_session_report_unauthorized_retry(session, rejected.data, rejected.len, &retry, &err));
        /* The first token is given up; the second is the new one that was tried. */
        CHECK(retry == (i == 0));
        plextrac_secret_free(value);
    }
    CHECK(number_of(watcher, "refresh", "ok") == 1);
    OK(plextrac_session_report_unauthorized_retry(session, "an older token", PLEXTRAC_NTS, &retry, &err));
    CHECK(retry);
    OK(plextrac_session_close(session, &err));
    FAILS(PLEXTRAC_CLOSED,
          plextrac_session_report_unauthorized_retry(session, "x", PLEXTRAC_NTS, &retry, &err));
    CHECK(!retry);
    plextrac_session_free(session);
}

static void a_handle_with_a_time_limit_is_one_of_the_same_session(void)
{
    plextrac_error *err = NULL;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    plextrac_session *hasty = NULL, *patient = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));
    OK(plextrac_session_with_timeout_ms(session, 100, &hasty, &err));
    OK(plextrac_session_with_timeout_ms(session, UINT64_MAX, &patient, &err));
    control(watcher, "fault", "{\"on\":\"api\",\"times\":1,\"do\":\"stall\"}");
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    plextrac_time start = plextrac_time_now();
    FAILS(PLEXTRAC_TIMEOUT, plextrac_session_request(hasty, request, NULL, &response, &err));
    CHECK(plextrac_time_now().monotonic_ms - start.monotonic_ms < 10000);
    plextrac_session_free(hasty);
    plextrac_session_free(session);
    /* The last handle is another one: the session is open, and its token is the same. */
    CHECK(plextrac_session_state(patient) == PLEXTRAC_STATE_ACTIVE);
    OK(plextrac_session_request(patient, request, NULL, &response, &err));
    CHECK(plextrac_response_status(response) == 200);
    CHECK(number_of(watcher, "sign_in", "ok") == 1);
    plextrac_response_free(response);
    plextrac_request_free(request);
    plextrac_session_free(patient);
}

static void the_address_is_known_as_it_was_understood(void)
{
    plextrac_error *err = NULL;
    plextrac_config *config = NULL;
    OK(plextrac_config_new(" Acme.Example:8443/pt/api/v1/ ", PLEXTRAC_NTS, &config, &err));
    OK(plextrac_config_set_password(config, "u", PLEXTRAC_NTS, "p", PLEXTRAC_NTS, &err));
    CHECK(strcmp(plextrac_config_base_url(config).data, "https://acme.example:8443/pt") == 0);
    plextrac_session *session = session_of(config);
    plextrac_str url = plextrac_session_base_url(session);
    CHECK(strcmp(url.data, "https://acme.example:8443/pt") == 0 && url.len == strlen(url.data));
    plextrac_session_free(session);
}

static void a_program_can_name_itself(void)
{
    plextrac_error *err = NULL;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    start_afresh();
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_user_agent(config, "report-bot/2.0", PLEXTRAC_NTS, &err));
    plextrac_session *session = session_of(config);
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    OK(plextrac_request_add_header(request, "User-Agent", PLEXTRAC_NTS, "mine/1", PLEXTRAC_NTS, &err));
    OK(plextrac_session_request(session, request, NULL, &response, &err));
    CHECK(plextrac_response_status(response) == 200);
    plextrac_response_free(response);
    plextrac_request_free(request);
    plextrac_session_free(session);
}

static void an_upload_is_fetched_with_the_cookie(void)
{
    plextrac_error *err = NULL;
    plextrac_secret *cookie = NULL, *authorization = NULL;
    plextrac_str name, value;
    bool has_type = false;
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    /* For a program with an HTTP stack of its own. */
    OK(plextrac_session_cookie(session, NULL, &cookie, &err));
    OK(plextrac_session_authorization(session, NULL, &authorization, &err));
    CHECK(plextrac_secret_str(cookie).len > 20);
    CHECK(strcmp(plextrac_secret_str(cookie).data, plextrac_secret_str(authorization).data) != 0);
    plextrac_secret_free(cookie);
    plextrac_secret_free(authorization);
    plextrac_response *response = answer_to(session, "GET", "/api/v1/uploads/logo.png", NULL);
    CHECK(plextrac_response_status(response) == 200 && plextrac_response_body(response).len > 0);
    for (size_t i = 0; plextrac_response_header(response, i, &name, &value); i++)
        has_type = has_type || (strcmp(name.data, "content-type") == 0 && value.len > 0);
    CHECK(has_type);
    CHECK(plextrac_response_header_by_name(response, "Content-TYPE", PLEXTRAC_NTS, &value) && value.len > 0);
    CHECK(!plextrac_response_header_by_name(response, "content-typ", PLEXTRAC_NTS, &value));
    CHECK(value.data == NULL && value.len == 0);
    CHECK(!plextrac_response_header(response, plextrac_response_header_count(response), &name, &value));
    plextrac_response_free(response);
    plextrac_session_free(session);
}

static void an_error_of_the_server_is_a_response(void)
{
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    plextrac_response *response = answer_to(session, "GET", "/api/v1/forbidden", NULL);
    CHECK(plextrac_response_status(response) == 403);
    plextrac_response_free(response);
    CHECK(number_of(watcher, "sign_in", "ok") == 1);
    plextrac_session_free(session);
}

static void a_body_that_is_no_json_goes_byte_for_byte(void)
{
    static const char BYTES[] = {'a', 0, '\xff', '\n', 0};
    plextrac_error *err = NULL;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_request_new("PUT", PLEXTRAC_NTS, "/api/v1/echo/x?y=1", PLEXTRAC_NTS, &request, &err));
    OK(plextrac_request_set_body(request, "application/octet-stream", PLEXTRAC_NTS, BYTES, sizeof BYTES,
                                 &err));
    OK(plextrac_request_add_header(request, "X-Trace", PLEXTRAC_NTS, "1", PLEXTRAC_NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_request_add_header(request, "Cookie", PLEXTRAC_NTS, "1", PLEXTRAC_NTS, &err));
    for (int i = 0; i < 2; i++) {
        OK(plextrac_session_request(session, request, NULL, &response, &err));
        plextrac_str body = plextrac_response_body(response);
        CHECK(body.len == sizeof BYTES && memcmp(body.data, BYTES, sizeof BYTES) == 0
              && body.data[body.len] == 0);
        plextrac_response_free(response);
    }
    plextrac_request_free(request);
    plextrac_session_free(session);
}

static void an_answer_over_the_limit_is_refused_and_the_limit_can_be_set(void)
{
    plextrac_error *err = NULL;
    plextrac_request *request = NULL;
    plextrac_response *response = NULL;
    start_afresh();
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_response_limit(config, 4, &err));
    plextrac_session *session = session_of(config);
    OK(plextrac_request_new("PUT", PLEXTRAC_NTS, "/api/v1/echo", PLEXTRAC_NTS, &request, &err));
    OK(plextrac_request_set_body(request, "text/plain", PLEXTRAC_NTS, "1234", 4, &err));
    OK(plextrac_session_request(session, request, NULL, &response, &err));
    plextrac_response_free(response);
    OK(plextrac_request_set_body(request, "text/plain", PLEXTRAC_NTS, "12345", 5, &err));
    CHECK(plextrac_session_request(session, request, NULL, &response, &err) == PLEXTRAC_TOO_LARGE);
    CHECK(response == NULL && strstr(plextrac_error_message(err).data, "response limit") != NULL);
    plextrac_error_free(err);
    plextrac_request_free(request);
    plextrac_session_free(session);
}

static void signing_out_forgets_the_token_and_closing_ends_everything(void)
{
    plextrac_error *err = NULL;
    start_afresh();
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));
    OK(plextrac_session_refresh(session, NULL, &err));
    CHECK(number_of(watcher, "refresh", "ok") == 1);
    OK(plextrac_session_logout(session, &err));
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_SIGNED_OUT);
    OK(plextrac_session_login(session, NULL, &err));
    CHECK(number_of(watcher, "sign_in", "ok") == 2);
    OK(plextrac_session_close(session, &err));
    OK(plextrac_session_close(session, &err));
    CHECK(plextrac_session_state(session) == PLEXTRAC_STATE_CLOSED);
    FAILS(PLEXTRAC_CLOSED, plextrac_session_login(session, NULL, &err));
    FAILS(PLEXTRAC_CLOSED, plextrac_session_logout(session, &err));
    plextrac_session_free(session);
}

static void a_kept_session_begins_nothing_and_ends_in_time(void)
{
    plextrac_error *err = NULL;
    start_afresh();
    plextrac_config *config = config_without_mfa();
    OK(plextrac_config_set_keep_alive_ms(config, UINT64_MAX, &err));
    plextrac_session *session = session_of(config);
    CHECK(number_of(watcher, "sign_in", "ok") == 0);
    for (int round = 0; round < 2; round++) {
        OK(plextrac_session_login(session, NULL, &err));
        OK(plextrac_session_logout(session, &err));
    }
    OK(plextrac_session_login(session, NULL, &err));
    plextrac_session_free(session);
    CHECK(number_of(watcher, "sign_in", "ok") == 3);
    CHECK(number_of(watcher, "refresh", "ok") == 0);
}

static void a_certificate_that_nobody_trusts_is_named_as_such(void)
{
    plextrac_error *err = NULL;
    plextrac_config *config = NULL;
    OK(plextrac_config_new(env("PLEXTRAC_URL"), PLEXTRAC_NTS, &config, &err));
    OK(plextrac_config_set_password(config, "u", PLEXTRAC_NTS, "p", PLEXTRAC_NTS, &err));
    OK(plextrac_config_set_proxy(config, "", 0, &err));
    plextrac_session *session = session_of(config);
    FAILS(PLEXTRAC_TLS, plextrac_session_login(session, NULL, &err));
    plextrac_session_free(session);
}

int main(void)
{
    plextrac_session *session = observer();
    watcher = session;
    mfa_by_totp_takes_two_requests_and_one_connection();
    six_digits_are_handed_in_after_they_were_asked_for();
    wrong_digits_are_sent_once_and_the_next_attempt_starts_anew();
    a_wrong_password_is_sent_once_until_that_is_allowed();
    the_header_value_is_copied_out_whole_or_not_at_all();
    a_401_brings_one_new_token_and_one_repetition();
    a_401_says_whether_one_more_try_can_help();
    a_handle_with_a_time_limit_is_one_of_the_same_session();
    the_address_is_known_as_it_was_understood();
    a_program_can_name_itself();
    an_upload_is_fetched_with_the_cookie();
    an_error_of_the_server_is_a_response();
    a_body_that_is_no_json_goes_byte_for_byte();
    an_answer_over_the_limit_is_refused_and_the_limit_can_be_set();
    signing_out_forgets_the_token_and_closing_ends_everything();
    a_rate_limit_says_how_long_to_wait_and_is_obeyed();
    a_kept_session_begins_nothing_and_ends_in_time();
    a_certificate_that_nobody_trusts_is_named_as_such();
    plextrac_session_free(session);
    return 0;
}
