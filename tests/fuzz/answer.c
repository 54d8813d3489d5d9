/* answer.c - answers as the library's typed calls read them, from an engine that may say anything: a reply is accepted and whole,
 * refused with a sentence, or none. The first byte names the message that was sent. */
#include <pedido/pedido.h>

#include "clients/lib/state.h"
#include "proto/framing.h"
#include "tests/fuzz/fuzz.h"

static void
check_reply(void *context, struct pd_reply *reply)
{
    static struct mp_writer w;
    static struct pd_event  event;
    const struct pd_block  *block = context;

    PD_CHECK((reply->status == PD_CLIENT_OK) == (reply->data != NULL));
    PD_CHECK(reply->status != PD_CLIENT_REFUSED || reply->refused.message.data != NULL);
    PD_CHECK((reply->problem[0] == '\0') <= (reply->status == PD_CLIENT_OK || reply->status == PD_CLIENT_REFUSED));
    if (reply->data == NULL) return;
    mp_writer_clear(&w);
    pd_encode_map(&w, block->reply(), reply->data);
    if (block->reply() != pd_block_events_reply()) return;
    const struct pd_events_reply *events = reply->data;
    for (size_t i = 0; i < events->events_count; i++) pd_event_from_view(&events->events[i], &event);
}

/* What the library does with an answer, as a call that was begun holds it. */
static struct pd_taker
find_taker(struct pd_client *client)
{
    const struct pd_hello        hello = {0};
    const struct pd_call_message message = pd_hello_message(&hello);

    PD_CHECK(pd_call_start(client, &message, check_reply, NULL) == PD_CLIENT_OK);
    return TAILQ_FIRST(&client->pending)->taker;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pd_client_options options = {.endpoint = "ipc:///nobody/listens/here"};
    static struct pd_client              *client;
    static struct pd_taker                taker;
    struct pd_pending                     pending = {.step.id = PD_TEXT("h")};
    msgpack_object                        o;

    if (client == NULL) {
        PD_CHECK(pd_client_open(&options, &client) == PD_CLIENT_OK);
        taker = find_taker(client);
    }
    if (size == 0 || !fuzz_claims_little(data + 1, size - 1)) return -1;
    zmq_msg_close(&client->answer);
    PD_CHECK(zmq_msg_init_size(&client->answer, size - 1) == 0);
    memcpy(zmq_msg_data(&client->answer), data + 1, size - 1);
    if (!mp_parse(&client->reader, zmq_msg_data(&client->answer), size - 1, &o)) return -1;
    pd_call_answer_id(&o);
    pending.taker = taker;
    pending.taker.block = fuzz_block(FUZZ_KIND(command) | FUZZ_KIND(query), data[0]);
    pending.taker.context = (void *)(uintptr_t)pending.taker.block;
    if (pending.taker.block->reply != NULL) pending.taker.take(client, &pending, PD_CLIENT_OK, &o);
    return 0;
}
