#include "engine/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/check.h"

enum { BATCHES = 3 }; /* one is looked at, one is ready, one is being read */

struct batch {
    struct pd_arena    arena;
    struct ahead_batch shown;
};

struct read_ahead {
    uint64_t             next, last; /* positions */
    bool                 follows, decodes;
    uint8_t              chain[PD_CHAIN_BYTES];
    struct store_reader *reader;
    struct batch         batches[BATCHES];
    bool                 has_thread;

    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  moved;
    size_t          read, given; /* batches, under the lock */
    bool            stopped;
};

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* NULL, or what is wrong with the event. */
static const char *
look_at(struct read_ahead *a, struct pd_text bytes, struct pd_arena *arena, struct ahead_event *e)
{
    const struct record_header *h = &e->record.header;

    e->size = bytes.size;
    if (!record_read(bytes, &e->record) || h->position != a->next) return " cannot be read";
    if (a->follows && !record_follows(bytes, a->chain)) return ": the chain is broken";
    memcpy(a->chain, e->record.chain, sizeof a->chain);
    if (!a->decodes) return NULL;
    e->block = pd_schema_event(h->type);
    if (e->block == NULL) return " cannot be folded";
    e->event = pd_arena_alloc(arena, e->block->size);
    return pd_decode_event(arena, e->block, e->record.body, e->event) ? NULL : " cannot be folded";
}

static void
read_batch(struct read_ahead *a, struct batch *b)
{
    struct ahead_batch *shown = &b->shown;

    pd_arena_reset(&b->arena);
    *shown = (struct ahead_batch){.events = PD_ARENA_ARRAY(&b->arena, struct ahead_event, AHEAD_EVENTS), .error = STORE_OK};
    for (size_t bytes = 0; a->next <= a->last && shown->count < AHEAD_EVENTS && bytes < AHEAD_BYTES; a->next++, shown->count++) {
        struct ahead_event *e = &shown->events[shown->count];
        struct pd_text      record;
        enum store_error    error = store_read_record(a->reader, a->next, &b->arena, &record);
        if (error == STORE_OK) shown->wrong = look_at(a, record, &b->arena, e);
        else if (error != STORE_FAILED) shown->wrong = error == STORE_NONE ? " is missing" : ": its checksum does not fit";
        if (error == STORE_FAILED) shown->error = STORE_FAILED;
        else if (shown->wrong != NULL) shown->error = STORE_DAMAGED;
        if (shown->error != STORE_OK) return;
        bytes += e->size;
    }
}

static bool
is_last(const struct ahead_batch *b)
{
    return b->count == 0 || b->error != STORE_OK;
}

/* ---- the thread ---------------------------------------------------------------------------------------------------- */

static void *
read_on(void *arg)
{
    struct read_ahead *a = arg;
    bool               more = true;

    while (more) {
        struct batch *b = &a->batches[a->read % BATCHES]; /* nobody else writes `read` */
        read_batch(a, b);
        more = !is_last(&b->shown);
        pthread_mutex_lock(&a->lock);
        a->read++;
        pthread_cond_signal(&a->moved);
        while (!a->stopped && a->read - a->given == BATCHES - 1) pthread_cond_wait(&a->moved, &a->lock);
        more = more && !a->stopped;
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

/* ---- who folds ----------------------------------------------------------------------------------------------------- */

struct read_ahead *
read_ahead_begin(const struct ahead_options *options, enum store_error *ret_error)
{
    struct read_ahead *a = calloc(1, sizeof *a);

    PD_CHECK(a != NULL && pthread_mutex_init(&a->lock, NULL) == 0 && pthread_cond_init(&a->moved, NULL) == 0);
    a->next = options->first;
    a->last = options->last;
    a->follows = options->chain != NULL;
    a->decodes = options->decodes;
    if (a->follows) memcpy(a->chain, options->chain, sizeof a->chain);
    for (int i = 0; i < BATCHES; i++) pd_arena_init(&a->batches[i].arena);
    *ret_error = store_reader_open(options->log, &a->reader);
    if (*ret_error != STORE_OK) read_ahead_end(&a);
    else if (a->next + AHEAD_EVENTS <= a->last) a->has_thread = pthread_create(&a->thread, NULL, read_on, a) == 0;
    return a;
}

const struct ahead_batch *
read_ahead_next(struct read_ahead *a)
{
    if (!a->has_thread) {
        read_batch(a, &a->batches[0]);
        return &a->batches[0].shown;
    }
    pthread_mutex_lock(&a->lock);
    while (a->read == a->given) pthread_cond_wait(&a->moved, &a->lock);
    const struct ahead_batch *b = &a->batches[a->given++ % BATCHES].shown;
    pthread_cond_signal(&a->moved);
    pthread_mutex_unlock(&a->lock);
    return b;
}

void
read_ahead_end(struct read_ahead **ahead)
{
    struct read_ahead *a = *ahead;

    if (a == NULL) return;
    if (a->has_thread) {
        pthread_mutex_lock(&a->lock);
        a->stopped = true;
        pthread_cond_signal(&a->moved);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->thread, NULL);
    }
    store_reader_close(&a->reader);
    for (int i = 0; i < BATCHES; i++) pd_arena_fini(&a->batches[i].arena);
    pthread_cond_destroy(&a->moved);
    pthread_mutex_destroy(&a->lock);
    free(a);
    *ahead = NULL;
}
