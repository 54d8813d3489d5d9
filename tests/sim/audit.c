/* audit.c - what must be true when a story is over. */
#include "proto/check.h"
#include "tests/sim/sim.h"

/* How often a command stands in the log: its id is somewhere in what was sent. */
static uint64_t
times_in_log(struct sim *s, struct store_reader *reader, struct pd_text asked)
{
    uint64_t times = 0;
    for (uint64_t p = 1; p <= store_reader_last(reader); p++) {
        struct pd_text bytes;
        struct record  r;
        PD_CHECK(store_read_record(reader, p, &s->arena, &bytes) == STORE_OK && record_read(bytes, &r));
        times += r.header.index == 0 && memmem(asked.data, asked.size, r.command_id.data, r.command_id.size) != NULL;
    }
    return times;
}

void
audit_log(struct sim *s)
{
    struct store_reader *reader = NULL;
    uint8_t              chain[PD_CHAIN_BYTES] = {0};
    uint64_t             scoped = 0, completed = 0, retried = 0;

    PD_CHECK(store_reader_open(s->books.log, &reader) == STORE_OK);
    for (uint64_t p = 1; p <= store_reader_last(reader); p++) {
        struct pd_text bytes;
        struct record  r;
        PD_CHECK(store_read_record(reader, p, &s->arena, &bytes) == STORE_OK && record_read(bytes, &r));
        PD_CHECK(record_follows(bytes, chain) && r.header.position == p);
        if (r.header.scope == 1) PD_CHECK(r.header.scope_position == ++scoped);
        memcpy(chain, r.chain, sizeof chain);
        completed += r.header.type == PD_EVENT_order_completed;
        retried += r.header.type == PD_EVENT_order_retried;
    }
    for (int c = 0; c < CLIENTS; c++)
        for (size_t i = 0; i < STEPS; i++)
            PD_CHECK(s->clients[c].asked[i].data == NULL || times_in_log(s, reader, s->clients[c].asked[i]) == 1);
    PD_CHECK(completed == 2 && retried == 1);
    store_reader_close(&reader);
}

void
audit_answers(struct sim *s)
{
    size_t n, done;
    for (int c = 0; c < CLIENTS; c++)
        for (size_t i = 0; i < STEPS; i++) {
            struct request r = {.address = PD_TEXT("")}, *list = &r;
            if (s->clients[c].asked[i].data == NULL) continue;
            PD_CHECK(door_open(&s->door, PD_port_commands, s->clients[c].asked[i], &n, &r.refusal));
            door_take(&s->door, PD_port_commands, 0, false, &s->arena, &r);
            PD_CHECK(engine_turn(s->engine, engine_time(s), &list, 1, &done) == STORE_OK);
            PD_CHECK(pd_text_equal(r.answer, s->clients[c].answers[i]));
        }
}
