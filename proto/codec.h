/* codec.h - structs to MessagePack and back, by their descriptors.
 *
 * Two forms. On the wire and in events a block is a map in schema order: absent optional fields and false optional flags
 * are left out, lists and maps always stand there. In rows it is an array of every field in schema order, the hidden ones
 * included, nil where absent or empty. Both use the shortest integers, so
 * that equal structs are equal bytes. */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "proto/arena.h"
#include "proto/msgpack.h"
#include "proto/refusal.h"
#include "proto/schema.h"

enum pd_strictness {
    PD_STRICT,  /* commands and queries: unknown keys are refused, values are judged */
    PD_LENIENT, /* replies and events: unknown keys are ignored, values are not judged */
};

void pd_encode_map(struct mp_writer *w, const struct pd_block *block, const void *message);
void pd_encode_row(struct mp_writer *w, const struct pd_block *block, const void *row);

/* Fills `message` (block->size bytes, zeroed first) from one packed value that passed the scan, or that we packed ourselves. Texts
 * and what is kept packed point into `bytes`; lists come from the arena. False: ret_refusal names the field. */
bool pd_decode_map(struct pd_arena *arena, const struct pd_block *block, enum pd_strictness strictness, struct pd_text bytes,
                   void *message, struct pd_refusal *ret_refusal);

/* Decodes what we stored ourselves; false when it is not that. Texts point into `bytes`. */
bool pd_decode_event(struct pd_arena *arena, const struct pd_block *block, struct pd_text bytes, void *message);
bool pd_decode_row(struct pd_arena *arena, const struct pd_block *block, struct pd_text bytes, void *row);

/* A copy of which nothing points outside the arena. */
void pd_copy_block(struct pd_arena *arena, const struct pd_block *block, const void *from, void *to);

/* "1m": its count and unit ('d', 'm' or 'y'). The text has passed the decoder. */
struct pd_period {
    uint32_t count;
    char     unit;
};
bool pd_parse_period(struct pd_text text, struct pd_period *ret_period);

#endif
