/* pages.c - what lists and search share: a bounded page of a table, and the one customer that is asked for. */
#include <inttypes.h>

#include "engine/base/log.h"
#include "engine/base/plain.h"
#include "engine/domain/support.h"
#include "engine/query.h"

/* One page of a table: rows of the scope that a filter takes. */
struct page {
    struct queries        *q;
    const struct pd_block *block;
    takes_row             *takes;
    char                  *rows; /* limit x block->size */
    size_t                 count;
    bool                   all_scopes;
};

static bool
visit_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct page    *p = arg;
    struct queries *q = p->q;

    if (p->count == q->limit || q->scanned++ >= SCAN_MAX || q->bytes > PD_PAGE_BYTES_MAX) {
        q->next = key;
        return false;
    }
    void *row = p->rows + p->count * p->block->size;
    pd_arena_reset(&q->scratch);
    if (bytes.data == NULL || !pd_decode_row(&q->scratch, p->block, bytes, row)) {
        /* A list that leaves out what it cannot read would be believed. */
        log_error("row_damaged", "table=%s position=%" PRIu64 " item=%" PRIu32, p->block->name, key.position, key.item);
        q->refusal = pd_refuse(PD_E_internal);
        return false;
    }
    if (!p->all_scopes && ((const struct pd_row_head *)row)->scope != q->scope) return true;
    if (p->takes != NULL && !p->takes(q, row)) return true;
    pd_copy_block(&q->arena, p->block, row, row);
    p->count++;
    q->bytes += bytes.size * 3; /* a map is some three times its row */
    return true;
}

void *
read_page(struct queries *q, int row_code, takes_row *takes, bool all_scopes, size_t *ret_count)
{
    struct page p = {.q = q, .block = pd_schema_row(row_code), .takes = takes, .all_scopes = all_scopes};

    p.rows = pd_arena_zero(&q->arena, (q->limit + 1) * p.block->size);
    if (store_each_row(q->rows_reader, row_code, q->from, visit_row, &p) != STORE_OK) q->refusal = pd_refuse(PD_E_internal);
    *ret_count = p.count;
    return p.rows;
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
    q->refusal = q->rows.damaged ? pd_refuse(PD_E_internal) : pd_refuse_field(code, NULL, "%s", field);
    return NULL;
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
