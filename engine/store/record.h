/* record.h - one event as it lies in the log: a fixed binary header, texts, and the event's MessagePack map as published.
 *
 *   bytes = header  command_id  actor  on_behalf_of  trace  body  chain
 *   chain = SHA-256(previous record's chain, all of the bytes before it)
 *
 * so that a flipped bit or an event that was cut out shows. (Format 1 had BLAKE2b: where a processor has instructions for SHA-256
 * that takes twice as long, without them half as long.) The first record's previous chain is 32 zero bytes. Numbers are
 * little-endian. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "engine/index/index.h"
#include "proto/limits.h"

enum { RECORD_FORMAT = 2 };

struct record_header {
    uint16_t format, flags; /* flags: room for encrypted personal fields */
    uint16_t type;          /* enum pd_event_code */
    uint16_t schema;        /* the type's version */
    uint16_t aggregate;     /* enum pd_aggregate */
    uint16_t command_type;  /* enum pd_command_code */
    uint16_t index, count;  /* within the command's events, from 0 */
    uint64_t position;       /* in the log, from 1, gapless */
    uint64_t time;           /* microseconds UTC, never decreasing */
    uint64_t turn;
    uint64_t scope_position; /* in the reseller's scope, from 1, gapless */
    uint64_t key_position;   /* the aggregate's row */
    uint64_t previous;       /* log position of the aggregate's event before this one; 0: none */
    uint32_t key_item;
    uint32_t version;        /* of the aggregate */
    uint32_t scope;          /* the reseller's number in the log, from 1; 0: belongs to none */
    uint32_t command_scope;  /* the reseller in the command's envelope: ids are remembered per reseller */
    uint32_t expect;         /* UINT32_MAX: none given */
    uint32_t term;
    uint32_t key_id;         /* room: whose key sent the command */
    uint32_t body_size;
    uint8_t  command_id_size, actor_size, on_behalf_of_size, trace_size;
    uint8_t  reserved[4];
    uint8_t  fingerprint[16]; /* of the command's content */
};

struct record {
    struct record_header header;
    struct pd_text       command_id, actor, on_behalf_of, trace; /* sizes here stand for those in the header */
    struct pd_text       body;
    uint8_t              chain[PD_CHAIN_BYTES];
};

/* Writes the record into `buffer` (record_size bytes), all but its chain; from then on its texts point there. */
size_t record_size(const struct record *record);
void   record_write(struct record *record, char *buffer);

/* Writes the chain at the end of a record's bytes; *chain is the one before, and then its own. */
void record_seal(char *bytes, size_t size, uint8_t chain[PD_CHAIN_BYTES]);

/* Reads a record; texts point into `bytes`. False when the sizes do not fit. */
bool record_read(struct pd_text bytes, struct record *ret_record);

/* Whether the record's chain follows from the one before. */
bool record_follows(struct pd_text bytes, const uint8_t previous_chain[PD_CHAIN_BYTES]);

#endif
