#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "clients/lib/json.h"
#include "proto/check.h"
#include "tests/sim/sim.h"

uint64_t
chance(struct sim *s, uint64_t of)
{
    uint64_t z = (s->random += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % of;
}

bool
befalls(struct sim *s, enum fault fault, uint64_t of)
{
    if (s->calm || chance(s, of) > 0) return false;
    s->counts.faults[fault]++;
    return true;
}

struct now
sim_time(const struct sim *s)
{
    return (struct now){(uint64_t)(1767225600000000 + (int64_t)s->now_ms * 1000 + s->wall_us), s->now_ms + 1};
}

/* ---- the story ------------------------------------------------------------------------------------------------------- */

void
note(struct sim *s, struct pd_text bytes)
{
    for (size_t i = 0; i < bytes.size; i++) s->hash = (s->hash ^ (unsigned char)bytes.data[i]) * 1099511628211u;
    s->hash = (s->hash ^ s->now_ms) * 1099511628211u;
}

void
tell(struct sim *s, const char *format, ...)
{
    char    line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    note(s, pd_text(line));
    if (s->story != NULL) fprintf(s->story, "%s\n", line);
}

/* key=value, as in a scenario. */
static void
tell_fields(FILE *out, const char *mark, json_t *object)
{
    const char *key;
    json_t     *value;

    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "type") == 0 || strcmp(key, "data") == 0) continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        fprintf(out, " %s%s=%s", mark, key, text);
        free(text);
    }
}

void
tell_message(struct sim *s, const char *what, struct pd_text frame, const struct pd_block *block)
{
    note(s, frame);
    if (s->story == NULL) return;
    json_t *o = pd_json_from_bytes(frame, block), *each;
    size_t  i, count = json_is_array(o) ? json_array_size(o) : 1;
    for (i = 0; i < count; i++) {
        each = json_is_array(o) ? json_array_get(o, i) : o;
        const char *type = json_string_value(json_object_get(each, "type"));
        const char *code = json_string_value(json_object_get(json_object_get(each, "error"), "code"));
        fprintf(s->story, "%s %s", what, type != NULL ? type : code != NULL ? "refused" : "answered");
        if (code != NULL) fprintf(s->story, " %s", code);
        tell_fields(s->story, "", json_object_get(each, "data"));
        tell_fields(s->story, "@", each);
        fputc('\n', s->story);
    }
    json_decref(o);
}

/* ---- the network ------------------------------------------------------------------------------------------------------- */

static bool
is_before(const struct mail *a, const struct mail *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

void
post(struct sim *s, struct mail mail, struct pd_text body)
{
    size_t i = s->mail_count++;

    PD_CHECK(i < MAIL_MAX);
    mail.data = malloc(body.size + 1);
    PD_CHECK(mail.data != NULL);
    if (body.size > 0) memcpy(mail.data, body.data, body.size);
    mail.size = body.size;
    mail.order = s->sent++;
    for (; i > 0 && is_before(&mail, &s->mails[(i - 1) / 2]); i = (i - 1) / 2) s->mails[i] = s->mails[(i - 1) / 2];
    s->mails[i] = mail;
}

static struct mail
take_mail(struct sim *s)
{
    struct mail first = s->mails[0], last = s->mails[--s->mail_count];
    size_t      i = 0;

    for (size_t child; (child = 2 * i + 1) < s->mail_count; i = child) {
        if (child + 1 < s->mail_count && is_before(&s->mails[child + 1], &s->mails[child])) child++;
        if (!is_before(&s->mails[child], &last)) break;
        s->mails[i] = s->mails[child];
    }
    s->mails[i] = last;
    return first;
}

void
send_mail(struct sim *s, struct mail mail, struct pd_text body)
{
    if (befalls(s, FAULT_lost, 40)) return;
    for (int copies = befalls(s, FAULT_doubled, 30) ? 2 : 1; copies > 0; copies--) {
        mail.at_ms = s->now_ms + 1 + chance(s, 4);
        if (befalls(s, FAULT_late, 25)) mail.at_ms += chance(s, 100) > 0 ? chance(s, 300) : chance(s, 30000);
        post(s, mail, body);
    }
}

static void
deliver(struct sim *s)
{
    while (s->mail_count > 0 && s->mails[0].at_ms <= s->now_ms) {
        struct mail    m = take_mail(s);
        struct pd_text body = {m.data, m.size};
        if (m.to == TO_ENGINE) host_hear(s, &m);
        else if (m.to >= FIRST_SUBSCRIBER) subscriber_hear(s, &m);
        else if (m.to >= CLIENTS && m.to < LIAR) worker_hear(s, &m);
        else if (m.to < CLIENTS && s->clients[m.to].life == m.life) client_step(s, &s->clients[m.to], body);
        free(m.data);
    }
}

/* ---- one seed ---------------------------------------------------------------------------------------------------------- */

static void
see_move(void *arg, int from, int command, int to)
{
    counts_move(arg, from, command, to);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void
change(struct sim *s)
{
    s->change_ms = s->now_ms + 200 + chance(s, 1500);
    if (!shop_is_open(s)) return;
    if (befalls(s, FAULT_clock_forward, 25)) {
        s->wall_us += (int64_t)chance(s, chance(s, 4) > 0 ? 4000000 : 40000000);
        tell(s, "# the clock jumps ahead");
    }
    if (befalls(s, FAULT_clock_month, 150)) {
        s->wall_us += INT64_C(2700000000000);
        tell(s, "# the clock jumps ahead by a month");
    }
    if (befalls(s, FAULT_clock_back, 25)) {
        s->wall_us -= (int64_t)chance(s, 20000000);
        tell(s, "# the clock jumps back");
    }
    host_change_disk(s);
}

/* The time at which something is due next. */
static uint64_t
next_ms(const struct sim *s)
{
    uint64_t at = least(least(host_wake_ms(s), s->change_ms), s->lie_ms);
    if (s->mail_count > 0) at = least(at, s->mails[0].at_ms);
    for (int i = 0; i < CLIENTS; i++) at = least(at, s->clients[i].wake_ms);
    for (int i = 0; i < WORKERS; i++) at = least(at, s->workers[i].wake_ms);
    for (int i = 0; i < SUBSCRIBERS; i++)
        if (!s->subscribers[i].waiting) at = least(at, s->subscribers[i].wake_ms);
    at = least(at, reading_wake_ms(s));
    return at > s->now_ms ? at : s->now_ms + 1;
}

void
world_goes_on(struct sim *s, uint64_t until_ms)
{
    s->now_ms = least(next_ms(s), until_ms);
    deliver(s);
    for (int i = 0; i < CLIENTS; i++)
        if (s->clients[i].wake_ms <= s->now_ms) client_step(s, &s->clients[i], (struct pd_text){NULL, 0});
    for (int i = 0; i < WORKERS; i++)
        if (s->workers[i].wake_ms <= s->now_ms) worker_tick(s, &s->workers[i]);
    for (int i = 0; i < SUBSCRIBERS; i++)
        if (s->subscribers[i].wake_ms <= s->now_ms && !s->subscribers[i].waiting) subscriber_step(s, &s->subscribers[i]);
    if (s->lie_ms <= s->now_ms) tell_lie(s);
    if (s->change_ms <= s->now_ms) change(s);
    if (host_wake_ms(s) <= s->now_ms) host_step(s);
    if (reading_wake_ms(s) <= s->now_ms) reading_step(s);
}

static void
live_until(struct sim *s, uint64_t end_ms, bool (*is_over)(const struct sim *s))
{
    while (s->now_ms < end_ms && !is_over(s) && model_violation(s->model) == NULL) world_goes_on(s, UINT64_MAX);
}

static bool
has_had_enough(const struct sim *s)
{
    return s->counts.commands >= COMMANDS && (s->crashes == CRASHES || s->counts.commands >= 10 * COMMANDS);
}

static bool
is_at_rest(const struct sim *s)
{
    for (int i = 0; i < CLIENTS; i++)
        if (s->clients[i].busy) return false;
    struct model_chore chore;
    if (!host_is_up(s) || model_is_busy(s->model) || model_chore(s->model, &chore)) return false;
    return !s->reads || (reading_is_at_head(s) && model_readers_at_head(s->model));
}

static void
begin(struct sim *s, uint64_t seed, FILE *story)
{
    *s = (struct sim){
        .seed = seed, .random = seed, .hash = 14695981039346656037u, .now_ms = 1, .story = story, .reads = seed / 2 % 2 == 1};
    PD_CHECK((s->mails = malloc(MAIL_MAX * sizeof *s->mails)) != NULL);
    for (size_t i = 0; i < CRASHES; i++) s->crash_at[i] = COMMANDS / CRASHES * i + chance(s, COMMANDS / CRASHES);
    s->crash = FAULT_first_crash + (enum fault)chance(s, FAULTS - FAULT_first_crash);
    s->model = model_open(LEASE_MS, see_move, &s->counts);
    s->lie_ms = s->change_ms = 100;
    clients_open(s);
    workers_open(s);
    audience_open(s);
    host_open(s);
}

const char *
run_seed(uint64_t seed, FILE *story, struct counts *ret_counts, uint64_t *ret_hash)
{
    static struct sim  world;
    static char        violation[512];
    struct sim        *s = &world;

    begin(s, seed, story);
    live_until(s, HOUR_MS, has_had_enough);
    if (model_violation(s->model) == NULL && s->crashes < CRASHES) model_blame(s->model, "the story has no end");
    s->calm = true;
    s->wall_us += 3600000000; /* the clock is put right, ahead of whatever it has shown */
    s->lie_ms = s->change_ms = UINT64_MAX;
    host_change_disk(s);
    live_until(s, s->now_ms + CALM_MS, is_at_rest); /* every order has a way out */
    if (is_at_rest(s)) model_look_at_servers(s->model);
    host_look_at_rows(s);
    if (model_violation(s->model) != NULL) snprintf(violation, sizeof violation, "%s", model_violation(s->model));
    else if (!is_at_rest(s)) snprintf(violation, sizeof violation, "not at rest after an hour of calm");
    *ret_counts = s->counts;
    *ret_hash = s->hash;
    audience_close(s);
    host_close(s);
    workers_close(s);
    clients_close(s);
    model_close(&s->model);
    while (s->mail_count > 0) free(take_mail(s).data);
    free(s->mails);
    return violation[0] == '\0' ? NULL : violation;
}
