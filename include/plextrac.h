/**
 * @file plextrac.h
 * Signs programs in to PlexTrac, and keeps them signed in.
 *
 * Generated from the sources of the library by `cargo xtask generate`: do not edit.
 *
 * This page is the manual. What it says holds for every function; the comment of a function says
 * only what is particular to it, under these words: Ownership, Threads, Errors, Blocks.
 *
 *
 * TWO LEVELS
 *
 * Level 1, plextrac_session: does its own HTTP and TLS, and may be used by all threads of a
 * program. Ask it for the Authorization header, or have it send your requests. Most programs need
 * nothing else, and the first program below is all there is to it.
 *
 * Level 2, plextrac_machine: decides what level 1 decides (when to refresh, what to wait for, what
 * never to send twice) and does nothing. You give it the time, it tells you what to send; your HTTP
 * stack and your event loop send it. It has no threads, reads no clock and never blocks. Several
 * callers can wait for its token: plextrac_machine_need_token gives each an id, one attempt serves
 * them all, and a WAKE action says whose call is over. A program with one caller can want a token
 * instead, with plextrac_machine_want_token, and read the other actions.
 *
 *
 * OWNERSHIP
 *
 * Whatever a function made is yours, and is freed by the free function of its type. Nothing that
 * you hand in is consumed: free it all the same, in any order; what still needs a part of it keeps
 * that part. Freeing NULL does nothing. Use after free is not detected, and is as bad as anywhere.
 *
 * Text goes in as a pointer and a length in bytes. The length PLEXTRAC_NTS says that a NUL ends it;
 * (NULL, 0) is empty. Text must be UTF-8. It is copied, unless the function returns before it would
 * matter. Text comes out as a plextrac_str, which is a view into the handle it was asked of and
 * lives as long as that; a NUL follows it, so that `data` is a C string as well.
 *
 * A parameter through which something comes out (`out`, and others that point to what is not const)
 * is set to NULL or 0 first and to a value only on success. So a handle that starts as NULL can be
 * freed whatever happened.
 *
 *
 * ERRORS
 *
 * Functions that can fail return a status, PLEXTRAC_OK (0) or another of the PLEXTRAC_ numbers
 * below, and tell the rest through the last parameter, `err`: it may be NULL; otherwise it is set
 * to an error that you free, or to NULL. There is no error state besides. A program that does not
 * know a number should treat it as final: newer libraries may have more of them.
 *
 * A pointer that is NULL and may not be gives PLEXTRAC_INVALID_ARGUMENT with the parameter's name.
 * NULL is allowed for `err`, `cancel`, `userdata` and `free_fn`, and where a comment says so.
 * Functions that return no status return 0, NULL or false instead.
 *
 * No error holds a password, six digits, a token, or anything else that was in a request.
 *
 * Memory that runs out ends the program, by abort.
 *
 * A bug in this library does not end your program: it becomes PLEXTRAC_PANIC (or 0, NULL, false),
 * and the handles that the call was given can only be freed from then on. A bug while signing in
 * is the answer of everybody who waits for it, and the session stays usable.
 *
 *
 * THREADS
 *
 * A function that takes a const handle may be called from many threads at once. One that takes a
 * handle without const needs it to itself for that time. So sessions and cancellations are for all
 * threads, a machine or a configuration is for one at a time; different handles never get in each
 * other's way. Nothing may use a handle while it is freed.
 *
 * Only the functions that say Blocks wait for anything. A session waits in the calling thread; for
 * signing in and refreshing it starts threads that end by themselves. A call that takes `cancel`
 * returns soon after plextrac_cancel_trigger, wherever it is blocked. plextrac_session_close gets
 * everybody out.
 *
 * Callbacks run on any thread, with no lock held. Their `userdata` is freed by `free_fn`, exactly
 * once, when the last configuration, session or request that has the callback is gone, or when
 * another was set in its place. That may be on a thread of the library, and a moment after the
 * session was freed: its callbacks may run, or begin to, until the sign-in or refresh that is out
 * has ended. A call cannot be cancelled while it waits for a callback that reads or writes a body.
 * A callback must return: no longjmp, no exception. A thread must not be ended inside a call, by
 * pthread_cancel or otherwise; plextrac_cancel is there for that.
 *
 * After fork, a session, stream or cancellation that was made before gives PLEXTRAC_FORKED in the
 * child (0 or false where there is no status), and can only be freed there; its `free_fn` never
 * runs in the child. New ones work, whatever other threads were doing in the library at that
 * moment. Machines, configurations and budgets are plain memory, and the child has a copy of each;
 * one that another thread was changing at that moment is of no use there, a budget aside. What was
 * sent before the fork counts in the child's budgets, and from then on neither process knows what
 * the other sends. This holds for fork; not for _Fork, not in a signal handler, and after vfork
 * only exec is safe.
 *
 * The library is not prepared for being unloaded: do not dlclose it.
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
 * There is one rule: after anything was handed in, poll until the action is IDLE, WAIT or NEED_MFA.
 * `transmit` stands for your HTTP stack: it sends, and hands in the answer or the failure.
 * examples/c/machine.c has one on libcurl; it also waits, and asks for six digits.
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
 * Something handed in cannot be meant; nothing was done with it.
 */
#define PLEXTRAC_INVALID_ARGUMENT 10

/**
 * The buffer is too small; the length that is needed was set.
 */
#define PLEXTRAC_BUFFER_TOO_SMALL 11

/**
 * The call does not fit where the session or machine stands; nothing has changed.
 */
#define PLEXTRAC_WRONG_STATE 12

/**
 * The machine's actions must be polled to the end first; nothing has changed.
 */
#define PLEXTRAC_MUST_DRAIN 13

/**
 * No request of that id is out: it was answered or given up before. Harmless; nothing has changed.
 */
#define PLEXTRAC_STALE 14

/**
 * A callback called back into the sign-in that waits for it.
 */
#define PLEXTRAC_BUSY 15

/**
 * Not available here.
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
 * The session was made before a `fork` and cannot be used in the child: make a new one.
 */
#define PLEXTRAC_FORKED 31

/**
 * A bug in this library was caught. A handle that says so can only be freed.
 */
#define PLEXTRAC_PANIC 32

/**
 * The caller cancelled the call.
 */
#define PLEXTRAC_CANCELLED 50

/**
 * The call's time was over before it was done.
 */
#define PLEXTRAC_TIMEOUT 51

/**
 * Nothing may be sent before a moment to come; `plextrac_error_retry_after_ms` says how long.
 */
#define PLEXTRAC_MUST_WAIT 52

/**
 * The password was right, and six digits are needed.
 */
#define PLEXTRAC_MFA_REQUIRED 70

/**
 * The server refuses the credentials, the six digits or the refresh.
 */
#define PLEXTRAC_REJECTED 71

/**
 * There is no token yet.
 */
#define PLEXTRAC_NOT_READY 72

/**
 * The token has ended.
 */
#define PLEXTRAC_EXPIRED 73

/**
 * The server could not be reached, or the connection broke.
 */
#define PLEXTRAC_NETWORK 90

/**
 * TLS could not be agreed on, or the certificate is not trusted.
 */
#define PLEXTRAC_TLS 91

/**
 * An answer that makes no sense here: a page for people, a redirect, the wrong JSON.
 */
#define PLEXTRAC_UNEXPECTED_ANSWER 92

/**
 * An answer over the size limit.
 */
#define PLEXTRAC_TOO_LARGE 93

/**
 * The shared state could not be used where it would be unsafe to go on without.
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
 * The version of the binary interface: the number behind `libplextrac.so.`.
 */
#define PLEXTRAC_ABI_VERSION 0

/**
 * The authorities of the system, and those given. The default.
 */
#define PLEXTRAC_ROOTS_SYSTEM 1

/**
 * The authorities given, and nobody else.
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
 * Something that needs a person: the credentials were rejected and are not sent again.
 */
#define PLEXTRAC_LOG_ERROR 1

/**
 * An attempt to get a token failed, or the server's clock is far from this machine's.
 */
#define PLEXTRAC_LOG_WARN 2

/**
 * Signed in or out, a token that ended, a wait.
 */
#define PLEXTRAC_LOG_INFO 3

/**
 * What happens all the time: a refresh, a token taken over from another session.
 */
#define PLEXTRAC_LOG_DEBUG 4

/**
 * No token, and nothing under way.
 */
#define PLEXTRAC_STATE_SIGNED_OUT 1

/**
 * A request that may bring a token is out, and there is no usable one.
 */
#define PLEXTRAC_STATE_SIGNING_IN 2

/**
 * Six digits are needed.
 */
#define PLEXTRAC_STATE_MFA_NEEDED 3

/**
 * There is a usable token.
 */
#define PLEXTRAC_STATE_ACTIVE 4

/**
 * There is a usable token, and a refresh is out.
 */
#define PLEXTRAC_STATE_REFRESHING 5

/**
 * A token is wanted, and nothing may be sent yet.
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
 * The length of a body that is not known: it is sent in chunks.
 */
#define PLEXTRAC_LENGTH_UNKNOWN UINT64_MAX

/**
 * No answer in time.
 */
#define PLEXTRAC_FAILURE_TIMEOUT 1

/**
 * No connection: name resolution, refusal, proxy.
 */
#define PLEXTRAC_FAILURE_CONNECT 2

/**
 * The TLS handshake failed.
 */
#define PLEXTRAC_FAILURE_TLS 3

/**
 * Given up on purpose.
 */
#define PLEXTRAC_FAILURE_CANCELLED 4

/**
 * Anything else.
 */
#define PLEXTRAC_FAILURE_OTHER 5

/**
 * Nothing until something is handed in. The last of a drain.
 */
#define PLEXTRAC_ACTION_IDLE 1

/**
 * Send this request now; hand in its answer, or how it failed, under its id.
 */
#define PLEXTRAC_ACTION_SEND 2

/**
 * Hand in six digits with `plextrac_machine_submit_mfa`. The last of a drain.
 */
#define PLEXTRAC_ACTION_NEED_MFA 3

/**
 * Nothing until the deadline, or until something is handed in. The last of a drain.
 */
#define PLEXTRAC_ACTION_WAIT 4

/**
 * A sign-in brought a token.
 */
#define PLEXTRAC_ACTION_SIGNED_IN 5

/**
 * A new token took the place of the old one.
 */
#define PLEXTRAC_ACTION_TOKEN_REPLACED 6

/**
 * The token has ended; the next want signs in.
 */
#define PLEXTRAC_ACTION_SIGNED_OUT 7

/**
 * The want ended without a new token. A usable one may still be in hand.
 */
#define PLEXTRAC_ACTION_FAILED 8

/**
 * The call of a caller from `plextrac_machine_need_token` is over. Without an error there is a
 * usable token. Programs that never need a token as a caller never see it.
 */
#define PLEXTRAC_ACTION_WAKE 9

/**
 * One thing to do, or to know. It owns what it shows, and outlives its machine if need be.
 */
typedef struct plextrac_action plextrac_action;

/**
 * How many authentication requests a minute the machines of one instance allow themselves together.
 * Locked inside.
 */
typedef struct plextrac_budget plextrac_budget;

/**
 * Ends the calls that were given it. Once triggered it stays so: the calls that come later end at
 * once.
 */
typedef struct plextrac_cancel plextrac_cancel;

/**
 * Settings. Every setter checks what it is given and copies it; after an error the configuration is
 * as it was. Sessions and machines copy what they need: it can be changed, used again and freed at
 * any time.
 */
typedef struct plextrac_config plextrac_config;

/**
 * What happened, to what, and what to do next. Holds nothing that was in a request.
 */
typedef struct plextrac_error plextrac_error;

/**
 * Every decision about one account on one instance, and nothing else: no clock, no threads, no
 * network. It never blocks.
 */
typedef struct plextrac_machine plextrac_machine;

/**
 * Takes the answer of an MFA callback, and is valid while that callback runs.
 */
typedef struct plextrac_mfa_reply plextrac_mfa_reply;

/**
 * A request to the instance of a session. It is authorized when it is sent, and can be sent any
 * number of times, unless its body can be read once only.
 */
typedef struct plextrac_request plextrac_request;

/**
 * What the server answered. HTTP errors are answers as well.
 */
typedef struct plextrac_response plextrac_response;

/**
 * A header or cookie value. Wiped when freed; whoever copies it answers for the copy.
 */
typedef struct plextrac_secret plextrac_secret;

/**
 * One account on one instance, for all threads of the program: signs in when a token is needed, and
 * keeps it alive for as long as it is used.
 */
typedef struct plextrac_session plextrac_session;

/**
 * A response whose body is read piece by piece. It keeps the session open, and its connection busy.
 */
typedef struct plextrac_stream plextrac_stream;

/**
 * Text or bytes that belong to the library: a view into the handle they were asked of. A NUL
 * follows the last byte and does not count. `data` is NULL only where there was nothing to look at.
 */
typedef struct {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * How many bytes, without the NUL that follows.
   */
  size_t len;
} plextrac_str;

/**
 * What the two clocks say at one moment.
 */
typedef struct {
  /**
   * Milliseconds since an arbitrary start. Must never go back, and must go on while the computer
   * sleeps (`CLOCK_BOOTTIME` on Linux): lives and waits are measured by it.
   */
  uint64_t monotonic_ms;
  /**
   * Milliseconds since 1970-01-01 UTC. May be wrong: it is compared with the server's, and chooses
   * six digits.
   */
  int64_t unix_ms;
} plextrac_time;

/**
 * Asks for six digits: puts them into `reply` and returns 0, or returns anything else to give up.
 * `attempt` is 1, or 2 after wrong digits; there is no third. It may take as long as a person
 * takes: that counts against no timeout, and no lock is held meanwhile. It must not throw,
 * `longjmp` or end the thread. A call on its own session that would have to wait for it answers
 * `PLEXTRAC_BUSY`; other calls are fine.
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
 * Is told one line. Both texts are valid during the call, and a NUL follows them. It must not
 * throw, `longjmp` or end the thread. No lock is held: it may call anything, but a call that waits
 * for a sign-in may make others wait.
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
 * Takes the next part of a body. `response` has the status and the headers, and is valid during the
 * call. Returns 0, or anything else to give up. It must not throw, `longjmp` or end the thread. No
 * lock is held; a cancellation does not interrupt it.
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
 * The sentence for people, in English. Valid as long as the error.
 */
plextrac_str plextrac_error_message(const plextrac_error *error);

/**
 * The HTTP status of the answer that led here; false if no answer did.
 */
bool plextrac_error_http_status(const plextrac_error *error, uint16_t *out);

/**
 * How many milliseconds to wait before trying again, counted from the return of the call; false if
 * nobody knows.
 */
bool plextrac_error_retry_after_ms(const plextrac_error *error, uint64_t *out);

/**
 * Whether the same call may succeed later without anything being changed.
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
 * The name of a status without its prefix, such as "MUST_WAIT"; "UNKNOWN" for a number that is
 * none. Valid for ever.
 */
plextrac_str plextrac_status_name(int32_t status);

/**
 * What the system's clocks say now. A program with clocks of its own, or a test, fills in the
 * structure itself.
 */
plextrac_time plextrac_time_now(void);

/**
 * The version of the library that is really loaded, MMmmpp; compare it with
 * `PLEXTRAC_VERSION_NUMBER`.
 */
uint32_t plextrac_version_number(void);

/**
 * The version of the binary interface of the library that is really loaded. Programs built with
 * another one do not work.
 */
uint32_t plextrac_abi_version(void);

/**
 * The version of the library that is really loaded, as text such as "1.2.3". Valid for ever.
 */
plextrac_str plextrac_version(void);

/**
 * Makes a budget for all machines of one instance: of all accounts, and of all event loops.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if `per_minute` is not 2 to 60. An instance allows 10 to
 * everybody together; 6 is a good share.
 */
int32_t plextrac_budget_new(uint32_t per_minute, plextrac_budget **out, plextrac_error **err);

/**
 * Frees the handle. Configurations and machines that have the budget keep it.
 */
void plextrac_budget_free(plextrac_budget *budget);

/**
 * Makes one that nobody has triggered. Any number of calls may be given it, also at the same time.
 * Errors: `PLEXTRAC_UNSUPPORTED` if the system does not tell of forks.
 */
int32_t plextrac_cancel_new(plextrac_cancel **out, plextrac_error **err);

/**
 * Ends the calls that were given it with `PLEXTRAC_CANCELLED`, those that are blocked and those to
 * come. A sign-in or refresh that other callers wait for goes on. NULL is nothing. What was made
 * before a `fork` does nothing in the child.
 * Threads: any, also while calls are blocked; that is what it is for. Not in a signal handler.
 */
void plextrac_cancel_trigger(const plextrac_cancel *cancel);

/**
 * Frees it.
 * Threads: not before the calls that were given it have returned.
 */
void plextrac_cancel_free(plextrac_cancel *cancel);

/**
 * Settings for the instance at `url`, as people paste it: with or without scheme, trailing slash or
 * `/api/v1`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` without a host, with user information, or with a scheme that
 * is not http or https; `PLEXTRAC_UNSUPPORTED` if the system does not tell of forks.
 */
int32_t plextrac_config_new(const char *url,
                            size_t url_len,
                            plextrac_config **out,
                            plextrac_error **err);

/**
 * The address of the instance, without a slash at the end, as it was made of the `url` given: the
 * path of a request follows it. Valid as long as the configuration.
 */
plextrac_str plextrac_config_base_url(const plextrac_config *config);

/**
 * User name (an e-mail address, as a rule) and password.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if one is empty, over 1024 bytes, or holds a control
 * character (a line end that was read along with it, perhaps).
 */
int32_t plextrac_config_set_password(plextrac_config *config,
                                     const char *user,
                                     size_t user_len,
                                     const char *password,
                                     size_t password_len,
                                     plextrac_error **err);

/**
 * A token obtained elsewhere, with or without `Bearer ` in front. It is refreshed at its first use;
 * with a password beside it, a sign-in follows when it has ended.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is empty, over 16 KiB, or could not stand in a header.
 */
int32_t plextrac_config_set_token(plextrac_config *config,
                                  const char *token,
                                  size_t token_len,
                                  plextrac_error **err);

/**
 * The TOTP secret of the account, as base32 or as an `otpauth://totp/` URI: the six digits are
 * computed. Takes the place of a callback.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is neither, or has fewer than 80 bits.
 */
int32_t plextrac_config_set_totp_secret(plextrac_config *config,
                                        const char *secret,
                                        size_t secret_len,
                                        plextrac_error **err);

/**
 * Has `callback` asked for the six digits. Takes the place of a TOTP secret, and of an earlier
 * callback. A machine never calls it. For a machine it says that the program asks for the code at
 * NEED_MFA: callers wait for it.
 * Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`; after an error
 * the program still owns it.
 * Threads: the callback runs on a thread of the library; with several sessions, perhaps on several
 * at once.
 */
int32_t plextrac_config_set_mfa_callback(plextrac_config *config,
                                         plextrac_mfa_fn callback,
                                         void *userdata,
                                         plextrac_free_fn free_fn,
                                         plextrac_error **err);

/**
 * Trusts the certificates in a PEM file as well. The file is read now.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it cannot be read or holds no certificate, or the path has
 * a NUL in it or over 4096 bytes.
 * Blocks: on the file.
 */
int32_t plextrac_config_set_ca_file(plextrac_config *config,
                                    const char *path,
                                    size_t path_len,
                                    plextrac_error **err);

/**
 * Trusts the certificates in a PEM text as well.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it holds no certificate.
 */
int32_t plextrac_config_set_ca_pem(plextrac_config *config,
                                   const char *pem,
                                   size_t pem_len,
                                   plextrac_error **err);

/**
 * Whom to trust besides the certificates given: one of `PLEXTRAC_ROOTS_...`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for any other number.
 */
int32_t plextrac_config_set_roots(plextrac_config *config, int32_t roots, plextrac_error **err);

/**
 * Shows a certificate to servers and proxies that ask their clients for one. `chain` is the
 * certificate, followed by those of the authorities between it and one that the server knows; `key`
 * is its unencrypted private key (PKCS#8, PKCS#1 or SEC1). Both are PEM texts.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if they are damaged, or do not belong together.
 */
int32_t plextrac_config_set_client_certificate(plextrac_config *config,
                                               const char *chain,
                                               size_t chain_len,
                                               const char *key,
                                               size_t key_len,
                                               plextrac_error **err);

/**
 * The `User-Agent` of all requests, sign-in and proxy included. The default names this library and
 * its version. A request with a header of that name sends its own. For a machine: the header is
 * among those of its actions only if it was set.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is empty, or cannot stand in a header.
 */
int32_t plextrac_config_set_user_agent(plextrac_config *config,
                                       const char *user_agent,
                                       size_t user_agent_len,
                                       plextrac_error **err);

/**
 * Sends a header with every request, sign-in included: what a gateway in front of the instance asks
 * for. The value is treated as a secret. A name that was set before gets the new value. For
 * `User-Agent` this is `plextrac_config_set_user_agent`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for what cannot stand in a header, and for names that HTTP or
 * this library sets.
 */
int32_t plextrac_config_set_header(plextrac_config *config,
                                   const char *name,
                                   size_t name_len,
                                   const char *value,
                                   size_t value_len,
                                   plextrac_error **err);

/**
 * Goes through a proxy, `http://host:port`; with an empty `url` through none. Without this the
 * environment says, by curl's rules, except that `http://` to this machine stays on it.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for what is no URL, or of a kind that is not supported.
 */
int32_t plextrac_config_set_proxy(plextrac_config *config,
                                  const char *url,
                                  size_t url_len,
                                  plextrac_error **err);

/**
 * How the token stands in the `Authorization` header: one of `PLEXTRAC_SCHEME_...`.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for any other number.
 */
int32_t plextrac_config_set_auth_scheme(plextrac_config *config,
                                        int32_t scheme,
                                        plextrac_error **err);

/**
 * Shares sessions with other processes of this user through a directory, which is made if it is not
 * there. `(NULL, 0)`: nothing is shared, sessions live in memory; the default. Then other processes
 * do not know of rejected passwords and sent requests: without a state directory, neither the limit
 * of ten authentication requests a minute nor the lockout holds for all processes together.
 * Sessions of one user share a token; those that were handed the same ready-made token share what
 * it was refreshed to, among themselves. Machines share nothing.
 * Errors: `PLEXTRAC_STORE` if others could read or change what is in it, or it cannot be made;
 * `PLEXTRAC_INVALID_ARGUMENT` for "" with `PLEXTRAC_NTS`, which looks like a variable that was not
 * set, and for a path with a NUL in it or over 4096 bytes.
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
 * What a call may take from entry to return, a person typing excluded; for a machine, how long an
 * answer is waited for. Default 30000.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0, and for over an hour.
 */
int32_t plextrac_config_set_timeout_ms(plextrac_config *config, uint64_t ms, plextrac_error **err);

/**
 * How long a call may wait for the budget or after a failure before it gives `PLEXTRAC_MUST_WAIT`.
 * Default 0: at once.
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
 * The longest body of an answer to `plextrac_session_request`, in bytes; it is read into memory. A
 * longer one is `PLEXTRAC_TOO_LARGE`. Default 64 MiB.
 */
int32_t plextrac_config_set_response_limit(plextrac_config *config,
                                           uint64_t bytes,
                                           plextrac_error **err);

/**
 * Authentication requests a minute on the instance, of all sessions of this process together; for a
 * machine without `plextrac_config_set_budget`, its own. Default 6, of the 10 that an instance
 * allows to everybody. Where sessions differ, the lowest number holds.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if it is not 2 to 60.
 */
int32_t plextrac_config_set_auth_budget(plextrac_config *config,
                                        uint32_t per_minute,
                                        plextrac_error **err);

/**
 * The budget for machines made from this: one for all machines of an instance, whatever their
 * account. Sessions do not use it; they share one of their own.
 * Ownership: `budget` may be freed; it is kept for as long as anything uses it.
 */
int32_t plextrac_config_set_budget(plextrac_config *config,
                                   const plextrac_budget *budget,
                                   plextrac_error **err);

/**
 * Allows `http://` to hosts other than this machine: everything can be read on the way, the
 * password too.
 */
int32_t plextrac_config_set_allow_http(plextrac_config *config, bool allow, plextrac_error **err);

/**
 * Accepts any certificate: anybody in between can read the password. For a test against a machine
 * at hand only.
 */
int32_t plextrac_config_set_danger_accept_invalid_certs(plextrac_config *config,
                                                        bool accept,
                                                        plextrac_error **err);

/**
 * Has `callback` told what happens to sessions made from this: everything from `PLEXTRAC_LOG_ERROR`
 * to `level`. Nothing it is told is secret. Takes the place of an earlier callback. Machines tell
 * nothing: their actions do.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if `level` is none of `PLEXTRAC_LOG_...`.
 * Ownership: after `PLEXTRAC_OK`, `free_fn` (which may be NULL) frees `userdata`; after an error
 * the program still owns it.
 * Threads: the callback runs on any thread, perhaps on several at once.
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
 * The six digits; they are copied, and can be set again.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if these are not six digits (blanks between them are
 * forgiven): ask again. There is no detail.
 * Threads: inside the callback, on its thread.
 */
int32_t plextrac_mfa_reply_set_code(plextrac_mfa_reply *reply, const char *code, size_t code_len);

/**
 * Makes a session. Nothing is sent until a token is needed.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if there is nothing to sign in with, or the URL is `http://`
 * and that is not allowed; `PLEXTRAC_STORE` if others could read or change what is in the state
 * directory by now; `PLEXTRAC_UNSUPPORTED` if the system gives no random bytes.
 * Blocks: with a state directory on the file system, and up to 5 s while another process makes its
 * key.
 */
int32_t plextrac_session_new(const plextrac_config *config,
                             plextrac_session **out,
                             plextrac_error **err);

/**
 * Another handle of the same session, whose calls have a timeout of their own: a time limit for one
 * call, or for some. `UINT64_MAX` is no limit.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for 0.
 * Ownership: each handle is freed. Closing one closes the session for all.
 */
int32_t plextrac_session_with_timeout_ms(const plextrac_session *session,
                                         uint64_t ms,
                                         plextrac_session **out,
                                         plextrac_error **err);

/**
 * The address of the instance, without a slash at the end: the path of a request follows it. Valid
 * as long as the handle.
 */
plextrac_str plextrac_session_base_url(const plextrac_session *session);

/**
 * Makes sure that there is a usable token: signs in if there is none, and sends nothing if there is
 * one. The other functions do this by themselves.
 * Errors: `PLEXTRAC_MFA_REQUIRED`: go on with `plextrac_session_submit_mfa`, within two minutes;
 * calls meanwhile answer the same without sending anything. `PLEXTRAC_REJECTED`: this session
 * does not send that password again until it changes or `plextrac_session_forget_rejection` is
 * called, nor do other sessions that share its state directory. An answer with 401, 403 or
 * 423 that is not HTML counts as a rejection: if the message names a gateway, look there.
 * `PLEXTRAC_MUST_WAIT`, `_BUSY`, `_CLOSED`, `_CANCELLED`, `_TIMEOUT` (the attempt goes on, and its
 * result is kept), `_NETWORK` (also if no thread could be started), `_TLS`, `_UNEXPECTED_ANSWER`,
 * `_TOO_LARGE`; `_EXPIRED` if a ready-made token has ended and there is no password; `_NOT_READY`
 * if the new token was given up meanwhile, by another caller or thread: call again.
 * Blocks: up to the timeout, and for as long as a person is being asked.
 */
int32_t plextrac_session_login(const plextrac_session *session,
                               const plextrac_cancel *cancel,
                               plextrac_error **err);

/**
 * Hands in six digits after `PLEXTRAC_MFA_REQUIRED`, and waits for the token.
 * Errors: as `plextrac_session_login`; `PLEXTRAC_INVALID_ARGUMENT` if these are not six digits, or
 * were sent before; `PLEXTRAC_WRONG_STATE` if none are asked for; `PLEXTRAC_REJECTED` if they are
 * wrong: the next sign-in starts anew.
 * Blocks: up to the timeout.
 */
int32_t plextrac_session_submit_mfa(const plextrac_session *session,
                                    const char *code,
                                    size_t code_len,
                                    const plextrac_cancel *cancel,
                                    plextrac_error **err);

/**
 * The value for the `Authorization` header of a request of your own; signs in or refreshes when
 * needed.
 * Errors: as `plextrac_session_login`.
 * Blocks: not with a live token; else as `plextrac_session_login`.
 */
int32_t plextrac_session_authorization(const plextrac_session *session,
                                       const plextrac_cancel *cancel,
                                       plextrac_secret **out,
                                       plextrac_error **err);

/**
 * The same, copied into `buf`, which has room for `cap` bytes: the fast path, without an
 * allocation. `*len` is the length of the value; a NUL follows it where there is room. `(NULL, 0)`
 * asks for the length alone.
 * Errors: `PLEXTRAC_BUFFER_TOO_SMALL` sets `*len` to what is needed (and one more for the NUL); the
 * next token may be longer. Otherwise as `plextrac_session_login`.
 * Blocks: not with a live token; else as `plextrac_session_login`.
 */
int32_t plextrac_session_copy_authorization(const plextrac_session *session,
                                            char *buf,
                                            size_t cap,
                                            size_t *len,
                                            const plextrac_cancel *cancel,
                                            plextrac_error **err);

/**
 * The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` wants instead of
 * `Authorization`; signs in or refreshes when needed.
 * Errors: as `plextrac_session_login`; `PLEXTRAC_UNSUPPORTED` if the token came without one.
 * Blocks: not with a live token and its cookie; else as `plextrac_session_login`.
 */
int32_t plextrac_session_cookie(const plextrac_session *session,
                                const plextrac_cancel *cancel,
                                plextrac_secret **out,
                                plextrac_error **err);

/**
 * A request of your own, with `rejected` as its `Authorization`, was answered with 401. That token
 * is given up, and no other. `*retry` says what to do: true: ask for the authorization again, and
 * send the request once more; false: a new token was tried already, and the 401 is the answer.
 * Errors: `PLEXTRAC_CLOSED`.
 */
int32_t plextrac_session_report_unauthorized_retry(const plextrac_session *session,
                                                   const char *rejected,
                                                   size_t rejected_len,
                                                   bool *retry,
                                                   plextrac_error **err);

/**
 * The same without `*retry`. If the authorization is the same value again, a new token was tried
 * already, and the 401 is the answer.
 * Errors: `PLEXTRAC_CLOSED`.
 */
int32_t plextrac_session_report_unauthorized(const plextrac_session *session,
                                             const char *rejected,
                                             size_t rejected_len,
                                             plextrac_error **err);

/**
 * Sends a request with the session's token. After a 401 it gets one new token and sends the request
 * once more. Redirects are not followed. `GET /api/v1/uploads/...` goes with the cookie and without
 * `Authorization`.
 * Errors: what the server answers is a response, whatever its status. As `plextrac_session_login`
 * for the token; `PLEXTRAC_TIMEOUT`, `_CANCELLED`, `_CLOSED`, `_NETWORK`, `_TLS`, `_TOO_LARGE`
 * (see `plextrac_config_set_response_limit`) for the request; `PLEXTRAC_UNSUPPORTED` for uploads
 * if the token came without a cookie.
 * Blocks: up to the timeout, and for as long as a person is being asked. With
 * `plextrac_request_set_body_reader` the timeout is for progress.
 */
int32_t plextrac_session_request(const plextrac_session *session,
                                 const plextrac_request *request,
                                 const plextrac_cancel *cancel,
                                 plextrac_response **out,
                                 plextrac_error **err);

/**
 * Gets a new token now, even if the one in hand is live.
 * Errors: as `plextrac_session_login`; the token in hand stays.
 * Blocks: as `plextrac_session_login`.
 */
int32_t plextrac_session_refresh(const plextrac_session *session,
                                 const plextrac_cancel *cancel,
                                 plextrac_error **err);

/**
 * Where the session stands: one of `PLEXTRAC_STATE_...`, ACTIVE or REFRESHING exactly while a token
 * is usable; 0 for NULL.
 */
int32_t plextrac_session_state(const plextrac_session *session);

/**
 * How many milliseconds the token lives; false if there is no usable one.
 */
bool plextrac_session_expires_in_ms(const plextrac_session *session, uint64_t *out);

/**
 * The tenant of the token in hand; false if there is no token or the server did not say. 0 is a
 * tenant.
 */
bool plextrac_session_tenant_id(const plextrac_session *session, int64_t *out);

/**
 * Allows rejected credentials to be sent again. Repeated failures lock accounts.
 * Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
 * directory `PLEXTRAC_TIMEOUT` if another process does not let go of the account;
 * `PLEXTRAC_STORE` if this session forgets it, but the others of the account cannot be told.
 * Blocks: with a state directory, while another session of the account signs in or refreshes, up to
 * the timeout; `plextrac_session_close` ends that.
 */
int32_t plextrac_session_forget_rejection(const plextrac_session *session, plextrac_error **err);

/**
 * Ends the session: every caller returns with `PLEXTRAC_CLOSED`, and so does every later call.
 * Closing again does nothing.
 * Threads: any, also while others are inside a call: this is how to get them out before the session
 * is freed.
 * Blocks: at most a second, for an authentication request that is out.
 */
int32_t plextrac_session_close(const plextrac_session *session, plextrac_error **err);

/**
 * Forgets the token. PlexTrac has no call for this: the token itself lives on to its end. What is
 * known of the budget, of rejected credentials and of six digits that were used stays.
 * Errors: `PLEXTRAC_CLOSED`; `PLEXTRAC_BUSY` in a log callback of this session. With a state
 * directory `PLEXTRAC_TIMEOUT` if another process does not let go of the account;
 * `PLEXTRAC_STORE` if this session is signed out, but others can still find the token.
 * Blocks: as `plextrac_session_forget_rejection`.
 */
int32_t plextrac_session_logout(const plextrac_session *session, plextrac_error **err);

/**
 * Frees a handle of a session, and closes the session with the last one.
 * Ownership: a sign-in or refresh that is out may end later than this returns, and until then its
 * callbacks run, or begin to. `free_fn` runs once, after the last of them; see also
 * `plextrac_free_fn`.
 * Threads: not before every call on it has returned; `plextrac_session_close` makes them return.
 * Blocks: as `plextrac_session_close`. In a child after `fork` it returns at once, and leaves the
 * memory as it is.
 */
void plextrac_session_free(plextrac_session *session);

/**
 * A request for `path`, which starts with a slash and may have a query; it follows the URL of the
 * instance.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for an absolute URL (a token goes to no other host), a path
 * that would have to be percent-encoded first, or a method that is none.
 */
int32_t plextrac_request_new(const char *method,
                             size_t method_len,
                             const char *path,
                             size_t path_len,
                             plextrac_request **out,
                             plextrac_error **err);

/**
 * Adds a header.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` for what cannot stand in a header, for `Authorization` and
 * `Cookie`, and for those that frame a message.
 */
int32_t plextrac_request_add_header(plextrac_request *request,
                                    const char *name,
                                    size_t name_len,
                                    const char *value,
                                    size_t value_len,
                                    plextrac_error **err);

/**
 * Sends bytes that are JSON already, under `Content-Type: application/json`; without that PlexTrac
 * sees no body. They are copied, and not looked into.
 */
int32_t plextrac_request_set_json(plextrac_request *request,
                                  const char *json,
                                  size_t json_len,
                                  plextrac_error **err);

/**
 * Sends bytes as they are, under the media type `content_type`. They are copied.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type cannot stand in a header.
 */
int32_t plextrac_request_set_body(plextrac_request *request,
                                  const char *content_type,
                                  size_t content_type_len,
                                  const char *body,
                                  size_t body_len,
                                  plextrac_error **err);

/**
 * Sends what `read` brings as the body, under the media type `content_type`. The body is not held
 * in memory, and the timeout of the call is for progress: it fails if no byte moves for so long,
 * and may take any time otherwise. With `length`, exactly so many bytes are read; with
 * `PLEXTRAC_LENGTH_UNKNOWN`, all until the end.
 * `rewind` may be NULL. Then the request can be sent once, and after a 401 it is not sent again:
 * the 401 is the response, and the next request has a new token.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if the media type cannot stand in a header. The call that
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
 * The body, byte for byte; it may hold NULs of its own. Valid as long as the response.
 */
plextrac_str plextrac_response_body(const plextrac_response *response);

/**
 * How many header lines there are.
 */
size_t plextrac_response_header_count(const plextrac_response *response);

/**
 * Header line `i`, counted from 0, its name in lower case; false if there are not so many. Valid as
 * long as the response.
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
 * Like `plextrac_session_request`, and hands the body of a 2xx answer to `write`, part by part: it
 * is not held in memory, and `*out` has no body then. The body of any other answer is in `*out`.
 * The timeout is for progress: the call fails if no byte moves for so long, and may take any time
 * otherwise.
 * Errors: as `plextrac_session_request`; `PLEXTRAC_IO` if `write` gives up. After an error `write`
 * may have got a part of the body.
 * Threads: `write` runs on the thread that makes the call.
 * Blocks: for as long as bytes move, up to the timeout where none do, and for as long as a person
 * is being asked.
 */
int32_t plextrac_session_download(const plextrac_session *session,
                                  const plextrac_request *request,
                                  plextrac_write_fn write,
                                  void *userdata,
                                  const plextrac_cancel *cancel,
                                  plextrac_response **out,
                                  plextrac_error **err);

/**
 * Like `plextrac_session_request`, and returns as soon as the status and the headers have come. The
 * body is read by `plextrac_stream_read`.
 * Errors: as `plextrac_session_request`.
 * Ownership: the stream is yours. Free it before its end to give up the rest of the body.
 * Blocks: as `plextrac_session_request`; while a body is sent, for as long as bytes move. `cancel`
 * holds for the whole stream, and may be freed.
 */
int32_t plextrac_session_stream(const plextrac_session *session,
                                const plextrac_request *request,
                                const plextrac_cancel *cancel,
                                plextrac_stream **out,
                                plextrac_error **err);

/**
 * Status and headers, with an empty body. Valid as long as the stream, which owns it; NULL for
 * NULL.
 */
const plextrac_response *plextrac_stream_response(const plextrac_stream *stream);

/**
 * Reads the next part of the body into `buf`, which has room for `cap` bytes. `*len` is set to how
 * many bytes there are, and is 0 at the end of the body.
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
 * Makes a machine that has sent nothing. Of the configuration it uses URL, credentials, token, MFA,
 * header form, extra headers, timeout and budget; the rest is the business of your HTTP stack,
 * certificates among it.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` as `plextrac_session_new`; `PLEXTRAC_UNSUPPORTED` if the
 * system gives no random bytes.
 */
int32_t plextrac_machine_new(const plextrac_config *config,
                             plextrac_time now,
                             plextrac_machine **out,
                             plextrac_error **err);

/**
 * One request for a usable token. Polls then yield what to do until SIGNED_IN, TOKEN_REPLACED,
 * NEED_MFA, WAIT or FAILED; nothing if the token is live and its refresh not due. Without a want
 * nothing is ever sent: to keep a token alive, want one at the moment that WAIT names.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_want_token(plextrac_machine *machine,
                                    plextrac_time now,
                                    plextrac_error **err);

/**
 * One caller needs a token. It joins the attempt that is under way, or starts one. A WAKE action
 * with this id ends its call; poll until then, as always. Any number of callers may wait at once,
 * and one attempt serves them all.
 * (`other_than`, `other_than_len`): a value for the `Authorization` header that does not serve. If
 * that is the token in hand, a refresh or sign-in replaces it first. (NULL, 0): any token serves.
 * `timeout_ms`: how long the call may take, UINT64_MAX for no limit. The time in which a code is
 * asked for is added. `wait_ms`: how much of it the caller spends on waiting for the budget, a rate
 * limit or a back-off; if that takes longer, the WAKE brings `PLEXTRAC_MUST_WAIT` at once.
 * If a one-time code is needed, and the configuration has neither TOTP secret nor MFA callback, the
 * WAKE brings `PLEXTRAC_MFA_REQUIRED`. With a callback, which is never called, the caller goes on
 * waiting: hand the code in after NEED_MFA, or say that there is none.
 * `caller`: the id, never 0 and never used twice by one machine.
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
 * A caller waits no longer; there will be no WAKE for it. A request that is out goes on, and its
 * token is kept. An attempt that has sent nothing ends with its last caller.
 * Errors: `PLEXTRAC_STALE` if no caller of that id waits: its WAKE was polled already, which is
 * harmless; `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_leave(plextrac_machine *machine,
                               uint64_t caller,
                               plextrac_time now,
                               plextrac_error **err);

/**
 * What to do next. After anything was handed in, and when the moment of a WAIT has come, poll until
 * the kind is IDLE, WAIT or NEED_MFA; anything else that is handed in before is refused with
 * `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_poll(plextrac_machine *machine,
                              plextrac_time now,
                              plextrac_action **out,
                              plextrac_error **err);

/**
 * Hands in the answer to the SEND of that id: status, `count` header lines as two arrays, and the
 * whole body. An answer that came in pieces is handed in when it is whole; one over 1 MiB need not
 * be read on, it is of no use.
 * Errors: `PLEXTRAC_STALE` if that request is not the one that is out; `PLEXTRAC_MUST_DRAIN`;
 * `PLEXTRAC_INVALID_ARGUMENT` for a status that is none.
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
 * Says that the SEND of that id brought no answer, and how: one of `PLEXTRAC_FAILURE_...`.
 * Errors: as `plextrac_machine_handle_response`.
 */
int32_t plextrac_machine_handle_failure(plextrac_machine *machine,
                                        uint64_t id,
                                        int32_t kind,
                                        plextrac_time now,
                                        plextrac_error **err);

/**
 * Hands in six digits after NEED_MFA.
 * Errors: `PLEXTRAC_INVALID_ARGUMENT` if these are not six digits, or were sent before;
 * `PLEXTRAC_WRONG_STATE` if none are asked for, or the challenge is over; `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_submit_mfa(plextrac_machine *machine,
                                    const char *code,
                                    size_t code_len,
                                    plextrac_time now,
                                    plextrac_error **err);

/**
 * After NEED_MFA: there is no code. The challenge is dropped, and callers that wait for it get
 * `PLEXTRAC_MFA_REQUIRED`.
 * Errors: `PLEXTRAC_WRONG_STATE` if no code is asked for; `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_decline_mfa(plextrac_machine *machine,
                                     plextrac_time now,
                                     plextrac_error **err);

/**
 * A request of yours, with `rejected` as its `Authorization`, was answered with 401. That token is
 * given up, and no other. `*retry` says what to do: true: want a token, poll, and send the request
 * once more; false: a new token was tried already, and the 401 is the answer.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_report_unauthorized_retry(plextrac_machine *machine,
                                                   const char *rejected,
                                                   size_t rejected_len,
                                                   plextrac_time now,
                                                   bool *retry,
                                                   plextrac_error **err);

/**
 * The same without `*retry`. If the authorization is the same value again, a new token was tried
 * already, and the 401 is the answer.
 * Errors: `PLEXTRAC_MUST_DRAIN`.
 */
int32_t plextrac_machine_report_unauthorized(plextrac_machine *machine,
                                             const char *rejected,
                                             size_t rejected_len,
                                             plextrac_time now,
                                             plextrac_error **err);

/**
 * The value for the `Authorization` header.
 * Errors: `PLEXTRAC_NOT_READY` if there is no token yet, `PLEXTRAC_EXPIRED` if it has ended: want
 * one.
 */
int32_t plextrac_machine_authorization(const plextrac_machine *machine,
                                       plextrac_time now,
                                       plextrac_secret **out,
                                       plextrac_error **err);

/**
 * The value for `Cookie: token=VALUE`, which `GET /api/v1/uploads/...` wants instead of
 * `Authorization`; as of the latest call that gave the machine a time.
 * Errors: as `plextrac_machine_authorization`; `PLEXTRAC_UNSUPPORTED` if the token came without
 * one.
 */
int32_t plextrac_machine_cookie(const plextrac_machine *machine,
                                plextrac_secret **out,
                                plextrac_error **err);

/**
 * How many milliseconds the token lives from `now` on; false if there is no usable one.
 */
bool plextrac_machine_expires_in_ms(const plextrac_machine *machine,
                                    plextrac_time now,
                                    uint64_t *out);

/**
 * Frees a machine. A request that is out need not be answered any more.
 */
void plextrac_machine_free(plextrac_machine *machine);

/**
 * One of `PLEXTRAC_ACTION_...`; 0 for NULL.
 */
int32_t plextrac_action_kind(const plextrac_action *action);

/**
 * WAIT, FAILED and a WAKE with an error say why, in English; empty for others. Valid as long as the
 * action.
 */
plextrac_str plextrac_action_reason(const plextrac_action *action);

/**
 * FAILED, and WAKE if the caller gets no token: returns the status, and sets `out` to a copy of the
 * error. For others it returns `PLEXTRAC_OK`.
 * Ownership: the copy is yours; free it with `plextrac_error_free`.
 */
int32_t plextrac_action_error(const plextrac_action *action, plextrac_error **out);

/**
 * WAKE: the id of the caller; 0 for others.
 */
uint64_t plextrac_action_caller(const plextrac_action *action);

/**
 * NEED_MFA: 1 at first, 2 after a wrong code; there is no third. 0 for others.
 */
uint32_t plextrac_action_mfa_attempt(const plextrac_action *action);

/**
 * SEND: the id to hand the answer in under; never used twice by one machine, and never 0. 0 for
 * others.
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
 * SEND: how many header lines there are. Your HTTP stack adds `Host` and `Content-Length`, and
 * nothing else is needed.
 */
size_t plextrac_action_header_count(const plextrac_action *action);

/**
 * SEND: header line `i`, counted from 0; false if there are not so many. Valid as long as the
 * action.
 */
bool plextrac_action_header(const plextrac_action *action,
                            size_t i,
                            plextrac_str *name,
                            plextrac_str *value);

/**
 * A moment on the monotonic clock: SEND: the latest at which an answer is of use; WAIT: when to
 * poll, or to want a token again; NEED_MFA: the end of the challenge. False for others, and for a
 * WAIT without an end.
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
