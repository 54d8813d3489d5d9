/* watch-events ENDPOINT RESELLER - shows what happens to a reseller's orders, until one is completed or nothing is heard of the
 * engine for ten seconds. */
#include <inttypes.h>
#include <pedido/pedido.h>
#include <stdio.h>

/* Whether that was all. */
static int
show(const struct pd_event *event)
{
    const struct pd_order_added     *added = pd_event_order_added(event);
    const struct pd_order_completed *completed = pd_event_order_completed(event);

    if (event->heartbeat) printf("listening, at position %" PRIu64 "\n", event->position);
    else if (added != NULL)
        printf("%" PRIu64 ": OrderAdded, order %" PRIu64 " of %s\n", event->position, added->order,
               added->customer.data);
    else printf("%" PRIu64 ": %s\n", event->position, event->type_name.data);
    fflush(stdout);
    return completed != NULL;
}

int
main(int argc, char **argv)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct pd_client        *client;
    struct pd_subscriber    *subscriber;
    struct pd_event          event = {0};
    char                     prefix[80];

    if (argc != 3) return 2;
    options.endpoint = argv[1];
    snprintf(prefix, sizeof prefix, "%s/", argv[2]);
    if (pd_client_open(&options, &client) != PD_CLIENT_OK) return 2;

    enum pd_client_status status = pd_subscriber_open(client, pd_text(prefix), &subscriber);
    if (status == PD_CLIENT_OK) {
        while ((status = pd_subscriber_event(subscriber, 10000, &event)) == PD_CLIENT_OK && !show(&event)) continue;
        pd_event_fini(&event);
        pd_subscriber_close(&subscriber);
    }
    if (status != PD_CLIENT_OK) fprintf(stderr, "%s\n", pd_client_problem(client));
    pd_client_close(&client);
    return status == PD_CLIENT_OK ? 0 : 1;
}
