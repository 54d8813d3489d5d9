#include <sys/random.h>
#include <time.h>

#include "clients/lib/state.h"
#include "proto/check.h"

/* RFC 9562: 48 bits of milliseconds, the version, and randomness. */
void
pd_id_make(struct pd_ids *ids, char ret_id[PD_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    struct timespec   t;
    unsigned char     b[6 + PD_ID_RANDOM];

    if (ids->left == 0) {
        PD_CHECK(getrandom(ids->random, sizeof ids->random, 0) == (ssize_t)sizeof ids->random);
        ids->left = sizeof ids->random / PD_ID_RANDOM;
    }
    memcpy(b + 6, ids->random + --ids->left * PD_ID_RANDOM, PD_ID_RANDOM);
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    for (int i = 0; i < 6; i++) b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));

    char *p = ret_id;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        *p++ = digits[b[i] >> 4];
        *p++ = digits[b[i] & 0x0f];
    }
    *p = '\0';
}

void
pd_client_new_id(char ret_id[PD_ID_SIZE])
{
    struct pd_ids none = {.left = 0};
    pd_id_make(&none, ret_id);
}
