#include "engine/views/verify.h"

#include "engine/views/places.h"

/* Those that serve at the next start. STORE_NONE: there are none. */
static enum store_error
open_present(struct projector *w, const char *dir, struct projection *ret_projection)
{
    struct projection places[PLACES] = {{.store = NULL}};
    int               serving;
    enum store_error  error = places_open(w, dir, STORE_VIEWS_LOOK, places, &serving);

    *ret_projection = error == STORE_OK && serving != NOWHERE ? places[serving] : (struct projection){.store = NULL};
    for (int i = 0; i < PLACES; i++)
        if (error != STORE_OK || i != serving) projection_close(&places[i]);
    return error == STORE_OK && serving == NOWHERE ? STORE_NONE : error;
}

static enum store_error
make(struct projector *w, const char *dir, views_progress *progress, void *arg, struct projection *ret_projection)
{
    enum store_error error = projection_open(w, dir, STORE_VIEWS, ret_projection);

    for (bool more = true; more && error == STORE_OK;) {
        error = projection_step(w, ret_projection, &more);
        progress(arg, "views", projection_built(ret_projection), ret_projection->of);
    }
    return error;
}

static enum store_error
compare(struct projector *w, const struct projection *a, const struct projection *b, char *ret_what)
{
    struct store_reader *x = NULL, *y = NULL;
    enum store_error     error = store_reader_open(a->store, &x);

    if (error == STORE_OK) error = store_reader_open(b->store, &y);
    if (error == STORE_OK) error = views_compare(x, y, &w->arena, ret_what);
    store_reader_close(&y);
    store_reader_close(&x);
    return error;
}

enum store_error
views_verify(const char *dir, const struct books *books, const char *scratch_dir, views_progress *progress, void *arg,
             uint64_t *ret_position, char *ret_what)
{
    struct projector  w;
    struct projection present = {.store = NULL}, made = {.store = NULL};

    ret_what[0] = '\0';
    *ret_position = 0;
    projector_init(&w, books->rows, books->log);
    enum store_error error = open_present(&w, dir, &present);
    if (error == STORE_OK) *ret_position = present.rows_at;
    if (error == STORE_OK && present.rows_at < store_folded(books->rows)) error = STORE_NONE;
    if (error == STORE_OK) {
        error = make(&w, scratch_dir, progress, arg, &made);
        if (error == STORE_OK) error = compare(&w, &present, &made, ret_what);
        projection_close(&made);
        store_remove(scratch_dir);
    }
    projection_close(&present);
    projector_fini(&w);
    return error;
}

enum store_error
views_print(const char *dir, const struct books *books, dump_line *line, void *arg)
{
    struct projector     w;
    struct projection    present = {.store = NULL};
    struct store_reader *reader = NULL;

    projector_init(&w, books->rows, books->log);
    enum store_error error = open_present(&w, dir, &present);
    if (error == STORE_OK) error = store_reader_open(present.store, &reader);
    if (error == STORE_OK) error = views_dump(reader, line, arg);
    store_reader_close(&reader);
    projection_close(&present);
    projector_fini(&w);
    return error;
}
