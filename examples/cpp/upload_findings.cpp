/* Uploads findings from a file with one JSON object a line, each as a request of its own.
 *
 * Build in the root of the repository, after `cargo build --release`:
 *
 *     c++ -std=c++17 -Wall -Iinclude examples/cpp/upload_findings.cpp -o upload_findings \
 *         -Ltarget/release -Wl,-rpath,"$PWD/target/release" -lplextrac
 *
 * Run (`jq -c '.[]'` makes such a file of a JSON array; a file `-` is the standard input):
 *
 *     PLEXTRAC_URL=https://acme.plextrac.com PLEXTRAC_USERNAME=me@acme.example PLEXTRAC_PASSWORD=... \
 *         ./upload_findings /api/v1/client/4/report/9/flaw/create findings.jsonl
 *
 * It also reads PLEXTRAC_TOTP_SECRET, for an account with MFA, and asks for a one-time code if that is not set;
 * and PLEXTRAC_CA_FILE, for an instance with a certificate of its own.
 *
 * If the instance refuses a finding, the program reports it and sends the next one. If a request fails, it stops and
 * reports the line, so that you can continue there. It sends nothing twice by itself, because a request that broke off
 * may have arrived.
 */
#include <plextrac.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

std::string_view env(const char *name)
{
    const char *value = std::getenv(name);
    return value ? value : "";
}

bool ask_for_code(std::uint32_t attempt, const plextrac::mfa_reply &reply)
{
    std::cerr << (attempt == 1 ? "One-time code: " : "The code was wrong. One-time code: ");
    for (std::string line; std::getline(std::cin, line); std::cerr << "A code has six digits. One-time code: ") {
        if (reply.set_code(line))
            return true;
    }
    return false;
}

plextrac::result<plextrac::session> open_session()
{
    plextrac::config config(env("PLEXTRAC_URL"));
    config.password(env("PLEXTRAC_USERNAME"), env("PLEXTRAC_PASSWORD"));
    // A long upload may have to wait for the budget before it can refresh. Waiting is better than to stop half-way.
    config.wait(2min);
    if (const auto secret = env("PLEXTRAC_TOTP_SECRET"); !secret.empty())
        config.totp_secret(secret);
    else
        config.mfa_callback(ask_for_code);
    if (const auto path = env("PLEXTRAC_CA_FILE"); !path.empty())
        config.ca_file(path);
    return plextrac::session::create(config);
}

struct tally {
    int accepted = 0;
    int refused = 0;
};

/* Sends every line. Returns the error of the first request that failed. */
plextrac::result<tally> upload(const plextrac::session &session, std::string_view path, std::istream &findings)
{
    tally tally;
    int number = 0;
    for (std::string line; std::getline(findings, line);) {
        ++number;
        if (line.empty())
            continue;
        const auto response = session.send(plextrac::request("POST", path).json(line));
        if (!response) {
            std::cerr << "line " << number << ": not sent, or not known\n";
            return plextrac::failure(response.error());
        }
        if (response->status() / 100 == 2) {
            ++tally.accepted;
        } else {
            ++tally.refused;
            std::cerr << "line " << number << ": HTTP " << response->status() << ' ' << response->body() << '\n';
        }
    }
    return tally;
}

}  // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: upload_findings PATH FILE\n";
        return 2;
    }
    const std::string_view name = argv[2];
    std::ifstream file;
    if (name != "-") {
        file.open(argv[2]);
        if (!file) {
            std::cerr << name << " cannot be opened\n";
            return 2;
        }
    }
    const auto session = open_session();
    if (!session) {
        std::cerr << session.error().message() << '\n';
        return 2;
    }
    const auto outcome = upload(*session, argv[1], name == "-" ? std::cin : file);
    if (!outcome) {
        std::cerr << outcome.error().message() << '\n';
        return 1;
    }
    std::cout << outcome->accepted << " accepted, " << outcome->refused << " refused\n";
    return outcome->refused == 0 ? 0 : 1;
}
