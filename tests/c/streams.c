/* Bodies that callbacks read and write, and responses that are read piece by piece. */
#include "counted.h"
#include "emulator.h"

#include <sys/resource.h>

/* More than both ends of a connection hold. */
enum { LARGE = 32 << 20, LITTLE_KB = 16 << 10 };

static const plextrac_session *watcher;

/* A body that is made while it is read. */
struct source {
    size_t length, done;
    int rewinds;
    /* Reading fails there. */
    size_t fails_at;
};

static char byte_at(size_t i)
{
    return (char)(i * 7 + i / 251);
}

static int64_t read_source(void *userdata, char *buf, size_t cap)
{
    struct source *source = userdata;
    size_t count = source->length - source->done;
    CHECK(cap > 0);
    if (source->fails_at && source->done >= source->fails_at)
        return -5;
    if (count > cap)
        count = cap;
    for (size_t i = 0; i < count; i++)
        buf[i] = byte_at(source->done + i);
    source->done += count;
    return (int64_t)count;
}

static int32_t rewind_source(void *userdata)
{
    struct source *source = userdata;
    source->done = 0;
    source->rewinds++;
    return 0;
}

static int32_t cannot_rewind(void *userdata)
{
    (void)userdata;
    return 1;
}

static int64_t read_too_much(void *userdata, char *buf, size_t cap)
{
    (void)userdata, (void)buf;
    return (int64_t)cap + 1;
}

/* What comes out of it again. */
struct sink {
    size_t length, wrong;
    int status, gives_up;
    char announced[24];
};

static int32_t write_sink(void *userdata, const plextrac_response *response, const char *bytes, size_t len)
{
    struct sink *sink = userdata;
    plextrac_str name, value;
    CHECK(len > 0);
    sink->status = plextrac_response_status(response);
    for (size_t i = 0; plextrac_response_header(response, i, &name, &value); i++)
        if (strcmp(name.data, "content-length") == 0 && value.len < sizeof sink->announced)
            memcpy(sink->announced, value.data, value.len + 1);
    for (size_t i = 0; i < len; i++)
        sink->wrong += bytes[i] != byte_at(sink->length + i);
    sink->length += len;
    return sink->gives_up;
}

static plextrac_request *echo_of(struct source *source, uint64_t length, plextrac_rewind_fn rewind)
{
    plextrac_request *request = NULL;
    plextrac_error *err = NULL;
    OK(plextrac_request_new("POST", PLEXTRAC_NTS, "/api/v1/echo", PLEXTRAC_NTS, &request, &err));
    OK(plextrac_request_set_body_reader(request, "text/plain", PLEXTRAC_NTS, length, read_source, rewind, source,
                                        count_freed, &err));
    return request;
}

static plextrac_session *signed_in(void)
{
    plextrac_error *err = NULL;
    control(watcher, "reset", NULL);
    plextrac_session *session = session_of(config_without_mfa());
    OK(plextrac_session_login(session, NULL, &err));
    return session;
}

static void a_large_body_goes_both_ways_in_little_memory(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = signed_in();
    for (int is_known = 1; is_known >= 0; is_known--) {
        struct source source = {.length = LARGE};
        struct sink sink = {0};
        plextrac_response *response = NULL;
        uint64_t length = is_known ? LARGE : PLEXTRAC_LENGTH_UNKNOWN;
        plextrac_request *request = echo_of(&source, length, NULL);
        OK(plextrac_session_download(session, request, write_sink, &sink, NULL, &response, &err));
        CHECK(plextrac_response_status(response) == 200 && sink.status == 200);
        CHECK(plextrac_response_body(response).len == 0);
        CHECK(sink.length == LARGE && sink.wrong == 0);
        CHECK(atol(sink.announced) == LARGE);
        plextrac_response_free(response);
        plextrac_request_free(request);
    }
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
/* The sanitizer of addresses needs more for itself. */
#ifndef __SANITIZE_ADDRESS__
    CHECK(usage.ru_maxrss < LITTLE_KB);
#endif
    plextrac_session_free(session);
}

static void a_body_that_can_be_rewound_is_sent_again_after_a_401(void)
{
    plextrac_error *err = NULL;
    plextrac_response *response = NULL;
    plextrac_session *session = signed_in();
    struct source source = {.length = 100000};
    plextrac_request *request = echo_of(&source, source.length, rewind_source);
    control(watcher, "revoke", NULL);
    for (int rewinds = 1; rewinds <= 2; rewinds++) {
        struct sink sink = {0};
        OK(plextrac_session_download(session, request, write_sink, &sink, NULL, &response, &err));
        CHECK(plextrac_response_status(response) == 200 && sink.length == source.length && sink.wrong == 0);
        CHECK(source.rewinds == rewinds);
        plextrac_response_free(response);
    }
    CHECK(number_of(watcher, "echo", "unauthorized") == 1);
    plextrac_request_free(request);
    plextrac_session_free(session);

    session = signed_in();
    source = (struct source){.length = 10};
    request = echo_of(&source, source.length, cannot_rewind);
    control(watcher, "revoke", NULL);
    FAILS(PLEXTRAC_IO, plextrac_session_request(session, request, NULL, &response, &err));
    plextrac_request_free(request);
    plextrac_session_free(session);
}

static void a_body_that_is_read_once_brings_its_401(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = signed_in();
    struct source source = {.length = 10};
    plextrac_request *request = echo_of(&source, PLEXTRAC_LENGTH_UNKNOWN, NULL);
    plextrac_response *response = NULL;
    struct sink sink = {0};
    control(watcher, "revoke", NULL);
    OK(plextrac_session_download(session, request, write_sink, &sink, NULL, &response, &err));
    CHECK(plextrac_response_status(response) == 401 && sink.length == 0);
    CHECK(plextrac_response_body(response).len > 0);
    plextrac_response_free(response);
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_session_request(session, request, NULL, &response, &err));
    plextrac_request_free(request);
    plextrac_session_free(session);
}

static void a_callback_that_fails_ends_the_call(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = signed_in();
    struct source source = {.length = 1 << 20, .fails_at = 1 << 19};
    plextrac_request *request = echo_of(&source, source.length, NULL);
    plextrac_response *response = NULL;
    CHECK(plextrac_session_request(session, request, NULL, &response, &err) == PLEXTRAC_IO);
    CHECK(strstr(plextrac_error_message(err).data, "the read callback returned -5"));
    CHECK(!response && !plextrac_error_is_retryable(err));
    plextrac_error_free(err);
    err = NULL;
    plextrac_request_free(request);

    source = (struct source){.length = 10};
    request = echo_of(&source, 11, NULL);
    CHECK(plextrac_session_request(session, request, NULL, &response, &err) == PLEXTRAC_IO);
    CHECK(strstr(plextrac_error_message(err).data, "after 10 of 11 bytes"));
    plextrac_error_free(err);
    err = NULL;
    OK(plextrac_request_set_body_reader(request, "text/plain", PLEXTRAC_NTS, PLEXTRAC_LENGTH_UNKNOWN, read_too_much,
                                        NULL, NULL, NULL, &err));
    FAILS(PLEXTRAC_IO, plextrac_session_request(session, request, NULL, &response, &err));

    struct sink sink = {.gives_up = 1};
    OK(plextrac_request_set_body(request, "text/plain", PLEXTRAC_NTS, "x", 1, &err));
    FAILS(PLEXTRAC_IO, plextrac_session_download(session, request, write_sink, &sink, NULL, &response, &err));
    CHECK(!response && sink.length == 1);
    plextrac_request_free(request);
    plextrac_session_free(session);
}

static void userdata_is_freed_once_with_the_request_or_its_body(void)
{
    plextrac_error *err = NULL;
    plextrac_request *request = NULL;
    struct source source = {0};
    freed = 0;
    request = echo_of(&source, 0, NULL);
    OK(plextrac_request_set_json(request, "{}", PLEXTRAC_NTS, &err));
    CHECK(freed == 1);
    plextrac_request_free(request);
    CHECK(freed == 1);
    for (int can_be_rewound = 0; can_be_rewound < 2; can_be_rewound++) {
        freed = 0;
        request = echo_of(&source, 0, can_be_rewound ? rewind_source : NULL);
        FAILS(PLEXTRAC_INVALID_ARGUMENT,
              plextrac_request_set_body_reader(request, "not\na type", PLEXTRAC_NTS, 0, read_source,
                                               can_be_rewound ? rewind_source : NULL, &source, count_freed,
                                               &err));
        CHECK(freed == 0);
        plextrac_request_free(request);
        CHECK(freed == 1);
    }
}

static void a_stream_is_read_piece_by_piece_and_outlives_its_session(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = signed_in();
    struct source source = {.length = 100000};
    plextrac_request *request = echo_of(&source, source.length, NULL);
    plextrac_stream *stream = NULL;
    OK(plextrac_session_stream(session, request, NULL, &stream, &err));
    plextrac_request_free(request);
    plextrac_session_free(session);
    CHECK(plextrac_response_status(plextrac_stream_response(stream)) == 200);
    CHECK(plextrac_response_body(plextrac_stream_response(stream)).len == 0);
    char buf[1000];
    size_t length = 0, len = 0;
    FAILS(PLEXTRAC_INVALID_ARGUMENT, plextrac_stream_read(stream, buf, 0, &len, &err));
    do {
        OK(plextrac_stream_read(stream, buf, sizeof buf, &len, &err));
        CHECK(len <= sizeof buf);
        for (size_t i = 0; i < len; i++)
            CHECK(buf[i] == byte_at(length + i));
        length += len;
    } while (len);
    CHECK(length == source.length);
    plextrac_stream_free(stream);
}

static void a_stream_that_is_cut_short_or_cancelled_is_an_error(void)
{
    plextrac_error *err = NULL;
    plextrac_session *session = signed_in();
    plextrac_request *request = NULL;
    plextrac_stream *stream = NULL;
    plextrac_cancel *cancel = NULL;
    char buf[64];
    size_t len = 0;
    OK(plextrac_cancel_new(&cancel, &err));
    OK(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err));
    OK(plextrac_session_stream(session, request, cancel, &stream, &err));
    plextrac_cancel_trigger(cancel);
    plextrac_cancel_free(cancel);
    FAILS(PLEXTRAC_CANCELLED, plextrac_stream_read(stream, buf, sizeof buf, &len, &err));
    plextrac_stream_free(stream);

    control(watcher, "fault", "{\"on\":\"api\",\"do\":\"truncate\"}");
    OK(plextrac_session_stream(session, request, NULL, &stream, &err));
    int32_t status = PLEXTRAC_OK;
    do {
        status = plextrac_stream_read(stream, buf, sizeof buf, &len, NULL);
        CHECK(status != PLEXTRAC_OK || len > 0);
    } while (status == PLEXTRAC_OK);
    CHECK(status == PLEXTRAC_NETWORK && len == 0);
    plextrac_stream_free(stream);
    plextrac_request_free(request);
    plextrac_session_free(session);
}

int main(void)
{
    plextrac_session *session = observer();
    watcher = session;
    a_large_body_goes_both_ways_in_little_memory();
    a_body_that_can_be_rewound_is_sent_again_after_a_401();
    a_body_that_is_read_once_brings_its_401();
    a_callback_that_fails_ends_the_call();
    userdata_is_freed_once_with_the_request_or_its_body();
    a_stream_is_read_piece_by_piece_and_outlives_its_session();
    a_stream_that_is_cut_short_or_cancelled_is_an_error();
    plextrac_session_free(session);
    return 0;
}
