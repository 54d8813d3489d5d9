/* commit.c - the other steps of the turn: what was decided becomes durable, and rows follow. Perhaps in threads of their own; they
 * look at nothing of the engine but the batch, the books and what is said to be theirs. */
#include "engine/base/log.h"
#include "engine/parts.h"
#include "proto/check.h"

/* Two turns: a batch's events, half as many for what is due and for leases, and a record that fills half a page takes a whole one;
 * pages that are rewritten are the tree's edge. An epoch's rows: so much can it come to, and every row on a page of its own. */
enum {
    BESIDE_PAGES = 1024, /* of what is kept beside them */
    TURNS_SPACE = 2 * (TURN_BYTES_MAX / 2 * 3 * 2), TURNS_PAGES = 2 * 32,
    EPOCH_SPACE = EPOCH_BYTES_MAX + TURN_BYTES_MAX, EPOCH_PAGES = 2 * EPOCH_ROWS_MAX + BESIDE_PAGES,
};

/* The batch's transaction; nothing to write is none. */
static enum store_error
write_batch(struct engine *e, const struct batch *b)
{
    struct store *log = e->books.log;

    if (b->appended_count == 0 && b->kept_count == 0) return STORE_OK;
    enum store_error error = store_begin(log);
    if (error != STORE_OK) return error;
    for (size_t i = 0; i < b->appended_count; i++) {
        const struct appended *a = &b->appended[i];
        record_seal(a->bytes, a->size, e->chain);
        store_append(log, a->record.header.position, a->bytes, a->size);
    }
    for (size_t i = 0; i < b->kept_count; i++) {
        if (b->kept[i].value.data != NULL) store_put_entry(log, b->kept[i].key, b->kept[i].value);
        else store_delete_entry(log, b->kept[i].key);
    }
    return store_commit(log, b->appended_count > 0 ? e->chain : NULL);
}

enum store_error
engine_commit(struct engine *e)
{
    PD_CHECK(e->committed < e->sealed);
    const struct batch *b = &e->batches[e->committed % 2];

    /* What was not found may be there, and what was decided wrong; nobody has heard of it. */
    if (index_is_damaged(e->index)) {
        log_error("index_damaged", "action=exit hint=\"the next start makes it anew\"");
        index_discard(e->index);
        return STORE_DAMAGED;
    }
    enum store_error error = write_batch(e, b);

    if (error != STORE_OK) return error;
    if (b->rows != NULL) {
        e->leaving = b->rows;
        e->leaving_beside = b->beside;
        e->leaving_last = b->last;
        e->leaving_bytes = b->rows_bytes;
        e->leaving_pages = b->rows_pages;
    }
    pthread_mutex_lock(&e->shown_lock);
    e->shown = b->figures;
    pthread_mutex_unlock(&e->shown_lock);
    scopes_commit(e->scopes, b->heads, b->head_count, e->chain);
    keys_commit(e->keys, b->keys, b->key_count);
    e->committed++;
    return STORE_OK;
}

bool
engine_leaves_rows(const struct engine *e)
{
    return e->batches[(e->committed + 1) % 2].rows != NULL;
}

/* Judged before events are taken whose rows would find none. */
static enum store_error
make_rows_room(struct engine *e, size_t bytes, size_t pages)
{
    enum store_error error = store_prepare(e->books.rows, bytes, pages);

    if (error != STORE_OK && error != STORE_FULL) return error;
    e->rows_are_full = error == STORE_FULL;
    return STORE_OK;
}

enum store_error
engine_write_rows(struct engine *e, bool *ret_written)
{
    struct store    *rows = e->books.rows;
    enum store_error error = make_rows_room(e, e->leaving_bytes, e->leaving_pages + BESIDE_PAGES);

    *ret_written = error == STORE_OK && !e->rows_are_full;
    if (!*ret_written) return error;
    if ((error = store_begin(rows)) != STORE_OK) return error;
    if (e->options.views) {
        changes_forget(rows, e->projected);
        changes_begin(&e->change_writer, e->stored);
    }
    rows_flush(e->leaving, rows, &e->row_writer, e->options.views ? &e->change_writer : NULL);
    if (e->options.views) changes_end(&e->change_writer, rows, e->leaving_last);
    kept_write(&e->leaving_beside, rows, &e->row_writer, e->stored, e->leaving_last, index_kept(e->index));
    store_set_folded(rows, e->leaving_last);
    if ((error = store_commit(rows, NULL)) != STORE_OK) return error;
    e->stored = e->leaving_last;
    error = make_rows_room(e, EPOCH_SPACE, EPOCH_PAGES);
    e->rows_are_left = false;
    return error;
}

enum store_error
engine_make_room(struct engine *e, unsigned times)
{
    enum store_error error = store_prepare(e->books.log, times * TURNS_SPACE, times * TURNS_PAGES);

    if (error != STORE_OK && error != STORE_FULL) return error;
    if (times > 1) return STORE_OK;
    e->log_is_full = error == STORE_FULL;
    return e->rows_are_full && !e->rows_are_left ? make_rows_room(e, EPOCH_SPACE, EPOCH_PAGES) : STORE_OK;
}

const struct outgoing *
engine_outgoing(const struct engine *e, size_t *ret_count)
{
    const struct batch *b = &e->batches[(e->committed + 1) % 2];
    *ret_count = b->outgoing_count;
    return b->outgoing;
}

const struct appended *
engine_appended(const struct engine *e, size_t *ret_count)
{
    const struct batch *b = &e->batches[(e->committed + 1) % 2];
    *ret_count = b->appended_count;
    return b->appended;
}

void
engine_set_projected(struct engine *e, uint64_t position)
{
    e->projected = position;
}

void
engine_ask_rows(struct engine *e)
{
    atomic_store(&e->rows_are_asked, true);
}

struct engine_figures
engine_figures(const struct engine *engine)
{
    struct engine *e = (struct engine *)(uintptr_t)engine;
    pthread_mutex_lock(&e->shown_lock);
    struct engine_figures f = e->shown;
    pthread_mutex_unlock(&e->shown_lock);
    return f;
}

void
engine_roster(struct engine *e, struct pd_arena *arena, struct pd_workers_reply *ret_roster)
{
    pthread_mutex_lock(&e->shown_lock);
    pd_copy_block(arena, pd_block_workers_reply(), &e->roster, ret_roster);
    pthread_mutex_unlock(&e->shown_lock);
}

void
engine_subscribers(struct engine *e, struct pd_arena *arena, struct pd_subscribers_reply *ret_subscribers)
{
    pthread_mutex_lock(&e->shown_lock);
    pd_copy_block(arena, pd_block_subscribers_reply(), &e->subscribers_shown, ret_subscribers);
    pthread_mutex_unlock(&e->shown_lock);
}
