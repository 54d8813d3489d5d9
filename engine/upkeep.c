#include "engine/upkeep.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/log.h"
#include "engine/ids.h"
#include "engine/index/keys.h"
#include "engine/read_ahead.h"
#include "proto/check.h"

enum { BATCH_BYTES = 4 << 20, BATCH_SPACE = 6 << 20, TAIL_EVENTS = 50000 /* to be said: they take a while */ };

/* What folding from a log needs: the engine's parts without the engine. */
struct upkeep {
    struct pd_arena    arena;
    struct rows        rows;
    struct folder      folder;
    struct expiry      expiry;
    struct mp_writer   packed, changes;
    bool               note_changes; /* for the views; when all is made anew, they are, too */
    uint8_t            chain[PD_CHAIN_BYTES];
};

static void
upkeep_init(struct upkeep *u, const struct upkeep_parts *parts)
{
    memset(u, 0, sizeof *u);
    pd_arena_init(&u->arena);
    rows_init(&u->rows, &u->arena);
    u->expiry = *parts->expiry;
    u->folder = (struct folder){
        .arena = &u->arena, .rows = &u->rows, .index = parts->index, .scopes = parts->scopes, .replays = true};
}

static void
upkeep_fini(struct upkeep *u)
{
    rows_fini(&u->rows);
    mp_writer_fini(&u->packed);
    mp_writer_fini(&u->changes);
    pd_arena_fini(&u->arena);
}

/* Parts of nobody else's, as they are before the first event. */
static struct upkeep_parts
own_parts(const struct books *books, size_t ids, bool looks_only, struct expiry *expiry)
{
    struct index_options options = {.ids = ids, .looks_only = looks_only};

    if (books != NULL) {
        options.shelf = books->index;
        options.log_id = store_log_id(books->log);
    }
    expiry_init(expiry, 0);
    return (struct upkeep_parts){.index = index_open(&options), .scopes = scopes_open(), .expiry = expiry};
}

static void
close_parts(struct upkeep_parts *parts)
{
    index_close(&parts->index);
    scopes_close(&parts->scopes);
}

/* ---- at start ------------------------------------------------------------------------------------------------------ */

struct reading {
    const struct upkeep_parts *parts;
    struct pd_arena           *arena;
    int                        row_code;
    bool                       to_index; /* else to the scopes */
    bool                       damaged, full;
    size_t                     count;
};

static bool
see_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct reading        *r = arg;
    const struct pd_block *block = pd_schema_row(r->row_code);
    void                  *row = pd_arena_alloc(r->arena, block->size);
    uint64_t               prints[INDEX_KEYS_MAX];

    if (bytes.data == NULL || !pd_decode_row(r->arena, block, bytes, row)) {
        log_error("row_damaged", "table=%s position=%" PRIu64 " item=%" PRIu32, block->name, key.position, key.item);
        r->damaged = true;
        return false;
    }
    if (!r->to_index) scopes_put(r->parts->scopes, row);
    for (size_t i = 0, n = r->to_index ? index_keys(r->row_code, row, prints) : 0; i < n; i++)
        index_add(r->parts->index, prints[i], key);
    if (++r->count % 1024 != 0) return true;
    pd_arena_reset(r->arena);
    r->full = r->to_index && !index_load_on(r->parts->index);
    return !r->full;
}

static enum store_error
see_rows(struct reading *r, struct store_reader *rows, int row_code)
{
    r->row_code = row_code;
    if (pd_schema_row(row_code) == NULL) return STORE_OK;
    enum store_error error = store_each_row(rows, row_code, (struct row_key){0, 0}, see_row, r);
    if (r->full) return STORE_FULL;
    return r->damaged ? STORE_DAMAGED : error;
}

/* The ids of the last commands up to a position, from the last event back. */
static enum store_error
see_ids(struct reading *r, struct store_reader *log, uint64_t last)
{
    uint64_t most = index_ids(r->parts->index);

    for (uint64_t p = last, commands = 0; p >= 1 && commands < most; p--) {
        struct pd_text   bytes;
        struct record    record;
        enum store_error error = store_read_record(log, p, r->arena, &bytes);
        if (error != STORE_OK || !record_read(bytes, &record)) {
            log_error("record_damaged", "position=%" PRIu64, p);
            return STORE_DAMAGED;
        }
        commands += ids_note(r->parts->index, r->parts->scopes, &record);
        if (p % 1024 != 0) continue;
        pd_arena_reset(r->arena);
        if (!index_load_on(r->parts->index)) return STORE_FULL;
    }
    return STORE_OK;
}

static enum store_error
make_index(struct reading *r, struct store_reader *rows, struct store_reader *log)
{
    uint64_t         folded = 0;
    enum store_error error = store_reader_folded(rows, &folded);

    log_info("index_building", "of=%" PRIu64, folded);
    index_load(r->parts->index);
    r->to_index = true;
    for (int code = 1; code < PD_ROW_CODES && error == STORE_OK; code++) error = see_rows(r, rows, code);
    if (error == STORE_OK) error = see_ids(r, log, folded);
    if (error == STORE_OK && !index_loaded(r->parts->index, folded)) error = STORE_FULL;
    if (error != STORE_OK) return error;
    log_info("index_built", "position=%" PRIu64, folded);
    return STORE_OK;
}

enum store_error
upkeep_open_parts(const struct books *books, const struct upkeep_parts *parts)
{
    struct pd_arena      arena;
    struct store_reader *rows = NULL, *log = NULL;
    enum store_error     error = store_reader_open(books->rows, &rows);

    pd_arena_init(&arena);
    struct reading r = {.parts = parts, .arena = &arena};
    if (error == STORE_OK) error = store_reader_open(books->log, &log);
    if (error == STORE_OK) error = see_rows(&r, rows, PD_ROW_reseller);
    if (error == STORE_OK) error = kept_read(rows, parts->index, parts->scopes, parts->expiry, &arena);
    if (error == STORE_NONE) error = make_index(&r, rows, log);
    store_reader_close(&log);
    store_reader_close(&rows);
    pd_arena_fini(&arena);
    return error;
}

/* ---- folding a log ------------------------------------------------------------------------------------------------- */

/* Folds one event into the upkeep's rows; false: a row it touches is damaged. */
static bool
fold_one(struct upkeep *u, const struct ahead_event *e)
{
    const struct record_header *h = &e->record.header;

    if (scopes_at(u->folder.scopes, h->scope) != NULL) scopes_reach(u->folder.scopes, h->scope, h->scope_position);
    if (!fold_event(&u->folder, &e->record, e->event, NULL)) {
        log_error("fold_failed", "position=%" PRIu64 " type=%s", h->position, e->block->Name);
        return false;
    }
    (void)ids_note(u->folder.index, u->folder.scopes, &e->record);
    return true;
}

/* Folds events behind `from`, as many as weigh no more than a turn does, into the open transaction of `rows`. */
static enum store_error
fold_batch(struct upkeep *u, struct store *rows, const struct ahead_event *events, size_t count, uint64_t from, size_t *ret_folded)
{
    size_t weight = 0, n = 0;

    for (; n < count && weight + u->rows.young->loaded_bytes <= BATCH_BYTES; n++) {
        if (!fold_one(u, &events[n])) return STORE_DAMAGED;
        weight += events[n].size;
    }
    uint64_t to = from + n;
    if (u->note_changes) changes_begin(&u->changes, from);
    rows_flush(u->rows.young, rows, &u->packed, u->note_changes ? &u->changes : NULL);
    if (u->note_changes) changes_end(&u->changes, rows, to);
    struct kept kept = kept_collect(u->folder.index, u->folder.scopes, &u->expiry, &u->arena);
    kept_write(&kept, rows, &u->packed, from, to, index_kept(u->folder.index));
    store_set_folded(rows, to);
    *ret_folded = n;
    return STORE_OK;
}

/* The same in a transaction of its own. */
static enum store_error
fold_and_commit(struct upkeep *u, struct store *rows, const struct ahead_event *events, size_t count, size_t *ret_folded)
{
    uint64_t         from = store_folded(rows);
    enum store_error error = store_prepare(rows, BATCH_SPACE, AHEAD_EVENTS);

    if (error == STORE_OK) error = store_begin(rows);
    if (error != STORE_OK) return error;
    pd_arena_reset(&u->arena);
    rows_clear(&u->rows);
    u->rows.reader = store_writer_view(rows);
    error = fold_batch(u, rows, events, count, from, ret_folded);
    if (index_is_damaged(u->folder.index)) { /* what is there may have been taken for new */
        log_error("index_damaged", "action=exit hint=\"the next start makes it anew\"");
        index_discard(u->folder.index);
        error = STORE_FAILED;
    }
    if (error == STORE_OK) error = store_commit(rows, NULL);
    else store_abort(rows);
    if (error != STORE_OK) return error;
    index_turn_over(u->folder.index, store_folded(rows));
    index_catch_up(u->folder.index, store_folded(rows));
    return STORE_OK;
}

static enum store_error
fold_to_end(struct upkeep *u, const struct books *books, upkeep_progress *progress, void *arg)
{
    uint64_t                  last = store_last(books->log);
    struct ahead_options      all = {.log = books->log, .first = store_folded(books->rows) + 1, .last = last, .decodes = true};
    const struct ahead_batch *b = NULL;
    enum store_error          error;
    struct read_ahead        *ahead = read_ahead_begin(&all, &error);

    while (error == STORE_OK && store_folded(books->rows) < last) {
        b = read_ahead_next(ahead);
        for (size_t at = 0, folded = 0; at < b->count && error == STORE_OK; at += folded) {
            error = fold_and_commit(u, books->rows, b->events + at, b->count - at, &folded);
            if (error == STORE_OK && progress != NULL) progress(arg, "fold", store_folded(books->rows), last);
        }
        if (error != STORE_OK) break;
        if (b->wrong != NULL)
            log_error("record_damaged", "position=%" PRIu64 " what=\"it%s\"", store_folded(books->rows) + 1, b->wrong);
        error = b->error;
    }
    read_ahead_end(&ahead);
    return error;
}

enum store_error
upkeep_fold_tail(const struct books *books, const struct upkeep_parts *parts, upkeep_progress *progress, void *arg)
{
    struct upkeep u;
    uint64_t      from = store_folded(books->rows), last = store_last(books->log);

    if (from >= last) return STORE_OK;
    if (last - from > TAIL_EVENTS) log_info("rows_follow_log", "from=%" PRIu64 " to=%" PRIu64, from, last);
    upkeep_init(&u, parts);
    u.note_changes = true;
    enum store_error error = fold_to_end(&u, books, progress, arg);
    upkeep_fini(&u);
    return error;
}

/* A batch of events that must follow from each other; *at is how far that is. */
static enum store_error
check_batch(struct read_ahead *ahead, uint64_t *at)
{
    const struct ahead_batch *b = read_ahead_next(ahead);

    *at += b->count;
    if (b->wrong != NULL)
        log_error("record_damaged", "position=%" PRIu64 " what=\"it%s\" rows=\"left as they are\"", *at + 1, b->wrong);
    return b->error;
}

/* The chain that an event says it has. */
static enum store_error
read_chain(struct store *log, uint64_t position, struct pd_arena *arena, uint8_t ret_chain[PD_CHAIN_BYTES])
{
    struct store_reader *reader = NULL;
    struct pd_text       bytes;
    struct record        r;
    enum store_error     error = store_reader_open(log, &reader);

    memset(ret_chain, 0, PD_CHAIN_BYTES);
    if (error == STORE_OK && position > 0) {
        error = store_read_record(reader, position, arena, &bytes);
        if (error == STORE_NONE || (error == STORE_OK && !record_read(bytes, &r))) error = STORE_DAMAGED;
        if (error == STORE_OK) memcpy(ret_chain, r.chain, PD_CHAIN_BYTES);
    }
    store_reader_close(&reader);
    return error;
}

/* Whether every event is there and follows from the one before. The second half begins with what the first is to end with. */
static enum store_error
check_log(struct upkeep *u, struct store *log, upkeep_progress *progress, void *arg)
{
    uint64_t           last = store_last(log), middle = last / 2, at[2] = {0, middle}, ends[2] = {middle, last};
    struct read_ahead *halves[2] = {NULL, NULL};
    enum store_error   error = STORE_OK;

    for (int i = 0; i < 2 && error == STORE_OK; i++) {
        uint8_t chain[PD_CHAIN_BYTES];
        error = read_chain(log, at[i], &u->arena, chain);
        struct ahead_options half = {.log = log, .first = at[i] + 1, .last = ends[i], .chain = chain};
        if (error == STORE_OK) halves[i] = read_ahead_begin(&half, &error);
    }
    while (error == STORE_OK && (at[0] < ends[0] || at[1] < ends[1])) {
        for (int i = 0; i < 2 && error == STORE_OK; i++)
            if (at[i] < ends[i]) error = check_batch(halves[i], &at[i]);
        if (progress != NULL) progress(arg, "check", at[0] + at[1] - middle, last);
    }
    for (int i = 0; i < 2; i++) read_ahead_end(&halves[i]);
    return error;
}

enum store_error
upkeep_rebuild(const struct books *books, size_t known_commands, upkeep_progress *progress, void *arg)
{
    struct upkeep       u;
    struct expiry       expiry;
    struct upkeep_parts parts = own_parts(books, known_commands, false, &expiry);

    upkeep_init(&u, &parts);
    /* Rows are thrown away only when the log can give them back. */
    enum store_error error = check_log(&u, books->log, progress, arg);
    if (error == STORE_OK) error = store_prepare(books->rows, BATCH_SPACE, AHEAD_EVENTS);
    if (error == STORE_OK) error = store_begin(books->rows);
    if (error == STORE_OK) {
        uint64_t making;
        if (changes_making(store_writer_view(books->rows), &u.arena, &making) != STORE_OK) making = store_last(books->log);
        store_drop_rows(books->rows);
        changes_set_making(books->rows, making + 1);
        error = store_commit(books->rows, NULL);
    }
    if (error == STORE_OK) {
        store_forget_damage(books->rows);
        index_reset(parts.index);
        error = fold_to_end(&u, books, progress, arg);
    }
    upkeep_fini(&u);
    close_parts(&parts);
    return error;
}

/* ---- verifying ----------------------------------------------------------------------------------------------------- */

struct comparison {
    struct store_reader *other;
    struct pd_arena     *arena;
    int                  row_code;
    uint64_t             rows;
    const char          *there; /* what the other side is called */
    char                *what;
};

/* The name of the first field in which two rows differ. */
static const char *
first_difference(struct comparison *c, struct pd_text a, struct pd_text b)
{
    const struct pd_block *block = pd_schema_row(c->row_code);
    struct mp_cursor       at[2] = {mp_cursor_of(a), mp_cursor_of(b)};

    /* Rows are arrays in schema order: step over equal elements. */
    if (mp_take_array(&at[0]) != mp_take_array(&at[1])) return "bytes";
    for (size_t f = 0; f < block->field_count; f++) {
        struct pd_text one = mp_take_packed(&at[0]), other = mp_take_packed(&at[1]);
        if (at[0].failed || at[1].failed) break;
        if (!pd_text_equal(one, other)) return block->fields[f].name;
    }
    return "bytes";
}

static bool
compare_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct comparison     *c = arg;
    const struct pd_block *block = pd_schema_row(c->row_code);
    struct pd_text         other = {NULL, 0};
    enum store_error       error = store_read_row(c->other, c->row_code, key, c->arena, &other);
    const char            *what = NULL;

    if (bytes.data == NULL || error == STORE_DAMAGED) what = "its checksum does not fit";
    else if (error != STORE_OK) what = c->there;
    if (what != NULL)
        snprintf(c->what, 256, "row %s at position %" PRIu64 " item %" PRIu32 ": %s", block->name, key.position, key.item, what);
    else if (!pd_text_equal(bytes, other))
        snprintf(c->what, 256, "row %s at position %" PRIu64 " item %" PRIu32 ": field %s is not what the log says", block->name,
                 key.position, key.item, first_difference(c, bytes, other));
    if (++c->rows % 1024 == 0) pd_arena_reset(c->arena);
    return c->what[0] == '\0';
}

/* Every row of `a` is in `b` and the same. */
static enum store_error
compare_rows(struct store_reader *a, struct store_reader *b, const char *there, struct pd_arena *arena, char *what)
{
    struct comparison c = {.other = b, .arena = arena, .there = there, .what = what};
    enum store_error  error = STORE_OK;

    for (c.row_code = 1; c.row_code < PD_ROW_CODES && error == STORE_OK && what[0] == '\0'; c.row_code++)
        if (pd_schema_row(c.row_code) != NULL)
            error = store_each_row(a, c.row_code, (struct row_key){0, 0}, compare_row, &c);
    return error;
}

/* Folds a batch in the scratch store, in a transaction of its own. */
static enum store_error
fold_scratch(struct upkeep *u, struct store *scratch, const struct ahead_batch *b, char *what)
{
    enum store_error error = store_begin(scratch);

    if (error != STORE_OK) return error;
    pd_arena_reset(&u->arena);
    rows_clear(&u->rows);
    u->rows.reader = store_writer_view(scratch);
    for (size_t i = 0; i < b->count && error == STORE_OK; i++) {
        if (fold_one(u, &b->events[i])) continue;
        snprintf(what, 256, "event %" PRIu64 " cannot be folded", b->events[i].record.header.position);
        error = STORE_DAMAGED;
    }
    if (error != STORE_OK) {
        store_abort(scratch);
        return error;
    }
    rows_flush(u->rows.young, scratch, &u->packed, NULL);
    return store_commit(scratch, NULL);
}

/* One pass over a stretch of the log: positions, chain; each event is folded in the scratch store. */
static enum store_error
fold_checked(struct upkeep *u, struct store *log, uint64_t first, uint64_t last, struct store *scratch, upkeep_progress *progress,
             void *arg, char *what)
{
    struct ahead_options stretch = {.log = log, .first = first, .last = last, .chain = u->chain, .decodes = true};
    uint64_t             at = first - 1;
    enum store_error     error;
    struct read_ahead   *ahead = read_ahead_begin(&stretch, &error);

    while (error == STORE_OK && at < last) {
        const struct ahead_batch *b = read_ahead_next(ahead);
        if (b->count > 0) {
            error = fold_scratch(u, scratch, b, what);
            at += b->count;
            memcpy(u->chain, b->events[b->count - 1].record.chain, sizeof u->chain);
        }
        if (error != STORE_OK) break;
        if (b->wrong != NULL) snprintf(what, 256, "event %" PRIu64 "%s", at + 1, b->wrong);
        if ((error = b->error) != STORE_OK) break;
        index_turn_over(u->folder.index, at);
        index_settle(u->folder.index, at);
        if (progress != NULL) progress(arg, "check", at, last);
    }
    read_ahead_end(&ahead);
    return error;
}

/* What is found by the index, and what should be. */
static void
compare_indexes(struct index *there, struct index *folded, char *what)
{
    struct index_walk *walks[2] = {index_walk_begin(there), index_walk_begin(folded)};
    struct pair        a, b;
    bool               more, wanted;

    do {
        more = index_walk_next(walks[0], &a);
        wanted = index_walk_next(walks[1], &b);
    } while (more && wanted && pair_compare(a, b) == 0);
    bool lacks = wanted && (!more || pair_compare(a, b) > 0);
    if (index_is_damaged(there)) snprintf(what, 256, "index: a page is not as it was written");
    else if (more || wanted)
        snprintf(what, 256, "index: the row at position %" PRIu64 " item %" PRIu32 " %s", pair_position(lacks ? b : a),
                 pair_item(lacks ? b : a), lacks ? "is not found by all of its keys" : "is found by a key that it has not");
    index_walk_end(&walks[0]);
    index_walk_end(&walks[1]);
}

static void
compare_scopes(struct scopes *there, struct scopes *folded, char *what)
{
    static const char *const names[NUMBER_KINDS] = {
        [NUMBER_order] = "order", [NUMBER_subscription] = "subscription", [NUMBER_task] = "task"};

    for (uint64_t n = 0; n <= scopes_count(folded) && what[0] == '\0'; n++) {
        const struct scope *a = scopes_at(there, n), *b = scopes_at(folded, n);
        if (a == NULL || a->position != b->position)
            snprintf(what, 256, "what is kept of reseller %" PRIu64 ": its position is not what the log says", n);
        for (int kind = 0; kind < NUMBER_KINDS && what[0] == '\0'; kind++)
            if (a->last[kind] != b->last[kind])
                snprintf(what, 256, "what is kept of reseller %" PRIu64 ": the last %s is not what the log says", n, names[kind]);
    }
}

/* Whether every entry beside the rows is as it was written. */
static enum store_error
look_at_entries(struct store_reader *rows)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    enum store_error     error = store_cursor_open(rows, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, (struct pd_text){"\0", 1}, &entry);
    while (error == STORE_OK) error = store_cursor_next(cursor, &entry);
    store_cursor_close(&cursor);
    return error == STORE_NONE ? STORE_OK : error;
}

/* What is kept beside the rows, and the index's files, which may have been taken away: a start makes them anew. */
static enum store_error
compare_kept(const struct books *books, const struct upkeep_parts *folded, char *what)
{
    struct expiry        expiry;
    struct upkeep_parts  parts = own_parts(books, 0, true, &expiry);
    struct pd_arena      arena;
    struct store_reader *rows = NULL;
    bool                 is_there = index_has_files(parts.index);
    enum store_error     error = store_reader_open(books->rows, &rows);

    pd_arena_init(&arena);
    struct reading r = {.parts = &parts, .arena = &arena};
    if (error == STORE_OK) error = look_at_entries(rows);
    if (error == STORE_OK) error = see_rows(&r, rows, PD_ROW_reseller);
    if (error == STORE_OK) error = kept_read(rows, parts.index, parts.scopes, parts.expiry, &arena);
    if (error == STORE_DAMAGED) snprintf(what, 256, "what is kept beside the rows cannot be read");
    if (error == STORE_NONE && is_there) snprintf(what, 256, "index: its files do not fit the rows; a start makes it anew");
    if (error == STORE_OK || error == STORE_NONE) compare_scopes(parts.scopes, folded->scopes, what);
    if (error == STORE_OK && what[0] == '\0') compare_indexes(parts.index, folded->index, what);
    store_reader_close(&rows);
    pd_arena_fini(&arena);
    close_parts(&parts);
    return error == STORE_NONE || error == STORE_DAMAGED ? STORE_OK : error;
}

enum store_error
upkeep_verify(const struct books *books, const char *scratch_dir, upkeep_progress *progress, void *arg, char ret_what[256])
{
    struct upkeep        u;
    struct expiry        expiry;
    struct upkeep_parts  parts = own_parts(NULL, 0, false, &expiry);
    struct store        *scratch = NULL;
    struct store_reader *rows = NULL, *folded = NULL;
    uint64_t             known, last = store_last(books->log);

    ret_what[0] = '\0';
    upkeep_init(&u, &parts);
    enum store_error error = store_open(scratch_dir, STORE_SCRATCH, false, &scratch, &known);
    if (error == STORE_OK) error = store_reader_open(books->rows, &rows);
    /* Rows may be behind the log; they are compared where they stand, and the rest of the log must fold as well. */
    uint64_t at = store_folded(books->rows);
    if (error == STORE_OK) error = fold_checked(&u, books->log, 1, at, scratch, progress, arg, ret_what);
    if (error == STORE_OK) error = store_reader_open(scratch, &folded);
    if (error == STORE_OK) error = compare_rows(folded, rows, "the books lack it", &u.arena, ret_what);
    if (error == STORE_OK && ret_what[0] == '\0')
        error = compare_rows(rows, folded, "the log knows nothing of it", &u.arena, ret_what);
    store_reader_close(&folded);
    if (error == STORE_OK && ret_what[0] == '\0' && at > 0) error = compare_kept(books, &parts, ret_what);
    if (error == STORE_OK && ret_what[0] == '\0')
        error = fold_checked(&u, books->log, at + 1, last, scratch, progress, arg, ret_what);
    store_reader_close(&rows);
    store_close(&scratch);
    upkeep_fini(&u);
    close_parts(&parts);
    return error == STORE_OK && ret_what[0] != '\0' ? STORE_DAMAGED : error;
}
