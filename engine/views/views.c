#include "engine/views/views.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "engine/views/places.h"
#include "engine/views/scrub.h"
#include "proto/check.h"

enum {
    LARGE_ROWS = 4096, /* that changed, in a batch */
    CALM_ROWS  = 256,
    CALM_STEPS = 10,
};

struct views {
    struct projector  projector;
    struct projection places[PLACES];
    char             *dirs[PLACES];
    struct scrub      scrub; /* of those that serve since the start */
    bool              stuck; /* those that serve have met damage, and show what they showed then */
    bool              swollen; /* a batch was large since they were opened */
    unsigned          calm;    /* so many steps since */

    pthread_mutex_t lock; /* what is below */
    pthread_cond_t  left; /* a reader has gone */
    int             serving, building; /* which place; NOWHERE */
    struct store   *stores[PLACES];    /* of the places */
    int             readers[PLACES];
    _Atomic bool    wanted; /* they are to be made anew */
    _Atomic bool    unmakable; /* what they are made from is damaged */
    uint64_t        needed; /* the least position that one of them has to follow from */
    struct views_figures figures;
};

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static struct views *
make(const char *dir, const struct books *books)
{
    struct views *v = calloc(1, sizeof *v);

    PD_CHECK(v != NULL && pthread_mutex_init(&v->lock, NULL) == 0 && pthread_cond_init(&v->left, NULL) == 0);
    projector_init(&v->projector, books->rows, books->log);
    v->serving = v->building = NOWHERE;
    for (int i = 0; i < PLACES; i++) v->dirs[i] = places_path(dir, i);
    return v;
}

enum store_error
views_open(const char *dir, const struct books *books, struct views **ret_views)
{
    struct views    *v = make(dir, books);
    enum store_error error = places_open(&v->projector, dir, STORE_VIEWS_EXISTING, v->places, &v->serving);

    if (error != STORE_OK) {
        views_close(&v);
        return error;
    }
    for (int i = 0; i < PLACES; i++) {
        v->stores[i] = v->places[i].store;
        if (i == v->serving) continue;
        projection_close(&v->places[i]);
        store_remove(v->dirs[i]);
    }
    v->wanted = v->serving == NOWHERE;
    scrub_begin(&v->scrub);
    v->scrub.done = v->serving == NOWHERE; /* what is made now was not read from a disk */
    if (!v->wanted) v->figures.position = v->needed = v->places[v->serving].rows_at;
    *ret_views = v;
    return STORE_OK;
}

enum store_error
views_seen(const char *dir, const struct books *books, uint64_t *ret_position)
{
    struct views    *v = make(dir, books);
    enum store_error error = places_open(&v->projector, dir, STORE_VIEWS_EXISTING, v->places, &v->serving);

    *ret_position = v->serving == NOWHERE ? 0 : v->places[v->serving].rows_at;
    views_close(&v);
    return error;
}

void
views_close(struct views **views)
{
    struct views *v = *views;

    if (v == NULL) return;
    for (int i = 0; i < PLACES; i++) {
        projection_close(&v->places[i]);
        free(v->dirs[i]);
    }
    projector_fini(&v->projector);
    pthread_cond_destroy(&v->left);
    pthread_mutex_destroy(&v->lock);
    free(v);
    *views = NULL;
}

/* ---- projecting ---------------------------------------------------------------------------------------------------- */

/* Under the lock: other threads look at nothing of a place itself. */
static void
note_needed(struct views *v)
{
    const int places[] = {v->serving, v->building};

    v->needed = UINT64_MAX;
    for (int i = 0; i < 2; i++)
        if (places[i] != NOWHERE && v->places[places[i]].rows_at < v->needed) v->needed = v->places[places[i]].rows_at;
}

/* A place is taken from its readers and its files. */
static void
clear_place(struct views *v, int place)
{
    pthread_mutex_lock(&v->lock);
    while (v->readers[place] > 0) pthread_cond_wait(&v->left, &v->lock);
    pthread_mutex_unlock(&v->lock);
    projection_close(&v->places[place]);
    store_remove(v->dirs[place]);
}

/* In the place that does not serve. */
static enum store_error
begin_building(struct views *v)
{
    int place = v->serving == 0 ? 1 : 0;

    clear_place(v, place);
    enum store_error error = projection_open(&v->projector, v->dirs[place], STORE_VIEWS, &v->places[place]);
    if (error != STORE_OK) return error;
    log_info("views_building", "place=\"%s\" of=%" PRIu64, v->dirs[place], v->places[place].of);
    pthread_mutex_lock(&v->lock);
    v->building = place;
    v->stores[place] = v->places[place].store;
    v->wanted = false;
    note_needed(v);
    pthread_mutex_unlock(&v->lock);
    return STORE_OK;
}

/* What was made serves from now on. */
static void
change_over(struct views *v)
{
    int former = v->serving;

    log_info("views_built", "place=\"%s\" position=%" PRIu64, v->dirs[v->building], v->places[v->building].rows_at);
    pthread_mutex_lock(&v->lock);
    v->serving = v->building;
    v->building = NOWHERE;
    pthread_mutex_unlock(&v->lock);
    v->scrub.done = v->swollen = true;
    v->stuck = false;
    v->unmakable = false;
    if (former != NOWHERE) clear_place(v, former);
}

static void
note(struct views *v)
{
    pthread_mutex_lock(&v->lock);
    note_needed(v);
    v->figures.rows += v->projector.count;
    if (v->serving != NOWHERE) v->figures.position = v->places[v->serving].rows_at;
    if (v->building != NOWHERE) v->figures.built = projection_built(&v->places[v->building]);
    pthread_mutex_unlock(&v->lock);
}

/* When there is nothing else to do. */
static enum store_error
scrub(struct views *v, bool *more)
{
    enum store_error error = scrub_step(&v->scrub, v->places[v->serving].store);

    *more = !v->scrub.done;
    if (error != STORE_DAMAGED) return error;
    log_error("views_damaged", "place=\"%s\" action=rebuild", v->dirs[v->serving]);
    v->scrub.done = *more = true;
    v->wanted = true;
    return STORE_OK;
}

/* A place is given up, and new views are to be made. */
static void
give_up(struct views *v, int place)
{
    log_warn("views_cannot_follow", "place=\"%s\" position=%" PRIu64 " action=rebuild", v->dirs[place], v->places[place].rows_at);
    pthread_mutex_lock(&v->lock);
    if (place == v->serving) v->serving = NOWHERE;
    else v->building = NOWHERE;
    v->wanted = v->building == NOWHERE;
    note_needed(v);
    pthread_mutex_unlock(&v->lock);
    clear_place(v, place);
}

/* LMDB keeps the memory of as many pages as one transaction has ever changed, up to 512 MiB, until it is closed. So what has had a
 * large batch is closed for a moment when there is little to do; readers wait for it. */
static enum store_error
give_back_memory(struct views *v)
{
    int place = v->serving;

    pthread_mutex_lock(&v->lock);
    while (v->readers[place] > 0) pthread_cond_wait(&v->left, &v->lock);
    projection_close(&v->places[place]);
    enum store_error error = projection_open(&v->projector, v->dirs[place], STORE_VIEWS_EXISTING, &v->places[place]);
    v->stores[place] = v->places[place].store;
    if (error != STORE_OK) v->serving = NOWHERE;
    v->wanted |= error != STORE_OK && error != STORE_FAILED;
    pthread_mutex_unlock(&v->lock);
    v->swollen = false;
    malloc_trim(0);
    if (error == STORE_OK) log_info("views_reopened", "place=\"%s\" why=\"memory is given back\"", v->dirs[place]);
    return v->wanted ? STORE_OK : error;
}

/* After a step of those that serve. */
static enum store_error
watch_memory(struct views *v)
{
    v->swollen |= v->projector.count >= LARGE_ROWS;
    v->calm = v->projector.count >= CALM_ROWS ? 0 : v->calm + 1;
    return v->swollen && v->calm >= CALM_STEPS && v->building == NOWHERE ? give_back_memory(v) : STORE_OK;
}

/* STORE_NONE, what it has to follow is gone: it cannot go on. Those that meet damage, their own or that of what they follow, serve
 * as they are until new ones are made; when those meet it, too, it is not the views'. */
static enum store_error
step(struct views *v, int place, bool *more)
{
    enum store_error error = projection_step(&v->projector, &v->places[place], more);

    note(v);
    if (error == STORE_DAMAGED && place == v->serving) {
        log_error("views_damaged", "place=\"%s\" position=%" PRIu64 " action=rebuild", v->dirs[place], v->places[place].rows_at);
        v->stuck = *more = true;
        v->wanted = v->building == NOWHERE;
        return STORE_OK;
    }
    if (error != STORE_NONE && error != STORE_DAMAGED) return error;
    v->unmakable = error == STORE_DAMAGED;
    give_up(v, place);
    *more = true;
    return error == STORE_NONE ? STORE_OK : error;
}

enum store_error
views_step(struct views *v, bool *ret_more)
{
    enum store_error error = STORE_OK;
    bool             serving = false, building = false;

    if (v->wanted && v->building == NOWHERE) error = begin_building(v);
    if (error == STORE_OK && v->serving != NOWHERE && !v->stuck) error = step(v, v->serving, &serving);
    if (error == STORE_OK && v->serving != NOWHERE && !v->stuck) error = watch_memory(v);
    if (error == STORE_OK && v->building != NOWHERE) {
        error = step(v, v->building, &building);
        if (error == STORE_OK && v->building != NOWHERE && v->places[v->building].complete) change_over(v);
    }
    *ret_more = serving || building || v->wanted;
    if (error != STORE_OK || *ret_more || v->scrub.done || v->serving == NOWHERE) return error;
    return scrub(v, ret_more);
}

uint64_t
views_needed(struct views *v)
{
    pthread_mutex_lock(&v->lock);
    uint64_t needed = v->needed;
    pthread_mutex_unlock(&v->lock);
    return needed;
}

bool
views_rebuild(struct views *v)
{
    pthread_mutex_lock(&v->lock);
    bool free_ = v->building == NOWHERE && !v->wanted;
    v->wanted = true;
    pthread_mutex_unlock(&v->lock);
    return free_;
}

struct views_figures
views_figures(struct views *v)
{
    pthread_mutex_lock(&v->lock);
    struct views_figures f = v->figures;
    f.serving = v->serving != NOWHERE;
    f.building = v->building != NOWHERE || v->wanted;
    pthread_mutex_unlock(&v->lock);
    return f;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void
leave(struct views *v, int place)
{
    pthread_mutex_lock(&v->lock);
    v->readers[place]--;
    pthread_cond_broadcast(&v->left);
    pthread_mutex_unlock(&v->lock);
}

/* So that it stays until `leave`. NULL: nothing serves. */
static struct store *
enter(struct views *v, int *ret_place)
{
    pthread_mutex_lock(&v->lock);
    *ret_place = v->serving;
    if (*ret_place != NOWHERE) v->readers[*ret_place]++;
    struct store *store = *ret_place != NOWHERE ? v->stores[*ret_place] : NULL;
    pthread_mutex_unlock(&v->lock);
    return store;
}

enum store_error
views_reader_open(struct views *v, struct views_reader *ret_reader)
{
    struct views_reader r = {.reader = NULL};

    struct store *store = enter(v, &r.place);
    if (r.place == NOWHERE) return v->unmakable ? STORE_DAMAGED : STORE_NONE;
    enum store_error error = store_reader_open(store, &r.reader);
    if (error == STORE_OK) error = store_reader_folded(r.reader, &r.position);
    if (error != STORE_OK) {
        store_reader_close(&r.reader);
        leave(v, r.place);
        return error;
    }
    *ret_reader = r;
    return STORE_OK;
}

bool
views_store_figures(struct views *v, struct store_figures *ret)
{
    int           place;
    struct store *store = enter(v, &place);

    if (store == NULL) return false;
    store_figures(store, ret);
    leave(v, place);
    return true;
}

void
views_forget_dead(struct views *v)
{
    int           place;
    struct store *store = enter(v, &place);

    if (store == NULL) return;
    store_forget_dead(store);
    leave(v, place);
}

void
views_reader_close(struct views *v, struct views_reader *r)
{
    if (r->reader == NULL) return;
    store_reader_close(&r->reader);
    leave(v, r->place);
}
