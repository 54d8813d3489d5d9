/* place-order ENDPOINT CUSTOMER PLAN - orders a plan for a month and shows what it costs.
 *
 *     cc place-order.c $(pkg-config --cflags --libs pedido) -o place-order */
#include <inttypes.h>
#include <pedido/pedido.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct pd_client        *client;
    struct pd_reply          reply = {0};

    if (argc != 4) return 2;
    options.endpoint = argv[1];
    if (pd_client_open(&options, &client) != PD_CLIENT_OK) return 2;

    struct pd_item_request        item = {.plan = pd_text(argv[3]), .period = PD_TEXT("1m")};
    struct pd_add_order           order = {.customer = pd_text(argv[2]), .items = &item, .items_count = 1};
    const struct pd_review_reply *review = pd_add_order(client, &order, &reply);
    if (review != NULL)
        printf("order %" PRIu64 ": %" PRIu64 " in minor units of %s\n", review->order, review->total, review->currency.data);
    else fprintf(stderr, "%s\n", reply.problem);

    int status = review != NULL ? 0 : 1;
    pd_reply_fini(&reply);
    pd_client_close(&client);
    return status;
}
