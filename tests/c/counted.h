/* Callbacks of which a test counts that they are let go. */
#ifndef COUNTED_H
#define COUNTED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

static atomic_int freed;

static inline void count_freed(void *unused)
{
    (void)unused;
    freed++;
}

static inline void hear(void *userdata, int32_t level, const char *target, size_t target_len, const char *message,
                        size_t message_len)
{
    (void)userdata, (void)level, (void)target, (void)target_len, (void)message, (void)message_len;
}

#endif
