/* Bodies that functions read and write, and responses that are read piece by piece. */
#include "emulator.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

/* A body in memory that is handed out in parts. */
struct source {
    std::string text;
    std::size_t done = 0;
    int rewinds = 0;

    std::int64_t read(char *room, std::size_t capacity)
    {
        const auto count = std::min(capacity, text.size() - done);
        text.copy(room, count, done);
        done += count;
        return static_cast<std::int64_t>(count);
    }
};

std::string large_text()
{
    std::string text;
    while (text.size() < 300000)
        text += "line " + std::to_string(text.size()) + '\n';
    return text;
}

plextrac::request echo()
{
    return plextrac::request("POST", "/api/v1/echo");
}

void a_body_goes_from_a_function_to_a_function()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    for (const bool is_known : {true, false}) {
        source from{large_text()};
        auto request = echo();
        request.body_reader("text/plain",
                            is_known ? std::optional<std::uint64_t>(from.text.size()) : std::nullopt,
                            [&from](char *room, std::size_t capacity) { return from.read(room, capacity); });
        std::string came;
        const auto response = OK(session.download(request, [&came](std::string_view part) {
            came += part;
            return true;
        }));
        CHECK(response.status() == 200 && response.body().empty());
        CHECK(came == from.text);
        FAILS(invalid_argument, session.send(request));
    }
}

void a_body_that_can_be_rewound_is_sent_again()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    source from{"again"};
    auto request = echo();
    request.body_reader(
        "text/plain", from.text.size(),
        [&from](char *room, std::size_t capacity) { return from.read(room, capacity); },
        [&from] {
            from.done = 0;
            return ++from.rewinds < 2;
        });
    for (int time = 0; time < 2; ++time) {
        const auto response = OK(session.send(request));
        CHECK(response.body() == "again");
    }
    CHECK(from.rewinds == 1);
    FAILS(io, session.send(request));
}

void a_function_that_fails_ends_the_call()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    auto request = echo();
    request.body_reader("text/plain", std::nullopt, [](char *, std::size_t) { return std::int64_t(-1); });
    FAILS(io, session.send(request));
    request.body("text/plain", "x");
    FAILS(io, session.download(request, [](std::string_view) { return false; }));
    FAILS(invalid_argument, session.download(request, nullptr));
    request.body_reader("text/plain", std::nullopt, nullptr);
    FAILS(invalid_argument, session.send(request));
#if PLEXTRAC_HAS_EXCEPTIONS
    auto other = echo();
    other.body_reader("text/plain", std::nullopt,
                      [](char *, std::size_t) -> std::int64_t { throw std::runtime_error("no"); });
    FAILS(io, session.send(other));
    other.body("text/plain", "x");
    FAILS(io, session.download(other, [](std::string_view) -> bool { throw std::runtime_error("no"); }));
#endif
}

void a_stream_is_read_piece_by_piece()
{
    std::optional<plextrac::stream> stream;
    const auto text = large_text();
    {
        const auto session = OK(plextrac::session::create(plain_account()));
        auto request = echo();
        request.body("text/plain", text);
        stream = OK(session.stream(request));
    }
    CHECK(stream->status() == 200);
    CHECK(stream->header("content-length") == std::to_string(text.size()));
    CHECK(!stream->header("x-no-such-header") && stream->headers().size() > 1 && stream->c_handle());
    std::string came;
    char part[1000];
    for (std::size_t length = 1; length > 0;) {
        length = OK(stream->read(part, sizeof part));
        came.append(part, length);
    }
    CHECK(came == text);
    FAILS(invalid_argument, stream->read(part, 0));
}

void a_stream_can_be_cancelled()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    const auto cancel = OK(plextrac::cancel::create());
    auto stream = OK(session.stream(plextrac::request("GET", "/api/v2/whoami"), &cancel));
    cancel.trigger();
    char part[10];
    FAILS(cancelled, stream.read(part, sizeof part));
    FAILS(invalid_argument, session.stream(plextrac::request("GET", "https://elsewhere.example/")));
}

}  // namespace

int main()
{
    a_body_goes_from_a_function_to_a_function();
    a_body_that_can_be_rewound_is_sent_again();
    a_function_that_fails_ends_the_call();
    a_stream_is_read_piece_by_piece();
    a_stream_can_be_cancelled();
}
