/**
 * @file plextrac.hpp
 * Signs programs in to PlexTrac, and keeps them signed in: the C++ face of libplextrac.
 *
 * Header-only, C++17 and later, on top of plextrac.h, whose first page is the manual: the two levels, threads, what is
 * sent and what never. This page says what is different in C++.
 *
 *
 * OWNERSHIP
 *
 * Objects own their handles, can be moved and not copied, and free them when they go. One that was moved from may only
 * be assigned to or destroyed; a call on it gives status::invalid_argument. Text goes in as std::string_view and comes
 * out as one that lives as long as the object it was asked of; asking a temporary does not compile. Handles go to C
 * functions by c_handle(), and come from them by a constructor that takes them over.
 *
 *
 * ERRORS
 *
 * Calls that can fail return a plextrac::result: std::expected where the standard library has it, and a class of the
 * same spelling elsewhere. It holds the value or a plextrac::error, which says what happened, to what, and what to do.
 * Configurations and requests, which are filled step by step, remember the first step that was refused; whatever is
 * made of them gives that error.
 *
 * Nothing is thrown unless you ask for it: value_or_throw(outcome) gives the value or throws a plextrac::exception.
 * (Memory that has run out is thrown by the standard library, as everywhere.) Everything works with -fno-exceptions
 * and -fno-rtti; value_or_throw is not there then.
 *
 *
 * CALLBACKS
 *
 * They are std::function, kept until the last configuration, session or request that has them is gone. An exception that
 * leaves one gives up the question, drops the line or fails the call; it never gets into the library.
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
 * `transmit` stands for your HTTP stack: it sends, and hands in the answer or the failure.
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
