/* clients.c - those who send commands: with libpedido's own step they retry, give up waiting and send again; and their old messages
 * come again by themselves. */
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/sim.h"

void
clients_open(struct sim *s)
{
    for (int i = 0; i < CLIENTS; i++) {
        s->clients[i].number = i;
        s->clients[i].wake_ms = 1 + chance(s, 10);
        s->clients[i].life = 1;
    }
}

void
clients_close(struct sim *s)
{
    for (int i = 0; i < CLIENTS; i++) {
        mp_writer_fini(&s->clients[i].frame);
        for (int n = 0; n < OLD_FRAMES; n++) mp_writer_fini(&s->clients[i].old[n]);
    }
}

static void
send_frame(struct sim *s, const struct client *c, const struct mp_writer *frame)
{
    struct mail m = {.to = TO_ENGINE, .from = c->number, .life = c->life, .port = PD_port_commands};
    send_mail(s, m, (struct pd_text){frame->data, frame->size});
}

/* What was answered is kept, to be sent again some day, by nobody's wish. */
static void
keep(struct client *c)
{
    size_t i = c->old_count++ % OLD_FRAMES;
    mp_writer_clear(&c->old[i]);
    mp_raw(&c->old[i], c->frame.data, c->frame.size);
    memcpy(c->old_ids[i], c->id, sizeof c->id);
}

static const msgpack_object *
last_of(const msgpack_object *answer)
{
    return answer->type == MSGPACK_OBJECT_ARRAY ? &answer->via.array.ptr[answer->via.array.size - 1] : answer;
}

static void
learn(struct client *c, const msgpack_object *answer)
{
    const msgpack_object *data = mp_find(last_of(answer), "data"), *error = mp_find(last_of(answer), "error");
    const msgpack_object *order = mp_find(data, "order"), *total = mp_find(data, "total");
    struct pd_text        state = mp_find_text(data == NULL ? error : data, "state");

    if (c->about == NULL) return;
    if (order != NULL && order->type == MSGPACK_OBJECT_POSITIVE_INTEGER) c->about->number = order->via.u64;
    if (total != NULL && total->type == MSGPACK_OBJECT_POSITIVE_INTEGER) c->about->total = total->via.u64;
    if (state.data != NULL) c->about->state = pd_enum_number(pd_enum_order_state(), state);
}

/* Its next command; false: not yet. */
static bool
choose(struct sim *s, struct client *c)
{
    if (c->number > 0 && !shop_is_open(s)) { /* it comes later */
        c->wake_ms = s->now_ms + 50;
        return false;
    }
    if (c->old_count > OLD_FRAMES && befalls(s, FAULT_copied, 12)) send_frame(s, c, &c->old[chance(s, OLD_FRAMES)]);
    make_command(s, c);
    return true;
}

void
client_step(struct sim *s, struct client *c, struct pd_text answer)
{
    struct mp_reader reader = {.ready = false};
    msgpack_object   parsed;
    bool             came = answer.data != NULL && mp_parse(&reader, answer.data, answer.size, &parsed);

    if (!c->busy && came) { /* of what was sent again by nobody's wish */
        mp_reader_fini(&reader);
        return;
    }
    if (!c->busy) {
        c->wake_ms = UINT64_MAX;
        if (s->calm) { /* one of them looks after what is left */
            if (c->number > 0) return;
            c->wake_ms = s->now_ms + 300;
            if (!make_chore(s, c)) return;
        } else if (!choose(s, c)) return;
        s->counts.commands++;
        pd_call_init(&c->call, pd_text(c->id), 300 + (uint32_t)chance(s, 500) + c->patience_ms, 1000000);
        c->busy = true;
    }
    for (bool go = true; go; came = false)
        switch (pd_call_step(&c->call, s->now_ms, came ? &parsed : NULL)) {
        case PD_CALL_SEND:
            if (c->call.sent > 1) s->counts.faults[FAULT_resent]++;
            send_frame(s, c, &c->frame);
            break;
        case PD_CALL_REOPEN: c->life++; break;
        case PD_CALL_ANSWERED:
            s->counts.answers++;
            learn(c, &parsed);
            keep(c);
            c->busy = go = false;
            c->wake_ms = s->now_ms + 1 + chance(s, chance(s, 3) == 0 ? 600 : 60);
            break;
        case PD_CALL_WAIT:
            c->wake_ms = c->call.wake_ms;
            go = false;
            break;
        case PD_CALL_GIVE_UP: PD_CHECK(!"a client never gives up here"); break;
        default: break;
        }
    mp_reader_fini(&reader);
}
