#include <stdlib.h>

#include "clients/lib/state.h"
#include "proto/check.h"

struct pd_arena *
pd_memory_begin(struct pd_arena *memory)
{
    if (memory == NULL) {
        memory = malloc(sizeof *memory);
        PD_CHECK(memory != NULL);
        pd_arena_init(memory);
    }
    pd_arena_reset(memory);
    return memory;
}

void
pd_memory_end(struct pd_arena *memory)
{
    if (memory != NULL) pd_arena_fini(memory);
    free(memory);
}
