#include "proto/refusal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/check.h"
#include "proto/schema.h"

struct pd_refusal
pd_refuse(enum pd_error_code code)
{
    return (struct pd_refusal){.code = code};
}

/* What was cut at the bound may end in a part of a letter. */
static void
cut_at_letter(char *text)
{
    const char *end = text + strlen(text);
    for (size_t letter; text < end; text += letter)
        if ((letter = mp_letter(text, end)) == 0) break;
    *text = '\0';
}

struct pd_refusal
pd_refuse_field(enum pd_error_code code, const char *expected, const char *field, ...)
{
    struct pd_refusal r = {.code = code, .expected = expected};
    va_list           args;
    va_start(args, field);
    vsnprintf(r.field, sizeof r.field, field, args);
    va_end(args);
    cut_at_letter(r.field);
    return r;
}

size_t
pd_allowed_names(uint64_t allowed, struct pd_text *ret_names, size_t max)
{
    size_t n = 0;
    for (uint64_t left = allowed; left != 0 && n < max; left &= left - 1) {
        const struct pd_block *command = pd_schema_command(__builtin_ctzll(left));
        ret_names[n++] = (struct pd_text){command->Name, command->Name_size};
    }
    return n;
}

struct sentence {
    char   text[512];
    size_t size;
};

static void
put(struct sentence *s, const char *text, size_t size)
{
    if (size > sizeof s->text - 1 - s->size) size = sizeof s->text - 1 - s->size;
    memcpy(s->text + s->size, text, size);
    s->size += size;
}

static void
put_number(struct sentence *s, uint64_t number)
{
    char text[24];
    put(s, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, number));
}

static void
put_detail(struct sentence *s, struct pd_text key, const struct pd_refusal *r)
{
    struct pd_text names[PD_COMMAND_CODES];

    if (pd_text_equal(key, PD_TEXT("field"))) put(s, r->field, strlen(r->field));
    else if (pd_text_equal(key, PD_TEXT("expected"))) {
        const char *expected = r->expected == NULL ? "not a value this field takes" : r->expected;
        put(s, expected, strlen(expected));
    }
    else if (pd_text_equal(key, PD_TEXT("order"))) put_number(s, r->order);
    else if (pd_text_equal(key, PD_TEXT("version"))) put_number(s, r->version);
    else if (pd_text_equal(key, PD_TEXT("retry_after_ms"))) put_number(s, r->retry_after_ms);
    else if (pd_text_equal(key, PD_TEXT("state"))) {
        struct pd_text name = PD_NAME(order_state, r->state);
        put(s, name.data, name.size);
    } else if (pd_text_equal(key, PD_TEXT("command"))) {
        struct pd_text name = pd_text(pd_schema_command(r->command)->Name);
        put(s, name.data, name.size);
    } else if (pd_text_equal(key, PD_TEXT("allowed"))) {
        size_t n = pd_allowed_names(r->allowed, names, PD_COMMAND_CODES);
        for (size_t i = 0; i < n; i++) {
            if (i > 0) put(s, ", ", 2);
            put(s, names[i].data, names[i].size);
        }
        if (n == 0) put(s, "nothing", 7);
    } else PD_CHECK(!"a detail that no refusal has");
}

/* The error's sentence with its details filled in. */
static void
write_sentence(struct sentence *s, const struct pd_error *error, const struct pd_refusal *r)
{
    s->size = 0;
    for (const char *p = error->sentence; *p != '\0';) {
        const char *brace = strchr(p, '{'), *close;
        if (brace == NULL) {
            put(s, p, strlen(p));
            break;
        }
        close = strchr(brace, '}');
        put(s, p, (size_t)(brace - p));
        put_detail(s, (struct pd_text){brace + 1, (size_t)(close - brace - 1)}, r);
        p = close + 1;
    }
}

void
pd_encode_refusal(struct mp_writer *w, const struct pd_refusal *r)
{
    const struct pd_error *error = pd_schema_error((int)r->code);
    struct sentence        sentence;
    bool illegal = r->code == PD_E_illegal_transition, later = r->code == PD_E_busy || r->code == PD_E_subscriber_in_use;

    PD_CHECK(error != NULL);
    write_sentence(&sentence, error, r);
    mp_map(w, 2u + (r->field[0] != '\0') + (r->order != 0) + (r->code == PD_E_version_conflict) + (illegal ? 3u : 0u) +
                  later);
    mp_key(w, "code");
    mp_text(w, pd_text(error->code));
    mp_key(w, "message");
    mp_text(w, (struct pd_text){sentence.text, sentence.size});
    if (r->field[0] != '\0') {
        mp_key(w, "field");
        mp_text(w, pd_text(r->field));
    }
    if (r->order != 0) {
        mp_key(w, "order");
        mp_uint(w, r->order);
    }
    if (r->code == PD_E_version_conflict) {
        mp_key(w, "version");
        mp_uint(w, r->version);
    }
    if (illegal) {
        struct pd_text names[PD_COMMAND_CODES];
        size_t         n = pd_allowed_names(r->allowed, names, PD_COMMAND_CODES);
        mp_key(w, "state");
        mp_text(w, PD_NAME(order_state, r->state));
        mp_key(w, "command");
        mp_text(w, pd_text(pd_schema_command(r->command)->Name));
        mp_key(w, "allowed");
        mp_array(w, n);
        for (size_t i = 0; i < n; i++) mp_text(w, names[i]);
    }
    if (later) {
        mp_key(w, "retry_after_ms");
        mp_uint(w, r->retry_after_ms);
    }
}
