#include <pedido/client.h>

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "proto/check.h"

/* RFC 9562: 48 bits of milliseconds, the version, and randomness. */
void
pd_client_new_id(char ret_id[PD_ID_SIZE])
{
    struct timespec t;
    unsigned char   b[16];

    PD_CHECK(getrandom(b, sizeof b, 0) == (ssize_t)sizeof b);
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    for (int i = 0; i < 6; i++) b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));

    char *p = ret_id;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        p += snprintf(p, 3, "%02x", b[i]);
    }
}
