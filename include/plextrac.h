/**
 * @file plextrac.h
 * Signs programs in to PlexTrac, and keeps them signed in.
 *
 * Generated from the sources of the library by `cargo xtask generate`: do not edit.
 *
 * This page is the manual. Its rules apply to every function. The comment of a function adds what
 * is particular to it, under these words: Ownership, Threads, Errors, Blocks.
 *
 *
 * TWO LEVELS
 *
 * Level 1, plextrac_session, has its own HTTP and TLS. All threads of a program may use it. It
 * returns the Authorization header, or sends your requests. Most programs need only this level.
 * The first program below is complete.
 *
 * Level 2, plextrac_machine, makes the same decisions (when to refresh, what to wait for, what not
 * to send twice) and has no effects. You give it the time, and it returns what to send. Your HTTP
 * stack and your event loop send it. A machine has no threads, reads no clock and never blocks.
 * Several callers can wait for its token: plextrac_machine_need_token gives each an id, one attempt
 * serves them all, and a WAKE action has the id of a caller whose call is complete. A program with
 * one caller can use plextrac_machine_want_token instead and read the other actions.
 *
 *
 * OWNERSHIP
 *
 * You own each handle that a function creates. Free it with the free function of its type.
 * Arguments are copied or reference-counted: free yours at any time, in any order. Freeing NULL
 * does nothing. Use after free is not detected; it is undefined behaviour.
 *
 * A text argument is a pointer and a length in bytes. If the length is PLEXTRAC_NTS, a NUL ends the
 * text. (NULL, 0) is empty. Text must be UTF-8. The library copies it if it needs it after the call
 * returns. A returned text is a plextrac_str: a view into the handle, valid as long as the handle.
 * A NUL follows it, so `data` is also a C string.
 *
 * An out-parameter (`out`, and others that point to non-const data) is first set to NULL or 0. It
 * gets a value only on success. So a handle that starts as NULL can always be freed.
 *
 *
 * ERRORS
 *
 * A function that can fail returns a status: PLEXTRAC_OK (0), or another of the PLEXTRAC_ numbers
 * below. The last parameter, `err`, returns the details. It may be NULL. Otherwise it is set to an
 * error that you free, or to NULL. There is no other error state. Newer libraries may have more
 * numbers: treat an unknown number as final.
 *
 * If a pointer is NULL and must not be, the status is PLEXTRAC_INVALID_ARGUMENT, and the message
 * names the parameter. NULL is allowed for `err`, `cancel`, `userdata` and `free_fn`, and where a
 * comment says so. Functions without a status return 0, NULL or false instead.
 *
 * No error holds a password, a one-time code, a token, or anything else that was in a request.
 *
 * If memory runs out, the program is aborted.
 *
 * A bug in this library does not end your program. The call returns PLEXTRAC_PANIC (or 0, NULL,
 * false). After that, the handles of the call can only be freed. If the bug occurs during a
 * sign-in, all its waiters get this status, and the session stays usable.
 *
 *
 * THREADS
 *
 * A function that takes a const handle may be called from many threads at once. A function that
 * takes a handle without const needs exclusive access to it. So all threads may use a session or a
 * cancellation at once, and one thread at a time may use a machine or a configuration. Different
 * handles are independent. No call may use a handle while it is freed.
 *
 * Only functions with the word Blocks wait. A session waits in the calling thread. It starts
 * threads that sign in and refresh; they end by themselves. A call with `cancel` returns soon after
 * plextrac_cancel_trigger, wherever it is blocked. plextrac_session_close ends all calls.
 *
 * Callbacks run on any thread, with no lock held. `free_fn` frees `userdata` exactly once: when the
 * last configuration, session or request with the callback is freed, or when another callback
 * replaces it. That may happen on a thread of the library, and shortly after the session was freed:
 * its callbacks may run, or start to run, until the current sign-in or refresh has ended. A call
 * cannot be cancelled while it waits for a callback that reads or writes a body. A callback must
 * return: no longjmp, no exception. Do not end a thread inside a call, by pthread_cancel or
 * otherwise; use plextrac_cancel.
 *
 * After fork, a session, stream or cancellation from before the fork gives PLEXTRAC_FORKED in the
 * child (0 or false where there is no status). It can only be freed there. Its `free_fn` never runs
 * in the child. New ones work, even if other threads were inside the library during the fork.
 * Machines, configurations and budgets are plain memory, and the child has a copy of each. If
 * another thread was changing one during the fork, the child must not use it; a budget is always
 * usable. Requests from before the fork count in the child's budgets. After the fork, neither
 * process knows what the other sends. These rules apply to fork. They do not apply to _Fork or in a
 * signal handler. After vfork only exec is safe.
 *
 * Do not dlclose the library.
 *
 *
 * ONE PROGRAM: LEVEL 1
 *
 *     #include <plextrac.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         plextrac_config *config = NULL;
 *         plextrac_session *session = NULL;
 *         plextrac_request *request = NULL;
 *         plextrac_response *response = NULL;
 *         plextrac_error *err = NULL;
 *         int done = 0;
 *
 *         if (!plextrac_config_new("acme.plextrac.com", PLEXTRAC_NTS, &config, &err)
 *             && !plextrac_config_set_password(config, "me@acme.example", PLEXTRAC_NTS,
 *                                              "correct horse", PLEXTRAC_NTS, &err)
 *             && !plextrac_config_set_totp_secret(config, "GEZDGNBVGY3TQOJQ", PLEXTRAC_NTS, &err)
 *             && !plextrac_session_new(config, &session, &err)
 *             && !plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS,
 *                                      &request, &err)
 *             && !plextrac_session_request(session, request, NULL, &response, &err)) {
 *             printf("%d %s\n", plextrac_response_status(response),
 *                    plextrac_response_body(response).data);
 *             done = 1;
 *         } else {
 *             fprintf(stderr, "%s\n", plextrac_error_message(err).data);
 *         }
 *         plextrac_error_free(err);
 *         plextrac_response_free(response);
 *         plextrac_request_free(request);
 *         plextrac_session_free(session);
 *         plextrac_config_free(config);
 *         return done ? 0 : 1;
 *     }
 *
 *
 * ONE PROGRAM: LEVEL 2
 *
 * There is one rule: after each input, poll until the action is IDLE, WAIT or NEED_MFA. `transmit`
 * stands for your HTTP stack: it sends the request, and passes the answer or the failure to the
 * machine. examples/c/machine.c has one with libcurl. It also waits, and asks for one-time codes.
 *
 *     #include <plextrac.h>
 *     #include <stdio.h>
 *
 *     void transmit(const plextrac_action *action, plextrac_machine *machine);
 *
 *     static int drain(plextrac_machine *machine)
 *     {
 *         plextrac_action *action = NULL, *to_send = NULL;
 *         int kind = 0;
 *
 *         do {
 *             if (plextrac_machine_poll(machine, plextrac_time_now(), &action, NULL)) {
 *                 plextrac_action_free(to_send);
 *                 return 0;
 *             }
 *             kind = plextrac_action_kind(action);
 *             if (kind == PLEXTRAC_ACTION_SEND) {
 *                 to_send = action;
 *                 continue;
 *             }
 *             if (kind == PLEXTRAC_ACTION_FAILED)
 *                 fprintf(stderr, "%s\n", plextrac_action_reason(action).data);
 *             plextrac_action_free(action);
 *         } while (kind != PLEXTRAC_ACTION_IDLE && kind != PLEXTRAC_ACTION_WAIT
 *                  && kind != PLEXTRAC_ACTION_NEED_MFA);
 *         if (!to_send)
 *             return kind;
 *         transmit(to_send, machine);
 *         plextrac_action_free(to_send);
 *         return drain(machine);
 *     }
 *
 *     int main(void)
 *     {
 *         plextrac_config *config = NULL;
 *         plextrac_machine *machine = NULL;
 *         plextrac_secret *value = NULL;
 *         plextrac_error *err = NULL;
 *         int done = 0;
 *
 *         if (!plextrac_config_new("acme.plextrac.com", PLEXTRAC_NTS, &config, &err)
 *             && !plextrac_config_set_password(config, "me@acme.example", PLEXTRAC_NTS,
 *                                              "correct horse", PLEXTRAC_NTS, &err)
 *             && !plextrac_machine_new(config, plextrac_time_now(), &machine, &err)
 *             && !plextrac_machine_want_token(machine, plextrac_time_now(), &err)
 *             && drain(machine)
 *             && !plextrac_machine_authorization(machine, plextrac_time_now(), &value, &err)) {
 *             printf("signed in; %d bytes for the Authorization header\n",
 *                    (int)plextrac_secret_str(value).len);
 *             done = 1;
 *         } else {
 *             fprintf(stderr, "%s\n", err ? plextrac_error_message(err).data : "no token");
 *         }
 *         plextrac_error_free(err);
 *         plextrac_secret_free(value);
 *         plextrac_machine_free(machine);
 *         plextrac_config_free(config);
 *         return done ? 0 : 1;
 *     }
 */

#ifndef PLEXTRAC_H
#define PLEXTRAC_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In C89, clang takes bool for an extension. */
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
#endif

/** The length of a text that a NUL ends. */
#define PLEXTRAC_NTS SIZE_MAX


/**
 * Done.
 */
#define PLEXTRAC_OK 0

/**
 * Invalid argument. Nothing was changed.
 */
#define PLEXTRAC_INVALID_ARGUMENT 10

/**
 * The buffer is too small. The required length was set.
 */
#define PLEXTRAC_BUFFER_TOO_SMALL 11

/**
 * The call does not fit the state of the session or machine. Nothing was changed.
 */
#define PLEXTRAC_WRONG_STATE 12

/**
 * The machine's actions must first be polled to the end. Nothing was changed.
 */
#define PLEXTRAC_MUST_DRAIN 13

/**
 * No request with this id is outstanding. This is harmless. Nothing was changed.
 */
#define PLEXTRAC_STALE 14

/**
 * A callback called the session that waits for the callback.
 */
#define PLEXTRAC_BUSY 15

/**
 * Not available on this system.
 */
#define PLEXTRAC_UNSUPPORTED 16

/**
 * A callback of the program that reads or writes a body failed.
 */
#define PLEXTRAC_IO 17

/**
 * The session was closed.
 */
#define PLEXTRAC_CLOSED 30

/**
 * The session was created before a `fork`. Create a new one in the child.
 */
#define PLEXTRAC_FORKED 31

/**
 * A bug in this library was caught. The handles of the call can only be freed.
 */
#define PLEXTRAC_PANIC 32

/**
 * The caller cancelled the call.
 */
#define PLEXTRAC_CANCELLED 50

/**
 * The call reached its time limit.
 */
#define PLEXTRAC_TIMEOUT 51

/**
 * Nothing may be sent now. `plextrac_error_retry_after_ms` returns how long to wait.
 */
#define PLEXTRAC_MUST_WAIT 52

/**
 * The password was right. A one-time code is needed.
 */
#define PLEXTRAC_MFA_REQUIRED 70

/**
 * The server rejected the credentials, the one-time code or the refresh.
 */
#define PLEXTRAC_REJECTED 71

/**
 * There is no token yet.
 */
#define PLEXTRAC_NOT_READY 72

/**
 * The token has expired.
 */
#define PLEXTRAC_EXPIRED 73

/**
 * The server could not be reached, or the connection broke.
 */
#define PLEXTRAC_NETWORK 90

/**
 * The TLS handshake failed, or the certificate is not trusted.
 */
#define PLEXTRAC_TLS 91

/**
 * The answer is an HTML page, a redirect or the wrong JSON.
 */
#define PLEXTRAC_UNEXPECTED_ANSWER 92

/**
 * The answer exceeds the size limit.
 */
#define PLEXTRAC_TOO_LARGE 93

/**
 * The shared state is not safe to use, or a change could not be written for other processes.
 */
#define PLEXTRAC_STORE 110

/**
 * The major version that this header belongs to.
 */
#define PLEXTRAC_VERSION_MAJOR 0

/**
 * The minor version that this header belongs to.
 */
#define PLEXTRAC_VERSION_MINOR 1

/**
 * The patch that this header belongs to.
 */
#define PLEXTRAC_VERSION_PATCH 0

/**
 * The version as one number, MMmmpp: 1.2.3 is 10203.
 */
#define PLEXTRAC_VERSION_NUMBER 100

/**
 * The version of the binary interface: the number after `libplextrac.so.`.
 */
#define PLEXTRAC_ABI_VERSION 0

/**
 * The CAs of the system, and the given ones. The default.
 */
#define PLEXTRAC_ROOTS_SYSTEM 1

/**
 * Only the given CAs.
 */
#define PLEXTRAC_ROOTS_ONLY_GIVEN 2

/**
 * `Authorization: TOKEN`, as PlexTrac's own programs send it. The default.
 */
#define PLEXTRAC_SCHEME_RAW 1

/**
 * `Authorization: Bearer TOKEN`.
 */
#define PLEXTRAC_SCHEME_BEARER 2

/**
 * A person must act: the credentials were rejected and are not sent again.
 */
#define PLEXTRAC_LOG_ERROR 1

/**
 * An attempt to get a token failed, or the server's clock is far from this machine's.
 */
#define PLEXTRAC_LOG_WARN 2

/**
 * A sign-in or sign-out, an expired token, a wait.
 */
#define PLEXTRAC_LOG_INFO 3

/**
 * Frequent events: a refresh, a token that came from another session.
 */
#define PLEXTRAC_LOG_DEBUG 4

/**
 * There is no token and no request.
 */
#define PLEXTRAC_STATE_SIGNED_OUT 1

/**
 * A request for a token was sent, and there is no usable token.
 */
#define PLEXTRAC_STATE_SIGNING_IN 2

/**
 * A one-time code is needed.
 */
#define PLEXTRAC_STATE_MFA_NEEDED 3

/**
 * There is a usable token.
 */
#define PLEXTRAC_STATE_ACTIVE 4

/**
 * There is a usable token, and a refresh was sent.
 */
#define PLEXTRAC_STATE_REFRESHING 5

/**
 * A token is wanted, and nothing may be sent now.
 */
#define PLEXTRAC_STATE_WAITING 6

/**
 * The credentials were rejected and are not sent again.
 */
#define PLEXTRAC_STATE_LATCHED 7

/**
 * The session was closed.
 */
#define PLEXTRAC_STATE_CLOSED 8

/**
 * The length of the body is not known. It is sent in chunks.
 */
#define PLEXTRAC_LENGTH_UNKNOWN UINT64_MAX

/**
 * There was no answer in time.
 */
#define PLEXTRAC_FAILURE_TIMEOUT 1

/**
 * There was no connection: name resolution, refusal, proxy.
 */
#define PLEXTRAC_FAILURE_CONNECT 2

/**
 * The TLS handshake failed.
 */
#define PLEXTRAC_FAILURE_TLS 3

/**
 * The program cancelled the request.
 */
#define PLEXTRAC_FAILURE_CANCELLED 4

/**
 * Any other failure.
 */
#define PLEXTRAC_FAILURE_OTHER 5

/**
 * Nothing to do until the next input. The last of a drain.
 */
#define PLEXTRAC_ACTION_IDLE 1

/**
 * Send this request now. Pass its answer or its failure to the machine under its id.
 */
#define PLEXTRAC_ACTION_SEND 2

/**
 * Pass a one-time code with `plextrac_machine_submit_mfa`. The last of a drain.
 */
#define PLEXTRAC_ACTION_NEED_MFA 3

/**
 * Nothing to do until the deadline or the next input. The last of a drain.
 */
#define PLEXTRAC_ACTION_WAIT 4

/**
 * A sign-in brought a token.
 */
#define PLEXTRAC_ACTION_SIGNED_IN 5

/**
 * A new token replaced the old one.
 */
#define PLEXTRAC_ACTION_TOKEN_REPLACED 6

/**
 * The token has expired. The next want signs in.
 */
#define PLEXTRAC_ACTION_SIGNED_OUT 7

/**
 * The want ended without a new token. There may still be a usable one.
 */
#define PLEXTRAC_ACTION_FAILED 8

/**
 * The call of a caller from `plextrac_machine_need_token` is complete. Without an error there is a
 * usable token. Only programs that call that function get this action.
 */
#define PLEXTRAC_ACTION_WAKE 9

/**
 * One output of a machine: something to do, or a report. It owns its data and may outlive its
 * machine.
 */
typedef struct plextrac_action plextrac_action;

/**
 * The authentication requests a minute that all machines of one instance may send together. It has
 * its own lock.
 */
typedef struct plextrac_budget plextrac_budget;

/**
 * Cancels the calls that it is passed to. It stays triggered: later calls end at once.
 */
typedef struct plextrac_cancel plextrac_cancel;

/**
 * Settings. Every setter checks its arguments and copies them. After an error the configuration is
 * unchanged. Sessions and machines copy what they need, so you can change, reuse and free a
 * configuration at any time.
 */
typedef struct plextrac_config plextrac_config;

/**
 * What happened, to what, and what to do next. Holds nothing that was in a request.
 */
typedef struct plextrac_error plextrac_error;

/**
 * Makes all decisions about one account on one instance. It has no clock, no threads and no
 * network, and it never blocks.
 */
typedef struct plextrac_machine plextrac_machine;

/**
 * Takes the answer of an MFA callback. Valid while the callback runs.
 */
typedef struct plextrac_mfa_reply plextrac_mfa_reply;

/**
 * A request to the instance of a session. It is authorized when it is sent, and can be sent any
 * number of times, unless its body can be read once only.
 */
typedef struct plextrac_request plextrac_request;

/**
 * The answer of the server. It may have any HTTP status.
 */
typedef struct plextrac_response plextrac_response;

/**
 * A header or cookie value. It is wiped when it is freed. If you copy it, wipe your copy.
 */
typedef struct plextrac_secret plextrac_secret;

/**
 * One account on one instance, for all threads of the program. It signs in when a token is needed,
 * and refreshes the token while it is used.
 */
typedef struct plextrac_session plextrac_session;

/**
 * A response whose body is read in parts. It keeps the session open and its connection busy.
 */
typedef struct plextrac_stream plextrac_stream;

/**
 * Text or bytes that belong to the library: a view into a handle. A NUL follows the last byte and
 * does not count. `data` is NULL only if there was no handle or no value.
 */
typedef struct {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * The number of bytes, without the NUL that follows.
   */
  size_t len;
} plextrac_str;

/**
 * The time of two clocks at one moment.
 */
typedef struct {
  /**
   * Milliseconds since an arbitrary start. It must never go back, and must continue while the
   * computer sleeps (`CLOCK_BOOTTIME` on Linux). It measures lives and waits.
   */
  uint64_t monotonic_ms;
  /**
   * Milliseconds since 1970-01-01 UTC. It may be wrong: it is compared with the server's clock.
   * It selects the one-time code.
   */
  int64_t unix_ms;
} plextrac_time;

/**
 * Asks for a one-time code. Puts it into `reply` and returns 0, or returns another number to give
 * up. `attempt` is 1, or 2 after a wrong code. There is no third. The callback may take as long as
 * a person needs: no timeout counts this time, and no lock is held. It must not throw, `longjmp`
 * or end the thread. A call on its own session that would wait for the callback returns
 * `PLEXTRAC_BUSY`. Other calls are allowed.
 */
typedef int32_t (*plextrac_mfa_fn)(void *userdata, uint32_t attempt, plextrac_mfa_reply *reply);

/**
 * Frees the `userdata` of a callback. Runs exactly once, on the thread that drops the last
 * configuration, session or request that holds the callback. A sign-in that is out holds it for
 * longer than until `plextrac_session_free` returns, and a callback that runs then is waited for.
 * Must not call back into that session. In the child of a `fork` it does not run for what a session
 * holds.
 */
typedef void (*plextrac_free_fn)(void *userdata);

/**
 * Logs one line. Both texts are valid during the call, and a NUL follows them. It must not throw,
 * `longjmp` or end the thread. No lock is held. It may call any function, but a call that waits for
 * a sign-in may delay others.
 */
typedef void (*plextrac_log_fn)(void *userdata,
                                int32_t level,
                                const char *target,
                                size_t target_len,
                                const char *message,
                                size_t message_len);

/**
 * Reads the next part of a body into `buf`, which has room for `cap` bytes (never 0), and returns
 * how many bytes it read: 0 at the end, a negative number if it fails. It must not throw, `longjmp`
 * or end the thread. No lock is held; a cancellation does not interrupt it.
 */
typedef int64_t (*plextrac_read_fn)(void *userdata, char *buf, size_t cap);

/**
 * Goes back to the start of a body, so that it can be read again. Returns 0, or anything else if
 * that fails.
 */
typedef int32_t (*plextrac_rewind_fn)(void *userdata);

/**
 * Takes the next part of a body. `response` has the status and the headers, and is valid during
 * the call. Returns 0, or another number to give up. It must not throw, `longjmp` or end the
 * thread. No lock is held; a cancellation does not interrupt it.
 */
typedef int32_t (*plextrac_write_fn)(void *userdata,
                                     const plextrac_response *response,
                                     const char *bytes,
                                     size_t len);

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * The status that the call returned.
 */
int32_t plextrac_error_status(const plextrac_error *error);

/**
 * The message, in English. Valid as long as the error.
 */
plextrac_str plextrac_error_message(const plextrac_error *error);

/**
 * The HTTP status of the answer that caused the error. False if there was none.
 */
bool plextrac_error_http_status(const plextrac_error *error, uint16_t *out);

/**
 * How many milliseconds to wait before another attempt, counted from the return of the call. False
 * if that is not known.
 */
bool plextrac_error_retry_after_ms(const plextrac_error *error, uint64_t *out);

/**
 * Whether the same call may succeed later without a change.
 */
bool plextrac_error_is_retryable(const plextrac_error *error);

/**
 * Frees an error.
 */
void plextrac_error_free(plextrac_error *error);

/**
 * The secret itself. Valid as long as the handle.
 */
plextrac_str plextrac_secret_str(const plextrac_secret *secret);

/**
 * Wipes and frees a secret.
 */
void plextrac_secret_free(plextrac_secret *secret);

/**
 * The name of a status without its prefix, such as "MUST_WAIT". "UNKNOWN" for other numbers. Valid
 * for ever.
 */
plextrac_str plextrac_status_name(int32_t status);

/**
 * The current time of the system's clocks. A program with its own clocks, or a test, fills in the
 * structure itself.
 */
plextrac_time plextrac_time_now(void);

/**
 * The version of the loaded library, MMmmpp. Compare it with
 * `PLEXTRAC_VERSION_NUMBER`.
 */
uint32_t plextrac_version_number(void);

/**
 * The version of the binary interface of the loaded library. Programs built with another one do not
 * work.
 */
uint32_t plextrac_abi_version(void);

/**
 * The version of the loaded library, as text such as "1.2.3". Valid for ever.
 */
plextrac_str plextrac_version(void);

/**
 * Makes a budget for all machines of one instance: for all accounts and all event loops.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if `per_minute` is not 2 to 60. An instance accepts 10 from
 * all clients together; 6 is a good share.
 */
int32_t plextrac_budget_new(uint32_t per_minute, plextrac_budget **out, plextrac_error **err);

/**
 * Frees the handle. Configurations and machines that have the budget keep it.
 */
void plextrac_budget_free(plextrac_budget *budget);

/**
 * Makes a cancellation that is not triggered. Any number of calls may use it, also at the same
 * time.
 * Errors: `PLEXTRAC_UNSUPPORTED` if the system does not report forks.
 */
int32_t plextrac_cancel_new(plextrac_cancel **out, plextrac_error **err);

/**
 * Ends current and later calls that use it with `PLEXTRAC_CANCELLED`. A sign-in or refresh for
 * which other callers wait continues. NULL does nothing. A cancellation from before a `fork` does
 * nothing in the child.
 * Threads: any, also while calls are blocked. Not in a signal handler.
 */
void plextrac_cancel_trigger(const plextrac_cancel *cancel);

/**
 * Frees it.
 * Threads: not before the calls that use it have returned.
 */
void plextrac_cancel_free(plextrac_cancel *cancel);

/**
 * Makes settings for the instance at `url`, which may have no scheme, a final slash, or `/api/v1`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` without a host, with user information, or with a scheme that
 * is not http or https; `PLEXTRAC_UNSUPPORTED` if the system does not report forks.
 */
int32_t plextrac_config_new(const char *url,
                            size_t url_len,
                            plextrac_config **out,
                            plextrac_error **err);

/**
 * The base URL of the instance, made from `url`, without a final slash. The path of a request
 * follows it. Valid as long as the configuration.
 */
plextrac_str plextrac_config_base_url(const plextrac_config *config);

/**
 * Sets the user name (usually an e-mail address) and the password.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if one is empty, over 1024 bytes, or has a control character
 * (perhaps the line end that was read with it).
 */
int32_t plextrac_config_set_password(plextrac_config *config,
                                     const char *user,
                                     size_t user_len,
                                     const char *password,
                                     size_t password_len,
                                     plextrac_error **err);

/**
 * Imports a token from elsewhere, with or without `Bearer ` before it. It is refreshed at its
 * first use. If there is also a password, the session signs in when the token has expired.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is empty, over 16 KiB, or not valid in a header.
 */
int32_t plextrac_config_set_token(plextrac_config *config,
                                  const char *token,
                                  size_t token_len,
                                  plextrac_error **err);

/**
 * Sets the TOTP secret of the account, as base32 or as an `otpauth://totp/` URI. The library then
 * computes the one-time codes. Replaces a callback.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is neither, or has fewer than 80 bits.
 */
int32_t plextrac_config_set_totp_secret(plextrac_config *config,
                                        const char *secret,
                                        size_t secret_len,
                                        plextrac_error **err);

/**
 * Sets a callback that asks for one-time codes. Replaces a TOTP secret and an earlier callback. A
 * machine never calls it. For a machine it means that the program asks for the code at NEED_MFA,
 * so callers wait for it.
 * Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`; after an error
 * the program still owns it.
 * Threads: the callback runs on a thread of the library. With several sessions it may run on
 * several threads at once.
 */
int32_t plextrac_config_set_mfa_callback(plextrac_config *config,
                                         plextrac_mfa_fn callback,
                                         void *userdata,
                                         plextrac_free_fn free_fn,
                                         plextrac_error **err);

/**
 * Trusts the certificates in a PEM file as well. The file is read now.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it cannot be read or has no certificate, or if the path
 * contains a NUL or has over 4096 bytes.
 * Blocks: on the file.
 */
int32_t plextrac_config_set_ca_file(plextrac_config *config,
                                    const char *path,
                                    size_t path_len,
                                    plextrac_error **err);

/**
 * Trusts the certificates in a PEM text as well.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it has no certificate.
 */
int32_t plextrac_config_set_ca_pem(plextrac_config *config,
                                   const char *pem,
                                   size_t pem_len,
                                   plextrac_error **err);

/**
 * Which CAs to trust besides the given certificates: one of `PLEXTRAC_ROOTS_...`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for any other number.
 */
int32_t plextrac_config_set_roots(plextrac_config *config, int32_t roots, plextrac_error **err);

/**
 * Sets the client certificate for servers and proxies that require one. `chain` is the
 * certificate, followed by the intermediate CAs. `key` is its unencrypted private key (PKCS#8,
 * PKCS#1 or SEC1). Both are PEM texts.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if they are damaged, or do not belong together.
 */
int32_t plextrac_config_set_client_certificate(plextrac_config *config,
                                               const char *chain,
                                               size_t chain_len,
                                               const char *key,
                                               size_t key_len,
                                               plextrac_error **err);

/**
 * Sets the `User-Agent` of all requests, including sign-in and proxy. The default names this
 * library and its version. A request's own `User-Agent` header has precedence. The actions of a
 * machine have the header only if it was set.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is empty, or not valid in a header.
 */
int32_t plextrac_config_set_user_agent(plextrac_config *config,
                                       const char *user_agent,
                                       size_t user_agent_len,
                                       plextrac_error **err);

/**
 * Sends a header with every request, including sign-in, for a gateway in front of the instance.
 * The value is treated as a secret. A second value for a name replaces the first. For `User-Agent`
 * this is the same as `plextrac_config_set_user_agent`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not valid in a header, and for names that HTTP or
 * this library sets.
 */
int32_t plextrac_config_set_header(plextrac_config *config,
                                   const char *name,
                                   size_t name_len,
                                   const char *value,
                                   size_t value_len,
                                   plextrac_error **err);

/**
 * Uses the proxy `http://host:port`, or no proxy if `url` is empty. By default the environment
 * decides, by curl's rules, except that `http://` to this machine never uses a proxy.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for an invalid URL or an unsupported kind of proxy.
 */
int32_t plextrac_config_set_proxy(plextrac_config *config,
                                  const char *url,
                                  size_t url_len,
                                  plextrac_error **err);

/**
 * Authorization scheme: one of `PLEXTRAC_SCHEME_...`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for any other number.
 */
int32_t plextrac_config_set_auth_scheme(plextrac_config *config,
                                        int32_t scheme,
                                        plextrac_error **err);

/**
 * Shares sessions with other processes of this user through a directory, which is created if it
 * does not exist. `(NULL, 0)`, the default: nothing is shared, and sessions are in memory. Then
 * processes do not know each other's rejected passwords and requests: neither the limit of ten
 * authentication requests a minute nor the lockout holds for all processes together. Sessions of
 * one user share a token. Sessions that import the same token share its refreshed tokens among
 * themselves. Machines share nothing.
 * Errors: `PLEXTRAC_STORE` if other users can read or change it, or it cannot be created;
 * `PLEXTRAC_INVALID_ARGUMENT` for "" with `PLEXTRAC_NTS`, which is probably an unset variable, and
 * for a path that contains a NUL or has over 4096 bytes.
 * Blocks: on the file system.
 */
int32_t plextrac_config_set_state_dir(plextrac_config *config,
                                      const char *path,
                                      size_t path_len,
                                      plextrac_error **err);

/**
 * Shares sessions with other machines on a Redis or Valkey server, instead of a state directory.
 * `url` is `redis://`, `rediss://` (TLS), `valkey://`, `valkeys://` or `redis+sentinel://`, such as
 * `rediss://USER@HOST/0?password-file=/FILE`. `key` is the key of the store in base64, as
 * `plextrac-auth store-key` makes it; records are sealed under it. `url` as `(NULL, 0)`: nothing is
 * shared; the default. While the server cannot be used, no sign-in and no refresh is sent. A live
 * token is used to its end. Machines share nothing. docs/fleet.md is the manual.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` names the part of the URL, the file or the key that is wrong,
 * and repeats nothing of it; `PLEXTRAC_UNSUPPORTED` if the library was built without the feature
 * `redis`.
 * Blocks: on files that the URL names. The server is asked when a session is made.
 */
int32_t plextrac_config_set_store(plextrac_config *config,
                                  const char *url,
                                  size_t url_len,
                                  const char *key,
                                  size_t key_len,
                                  plextrac_error **err);

/**
 * Sets the time limit of a call, from entry to return. Time in which a person types does not
 * count. For a machine, it is the time limit of an answer. Default 30000.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0, and for over an hour.
 */
int32_t plextrac_config_set_timeout_ms(plextrac_config *config, uint64_t ms, plextrac_error **err);

/**
 * Sets how long a call may wait for the budget or a back-off. If it would take longer, the call
 * returns `PLEXTRAC_MUST_WAIT` at once. Default 0.
 */
int32_t plextrac_config_set_wait_ms(plextrac_config *config, uint64_t ms, plextrac_error **err);

/**
 * Keeps a session alive while the program does nothing: for this long from `plextrac_session_new`
 * on, its token is refreshed in the background when half of its life is over. 0, the default,
 * refreshes when a call needs the token. Nothing is sent before the first call that needs a
 * token. The session signs in by itself only where no person is needed: without MFA, or with a
 * TOTP secret. Otherwise it is kept alive again from the next sign-in on. Of several sessions
 * that share an account in a state directory, one does the work. The log says when keeping begins
 * and ends. A machine ignores this.
 */
int32_t plextrac_config_set_keep_alive_ms(plextrac_config *config,
                                          uint64_t ms,
                                          plextrac_error **err);

/**
 * Sets the longest body of an answer to `plextrac_session_request`, in bytes. The body is read
 * into memory. A longer one gives `PLEXTRAC_TOO_LARGE`. Default 64 MiB.
 */
int32_t plextrac_config_set_response_limit(plextrac_config *config,
                                           uint64_t bytes,
                                           plextrac_error **err);

/**
 * Sets the authentication requests a minute on the instance, for all sessions of this process
 * together. For a machine without `plextrac_config_set_budget`, it is the machine's own limit.
 * Default 6, of the 10 that an instance accepts from all clients. If sessions differ, the lowest
 * number counts.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not 2 to 60.
 */
int32_t plextrac_config_set_auth_budget(plextrac_config *config,
                                        uint32_t per_minute,
                                        plextrac_error **err);

/**
 * Sets the budget for machines made from this configuration. Use one budget for all machines of an
 * instance, for all accounts. Sessions do not use it; they have a shared one.
 * Ownership: you may free `budget`; it stays valid while anything uses it.
 */
int32_t plextrac_config_set_budget(plextrac_config *config,
                                   const plextrac_budget *budget,
                                   plextrac_error **err);

/**
 * Allows `http://` to hosts other than this machine. Others in the network can then read
 * everything, including the password.
 */
int32_t plextrac_config_set_allow_http(plextrac_config *config, bool allow, plextrac_error **err);

/**
 * Accepts any certificate. Others in the network can then read the password. Use it only for tests
 * against a local machine.
 */
int32_t plextrac_config_set_danger_accept_invalid_certs(plextrac_config *config,
                                                        bool accept,
                                                        plextrac_error **err);

/**
 * Sets a callback that logs events of sessions made from this configuration, from
 * `PLEXTRAC_LOG_ERROR` to `level`. No line contains a secret. Replaces an earlier callback.
 * Machines do not log: their actions report events.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if `level` is none of `PLEXTRAC_LOG_...`.
 * Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`; after an error
 * the program still owns it.
 * Threads: the callback runs on any thread, and may run on several at once.
 */
int32_t plextrac_config_set_log_callback(plextrac_config *config,
                                         plextrac_log_fn callback,
                                         int32_t level,
                                         void *userdata,
                                         plextrac_free_fn free_fn,
                                         plextrac_error **err);

/**
 * Frees a configuration.
 */
void plextrac_config_free(plextrac_config *config);

/**
 * Sets the one-time code. It is copied, and can be set again.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not six digits (blanks between them are allowed):
 * ask again. There is no detail.
 * Threads: inside the callback, on its thread.
 */
int32_t plextrac_mfa_reply_set_code(plextrac_mfa_reply *reply, const char *code, size_t code_len);

/**
 * Makes a session. Nothing is sent until a token is needed.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if there are no credentials, or the URL is `http://` and
 * that is not allowed; `PLEXTRAC_STORE` if other users can read or change the state directory;
 * `PLEXTRAC_UNSUPPORTED` if the system gives no random bytes.
 * Blocks: with a state directory, on the file system, and up to 5 s while another process creates
 * its key.
 */
int32_t plextrac_session_new(const plextrac_config *config,
                             plextrac_session **out,
                             plextrac_error **err);

/**
 * Makes another handle of the same session, whose calls have their own time limit. `UINT64_MAX` is
 * no limit.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0.
 * Ownership: free each handle. Closing one closes the session for all.
 */
int32_t plextrac_session_with_timeout_ms(const plextrac_session *session,
                                         uint64_t ms,
                                         plextrac_session **out,
                                         plextrac_error **err);

/**
 * The base URL of the instance, without a final slash. The path of a request follows it. Valid as
 * long as the handle.
 */
plextrac_str plextrac_session_base_url(const plextrac_session *session);

/**
 * Signs in if there is no usable token. If there is one, it sends nothing. The other functions do
 * this by themselves.
 * Errors: `PLEXTRAC_MFA_REQUIRED`: call `plextrac_session_submit_mfa` within two minutes. Until
 * then, other calls return the same and send nothing. `PLEXTRAC_REJECTED`: this session, and
 * others that share its state directory, do not send this password again until it changes or
 * `plextrac_session_forget_rejection` is called. A 401, 403 or 423 that is not HTML counts as a
 * rejection: if the message names a gateway, check the gateway. `PLEXTRAC_MUST_WAIT`, `_BUSY`,
 * `_CLOSED`, `_CANCELLED`, `_TIMEOUT` (the attempt continues, and its result is kept), `_NETWORK`
 * (also if no thread could be started), `_TLS`, `_UNEXPECTED_ANSWER`, `_TOO_LARGE`; `_EXPIRED` if
 * an imported token has expired and there is no password; `_NOT_READY` if another caller dropped
 * the new token meanwhile: call again.
 * Blocks: up to the timeout, plus the time in which a person is asked.
 */
int32_t plextrac_session_login(const plextrac_session *session,
                               const plextrac_cancel *cancel,
                               plextrac_error **err);

/**
 * Sends a one-time code after `PLEXTRAC_MFA_REQUIRED`, and waits for the token.
 * Errors: as `plextrac_session_login`; `PLEXTRAC_INVALID_ARGUMENT` if it is not six digits, or was
 * sent before; `PLEXTRAC_WRONG_STATE` if no code is needed; `PLEXTRAC_REJECTED` if it is wrong:
 * the next sign-in starts with the password.
 * Blocks: up to the timeout.
 */
int32_t plextrac_session_submit_mfa(const plextrac_session *session,
                                    const char *code,
                                    size_t code_len,
                                    const plextrac_cancel *cancel,
                                    plextrac_error **err);

/**
 * The value for the `Authorization` header of your own request. Signs in or refreshes if needed.
 * Errors: as `plextrac_session_login`.
 * Blocks: not with a live token; otherwise as `plextrac_session_login`.
 */
int32_t plextrac_session_authorization(const plextrac_session *session,
                                       const plextrac_cancel *cancel,
                                       plextrac_secret **out,
                                       plextrac_error **err);

/**
 * Copies the same value into `buf`, which has `cap` bytes. This is the fast path: it does not
 * allocate. `*len` is the length of the value. A NUL follows it if there is room. `(NULL, 0)`
 * returns only the length.
 * Errors: `PLEXTRAC_BUFFER_TOO_SMALL` sets `*len` to the required length (the NUL needs one more);
 * the next token may be longer. Otherwise as `plextrac_session_login`.
 * Blocks: not with a live token; otherwise as `plextrac_session_login`.
 */
int32_t plextrac_session_copy_authorization(const plextrac_session *session,
                                            char *buf,
                                            size_t cap,
                                            size_t *len,
                                            const plextrac_cancel *cancel,
                                            plextrac_error **err);

/**
 * The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` needs instead of
 * `Authorization`. Signs in or refreshes if needed.
 * Errors: as `plextrac_session_login`; `PLEXTRAC_UNSUPPORTED` if the token came without one.
 * Blocks: not with a live token and its cookie; otherwise as `plextrac_session_login`.
 */
int32_t plextrac_session_cookie(const plextrac_session *session,
                                const plextrac_cancel *cancel,
                                plextrac_secret **out,
                                plextrac_error **err);

/**
 * Reports that your own request, with `rejected` as its `Authorization`, was answered with 401.
 * Only this token is dropped. If `*retry` is true: get the authorization again, and send the
 * request once more. If it is false: a new token was already tried, and the 401 is the answer.
 * Errors: `PLEXTRAC_CLOSED`.
 */
int32_t plextrac_session_report_unauthorized_retry(const plextrac_session *session,
                                                   const char *rejected,
                                                   size_t rejected_len,
                                                   bool *retry,
                                                   plextrac_error **err);

/**
 * The same without `*retry`. If the authorization is the same value again, a new token was already
 * tried, and the 401 is the answer.
 * Errors: `PLEXTRAC_CLOSED`.
 */
int32_t plextrac_session_report_unauthorized(const plextrac_session *session,
                                             const char *rejected,
                                             size_t rejected_len,
                                             plextrac_error **err);

/**
 * Sends a request with the session's token. After a 401 it gets one new token and sends the
 * request once more. Redirects are not followed. `GET /api/v1/uploads/...` is sent with the cookie
 * and without `Authorization`.
 * Errors: an answer with any status is a response and not an error. As `plextrac_session_login`
 * for the token; `PLEXTRAC_TIMEOUT`, `_CANCELLED`, `_CLOSED`, `_NETWORK`, `_TLS`, `_TOO_LARGE`
 * (see `plextrac_config_set_response_limit`) for the request; `PLEXTRAC_UNSUPPORTED` for uploads
 * if the token came without a cookie.
 * Blocks: up to the timeout, plus the time in which a person is asked. With
 * `plextrac_request_set_body_reader` the timeout is for progress.
 */
int32_t plextrac_session_request(const plextrac_session *session,
                                 const plextrac_request *request,
                                 const plextrac_cancel *cancel,
                                 plextrac_response **out,
                                 plextrac_error **err);

/**
 * Gets a new token now, even if the current one is live.
 * Errors: as `plextrac_session_login`; the current token stays.
 * Blocks: as `plextrac_session_login`.
 */
int32_t plextrac_session_refresh(const plextrac_session *session,
                                 const plextrac_cancel *cancel,
                                 plextrac_error **err);

/**
 * The state of the session: one of `PLEXTRAC_STATE_...`. It is ACTIVE or REFRESHING exactly while
 * a token is usable. 0 for NULL.
 */
int32_t plextrac_session_state(const plextrac_session *session);

/**
 * How many milliseconds the token lives. False if there is no usable token.
 */
bool plextrac_session_expires_in_ms(const plextrac_session *session, uint64_t *out);

/**
 * The tenant of the current token. False if there is no token or the server named no tenant. 0 is
 * a tenant.
 */
bool plextrac_session_tenant_id(const plextrac_session *session, int64_t *out);

/**
 * Allows rejected credentials to be sent again. Repeated failures lock accounts.
 * Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
 * directory `PLEXTRAC_TIMEOUT` if another process keeps a lock for too long;
 * `PLEXTRAC_STORE` if this session forgets it, but it could not be written for other sessions.
 * Blocks: with a state directory, on the file system, up to the timeout; `plextrac_session_close`
 * ends that.
 */
int32_t plextrac_session_forget_rejection(const plextrac_session *session, plextrac_error **err);

/**
 * Ends the session. Every current and every later call returns `PLEXTRAC_CLOSED`. Closing again
 * does nothing.
 * Threads: any, also while other threads are inside a call. Use it to end those calls before you
 * free the session.
 * Blocks: at most a second, for an authentication request that was sent.
 */
int32_t plextrac_session_close(const plextrac_session *session, plextrac_error **err);

/**
 * Forgets the token. PlexTrac has no call for this: the token itself stays valid until it expires.
 * The budget, rejected credentials and used one-time codes are still remembered.
 * Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
 * directory `PLEXTRAC_TIMEOUT` if another process keeps a lock for too long;
 * `PLEXTRAC_STORE` if this session is signed out, but others can still find the token.
 * Blocks: as `plextrac_session_forget_rejection`.
 */
int32_t plextrac_session_logout(const plextrac_session *session, plextrac_error **err);

/**
 * Frees a handle of a session. Freeing the last handle closes the session.
 * Ownership: a current sign-in or refresh may end after this returns. Until then its callbacks may
 * run, or start to run. `free_fn` runs once, after the last of them; see also `plextrac_free_fn`.
 * Threads: not before every call on it has returned; `plextrac_session_close` makes them return.
 * Blocks: as `plextrac_session_close`. In a child after `fork` it returns at once and does not
 * change the memory.
 */
void plextrac_session_free(plextrac_session *session);

/**
 * A request for `path`, which starts with a slash and may have a query; it follows the URL of the
 * instance.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for an absolute URL (a token goes to no other host), a path
 * that must be percent-encoded first, or an invalid method.
 */
int32_t plextrac_request_new(const char *method,
                             size_t method_len,
                             const char *path,
                             size_t path_len,
                             plextrac_request **out,
                             plextrac_error **err);

/**
 * Adds a header.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not valid in a header, for `Authorization` and
 * `Cookie`, and for headers that frame a message.
 */
int32_t plextrac_request_add_header(plextrac_request *request,
                                    const char *name,
                                    size_t name_len,
                                    const char *value,
                                    size_t value_len,
                                    plextrac_error **err);

/**
 * Sends bytes that are already JSON, with `Content-Type: application/json`. Without that header
 * PlexTrac ignores the body. The bytes are copied and not checked.
 */
int32_t plextrac_request_set_json(plextrac_request *request,
                                  const char *json,
                                  size_t json_len,
                                  plextrac_error **err);

/**
 * Sends bytes as they are, under the media type `content_type`. They are copied.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type is not valid in a header.
 */
int32_t plextrac_request_set_body(plextrac_request *request,
                                  const char *content_type,
                                  size_t content_type_len,
                                  const char *body,
                                  size_t body_len,
                                  plextrac_error **err);

/**
 * Sends the bytes that `read` returns as the body, with the media type `content_type`. The body is
 * not held in memory. The timeout of the call is for progress: the call fails if no byte moves for
 * that time, and may take any time in total. With `length`, exactly that many bytes are read. With
 * `PLEXTRAC_LENGTH_UNKNOWN`, all bytes until the end.
 * `rewind` may be NULL. Then the request can be sent once, and after a 401 it is not sent again:
 * the 401 is the response, and the next request has a new token.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type is not valid in a header. The call that
 * sends the request fails with `PLEXTRAC_IO` if a callback fails, the body ends before `length`, or
 * another call is sending it; with `PLEXTRAC_INVALID_ARGUMENT` if it was read before and cannot be
 * rewound.
 * Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`, when the request
 * is freed or gets another body; after an error the program still owns it.
 * Threads: the callbacks run on the thread that makes the call. One call at a time can send it.
 */
int32_t plextrac_request_set_body_reader(plextrac_request *request,
                                         const char *content_type,
                                         size_t content_type_len,
                                         uint64_t length,
                                         plextrac_read_fn read,
                                         plextrac_rewind_fn rewind,
                                         void *userdata,
                                         plextrac_free_fn free_fn,
                                         plextrac_error **err);

/**
 * Frees a request.
 */
void plextrac_request_free(plextrac_request *request);

/**
 * The HTTP status; 0 for NULL.
 */
uint16_t plextrac_response_status(const plextrac_response *response);

/**
 * The body, byte for byte. It may contain NULs. Valid as long as the response.
 */
plextrac_str plextrac_response_body(const plextrac_response *response);

/**
 * The number of header lines.
 */
size_t plextrac_response_header_count(const plextrac_response *response);

/**
 * Header line `i`, counted from 0, its name in lower case. False if there are fewer. Valid as long
 * as the response.
 */
bool plextrac_response_header(const plextrac_response *response,
                              size_t i,
                              plextrac_str *name,
                              plextrac_str *value);

/**
 * The value of the first header line of that name, in upper or lower case; false if there is none.
 * Valid as long as the response.
 */
bool plextrac_response_header_by_name(const plextrac_response *response,
                                      const char *name,
                                      size_t name_len,
                                      plextrac_str *value);

/**
 * Wipes and frees a response.
 */
void plextrac_response_free(plextrac_response *response);

/**
 * Like `plextrac_session_request`, but passes the body of a 2xx answer to `write` in parts. The
 * body is not held in memory, and `*out` has no body. The body of any other answer is in `*out`.
 * The timeout is for progress: the call fails if no byte moves for that time, and may take any
 * time in total.
 * Errors: as `plextrac_session_request`; `PLEXTRAC_IO` if `write` gives up. After an error `write`
 * may have received a part of the body.
 * Threads: `write` runs on the thread that makes the call.
 * Blocks: while bytes move, up to the timeout if none do, plus the time in which a person is
 * asked.
 */
int32_t plextrac_session_download(const plextrac_session *session,
                                  const plextrac_request *request,
                                  plextrac_write_fn write,
                                  void *userdata,
                                  const plextrac_cancel *cancel,
                                  plextrac_response **out,
                                  plextrac_error **err);

/**
 * Like `plextrac_session_request`, but returns when the status and the headers have arrived. Read
 * the body with `plextrac_stream_read`.
 * Errors: as `plextrac_session_request`.
 * Ownership: the stream is yours. Free it before its end to drop the rest of the body.
 * Blocks: as `plextrac_session_request`; while a body is sent, as long as bytes move. `cancel`
 * applies to the whole stream, and may be freed.
 */
int32_t plextrac_session_stream(const plextrac_session *session,
                                const plextrac_request *request,
                                const plextrac_cancel *cancel,
                                plextrac_stream **out,
                                plextrac_error **err);

/**
 * The status and the headers, with an empty body. The stream owns it. Valid as long as the stream.
 * NULL for NULL.
 */
const plextrac_response *plextrac_stream_response(const plextrac_stream *stream);

/**
 * Reads the next part of the body into `buf`, which has `cap` bytes. `*len` is set to the number
 * of bytes that were read, and is 0 at the end of the body.
 * Errors: `PLEXTRAC_NETWORK` if the body is cut short, `PLEXTRAC_TIMEOUT` if no byte comes within
 * the timeout, `PLEXTRAC_CANCELLED`, `_CLOSED`, `_TLS`; `PLEXTRAC_INVALID_ARGUMENT` if `cap` is 0.
 * After an error the rest of the body is lost.
 * Blocks: until there is a byte, up to the timeout.
 */
int32_t plextrac_stream_read(plextrac_stream *stream,
                             char *buf,
                             size_t cap,
                             size_t *len,
                             plextrac_error **err);

/**
 * Frees a stream, and closes its connection unless the body was read to its end.
 */
void plextrac_stream_free(plextrac_stream *stream);

/**
 * Makes a machine that has sent nothing. It uses these parts of the configuration: URL,
 * credentials, token, MFA, authorization scheme, extra headers, timeout and budget. Your HTTP
 * stack is responsible for the rest, such as certificates.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` as `plextrac_session_new`; `PLEXTRAC_UNSUPPORTED` if the
 * system gives no random bytes.
 */
int32_t plextrac_machine_new(const plextrac_config *config,
                             plextrac_time now,
                             plextrac_machine **out,
                             plextrac_error **err);

/**
 * Asks once for a usable token. Polls then return actions until SIGNED_IN, TOKEN_REPLACED,
 * NEED_MFA, WAIT or FAILED. If the token is live and no refresh is due, there is no action.
 * Without a want, nothing is sent: to keep a token alive, want one at the moment that WAIT names.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_want_token(plextrac_machine *machine,
                                    plextrac_time now,
                                    plextrac_error **err);

/**
 * Starts the call of one caller that needs a token. It joins the current attempt, or starts one. A
 * WAKE action with this id ends the call; poll until then. Any number of callers may wait at once,
 * and one attempt serves them all.
 * (`other_than`, `other_than_len`): an `Authorization` value that the caller does not accept. If
 * the current token has this value, a refresh or sign-in replaces it first. (NULL, 0): any token.
 * `timeout_ms`: how long the call may take, UINT64_MAX for no limit. Time in which a person is
 * asked for a code does not count. `wait_ms`: how long the caller may wait for the budget, a rate
 * limit or a back-off. If that takes longer, the WAKE has `PLEXTRAC_MUST_WAIT` at once.
 * If a one-time code is needed, and the configuration has neither TOTP secret nor MFA callback,
 * the WAKE has `PLEXTRAC_MFA_REQUIRED`. If it has a callback, which is never called, the caller
 * continues to wait: pass the code after NEED_MFA, or report that there is none.
 * `caller`: the id. One machine uses each id once, and never 0.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_need_token(plextrac_machine *machine,
                                    const char *other_than,
                                    size_t other_than_len,
                                    uint64_t timeout_ms,
                                    uint64_t wait_ms,
                                    plextrac_time now,
                                    uint64_t *caller,
                                    plextrac_error **err);

/**
 * Ends the call of a caller, without a WAKE. A request that was sent continues, and its token is
 * kept. An attempt that has sent nothing ends with its last caller.
 * Errors: `PLEXTRAC_STALE` if no caller with this id waits, because its WAKE was already polled
 * (this is harmless); `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_leave(plextrac_machine *machine,
                               uint64_t caller,
                               plextrac_time now,
                               plextrac_error **err);

/**
 * Returns what to do next. After each input, and at the moment of a WAIT, poll until the kind is
 * IDLE, WAIT or NEED_MFA. Inputs before that are refused with `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_poll(plextrac_machine *machine,
                              plextrac_time now,
                              plextrac_action **out,
                              plextrac_error **err);

/**
 * Passes the answer to the SEND with this id: the status, `count` header lines as two arrays, and
 * the whole body. Call it once the whole body has arrived. You may stop reading a body after 1
 * MiB: a larger one is ignored.
 * Errors: `PLEXTRAC_STALE` if the request with this id is not outstanding; `PLEXTRAC_MUST_DRAIN`;
 * `PLEXTRAC_INVALID_ARGUMENT` for an invalid status.
 */
int32_t plextrac_machine_handle_response(plextrac_machine *machine,
                                         uint64_t id,
                                         uint16_t status,
                                         const plextrac_str *names,
                                         const plextrac_str *values,
                                         size_t count,
                                         const char *body,
                                         size_t body_len,
                                         plextrac_time now,
                                         plextrac_error **err);

/**
 * Reports that the SEND with this id got no answer, and why: one of `PLEXTRAC_FAILURE_...`.
 * Errors: as `plextrac_machine_handle_response`.
 */
int32_t plextrac_machine_handle_failure(plextrac_machine *machine,
                                        uint64_t id,
                                        int32_t kind,
                                        plextrac_time now,
                                        plextrac_error **err);

/**
 * Passes a one-time code (six digits) after NEED_MFA.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not six digits, or was sent before;
 * `PLEXTRAC_WRONG_STATE` if no code is needed, or the challenge is over; `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_submit_mfa(plextrac_machine *machine,
                                    const char *code,
                                    size_t code_len,
                                    plextrac_time now,
                                    plextrac_error **err);

/**
 * Reports after NEED_MFA that there is no code. The challenge is dropped, and callers that wait
 * for the code get `PLEXTRAC_MFA_REQUIRED`.
 * Errors: `PLEXTRAC_WRONG_STATE` if no code is needed; `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_decline_mfa(plextrac_machine *machine,
                                     plextrac_time now,
                                     plextrac_error **err);

/**
 * Reports that your request, with `rejected` as its `Authorization`, was answered with 401. Only
 * this token is dropped. If `*retry` is true: want a token, poll, and send the request once more.
 * If it is false: a new token was already tried, and the 401 is the answer.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_report_unauthorized_retry(plextrac_machine *machine,
                                                   const char *rejected,
                                                   size_t rejected_len,
                                                   plextrac_time now,
                                                   bool *retry,
                                                   plextrac_error **err);

/**
 * The same without `*retry`. If the authorization is the same value again, a new token was already
 * tried, and the 401 is the answer.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_report_unauthorized(plextrac_machine *machine,
                                             const char *rejected,
                                             size_t rejected_len,
                                             plextrac_time now,
                                             plextrac_error **err);

/**
 * The value for the `Authorization` header.
 * Errors: `PLEXTRAC_NOT_READY` if there is no token yet, `PLEXTRAC_EXPIRED` if it has expired:
 * want one.
 */
int32_t plextrac_machine_authorization(const plextrac_machine *machine,
                                       plextrac_time now,
                                       plextrac_secret **out,
                                       plextrac_error **err);

/**
 * The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` needs instead of
 * `Authorization`, at the time of the latest call that passed a time.
 * Errors: as `plextrac_machine_authorization`; `PLEXTRAC_UNSUPPORTED` if the token came without
 * one.
 */
int32_t plextrac_machine_cookie(const plextrac_machine *machine,
                                plextrac_secret **out,
                                plextrac_error **err);

/**
 * How many milliseconds the token lives from `now` on. False if there is no usable token.
 */
bool plextrac_machine_expires_in_ms(const plextrac_machine *machine,
                                    plextrac_time now,
                                    uint64_t *out);

/**
 * Frees a machine. Drop its outstanding request, or let it end; the answer is not needed.
 */
void plextrac_machine_free(plextrac_machine *machine);

/**
 * One of `PLEXTRAC_ACTION_...`; 0 for NULL.
 */
int32_t plextrac_action_kind(const plextrac_action *action);

/**
 * The reason of WAIT, FAILED and a WAKE with an error, in English. Empty for others. Valid as long
 * as the action.
 */
plextrac_str plextrac_action_reason(const plextrac_action *action);

/**
 * For FAILED, and for WAKE if the caller gets no token: returns the status, and sets `out` to a
 * copy of the error. For others it returns `PLEXTRAC_OK`.
 * Ownership: the copy is yours; free it with `plextrac_error_free`.
 */
int32_t plextrac_action_error(const plextrac_action *action, plextrac_error **out);

/**
 * WAKE: the id of the caller; 0 for others.
 */
uint64_t plextrac_action_caller(const plextrac_action *action);

/**
 * NEED_MFA: 1 for the first question, 2 after a wrong code. There is no third. 0 for others.
 */
uint32_t plextrac_action_mfa_attempt(const plextrac_action *action);

/**
 * SEND: the id of the request, which you pass with its answer. One machine uses each id once, and
 * never 0. 0 for others.
 */
uint64_t plextrac_action_request_id(const plextrac_action *action);

/**
 * SEND: the HTTP method. Valid as long as the action.
 */
plextrac_str plextrac_action_method(const plextrac_action *action);

/**
 * SEND: the absolute URL. Follow no redirect. Valid as long as the action.
 */
plextrac_str plextrac_action_url(const plextrac_action *action);

/**
 * SEND: the body, empty for a refresh. It may hold the password. Valid as long as the action.
 */
plextrac_str plextrac_action_body(const plextrac_action *action);

/**
 * SEND: the number of header lines. Your HTTP stack adds only `Host` and `Content-Length`.
 */
size_t plextrac_action_header_count(const plextrac_action *action);

/**
 * SEND: header line `i`, counted from 0. False if there are fewer. Valid as long as the action.
 */
bool plextrac_action_header(const plextrac_action *action,
                            size_t i,
                            plextrac_str *name,
                            plextrac_str *value);

/**
 * A moment on the monotonic clock. SEND: the deadline for the answer. WAIT: when to poll, or to
 * want a token again. NEED_MFA: the end of the challenge. False for others, and for a WAIT without
 * an end.
 */
bool plextrac_action_deadline_ms(const plextrac_action *action, uint64_t *monotonic_ms);

/**
 * Wipes and frees an action: the body of a sign-in holds the password.
 */
void plextrac_action_free(plextrac_action *action);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#ifdef __clang__
#pragma clang diagnostic pop
#endif

#endif /* PLEXTRAC_H */
