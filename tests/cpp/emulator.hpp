/* The emulator that a program of this folder runs against: its accounts, and what it saw. */
#ifndef EMULATOR_HPP
#define EMULATOR_HPP

#include "check.hpp"

#include <cstdlib>
#include <string>

/* The account without MFA, with room in the budget for all that a test does in a minute. */
inline plextrac::config plain_account()
{
    plextrac::config config(env("PLEXTRAC_URL"));
    config.password(env("PLEXTRAC_PLAIN_USERNAME"), env("PLEXTRAC_PLAIN_PASSWORD"))
        .ca_file(env("PLEXTRAC_CA_FILE"))
        .proxy("")
        .auth_budget(60);
    return config;
}

/* The account with MFA; whoever takes it says where the six digits come from. */
inline plextrac::config mfa_account()
{
    plextrac::config config = plain_account();
    config.password(env("PLEXTRAC_USERNAME"), env("PLEXTRAC_PASSWORD"));
    return config;
}

/* How many requests of this kind ended so, as the emulator counts. Asking counts nothing. */
inline long seen(const plextrac::session &session, const std::string &kind, const std::string &outcome)
{
    const auto stats = OK(session.send(plextrac::request("GET", "/_emulator/stats")));
    CHECK(stats.status() == 200);
    const std::string text(stats.body());
    const auto object = text.find("\"" + kind + "\":{");
    if (object == std::string::npos)
        return 0;
    const auto number = text.find("\"" + outcome + "\":", object);
    if (number == std::string::npos || number > text.find('}', object))
        return 0;
    return std::strtol(text.c_str() + text.find(':', number) + 1, nullptr, 10);
}

#endif
