/* Getting out of a call that is blocked. */
#include "emulator.hpp"

#include <string>
#include <thread>

namespace {

/* The next sign-in of anybody gets no answer. `other` has a token, and signs in no more: whether a sign-in that was left
 * alone reaches the server before another one is nobody's to say. */
void let_the_next_sign_in_hang(const plextrac::session &other)
{
    plextrac::request request("POST", "/_emulator/fault");
    request.json(R"({"on":"sign_in","times":1,"do":"stall"})");
    CHECK(OK(other.send(request)).status() == 200);
}

void a_trigger_ends_the_calls_that_were_given_it_and_no_others(const plextrac::session &other)
{
    const auto cancel = OK(plextrac::cancel::create());
    const auto session = OK(plextrac::session::create(plain_account()));
    let_the_next_sign_in_hang(other);
    std::thread trigger([&] {
        while (session.state() != plextrac::state::signing_in)
            std::this_thread::yield();
        cancel.trigger();
    });
    FAILS(cancelled, session.login(&cancel));
    trigger.join();

    const plextrac::request whoami("GET", "/api/v2/whoami");
    FAILS(cancelled, session.send(whoami, &cancel));
    FAILS(cancelled, other.send(whoami, &cancel));
    CHECK(OK(other.send(whoami)).status() == 200);
}

void closing_gets_everybody_out(const plextrac::session &other)
{
    const auto session = OK(plextrac::session::create(plain_account()));
    let_the_next_sign_in_hang(other);
    std::thread closer([&session] {
        while (session.state() != plextrac::state::signing_in)
            std::this_thread::yield();
        OK(session.close());
    });
    FAILS(closed, session.login());
    closer.join();
    FAILS(closed, session.login());
    CHECK(session.state() == plextrac::state::closed);
}

}  // namespace

int main()
{
    const auto other = OK(plextrac::session::create(plain_account()));
    OK(other.login());
    a_trigger_ends_the_calls_that_were_given_it_and_no_others(other);
    closing_gets_everybody_out(other);
}
