/* Must be caught: two threads that write to one variable. */
#include <pthread.h>

static int shared;

static void *write_to_it(void *unused)
{
    shared++;
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, write_to_it, 0);
    write_to_it(0);
    return pthread_join(thread, 0);
}
