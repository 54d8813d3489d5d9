/* library.c - the life of orders through libpedido's asynchronous calls, as a service would: the library makes ids, sends, and
 * takes answers apart. Reports are a worker's affair and go by the wire. */
#include <pedido/pedido.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/bench/lifecycle.h"

void
library_open(struct lifecycle *l, const char *commands)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;

    options.endpoint = commands;
    options.outstanding = (uint32_t)l->outstanding;
    options.timeout_ms = 60000;
    PD_CHECK(pd_client_open(&options, &l->client) == PD_CLIENT_OK);
    l->send = library_send;
}

void
library_close(struct lifecycle *l)
{
    pd_client_close(&l->client);
}

int
library_fd(const struct lifecycle *l)
{
    return pd_client_fd(l->client);
}

static void
take_reply(void *context, struct pd_reply *reply)
{
    struct saga *s = context;

    if (reply->status != PD_CLIENT_OK) fprintf(stderr, "refused: %s\n", reply->problem);
    lifecycle_answered(s->of, (size_t)(s - s->of->sagas), s->step, reply->status == PD_CLIENT_OK);
}

static void
start_call(struct lifecycle *l, size_t saga, struct pd_call_message message)
{
    char reseller[32];

    lifecycle_reseller(l, saga, reseller);
    message.reseller = pd_text(reseller);
    PD_CHECK(pd_call_start(l->client, &message, take_reply, &l->sagas[saga]) == PD_CLIENT_OK);
}

void
library_send(struct lifecycle *l, size_t saga)
{
    char                   reference[64], domain[64];
    struct pd_item_request item = {.plan = PD_TEXT("web"), .period = PD_TEXT("1y")};

    lifecycle_reference(l, saga, reference);
    lifecycle_domain(l, saga, domain);
    item.domain.unicode = pd_text(domain);
    struct pd_text          order = pd_text(reference);
    struct pd_add_order     add = {.customer = PD_TEXT("ana"), .items = &item, .items_count = 1, .reference = order};
    struct pd_confirm_order confirm = {.reference = order};
    struct pd_open_order    open = {.reference = order};

    switch (l->sagas[saga].step) {
    case 'a': start_call(l, saga, pd_add_order_message(&add)); break;
    case 'c': start_call(l, saga, pd_confirm_order_message(&confirm)); break;
    default: start_call(l, saga, pd_open_order_message(&open)); break;
    }
}

void
library_take(struct lifecycle *l)
{
    pd_client_poll(l->client, 0);
}
