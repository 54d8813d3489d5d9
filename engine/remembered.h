/* remembered.h - refusals that were given, so that a late copy of a refused command is not accepted after its client was told
 * no. In memory, for the life of the process; bounded: the oldest half goes when REMEMBERED_MAX newer ones have come. */
#ifndef ENGINE_REMEMBERED_H
#define ENGINE_REMEMBERED_H

#include "proto/refusal.h"

enum { REMEMBERED_MAX = 1 << 18 };

struct remembered;

struct remembered *remembered_open(void);
void               remembered_close(struct remembered **remembered);

/* `print` is of reseller and id, `content` of the command. */
void remembered_add(struct remembered *remembered, uint64_t print, const uint8_t content[16],
                    const struct pd_refusal *refusal);

/* The refusal given to this id, or NULL; *ret_same: for the same content. */
const struct pd_refusal *remembered_find(const struct remembered *remembered, uint64_t print, const uint8_t content[16],
                                         bool *ret_same);

#endif
