/* Must be caught: a decision that hangs on a byte nobody wrote. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    volatile char *volatile block = malloc(8);
    if (block[3])
        puts("something");
    free((void *)block);
    return 0;
}
