/* subscribers.c - programs that follow the log, with libpedido itself: two of a reseller and one of all. Some keep their position
 * with what they do for an event, some let the library keep a checkpoint. Four more have the engine keep it, two under a name of a
 * reseller and two under the same name of all: each pair contends for it. They are slow, they die, they end, they are cut off; and
 * what is published comes to them as a network pleases. */
#include <inttypes.h>
#include <stdlib.h>

#include "clients/lib/state.h"
#include "clients/lib/subscriber.h"
#include "proto/check.h"
#include "tests/sim/sim.h"

enum { AT_ONCE = 40, HELD_MS = 15000, RENEW_MS = 3000 };

void
audience_open(struct sim *s)
{
    const char *const all = "~all", *const of[] = {resellers[0], resellers[1], all, resellers[1], resellers[1], all, all};

    for (int i = 0; i < SUBSCRIBERS; i++)
        s->subscribers[i] = (struct sim_subscriber){
            .number = i, .reseller = of[i],
            .exact = i < FIRST_NAMED && ((uint64_t)i + s->seed / 4) % 2 == 0, .name = i < FIRST_NAMED ? NULL : "avisos",
            .wake_ms = s->reads ? 1 + chance(s, 3000) : UINT64_MAX,
        };
}

void
audience_close(struct sim *s)
{
    for (int i = 0; i < SUBSCRIBERS; i++) {
        s->subscribers[i].dying = true;
        pd_event_fini(&s->subscribers[i].event);
        if (s->subscribers[i].client != NULL) library_close(s, &s->subscribers[i]);
    }
}

/* ---- the process ------------------------------------------------------------------------------------------------------- */

/* Asks for its name, and waits for it. False: another has it, or there is no engine to ask. */
static bool
attach(struct sim *s, struct sim_subscriber *f)
{
    struct pd_follow_options options = {.reseller = pd_text(f->reseller), .from = 1, .subscriber = pd_text(f->name)};
    enum pd_client_status    status = pd_subscriber_follow(f->client, &options, &f->stream);

    if (status == PD_CLIENT_OK) {
        uint64_t position = pd_subscriber_position(f->stream, NULL);
        tell(s, "# subscriber %d begins as %s behind %" PRIu64, f->number, f->holder, position);
        model_reader_attached(s->model, (size_t)f->number, options.reseller, options.subscriber, pd_text(f->holder),
                              pd_subscriber_log(f->stream), position);
        return true;
    }
    enum pd_error_code code = pd_client_refusal(f->client);
    bool later = code == PD_E_busy || code == PD_E_shutting_down || code == PD_E_storage_full || status == PD_CLIENT_NO_ANSWER ||
                 (code == PD_E_reseller_not_found && !shop_is_open(s));
    if (code == PD_E_subscriber_in_use) s->counts.faults[FAULT_name_refused]++;
    else if (!later) model_blame(s->model, pd_client_problem(f->client));
    library_close(s, f);
    f->wake_ms = s->now_ms + 1 + chance(s, 4000);
    return false;
}

/* False: not yet. */
static bool
begin(struct sim *s, struct sim_subscriber *f)
{
    char                     path[4];
    struct pd_follow_options options = {.reseller = pd_text(f->reseller), .from = 1};
    struct pd_text           log = {f->kept.log[0] == '\0' ? NULL : f->kept.log, strlen(f->kept.log)};

    snprintf(path, sizeof path, "%d", f->number);
    if (f->exact) options.log = log, options.from = f->kept.position + 1;
    else options.checkpoint = path;
    f->dying = f->given = f->refused = false;
    f->slow_ms = 0;
    library_open(s, f);
    if (f->name != NULL) return attach(s, f);
    PD_CHECK(pd_subscriber_follow(f->client, &options, &f->stream) == PD_CLIENT_OK);
    tell(s, "# subscriber %d begins behind %" PRIu64, f->number, f->kept.position);
    model_reader_begins(s->model, (size_t)f->number, options.reseller, f->exact, log);
    return true;
}

/* Dead, or closed in good order: what was given last is not done. */
static void
end(struct sim *s, struct sim_subscriber *f, bool dead)
{
    tell(s, "# subscriber %d %s", f->number, dead ? "dies" : "ends");
    f->dying = dead;
    library_close(s, f);
    f->wake_ms = s->now_ms + 1 + chance(s, chance(s, 4) == 0 ? 9000 : 500);
}

/* What it does for an event; and then, or with it, it keeps how far it has come. */
static void
act(struct sim *s, struct sim_subscriber *f)
{
    f->given = false;
    model_reader_done(s->model, (size_t)f->number);
    if (!f->exact) return;
    f->kept.position = f->event.position;
    snprintf(f->kept.log, sizeof f->kept.log, "%s", pd_subscriber_log(f->stream).data);
}

static void
begin_anew(struct sim *s, struct sim_subscriber *f)
{
    s->counts.faults[f->name == NULL ? FAULT_told_of_restore : FAULT_name_reset]++;
    tell(s, "# subscriber %d hears that the log is another", f->number);
    model_reader_reset(s->model, (size_t)f->number);
    if (f->exact) f->kept = (struct pd_checkpoint){.position = 0};
    if (befalls(s, FAULT_subscriber_died, 4)) end(s, f, true);
    else if (pd_subscriber_restart(f->stream, 1) == PD_CLIENT_OK) return;
    else if (f->name == NULL) model_blame(s->model, "a subscriber cannot begin anew");
    else end(s, f, true); /* no answer, or another was faster */
}

/* Its name is another's by now, or is no more. */
static void
lose_name(struct sim *s, struct sim_subscriber *f)
{
    enum pd_error_code code = pd_client_refusal(f->client);
    bool               deleted = code == PD_E_subscriber_not_found;

    if (f->name == NULL || (!deleted && code != PD_E_subscriber_in_use)) {
        model_blame(s->model, pd_client_problem(f->client));
        return;
    }
    s->counts.faults[deleted ? FAULT_name_deleted : FAULT_name_lost]++;
    f->refused = true;
    end(s, f, false);
}

/* What befalls those that hold a name: each for longer than it is held. */
static bool
is_kept_long(struct sim *s, struct sim_subscriber *f)
{
    if (f->name == NULL) return false;
    if (befalls(s, FAULT_holder_cut, 900)) f->cut_off_ms = s->now_ms + HELD_MS + chance(s, 8000);
    bool silent = befalls(s, FAULT_holder_slow, 900);
    if (!silent && !befalls(s, FAULT_holder_renewed, 900)) return false;
    f->slow_ms = s->now_ms + HELD_MS + chance(s, 8000);
    f->wake_ms = silent ? f->slow_ms : s->now_ms + RENEW_MS;
    return true;
}

/* Takes one event. False: there is nothing more to do now. */
static bool
take(struct sim *s, struct sim_subscriber *f)
{
    switch (pd_subscriber_event(f->stream, 0, &f->event)) {
    case PD_CLIENT_OK: break;
    case PD_CLIENT_NO_ANSWER: return false;
    case PD_CLIENT_RESET: begin_anew(s, f); return false;
    default: lose_name(s, f); return false;
    }
    f->given = true;
    note(s, f->event.type_name);
    model_reader_given(s->model, (size_t)f->number, &f->event);
    if (befalls(s, f->name == NULL ? FAULT_subscriber_died : FAULT_holder_died, 800)) return end(s, f, true), false;
    if (befalls(s, FAULT_subscriber_ended, 800)) return end(s, f, false), false;
    if (is_kept_long(s, f)) return false;
    if (chance(s, 20) == 0) { /* it takes its time */
        f->wake_ms = s->now_ms + 1 + chance(s, 40);
        return false;
    }
    act(s, f);
    if (befalls(s, FAULT_subscriber_done, 800)) return end(s, f, true), false;
    if (f->name != NULL && chance(s, 100) == 0) (void)pd_subscriber_save(f->stream); /* what comes of it, the next event tells */
    return true;
}

/* Still at its event. */
static bool
is_at_it(struct sim *s, struct sim_subscriber *f)
{
    if (!f->given || s->now_ms >= f->slow_ms) return false;
    if (pd_subscriber_renew(f->stream) != PD_CLIENT_OK) lose_name(s, f);
    else f->wake_ms = s->now_ms + RENEW_MS < f->slow_ms ? s->now_ms + RENEW_MS : f->slow_ms;
    return true;
}

void
subscriber_step(struct sim *s, struct sim_subscriber *f)
{
    library_enter(s, f);
    if (f->client == NULL && !begin(s, f)) return;
    if (is_at_it(s, f)) return;
    f->wake_ms = s->now_ms + 1000;
    if (f->given) act(s, f);
    for (int n = 0; take(s, f); n++)
        if (n == AT_ONCE) {
            f->wake_ms = s->now_ms + 1;
            return;
        }
    if (f->client == NULL) return;
    if (f->client->wake_ms < f->wake_ms) f->wake_ms = f->client->wake_ms;
    if (f->wake_ms <= s->now_ms) f->wake_ms = s->now_ms + 1;
}

/* ---- the stream -------------------------------------------------------------------------------------------------------- */

static bool
is_for(const struct sim_subscriber *f, struct pd_text topic)
{
    size_t size = strlen(f->reseller);
    return library_stream(f) != NULL && topic.size > size && memcmp(topic.data, f->reseller, size) == 0 && topic.data[size] == '/';
}

bool
subscribers_want(const struct sim *s, struct pd_text topic)
{
    for (int i = 0; i < SUBSCRIBERS; i++)
        if (is_for(&s->subscribers[i], topic)) return true;
    return false;
}

/* A heartbeat is lost as often as it comes, so that it must not be needed soon. */
static void
send_to(struct sim *s, struct sim_subscriber *f, struct mail m, struct pd_text message, bool heartbeat)
{
    struct sim_socket *stream = library_stream(f);

    m.to = FIRST_SUBSCRIBER + f->number;
    m.life = library_life(stream);
    if (library_is_cut(stream) || s->now_ms < f->cut_off_ms) return;
    if (befalls(s, FAULT_stream_cut, 4000)) library_cut(stream);
    if (heartbeat ? befalls(s, FAULT_heartbeat_lost, 2) : befalls(s, FAULT_event_lost, 25)) return;
    for (int copies = befalls(s, FAULT_event_doubled, 40) ? 2 : 1; copies > 0; copies--) {
        m.at_ms = s->now_ms + 1 + chance(s, 3);
        if (befalls(s, FAULT_event_late, 40)) m.at_ms += chance(s, 1500);
        post(s, m, message);
    }
}

void
subscribers_publish(struct sim *s, struct pd_text topic, struct pd_text body)
{
    char        message[16384];
    struct mail m = {.from = TO_ENGINE, .port = PD_port_queries, .topic = topic.size};
    bool        heartbeat = topic.size > 6 && memcmp(topic.data + topic.size - 6, "/~head", 6) == 0;

    PD_CHECK(topic.size + body.size <= sizeof message);
    memcpy(message, topic.data, topic.size);
    memcpy(message + topic.size, body.data, body.size);
    for (int i = 0; i < SUBSCRIBERS; i++)
        if (is_for(&s->subscribers[i], topic))
            send_to(s, &s->subscribers[i], m, (struct pd_text){message, topic.size + body.size}, heartbeat);
}

void
subscriber_hear(struct sim *s, const struct mail *m)
{
    struct sim_subscriber *f = &s->subscribers[m->to - FIRST_SUBSCRIBER];

    if (f->client == NULL || !library_receive(s, f, m) || f->given || f->waiting) return;
    if (f->wake_ms > s->now_ms) f->wake_ms = s->now_ms;
}
