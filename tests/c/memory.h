/* Needles that this process keeps hidden, and the search for them in all memory it can write to. */
#ifndef MEMORY_H
#define MEMORY_H

#include "check.h"

#include <fcntl.h>
#include <unistd.h>

/* Every byte of a needle is kept under this mask: the needle itself must not be what is found. */
#define MASK 0xA5

/* Of a long secret every piece of this length counts: memory that was used again may have lost a part of it.
 */
#define PIECE 16

struct needle {
    const char *what;
    /* What stands before this is no secret, and may be in others as well. */
    size_t start;
    size_t len;
    unsigned char hidden[4096];
};

/* A secret to look for. The plain one stays where it is. */
static inline void hide(struct needle *needle, const char *what, const char *plain, size_t len)
{
    CHECK(len > 0 && len <= sizeof needle->hidden);
    needle->what = what;
    needle->start = 0;
    needle->len = len;
    for (size_t i = 0; i < len; i++)
        needle->hidden[i] = (unsigned char)plain[i] ^ MASK;
}

/* The plain secret, written to `plain`. */
static inline void show(const struct needle *needle, char *plain)
{
    for (size_t i = 0; i < needle->len; i++)
        plain[i] = (char)(needle->hidden[i] ^ MASK);
}

static inline void wipe(char *plain, size_t len)
{
    for (volatile char *byte = plain; len > 0; len--)
        *byte++ = 0;
}

static inline size_t piece_of_(const struct needle *needle)
{
    size_t len = needle->len - needle->start;
    return len < PIECE ? len : PIECE;
}

/* Whether a piece of the needle begins at `at`, with `left` bytes to look at. */
static inline bool begins_at_(const struct needle *needle, const volatile unsigned char *at, size_t left)
{
    size_t piece = piece_of_(needle);
    if (left < piece)
        return false;
    for (size_t start = needle->start; start + piece <= needle->len; start += piece) {
        size_t i = 0;
        while (i < piece && (at[i] ^ MASK) == needle->hidden[start + i])
            i++;
        if (i == piece)
            return true;
    }
    return false;
}

/* How many pieces of the needle lie in a stretch of memory. */
static inline size_t count_in(const struct needle *needle, const volatile unsigned char *memory, size_t len)
{
    bool may_begin[256] = {false};
    size_t piece = piece_of_(needle), count = 0;
    for (size_t start = needle->start; start + piece <= needle->len; start += piece)
        may_begin[needle->hidden[start] ^ MASK] = true;
    for (size_t i = 0; i < len; i++)
        if (may_begin[memory[i]] && begins_at_(needle, memory + i, len - i))
            count++;
    return count;
}

/* What this process can read and write, as the kernel lists it; read once for each search. */
static struct region_ {
    const volatile unsigned char *start;
    size_t len;
    char name[64];
} regions_[4096];

static inline size_t list_regions_(void)
{
    static char text[1 << 20];
    size_t len = 0, count = 0;
    ssize_t got;
    int maps = open("/proc/self/maps", O_RDONLY);
    CHECK(maps >= 0);
    while ((got = read(maps, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    close(maps);
    CHECK(len > 0 && len < sizeof text - 1);
    text[len] = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long start, end;
        char access[5], name[64] = "";
        int fields = sscanf(line, "%lx-%lx %4s %*s %*s %*s %63s", &start, &end, access, name);
        CHECK(fields >= 3);
        if (access[0] != 'r' || access[1] != 'w')
            continue;
        CHECK(count < sizeof regions_ / sizeof *regions_);
        regions_[count].start = (const volatile unsigned char *)start;
        regions_[count].len = end - start;
        memcpy(regions_[count++].name, name, sizeof name);
    }
    return count;
}

/* How many pieces of the needle are anywhere. Tells where each region's are. */
static inline size_t count_everywhere(const struct needle *needle)
{
    size_t total = 0, regions = list_regions_();
    for (size_t i = 0; i < regions; i++) {
        size_t count = count_in(needle, regions_[i].start, regions_[i].len);
        if (count > 0)
            fprintf(stderr, "  %s: %zu in %s (%zu bytes)\n", needle->what, count,
                    regions_[i].name[0] ? regions_[i].name : "memory without a name", regions_[i].len);
        total += count;
    }
    return total;
}

#endif
