/* What cannot be meant is refused, by name, and leaves nothing behind.
 *
 * Each line of a table names a function and a parameter. A test in crates/plextrac-ffi/tests holds the tables
 * against the header: no pointer may be missing. */
#include "client_certificate.h"
#include "emulator.h"

/* NULL for this parameter is PLEXTRAC_INVALID_ARGUMENT, and the error has its name. */
#define NULL_IS_NAMED(function, parameter, call)                                                         \
    do {                                                                                                 \
        plextrac_error *err = NULL;                                                                      \
        int32_t status_ = (call);                                                                        \
        check_status_(__FILE__, __LINE__, #function ": " #parameter, PLEXTRAC_INVALID_ARGUMENT, status_, \
                      err);                                                                              \
        CHECK(strstr(plextrac_error_message(err).data, #parameter " is NULL"));                          \
        plextrac_error_free(err);                                                                        \
    } while (0)

/* NULL for this parameter of a function that returns no status is an empty answer. */
#define NULL_IS_NOTHING(function, parameter, condition) CHECK((condition) && #function #parameter)

/* The out-parameter is empty after a call that failed, whatever was in it. */
#define IS_EMPTIED(function, parameter, type, call)   \
    do {                                              \
        type parameter;                               \
        memset(&parameter, 0x5a, sizeof parameter);   \
        (void)(call);                                 \
        CHECK(is_zero(&parameter, sizeof parameter)); \
    } while (0)

static int is_zero(const void *bytes, size_t count)
{
    for (const unsigned char *byte = bytes; count--; byte++)
        if (*byte)
            return 0;
    return 1;
}

static int32_t nobody(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply)
{
    (void)userdata, (void)attempt, (void)reply;
    return 1;
}

static void deaf(void *userdata, int32_t level, const char *target, size_t target_len, const char *message,
                 size_t message_len)
{
    (void)userdata, (void)level, (void)target, (void)target_len, (void)message, (void)message_len;
}

static int64_t nothing_to_read(void *userdata, char *buf, size_t cap)
{
    (void)userdata, (void)buf, (void)cap;
    return 0;
}

static int32_t swallow(void *userdata, const plextrac_response *part_of, const char *bytes, size_t len)
{
    (void)userdata, (void)part_of, (void)bytes, (void)len;
    return 0;
}

/* One of everything. */
static plextrac_config *config;
static plextrac_session *session;
static plextrac_request *request;
static plextrac_response *response;
static plextrac_stream *stream;
static plextrac_machine *machine;
static plextrac_action *action;
static plextrac_error *error;
static plextrac_time now;

#define NTS PLEXTRAC_NTS

static void make_everything(void)
{
    plextrac_error *err = NULL;
    now = plextrac_time_now();
    config = config_without_mfa();
    OK(plextrac_session_new(config, &session, &err));
    OK(plextrac_request_new("GET", NTS, "/api/v2/whoami", NTS, &request, &err));
    OK(plextrac_session_request(session, request, NULL, &response, &err));
    OK(plextrac_session_stream(session, request, NULL, &stream, &err));
    OK(plextrac_machine_new(config, now, &machine, &err));
    OK(plextrac_machine_want_token(machine, now, &err));
    OK(plextrac_machine_poll(machine, now, &action, &err));
    CHECK(plextrac_action_kind(action) == PLEXTRAC_ACTION_SEND);
    CHECK(plextrac_config_set_roots(config, 0, &error) == PLEXTRAC_INVALID_ARGUMENT);
}

static void free_everything(void)
{
    plextrac_error_free(error);
    plextrac_action_free(action);
    plextrac_machine_free(machine);
    plextrac_stream_free(stream);
    plextrac_response_free(response);
    plextrac_request_free(request);
    plextrac_session_free(session);
    plextrac_config_free(config);
}

static void null_is_named(void)
{
    plextrac_config *new_config = NULL;
    plextrac_request *new_request = NULL;
    plextrac_machine *new_machine = NULL;
    uint64_t caller = 0;
    plextrac_budget *budget = NULL;
    plextrac_action *next = NULL;
    plextrac_secret *secret = NULL;
    plextrac_response *answer = NULL;
    plextrac_stream *parts = NULL;
    plextrac_session *another = NULL;
    plextrac_str text = {"x", 1};
    size_t len = 0;
    bool retry = false;
    char buf[8];

    NULL_IS_NAMED(plextrac_cancel_new, out, plextrac_cancel_new(NULL, &err));
    NULL_IS_NAMED(plextrac_budget_new, out, plextrac_budget_new(6, NULL, &err));

    NULL_IS_NAMED(plextrac_config_new, url, plextrac_config_new(NULL, NTS, &new_config, &err));
    NULL_IS_NAMED(plextrac_config_new, out, plextrac_config_new("x.example", NTS, NULL, &err));
    NULL_IS_NAMED(plextrac_config_set_password, config,
                  plextrac_config_set_password(NULL, "u", NTS, "p", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_password, user,
                  plextrac_config_set_password(config, NULL, NTS, "p", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_password, password,
                  plextrac_config_set_password(config, "u", NTS, NULL, 3, &err));
    NULL_IS_NAMED(plextrac_config_set_token, config, plextrac_config_set_token(NULL, "t", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_token, token, plextrac_config_set_token(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_totp_secret, config,
                  plextrac_config_set_totp_secret(NULL, "GEZDGNBVGY3TQOJQ", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_totp_secret, secret,
                  plextrac_config_set_totp_secret(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_mfa_callback, config,
                  plextrac_config_set_mfa_callback(NULL, nobody, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_config_set_mfa_callback, callback,
                  plextrac_config_set_mfa_callback(config, NULL, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_config_set_ca_file, config, plextrac_config_set_ca_file(NULL, "x", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_ca_file, path, plextrac_config_set_ca_file(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_ca_pem, config, plextrac_config_set_ca_pem(NULL, "x", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_ca_pem, pem, plextrac_config_set_ca_pem(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_roots, config,
                  plextrac_config_set_roots(NULL, PLEXTRAC_ROOTS_SYSTEM, &err));
    NULL_IS_NAMED(plextrac_config_set_header, config,
                  plextrac_config_set_header(NULL, "x", NTS, "y", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_header, name,
                  plextrac_config_set_header(config, NULL, NTS, "y", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_header, value,
                  plextrac_config_set_header(config, "x", NTS, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_user_agent, config,
                  plextrac_config_set_user_agent(NULL, "x", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_user_agent, user_agent,
                  plextrac_config_set_user_agent(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_client_certificate, config,
                  plextrac_config_set_client_certificate(NULL, "x", NTS, "y", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_client_certificate, chain,
                  plextrac_config_set_client_certificate(config, NULL, NTS, "y", NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_client_certificate, key,
                  plextrac_config_set_client_certificate(config, "x", NTS, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_proxy, config, plextrac_config_set_proxy(NULL, "", 0, &err));
    NULL_IS_NAMED(plextrac_config_set_proxy, url, plextrac_config_set_proxy(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_auth_scheme, config,
                  plextrac_config_set_auth_scheme(NULL, PLEXTRAC_SCHEME_RAW, &err));
    NULL_IS_NAMED(plextrac_config_set_state_dir, config, plextrac_config_set_state_dir(NULL, NULL, 0, &err));
    NULL_IS_NAMED(plextrac_config_set_state_dir, path,
                  plextrac_config_set_state_dir(config, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_store, config, plextrac_config_set_store(NULL, NULL, 0, NULL, 0, &err));
    NULL_IS_NAMED(plextrac_config_set_store, url, plextrac_config_set_store(config, NULL, NTS, "", 0, &err));
    NULL_IS_NAMED(plextrac_config_set_store, key,
                  plextrac_config_set_store(config, "redis://e", NTS, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_config_set_timeout_ms, config, plextrac_config_set_timeout_ms(NULL, 1, &err));
    NULL_IS_NAMED(plextrac_config_set_response_limit, config,
                  plextrac_config_set_response_limit(NULL, 1, &err));
    NULL_IS_NAMED(plextrac_config_set_wait_ms, config, plextrac_config_set_wait_ms(NULL, 1, &err));
    NULL_IS_NAMED(plextrac_config_set_keep_alive_ms, config, plextrac_config_set_keep_alive_ms(NULL, 1, &err));
    NULL_IS_NAMED(plextrac_config_set_auth_budget, config, plextrac_config_set_auth_budget(NULL, 6, &err));
    NULL_IS_NAMED(plextrac_config_set_budget, config, plextrac_config_set_budget(NULL, budget, &err));
    NULL_IS_NAMED(plextrac_config_set_budget, budget, plextrac_config_set_budget(config, NULL, &err));
    NULL_IS_NAMED(plextrac_config_set_allow_http, config, plextrac_config_set_allow_http(NULL, true, &err));
    NULL_IS_NAMED(plextrac_config_set_danger_accept_invalid_certs, config,
                  plextrac_config_set_danger_accept_invalid_certs(NULL, true, &err));
    NULL_IS_NAMED(plextrac_config_set_log_callback, config,
                  plextrac_config_set_log_callback(NULL, deaf, PLEXTRAC_LOG_INFO, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_config_set_log_callback, callback,
                  plextrac_config_set_log_callback(config, NULL, PLEXTRAC_LOG_INFO, NULL, NULL, &err));

    NULL_IS_NAMED(plextrac_session_new, config, plextrac_session_new(NULL, &another, &err));
    NULL_IS_NAMED(plextrac_session_new, out, plextrac_session_new(config, NULL, &err));
    NULL_IS_NAMED(plextrac_session_with_timeout_ms, session,
                  plextrac_session_with_timeout_ms(NULL, 1, &another, &err));
    NULL_IS_NAMED(plextrac_session_with_timeout_ms, out,
                  plextrac_session_with_timeout_ms(session, 1, NULL, &err));
    NULL_IS_NAMED(plextrac_session_cookie, session, plextrac_session_cookie(NULL, NULL, &secret, &err));
    NULL_IS_NAMED(plextrac_session_cookie, out, plextrac_session_cookie(session, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_login, session, plextrac_session_login(NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_submit_mfa, session,
                  plextrac_session_submit_mfa(NULL, "123456", NTS, NULL, &err));
    NULL_IS_NAMED(plextrac_session_submit_mfa, code,
                  plextrac_session_submit_mfa(session, NULL, NTS, NULL, &err));
    NULL_IS_NAMED(plextrac_session_authorization, session,
                  plextrac_session_authorization(NULL, NULL, &secret, &err));
    NULL_IS_NAMED(plextrac_session_authorization, out,
                  plextrac_session_authorization(session, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_copy_authorization, session,
                  plextrac_session_copy_authorization(NULL, buf, sizeof buf, &len, NULL, &err));
    NULL_IS_NAMED(plextrac_session_copy_authorization, buf,
                  plextrac_session_copy_authorization(session, NULL, sizeof buf, &len, NULL, &err));
    NULL_IS_NAMED(plextrac_session_copy_authorization, len,
                  plextrac_session_copy_authorization(session, buf, sizeof buf, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_report_unauthorized, session,
                  plextrac_session_report_unauthorized(NULL, "x", NTS, &err));
    NULL_IS_NAMED(plextrac_session_report_unauthorized, rejected,
                  plextrac_session_report_unauthorized(session, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_session_report_unauthorized_retry, session,
                  plextrac_session_report_unauthorized_retry(NULL, "x", NTS, &retry, &err));
    NULL_IS_NAMED(plextrac_session_report_unauthorized_retry, rejected,
                  plextrac_session_report_unauthorized_retry(session, NULL, NTS, &retry, &err));
    NULL_IS_NAMED(plextrac_session_report_unauthorized_retry, retry,
                  plextrac_session_report_unauthorized_retry(session, "x", NTS, NULL, &err));
    NULL_IS_NAMED(plextrac_session_refresh, session, plextrac_session_refresh(NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_forget_rejection, session, plextrac_session_forget_rejection(NULL, &err));
    NULL_IS_NAMED(plextrac_session_close, session, plextrac_session_close(NULL, &err));
    NULL_IS_NAMED(plextrac_session_logout, session, plextrac_session_logout(NULL, &err));
    NULL_IS_NAMED(plextrac_session_request, session,
                  plextrac_session_request(NULL, request, NULL, &answer, &err));
    NULL_IS_NAMED(plextrac_session_request, request,
                  plextrac_session_request(session, NULL, NULL, &answer, &err));
    NULL_IS_NAMED(plextrac_session_request, out,
                  plextrac_session_request(session, request, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_download, session,
                  plextrac_session_download(NULL, request, swallow, NULL, NULL, &answer, &err));
    NULL_IS_NAMED(plextrac_session_download, request,
                  plextrac_session_download(session, NULL, swallow, NULL, NULL, &answer, &err));
    NULL_IS_NAMED(plextrac_session_download, write,
                  plextrac_session_download(session, request, NULL, NULL, NULL, &answer, &err));
    NULL_IS_NAMED(plextrac_session_download, out,
                  plextrac_session_download(session, request, swallow, NULL, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_session_stream, session,
                  plextrac_session_stream(NULL, request, NULL, &parts, &err));
    NULL_IS_NAMED(plextrac_session_stream, request,
                  plextrac_session_stream(session, NULL, NULL, &parts, &err));
    NULL_IS_NAMED(plextrac_session_stream, out, plextrac_session_stream(session, request, NULL, NULL, &err));
    NULL_IS_NAMED(plextrac_stream_read, stream, plextrac_stream_read(NULL, buf, sizeof buf, &len, &err));
    NULL_IS_NAMED(plextrac_stream_read, buf, plextrac_stream_read(stream, NULL, sizeof buf, &len, &err));
    NULL_IS_NAMED(plextrac_stream_read, len, plextrac_stream_read(stream, buf, sizeof buf, NULL, &err));

    NULL_IS_NAMED(plextrac_request_new, method,
                  plextrac_request_new(NULL, NTS, "/", NTS, &new_request, &err));
    NULL_IS_NAMED(plextrac_request_new, path,
                  plextrac_request_new("GET", NTS, NULL, NTS, &new_request, &err));
    NULL_IS_NAMED(plextrac_request_new, out, plextrac_request_new("GET", NTS, "/", NTS, NULL, &err));
    NULL_IS_NAMED(plextrac_request_add_header, request,
                  plextrac_request_add_header(NULL, "x", NTS, "y", NTS, &err));
    NULL_IS_NAMED(plextrac_request_add_header, name,
                  plextrac_request_add_header(request, NULL, NTS, "y", NTS, &err));
    NULL_IS_NAMED(plextrac_request_add_header, value,
                  plextrac_request_add_header(request, "x", NTS, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_request_set_json, request, plextrac_request_set_json(NULL, "1", NTS, &err));
    NULL_IS_NAMED(plextrac_request_set_json, json, plextrac_request_set_json(request, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_request_set_body, request,
                  plextrac_request_set_body(NULL, "a/b", NTS, "1", NTS, &err));
    NULL_IS_NAMED(plextrac_request_set_body, content_type,
                  plextrac_request_set_body(request, NULL, NTS, "1", NTS, &err));
    NULL_IS_NAMED(plextrac_request_set_body, body,
                  plextrac_request_set_body(request, "a/b", NTS, NULL, NTS, &err));
    NULL_IS_NAMED(plextrac_request_set_body_reader, request,
                  plextrac_request_set_body_reader(NULL, "a/b", NTS, 0, nothing_to_read, NULL, NULL, NULL,
                                                   &err));
    NULL_IS_NAMED(plextrac_request_set_body_reader, content_type,
                  plextrac_request_set_body_reader(request, NULL, NTS, 0, nothing_to_read, NULL, NULL, NULL,
                                                   &err));
    NULL_IS_NAMED(plextrac_request_set_body_reader, read,
                  plextrac_request_set_body_reader(request, "a/b", NTS, 0, NULL, NULL, NULL, NULL, &err));

    NULL_IS_NAMED(plextrac_machine_new, config, plextrac_machine_new(NULL, now, &new_machine, &err));
    NULL_IS_NAMED(plextrac_machine_new, out, plextrac_machine_new(config, now, NULL, &err));
    NULL_IS_NAMED(plextrac_machine_want_token, machine, plextrac_machine_want_token(NULL, now, &err));
    NULL_IS_NAMED(plextrac_machine_need_token, machine,
                  plextrac_machine_need_token(NULL, "x", NTS, 1, 1, now, &caller, &err));
    NULL_IS_NAMED(plextrac_machine_need_token, other_than,
                  plextrac_machine_need_token(machine, NULL, NTS, 1, 1, now, &caller, &err));
    NULL_IS_NAMED(plextrac_machine_need_token, caller,
                  plextrac_machine_need_token(machine, "x", NTS, 1, 1, now, NULL, &err));
    NULL_IS_NAMED(plextrac_machine_leave, machine, plextrac_machine_leave(NULL, 1, now, &err));
    NULL_IS_NAMED(plextrac_machine_decline_mfa, machine, plextrac_machine_decline_mfa(NULL, now, &err));
    NULL_IS_NAMED(plextrac_machine_poll, machine, plextrac_machine_poll(NULL, now, &next, &err));
    NULL_IS_NAMED(plextrac_machine_poll, out, plextrac_machine_poll(machine, now, NULL, &err));
    NULL_IS_NAMED(plextrac_machine_handle_response, machine,
                  plextrac_machine_handle_response(NULL, 1, 200, &text, &text, 1, "x", 1, now, &err));
    NULL_IS_NAMED(plextrac_machine_handle_response, names,
                  plextrac_machine_handle_response(machine, 1, 200, NULL, &text, 1, "x", 1, now, &err));
    NULL_IS_NAMED(plextrac_machine_handle_response, values,
                  plextrac_machine_handle_response(machine, 1, 200, &text, NULL, 1, "x", 1, now, &err));
    NULL_IS_NAMED(plextrac_machine_handle_response, body,
                  plextrac_machine_handle_response(machine, 1, 200, &text, &text, 1, NULL, 1, now, &err));
    NULL_IS_NAMED(plextrac_machine_handle_failure, machine,
                  plextrac_machine_handle_failure(NULL, 1, PLEXTRAC_FAILURE_OTHER, now, &err));
    NULL_IS_NAMED(plextrac_machine_submit_mfa, machine,
                  plextrac_machine_submit_mfa(NULL, "123456", NTS, now, &err));
    NULL_IS_NAMED(plextrac_machine_submit_mfa, code,
                  plextrac_machine_submit_mfa(machine, NULL, NTS, now, &err));
    NULL_IS_NAMED(plextrac_machine_report_unauthorized, machine,
                  plextrac_machine_report_unauthorized(NULL, "x", NTS, now, &err));
    NULL_IS_NAMED(plextrac_machine_report_unauthorized, rejected,
                  plextrac_machine_report_unauthorized(machine, NULL, NTS, now, &err));
    NULL_IS_NAMED(plextrac_machine_report_unauthorized_retry, machine,
                  plextrac_machine_report_unauthorized_retry(NULL, "x", NTS, now, &retry, &err));
    NULL_IS_NAMED(plextrac_machine_report_unauthorized_retry, rejected,
                  plextrac_machine_report_unauthorized_retry(machine, NULL, NTS, now, &retry, &err));
    NULL_IS_NAMED(plextrac_machine_report_unauthorized_retry, retry,
                  plextrac_machine_report_unauthorized_retry(machine, "x", NTS, now, NULL, &err));
    NULL_IS_NAMED(plextrac_machine_authorization, machine,
                  plextrac_machine_authorization(NULL, now, &secret, &err));
    NULL_IS_NAMED(plextrac_machine_authorization, out,
                  plextrac_machine_authorization(machine, now, NULL, &err));
    NULL_IS_NAMED(plextrac_machine_cookie, machine, plextrac_machine_cookie(NULL, &secret, &err));
    NULL_IS_NAMED(plextrac_machine_cookie, out, plextrac_machine_cookie(machine, NULL, &err));
}

static void null_is_nothing(void)
{
    plextrac_str name, value;
    uint16_t status;
    uint64_t number;
    int64_t tenant;
    plextrac_error *copy = NULL;

    NULL_IS_NOTHING(plextrac_error_status, error, plextrac_error_status(NULL) == PLEXTRAC_INVALID_ARGUMENT);
    NULL_IS_NOTHING(plextrac_error_message, error, plextrac_error_message(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_error_http_status, error, !plextrac_error_http_status(NULL, &status));
    NULL_IS_NOTHING(plextrac_error_http_status, out, !plextrac_error_http_status(error, NULL));
    NULL_IS_NOTHING(plextrac_error_retry_after_ms, error, !plextrac_error_retry_after_ms(NULL, &number));
    NULL_IS_NOTHING(plextrac_error_retry_after_ms, out, !plextrac_error_retry_after_ms(error, NULL));
    NULL_IS_NOTHING(plextrac_error_is_retryable, error, !plextrac_error_is_retryable(NULL));
    NULL_IS_NOTHING(plextrac_secret_str, secret, plextrac_secret_str(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_mfa_reply_set_code, reply,
                    plextrac_mfa_reply_set_code(NULL, "123456", NTS) == PLEXTRAC_INVALID_ARGUMENT);

    NULL_IS_NOTHING(plextrac_config_base_url, config, plextrac_config_base_url(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_session_base_url, session, plextrac_session_base_url(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_session_state, session, plextrac_session_state(NULL) == 0);
    NULL_IS_NOTHING(plextrac_session_expires_in_ms, session, !plextrac_session_expires_in_ms(NULL, &number));
    NULL_IS_NOTHING(plextrac_session_expires_in_ms, out, !plextrac_session_expires_in_ms(session, NULL));
    NULL_IS_NOTHING(plextrac_session_tenant_id, session, !plextrac_session_tenant_id(NULL, &tenant));
    NULL_IS_NOTHING(plextrac_session_tenant_id, out, !plextrac_session_tenant_id(session, NULL));

    NULL_IS_NOTHING(plextrac_response_status, response, plextrac_response_status(NULL) == 0);
    NULL_IS_NOTHING(plextrac_response_body, response, plextrac_response_body(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_stream_response, stream, plextrac_stream_response(NULL) == NULL);
    NULL_IS_NOTHING(plextrac_response_header_count, response, plextrac_response_header_count(NULL) == 0);
    NULL_IS_NOTHING(plextrac_response_header, response, !plextrac_response_header(NULL, 0, &name, &value));
    NULL_IS_NOTHING(plextrac_response_header, name, !plextrac_response_header(response, 0, NULL, &value));
    NULL_IS_NOTHING(plextrac_response_header, value, !plextrac_response_header(response, 0, &name, NULL));
    NULL_IS_NOTHING(plextrac_response_header_by_name, response,
                    !plextrac_response_header_by_name(NULL, "date", NTS, &value));
    NULL_IS_NOTHING(plextrac_response_header_by_name, name,
                    !plextrac_response_header_by_name(response, NULL, NTS, &value));
    NULL_IS_NOTHING(plextrac_response_header_by_name, value,
                    !plextrac_response_header_by_name(response, "date", NTS, NULL));

    NULL_IS_NOTHING(plextrac_machine_expires_in_ms, machine,
                    !plextrac_machine_expires_in_ms(NULL, now, &number));
    NULL_IS_NOTHING(plextrac_machine_expires_in_ms, out, !plextrac_machine_expires_in_ms(machine, now, NULL));
    NULL_IS_NOTHING(plextrac_action_kind, action, plextrac_action_kind(NULL) == 0);
    NULL_IS_NOTHING(plextrac_action_reason, action, plextrac_action_reason(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_action_error, action,
                    plextrac_action_error(NULL, &copy) == PLEXTRAC_INVALID_ARGUMENT);
    NULL_IS_NOTHING(plextrac_action_error, out,
                    plextrac_action_error(action, NULL) == PLEXTRAC_INVALID_ARGUMENT);
    NULL_IS_NOTHING(plextrac_action_caller, action, plextrac_action_caller(NULL) == 0);
    NULL_IS_NOTHING(plextrac_action_mfa_attempt, action, plextrac_action_mfa_attempt(NULL) == 0);
    NULL_IS_NOTHING(plextrac_action_request_id, action, plextrac_action_request_id(NULL) == 0);
    NULL_IS_NOTHING(plextrac_action_method, action, plextrac_action_method(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_action_url, action, plextrac_action_url(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_action_body, action, plextrac_action_body(NULL).data == NULL);
    NULL_IS_NOTHING(plextrac_action_header_count, action, plextrac_action_header_count(NULL) == 0);
    NULL_IS_NOTHING(plextrac_action_header, action, !plextrac_action_header(NULL, 0, &name, &value));
    NULL_IS_NOTHING(plextrac_action_header, name, !plextrac_action_header(action, 0, NULL, &value));
    NULL_IS_NOTHING(plextrac_action_header, value, !plextrac_action_header(action, 0, &name, NULL));
    NULL_IS_NOTHING(plextrac_action_deadline_ms, action, !plextrac_action_deadline_ms(NULL, &number));
    NULL_IS_NOTHING(plextrac_action_deadline_ms, monotonic_ms, !plextrac_action_deadline_ms(action, NULL));

    /* The same with everything given, so that the lines above do not hold of themselves. */
    CHECK(plextrac_response_header(response, 0, &name, &value) && name.len > 0);
    CHECK(plextrac_response_header_by_name(response, "date", NTS, &value) && value.len > 0);
    CHECK(plextrac_config_base_url(config).len > 0 && plextrac_session_base_url(session).len > 0);
    CHECK(plextrac_action_header(action, 0, &name, &value) && name.len > 0);
    CHECK(plextrac_action_deadline_ms(action, &number) && number > now.monotonic_ms);
    CHECK(plextrac_session_tenant_id(session, &tenant) && tenant == 0);
    CHECK(plextrac_session_expires_in_ms(session, &number) && number > 0);

    plextrac_cancel_trigger(NULL); /* plextrac_cancel_trigger, cancel */
    plextrac_error_free(NULL);
    plextrac_secret_free(NULL);
    plextrac_cancel_free(NULL);
    plextrac_budget_free(NULL);
    plextrac_config_free(NULL);
    plextrac_session_free(NULL);
    plextrac_request_free(NULL);
    plextrac_response_free(NULL);
    plextrac_stream_free(NULL);
    plextrac_machine_free(NULL);
    plextrac_action_free(NULL);
}

static void out_parameters_are_emptied(void)
{
    plextrac_str text = {0};

    IS_EMPTIED(plextrac_error_http_status, out, uint16_t, plextrac_error_http_status(NULL, &out));
    IS_EMPTIED(plextrac_error_retry_after_ms, out, uint64_t, plextrac_error_retry_after_ms(NULL, &out));
    IS_EMPTIED(plextrac_budget_new, out, plextrac_budget *, plextrac_budget_new(1, &out, NULL));
    IS_EMPTIED(plextrac_config_new, out, plextrac_config *, plextrac_config_new("", 0, &out, NULL));
    IS_EMPTIED(plextrac_session_new, out, plextrac_session *, plextrac_session_new(NULL, &out, NULL));
    IS_EMPTIED(plextrac_session_with_timeout_ms, out, plextrac_session *,
               plextrac_session_with_timeout_ms(session, 0, &out, NULL));
    IS_EMPTIED(plextrac_session_cookie, out, plextrac_secret *,
               plextrac_session_cookie(NULL, NULL, &out, NULL));
    IS_EMPTIED(plextrac_session_report_unauthorized_retry, retry, bool,
               plextrac_session_report_unauthorized_retry(NULL, "x", NTS, &retry, NULL));
    IS_EMPTIED(plextrac_machine_report_unauthorized_retry, retry, bool,
               plextrac_machine_report_unauthorized_retry(NULL, "x", NTS, now, &retry, NULL));
    IS_EMPTIED(plextrac_session_authorization, out, plextrac_secret *,
               plextrac_session_authorization(NULL, NULL, &out, NULL));
    IS_EMPTIED(plextrac_session_copy_authorization, len, size_t,
               plextrac_session_copy_authorization(NULL, NULL, 0, &len, NULL, NULL));
    IS_EMPTIED(plextrac_session_expires_in_ms, out, uint64_t, plextrac_session_expires_in_ms(NULL, &out));
    IS_EMPTIED(plextrac_session_tenant_id, out, int64_t, plextrac_session_tenant_id(NULL, &out));
    IS_EMPTIED(plextrac_session_request, out, plextrac_response *,
               plextrac_session_request(session, NULL, NULL, &out, NULL));
    IS_EMPTIED(plextrac_session_download, out, plextrac_response *,
               plextrac_session_download(session, NULL, swallow, NULL, NULL, &out, NULL));
    IS_EMPTIED(plextrac_session_stream, out, plextrac_stream *,
               plextrac_session_stream(session, NULL, NULL, &out, NULL));
    IS_EMPTIED(plextrac_stream_read, len, size_t, plextrac_stream_read(NULL, NULL, 0, &len, NULL));
    IS_EMPTIED(plextrac_request_new, out, plextrac_request *,
               plextrac_request_new("", 0, "/", 1, &out, NULL));
    IS_EMPTIED(plextrac_response_header, name, plextrac_str,
               plextrac_response_header(response, 9999, &name, &text));
    IS_EMPTIED(plextrac_response_header, value, plextrac_str,
               plextrac_response_header(response, 9999, &text, &value));
    IS_EMPTIED(plextrac_response_header_by_name, value, plextrac_str,
               plextrac_response_header_by_name(response, "no-such-header", NTS, &value));
    IS_EMPTIED(plextrac_machine_new, out, plextrac_machine *, plextrac_machine_new(NULL, now, &out, NULL));
    IS_EMPTIED(plextrac_machine_need_token, caller, uint64_t,
               plextrac_machine_need_token(NULL, NULL, 0, 1, 1, now, &caller, NULL));
    IS_EMPTIED(plextrac_machine_poll, out, plextrac_action *, plextrac_machine_poll(NULL, now, &out, NULL));
    IS_EMPTIED(plextrac_machine_authorization, out, plextrac_secret *,
               plextrac_machine_authorization(machine, now, &out, NULL));
    IS_EMPTIED(plextrac_machine_cookie, out, plextrac_secret *, plextrac_machine_cookie(machine, &out, NULL));
    IS_EMPTIED(plextrac_machine_expires_in_ms, out, uint64_t,
               plextrac_machine_expires_in_ms(machine, now, &out));
    IS_EMPTIED(plextrac_action_error, out, plextrac_error *, plextrac_action_error(action, &out));
    IS_EMPTIED(plextrac_action_header, name, plextrac_str,
               plextrac_action_header(action, 9999, &name, &text));
    IS_EMPTIED(plextrac_action_header, value, plextrac_str,
               plextrac_action_header(action, 9999, &text, &value));
    IS_EMPTIED(plextrac_action_deadline_ms, monotonic_ms, uint64_t,
               plextrac_action_deadline_ms(NULL, &monotonic_ms));
}

static void an_unknown_number_is_refused(void)
{
    static const int32_t UNKNOWN[] = {0, -1, 9, 99, INT32_MAX, INT32_MIN};
    plextrac_error *err = NULL;

    for (size_t i = 0; i < sizeof UNKNOWN / sizeof *UNKNOWN; i++) {
        FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_roots(config, UNKNOWN[i], &err));
        FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_auth_scheme(config, UNKNOWN[i], &err));
        FAILS(PLEXTRAC_INVALID_ARGUMENT,
              plextrac_config_set_log_callback(config, deaf, UNKNOWN[i], NULL, NULL, &err));
        FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_machine_handle_failure(machine, 1, UNKNOWN[i], now, &err));
    }
    OK(plextrac_config_set_roots(config, PLEXTRAC_ROOTS_SYSTEM, &err));
    OK(plextrac_config_set_auth_scheme(config, PLEXTRAC_SCHEME_RAW, &err));
    OK(plextrac_config_set_log_callback(config, deaf, PLEXTRAC_LOG_DEBUG, NULL, NULL, &err));
    static const uint16_t NO_STATUS[] = {0, 99, 1000, UINT16_MAX};
    for (size_t i = 0; i < sizeof NO_STATUS / sizeof *NO_STATUS; i++)
        FAILS(PLEXTRAC_INVALID_ARGUMENT,
              plextrac_machine_handle_response(machine, 1, NO_STATUS[i], NULL, NULL, 0, NULL, 0, now, &err));
    static const uint32_t NO_BUDGET[] = {0, 1, 61, UINT32_MAX};
    for (size_t i = 0; i < sizeof NO_BUDGET / sizeof *NO_BUDGET; i++)
        FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_auth_budget(config, NO_BUDGET[i], &err));
}

/* A file is there under the name up to the NUL. */
static void a_path_that_is_none_is_refused_before_the_system_sees_it(plextrac_config *config)
{
    char file[1024], longest[4098];
    plextrac_error *err = NULL;
    size_t len = strlen(env("PLEXTRAC_CA_FILE"));
    snprintf(file, sizeof file, "%s", env("PLEXTRAC_CA_FILE"));
    OK(plextrac_config_set_ca_file(config, file, len, &err));
    CHECK(plextrac_config_set_ca_file(config, file, len + 1, &err) == PLEXTRAC_INVALID_ARGUMENT);
    CHECK(strstr(plextrac_error_message(err).data, "NUL") != NULL);
    /* The sentence goes on behind the place where it speaks of the NUL. */
    CHECK(strlen(plextrac_error_message(err).data) == plextrac_error_message(err).len);
    CHECK(plextrac_error_message(err).data[plextrac_error_message(err).len - 1] == '?');
    plextrac_error_free(err);
    err = NULL;
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_state_dir(config, "/\0x", 3, &err));

    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[4097] = 0;
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_ca_file(config, longest, NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_state_dir(config, longest, NTS, &err));
    /* Of one byte less the system says what it thinks of it. */
    FAILS(PLEXTRAC_STORE, plextrac_config_set_state_dir(config, longest, 4096, &err));

    /* A variable that is not set, perhaps; who wants to share nothing says so. */
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_state_dir(config, "", NTS, &err));
}

static void what_cannot_be_meant_is_refused_before_anything_is_sent(void)
{
    static const char *const URLS[] = {
        "", " ", "https://", "https://u:p@x.example", "ftp://x.example", "https://x.example/?q"};
    plextrac_error *err = NULL;
    plextrac_config *bad = NULL;
    plextrac_session *none = NULL;
    plextrac_request *post = NULL;

    for (size_t i = 0; i < sizeof URLS / sizeof *URLS; i++)
        FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_new(URLS[i], NTS, &bad, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_new("x\xff.example", NTS, &bad, &err));
    FAILS_SAYING(PLEXTRAC_INVALID_ARGUMENT, "port is not a number from 1 to 65535",
                 plextrac_config_new("https://x.example:99999", NTS, &bad, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_password(config, "", 0, "p", 1, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_password(config, "u", 1, NULL, 0, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_password(config, "u", 1, "p\0q", 3, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_totp_secret(config, "not base32!", NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_ca_file(config, "/nowhere/ca.pem", NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_ca_pem(config, "not PEM", NTS, &err));
    a_path_that_is_none_is_refused_before_the_system_sees_it(config);
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_config_set_header(config, "X-A", NTS, "1\r\nX-B: 2", NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_config_set_header(config, "Authorization", NTS, "x", NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_user_agent(config, "", 0, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_user_agent(config, "a\r\nX-B: 2", NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_client_certificate(
                                         config, CLIENT_CERTIFICATE, NTS, CLIENT_CERTIFICATE, NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_config_set_client_certificate(config, "not PEM", NTS, CLIENT_KEY, NTS, &err));
    OK(plextrac_config_set_client_certificate(config, CLIENT_CERTIFICATE, NTS, CLIENT_KEY, NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_session_with_timeout_ms(session, 0, &none, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_timeout_ms(config, 0, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_config_set_timeout_ms(config, UINT64_MAX, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT,
          plextrac_request_new("GET", NTS, "https://evil.example/", NTS, &post, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_request_new("G T", NTS, "/", NTS, &post, &err));

    OK(plextrac_config_new("http://far.example", NTS, &bad, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_session_new(bad, &none, &err));
    OK(plextrac_config_set_password(bad, "u", NTS, "p", NTS, &err));
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_session_new(bad, &none, &err));
    OK(plextrac_config_set_allow_http(bad, true, &err));
    OK(plextrac_session_new(bad, &none, &err));
    plextrac_session_free(none);
    plextrac_config_free(bad);
}

/* Polls to the end; the id of what is to be sent, or 0. */
static uint64_t drain(plextrac_machine *of, plextrac_time moment)
{
    plextrac_error *err = NULL;
    uint64_t id = 0;
    int32_t kind;
    do {
        plextrac_action *next = NULL;
        OK(plextrac_machine_poll(of, moment, &next, &err));
        kind = plextrac_action_kind(next);
        if (kind == PLEXTRAC_ACTION_SEND)
            id = plextrac_action_request_id(next);
        plextrac_action_free(next);
    } while (kind != PLEXTRAC_ACTION_IDLE && kind != PLEXTRAC_ACTION_WAIT
             && kind != PLEXTRAC_ACTION_NEED_MFA);
    return id;
}

static void no_time_is_too_absurd_for_a_machine(void)
{
    static const plextrac_time TIMES[] = {
        {0, INT64_MIN}, {UINT64_MAX, INT64_MAX}, {0, 0}, {UINT64_MAX, 0}, {1, -1}};
    static const char BODY[] = "{\"status\":\"success\",\"mfa_enabled\":true,\"code\":\"challenge\"}";
    enum { COUNT = sizeof TIMES / sizeof *TIMES };
    for (size_t made = 0; made < COUNT; made++) {
        plextrac_error *err = NULL;
        plextrac_machine *absurd = NULL;
        plextrac_config *its_config = config_with_mfa();
        OK(plextrac_config_set_totp_secret(its_config, env("PLEXTRAC_TOTP_SECRET"), NTS, &err));
        OK(plextrac_machine_new(its_config, TIMES[made], &absurd, &err));
        plextrac_config_free(its_config);
        for (size_t step = 0; step < 3 * COUNT; step++) {
            plextrac_time moment = TIMES[(made + step) % COUNT];
            OK(plextrac_machine_want_token(absurd, moment, &err));
            uint64_t id = drain(absurd, moment);
            if (id) {
                int32_t status = plextrac_machine_handle_response(absurd, id, 200, NULL, NULL, 0, BODY, NTS,
                                                                  TIMES[step % COUNT], NULL);
                /* Such a leap may have ended the wait for it. */
                CHECK(status == PLEXTRAC_OK || status == PLEXTRAC_STALE);
                drain(absurd, moment);
            }
        }
        plextrac_machine_free(absurd);
    }
}

int main(void)
{
    make_everything();
    null_is_named();
    null_is_nothing();
    out_parameters_are_emptied();
    an_unknown_number_is_refused();
    what_cannot_be_meant_is_refused_before_anything_is_sent();
    no_time_is_too_absurd_for_a_machine();
    free_everything();
    return 0;
}
