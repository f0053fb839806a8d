/**
 * @file plextrac.hpp
 * Signs programs in to PlexTrac, and keeps them signed in: the C++ interface of libplextrac.
 *
 * Header-only, for C++17 and later. The first page of plextrac.h is the manual. This page describes what is different
 * in C++.
 *
 *
 * OWNERSHIP
 *
 * Objects own their handles, and free them in their destructors. They can be moved and not copied. After a move, only
 * assign to the old object or destroy it; a call on it gives status::invalid_argument. Texts are passed and returned as
 * std::string_view. A returned text is valid as long as its object; on a temporary object the call does not compile.
 * c_handle() returns the handle for C functions. A constructor takes ownership of a handle from a C function.
 *
 *
 * ERRORS
 *
 * Calls that can fail return a plextrac::result: std::expected if the standard library has it, and otherwise a class
 * with the same interface. It holds the value or a plextrac::error, which says what happened, to what, and what to do.
 * Configurations and requests are filled in steps. They remember the first step that was refused. Creating a session or
 * machine from them, or sending them, returns that error.
 *
 * Nothing throws unless you ask for it: value_or_throw(outcome) returns the value or throws a plextrac::exception. (The
 * standard library throws if memory runs out.) Everything except value_or_throw works with -fno-exceptions and
 * -fno-rtti.
 *
 *
 * CALLBACKS
 *
 * Callbacks are std::function. They are kept until the last configuration, session or request that has them is freed.
 * An exception from a callback ends the question without a code, drops the log line or fails the call. It never enters
 * the library.
 *
 *
 * ONE PROGRAM: LEVEL 1
 *
 *     #include <plextrac.hpp>
 *     #include <iostream>
 *
 *     int main()
 *     {
 *         plextrac::config config("acme.plextrac.com");
 *         config.password("me@acme.example", "correct horse").totp_secret("GEZDGNBVGY3TQOJQ");
 *         auto session = plextrac::session::create(config);
 *         if (!session) {
 *             std::cerr << session.error().message() << '\n';
 *             return 1;
 *         }
 *         auto whoami = session->send(plextrac::request("GET", "/api/v2/whoami"));
 *         if (!whoami) {
 *             std::cerr << whoami.error().message() << '\n';
 *             return 1;
 *         }
 *         std::cout << whoami->status() << ' ' << whoami->body() << '\n';
 *     }
 *
 *
 * THE SAME, WITH EXCEPTIONS
 *
 *     #include <plextrac.hpp>
 *     #include <iostream>
 *
 *     int main()
 *     try {
 *         plextrac::config config("acme.plextrac.com");
 *         config.password("me@acme.example", "correct horse").totp_secret("GEZDGNBVGY3TQOJQ");
 *         auto session = value_or_throw(plextrac::session::create(config));
 *         auto whoami = value_or_throw(session.send(plextrac::request("GET", "/api/v2/whoami")));
 *         std::cout << whoami.status() << ' ' << whoami.body() << '\n';
 *     } catch (const plextrac::exception &thrown) {
 *         std::cerr << thrown.what() << '\n';
 *         return 1;
 *     }
 *
 *
 * ONE PROGRAM: LEVEL 2
 *
 * `transmit` stands for your HTTP stack: it sends the request, and passes the answer or the failure to the machine.
 *
 *     #include <plextrac.hpp>
 *     #include <iostream>
 *     #include <optional>
 *
 *     void transmit(const plextrac::action &request, plextrac::machine &machine);
 *
 *     int main()
 *     {
 *         using plextrac::moment;
 *         plextrac::config config("acme.plextrac.com");
 *         config.password("me@acme.example", "correct horse").totp_secret("GEZDGNBVGY3TQOJQ");
 *         auto machine = plextrac::machine::create(config, moment::now());
 *         if (!machine || !machine->want_token(moment::now()))
 *             return 1;
 *         for (std::optional<plextrac::action> to_send;;) {
 *             auto action = machine->poll(moment::now());
 *             if (!action)
 *                 return 1;
 *             if (action->kind() == plextrac::action_kind::send)
 *                 to_send = *std::move(action);
 *             else if (action->kind() == plextrac::action_kind::failed)
 *                 std::cerr << action->reason() << '\n';
 *             else if (action->ends_drain() && !to_send)
 *                 break;
 *             else if (action->ends_drain()) {
 *                 transmit(*to_send, *machine);
 *                 to_send.reset();
 *             }
 *         }
 *         auto value = machine->authorization(moment::now());
 *         std::cout << (value ? "signed in" : value.error().message()) << '\n';
 *     }
 */
#ifndef PLEXTRAC_HPP
#define PLEXTRAC_HPP

#include <plextrac/library.hpp>
#include <plextrac/machine.hpp>
#include <plextrac/session.hpp>

#endif  /* PLEXTRAC_HPP */
