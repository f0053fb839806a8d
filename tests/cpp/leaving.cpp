/* Getting out of a call that is blocked. */
#include "emulator.hpp"

#include <string>
#include <thread>

namespace {

/* The next sign-in of anybody gets no answer. */
void let_the_next_sign_in_hang()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    plextrac::request request("POST", "/_emulator/fault");
    request.json(R"({"on":"sign_in","times":1,"do":"stall"})");
    CHECK(OK(session.send(request)).status() == 200);
}

void a_trigger_ends_the_calls_that_were_given_it_and_no_others()
{
    const auto cancel = OK(plextrac::cancel::create());
    const auto session = OK(plextrac::session::create(plain_account()));
    let_the_next_sign_in_hang();
    std::thread trigger([&] {
        while (session.state() != plextrac::state::signing_in)
            std::this_thread::yield();
        cancel.trigger();
    });
    FAILS(cancelled, session.login(&cancel));
    trigger.join();
    FAILS(cancelled, session.send(plextrac::request("GET", "/api/v2/whoami"), &cancel));

    const auto other = OK(plextrac::session::create(plain_account()));
    OK(other.login());
}

void closing_gets_everybody_out()
{
    const auto session = OK(plextrac::session::create(plain_account()));
    let_the_next_sign_in_hang();
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
    a_trigger_ends_the_calls_that_were_given_it_and_no_others();
    closing_gets_everybody_out();
}
