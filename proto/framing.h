/* framing.h - envelopes: requests as they come in, answers and events as they go out. */
#ifndef PROTO_FRAMING_H
#define PROTO_FRAMING_H

#include "proto/codec.h"

/* A decoded request. `envelope.id` may be set, for the answer, when the rest was refused. */
struct pd_message {
    struct pd_request      envelope;
    const struct pd_block *block; /* what it is; NULL when refused before that was known */
    void                  *body;  /* struct pd_<block->name>, in the arena */
    bool                   names_reseller; /* else the envelope's is "default" */
};

/* Decodes one request's map, which has passed the scan, for a port. Texts point into `bytes`. False: ret_refusal says why. */
bool pd_decode_request(struct pd_arena *arena, enum pd_port port, struct pd_text bytes, struct pd_message *ret_message,
                       struct pd_refusal *ret_refusal);

/* Packs a request: `data` is struct pd_<block->name>. */
void pd_encode_request(struct mp_writer *w, const struct pd_request *envelope, const struct pd_block *block,
                       const void *data);

/* {"id":..,"ok":true,"position":..,"data":{..}}; position 0 is left out. An absent id is nil. */
void pd_encode_accepted(struct mp_writer *w, struct pd_text id, uint64_t position, const struct pd_block *block,
                        const void *data);

/* {"id":..,"ok":false,"error":{..}} */
void pd_encode_refused(struct mp_writer *w, struct pd_text id, const struct pd_refusal *refusal);

/* What stands around an event's own fields when it is published or read. */
struct pd_event_head {
    uint64_t       position; /* in the scope it is shown in */
    pd_time_us     time;
    struct pd_text log;      /* 32 hexadecimal digits */
    struct pd_text type, reseller, command, actor, on_behalf_of, trace;
    uint64_t       version;
};

/* {"position":..,"time":..,"log":..,"type":..,...,"data":<data>}; data is the stored map. */
void pd_encode_event(struct mp_writer *w, const struct pd_event_head *head, struct pd_text data);

/* {"position":head,"time":..,"log":..}: a scope's heartbeat; that of ~all has the chain of its head, in hexadecimal. */
void pd_encode_heartbeat(struct mp_writer *w, uint64_t head, pd_time_us now, struct pd_text log, struct pd_text chain);

#endif
