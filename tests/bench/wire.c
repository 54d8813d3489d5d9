/* wire.c - the life of orders over bare sockets, packed by hand: on shared cores the load takes from the engine what it costs. */
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "engine/base/decimal.h"
#include "proto/check.h"
#include "tests/bench/lifecycle.h"

enum { AT_ONCE = 256, ANSWER_MAX = 1 << 20, CREDIT = 1024 };

void
wire_open(struct lifecycle *l, const char *commands, const char *workers)
{
    l->send = wire_send;
    l->commands.peers = load_peers_open(l->context, commands, l->commands.peers.count);
    l->reports.peers = load_peers_open(l->context, workers, 1);
}

void
wire_close(struct lifecycle *l)
{
    struct bundle *bundles[] = {&l->commands, &l->reports};

    for (size_t i = 0; i < 2; i++) {
        zmq_close(bundles[i]->peers.socket);
        mp_writer_fini(&bundles[i]->parts);
        mp_writer_fini(&bundles[i]->whole);
    }
}

/* ---- out ----------------------------------------------------------------------------------------------------------- */

static void
flush(struct lifecycle *l, struct bundle *b, size_t peer)
{
    struct mp_writer *w = &b->parts;

    if (b->count == 0) return;
    if (b->most > 1) {
        w = &b->whole;
        mp_writer_clear(w);
        mp_array(w, b->count);
        mp_raw(w, b->parts.data, b->parts.size);
    }
    load_send_to(&b->peers, peer, w->data, w->size);
    l->sent_bytes += w->size;
    l->commands_sent += b->count;
    l->messages++;
    b->count = 0;
    mp_writer_clear(&b->parts);
}

static void
put(struct lifecycle *l, struct bundle *b, size_t peer)
{
    if (++b->count == b->most) flush(l, b, peer);
}

void
wire_flush(struct lifecycle *l)
{
    flush(l, &l->commands, 0);
    flush(l, &l->reports, 0);
}

/* "<step>-<saga>": tells both when it comes back; and what makes it unlike every other one. */
static void
name_step(const struct lifecycle *l, char step, size_t saga, char id[64])
{
    char *at = id;
    *at++ = step;
    *at++ = '-';
    at = decimal_put(at, saga);
    *at++ = '-';
    at = stpcpy(at, l->run);
    *at++ = '-';
    *decimal_put(at, l->sagas[saga].number) = '\0';
}

void
wire_send(struct lifecycle *l, size_t saga)
{
    struct mp_writer *w = &l->commands.parts;
    char              step = l->sagas[saga].step, id[64], reseller[32], reference[64], domain[64];

    name_step(l, step, saga, id);
    lifecycle_reseller(l, saga, reseller);
    lifecycle_reference(l, saga, reference);
    if (step == 'a') {
        lifecycle_domain(l, saga, domain);
        load_add_request(w, "AddOrder", id, reseller, 3);
        load_text(w, "customer", "ana");
        mp_key(w, "items");
        mp_array(w, 1);
        mp_map(w, 3);
        load_text(w, "plan", "web");
        load_text(w, "period", "1y");
        load_text(w, "domain", domain);
    } else load_add_request(w, step == 'c' ? "ConfirmOrder" : "OpenOrder", id, reseller, 1);
    load_text(w, "reference", reference);
    put(l, &l->commands, saga % l->commands.peers.count);
}

void
wire_report(struct lifecycle *l, size_t saga)
{
    struct mp_writer *w = &l->reports.parts;
    char              id[64], reseller[32];

    name_step(l, 'r', saga, id);
    lifecycle_reseller(l, saga, reseller);
    load_add_request(w, "ReportSuccess", id, reseller, 4);
    load_text(w, "worker", "bench");
    mp_key(w, "task");
    mp_uint(w, l->sagas[saga].task);
    mp_key(w, "lease");
    mp_uint(w, l->sagas[saga].lease);
    mp_key(w, "parameters");
    mp_map(w, 1);
    load_text(w, "login", "https://panel.example/login");
    put(l, &l->reports, 0);
}

void
wire_ready(struct lifecycle *l)
{
    struct mp_writer *w = &l->reports.whole;

    load_request(w, "WorkerReady", "w", "reseller-0", 3);
    load_text(w, "worker", "bench");
    mp_key(w, "groups");
    mp_array(w, 1);
    mp_key(w, "hosting");
    mp_key(w, "credit");
    mp_uint(w, CREDIT);
    load_send_to(&l->reports.peers, 0, w->data, w->size);
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */

/* An answer begins {"id": "<step>-<saga>-...", "ok": true. */
static void
take_answer(struct lifecycle *l, const char *bytes, const char *end)
{
    const char *id = bytes + 4, *after = mp_skip(id, end);
    size_t      header = (unsigned char)*id >= 0xd9 ? 2 : 1;
    bool        ok = after != NULL && after + 3 < end && (unsigned char)after[3] == 0xc3;

    if (id[header] == 'w') return; /* WorkerReady's */
    if (!ok) fprintf(stderr, "refused: %.*s\n", (int)(end - bytes < 300 ? end - bytes : 300), bytes);
    lifecycle_answered(l, strtoul(id + header + 2, NULL, 10), id[header], ok);
}

static void
take_answers(struct lifecycle *l, const char *bytes, size_t size)
{
    const char *end = bytes + size, *at = bytes, *next;

    l->received_bytes += size;
    if ((unsigned char)*at >> 4 == 8) { /* a map */
        take_answer(l, at, end);
        return;
    }
    size_t count = load_array_size(at);
    at += (unsigned char)*at == 0xdc ? 3 : 1;
    for (size_t i = 0; i < count; i++, at = next) {
        PD_CHECK((next = mp_skip(at, end)) != NULL);
        take_answer(l, at, next);
    }
}

/* The saga that a reference names. */
static void
take_assignment(struct lifecycle *l, const char *bytes, size_t size)
{
    const char *reference = load_after(bytes, size, "\xa9reference");
    char       *after;
    uint64_t    order = strtoull(reference + 1 + ((unsigned char)*reference >= 0xd9), &after, 10);
    size_t      saga = strtoul(after + 1, &after, 10);

    /* What an earlier run left is not ours to report. */
    if (saga >= SAGAS_MAX || l->sagas[saga].number != order || memcmp(after + 1, l->run, strlen(l->run)) != 0) return;
    l->sagas[saga].task = load_uint(load_after(bytes, size, "\xa4task"));
    l->sagas[saga].lease = load_uint(load_after(bytes, size, "\xa5lease"));
    lifecycle_assigned(l, saga);
}

static void
drain(struct lifecycle *l, const struct load_peers *peers)
{
    static char in[ANSWER_MAX];
    size_t      peer;
    int         size;

    for (int i = 0; i < AT_ONCE && (size = load_receive_from(peers, in, sizeof in, ZMQ_DONTWAIT, &peer)) > 0; i++) {
        /* An assignment begins {"type": ... */
        if ((unsigned char)in[0] >> 4 == 8 && (unsigned char)in[1] == 0xa4) take_assignment(l, in, (size_t)size);
        else take_answers(l, in, (size_t)size);
    }
}

void
wire_take(struct lifecycle *l)
{
    drain(l, &l->commands.peers);
}

void
wire_take_worker(struct lifecycle *l)
{
    drain(l, &l->reports.peers);
}
