/*
 * A token in hand copied out through C, against one read of CLOCK_BOOTTIME and a memcpy of the same length.
 * Run by: cargo xtask bench
 */
#include "bench.h"

#include <pthread.h>

#define MOST_THREADS 8

static plextrac_session *session;
static size_t length;
static char source[4096];
static int threads, operations;
static pthread_barrier_t together;

static void ours(char *buffer)
{
    size_t copied = 0;
    if (plextrac_session_copy_authorization(session, buffer, 4096, &copied, NULL, NULL) != PLEXTRAC_OK)
        exit(1);
    __asm__ volatile("" : : "r"(buffer) : "memory");
}

static void reference(char *buffer)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    memcpy(buffer, source, length);
    __asm__ volatile("" : : "r"(buffer), "r"(&now) : "memory");
}

static void *run(void *operation)
{
    void (*once)(char *) = *(void (**)(char *))operation;
    static __thread char buffer[4096];
    double *spent = malloc(sizeof *spent);
    once(buffer);
    pthread_barrier_wait(&together);
    double before = wall_seconds();
    for (int i = 0; i < operations; i++)
        once(buffer);
    *spent = (wall_seconds() - before) / operations;
    return spent;
}

static double timed(void (*once)(char *))
{
    pthread_t ids[MOST_THREADS];
    double spans[MOST_THREADS];
    pthread_barrier_init(&together, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, run, &once))
            exit(1);
    for (int i = 0; i < threads; i++) {
        void *spent = NULL;
        pthread_join(ids[i], &spent);
        spans[i] = *(double *)spent;
        free(spent);
    }
    pthread_barrier_destroy(&together);
    return median(spans, (size_t)threads);
}

int main(void)
{
    char buffer[4096];
    session = signed_in(setting("PLEXTRAC_HTTP_URL"));
    if (plextrac_session_copy_authorization(session, buffer, sizeof buffer, &length, NULL, NULL) != PLEXTRAC_OK)
        return 1;
    for (threads = 1; threads <= MOST_THREADS; threads = threads == 1 ? 2 : threads * 4) {
        double our[PAIRS], their[PAIRS], ratio[PAIRS];
        operations = 200000 / threads;
        timed(ours);
        for (int i = 0; i < PAIRS; i++) {
            our[i] = timed(ours);
            their[i] = timed(reference);
            ratio[i] = our[i] / their[i];
        }
        double middle = median(ratio, PAIRS);
        printf("token copied through C, %zu bytes, %d thread(s)  %5.1f ns, reference %5.1f ns, ratio %.2f (%.2f to %.2f), "
               "promised <= 1.5\n",
               length, threads, median(our, PAIRS) * 1e9, median(their, PAIRS) * 1e9, middle, ratio[0], ratio[PAIRS - 1]);
    }
    plextrac_session_free(session);
    return 0;
}
