/* pages.c - what lists and search share: a bounded page of rows in their order, and the one thing that is asked for. */
#include <inttypes.h>

#include "engine/base/log.h"
#include "engine/base/plain.h"
#include "engine/domain/support.h"
#include "engine/log_times.h"
#include "engine/queries/query.h"

struct view_key
scope_key(const struct queries *q, int view)
{
    return view_key(view, q->scope);
}

void
begin_page(struct queries *q, struct page *p, bool numbered, bool backwards)
{
    p->low = 0;
    p->high = UINT64_MAX;
    list_init(&p->list, numbered, backwards, q->has_from ? q->from : list_begin(backwards));
}

bool
narrow_page(struct queries *q, struct page *p, pd_time_us since, pd_time_us until)
{
    struct store_reader *log = since > 0 || until < UINT64_MAX ? open_log(q) : NULL;

    if (log == NULL) return q->refusal.code == PD_OK;
    if (since > 0 && !is_read(q, log_find_time(log, since, &q->scratch, &p->low))) return false;
    if (until < UINT64_MAX && !is_read(q, log_find_time(log, until, &q->scratch, &p->high))) return false;
    struct list_place *from = &p->list.from;
    if (p->list.numbered) return true;
    if (!p->list.backwards && from->row.position < p->low) from->row = (struct row_key){p->low, 0};
    if (p->list.backwards && from->row.position >= p->high) from->row = (struct row_key){p->high - 1, UINT32_MAX};
    return true;
}

void
set_next(struct queries *q, struct list_place place)
{
    q->next = place;
    q->has_next = true;
}

/* A list that leaves out what it cannot read would be believed. */
static void *
read_listed_row(struct queries *q, int row_code, struct row_key key, void *row)
{
    const struct pd_block *block = pd_schema_row(row_code);
    struct pd_text         bytes;
    enum store_error       error = store_read_row(q->view.reader, row_code, key, &q->scratch, &bytes);

    if (error == STORE_OK && pd_decode_row(&q->scratch, block, bytes, row)) {
        q->bytes += bytes.size * 3; /* a map is some three times its row */
        return row;
    }
    log_error("row_damaged", "of=views table=%s position=%" PRIu64 " item=%" PRIu32, block->name, key.position, key.item);
    return refuse_query(q, PD_E_internal, "");
}

/* Behind its last row, in either direction. */
static bool
is_beyond(const struct page *p, struct list_place place)
{
    if (p->list.numbered) return false;
    return p->list.backwards ? place.row.position < p->low : place.row.position >= p->high;
}

void *
read_page(struct queries *q, struct page *p, int row_code, takes_row *takes, size_t *ret_count)
{
    const struct pd_block *block = pd_schema_row(row_code);
    char                  *rows = pd_arena_zero(&q->arena, (q->limit + 1) * block->size);
    struct list_place      place;
    size_t                 count = 0;
    enum store_error       error = list_open(&p->list, q->view.reader);

    while (error == STORE_OK && (error = list_next(&p->list, &place)) == STORE_OK && !is_beyond(p, place)) {
        if (count == q->limit || q->scanned++ >= SCAN_MAX || q->bytes > PD_PAGE_BYTES_MAX) {
            set_next(q, place);
            break;
        }
        void  *row = rows + count * block->size;
        size_t before = q->bytes;
        pd_arena_reset(&q->scratch);
        if (read_listed_row(q, row_code, place.row, row) == NULL) break;
        bool made = place.row.position >= p->low && place.row.position < p->high;
        if (!made || (takes != NULL && !takes(q, row))) {
            q->bytes = before;
            continue;
        }
        pd_copy_block(&q->arena, block, row, row);
        count++;
    }
    if (p->list.stopped) set_next(q, p->list.next);
    is_read(q, error);
    list_close(&p->list);
    *ret_count = count;
    return rows;
}

bool
has_needle(struct queries *q, struct pd_text text)
{
    if (q->needle.data == NULL) return true;
    struct pd_text plain = plain_text(&q->scratch, text);
    return memmem(plain.data, plain.size, q->needle.data, q->needle.size) != NULL;
}

void *
refuse_query(struct queries *q, enum pd_error_code code, const char *field)
{
    bool damaged = q->rows.damaged || code == PD_E_internal;
    q->refusal = damaged ? pd_refuse(PD_E_internal) : pd_refuse_field(code, NULL, "%s", field);
    return NULL;
}

void
refuse_busy(struct queries *q)
{
    q->refusal = pd_refuse(PD_E_busy);
    q->refusal.retry_after_ms = 1000;
}

bool
is_read(struct queries *q, enum store_error error)
{
    if (error == STORE_OK || error == STORE_NONE) return true;
    q->refusal = pd_refuse(PD_E_internal);
    return false;
}

struct store_reader *
open_log(struct queries *q)
{
    if (q->log_reader == NULL) is_read(q, store_reader_open(q->sources.books->log, &q->log_reader));
    return q->log_reader;
}

struct pd_order *
seek_order(struct queries *q, bool has_order, uint64_t number, struct pd_text reference)
{
    if (!names_one_order(has_order, reference, &q->refusal)) return NULL;
    enum index_kind  kind = has_order ? INDEX_order : INDEX_reference;
    struct pd_order *o = find_row(&q->folder, PD_ROW_order, kind, q->scope, number, reference, NULL);
    return o != NULL ? o : refuse_query(q, PD_E_order_not_found, has_order ? "order" : "reference");
}

struct pd_customer *
seek_customer(struct queries *q, struct pd_text id)
{
    struct pd_customer *c = find_row(&q->folder, PD_ROW_customer, INDEX_customer, q->scope, 0, id, NULL);
    return c != NULL ? c : refuse_query(q, PD_E_customer_not_found, "customer");
}

struct pd_subscription *
seek_subscription(struct queries *q, uint64_t number)
{
    const struct pd_text    absent = {NULL, 0};
    struct pd_subscription *s =
        find_row(&q->folder, PD_ROW_subscription, INDEX_subscription, q->scope, number, absent, NULL);
    return s != NULL ? s : refuse_query(q, PD_E_subscription_not_found, "subscription");
}
