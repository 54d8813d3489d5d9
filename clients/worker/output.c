#include "clients/worker/output.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "proto/check.h"
#include "proto/limits.h"

enum { KEY_MAX = 64, VALUE_MAX = 256 }; /* of a parameter, as the protocol takes them */

/* ---- lines --------------------------------------------------------------------------------------------------------- */

static void
end_line(struct output *o, output_line_fn fn, void *context)
{
    char *line = o->line;
    if (o->line_size == 0) return;
    o->line = o->last;
    o->last = line;
    o->last_size = o->line_size;
    o->line_size = 0;
    fn(context, output_last(o));
}

void
output_feed(struct output *o, const char *bytes, size_t size, output_line_fn fn, void *context)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n') {
            end_line(o, fn, context);
            continue;
        }
        if (o->line == NULL) PD_CHECK((o->line = malloc(OUTPUT_LINE_MAX)) != NULL);
        if (bytes[i] != '\r' && o->line_size < OUTPUT_LINE_MAX) o->line[o->line_size++] = bytes[i];
    }
}

void
output_end(struct output *o, output_line_fn fn, void *context)
{
    end_line(o, fn, context);
}

void
output_fini(struct output *o)
{
    free(o->line);
    free(o->last);
    *o = (struct output){0};
}

struct pd_text
output_last(const struct output *o)
{
    if (o->last_size == 0) return (struct pd_text){NULL, 0};
    return (struct pd_text){o->last, o->last_size};
}

/* ---- the end of it ------------------------------------------------------------------------------------------------- */

/* Drops whole lines at the begin until at most `size` bytes are left. */
static void
drop_lines(struct tail *t, size_t size)
{
    const char *keep = t->text, *end = t->text + t->size;

    while ((size_t)(end - keep) > size) keep = (const char *)memchr(keep, '\n', (size_t)(end - keep)) + 1;
    t->size = (size_t)(end - keep);
    memmove(t->text, keep, t->size);
}

void
tail_add(struct tail *t, struct pd_text line)
{
    size_t size = line.size < WORKER_OUTPUT_MAX ? line.size : WORKER_OUTPUT_MAX;

    while (size > 0 && size < line.size && (line.data[size] & 0xc0) == 0x80) size--;
    if (t->size + size + 1 > sizeof t->text) drop_lines(t, WORKER_OUTPUT_MAX);
    memcpy(t->text + t->size, line.data, size);
    t->size += size;
    t->text[t->size++] = '\n';
}

/* Letter by letter, each as long as it was. */
static void
clean_in_place(char *text, size_t size)
{
    for (char *p = text, *end = text + size; p < end;) {
        size_t letter = mp_letter(p, end);
        if (letter == 0) *p = '?';
        else if (letter == 1 && ((unsigned char)*p < 0x20 || *p == 0x7f) && *p != '\n' && *p != '\t') *p = ' ';
        p += letter == 0 ? 1 : letter;
    }
}

struct pd_text
tail_text(struct tail *t)
{
    drop_lines(t, WORKER_OUTPUT_MAX + 1); /* the last newline goes */
    if (t->size == 0) return (struct pd_text){NULL, 0};
    clean_in_place(t->text, t->size);
    return (struct pd_text){t->text, t->size - 1};
}

/* ---- texts --------------------------------------------------------------------------------------------------------- */

size_t
output_clean(struct pd_text text, char ret_clean[WORKER_TEXT_MAX])
{
    const char *p = text.data, *end = text.data + text.size;
    size_t      size = 0;

    while (p < end) {
        size_t letter = mp_letter(p, end);
        bool   control = letter == 1 && ((unsigned char)*p < 0x20 || *p == 0x7f);
        if (size + (letter == 0 ? 1 : letter) > WORKER_TEXT_MAX) break;
        if (letter == 0) ret_clean[size++] = '?';
        else if (!control) {
            memcpy(ret_clean + size, p, letter);
            size += letter;
        } else if (size > 0) ret_clean[size++] = ' ';
        if (size == 1 && ret_clean[0] == ' ') size = 0;
        p += letter == 0 ? 1 : letter;
    }
    while (size > 0 && ret_clean[size - 1] == ' ') size--;
    return size;
}

bool
output_percent(struct pd_text line, uint64_t *ret_percent, struct pd_text *ret_rest)
{
    uint64_t percent = 0;
    size_t   at = 0, digits = 0;

    while (at < line.size && line.data[at] == ' ') at++;
    for (; at < line.size && line.data[at] >= '0' && line.data[at] <= '9' && digits < 4; at++, digits++)
        percent = percent * 10 + (uint64_t)(line.data[at] - '0');
    if (digits == 0 || percent > 100 || at == line.size || line.data[at] != '%') return false;
    at++;
    if (at < line.size && line.data[at] != ' ' && line.data[at] != '\t') return false;
    *ret_percent = percent;
    *ret_rest = (struct pd_text){line.data + at, line.size - at};
    return true;
}

bool
output_parameters(struct pd_arena *arena, struct pd_text line, struct pd_pair **ret_pairs, size_t *ret_count)
{
    const char *key;
    json_t     *value, *object;
    size_t      n = 0;

    if (line.size == 0 || memchr(line.data, '{', line.size) == NULL) return false;
    object = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
    struct pd_pair *pairs = PD_ARENA_ARRAY(arena, struct pd_pair, json_object_size(object) + 1);
    json_object_foreach(object, key, value) {
        /* Numbers and flags as they are written: a port is told as a number. */
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        if (json_is_object(value) || json_is_array(value)) {
            free(text);
            json_decref(object);
            return false;
        }
        pairs[n].key = pd_arena_text(arena, pd_text(key));
        struct pd_text own = {json_string_value(value), json_string_length(value)};
        pairs[n++].value = pd_arena_text(arena, text != NULL ? pd_text(text) : own);
        free(text);
    }
    bool is_object = json_is_object(object);
    json_decref(object);
    if (!is_object) return false;
    *ret_pairs = pairs;
    *ret_count = n;
    return true;
}

/* ---- results ------------------------------------------------------------------------------------------------------- */

static bool
is_plain(struct pd_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) return false;
    return true;
}

/* The bounds that the engine would refuse; better said here, where the script's author reads it. */
static bool
acceptable(const struct pd_pair *pairs, size_t count)
{
    if (count > PD_PARAMETERS_MAX) return false;
    for (size_t i = 0; i < count; i++)
        if (pairs[i].key.size == 0 || pairs[i].key.size > KEY_MAX || pairs[i].value.size > VALUE_MAX ||
            !is_plain(pairs[i].key) || !is_plain(pairs[i].value))
            return false;
    return true;
}

static void
set_message(struct pd_arena *arena, struct pd_text line, struct worker_in *in)
{
    char     clean[WORKER_TEXT_MAX];
    uint64_t percent;

    output_percent(line, &percent, &line);
    size_t size = line.size == 0 ? 0 : output_clean(line, clean);
    if (size > 0) in->text = pd_arena_text(arena, (struct pd_text){clean, size});
}

void
output_result(struct pd_arena *arena, int status, const struct output *out, const struct output *err,
              struct worker_in *ret_in)
{
    struct pd_text last = output_last(out);
    char           text[32];

    ret_in->success = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ret_in->success) {
        if (!output_parameters(arena, last, &ret_in->parameters, &ret_in->parameter_count)) {
            set_message(arena, last, ret_in);
            return;
        }
        if (acceptable(ret_in->parameters, ret_in->parameter_count)) return;
        ret_in->success = false;
        ret_in->parameter_count = 0;
        ret_in->code = PD_TEXT("bad_parameters");
        ret_in->text = PD_TEXT("The script's last line has more than 32 parameters, or a key over 64 bytes, a value over "
                               "256 bytes or a control character.");
        return;
    }
    ret_in->retryable = !WIFEXITED(status) || WEXITSTATUS(status) == EX_TEMPFAIL;
    if (!WIFEXITED(status)) ret_in->code = PD_TEXT("signal");
    else set_message(arena, output_last(err).size > 0 ? output_last(err) : last, ret_in);
    if (ret_in->text.size > 0) return;
    if (WIFEXITED(status)) snprintf(text, sizeof text, "exit status %d", WEXITSTATUS(status));
    else snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
    ret_in->text = pd_arena_text(arena, pd_text(text));
}
