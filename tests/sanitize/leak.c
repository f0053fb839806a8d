/* Must be caught: memory that nothing points to any more. */
#include <stdlib.h>

int main(void)
{
    volatile char *lost = malloc(1234);
    lost[0] = 1;
    lost = NULL;
    return 0;
}
