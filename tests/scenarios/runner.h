/* runner.h - the engine that stories are told to, over books in memory, and what happened in it. One thread. */
#ifndef SCENARIOS_RUNNER_H
#define SCENARIOS_RUNNER_H

#include <jansson.h>
#include <stdio.h>

#include "engine/bus/door.h"
#include "engine/engine.h"
#include "engine/queries/queries.h"

/* One line that happened: an event, an answer or a refusal, as "Type" and its fields. */
struct happening {
    char    word[96];
    json_t *fields;
    bool    used;
};

/* A copy of its own. */
struct bytes {
    char  *data;
    size_t size;
};

struct runner {
    const char      *file;
    int              line;
    bool             rewrite, failed;
    struct books     books;
    struct engine   *engine;
    struct views    *views;
    struct queries  *queries;
    struct door      door;
    struct pd_arena  arena;
    struct now       now;
    int              commands;
    struct happening happened[256];
    size_t           count;
    bool             answered; /* the last request was accepted; else refused */
    bool             pending;  /* events that no `then` has named yet must be named */
    json_t          *names;    /* what $name stands for */
    struct bytes     sent, answer; /* the last request and what it was answered */
    struct bytes     told, told_answer; /* the same of the last `when`, for `again` */
    enum pd_port     sent_port, told_port;
    char             as[64]; /* who sent it; empty: a peer without a key */
    FILE            *out;
};

/* Takes a copy, in the place of what was kept. */
void keep(struct bytes *b, struct pd_text text);

/* The story fails, with its file and line. */
void fail(struct runner *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

void open_engine(struct runner *r);
void close_engine(struct runner *r);
void forget_happenings(struct runner *r);

/* What a query is answered once the views have followed; valid until the next one. */
struct pd_text ask(struct runner *r, const struct request *request);

/* Holds the views that have followed against some that are made anew. */
void check_views(struct runner *r);

/* The answer as something that happened; `reply` is the shape of its data, NULL when unknown. */
void note_answer(struct runner *r, struct pd_text bytes, const struct pd_block *reply);

/* A turn with one request, or none. */
void turn(struct runner *r, struct request *request);

#endif
