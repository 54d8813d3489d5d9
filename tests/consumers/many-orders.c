/* many-orders ENDPOINT CUSTOMER PLAN COUNT - orders as fast as the engine answers: many calls under way, none waited for. */
#include <pedido/pedido.h>
#include <stdio.h>
#include <stdlib.h>

struct tally {
    unsigned long accepted, failed;
};

static void
count(void *context, struct pd_reply *reply)
{
    struct tally *tally = context;

    if (pd_add_order_reply(reply) != NULL) {
        tally->accepted++;
        return;
    }
    /* The first of them says what is wrong. */
    if (tally->failed++ == 0) fprintf(stderr, "%s\n", reply->problem);
}

int
main(int argc, char **argv)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct pd_client        *client;
    struct tally             tally = {0, 0};

    if (argc != 5) return 2;
    options.endpoint = argv[1];
    if (pd_client_open(&options, &client) != PD_CLIENT_OK) return 2;

    struct pd_item_request item = {.plan = pd_text(argv[3]), .period = PD_TEXT("1m")};
    struct pd_add_order    order = {.customer = pd_text(argv[2]), .items = &item, .items_count = 1};
    for (unsigned long n = strtoul(argv[4], NULL, 10); n > 0;) {
        const struct pd_call_message message = pd_add_order_message(&order);
        enum pd_client_status        status = pd_call_start(client, &message, count, &tally);
        if (status == PD_CLIENT_OK) n--;
        else if (status == PD_CLIENT_FULL) pd_client_poll(client, 1000);
        else {
            fprintf(stderr, "%s\n", pd_client_problem(client));
            break;
        }
    }
    while (pd_client_poll(client, 1000) > 0) continue;
    printf("%lu orders, %lu failed\n", tally.accepted, tally.failed);

    pd_client_close(&client);
    return tally.failed == 0 ? 0 : 1;
}
