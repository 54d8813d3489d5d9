#include "tests/scenarios/runner.h"

#include <stdarg.h>
#include <stdlib.h>

#include "clients/lib/json.h"
#include "engine/store/store_memory.h"
#include "engine/views/dump.h"
#include "proto/check.h"
#include "tests/scenarios/invariants.h"
#include "tests/scenarios/matrix.h"

void
keep(struct bytes *b, struct pd_text text)
{
    char *copy = malloc(text.size + 1);
    PD_CHECK(copy != NULL);
    if (text.size > 0) memcpy(copy, text.data, text.size);
    free(b->data);
    *b = (struct bytes){copy, text.size};
}

void
fail(struct runner *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", r->file, r->line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    r->failed = true;
}

static struct query_gauges
no_gauges(void *arg)
{
    (void)arg;
    return (struct query_gauges){0};
}

static struct measures measures;

void
open_engine(struct runner *r)
{
    struct engine_options options = {
        .lease_ms = 30000, .views = true, .keys.own = PD_TEXT("uid/0"), .software = PD_TEXT("scenario"),
        .endpoints = {PD_TEXT("c"), PD_TEXT("e"), PD_TEXT("q"), PD_TEXT("w"), 0},
    };
    uint64_t known;
    PD_CHECK(books_open("scenario", STORE_CREATE, false, &r->books, &known) == STORE_OK);
    PD_CHECK(engine_open(&r->books, &options, r->now, &r->engine) == STORE_OK);
    PD_CHECK(views_open("scenario", &r->books, &r->views) == STORE_OK);
    r->queries = queries_open(&(struct query_sources){
        .books = &r->books, .engine = r->engine, .views = r->views, .software = PD_TEXT("scenario"), .gauges = no_gauges,
        .measures = &measures});
}

void
close_engine(struct runner *r)
{
    queries_close(&r->queries);
    views_close(&r->views);
    engine_close(&r->engine);
    books_close(&r->books);
}

static void
follow(struct runner *r)
{
    for (bool more = true; more;) PD_CHECK(views_step(r->views, &more) == STORE_OK);
    engine_set_projected(r->engine, views_needed(r->views));
}

struct pd_text
ask(struct runner *r, const struct request *request)
{
    struct pd_text answer;
    uint64_t       wanted = 0, wait_ms;

    follow(r);
    PD_CHECK(queries_answer(r->queries, request, false, &wanted, &wait_ms, &answer)); /* they are so far, all of them */
    return answer;
}

static void
add_line(void *arg, const char *line)
{
    fprintf(arg, "%s\n", line);
}

/* To be freed. */
static char *
dump_views(struct runner *r)
{
    struct views_reader reader;
    char               *text = NULL;
    size_t              size;
    FILE               *file = open_memstream(&text, &size);

    PD_CHECK(file != NULL && views_reader_open(r->views, &reader) == STORE_OK);
    PD_CHECK(views_dump(reader.reader, add_line, file) == STORE_OK);
    views_reader_close(r->views, &reader);
    fclose(file);
    return text;
}

void
check_views(struct runner *r)
{
    follow(r);
    uint64_t rows = views_figures(r->views).rows;
    follow(r);
    if (views_figures(r->views).rows != rows) fail(r, "views counted rows where there was nothing to follow");
    char *followed = dump_views(r);
    PD_CHECK(views_rebuild(r->views));
    follow(r);
    char *anew = dump_views(r);
    if (strcmp(followed, anew) != 0) fail(r, "views that followed are not as those made anew:\n%s\n%s", followed, anew);
    free(followed);
    free(anew);
}

void
forget_happenings(struct runner *r)
{
    for (size_t i = 0; i < r->count; i++) json_decref(r->happened[i].fields);
    r->count = 0;
}

static void
note(struct runner *r, const char *word, json_t *fields)
{
    PD_CHECK(r->count < sizeof r->happened / sizeof r->happened[0]);
    struct happening *h = &r->happened[r->count++];
    *h = (struct happening){.fields = fields == NULL ? json_object() : fields};
    snprintf(h->word, sizeof h->word, "%s", word);
}

void
note_answer(struct runner *r, struct pd_text bytes, const struct pd_block *reply)
{
    json_t *all = pd_json_from_bytes(bytes, NULL), *error = json_object_get(all, "error");

    r->answered = error == NULL;
    if (error != NULL) {
        char word[80];
        snprintf(word, sizeof word, "refused %s", json_string_value(json_object_get(error, "code")));
        cover_refusal(word + 8, r->file);
        note(r, word, json_incref(error));
    } else {
        /* Again, with the times of `data` shown as times. */
        struct mp_reader parser = {.ready = false};
        msgpack_object   o;
        PD_CHECK(mp_parse(&parser, bytes.data, bytes.size, &o));
        json_t *fields = pd_json_from_msgpack(mp_find(&o, "data"), reply);
        if (json_object_get(all, "position") != NULL)
            json_object_set(fields, "@position", json_object_get(all, "position"));
        if (json_object_get(all, "next") != NULL) json_object_set(fields, "@next", json_object_get(all, "next"));
        note(r, "answered", fields);
        mp_reader_fini(&parser);
    }
    json_decref(all);
}

/* What a worker is handed. */
static void
note_assignment(struct runner *r, struct pd_text bytes)
{
    struct mp_reader parser = {.ready = false};
    msgpack_object   o;

    PD_CHECK(mp_parse(&parser, bytes.data, bytes.size, &o));
    note(r, "assigned", pd_json_from_msgpack(mp_find(&o, "data"), pd_block_assignment()));
    mp_reader_fini(&parser);
}

static void
note_turn(struct runner *r)
{
    size_t                 n;
    const struct appended *events = engine_appended(r->engine, &n);

    for (size_t i = 0; i < n; i++) {
        const struct pd_block *block = pd_schema_event(events[i].record.header.type);
        json_t                *fields = pd_json_from_bytes(events[i].record.body, block);
        json_object_set_new(fields, "@version", json_integer((json_int_t)events[i].record.header.version));
        json_object_set_new(fields, "@position", json_integer((json_int_t)events[i].record.header.scope_position));
        note(r, block->Name, fields);
    }
    const struct outgoing *out = engine_outgoing(r->engine, &n);
    for (size_t i = 0; i < n; i++)
        if (out[i].port == PD_port_commands) note_answer(r, out[i].body, pd_block_status_reply());
        else note_assignment(r, out[i].body);
}

void
turn(struct runner *r, struct request *request)
{
    size_t taken;
    r->now.wall_us += 1000;
    r->now.monotonic_ms += 1;
    PD_CHECK(engine_turn(r->engine, r->now, &request, request == NULL ? 0 : 1, &taken) == STORE_OK);
    note_turn(r);
    engine_appended(r->engine, &taken);
    if (taken > 0) check_invariants(r);
    if (request != NULL && request->answer.data != NULL)
        note_answer(r, request->answer, request->message.block == NULL ? NULL : request->message.block->reply());
}
