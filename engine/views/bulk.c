#include "engine/views/bulk.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "engine/base/sorter.h"
#include "engine/views/blocks.h"
#include "proto/check.h"

enum { VALUE_MAX = 64, AROUND = 24 /* bytes beside key and value of an entry, at most */ };

struct bulk {
    struct sorter  *sorter;
    char           *dir;
    bool            finished;
    uint64_t        seen;  /* of the sorter's pairs */
    struct block    block; /* of the list that is being written */
    struct view_key key;   /* of the entry that is, others may add to it; empty: none */
    uint64_t        sum;   /* its count */
    size_t          size;  /* or its value */
    char            value[VALUE_MAX];
};

struct bulk *
bulk_new(const char *dir, size_t memory)
{
    struct bulk *b = calloc(1, sizeof *b);

    PD_CHECK(b != NULL && (b->dir = strdup(dir)) != NULL);
    b->sorter = sorter_new(dir, memory);
    return b;
}

void
bulk_free(struct bulk **bulk)
{
    struct bulk *b = *bulk;

    if (b == NULL) return;
    sorter_free(&b->sorter);
    free(b->dir);
    free(b);
    *bulk = NULL;
}

static enum store_error
failed(const struct bulk *b)
{
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) return STORE_FULL;
    log_error("sorting_failed", "path=\"%s\" error=\"%s\"", b->dir, strerror(errno));
    return STORE_FAILED;
}

enum store_error
bulk_make_room(struct bulk *b)
{
    return !sorter_is_full(b->sorter) || sorter_spill(b->sorter) ? STORE_OK : failed(b);
}

void
bulk_take(struct bulk *b, struct operations *operations)
{
    operations_sort(operations, b->sorter);
}

enum store_error
bulk_finish(struct bulk *b)
{
    b->finished = b->finished || sorter_finish(b->sorter);
    return b->finished ? STORE_OK : failed(b);
}

double
bulk_written(const struct bulk *b)
{
    return b->finished && b->seen > 0 ? (double)b->seen / (double)sorter_count(b->sorter) : 0;
}

/* ---- entries from pairs -------------------------------------------------------------------------------------------- */

static bool
is_count(int code)
{
    const struct view_spec *view = view_of(code);

    return view != NULL ? view->kind == VIEW_COUNT : code == VIEW_events_by_hour || code == VIEW_states_by_hour;
}

static void
write_block(struct bulk *b, struct store *store)
{
    struct view_key key = block_key(&b->block);

    if (b->block.first != 0) store_append_entry(store, view_key_bytes(&key), block_value(&b->block));
    b->block.first = 0;
}

static void
write_entry(struct bulk *b, struct store *store)
{
    if (b->key.size == 0) return;
    if (is_count((uint8_t)b->key.bytes[0])) b->size = varint_write(b->value, b->sum);
    store_append_entry(store, view_key_bytes(&b->key), (struct pd_text){b->value, b->size});
    b->key.size = 0;
}

/* Parts of a list become what they were had its places come one by one. */
static enum store_error
join_blocks(struct bulk *b, struct store *store, struct pd_text key, struct pd_text value)
{
    struct event_place places[EVENTS_PER_BLOCK];
    size_t             count;

    if (b->block.first == 0) memcpy(b->block.list.bytes, key.data, b->block.list.size = key.size - 8);
    if (!block_read(view_number(key.data + key.size - 8, 8), value, places, &count)) return STORE_FAILED;
    for (size_t i = 0; i < count; i++) {
        if (b->block.first != 0 && block_is_full(&b->block)) write_block(b, store);
        block_add(&b->block, places[i]);
    }
    return STORE_OK;
}

/* Counts of one key are added, of other values the last is kept. */
static enum store_error
join_pair(struct bulk *b, struct store *store, struct pd_text key, struct pd_text value)
{
    int      code = (uint8_t)key.data[0];
    uint64_t count = 0;

    if (b->block.first != 0 && !block_is_of(&b->block.list, key)) write_block(b, store);
    if (!pd_text_equal(view_key_bytes(&b->key), key)) write_entry(b, store);
    if (code == VIEW_events) return join_blocks(b, store, key, value);
    if (b->key.size == 0) {
        memcpy(b->key.bytes, key.data, b->key.size = key.size);
        b->sum = 0;
    }
    if (is_count(code) && !varint_read(&value, &count)) return STORE_FAILED;
    PD_CHECK(value.size <= VALUE_MAX);
    b->sum += count;
    memcpy(b->value, value.data, b->size = value.size);
    return STORE_OK;
}

enum store_error
bulk_write(struct bulk *b, struct store *store, bool *ret_more)
{
    struct pd_text   key, value;
    bool             broken = false;
    enum store_error error = STORE_OK;

    *ret_more = true;
    for (size_t bytes = 0; bytes < BULK_BYTES_AT_ONCE && *ret_more && error == STORE_OK;) {
        *ret_more = sorter_next(b->sorter, &key, &value, &broken);
        if (!*ret_more) break;
        error = join_pair(b, store, key, value);
        bytes += key.size + value.size + AROUND;
        b->seen++;
    }
    if (broken) return failed(b);
    if (!*ret_more) write_block(b, store);
    if (!*ret_more) write_entry(b, store);
    return error;
}
