/* run.c - rules as stories in text, told to the real engine over books in memory. The format is in README.md beside this.
 *
 *   scenarios [--rewrite] [--matrix] FILE...
 *
 * --rewrite puts what happened in the place of what was expected: commit such a change only if you know what caused it.
 * --matrix shows which pairs of order state and command the files tell of; a cell fails that is empty, or that
 * never tells of the command taken where the table takes it, or refused where it does not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/json.h"
#include "engine/authorise.h"
#include "engine/store/store_memory.h"
#include "proto/check.h"
#include "tests/scenarios/matrix.h"
#include "tests/scenarios/runner.h"

enum { LINES_MAX = 1024, TOKENS_MAX = 64 };

/* ---- tokens -------------------------------------------------------------------------------------------------------- */

/* Splits at blanks outside quotes and brackets; changes the line. */
static size_t
split(char *line, char **tokens)
{
    size_t n = 0;
    for (char *p = line; *p != '\0' && n < TOKENS_MAX;) {
        while (*p == ' ') p++;
        if (*p == '\0' || *p == '#') break;
        tokens[n++] = p;
        int  depth = 0;
        bool quoted = false;
        for (; *p != '\0' && (quoted || depth > 0 || *p != ' '); p++) {
            if (*p == '\\' && quoted && p[1] != '\0') p++;
            else if (*p == '"') quoted = !quoted;
            else if (!quoted && (*p == '[' || *p == '{')) depth++;
            else if (!quoted && (*p == ']' || *p == '}')) depth--;
        }
        if (*p != '\0') *p++ = '\0';
    }
    return n;
}

/* What stands behind the '=': what a $name stands for; else JSON where it is JSON, else a text. */
static json_t *
value_of(const struct runner *r, const char *text)
{
    json_t *v = text[0] == '$' ? json_incref(json_object_get(r->names, text + 1)) : json_loads(text, JSON_DECODE_ANY, NULL);
    return v != NULL ? v : json_string(text);
}

/* A value by path: items[1].state */
static json_t *
at_path(json_t *value, const char *path)
{
    char   key[64];
    size_t size;

    while (*path != '\0' && value != NULL) {
        if (*path == '[') {
            value = json_array_get(value, strtoul(path + 1, NULL, 10));
            path = strchr(path, ']') + 1;
        } else {
            path += *path == '.';
            size = strcspn(path, ".[");
            snprintf(key, sizeof key, "%.*s", (int)size, path);
            value = json_object_get(value, key);
            path += size;
        }
    }
    return value;
}

/* ---- verbs --------------------------------------------------------------------------------------------------------- */

/* An assignment need not be told, an answer that is no refusal need not either. */
enum kind { EVENT, ANSWER, ASSIGNMENT };

static enum kind
kind_of(const char *word)
{
    if (strcmp(word, "assigned") == 0) return ASSIGNMENT;
    return strcmp(word, "answered") == 0 || strncmp(word, "refused", 7) == 0 ? ANSWER : EVENT;
}

/* Sends bytes to a port, and notes what comes of it. `as` is the sender's key or user; NULL: neither. */
static void
post(struct runner *r, enum pd_port port, struct pd_text bytes, struct pd_text from, const char *as)
{
    struct request request = {.address = from};

    if (as != NULL) request.identity = pd_text(as);
    struct pd_text body = pd_arena_text(&r->arena, bytes);
    size_t         n;

    PD_CHECK(door_open(&r->door, port, body, &n, &request.refusal));
    door_take(&r->door, port, false, &r->arena, &request);
    authorise_complete(keys_find(engine_keys(r->engine), request.identity), &request.message);
    if (port == PD_port_queries) {
        request.answer = ask(r, &request);
        note_answer(r, request.answer, request.message.block == NULL ? NULL : request.message.block->reply());
    } else turn(r, &request);
    keep(&r->answer, request.answer);
}

/* Sends what the tokens say; "@key=value" goes into the envelope. */
static void
send_request(struct runner *r, char **tokens, size_t count)
{
    json_t                *envelope = json_object(), *data = json_object();
    char                   id[32];
    const struct pd_block *block = pd_schema_find(PD_BLOCK_command, pd_text(tokens[0]));
    struct mp_writer       w = {0};
    struct pd_json_problem problem;

    if (block == NULL) block = pd_schema_find(PD_BLOCK_query, pd_text(tokens[0]));
    enum pd_port port = block == NULL ? PD_port_commands : (enum pd_port)block->port;
    snprintf(id, sizeof id, "c%d", ++r->commands);
    json_object_set_new(envelope, "type", json_string(tokens[0]));
    json_object_set_new(envelope, "id", json_string(id));
    for (size_t i = 1; i < count; i++) {
        char *equals = strchr(tokens[i], '=');
        if (equals == NULL) {
            fail(r, "not key=value: %s", tokens[i]);
            continue;
        }
        *equals = '\0';
        bool outer = tokens[i][0] == '@';
        json_object_set_new(outer ? envelope : data, tokens[i] + outer, value_of(r, equals + 1));
        *equals = '=';
    }
    json_t        *reseller = json_object_get(envelope, "reseller");
    json_t        *socket = json_incref(json_object_get(envelope, "socket")); /* from where; no part of the message */
    json_object_del(envelope, "socket");
    const char *as = json_string_value(json_object_get(envelope, "as"));
    snprintf(r->as, sizeof r->as, "%s", as == NULL ? "" : as);
    json_object_del(envelope, "as");
    struct pd_text scope = pd_text(json_is_string(reseller) ? json_string_value(reseller) : "default");
    pd_arena_reset(&r->arena);
    enum pd_order_state state = state_addressed(r, port, scope, data);

    if (json_object_get(envelope, "data") == NULL) json_object_set(envelope, "data", data);
    if (!pd_json_to_request(&w, pd_block_request(), envelope, &problem)) fail(r, "%s: %s", problem.field, problem.what);
    else {
        keep(&r->sent, (struct pd_text){w.data, w.size});
        r->sent_port = port;
        post(r, port, (struct pd_text){r->sent.data, r->sent.size}, pd_text(socket == NULL ? "x" : json_string_value(socket)),
             r->as[0] == '\0' ? NULL : r->as);
        const char *outcome = r->answered ? "yes" : "no";
        for (size_t i = 0; i < r->count; i++)
            if (strncmp(r->happened[i].word, "refused ", 8) == 0) outcome = r->happened[i].word + 8;
        if (block != NULL && port != PD_port_queries) {
            cover(state, block->code, outcome);
            check_move(r, state, block, state_addressed(r, port, scope, data));
        }
    }
    mp_writer_fini(&w);
    json_decref(socket);
    json_decref(envelope);
    json_decref(data);
}

/* The last `when` once more: it does nothing, and its answer is the same to the last byte. */
static void
run_again(struct runner *r)
{
    if (r->told.data == NULL) {
        fail(r, "there was no `when` before");
        return;
    }
    post(r, r->told_port, (struct pd_text){r->told.data, r->told.size}, PD_TEXT("x"), r->as[0] == '\0' ? NULL : r->as);
    for (size_t i = 0; i < r->count; i++)
        if (kind_of(r->happened[i].word) == EVENT) fail(r, "again, and it happened again: %s", r->happened[i].word);
    if (r->answer.size == r->told_answer.size && memcmp(r->answer.data, r->told_answer.data, r->answer.size) == 0) return;
    json_t *was = pd_json_from_bytes((struct pd_text){r->told_answer.data, r->told_answer.size}, NULL);
    json_t *is = pd_json_from_bytes((struct pd_text){r->answer.data, r->answer.size}, NULL);
    char   *texts[2] = {json_dumps(was, JSON_COMPACT), json_dumps(is, JSON_COMPACT)};
    fail(r, "again, and the answer is another:\n  %s\n  %s", texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    json_decref(was);
    json_decref(is);
}

/* Whether the fields named are as said. Answers the first that is not, or NULL. */
static const char *
compare(struct runner *r, const struct happening *h, char **tokens, size_t count)
{
    static char complaint[512];
    for (size_t i = 0; i < count; i++) {
        char *equals = strchr(tokens[i], '=');
        if (equals == NULL) return tokens[i];
        *equals = '\0';
        json_t *is = at_path(h->fields, tokens[i]), *wanted;
        if (equals[1] == '$' && is != NULL && json_object_get(r->names, equals + 2) == NULL)
            json_object_set(r->names, equals + 2, is); /* from now on the name stands for this */
        wanted = strcmp(equals + 1, "-") == 0 ? NULL : value_of(r, equals + 1);
        bool    same = wanted == NULL ? is == NULL : is != NULL && json_equal(is, wanted);
        if (!same) {
            char *text = is == NULL ? strdup("absent") : json_dumps(is, JSON_COMPACT | JSON_ENCODE_ANY);
            snprintf(complaint, sizeof complaint, "%s is %s", tokens[i], text);
            free(text);
        }
        json_decref(wanted);
        *equals = '=';
        if (!same) return complaint;
    }
    return NULL;
}

/* The next happening that a `then` line can be about: events, answers and assignments each in their order. */
static struct happening *
next_happening(struct runner *r, enum kind kind)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->happened[i].used && kind_of(r->happened[i].word) == kind) return &r->happened[i];
    return NULL;
}

static void
write_then(struct runner *r, const struct happening *h, char **keys, size_t key_count)
{
    fprintf(r->out, "then %s", h->word);
    for (size_t i = 0; i < key_count; i++) {
        json_t *v = at_path(h->fields, keys[i]);
        char   *text = v == NULL ? strdup("-") : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        bool    plain = json_is_string(v) && json_string_length(v) > 0 && strpbrk(json_string_value(v), " \"[]{}#=") == NULL;
        /* A number in quotes stays one. */
        if (plain && strspn(json_string_value(v), "-0123456789.") == json_string_length(v)) plain = false;
        fprintf(r->out, " %s=%s", keys[i], plain ? json_string_value(v) : text);
        free(text);
    }
    fputc('\n', r->out);
}

/* What happened and was not named: a failure, or, rewriting, lines. */
static void
settle(struct runner *r)
{
    struct happening *h;
    const char       *key;
    json_t           *value;

    if (!r->pending) return;
    r->pending = false;
    for (enum kind kind = EVENT; kind <= ANSWER; kind++)
        while ((h = next_happening(r, kind)) != NULL) {
            h->used = true;
            if (kind == ANSWER && strcmp(h->word, "answered") == 0) continue; /* an answer need not be looked at */
            if (!r->rewrite) {
                char *text = json_dumps(h->fields, JSON_COMPACT);
                fail(r, "happened and was not told: %s %s", h->word, text);
                free(text);
                continue;
            }
            char  *keys[TOKENS_MAX];
            size_t n = 0;
            json_object_foreach(h->fields, key, value)
            {
                bool dull = key[0] == '@' || strcmp(key, "message") == 0 || strcmp(key, "instance") == 0 ||
                            strcmp(key, "allowed") == 0;
                if (!json_is_array(value) && !json_is_object(value) && !dull && n < TOKENS_MAX) keys[n++] = (char *)(uintptr_t)key;
            }
            write_then(r, h, keys, n);
        }
}

static void
run_then(struct runner *r, char **tokens, size_t count, const char *line)
{
    char   word[128];
    size_t first = 1;

    snprintf(word, sizeof word, "%s", tokens[0]);
    if (strcmp(tokens[0], "refused") == 0 && count > 1) {
        snprintf(word, sizeof word, "refused %s", tokens[1]);
        first = 2;
    }
    struct happening *h = next_happening(r, kind_of(tokens[0]));
    if (h == NULL || strcmp(h->word, word) != 0) {
        if (!r->rewrite) fail(r, "told %s, happened %s", word, h == NULL ? "nothing more" : h->word);
        if (h != NULL && !r->rewrite) h->used = true;
        return; /* rewriting: settle writes what happened */
    }
    h->used = true;
    const char *complaint = compare(r, h, tokens + first, count - first);
    if (!r->rewrite) {
        if (complaint != NULL) fail(r, "%s: %s", word, complaint);
        return;
    }
    if (complaint == NULL) {
        fprintf(r->out, "%s\n", line);
        return;
    }
    for (size_t i = first; i < count; i++) tokens[i][strcspn(tokens[i], "=")] = '\0';
    write_then(r, h, tokens + first, count - first);
}

/* row order 1 state=completed: what a query shows now. */
static void
run_row(struct runner *r, char **tokens, size_t count)
{
    static const char *const queries[][2] = {
        {"order", "GetOrder"}, {"subscription", "GetSubscription"}, {"customer", "GetCustomer"}, {"plan", "GetPlan"},
        {"task", "GetTask"}};
    char             address[160], query[32], kind[32];
    struct happening row;
    char            *asked[4] = {query, address};
    size_t           n = 2, first = 2;

    snprintf(kind, sizeof kind, "%s", tokens[0]);
    query[0] = '\0';
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
        if (strcmp(queries[i][0], kind) == 0) snprintf(query, sizeof query, "%s", queries[i][1]);
    if (query[0] == '\0' || count < 2) {
        fail(r, "row order|subscription|customer|plan|task KEY field=value...");
        return;
    }
    snprintf(address, sizeof address, "%s=%s", kind, tokens[1]);
    if (count > 2 && strncmp(tokens[2], "@reseller=", 10) == 0) asked[n++] = tokens[first++];
    forget_happenings(r);
    send_request(r, asked, n);
    if (!r->answered || r->count == 0) {
        fail(r, "there is no %s %s", kind, tokens[1]);
        return;
    }
    row = r->happened[r->count - 1];
    row.fields = json_object_get(row.fields, kind);
    const char *complaint = compare(r, &row, tokens + first, count - first);
    if (complaint != NULL) fail(r, "%s %s: %s", kind, tokens[1], complaint);
    forget_happenings(r);
}

/* time +40s, +30m, +1h, +2d; or time 2026-01-31T09:00:00Z */
static bool
run_time(struct runner *r, const char *text)
{
    struct tm tm = {0};
    char      unit = '\0';
    uint64_t  n = 0;

    if (text[0] == '+' && sscanf(text + 1, "%" SCNu64 "%c", &n, &unit) == 2) {
        uint64_t seconds = unit == 's' ? n : unit == 'm' ? n * 60 : unit == 'h' ? n * 3600 : n * 86400;
        r->now.wall_us += seconds * 1000000;
        r->now.monotonic_ms += seconds * 1000;
    } else if (strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL) r->now.wall_us = (pd_time_us)timegm(&tm) * 1000000;
    else return false;
    turn(r, NULL);
    return true;
}

static void run_file(struct runner *r, const char *path, bool rewrite);

static void
run_given(struct runner *r, char **tokens, size_t count)
{
    char path[512];

    if (pd_schema_find(PD_BLOCK_command, pd_text(tokens[0])) == NULL) {
        struct runner outer = *r;
        const char   *slash = strrchr(r->file, '/');
        snprintf(path, sizeof path, "%.*s%s.txt", slash == NULL ? 0 : (int)(slash - r->file + 1), r->file, tokens[0]);
        run_file(r, path, false);
        r->file = outer.file;
        r->line = outer.line;
        r->rewrite = outer.rewrite;
        r->out = outer.out;
    } else {
        send_request(r, tokens, count);
        if (!r->answered) fail(r, "given, but %s", r->happened[r->count - 1].word);
    }
    forget_happenings(r);
    r->pending = false;
}

static void
run_line(struct runner *r, const char *line)
{
    char   copy[4096], *tokens[TOKENS_MAX];
    size_t n;

    snprintf(copy, sizeof copy, "%s", line);
    if ((n = split(copy, tokens)) == 0) {
        if (line[0] == '\0') settle(r);
        if (r->rewrite) fprintf(r->out, "%s\n", line);
        return;
    }
    bool then = strcmp(tokens[0], "then") == 0;
    if (!then) settle(r);
    if (r->rewrite && !then) fprintf(r->out, "%s\n", line);
    if (then && n > 1) {
        run_then(r, tokens + 1, n - 1, line);
        return;
    }
    forget_happenings(r);
    r->answered = true;
    if (strcmp(tokens[0], "when") == 0 && n > 1) {
        send_request(r, tokens + 1, n - 1);
        keep(&r->told, (struct pd_text){r->sent.data, r->sent.size});
        keep(&r->told_answer, (struct pd_text){r->answer.data, r->answer.size});
        r->told_port = r->sent_port;
        r->pending = true;
    } else if (strcmp(tokens[0], "given") == 0 && n > 1) run_given(r, tokens + 1, n - 1);
    else if (strcmp(tokens[0], "row") == 0 && n > 1) run_row(r, tokens + 1, n - 1);
    else if (strcmp(tokens[0], "time") == 0 && n == 2) {
        if (!run_time(r, tokens[1])) fail(r, "a time is +40s, +30m, +1h, +2d or 2026-01-31T09:00:00Z");
        r->pending = true;
    } else if (strcmp(tokens[0], "again") == 0) run_again(r);
    else if (strcmp(tokens[0], "restart") == 0) {
        close_engine(r);
        open_engine(r);
    } else fail(r, "not one of given, when, again, then, row, time, restart: %s", tokens[0]);
}

static void
run_file(struct runner *r, const char *path, bool rewrite)
{
    char  line[4096];
    FILE *in = fopen(path, "r");

    if (in == NULL) {
        fail(r, "cannot read %s", path);
        return;
    }
    r->file = path;
    r->line = 0;
    r->rewrite = rewrite;
    while (fgets(line, sizeof line, in) != NULL) {
        r->line++;
        line[strcspn(line, "\n")] = '\0';
        run_line(r, line);
    }
    settle(r);
    fclose(in);
}

/* One story, in an engine of its own. */
static bool
tell(const char *path, bool rewrite)
{
    static struct runner r;
    char                *text = NULL;
    size_t               size = 0;

    r = (struct runner){.now = {1767225600000000, 1000000}}; /* 2026-01-01T00:00:00Z */
    r.out = open_memstream(&text, &size);
    r.names = json_object();
    pd_arena_init(&r.arena);
    open_engine(&r);
    run_file(&r, path, rewrite);
    forget_happenings(&r);
    check_views(&r);
    close_engine(&r);
    store_memory_forget("scenario");
    door_fini(&r.door);
    pd_arena_fini(&r.arena);
    json_decref(r.names);
    free(r.sent.data);
    free(r.answer.data);
    free(r.told.data);
    free(r.told_answer.data);
    fclose(r.out);
    if (rewrite) {
        FILE *out = fopen(path, "w");
        PD_CHECK(out != NULL && fwrite(text, 1, size, out) == size && fclose(out) == 0);
    }
    free(text);
    printf("%s %s\n", r.failed ? "FAILED" : "ok    ", path);
    return !r.failed;
}

int
main(int argc, char **argv)
{
    bool rewrite = false, matrix = false, ok = true;

    cover_open(getenv("PD_COVERAGE"));
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rewrite") == 0) rewrite = true;
        else if (strcmp(argv[i], "--matrix") == 0) matrix = true;
        else ok = tell(argv[i], rewrite) && ok;
    }
    if (matrix) ok = show_matrix() && ok;
    cover_close();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
