/* Must be caught: a byte behind the end. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    /* The pointer is read anew, so that no compiler knows how long the block is; and the write is done. */
    volatile char *volatile block = malloc(8);
    (void)argv;
    block[7 + argc] = 1;
    free((void *)block);
    return 0;
}
