/* shown.c - the narrow reader: the log's records, and its rows, as the model is shown them. */
#include <inttypes.h>

#include "engine/index/keys.h"
#include "proto/check.h"
#include "tests/sim/host.h"

/* One event, into the hash and the story. */
static void
tell_event(struct sim *s, const struct record *r, struct pd_text bytes)
{
    struct mp_writer *w = &s->host->scratch;

    note(s, bytes);
    if (s->story == NULL) return;
    fprintf(s->story, "# event %" PRIu64 " of %.*s, by %.*s\n", r->header.position, (int)r->command_id.size, r->command_id.data,
            (int)r->actor.size, r->actor.data);
    mp_writer_clear(w);
    mp_map(w, 2);
    mp_key(w, "type");
    mp_text(w, pd_text(pd_schema_event(r->header.type)->Name));
    mp_key(w, "data");
    mp_raw(w, r->body.data, r->body.size);
    tell_message(s, "then", (struct pd_text){w->data, w->size}, NULL);
}

void
show_turn(struct sim *s, const struct turn *t, bool lenient)
{
    struct host         *h = s->host;
    struct store_reader *reader = NULL;
    uint64_t             first = model_last(s->model) + 1;

    PD_CHECK(store_reader_open(h->books.log, &reader) == STORE_OK);
    uint64_t             last = store_reader_last(reader);
    size_t               count = last >= first ? (size_t)(last - first + 1) : 0;
    struct model_record *records = PD_ARENA_ARRAY(&h->arena, struct model_record, count + 1);
    struct model_turn    turn = {
        .requests = t->requests, .request_count = t->count, .records = records, .record_count = count, .now_ms = t->now_ms,
        .wall_us = t->wall_us, .full = lenient || s->now_ms < h->refused_ms + 1500, .unread = h->unread, .stopping = h->stopping,
    };
    for (size_t i = 0; i < count; i++) {
        struct pd_text bytes;
        struct record  r;
        PD_CHECK(store_read_record(reader, first + i, &h->arena, &bytes) == STORE_OK && record_read(bytes, &r));
        if (!record_follows(bytes, h->chain)) model_blame(s->model, "the log's chain is broken");
        memcpy(h->chain, r.chain, sizeof h->chain);
        records[i] = (struct model_record){
            .position = r.header.position, .time = r.header.time, .scope_position = r.header.scope_position,
            .version = r.header.version, .scope = r.header.scope, .command_scope = r.header.command_scope, .type = r.header.type,
            .command = r.header.command_type, .index = r.header.index, .count = r.header.count, .id = r.command_id,
            .actor = r.actor, .body = r.body,
        };
        tell_event(s, &r, bytes);
        s->counts.events++;
    }
    store_reader_close(&reader);
    model_turn(s->model, &turn);
    pd_arena_reset(&h->arena);
}

void
look_at_log(struct sim *s)
{
    struct host         *h = s->host;
    struct store_reader *reader = NULL;
    uint8_t              chain[PD_CHAIN_BYTES] = {0};
    uint64_t             last = model_last(s->model);

    PD_CHECK(store_reader_open(h->books.log, &reader) == STORE_OK);
    if (store_reader_last(reader) < last) model_blame(s->model, "the log is shorter than it was");
    for (uint64_t p = 1; p <= last && model_violation(s->model) == NULL; p++) {
        struct pd_text bytes;
        struct record  r;
        PD_CHECK(store_read_record(reader, p, &h->arena, &bytes) == STORE_OK && record_read(bytes, &r));
        if (!record_follows(bytes, chain)) model_blame(s->model, "what was in the log is no longer what it was");
        memcpy(chain, r.chain, sizeof chain);
        pd_arena_reset(&h->arena);
    }
    if (memcmp(chain, h->chain, sizeof chain) != 0) model_blame(s->model, "the log is another than it was");
    store_reader_close(&reader);
}

struct looking {
    struct sim   *sim;
    struct model *model;
    struct index *index; /* NULL: it is not looked at */
    int           code;
    size_t        keys; /* under which rows stand in the index */
};

/* The index finds the row by all of its keys. */
static void
look_up(struct looking *l, struct row_key key, struct pd_text bytes)
{
    const struct pd_block *block = pd_schema_row(l->code);
    struct pd_arena       *arena = &l->sim->host->arena;
    void                  *row = pd_arena_alloc(arena, block->size);
    uint64_t               prints[INDEX_KEYS_MAX];
    struct row_key         found[64];

    PD_CHECK(pd_decode_row(arena, block, bytes, row));
    size_t count = index_keys(l->code, row, prints);
    for (size_t i = 0; i < count; i++) {
        size_t n = index_find(l->index, prints[i], found, 64), at = 0;
        while (at < n && at < 64 && (found[at].position != key.position || found[at].item != key.item)) at++;
        if (at == n) model_blame(l->model, "a row is not found by one of its keys");
    }
    l->keys += count;
    pd_arena_reset(arena);
}

static size_t
count_pairs(struct index *index)
{
    struct index_walk *walk = index_walk_begin(index);
    struct pair        pair;
    size_t             count = 0;

    while (index_walk_next(walk, &pair)) count++;
    index_walk_end(&walk);
    return count;
}

static bool
show_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct looking *l = arg;
    model_row(l->model, l->code, bytes);
    if (l->index != NULL) look_up(l, key, bytes);
    return true;
}

void
host_look_at_rows(struct sim *s)
{
    struct store_reader *reader = NULL;
    struct books        *b = &s->host->books;

    if (!host_is_up(s) || store_folded(b->rows) != store_last(b->log) || store_last(b->log) != model_last(s->model)) return;
    PD_CHECK(store_reader_open(b->rows, &reader) == STORE_OK);
    /* While a turn is open the index is ahead of the rows. */
    bool           is_open = engine_last(s->host->engine) != store_last(b->log);
    struct looking l = {.sim = s, .model = s->model, .index = is_open ? NULL : engine_index(s->host->engine)};
    for (l.code = 1; l.code < PD_ROW_CODES; l.code++)
        if (pd_schema_row(l.code) != NULL)
            PD_CHECK(store_each_row(reader, l.code, (struct row_key){0, 0}, show_row, &l) == STORE_OK);
    store_reader_close(&reader);
    if (l.index != NULL && count_pairs(l.index) != l.keys) model_blame(s->model, "the index has a key that no row has");
    if (model_violation(s->model) == NULL) model_rows_seen(s->model);
}
