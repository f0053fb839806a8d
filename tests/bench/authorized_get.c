/*
 * An authorized GET on a connection that is kept, against libcurl sending the same with a static header.
 * Run by: cargo xtask bench
 */
#include "bench.h"

#include <curl/curl.h>

#define BATCH 1500

static plextrac_session *session;
static plextrac_request *request;
static CURL *curl;

static void ours(void)
{
    plextrac_response *response = NULL;
    plextrac_error *err = NULL;
    ok(plextrac_session_request(session, request, NULL, &response, &err), err, "GET");
    if (plextrac_response_status(response) != 200)
        exit(1);
    plextrac_response_free(response);
}

static size_t take(char *data, size_t size, size_t count, void *into)
{
    (void)data;
    *(size_t *)into += size * count;
    return size * count;
}

static void libcurls(void)
{
    long status = 0;
    if (curl_easy_perform(curl) != CURLE_OK)
        exit(1);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        exit(1);
}

static void batch(void (*get)(void), double *wall, double *cpu)
{
    double wall_before = wall_seconds(), cpu_before = cpu_seconds();
    for (int i = 0; i < BATCH; i++)
        get();
    *wall = (wall_seconds() - wall_before) / BATCH;
    *cpu = (cpu_seconds() - cpu_before) / BATCH;
}

static void compare(const char *name, const char *url)
{
    double our_cpu[PAIRS], their_cpu[PAIRS], our_wall[PAIRS], their_wall[PAIRS], cpu_ratio[PAIRS], rate_ratio[PAIRS];
    plextrac_error *err = NULL;
    plextrac_secret *value = NULL;
    char header[20000], address[1024];
    size_t received = 0;

    session = signed_in(url);
    ok(plextrac_request_new("GET", PLEXTRAC_NTS, "/api/v2/whoami", PLEXTRAC_NTS, &request, &err), err, "request");
    ok(plextrac_session_authorization(session, NULL, &value, &err), err, "authorization");
    snprintf(header, sizeof header, "Authorization: %s", plextrac_secret_str(value).data);
    snprintf(address, sizeof address, "%s/api/v2/whoami", plextrac_session_base_url(session).data);
    curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, header);
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CAINFO, setting("PLEXTRAC_CA_FILE"));
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);

    for (int warm = 0; warm < 50; warm++) {
        ours();
        libcurls();
    }
    for (int i = 0; i < PAIRS; i++) {
        batch(ours, &our_wall[i], &our_cpu[i]);
        batch(libcurls, &their_wall[i], &their_cpu[i]);
        cpu_ratio[i] = our_cpu[i] / their_cpu[i];
        rate_ratio[i] = their_wall[i] / our_wall[i];
    }
    double cpu = median(cpu_ratio, PAIRS), rate = median(rate_ratio, PAIRS);
    printf("GET, %-5s  CPU %5.1f us, libcurl %5.1f us, ratio %.2f (%.2f to %.2f), promised <= 0.65\n", name,
           median(our_cpu, PAIRS) * 1e6, median(their_cpu, PAIRS) * 1e6, cpu, cpu_ratio[0], cpu_ratio[PAIRS - 1]);
    printf("GET, %-5s  rate %6.0f/s, libcurl %6.0f/s, ratio %.2f (%.2f to %.2f), promised >= 1.1\n", name,
           1 / median(our_wall, PAIRS), 1 / median(their_wall, PAIRS), rate, rate_ratio[0], rate_ratio[PAIRS - 1]);

    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    plextrac_secret_free(value);
    plextrac_request_free(request);
    plextrac_session_free(session);
}

int main(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    compare("plain", setting("PLEXTRAC_HTTP_URL"));
    compare("TLS", setting("PLEXTRAC_URL"));
    return 0;
}
